//! The tap of a recorded leg: two tracks on one clock, from `Record` to `Close`.
//!
//! Packets come early, late, twice or never; the tap puts each where its timestamp says, waits a short window for
//! stragglers, and gives out one frame of both tracks per tick. What is missing is silence, so both channels stay
//! aligned with each other and with the clock.

use crate::codec::Clock;
use crate::g711::{ALAW_SILENCE, Law};
use crate::line::FRAME_SAMPLES;
use crate::message::RecordingId;
use crate::time::Mono;

/// What goes to the recorder.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are frames, and a box would allocate for each of them"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Make a file.
    Begin(RecordingId),
    /// 20 ms of both channels, A-law.
    Frame(Frame),
    /// The leg has ended: complete the file at this many samples.
    End {
        /// Which.
        recording: RecordingId,
        /// Samples of the whole recording.
        samples: u64,
    },
}

impl Item {
    /// Whose it is.
    pub(crate) fn recording(&self) -> RecordingId {
        match self {
            Item::Begin(recording) | Item::End { recording, .. } => *recording,
            Item::Frame(frame) => frame.recording,
        }
    }

    /// The recording that ends with it.
    pub(crate) fn ended(&self) -> Option<RecordingId> {
        match self {
            Item::End { recording, .. } => Some(*recording),
            Item::Begin(_) | Item::Frame(_) => None,
        }
    }
}

/// 20 ms of both channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which.
    pub recording: RecordingId,
    /// Samples before it: a frame that got lost on the way leaves a hole of the right length.
    pub position: u64,
    /// What the leg says.
    pub left: [u8; FRAME_SAMPLES],
    /// What the leg hears.
    pub right: [u8; FRAME_SAMPLES],
}

/// Both tracks of one leg.
#[derive(Debug)]
pub(crate) struct Tap {
    recording: RecordingId,
    began_at: Mono,
    /// Samples given out.
    emitted: u64,
    is_paused: bool,
    left: Track,
    right: Track,
}

impl Tap {
    /// Begins at `now`.
    pub(crate) fn new(recording: RecordingId, now: Mono) -> Self {
        let (left, right) = (Track::new(), Track::new());
        Tap {
            recording,
            began_at: now,
            emitted: 0,
            is_paused: false,
            left,
            right,
        }
    }

    /// Names the file.
    pub(crate) fn recording(&self) -> RecordingId {
        self.recording
    }

    /// While paused nothing is written on either track.
    pub(crate) fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
    }

    /// Audio that the leg sent.
    pub(crate) fn say(&mut self, now: Mono, ssrc: u32, timestamp: u32, law: Law, payload: &[u8]) {
        if !self.is_paused {
            let clock = i64::from(clock_between(self.began_at, now));
            self.left
                .put(clock, self.emitted, (ssrc, timestamp), law, payload);
        }
    }

    /// Audio that was sent to the leg.
    pub(crate) fn hear(&mut self, now: Mono, ssrc: u32, timestamp: u32, law: Law, payload: &[u8]) {
        if !self.is_paused {
            let clock = i64::from(clock_between(self.began_at, now));
            self.right
                .put(clock, self.emitted, (ssrc, timestamp), law, payload);
        }
    }

    /// Gives out the frames whose window is over.
    pub(crate) fn collect(&mut self, now: Mono, out: &mut Vec<Item>) {
        let clock = u64::from(clock_between(self.began_at, now));
        while self.emitted + FRAME_SAMPLES as u64 + WINDOW_SAMPLES <= clock {
            self.emit(out);
        }
    }

    /// Gives out the rest and the end.
    pub(crate) fn finish(mut self, now: Mono, out: &mut Vec<Item>) {
        let samples = u64::from(clock_between(self.began_at, now));
        while self.emitted < samples {
            self.emit(out);
        }
        out.push(Item::End {
            recording: self.recording,
            samples,
        });
    }

    fn emit(&mut self, out: &mut Vec<Item>) {
        let left = self.left.take(self.emitted);
        let right = self.right.take(self.emitted);
        out.push(Item::Frame(Frame {
            recording: self.recording,
            position: self.emitted,
            left,
            right,
        }));
        self.emitted += FRAME_SAMPLES as u64;
    }
}

