//! How many packets a second one core moves through a shard, without sockets: `cargo run --release --example
//! throughput`.
#![allow(clippy::print_stdout, reason = "it is there to print")]

#[path = "bridges/voice.rs"]
mod voice;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use hotline_media::{
    Bed, Codec, Command, Input, LegPlan, Mono, Output, Shard, ShardConfig, Slot, Sound,
    TICK_MICROSECONDS,
};
use voice::voice;

const CALLS: u64 = 1_000;
const TICKS: u64 = 500;

fn main() {
    use Codec::{G722, Opus, Pcma, Pcmu};
    let plain = bridged("same codec", [Pcma, Pcma], false, CALLS);
    for (what, codecs, is_recorded, calls) in [
        ("A-law to mu-law", [Pcma, Pcmu], false, CALLS),
        ("same codec, callers recorded", [Pcma, Pcma], true, CALLS),
        ("G.722 to G.722", [G722, G722], false, CALLS),
        ("Opus to Opus", [Opus, Opus], false, CALLS),
        ("A-law to G.722", [Pcma, G722], false, 100),
        ("A-law to Opus", [Pcma, Opus], false, 100),
        ("A-law to Opus, callers recorded", [Pcma, Opus], true, 100),
        ("G.722 to Opus", [G722, Opus], false, 100),
    ] {
        let share = bridged(what, codecs, is_recorded, calls);
        println!("    {:.1} times the plain bridge", share / plain);
    }
    for codec in [Pcma, G722, Opus] {
        music(codec);
    }
}

/// Per cent of a core for 100 calls.
fn bridged(what: &str, codecs: [Codec; 2], is_recorded: bool, calls: u64) -> f64 {
    let mut bench = Bench::new();
    for call in 0..calls {
        for (side, codec) in (0..).zip(codecs) {
            bench.open(call * 2 + side, codec);
        }
        bench.command(Command::Connect {
            a: call * 2,
            b: call * 2 + 1,
        });
        if is_recorded {
            bench.command(Command::Record {
                leg: call * 2,
                recording: call,
            });
        }
    }
    let start = Instant::now();
    for tick in 0..TICKS {
        bench.now = Mono(tick * TICK_MICROSECONDS);
        for leg in 0..bench.legs.len() {
            bench.receive(leg, tick);
        }
        bench.tick();
    }
    bench.print(what, "bridged calls", start, calls, 2)
}

fn music(codec: Codec) {
    let mut bench = Bench::new();
    for leg in 0..CALLS {
        bench.open(leg, codec);
        bench.command(Command::Bed {
            leg,
            bed: Bed::Music,
        });
    }
    let start = Instant::now();
    for tick in 0..TICKS {
        bench.now = Mono(tick * TICK_MICROSECONDS);
        bench.tick();
    }
    bench.print(
        &format!("hold music, {codec:?}"),
        "callers",
        start,
        CALLS,
        1,
    );
}

struct Bench {
    shard: Shard,
    out: Output,
    now: Mono,
    legs: Vec<(Slot, SocketAddr, Codec)>,
    /// A second of voice in each codec, encoded beforehand.
    voices: HashMap<u8, Vec<Vec<u8>>>,
    sent: usize,
    datagram: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let music = Sound {
            name: "tone.moh".into(),
            alaw: Arc::from(vec![0x55; 80_000]),
        };
        let config = ShardConfig {
            sounds: Arc::from(vec![music]),
            music: Some(0),
        };
        Bench {
            shard: Shard::new(config, 1),
            out: Output::default(),
            now: Mono(0),
            legs: Vec::new(),
            voices: HashMap::new(),
            sent: 0,
            datagram: Vec::new(),
        }
    }

    fn command(&mut self, command: Command) {
        self.shard
            .handle(self.now, Input::Command(command), &mut self.out);
    }

    fn open(&mut self, leg: u64, codec: Codec) {
        let remote =
            SocketAddr::from(([10, (leg >> 16) as u8, (leg >> 8) as u8, leg as u8], 4_000));
        let payload_type = codec.offered_payload_type();
        let plan = LegPlan {
            event_send: Some(101),
            event_receive: Some(101),
            remote: Some(remote),
            signalling: Some(remote.ip()),
            ..LegPlan::new(codec)
        };
        self.command(Command::Open { leg, port: 0, plan });
        self.voices
            .entry(payload_type)
            .or_insert_with(|| voice(codec));
        self.legs
            .extend(self.shard.slot(leg).map(|slot| (slot, remote, codec)));
    }

    fn receive(&mut self, leg: usize, tick: u64) {
        let (slot, source, codec) = self.legs[leg];
        let payload_type = codec.offered_payload_type();
        let voice = &self.voices[&payload_type];
        let payload = &voice[tick as usize % voice.len()];
        let timestamp = tick as u32 * (codec.clock_hz() / 50);
        self.datagram.clear();
        self.datagram.extend_from_slice(&[0x80, payload_type]);
        self.datagram
            .extend_from_slice(&(tick as u16).to_be_bytes());
        self.datagram.extend_from_slice(&timestamp.to_be_bytes());
        self.datagram.extend_from_slice(&(leg as u32).to_be_bytes());
        self.datagram.extend_from_slice(payload);
        self.shard.handle(
            self.now,
            Input::Packet {
                slot,
                source,
                datagram: &self.datagram,
            },
            &mut self.out,
        );
        self.drain();
    }

    fn tick(&mut self) {
        self.shard.handle(self.now, Input::Tick, &mut self.out);
        self.drain();
        self.out.items.clear();
    }

    fn drain(&mut self) {
        self.sent += self.out.datagrams().count();
        self.out.clear_datagrams();
        self.out.events.clear();
    }

    fn print(&self, what: &str, of: &str, start: Instant, calls: u64, legs: u64) -> f64 {
        let elapsed = start.elapsed();
        let nanoseconds = elapsed.as_nanos() / u128::from(TICKS * calls * legs);
        let share = elapsed.as_secs_f64() / (TICKS as f64 * 0.02) * 100.0;
        let of_hundred = share * 100.0 / calls as f64;
        println!(
            "{what}: {calls} {of}, {} packets sent, {nanoseconds} ns a packet, {of_hundred:.2} % of a core for 100",
            self.sent
        );
        of_hundred
    }
}
