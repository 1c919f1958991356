//! Prompts, music, beds, keys: what we make ourselves.

use std::net::SocketAddr;

use super::world::{World, assert_one_line, plan};
use crate::analysis::{rms_db, tone_level_db};
use crate::digit::DigitReceiver;
use crate::message::{Bed, Clip, Codec, Command, Event, LegPlan};

fn play(world: &mut World, play: u64, clips: Vec<Clip>, barge_in: bool) {
    world.command(Command::Play {
        leg: 100,
        play,
        clips,
        barge_in,
    });
}

/// (play, heard ms, complete, clip) of all runs that ended.
fn ended(world: &World) -> Vec<(u64, u32, bool, u32)> {
    let end = |event: &Event| match event {
        Event::PlayEnded {
            play,
            heard_ms,
            is_complete,
            clip,
            ..
        } => Some((*play, *heard_ms, *is_complete, *clip)),
        _ => None,
    };
    world.events.iter().filter_map(end).collect()
}

#[test]
fn prompt_music_talk_prompt_is_one_line_without_a_gap() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    let counsellor = world.add(Codec::Pcmu, 1_000, 14);
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Music,
    });
    play(
        &mut world,
        1,
        vec![
            Clip::Prompt(1),
            Clip::Prompt(1),
            Clip::Silence(33),
            Clip::Prompt(2),
        ],
        true,
    );
    world.run(4_000);
    world.command(Command::Connect { a: 100, b: 101 });
    world.run(3_000);
    world.command(Command::Disconnect { leg: 100 });
    world.run(700);
    play(&mut world, 2, vec![Clip::Prompt(2)], true);
    world.run(2_000);
    world.command(Command::Close { leg: 100 });
    assert_one_line(&world.peers[caller].got);
    assert_eq!(ended(&world), [(1, 2_540, true, 4), (2, 500, true, 1)]);
    // What we made ourselves keeps the tick exactly.
    for pair in world.peers[caller].got[..190].windows(2) {
        assert_eq!(pair[1].at.0 - pair[0].at.0, 20_000);
        assert_eq!(
            pair[1].view.timestamp.wrapping_sub(pair[0].view.timestamp),
            160
        );
    }
    let heard = world.heard(caller, 0);
    for (from, to, hz) in [
        (0, 8_000, 800),
        (21_000, 29_000, 350),
        (34_000, 50_000, 1_000),
    ] {
        let level = tone_level_db(&heard[from..to], 8_000, hz);
        assert!((level + 12.0).abs() < 1.0, "{hz} Hz at {level} dB");
    }
    assert!(!world.peers[counsellor].got.is_empty());
}

#[test]
fn music_goes_on_where_it_was() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Music,
    });
    world.run(1_000);
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::None,
    });
    let quiet = world.peers[caller].got.len();
    world.run(1_000);
    assert_eq!(world.peers[caller].got.len(), quiet, "no bed, no packets");
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Music,
    });
    world.run(3_000);
    let got = &world.peers[caller].got;
    assert!(got[quiet].view.marker);
    let step = got[quiet]
        .view
        .timestamp
        .wrapping_sub(got[quiet - 1].view.timestamp);
    assert_eq!(step, 8_160, "the timestamp kept running");
    // Joined together, and over the seam of the loop, all is one tone of 350 Hz without a break of its phase.
    let heard = world.heard(caller, 0);
    assert!((tone_level_db(&heard[1_000..31_000], 8_000, 350) + 12.0).abs() < 0.1);
}

#[test]
fn the_soft_bed_is_quiet_but_there() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcmu, 600, 3);
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Soft,
    });
    world.run(3_000);
    let level = rms_db(&world.heard(caller, 0));
    assert!((-55.0..=-45.0).contains(&level), "{level}");
}

#[test]
fn a_key_cuts_a_prompt_at_once_and_is_told_first() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Soft,
    });
    play(&mut world, 1, vec![Clip::Prompt(1), Clip::Prompt(2)], true);
    world.run(1_203);
    world.press(caller, 1);
    let cut = Event::PlayEnded {
        leg: 100,
        play: 1,
        heard_ms: 1_200,
        is_complete: false,
        clip: 1,
    };
    assert!(
        world.events.ends_with(&[
            Event::Digit {
                leg: 100,
                digit: '1'
            },
            cut
        ]),
        "{:?}",
        world.events
    );
    let from = world.peers[caller].got.len();
    world.run(500);
    assert!(
        rms_db(&world.heard(caller, from)) < -40.0,
        "the soft bed follows"
    );
    assert_one_line(&world.peers[caller].got);

    play(&mut world, 2, vec![Clip::Prompt(1)], false);
    world.run(200);
    world.press(caller, 2);
    world.run(2_000);
    assert_eq!(world.digits(100), "12");
    assert_eq!(
        ended(&world)[1..],
        [(2, 1_003, true, 1)],
        "without barge-in the prompt goes on"
    );
}

