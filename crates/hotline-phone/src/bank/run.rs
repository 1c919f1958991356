//! The loop of a bank: one thread for all its phones.

use super::audio::Audio;
use super::phone::{Call, Phone, Role, Stage};
use super::timers::{Task, Timer, Timers};
use super::{BankConfig, Farewell, Order};
use crate::alarm::Alarm;
use crate::clock::Clock;
use crate::error::Error;
use crate::event::{EndedBy, Event, EventKind, PhoneId};
use crate::line::{Line, TOKEN_FREE};
use crate::script::{AnswerScript, PRESS_GAP_MS, PRESS_MS, Reaction};
use hotline_media::{Command as MediaCommand, LegId, RecordingId};
use hotline_sip::{Command, DialogId, Event as SipEvent, Failure, Mono};
use mio::{Events, Poll, Token, Waker};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};

pub(crate) struct Runner {
    pub(super) config: BankConfig,
    pub(super) clock: Clock,
    poll: Poll,
    waker: Arc<Waker>,
    alarm: Alarm,
    orders: Receiver<Order>,
    events: Sender<Event>,
    pub(super) line: Line,
    pub(super) audio: Audio,
    pub(super) timers: Timers,
    pub(super) phones: BTreeMap<PhoneId, Phone>,
    pub(super) users: HashMap<String, PhoneId>,
    pub(super) dialogs: HashMap<DialogId, PhoneId>,
    pub(super) legs: HashMap<LegId, PhoneId>,
    /// Whose recordings grow, and how they shall be called.
    pub(super) recordings: HashMap<RecordingId, (PhoneId, PathBuf)>,
    /// Phones that wait for an RTP port.
    pub(super) starved: VecDeque<PhoneId>,
    /// Next number of ours: dialogs are odd (the endpoint has the even ones), the rest just grows.
    number_next: u64,
    farewell: Option<(Farewell, Mono)>,
}

impl Runner {
    pub(crate) fn open(
        config: BankConfig,
        orders: Receiver<Order>,
        events: Sender<Event>,
    ) -> Result<Self, Error> {
        let poll = Poll::new().map_err(Error::system("epoll"))?;
        let clock = Clock::start();
        let local = SocketAddr::new(config.local, config.port);
        let mut line = Line::open(
            poll.registry(),
            clock,
            0,
            local,
            config.server,
            config.transport,
        )?;
        if let Some((authority, name)) = &config.tls {
            line.trust(authority, name)?;
        }
        let waker = Arc::new(Waker::new(poll.registry(), WAKE).map_err(Error::system("a waker"))?);
        let alarm = Alarm::register(poll.registry(), ALARM)?;
        let audio = Audio::start(&config, line.local(), Arc::clone(&waker))?;
        Ok(Self {
            config,
            clock,
            poll,
            waker,
            alarm,
            orders,
            events,
            line,
            audio,
            timers: Timers::default(),
            phones: BTreeMap::new(),
            users: HashMap::new(),
            dialogs: HashMap::new(),
            legs: HashMap::new(),
            recordings: HashMap::new(),
            starved: VecDeque::new(),
            number_next: 1,
            farewell: None,
        })
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.line.local()
    }

    pub(crate) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    pub(crate) fn run(mut self) {
        let mut ready = Events::with_capacity(EVENTS_MAX);
        while !self.is_over() {
            self.turn();
            let now = self.clock.mono();
            self.alarm
                .set(self.next_deadline().map(|due| due.micros_since(now)));
            // An interrupted or failed wait is a short wait.
            let _ = self.poll.poll(&mut ready, None);
            // Orders first: whoever gave one before a call was made counts on it when the INVITE comes.
            self.obey();
            for token in ready.iter().map(mio::event::Event::token) {
                self.line.ready(token);
            }
        }
        self.audio.stop();
        while let Some(event) = self.audio.take_event() {
            self.on_media(event);
        }
        self.audio.clear();
    }

    /// Everything that can be done now.
    fn turn(&mut self) {
        self.obey();
        while let Some(event) = self.audio.take_event() {
            self.on_media(event);
        }
        self.line.tick();
        let now = self.clock.mono();
        while let Some(timer) = self.timers.take_due(now) {
            self.on_timer(timer);
        }
        while let Some((at, event)) = self.line.take_event() {
            self.on_sip(at, event);
        }
    }

    fn next_deadline(&self) -> Option<Mono> {
        let farewell = self
            .farewell
            .map(|(_, until)| self.line.over_at().map_or(until, |at| at.min(until)));
        let dues = [self.line.next_deadline(), self.timers.next(), farewell];
        dues.into_iter().flatten().min()
    }

