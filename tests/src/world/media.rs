//! A media worker without sound: ports, clips that last as long as they last, and who hears what.

use hotline_media::{Bed, Clip, Command, Event, LegPlan, LegStatistics};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Ports told to the switchboard before the first call, as the shell waits for them too.
const PORTS_AT_START: u16 = 64;
/// First of the even ports.
const PORT_FIRST: u16 = 20_000;
/// A closed leg's port is drained this long.
const DRAIN_US: u64 = 500_000;

/// What one leg hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Nothing,
    Clip(String),
    Music,
    Soft,
    Leg(u64),
    Itself,
}

/// A sound of the table given to the switchboard.
#[derive(Clone, Debug)]
pub struct Sound {
    pub name: String,
    pub length_ms: u32,
}

/// Something the model will do later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    /// The clip of this run ends.
    ClipEnds { leg: u64, play: u64, index: usize },
    /// A closed leg is drained.
    Drained { leg: u64, port: u16 },
}

struct Run {
    play: u64,
    clips: Vec<Clip>,
    index: usize,
    started_us: u64,
    barge_in: bool,
}

struct Leg {
    port: u16,
    plan: LegPlan,
    bed: Bed,
    run: Option<Run>,
    joined: Option<u64>,
    is_echo: bool,
    recording: Option<(u64, u64)>,
    opened_us: u64,
    heard: Heard,
}

/// A change of what a leg hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub leg: u64,
    pub heard: Heard,
}

/// What the disk does to recordings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordingTrouble {
    pub is_full: bool,
}

pub struct Media {
    sounds: Vec<Sound>,
    /// Even ports of the worker.
    ports: u16,
    /// Told beyond the usual, because the switchboard keeps as many.
    kept: u16,
    legs: BTreeMap<u64, Leg>,
    draining: BTreeMap<u64, u16>,
    /// Handed to the switchboard and not opened yet.
    pub handed_out: BTreeSet<u16>,
    free: BTreeSet<u16>,
    pub trouble: RecordingTrouble,
    /// For the world: events for the switchboard, things to do later, changes of what is heard, faults.
    pub events: Vec<Event>,
    pub later: Vec<(u64, Later)>,
    pub changes: Vec<Change>,
    pub faults: Vec<String>,
    /// Finished recordings: number, start, end.
    pub recordings: Vec<(u64, u64, u64)>,
}

impl Media {
    #[must_use]
    pub fn new(sounds: Vec<Sound>, ports: u16) -> Self {
        let mut media = Self {
            sounds,
            ports,
            kept: 0,
            legs: BTreeMap::new(),
            draining: BTreeMap::new(),
            handed_out: BTreeSet::new(),
            free: (0..ports).map(|index| PORT_FIRST + index * 2).collect(),
            trouble: RecordingTrouble::default(),
            events: Vec::new(),
            later: Vec::new(),
            changes: Vec::new(),
            faults: Vec::new(),
            recordings: Vec::new(),
        };
        media.hand_out();
        media
    }

    /// A process that died takes its workers along; recordings end where they are.
    pub fn restart(&mut self, now_us: u64) {
        for (_, leg) in std::mem::take(&mut self.legs) {
            if let Some((recording, from)) = leg.recording {
                self.recordings.push((recording, from, now_us));
            }
        }
        self.draining.clear();
        self.handed_out.clear();
        self.free = (0..self.ports)
            .map(|index| PORT_FIRST + index * 2)
            .collect();
        self.events.clear();
        self.later.clear();
        self.kept = 0;
        self.hand_out();
    }

    fn hand_out(&mut self) {
        let mut ports = Vec::new();
        while self.handed_out.len() < usize::from(PORTS_AT_START + self.kept) {
            let Some(port) = self.free.pop_first() else {
                break;
            };
            self.handed_out.insert(port);
            ports.push(port);
        }
        if !ports.is_empty() {
            self.events.push(Event::Ports(ports));
        }
    }

