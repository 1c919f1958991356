//! The people of the demo: six counsellors, and callers who press keys, wait, talk, or give up.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use hotline_phone::{
    AnswerScript, Bank, BankConfig, BankHandle, CallScript, Event, EventKind, PhoneId, Step, Talk,
};

use super::dice::Dice;
use super::server::DemoServer;
use crate::failure::Failure;

/// Counsellors sit here.
const DESK: [u8; 4] = [127, 0, 0, 3];
/// One new caller each so many milliseconds, from..to.
const NEXT_CALLER_MS: (u64, u64) = (1_500, 5_000);
/// Callers at once; beyond it nobody new calls by himself.
const CALLERS_MAX: usize = 24;
/// What callers press: most press nothing at all.
const KEYS: [&str; 10] = ["", "", "", "1", "1", "1", "2", "0", "9", "4"];

/// How the people are, for the screen.
pub(super) struct Standing {
    pub(super) is_paused: bool,
    pub(super) callers: usize,
    pub(super) calls_made: u64,
    pub(super) calls_answered: u64,
}

pub(super) struct People {
    callers: BankHandle,
    counsellors: BankHandle,
    caller_events: Receiver<Event>,
    counsellor_events: Receiver<Event>,
    desks: BTreeMap<PhoneId, ()>,
    calling: BTreeMap<PhoneId, ()>,
    dice: Dice,
    next_caller: Instant,
    is_paused: bool,
    calls_made: u64,
    calls_answered: u64,
}

impl People {
    pub(super) fn start(server: &DemoServer, is_quiet: bool) -> Result<Self, Failure> {
        let (callers, caller_events) = bank(server, server.trunk()?)?;
        let (counsellors, counsellor_events) = bank(server, IpAddr::from(DESK))?;
        let mut dice = Dice::from_clock();
        let mut desks = BTreeMap::new();
        for user in server.counsellors() {
            let script = counsellor(&mut dice);
            desks.insert(counsellors.register(&user, server.password(), script), ());
        }
        Ok(Self {
            callers,
            counsellors,
            caller_events,
            counsellor_events,
            desks,
            calling: BTreeMap::new(),
            dice,
            next_caller: Instant::now() + Duration::from_secs(2),
            is_paused: is_quiet,
            calls_made: 0,
            calls_answered: 0,
        })
    }

    /// Lets time pass: hears what happened, and lets the next caller dial.
    pub(super) fn tick(&mut self) {
        while let Ok(event) = self.caller_events.try_recv() {
            match event.kind {
                EventKind::Answered { .. } => self.calls_answered += 1,
                EventKind::Ended { .. } => {
                    self.calling.remove(&event.phone);
                }
                _ => {}
            }
        }
        while let Ok(event) = self.counsellor_events.try_recv() {
            if matches!(event.kind, EventKind::Ended { .. })
                && self.desks.contains_key(&event.phone)
            {
                let script = counsellor(&mut self.dice);
                self.counsellors.rescript(event.phone, script);
            }
        }
        if !self.is_paused && Instant::now() >= self.next_caller {
            let wait = self.dice.between(NEXT_CALLER_MS.0, NEXT_CALLER_MS.1);
            self.next_caller = Instant::now() + Duration::from_millis(wait);
            if self.calling.len() < CALLERS_MAX {
                self.call();
            }
        }
    }

    /// Many callers at once, as after a text message to a whole province.
    pub(super) fn burst(&mut self, count: usize) {
        for _ in 0..count {
            self.call();
        }
    }

    /// No new callers, or again some.
    pub(super) fn pause(&mut self) {
        self.is_paused = !self.is_paused;
    }

    pub(super) fn standing(&self) -> Standing {
        Standing {
            is_paused: self.is_paused,
            callers: self.calling.len(),
            calls_made: self.calls_made,
            calls_answered: self.calls_answered,
        }
    }

    /// Everybody hangs up.
    pub(super) fn stop(self) {
        self.callers.stop();
        self.counsellors.stop();
    }

    fn call(&mut self) {
        let number = format!("09{:08}", self.dice.between(10_000_000, 99_999_999));
        let keys = self.dice.pick(&KEYS).copied().unwrap_or_default();
        let before_key_ms = self.dice.between(500, 6_000);
        let patience_ms = self.dice.between(25_000, 90_000);
        // Silent until the key: voice at the menu is a choice of its own (straight to a person).
        let mut talk = Talk::new().step(Step::Quiet).wait_ms(before_key_ms);
        if !keys.is_empty() {
            talk = talk.press(keys);
        }
        let talk = talk.tone(300, 26).wait_ms(patience_ms).hang_up();
        let phone = self
            .callers
            .call(CallScript::dial("111").from(&number).talk(talk));
        self.calling.insert(phone, ());
        self.calls_made += 1;
    }
}

fn counsellor(dice: &mut Dice) -> AnswerScript {
    let ring_ms = dice.between(800, 4_000);
    let talk_ms = dice.between(8_000, 30_000);
    AnswerScript::answer_after_ms(ring_ms)
        .talk(Talk::new().tone(440, 26).wait_ms(talk_ms).hang_up())
}

fn bank(server: &DemoServer, local: IpAddr) -> Result<(BankHandle, Receiver<Event>), Failure> {
    let phones = |error: hotline_phone::Error| Failure::Tool {
        program: "hotline-phone".to_owned(),
        message: error.to_string(),
    };
    let config = BankConfig {
        local,
        ..BankConfig::to(server.address()).map_err(phones)?
    };
    Bank::start(config).map_err(phones)
}
