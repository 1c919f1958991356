//! Peers that speak tones into a shard and keep what they hear.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::codec::{Decoder, Encoder};
use crate::message::{Codec, Command, Event, LegId, LegPlan, Sound};
use crate::output::{Channel, Output, Slot};
use crate::packet::{self, View, write_header};
use crate::protection::Protection;
use crate::resample::{Interpolator, decimate};
use crate::shard::{Input, Shard, ShardConfig};
use crate::srtp::Guard;
use crate::tap::Item;
use crate::time::Mono;
use crate::tone::{Oscillator, RATE};

/// One packet that a peer got.
pub(super) struct Got {
    pub(super) at: Mono,
    pub(super) view: View,
    pub(super) payload: Vec<u8>,
    pub(super) target: SocketAddr,
}

pub(super) struct Peer {
    pub(super) leg: LegId,
    pub(super) slot: Slot,
    pub(super) source: SocketAddr,
    pub(super) codec: Codec,
    pub(super) is_sending: bool,
    pub(super) got: Vec<Got>,
    pub(super) reports: usize,
    phase_ms: u64,
    tone: Oscillator,
    encoder: Encoder,
    /// Has keys when its leg has.
    pub(super) guard: Option<Guard>,
    interpolator: Interpolator,
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
}

pub(super) struct World {
    pub(super) shard: Shard,
    pub(super) now_ms: u64,
    pub(super) peers: Vec<Peer>,
    pub(super) events: Vec<Event>,
    pub(super) items: Vec<Item>,
    out: Output,
}

pub(super) fn plan(codec: Codec, remote: SocketAddr) -> LegPlan {
    LegPlan {
        event_send: Some(101),
        event_receive: Some(101),
        remote: Some(remote),
        signalling: Some(remote.ip()),
        ..LegPlan::new(codec)
    }
}

/// The other end of a plan's keys.
pub(super) fn guard(plan: &LegPlan) -> Option<Guard> {
    match &plan.protection {
        Protection::Sdes { send, receive } => Some(Guard::new(receive, send).unwrap()),
        Protection::Plain | Protection::Browser => None,
    }
}

/// What the peers' own codecs run at.
fn rate(codec: Codec) -> u32 {
    if codec == Codec::G722 { 16_000 } else { 8_000 }
}

fn tone_sound(name: &str, hz: u32, samples: usize) -> Sound {
    let mut alaw = vec![0; samples];
    Oscillator::new(hz, 12, RATE).fill_alaw(&mut alaw);
    Sound {
        name: name.into(),
        alaw: Arc::from(alaw),
    }
}

impl World {
    /// Sounds: 0 = music 350 Hz of 3 s, 1 = prompt 800 Hz of 1.00375 s, 2 = prompt 1,300 Hz of 0.5 s.
    pub(super) fn new() -> Self {
        let sounds: Arc<[Sound]> = Arc::from(vec![
            tone_sound("tone.moh", 350, 24_000),
            tone_sound("vi/one", 800, 8_030),
            tone_sound("vi/two", 1_300, 4_000),
        ]);
        World {
            shard: Shard::new(
                ShardConfig {
                    sounds,
                    music: None,
                },
                7,
            ),
            now_ms: 1_000,
            peers: Vec::new(),
            events: Vec::new(),
            items: Vec::new(),
            out: Output::default(),
        }
    }

    /// A leg with a peer that speaks `hz` at -12 dB at its phase of each 20 ms; its index.
    pub(super) fn add(&mut self, codec: Codec, hz: u32, phase_ms: u64) -> usize {
        let host = 10 + self.peers.len() as u8;
        let source = SocketAddr::from(([198, 51, 100, host], 4_000));
        self.open(plan(codec, source), source, hz, phase_ms)
    }

