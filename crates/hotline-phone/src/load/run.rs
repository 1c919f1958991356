//! The loop of a load run: registers, dials, sends a packet each 20 ms per leg, listens, hangs up.

use super::call::{Call, Counsellor, Duty, Side, State};
use super::sockets::Sockets;
use super::stage::Stage;
use super::{End, LoadConfig, LoadReport, Moment};
use crate::alarm::Alarm;
use crate::clock::Clock;
use crate::error::Error;
use crate::line::{Line, Sent, TOKEN_FREE};
use hotline_media::LegPlan;
use hotline_media::sdp::Capabilities;
use hotline_sip::Transport;
use mio::{Events, Poll, Token};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) struct Runner<'a> {
    pub(super) config: &'a LoadConfig,
    pub(super) clock: Clock,
    poll: Poll,
    alarm: Alarm,
    /// Of the callers.
    pub(super) line: Line,
    /// Of the counsellors: a trunk's address is no place for them.
    pub(super) desks: Line,
    pub(super) sockets: Sockets,
    pub(super) stage: Stage,
    /// When each leg's next packet is due. All periods are equal, so the order of due times never changes.
    slots: VecDeque<(u64, usize)>,
    tasks: BTreeMap<(u64, u64), Task>,
    tasks_made: u64,
    /// Answers of counsellors who still ring.
    pub(super) answers: BTreeMap<usize, (Vec<u8>, LegPlan)>,
    pub(super) dialog_next: u64,
    phase: Phase,
    /// Counsellors asked, callers dialled: what the rate is applied to.
    begun: usize,
    sent_before: Sent,
    first_invite_us: u64,
    pub(super) last_answer_us: u64,
    window_opened_us: u64,
}

/// Something for a call, later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Answer(usize),
    HangUp(usize),
    Press(usize),
}

/// ```text
/// Registering ─► Dialling ─► Settling ─► Window ─► Closing ─► Over
///                    └──(Drained)──────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Registering { until: u64 },
    Dialling { since: u64 },
    Draining { until: u64 },
    Settling { until: u64 },
    Window { until: u64 },
    Closing { until: u64 },
    Over,
}

impl<'a> Runner<'a> {
    pub(crate) fn open(config: &'a LoadConfig) -> Result<Self, Error> {
        let poll = Poll::new().map_err(Error::system("epoll"))?;
        let clock = Clock::start();
        let local = SocketAddr::new(config.local, config.port);
        let desk = SocketAddr::new(config.counsellor_local, 0);
        let line = Line::open(
            poll.registry(),
            clock,
            0,
            local,
            config.server,
            Transport::Udp,
        )?;
        let desks = Line::open(
            poll.registry(),
            clock,
            1,
            desk,
            config.server,
            Transport::Udp,
        )?;
        let alarm = Alarm::register(poll.registry(), ALARM)?;
        let locals = (config.local, config.counsellor_local);
        let sockets = Sockets::open(
            poll.registry(),
            locals,
            config.sockets.max(2),
            TOKEN_SOCKETS,
        )?;
        let mut stage = Stage::default();
        for (index, (user, password)) in config.counsellors.iter().enumerate() {
            stage.users.insert(user.clone(), index);
            let (user, password) = (user.clone(), password.clone());
            stage.counsellors.push(Counsellor {
                user,
                password,
                state: Duty::Unknown,
            });
        }
        Ok(Self {
            config,
            clock,
            poll,
            alarm,
            line,
            desks,
            sockets,
            stage,
            slots: VecDeque::new(),
            tasks: BTreeMap::new(),
            tasks_made: 0,
            answers: BTreeMap::new(),
            dialog_next: 1,
            phase: Phase::Registering {
                until: REGISTERING_US_MAX,
            },
            begun: 0,
            sent_before: Sent::default(),
            first_invite_us: 0,
            last_answer_us: 0,
            window_opened_us: 0,
        })
    }

    pub(crate) fn run(mut self, observe: &mut dyn FnMut(Moment)) -> LoadReport {
        let mut ready = Events::with_capacity(EVENTS_MAX);
        while self.phase != Phase::Over {
            self.send_due();
            self.line.tick();
            self.desks.tick();
            self.do_tasks();
            self.hear_line();
            self.advance(observe);
            let now = self.now();
            let wait = self.next_due(now).map(|due| due.saturating_sub(now));
            let is_late = wait == Some(0);
            if !is_late {
                self.alarm.set(wait);
            }
            // An interrupted or failed wait is a short wait.
            let _ = self
                .poll
                .poll(&mut ready, is_late.then_some(Duration::ZERO));
            // Audio first: its time of arrival counts.
            for token in ready.iter().map(mio::event::Event::token) {
                self.hear_audio(token);
            }
            for token in ready
                .iter()
                .map(mio::event::Event::token)
                .filter(|token| *token != ALARM)
            {
                if !self.line.ready(token) {
                    self.desks.ready(token);
                }
            }
        }
        self.finish()
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.mono().0
    }