#[test]
fn a_new_run_a_stop_a_join_and_a_close_cut_a_run() {
    let mut world = World::new();
    world.add(Codec::Pcma, 600, 3);
    world.add(Codec::Pcma, 1_000, 14);
    for number in 1..=4 {
        play(
            &mut world,
            number,
            vec![Clip::Tone {
                hz: 440,
                level_db: 20,
                length_ms: 0,
            }],
            false,
        );
        world.run(100);
        match number {
            1 => {}
            2 => world.command(Command::StopPlay { leg: 100 }),
            3 => world.command(Command::Connect { a: 101, b: 100 }),
            _ => world.command(Command::Close { leg: 100 }),
        }
    }
    assert_eq!(
        ended(&world),
        [1, 2, 3, 4].map(|number| (number, 100, false, 0))
    );
}

#[test]
fn a_run_keeps_its_time_while_nobody_can_be_sent_to() {
    let mut world = World::new();
    let source = "198.51.100.10:4000".parse().unwrap();
    let ringing = LegPlan {
        remote: None,
        ..plan(Codec::Pcma, source)
    };
    let phone = world.open(ringing, source, 600, 3);
    play(&mut world, 1, vec![Clip::Prompt(2)], false);
    world.run(1_000);
    assert_eq!(ended(&world), [(1, 500, true, 1)]);
    assert!(world.peers[phone].got.is_empty());
    world.command(Command::Replan {
        leg: 100,
        plan: plan(Codec::Pcma, source),
    });
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Music,
    });
    world.run(100);
    assert_eq!(world.peers[phone].got.len(), 5);
}

#[test]
fn keys_go_out_as_events_on_the_same_line_one_after_the_other() {
    let mut world = World::new();
    let phone = world.add(Codec::Pcma, 600, 3);
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Music,
    });
    world.run(200);
    for digit in ['1', '1', '#', 'x'] {
        world.command(Command::Digit {
            leg: 100,
            digit,
            length_ms: 100,
        });
    }
    world.run(1_200);
    let got = &world.peers[phone].got;
    let mut receiver = DigitReceiver::default();
    let mut heard = String::new();
    for packet in got.iter().filter(|packet| packet.view.payload_type == 101) {
        heard.extend(receiver.receive(
            packet.at,
            packet.view.ssrc,
            packet.view.timestamp,
            &packet.payload,
        ));
    }
    assert_eq!(heard, "11#");
    let starts = got
        .iter()
        .filter(|packet| packet.view.payload_type == 101 && packet.view.marker)
        .count();
    assert_eq!(starts, 3);
    // After a key the line is where the clock is.
    let (first, last) = (&got[0], &got[got.len() - 1]);
    let clock = ((last.at.0 - first.at.0) / 125) as u32;
    assert_eq!(
        last.view.timestamp.wrapping_sub(first.view.timestamp),
        clock
    );
    for pair in got.windows(2) {
        assert_eq!(pair[1].view.sequence, pair[0].view.sequence.wrapping_add(1));
        let step = pair[1].view.timestamp.wrapping_sub(pair[0].view.timestamp) as i32;
        assert!((0..=1_280).contains(&step), "{step}");
    }
}

#[test]
fn without_agreed_events_a_key_is_two_tones() {
    let mut world = World::new();
    let source = "198.51.100.10:4000".parse().unwrap();
    let old = LegPlan {
        event_send: None,
        event_receive: None,
        ..plan(Codec::Pcma, source)
    };
    let phone = world.open(old, source, 600, 3);
    world.command(Command::Digit {
        leg: 100,
        digit: '5',
        length_ms: 500,
    });
    world.run(600);
    let heard = world.heard(phone, 0);
    assert_eq!(heard.len(), 4_000);
    assert!((tone_level_db(&heard, 8_000, 770) + 10.0).abs() < 1.0);
    assert!((tone_level_db(&heard, 8_000, 1_336) + 10.0).abs() < 1.0);
}

