use super::*;
use crate::analysis::{rms_db, tone_level_db};
use crate::g711::alaw_decode;

#[test]
fn a_tone_has_its_level_and_no_other_for_a_minute() {
    let mut oscillator = Oscillator::new(600, 12, RATE);
    for second in 0..60 {
        let samples: Vec<i16> = (0..RATE).map(|_| oscillator.sample()).collect();
        let level = tone_level_db(&samples, RATE, 600);
        assert!((level + 12.0).abs() < 0.1, "second {second}: {level}");
        assert!(tone_level_db(&samples, RATE, 1000) < -80.0);
    }
}

#[test]
fn analysis_reads_full_scale_silence_and_rms() {
    let mut oscillator = Oscillator::new(1000, 0, RATE);
    let loud: Vec<i16> = (0..8000).map(|_| oscillator.sample()).collect();
    assert!(tone_level_db(&loud, RATE, 1000).abs() < 0.05);
    assert!((rms_db(&loud) + 3.01).abs() < 0.05);
    assert!(rms_db(&[0; 100]) <= -120.0);
    assert!(tone_level_db(&[], RATE, 1000) <= -120.0);
}

#[test]
fn keys_have_their_two_tones() {
    let expected = [
        (0u8, 941, 1336),
        (1, 697, 1209),
        (5, 770, 1336),
        (9, 852, 1477),
        (10, 941, 1209),
        (11, 941, 1477),
    ];
    for (event, low, high) in expected {
        let mut key = KeyTone::new(event).unwrap();
        let mut codes = [0; 1600];
        key.fill_alaw(&mut codes);
        let samples: Vec<i16> = codes.iter().map(|code| alaw_decode(*code)).collect();
        assert!((tone_level_db(&samples, RATE, low) + 10.0).abs() < 0.5);
        assert!((tone_level_db(&samples, RATE, high) + 10.0).abs() < 0.5);
    }
    assert!(KeyTone::new(16).is_none());
}