    pub(super) fn capabilities(&self, side: Side) -> Capabilities {
        let codec = match side {
            Side::Caller => self.config.codec,
            Side::Counsellor(_) | Side::SignIn(_) => self.config.counsellor_codec,
        };
        Capabilities {
            codecs: vec![codec],
            ..Capabilities::default()
        }
    }

    pub(super) fn later(&mut self, at_us: u64, task: Task) {
        self.tasks_made += 1;
        self.tasks.insert((at_us, self.tasks_made), task);
    }

    /// A leg's first packet leaves at once.
    pub(super) fn begin_audio(&mut self, index: usize) {
        let now = self.now();
        self.slots.push_front((now, index));
    }

    fn hear_audio(&mut self, token: Token) {
        let (clock, stage) = (self.clock, &mut self.stage);
        self.sockets.receive(token, |source, packet| {
            stage.hear(source, packet, clock.mono().0)
        });
    }

    /// At most a few packets, so that arrivals never wait long for departures.
    fn send_due(&mut self) {
        for _ in 0..SENDS_A_TURN {
            let now = self.now();
            let Some((due, index)) = self.slots.front().copied().filter(|(due, _)| *due <= now)
            else {
                return;
            };
            self.slots.pop_front();
            if self.send_slot(index, now) {
                if self.stage.is_window_open {
                    self.stage.report.packets_sent += 1;
                    self.stage.report.own_lateness.add(now - due);
                }
                // A leg that is far behind goes on from now: it does not send a burst.
                let next = if now - due > SLOT_US {
                    now + SLOT_US
                } else {
                    due + SLOT_US
                };
                self.slots.push_back((next, index));
            }
        }
    }

    fn send_slot(&mut self, index: usize, now: u64) -> bool {
        let Some(call) = self
            .stage
            .calls
            .get_mut(index)
            .filter(|call| call.state == State::Up)
        else {
            return false;
        };
        let Some(media) = &mut call.media else {
            return false;
        };
        let (socket, remote) = (media.socket, media.remote);
        let slot = media.talker.slot(now);
        for _ in 0..slot.copies {
            self.sockets.send(socket, remote, slot.bytes);
        }
        true
    }

    fn do_tasks(&mut self) {
        let now = self.now();
        while let Some(first) = self
            .tasks
            .first_entry()
            .filter(|first| first.key().0 <= now)
        {
            match first.remove() {
                Task::Answer(index) => self.answer(index),
                Task::HangUp(index) => self.hang_up(index),
                Task::Press(index) => self.press(index),
            }
        }
    }

    /// Goes to the next phase when this one is over.
    fn advance(&mut self, observe: &mut dyn FnMut(Moment)) {
        let now = self.now();
        match self.phase {
            Phase::Registering { until } => {
                self.register_due(now);
                let are_settled = self
                    .stage
                    .counsellors
                    .iter()
                    .all(|one| one.state.is_settled());
                if are_settled || until <= now {
                    self.begin_dialling(now, observe);
                }
            }
            Phase::Dialling { since } => {
                let due = due_count(now - since, self.config.rate_per_s).min(self.config.callers);
                while self.begun < due {
                    self.begun += 1;
                    self.dial();
                }
                if self.begun == self.config.callers {
                    observe(Moment::Ramped);
                    self.phase = match self.config.end {
                        End::Drained { millis_max } => Phase::Draining {
                            until: since + millis_max * 1_000,
                        },
                        End::Held { settle_ms, .. } => Phase::Settling {
                            until: now + settle_ms * 1_000,
                        },
                    };
                }
            }
            Phase::Draining { until } => {
                if self.stage.callers_alive == 0 || until <= now {
                    self.close_window(now, observe);
                }
            }
            Phase::Settling { until } => {
                if until <= now {
                    let window_ms = match self.config.end {
                        End::Drained { .. } => 0,
                        End::Held { window_ms, .. } => window_ms,
                    };
                    self.open_window(now, observe);
                    self.phase = Phase::Window {
                        until: now + window_ms * 1_000,
                    };
                }
            }
            Phase::Window { until } => {
                if until <= now {
                    self.close_window(now, observe);
                }
            }
            Phase::Closing { until } => {
                if until <= now || self.over_at().is_some_and(|at| at <= now) {
                    self.phase = Phase::Over;
                }
            }
            Phase::Over => {}
        }
    }

    fn register_due(&mut self, now: u64) {
        let due = due_count(now, self.config.register_rate_per_s).min(self.stage.counsellors.len());
        while self.begun < due {
            let index = self.begun;
            self.begun += 1;
            self.register(index, now);
        }
    }

