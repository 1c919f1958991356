//! Prompts and music for listeners whose codec needs an encoder; in Opus they share one.

use super::world::World;
use crate::analysis::tone_level_db;
use crate::message::{Bed, Clip, Codec, Command, Event};
use crate::mouth::ALIKE_FRAMES;

fn music(world: &mut World, leg: u64) {
    let bed = Bed::Music;
    world.command(Command::Bed { leg, bed });
}

fn payloads(world: &World, index: usize) -> Vec<&[u8]> {
    let got = world.peers[index].got.iter();
    got.map(|got| &got.payload[..]).collect()
}

#[test]
fn all_who_wait_hear_the_same_packets_of_the_music_from_its_beginning() {
    let mut world = World::new();
    for leg in 0..3 {
        world.add(Codec::Opus, 600, 3);
        music(&mut world, 100 + leg);
        // Each comes half a second after the one before.
        world.run(500);
    }
    // More than one round of the music's three seconds.
    world.run(5_000);
    let first = payloads(&world, 0);
    for index in 1..3 {
        let later = payloads(&world, index);
        let length = later.len().min(150);
        assert_eq!(first[..length], later[..length]);
    }
    let (one, other) = (ALIKE_FRAMES, 150 + ALIKE_FRAMES);
    assert_eq!(first[one..50], first[other..200], "the second round");
    let heard = world.heard(2, 0);
    let level = tone_level_db(&heard[1_000..33_000], 8_000, 350);
    assert!((level + 12.0).abs() < 1.0, "{level}");
}

#[test]
fn clips_follow_one_another_and_music_follows_them() {
    let mut world = World::new();
    let caller = world.add(Codec::Opus, 600, 3);
    music(&mut world, 100);
    let clips = vec![
        Clip::Prompt(1),
        Clip::Prompt(1),
        Clip::Silence(100),
        Clip::Prompt(2),
    ];
    world.command(Command::Play {
        leg: 100,
        play: 1,
        clips,
        barge_in: true,
    });
    world.run(4_000);
    // 1,003.75 ms are 51 packets, the last one filled up with silence.
    let got = payloads(&world, caller);
    let (one, other) = (ALIKE_FRAMES, 51 + ALIKE_FRAMES);
    assert_eq!(got[one..51], got[other..102], "the same prompt twice");
    let end = Event::PlayEnded {
        leg: 100,
        play: 1,
        heard_ms: 2_607,
        is_complete: true,
        clip: 4,
    };
    assert!(world.events.contains(&end), "{:?}", world.events);
    for pair in world.peers[caller].got.windows(2) {
        assert_eq!(pair[1].at.0 - pair[0].at.0, 20_000);
        assert_eq!(pair[1].view.sequence, pair[0].view.sequence.wrapping_add(1));
    }
    let heard = world.heard(caller, 0);
    for (from, to, hz) in [
        (500, 7_500, 800),
        (18_000, 20_500, 1_300),
        (22_500, 30_000, 350),
    ] {
        let level = tone_level_db(&heard[from..to], 8_000, hz);
        assert!((level + 12.0).abs() < 1.0, "{hz} Hz at {level}");
    }
}

/// A packet made by one encoder follows one made by another. What the decoder makes of it must not be a bang.
#[test]
fn a_prompt_that_is_cut_and_music_that_goes_on_make_no_bang() {
    // -12 dB below a full-scale sine.
    const PEAK: i16 = 8_231;
    for codec in [Codec::G722, Codec::Opus] {
        for cut_after_ms in (200..700).step_by(20) {
            let mut world = World::new();
            let caller = world.add(codec, 600, 3);
            music(&mut world, 100);
            world.run(1_000);
            world.command(Command::Play {
                leg: 100,
                play: 1,
                clips: vec![Clip::Prompt(1)],
                barge_in: true,
            });
            world.run(cut_after_ms);
            world.press(caller, 1);
            world.run(500);
            let loudest = world
                .heard(caller, 0)
                .iter()
                .map(|sample| sample.saturating_abs())
                .max();
            assert!(
                loudest.is_some_and(|loudest| loudest < PEAK + PEAK / 2),
                "{codec:?} cut after {cut_after_ms} ms: {loudest:?}"
            );
        }
    }
}
