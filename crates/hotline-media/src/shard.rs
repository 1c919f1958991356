//! The media engine without sockets, clock or threads: commands, packets and ticks in, a batch of effects out.

mod arrival;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::encoded::{ENCODED_BYTES_MAX, Encoded, Piece};
use crate::g711::Law;
use crate::leg::{Draw, EAR_SSRC, Hearing, Leg, Library, Wants, coded};
use crate::message::{Codec, Command, Event, LegId, LegPlan, RecordingId, Sound};
use crate::mouth::Speech;
use crate::output::{Output, Slot};
use crate::player::{Run, soft_bed};
use crate::tap::{Item, Tap};
use crate::time::Mono;

/// What a shard is made from.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// Prompts and music, by index.
    pub sounds: Arc<[Sound]>,
    /// Index of the hold music among them; None looks for the sound named [`MUSIC_NAME`].
    pub music: Option<u32>,
}

/// One thing that happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// The owner wants something.
    Command(Command),
    /// A datagram on a leg's RTCP socket.
    Control {
        /// Leg.
        slot: Slot,
        /// From.
        source: SocketAddr,
        /// What.
        datagram: &'a [u8],
    },
    /// A datagram on a leg's RTP socket.
    Packet {
        /// Leg.
        slot: Slot,
        /// From.
        source: SocketAddr,
        /// What.
        datagram: &'a [u8],
    },
    /// 20 ms have passed.
    Tick,
}

/// Legs and what they hear. All legs of a call live in one shard.
pub struct Shard {
    config: ShardConfig,
    soft: Vec<u8>,
    encoded: Encoded,
    seed: u64,
    draws: u64,
    legs: Vec<Option<Box<Leg>>>,
    free: Vec<Slot>,
    slots: HashMap<LegId, Slot>,
    are_recordings_refused: bool,
    ticked_at: Mono,
}

impl Shard {
    /// An empty shard. The seed gives SSRCs and first numbers: from a good source in service, fixed in tests.
    pub fn new(mut config: ShardConfig, seed: u64) -> Self {
        config.music = config.music.or_else(|| named_music(&config.sounds));
        Shard {
            config,
            soft: soft_bed(),
            encoded: Encoded::new(ENCODED_BYTES_MAX),
            seed,
            draws: 0,
            legs: Vec::new(),
            free: Vec::new(),
            slots: HashMap::new(),
            are_recordings_refused: false,
            ticked_at: Mono(0),
        }
    }

    /// Takes one input; when it returns, everything has been said in `out`.
    pub fn handle(&mut self, now: Mono, input: Input<'_>, out: &mut Output) {
        match input {
            Input::Command(command) => self.command(now, command, out),
            Input::Control {
                slot,
                source,
                datagram,
            } => self.control(now, slot, source, datagram, out),
            Input::Packet {
                slot,
                source,
                datagram,
            } => self.packet(now, slot, source, datagram, out),
            Input::Tick => self.tick(now, out),
        }
    }

    /// When the next tick is due; None while there are no legs.
    pub fn next_deadline(&self) -> Option<Mono> {
        (!self.slots.is_empty()).then_some(Mono(self.ticked_at.0 + TICK_MICROSECONDS))
    }

    /// Place of a leg, for the sockets of its owner.
    pub fn slot(&self, leg: LegId) -> Option<Slot> {
        self.slots.get(&leg).copied()
    }

    /// A datagram that was dropped before it came here.
    pub(crate) fn count_foreign(&mut self, now: Mono, slot: Slot, out: &mut Output) {
        if let Some(leg) = self.at(slot) {
            leg.count_foreign(now, out);
        }
    }

    /// Legs that are open.
    pub fn legs(&self) -> usize {
        self.slots.len()
    }

    fn leg(&mut self, leg: LegId) -> Option<&mut Leg> {
        let slot = self.slot(leg)?;
        self.at(slot)
    }

    fn at(&mut self, slot: Slot) -> Option<&mut Leg> {
        self.legs.get_mut(slot)?.as_deref_mut()
    }

