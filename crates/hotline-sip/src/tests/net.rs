//! Endpoints connected back to back over a network in memory, with virtual time.

use crate::{
    Account, Command, Config, ConnectionId, Counters, Endpoint, Event, Failure, Input, Keep,
    Listener, Mono, Now, Output, Peer, Proof, Transport, Trunk, Wall, credentials,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

pub(super) const REALM: &str = "hotline.test";

pub(super) struct Node {
    pub(super) name: &'static str,
    pub(super) endpoint: Endpoint,
    pub(super) address: SocketAddr,
    /// Dialogs by age, for scripts: "answers" acts on the newest.
    pub(super) dialogs: Vec<u64>,
    pub(super) kept: BTreeMap<(crate::Table, Vec<u8>), Vec<u8>>,
    pub(super) next_dialog: u64,
    pub(super) is_dead: bool,
}

enum Parcel {
    Datagram {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    Input {
        node: usize,
        input: Box<Input>,
    },
}

/// What happens to the next messages of a kind: "INVITE", "200 BYE".
pub(super) struct Rule {
    pub(super) what: String,
    pub(super) left: usize,
    pub(super) copies: usize,
}

pub(super) struct Net {
    pub(super) nodes: Vec<Node>,
    pub(super) now_us: u64,
    queue: VecDeque<(u64, Parcel)>,
    pub(super) rules: Vec<Rule>,
    pipes: BTreeMap<(usize, ConnectionId), (usize, ConnectionId)>,
    next_connection: ConnectionId,
    pub(super) log: String,
    /// Loss and duplication in percent, by a seeded generator.
    pub(super) loss_percent: u64,
    pub(super) duplicate_percent: u64,
    dice: u64,
    pub(super) is_quiet: bool,
    /// Every datagram that was sent.
    pub(super) wire: Vec<Vec<u8>>,
    /// Dialogs of which nothing more may be said.
    over: BTreeSet<(usize, u64)>,
    /// Questions to the name server.
    pub(super) asked: Vec<(usize, crate::Query)>,
}

pub(super) fn server_config() -> Config {
    Config {
        realm: REALM.to_owned(),
        listeners: listeners("10.0.0.1:5060"),
        trunks: vec![Trunk {
            name: "trunk".to_owned(),
            sources: vec![(ip("10.0.0.2"), None)],
            ..Trunk::default()
        }],
        product: "test".to_owned(),
        expires_s_min: 30,
        expires_s_default: 3_600,
        expires_s_max: 7_200,
        contacts_max: 3,
        calls_max: 1_000,
        transactions_max: 1_000,
        stranger_rate_per_s: 10,
        stranger_burst: 30,
        defence: crate::Defence::default(),
        sessions: crate::Sessions::default(),
        has_sha256: true,
        nonce_ms: 60_000,
        first_response_ms: 3_000,
        nat_keepalive_ms: 20_000,
        is_user_agent: false,
    }
}

pub(super) fn listeners(address: &str) -> Vec<Listener> {
    let local = address.parse().unwrap();
    Transport::ALL
        .map(|transport| Listener {
            local,
            advertise: local,
            transport,
        })
        .to_vec()
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn account(user: &str) -> Account {
    Account {
        user: user.to_owned(),
        credentials: credentials(user, REALM, "secret"),
    }
}

impl Net {
    /// server 10.0.0.1, trunk 10.0.0.2, phone 10.0.0.3, tablet 10.0.0.4, stranger 10.0.0.9.
    pub(super) fn new() -> Self {
        Self::with(server_config())
    }

    pub(super) fn with(config: Config) -> Self {
        let user_agent = |address: &str| Config {
            listeners: listeners(address),
            trunks: Vec::new(),
            is_user_agent: true,
            ..server_config()
        };
        let mut net = Self {
            nodes: Vec::new(),
            now_us: 0,
            queue: VecDeque::new(),
            rules: Vec::new(),
            pipes: BTreeMap::new(),
            next_connection: 1,
            log: String::new(),
            loss_percent: 0,
            duplicate_percent: 0,
            dice: 1,
            is_quiet: false,
            wire: Vec::new(),
            over: BTreeSet::new(),
            asked: Vec::new(),
        };
        net.add("server", config, 1);
        for (name, address, seed) in [
            ("trunk", "10.0.0.2:5060", 2),
            ("phone", "10.0.0.3:5060", 3),
            ("tablet", "10.0.0.4:5060", 4),
            ("stranger", "10.0.0.9:5060", 9),
        ] {
            net.add(name, user_agent(address), seed);
        }
        net.command(
            "server",
            Command::Accounts(vec![account("tv01"), account("tv02")]),
        );
        net
    }

    pub(super) fn add(&mut self, name: &'static str, config: Config, seed: u8) {
        let address = config.listeners[0].local;
        let endpoint = Endpoint::new(config, [seed; 32]);
        self.nodes.push(Node {
            name,
            endpoint,
            address,
            dialogs: Vec::new(),
            kept: BTreeMap::new(),
            next_dialog: 1,
            is_dead: false,
        });
    }

    pub(super) fn now(&self) -> Now {
        Now {
            mono: Mono(self.now_us),
            wall: Wall(1_800_000_000_000 + i64::try_from(self.now_us / 1_000).unwrap()),
        }
    }

    pub(super) fn node(&mut self, name: &str) -> &mut Node {
        let at = self.index(name);
        &mut self.nodes[at]
    }

    pub(super) fn index(&self, name: &str) -> usize {
        self.nodes
            .iter()
            .position(|node| node.name == name)
            .unwrap_or_else(|| panic!("no node {name}"))
    }

    pub(super) fn counters(&self, name: &str) -> Counters {
        self.nodes[self.index(name)].endpoint.counters()
    }

    pub(super) fn command(&mut self, name: &str, command: Command) {
        let node = self.index(name);
        if let Command::Hangup { dialog, .. } | Command::Reject { dialog, .. } = &command {
            // A call that talks cannot be rejected: such a command changes nothing.
            if matches!(command, Command::Hangup { .. }) {
                self.over.insert((node, *dialog));
            }
        }
        self.input(node, Input::Command(command));
    }

    /// Puts bytes on the wire as if `from` had sent them.
    pub(super) fn inject(&mut self, from: &str, to: &str, bytes: Vec<u8>) {
        let from = from
            .parse()
            .unwrap_or_else(|_| self.nodes[self.index(from)].address);
        let to = self.nodes[self.index(to)].address;
        self.queue
            .push_back((self.now_us + HOP_US, Parcel::Datagram { from, to, bytes }));
    }

    /// The server dies and starts anew with what it has kept.
    pub(super) fn restart(&mut self, name: &str, byes_per_s: u32) {
        let at = self.index(name);
        let config = self.nodes[at].endpoint.config.clone();
        self.nodes[at].endpoint = Endpoint::new(config, [77; 32]);
        self.pipes
            .retain(|(node, _), (other, _)| *node != at && *other != at);
        // The new process numbers its dialogs anew.
        self.over.retain(|(node, _)| *node != at);
        let kept = self.nodes[at].kept.clone();
        let kept = kept
            .into_iter()
            .map(|((table, key), value)| Keep {
                table,
                key,
                value: Some(value),
            })
            .collect();
        self.command(
            name,
            Command::Accounts(vec![account("tv01"), account("tv02")]),
        );
        self.command(name, Command::Restore { kept, byes_per_s });
    }

    pub(super) fn input(&mut self, at: usize, input: Input) {
        if self.nodes[at].is_dead {
            return;
        }
        let mut out = Vec::new();
        let now = self.now();
        self.nodes[at].endpoint.handle(now, input, &mut out);
        for output in out {
            self.output(at, output);
        }
    }

    fn output(&mut self, at: usize, output: Output) {
        match output {
            Output::Datagram {
                destination, bytes, ..
            } => {
                let from = self.nodes[at].address;
                self.post(from, destination, bytes);
            }
            Output::Stream { connection, bytes } => {
                let Some((to, theirs)) = self.pipes.get(&(at, connection)).copied() else {
                    return;
                };
                self.say(
                    self.nodes[at].address,
                    self.nodes[to].address,
                    &bytes,
                    " (tcp)",
                );
                // Streams are cut anywhere.
                for piece in bytes.chunks(97) {
                    let input = Input::StreamBytes {
                        connection: theirs,
                        bytes: piece.to_vec(),
                    };
                    self.queue.push_back((
                        self.now_us + HOP_US,
                        Parcel::Input {
                            node: to,
                            input: Box::new(input),
                        },
                    ));
                }
            }
            Output::Connect {
                connection,
                listener,
                destination,
                ..
            } => self.connect(at, connection, listener, destination),
            Output::Close { connection } => {
                self.note(&format!("{} closes tcp", self.nodes[at].name));
                self.cut(at, connection);
            }
            Output::Event(event) => self.event(at, event),
            Output::Resolve { query } => self.asked.push((at, query)),
            Output::Keep(Keep { table, key, value }) => match value {
                Some(value) => {
                    self.nodes[at].kept.insert((table, key), value);
                }
                None => {
                    self.nodes[at].kept.remove(&(table, key));
                }
            },
        }
    }

    fn connect(
        &mut self,
        at: usize,
        connection: ConnectionId,
        listener: u16,
        destination: SocketAddr,
    ) {
        let to = self
            .nodes
            .iter()
            .position(|node| node.address == destination && !node.is_dead);
        let time = self.now_us + HOP_US;
        let Some(to) = to else {
            let input = Box::new(Input::StreamClosed { connection });
            return self
                .queue
                .push_back((time, Parcel::Input { node: at, input }));
        };
        self.next_connection += 1;
        let theirs = self.next_connection;
        self.pipes.insert((at, connection), (to, theirs));
        self.pipes.insert((to, theirs), (at, connection));
        let port = 40_000 + u16::try_from(theirs).unwrap();
        let peer = SocketAddr::new(self.nodes[at].address.ip(), port);
        for (node, input) in [
            (
                to,
                Input::StreamOpened {
                    connection: theirs,
                    listener,
                    peer,
                    proof: Proof::None,
                },
            ),
            (
                at,
                Input::StreamOpened {
                    connection,
                    listener,
                    peer: destination,
                    proof: Proof::None,
                },
            ),
        ] {
            self.queue.push_back((
                time,
                Parcel::Input {
                    node,
                    input: Box::new(input),
                },
            ));
        }
    }

    fn cut(&mut self, at: usize, connection: ConnectionId) {
        if let Some((to, theirs)) = self.pipes.remove(&(at, connection)) {
            self.pipes.remove(&(to, theirs));
            let input = Box::new(Input::StreamClosed { connection: theirs });
            self.queue
                .push_back((self.now_us + HOP_US, Parcel::Input { node: to, input }));
        }
    }

    /// Cuts every TCP connection, as a failing router does.
    pub(super) fn cut_all(&mut self) {
        for ((node, connection), _) in std::mem::take(&mut self.pipes) {
            let input = Box::new(Input::StreamClosed { connection });
            self.queue
                .push_back((self.now_us + HOP_US, Parcel::Input { node, input }));
        }
    }

    fn post(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if !self.is_quiet {
            self.wire.push(bytes.clone());
        }
        let what = summary(&bytes);
        let mut copies = 1;
        let mut mark = "";
        if let Some(rule) = self
            .rules
            .iter_mut()
            .find(|rule| rule.left > 0 && what.starts_with(&rule.what))
        {
            rule.left -= 1;
            copies = rule.copies;
        }
        if self.roll() < self.loss_percent {
            copies = 0;
        } else if self.roll() < self.duplicate_percent {
            copies = 2;
        }
        if copies == 0 {
            mark = " (lost)";
        } else if copies > 1 {
            mark = " (twice)";
        }
        self.say(from, to, &bytes, mark);
        let jitter_us = if self.duplicate_percent > 0 {
            self.roll() * 300
        } else {
            0
        };
        for _ in 0..copies {
            self.queue.push_back((
                self.now_us + HOP_US + jitter_us,
                Parcel::Datagram {
                    from,
                    to,
                    bytes: bytes.clone(),
                },
            ));
        }
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % 100
    }

    pub(super) fn seed(&mut self, seed: u64) {
        self.dice = seed.wrapping_mul(2).wrapping_add(1);
    }

    fn say(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], mark: &str) {
        if bytes == b"\r\n" || self.is_quiet {
            return;
        }
        let name = |address: SocketAddr| {
            self.nodes
                .iter()
                .find(|node| node.address.ip() == address.ip())
                .map_or_else(|| address.to_string(), |node| node.name.to_owned())
        };
        let line = format!(
            "{:>8} -> {:<8} {}{mark}",
            name(from),
            name(to),
            summary(bytes)
        );
        self.note(&line);
    }

    fn note(&mut self, line: &str) {
        if !self.is_quiet {
            let _ = writeln!(
                self.log,
                "{:<7.3} {}",
                self.now_us as f64 / 1e6,
                line.trim_end()
            );
        }
    }

    /// After its end, or our hanging up, nothing is said of a dialog.
    fn check_order(&mut self, at: usize, event: &Event) {
        let (dialog, is_last) = match event {
            Event::Invited(invitation) => (invitation.dialog, false),
            Event::Acknowledged { dialog, .. }
            | Event::Ringing { dialog, .. }
            | Event::Answered { dialog, .. }
            | Event::Digit { dialog, .. }
            | Event::ReferProgress { dialog, .. }
            | Event::Reinvited { dialog, .. }
            | Event::ReinviteAnswered { dialog, .. } => (*dialog, false),
            Event::Referred(referral) => (referral.dialog, false),
            Event::Failed { dialog, .. } | Event::Ended { dialog, .. } => (*dialog, true),
            Event::Banned { .. }
            | Event::Contact { .. }
            | Event::ContactReplaced { .. }
            | Event::Registered { .. }
            | Event::Rejected { .. }
            | Event::Trunk { .. } => return,
        };
        assert!(
            !self.over.contains(&(at, dialog)),
            "{}: {event:?} after the end\n{}",
            self.nodes[at].name,
            self.log
        );
        if is_last {
            self.over.insert((at, dialog));
        }
    }

    fn event(&mut self, at: usize, event: Event) {
        self.check_order(at, &event);
        let text = match event {
            Event::Invited(invitation) => {
                self.nodes[at].dialogs.push(invitation.dialog);
                let peer = match &invitation.peer {
                    Peer::Trunk(trunk) => format!("trunk {trunk}"),
                    Peer::Account(user) => user.clone(),
                    Peer::Unknown => "unknown".to_owned(),
                };
                let place = invitation
                    .replaces
                    .map(|dialog| format!(" in place of call {dialog}"));
                format!(
                    "invited to {} by {} ({peer}){}",
                    invitation.dialled,
                    invitation.caller,
                    place.unwrap_or_default()
                )
            }
            Event::Acknowledged { .. } => "acknowledged".to_owned(),
            Event::Ringing { .. } => "ringing".to_owned(),
            Event::Answered { body, .. } => {
                format!("answered {:?}", String::from_utf8_lossy(&body))
            }
            Event::Failed { failure, .. } => match failure {
                Failure::Busy => "failed: busy".to_owned(),
                Failure::Cancelled => "failed: cancelled".to_owned(),
                Failure::Declined(status) => format!("failed: declined {status}"),
                Failure::Unreachable(status) => format!("failed: unreachable {status}"),
            },
            Event::Ended { is_by_peer, .. } => format!(
                "ended {}",
                if is_by_peer { "by peer" } else { "in silence" }
            ),
            Event::Digit { digit, .. } => format!("digit {digit}"),
            Event::Reinvited { body, .. } => format!(
                "reinvited {:?}",
                body.map(|body| String::from_utf8_lossy(&body).into_owned())
            ),
            Event::ReinviteAnswered { body, status, .. } => format!(
                "change answered {status} {:?}",
                body.map(|body| String::from_utf8_lossy(&body).into_owned())
            ),
            Event::ReferProgress { status, .. } => format!("transfer {status}"),
            Event::Referred(referral) => format!(
                "referred to {} by {}{}",
                referral.number,
                referral.account,
                if referral.replaces.is_some() {
                    " in place of a call"
                } else {
                    ""
                }
            ),
            Event::Contact { account, state } => format!("contact {account} {state:?}"),
            Event::ContactReplaced { account, by, .. } => {
                format!("contact of {account} replaced by {by}")
            }
            Event::Trunk { trunk, state } => format!("trunk {trunk} {state:?}"),
            Event::Registered { user, granted } => format!("registered {user} {granted:?}"),
            Event::Banned {
                address, reason, ..
            } => format!("banned {address} {reason:?}"),
            Event::Rejected { rejection, .. } => format!("rejected {rejection:?}"),
        };
        let name = self.nodes[at].name;
        self.note(&format!("    {name}: {text}"));
    }

    fn step(&mut self, until_us: u64) -> bool {
        let parcel = self
            .queue
            .iter()
            .enumerate()
            .min_by_key(|(at, (time, _))| (*time, *at))
            .map(|(at, (time, _))| (*time, at));
        let timer = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| !node.is_dead);
        let timer = timer
            .filter_map(|(at, node)| node.endpoint.next_deadline().map(|due| (due.0, at)))
            .min();
        let next_us = parcel
            .map(|(time, _)| time)
            .into_iter()
            .chain(timer.map(|(time, _)| time))
            .min();
        let Some(next_us) = next_us.filter(|next_us| *next_us <= until_us) else {
            return false;
        };
        self.now_us = self.now_us.max(next_us);
        match (parcel, timer) {
            (Some((time, at)), timer) if timer.is_none_or(|(due, _)| time <= due) => {
                if let Some((_, parcel)) = self.queue.remove(at) {
                    self.deliver(parcel);
                }
            }
            (_, Some((_, node))) => self.input(node, Input::Tick),
            (_, None) => {}
        }
        true
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Datagram { from, to, bytes } => {
                if let Some(at) = self.nodes.iter().position(|node| node.address == to) {
                    self.input(
                        at,
                        Input::Datagram {
                            listener: 0,
                            source: from,
                            bytes,
                        },
                    );
                }
            }
            Parcel::Input { node, input } => self.input(node, *input),
        }
    }

    pub(super) fn run_ms(&mut self, millis: u64) {
        let until_us = self.now_us + millis * 1_000;
        while self.step(until_us) {}
        self.now_us = until_us;
    }

    /// Time passes, and no timer acts: whoever is looked at is told of it by hand.
    pub(super) fn run_quietly_ms(&mut self, millis: u64) {
        self.now_us += millis * 1_000;
    }

    /// Everything is over after the longest timers.
    pub(super) fn settle(&mut self) {
        self.run_ms(120_000);
        for node in self.nodes.iter().filter(|node| !node.is_dead) {
            assert!(
                node.endpoint.idle(),
                "{} is not idle: {:?}",
                node.name,
                node.endpoint.counters()
            );
        }
    }
}

/// `INVITE sip:111@...` or `200 INVITE`.
pub(super) fn summary(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut first = text.lines().next().unwrap_or_default().split(' ');
    let (one, two) = (
        first.next().unwrap_or_default(),
        first.next().unwrap_or_default(),
    );
    if one != "SIP/2.0" {
        return one.to_owned();
    }
    let cseq = text
        .lines()
        .find_map(|line| line.strip_prefix("CSeq: "))
        .unwrap_or_default();
    format!("{two} {}", cseq.split(' ').nth(1).unwrap_or_default())
}

/// One way, microseconds.
const HOP_US: u64 = 5_000;
