//! One leg: what came in, what goes out, and at each tick which of its sources may speak.

mod packing;
mod speech;
mod watch;

use packing::translate;
use speech::mouth;
pub(crate) use speech::{EAR_SSRC, Wants, coded};
use watch::Watch;

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::codec::Clock;
use crate::control::{self, LastSenderReport, Sending};
use crate::digit::{DigitReceiver, DigitSender, event};
use crate::ear::Ear;
use crate::encoded::{Encoded, Piece};
use crate::key_tones::KeyTones;
use crate::line::{FRAME_SAMPLES, Line, Numbers};
use crate::message::{Bed, Codec, ControlPath, Event, LegId, LegPlan, Sound};
use crate::mouth::Mouth;
use crate::output::{Channel, Output, Slot};
use crate::packer::Packer;
use crate::packet::{PAYLOAD_BYTES_MAX, View, write_header};
use crate::player::{Run, fill_loop, fill_loop_frame};
use crate::receive::Reception;
use crate::rule_m::Gate;
use crate::srtp::Cover;
use crate::tap::Tap;
use crate::time::Mono;
use crate::tone::KeyTone;
use crate::voice::Listener;

/// All state of a leg.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) slot: Slot,
    pub(crate) plan: LegPlan,
    pub(crate) gate: Gate,
    pub(crate) reception: Reception,
    pub(crate) digits: DigitReceiver,
    pub(crate) listener: Listener,
    pub(crate) line: Line,
    pub(crate) cover: Cover,
    pub(crate) unauthentic: u64,
    pub(crate) trials: Trials,
    /// For peers that press keys in the audio.
    key_tones: Option<Box<KeyTones>>,
    /// The last key, whether it was heard in the audio, and when.
    last_key: Option<(char, bool, Mono)>,
    watch: Watch,
    /// Where its sound itself is needed.
    pub(crate) ear: Option<Box<Ear>>,
    /// For the codecs that need an encoder.
    mouth: Option<Box<Mouth>>,
    /// Where packets are not as long as they come; made at the first such packet.
    packer: Option<Box<Packer>>,
    pub(crate) hearing: Hearing,
    pub(crate) bed: Bed,
    pub(crate) run: Option<Run>,
    pub(crate) tap: Option<Box<Tap>>,
    pub(crate) foreign: u64,
    pub(crate) malformed: u64,
    pub(crate) flow: Flow,
    pub(crate) last_sender_report: Option<LastSenderReport>,
    pub(crate) round_trip_us: u32,
    pub(crate) control_source: Option<SocketAddr>,
    music_position: usize,
    soft_position: usize,
    key: Option<Key>,
    keys: VecDeque<(char, u32)>,
    keys_rest_until: Mono,
    name: String,
    report_at: Mono,
    statistics_at: Mono,
}

/// Whom a leg hears while nothing is played to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// Its bed.
    Bed,
    /// Itself.
    Echo,
    /// Another leg, since when, and when something of it was last passed on.
    Partner {
        slot: Slot,
        since: Mono,
        passed_at: Option<Mono>,
    },
}

/// Whether the peer's packets come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// None yet, waiting since.
    Awaited(Mono),
    Flowing,
    /// Told as lost.
    Lost,
}

/// How many packets of unknown senders were tried with the keys of the leg within a second: trying one costs more
/// than dropping it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trials {
    second_began_at: Mono,
    packets: u32,
}

impl Trials {
    pub(crate) fn take(&mut self, now: Mono) -> bool {
        if now.0.saturating_sub(self.second_began_at.0) >= SECOND_MICROSECONDS {
            *self = Trials {
                second_began_at: now,
                packets: 0,
            };
        }
        self.packets = self.packets.saturating_add(1);
        self.packets <= TRIALS_A_SECOND
    }
}

const SECOND_MICROSECONDS: u64 = 1_000_000;
/// One sender's rate at 20 ms.
const TRIALS_A_SECOND: u32 = 50;

/// A key being sent.
#[derive(Debug)]
enum Key {
    Event(DigitSender),
    InBand { tone: KeyTone, samples_left: usize },
}

/// Tables that all legs of a shard share.
pub(crate) struct Library<'a> {
    pub(crate) sounds: &'a [Sound],
    pub(crate) music: (Piece, &'a [u8]),
    pub(crate) soft: &'a [u8],
    pub(crate) encoded: &'a mut Encoded,
}

/// The random numbers of a new leg.
pub(crate) struct Draw {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) name: u64,
    pub(crate) report_after_us: u64,
}

