//! Keys heard in the audio itself (ITU-T Q.23, Q.24), for peers that know no telephone-event.
//!
//! Goertzel filters over 17 ms, moved on by half of that. A voice is no key: the two tones must hold nearly all of
//! the energy, stand alone in their groups, have no harmonics, be about as loud as each other, and last.

use crate::tone::{COLUMNS_HZ, RATE, ROWS_HZ};

/// Listens for keys in samples at 8 kHz.
#[derive(Clone, Debug)]
pub(crate) struct KeyTones {
    window: [f32; WINDOW],
    filled: usize,
    /// The key that the last windows held, and how many did.
    candidate: Option<(char, u32)>,
    pressed: Option<char>,
    misses: u32,
}

impl Default for KeyTones {
    fn default() -> Self {
        KeyTones {
            window: [0.0; WINDOW],
            filled: 0,
            candidate: None,
            pressed: None,
            misses: 0,
        }
    }
}

impl KeyTones {
    /// Takes samples; a key that has been held for 40 ms is told once.
    pub(crate) fn hear(&mut self, samples: impl IntoIterator<Item = i16>) -> Option<char> {
        let mut told = None;
        for sample in samples {
            self.window[self.filled] = f32::from(sample);
            self.filled += 1;
            if self.filled == WINDOW {
                told = self.judge(key(&self.window)).or(told);
                self.window.copy_within(HOP.., 0);
                self.filled = WINDOW - HOP;
            }
        }
        told
    }

    fn judge(&mut self, heard: Option<char>) -> Option<char> {
        let Some(digit) = heard else {
            self.misses += 1;
            self.candidate = None;
            // Q.24: a break of up to 10 ms within a press is none.
            if self.misses >= MISSES {
                self.pressed = None;
            }
            return None;
        };
        self.misses = 0;
        let hits = match self.candidate {
            Some((before, hits)) if before == digit => hits + 1,
            Some(_) | None => 1,
        };
        self.candidate = Some((digit, hits));
        if hits < HITS || self.pressed == Some(digit) {
            return None;
        }
        self.pressed = Some(digit);
        Some(digit)
    }
}

/// The key that a window holds.
fn key(window: &[f32; WINDOW]) -> Option<char> {
    let energy: f32 = window.iter().map(|sample| sample * sample).sum();
    // A quiet line costs no filters.
    if energy < WINDOW as f32 * LEVEL_MIN * LEVEL_MIN {
        return None;
    }
    let (row, low) = strongest(window, &ROWS_HZ)?;
    let (column, high) = strongest(window, &COLUMNS_HZ)?;
    let is_twisted = high > low * HIGH_ABOVE_LOW_MAX || low > high * LOW_ABOVE_HIGH_MAX;
    // A tone that fills the window has 2 P / (N E) = 1.
    let purity = 2.0 * (low + high) / (WINDOW as f32 * energy);
    if is_twisted || purity < PURITY_MIN {
        return None;
    }
    // The second harmonics of the rows lie among the columns, where nothing but one tone may stand anyway.
    if power(window, 2 * COLUMNS_HZ[column]) * HARMONIC_BELOW > high {
        return None;
    }
    KEYS.get(row * 4 + column).map(|key| char::from(*key))
}

/// The tone of a group that stands out from its others, and its power.
fn strongest(window: &[f32; WINDOW], tones: &[u32; 4]) -> Option<(usize, f32)> {
    let powers = tones.map(|hz| power(window, hz));
    let (index, most) = powers
        .into_iter()
        .enumerate()
        .max_by(|one, other| one.1.total_cmp(&other.1))?;
    let is_alone = powers
        .iter()
        .enumerate()
        .all(|(other, power)| other == index || power * OTHERS_BELOW < most);
    is_alone.then_some((index, most))
}

fn power(window: &[f32; WINDOW], hz: u32) -> f32 {
    let step = std::f32::consts::TAU * hz as f32 / RATE as f32;
    let coefficient = 2.0 * step.cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in window {
        let next = sample + coefficient * last - before;
        before = last;
        last = next;
    }
    last * last + before * before - coefficient * last * before
}

const KEYS: &[u8; 16] = b"123A456B789C*0#D";
/// 17 ms: short enough for tones that are 1.5 % off (Q.24), long enough to tell neighbours apart.
const WINDOW: usize = 136;
const HOP: usize = WINDOW / 2;
/// A tone of 40 ms fills that many windows for the most part, one of 20 ms does not (Q.24).
const HITS: u32 = 3;
const MISSES: u32 = 3;
/// Root of the mean square: about -33 dB below full scale, -30 dBm0 for both tones.
const LEVEL_MIN: f32 = 730.0;
/// Power ratios: the high tone up to 6 dB above the low one, the low one up to 9 dB above the high one.
const HIGH_ABOVE_LOW_MAX: f32 = 4.0;
const LOW_ABOVE_HIGH_MAX: f32 = 8.0;
/// 8 dB.
const OTHERS_BELOW: f32 = 6.3;
const HARMONIC_BELOW: f32 = 8.0;
const PURITY_MIN: f32 = 0.62;

#[cfg(test)]
mod tests;
