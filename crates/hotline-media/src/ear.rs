//! What a leg says, as even frames of sound: a jitter buffer, a decoder, and concealment of what never comes.
//!
//! Only where somebody needs the sound itself: a partner with another codec, a recording, the keys in the audio.
//! What is passed on as it came does not come through here.
//!
//! ```text
//!   packets -> slots by timestamp -> decoder -> ready samples -> 20 ms at each tick
//!                    missing: the codec's own art, or a repeated pitch period
//! ```

mod delay;

use delay::Delay;

use crate::codec::{Clock, Decoder};
use crate::conceal::Concealer;
use crate::line::FRAME_SAMPLES;
use crate::message::Codec;
use crate::mouth::{NARROW_HZ, Speech, WIDE_HZ};
use crate::resample::Decimator;
use crate::time::Mono;
use crate::voice::level_of_samples;

/// The ear for one leg.
#[derive(Debug)]
pub(crate) struct Ear {
    codec: Codec,
    clock: Clock,
    rate_hz: u32,
    decoder: Option<Decoder>,
    concealer: Concealer,
    decimator: Decimator,
    delay: Delay,
    slots: Vec<Slot>,
    play: Option<Play>,
    last_at: Mono,
    /// Decoded and not yet given out.
    ready: Vec<i16>,
    frame: Vec<i16>,
    narrow: Vec<i16>,
    /// Of the last frame, for a recording.
    timestamp: Option<u32>,
    /// Frames that a change of the delay has been waiting for a quiet moment.
    waited: u32,
    glances: u32,
    /// Of the sound, milliseconds.
    concealed_ms: u64,
    /// Packets that came after their time.
    late: u64,
}

/// A packet that waits.
#[derive(Debug, Default)]
struct Slot {
    is_used: bool,
    timestamp: u32,
    units: u32,
    payload: Vec<u8>,
}

/// Where the sound stands.
#[derive(Clone, Copy, Debug)]
struct Play {
    /// Timestamp of the next sample to decode.
    timestamp: u32,
    /// The same on a line that never wraps, in milliseconds of the sender's clock, with its remainder.
    units: i64,
}

/// What a frame was made of.
enum Made {
    /// Decoded or concealed; goes on.
    Sound,
    /// The codec has nothing to go on with.
    Nothing,
}

impl Ear {
    /// For a codec; `is_wide` asks for more than the telephone band where the codec has it.
    pub(crate) fn new(codec: Codec, is_wide: bool) -> Self {
        let rate_hz = match codec {
            Codec::Pcma | Codec::Pcmu => NARROW_HZ,
            Codec::G722 => WIDE_HZ,
            Codec::Opus if is_wide => WIDE_HZ,
            Codec::Opus => NARROW_HZ,
        };
        Ear {
            codec,
            clock: codec.clock(),
            rate_hz,
            // Without memory for a decoder everything is concealed, that is: silent.
            decoder: Decoder::new(codec, rate_hz).ok(),
            concealer: Concealer::new(rate_hz),
            decimator: Decimator::new(2),
            delay: Delay::new(),
            slots: Vec::new(),
            play: None,
            last_at: Mono(0),
            ready: Vec::new(),
            frame: Vec::new(),
            narrow: Vec::new(),
            timestamp: None,
            waited: 0,
            glances: 0,
            concealed_ms: 0,
            late: 0,
        }
    }

    /// Whether this ear gives what is wanted.
    pub(crate) fn is_for(&self, codec: Codec, is_wide: bool) -> bool {
        let fits_band = codec != Codec::Opus || (self.rate_hz == WIDE_HZ) == is_wide;
        self.codec == codec && fits_band
    }

