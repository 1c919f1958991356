//! Listens to recordings: levels of tones on a channel and span, silence, and where a prompt was heard, by the same
//! measure for every test.

use hotline_media::analysis::{rms_db, tone_level_db};
use std::path::Path;

/// Samples of one file, a list a channel.
pub(crate) struct Audio {
    channels: Vec<Vec<i16>>,
    rate: u32,
}

/// The recording's channel of what the caller says.
pub(crate) const CALLER_SAYS: usize = 0;
/// The recording's channel of what the caller hears.
pub(crate) const CALLER_HEARS: usize = 1;
/// Quieter than this is silence: the soft bed lies at -40 dB.
const SILENCE_DB: f64 = -60.0;
/// Decision 44.
const TONE_WITHIN_DB: f64 = 3.0;
/// Decision 44.
const FOREIGN_BELOW_DB: f64 = 40.0;

/// Where to listen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Span {
    /// Milliseconds from the start: from, length.
    At(usize, usize),
}

impl Audio {
    /// Reads a WAV, growing or finished.
    pub(crate) fn read(path: &Path) -> Self {
        let mut reader = hound::WavReader::open(path)
            .unwrap_or_else(|error| panic!("{} is no playable WAV: {error}", path.display()));
        let spec = reader.spec();
        let mut channels = vec![Vec::new(); usize::from(spec.channels)];
        for (index, sample) in reader.samples::<i16>().enumerate() {
            let channel = index % channels.len();
            channels[channel].push(sample.expect("a sample"));
        }
        Self {
            channels,
            rate: spec.sample_rate,
        }
    }

    /// From samples at 8,000 a second.
    pub(crate) fn of(channels: Vec<Vec<i16>>) -> Self {
        Self {
            channels,
            rate: 8_000,
        }
    }

    /// Number of channels.
    pub(crate) fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Length in milliseconds.
    pub(crate) fn length_ms(&self) -> usize {
        self.channels[0].len() * 1_000 / self.rate as usize
    }

    /// A span of one channel.
    pub(crate) fn span(&self, channel: usize, span: Span) -> &[i16] {
        let samples = &self.channels[channel];
        let in_samples = |ms: usize| ms * self.rate as usize / 1_000;
        let Span::At(from_ms, length_ms) = span;
        let (from, to) = (in_samples(from_ms), in_samples(from_ms + length_ms));
        assert!(
            to <= samples.len(),
            "{span:?} lies beyond the {} ms of the recording",
            self.length_ms()
        );
        &samples[from..to]
    }

    /// Level of a tone, dB below a full-scale sine.
    pub(crate) fn tone(&self, channel: usize, span: Span, hz: u32) -> f64 {
        tone_level_db(self.span(channel, span), self.rate, hz)
    }

    /// Level of everything, dB below full scale.
    pub(crate) fn level(&self, channel: usize, span: Span) -> f64 {
        rms_db(self.span(channel, span))
    }

    /// First moment (ms) at which a tone is within 3 dB of `level_db`, in steps of 20 ms.
    pub(crate) fn onset_ms(&self, channel: usize, hz: u32, level_db: f64) -> Option<usize> {
        (0..self.length_ms().saturating_sub(100) / 20)
            .map(|step| step * 20)
            .find(|&at| {
                (self.tone(channel, Span::At(at, 100), hz) - level_db).abs() < TONE_WITHIN_DB
            })
    }

    /// Decision 44: `hz` within 3 dB of what was sent, `other` at least 40 dB below it.
    pub(crate) fn check_only(
        &self,
        channel: usize,
        span: Span,
        hz: u32,
        level_db: f64,
        other: u32,
    ) -> Result<String, String> {
        let (wanted, foreign) = (
            self.tone(channel, span, hz),
            self.tone(channel, span, other),
        );
        let figures = format!(
            "channel {channel} {span:?}: {hz} Hz at {wanted:.1} dB (sent {level_db:.1}), {other} Hz at {foreign:.1} dB"
        );
        let is_good =
            (wanted - level_db).abs() < TONE_WITHIN_DB && foreign <= wanted - FOREIGN_BELOW_DB;
        if is_good { Ok(figures) } else { Err(figures) }
    }

    /// For phones on a busy machine, whose audio may have holes: of the last tenths of a second at least half hold
    /// `hz` as it was sent, and none of them `other`.
    pub(crate) fn check_mostly(
        &self,
        channel: usize,
        last_ms: usize,
        hz: u32,
        level_db: f64,
        other: u32,
    ) -> Result<String, String> {
        let end = self.length_ms().saturating_sub(100);
        let spans = (end.saturating_sub(last_ms)..end.saturating_sub(99))
            .step_by(100)
            .map(|at| Span::At(at, 100));
        let (mut good, mut all, mut foreign) = (0, 0, f64::MIN);
        for span in spans {
            all += 1;
            good += usize::from((self.tone(channel, span, hz) - level_db).abs() < TONE_WITHIN_DB);
            foreign = foreign.max(self.tone(channel, span, other));
        }
        let figures = format!(
            "{hz} Hz in {good} of the last {all} tenths of a second, {other} Hz at most {foreign:.1} dB"
        );
        // A hole's edge holds a little of every tone: 20 dB tell a neighbour from an edge.
        let is_good = all > 0 && good * 2 >= all && foreign <= level_db - FOREIGN_BELOW_DB / 2.0;
        if is_good { Ok(figures) } else { Err(figures) }
    }

