//! Sounds without words, computed: beep, ringback, hold music, soft bed.
//!
//! Only additions and multiplications are used, because the sine of a C library may differ in its last bit from
//! machine to machine, and the files shall be the same everywhere.

use super::shape::{self, SAMPLE_RATE_HZ};

/// Hold music: loud enough to be music, soft enough to speak over (-28 dBFS).
const MUSIC_RMS: f64 = 0.04;
/// The bed only says that the line is alive (-40 dBFS).
const BED_RMS: f64 = 0.01;

const BEEP_HZ: f64 = 800.0;
const BEEP_SAMPLES: usize = 2_000;
const RINGBACK_HZ: f64 = 425.0;
const RINGBACK_ON_SAMPLES: usize = 8_000;
const RINGBACK_OFF_SAMPLES: usize = 32_000;
const TONE_AMPLITUDE: f64 = 0.2;
const EDGE_SAMPLES: usize = 80;

pub(crate) fn render(id: &str) -> Option<Vec<i16>> {
    match id {
        "tone.bed" => Some(bed()),
        "tone.beep" => Some(samples(&burst(BEEP_HZ, BEEP_SAMPLES))),
        "tone.moh" => Some(music()),
        "tone.ringback" => Some(ringback()),
        _ => None,
    }
}

fn ringback() -> Vec<i16> {
    let mut values = burst(RINGBACK_HZ, RINGBACK_ON_SAMPLES);
    values.resize(RINGBACK_ON_SAMPLES + RINGBACK_OFF_SAMPLES, 0.0);
    samples(&values)
}

fn burst(frequency_hz: f64, length: usize) -> Vec<f64> {
    (0..length)
        .map(|index| {
            let edge = index.min(length - 1 - index).min(EDGE_SAMPLES);
            TONE_AMPLITUDE * ratio(edge, EDGE_SAMPLES) * sine(frequency_hz * seconds(index))
        })
        .collect()
}

/// Hz of the notes in use, equal temperament on A4 = 440 Hz; all inside the telephone band.
const E4: f64 = 329.628;
const F4: f64 = 349.228;
const G4: f64 = 391.995;
const A4: f64 = 440.0;
const B4: f64 = 493.883;
const C5: f64 = 523.251;
const D5: f64 = 587.330;
const E5: f64 = 659.255;
const F5: f64 = 698.456;
const G5: f64 = 783.991;

const C_MAJOR: [f64; 4] = [E4, G4, C5, E5];
const A_MINOR: [f64; 4] = [E4, A4, C5, E5];
const F_MAJOR: [f64; 4] = [F4, A4, C5, F5];
const G_MAJOR: [f64; 4] = [G4, B4, D5, G5];
const E_MINOR: [f64; 4] = [E4, G4, B4, E5];

/// Twelve bars of four seconds: 48 s before it begins anew.
const BARS: [[f64; 4]; 12] = [
    C_MAJOR, A_MINOR, F_MAJOR, G_MAJOR, C_MAJOR, E_MINOR, F_MAJOR, G_MAJOR, A_MINOR, F_MAJOR,
    G_MAJOR, C_MAJOR,
];
const BAR_SAMPLES: usize = 32_000;
/// Which note of the chord is plucked when: quarter by quarter up and down again.
const PATTERN: [usize; 6] = [0, 1, 2, 3, 2, 1];
const PLUCK_SAMPLES: usize = 20_000;
const PLUCK_RISE_SAMPLES: usize = 120;
/// A pluck loses half its strength in about a third of a second.
const PLUCK_DECAY: f64 = 0.999_75;
const PAD_LEVEL: f64 = 0.18;

fn music() -> Vec<i16> {
    let mut ring = vec![0.0; BARS.len() * BAR_SAMPLES];
    for (bar, chord) in BARS.iter().enumerate() {
        let start = bar * BAR_SAMPLES;
        add_pad(&mut ring, start, chord, BAR_SAMPLES, PAD_LEVEL);
        for (beat, note) in PATTERN.iter().enumerate() {
            let at = start + beat * BAR_SAMPLES / PATTERN.len();
            if let Some(frequency_hz) = chord.get(*note) {
                add_pluck(&mut ring, at, *frequency_hz);
            }
        }
    }
    level(&mut ring, MUSIC_RMS);
    samples(&ring)
}

fn bed() -> Vec<i16> {
    const CHORDS: [[f64; 4]; 2] = [C_MAJOR, A_MINOR];
    let mut ring = vec![0.0; CHORDS.len() * BAR_SAMPLES];
    for (bar, chord) in CHORDS.iter().enumerate() {
        add_pad(&mut ring, bar * BAR_SAMPLES, chord, BAR_SAMPLES, 1.0);
    }
    level(&mut ring, BED_RMS);
    samples(&ring)
}

/// A sound that begins near the end of the ring goes on at its beginning: therefore the loop has no seam.
fn add(ring: &mut [f64], at: usize, value: f64) {
    let length = ring.len();
    if let Some(slot) = ring.get_mut(at % length) {
        *slot += value;
    }
}

fn add_pluck(ring: &mut [f64], at: usize, frequency_hz: f64) {
    let mut strength = 1.0;
    for index in 0..PLUCK_SAMPLES {
        let phase = frequency_hz * seconds(index);
        let rise = ratio(index.min(PLUCK_RISE_SAMPLES), PLUCK_RISE_SAMPLES);
        let fall = ratio((PLUCK_SAMPLES - index).min(800), 800);
        let overtone = 0.3 * strength * sine(2.0 * phase);
        add(
            ring,
            at + index,
            rise * fall * strength * (sine(phase) + overtone),
        );
        strength *= PLUCK_DECAY;
    }
}

/// A chord that swells over one bar before its own and fades over its own, so that chords melt into one another.
fn add_pad(ring: &mut [f64], at: usize, chord: &[f64], half: usize, loudness: f64) {
    let length = ring.len();
    for index in 0..2 * half {
        let swell = ratio(index.min(2 * half - index), half);
        // 3x² - 2x³: leaves and arrives without an edge.
        let envelope = loudness * swell * swell * (3.0 - 2.0 * swell);
        let together: f64 = chord
            .iter()
            .map(|frequency_hz| sine(frequency_hz * seconds(index)))
            .sum();
        add(ring, at + length - half / 2 + index, envelope * together);
    }
}

fn level(values: &mut [f64], rms: f64) {
    let gain = rms / shape::rms(values);
    values.iter_mut().for_each(|value| *value *= gain);
}

fn samples(values: &[f64]) -> Vec<i16> {
    values
        .iter()
        .map(|value| shape::to_sample(*value))
        .collect()
}

fn seconds(index: usize) -> f64 {
    ratio(index, SAMPLE_RATE_HZ as usize)
}

fn ratio(part: usize, whole: usize) -> f64 {
    let part = u32::try_from(part).unwrap_or(u32::MAX);
    let whole = u32::try_from(whole).unwrap_or(u32::MAX);
    f64::from(part) / f64::from(whole)
}

/// The sine of a phase counted in turns, by its power series (error below 1e-6).
fn sine(turns: f64) -> f64 {
    let turn = turns - turns.floor();
    // Folded into a quarter turn around zero, where the series is short.
    let folded = if turn < 0.25 {
        turn
    } else if turn < 0.75 {
        0.5 - turn
    } else {
        turn - 1.0
    };
    let x = folded * std::f64::consts::TAU;
    let y = x * x;
    x * (1.0 - y / 6.0 * (1.0 - y / 20.0 * (1.0 - y / 42.0 * (1.0 - y / 72.0 * (1.0 - y / 110.0)))))
}
