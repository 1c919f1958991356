//! Two legs hear each other.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::world::{World, assert_one_line, plan};
use crate::analysis::tone_level_db;
use crate::codec::ALL;
use crate::message::{Bed, Clip, Codec, Command, Direction, Event, LegPlan};

/// On the first half second and on the last: the own tone within 3 dB, the others 40 dB below.
fn assert_tones(samples: &[i16], own: u32, others: &[u32]) {
    for stretch in [&samples[..4_000], &samples[samples.len() - 4_000..]] {
        let level = tone_level_db(stretch, 8_000, own);
        assert!((level + 12.0).abs() <= 3.0, "{own} Hz at {level} dB");
        for other in others {
            let below = level - tone_level_db(stretch, 8_000, *other);
            assert!(below >= 40.0, "{other} Hz only {below} dB below {own} Hz");
        }
    }
}

#[test]
fn each_hears_the_other_whatever_their_codecs() {
    let pairs = ALL
        .iter()
        .flat_map(|one| ALL.iter().map(|other| (*one, *other)));
    for (caller_codec, counsellor_codec) in pairs {
        let mut world = World::new();
        let caller = world.add(caller_codec, 600, 3);
        let counsellor = world.add(counsellor_codec, 1_000, 14);
        world.run(200);
        world.command(Command::Connect { a: 100, b: 101 });
        world.run(5_000);
        let is_law = |codec: Codec| codec.law().is_some();
        let is_passed_on =
            caller_codec == counsellor_codec || (is_law(caller_codec) && is_law(counsellor_codec));
        for (peer, own, other) in [(caller, 1_000, 600), (counsellor, 600, 1_000)] {
            let what = format!("{caller_codec:?} and {counsellor_codec:?}");
            let got = &world.peers[peer].got;
            // Sound waits for 40 ms at first, if its ear was not yet open.
            let expected = if is_passed_on { 250 } else { 246 }..=250;
            assert!(
                expected.contains(&got.len()),
                "{what}: {} packets",
                got.len()
            );
            let frame = world.peers[peer].codec.clock().frame();
            for pair in got.windows(2) {
                let (one, next) = (&pair[0].view, &pair[1].view);
                assert_eq!(next.sequence, one.sequence.wrapping_add(1), "{what}");
                assert_eq!(next.timestamp, one.timestamp.wrapping_add(frame), "{what}");
            }
            assert_tones(&world.heard(peer, 0)[800..], own, &[other, 350]);
        }
    }
}

#[test]
fn the_same_codec_is_passed_on_byte_for_byte_at_once() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    let counsellor = world.add(Codec::Pcma, 1_000, 14);
    world.run(100);
    world.command(Command::Connect { a: 100, b: 101 });
    world.run(1_000);
    for got in &world.peers[counsellor].got {
        assert_eq!(
            got.at.0 / 1_000 % 20,
            3,
            "passed on at the moment of arrival"
        );
    }
    let (slot, source) = (world.peers[caller].slot, world.peers[caller].source);
    world.peers[caller].sequence = world.peers[caller].sequence.wrapping_add(1);
    world.peers[caller].timestamp = world.peers[caller].timestamp.wrapping_add(160);
    let mut datagram = world.peers[caller].frame();
    for (index, code) in datagram[12..].iter_mut().enumerate() {
        *code = index as u8;
    }
    world.packet(slot, source, &datagram);
    assert_eq!(
        world.peers[counsellor].got.last().unwrap().payload,
        datagram[12..]
    );
}

#[test]
fn a_counsellors_prompt_goes_before_the_caller_and_then_gives_way() {
    let mut world = World::new();
    world.add(Codec::Pcma, 600, 3);
    let counsellor = world.add(Codec::Pcma, 1_000, 14);
    world.command(Command::Connect { a: 100, b: 101 });
    world.run(100);
    let from = world.peers[counsellor].got.len();
    world.command(Command::Play {
        leg: 101,
        play: 1,
        clips: vec![Clip::Prompt(2)],
        barge_in: false,
    });
    world.run(1_500);
    let heard = world.heard(counsellor, from);
    assert_tones(&heard[..4_000], 1_300, &[600]);
    assert_tones(&heard[heard.len() - 4_000..], 600, &[1_300]);
    assert_one_line(&world.peers[counsellor].got[from..]);
}

