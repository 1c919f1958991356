//! What we make ourselves: runs of clips, hold music, the soft bed. All of it A-law, filled frame by frame.

use crate::encoded::{Piece, Place};
use crate::g711::ALAW_SILENCE;
use crate::line::FRAME_SAMPLES;
use crate::message::{Clip, PlayId, Sound};
use crate::tone::{Oscillator, RATE};

/// A run of clips on a leg.
#[derive(Debug)]
pub(crate) struct Run {
    /// Owner's number.
    pub(crate) play: PlayId,
    /// A digit cuts it.
    pub(crate) barge_in: bool,
    clips: Vec<Clip>,
    index: usize,
    /// Samples played of the clip at `index`.
    position: usize,
    oscillator: Option<Oscillator>,
    samples: u64,
}

impl Run {
    /// Clips beyond [`CLIPS_MAX`] are left out.
    pub(crate) fn new(play: PlayId, mut clips: Vec<Clip>, barge_in: bool) -> Self {
        clips.truncate(CLIPS_MAX);
        Run {
            play,
            barge_in,
            clips,
            index: 0,
            position: 0,
            oscillator: None,
            samples: 0,
        }
    }

    /// Fills `out` from the start; a clip's end is followed by the next clip within the same frame, so that no
    /// length of a file ever shifts the pacing. Returns the bytes filled: fewer than asked when the run is over.
    pub(crate) fn fill(&mut self, sounds: &[Sound], out: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < out.len() && !self.is_over() {
            filled += self.fill_from_clip(sounds, &mut out[filled..]);
        }
        filled
    }

    /// What the clip of now has for `room`; a clip that has nothing left gives 0 and the next one its turn.
    fn fill_from_clip(&mut self, sounds: &[Sound], room: &mut [u8]) -> usize {
        let Some(clip) = self.clips.get(self.index) else {
            return 0;
        };
        let taken = match clip {
            Clip::Prompt(index) => match sounds.get(*index as usize) {
                Some(sound) => copy(&sound.alaw, self.position, room),
                // A prompt that is not there is a tone, never silence (decisions of the owner come before).
                None => tone(&mut self.oscillator, self.position, MISSING_TONE, room),
            },
            Clip::Silence(length_ms) => silence(self.position, *length_ms, room),
            Clip::Tone {
                hz,
                level_db,
                length_ms,
            } => tone(
                &mut self.oscillator,
                self.position,
                (*hz, *level_db, *length_ms),
                room,
            ),
        };
        self.position += taken;
        self.samples += taken as u64;
        if taken == 0 {
            self.begin_next_clip();
        }
        taken
    }

    fn begin_next_clip(&mut self) {
        self.index += 1;
        self.position = 0;
        self.oscillator = None;
    }

    /// Fills one frame from one clip alone, and what is left of the frame with silence, so that the frames of a prompt
    /// are the same for everybody who hears it. Its place among them, where it is of a prompt; None once the run is
    /// over.
    pub(crate) fn fill_frame(
        &mut self,
        sounds: &[Sound],
        frame: &mut [u8; FRAME_SAMPLES],
    ) -> Option<Option<Place>> {
        frame.fill(ALAW_SILENCE);
        // A leg that has changed its codec within a frame begins the frame again.
        self.position -= self.position % FRAME_SAMPLES;
        while !self.is_over() {
            let place = self.place(sounds);
            match self.fill_from_clip(sounds, frame) {
                0 => {}
                FRAME_SAMPLES => return Some(place),
                _ => {
                    self.begin_next_clip();
                    return Some(place);
                }
            }
        }
        None
    }

    fn place(&self, sounds: &[Sound]) -> Option<Place> {
        let Some(Clip::Prompt(sound)) = self.clips.get(self.index) else {
            return None;
        };
        let length = sounds.get(*sound as usize)?.alaw.len();
        Some(place(Piece::Sound(*sound), self.position, length))
    }

    /// Whether everything has been played.
    pub(crate) fn is_over(&self) -> bool {
        self.index >= self.clips.len()
    }

    /// Index of the clip that is being heard.
    pub(crate) fn clip(&self) -> u32 {
        self.index as u32
    }

    /// Of the whole run.
    pub(crate) fn heard_ms(&self) -> u32 {
        u32::try_from(self.samples / SAMPLES_A_MS as u64).unwrap_or(u32::MAX)
    }
}

fn copy(alaw: &[u8], position: usize, room: &mut [u8]) -> usize {
    let rest = alaw.get(position..).unwrap_or_default();
    let taken = rest.len().min(room.len());
    room[..taken].copy_from_slice(&rest[..taken]);
    taken
}