#[test]
fn voice_silence_and_lost_media_are_told() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Soft,
    });
    world.run(3_000);
    assert_eq!(
        world
            .events
            .iter()
            .filter(|event| matches!(event, Event::Voice { leg: 100 }))
            .count(),
        1
    );
    world.peers[caller].is_sending = false;
    world.run(15_000);
    let is_told = |event: &&Event| matches!(event, Event::Silent { .. } | Event::MediaLost { .. });
    let told: Vec<_> = world.events.iter().filter(is_told).collect();
    let expected = matches!(
        told[..],
        [
            Event::Silent {
                for_ms: 6_000..=6_040,
                ..
            },
            Event::MediaLost { leg: 100 }
        ]
    );
    assert!(expected, "{told:?}");
    world.peers[caller].is_sending = true;
    world.run(100);
    assert_eq!(
        world.events.last(),
        Some(&Event::Flowing { leg: 100 }),
        "and that it is back"
    );
}

#[test]
fn commands_for_legs_that_are_gone_do_nothing() {
    let mut world = World::new();
    world.add(Codec::Pcma, 600, 3);
    world.close(100);
    let before = world.events.len();
    let plan = plan(Codec::Pcma, "198.51.100.10:4000".parse().unwrap());
    for command in [
        Command::Replan { leg: 100, plan },
        Command::Close { leg: 100 },
        Command::Play {
            leg: 100,
            play: 1,
            clips: vec![Clip::Prompt(1)],
            barge_in: true,
        },
        Command::StopPlay { leg: 100 },
        Command::Bed {
            leg: 100,
            bed: Bed::Music,
        },
        Command::Connect { a: 100, b: 101 },
        Command::Disconnect { leg: 100 },
        Command::Echo { leg: 100 },
        Command::Digit {
            leg: 100,
            digit: '1',
            length_ms: 100,
        },
        Command::PauseRecording {
            leg: 100,
            is_paused: true,
        },
    ] {
        world.command(command);
    }
    world.run(100);
    assert_eq!(world.events.len(), before);
    world.command(Command::Record {
        leg: 100,
        recording: 9,
    });
    assert!(matches!(
        world.events.last(),
        Some(Event::RecordingFailed { recording: 9, .. })
    ));
}

#[test]
fn prompts_beds_and_keys_reach_a_peer_of_any_codec() {
    for codec in crate::codec::ALL {
        let mut world = World::new();
        let phone = world.add(codec, 600, 3);
        world.command(Command::Bed {
            leg: 100,
            bed: Bed::Music,
        });
        world.run(1_000);
        world.command(Command::Play {
            leg: 100,
            play: 1,
            clips: vec![Clip::Prompt(1)],
            barge_in: false,
        });
        world.run(1_000);
        let heard = world.heard(phone, 0);
        for (from_ms, hz) in [(300, 350), (1_200, 800)] {
            let stretch = &heard[from_ms * 8..(from_ms + 600) * 8];
            let own = tone_level_db(stretch, 8_000, hz);
            assert!(
                (own + 12.0).abs() < 3.0,
                "{codec:?}: {hz} Hz at {own:.1} dB"
            );
            let other = tone_level_db(stretch, 8_000, 1_150 - hz);
            assert!(
                other < own - 35.0,
                "{codec:?}: {other:.1} dB beside {own:.1}"
            );
        }
        let frame = codec.clock().frame();
        for pair in world.peers[phone].got.windows(2) {
            let step = pair[1].view.timestamp.wrapping_sub(pair[0].view.timestamp);
            assert_eq!(step, frame, "{codec:?} counts its own clock");
        }
        assert_eq!(world.close(100).malformed, 0, "{codec:?}");
    }
}

#[test]
fn keys_to_an_opus_peer_count_the_clock_that_was_agreed() {
    for (event_clock_hz, length) in [(8_000, 800), (48_000, 4_800)] {
        let mut world = World::new();
        let source: SocketAddr = "198.51.100.10:4000".parse().unwrap();
        let plan = LegPlan {
            event_clock_hz,
            ..plan(Codec::Opus, source)
        };
        let phone = world.open(plan, source, 600, 3);
        world.command(Command::Digit {
            leg: 100,
            digit: '5',
            length_ms: 100,
        });
        world.run(400);
        let events: Vec<_> = world.peers[phone]
            .got
            .iter()
            .filter(|got| got.view.payload_type == 101)
            .collect();
        let last = events.last().unwrap();
        assert_eq!(last.payload[..2], [5, 0x8A]);
        assert_eq!(
            u16::from_be_bytes([last.payload[2], last.payload[3]]),
            length
        );
        assert!(
            events
                .iter()
                .all(|got| got.view.timestamp == last.view.timestamp)
        );
    }
}