/// Samples of the recording between two instants.
fn clock_between(from: Mono, to: Mono) -> u32 {
    Clock::default().between(from, to)
}

/// A ring of samples by position in the recording.
#[derive(Debug)]
struct Track {
    ring: Box<[u8; RING_SAMPLES]>,
    anchor: Option<Anchor>,
}

/// Where a sender's timestamps lie in the recording.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    ssrc: u32,
    timestamp: u32,
    position: i64,
    late: u32,
}

impl Track {
    fn new() -> Self {
        Track {
            ring: Box::new([ALAW_SILENCE; RING_SAMPLES]),
            anchor: None,
        }
    }

    fn put(
        &mut self,
        clock: i64,
        emitted: u64,
        (ssrc, timestamp): (u32, u32),
        law: Law,
        payload: &[u8],
    ) {
        let emitted = emitted as i64;
        let mut anchor = match self.anchor {
            Some(anchor) if anchor.ssrc == ssrc => anchor,
            Some(_) | None => Anchor {
                ssrc,
                timestamp,
                position: clock,
                late: 0,
            },
        };
        let step = i64::from(timestamp.wrapping_sub(anchor.timestamp) as i32);
        let mut position = anchor.position + step;
        let lead = position - clock;
        let is_late = position + payload.len() as i64 <= emitted;
        anchor.late = if is_late { anchor.late + 1 } else { 0 };
        if !(LEAD_MIN..=LEAD_MAX).contains(&lead) || anchor.late >= LATE_MAX {
            // The sender's clock has leapt, or its path has become longer: count from here.
            position = clock;
            anchor = Anchor {
                ssrc,
                timestamp,
                position,
                late: 0,
            };
        } else if step > 0 {
            // Moved along, so that the 32-bit distance never grows old.
            anchor = Anchor {
                timestamp,
                position,
                ..anchor
            };
        }
        self.anchor = Some(anchor);
        self.copy(position, emitted, law, payload);
    }

    /// Copies what lies within the ring, in at most two stretches.
    fn copy(&mut self, position: i64, emitted: i64, law: Law, payload: &[u8]) {
        let length = payload.len() as i64;
        let from = (emitted - position).clamp(0, length);
        let to = (emitted + RING_SAMPLES as i64 - position).clamp(from, length);
        let mut rest = &payload[from as usize..to as usize];
        let mut at = (position + from).max(0) as usize % RING_SAMPLES;
        while !rest.is_empty() {
            let (stretch, next) = rest.split_at(rest.len().min(RING_SAMPLES - at));
            let room = &mut self.ring[at..at + stretch.len()];
            match law.to_law(Law::A) {
                None => room.copy_from_slice(stretch),
                Some(table) => {
                    for (code, other) in room.iter_mut().zip(stretch) {
                        *code = table[usize::from(*other)];
                    }
                }
            }
            rest = next;
            at = 0;
        }
    }

    fn take(&mut self, position: u64) -> [u8; FRAME_SAMPLES] {
        let mut frame = [ALAW_SILENCE; FRAME_SAMPLES];
        // A frame never straddles the ring's end: the ring holds a whole number of frames.
        let start = position as usize % RING_SAMPLES;
        let stretch = &mut self.ring[start..start + FRAME_SAMPLES];
        frame.copy_from_slice(stretch);
        stretch.fill(ALAW_SILENCE);
        frame
    }
}

/// Stragglers have 60 ms.
const WINDOW_SAMPLES: u64 = 480;
/// 24 frames, 480 ms: the window, a burst after a delay, and a late tick.
const RING_SAMPLES: usize = 24 * FRAME_SAMPLES;
/// A packet may be this far before the clock (a burst after a delay) ...
const LEAD_MAX: i64 = 1_600;
/// ... and this far behind it, before the sender is counted anew.
const LEAD_MIN: i64 = -4_000;
/// Packets in a row that came after their window.
const LATE_MAX: u32 = 3;

#[cfg(test)]
mod tests;