impl Leg {
    pub(crate) fn new(id: LegId, slot: Slot, plan: LegPlan, now: Mono, draw: &Draw) -> Self {
        let mut gate = Gate::new(now, plan.remote, plan.signalling);
        gate.hold(!plan.direction.receives());
        Leg {
            id,
            slot,
            gate,
            reception: Reception::new(plan.codec.clock()),
            digits: DigitReceiver::default(),
            listener: Listener::new(now),
            key_tones: None,
            last_key: None,
            watch: Watch::default(),
            ear: None,
            mouth: mouth(&plan),
            packer: None,
            line: Line::new(plan.codec.clock(), draw.ssrc, draw.sequence, draw.timestamp),
            cover: Cover::new(&plan.protection),
            unauthentic: 0,
            trials: Trials::default(),
            hearing: Hearing::Bed,
            bed: Bed::None,
            run: None,
            tap: None,
            foreign: 0,
            malformed: 0,
            flow: Flow::Awaited(now),
            last_sender_report: None,
            round_trip_us: 0,
            control_source: None,
            music_position: 0,
            soft_position: 0,
            key: None,
            keys: VecDeque::new(),
            keys_rest_until: now,
            // RFC 7022 §4.2: random and short-lived; nothing in it says who calls.
            name: format!("{:016x}", draw.name),
            report_at: Mono(now.0 + draw.report_after_us),
            statistics_at: Mono(now.0 + STATISTICS_MICROSECONDS),
            plan,
        }
    }

    pub(crate) fn replan(&mut self, now: Mono, plan: LegPlan) {
        self.gate.renegotiate(now, plan.remote, plan.signalling);
        self.gate.hold(!plan.direction.receives());
        if (self.plan.codec, self.plan.packet_ms) != (plan.codec, plan.packet_ms) {
            self.mouth = mouth(&plan);
        }
        if let Some(packer) = &mut self.packer {
            packer.set(plan.codec, plan.packet_ms);
        }
        if self.plan.codec != plan.codec {
            self.line.set_clock(plan.codec.clock());
            self.reception.set_clock(plan.codec.clock());
        }
        self.cover.renew(&plan.protection);
        self.plan = plan;
        self.control_source = None;
        self.listener.reset(now);
        if self.flow != Flow::Flowing {
            self.flow = Flow::Awaited(now);
        }
    }

    /// Something of a stranger has been dropped; very many are worth an alarm (rule M.4).
    pub(crate) fn count_foreign(&mut self, now: Mono, out: &mut Output) {
        self.foreign += 1;
        if self.gate.count_stranger(now) {
            out.events.push(Event::ForeignFlood { leg: self.id });
        }
    }

    /// Ends the run, if there is one, as cut.
    pub(crate) fn cut(&mut self, out: &mut Output) {
        if let Some(run) = self.run.take() {
            out.events.push(run_ended(self.id, &run));
        }
    }

    /// Queues a key; beyond [`KEYS_MAX`] it is dropped.
    pub(crate) fn press(&mut self, digit: char, length_ms: u32) {
        if self.keys.len() < KEYS_MAX && event(digit).is_some() {
            self.keys.push_back((digit, length_ms));
        }
    }

    /// Whether something of ours goes before what is passed on.
    pub(crate) fn is_busy(&self) -> bool {
        self.run.is_some() || self.key.is_some()
    }

    fn target(&self) -> Option<SocketAddr> {
        if self.plan.direction.sends() {
            self.gate.target()
        } else {
            None
        }
    }

    /// Whether packets of a codec can be passed on to this leg as they are, or by a table.
    pub(crate) fn takes(&self, codec: Codec) -> bool {
        codec == self.plan.codec || (codec.law().is_some() && self.plan.codec.law().is_some())
    }

    /// Passes on a packet that arrived on another leg (or, as echo, on this one); only what it [`Self::takes`].
    pub(crate) fn pass_on(
        &mut self,
        now: Mono,
        view: &View,
        codec: Codec,
        payload: &[u8],
        out: &mut Output,
    ) {
        let Some(target) = self.target() else { return };
        let units = codec.payload_units(payload);
        let Some(numbers) = self.line.pass_on(now, view, units) else {
            return;
        };
        let laws = codec.law().zip(self.plan.codec.law());
        let table = laws.and_then(|(from, to)| from.to_law(to));
        if self.packs(numbers, units) {
            let mut room = [0; PAYLOAD_BYTES_MAX];
            let payload = match table {
                None => payload,
                Some(table) => translate(payload, table, &mut room),
            };
            self.pack(now, target, numbers, payload, out);
        } else {
            self.count(payload.len());
            let payload_type = self.plan.payload_type;
            self.cover.send(self.slot, target, out, |bytes| {
                header(bytes, numbers, payload_type);
                match table {
                    None => bytes.extend_from_slice(payload),
                    Some(table) => {
                        bytes.extend(payload.iter().map(|code| table[usize::from(*code)]))
                    }
                }
            });
        }
        if let (Some(tap), Some(law)) = (&mut self.tap, codec.law()) {
            tap.hear(now, numbers.ssrc, numbers.timestamp, law, payload);
        }
    }