    /// A packet came. Its payload is kept until its time.
    pub(crate) fn push(&mut self, now: Mono, timestamp: u32, payload: &[u8]) {
        let units = self.codec.payload_units(payload);
        if units == 0 {
            return;
        }
        let position = match self.play {
            Some(play) => play.units + i64::from(timestamp.wrapping_sub(play.timestamp) as i32),
            None => 0,
        };
        let distance = self.play.map_or(0, |play| position - play.units);
        let is_leap = distance.abs() > i64::from(LEAP_MS * self.clock.units_a_ms);
        let is_pause = now.0.saturating_sub(self.last_at.0) > PAUSE_MICROSECONDS;
        self.last_at = now;
        if self.play.is_none() || is_leap || is_pause {
            self.restart(timestamp);
            self.delay.arrive(milliseconds(now), 0);
        } else {
            self.delay.arrive(
                milliseconds(now),
                position / i64::from(self.clock.units_a_ms),
            );
            if distance + i64::from(units) <= 0 {
                self.late += 1;
                return;
            }
        }
        self.keep(timestamp, units, payload);
    }

    /// The level of a packet, without keeping it: one in ten is decoded, which tells voice from silence.
    pub(crate) fn glance(&mut self, payload: &[u8]) -> Option<u32> {
        self.play = None;
        self.glances = (self.glances + 1) % GLANCE_PACKETS;
        if self.glances != 1 {
            return None;
        }
        self.ready.clear();
        self.ready.resize(DECODED_SAMPLES_MAX, 0);
        let decoded = self.decoder.as_mut()?.decode(payload, &mut self.ready);
        let level = decoded
            .ok()
            .map(|count| level_of_samples(&self.ready[..count]));
        self.ready.clear();
        level
    }