#[test]
fn a_disconnect_and_a_close_give_the_other_its_bed_back() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    world.add(Codec::Pcma, 1_000, 14);
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Music,
    });
    world.command(Command::Connect { a: 101, b: 100 });
    world.run(1_000);
    world.command(Command::Disconnect { leg: 101 });
    let from = world.peers[caller].got.len();
    world.run(1_000);
    assert_tones(&world.heard(caller, from), 350, &[1_000]);
    world.command(Command::Connect { a: 100, b: 101 });
    world.run(500);
    world.command(Command::Close { leg: 101 });
    let from = world.peers[caller].got.len();
    world.run(1_000);
    assert_tones(&world.heard(caller, from), 350, &[1_000]);
    assert_one_line(&world.peers[caller].got);
}

#[test]
fn a_partner_who_sends_nothing_is_silence_and_not_a_hole() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    let counsellor = world.add(Codec::Pcma, 1_000, 14);
    world.peers[counsellor].is_sending = false;
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Music,
    });
    world.run(200);
    world.command(Command::Connect { a: 100, b: 101 });
    world.run(2_000);
    let from = world.peers[caller].got.len();
    world.run(1_000);
    assert!(
        world
            .heard(caller, from)
            .iter()
            .all(|sample| sample.abs() <= 8),
        "no music into a talk"
    );
    world.peers[counsellor].is_sending = true;
    world.run(1_000);
    world.peers[counsellor].is_sending = false;
    world.run(1_000);
    let got = &world.peers[caller].got;
    assert!(
        got.windows(2)
            .all(|pair| pair[1].at.0 - pair[0].at.0 <= 240_000)
    );
    let numbers: std::collections::HashSet<u16> = got.iter().map(|got| got.view.sequence).collect();
    assert_eq!(numbers.len(), got.len(), "no number twice");
}

#[test]
fn an_echo_leg_hears_itself() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcmu, 600, 3);
    world.command(Command::Echo { leg: 100 });
    world.run(1_000);
    assert_tones(&world.heard(caller, 0), 600, &[1_000]);
}

#[test]
fn a_held_leg_is_sent_nothing_and_heard_no_more() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    let counsellor = world.add(Codec::Pcma, 1_000, 14);
    world.command(Command::Connect { a: 100, b: 101 });
    world.run(500);
    let talking = plan(Codec::Pcma, world.peers[counsellor].source);
    let held = LegPlan {
        direction: Direction::Inactive,
        ..talking.clone()
    };
    world.command(Command::Replan {
        leg: 101,
        plan: held,
    });
    let (to_caller, to_counsellor) = (
        world.peers[caller].got.len(),
        world.peers[counsellor].got.len(),
    );
    world.run(1_000);
    assert_eq!(world.peers[counsellor].got.len(), to_counsellor);
    assert!(
        world
            .heard(caller, to_caller)
            .iter()
            .all(|sample| sample.abs() <= 8)
    );
    world.command(Command::Replan {
        leg: 101,
        plan: talking,
    });
    world.run(1_000);
    let heard = world.heard(caller, to_caller);
    assert!((tone_level_db(&heard[heard.len() - 4_000..], 8_000, 1_000) + 12.0).abs() < 3.0);
    let flowing = world
        .events
        .iter()
        .filter(|event| matches!(event, Event::Flowing { .. }))
        .count();
    assert_eq!(flowing, 2, "a hold is no loss");
}

#[test]
fn keys_of_a_talk_are_told_and_not_passed_on() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    let counsellor = world.add(Codec::Pcma, 1_000, 14);
    world.command(Command::Connect { a: 100, b: 101 });
    world.run(300);
    world.press(caller, 5);
    world.run(300);
    assert_eq!(world.digits(100), "5");
    assert!(
        world.peers[counsellor]
            .got
            .iter()
            .all(|got| got.view.payload_type == 8)
    );
}

