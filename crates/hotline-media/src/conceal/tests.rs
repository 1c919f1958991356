use super::*;
use crate::analysis::{rms_db, tone_level_db};
use crate::tone::Oscillator;

/// A voiced sound: a pitch of 125 Hz with six harmonics.
fn vowel(rate_hz: u32, samples: usize) -> Vec<i16> {
    let mut notes: Vec<Oscillator> = (1..=6)
        .map(|harmonic| Oscillator::new(125 * harmonic, 16 + 2 * harmonic, rate_hz))
        .collect();
    (0..samples)
        .map(|_| notes.iter_mut().map(Oscillator::advance).sum::<f64>() as i16)
        .collect()
}

#[test]
fn a_hole_in_a_vowel_goes_on_with_it_and_joins_without_a_click() {
    for rate_hz in [8_000, 16_000] {
        let frame = rate_hz as usize / 50;
        let original = vowel(rate_hz, 20 * frame);
        let mut heard = original.clone();
        let mut concealer = Concealer::new(rate_hz);
        for (index, frame) in heard.chunks_mut(frame).enumerate() {
            if index == 10 {
                concealer.conceal(frame);
            } else {
                concealer.good(frame);
            }
        }
        let hole = 10 * frame..11 * frame;
        let level = rms_db(&heard[hole.clone()]) - rms_db(&original[hole.clone()]);
        assert!((-2.5..0.5).contains(&level), "{rate_hz}: {level:.1} dB");
        let step = |samples: &[i16]| {
            samples
                .windows(2)
                .map(|pair| pair[0].abs_diff(pair[1]))
                .max()
                .unwrap()
        };
        let steepest = step(&original);
        let around = &heard[hole.start - frame..hole.end + frame];
        assert!(
            step(around) < steepest + steepest / 2,
            "{rate_hz}: {} against {steepest}",
            step(around)
        );
        assert_eq!(heard[12 * frame..], original[12 * frame..]);
    }
}

#[test]
fn a_long_hole_fades_to_silence_within_sixty_milliseconds() {
    let mut concealer = Concealer::new(8_000);
    concealer.good(&mut vowel(8_000, 800));
    let mut hole = vec![1; 1_600];
    for frame in hole.chunks_mut(160) {
        concealer.conceal(frame);
    }
    let levels: Vec<f64> = hole.chunks(160).map(rms_db).collect();
    assert!(levels[0] > levels[1] && levels[1] > levels[2]);
    assert!(hole[480..].iter().all(|sample| *sample == 0));
}

#[test]
fn silence_is_continued_as_silence_and_a_short_history_is_none() {
    let mut concealer = Concealer::new(8_000);
    let mut frame = [7; 160];
    concealer.conceal(&mut frame);
    assert!(frame.iter().all(|sample| *sample == 0));
}

#[test]
fn the_pitch_of_a_tone_is_kept() {
    let mut tone = Oscillator::new(437, 12, 8_000);
    let mut concealer = Concealer::new(8_000);
    let mut samples: Vec<i16> = (0..800).map(|_| tone.sample()).collect();
    concealer.good(&mut samples);
    let mut hole = [0; 80];
    concealer.conceal(&mut hole);
    let level = tone_level_db(&hole, 8_000, 437);
    assert!((level + 12.0).abs() < 1.5, "{level:.1} dB");
}
