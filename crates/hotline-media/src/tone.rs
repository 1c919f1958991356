//! Sine tones and the two-tone keys, without a call of `sin` per sample.

use crate::g711::alaw_encode;

/// Samples a second of every leg.
pub const RATE: u32 = 8000;

/// A sine by the recurrence y[n] = 2 cos(w) y[n-1] - y[n-2].
#[derive(Clone, Debug)]
pub struct Oscillator {
    coefficient: f64,
    previous: f64,
    last: f64,
}

impl Oscillator {
    /// A tone of `hz` at `level_db` below a full-scale sine, at `rate` samples a second.
    pub fn new(hz: u32, level_db: u32, rate: u32) -> Self {
        let amplitude = FULL_SCALE * 10f64.powf(-f64::from(level_db) / 20.0);
        let step = 2.0 * std::f64::consts::PI * f64::from(hz) / f64::from(rate.max(1));
        Oscillator {
            coefficient: 2.0 * step.cos(),
            previous: -amplitude * step.sin(),
            last: 0.0,
        }
    }

    /// The next sample, before rounding.
    pub fn advance(&mut self) -> f64 {
        let value = self.last;
        let next = self.coefficient * self.last - self.previous;
        self.previous = self.last;
        self.last = next;
        value
    }

    /// The next sample.
    pub fn sample(&mut self) -> i16 {
        self.advance().round() as i16
    }

    /// Fills `out` with A-law.
    pub fn fill_alaw(&mut self, out: &mut [u8]) {
        for code in out {
            *code = alaw_encode(self.sample());
        }
    }
}

/// The two tones of a key (ITU-T Q.23), added.
#[derive(Clone, Debug)]
pub struct KeyTone {
    low: Oscillator,
    high: Oscillator,
}

impl KeyTone {
    /// The tones of RFC 4733 event `event` (0-15); None for others.
    pub fn new(event: u8) -> Option<Self> {
        let (row, column) = match event {
            1..=9 => ((event - 1) / 3, (event - 1) % 3),
            0 => (3, 1),
            10 => (3, 0),
            11 => (3, 2),
            12..=15 => (event - 12, 3),
            _ => return None,
        };
        let low = Oscillator::new(ROWS_HZ[usize::from(row)], KEY_LEVEL_DB, RATE);
        let high = Oscillator::new(COLUMNS_HZ[usize::from(column)], KEY_LEVEL_DB, RATE);
        Some(KeyTone { low, high })
    }

    /// Fills `out` with A-law.
    pub fn fill_alaw(&mut self, out: &mut [u8]) {
        for code in out {
            *code = alaw_encode((self.low.advance() + self.high.advance()).round() as i16);
        }
    }
}

const FULL_SCALE: f64 = 32767.0;
/// Of each of the two tones; both together stay well below full scale.
const KEY_LEVEL_DB: u32 = 10;
pub(crate) const ROWS_HZ: [u32; 4] = [697, 770, 852, 941];
pub(crate) const COLUMNS_HZ: [u32; 4] = [1209, 1336, 1477, 1633];

#[cfg(test)]
mod tests;
