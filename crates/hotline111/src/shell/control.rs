//! The control thread: signalling's sockets, the switchboard, the journal. It never waits for anything but its
//! own poll, and everything that happens to the server passes here one thing at a time.

use crate::shell::clock::Clock;
use crate::shell::dns::Dns;
use crate::shell::log;
use crate::shell::net::Net;
use crate::shell::notify::Notifier;
use crate::shell::operate;
use crate::shell::tap::Tap;
use hotline_console::Counters;
use hotline_core::{Cause, EdgeFact, Fact, Ledger, Now, Plan, Refusal, Request, RequestId};
use hotline_media::WorkerHandle;
use hotline_sip::Output as SipOutput;
use hotline_store::{Appended, Journal};
use hotline_switchboard::{Counts, Effect, Input, Switchboard, Turn};
use mio::Waker;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Messages that may wait for the control thread. At 1,000 calls with an event each tick this is 20 s of them;
/// beyond it something is broken, and messages are dropped with an alarm rather than stop the media.
pub(crate) const INBOX_MAX: usize = 65_536;
/// Network inputs taken before the inbox gets its turn.
const NET_PER_INBOX: usize = 16;
/// At the start the workers have this long to tell their first ports.
const FIRST_PORTS_WAIT_MAX: Duration = Duration::from_secs(2);
/// Messages taken from the inbox before the sockets get their turn again.
const INBOX_PER_ROUND: usize = 256;
/// The loop turns at least this often: watchdog, status.
const IDLE_WAIT_MS_MAX: u64 = 1_000;
/// After the last call of a drain: time for the media workers to report what their legs counted.
const CLOSING_MS_MAX: u64 = 1_500;
/// Every so many milliseconds the watchdog of the service manager is fed.
const WATCHDOG_MS: u64 = 3_000;
/// A turn longer than this is told to the log: everybody waited for it.
const TURN_US_ALARM: u64 = 5_000;

/// What other threads want of the control thread.
pub(crate) enum Message {
    /// Another part has raised an alarm; count it.
    Alarm(&'static str),
    /// The accounts have changed.
    Accounts(Vec<hotline_sip::Account>),
    /// A person bans an address.
    Ban(operate::Ban),
    /// The disk of the recordings is nearly full, or no longer.
    DiskFull(bool),
    /// SIGTERM.
    Drain {
        /// Milliseconds.
        limit_ms: u32,
    },
    /// A media worker tells something.
    Media {
        /// Which worker.
        worker: u16,
        /// What.
        event: hotline_media::Event,
    },
    /// A changed plan.
    Plan(Box<Plan>),
    /// A person wants something.
    Request {
        /// What.
        request: Request,
        /// The answer goes here.
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    /// The signalling of a call.
    Trace(operate::Trace),
    /// A name server's word.
    Resolved {
        /// The question.
        query: hotline_sip::Query,
        /// None: it did not answer.
        answers: Option<hotline_sip::Answers>,
    },
    /// What is there now?
    View(oneshot::Sender<View>),
}

/// What may be read at any time without asking the control thread.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    pub(crate) is_ready: AtomicBool,
    pub(crate) is_draining: AtomicBool,
    pub(crate) is_disk_full: AtomicBool,
    pub(crate) free_ports: AtomicU32,
    pub(crate) dropped: AtomicU64,
}

/// A picture of the moment, for status, tables and metrics.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) now: Now,
    pub(crate) ledger: Ledger,
    pub(crate) counts: Counts,
    pub(crate) registered: Vec<hotline_sip::Registered>,
    pub(crate) trunks: Vec<hotline_sip::TrunkStatus>,
    pub(crate) sip: hotline_sip::Counters,
    pub(crate) bans: Vec<hotline_sip::Banned>,
    pub(crate) is_draining: bool,
    pub(crate) is_disk_full: bool,
    pub(crate) counters: Counters,
    pub(crate) streams: usize,
    pub(crate) inbox_dropped: u64,
    pub(crate) alarms: BTreeMap<&'static str, u64>,
}