    fn is_over(&self) -> bool {
        match self.farewell {
            None => false,
            Some((Farewell::Silent, _)) => true,
            Some((Farewell::Polite, until)) => {
                let now = self.clock.mono();
                until <= now || self.line.over_at().is_some_and(|at| at <= now)
            }
        }
    }

    fn obey(&mut self) {
        loop {
            match self.orders.try_recv() {
                Ok(order) => self.on_order(order),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return self.leave(Farewell::Polite),
            }
        }
    }

    fn on_order(&mut self, order: Order) {
        match order {
            Order::Call { phone, script } => {
                self.phones.insert(
                    phone,
                    Phone {
                        role: Role::Caller(script),
                        call: None,
                    },
                );
                self.dial(phone);
            }
            Order::HangUp { phone } => self.hang_up(phone),
            Order::Listen {
                phone,
                user,
                password,
                script,
            } => self.listen(phone, user, password, script),
            Order::Press { phone, digits, way } => {
                let Some(dialog) = self.dialog(phone) else {
                    return;
                };
                let now = self.clock.mono();
                for (index, digit) in (0u64..).zip(digits.chars()) {
                    let at = now.plus_millis(index * u64::from(PRESS_MS + PRESS_GAP_MS));
                    self.timers.set(
                        at,
                        Timer {
                            phone,
                            dialog,
                            task: Task::Key { digit, way },
                        },
                    );
                }
            }
            Order::Register { phone } => self.register(phone, None),
            Order::Rescript { phone, script: new } => {
                let Some(Role::Counsellor { user, script, .. }) =
                    self.phones.get_mut(&phone).map(|it| &mut it.role)
                else {
                    return;
                };
                self.line.set_deaf(user, new.reaction == Reaction::Dead);
                *script = new;
            }
            Order::Stop { farewell } => self.leave(farewell),
            Order::Unregister { phone } => self.register(phone, Some(0)),
        }
    }

    fn listen(
        &mut self,
        phone: PhoneId,
        user: String,
        password: Option<String>,
        script: AnswerScript,
    ) {
        self.line.set_deaf(&user, script.reaction == Reaction::Dead);
        self.users.insert(user.clone(), phone);
        self.phones.insert(
            phone,
            Phone {
                role: Role::Counsellor {
                    user,
                    password,
                    script,
                },
                call: None,
            },
        );
        self.register(phone, None);
    }

    fn register(&mut self, phone: PhoneId, expires_s: Option<u32>) {
        let Some(Phone {
            role:
                Role::Counsellor {
                    user,
                    password: Some(password),
                    script,
                },
            ..
        }) = self.phones.get(&phone)
        else {
            return;
        };
        self.line
            .register(user, password, expires_s.unwrap_or(script.expires_s));
    }

    fn leave(&mut self, farewell: Farewell) {
        if self.farewell.is_some() {
            return;
        }
        self.farewell = Some((farewell, self.clock.mono().plus_millis(FAREWELL_MS_MAX)));
        match farewell {
            Farewell::Polite => {
                for phone in self.phones.keys().copied().collect::<Vec<_>>() {
                    self.hang_up(phone);
                    self.register(phone, Some(0));
                }
            }
            Farewell::Silent => {}
        }
    }

    fn on_sip(&mut self, at: Mono, event: SipEvent) {
        match event {
            SipEvent::Acknowledged { dialog, .. } => {
                self.tell_dialog(at, dialog, EventKind::Acknowledged)
            }
            SipEvent::Answered {
                dialog,
                body,
                source,
                ..
            } => self.on_answered(at, dialog, &body, source.ip()),
            SipEvent::Banned { .. }
            | SipEvent::Contact { .. }
            | SipEvent::ContactReplaced { .. }
            | SipEvent::Trunk { .. }
            | SipEvent::Rejected { .. } => {} // A phone has no registrar.
            // Our phones change nothing in a call by themselves, and transfer for nobody.
            SipEvent::ReferProgress { .. }
            | SipEvent::ReinviteAnswered { .. }
            | SipEvent::Referred(_) => {}
            SipEvent::Digit { dialog, digit } => {
                self.tell_dialog(at, dialog, EventKind::Digit { digit })
            }
            SipEvent::Ended { dialog, is_by_peer } => {
                self.end(
                    at,
                    dialog,
                    if is_by_peer {
                        EndedBy::Peer
                    } else {
                        EndedBy::Silence
                    },
                );
            }
            SipEvent::Failed { dialog, failure } => self.end(at, dialog, cause(failure)),
            SipEvent::Invited(invitation) => self.on_invited(at, *invitation),
            SipEvent::Registered { user, granted } => {
                if let Some(phone) = self.users.get(&user) {
                    self.tell(at, *phone, EventKind::Registered { granted });
                }
            }
            SipEvent::Reinvited { dialog, body } => self.on_reinvited(dialog, body),
            SipEvent::Ringing { dialog, body } => self.on_ringing(at, dialog, body),
        }
    }

