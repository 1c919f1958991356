//! The SIP engine: hands each input to the machine it belongs to.

use crate::bans::{Bans, Offences};
use crate::call::{Calls, Offer, Talking};
use crate::dialog::Dialog;
use crate::digest::{Digest, Login};
use crate::flood::Flood;
use crate::guesses::Guesses;
use crate::message::Message;
use crate::random::Random;
use crate::registrar::Registrar;
use crate::registration::Registration;
use crate::resolve::Names;
use crate::timer::{Alarm, Timers};
use crate::transaction::{Owner, Told, TransactionId, Transactions};
use crate::transport::{Arrival, Streams};
use crate::trunk_probe::Carrier;
use crate::{Command, Config, DialogId, Event, Input, Mono, Now, Output, Rejection};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// Cheap read-only counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests refused or dropped, by kind.
    pub rejections: BTreeMap<Rejection, u64>,
    /// Transactions alive, those included that only wait for repetitions.
    pub transactions: usize,
    /// Dialogs alive, early ones too.
    pub dialogs: usize,
    /// Contacts registered.
    pub bindings: usize,
    /// Addresses that are banned.
    pub bans: usize,
    /// Open streams.
    pub connections: usize,
    /// BYEs and CANCELs that wait for their answer, or for the moment when they may be sent (after an ACK,
    /// after a provisional response). At a shutdown: 0 when every peer knows.
    pub farewells: usize,
}

/// One SIP user agent server, client and registrar.
#[derive(Debug)]
pub struct Endpoint {
    pub(crate) config: Config,
    pub(crate) random: Random,
    pub(crate) timers: Timers,
    pub(crate) streams: Streams,
    pub(crate) transactions: Transactions,
    /// Client transactions whose message could not be sent: told after the current step.
    pub(crate) unsent: VecDeque<TransactionId>,
    pub(crate) calls: Calls,
    /// Hung-up calls whose BYE waits for its final answer (it may be challenged, when we are a softphone).
    pub(crate) closing: BTreeMap<DialogId, Box<Talking>>,
    pub(crate) registrar: Registrar,
    pub(crate) digest: Digest,
    pub(crate) flood: Flood,
    /// Of addresses from which phones are registered.
    pub(crate) flood_of_phones: Flood,
    pub(crate) bans: Bans,
    pub(crate) offences: Offences,
    pub(crate) guesses: Guesses,
    /// Index = `TrunkId`.
    pub(crate) carriers: Vec<Carrier>,
    pub(crate) names: Names,
    pub(crate) registrations: BTreeMap<u64, Registration>,
    pub(crate) registration_count: u64,
    /// Kept dialogs of the process before this one that still need their BYE.
    pub(crate) resumes: VecDeque<(Vec<u8>, Vec<u8>)>,
    pub(crate) resume_ms: u64,
    /// Such dialogs whose phone must first connect again, by their key.
    pub(crate) awaited: BTreeMap<Vec<u8>, Dialog>,
    pub(crate) rejections: BTreeMap<Rejection, u64>,
    is_secret_kept: bool,
    is_started: bool,
}

/// The time of this step, and where its outputs go.
pub(crate) struct Turn<'a> {
    pub(crate) now: Now,
    pub(crate) out: &'a mut Vec<Output>,
}

