//! Peers that want packets of another length than 20 ms: measured in what they get.

use std::net::SocketAddr;

use super::world::{World, plan};
use crate::analysis::tone_level_db;
use crate::codec::ALL;
use crate::message::{Bed, Codec, Command, LegPlan};

const STEPS_MS: [u8; 5] = [10, 20, 30, 40, 60];

/// A leg at its own address whose peer has this wish.
fn open(world: &mut World, codec: Codec, packet_ms: Option<u8>, hz: u32, phase_ms: u64) -> usize {
    let host = 10 + world.peers.len() as u8;
    let source = SocketAddr::from(([198, 51, 100, host], 4_000));
    let plan = LegPlan {
        packet_ms,
        ..plan(codec, source)
    };
    world.open(plan, source, hz, phase_ms)
}

/// Every packet from `from` on covers this much, and the line is unbroken.
fn assert_packets(world: &World, peer: usize, from: usize, packet_ms: u8, what: &str) {
    let peer = &world.peers[peer];
    let units = u32::from(packet_ms) * peer.codec.clock().units_a_ms;
    let got = &peer.got[from..];
    for pair in got.windows(2) {
        let (one, next) = (&pair[0], &pair[1]);
        assert_eq!(peer.codec.payload_units(&one.payload), units, "{what}");
        if peer.codec != Codec::Opus {
            assert_eq!(one.payload.len(), usize::from(packet_ms) * 8, "{what}");
        }
        let step = next.view.timestamp.wrapping_sub(one.view.timestamp);
        assert_eq!(step, units, "{what}");
        let count = next.view.sequence.wrapping_sub(one.view.sequence);
        assert_eq!(count, 1, "{what}");
    }
}

fn assert_tone(samples: &[i16], own: u32, other: u32, what: &str) {
    let level = tone_level_db(samples, 8_000, own);
    assert!(
        (level + 12.0).abs() <= 3.0,
        "{what}: {own} Hz at {level} dB"
    );
    let below = level - tone_level_db(samples, 8_000, other);
    assert!(below >= 40.0, "{what}: {other} Hz only {below} dB below");
}

#[test]
fn music_comes_in_the_wanted_length_with_every_codec() {
    for codec in ALL {
        for packet_ms in STEPS_MS {
            let what = format!("{codec:?} in {packet_ms} ms");
            let mut world = World::new();
            let peer = open(&mut world, codec, Some(packet_ms), 600, 3);
            let bed = Bed::Music;
            world.command(Command::Bed { leg: 100, bed });
            world.run(2_400);
            let count = world.peers[peer].got.len();
            let expected = 2_400 / usize::from(packet_ms);
            assert!(count.abs_diff(expected) <= 1, "{what}: {count} packets");
            assert_packets(&world, peer, 0, packet_ms, &what);
            assert_tone(&world.heard(peer, 0)[1_600..], 350, 600, &what);
        }
    }
}

#[test]
fn a_partner_is_heard_in_the_wanted_length_with_every_codec() {
    for codec in ALL {
        for packet_ms in STEPS_MS {
            let what = format!("A-law to {codec:?} in {packet_ms} ms");
            let mut world = World::new();
            let caller = open(&mut world, Codec::Pcma, Some(20), 600, 3);
            let counsellor = open(&mut world, codec, Some(packet_ms), 1_000, 14);
            world.run(100);
            world.command(Command::Connect { a: 100, b: 101 });
            world.run(2_400);
            assert_packets(&world, counsellor, 0, packet_ms, &what);
            assert_tone(&world.heard(counsellor, 0)[3_200..], 600, 1_000, &what);
            assert_packets(&world, caller, 0, 20, &what);
            assert_tone(&world.heard(caller, 0)[3_200..], 1_000, 600, &what);
        }
    }
}

/// The partner's own packets are of another length: both of 30 ms go through as they are, and to a peer that wants
/// 20 ms they are cut.
#[test]
fn packets_of_30_ms_are_passed_on_or_cut() {
    for (wish, expected_ms) in [(None, 30), (Some(30), 30), (Some(20), 20), (Some(60), 60)] {
        let what = format!("30 ms to a peer that wants {wish:?}");
        let mut world = World::new();
        let caller = open(&mut world, Codec::Pcma, None, 600, 3);
        let counsellor = open(&mut world, Codec::Pcma, wish, 1_000, 14);
        world.peers[caller].is_sending = false;
        world.run(100);
        world.command(Command::Connect { a: 100, b: 101 });
        let mut sent = Vec::new();
        for _ in 0..40 {
            let peer = &mut world.peers[caller];
            let mut datagram = peer.frame();
            let half = peer.frame();
            datagram.extend_from_slice(&half[12..12 + 80]);
            sent.extend_from_slice(&datagram[12..]);
            let (slot, source) = (peer.slot, peer.source);
            let (sequence, timestamp) = (peer.sequence, peer.timestamp);
            world.packet(slot, source, &datagram);
            world.run(30);
            // The clock of the world counts in 20 ms.
            let peer = &mut world.peers[caller];
            peer.sequence = sequence.wrapping_add(1);
            peer.timestamp = timestamp.wrapping_add(240);
        }
        let first = world.peers[counsellor]
            .got
            .iter()
            .position(|got| sent.starts_with(&got.payload))
            .expect("the first packet");
        assert_packets(&world, counsellor, first, expected_ms, &what);
        let heard: Vec<u8> = world.peers[counsellor].got[first..]
            .iter()
            .flat_map(|got| got.payload.clone())
            .collect();
        assert!(heard.len() + 480 >= sent.len(), "{what}: {}", heard.len());
        assert_eq!(heard, sent[..heard.len()], "{what}");
    }
}

#[test]
fn a_key_between_packets_has_its_place() {
    let mut world = World::new();
    let peer = open(&mut world, Codec::Pcma, Some(60), 600, 3);
    let bed = Bed::Music;
    world.command(Command::Bed { leg: 100, bed });
    world.run(500);
    world.command(Command::Digit {
        leg: 100,
        digit: '5',
        length_ms: 100,
    });
    world.run(1_000);
    let got = &world.peers[peer].got;
    let keys = got.iter().filter(|got| got.view.payload_type == 101);
    assert!(keys.count() >= 5);
    for pair in got.windows(2) {
        let (one, next) = (&pair[0].view, &pair[1].view);
        assert_eq!(next.sequence, one.sequence.wrapping_add(1));
        let step = next.timestamp.wrapping_sub(one.timestamp) as i32;
        assert!(step >= 0, "the clock goes back by {step}");
    }
}

#[test]
fn a_wish_can_change_in_the_call() {
    let mut world = World::new();
    let peer = open(&mut world, Codec::Pcma, Some(40), 600, 3);
    let bed = Bed::Music;
    world.command(Command::Bed { leg: 100, bed });
    world.run(1_000);
    let mut changes = vec![world.peers[peer].got.len()];
    for wish in [Some(20), Some(60), None] {
        let source = world.peers[peer].source;
        world.command(Command::Replan {
            leg: 100,
            plan: LegPlan {
                packet_ms: wish,
                ..plan(Codec::Pcma, source)
            },
        });
        world.run(1_000);
        changes.push(world.peers[peer].got.len());
    }
    let expected = [25, 50, 16, 50];
    let mut before = 0;
    for (change, expected) in changes.iter().zip(expected) {
        assert!((change - before).abs_diff(expected) <= 2, "{changes:?}");
        before = *change;
    }
    for pair in world.peers[peer].got.windows(2) {
        let (one, next) = (&pair[0].view, &pair[1].view);
        assert_eq!(next.sequence, one.sequence.wrapping_add(1));
    }
}
