//! What a leg says to its peer, put into the peer's codec.

use crate::codec::{Clock, CodecError, Encoder};
use crate::g711::ALAW_TO_LINEAR;
use crate::line::FRAME_SAMPLES;
use crate::message::Codec;
use crate::resample::Interpolator;
use crate::shard::TICK_MICROSECONDS;
use crate::time::Mono;

/// The encoder of a leg whose codec is none of the laws; they go by table and need none.
///
/// One stream of packets with one state, whoever speaks: prompts, beds and the partner take turns on it as they do
/// on the line. It is made at the first frame, and again when the band changes: narrow sound costs no resampling.
#[derive(Debug)]
pub(crate) struct Mouth {
    codec: Codec,
    encoder: Option<Encoder>,
    interpolator: Interpolator,
    samples: Vec<i16>,
    payload: Vec<u8>,
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
    pub(crate) fn new(codec: Codec) -> Self {
        Mouth {
            codec,
            encoder: None,
            interpolator: Interpolator::new(2),
            samples: Vec::new(),
            payload: Vec::new(),
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

    /// The payload of a frame of A-law.
    pub(crate) fn say_alaw(&mut self, frame: &[u8; FRAME_SAMPLES]) -> Result<&[u8], CodecError> {
        let samples = frame.map(|code| ALAW_TO_LINEAR[usize::from(code)]);
        self.say(Speech {
            narrow: &samples,
            wide: None,
            timestamp: 0,
        })
    }

    /// The payload of 20 ms.
    pub(crate) fn say(&mut self, speech: Speech<'_>) -> Result<&[u8], CodecError> {
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
        let result = encoder.encode(&self.samples, &mut self.payload);
        self.encoder = Some(encoder);
        result.map(|()| self.payload.as_slice())
    }
}

pub(crate) const NARROW_HZ: u32 = 8_000;
pub(crate) const WIDE_HZ: u32 = 16_000;