impl Endpoint {
    /// A fresh endpoint; `seed` feeds tags, branches, nonces.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        let mut random = Random::new(seed);
        let carriers = config.trunks.iter().map(|_| Carrier::default());
        Self {
            carriers: carriers.collect(),
            digest: Digest::new(&mut random, config.nonce_ms),
            flood: Flood::new(config.stranger_rate_per_s, config.stranger_burst),
            flood_of_phones: Flood::new(
                config.stranger_rate_per_s.saturating_mul(PHONES_FACTOR),
                config.stranger_burst.saturating_mul(PHONES_FACTOR),
            ),
            bans: Bans::default(),
            offences: Offences::default(),
            guesses: Guesses::default(),
            streams: Streams::new(config.listeners.iter().map(|listener| listener.transport)),
            config,
            random,
            timers: Timers::default(),
            transactions: Transactions::default(),
            unsent: VecDeque::new(),
            calls: Calls::default(),
            closing: BTreeMap::new(),
            registrar: Registrar::default(),
            names: Names::default(),
            registrations: BTreeMap::new(),
            registration_count: 0,
            resumes: VecDeque::new(),
            resume_ms: 0,
            awaited: BTreeMap::new(),
            rejections: BTreeMap::new(),
            is_secret_kept: false,
            is_started: false,
        }
    }

    /// Takes one input at time `now` and appends to `out` everything that follows from it.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Output>) {
        let mut turn = Turn { now, out };
        let turn = &mut turn;
        if !std::mem::replace(&mut self.is_started, true) {
            self.start_trunks(turn);
        }
        self.run_timers(turn);
        let is_restore = matches!(input, Input::Command(Command::Restore { .. }));
        match input {
            Input::Datagram {
                listener,
                source,
                bytes,
            } => {
                let arrival = self.arrival(listener, source, None);
                self.message(turn, bytes, arrival);
            }
            Input::StreamOpened {
                connection,
                listener,
                peer,
                proof,
            } => self.stream_opened(turn, connection, listener, peer, proof),
            Input::StreamBytes { connection, bytes } => self.stream_bytes(turn, connection, &bytes),
            Input::StreamMessage { connection, bytes } => {
                self.stream_message(turn, connection, bytes);
            }
            Input::StreamClosed { connection } => self.stream_closed(turn, connection),
            Input::SendFailed { destination } => {
                for id in self.transactions.toward(destination) {
                    match self.owner(id) {
                        Owner::Fork(call, index) => self.fork_bounced(turn, (call, index)),
                        Owner::Alive(_)
                        | Owner::Bye(_)
                        | Owner::Change(_)
                        | Owner::Dialog(_)
                        | Owner::Nobody
                        | Owner::Notify(_)
                        | Owner::Probe(..)
                        | Owner::Refer(_)
                        | Owner::Registration(_)
                        | Owner::Resume(_)
                        | Owner::TrunkProbe(..) => {
                            self.transport_failed(turn, id);
                        }
                    }
                }
            }
            Input::Resolved { query, answers } => self.resolved(turn, &query, answers),
            Input::Tick => {}
            Input::Command(command) => self.command(turn, command),
        }
        if !self.is_secret_kept && (self.is_server() || is_restore) {
            self.is_secret_kept = true;
            self.keep_secret(turn);
        }
        self.tell_unsent(turn);
    }

    /// When [`Input::Tick`] is due; None when nothing waits.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        self.timers.next_deadline()
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            rejections: self.rejections.clone(),
            transactions: self.transactions.len(),
            dialogs: self.calls.len(),
            bindings: self.registrar.len(),
            bans: self.bans.len(),
            connections: self.streams.len(),
            farewells: self.transactions.farewells() + self.calls.farewells_due(),
        }
    }

    /// The dialog that a Call-ID belongs to, while it lives.
    #[must_use]
    pub fn dialog_of(&self, call_id: &str) -> Option<DialogId> {
        self.calls.with_call_id(call_id)
    }

    /// True when no transaction, dialog or timer of theirs is left; bindings, their probes, registrations
    /// and open connections may be.
    #[must_use]
    pub fn idle(&self) -> bool {
        let probes =
            self.registrar.probing.len() + self.carriers.iter().map(Carrier::probes).sum::<usize>();
        self.transactions.len() <= probes
            && self.calls.len() == 0
            && self.calls.forks.is_empty()
            && self.closing.is_empty()
            && self.resumes.is_empty()
            && self.awaited.is_empty()
            && self.unsent.is_empty()
    }

    pub(crate) fn is_server(&self) -> bool {
        !self.config.is_user_agent
    }

    fn run_timers(&mut self, turn: &mut Turn<'_>) {
        // Each alarm is taken out before it acts, and none arms itself for now: the loop ends.
        while let Some(alarm) = self.timers.pop_due(turn.now.mono) {
            match alarm {
                Alarm::AnswerAgain(id) => self.answer_again(turn, id),
                Alarm::AnswerLost(id) => self.answer_lost(turn, id),
                Alarm::Awaited(key) => self.awaited_long(turn, key),
                Alarm::BindingExpiry(user) => self.expire(turn, &user),
                Alarm::Change(id) => self.change_due(turn, id),
                Alarm::FirstResponse(id, index) => self.first_response_missing(turn, (id, index)),
                Alarm::KeepOpen => self.keep_flows_open(turn),
                Alarm::ProvisionalAgain(id) => self.provisional_again(turn, id),
                Alarm::ProvisionalLost(id) => self.provisional_lost(turn, id),
                Alarm::Name(query) => self.name_due(turn, query),
                Alarm::Probe => self.probe(turn),
                Alarm::Refresh(id) => self.refresh(turn, id),
                Alarm::Resume => self.resume(turn),
                Alarm::Session(id) => self.session_due(turn, id),
                Alarm::Stream(connection) => self.stream_overdue(turn, connection),
                Alarm::TrunkProbe(trunk, way) => self.trunk_probe_due(turn, trunk, way),
                Alarm::Transaction(id, timer) => {
                    let owner = self.owner(id);
                    if let Some(told) = self.transaction_timer(turn, id, timer) {
                        self.tell_owner(turn, owner, told, None);
                    }
                }
            }
            self.tell_unsent(turn);
        }
    }

    fn command(&mut self, turn: &mut Turn<'_>, command: Command) {
        match command {
            Command::Ban { address, length_ms } => self.ban(turn, address, length_ms),
            Command::Unban { address } => self.unban(address),
            Command::Accounts(accounts) => self.set_accounts(turn, accounts),
            Command::Answer { dialog, body } => self.answer(turn, dialog, body),
            Command::Reject {
                dialog,
                status,
                retry_after_s,
                reason,
            } => {
                let mut headers = Vec::new();
                headers.extend(retry_after_s.map(|seconds| ("Retry-After", seconds.to_string())));
                headers.extend(reason.map(|reason| ("Reason", reason)));
                self.reject(turn, dialog, status, &headers);
            }
            Command::Ringing { dialog } => self.provisional(turn, dialog, 180, None),
            Command::Progress { dialog, body } => self.provisional(turn, dialog, 183, body),
            Command::Reinvite { dialog, body } => self.reinvite(turn, dialog, body),
            Command::Refer {
                dialog,
                uri,
                replaces,
            } => self.refer(turn, dialog, &uri, replaces),
            Command::AnswerRefer { dialog, status } => self.answer_refer(turn, dialog, status),
            Command::NotifyRefer { dialog, status } => self.notify_refer(turn, dialog, status),
            Command::Invite {
                dialog,
                target,
                from,
                bodies,
                headers,
                login,
            } => {
                self.invite(
                    turn,
                    dialog,
                    &target,
                    Offer {
                        from,
                        bodies,
                        headers,
                        login: login.map(Login::anywhere),
                    },
                );
            }
            Command::Hangup { dialog, reason } => self.hangup(turn, dialog, reason),
            Command::Digit {
                dialog,
                digit,
                length_ms,
            } => self.send_digit(turn, dialog, digit, length_ms),
            Command::Probe { dialog } => self.ask_alive(turn, dialog),
            Command::AnswerReinvite { dialog, body } => self.answer_reinvite(turn, dialog, body),
            Command::Register {
                user,
                password,
                via,
                transport,
                expires_s,
            } => match self.hop_to(via, transport) {
                Some(hop) => {
                    let login = Login::anywhere((user, password));
                    self.register_account(turn, login, hop, expires_s);
                }
                None => turn.out.push(Output::Event(Event::Registered {
                    user,
                    granted: Err(503),
                })),
            },
            Command::Restore { kept, byes_per_s } => self.restore(turn, kept, byes_per_s),
        }
    }

    pub(crate) fn message(&mut self, turn: &mut Turn<'_>, bytes: Vec<u8>, arrival: Arrival) {
        // Keep-alives of NAT bindings: CRLF, CRLFCRLF, or a single zero byte.
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return;
        }
        let Ok(message) = Message::parse(bytes) else {
            return self.garbage(turn, &arrival);
        };
        if let Some(stream) = arrival
            .connection
            .and_then(|connection| self.streams.get_mut(connection))
        {
            stream.is_useful = true;
        }
        match message.status() {
            Some(status) => self.response_received(turn, &message, status, &arrival),
            None => self.request_received(turn, message, arrival),
        }
    }

    /// Dropped in silence; worth a line in the log as long as the sender's bucket lasts.
    pub(crate) fn garbage(&mut self, turn: &mut Turn<'_>, arrival: &Arrival) {
        if self.admit(turn, arrival, false) {
            self.rejected(turn, Rejection::Garbage, arrival);
        } else {
            *self.rejections.entry(Rejection::Garbage).or_default() += 1;
        }
    }

    /// RFC 3261 §18.1.2, §17.1.3: a response without transaction goes nowhere.
    fn response_received(
        &mut self,
        turn: &mut Turn<'_>,
        message: &Message,
        status: u16,
        arrival: &Arrival,
    ) {
        let Ok(heads) = message.heads() else {
            return self.garbage(turn, arrival);
        };
        let found = heads.via.branch().and_then(|branch| {
            self.transactions
                .find_client(branch, heads.cseq_method.as_str())
        });
        let Some(id) = found else {
            if (200..300).contains(&status) && heads.cseq_method.is(rsip::Method::Invite) {
                self.stray_answer(turn, message, &heads, arrival);
            }
            return;
        };
        let owner = self.owner(id);
        let Some(told) = self.response(turn, id, message, status) else {
            return;
        };
        if let Owner::Fork(call, index) = owner {
            return self.fork_told(
                turn,
                (call, index),
                told,
                Some((message, &heads, arrival, id)),
            );
        }
        if let Owner::Change(call) = owner {
            return self.change_told(turn, call, told, Some((message, &heads, id)));
        }
        self.tell_owner(turn, owner, told, Some(message));
    }

    fn owner(&self, id: TransactionId) -> Owner {
        self.transactions
            .get(id)
            .map_or(Owner::Nobody, |transaction| transaction.owner.clone())
    }

    fn tell_owner(
        &mut self,
        turn: &mut Turn<'_>,
        owner: Owner,
        told: Told,
        response: Option<&Message>,
    ) {
        let status = response.and_then(Message::status);
        match owner {
            Owner::Alive(id) => self.alive_told(turn, id, status),
            Owner::Bye(id) => self.bye_told(turn, id, response),
            Owner::Change(id) => self.change_told(turn, id, told, None),
            Owner::Dialog(id) => self.in_dialog_told(turn, id, response),
            Owner::Fork(id, index) => self.fork_told(turn, (id, index), told, None),
            Owner::Nobody => {}
            Owner::Notify(id) => self.notify_told(turn, id, status),
            Owner::Probe(user, contact, hop) => {
                self.probed(turn, (&user, &contact, hop), status);
            }
            Owner::Refer(id) => self.refer_told(turn, id, response),
            Owner::Registration(id) => self.registration_told(turn, id, response),
            Owner::Resume(key) => self.resumed(turn, key, status),
            Owner::TrunkProbe(trunk, way) => self.trunk_probed(turn, (trunk, way), response),
        }
    }

    pub(crate) fn transport_failed(&mut self, turn: &mut Turn<'_>, id: TransactionId) {
        let owner = self.owner(id);
        if let Some(told) = self.transaction_failed(turn, id) {
            self.tell_owner(turn, owner, told, None);
        }
    }

    fn tell_unsent(&mut self, turn: &mut Turn<'_>) {
        // A failure may make its owner send again, once: bounded by the retries of each owner.
        while let Some(id) = self.unsent.pop_front() {
            self.transport_failed(turn, id);
        }
    }

    /// The trunk that a message comes from: proved by the certificate of its connection, or by its address.
    pub(crate) fn trunk_of(&self, arrival: &Arrival) -> Option<crate::TrunkId> {
        match self.streams.proof(arrival.connection) {
            crate::Proof::Trunk(trunk) => Some(*trunk),
            crate::Proof::None | crate::Proof::Account(_) => self.trunk(arrival.source),
        }
    }

    /// The trunk that owns a source address, if addresses prove it.
    pub(crate) fn trunk(&self, source: SocketAddr) -> Option<crate::TrunkId> {
        let ip = source.ip().to_canonical();
        let is_from = |trunk: &crate::Trunk| {
            !trunk.is_by_certificate
                && trunk.sources.iter().any(|(known, port)| {
                    known.to_canonical() == ip && port.is_none_or(|port| port == source.port())
                })
        };
        // A carrier that we register with calls us from where we register.
        let is_registrar = |(trunk, carrier): (&crate::Trunk, &Carrier)| {
            trunk.register_s.is_some()
                && !trunk.is_by_certificate
                && trunk.sources.is_empty()
                && carrier
                    .addresses()
                    .any(|(way, _)| way.address.ip().to_canonical() == ip)
        };
        let by_source = self.config.trunks.iter().position(is_from);
        by_source
            .or_else(|| {
                let known = self.config.trunks.iter().zip(&self.carriers);
                known.into_iter().position(is_registrar)
            })
            .and_then(|at| crate::TrunkId::try_from(at).ok())
    }
}

/// A registered phone may send so many times what a stranger may: the phones of a centre share an address.
const PHONES_FACTOR: u32 = 10;
