//! A small world around the real switchboard: virtual time, a network that may be bad, scripted phones, a media
//! worker without sound, the real journal on a disk in memory. Nothing here sleeps, and the same seed tells the same
//! story.

pub mod board;
pub mod keeper;
pub mod media;
pub mod network;
pub mod peer;
pub mod plan;
pub mod say;
pub mod sdp;
pub mod text;
pub mod wire;

use crate::dice::Dice;
use crate::watch::Watch;
use hotline_core::{LegId, Mono, Now, Wall};
use hotline_switchboard::{Input, Switchboard, Turn};
use keeper::Keeper;
use media::{Later, Media};
use network::Weather;
use peer::{News, Peer};
use plan::Settings;
use say::{Kind, Line};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use text::Text;
use wire::Wire;

pub const REALM: &str = "111.test";
/// Wall time at the start of every day: 2026-03-02 08:00:00 UTC.
const WALL_AT_START_MS: i64 = 1_772_438_400_000;
/// Before this, servers start and phones register; then the story begins.
pub const STORY_US: u64 = 10_000_000;
/// Lines kept for the end of a story that failed, unless more are asked for.
const LINES_KEPT: usize = 60;

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Event {
    Icmp {
        destination: SocketAddr,
    },
    Media(Later),
    ForMedia(hotline_media::Command),
    FromMedia(hotline_media::Event),
    PeerTick(usize),
    StreamClosed {
        connection: u64,
    },
    StreamOpened {
        connection: u64,
        peer: usize,
        is_ours: bool,
    },
    Sync,
    Tick,
    ToPeer {
        peer: usize,
        bytes: Vec<u8>,
    },
    ToServer {
        source: SocketAddr,
        bytes: Vec<u8>,
    },
    ToServerStream {
        connection: u64,
        bytes: Vec<u8>,
    },
}

/// How much is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Every line, for a scenario.
    All,
    /// The last lines, for the end of a story that failed.
    Last,
    /// Nothing: the quickest.
    Off,
}

/// Where a process may be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kill {
    /// In the next turn, after so many of its effects (the frame is written).
    AfterEffects(usize),
}

pub struct World {
    pub now_us: u64,
    pub wall_offset_ms: i64,
    pub settings: Settings,
    pub seed: u64,
    pub dice: Dice,
    pub board: Option<Switchboard>,
    pub runs: u32,
    pub media: Media,
    pub weather: Weather,
    /// Commands to and events from the media worker take this long.
    pub media_delay_us: u64,
    pub peers: Vec<Peer>,
    /// Peers whose network bounces datagrams (ICMP).
    pub bouncing: Vec<bool>,
    pub keeper: Keeper,
    pub watch: Watch,
    pub wire: Wire,
    pub trace: Trace,
    pub lines: VecDeque<Line>,
    pub lines_kept: usize,
    pub news: Vec<(usize, News)>,
    pub kill: Option<Kill>,
    /// The process died at the last turn and nobody has started it again.
    pub is_down: bool,
    pub drained: bool,
    /// Everything that the server sent, where somebody wants to see it raw.
    pub sniffed: Option<Vec<Vec<u8>>>,
    pub replies: Vec<(u64, Result<(), hotline_core::Refusal>)>,
    by_address: BTreeMap<SocketAddr, usize>,
    events: BTreeMap<(u64, u64), Event>,
    serial: u64,
    tick_at: Option<u64>,
    sync_at: Option<u64>,
    peer_ticks: Vec<Option<u64>>,
    streams: BTreeMap<u64, usize>,
    stream_of: BTreeMap<usize, u64>,
    stream_rest: BTreeMap<usize, Vec<u8>>,
    next_connection: u64,
    leg_names: BTreeMap<u64, String>,
    call_names: BTreeMap<u64, String>,
    /// Calls that came from a phone, by its number.
    calls_of: BTreeMap<usize, Vec<u64>>,
    /// Who sent what is being handled.
    source: Option<SocketAddr>,
    turn: Turn,
}

