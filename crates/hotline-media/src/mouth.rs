//! What a leg says to its peer, put into the peer's codec.

use std::collections::VecDeque;

use crate::codec::{Clock, CodecError, Encoder};
use crate::encoded::Place;
use crate::g711::ALAW_TO_LINEAR;
use crate::line::FRAME_SAMPLES;
use crate::message::Codec;
use crate::packer::pieces_of_a_frame;
use crate::resample::Interpolator;
use crate::shard::TICK_MICROSECONDS;
use crate::time::Mono;

/// The encoder of a leg whose codec is none of the laws; they go by table and need none.
///
/// One stream of packets with one state, whoever speaks: prompts, beds and the partner take turns on it as they do
/// on the line. It is made at the first frame, and again when the band changes: narrow sound costs no resampling.
///
/// Prompts and beds in Opus are encoded once for all who hear them ([`crate::encoded`]), by an encoder whose state is
/// another than this one's. Encoders that are given the same sound become alike within [`ALIKE_FRAMES`]. So this one
/// says the beginning of each sound itself, and is given the end of what it has not said before it says anything again.
/// Without, a tone that the peer hears rings 5 dB too loud for 200 ms; with it, 1.5 dB for 40 ms.
#[derive(Debug)]
pub(crate) struct Mouth {
    codec: Codec,
    encoder: Option<Encoder>,
    interpolator: Interpolator,
    samples: Vec<i16>,
    /// How many packets a frame becomes.
    pieces: usize,
    payload: Vec<u8>,
    /// Of the first packet in it.
    end: usize,
    /// The frame of a common sound that was said last, and how many before it followed one another.
    place: Option<Place>,
    in_a_row: usize,
    /// The last frames that were said in the words of another encoder, as A-law.
    unsaid: VecDeque<[u8; FRAME_SAMPLES]>,
    /// When it spoke last, and where that stands in a recording.
    spoke: Option<(Mono, u32)>,
}

/// 20 ms of sound: always at 8 kHz, and at 16 kHz too where its source has more than the telephone band.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speech<'a> {
    pub(crate) narrow: &'a [i16],
    pub(crate) wide: Option<&'a [i16]>,
    /// For a recording: samples of 8 kHz, rising by 160 with each frame that follows another.
    pub(crate) timestamp: u32,
}

impl Mouth {
    pub(crate) fn new(codec: Codec, packet_ms: Option<u8>) -> Self {
        Mouth {
            codec,
            pieces: pieces_of_a_frame(codec, packet_ms),
            encoder: None,
            interpolator: Interpolator::new(2),
            samples: Vec::new(),
            payload: Vec::new(),
            end: 0,
            place: None,
            in_a_row: 0,
            unsaid: VecDeque::new(),
            spoke: None,
        }
    }

    /// Where a frame that is spoken now stands in a recording, on a clock of 8 kHz: right behind the one before,
    /// whatever the hurry of the tick.
    pub(crate) fn recorded_at(&mut self, now: Mono) -> u32 {
        let here = match self.spoke {
            Some((at, before)) if now.0.saturating_sub(at.0) < 2 * TICK_MICROSECONDS => {
                before.wrapping_add(FRAME_SAMPLES as u32)
            }
            Some(_) | None => Clock::default().between(Mono(0), now),
        };
        self.spoke = Some((now, here));
        here
    }

    /// The payloads of a frame of A-law.
    pub(crate) fn say_alaw(&mut self, frame: &[u8; FRAME_SAMPLES]) -> Result<Said<'_>, CodecError> {
        let samples = frame.map(|code| ALAW_TO_LINEAR[usize::from(code)]);
        self.say(Speech {
            narrow: &samples,
            wide: None,
            timestamp: 0,
        })
    }

    /// The payload of a frame of a sound that many hear, out of `shared` as soon as that makes no difference.
    pub(crate) fn say_shared(
        &mut self,
        frame: &[u8; FRAME_SAMPLES],
        place: Place,
        shared: Option<&[u8]>,
    ) -> Result<Said<'_>, CodecError> {
        let goes_on = self.place.is_some_and(|before| before.is_before(place));
        let in_a_row = if goes_on { self.in_a_row + 1 } else { 0 };
        if let Some(shared) = shared.filter(|_| in_a_row >= ALIKE_FRAMES && self.pieces == 1) {
            if self.unsaid.len() == ALIKE_FRAMES {
                self.unsaid.pop_front();
            }
            self.unsaid.push_back(*frame);
            self.payload.clear();
            self.payload.extend_from_slice(shared);
            self.end = shared.len();
        } else {
            self.say_alaw(frame)?;
        }
        (self.place, self.in_a_row) = (Some(place), in_a_row);
        Ok(self.said())
    }

    /// The payloads of 20 ms.
    pub(crate) fn say(&mut self, speech: Speech<'_>) -> Result<Said<'_>, CodecError> {
        self.place = None;
        for frame in std::mem::take(&mut self.unsaid) {
            let samples = frame.map(|code| ALAW_TO_LINEAR[usize::from(code)]);
            self.encode(Speech {
                narrow: &samples,
                wide: None,
                timestamp: 0,
            })?;
        }
        self.encode(speech)?;
        Ok(self.said())
    }

    fn encode(&mut self, speech: Speech<'_>) -> Result<(), CodecError> {
        self.samples.clear();
        let rate_hz = match (speech.wide, self.codec) {
            (None, Codec::G722) => {
                self.interpolator.run(speech.narrow, &mut self.samples);
                WIDE_HZ
            }
            (Some(wide), Codec::G722 | Codec::Opus) => {
                self.samples.extend_from_slice(wide);
                WIDE_HZ
            }
            (_, Codec::Pcma | Codec::Pcmu) | (None, Codec::Opus) => {
                self.samples.extend_from_slice(speech.narrow);
                NARROW_HZ
            }
        };
        let is_fit = |encoder: &Encoder| encoder.rate_hz() == rate_hz;
        let mut encoder = match self.encoder.take().filter(is_fit) {
            Some(encoder) => encoder,
            None => Encoder::new(self.codec, rate_hz)?,
        };
        self.payload.clear();
        let (first, second) = self.samples.split_at(self.samples.len() / self.pieces);
        let mut result = encoder.encode(first, &mut self.payload);
        let end = self.payload.len();
        if result.is_ok() && !second.is_empty() {
            result = encoder.encode(second, &mut self.payload);
        }
        self.encoder = Some(encoder);
        self.end = end;
        result
    }

    fn said(&self) -> Said<'_> {
        Said {
            payload: &self.payload,
            end: self.end,
        }
    }
}

/// What 20 ms have become: one payload, or two of 10 ms.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said<'a> {
    payload: &'a [u8],
    /// Of the first.
    end: usize,
}

impl<'a> Said<'a> {
    /// A payload as it is.
    pub(crate) fn one(payload: &'a [u8]) -> Self {
        Said {
            payload,
            end: payload.len(),
        }
    }

    /// Where there is but one.
    pub(crate) fn whole(self) -> &'a [u8] {
        self.payload
    }

    /// Those that there are, in order.
    pub(crate) fn pieces(self) -> impl Iterator<Item = &'a [u8]> {
        let (first, second) = self.payload.split_at(self.end);
        [first, second]
            .into_iter()
            .filter(|piece| !piece.is_empty())
    }
}

/// 300 ms: frames of the same sound that make two encoders alike, whatever they have encoded before.
pub(crate) const ALIKE_FRAMES: usize = 15;
pub(crate) const NARROW_HZ: u32 = 8_000;
pub(crate) const WIDE_HZ: u32 = 16_000;
