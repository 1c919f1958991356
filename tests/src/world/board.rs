//! The world's end of the switchboard: start, one turn, its effects, death.

use super::keeper::Death;
use super::plan;
use super::say::{self, Kind};
use super::{Event, Kill, REALM, Trace, World};
use crate::dice::Dice;
use hotline_core::{Alarm, CallId, EdgeFact, Fact, Ledger, Standing};
use hotline_media::sdp::Capabilities;
use hotline_sip::{
    Account, Credentials, Listener, Output as SipOutput, Transport, Trunk, TrunkHost,
};
use hotline_switchboard::{Config, Effect, Input, Switchboard, Turn};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A call's number without the node's.
const CALL_COUNTER: u64 = (1 << 56) - 1;
/// The journal syncs this long after a frame was written.
const SYNC_AFTER_US: u64 = 20_000;
/// The projector looks for durable frames this often at most: with each sync.
pub const SERVER_IP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
/// Where carriers call from.
pub const NORTH_IP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 1));
pub const SOUTH_IP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 2));

#[must_use]
pub fn server_address() -> SocketAddr {
    SocketAddr::new(SERVER_IP, 5060)
}

/// A carrier that calls from any port of its address, and is called at the usual one.
fn trunk(name: &str, ip: IpAddr) -> Trunk {
    Trunk {
        name: name.to_owned(),
        sources: vec![(ip, None)],
        hosts: vec![TrunkHost {
            host: ip.to_string(),
            port: Some(5_060),
            transport: Some(Transport::Udp),
        }],
        first_response_ms: 3_000,
        ..Trunk::default()
    }
}

/// Password of every account.
#[must_use]
pub fn password(user: &str) -> String {
    format!("secret-{user}")
}

impl World {
    /// The server starts: for the first time, or after a death.
    pub fn start(&mut self) {
        self.runs += 1;
        self.is_down = false;
        self.drained = false;
        let ledger = self.keeper.open();
        let config = self.config(&ledger);
        let plan = config.plan.clone();
        self.watch
            .begin_run(self.runs, &plan, config.first_call, &ledger);
        let mut dice = Dice::new(self.seed ^ u64::from(self.runs) << 32);
        self.board = Some(Switchboard::new(config, dice.seed_bytes()));
        self.wire.begin_run();
        self.media.restart(self.now_us);
        self.handle(Input::Recovered(Box::new(ledger)));
        self.after_media();
    }

    fn config(&self, ledger: &Ledger) -> Config {
        let (_, sounds) = plan::sounds(&self.settings);
        let listener = |transport| Listener {
            local: server_address(),
            advertise: server_address(),
            transport,
        };
        let accounts = self.settings.agents.iter().map(|agent| Account {
            user: agent.user.clone(),
            credentials: Credentials {
                ha1_sha256: super::peer::sha256(&format!(
                    "{}:{REALM}:{}",
                    agent.user,
                    password(&agent.user)
                )),
                ha1_md5: "0".repeat(32),
            },
        });
        // As the server does: above every call of the journal, even if the clock has gone back.
        let started_s = u64::try_from(self.now().wall.0 / 1_000).unwrap_or(0);
        let first_call = (started_s << 20).max((ledger.last_call.0 & CALL_COUNTER) + 1);
        Config {
            sip: hotline_sip::Config {
                realm: REALM.to_owned(),
                listeners: Transport::ALL.map(listener).to_vec(),
                trunks: vec![trunk("north", NORTH_IP), trunk("south", SOUTH_IP)],
                product: "hotline111".to_owned(),
                expires_s_min: 60,
                expires_s_default: 300,
                expires_s_max: 3_600,
                contacts_max: 4,
                // The endpoint's own limit is the last resort, above the plan's.
                calls_max: usize::try_from(self.settings.calls_max).unwrap_or(usize::MAX) * 2 + 20,
                transactions_max: 10_000,
                stranger_rate_per_s: 10,
                stranger_burst: 30,
                defence: hotline_sip::Defence::default(),
                sessions: hotline_sip::Sessions::default(),
                has_sha256: true,
                nonce_ms: 60_000,
                first_response_ms: 3_000,
                nat_keepalive_ms: 20_000,
                is_user_agent: false,
            },
            numbers: plan::numbers(),
            accounts: accounts.collect(),
            plan: plan::plan(&self.settings),
            node: 1,
            first_call,
            capabilities: Capabilities {
                refused_targets: vec![server_address()],
                ..Capabilities::default()
            },
            srtp: hotline_switchboard::Srtp::Offer,
            identity: None,
            advertise: SERVER_IP,
            told: None,
            workers: 1,
            sounds,
            restart_byes_per_s: 100,
        }
    }