impl World {
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let keeper = Keeper::new(dice.fork(7));
        let (sounds, _) = plan::sounds(&settings);
        let ports = settings.ports;
        Self {
            now_us: 1_000_000,
            wall_offset_ms: 0,
            settings,
            seed,
            dice,
            board: None,
            runs: 0,
            media: Media::new(sounds, ports),
            weather: Weather::default(),
            media_delay_us: 0,
            peers: Vec::new(),
            bouncing: Vec::new(),
            keeper,
            watch: Watch::default(),
            wire: Wire::default(),
            trace: Trace::Off,
            lines: VecDeque::new(),
            lines_kept: LINES_KEPT,
            news: Vec::new(),
            kill: None,
            is_down: false,
            drained: false,
            sniffed: None,
            replies: Vec::new(),
            by_address: BTreeMap::new(),
            events: BTreeMap::new(),
            serial: 0,
            tick_at: None,
            sync_at: None,
            peer_ticks: Vec::new(),
            streams: BTreeMap::new(),
            stream_of: BTreeMap::new(),
            stream_rest: BTreeMap::new(),
            next_connection: 1,
            leg_names: BTreeMap::new(),
            call_names: BTreeMap::new(),
            calls_of: BTreeMap::new(),
            source: None,
            turn: Turn::default(),
        }
    }

    #[must_use]
    pub fn now(&self) -> Now {
        let wall = WALL_AT_START_MS
            + i64::try_from(self.now_us / 1_000).unwrap_or(0)
            + self.wall_offset_ms;
        Now {
            mono: Mono(self.now_us),
            wall: Wall(wall),
        }
    }

    /// Microseconds since the story began.
    #[must_use]
    pub fn story_us(&self) -> u64 {
        self.now_us.saturating_sub(STORY_US)
    }

    pub fn add_peer(&mut self, peer: Peer) -> usize {
        let number = self.peers.len();
        self.by_address.insert(peer.address, number);
        self.peers.push(peer);
        self.bouncing.push(false);
        self.peer_ticks.push(None);
        number
    }

    /// A phone that comes back from another address.
    pub fn move_peer(&mut self, number: usize, address: SocketAddr) {
        if let Some(peer) = self.peers.get_mut(number) {
            peer.address = address;
            peer.audio_port = address.port() + 20_000;
        }
        self.by_address.insert(address, number);
    }

    #[must_use]
    pub fn peer(&mut self, number: usize) -> &mut Peer {
        &mut self.peers[number]
    }

    /// Lets a person do something with a phone, then sends what the phone has to send.
    pub fn act(&mut self, number: usize, deed: impl FnOnce(&mut Peer, u64)) {
        let now_us = self.now_us;
        deed(&mut self.peers[number], now_us);
        self.flush_peer(number);
    }

    /// The server knows that this dialog is up: it has the ACK, or sent it.
    #[must_use]
    pub fn was_confirmed(&self, call_id: &str) -> bool {
        self.wire.is_confirmed(call_id)
    }

    /// What can be judged by the passing of time alone.
    pub fn judge(&mut self) {
        self.watch.on_time(self.now_us);
        self.wire.check_acks(self.now_us);
        let found = std::mem::take(&mut self.wire.faults);
        self.watch.take(self.now_us, found);
        let found = std::mem::take(&mut self.keeper.faults);
        self.watch.take(self.now_us, found);
    }

    // ---- time ---------------------------------------------------------------------------------------------

    #[must_use]
    pub fn next_at(&self) -> Option<u64> {
        self.events.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn at(&mut self, at_us: u64, event: Event) {
        self.serial += 1;
        self.events
            .insert((at_us.max(self.now_us), self.serial), event);
    }

    /// Time moves on; nothing happens on the way (the caller has looked at `next_at`).
    pub fn advance_to(&mut self, at_us: u64) {
        self.now_us = self.now_us.max(at_us);
    }

    /// The next thing happens.
    pub fn step(&mut self) {
        let Some(((at, _), event)) = self.events.pop_first() else {
            return;
        };
        self.advance_to(at);
        match event {
            Event::Icmp { destination } => {
                self.handle(Input::Sip(hotline_sip::Input::SendFailed { destination }));
            }
            Event::Media(later) => {
                self.media.on_later(self.now_us, later);
                self.after_media();
            }
            Event::ForMedia(command) => {
                self.media.command(self.now_us, command);
                self.after_media();
            }
            Event::FromMedia(event) => self.handle(Input::Media { worker: 0, event }),
            Event::PeerTick(number) => {
                if self.peer_ticks[number].is_some_and(|due| due <= self.now_us) {
                    self.peer_ticks[number] = None;
                    self.act(number, Peer::tick);
                }
            }
            Event::StreamClosed { connection } => self.stream_closed(connection),
            Event::StreamOpened {
                connection,
                peer,
                is_ours,
            } => self.stream_opened(connection, peer, is_ours),
            Event::Sync => self.sync(),
            Event::Tick => {
                if self.tick_at.is_some_and(|due| due <= self.now_us) {
                    self.tick_at = None;
                    self.handle(Input::Tick);
                }
            }
            Event::ToPeer { peer, bytes } => self.deliver_to_peer(peer, &bytes),
            Event::ToServer { source, bytes } => self.deliver_to_server(source, bytes),
            Event::ToServerStream { connection, bytes } => {
                self.deliver_to_stream(connection, bytes)
            }
        }
    }

    // ---- the network --------------------------------------------------------------------------------------

    /// What the phone wants to send goes out; its news and its next deadline are noted.
    pub(crate) fn flush_peer(&mut self, number: usize) {
        let out = std::mem::take(&mut self.peers[number].out);
        for bytes in out {
            self.send_from_peer(number, bytes);
        }
        for news in std::mem::take(&mut self.peers[number].news) {
            self.news.push((number, news));
        }
        let due = self.peers[number].next_deadline();
        if let Some(due) = due
            && self.peer_ticks[number].is_none_or(|known| due < known)
        {
            self.peer_ticks[number] = Some(due);
            self.at(due, Event::PeerTick(number));
        }
    }

    fn send_from_peer(&mut self, number: usize, bytes: Vec<u8>) {
        let source = self.peers[number].address;
        if self.trace != Trace::Off
            && let Some((text, _)) = Text::parse(&bytes)
        {
            let (words, kind) = say::signal(&text, true);
            self.say_of(number, kind, words);
        }
        if self.peers[number].is_stream {
            if self.board.is_none() {
                return; // Nobody listens.
            }
            let connection = self.stream_to_server(number);
            return self.at(self.now_us, Event::ToServerStream { connection, bytes });
        }
        let arrivals = self.weather.fall(self.now_us, &mut self.dice);
        if arrivals[0].is_none() {
            self.inner(&format!(
                "a datagram of {} is lost",
                self.peers[number].name
            ));
        }
        for at in arrivals.into_iter().flatten() {
            self.at(
                at,
                Event::ToServer {
                    source,
                    bytes: bytes.clone(),
                },
            );
        }
    }

    pub(crate) fn send_to_peer(&mut self, destination: SocketAddr, bytes: Vec<u8>) {
        let number = self.by_address.get(&destination).copied();
        let parsed = Text::parse(&bytes);
        if let Some((text, _)) = &parsed {
            self.wire
                .from_server(self.now_us, destination, text, number.is_some());
            self.watch.on_sent(self.now_us, destination, text);
            if self.trace != Trace::Off
                && let Some(number) = number
            {
                let (words, kind) = say::signal(text, false);
                self.say_of(number, kind, words);
            }
        }
        let Some(number) = number else { return };
        // A phone that has moved hears nothing at its old address.
        if self.peers[number].address != destination || self.bouncing[number] {
            if self.bouncing[number] {
                self.at(self.now_us, Event::Icmp { destination });
            }
            return;
        }
        let arrivals = self.weather.fall(self.now_us, &mut self.dice);
        if arrivals[0].is_none() {
            self.inner(&format!(
                "a datagram to {} is lost",
                self.peers[number].name
            ));
        }
        for at in arrivals.into_iter().flatten() {
            self.at(
                at,
                Event::ToPeer {
                    peer: number,
                    bytes: bytes.clone(),
                },
            );
        }
    }

    fn deliver_to_peer(&mut self, number: usize, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((_, length)) = Text::parse(rest) {
            let now_us = self.now_us;
            let (one, more) = rest.split_at(length);
            self.peers[number].receive(now_us, one);
            rest = more;
        }
        self.flush_peer(number);
    }

    fn deliver_to_server(&mut self, source: SocketAddr, bytes: Vec<u8>) {
        if self.board.is_none() {
            return;
        }
        if let Some((text, _)) = Text::parse(&bytes) {
            self.wire.to_server(self.now_us, source, &text);
            self.watch.on_received(self.now_us, &text);
        }
        self.source = Some(source);
        self.handle(Input::Sip(hotline_sip::Input::Datagram {
            listener: 0,
            source,
            bytes,
        }));
        self.source = None;
    }

    // ---- streams ------------------------------------------------------------------------------------------

    fn stream_to_server(&mut self, number: usize) -> u64 {
        if let Some(connection) = self.stream_of.get(&number) {
            return *connection;
        }
        let connection = self.next_connection;
        self.next_connection += 1;
        self.stream_of.insert(number, connection);
        self.streams.insert(connection, number);
        self.at(
            self.now_us,
            Event::StreamOpened {
                connection,
                peer: number,
                is_ours: false,
            },
        );
        connection
    }

    fn stream_opened(&mut self, connection: u64, number: usize, is_ours: bool) {
        let peer = self.peers[number].address;
        if is_ours {
            self.streams.insert(connection, number);
            self.stream_of.insert(number, connection);
        }
        self.handle(Input::Sip(hotline_sip::Input::StreamOpened {
            connection,
            listener: 1,
            peer,
            proof: hotline_sip::Proof::None,
        }));
    }

    fn stream_closed(&mut self, connection: u64) {
        if let Some(number) = self.streams.remove(&connection) {
            self.stream_of.remove(&number);
            self.stream_rest.remove(&number);
            self.watch.on_flow_lost(self.peers[number].address);
        }
        self.handle(Input::Sip(hotline_sip::Input::StreamClosed { connection }));
    }

    /// The phone's connection breaks (or is broken by the phone).
    pub fn break_stream(&mut self, number: usize) {
        if let Some(connection) = self.stream_of.get(&number).copied() {
            self.at(self.now_us, Event::StreamClosed { connection });
        }
    }

    fn deliver_to_stream(&mut self, connection: u64, bytes: Vec<u8>) {
        let Some(number) = self.streams.get(&connection).copied() else {
            return;
        };
        if self.board.is_none() {
            return;
        }
        if let Some((text, _)) = Text::parse(&bytes) {
            self.wire
                .to_server(self.now_us, self.peers[number].address, &text);
            self.watch.on_received(self.now_us, &text);
        }
        self.source = Some(self.peers[number].address);
        self.handle(Input::Sip(hotline_sip::Input::StreamBytes {
            connection,
            bytes,
        }));
        self.source = None;
    }

    pub(crate) fn stream_to_peer(&mut self, connection: u64, bytes: &[u8]) {
        let Some(number) = self.streams.get(&connection).copied() else {
            return;
        };
        let mut held = self.stream_rest.remove(&number).unwrap_or_default();
        held.extend_from_slice(bytes);
        while let Some((text, length)) = Text::parse(&held) {
            let destination = self.peers[number].address;
            self.wire.from_server(self.now_us, destination, &text, true);
            self.watch.on_sent(self.now_us, destination, &text);
            if self.trace != Trace::Off {
                let (words, kind) = say::signal(&text, false);
                self.say_of(number, kind, words);
            }
            let one: Vec<u8> = held.drain(..length).collect();
            self.at(
                self.now_us,
                Event::ToPeer {
                    peer: number,
                    bytes: one,
                },
            );
        }
        self.stream_rest.insert(number, held);
    }

    pub(crate) fn connect_to_peer(&mut self, connection: u64, destination: SocketAddr) {
        let found = self.by_address.get(&destination).copied();
        let alive =
            found.filter(|number| self.peers[*number].is_stream && !self.peers[*number].is_dead);
        match alive {
            Some(peer) => self.at(
                self.now_us,
                Event::StreamOpened {
                    connection,
                    peer,
                    is_ours: true,
                },
            ),
            None => self.at(self.now_us, Event::StreamClosed { connection }),
        }
    }

    pub(crate) fn close_stream(&mut self, connection: u64) {
        if let Some(number) = self.streams.remove(&connection) {
            self.stream_of.remove(&number);
        }
    }

    // ---- what people hear and press -----------------------------------------------------------------------

    #[must_use]
    pub fn audio_address(&self, number: usize) -> SocketAddr {
        let peer = &self.peers[number];
        SocketAddr::new(peer.address.ip(), peer.audio_port)
    }

    /// A person presses a key once; the phone tells it by RFC 4733, by INFO, or by both.
    pub fn press(&mut self, number: usize, digit: char, by_audio: bool, by_info: bool) {
        for call in self.calls_of.get(&number).into_iter().flatten() {
            self.watch.on_press(*call, digit);
        }
        if by_audio {
            let address = self.audio_address(number);
            self.media.press(self.now_us, address, digit);
            self.after_media();
        }
        if by_info {
            self.act(number, |peer, now| peer.info_digit(now, digit));
        }
    }

    pub fn speak(&mut self, number: usize) {
        self.media.voice(self.audio_address(number));
        self.after_media();
    }

    pub fn lose_media(&mut self, number: usize) {
        self.lose_media_at(self.audio_address(number));
    }

    pub fn lose_media_at(&mut self, address: SocketAddr) {
        self.media.media_lost(address);
        self.after_media();
    }

    #[must_use]
    pub fn leg_of(&self, number: usize) -> Option<u64> {
        self.media.leg_at(self.audio_address(number))
    }

    // ---- lines --------------------------------------------------------------------------------------------

    pub fn say(&mut self, who: &str, kind: Kind, what: String) {
        if self.trace == Trace::Off {
            return;
        }
        if self.trace == Trace::Last && self.lines.len() >= self.lines_kept {
            self.lines.pop_front();
        }
        self.lines.push_back(Line {
            at_us: self.story_us(),
            who: who.to_owned(),
            what,
            kind,
        });
    }

    pub(crate) fn say_of(&mut self, number: usize, kind: Kind, what: String) {
        let name = self.peers[number].name.clone();
        self.say(&name, kind, what);
    }

    /// What a person does.
    pub fn say_deed(&mut self, number: usize, what: &str) {
        self.say_of(number, Kind::Deed, what.to_owned());
    }

    pub(crate) fn inner(&mut self, what: &str) {
        if self.trace == Trace::Last {
            self.say("", Kind::Inner, what.to_owned());
        }
    }

    #[must_use]
    pub fn leg_name(&self, leg: u64) -> String {
        self.leg_names
            .get(&leg)
            .cloned()
            .unwrap_or_else(|| format!("leg {leg}"))
    }

    #[must_use]
    pub fn call_name(&self, call: u64) -> String {
        self.call_names
            .get(&call)
            .cloned()
            .unwrap_or_else(|| format!("call {call:x}"))
    }

    pub(crate) fn name_leg(&mut self, leg: LegId, name: &str) {
        self.leg_names.insert(leg.0, name.to_owned());
    }

    pub(crate) fn name_call(&mut self, call: hotline_core::CallId, name: &str) {
        self.call_names.insert(call.0, name.to_owned());
    }

    pub(crate) fn address_known(&self, address: SocketAddr) -> Option<usize> {
        self.by_address.get(&address).copied()
    }
}
