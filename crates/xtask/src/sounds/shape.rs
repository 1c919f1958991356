//! Samples: trimming, level, fades, and the WAV files that hold them.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::failure::Failure;

pub(crate) const SAMPLE_RATE_HZ: u32 = 8_000;
const SAMPLES_PER_MS: usize = 8;

/// -20 dBFS: telephone speech as loud as a person who speaks near the phone.
pub(crate) const SPEECH_RMS: f64 = 0.1;
/// -1 dBFS, so that no encoder clips.
pub(crate) const PEAK_MAX: f64 = 0.891;

/// Below this (-50 dBFS) a sample counts as silence when the ends are trimmed.
const SILENCE: i16 = 100;
const LEAD_MS: usize = 20;
/// The pause after a sentence; clips follow one another without a gap of their own.
const TAIL_MS: usize = 130;
const FADE_MS: usize = 5;

/// Speech as it should sound on the line: no silence in front, a short pause behind, one level, soft edges.
pub(crate) fn speech(raw: &[i16]) -> Vec<i16> {
    let first = raw.iter().position(|sample| is_loud(*sample));
    let last = raw.iter().rposition(|sample| is_loud(*sample));
    let (Some(first), Some(last)) = (first, last) else {
        return Vec::new();
    };
    let mut voiced: Vec<f64> = raw
        .iter()
        .skip(first)
        .take(last + 1 - first)
        .map(|sample| f64::from(*sample) / f64::from(i16::MAX))
        .collect();
    let peak = voiced
        .iter()
        .fold(0.0_f64, |peak, value| peak.max(value.abs()));
    let gain = (SPEECH_RMS / rms(&voiced)).min(PEAK_MAX / peak);
    voiced.iter_mut().for_each(|value| *value *= gain);
    fade(&mut voiced);
    let mut samples = vec![0; LEAD_MS * SAMPLES_PER_MS];
    samples.extend(voiced.into_iter().map(to_sample));
    samples.resize(samples.len() + TAIL_MS * SAMPLES_PER_MS, 0);
    samples
}

pub(crate) fn rms(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let energy: f64 = values.iter().map(|value| value * value).sum();
    let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
    (energy / f64::from(count)).sqrt()
}

pub(crate) fn to_sample(value: f64) -> i16 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the value is clamped to the range of a sample first"
    )]
    let sample = (value.clamp(-1.0, 1.0) * f64::from(i16::MAX)).round() as i16;
    sample
}

pub(crate) fn duration_ms(samples: &[i16]) -> u64 {
    (samples.len() / SAMPLES_PER_MS) as u64
}

pub(crate) fn write_wav(path: &Path, samples: &[i16]) -> Result<(), Failure> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let failed = |error: hound::Error| Failure::content(path, error);
    let mut writer = hound::WavWriter::create(path, spec).map_err(failed)?;
    for sample in samples {
        writer.write_sample(*sample).map_err(failed)?;
    }
    writer.finalize().map_err(failed)
}

pub(crate) struct Wav {
    pub(crate) spec: hound::WavSpec,
    pub(crate) samples: Vec<f64>,
}

impl Wav {
    pub(crate) fn duration_ms(&self) -> u64 {
        self.samples.len() as u64 * 1_000 / u64::from(self.spec.sample_rate.max(1))
    }

    pub(crate) fn rms(&self) -> f64 {
        rms(&self.samples)
    }

    pub(crate) fn peak(&self) -> f64 {
        self.samples
            .iter()
            .fold(0.0_f64, |peak, value| peak.max(value.abs()))
    }
}

pub(crate) fn read_wav(path: &Path) -> Result<Wav, Failure> {
    let failed = |error: hound::Error| Failure::content(path, error);
    let reader = hound::WavReader::open(path).map_err(failed)?;
    let spec = reader.spec();
    let samples: Result<Vec<i16>, hound::Error> = reader.into_samples().collect();
    Ok(Wav {
        spec,
        samples: samples
            .map_err(failed)?
            .into_iter()
            .map(|sample| f64::from(sample) / f64::from(i16::MAX))
            .collect(),
    })
}

pub(crate) fn sha256(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(Failure::file("reading", path))?;
    let digest = Sha256::digest(&bytes);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn is_loud(sample: i16) -> bool {
    sample.unsigned_abs() > SILENCE.unsigned_abs()
}

fn fade(values: &mut [f64]) {
    let length = (FADE_MS * SAMPLES_PER_MS).min(values.len() / 2);
    let count = u32::try_from(length).unwrap_or(1);
    let ramp: Vec<f64> = (0..count)
        .map(|step| f64::from(step) / f64::from(count))
        .collect();
    for (value, gain) in values.iter_mut().zip(&ramp) {
        *value *= gain;
    }
    for (value, gain) in values.iter_mut().rev().zip(&ramp) {
        *value *= gain;
    }
}