    pub fn command(&mut self, now_us: u64, command: Command) {
        match command {
            Command::Open { leg, port, plan } => self.open(now_us, leg, port, plan),
            Command::Replan { leg, plan } => {
                if let Some(entry) = self.known(leg, "Replan") {
                    entry.plan = plan;
                }
            }
            Command::Browser { leg, .. } => {
                self.known(leg, "Browser");
            }
            Command::Close { leg } => self.close(now_us, leg),
            Command::Play {
                leg,
                play,
                clips,
                barge_in,
            } => self.play(now_us, leg, play, clips, barge_in),
            Command::StopPlay { leg } => {
                if self.known(leg, "StopPlay").is_some() {
                    self.cut(now_us, leg);
                }
            }
            Command::Bed { leg, bed } => {
                if let Some(entry) = self.known(leg, "Bed") {
                    entry.bed = bed;
                }
            }
            Command::Connect { a, b } => self.connect(now_us, a, b),
            Command::Disconnect { leg } => self.disconnect(leg),
            Command::Echo { leg } => {
                if let Some(entry) = self.known(leg, "Echo") {
                    entry.is_echo = true;
                }
            }
            Command::Digit { leg, .. } => {
                self.known(leg, "Digit");
            }
            Command::Record { leg, recording } => self.record(now_us, leg, recording),
            Command::PauseRecording { leg, .. } => {
                self.known(leg, "PauseRecording");
            }
            Command::RefuseRecordings(is_refused) => self.trouble.is_full = is_refused,
            Command::KeepReady { ports } => {
                self.kept = u16::try_from(ports).unwrap_or(u16::MAX - PORTS_AT_START);
                self.hand_out();
            }
            Command::Stop => {}
        }
        self.note_changes();
    }

    fn open(&mut self, now_us: u64, leg: u64, port: u16, plan: LegPlan) {
        if !self.handed_out.remove(&port) {
            self.faults
                .push(format!("port {port} of leg {leg} was not free"));
        }
        let entry = Leg {
            port,
            plan,
            bed: Bed::None,
            run: None,
            joined: None,
            is_echo: false,
            recording: None,
            opened_us: now_us,
            heard: Heard::Nothing,
        };
        if self.legs.insert(leg, entry).is_some() {
            self.faults.push(format!("leg {leg} was opened twice"));
        }
        self.hand_out();
    }

    fn close(&mut self, now_us: u64, leg: u64) {
        let Some(mut entry) = self.legs.remove(&leg) else {
            self.faults.push(format!("Close of unknown leg {leg}"));
            return;
        };
        if let Some(run) = entry.run.take() {
            let ended = self.play_ended(now_us, leg, &run, false);
            self.events.push(ended);
        }
        if let Some(other) = entry.joined.and_then(|other| self.legs.get_mut(&other)) {
            other.joined = None;
        }
        if let Some((recording, from)) = entry.recording {
            self.recordings.push((recording, from, now_us));
            let length_ms = (now_us - from) / 1_000;
            self.events.push(Event::RecordingClosed {
                recording,
                length_ms,
            });
        }
        self.draining.insert(leg, entry.port);
        self.later.push((
            now_us + DRAIN_US,
            Later::Drained {
                leg,
                port: entry.port,
            },
        ));
        let sent = (now_us - entry.opened_us) / 20_000;
        let statistics = LegStatistics {
            received: sent,
            sent,
            jitter_us: 900,
            ..LegStatistics::default()
        };
        self.events.push(Event::Closed { leg, statistics });
    }

