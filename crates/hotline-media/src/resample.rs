//! Changing the rate between 8, 16 and 48 kHz: one windowed sinc for each whole ratio, split into its phases.
//!
//! The pass band ends at 3.4 kHz of 8 kHz (the telephone band; likewise 6.8 of 16), the stop band begins at
//! 4.6 kHz. Between them what folds stays between them, where a telephone carries nothing. The delay is 16 samples
//! of the lower rate (2 ms at 8 kHz). What it measures stands in the tests.

use std::f64::consts::{PI, TAU};
use std::sync::OnceLock;

/// Raises the rate by a whole factor.
#[derive(Clone, Debug)]
pub struct Interpolator {
    factor: usize,
    /// One filter for each phase, its taps backwards: the oldest sample first.
    phases: Vec<[f32; TAPS]>,
    /// The last samples of the frame before, then the frame.
    line: Vec<f32>,
}

impl Interpolator {
    /// By `factor`: 2, 3 or 6 for our rates.
    pub fn new(factor: usize) -> Self {
        let factor = factor.max(1);
        let filter = low_pass(factor);
        let phases = (0..factor)
            .map(|phase| {
                // The zeros that are put between samples take the level down; the factor gives it back.
                std::array::from_fn(|tap| filter[phase + (TAPS - 1 - tap) * factor] * factor as f32)
            })
            .collect();
        Interpolator {
            factor,
            phases,
            line: vec![0.0; TAPS - 1],
        }
    }

    /// Appends `factor` samples for each of `samples`.
    pub fn run(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.line.extend(samples.iter().copied().map(f32::from));
        for window in self.line.windows(TAPS) {
            out.extend(self.phases.iter().map(|taps| sample(dot(taps, window))));
        }
        keep_last(&mut self.line, TAPS - 1);
        debug_assert_eq!(self.phases.len(), self.factor);
    }
}

/// Lowers the rate by a whole factor.
#[derive(Clone, Debug)]
pub struct Decimator {
    factor: usize,
    filter: Vec<f32>,
    line: Vec<f32>,
}

impl Decimator {
    /// By `factor`: 2, 3 or 6 for our rates.
    pub fn new(factor: usize) -> Self {
        let factor = factor.max(1);
        let mut filter = low_pass(factor);
        // The oldest sample first, as in the line.
        filter.reverse();
        let line = vec![0.0; filter.len() - 1];
        Decimator {
            factor,
            filter,
            line,
        }
    }

    /// Appends one sample for each `factor` of `samples`, whose number is a multiple of it.
    pub fn run(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.line.extend(samples.iter().copied().map(f32::from));
        let windows = self.line.windows(self.filter.len());
        out.extend(
            windows
                .step_by(self.factor)
                .map(|window| sample(dot(&self.filter, window))),
        );
        keep_last(&mut self.line, self.filter.len() - 1);
    }
}

/// All of a clip at a rate `factor` times lower, without the delay of the filter.
pub fn decimate(samples: &[i16], factor: usize) -> Vec<i16> {
    let whole = samples.len() / factor.max(1);
    let delay = TAPS / 2;
    let mut padded = samples[..whole * factor.max(1)].to_vec();
    padded.resize(padded.len() + delay * factor.max(1), 0);
    let mut out = Vec::with_capacity(whole + delay);
    Decimator::new(factor).run(&padded, &mut out);
    out.split_off(delay)
}

/// Sums in eight strands, so that the compiler may use the wide registers.
fn dot(taps: &[f32], window: &[f32]) -> f32 {
    let mut strands = [0f32; STRANDS];
    let (taps, window) = (taps.chunks_exact(STRANDS), window.chunks_exact(STRANDS));
    for (taps, window) in taps.zip(window) {
        for ((strand, tap), value) in strands.iter_mut().zip(taps).zip(window) {
            *strand += tap * value;
        }
    }
    strands.iter().sum()
}

fn sample(value: f32) -> i16 {
    value
        .round()
        .clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16
}

fn keep_last(line: &mut Vec<f32>, count: usize) {
    let surplus = line.len().saturating_sub(count);
    line.copy_within(surplus.., 0);
    line.truncate(count);
}

/// The filter of a factor: designed once, for it takes 0.6 ms, and legs are opened on the thread that carries all
/// others.
fn low_pass(factor: usize) -> Vec<f32> {
    static DESIGNED: [OnceLock<Vec<f32>>; FACTOR_MAX + 1] =
        [const { OnceLock::new() }; FACTOR_MAX + 1];
    match DESIGNED.get(factor) {
        Some(filter) => filter.get_or_init(|| design(factor)).clone(),
        None => design(factor),
    }
}

/// A sinc under a Kaiser window, [`TAPS`] for each phase, its sum 1.
fn design(factor: usize) -> Vec<f32> {
    let length = TAPS * factor;
    let middle = length as f64 / 2.0;
    let cutoff = CUTOFF / factor as f64;
    let taps: Vec<f64> = (0..length)
        .map(|index| {
            let distance = index as f64 - middle;
            let sinc = if distance == 0.0 {
                cutoff
            } else {
                (PI * cutoff * distance).sin() / (PI * distance)
            };
            let place = (distance / middle).clamp(-1.0, 1.0);
            sinc * bessel(KAISER * (1.0 - place * place).sqrt())
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

/// Modified Bessel function of the first kind, order 0, as its integral over half a turn.
fn bessel(value: f64) -> f64 {
    let steps = 256;
    let total: f64 = (0..steps)
        .map(|step| (value * (TAU * f64::from(step) / f64::from(steps)).cos()).exp())
        .sum();
    total / f64::from(steps)
}

/// Of each phase.
const TAPS: usize = 32;
const STRANDS: usize = 8;
/// 48 kHz and 8 kHz.
const FACTOR_MAX: usize = 6;
/// Middle of the transition as a part of half the lower rate: 4 kHz of 8.
const CUTOFF: f64 = 1.0;
/// 60 dB.
const KAISER: f64 = 5.65;

#[cfg(test)]
mod tests;