    fn count(&mut self, octets: usize) {
        self.line.packets += 1;
        self.line.octets += octets as u64;
    }

    /// The 20 ms tick: sends what is due, gives recorded frames out, reports.
    pub(crate) fn tick(&mut self, now: Mono, library: &mut Library<'_>, out: &mut Output) {
        self.speak(now, library, out);
        self.flush_stale(now, out);
        if let Some(tap) = &mut self.tap {
            tap.collect(now, &mut out.items);
        }
        self.watch(now, out);
        self.report(now, out);
    }

    /// A key goes before a run, a run before the partner, the partner before the bed.
    fn speak(&mut self, now: Mono, library: &mut Library<'_>, out: &mut Output) {
        if self.speak_key(now, out) || self.speak_run(now, library, out) {
            return;
        }
        match self.hearing {
            Hearing::Bed => self.speak_bed(now, library, out),
            Hearing::Echo => {}
            Hearing::Partner {
                since, passed_at, ..
            } => match passed_at {
                // Until the partner's first packet the bed goes on: a join makes no hole.
                None if now.0.saturating_sub(since.0) < JOIN_MICROSECONDS => {
                    self.speak_bed(now, library, out)
                }
                None => self.speak_silence(now, out),
                Some(at) if now.0.saturating_sub(at.0) > STALL_MICROSECONDS => {
                    self.speak_silence(now, out)
                }
                Some(_) => {}
            },
        }
    }

    fn speak_key(&mut self, now: Mono, out: &mut Output) -> bool {
        if self.key.is_none() && now >= self.keys_rest_until {
            self.key = self
                .keys
                .pop_front()
                .and_then(|(digit, length_ms)| self.begin_key(now, digit, length_ms));
        }
        match self.key.take() {
            None => return false,
            Some(Key::Event(sender)) => self.speak_event(now, sender, out),
            Some(Key::InBand {
                mut tone,
                samples_left,
            }) => {
                let mut frame = SILENT_FRAME;
                let samples = samples_left.min(FRAME_SAMPLES);
                tone.fill_alaw(&mut frame[..samples]);
                self.send_frame(now, &frame, None, out);
                match samples_left - samples {
                    0 => self.rest(now),
                    samples_left => self.key = Some(Key::InBand { tone, samples_left }),
                }
            }
        }
        true
    }

    fn begin_key(&mut self, now: Mono, digit: char, length_ms: u32) -> Option<Key> {
        if self.plan.event_send.is_some() {
            let timestamp = self.line.begin_event(now);
            let clock = Clock::of_hz(self.plan.event_clock_hz);
            return DigitSender::new(digit, length_ms, timestamp, clock).map(Key::Event);
        }
        let samples_left = length_ms.clamp(KEY_MS_MIN, KEY_MS_MAX) as usize * 8;
        event(digit)
            .and_then(KeyTone::new)
            .map(|tone| Key::InBand { tone, samples_left })
    }

    fn speak_event(&mut self, now: Mono, mut sender: DigitSender, out: &mut Output) {
        let packet = sender.advance();
        if let (Some(target), Some(payload_type)) = (self.target(), self.plan.event_send) {
            let (sequence, ssrc) = self.line.advance_event(now, sender.timestamp);
            let sequence = self.flush_before_event(target, out).unwrap_or(sequence);
            let numbers = Numbers {
                marker: packet.marker,
                sequence,
                timestamp: sender.timestamp,
                ssrc,
            };
            self.count(packet.payload.len());
            self.cover.send(self.slot, target, out, |bytes| {
                header(bytes, numbers, payload_type);
                bytes.extend_from_slice(&packet.payload);
            });
        }
        match packet.ended {
            Some(length_ms) => {
                self.line.end_event(sender.timestamp, length_ms);
                self.rest(now);
            }
            None => self.key = Some(Key::Event(sender)),
        }
    }

    fn rest(&mut self, now: Mono) {
        self.keys_rest_until = Mono(now.0 + KEYS_REST_MICROSECONDS);
    }

    fn speak_run(&mut self, now: Mono, library: &mut Library<'_>, out: &mut Output) -> bool {
        let Some(run) = &mut self.run else {
            return false;
        };
        let mut frame = SILENT_FRAME;
        let (filled, place) = if self.plan.codec == Codec::Opus {
            match run.fill_frame(library.sounds, &mut frame) {
                Some(place) => (FRAME_SAMPLES, place),
                None => (0, None),
            }
        } else {
            (run.fill(library.sounds, &mut frame), None)
        };
        let is_over = filled < FRAME_SAMPLES || run.is_over();
        if is_over && let Some(run) = self.run.take() {
            out.events.push(run_ended(self.id, &run));
        }
        if filled == 0 {
            return false;
        }
        if is_over && self.hearing == Hearing::Bed {
            self.fill_bed(library, &mut frame[filled..]);
        }
        let shared = place.map(|place| (place, library.encoded.payload(now, place, &frame)));
        self.send_frame(now, &frame, shared, out);
        true
    }

