//! Rule M and broken packets, through the shard.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::world::{World, plan};
use crate::message::{Bed, Codec, Command, Event, LegPlan};
use crate::packet::write_header;
use crate::shard::Input;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A stranger's packet number `count`, loud.
fn loud(count: u16) -> Vec<u8> {
    let mut datagram = Vec::new();
    write_header(
        &mut datagram,
        false,
        8,
        count,
        u32::from(count) * 160,
        0x666,
    );
    datagram.extend_from_slice(&[0x2A; 160]);
    datagram
}

/// Runs a bridged call in which `stranger` sends to the caller's port from the start and the caller begins 400 ms
/// later. Returns what was injected into the counsellor's ear, what bled to the stranger, and how many packets of
/// the caller were heard, of 500.
fn race(
    caller_plan: LegPlan,
    caller_source: SocketAddr,
    stranger: SocketAddr,
) -> (usize, usize, usize) {
    let mut world = World::new();
    let caller = world.open(caller_plan, caller_source, 600, 3);
    let counsellor = world.add(Codec::Pcma, 1_000, 14);
    world.command(Command::Connect { a: 100, b: 101 });
    let slot = world.peers[caller].slot;
    for step in 0..520u16 {
        world.peers[caller].is_sending = step >= 20;
        world.packet(slot, stranger, &loud(step));
        world.run(20);
    }
    let silent = [0xD5; 160];
    let injected = world.peers[counsellor]
        .got
        .iter()
        .filter(|got| got.payload == [0x2A; 160])
        .count();
    let bled = world.peers[caller]
        .got
        .iter()
        .filter(|got| got.target == stranger)
        .count();
    let own = |payload: &[u8]| payload != [0x2A; 160] && payload != silent;
    let heard = world.peers[counsellor]
        .got
        .iter()
        .filter(|got| own(&got.payload))
        .count();
    (injected, bled, heard)
}

#[test]
fn a_stranger_who_is_first_hears_nothing_and_is_not_heard() {
    let caller = address("198.51.100.10:4000");
    for stranger in ["198.51.100.10:9000", "203.0.113.66:4000"] {
        let (injected, bled, heard) = race(plan(Codec::Pcma, caller), caller, address(stranger));
        assert_eq!((injected, bled), (0, 0), "{stranger}");
        assert!(heard >= 475, "{heard} of 500");
    }
}

#[test]
fn a_caller_behind_nat_is_heard_though_a_stranger_is_first() {
    let private = address("192.168.1.7:4000");
    let behind = LegPlan {
        signalling: Some(address("198.51.100.10:1").ip()),
        ..plan(Codec::Pcma, private)
    };
    let (injected, bled, heard) = race(
        behind,
        address("198.51.100.10:33000"),
        address("203.0.113.66:4000"),
    );
    assert_eq!((injected, bled), (0, 0));
    assert!(heard >= 475, "{heard} of 500");
}

#[test]
fn a_flood_of_strangers_is_told_and_costs_nothing() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    world.run(100);
    let slot = world.peers[caller].slot;
    for count in 0..200 {
        world.packet(slot, address("203.0.113.66:4000"), &loud(count));
    }
    assert_eq!(
        world
            .events
            .iter()
            .filter(|event| matches!(event, Event::ForeignFlood { leg: 100 }))
            .count(),
        1
    );
    let statistics = world.close(100);
    assert_eq!((statistics.foreign, statistics.received), (200, 5));
}

/// Whatever else strangers speak is theirs too: counted as foreign, and told when it is very much.
#[test]
fn reports_checks_handshakes_and_rubbish_of_strangers_are_counted_as_theirs() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    world.run(100);
    let (slot, own) = (world.peers[caller].slot, world.peers[caller].source);
    let stranger = address("203.0.113.66:4000");
    let kinds: [&[u8]; 5] = [
        &[0x80, 200, 0, 6],
        &[0, 1, 0, 0],
        &[22, 254, 253],
        &[255; 60],
        &[],
    ];
    for datagram in kinds {
        for _ in 0..11 {
            world.packet(slot, stranger, datagram);
        }
        world.packet(slot, own, datagram);
    }
    let floods = world
        .events
        .iter()
        .filter(|event| matches!(event, Event::ForeignFlood { leg: 100 }))
        .count();
    assert_eq!(floods, 1, "55 within a second");
    let statistics = world.close(100);
    assert_eq!(
        (
            statistics.foreign,
            statistics.malformed,
            statistics.received
        ),
        (55, 5, 5)
    );
}