    /// The next 20 ms; None before the first packet has waited its time, and when the packets have stopped.
    pub(crate) fn pull(&mut self, now: Mono) -> Option<Speech<'_>> {
        let play = self.play?;
        if now.0.saturating_sub(self.last_at.0) > STALL_MICROSECONDS {
            self.play = None;
            self.timestamp = None;
            return None;
        }
        let units_a_ms = i64::from(self.clock.units_a_ms);
        let ready_ms = (self.ready.len() as u32 * 1_000 / self.rate_hz) as i64;
        let played_ms = play.units / units_a_ms - ready_ms;
        let delay_ms = self.delay.media_ms(milliseconds(now)) - played_ms;
        let target_ms = self.delay.target_ms();
        // The first packet waits until its delay is there.
        if play.units == 0 && self.ready.is_empty() && delay_ms < target_ms {
            return None;
        }
        self.timestamp = Some(match self.timestamp {
            Some(before) => before.wrapping_add(FRAME_SAMPLES as u32),
            None => Clock::default().between(Mono(0), now),
        });
        if self.is_to_stretch(delay_ms, target_ms) {
            self.stretch(delay_ms < target_ms);
        } else if self.is_to_skip(delay_ms, target_ms) {
            self.skip();
        } else {
            self.go(delay_ms < target_ms);
        }
        Some(self.speech())
    }

    /// The next frame.
    fn go(&mut self, is_held: bool) {
        let length = self.length();
        if let Made::Nothing = self.fill(length, is_held) {
            // Nothing has come though it should have: the sound waits for it.
            let start = self.ready.len();
            self.ready.resize(length, 0);
            self.concealer.conceal(&mut self.ready[start..]);
            self.concealed_ms += 20;
        }
        self.frame.clear();
        self.frame.extend(self.ready.drain(..length));
    }

    /// One frame more than came: what comes next turns into what went before, so that both ends fit.
    fn stretch(&mut self, is_held: bool) {
        let length = self.length();
        if self.frame.len() < length || matches!(self.fill(length, is_held), Made::Nothing) {
            self.go(is_held);
            return;
        }
        for (index, (last, next)) in self.frame.iter_mut().zip(&self.ready).enumerate() {
            *last = blend(*next, *last, index, length);
        }
    }

    /// One frame less than came: this turns into the one behind it.
    fn skip(&mut self) {
        let length = self.length();
        self.fill(2 * length, false);
        self.frame.clear();
        let (this, next) = self.ready.split_at(length);
        let pairs = this.iter().zip(next).enumerate();
        self.frame
            .extend(pairs.map(|(index, (this, next))| blend(*this, *next, index, length)));
        self.ready.drain(..2 * length);
    }

    /// Samples of a frame.
    fn length(&self) -> usize {
        (self.rate_hz / 50) as usize
    }

    fn speech(&mut self) -> Speech<'_> {
        let timestamp = self.timestamp.unwrap_or_default();
        if self.rate_hz == NARROW_HZ {
            return Speech {
                narrow: &self.frame,
                wide: None,
                timestamp,
            };
        }
        self.narrow.clear();
        self.decimator.run(&self.frame, &mut self.narrow);
        Speech {
            narrow: &self.narrow,
            wide: Some(&self.frame),
            timestamp,
        }
    }

    /// The delay is too short: sound is put in, where it is quiet or at last anywhere.
    fn is_to_stretch(&mut self, delay_ms: i64, target_ms: i64) -> bool {
        delay_ms < target_ms - SLACK_MS && self.is_moment(STRETCH_FRAMES_MAX)
    }

    /// The delay is too long: sound is left out, where it is quiet or at last anywhere.
    fn is_to_skip(&mut self, delay_ms: i64, target_ms: i64) -> bool {
        delay_ms > target_ms + SLACK_MS + 20 && self.is_moment(SKIP_FRAMES_MAX)
    }

    fn is_moment(&mut self, frames_max: u32) -> bool {
        self.waited += 1;
        let is_it = self.waited > frames_max || is_quiet(&self.ready);
        if is_it {
            self.waited = 0;
        }
        is_it
    }

    fn restart(&mut self, timestamp: u32) {
        for slot in &mut self.slots {
            slot.is_used = false;
        }
        self.ready.clear();
        self.delay = Delay::new();
        self.concealer.reset();
        self.play = Some(Play {
            timestamp,
            units: 0,
        });
    }

    fn keep(&mut self, timestamp: u32, units: u32, payload: &[u8]) {
        let is_here = |slot: &Slot| slot.is_used && slot.timestamp == timestamp;
        if self.slots.iter().any(is_here) {
            return;
        }
        let free = self.slots.iter().position(|slot| !slot.is_used);
        let index = match free {
            Some(index) => index,
            None if self.slots.len() < SLOTS_MAX => {
                self.slots.push(Slot::default());
                self.slots.len() - 1
            }
            // A burst that no buffer of ours is meant for: the newest is left out.
            None => return,
        };
        let slot = &mut self.slots[index];
        slot.is_used = true;
        slot.timestamp = timestamp;
        slot.units = units;
        slot.payload.clear();
        slot.payload.extend_from_slice(payload);
    }

    /// Decodes until `frame` samples are ready. With `is_held` a hole that nothing follows makes the sound wait.
    fn fill(&mut self, frame: usize, is_held: bool) -> Made {
        for _ in 0..STEPS_MAX {
            if self.ready.len() >= frame {
                return Made::Sound;
            }
            let Some(play) = self.play else { break };
            let next = self.next_slot(play.timestamp);
            let gap =
                next.map(|index| self.slots[index].timestamp.wrapping_sub(play.timestamp) as i32);
            match (next, gap) {
                (Some(index), Some(gap)) if gap <= 0 => self.decode(index, gap.unsigned_abs()),
                (Some(index), Some(gap)) => self.bridge(Some(index), gap.unsigned_abs()),
                (None, _) if is_held => return Made::Nothing,
                (None, _) | (Some(_), None) => self.bridge(None, self.clock.frame()),
            }
        }
        // Packets so small that a frame takes dozens of them are nobody's; silence fills the rest.
        self.ready.resize(frame.max(self.ready.len()), 0);
        Made::Sound
    }

    /// The packet that begins last before, or first after, a timestamp.
    fn next_slot(&self, timestamp: u32) -> Option<usize> {
        let distance = |slot: &Slot| slot.timestamp.wrapping_sub(timestamp) as i32;
        let used = self
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.is_used);
        used.min_by_key(|(_, slot)| distance(slot))
            .map(|(index, _)| index)
    }

    /// A packet whose time has come; its first `passed` units are over already.
    fn decode(&mut self, index: usize, passed: u32) {
        let slot = &mut self.slots[index];
        slot.is_used = false;
        let units = slot.units;
        if passed >= units {
            return;
        }
        let start = self.ready.len();
        self.ready.resize(start + DECODED_SAMPLES_MAX, 0);
        let payload = std::mem::take(&mut slot.payload);
        let decoded = self
            .decoder
            .as_mut()
            .map(|decoder| decoder.decode(&payload, &mut self.ready[start..]));
        self.slots[index].payload = payload;
        let Some(Ok(count)) = decoded else {
            // Not of its codec: as good as lost.
            self.ready.truncate(start);
            self.bridge(None, units - passed);
            return;
        };
        let over = (u64::from(passed) * u64::from(self.rate_hz)
            / 1_000
            / u64::from(self.clock.units_a_ms)) as usize;
        let over = over.min(count);
        self.ready.copy_within(start + over..start + count, start);
        self.ready.truncate(start + count - over);
        self.concealer.good(&mut self.ready[start..]);
        self.go_on(units - passed);
    }

    /// A hole of `gap` units, or the first 20 ms of it; `next` is the packet behind it.
    fn bridge(&mut self, next: Option<usize>, gap: u32) {
        let start = self.ready.len();
        let after = next.map(|index| (self.slots[index].units, index));
        let (units, redundant) = match after {
            // RFC 7587 §4.2: the packet behind repeats the one right before it.
            Some((units, index)) if gap <= units => (gap, Some(index)),
            Some((units, _)) => ((gap - units).min(self.clock.frame()), None),
            None => (gap.min(self.clock.frame()), None),
        };
        let samples =
            u64::from(units) * u64::from(self.rate_hz) / u64::from(self.clock.units_a_ms * 1_000);
        self.ready.resize(start + samples as usize, 0);
        let payload = redundant.map(|index| self.slots[index].payload.as_slice());
        let room = &mut self.ready[start..];
        let is_made = match &mut self.decoder {
            Some(decoder) => decoder.conceal(payload, room),
            None => false,
        };
        if is_made {
            self.concealer.note(room);
        } else {
            self.concealer.conceal(room);
        }
        self.concealed_ms += u64::from(units / self.clock.units_a_ms);
        self.go_on(units);
    }

    fn go_on(&mut self, units: u32) {
        if let Some(play) = &mut self.play {
            play.timestamp = play.timestamp.wrapping_add(units);
            play.units += i64::from(units);
        }
    }
}