    fn begin_dialling(&mut self, now: u64, observe: &mut dyn FnMut(Moment)) {
        self.begun = 0;
        self.stage.report.counsellors_ready = self.stage.free() as u64;
        self.sent_before = self.sent();
        observe(Moment::Ready);
        let now = self.now().max(now);
        self.first_invite_us = now;
        if matches!(self.config.end, End::Drained { .. }) {
            self.open_window(now, observe);
        }
        self.phase = Phase::Dialling { since: now };
    }

    fn open_window(&mut self, now: u64, observe: &mut dyn FnMut(Moment)) {
        observe(Moment::WindowOpened);
        self.window_opened_us = now;
        self.stage.is_window_open = true;
    }

    fn close_window(&mut self, now: u64, observe: &mut dyn FnMut(Moment)) {
        self.stage.is_window_open = false;
        self.stage.report.window_us = now - self.window_opened_us;
        observe(Moment::WindowClosed);
        // At the end of a held run calls are up, as they should be; other callers wait for something.
        self.stage.report.unfinished = match self.config.end {
            End::Drained { .. } => self.stage.callers_alive as u64,
            End::Held { .. } => self.stage.setting_up() as u64,
        };
        for index in 0..self.stage.calls.len() {
            self.hang_up(index);
        }
        for counsellor in &self.stage.counsellors {
            self.desks
                .register(&counsellor.user, &counsellor.password, 0);
        }
        self.phase = Phase::Closing {
            until: now + CLOSING_US,
        };
    }

    fn next_due(&self, now: u64) -> Option<u64> {
        if self.line.has_event() || self.desks.has_event() {
            return Some(now); // What dialling has brought about already.
        }
        let phase = match self.phase {
            Phase::Registering { until } if self.begun < self.stage.counsellors.len() => {
                until.min(due_at(self.begun, self.config.register_rate_per_s))
            }
            Phase::Dialling { since } => since + due_at(self.begun, self.config.rate_per_s),
            Phase::Registering { until }
            | Phase::Draining { until }
            | Phase::Settling { until }
            | Phase::Window { until } => until,
            Phase::Closing { until } => self.over_at().map_or(until, |at| until.min(at)),
            Phase::Over => now,
        };
        let line = self.line.next_deadline().map(|due| due.0);
        let desks = self.desks.next_deadline().map(|due| due.0);
        let slot = self.slots.front().map(|(due, _)| *due);
        let task = self.tasks.keys().next().map(|(due, _)| *due);
        [Some(phase), line, desks, slot, task]
            .into_iter()
            .flatten()
            .min()
    }

    /// When both lines can be put down.
    fn over_at(&self) -> Option<u64> {
        Some(self.line.over_at()?.max(self.desks.over_at()?).0)
    }

    /// What both lines have sent.
    fn sent(&self) -> Sent {
        let (line, desks) = (self.line.sent(), self.desks.sent());
        Sent {
            invites: line.invites + desks.invites,
            byes: line.byes + desks.byes,
            refused: line.refused + desks.refused,
        }
    }

    fn finish(mut self) -> LoadReport {
        let sent = self.sent();
        let mut report = std::mem::take(&mut self.stage.report);
        let invites = sent.invites - self.sent_before.invites;
        let byes = sent.byes - self.sent_before.byes;
        let hung_up = self
            .stage
            .calls
            .iter()
            .filter(|call| call.has_said_bye())
            .count() as u64;
        report.retransmissions =
            invites.saturating_sub(report.dialled) + byes.saturating_sub(hung_up);
        report.packets_refused = self.sockets.refused + sent.refused;
        report.total_us = report.total_us.saturating_sub(self.first_invite_us);
        let answering_us = self
            .last_answer_us
            .saturating_sub(self.first_invite_us)
            .max(1);
        report.answered_per_s = report.answered as f64 * 1e6 / answering_us as f64;
        report
    }
}

impl Call {
    /// We ended it while it was up, and not to sign in.
    fn has_said_bye(&self) -> bool {
        let is_ours = match self.side {
            Side::Caller | Side::Counsellor(_) => true,
            Side::SignIn(_) => false,
        };
        is_ours && self.hung_up_us.is_some() && self.answered_us > 0
    }
}

/// How many of a row should have begun after so long: the first at once.
fn due_count(elapsed_us: u64, rate_per_s: f64) -> usize {
    (elapsed_us as f64 * rate_per_s / 1e6) as usize + 1
}

/// When the one of this index is due, after the beginning.
fn due_at(index: usize, rate_per_s: f64) -> u64 {
    (index as f64 * 1e6 / rate_per_s.max(0.001)).ceil() as u64
}

const ALARM: Token = Token(TOKEN_FREE);
const TOKEN_SOCKETS: usize = TOKEN_FREE + 1;
const EVENTS_MAX: usize = 256;
const SLOT_US: u64 = 20_000;
/// Between two looks at the sockets.
const SENDS_A_TURN: usize = 8;
const REGISTERING_US_MAX: u64 = 60_000_000;
/// So long the last BYEs may take.
const CLOSING_US: u64 = 5_000_000;
