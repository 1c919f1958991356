//! The tap of a recorded leg: two tracks on one clock, from `Record` to `Close`.
//!
//! Packets come early, late, twice or never; the tap puts each where its timestamp says, waits a short window for
//! stragglers, and gives out one frame of both tracks per tick. What is missing is concealed for 60 ms and silence from
//! then on, so both channels stay aligned with each other and with the clock.

use crate::codec::Clock;
use crate::conceal::Concealer;
use crate::g711::{ALAW_SILENCE, Law, alaw_decode, alaw_encode};
use crate::line::FRAME_SAMPLES;
use crate::message::RecordingId;
use crate::time::Mono;
use crate::tone::RATE;

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

    /// Audio of a partner that was passed on to the leg. Its holes are concealed, as the leg's own phone conceals
    /// them.
    pub(crate) fn hear(&mut self, now: Mono, ssrc: u32, timestamp: u32, law: Law, payload: &[u8]) {
        self.right.is_live = true;
        self.put_right(now, (ssrc, timestamp), law, payload);
    }

    /// Audio that we made for the leg: it has no holes but those that are meant.
    pub(crate) fn hear_made(&mut self, now: Mono, ssrc: u32, timestamp: u32, alaw: &[u8]) {
        self.right.is_live = false;
        self.put_right(now, (ssrc, timestamp), Law::A, alaw);
    }

    fn put_right(&mut self, now: Mono, place: (u32, u32), law: Law, payload: &[u8]) {
        if !self.is_paused {
            let clock = i64::from(clock_between(self.began_at, now));
            self.right.put(clock, self.emitted, place, law, payload);
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
        let left = self.left.take(self.emitted, self.is_paused);
        let right = self.right.take(self.emitted, self.is_paused);
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
    /// Which samples have come.
    is_here: Box<[bool; RING_SAMPLES]>,
    anchor: Option<Anchor>,
    /// What is missing is concealed.
    is_live: bool,
    /// Made at the first hole.
    concealer: Option<Box<Concealer>>,
    /// The last frame had holes.
    is_concealing: bool,
    /// What was given out last: the concealer's memory, should it be needed.
    last: [[u8; FRAME_SAMPLES]; LAST_FRAMES],
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
            is_here: Box::new([false; RING_SAMPLES]),
            anchor: None,
            is_live: true,
            concealer: None,
            is_concealing: false,
            last: [[ALAW_SILENCE; FRAME_SAMPLES]; LAST_FRAMES],
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
            self.is_here[at..at + stretch.len()].fill(true);
            rest = next;
            at = 0;
        }
    }

    fn take(&mut self, position: u64, is_paused: bool) -> [u8; FRAME_SAMPLES] {
        let mut frame = [ALAW_SILENCE; FRAME_SAMPLES];
        let mut is_here = [false; FRAME_SAMPLES];
        // A frame never straddles the ring's end: the ring holds a whole number of frames.
        let start = position as usize % RING_SAMPLES;
        let stretch = start..start + FRAME_SAMPLES;
        frame.copy_from_slice(&self.ring[stretch.clone()]);
        is_here.copy_from_slice(&self.is_here[stretch.clone()]);
        self.ring[stretch.clone()].fill(ALAW_SILENCE);
        self.is_here[stretch].fill(false);
        let has_holes = self.is_live && !is_paused && is_here.contains(&false);
        if has_holes || self.is_concealing {
            self.conceal(&mut frame, &is_here, has_holes);
        }
        self.last.rotate_left(1);
        self.last[LAST_FRAMES - 1] = frame;
        frame
    }

    /// Fills the holes of a frame, or blends the whole one behind them.
    fn conceal(&mut self, frame: &mut [u8; FRAME_SAMPLES], is_here: &[bool], has_holes: bool) {
        let concealer = self
            .concealer
            .get_or_insert_with(|| Box::new(Concealer::new(RATE)));
        if !self.is_concealing {
            concealer.reset();
            for frame in &self.last {
                concealer.note(&frame.map(alaw_decode));
            }
        }
        self.is_concealing = has_holes;
        let mut samples = frame.map(alaw_decode);
        let mut from = 0;
        for stretch in is_here.chunk_by(|one, next| one == next) {
            let to = from + stretch.len();
            if stretch.first() == Some(&false) && has_holes {
                concealer.conceal(&mut samples[from..to]);
            } else {
                concealer.good(&mut samples[from..to]);
            }
            from = to;
        }
        *frame = samples.map(alaw_encode);
    }
}

/// Stragglers have 60 ms.
const WINDOW_SAMPLES: u64 = 480;
/// 24 frames, 480 ms: the window, a burst after a delay, and a late tick.
const RING_SAMPLES: usize = 24 * FRAME_SAMPLES;
/// 40 ms, what the concealer remembers.
const LAST_FRAMES: usize = 2;
/// A packet may be this far before the clock (a burst after a delay) ...
const LEAD_MAX: i64 = 1_600;
/// ... and this far behind it, before the sender is counted anew.
const LEAD_MIN: i64 = -4_000;
/// Packets in a row that came after their window.
const LATE_MAX: u32 = 3;

#[cfg(test)]
mod tests;