    fn play(&mut self, now_us: u64, leg: u64, play: u64, clips: Vec<Clip>, barge_in: bool) {
        if self.known(leg, "Play").is_none() {
            return;
        }
        self.cut(now_us, leg);
        if clips.is_empty() {
            self.faults.push(format!("empty run {play} on leg {leg}"));
        }
        let first_us = clips.first().map_or(0, |clip| self.length_us(clip));
        if let Some(entry) = self.legs.get_mut(&leg) {
            entry.run = Some(Run {
                play,
                clips,
                index: 0,
                started_us: now_us,
                barge_in,
            });
            self.later.push((
                now_us + first_us,
                Later::ClipEnds {
                    leg,
                    play,
                    index: 0,
                },
            ));
        }
    }

    fn cut(&mut self, now_us: u64, leg: u64) {
        if let Some(run) = self.legs.get_mut(&leg).and_then(|entry| entry.run.take()) {
            let ended = self.play_ended(now_us, leg, &run, false);
            self.events.push(ended);
        }
    }

    fn play_ended(&self, now_us: u64, leg: u64, run: &Run, is_complete: bool) -> Event {
        let heard_ms = u32::try_from((now_us - run.started_us) / 1_000).unwrap_or(u32::MAX);
        let clip = u32::try_from(if is_complete {
            run.clips.len()
        } else {
            run.index
        })
        .unwrap_or(0);
        Event::PlayEnded {
            leg,
            play: run.play,
            heard_ms,
            is_complete,
            clip,
        }
    }

    fn connect(&mut self, now_us: u64, a: u64, b: u64) {
        if self.known(a, "Connect").is_none() || self.known(b, "Connect").is_none() {
            return;
        }
        for (leg, other) in [(a, b), (b, a)] {
            self.cut(now_us, leg);
            let Some(entry) = self.legs.get_mut(&leg) else {
                continue;
            };
            if entry.joined.is_some_and(|joined| joined != other) {
                self.faults
                    .push(format!("leg {leg} was connected to two others"));
            }
            entry.joined = Some(other);
        }
    }

    fn disconnect(&mut self, leg: u64) {
        let other = self
            .known(leg, "Disconnect")
            .and_then(|entry| entry.joined.take());
        if let Some(entry) = other.and_then(|other| self.legs.get_mut(&other)) {
            entry.joined = None;
        }
    }

    fn record(&mut self, now_us: u64, leg: u64, recording: u64) {
        if self.known(leg, "Record").is_none() {
            return;
        }
        if self.trouble.is_full {
            let error = "no space left on the disk".to_owned();
            self.events
                .push(Event::RecordingFailed { recording, error });
        } else if let Some(entry) = self.legs.get_mut(&leg) {
            entry.recording = Some((recording, now_us));
        }
    }

    /// The disk fills up while recordings run: each breaks off, the calls go on.
    pub fn break_recordings(&mut self, now_us: u64) {
        for leg in self.legs.values_mut() {
            if let Some((recording, from)) = leg.recording.take() {
                self.recordings.push((recording, from, now_us));
                let error = "no space left on the disk".to_owned();
                self.events
                    .push(Event::RecordingFailed { recording, error });
            }
        }
    }

    pub fn on_later(&mut self, now_us: u64, later: Later) {
        match later {
            Later::ClipEnds { leg, play, index } => self.clip_ends(now_us, leg, play, index),
            Later::Drained { leg, port } => {
                if self.draining.remove(&leg).is_some() {
                    self.free.insert(port);
                    self.hand_out();
                }
            }
        }
        self.note_changes();
    }

    fn clip_ends(&mut self, now_us: u64, leg: u64, play: u64, index: usize) {
        let Some(entry) = self.legs.get_mut(&leg) else {
            return;
        };
        let Some(run) = entry
            .run
            .as_mut()
            .filter(|run| run.play == play && run.index == index)
        else {
            return;
        };
        run.index += 1;
        match run.clips.get(run.index).cloned() {
            Some(clip) => {
                let next = run.index;
                let at = now_us + self.length_us(&clip);
                self.later.push((
                    at,
                    Later::ClipEnds {
                        leg,
                        play,
                        index: next,
                    },
                ));
            }
            None => {
                if let Some(run) = entry.run.take() {
                    let ended = self.play_ended(now_us, leg, &run, true);
                    self.events.push(ended);
                }
            }
        }
    }

