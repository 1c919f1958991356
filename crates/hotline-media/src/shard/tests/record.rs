//! What lands on the two channels of a recording.

use super::world::World;
use crate::analysis::{rms_db, tone_level_db};
use crate::codec::ALL;
use crate::g711::alaw_decode;
use crate::message::{Bed, Clip, Codec, Command, Event};
use crate::tap::Item;

/// Both channels and the length in samples.
fn channels(items: &[Item]) -> (Vec<i16>, Vec<i16>, u64) {
    let (mut left, mut right, mut length) = (Vec::new(), Vec::new(), 0);
    for item in items {
        match item {
            Item::Begin(recording) => assert_eq!(*recording, 9),
            Item::Frame(frame) => {
                assert_eq!(frame.position, left.len() as u64);
                left.extend(frame.left.iter().map(|code| alaw_decode(*code)));
                right.extend(frame.right.iter().map(|code| alaw_decode(*code)));
            }
            Item::End { samples, .. } => length = *samples,
        }
    }
    (left, right, length)
}

fn level(samples: &[i16], from_ms: usize, to_ms: usize, hz: u32) -> f64 {
    tone_level_db(&samples[from_ms * 8..to_ms * 8], 8_000, hz)
}

#[test]
fn left_is_what_the_caller_says_and_right_what_the_caller_hears() {
    let pairs = ALL
        .iter()
        .flat_map(|one| ALL.iter().map(|other| (*one, *other)));
    for (codec, partner) in pairs {
        let mut world = World::new();
        world.add(codec, 600, 3);
        world.add(partner, 1_000, 14);
        world.command(Command::Bed {
            leg: 100,
            bed: Bed::Music,
        });
        world.command(Command::Record {
            leg: 100,
            recording: 9,
        });
        world.command(Command::Play {
            leg: 100,
            play: 1,
            clips: vec![Clip::Prompt(1)],
            barge_in: false,
        });
        world.run(3_000);
        world.command(Command::Connect { a: 100, b: 101 });
        world.run(4_007);
        world.command(Command::Close { leg: 100 });
        let (left, right, length) = channels(&world.items);
        assert_eq!(length, 7_007 * 8);
        assert!((left.len() as u64) - length < 160);
        for (channel, from, to, hz) in [
            (&left, 100, 7_000, 600),
            (&right, 100, 900, 800),
            (&right, 1_200, 2_900, 350),
            (&right, 3_100, 7_000, 1_000),
        ] {
            let own = level(channel, from, to, hz);
            assert!(
                (own + 12.0).abs() < 3.0,
                "{codec:?}, {partner:?}: {hz} Hz at {own} dB from {from} ms"
            );
        }
        for other in [350, 800, 1_000] {
            assert!(
                level(&left, 100, 7_000, other) < -52.0,
                "{other} Hz on the left"
            );
        }
        assert!(level(&right, 3_100, 7_000, 600) < -52.0);
    }
}

#[test]
fn missing_packets_soon_are_silence_and_both_channels_stay_aligned() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Music,
    });
    world.command(Command::Record {
        leg: 100,
        recording: 9,
    });
    world.run(2_000);
    world.peers[caller].is_sending = false;
    world.run(1_000);
    world.peers[caller].is_sending = true;
    world.run(2_000);
    world.command(Command::Close { leg: 100 });
    let (left, right, length) = channels(&world.items);
    assert_eq!(length, 40_000);
    assert!(level(&left, 100, 1_950, 600) > -13.0);
    assert!(rms_db(&left[2_080 * 8..2_950 * 8]) < -70.0);
    assert!(level(&left, 3_050, 4_950, 600) > -13.0);
    assert!(
        level(&right, 100, 4_950, 350) > -13.0,
        "the other channel goes on"
    );
}

#[test]
fn a_pause_is_silent_on_both_and_keeps_the_time() {
    let mut world = World::new();
    world.add(Codec::Pcma, 600, 3);
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Music,
    });
    world.command(Command::Record {
        leg: 100,
        recording: 9,
    });
    for is_paused in [true, false] {
        world.run(1_000);
        world.command(Command::PauseRecording {
            leg: 100,
            is_paused,
        });
    }
    world.run(1_000);
    world.command(Command::Close { leg: 100 });
    let (left, right, length) = channels(&world.items);
    assert_eq!(length, 24_000);
    for channel in [&left, &right] {
        assert!(rms_db(&channel[1_030 * 8..1_990 * 8]) < -70.0);
        assert!(
            rms_db(&channel[200 * 8..900 * 8]) > -20.0
                && rms_db(&channel[2_100 * 8..2_900 * 8]) > -20.0
        );
    }
}

#[test]
fn refused_recordings_end_and_none_begins_until_allowed() {
    let mut world = World::new();
    world.add(Codec::Pcma, 600, 3);
    world.command(Command::Record {
        leg: 100,
        recording: 9,
    });
    world.run(1_000);
    world.command(Command::Record {
        leg: 100,
        recording: 10,
    });
    assert!(
        matches!(
            world.events.last(),
            Some(Event::RecordingFailed { recording: 10, .. })
        ),
        "one at a time"
    );
    world.command(Command::RefuseRecordings(true));
    assert!(matches!(
        world.events.last(),
        Some(Event::RecordingFailed { recording: 9, .. })
    ));
    assert!(matches!(
        world.items.last(),
        Some(Item::End {
            recording: 9,
            samples: 8_000
        })
    ));
    world.command(Command::Record {
        leg: 100,
        recording: 11,
    });
    assert!(matches!(
        world.events.last(),
        Some(Event::RecordingFailed { recording: 11, .. })
    ));
    world.command(Command::RefuseRecordings(false));
    world.command(Command::Record {
        leg: 100,
        recording: 12,
    });
    assert_eq!(world.items.last(), Some(&Item::Begin(12)));
}
