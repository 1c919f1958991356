//! Two banks that call one another, and waiting for what they tell.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of this"
)]

pub mod registrar;

use hotline_media::analysis::tone_level_db;
use hotline_phone::{Bank, BankConfig, BankHandle, Event, EventKind, PhoneId, Transport};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// A bank and all that it has told.
pub struct Side {
    pub bank: BankHandle,
    events: Receiver<Event>,
    pub told: Vec<Event>,
}

impl Side {
    pub fn start(server: SocketAddr, transport: Transport) -> Self {
        let mut config = BankConfig::to(server).unwrap();
        config.transport = transport;
        Self::with(config)
    }

    pub fn with(config: BankConfig) -> Self {
        let (bank, events) = Bank::start(config).unwrap();
        Self {
            bank,
            events,
            told: Vec::new(),
        }
    }

    /// Waits until this phone has told something of this kind, and returns the event.
    pub fn wait(
        &mut self,
        phone: PhoneId,
        what: &str,
        is_it: impl Fn(&EventKind) -> bool,
    ) -> Event {
        let until = Instant::now() + PATIENCE;
        let mut read = 0;
        loop {
            while let Some(event) = self.told.get(read) {
                read += 1;
                if event.phone == phone && is_it(&event.kind) {
                    return event.clone();
                }
            }
            match self
                .events
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(event) => self.told.push(event),
                Err(_) => panic!("waiting for {what} of phone {phone}: {:#?}", self.told),
            }
        }
    }

    pub fn wait_ended(&mut self, phone: PhoneId) -> Event {
        self.wait(phone, "its end", |kind| {
            matches!(kind, EventKind::Ended { .. })
        })
    }

    /// Everything of one phone so far, without instants.
    pub fn kinds(&mut self, phone: PhoneId) -> Vec<EventKind> {
        self.told.extend(self.events.try_iter());
        self.told
            .iter()
            .filter(|event| event.phone == phone)
            .map(|event| event.kind.clone())
            .collect()
    }

    pub fn digits(&mut self, phone: PhoneId) -> String {
        let digit = |kind| {
            if let EventKind::Digit { digit } = kind {
                Some(digit)
            } else {
                None
            }
        };
        self.kinds(phone).into_iter().filter_map(digit).collect()
    }
}

/// The one who calls and the one who is called.
pub fn pair(transport: Transport) -> (Side, Side) {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    let called = Side::start(nowhere, transport);
    let caller = Side::start(called.bank.local(), transport);
    (caller, called)
}

/// A file of this test's own.
pub fn file(name: &str) -> PathBuf {
    static FILES: AtomicU64 = AtomicU64::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("phone-{}-{number}-{name}", std::process::id()))
}

/// Decisions 44: the tone within 3 dB of what was sent, the other one at least 40 dB below it.
#[track_caller]
pub fn assert_tone(samples: &[i16], hz: u32, sent_db: u32, other_hz: u32) {
    let (level, other) = (
        tone_level_db(samples, 8_000, hz),
        tone_level_db(samples, 8_000, other_hz),
    );
    assert!(
        (level + f64::from(sent_db)).abs() < 3.0,
        "{hz} Hz at {level:.1} dB, sent at -{sent_db}"
    );
    assert!(
        other < level - 40.0,
        "{other_hz} Hz at {other:.1} dB beside {hz} Hz at {level:.1}"
    );
}

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