    /// A talk in a recording: both tones, each on its own channel only, in the first half second after the join and
    /// in the last seconds before the end.
    pub(crate) fn check_talk(&self, joined_ms: usize, talk: &Talk) -> Result<Vec<String>, String> {
        if self.channels() != 2 {
            return Err(format!("{} channels", self.channels()));
        }
        let last = Span::At(
            self.length_ms().saturating_sub(talk.last_ms + talk.cut_ms),
            talk.last_ms,
        );
        let mut figures = Vec::new();
        for span in [Span::At(joined_ms, 500), last] {
            figures.push(self.check_only(
                CALLER_SAYS,
                span,
                talk.caller_hz,
                talk.level_db,
                talk.counsellor_hz,
            )?);
            figures.push(self.check_only(
                CALLER_HEARS,
                span,
                talk.counsellor_hz,
                talk.level_db,
                talk.caller_hz,
            )?);
        }
        Ok(figures)
    }

    /// The longest stretch (ms) of silence on a channel in a span, in steps of 100 ms, and where it begins.
    pub(crate) fn longest_silence_ms(
        &self,
        channel: usize,
        from_ms: usize,
        to_ms: usize,
    ) -> (usize, usize) {
        let (mut longest, mut run) = ((0, from_ms), 0);
        for at in (from_ms..to_ms.saturating_sub(99)).step_by(100) {
            run = if self.level(channel, Span::At(at, 100)) < SILENCE_DB {
                run + 100
            } else {
                0
            };
            if run > longest.0 {
                longest = (run, at + 100 - run);
            }
        }
        longest
    }

    /// Where (ms) a prompt of the shipped sounds begins on a channel, found by its exact samples: a stretch of
    /// 100 ms out of it, taken half a second after its first sound.
    pub(crate) fn find_prompt(&self, channel: usize, path: &Path) -> Vec<usize> {
        const STRETCH: usize = 800;
        let prompt =
            hotline_phone::load_sound(path, "prompt").expect("a prompt that can be played");
        let linear = |code: &u8| hotline_media::g711::ALAW_TO_LINEAR[usize::from(*code)];
        let played: Vec<i16> = prompt.alaw.iter().map(linear).collect();
        let loud = played
            .iter()
            .position(|sample| sample.abs() > 1_000)
            .expect("a prompt is not silent");
        let from = (loud + 4_000).min(played.len() - STRETCH);
        let stretch = &played[from..from + STRETCH];
        let heard = &self.channels[channel];
        // A recording has the smallest A-law value (8) as 0, so that silence is silence.
        let is_same = |window: &[i16]| window.iter().zip(stretch).all(|(a, b)| a.abs_diff(*b) <= 8);
        let found = heard
            .windows(STRETCH)
            .enumerate()
            .filter(|(_, window)| is_same(window));
        found.map(|(at, _)| (at.saturating_sub(from)) / 8).collect()
    }
}

/// What two people say to each other in a test.
pub(crate) struct Talk {
    /// The caller's tone.
    pub(crate) caller_hz: u32,
    /// The counsellor's.
    pub(crate) counsellor_hz: u32,
    /// Both are spoken at this level.
    pub(crate) level_db: f64,
    /// How much of the end is listened to.
    pub(crate) last_ms: usize,
    /// After that, so much is left out: one side has hung up before the other was told.
    pub(crate) cut_ms: usize,
}

/// 600 Hz, 1,000 Hz, -20 dB, the last 5 s.
pub(crate) const TALK: Talk = Talk {
    caller_hz: 600,
    counsellor_hz: 1_000,
    level_db: -20.0,
    last_ms: 5_000,
    cut_ms: 100,
};

/// A sine at 8,000 samples a second.
pub(crate) fn sine(hz: f64, level_dbfs: f64, length_ms: u32) -> Vec<i16> {
    let amplitude = 32_767.0 * 10_f64.powf(level_dbfs / 20.0);
    let angle = |index: u32| std::f64::consts::TAU * hz * f64::from(index) / 8_000.0;
    (0..length_ms * 8)
        .map(|index| (amplitude * angle(index).sin()) as i16)
        .collect()
}

/// Writes a mono 8 kHz WAV for a phone to say.
pub(crate) fn write_wav(path: &Path, samples: &[i16]) {
    write_wav_at(path, samples, 8_000);
}

/// The same at another rate.
pub(crate) fn write_wav_at(path: &Path, samples: &[i16], rate: u32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("creating a WAV");
    for sample in samples {
        writer.write_sample(*sample).expect("writing a sample");
    }
    writer.finalize().expect("finishing a WAV");
}
