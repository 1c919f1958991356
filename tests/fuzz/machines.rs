//! Bytes of the network into the engines themselves: a media shard with a leg in talk, and the whole switchboard.

use crate::harness::fuzz;
use hotline_media::sdp::{self, Capabilities};
use hotline_media::{Command, Input as MediaInput, Mono, Output, Shard, ShardConfig};
use hotline_switchboard::Input;
use hotline_tests::world::World;
use hotline_tests::world::board::NORTH_IP;
use hotline_tests::world::plan::{AgentSettings, Settings};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

const OFFER: &[u8] = b"v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n\
m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
/// Inputs after which a new world begins: what one leaves behind meets the next ones, but not for ever.
const WORLD_INPUTS: u64 = 400;

const KEYED_OFFER: &[u8] =
    b"v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n\
m=audio 4000 RTP/SAVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n\
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA|2^20|1:4\r\n";

/// A caller's leg and a counsellor's, joined, and one with keys, which nothing of this opens.
fn new_shard() -> (Shard, Output) {
    let sounds = Arc::from(Vec::new());
    let mut shard = Shard::new(
        ShardConfig {
            sounds,
            music: None,
        },
        1,
    );
    let mut out = Output::default();
    let local = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    for (leg, port, offer) in [
        (2, 20_000, OFFER),
        (4, 20_002, OFFER),
        (6, 20_004, KEYED_OFFER),
    ] {
        let random = [7; sdp::RANDOM_BYTES];
        let local = sdp::Local::first((local, port), leg, &random);
        let answer = sdp::answer(offer, &Capabilities::default(), &local);
        let (_, plan) = answer.expect("an offer that can be answered");
        let open = Command::Open { leg, port, plan };
        shard.handle(Mono(0), MediaInput::Command(open), &mut out);
    }
    shard.handle(
        Mono(0),
        MediaInput::Command(Command::Connect { a: 2, b: 4 }),
        &mut out,
    );
    (shard, out)
}

/// RTP, RTCP, STUN, DTLS and nothing of them, from the peer and from a stranger, on both ports.
#[test]
fn media_datagrams() {
    let ((mut shard, mut out), mut number) = (new_shard(), 0_u64);
    let peer: SocketAddr = "10.0.0.2:4000".parse().expect("an address");
    let stranger: SocketAddr = "10.9.9.9:4000".parse().expect("an address");
    fuzz("media", &["\u{80}", "\0\0\0\0"], |bytes| {
        number += 1;
        let now = Mono(number * 1_000);
        let source = if number.is_multiple_of(4) {
            stranger
        } else {
            peer
        };
        let slot = shard
            .slot([2, 4, 6][(number % 3) as usize])
            .expect("an open leg");
        for datagram in [bytes, bytes.get(1..).unwrap_or_default()] {
            shard.handle(
                now,
                MediaInput::Packet {
                    slot,
                    source,
                    datagram,
                },
                &mut out,
            );
            shard.handle(
                now,
                MediaInput::Control {
                    slot,
                    source,
                    datagram,
                },
                &mut out,
            );
        }
        if number.is_multiple_of(20) {
            shard.handle(now, MediaInput::Tick, &mut out);
        }
        out = Output::default();
        assert_eq!(shard.legs(), 3, "no datagram ends a leg");
        u64::from(bytes.first().copied().unwrap_or_default()) << 8
            | u64::from(bytes.get(1).copied().unwrap_or_default() & 0x7f)
    });
}

fn new_world() -> World {
    let settings = Settings {
        agents: vec![AgentSettings::new("lan")],
        ..Settings::default()
    };
    let mut world = World::new(settings, 1);
    // The messages come from nowhere and name addresses of nobody; what the engines say of themselves counts.
    world.watch.waived = (1..=u8::MAX).collect();
    world.start();
    world
}

/// Messages from a trunk and from strangers into the whole machine; calls begin, cross and end in it.
#[test]
fn server_messages() {
    let (mut world, mut number) = (new_world(), 0_u64);
    let trunk = SocketAddr::new(NORTH_IP, 5_060);
    let stranger: SocketAddr = "10.9.9.9:5060".parse().expect("an address");
    fuzz(
        "server",
        &["INVITE", "BYE", ";tag=", "SIP/2.0 200 OK"],
        |bytes| {
            number += 1;
            if number.is_multiple_of(WORLD_INPUTS) {
                world = new_world();
            }
            let source = if number.is_multiple_of(4) {
                stranger
            } else {
                trunk
            };
            world.sniffed = Some(Vec::new());
            world.handle(Input::Sip(hotline_sip::Input::Datagram {
                listener: 0,
                source,
                bytes: bytes.to_vec(),
            }));
            let end_us = world.now_us + 2_000;
            while world.next_at().is_some_and(|at| at <= end_us) {
                world.step();
            }
            world.advance_to(end_us);
            let faults: Vec<&str> = world
                .watch
                .faults
                .iter()
                .map(|fault| fault.text.as_str())
                .collect();
            assert!(faults.is_empty(), "{faults:?}");
            let sent = world.sniffed.take().unwrap_or_default();
            let status = sent
                .first()
                .and_then(|bytes| bytes.get(8..11))
                .unwrap_or_default();
            status
                .iter()
                .fold(sent.len() as u64, |sum, byte| sum * 256 + u64::from(*byte))
        },
    );
}