    /// The process ends without a word.
    pub fn die(&mut self, death: Death) {
        if self.board.take().is_none() {
            return;
        }
        self.say("", Kind::Server, format!("the server dies ({death:?})"));
        self.keeper.die(death);
        if self.keeper.lost_at_death > 0 {
            self.wire.forget_order();
        }
        self.watch.end_run(&self.keeper.frames);
        self.wire.restart();
        self.is_down = true;
        self.kill = None;
        self.tick_at = None;
        self.sync_at = None;
        self.streams.clear();
        self.stream_of.clear();
        self.stream_rest.clear();
        self.events.retain(|_, event| {
            !matches!(
                event,
                Event::Media(_)
                    | Event::ForMedia(_)
                    | Event::FromMedia(_)
                    | Event::StreamClosed { .. }
                    | Event::StreamOpened { .. }
                    | Event::Sync
                    | Event::Tick
                    | Event::ToServerStream { .. }
            )
        });
        self.media.restart(self.now_us);
        self.media.events.clear();
    }

    /// One input for the switchboard: the frame is written, then the effects start, in order.
    pub fn handle(&mut self, input: Input) {
        let now = self.now();
        let Some(board) = self.board.as_mut() else {
            return;
        };
        let mut turn = std::mem::take(&mut self.turn);
        turn.clear();
        board.handle(now, input, &mut turn);
        if !turn.is_frame_empty() {
            self.keeper.append(&turn.frame);
            self.plan_sync();
        }
        self.note_names(&turn);
        self.tell(&turn);
        if let Some(board) = &self.board {
            self.watch.on_turn(now, &turn, board);
        }
        let is_killed = match self.kill.take() {
            Some(Kill::AfterEffects(count)) => {
                turn.effects.truncate(count);
                true
            }
            None => false,
        };
        for effect in std::mem::take(&mut turn.effects) {
            self.effect(effect);
        }
        self.turn = turn;
        if is_killed {
            self.die(Death::Killed);
        } else {
            self.plan_tick();
        }
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Alarm(alarm) => {
                if let Alarm::Bug { text, .. } = &alarm {
                    self.watch
                        .fault(self.now_us, 0, format!("a bug was reported: {text}"));
                }
                let words = say::alarm(&alarm, |agent| self.agent_name(agent));
                self.say("", Kind::Server, words);
            }
            Effect::Drained => {
                self.drained = true;
                self.say("", Kind::Server, "drained".to_owned());
            }
            Effect::Media { worker, command } => {
                self.inner(&format!("worker {worker}: {command:?}"));
                self.at(self.now_us + self.media_delay_us, Event::ForMedia(command));
            }
            Effect::Reply(request, result) => self.replies.push((request.0, result)),
            Effect::Sip(output) => self.sip_effect(output),
        }
    }

    fn sip_effect(&mut self, output: SipOutput) {
        if let (
            Some(sniffed),
            SipOutput::Datagram { bytes, .. } | SipOutput::Stream { bytes, .. },
        ) = (&mut self.sniffed, &output)
        {
            sniffed.push(bytes.clone());
        }
        match output {
            SipOutput::Close { connection } => self.close_stream(connection),
            SipOutput::Connect {
                connection,
                destination,
                ..
            } => self.connect_to_peer(connection, destination),
            SipOutput::Datagram {
                destination, bytes, ..
            } => self.send_to_peer(destination, bytes),
            SipOutput::Stream { connection, bytes } => self.stream_to_peer(connection, &bytes),
            // Trunks of the model are known by address.
            SipOutput::Resolve { .. } | SipOutput::Event(_) | SipOutput::Keep(_) => {
                self.watch.fault(
                    self.now_us,
                    26,
                    "an inner output left the switchboard".to_owned(),
                );
            }
        }
    }

    /// Events, plans and changes of the media model since the last look.
    pub(crate) fn after_media(&mut self) {
        for (at, later) in std::mem::take(&mut self.media.later) {
            self.at(at, Event::Media(later));
        }
        for event in std::mem::take(&mut self.media.events) {
            self.at(self.now_us + self.media_delay_us, Event::FromMedia(event));
        }
        for change in std::mem::take(&mut self.media.changes) {
            self.watch.on_heard(self.now_us, change.leg, &change.heard);
            if self.trace != Trace::Off {
                let words = say::heard(&change.heard, |leg| self.leg_name(leg));
                let name = self.leg_name(change.leg);
                self.say(&name, Kind::Heard, words);
            }
        }
        for fault in std::mem::take(&mut self.media.faults) {
            self.watch.fault(self.now_us, 32, fault);
        }
    }

    fn plan_tick(&mut self) {
        let Some(due) = self.board.as_ref().and_then(Switchboard::next_deadline) else {
            return;
        };
        if self.tick_at.is_none_or(|known| due.0 < known) {
            let at = due.0.max(self.now_us);
            self.tick_at = Some(at);
            self.at(at, Event::Tick);
        }
    }

    fn plan_sync(&mut self) {
        if self.sync_at.is_none() {
            self.sync_at = Some(self.now_us + SYNC_AFTER_US);
            self.at(self.now_us + SYNC_AFTER_US, Event::Sync);
        }
    }

    pub(crate) fn sync(&mut self) {
        self.sync_at = None;
        self.keeper.sync();
        self.keeper.project();
        let is_troubled = self
            .keeper
            .journal
            .as_ref()
            .is_some_and(|journal| journal.status().trouble.is_some());
        if is_troubled {
            self.sync_at = Some(self.now_us + 200_000);
            self.at(self.now_us + 200_000, Event::Sync);
        }
    }

    /// A probe of a dead phone outlives the phone's registration; that is no trace of a call.
    #[must_use]
    pub fn is_endpoint_idle(&self) -> bool {
        self.board.as_ref().is_none_or(|board| board.sip().idle())
    }

    /// 33 and 24: 64 s after the last call no leg, port, dialog, transaction, timer or open record is
    /// left,
    /// and every call has its row.
    pub fn check_idle(&mut self) {
        self.sync();
        let mut found = Vec::new();
        if let Some(board) = &self.board {
            let counts = board.counts();
            if counts.legs > 0 || counts.calls > 0 {
                found.push((
                    33,
                    format!("{} legs and {} calls are left", counts.legs, counts.calls),
                ));
            }
            if !board.sip().idle() {
                found.push((
                    33,
                    format!("the endpoint is not idle: {:?}", board.sip().counters()),
                ));
            }
            if counts.ports_at_hand != self.media.handed_out.len() {
                let (free, handed_out) = (counts.ports_at_hand, self.media.handed_out.len());
                found.push((
                    33,
                    format!(
                        "{free} ports are at hand, {handed_out} were handed out and not opened"
                    ),
                ));
            }
        }
        if !self.media.is_idle() {
            found.push((
                33,
                format!(
                    "media legs {:?} are left",
                    self.media.legs().collect::<Vec<_>>()
                ),
            ));
        }
        if self.watch.open_calls() > 0 {
            found.push((
                2,
                format!(
                    "{} calls are open and nobody is on the line",
                    self.watch.open_calls()
                ),
            ));
        }
        self.keeper.check_fold();
        found.append(&mut self.keeper.faults);
        found.extend(self.watch.records.check(&self.keeper.database.rows));
        self.watch.take(self.now_us, found);
        self.watch.end_of_day(self.now_us);
    }

    // ---- names and lines ----------------------------------------------------------------------------------

    fn note_names(&mut self, turn: &Turn) {
        for fact in &turn.frame.facts {
            match fact {
                Fact::Arrived { call, leg, .. } => {
                    let peer = self.source.and_then(|source| self.address_known(source));
                    let name = peer.map_or_else(
                        || "somebody".to_owned(),
                        |number| self.peers[number].name.clone(),
                    );
                    if let Some(number) = peer {
                        self.calls_of.entry(number).or_default().push(call.0);
                    }
                    self.name_leg(*leg, &name);
                    self.name_call(*call, &name);
                }
                Fact::Offered { agent, leg, .. } => self.name_leg(*leg, agent),
                _ => {}
            }
        }
    }

    fn tell(&mut self, turn: &Turn) {
        if self.trace == Trace::Off {
            return;
        }
        for fact in &turn.frame.facts {
            let who = match fact {
                Fact::AgentState { agent, .. } => agent.clone(),
                Fact::Started { .. } => String::new(),
                other => call_of(other)
                    .map(|call| self.call_name(call.0))
                    .unwrap_or_default(),
            };
            self.say(&who, Kind::Fact, format!("· {}", say::fact(fact)));
        }
        for edge in &turn.frame.edge {
            if let EdgeFact::JournalGap | EdgeFact::Diverted { .. } = edge {
                self.say("", Kind::Inner, format!("· {edge:?}"));
            }
        }
        for said in &turn.says {
            let (who, words) = say::said(
                said,
                |leg| self.leg_name(leg),
                |call| self.call_name(call),
                |address| self.peer_name(address),
            );
            self.say(&who, Kind::Server, format!("! {words}"));
        }
    }

    fn peer_name(&self, address: SocketAddr) -> String {
        let known = self.address_known(address);
        known.map_or_else(
            || address.to_string(),
            |number| self.peers[number].name.clone(),
        )
    }

    #[must_use]
    pub fn agent_name(&self, agent: u32) -> String {
        usize::try_from(agent)
            .ok()
            .and_then(|index| self.settings.agents.get(index))
            .map_or_else(|| format!("agent {agent}"), |agent| agent.user.clone())
    }
}

