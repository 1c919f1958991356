//! What of a voice comes through a bad network, as one figure chosen before it was measured.
//!
//! The figure is [`intelligibility`] (0 to 1) of Vietnamese prompts, over whole clips, against the clip before any
//! codec. Bars, set before the first run:
//!
//! - 2 % of the packets lost at random and up to 30 ms of jitter: at least 0.85 with each codec;
//! - 10 % lost in bursts of five: at least 0.04 worse than that;
//! - nothing at all: below 0.3, the worst of all;
//! - the plain receiver (each tick plays what has come since the last one, holes are silent): at least 0.04 worse
//!   than ours on the same packets.

use super::tests::through;
use crate::analysis::intelligibility;
use crate::codec::{ALL, Encoder};
use crate::g711::alaw_decode;
use crate::message::Codec;
use crate::resample::Interpolator;

/// Numbers from 0 to 1 that are the same in each run.
struct Chance(u64);

impl Chance {
    fn draw(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn clip() -> Vec<i16> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sounds/vi");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.metadata().unwrap().len() > 120_000)
        .collect();
    names.sort();
    let mut speech = Vec::new();
    for path in names.iter().take(3) {
        let sound = crate::prompt::load(path, "clip").unwrap();
        speech.extend(sound.alaw.iter().map(|code| alaw_decode(*code)));
    }
    assert!(speech.len() > 20 * 8_000, "{} samples", speech.len());
    speech
}

/// 2 % lost, the others up to 30 ms late.
fn random(chance: &mut Chance) -> Option<u64> {
    let late_ms = (chance.draw() * 30.0) as u64;
    (chance.draw() >= 0.02).then_some(late_ms)
}

/// 10 % lost, five packets at a time, the others up to 30 ms late.
fn bursts(chance: &mut Chance, index: usize, lost_until: &mut usize) -> Option<u64> {
    let late_ms = (chance.draw() * 30.0) as u64;
    if index >= *lost_until && chance.draw() < 0.1 / 5.0 / 0.9 {
        *lost_until = index + 5;
    }
    (index >= *lost_until).then_some(late_ms)
}

/// No buffer and no concealment: the last packet that came within the tick is heard, or nothing.
fn plain(speech: &[i16]) -> Vec<i16> {
    let mut chance = Chance(11);
    let mut encoder = Encoder::new(Codec::Pcma, 8_000).unwrap();
    let mut heard = vec![0; speech.len() + 8_000];
    for (index, frame) in speech.chunks_exact(160).enumerate() {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload).unwrap();
        if let Some(late_ms) = random(&mut chance) {
            let tick = (index as u64 * 20 + late_ms).div_ceil(20) as usize;
            let samples: Vec<i16> = payload.iter().map(|code| alaw_decode(*code)).collect();
            heard[tick * 160..tick * 160 + 160].copy_from_slice(&samples);
        }
    }
    heard
}

#[test]
fn a_voice_stays_intelligible_over_a_bad_network() {
    let speech = clip();
    let silent = intelligibility(&speech, &vec![0; speech.len()]);
    let receiver = intelligibility(&speech, &plain(&speech));
    println!("nothing at all {silent:.3}, plain receiver {receiver:.3}");
    assert!(silent < 0.3);
    for codec in ALL {
        let mut given = Vec::new();
        match codec {
            Codec::G722 => Interpolator::new(2).run(&speech, &mut given),
            Codec::Pcma | Codec::Pcmu | Codec::Opus => given.clone_from(&speech),
        }
        let (heard, _) = through(codec, 20, &given, |_| Some(0));
        let clean = intelligibility(&speech, &heard);
        let mut chance = Chance(11);
        let (heard, _) = through(codec, 20, &given, |_| random(&mut chance));
        let lossy = intelligibility(&speech, &heard);
        let (mut chance, mut until) = (Chance(11), 0);
        let (heard, _) = through(codec, 20, &given, |index| {
            bursts(&mut chance, index, &mut until)
        });
        let burst = intelligibility(&speech, &heard);
        println!(
            "{codec:?}: clean {clean:.3}, 2 % and 30 ms {lossy:.3}, bursts of 10 % {burst:.3}"
        );
        assert!(lossy >= 0.85, "{codec:?}: {lossy:.3}");
        assert!(
            burst <= lossy - 0.04,
            "{codec:?}: {burst:.3} against {lossy:.3}"
        );
        assert!(silent < burst - 0.2);
        assert!(
            receiver <= lossy - 0.04,
            "{codec:?}: {receiver:.3} against {lossy:.3}"
        );
    }
}
