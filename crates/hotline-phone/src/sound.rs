//! Looks at the recordings of phones.

use crate::error::Error;
use std::path::Path;

/// A recording of a phone: what it heard, and what it spoke, 8,000 samples a second each.
pub fn read_recording(path: &Path) -> Result<(Vec<i16>, Vec<i16>), Error> {
    let fault = |why: String| Error::Sound {
        path: path.to_owned(),
        why,
    };
    let mut reader = hound::WavReader::open(path).map_err(|error| fault(error.to_string()))?;
    let format = reader.spec();
    if (format.channels, format.sample_rate, format.bits_per_sample) != (2, 8_000, 16) {
        return Err(fault(format!(
            "{format:?} where two channels of 8000 Hz and 16 bits are expected"
        )));
    }
    let samples = reader.samples::<i16>().collect::<Result<Vec<i16>, _>>();
    let samples = samples.map_err(|error| fault(error.to_string()))?;
    Ok(samples
        .chunks_exact(2)
        .filter_map(|pair| Some((*pair.first()?, *pair.last()?)))
        .unzip())
}
