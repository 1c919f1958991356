//! A number inside the audio: it survives forwarding, and decoding and encoding by either law.
//!
//! Each nibble is one sample: a sign and one of eight levels an octave apart. G.711's error is a few percent, so
//! a level never turns into its neighbour.

use hotline_media::g711::{Law, alaw_encode, ulaw_encode};
use std::sync::LazyLock;

/// Which packet of which leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ident {
    /// At most 20 bits.
    pub(crate) leg: u32,
    /// Modulo 2^24.
    pub(crate) sequence: u32,
}

impl Ident {
    /// Overwrites the first samples of a payload.
    pub(crate) fn write(self, law: Law, payload: &mut [u8]) {
        let codes = match law {
            Law::A => &*ALAW_CODES,
            Law::Mu => &*ULAW_CODES,
        };
        let mut bits = self.bits();
        for sample in payload.iter_mut().take(SAMPLES) {
            *sample = codes.get((bits & 15) as usize).copied().unwrap_or_default();
            bits >>= 4;
        }
    }

    /// None when the audio was not made by [`Ident::write`].
    pub(crate) fn read(law: Law, payload: &[u8]) -> Option<Self> {
        let linear = law.to_linear();
        let samples = payload.get(..SAMPLES)?;
        let bits = samples.iter().rev().try_fold(0u64, |bits, code| {
            let sample = linear.get(usize::from(*code))?;
            Some(bits << 4 | u64::from(nibble(*sample)))
        })?;
        let ident = Self {
            leg: (bits >> 8) as u32 & LEG_MASK,
            sequence: (bits >> 28) as u32 & SEQUENCE_MASK,
        };
        (ident.bits() == bits).then_some(ident)
    }

    /// Mark, leg, sequence, check; 60 bits.
    fn bits(self) -> u64 {
        let body = u64::from(self.leg & LEG_MASK) | u64::from(self.sequence & SEQUENCE_MASK) << 20;
        // Multiplicative hash: neighbours get checks far apart.
        let check = body.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
        MARK | body << 8 | check << 52
    }
}

fn nibble(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs();
    let level = BOUNDS.iter().filter(|bound| magnitude > **bound).count();
    (level as u8) | u8::from(sample < 0) << 3
}

fn codes(encode: fn(i16) -> u8) -> [u8; 16] {
    std::array::from_fn(|nibble| {
        let level = LEVELS.get(nibble & 7).copied().unwrap_or_default();
        encode(if nibble & 8 == 0 { level } else { -level })
    })
}

static ALAW_CODES: LazyLock<[u8; 16]> = LazyLock::new(|| codes(alaw_encode));
static ULAW_CODES: LazyLock<[u8; 16]> = LazyLock::new(|| codes(ulaw_encode));
/// Geometric middle between two levels.
const BOUNDS: [u16; 7] = [231, 554, 1_109, 2_217, 4_435, 8_870, 17_740];
const LEVELS: [i16; 8] = [136, 392, 784, 1_568, 3_136, 6_272, 12_544, 25_088];
const MARK: u64 = 0xA5;
const LEG_MASK: u32 = 0xF_FFFF;
pub(crate) const SEQUENCE_MASK: u32 = 0xFF_FFFF;
/// 60 bits in nibbles.
const SAMPLES: usize = 15;

#[cfg(test)]
mod tests;