    fn on_timer(&mut self, timer: Timer) {
        let Timer {
            phone,
            dialog,
            task,
        } = timer;
        if self.dialog(phone) != Some(dialog) {
            return; // That call is over.
        }
        match task {
            Task::GiveUp => self.give_up(phone),
            Task::Key { digit, way } => self.press(phone, digit, way),
            Task::React => self.react(phone),
            Task::Step { index } => self.step_over(phone, index),
        }
    }

    /// Our own end of a call, whatever its state.
    pub(super) fn hang_up(&mut self, phone: PhoneId) {
        let Some(call) = self
            .phones
            .get(&phone)
            .and_then(|phone| phone.call.as_ref())
        else {
            return;
        };
        let dialog = call.dialog;
        match &call.stage {
            Stage::Dialling { .. } | Stage::Talking { .. } => {
                self.line.command(Command::Hangup {
                    dialog,
                    reason: None,
                });
            }
            Stage::Invited { .. } => self.refuse(dialog, BUSY),
            Stage::WaitingForPort => {} // Nothing was sent.
        }
        self.end(self.clock.mono(), dialog, EndedBy::Us);
    }

    pub(super) fn refuse(&mut self, dialog: DialogId, status: u16) {
        self.line.command(Command::Reject {
            dialog,
            status,
            retry_after_s: None,
            reason: None,
        });
    }

    /// The call is over: the leg closes, the phone is free, a caller's phone is gone.
    pub(super) fn end(&mut self, at: Mono, dialog: DialogId, by: EndedBy) {
        let Some(id) = self.dialogs.remove(&dialog) else {
            return;
        };
        let Some(phone) = self.phones.get_mut(&id) else {
            return;
        };
        let leg = phone.leg().map(|leg| leg.id);
        let is_caller = matches!(phone.role, Role::Caller(_));
        let talk_us = match phone.call.take().map(|call| call.stage) {
            Some(Stage::Talking { answered_at, .. }) => at.micros_since(answered_at),
            Some(Stage::Dialling { .. } | Stage::Invited { .. } | Stage::WaitingForPort) | None => {
                0
            }
        };
        if let Some(leg) = leg {
            self.audio.send(MediaCommand::Close { leg });
        }
        if is_caller {
            self.phones.remove(&id);
        }
        self.tell(at, id, EventKind::Ended { by, talk_us });
    }

    pub(super) fn begin(&mut self, phone: PhoneId, dialog: DialogId, begun_at: Mono, stage: Stage) {
        self.dialogs.insert(dialog, phone);
        if let Some(phone) = self.phones.get_mut(&phone) {
            phone.call = Some(Call {
                dialog,
                begun_at,
                stage,
            });
        }
    }

    pub(super) fn dialog(&self, phone: PhoneId) -> Option<DialogId> {
        Some(self.phones.get(&phone)?.call.as_ref()?.dialog)
    }

    pub(super) fn server_ip(&self) -> IpAddr {
        self.config.server.ip()
    }

    /// Odd numbers, for dialogs, legs and recordings alike.
    pub(super) fn number(&mut self) -> u64 {
        let number = self.number_next;
        self.number_next += 2;
        number
    }

    /// A receiver that nobody reads any more is no trouble.
    pub(super) fn tell(&self, at: Mono, phone: PhoneId, kind: EventKind) {
        let _ = self.events.send(Event {
            phone,
            at: self.clock.instant(at),
            kind,
        });
    }

    pub(super) fn tell_dialog(&self, at: Mono, dialog: DialogId, kind: EventKind) {
        if let Some(phone) = self.dialogs.get(&dialog) {
            self.tell(at, *phone, kind);
        }
    }
}

fn cause(failure: Failure) -> EndedBy {
    match failure {
        Failure::Busy => EndedBy::Refused(BUSY),
        Failure::Cancelled => EndedBy::Us,
        Failure::Declined(status) => EndedBy::Refused(status),
        Failure::Unreachable(status) => EndedBy::Unreachable(status),
    }
}

const WAKE: Token = Token(TOKEN_FREE);
const ALARM: Token = Token(TOKEN_FREE + 1);
const EVENTS_MAX: usize = 256;
/// 486 Busy Here.
pub(super) const BUSY: u16 = 486;
/// So long a polite end waits for the last answers.
const FAREWELL_MS_MAX: u64 = 3_000;