#[test]
fn broken_and_unagreed_packets_are_counted_and_nothing_else() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    let counsellor = world.add(Codec::Pcma, 1_000, 14);
    world.command(Command::Connect { a: 100, b: 101 });
    world.run(100);
    let (slot, source, ssrc) = (
        world.peers[caller].slot,
        world.peers[caller].source,
        world.peers[caller].ssrc,
    );
    let before = world.peers[counsellor].got.len();
    let packet = |payload_type, sequence, length: usize| {
        let mut datagram = Vec::new();
        write_header(&mut datagram, false, payload_type, sequence, 0, ssrc);
        datagram.resize(12 + length, 0);
        datagram
    };
    let (wrong_format, empty, long) = (
        packet(96, 65_530, 160),
        packet(8, 65_531, 0),
        packet(8, 65_532, 1_400),
    );
    for datagram in [&b""[..], b"\x80", &[0; 400], &wrong_format, &empty, &long] {
        world.packet(slot, source, datagram);
    }
    let comfort = packet(13, 65_533, 1);
    world.packet(slot, source, &comfort);
    assert_eq!(world.peers[counsellor].got.len(), before);
    let statistics = world.close(100);
    assert_eq!((statistics.malformed, statistics.foreign), (6, 0));
}

#[test]
fn reports_from_elsewhere_and_garbage_on_the_control_port_change_nothing() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Music,
    });
    world.run(100);
    let slot = world.peers[caller].slot;
    let goodbye = [0x81, 203, 0, 1, 0, 0, 0xAB, 0xC0];
    let here = address("198.51.100.10:4001");
    world.input(Input::Control {
        slot,
        source: address("203.0.113.66:4001"),
        datagram: &goodbye,
    });
    world.input(Input::Control {
        slot,
        source: here,
        datagram: &[0xFF; 40],
    });
    world.input(Input::Control {
        slot,
        source: here,
        datagram: &goodbye,
    });
    world.run(1_000);
    assert_eq!(world.peers[caller].got.len(), 55, "a goodbye ends nothing");
    let statistics = world.close(100);
    assert_eq!((statistics.malformed, statistics.foreign), (1, 1));
}

#[test]
fn a_slot_is_used_again_without_memory() {
    let mut world = World::new();
    let first = world.add(Codec::Pcma, 600, 3);
    world.run(100);
    world.close(100);
    let second = world.add(Codec::Pcma, 700, 5);
    assert_eq!(world.peers[first].slot, world.peers[second].slot);
    assert_eq!(world.shard.slot(100), None);
    world.run(100);
    assert_eq!(world.shard.legs(), 1);
    world.command(Command::Stop);
    assert_eq!((world.shard.legs(), world.shard.next_deadline()), (0, None));
}

#[test]
fn one_stray_number_does_not_silence_a_caller() {
    for (sequence_step, timestamp_step) in [
        (1_000, 0),
        (200, 0),
        (0u16.wrapping_sub(200), 0),
        (300, 900_000u32),
    ] {
        let mut world = World::new();
        let caller = world.add(Codec::Pcma, 600, 3);
        let counsellor = world.add(Codec::Pcma, 1_000, 14);
        world.command(Command::Connect { a: 100, b: 101 });
        world.run(10_000);
        let (slot, source) = (world.peers[caller].slot, world.peers[caller].source);
        let mut stray = world.peers[caller].frame();
        let sequence = world.peers[caller].sequence.wrapping_add(sequence_step);
        let timestamp = world.peers[caller].timestamp.wrapping_add(timestamp_step);
        stray[2..4].copy_from_slice(&sequence.to_be_bytes());
        stray[4..8].copy_from_slice(&timestamp.to_be_bytes());
        world.packet(slot, source, &stray);
        let before = world.peers[counsellor].got.len();
        world.run(1_000);
        assert_eq!(
            world.peers[counsellor].got.len() - before,
            50,
            "after a step of {sequence_step}"
        );
        let numbers: std::collections::HashSet<u16> = world.peers[counsellor]
            .got
            .iter()
            .map(|got| got.view.sequence)
            .collect();
        assert_eq!(numbers.len(), world.peers[counsellor].got.len());
    }
}

