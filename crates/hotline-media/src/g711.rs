//! G.711 A-law and mu-law by tables, bit-exact to the ITU's reference (G.191 STL `alaw_compress` and friends).

use std::sync::LazyLock;

/// A-law code of silence: the smallest positive value (G.711 §3, even bits inverted).
pub const ALAW_SILENCE: u8 = 0xD5;
/// mu-law code of silence: positive zero.
pub const ULAW_SILENCE: u8 = 0xFF;

/// Linear 16-bit sample of each A-law code.
pub static ALAW_TO_LINEAR: [i16; 256] = decode_table(true);
/// Linear 16-bit sample of each mu-law code.
pub static ULAW_TO_LINEAR: [i16; 256] = decode_table(false);
/// mu-law code of each A-law code, through the linear value.
pub static ALAW_TO_ULAW: [u8; 256] = transcode_table(true);
/// A-law code of each mu-law code, through the linear value.
pub static ULAW_TO_ALAW: [u8; 256] = transcode_table(false);

static LINEAR_TO_ALAW: LazyLock<Box<[u8]>> = LazyLock::new(|| encode_table(alaw_compress));
static LINEAR_TO_ULAW: LazyLock<Box<[u8]>> = LazyLock::new(|| encode_table(ulaw_compress));

/// A-law code of a linear sample.
pub fn alaw_encode(sample: i16) -> u8 {
    LINEAR_TO_ALAW[usize::from(sample as u16)]
}

/// mu-law code of a linear sample.
pub fn ulaw_encode(sample: i16) -> u8 {
    LINEAR_TO_ULAW[usize::from(sample as u16)]
}

/// Linear sample of an A-law code.
pub fn alaw_decode(code: u8) -> i16 {
    ALAW_TO_LINEAR[usize::from(code)]
}

/// Linear sample of a mu-law code.
pub fn ulaw_decode(code: u8) -> i16 {
    ULAW_TO_LINEAR[usize::from(code)]
}

/// One of the two flavours of G.711.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// A-law.
    A,
    /// mu-law.
    Mu,
}

impl Law {
    /// Code of a linear sample.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Law::A => alaw_encode(sample),
            Law::Mu => ulaw_encode(sample),
        }
    }

    /// The table that turns codes into linear samples.
    pub fn to_linear(self) -> &'static [i16; 256] {
        match self {
            Law::A => &ALAW_TO_LINEAR,
            Law::Mu => &ULAW_TO_LINEAR,
        }
    }

    /// The table that turns codes of this law into codes of another; None when they are the same.
    pub fn to_law(self, other: Law) -> Option<&'static [u8; 256]> {
        match (self, other) {
            (Law::A, Law::A) | (Law::Mu, Law::Mu) => None,
            (Law::A, Law::Mu) => Some(&ALAW_TO_ULAW),
            (Law::Mu, Law::A) => Some(&ULAW_TO_ALAW),
        }
    }
}

fn encode_table(compress: fn(i16) -> u8) -> Box<[u8]> {
    (0..=u16::MAX).map(|bits| compress(bits as i16)).collect()
}

const fn decode_table(is_alaw: bool) -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = if is_alaw {
            alaw_expand(code as u8)
        } else {
            ulaw_expand(code as u8)
        };
        code += 1;
    }
    table
}

const fn transcode_table(from_alaw: bool) -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = if from_alaw {
            ulaw_compress(alaw_expand(code as u8))
        } else {
            alaw_compress(ulaw_expand(code as u8))
        };
        code += 1;
    }
    table
}

const fn alaw_compress(sample: i16) -> u8 {
    // One's complement for negative values, 12 bits of magnitude.
    let mut magnitude = if sample < 0 {
        (!sample) >> 4
    } else {
        sample >> 4
    };
    if magnitude > 15 {
        let mut exponent = 1;
        while magnitude > 16 + 15 {
            magnitude >>= 1;
            exponent += 1;
        }
        magnitude = magnitude - 16 + (exponent << 4);
    }
    if sample >= 0 {
        magnitude |= 0x80;
    }
    (magnitude ^ 0x55) as u8
}

const fn alaw_expand(code: u8) -> i16 {
    let bits = (code ^ 0x55) & 0x7F;
    let exponent = bits >> 4;
    let mut mantissa = (bits & 0x0F) as i16;
    if exponent > 0 {
        mantissa += 16;
    }
    mantissa = (mantissa << 4) + 8;
    if exponent > 1 {
        mantissa <<= exponent - 1;
    }
    if code > 127 { mantissa } else { -mantissa }
}

const fn ulaw_compress(sample: i16) -> u8 {
    let magnitude = (if sample < 0 {
        (!sample) >> 2
    } else {
        sample >> 2
    }) + 33;
    let magnitude = if magnitude > 0x1FFF {
        0x1FFF
    } else {
        magnitude
    };
    let mut rest = magnitude >> 6;
    let mut segment = 1;
    while rest != 0 {
        segment += 1;
        rest >>= 1;
    }
    let high = 0x08 - segment;
    let low = 0x0F - ((magnitude >> segment) & 0x0F);
    let code = (high << 4) | low;
    (if sample >= 0 { code | 0x80 } else { code }) as u8
}

const fn ulaw_expand(code: u8) -> i16 {
    let bits = !code;
    let exponent = (bits >> 4) & 0x07;
    let mantissa = (bits & 0x0F) as i16;
    let step = 4i16 << (exponent + 1);
    let value = (0x80i16 << exponent) + step * mantissa + step / 2 - 4 * 33;
    if code < 0x80 { -value } else { value }
}

#[cfg(test)]
mod tests;
