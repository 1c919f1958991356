//! The codecs: what RTP and SDP call them, and an encoder and a decoder for each.
//!
//! Each runs at the rate that saves a step: libopus itself takes and gives 8 or 16 kHz, so that a trunk's narrow
//! band meets a browser without any resampling of ours; G.722 is 16 kHz, the laws are 8 kHz.

use audio_codec::g722::{G722Decoder, G722Encoder};
use audio_codec::{Decoder as _, Encoder as _};

use crate::g711::Law;
use crate::message::Codec;
use crate::time::Mono;

/// Every codec of ours, the preferred one first: A-law is the trunks' and our own, so nothing is converted; of
/// those that cost a conversion the better sounding one comes last because it is the dearest.
pub const ALL: [Codec; 4] = [Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus];

impl Codec {
    /// The law of a G.711 codec.
    pub fn law(self) -> Option<Law> {
        match self {
            Codec::Pcma => Some(Law::A),
            Codec::Pcmu => Some(Law::Mu),
            Codec::G722 | Codec::Opus => None,
        }
    }

    /// Rate of the RTP timestamp, in hertz. G.722 says 8,000 although it samples at 16,000 (RFC 3551 §4.5.2), and
    /// Opus always 48,000 (RFC 7587 §4.1).
    pub fn clock_hz(self) -> u32 {
        match self {
            Codec::Pcma | Codec::Pcmu | Codec::G722 => 8_000,
            Codec::Opus => 48_000,
        }
    }

    /// Rate of the RTP timestamp.
    pub(crate) fn clock(self) -> Clock {
        Clock::of_hz(self.clock_hz())
    }

    /// Name, clock and channels as an rtpmap says them. Opus is always "/2" there (RFC 7587 §7).
    pub fn encoding(self) -> &'static str {
        match self {
            Codec::Pcma => "PCMA/8000",
            Codec::Pcmu => "PCMU/8000",
            Codec::G722 => "G722/8000",
            Codec::Opus => "opus/48000/2",
        }
    }

    /// What we ask of a sender, as an fmtp says it: one channel, redundancy against loss, no gaps in silence, no
    /// more band and bits than a voice needs (RFC 7587 §6.1).
    pub fn format_parameters(self) -> Option<&'static str> {
        match self {
            Codec::Pcma | Codec::Pcmu | Codec::G722 => None,
            Codec::Opus => Some(
                "useinbandfec=1;usedtx=0;stereo=0;maxplaybackrate=16000;maxaveragebitrate=24000",
            ),
        }
    }

    /// The number that RFC 3551 §6 gives for ever.
    pub fn static_payload_type(self) -> Option<u8> {
        match self {
            Codec::Pcma => Some(8),
            Codec::Pcmu => Some(0),
            Codec::G722 => Some(9),
            Codec::Opus => None,
        }
    }

    /// The number that our own offers use.
    pub fn offered_payload_type(self) -> u8 {
        self.static_payload_type().unwrap_or(OPUS_PAYLOAD_TYPE)
    }

    /// The codec of ours that an rtpmap names; `name` in any case, `clock_hz` None where it was left out.
    pub fn of_encoding(name: &str, clock_hz: Option<u32>) -> Option<Codec> {
        ALL.into_iter().find(|codec| {
            let ours = codec.encoding().split('/').next().unwrap_or_default();
            let is_clock = match clock_hz {
                // Some phones write the rate at which G.722 really samples.
                Some(16_000) => *codec == Codec::G722,
                Some(clock_hz) => clock_hz == codec.clock_hz(),
                None => true,
            };
            ours.eq_ignore_ascii_case(name) && is_clock
        })
    }

    /// The codec of ours that a static number names without an rtpmap.
    pub fn of_static_payload_type(payload_type: u8) -> Option<Codec> {
        ALL.into_iter()
            .find(|codec| codec.static_payload_type() == Some(payload_type))
    }

    /// A payload that is not bytes of samples one after the other: it is sent as it is, or not at all.
    pub(crate) fn is_whole(self) -> bool {
        match self {
            Codec::Pcma | Codec::Pcmu | Codec::G722 => false,
            Codec::Opus => true,
        }
    }

    /// How much of the RTP clock a payload covers.
    pub(crate) fn payload_units(self, payload: &[u8]) -> u32 {
        match self {
            // One byte a sample; G.722 packs two of its samples, which its clock counts as one.
            Codec::Pcma | Codec::Pcmu | Codec::G722 => payload.len() as u32,
            Codec::Opus => {
                opus::packet::get_nb_samples(payload, 48_000).map_or(0, |samples| samples as u32)
            }
        }
    }
}