    pub(super) fn open(
        &mut self,
        plan: LegPlan,
        source: SocketAddr,
        hz: u32,
        phase_ms: u64,
    ) -> usize {
        let index = self.peers.len();
        let leg = 100 + index as LegId;
        let codec = plan.codec;
        let guard = guard(&plan);
        self.command(Command::Open {
            leg,
            port: 20_000,
            plan,
        });
        self.peers.push(Peer {
            leg,
            slot: self.shard.slot(leg).unwrap(),
            source,
            codec,
            is_sending: true,
            got: Vec::new(),
            reports: 0,
            phase_ms,
            guard,
            tone: Oscillator::new(hz, 12, rate(codec)),
            encoder: Encoder::new(codec, rate(codec)).unwrap(),
            interpolator: Interpolator::new(2),
            ssrc: 0xABC0 + index as u32,
            sequence: 65_500,
            timestamp: u32::MAX - 8_000,
        });
        index
    }

    pub(super) fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    pub(super) fn packet(&mut self, slot: Slot, source: SocketAddr, datagram: &[u8]) {
        self.input(Input::Packet {
            slot,
            source,
            datagram,
        });
    }

    pub(super) fn input(&mut self, input: Input<'_>) {
        let now = Mono(self.now_ms * 1_000);
        self.shard.handle(now, input, &mut self.out);
        for (packet, bytes) in self.out.datagrams() {
            let Some(peer) = self
                .peers
                .iter_mut()
                .rev()
                .find(|peer| peer.slot == packet.slot)
            else {
                continue;
            };
            match packet.channel {
                Channel::Control => {
                    let is_whole = match &mut peer.guard {
                        // Who has not sent audio yet is not known by his reports.
                        Some(guard) => peer.got.is_empty() || guard.open_control(bytes).is_some(),
                        None => true,
                    };
                    assert!(is_whole, "a report that its peer cannot read");
                    peer.reports += 1;
                }
                Channel::Media => {
                    let opened = peer.guard.as_mut().map(|guard| guard.open(bytes).unwrap());
                    let bytes = opened.as_deref().unwrap_or(bytes);
                    let view = packet::read(bytes).unwrap();
                    let payload = bytes[view.payload.clone()].to_vec();
                    peer.got.push(Got {
                        at: now,
                        view,
                        payload,
                        target: packet.target,
                    });
                }
            }
        }
        self.out.clear_datagrams();
        self.events.append(&mut self.out.events);
        self.items.append(&mut self.out.items);
    }

    /// Lets time pass: peers send each 20 ms at their phase, the shard ticks each 20 ms.
    pub(super) fn run(&mut self, length_ms: u64) {
        for _ in 0..length_ms {
            self.now_ms += 1;
            for index in 0..self.peers.len() {
                if self.now_ms % 20 == self.peers[index].phase_ms {
                    self.speak(index);
                }
            }
            if self.now_ms.is_multiple_of(20) {
                self.input(Input::Tick);
            }
        }
    }

    fn speak(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        peer.sequence = peer.sequence.wrapping_add(1);
        peer.timestamp = peer.timestamp.wrapping_add(peer.codec.clock().frame());
        if peer.is_sending && self.shard.slot(peer.leg).is_some() {
            let datagram = peer.frame();
            let datagram = peer.sealed(datagram);
            let (slot, source) = (peer.slot, peer.source);
            self.packet(slot, source, &datagram);
        }
    }

    /// A press of a key: five packets, each doubled.
    pub(super) fn press(&mut self, index: usize, event: u8) {
        let peer = &self.peers[index];
        let (slot, source, ssrc, timestamp) = (
            peer.slot,
            peer.source,
            peer.ssrc,
            peer.timestamp.wrapping_add(160),
        );
        for count in 1..=5u16 {
            let peer = &mut self.peers[index];
            peer.sequence = peer.sequence.wrapping_add(1);
            let mut datagram = Vec::new();
            write_header(
                &mut datagram,
                count == 1,
                101,
                peer.sequence,
                timestamp,
                ssrc,
            );
            let end = if count > 3 { 0x80 } else { 0 };
            let [high, low] = (count.min(3) * 160).to_be_bytes();
            datagram.extend_from_slice(&[event, end, high, low]);
            let datagram = self.peers[index].sealed(datagram);
            self.packet(slot, source, &datagram);
            self.packet(slot, source, &datagram);
        }
    }