/// The call that a fact is about.
#[must_use]
pub fn call_of(fact: &Fact) -> Option<CallId> {
    match fact {
        Fact::Arrived { call, .. }
        | Fact::Answered { call }
        | Fact::Node { call, .. }
        | Fact::Key { call, .. }
        | Fact::LanguageChosen { call, .. }
        | Fact::SpokeAtMenu { call }
        | Fact::InformationHeard { call, .. }
        | Fact::Queued { call, .. }
        | Fact::Offered { call, .. }
        | Fact::OfferEnded { call, .. }
        | Fact::Joined { call, .. }
        | Fact::NoticeHeard { call, .. }
        | Fact::AgentLost { call, .. }
        | Fact::Recording { call, .. }
        | Fact::Ended { call, .. }
        | Fact::HardCall { call, .. }
        | Fact::Held { call }
        | Fact::HomeCentre { call, .. }
        | Fact::MobileEnded { call, .. }
        | Fact::MobileRung { call, .. }
        | Fact::Widened { call, .. }
        | Fact::Resumed { call }
        | Fact::Consulting { call, .. }
        | Fact::TransferBegan { call, .. }
        | Fact::TransferEnded { call, .. }
        | Fact::Taken { call, .. }
        | Fact::JoinedOutside { call, .. }
        | Fact::OutsideLost { call }
        | Fact::PhoneChanged { call, .. } => Some(*call),
        Fact::AgentState { standing, .. } => match standing {
            Standing::Consulting(call)
            | Standing::Held(call)
            | Standing::Offered(call)
            | Standing::Recovery(call)
            | Standing::Talking(call)
            | Standing::WrapUp(call) => Some(*call),
            Standing::NotReady(_) | Standing::Ready | Standing::SignedOut => None,
        },
        Fact::Started { .. } => None,
    }
}