/// From one sound to another along a frame.
fn blend(from: i16, to: i16, index: usize, length: usize) -> i16 {
    let weight = index as f32 / length as f32;
    (f32::from(from) * (1.0 - weight) + f32::from(to) * weight) as i16
}

/// About -46 dB: between words.
fn is_quiet(samples: &[i16]) -> bool {
    samples
        .iter()
        .step_by(4)
        .all(|sample| sample.unsigned_abs() < QUIET)
}

fn milliseconds(now: Mono) -> i64 {
    (now.0 / 1_000) as i64
}

const GLANCE_PACKETS: u32 = 10;
const QUIET: u16 = 250;
/// A change of the delay by less is not worth a seam.
const SLACK_MS: i64 = 10;
/// 100 ms: too little delay costs a hole with each late packet.
const STRETCH_FRAMES_MAX: u32 = 5;
/// A second: too much delay costs nobody anything but time.
const SKIP_FRAMES_MAX: u32 = 50;
/// Packets that wait: 120 ms of packets of 10 ms, and a burst as long again.
const SLOTS_MAX: usize = 48;
/// Steps to fill a frame: packets of 1 ms and holes between them.
const STEPS_MAX: usize = 64;
/// A packet of Opus holds at most 120 ms (RFC 6716 §2), and of G.722 no more than we read.
const DECODED_SAMPLES_MAX: usize = 2_560;
/// A sender's clock that leaps by more counts anew.
const LEAP_MS: u32 = 1_000;
/// As when packets are passed on: ten missing in a row are a stop.
const STALL_MICROSECONDS: u64 = 200_000;
const PAUSE_MICROSECONDS: u64 = 2_000_000;

#[cfg(test)]
mod quality_tests;
#[cfg(test)]
mod tests;
