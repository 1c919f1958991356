//! What is told of a leg's quality, and keys in the audio.

use super::world::{World, plan};
use crate::control::{self, Sending};
use crate::message::{Codec, Command, Event, LegPlan, OneWay};
use crate::receive::ReportBlock;
use crate::shard::Input;
use crate::time::Mono;
use crate::tone::KeyTone;

/// The peer's report: it has sent so many packets, and got ours up to a number.
fn report(world: &mut World, peer: usize, sent: u64, highest_sequence: u32) {
    let now = Mono(world.now_ms * 1_000);
    let (slot, ssrc, ours) = {
        let peer = &world.peers[peer];
        let ours = peer.got.last().map_or(0, |got| got.view.ssrc);
        (peer.slot, peer.ssrc, ours)
    };
    let sending = Sending {
        timestamp: 0,
        packets: sent,
        octets: sent * 160,
    };
    let block = ReportBlock {
        ssrc: ours,
        lost: 7,
        highest_sequence,
        ..ReportBlock::default()
    };
    let datagram = control::report(now, ssrc, "peer", Some(sending), Some(block), None).unwrap();
    let mut source = world.peers[peer].source;
    source.set_port(source.port() + 1);
    world.input(Input::Control {
        slot,
        source,
        datagram: &datagram,
    });
}

fn ways(world: &World) -> Vec<OneWay> {
    let way = |event: &Event| match event {
        Event::OneWay { leg: 100, way } => Some(*way),
        _ => None,
    };
    world.events.iter().filter_map(way).collect()
}

fn bed(world: &mut World) {
    world.command(Command::Bed {
        leg: 100,
        bed: crate::Bed::Soft,
    });
}

#[test]
fn audio_that_goes_one_way_is_told_once_and_again_after_it_went_both_ways() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    bed(&mut world);
    for stretch in 0..8u64 {
        // The third and fourth ten seconds bring nothing though the peer says that it sends; so does the sixth.
        world.peers[caller].is_sending = !matches!(stretch, 2 | 3 | 5);
        for half in 0..2 {
            let packets = (stretch * 2 + half) * 250;
            report(&mut world, caller, packets, packets as u32);
            world.run(5_000);
        }
    }
    assert_eq!(ways(&world), [OneWay::NothingArrives; 2]);
    let statistics = world.close(100);
    assert_eq!(statistics.peer_lost, 7);
    // What did not come counts as lost.
    assert!((1..310).contains(&statistics.mean_opinion_lowest));
}

#[test]
fn a_peer_whose_reports_stand_still_hears_nothing() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    bed(&mut world);
    for half in 0..12u64 {
        let reached = half.min(5) * 250;
        report(&mut world, caller, half * 250, reached as u32);
        world.run(5_000);
    }
    assert_eq!(ways(&world), [OneWay::NothingReaches]);
    assert!(world.peers[caller].is_sending);
}

#[test]
fn bad_audio_is_told_after_twenty_seconds_and_a_good_line_never() {
    for (lost_in_ten, expected) in [(0, 0), (3, 1)] {
        let mut world = World::new();
        let caller = world.add(Codec::Pcma, 600, 3);
        bed(&mut world);
        for _ in 0..300u64 {
            world.peers[caller].is_sending = false;
            world.run(20 * lost_in_ten);
            world.peers[caller].is_sending = true;
            world.run(20 * (10 - lost_in_ten));
        }
        let told: Vec<u16> = world
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Poor { mean_opinion, .. } => Some(*mean_opinion),
                _ => None,
            })
            .collect();
        assert_eq!(told.len(), expected, "{told:?}");
        assert!(told.iter().all(|score| *score < 310));
        let statistics = world.close(100);
        assert_eq!(statistics.lost > 800, lost_in_ten > 0);
        assert_eq!(statistics.mean_opinion > 400, lost_in_ten == 0);
        let runs = if lost_in_ten > 0 { 299..=300 } else { 0..=0 };
        assert!(
            runs.contains(&statistics.loss_runs),
            "{}",
            statistics.loss_runs
        );
    }
}

/// A peer that presses keys in its audio for 80 ms each.
fn press_in_band(world: &mut World, peer: usize, event: u8) {
    let mut tone = KeyTone::new(event).unwrap();
    for _ in 0..4 {
        // Its numbers go on with the clock though it speaks no tone of its own.
        world.run(20);
        let peer = &mut world.peers[peer];
        let mut frame = [0; 160];
        tone.fill_alaw(&mut frame);
        let datagram = peer.datagram_of(&frame.map(crate::g711::alaw_decode));
        let (slot, source) = (peer.slot, peer.source);
        world.packet(slot, source, &datagram);
    }
}

#[test]
fn keys_in_the_audio_count_where_that_was_agreed_with_any_codec() {
    for codec in crate::codec::ALL {
        for hears_key_tones in [true, false] {
            let mut world = World::new();
            let source = "198.51.100.10:4000".parse().unwrap();
            let plan = LegPlan {
                hears_key_tones,
                ..plan(codec, source)
            };
            let caller = world.open(plan, source, 600, 3);
            world.run(200);
            world.peers[caller].is_sending = false;
            for event in [1, 1, 11] {
                press_in_band(&mut world, caller, event);
                world.peers[caller].is_sending = true;
                world.run(200);
                world.peers[caller].is_sending = false;
            }
            let expected = if hears_key_tones { "11#" } else { "" };
            assert_eq!(world.digits(100), expected, "{codec:?}");
        }
    }
}

#[test]
fn a_press_as_an_event_and_in_the_audio_is_one() {
    let mut world = World::new();
    let source = "198.51.100.10:4000".parse().unwrap();
    let plan = LegPlan {
        hears_key_tones: true,
        ..plan(Codec::Pcma, source)
    };
    let caller = world.open(plan, source, 600, 3);
    world.run(200);
    for _ in 0..2 {
        world.press(caller, 5);
        world.run(40);
        world.peers[caller].is_sending = false;
        press_in_band(&mut world, caller, 5);
        world.peers[caller].is_sending = true;
        world.run(1_500);
    }
    assert_eq!(world.digits(100), "55");
}