    /// Commands for a leg that is gone are normal: they crossed its close.
    fn command(&mut self, now: Mono, command: Command, out: &mut Output) {
        match command {
            Command::Open { leg, port: _, plan } => self.open(now, leg, plan, out),
            Command::Replan { leg, plan } => {
                if let Some(leg) = self.leg(leg) {
                    leg.replan(now, plan);
                }
            }
            // Of whoever owns the sockets: a leg knows only what its guard lets through.
            Command::Browser { .. } => {}
            Command::Close { leg } => self.close(now, leg, out),
            Command::Play {
                leg,
                play,
                clips,
                barge_in,
            } => {
                if let Some(leg) = self.leg(leg) {
                    leg.cut(out);
                    leg.run = Some(Run::new(play, clips, barge_in));
                }
            }
            Command::StopPlay { leg } => {
                if let Some(leg) = self.leg(leg) {
                    leg.cut(out);
                }
            }
            Command::Bed { leg, bed } => {
                if let Some(leg) = self.leg(leg) {
                    leg.bed = bed;
                }
            }
            Command::Connect { a, b } => self.connect(now, a, b, out),
            Command::Disconnect { leg } => self.disconnect(leg),
            Command::Echo { leg } => {
                self.disconnect(leg);
                if let Some(leg) = self.leg(leg) {
                    leg.cut(out);
                    leg.hearing = Hearing::Echo;
                }
            }
            Command::Digit {
                leg,
                digit,
                length_ms,
            } => {
                if let Some(leg) = self.leg(leg) {
                    leg.press(digit, length_ms);
                }
            }
            Command::Record { leg, recording } => self.record(now, leg, recording, out),
            Command::PauseRecording { leg, is_paused } => {
                if let Some(tap) = self.leg(leg).and_then(|leg| leg.tap.as_mut()) {
                    tap.pause(is_paused);
                }
            }
            Command::RefuseRecordings(is_refused) => self.refuse_recordings(now, is_refused, out),
            // Ports are the worker's.
            Command::KeepReady { .. } => {}
            Command::Stop => self.stop(now, out),
        }
    }

    fn open(&mut self, now: Mono, id: LegId, plan: LegPlan, out: &mut Output) {
        if self.slots.contains_key(&id) {
            return;
        }
        if self.slots.len() >= LEGS_MAX {
            out.events.push(Event::OpenFailed { leg: id });
            return;
        }
        let slot = self.free.pop().unwrap_or(self.legs.len());
        let (first, second, name) = (self.draw(), self.draw(), self.draw());
        let draw = Draw {
            ssrc: first as u32,
            sequence: (first >> 32) as u16,
            timestamp: second as u32,
            name,
            report_after_us: REPORT_AFTER_US_MIN + (second >> 32) % REPORT_AFTER_US_SPAN,
        };
        let leg = Box::new(Leg::new(id, slot, plan, now, &draw));
        if slot == self.legs.len() {
            self.legs.push(Some(leg));
        } else {
            self.legs[slot] = Some(leg);
        }
        self.slots.insert(id, slot);
    }

    fn close(&mut self, now: Mono, id: LegId, out: &mut Output) {
        self.disconnect(id);
        let Some(slot) = self.slots.remove(&id) else {
            return;
        };
        let Some(mut leg) = self.legs.get_mut(slot).and_then(Option::take) else {
            return;
        };
        self.free.push(slot);
        leg.cut(out);
        if let Some(tap) = leg.tap.take() {
            tap.finish(now, &mut out.items);
        }
        out.events.push(Event::Closed {
            leg: id,
            statistics: leg.statistics(),
        });
    }

