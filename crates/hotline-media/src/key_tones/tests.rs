//! Detection within ITU-T Q.24, and talk-off over every spoken prompt of the repository.

use super::*;
use crate::g711::{alaw_decode, alaw_encode};
use crate::tone::Oscillator;

/// `ms` of two tones, each so many dB below full scale, off by parts per thousand, with noise so far below them.
struct Press {
    low_db: u32,
    high_db: u32,
    off_per_mille: i64,
    noise_below_db: Option<f64>,
    ms: usize,
}

const PLAIN: Press = Press {
    low_db: 16,
    high_db: 16,
    off_per_mille: 0,
    noise_below_db: None,
    ms: 50,
};

fn samples(key: usize, press: &Press) -> Vec<i16> {
    let off = |hz: u32| (i64::from(hz) * (1_000 + press.off_per_mille) / 1_000) as u32;
    let mut low = Oscillator::new(off(ROWS_HZ[key / 4]), press.low_db, RATE);
    let mut high = Oscillator::new(off(COLUMNS_HZ[key % 4]), press.high_db, RATE);
    let level = 32_767.0 * 10f64.powf(-f64::from(press.low_db) / 20.0);
    let noise = press
        .noise_below_db
        .map_or(0.0, |below| level * 10f64.powf(-below / 20.0));
    let mut seed = 0x2545_F491_4F6C_DD1Du64;
    (0..press.ms * 8)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            // Uniform, with the same root of the mean square as a sine of that level.
            let white = ((seed >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0) * 1.225 * noise;
            let value = low.advance() + high.advance() + white;
            alaw_decode(alaw_encode(value.clamp(-32_768.0, 32_767.0) as i16))
        })
        .collect()
}

/// All sixteen keys one after the other, with pauses; offset so that no key begins with a window.
fn heard(press: &Press) -> String {
    let mut keys = KeyTones::default();
    let mut told = String::new();
    told.extend(keys.hear(vec![0; 37]));
    for key in 0..16 {
        for frame in samples(key, press).chunks(160) {
            told.extend(keys.hear(frame.iter().copied()));
        }
        told.extend(keys.hear(vec![0; 8 * 47]));
    }
    told
}

const ALL: &str = "123A456B789C*0#D";

#[test]
fn each_key_is_told_once_at_the_levels_twists_and_noises_of_q24() {
    let plain = || Press { ..PLAIN };
    let cases = [
        ("plain", plain()),
        ("40 ms", Press { ms: 40, ..PLAIN }),
        ("held for two seconds", Press { ms: 2_000, ..PLAIN }),
        (
            "loud, 0 dBm0",
            Press {
                low_db: 6,
                high_db: 6,
                ..PLAIN
            },
        ),
        (
            "quiet, -25 dBm0",
            Press {
                low_db: 28,
                high_db: 28,
                ..PLAIN
            },
        ),
        (
            "high 5 dB louder",
            Press {
                low_db: 18,
                high_db: 13,
                ..PLAIN
            },
        ),
        (
            "low 8 dB louder",
            Press {
                low_db: 12,
                high_db: 20,
                ..PLAIN
            },
        ),
        (
            "1.5 % high",
            Press {
                off_per_mille: 15,
                ..PLAIN
            },
        ),
        (
            "1.5 % low",
            Press {
                off_per_mille: -15,
                ..PLAIN
            },
        ),
        (
            "noise 15 dB below",
            Press {
                noise_below_db: Some(15.0),
                ..PLAIN
            },
        ),
    ];
    for (what, press) in cases {
        assert_eq!(heard(&press), ALL, "{what}");
    }
}

#[test]
fn what_is_no_key_is_not_told() {
    let cases = [
        ("20 ms", Press { ms: 20, ..PLAIN }),
        (
            "too quiet",
            Press {
                low_db: 45,
                high_db: 45,
                ..PLAIN
            },
        ),
        (
            "high 12 dB louder",
            Press {
                low_db: 24,
                high_db: 12,
                ..PLAIN
            },
        ),
        (
            "low 14 dB louder",
            Press {
                low_db: 10,
                high_db: 24,
                ..PLAIN
            },
        ),
        (
            "one tone alone",
            Press {
                high_db: 90,
                ..PLAIN
            },
        ),
        (
            "more noise than tone",
            Press {
                noise_below_db: Some(-3.0),
                ..PLAIN
            },
        ),
        (
            "5 % off",
            Press {
                off_per_mille: 50,
                ..PLAIN
            },
        ),
    ];
    for (what, press) in cases {
        assert_eq!(heard(&press), "", "{what}");
    }
}

#[test]
fn a_break_of_ten_milliseconds_is_none_and_one_of_forty_is_a_second_press() {
    let press = samples(5, &PLAIN);
    for (gap_ms, expected) in [(10, "5"), (40, "55")] {
        let mut keys = KeyTones::default();
        let mut told = String::new();
        told.extend(keys.hear(press.iter().copied()));
        told.extend(keys.hear(vec![0; gap_ms * 8]));
        told.extend(keys.hear(press.iter().copied()));
        assert_eq!(told, expected, "{gap_ms} ms");
    }
}

#[test]
fn no_voice_of_the_prompts_is_a_key() {
    let sounds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sounds");
    let mut minutes = 0.0;
    let mut told = Vec::new();
    for language in std::fs::read_dir(sounds).unwrap() {
        let folder = language.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let name = path.display().to_string();
            let is_spoken = name.ends_with(".wav") && !name.contains("tone");
            if !is_spoken {
                continue;
            }
            let sound = crate::prompt::load(&path, &name).unwrap();
            minutes += sound.alaw.len() as f64 / 480_000.0;
            let mut keys = KeyTones::default();
            for frame in sound.alaw.chunks(160) {
                let heard = keys.hear(frame.iter().map(|code| alaw_decode(*code)));
                told.extend(heard.map(|digit| format!("{digit} in {name}")));
            }
        }
    }
    println!("{minutes:.0} minutes of speech, {} keys", told.len());
    assert!(minutes > 10.0, "{minutes:.1} minutes are no test");
    assert!(told.is_empty(), "{told:?}");
}