/// The rate of a stream's timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    pub(crate) units_a_ms: u32,
}

impl Default for Clock {
    /// Telephony: 8,000 a second.
    fn default() -> Self {
        Clock { units_a_ms: 8 }
    }
}

impl Clock {
    /// Of so many units a second.
    pub(crate) fn of_hz(clock_hz: u32) -> Self {
        Clock {
            units_a_ms: (clock_hz / 1_000).max(1),
        }
    }

    /// Units of a frame of 20 ms.
    pub(crate) fn frame(self) -> u32 {
        FRAME_MS * self.units_a_ms
    }

    /// Units that pass between two instants.
    pub(crate) fn between(self, from: Mono, to: Mono) -> u32 {
        let elapsed = to.0.saturating_sub(from.0) * u64::from(self.units_a_ms) / 1_000;
        u32::try_from(elapsed).unwrap_or(u32::MAX)
    }
}

/// An encoder or decoder refused: libopus had no memory, or a packet is not of its codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// This codec does not run at this rate.
    #[error("{codec:?} does not run at {rate_hz} Hz")]
    Rate {
        /// Which.
        codec: Codec,
        /// Hertz.
        rate_hz: u32,
    },
    /// The library could not be set up.
    #[error("no {codec:?} at {rate_hz} Hz")]
    Setup {
        /// Which.
        codec: Codec,
        /// Hertz.
        rate_hz: u32,
    },
    /// The packet cannot be decoded, or the samples cannot be encoded.
    #[error("{codec:?} refuses what it got")]
    Refused {
        /// Which.
        codec: Codec,
    },
}

/// Turns frames of samples into payloads.
pub struct Encoder {
    codec: Codec,
    rate_hz: u32,
    engine: EncoderEngine,
}

enum EncoderEngine {
    Law(Law),
    G722(Box<G722Encoder>),
    Opus(opus::Encoder),
}

impl Encoder {
    /// For samples at `rate_hz`: 8,000 for the laws, 16,000 for G.722, 8,000, 16,000 or 48,000 for Opus.
    pub fn new(codec: Codec, rate_hz: u32) -> Result<Self, CodecError> {
        check_rate(codec, rate_hz)?;
        let engine = match codec {
            Codec::Pcma => EncoderEngine::Law(Law::A),
            Codec::Pcmu => EncoderEngine::Law(Law::Mu),
            Codec::G722 => EncoderEngine::G722(Box::new(G722Encoder::new())),
            Codec::Opus => EncoderEngine::Opus(
                opus_encoder(rate_hz).map_err(|_| CodecError::Setup { codec, rate_hz })?,
            ),
        };
        Ok(Encoder {
            codec,
            rate_hz,
            engine,
        })
    }

    /// Of the samples, hertz.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Appends the payload of one frame; Opus takes 10, 20, 40 or 60 ms, the others any even number of samples.
    pub fn encode(&mut self, samples: &[i16], payload: &mut Vec<u8>) -> Result<(), CodecError> {
        let refused = CodecError::Refused { codec: self.codec };
        let start = payload.len();
        match &mut self.engine {
            EncoderEngine::Law(law) => {
                payload.extend(samples.iter().map(|sample| law.encode(*sample)));
            }
            EncoderEngine::G722(encoder) => {
                payload.resize(start + encoder.max_encode_bytes(samples.len()), 0);
                let length = encoder
                    .encode_into(samples, &mut payload[start..])
                    .map_err(|_| refused)?;
                payload.truncate(start + length);
            }
            EncoderEngine::Opus(encoder) => {
                payload.resize(start + OPUS_BYTES_MAX, 0);
                let length = encoder.encode(samples, &mut payload[start..]);
                payload.truncate(start + length.as_ref().copied().unwrap_or(0));
                length.map_err(|_| refused)?;
            }
        }
        Ok(())
    }
}

/// RFC 7587: voice in one channel, each packet repeats the one before it coarsely, and silence is sent like all
/// else, so that a carrier or a NAT never sees a line that has stopped.
fn opus_encoder(rate_hz: u32) -> Result<opus::Encoder, opus::Error> {
    let mut encoder = opus::Encoder::new(rate_hz, opus::Channels::Mono, opus::Application::Voip)?;
    encoder.set_bitrate(opus::Bitrate::Bits(OPUS_BITS_A_SECOND))?;
    encoder.set_inband_fec(true)?;
    encoder.set_packet_loss_perc(OPUS_LOSS_PERCENT)?;
    encoder.set_dtx(false)?;
    encoder.set_signal(opus::Signal::Voice)?;
    encoder.set_complexity(OPUS_COMPLEXITY)?;
    Ok(encoder)
}

