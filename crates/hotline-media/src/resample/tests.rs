//! What the filters let through and what they keep out, measured tone by tone.

use super::*;
use crate::analysis::tone_level_db;
use crate::tone::Oscillator;

fn tone(hz: u32, rate: u32, length: usize) -> Vec<i16> {
    let mut oscillator = Oscillator::new(hz, 6, rate);
    (0..length).map(|_| oscillator.sample()).collect()
}

/// In frames of 20 ms, as on a leg.
fn frames(samples: &[i16], rate: u32, mut run: impl FnMut(&[i16], &mut Vec<i16>)) -> Vec<i16> {
    let mut out = Vec::new();
    for frame in samples.chunks_exact(rate as usize / 50) {
        run(frame, &mut out);
    }
    out.split_off(out.len() / 10)
}

#[test]
fn the_telephone_band_passes_evenly_and_nothing_folds_into_it() {
    for (low, factor) in [(8_000, 2), (8_000, 6), (16_000, 3)] {
        let high = low * factor as u32;
        let (edge, stop) = (low * 34 / 80, low * 46 / 80);
        let mut ripple: f64 = 0.0;
        for hz in (low / 40..=edge).step_by(low as usize / 80) {
            let mut decimator = Decimator::new(factor);
            let down = frames(&tone(hz, high, high as usize), high, |frame, out| {
                decimator.run(frame, out);
            });
            let mut interpolator = Interpolator::new(factor);
            let up = frames(&tone(hz, low, low as usize), low, |frame, out| {
                interpolator.run(frame, out);
            });
            let own = tone_level_db(&up, high, hz);
            ripple = ripple
                .max((tone_level_db(&down, low, hz) + 6.0).abs())
                .max((own + 6.0).abs());
            // The images of what passes lie around each multiple of the lower rate.
            let image = own - tone_level_db(&up, high, low - hz);
            assert!(
                image >= 40.0,
                "{low} x {factor}: image of {hz} Hz only {image:.1} dB below"
            );
        }
        println!("{low} Hz x {factor}: ripple {ripple:.3} dB up to {edge} Hz");
        assert!(ripple < 0.2, "{low} x {factor}: ripple {ripple:.3} dB");
        let mut rejection: f64 = 200.0;
        for hz in (stop..high / 2).step_by(low as usize / 80) {
            let mut decimator = Decimator::new(factor);
            let down = frames(&tone(hz, high, high as usize), high, |frame, out| {
                decimator.run(frame, out);
            });
            let folded = hz % low;
            let folded = folded.min(low - folded);
            if folded > 0 {
                rejection = rejection.min(-6.0 - tone_level_db(&down, low, folded));
            }
        }
        println!("{high} Hz / {factor}: {rejection:.1} dB of what lies above {stop} Hz rejected");
        assert!(rejection >= 40.0, "{high} / {factor}: {rejection:.1} dB");
    }
}

#[test]
fn frames_join_without_a_seam() {
    let samples = tone(700, 8_000, 1_600);
    let mut whole = Vec::new();
    Interpolator::new(2).run(&samples, &mut whole);
    let mut pieces = Vec::new();
    let mut interpolator = Interpolator::new(2);
    for frame in samples.chunks(37) {
        interpolator.run(frame, &mut pieces);
    }
    assert_eq!(whole, pieces);
}

#[test]
fn a_clip_keeps_its_place_and_its_length() {
    let mut clip = vec![0; 4_800];
    clip[2_400] = 20_000;
    let short = decimate(&clip, 6);
    assert_eq!(short.len(), 800);
    let loudest = (0..800).max_by_key(|index| short[*index].unsigned_abs());
    assert_eq!(loudest, Some(400));
    // Full scale stays within the range.
    let full = decimate(&[i16::MAX; 960], 2);
    assert!(full[100..380].iter().all(|sample| *sample >= i16::MAX - 2));
}
