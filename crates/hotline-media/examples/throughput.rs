//! How many packets a second one core moves through a shard, without sockets: `cargo run --release --example
//! throughput`.
#![allow(clippy::print_stdout, reason = "it is there to print")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use hotline_media::{
    Bed, Codec, Command, Input, LegPlan, Mono, Output, Shard, ShardConfig, Slot, Sound,
    TICK_MICROSECONDS,
};

const CALLS: u64 = 1_000;
const TICKS: u64 = 500;

fn main() {
    for (what, codecs, is_recorded) in [
        ("same codec", [Codec::Pcma, Codec::Pcma], false),
        ("A-law to mu-law", [Codec::Pcma, Codec::Pcmu], false),
        (
            "same codec, callers recorded",
            [Codec::Pcma, Codec::Pcma],
            true,
        ),
    ] {
        bridged(what, codecs, is_recorded);
    }
    music();
}

fn bridged(what: &str, codecs: [Codec; 2], is_recorded: bool) {
    let mut bench = Bench::new();
    for call in 0..CALLS {
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
    bench.print(what, "bridged calls", start, TICKS * CALLS * 2);
}

fn music() {
    let mut bench = Bench::new();
    for leg in 0..CALLS {
        bench.open(leg, Codec::Pcma);
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
    bench.print("hold music", "callers", start, TICKS * CALLS);
}

struct Bench {
    shard: Shard,
    out: Output,
    now: Mono,
    legs: Vec<(Slot, SocketAddr, u8)>,
    sent: usize,
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
            sent: 0,
        }
    }

    fn command(&mut self, command: Command) {
        self.shard
            .handle(self.now, Input::Command(command), &mut self.out);
    }

    fn open(&mut self, leg: u64, codec: Codec) {
        let remote =
            SocketAddr::from(([10, (leg >> 16) as u8, (leg >> 8) as u8, leg as u8], 4_000));
        let payload_type = if codec == Codec::Pcma { 8 } else { 0 };
        let plan = LegPlan {
            event_send: Some(101),
            event_receive: Some(101),
            remote: Some(remote),
            signalling: Some(remote.ip()),
            ..LegPlan::new(codec)
        };
        self.command(Command::Open { leg, port: 0, plan });
        self.legs.extend(
            self.shard
                .slot(leg)
                .map(|slot| (slot, remote, payload_type)),
        );
    }

    fn receive(&mut self, leg: usize, tick: u64) {
        let (slot, source, payload_type) = self.legs[leg];
        let mut datagram = [0x2A; 172];
        datagram[..2].copy_from_slice(&[0x80, payload_type]);
        datagram[2..4].copy_from_slice(&(tick as u16).to_be_bytes());
        datagram[4..8].copy_from_slice(&((tick * 160) as u32).to_be_bytes());
        datagram[8..12].copy_from_slice(&(leg as u32).to_be_bytes());
        self.shard.handle(
            self.now,
            Input::Packet {
                slot,
                source,
                datagram: &datagram,
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

    fn print(&self, what: &str, of: &str, start: Instant, packets: u64) {
        let elapsed = start.elapsed();
        let nanoseconds = elapsed.as_nanos() / u128::from(packets);
        let share = elapsed.as_secs_f64() / (TICKS as f64 * 0.02) * 100.0;
        println!(
            "{what}: {CALLS} {of}, {} packets sent, {nanoseconds} ns a packet, {share:.1} % of a core",
            self.sent
        );
    }
}