proptest! {
    /// Whatever comes, from whomever, at whatever time: no panic, nothing sent to a stranger, and the caller, who
    /// goes on sending, is still heard.
    #[test]
    fn no_datagram_harms_a_call(
        datagrams in proptest::collection::vec(
            (0u8..4, any::<bool>(), any::<bool>(), proptest::collection::vec((0usize..172, any::<u8>()), 0..6), 0usize..200, 0u64..80),
            1..40,
        ),
    ) {
        let mut world = World::new();
        let caller = world.add(Codec::Pcma, 600, 3);
        let counsellor = world.add(Codec::Pcmu, 1_000, 14);
        world.command(Command::Connect { a: 100, b: 101 });
        world.command(Command::Record { leg: 100, recording: 1 });
        world.run(100);
        let (slot, own) = (world.peers[caller].slot, world.peers[caller].source);
        for (from, is_control, is_own_ssrc, edits, length, wait_ms) in datagrams {
            let source = match from {
                0 => own,
                1 => address("198.51.100.10:9000"),
                2 => address("203.0.113.66:4000"),
                _ => address("[2001:db8::1]:4000"),
            };
            let mut datagram = world.peers[caller].frame();
            if !is_own_ssrc {
                datagram[8] ^= 0x55;
            }
            for (at, value) in edits {
                // The peer itself, with a wrong number, may cost its own packets; another test has that.
                if matches!(at, 2..=7) && from == 0 && is_own_ssrc {
                    continue;
                }
                datagram[at] = value;
            }
            datagram.resize(length, 0);
            if is_control {
                world.input(Input::Control { slot, source, datagram: &datagram });
            } else {
                world.packet(slot, source, &datagram);
            }
            world.run(wait_ms);
        }
        world.run(1_000);
        let before = world.peers[counsellor].got.len();
        world.run(200);
        prop_assert_eq!(world.peers[counsellor].got.len() - before, 10);
        for peer in &world.peers {
            for got in &peer.got {
                prop_assert_eq!(got.target, peer.source);
            }
        }
    }
}

#[test]
fn keys_with_an_ssrc_of_their_own_are_heard_and_the_talk_goes_on_unbroken() {
    let mut world = World::new();
    let caller = world.add(Codec::Pcma, 600, 3);
    let counsellor = world.add(Codec::Pcma, 1_000, 14);
    world.command(Command::Connect { a: 100, b: 101 });
    world.run(200);
    let from = world.peers[counsellor].got.len();
    let audio = world.peers[caller].ssrc;
    for (press, event) in [5, 5, 9].into_iter().enumerate() {
        // Each press begins its numbers anew, as programs do that play keys from a file.
        let (slot, source) = (world.peers[caller].slot, world.peers[caller].source);
        for count in 1..=5u16 {
            let mut datagram = Vec::new();
            let ssrc = 0x5150 + press as u32;
            write_header(&mut datagram, count == 1, 101, count, 160, ssrc);
            let end = if count > 3 { 0x80 } else { 0 };
            let [high, low] = (count.min(3) * 160).to_be_bytes();
            datagram.extend_from_slice(&[event, end, high, low]);
            world.packet(slot, source, &datagram);
            world.run(20);
        }
        world.run(100);
    }
    assert_eq!(world.digits(100), "559");
    assert_eq!(world.peers[caller].ssrc, audio);
    super::world::assert_one_line(&world.peers[counsellor].got[from..]);
    let statistics = world.close(100);
    assert_eq!((statistics.lost, statistics.foreign), (0, 0));
}
