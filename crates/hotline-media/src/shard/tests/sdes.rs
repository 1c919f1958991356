//! Legs with keys, through the shard: bridged with plain ones, attacked, moved and keyed anew.

use std::net::SocketAddr;

use super::world::{World, guard, plan};
use crate::message::{Bed, Codec, Command, Event, LegPlan};
use crate::packet::write_header;
use crate::protection::{MasterKey, Protection, Suite};
use crate::srtp::Guard;

fn key(suite: Suite, from: u8) -> MasterKey {
    let bytes: Vec<u8> = (from..from + 46).collect();
    MasterKey::new(suite, &bytes).unwrap()
}

fn keyed(suite: Suite, source: SocketAddr) -> LegPlan {
    LegPlan {
        protection: Protection::Sdes {
            send: key(suite, 1),
            receive: key(suite, 101),
        },
        ..plan(Codec::Pcma, source)
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const PHONE: &str = "198.51.100.10:4000";
const SUITE: Suite = Suite::AesCm128HmacSha1_80;

fn loud(sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut datagram = Vec::new();
    write_header(
        &mut datagram,
        false,
        8,
        sequence,
        u32::from(sequence) * 160,
        ssrc,
    );
    datagram.extend_from_slice(&[0x2A; 160]);
    datagram
}

/// The phone with keys is 0, a plain one is 1.
fn bridged(suite: Suite) -> World {
    let mut world = World::new();
    world.open(keyed(suite, address(PHONE)), address(PHONE), 600, 3);
    world.add(Codec::Pcma, 1_000, 14);
    world.command(Command::Connect { a: 100, b: 101 });
    world
}

#[test]
fn a_leg_with_keys_and_a_plain_one_hear_each_other_untouched() {
    for suite in [
        SUITE,
        Suite::AesCm256HmacSha1_80,
        Suite::AeadAes128Gcm,
        Suite::AesCm128HmacSha1_32,
    ] {
        let mut world = bridged(suite);
        world.run(6_000);
        for peer in &world.peers {
            let audio = peer
                .got
                .iter()
                .filter(|got| got.view.payload_type == 8)
                .count();
            assert!(audio >= 290, "{suite:?}: {audio} of 300");
            assert!(peer.reports >= 1);
        }
        world.press(0, 5);
        world.run(100);
        let digit = Event::Digit {
            leg: 100,
            digit: '5',
        };
        assert_eq!(
            world.events.iter().filter(|event| **event == digit).count(),
            1
        );
        let plain = world
            .events
            .iter()
            .any(|event| matches!(event, Event::ForeignFlood { .. }));
        assert!(!plain);
    }
}

#[test]
fn prompts_and_keys_of_ours_are_sealed_too() {
    let mut world = bridged(SUITE);
    world.command(Command::Disconnect { leg: 100 });
    world.command(Command::Bed {
        leg: 100,
        bed: Bed::Music,
    });
    world.run(500);
    world.command(Command::Digit {
        leg: 100,
        digit: '7',
        length_ms: 100,
    });
    // The world opens what comes to the phone, and would fail on a plain packet.
    world.run(500);
    assert!(world.peers[0].got.len() >= 45);
    assert!(
        world.peers[0]
            .got
            .iter()
            .any(|got| got.view.payload_type == 101)
    );
}

/// Strangers with a wrong key, with none, with the phone's SSRC, from its own address and from others, and with
/// packets that they have copied, from before the phone's first word on.
#[test]
fn strangers_hear_nothing_and_are_not_heard_whatever_they_send() {
    let mut world = bridged(SUITE);
    let slot = world.peers[0].slot;
    let mut wrong = Guard::new(&key(SUITE, 77), &key(SUITE, 77)).unwrap();
    let strangers = ["198.51.100.10:9000", PHONE, "203.0.113.66:4000"].map(address);
    let mut copied: Vec<Vec<u8>> = Vec::new();
    let mut copier = guard(&keyed(SUITE, address(PHONE))).unwrap();
    copied.push(
        copier
            .seal(|out| out.extend_from_slice(&loud(1, 0x999)))
            .unwrap()
            .to_vec(),
    );
    for step in 0..520_u16 {
        world.peers[0].is_sending = step >= 20;
        for source in strangers {
            world.packet(slot, source, &loud(step, 0xABC0));
            let sealed = wrong
                .seal(|out| out.extend_from_slice(&loud(step, 0xABC0)))
                .unwrap();
            world.packet(slot, source, &sealed);
            world.packet(slot, source, &[0x80, 0xC8, 0, 6]);
        }
        world.run(20);
    }
    let injected = world.peers[1]
        .got
        .iter()
        .filter(|got| got.payload == [0x2A; 160])
        .count();
    assert_eq!(injected, 0);
    let bled = world.peers[0]
        .got
        .iter()
        .filter(|got| got.target != address(PHONE))
        .count();
    assert_eq!(bled, 0);
    let silent = [0xD5; 160];
    let heard = world.peers[1]
        .got
        .iter()
        .filter(|got| got.payload != silent)
        .count();
    assert!(heard >= 475, "{heard} of 500");
    let statistics = world
        .events
        .iter()
        .rev()
        .find_map(|event| match event {
            Event::Statistics {
                leg: 100,
                statistics,
            } => Some(*statistics),
            _ => None,
        })
        .unwrap();
    assert!(statistics.unauthentic > 1_000, "{statistics:?}");
}

/// A NAT gives the phone another port in mid-call: its keys prove it, and its audio follows within a second. Who
/// sends copies of its packets from elsewhere meanwhile gets nothing.
#[test]
fn a_phone_that_moves_is_followed_by_its_keys_alone() {
    let mut world = bridged(SUITE);
    world.run(1_000);
    let (moved, thief) = (address("198.51.100.99:6000"), address("203.0.113.66:4000"));
    world.peers[0].source = moved;
    let from = world.peers[0].got.len();
    world.run(1_000);
    let late = world.peers[0].got[from..]
        .iter()
        .filter(|got| got.target == address(PHONE))
        .count();
    assert!(late <= 12, "{late} packets to the old address");
    assert!(world.peers[0].got.last().unwrap().target == moved);
    for _ in 0..50 {
        let peer = &mut world.peers[0];
        peer.is_sending = false;
        peer.sequence = peer.sequence.wrapping_add(1);
        let datagram = loud(peer.sequence, peer.ssrc);
        let datagram = peer.sealed(datagram);
        let slot = peer.slot;
        world.packet(slot, moved, &datagram);
        world.packet(slot, thief, &datagram);
        world.run(20);
    }
    assert!(world.peers[0].got.iter().all(|got| got.target != thief));
}

#[test]
fn a_new_offer_with_the_same_keys_goes_on_and_with_new_ones_begins_anew() {
    let mut world = bridged(SUITE);
    world.run(500);
    let same = keyed(SUITE, address(PHONE));
    world.command(Command::Replan {
        leg: 100,
        plan: same.clone(),
    });
    // The peer has kept its state, as libsrtp does: the world's guard would not open a second beginning.
    world.run(500);
    let from = world.peers[1].got.len();
    let Protection::Sdes { send, .. } = same.protection.clone() else {
        panic!("keyed");
    };
    let renewed = LegPlan {
        protection: Protection::Sdes {
            send,
            receive: key(SUITE, 55),
        },
        ..same
    };
    world.command(Command::Replan {
        leg: 100,
        plan: renewed.clone(),
    });
    let mut theirs = guard(&renewed).unwrap();
    std::mem::swap(world.peers[0].guard.as_mut().unwrap(), &mut theirs);
    world.run(500);
    let heard = world.peers[1].got[from..]
        .iter()
        .filter(|got| got.payload != [0xD5; 160])
        .count();
    assert!(heard >= 23, "{heard} of 25");
}

/// Reports find their way: where the description says, on the audio's port, or on the next.
#[test]
fn reports_go_where_the_description_says() {
    use crate::message::ControlPath;
    use crate::output::Channel;
    use crate::shard::{Input, Shard, ShardConfig};
    use crate::{Mono, Output, TICK_MICROSECONDS};

    for (control, channel, target) in [
        (ControlPath::Next, Channel::Control, "198.51.100.10:4001"),
        (
            ControlPath::At(address("198.51.100.10:5555")),
            Channel::Control,
            "198.51.100.10:5555",
        ),
        (ControlPath::Muxed, Channel::Media, PHONE),
    ] {
        let sounds = std::sync::Arc::from(Vec::new());
        let mut shard = Shard::new(
            ShardConfig {
                sounds,
                music: None,
            },
            7,
        );
        let mut out = Output::default();
        let plan = LegPlan {
            control,
            ..plan(Codec::Pcma, address(PHONE))
        };
        shard.handle(
            Mono(0),
            Input::Command(Command::Open {
                leg: 1,
                port: 20_000,
                plan,
            }),
            &mut out,
        );
        for tick in 1..600 {
            shard.handle(Mono(tick * TICK_MICROSECONDS), Input::Tick, &mut out);
        }
        let reports: Vec<_> = out
            .datagrams()
            .map(|(packet, _)| (packet.channel, packet.target))
            .collect();
        assert!(!reports.is_empty());
        assert!(
            reports
                .iter()
                .all(|report| *report == (channel, address(target))),
            "{reports:?}"
        );
    }
}