    fn speak_bed(&mut self, now: Mono, library: &mut Library<'_>, out: &mut Output) {
        let mut frame = SILENT_FRAME;
        if self.plan.codec != Codec::Opus {
            if self.fill_bed(library, &mut frame) {
                self.send_frame(now, &frame, None, out);
            }
            return;
        }
        let (sound, position) = match self.bed {
            Bed::Music => (library.music, &mut self.music_position),
            Bed::None => return,
            Bed::Soft => ((Piece::Soft, library.soft), &mut self.soft_position),
        };
        let place = fill_loop_frame(sound, position, &mut frame);
        let shared = place.map(|place| (place, library.encoded.payload(now, place, &frame)));
        self.send_frame(now, &frame, shared, out);
    }

    fn fill_bed(&mut self, library: &Library<'_>, room: &mut [u8]) -> bool {
        let (alaw, position) = match self.bed {
            Bed::Music => (library.music.1, &mut self.music_position),
            Bed::None => return false,
            Bed::Soft => (library.soft, &mut self.soft_position),
        };
        *position = fill_loop(alaw, *position, room);
        true
    }

    /// Packets keep coming though the partner sends none: carriers cut a line that falls silent, and the hole in
    /// it would look like loss.
    fn speak_silence(&mut self, now: Mono, out: &mut Output) {
        self.send_frame(now, &SILENT_FRAME, None, out);
    }

    fn report(&mut self, now: Mono, out: &mut Output) {
        if now < self.report_at {
            return;
        }
        // RFC 3550 §6.2: about five seconds; the first one after a random wait keeps the legs apart.
        self.report_at = Mono(now.0 + REPORT_MICROSECONDS);
        let Some(media) = self.gate.target() else {
            return;
        };
        let Some(way) = self.control_way(media) else {
            return;
        };
        let has_sent = self
            .line
            .sent_at()
            .is_some_and(|at| now.0.saturating_sub(at.0) < 2 * REPORT_MICROSECONDS);
        let sending = has_sent.then(|| Sending {
            timestamp: self.line.timestamp_at(now),
            packets: self.line.packets,
            octets: self.line.octets,
        });
        let block = self.reception.report();
        let bytes = control::report(
            now,
            self.line.ssrc(),
            &self.name,
            sending,
            block,
            self.last_sender_report,
        );
        if let Some(bytes) = bytes {
            self.cover.send_control(self.slot, way, out, &bytes);
        }
    }

    /// Where reports go while audio goes to `media`. What the description says holds only as long as its address
    /// does: behind a NAT there is another.
    fn control_way(&self, media: SocketAddr) -> Option<(Channel, SocketAddr)> {
        let target = match self.plan.control {
            ControlPath::Muxed => return Some((Channel::Media, media)),
            ControlPath::At(address) if self.plan.remote == Some(media) => address,
            ControlPath::At(_) | ControlPath::Next => {
                SocketAddr::new(media.ip(), media.port().checked_add(1)?)
            }
        };
        Some((Channel::Control, self.control_source.unwrap_or(target)))
    }
}

fn header(bytes: &mut Vec<u8>, numbers: Numbers, payload_type: u8) {
    write_header(
        bytes,
        numbers.marker,
        payload_type,
        numbers.sequence,
        numbers.timestamp,
        numbers.ssrc,
    );
}

fn run_ended(leg: LegId, run: &Run) -> Event {
    Event::PlayEnded {
        leg,
        play: run.play,
        heard_ms: run.heard_ms(),
        is_complete: run.is_over(),
        clip: run.clip(),
    }
}

const SILENT_FRAME: [u8; FRAME_SAMPLES] = [crate::g711::ALAW_SILENCE; FRAME_SAMPLES];
/// A partner's first packet comes within 20 ms; one that sends nothing is heard as silence, not as music.
const JOIN_MICROSECONDS: u64 = 500_000;
/// Ten packets missing in a row.
const STALL_MICROSECONDS: u64 = 200_000;
const LOST_MICROSECONDS: u64 = 10_000_000;
const STATISTICS_MICROSECONDS: u64 = 10_000_000;
const REPORT_MICROSECONDS: u64 = 5_000_000;
/// Keys waiting to be sent; the longest number has fifteen.
const KEYS_MAX: usize = 64;
/// Between two keys (ITU-T Q.24).
const KEYS_REST_MICROSECONDS: u64 = 60_000;
const KEY_MS_MIN: u32 = 40;
const KEY_MS_MAX: u32 = 8_000;