/// Turns payloads into samples.
pub struct Decoder {
    codec: Codec,
    rate_hz: u32,
    engine: DecoderEngine,
}

enum DecoderEngine {
    Law(Law),
    G722(Box<G722Decoder>),
    Opus(opus::Decoder),
}

impl Decoder {
    /// Into samples at `rate_hz`; the rates are those of [`Encoder::new`].
    pub fn new(codec: Codec, rate_hz: u32) -> Result<Self, CodecError> {
        check_rate(codec, rate_hz)?;
        let engine = match codec {
            Codec::Pcma => DecoderEngine::Law(Law::A),
            Codec::Pcmu => DecoderEngine::Law(Law::Mu),
            Codec::G722 => DecoderEngine::G722(Box::new(G722Decoder::new())),
            Codec::Opus => DecoderEngine::Opus(
                opus::Decoder::new(rate_hz, opus::Channels::Mono)
                    .map_err(|_| CodecError::Setup { codec, rate_hz })?,
            ),
        };
        Ok(Decoder {
            codec,
            rate_hz,
            engine,
        })
    }

    /// Of the samples, hertz.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Decodes a payload into `samples` from its start and says how many; what does not fit is refused.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> Result<usize, CodecError> {
        let refused = CodecError::Refused { codec: self.codec };
        match &mut self.engine {
            DecoderEngine::Law(law) => {
                let table = law.to_linear();
                let room = samples.get_mut(..payload.len()).ok_or(refused)?;
                for (sample, code) in room.iter_mut().zip(payload) {
                    *sample = table[usize::from(*code)];
                }
                Ok(payload.len())
            }
            DecoderEngine::G722(decoder) => {
                decoder.decode_into(payload, samples).map_err(|_| refused)
            }
            // An empty slice would ask libopus to conceal, and that is not what an empty packet says.
            DecoderEngine::Opus(_) if payload.is_empty() => Err(refused),
            DecoderEngine::Opus(decoder) => {
                decoder.decode(payload, samples, false).map_err(|_| refused)
            }
        }
    }

    /// Fills `samples` with what was probably lost, if this codec can tell by itself: from `next`, the packet that
    /// follows the loss and repeats it coarsely (RFC 7587 §4.2), or else out of what went before. False where the
    /// codec has no such art.
    pub fn conceal(&mut self, next: Option<&[u8]>, samples: &mut [i16]) -> bool {
        match &mut self.engine {
            DecoderEngine::Law(_) | DecoderEngine::G722(_) => false,
            DecoderEngine::Opus(decoder) => match next {
                Some(next) if !next.is_empty() => decoder.decode(next, samples, true).is_ok(),
                Some(_) | None => decoder.decode(&[], samples, false).is_ok(),
            },
        }
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Encoder({:?}, {} Hz)", self.codec, self.rate_hz)
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Decoder({:?}, {} Hz)", self.codec, self.rate_hz)
    }
}

fn check_rate(codec: Codec, rate_hz: u32) -> Result<(), CodecError> {
    let rates: &[u32] = match codec {
        Codec::Pcma | Codec::Pcmu => &[8_000],
        Codec::G722 => &[16_000],
        Codec::Opus => &[8_000, 16_000, 48_000],
    };
    if rates.contains(&rate_hz) {
        Ok(())
    } else {
        Err(CodecError::Rate { codec, rate_hz })
    }
}

/// The frame of all our own packets.
pub(crate) const FRAME_MS: u32 = 20;
/// What browsers use too.
const OPUS_PAYLOAD_TYPE: u8 = 111;
const OPUS_BITS_A_SECOND: i32 = 24_000;
/// Tells libopus how much of the bits to spend on repeating.
const OPUS_LOSS_PERCENT: i32 = 10;
/// Of 10: what the next steps add is not heard on a telephone, and each costs.
const OPUS_COMPLEXITY: i32 = 5;
/// RFC 6716 §3.4: no frame is longer; 20 ms at our rate take 60 to 150.
const OPUS_BYTES_MAX: usize = 1_275;

#[cfg(test)]
mod tests;