fn silence(position: usize, length_ms: u32, room: &mut [u8]) -> usize {
    let taken = (length_ms as usize)
        .saturating_mul(SAMPLES_A_MS)
        .saturating_sub(position)
        .min(room.len());
    room[..taken].fill(ALAW_SILENCE);
    taken
}

fn tone(
    oscillator: &mut Option<Oscillator>,
    position: usize,
    tone: (u32, u32, u32),
    room: &mut [u8],
) -> usize {
    let (hz, level_db, length_ms) = tone;
    let taken = match length_ms {
        0 => room.len(),
        _ => (length_ms as usize)
            .saturating_mul(SAMPLES_A_MS)
            .saturating_sub(position)
            .min(room.len()),
    };
    let oscillator = oscillator.get_or_insert_with(|| Oscillator::new(hz, level_db, RATE));
    oscillator.fill_alaw(&mut room[..taken]);
    taken
}

/// Fills `out` from an endless loop of `alaw`; returns the new position.
pub(crate) fn fill_loop(alaw: &[u8], mut position: usize, out: &mut [u8]) -> usize {
    if alaw.is_empty() {
        out.fill(ALAW_SILENCE);
        return 0;
    }
    let mut filled = 0;
    while filled < out.len() {
        position %= alaw.len();
        let taken = copy(alaw, position, &mut out[filled..]);
        filled += taken;
        position += taken;
    }
    position
}

/// Fills one frame of an endless loop of `alaw`; whole frames only, so that they are the same in each round and for
/// everybody. Moves `position` on, and says the frame's place.
pub(crate) fn fill_loop_frame(
    (piece, alaw): (Piece, &[u8]),
    position: &mut usize,
    frame: &mut [u8; FRAME_SAMPLES],
) -> Option<Place> {
    frame.fill(ALAW_SILENCE);
    let start = match *position - *position % FRAME_SAMPLES {
        start if start < alaw.len() => start,
        _ => 0,
    };
    let is_empty = copy(alaw, start, frame) == 0;
    *position = start + FRAME_SAMPLES;
    (!is_empty).then(|| place(piece, start, alaw.len()))
}

fn place(piece: Piece, position: usize, length: usize) -> Place {
    Place {
        piece,
        frame: position / FRAME_SAMPLES,
        frames: length.div_ceil(FRAME_SAMPLES),
    }
}

/// The soft bed: filtered noise that swells slowly with two faint notes in it, about -50 dB. It says that the line
/// is alive without asking for attention.
pub(crate) fn soft_bed() -> Vec<u8> {
    let length = (SOFT_SECONDS * RATE) as usize;
    let mut noise = SOFT_SEED;
    let mut smooth = [0.0f64; 2];
    let mut notes = SOFT_NOTES_HZ.map(|hz| Oscillator::new(hz, SOFT_NOTE_DB, RATE));
    let mut bed = Vec::with_capacity(length);
    for index in 0..length {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        let white = (noise >> 40) as f64 / f64::from(1u32 << 23) - 1.0;
        smooth[0] += SOFT_SMOOTHING * (white - smooth[0]);
        smooth[1] += SOFT_SMOOTHING * (smooth[0] - smooth[1]);
        // A whole number of swells and of periods of the notes fits the loop: its seam is not heard.
        let turn = index as f64 / length as f64 * std::f64::consts::TAU;
        let swell = 0.75 + 0.25 * (turn * SOFT_SWELLS).sin();
        let note: f64 = notes.iter_mut().map(Oscillator::advance).sum();
        let value = swell * (smooth[1] * SOFT_NOISE + note);
        bed.push(crate::g711::alaw_encode(value.round() as i16));
    }
    bed
}

const SAMPLES_A_MS: usize = 8;
/// Clips of one run; a menu has about a dozen.
pub(crate) const CLIPS_MAX: usize = 256;
/// Hertz, dB below full scale, milliseconds.
const MISSING_TONE: (u32, u32, u32) = (425, 20, 400);
const SOFT_SECONDS: u32 = 10;
const SOFT_SEED: u64 = 0x1117_2004_5EED_0111;
const SOFT_SMOOTHING: f64 = 0.35;
const SOFT_NOISE: f64 = 560.0;
const SOFT_NOTES_HZ: [u32; 2] = [220, 330];
const SOFT_NOTE_DB: u32 = 54;
const SOFT_SWELLS: f64 = 3.0;

#[cfg(test)]
mod tests;