/// The way into the control thread.
#[derive(Clone)]
pub(crate) struct Inbox {
    sender: SyncSender<Message>,
    waker: Arc<Waker>,
    pub(crate) gauges: Arc<Gauges>,
}

impl Inbox {
    pub(crate) fn new(waker: Arc<Waker>) -> (Self, Receiver<Message>) {
        let (sender, receiver) = std::sync::mpsc::sync_channel(INBOX_MAX);
        (
            Self {
                sender,
                waker,
                gauges: Arc::default(),
            },
            receiver,
        )
    }

    /// Never waits. False when the inbox is full or the control thread is gone; a full inbox is counted.
    pub(crate) fn send(&self, message: Message) -> bool {
        match self.sender.try_send(message) {
            Ok(()) => self.waker.wake().is_ok(),
            Err(TrySendError::Full(_)) => {
                self.gauges.dropped.fetch_add(1, Ordering::Relaxed);
                false
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    /// A picture of the moment; None when the control thread is gone.
    pub(crate) async fn view(&self) -> Option<View> {
        let (sender, receiver) = oneshot::channel();
        self.send(Message::View(sender));
        receiver.await.ok()
    }

    /// Asks for something and waits for the answer; None when the control thread is gone.
    pub(crate) async fn request(&self, request: Request) -> Option<Result<(), Refusal>> {
        let (reply, receiver) = oneshot::channel();
        self.send(Message::Request { request, reply });
        receiver.await.ok()
    }
}

/// Everything the loop owns.
pub(crate) struct Control {
    pub(crate) clock: Clock,
    pub(crate) net: Net,
    pub(crate) dns: Dns,
    pub(crate) switchboard: Switchboard,
    pub(crate) journal: Journal,
    pub(crate) workers: Vec<WorkerHandle>,
    pub(crate) receiver: Receiver<Message>,
    pub(crate) inbox: Inbox,
    pub(crate) notifier: Notifier,
    pub(crate) short_ms: u32,
    pub(crate) tap: Tap,
}

/// The state of a running loop.
pub(super) struct Running {
    pub(super) control: Control,
    turn: Turn,
    inputs: Vec<hotline_sip::Input>,
    replies: BTreeMap<RequestId, oneshot::Sender<Result<(), Refusal>>>,
    next_request: u64,
    open_media: u64,
    is_draining: bool,
    drained_at: Option<Now>,
    is_disk_full: bool,
    is_journal_troubled: bool,
    watchdog_at_ms: u64,
    counters: Counters,
    alarms: BTreeMap<&'static str, u64>,
}

impl Control {
    /// First the run before is settled (old dialogs, bindings, counsellors); then the loop, until drained.
    pub(crate) fn run(self, recovered: Ledger, version: &str) -> io::Result<()> {
        let mut running = Running {
            control: self,
            turn: Turn::default(),
            inputs: Vec::new(),
            replies: BTreeMap::new(),
            next_request: 0,
            open_media: 0,
            is_draining: false,
            drained_at: None,
            is_disk_full: false,
            is_journal_troubled: false,
            watchdog_at_ms: 0,
            counters: Counters::default(),
            alarms: BTreeMap::new(),
        };
        running.turn.frame.facts.push(Fact::Started {
            version: version.to_owned(),
        });
        running.turn(Input::Recovered(Box::new(recovered)));
        running.await_ports();
        running.control.notifier.tell("READY=1");
        running
            .control
            .inbox
            .gauges
            .is_ready
            .store(true, Ordering::Relaxed);
        tracing::info!(version, "server ready");
        running.run()
    }
}

impl Running {
    fn run(mut self) -> io::Result<()> {
        loop {
            let timeout = self.timeout();
            self.control.net.wait(timeout)?;
            self.read_net();
            self.read_inbox();
            let now = self.control.clock.now();
            if self
                .control
                .switchboard
                .next_deadline()
                .is_some_and(|at| at <= now.mono)
            {
                self.turn(Input::Tick);
            }
            self.feed_watchdog(now);
            if self
                .control
                .workers
                .iter()
                .any(|worker| !worker.is_running())
            {
                return Err(io::Error::other("a media worker has ended"));
            }
            if self.is_over(now) {
                self.finish();
                return Ok(());
            }
        }
    }

    /// Workers first: their last words (counters, finished recordings) still reach the journal.
    fn finish(&mut self) {
        for worker in self.control.workers.drain(..) {
            worker.stop();
        }
        while let Ok(message) = self.control.receiver.try_recv() {
            self.on_message(message);
        }
        if !self.control.journal.sync_now() {
            log::journal(true);
        }
        tracing::info!("server stopped");
    }

    fn timeout(&self) -> Duration {
        if !self.inputs.is_empty() {
            return Duration::ZERO;
        }
        let now = self.control.clock.now().mono;
        let us = self
            .control
            .switchboard
            .next_deadline()
            .map_or(u64::MAX, |at| at.0.saturating_sub(now.0));
        let limit_ms = if self.drained_at.is_some() {
            20
        } else {
            IDLE_WAIT_MS_MAX
        };
        Duration::from_micros(us.min(limit_ms * 1_000))
    }

    /// The workers tell their ports before the first INVITE is read: a restart under load refuses nobody.
    fn await_ports(&mut self) {
        for _ in 0..self.control.workers.len() {
            match self.control.receiver.recv_timeout(FIRST_PORTS_WAIT_MAX) {
                Ok(message) => self.on_message(message),
                Err(_) => return,
            }
        }
    }

    fn read_net(&mut self) {
        let mut inputs = std::mem::take(&mut self.inputs);
        self.control.net.read(&mut inputs);
        for (index, input) in (1_usize..).zip(inputs.drain(..)) {
            self.turn(Input::Sip(input));
            // What the media workers say meanwhile (new ports, digits) must not wait for a burst of messages.
            if index.is_multiple_of(NET_PER_INBOX) {
                self.read_inbox();
            }
        }
        // What sending brought up meanwhile (a refused datagram, a cut stream) is next.
        inputs.append(&mut self.inputs);
        self.inputs = inputs;
    }

    fn read_inbox(&mut self) {
        for _ in 0..INBOX_PER_ROUND {
            let Ok(message) = self.control.receiver.try_recv() else {
                return;
            };
            self.on_message(message);
        }
        // More is waiting: the next wait must return at once.
        self.control.inbox.wake();
    }

    fn on_message(&mut self, message: Message) {
        match message {
            Message::Alarm(name) => self.count_alarm(name),
            Message::Accounts(accounts) => drop(self.turn(Input::Accounts(accounts))),
            Message::Ban(ban) => self.on_ban(ban),
            Message::DiskFull(is_full) => self.on_disk(is_full),
            Message::Drain { limit_ms } => {
                self.is_draining = true;
                self.control
                    .inbox
                    .gauges
                    .is_draining
                    .store(true, Ordering::Relaxed);
                tracing::info!(limit_ms, "draining: no new calls from trunks");
                self.control.notifier.tell("STOPPING=1");
                self.turn(Input::Drain { limit_ms });
            }
            Message::Media { worker, event } => {
                if matches!(
                    event,
                    hotline_media::Event::Closed { .. } | hotline_media::Event::OpenFailed { .. }
                ) {
                    self.open_media = self.open_media.saturating_sub(1);
                }
                self.turn(Input::Media { worker, event });
            }
            Message::Plan(plan) => drop(self.turn(Input::Plan(plan))),
            Message::Request { request, reply } => {
                self.next_request += 1;
                let id = RequestId(self.next_request);
                self.replies.insert(id, reply);
                self.turn(Input::Request(id, request));
            }
            Message::Trace(trace) => self.on_trace(trace),
            Message::Resolved { query, answers } => {
                self.turn(Input::Sip(hotline_sip::Input::Resolved { query, answers }));
            }
            Message::View(sender) => {
                // Whoever asked may have gone.
                if sender.send(self.view()).is_err() {
                    tracing::debug!("nobody waits for the view any more");
                }
            }
        }
    }

    /// One thing happens: decide, write down, tell the log, and only then act.
    /// Gives the number of the frame in the journal, when there was something to write.
    pub(super) fn turn(&mut self, input: Input) -> Option<u64> {
        let now = self.control.clock.now();
        let mut turn = std::mem::take(&mut self.turn);
        let is_sip = matches!(input, Input::Sip(_));
        if let Input::Sip(input) = &input {
            self.control.tap.incoming(now, input);
        }
        self.control.switchboard.handle(now, input, &mut turn);
        if is_sip {
            self.tie_invited(&turn);
        }
        let mut frame = None;
        if !turn.is_frame_empty() {
            let appended = self.control.journal.append(&turn.frame);
            self.note_journal(&appended);
            frame = Some(appended.sequence);
            let short_ms = self.control.short_ms;
            self.counters
                .count(&turn.frame, self.control.journal.ledger(), short_ms);
        }
        self.tell_log(&turn);
        for effect in turn.effects.drain(..) {
            self.start(effect, now);
        }
        turn.clear();
        self.turn = turn;
        let free_ports =
            u32::try_from(self.control.switchboard.counts().free_ports).unwrap_or(u32::MAX);
        self.control
            .inbox
            .gauges
            .free_ports
            .store(free_ports, Ordering::Relaxed);
        let took_us = self.control.clock.now().mono.0.saturating_sub(now.mono.0);
        if took_us > TURN_US_ALARM {
            tracing::warn!(took_us, "a turn of the control loop was long");
        }
        frame
    }

    fn start(&mut self, effect: Effect, now: Now) {
        match effect {
            Effect::Alarm(alarm) => {
                log::alarm(&alarm, self.control.switchboard.core().plan());
                self.count_alarm(log::alarm_name(&alarm));
            }
            Effect::Drained => self.drained_at = Some(now),
            Effect::Media { worker, command } => {
                if matches!(command, hotline_media::Command::Open { .. }) {
                    self.open_media += 1;
                }
                self.tell_worker(worker, command);
            }
            Effect::Reply(id, result) => {
                // Whoever asked may have gone.
                if let Some(reply) = self.replies.remove(&id)
                    && reply.send(result).is_err()
                {
                    tracing::debug!("nobody waits for the reply any more");
                }
            }
            Effect::Sip(output) => {
                self.tap_outgoing(now, &output);
                self.send(output);
            }
        }
    }

    /// A leg that cannot be opened is ended on both sides, not left silent.
    fn tell_worker(&mut self, worker: u16, command: hotline_media::Command) {
        let opened = match &command {
            hotline_media::Command::Open { leg, .. } => Some(*leg),
            _ => None,
        };
        let workers = &self.control.workers;
        if workers
            .get(usize::from(worker))
            .is_some_and(|worker| worker.send(command))
        {
            return;
        }
        log::media_worker(worker);
        self.count_alarm("media_worker");
        if let Some(leg) = opened {
            let event = hotline_media::Event::OpenFailed { leg };
            if !self.control.inbox.send(Message::Media { worker, event }) {
                tracing::error!(alarm = "bug", leg, "a leg without media cannot be ended");
            }
        }
    }

    fn send(&mut self, output: SipOutput) {
        match output {
            SipOutput::Close { connection } => self.control.net.close(connection),
            SipOutput::Connect {
                connection,
                listener,
                destination,
                carrier,
            } => {
                let to = (listener, destination, carrier);
                if !self.control.net.connect(connection, to) {
                    self.inputs
                        .push(hotline_sip::Input::StreamClosed { connection });
                }
            }
            SipOutput::Datagram {
                listener,
                destination,
                bytes,
            } => {
                if !self.control.net.send(listener, destination, &bytes) {
                    self.inputs
                        .push(hotline_sip::Input::SendFailed { destination });
                }
            }
            SipOutput::Resolve { query } => {
                if !self.control.dns.ask(query.clone()) {
                    let answers = None;
                    self.inputs
                        .push(hotline_sip::Input::Resolved { query, answers });
                }
            }
            SipOutput::Stream { connection, bytes } => {
                if !self.control.net.write(connection, &bytes) {
                    self.inputs
                        .push(hotline_sip::Input::StreamClosed { connection });
                }
            }
            // The switchboard keeps these to itself.
            SipOutput::Event(_) | SipOutput::Keep(_) => {}
        }
    }

    fn tell_log(&mut self, turn: &Turn) {
        for fact in &turn.frame.edge {
            if let EdgeFact::Audit(audit) = fact {
                log::audit(audit);
            }
        }
        for fact in &turn.frame.facts {
            log::fact(fact);
            let Fact::Ended { call, cause, .. } = fact else {
                continue;
            };
            if let Some(record) = self.control.journal.ledger().calls.get(call) {
                log::fate(record, self.control.short_ms);
            }
            if *cause == Cause::Overload {
                log::trunk_shed(*call);
                self.count_alarm("trunk_shed");
            }
        }
        for say in &turn.says {
            log::say(say);
            if let Some(name) = log::say_alarm(say) {
                self.count_alarm(name);
            }
        }
    }

    fn note_journal(&mut self, appended: &Appended) {
        // A frame that waits in memory is trouble; that it is over shows when frames reach the disk again.
        let is_troubled = !appended.is_written;
        if is_troubled != self.is_journal_troubled {
            self.is_journal_troubled = is_troubled;
            log::journal(is_troubled);
            if is_troubled {
                self.count_alarm("journal_trouble");
            }
        }
    }

    fn on_disk(&mut self, is_full: bool) {
        if self.is_disk_full != is_full {
            self.is_disk_full = is_full;
            self.control
                .inbox
                .gauges
                .is_disk_full
                .store(is_full, Ordering::Relaxed);
            log::disk(is_full);
            if is_full {
                self.count_alarm("disk_full");
            }
            for worker in &self.control.workers {
                worker.send(hotline_media::Command::RefuseRecordings(is_full));
            }
        }
    }

    fn count_alarm(&mut self, name: &'static str) {
        *self.alarms.entry(name).or_default() += 1;
    }

    fn feed_watchdog(&mut self, now: Now) {
        let now_ms = now.mono.0 / 1_000;
        if now_ms >= self.watchdog_at_ms {
            self.watchdog_at_ms = now_ms + WATCHDOG_MS;
            self.control.notifier.tell("WATCHDOG=1");
        }
    }

    /// Everybody has had a BYE and answered it, every leg has told what it counted; or long enough.
    fn is_over(&self, now: Now) -> bool {
        self.drained_at.is_some_and(|at| {
            let sip = self.control.switchboard.sip().counters();
            let is_quiet = self.open_media == 0
                && !self.control.net.has_unsent()
                && sip.dialogs == 0
                && sip.farewells == 0;
            is_quiet || now.mono.millis_since(at.mono) >= CLOSING_MS_MAX
        })
    }

    fn view(&self) -> View {
        let now = self.control.clock.now();
        let sip_now = hotline_sip::Now {
            mono: hotline_sip::Mono(now.mono.0),
            wall: hotline_sip::Wall(now.wall.0),
        };
        View {
            now,
            ledger: open_part(self.control.journal.ledger()),
            counts: self.control.switchboard.counts(),
            registered: self.control.switchboard.sip().registered(sip_now),
            trunks: self.control.switchboard.sip().trunks(),
            sip: self.control.switchboard.sip().counters(),
            bans: self.control.switchboard.sip().bans(sip_now),
            is_draining: self.is_draining,
            is_disk_full: self.is_disk_full,
            counters: self.counters.clone(),
            streams: self.control.net.streams(),
            inbox_dropped: self.control.inbox.gauges.dropped.load(Ordering::Relaxed),
            alarms: self.alarms.clone(),
        }
    }
}

/// What live tables need of the ledger. Ended calls that wait for their counters stay behind: there may be
/// thousands, and the control thread pays for the copy.
fn open_part(ledger: &Ledger) -> Ledger {
    let open = ledger
        .calls
        .iter()
        .filter(|(_, record)| record.ended.is_none());
    Ledger {
        run: ledger.run,
        last: ledger.last,
        calls: open.map(|(call, record)| (*call, record.clone())).collect(),
        agents: ledger.agents.clone(),
        ..Ledger::default()
    }
}

impl Inbox {
    fn wake(&self) {
        if self.waker.wake().is_err() {
            tracing::error!(alarm = "bug", "the control thread cannot be woken");
        }
    }
}