#[test]
fn statistics_name_loss_and_jitter_and_reports_go_out() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Music,
    });
    for _ in 0..100 {
        world.run(100);
        world.peers[caller].is_sending = false;
        world.run(20);
        world.peers[caller].is_sending = true;
    }
    let told = world
        .events
        .iter()
        .filter(|event| matches!(event, Event::Statistics { .. }))
        .count();
    assert_eq!(told, 1, "each 10 s in 12 s");
    let statistics = world.close(100);
    // The last packet of the twelve seconds is one of those held back: nobody can know that it is missing.
    assert_eq!(
        (statistics.received, statistics.lost, statistics.jitter_us),
        (500, 99, 0)
    );
    assert_eq!(statistics.sent, world.peers[caller].got.len() as u64);
    assert!(
        (2..=3).contains(&world.peers[caller].reports),
        "{}",
        world.peers[caller].reports
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However legs are joined, parted, closed and opened: who hears somebody is heard by the same, everybody hears
    /// one at most, and a number is never used twice on a line.
    #[test]
    fn hearing_is_mutual(moves in proptest::collection::vec((0u8..5, 0u64..6, 0u64..6), 1..40)) {
        let mut world = World::new();
        for index in 0..6 {
            let codec = if index % 2 == 0 { Codec::Pcma } else { Codec::Pcmu };
            world.add(codec, 500 + 100 * index, 1 + u64::from(index) * 3);
        }
        let mut partner = [None::<usize>; 6];
        let mut is_open = [true; 6];
        for (kind, a, b) in moves {
            let (one, other) = (a as usize, b as usize);
            let part = |partner: &mut [Option<usize>; 6], leg: usize| {
                if let Some(before) = partner[leg].take() {
                    partner[before] = None;
                }
            };
            match kind {
                0..=2 => {
                    world.command(Command::Connect { a: 100 + a, b: 100 + b });
                    if one != other && is_open[one] && is_open[other] {
                        part(&mut partner, one);
                        part(&mut partner, other);
                        (partner[one], partner[other]) = (Some(other), Some(one));
                    }
                }
                3 => {
                    world.command(Command::Disconnect { leg: 100 + a });
                    part(&mut partner, one);
                }
                _ => {
                    world.command(Command::Close { leg: 100 + a });
                    part(&mut partner, one);
                    is_open[one] = false;
                }
            }
            let before: Vec<usize> = world.peers.iter().map(|peer| peer.got.len()).collect();
            world.run(60);
            for leg in 0..6 {
                let heard = world.peers[leg].got.len() - before[leg];
                prop_assert_eq!(heard, if partner[leg].is_some() { 3 } else { 0 }, "leg {} of {:?}", leg, partner);
            }
        }
        for peer in &world.peers {
            let numbers: std::collections::HashSet<u16> = peer.got.iter().map(|got| got.view.sequence).collect();
            prop_assert_eq!(numbers.len(), peer.got.len());
        }
    }
}

#[test]
fn a_leg_that_was_on_hold_at_the_join_hears_and_is_heard_when_it_comes_back() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    let counsellor = world.add(Codec::Pcma, 1_000, 14);
    world.run(200);
    let plan = |direction| LegPlan {
        direction,
        ..plan(Codec::Pcma, SocketAddr::from(([198, 51, 100, 11], 4_000)))
    };
    world.command(Command::Replan {
        leg: 101,
        plan: plan(Direction::Inactive),
    });
    world.run(200);
    world.command(Command::Connect { a: 100, b: 101 });
    let from = world.peers[counsellor].got.len();
    world.run(1_000);
    assert_eq!(
        world.peers[counsellor].got.len(),
        from,
        "held: nothing is sent"
    );
    world.command(Command::Replan {
        leg: 101,
        plan: plan(Direction::SendReceive),
    });
    world.run(200);
    let (to_caller, to_counsellor) = (
        world.peers[caller].got.len(),
        world.peers[counsellor].got.len(),
    );
    world.run(1_000);
    for (peer, from, own, other) in [
        (caller, to_caller, 1_000, 600),
        (counsellor, to_counsellor, 600, 1_000),
    ] {
        let heard = world.heard(peer, from);
        let level = |hz| tone_level_db(&heard, 8_000, hz);
        assert!(
            (level(own) + 12.0).abs() < 3.0,
            "{own} Hz at {}",
            level(own)
        );
        assert!(level(own) - level(other) >= 40.0);
    }
}