    /// The linear audio at 8 kHz that a peer got since packet `from`.
    pub(super) fn heard(&self, index: usize, from: usize) -> Vec<i16> {
        let peer = &self.peers[index];
        let audio = peer.got[from..]
            .iter()
            .filter(|got| got.view.payload_type != 101);
        let mut decoder = Decoder::new(peer.codec, rate(peer.codec)).unwrap();
        let mut heard = Vec::new();
        for got in audio {
            let mut samples = [0; 960];
            let length = decoder.decode(&got.payload, &mut samples).unwrap();
            heard.extend_from_slice(&samples[..length]);
        }
        match decoder.rate_hz() {
            16_000 => decimate(&heard, 2),
            _ => heard,
        }
    }

    pub(super) fn digits(&self, leg: LegId) -> String {
        let digit = |event: &Event| match event {
            Event::Digit { leg: from, digit } if *from == leg => Some(*digit),
            _ => None,
        };
        self.events.iter().filter_map(digit).collect()
    }

    /// Closes a leg and gives its counters.
    pub(super) fn close(&mut self, leg: LegId) -> crate::LegStatistics {
        self.command(Command::Close { leg });
        let Some(Event::Closed { statistics, .. }) = self.events.last() else {
            panic!("no close")
        };
        *statistics
    }
}

impl Peer {
    /// As it goes over the wire.
    pub(super) fn sealed(&mut self, datagram: Vec<u8>) -> Vec<u8> {
        match &mut self.guard {
            Some(guard) => guard
                .seal(|out| out.extend_from_slice(&datagram))
                .unwrap()
                .to_vec(),
            None => datagram,
        }
    }

    /// The next audio datagram, of its own tone.
    pub(super) fn frame(&mut self) -> Vec<u8> {
        let samples: Vec<i16> = (0..self.encoder.rate_hz() / 50)
            .map(|_| self.tone.sample())
            .collect();
        self.coded(&samples)
    }

    /// The next audio datagram, of 20 ms at 8 kHz.
    pub(super) fn datagram_of(&mut self, narrow: &[i16]) -> Vec<u8> {
        let mut samples = Vec::new();
        match self.encoder.rate_hz() {
            16_000 => self.interpolator.run(narrow, &mut samples),
            _ => samples.extend_from_slice(narrow),
        }
        self.coded(&samples)
    }

    fn coded(&mut self, samples: &[i16]) -> Vec<u8> {
        let mut datagram = Vec::new();
        write_header(
            &mut datagram,
            false,
            self.codec.offered_payload_type(),
            self.sequence,
            self.timestamp,
            self.ssrc,
        );
        self.encoder.encode(samples, &mut datagram).unwrap();
        datagram
    }
}

/// Asserts one unbroken line: one SSRC, sequence +1, timestamp and arrival in step, no gap over 40 ms.
pub(super) fn assert_one_line(got: &[Got]) {
    for pair in got.windows(2) {
        let (one, next) = (&pair[0], &pair[1]);
        let at_ms = next.at.0 / 1_000;
        assert!(next.at.0 - one.at.0 <= 40_000, "gap at {at_ms} ms");
        assert_eq!(next.view.ssrc, one.view.ssrc);
        assert_eq!(
            next.view.sequence,
            one.view.sequence.wrapping_add(1),
            "at {at_ms} ms"
        );
        let step = next.view.timestamp.wrapping_sub(one.view.timestamp);
        assert!(
            (160..=360).contains(&step),
            "timestamp steps {step} at {at_ms} ms"
        );
    }
}
