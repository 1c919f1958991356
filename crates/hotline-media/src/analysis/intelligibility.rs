//! How much of a voice has come through: a short-time objective measure after Taal and others (STOI, 2011), cut to
//! the telephone band. For tests and measuring, not for the media path.
//!
//! In each of twelve third-octave bands the course of the loudness over 384 ms is compared with that of the original:
//! where words can be told apart the two go together (1), where they cannot they do not (0). Pauses do not count. A
//! receiver may wait: for each stretch the best shift within 200 ms counts.

/// Likeness of `heard` to `original`, both at 8 kHz, 0 to 1.
pub fn intelligibility(original: &[i16], heard: &[i16]) -> f64 {
    let original = Bands::of(original, HOP);
    let heard = Bands::of(heard, FINE_HOP);
    let loudest = original.totals().fold(0.0, f64::max);
    let mut scores = Vec::new();
    for start in (0..original.frames.len().saturating_sub(SEGMENT)).step_by(SEGMENT / 4) {
        let segment = &original.frames[start..start + SEGMENT];
        let loud = segment
            .iter()
            .filter(|frame| frame.iter().sum::<f64>() > loudest * QUIET)
            .count();
        if loud < SEGMENT / 2 {
            continue;
        }
        let score = (0..=SHIFT_MS_MAX * 8 / FINE_HOP)
            .map(|shift| {
                let place = start * (HOP / FINE_HOP) + shift;
                likeness(segment, |index| {
                    heard.frames.get(place + index * (HOP / FINE_HOP))
                })
            })
            .fold(0.0, f64::max);
        scores.push(score);
    }
    scores.iter().sum::<f64>() / scores.len().max(1) as f64
}

/// Mean correlation over the bands; what is missing is silent.
fn likeness<'a>(
    original: &[[f64; BANDS]],
    heard: impl Fn(usize) -> Option<&'a [f64; BANDS]>,
) -> f64 {
    let total: f64 = (0..BANDS)
        .map(|band| {
            let one: Vec<f64> = original.iter().map(|frame| frame[band].sqrt()).collect();
            let other: Vec<f64> = (0..original.len())
                .map(|index| heard(index).map_or(0.0, |frame| frame[band].sqrt()))
                .collect();
            correlation(&one, &other)
        })
        .sum();
    total / BANDS as f64
}

fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let power = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
    let gain = (power(one) / power(other).max(1e-9)).sqrt();
    // As in STOI: the same level, and noise that towers above the voice counts as so much and no more.
    let other: Vec<f64> = one
        .iter()
        .zip(other)
        .map(|(one, other)| (other * gain).min(one * CLIP))
        .collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_one, mean_other) = (mean(one), mean(&other));
    let (mut product, mut square_one, mut square_other) = (0.0, 0.0, 0.0);
    for (one, other) in one.iter().zip(&other) {
        let (one, other) = (one - mean_one, other - mean_other);
        product += one * other;
        square_one += one * one;
        square_other += other * other;
    }
    product / (square_one * square_other).sqrt().max(1e-9)
}

/// Energies of third-octave bands, frame by frame.
struct Bands {
    frames: Vec<[f64; BANDS]>,
}

impl Bands {
    fn of(samples: &[i16], hop: usize) -> Self {
        let starts = (0..samples.len().saturating_sub(FRAME)).step_by(hop);
        let frames = starts
            .map(|start| energies(&samples[start..start + FRAME]))
            .collect();
        Bands { frames }
    }

    fn totals(&self) -> impl Iterator<Item = f64> {
        self.frames.iter().map(|frame| frame.iter().sum())
    }
}

fn energies(samples: &[i16]) -> [f64; BANDS] {
    let mut real: Vec<f64> = samples
        .iter()
        .enumerate()
        .map(|(index, sample)| {
            let turn = std::f64::consts::TAU * (index as f64 + 0.5) / FRAME as f64;
            f64::from(*sample) * (0.5 - 0.5 * turn.cos())
        })
        .collect();
    let mut imaginary = vec![0.0; FRAME];
    transform(&mut real, &mut imaginary);
    std::array::from_fn(|band| {
        let centre = LOWEST_HZ * 2f64.powf(band as f64 / 3.0);
        let bin = |hz: f64| (hz * FRAME as f64 / 8_000.0).round() as usize;
        let (from, to) = (
            bin(centre / 2f64.powf(1.0 / 6.0)),
            bin(centre * 2f64.powf(1.0 / 6.0)),
        );
        (from..to.max(from + 1).min(FRAME / 2))
            .map(|bin| real[bin] * real[bin] + imaginary[bin] * imaginary[bin])
            .sum()
    })
}

/// Fourier transform in place, by halves.
fn transform(real: &mut [f64], imaginary: &mut [f64]) {
    let length = real.len();
    let bits = length.trailing_zeros();
    for index in 0..length {
        let other = index.reverse_bits() >> (usize::BITS - bits);
        if index < other {
            real.swap(index, other);
            imaginary.swap(index, other);
        }
    }
    let mut half = 1;
    while half < length {
        let angle = -std::f64::consts::PI / half as f64;
        for step in 0..half {
            let (sine, cosine) = (angle * step as f64).sin_cos();
            for one in (step..length).step_by(2 * half) {
                let other = one + half;
                let (r, i) = (
                    real[other] * cosine - imaginary[other] * sine,
                    real[other] * sine + imaginary[other] * cosine,
                );
                real[other] = real[one] - r;
                imaginary[other] = imaginary[one] - i;
                real[one] += r;
                imaginary[one] += i;
            }
        }
        half *= 2;
    }
}

/// 32 ms, moved on by half of it; the heard one by 4 ms, to find its place.
const FRAME: usize = 256;
const HOP: usize = 128;
const FINE_HOP: usize = 32;
/// 384 ms: a syllable or two.
const SEGMENT: usize = 24;
/// 30 dB below the loudest frame is a pause.
const QUIET: f64 = 1e-3;
/// -15 dB of signal to distortion, as in STOI.
const CLIP: f64 = 6.6;
const BANDS: usize = 12;
const LOWEST_HZ: f64 = 250.0;
const SHIFT_MS_MAX: usize = 200;