    fn stop(&mut self, now: Mono, out: &mut Output) {
        let mut ids: Vec<LegId> = self.slots.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.close(now, id, out);
        }
    }

    fn connect(&mut self, now: Mono, a: LegId, b: LegId, out: &mut Output) {
        let (Some(slot_a), Some(slot_b)) = (self.slot(a), self.slot(b)) else {
            return;
        };
        if a == b {
            return;
        }
        self.disconnect(a);
        self.disconnect(b);
        for (slot, partner) in [(slot_a, slot_b), (slot_b, slot_a)] {
            if let Some(leg) = self.at(slot) {
                leg.cut(out);
                leg.hearing = Hearing::Partner {
                    slot: partner,
                    since: now,
                    passed_at: None,
                };
            }
        }
    }

    fn disconnect(&mut self, leg: LegId) {
        let Some(leg) = self.leg(leg) else { return };
        let before = std::mem::replace(&mut leg.hearing, Hearing::Bed);
        match before {
            Hearing::Bed | Hearing::Echo => {}
            Hearing::Partner { slot, .. } => {
                if let Some(partner) = self.at(slot) {
                    partner.hearing = Hearing::Bed;
                }
            }
        }
    }

    fn record(&mut self, now: Mono, leg: LegId, recording: RecordingId, out: &mut Output) {
        let is_refused = self.are_recordings_refused;
        let Some(leg) = self.leg(leg) else {
            let error = "the leg is gone".to_owned();
            out.events.push(Event::RecordingFailed { recording, error });
            return;
        };
        if is_refused || leg.tap.is_some() {
            let error = if is_refused {
                "recordings are refused"
            } else {
                "the leg is recorded already"
            }
            .to_owned();
            out.events.push(Event::RecordingFailed { recording, error });
            return;
        }
        leg.tap = Some(Box::new(Tap::new(recording, now)));
        out.items.push(Item::Begin(recording));
    }

    /// Running recordings are completed as far as they got.
    fn refuse_recordings(&mut self, now: Mono, is_refused: bool, out: &mut Output) {
        self.are_recordings_refused = is_refused;
        if !is_refused {
            return;
        }
        for leg in self.legs.iter_mut().flatten() {
            if let Some(tap) = leg.tap.take() {
                let error = "recordings are refused".to_owned();
                out.events.push(Event::RecordingFailed {
                    recording: tap.recording(),
                    error,
                });
                tap.finish(now, &mut out.items);
            }
        }
    }

    fn tick(&mut self, now: Mono, out: &mut Output) {
        self.ticked_at = now;
        for slot in 0..self.legs.len() {
            self.pass_on_speech(now, slot, out);
        }
        let music = self.config.music.and_then(|index| {
            let sound = self.config.sounds.get(index as usize)?;
            Some((Piece::Sound(index), &*sound.alaw))
        });
        let mut library = Library {
            sounds: &self.config.sounds,
            // Without music the soft bed: a caller never waits in silence.
            music: music.unwrap_or((Piece::Soft, &self.soft)),
            soft: &self.soft,
            encoded: &mut self.encoded,
        };
        for leg in self.legs.iter_mut().flatten() {
            leg.tick(now, &mut library, out);
        }
    }

    /// What a leg's ear has ready goes to everybody who needs it as sound.
    fn pass_on_speech(&mut self, now: Mono, slot: Slot, out: &mut Output) {
        let Some(leg) = self.at(slot) else { return };
        // Out of its place for a moment, so that the partner can be reached while it is read.
        let Some(mut ear) = leg.ear.take() else {
            return;
        };
        if let Some(speech) = ear.pull(now) {
            self.speech(now, slot, speech, out);
        }
        if let Some(leg) = self.at(slot) {
            leg.ear = Some(ear);
        }
    }

    fn speech(&mut self, now: Mono, slot: Slot, speech: Speech<'_>, out: &mut Output) {
        let Some(leg) = self.at(slot) else { return };
        let codec = leg.plan.codec;
        leg.hear_speech(now, speech, out);
        match leg.hearing {
            Hearing::Bed | Hearing::Echo => {}
            Hearing::Partner { slot: partner, .. } => {
                let Some(partner) = self.at(partner) else {
                    return;
                };
                if partner.is_busy() {
                    return;
                }
                if !partner.takes(codec) {
                    partner.send_speech(now, speech, out);
                } else if codec.law().is_none()
                    && let Some(tap) = &mut partner.tap
                {
                    let frame = coded(Law::A, speech);
                    tap.hear_made(now, EAR_SSRC, speech.timestamp, &frame);
                }
            }
        }
    }

    /// Whether, and how, a leg's sound itself is needed.
    fn wants(&self, slot: Slot) -> Wants {
        let at = |slot: Slot| self.legs.get(slot).and_then(Option::as_deref);
        let Some(leg) = at(slot) else {
            return Wants::Nothing;
        };
        let codec = leg.plan.codec;
        let is_law = codec.law().is_some();
        let own = if is_law {
            Wants::Nothing
        } else if leg.tap.is_some() || leg.plan.hears_key_tones {
            Wants::Narrow
        } else {
            Wants::Glances
        };
        match leg.hearing {
            Hearing::Bed if is_law => Wants::Nothing,
            Hearing::Bed => Wants::Narrow,
            Hearing::Echo => own,
            Hearing::Partner { slot: partner, .. } => match at(partner) {
                Some(partner) if !partner.takes(codec) => match partner.plan.codec {
                    Codec::G722 => Wants::Wide,
                    Codec::Pcma | Codec::Pcmu | Codec::Opus => Wants::Narrow,
                },
                Some(partner) if !is_law && partner.tap.is_some() => Wants::Narrow,
                Some(_) | None => own,
            },
        }
    }

    /// A number that nobody outside can guess from those he has seen: a keyed hash of a counter.
    fn draw(&mut self) -> u64 {
        self.draws += 1;
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write_u64(self.draws);
        hasher.finish()
    }
}

/// The shared tones lie beside the languages, so the name may carry a folder.
fn named_music(sounds: &[Sound]) -> Option<u32> {
    let is_music = |sound: &Sound| sound.name.rsplit('/').next() == Some(MUSIC_NAME);
    sounds
        .iter()
        .position(is_music)
        .and_then(|index| u32::try_from(index).ok())
}

/// Name of the hold music among the sounds.
pub const MUSIC_NAME: &str = "tone.moh";
/// One clock for all legs.
pub const TICK_MICROSECONDS: u64 = 20_000;
/// Four times what a core can carry.
const LEGS_MAX: usize = 8_192;
/// RFC 3550 §6.2: half the interval at least, spread.
const REPORT_AFTER_US_MIN: u64 = 1_000_000;
const REPORT_AFTER_US_SPAN: u64 = 4_000_000;

#[cfg(test)]
mod tests;
