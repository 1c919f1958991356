//! Loading prompts and music: WAV files become A-law at 8 kHz, checked once at load and never at play time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hound::{SampleFormat, WavReader, WavSpec};

use crate::g711::alaw_encode;
use crate::message::Sound;
use crate::resample::decimate;

/// Why a sound cannot be used. Each names the file.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Cannot be opened, or is no WAV.
    #[error("reading sound {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// By the reader.
        source: hound::Error,
    },
    /// Not 16-bit mono at 8, 16 or 48 kHz.
    #[error(
        "sound {} has {channels} channels, {bits} bits, {rate} Hz; wanted is 1 channel, 16 bits and 8000, 16000 or \
         48000 Hz",
        path.display()
    )]
    Format {
        /// Which.
        path: PathBuf,
        /// Channels.
        channels: u16,
        /// Bits a sample.
        bits: u16,
        /// Samples a second.
        rate: u32,
    },
    /// No samples, or more than ten minutes.
    #[error("sound {} lasts {length_ms} ms; wanted is 1 ms to 10 minutes", path.display())]
    Length {
        /// Which.
        path: PathBuf,
        /// Milliseconds.
        length_ms: u64,
    },
}

/// Loads a WAV file under a name.
pub fn load(path: &Path, name: &str) -> Result<Sound, PromptError> {
    let read = |source| PromptError::Read {
        path: path.to_owned(),
        source,
    };
    let mut reader = WavReader::open(path).map_err(read)?;
    let spec = reader.spec();
    let factor = factor(spec).ok_or_else(|| PromptError::Format {
        path: path.to_owned(),
        channels: spec.channels,
        bits: spec.bits_per_sample,
        rate: spec.sample_rate,
    })?;
    let length_ms = u64::from(reader.duration()) * 1000 / u64::from(spec.sample_rate);
    if length_ms == 0 || length_ms > LENGTH_MS_MAX {
        return Err(PromptError::Length {
            path: path.to_owned(),
            length_ms,
        });
    }
    let samples = reader
        .samples::<i16>()
        .collect::<Result<Vec<i16>, _>>()
        .map_err(read)?;
    Ok(Sound {
        name: name.to_owned(),
        alaw: encode(&samples, factor),
    })
}

/// A-law of linear samples that have `factor` times our rate.
fn encode(samples: &[i16], factor: usize) -> Arc<[u8]> {
    if factor == 1 {
        return samples.iter().map(|sample| alaw_encode(*sample)).collect();
    }
    decimate(samples, factor)
        .into_iter()
        .map(alaw_encode)
        .collect()
}

fn factor(spec: WavSpec) -> Option<usize> {
    if spec.channels != 1 || spec.bits_per_sample != 16 || spec.sample_format != SampleFormat::Int {
        return None;
    }
    match spec.sample_rate {
        8_000 => Some(1),
        16_000 => Some(2),
        48_000 => Some(6),
        _ => None,
    }
}

const LENGTH_MS_MAX: u64 = 600_000;

#[cfg(test)]
mod tests;
