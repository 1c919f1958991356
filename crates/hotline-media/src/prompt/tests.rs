use hound::WavWriter;

use super::*;
use crate::analysis::tone_level_db;
use crate::g711::alaw_decode;
use crate::tone::Oscillator;

/// A directory of this test alone, gone afterwards.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!(
            "hotline-media-prompt-{name}-{}",
            std::process::id()
        ));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn write(path: &Path, rate: u32, channels: u16, tones: &[u32], seconds: u32) {
    let spec = WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(path, spec).unwrap();
    let mut tones: Vec<_> = tones
        .iter()
        .map(|hz| Oscillator::new(*hz, 12, rate))
        .collect();
    for _ in 0..rate * seconds * u32::from(channels) {
        let sample: f64 = tones.iter_mut().map(Oscillator::advance).sum();
        writer.write_sample(sample.round() as i16).unwrap();
    }
    writer.finalize().unwrap();
}

#[test]
fn masters_of_each_rate_keep_their_tones_and_fold_nothing_back() {
    let directory = Directory::new("rates");
    for (rate, above) in [(8_000, None), (16_000, Some(5_170)), (48_000, Some(7_170))] {
        let path = directory.0.join(format!("{rate}.wav"));
        let tones: Vec<u32> = [300, 3_000].into_iter().chain(above).collect();
        write(&path, rate, 1, &tones, 1);
        let sound = load(&path, "vi/test").unwrap();
        assert_eq!((sound.name.as_str(), sound.alaw.len()), ("vi/test", 8_000));
        let samples: Vec<i16> = sound.alaw.iter().map(|code| alaw_decode(*code)).collect();
        let middle = &samples[400..7_600];
        assert!((tone_level_db(middle, 8_000, 300) + 12.0).abs() < 0.5);
        assert!((tone_level_db(middle, 8_000, 3_000) + 12.0).abs() < 0.5);
        if let Some(above) = above {
            assert!(
                tone_level_db(middle, 8_000, 8_000 - above) < -60.0,
                "{above} Hz folds back"
            );
        }
    }
}

#[test]
fn errors_name_the_file() {
    let directory = Directory::new("errors");
    let stereo = directory.0.join("stereo.wav");
    write(&stereo, 8_000, 2, &[300], 1);
    let empty = directory.0.join("empty.wav");
    write(&empty, 8_000, 1, &[300], 0);
    let odd = directory.0.join("odd.wav");
    write(&odd, 44_100, 1, &[300], 1);
    let text = directory.0.join("text.wav");
    std::fs::write(&text, "not a sound").unwrap();
    for name in [
        "stereo.wav",
        "empty.wav",
        "odd.wav",
        "text.wav",
        "missing.wav",
    ] {
        let error = load(&directory.0.join(name), "x").unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}
