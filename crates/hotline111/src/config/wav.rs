//! Reads the head of a WAV file: is it a clip that the line can play, and how long is it?

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Why a clip cannot be played.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is no such file.
    Absent,
    /// It is not what it should be.
    Broken(String),
}

/// Chunks before the audio that are looked at.
const CHUNKS_MAX: usize = 64;
const PCM: u16 = 1;
const RATES_HZ: [u32; 3] = [8_000, 16_000, 48_000];

/// Milliseconds of a mono 16-bit PCM file of 8, 16 or 48 kHz.
pub(crate) fn length_ms(path: &Path) -> Result<u32, Fault> {
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Fault::Absent,
        _ => Fault::Broken(error.to_string()),
    })?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    read(file, size)
}

fn read(mut file: impl Read + Seek, size: u64) -> Result<u32, Fault> {
    let head: [u8; 12] = take(&mut file)?;
    let (riff, _, wave) = (&head[..4], &head[4..8], &head[8..]);
    if riff != b"RIFF" || wave != b"WAVE" {
        return Err(Fault::Broken("not a WAV file".to_owned()));
    }
    let mut rate_hz = None;
    for _ in 0..CHUNKS_MAX {
        let [a, b, c, d, size_0, size_1, size_2, size_3] = take(&mut file)?;
        let length = u32::from_le_bytes([size_0, size_1, size_2, size_3]);
        match &[a, b, c, d] {
            b"fmt " => {
                rate_hz = Some(format(&mut file)?);
                skip(&mut file, i64::from(length) - 16)?;
            }
            b"data" => {
                let rate_hz =
                    rate_hz.ok_or_else(|| Fault::Broken("audio before its format".to_owned()))?;
                return measure(&mut file, size, length, rate_hz);
            }
            _ => skip(&mut file, i64::from(length) + i64::from(length % 2))?,
        }
    }
    Err(Fault::Broken("no audio in it".to_owned()))
}

/// Samples a second, when it is mono 16-bit PCM.
fn format(file: &mut impl Read) -> Result<u32, Fault> {
    let [
        form_0,
        form_1,
        channels_0,
        channels_1,
        hz_0,
        hz_1,
        hz_2,
        hz_3,
        ..,
        bits_0,
        bits_1,
    ]: [u8; 16] = take(file)?;
    let form = u16::from_le_bytes([form_0, form_1]);
    let channels = u16::from_le_bytes([channels_0, channels_1]);
    let rate_hz = u32::from_le_bytes([hz_0, hz_1, hz_2, hz_3]);
    let bits = u16::from_le_bytes([bits_0, bits_1]);
    if form != PCM || channels != 1 || bits != 16 || !RATES_HZ.contains(&rate_hz) {
        return Err(Fault::Broken(format!(
            "{channels} channels, {bits} bits, {rate_hz} Hz, form {form}: want mono, 16-bit PCM, 8, 16 or 48 kHz"
        )));
    }
    Ok(rate_hz)
}

fn measure(file: &mut impl Seek, size: u64, length: u32, rate_hz: u32) -> Result<u32, Fault> {
    let at = file.stream_position().map_err(broken)?;
    if at + u64::from(length) > size {
        return Err(Fault::Broken("cut off".to_owned()));
    }
    if length < 2 {
        return Err(Fault::Broken("empty".to_owned()));
    }
    let millis = u64::from(length / 2) * 1_000 / u64::from(rate_hz);
    u32::try_from(millis).map_err(|_| Fault::Broken("too long".to_owned()))
}

fn take<const N: usize>(file: &mut impl Read) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).map_err(broken)?;
    Ok(bytes)
}

fn skip(file: &mut impl Seek, bytes: i64) -> Result<(), Fault> {
    if bytes < 0 {
        return Err(Fault::Broken("a format that is too short".to_owned()));
    }
    file.seek(SeekFrom::Current(bytes))
        .map(|_| ())
        .map_err(broken)
}

fn broken(error: io::Error) -> Fault {
    Fault::Broken(error.to_string())
}
