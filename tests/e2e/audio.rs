//! Listens to recordings: levels of tones on a channel and span, by the same measure for every test.

use hotline_media::analysis::{rms_db, tone_level_db};
use std::path::Path;

/// Samples of one file, a list a channel.
pub struct Audio {
    channels: Vec<Vec<i16>>,
    rate: u32,
}

/// Where to listen.
#[derive(Clone, Copy, Debug)]
pub enum Span {
    /// Milliseconds from the start: from, length.
    At(usize, usize),
    /// The last milliseconds.
    Last(usize),
}

impl Audio {
    /// Reads a WAV, growing or finished.
    pub fn read(path: &Path) -> Self {
        let mut reader = hound::WavReader::open(path)
            .unwrap_or_else(|error| panic!("{} is no playable WAV: {error}", path.display()));
        let spec = reader.spec();
        let mut channels = vec![Vec::new(); usize::from(spec.channels)];
        for (index, sample) in reader.samples::<i16>().enumerate() {
            let channel = index % channels.len();
            channels[channel].push(sample.expect("a sample"));
        }
        Self { channels, rate: spec.sample_rate }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Length in milliseconds.
    pub fn length_ms(&self) -> usize {
        self.channels[0].len() * 1_000 / self.rate as usize
    }

    /// A span of one channel.
    pub fn span(&self, channel: usize, span: Span) -> &[i16] {
        let samples = &self.channels[channel];
        let in_samples = |ms: usize| ms * self.rate as usize / 1_000;
        let (from, to) = match span {
            Span::At(from, length) => (in_samples(from), in_samples(from + length)),
            Span::Last(length) => (samples.len().saturating_sub(in_samples(length)), samples.len()),
        };
        assert!(to <= samples.len(), "{span:?} lies beyond the {} ms of the recording", self.length_ms());
        &samples[from..to]
    }

    /// Level of a tone, dB below full scale.
    pub fn tone(&self, channel: usize, span: Span, hz: u32) -> f64 {
        tone_level_db(self.span(channel, span), self.rate, hz)
    }

    /// Level of everything, dB below full scale.
    pub fn level(&self, channel: usize, span: Span) -> f64 {
        rms_db(self.span(channel, span))
    }

    /// First moment (ms) at which a tone is within 3 dB of `level_db`, in steps of 20 ms.
    pub fn onset_ms(&self, channel: usize, hz: u32, level_db: f64) -> Option<usize> {
        (0..self.length_ms().saturating_sub(100) / 20)
            .map(|step| step * 20)
            .find(|&at| (self.tone(channel, Span::At(at, 100), hz) - level_db).abs() < 3.0)
    }

    /// Decision 44: `hz` within 3 dB of what was sent, `other` at least 40 dB below it.
    pub fn assert_only(&self, channel: usize, span: Span, hz: u32, level_db: f64, other: u32) {
        let (wanted, foreign) = (self.tone(channel, span, hz), self.tone(channel, span, other));
        assert!(
            (wanted - level_db).abs() < 3.0 && foreign <= wanted - 40.0,
            "channel {channel} {span:?}: {hz} Hz at {wanted:.1} dB (sent {level_db:.1}), {other} Hz at {foreign:.1} dB"
        );
    }
}

/// Writes a mono 8 kHz WAV with a sine for a phone to say.
pub fn write_tone(path: &Path, hz: f64, level_dbfs: f64, length_s: u32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("creating a WAV");
    let amplitude = 32_767.0 * 10_f64.powf(level_dbfs / 20.0);
    for index in 0..length_s * 8_000 {
        let angle = std::f64::consts::TAU * hz * f64::from(index) / 8_000.0;
        writer.write_sample((amplitude * angle.sin()) as i16).expect("writing a sample");
    }
    writer.finalize().expect("finishing a WAV");
}
