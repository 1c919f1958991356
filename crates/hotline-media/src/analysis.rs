//! Levels of recorded audio: how loud, and how much of one tone. For tests and measuring, not for the media path.

mod intelligibility;

pub use intelligibility::intelligibility;

/// What an empty or silent stretch measures.
pub const FLOOR_DB: f64 = -140.0;

/// Level of the tone `hz` in `samples`, in dB below a full-scale sine (Goertzel over the whole stretch, with a
/// Hann window so that a loud tone does not leak into its neighbours).
pub fn tone_level_db(samples: &[i16], rate: u32, hz: u32) -> f64 {
    if samples.is_empty() || rate == 0 {
        return FLOOR_DB;
    }
    let length = samples.len() as f64;
    let step = 2.0 * std::f64::consts::PI * f64::from(hz) / f64::from(rate);
    let coefficient = 2.0 * step.cos();
    let (mut previous, mut before, mut weight) = (0.0, 0.0, 0.0);
    for (index, sample) in samples.iter().enumerate() {
        let window = 0.5 - 0.5 * (2.0 * std::f64::consts::PI * (index as f64 + 0.5) / length).cos();
        let next = window * f64::from(*sample) + coefficient * previous - before;
        before = previous;
        previous = next;
        weight += window;
    }
    let power = previous * previous + before * before - coefficient * previous * before;
    let amplitude = 2.0 * power.max(0.0).sqrt() / weight;
    decibels(amplitude / FULL_SCALE)
}

/// Level of everything in `samples`, in dB relative to a square wave of full scale (a full-scale sine is -3 dB).
pub fn rms_db(samples: &[i16]) -> f64 {
    if samples.is_empty() {
        return FLOOR_DB;
    }
    let sum: f64 = samples
        .iter()
        .map(|sample| f64::from(*sample) * f64::from(*sample))
        .sum();
    decibels((sum / samples.len() as f64).sqrt() / FULL_SCALE)
}

fn decibels(ratio: f64) -> f64 {
    if ratio <= 0.0 {
        FLOOR_DB
    } else {
        (20.0 * ratio.log10()).max(FLOOR_DB)
    }
}

const FULL_SCALE: f64 = 32767.0;