    /// A key pressed on the phone whose audio address this is (RFC 4733).
    pub fn press(&mut self, now_us: u64, address: SocketAddr, digit: char) {
        let Some(leg) = self.leg_at(address) else {
            return;
        };
        let Some(entry) = self.legs.get(&leg) else {
            return;
        };
        if entry.plan.event_receive.is_none() {
            return;
        }
        if entry.run.as_ref().is_some_and(|run| run.barge_in) {
            self.cut(now_us, leg);
        }
        self.events.push(Event::Digit { leg, digit });
        self.note_changes();
    }

    pub fn voice(&mut self, address: SocketAddr) {
        if let Some(leg) = self.leg_at(address) {
            self.events.push(Event::Voice { leg });
        }
    }

    pub fn media_lost(&mut self, address: SocketAddr) {
        let is_there = |leg: &Leg| leg.plan.remote == Some(address);
        for (number, _) in self.legs.iter().filter(|(_, leg)| is_there(leg)) {
            self.events.push(Event::MediaLost { leg: *number });
        }
    }

    /// The leg whose audio goes to this address.
    #[must_use]
    pub fn leg_at(&self, address: SocketAddr) -> Option<u64> {
        self.legs
            .iter()
            .find(|(_, leg)| leg.plan.remote == Some(address))
            .map(|(number, _)| *number)
    }

    #[must_use]
    pub fn heard(&self, leg: u64) -> Heard {
        let Some(entry) = self.legs.get(&leg) else {
            return Heard::Nothing;
        };
        if let Some(run) = &entry.run {
            match run.clips.get(run.index) {
                Some(Clip::Prompt(number)) => {
                    let name = usize::try_from(*number)
                        .ok()
                        .and_then(|index| self.sounds.get(index));
                    return Heard::Clip(
                        name.map_or_else(|| format!("sound {number}"), |sound| sound.name.clone()),
                    );
                }
                Some(Clip::Tone { hz, .. }) => return Heard::Clip(format!("tone of {hz} Hz")),
                Some(Clip::Silence(_)) | None => return Heard::Nothing,
            }
        }
        if let Some(other) = entry.joined {
            return Heard::Leg(other);
        }
        if entry.is_echo {
            return Heard::Itself;
        }
        match entry.bed {
            Bed::Music => Heard::Music,
            Bed::Soft => Heard::Soft,
            Bed::None => Heard::Nothing,
        }
    }

    pub fn legs(&self) -> impl Iterator<Item = u64> {
        self.legs.keys().copied()
    }

    #[must_use]
    pub fn joined(&self, leg: u64) -> Option<u64> {
        self.legs.get(&leg)?.joined
    }

    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.legs.is_empty() && self.draining.is_empty()
    }

    fn note_changes(&mut self) {
        let numbers: Vec<u64> = self.legs.keys().copied().collect();
        for number in numbers {
            let heard = self.heard(number);
            if let Some(leg) = self.legs.get_mut(&number)
                && leg.heard != heard
            {
                leg.heard = heard.clone();
                self.changes.push(Change { leg: number, heard });
            }
        }
    }

    fn length_us(&self, clip: &Clip) -> u64 {
        let length_ms = match clip {
            Clip::Prompt(number) => usize::try_from(*number)
                .ok()
                .and_then(|index| self.sounds.get(index))
                .map_or(1_000, |sound| sound.length_ms),
            Clip::Silence(length_ms) | Clip::Tone { length_ms, .. } => *length_ms,
        };
        u64::from(length_ms) * 1_000
    }

    fn known(&mut self, leg: u64, command: &str) -> Option<&mut Leg> {
        if !self.legs.contains_key(&leg) {
            self.faults.push(format!("{command} for unknown leg {leg}"));
        }
        self.legs.get_mut(&leg)
    }
}
