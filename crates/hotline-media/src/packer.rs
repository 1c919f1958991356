//! Packets as long as a peer wants them, out of frames of 20 ms and of packets of any length.

use crate::line::Numbers;
use crate::message::Codec;
use crate::mouth::Said;
use crate::time::Mono;

/// Stands behind the line of a leg whose packets have another length than what is put on the line.
///
/// Sound keeps its place on the line's clock; only the sequence numbers are counted anew. A hole in what is put is a
/// hole in what comes out. Nothing is allocated after the first packet.
#[derive(Debug)]
pub(crate) struct Packer {
    codec: Codec,
    /// None: as long as they come.
    packet_ms: Option<u8>,
    /// Of the last packet that came out.
    sequence: u16,
    ssrc: u32,
    before: Option<Before>,
    held: Held,
    joiner: Option<Joiner>,
}

/// What was put last.
#[derive(Clone, Copy, Debug)]
struct Before {
    at: Mono,
    sequence: u16,
    /// Where it ends on the line's clock.
    end: u32,
}

/// Less than a packet.
#[derive(Debug)]
struct Held {
    marker: bool,
    timestamp: u32,
    units: u32,
    bytes: Vec<u8>,
    /// Where each piece ends; only Opus needs to know.
    ends: [usize; PIECES_MAX],
    pieces: usize,
}

impl Packer {
    /// Its first packet gets the number of `first`.
    pub(crate) fn new(codec: Codec, packet_ms: Option<u8>, first: Numbers) -> Self {
        Packer {
            codec,
            packet_ms,
            sequence: first.sequence.wrapping_sub(1),
            ssrc: first.ssrc,
            before: None,
            held: Held {
                marker: false,
                timestamp: 0,
                units: 0,
                bytes: Vec::with_capacity(JOINED_BYTES_MAX),
                ends: [0; PIECES_MAX],
                pieces: 0,
            },
            joiner: None,
        }
    }

    /// From now on so; what is held is forgotten.
    pub(crate) fn set(&mut self, codec: Codec, packet_ms: Option<u8>) {
        if (self.codec, self.packet_ms) != (codec, packet_ms) {
            self.codec = codec;
            self.packet_ms = packet_ms;
            self.before = None;
            self.held.clear();
        }
    }

    /// The number for a packet that is no audio, behind what is held.
    pub(crate) fn interrupt(&mut self, emit: &mut impl FnMut(Numbers, &[u8])) -> u16 {
        self.flush(emit);
        // The line counts it too; that is no hole.
        self.before = None;
        self.next_sequence()
    }

    /// Takes what a frame has become.
    pub(crate) fn put_all(
        &mut self,
        now: Mono,
        mut numbers: Numbers,
        said: Said<'_>,
        emit: &mut impl FnMut(Numbers, &[u8]),
    ) {
        for piece in said.pieces() {
            self.put(now, numbers, piece, emit);
            numbers.marker = false;
            numbers.timestamp = numbers
                .timestamp
                .wrapping_add(self.codec.payload_units(piece));
        }
    }

    /// Takes a piece that stands at `numbers` on the line, and gives out what has become full.
    pub(crate) fn put(
        &mut self,
        now: Mono,
        numbers: Numbers,
        payload: &[u8],
        emit: &mut impl FnMut(Numbers, &[u8]),
    ) {
        let units = self.codec.payload_units(payload);
        if let Some(before) = self.before {
            let step = numbers.timestamp.wrapping_sub(before.end) as i32;
            if step < 0 {
                // Late: its place has gone out.
                return;
            }
            if step > 0 {
                self.flush(emit);
            }
            let is_lost = numbers.sequence.wrapping_sub(before.sequence) as i16 > 1;
            if is_lost && step > 0 {
                // The peer conceals a hole better than a jump of the clock.
                self.sequence = self.sequence.wrapping_add(1);
            }
        }
        self.before = Some(Before {
            at: now,
            sequence: numbers.sequence,
            end: numbers.timestamp.wrapping_add(units),
        });
        let Some(wanted) = self.wanted_units() else {
            return self.give(numbers.marker, numbers.timestamp, payload, emit);
        };
        match self.codec {
            Codec::Opus => self.put_whole(wanted, units, numbers, payload, emit),
            Codec::Pcma | Codec::Pcmu | Codec::G722 => self.cut(wanted, numbers, payload, emit),
        }
    }

    /// Gives out what is held, as a shorter packet.
    fn flush(&mut self, emit: &mut impl FnMut(Numbers, &[u8])) {
        let held = &self.held;
        if held.pieces == 0 {
            return;
        }
        let is_joined = match self.codec {
            Codec::Opus if held.pieces > 1 => self
                .joiner
                .get_or_insert_with(Joiner::new)
                .join(&self.held.bytes, &self.held.ends[..self.held.pieces]),
            Codec::Opus | Codec::Pcma | Codec::Pcmu | Codec::G722 => None,
        };
        let mut numbers = Numbers {
            marker: self.held.marker,
            sequence: self.sequence,
            timestamp: self.held.timestamp,
            ssrc: self.ssrc,
        };
        let mut send = |payload: &[u8]| {
            numbers.sequence = numbers.sequence.wrapping_add(1);
            emit(numbers, payload);
            numbers.marker = false;
            numbers.timestamp = numbers
                .timestamp
                .wrapping_add(self.codec.payload_units(payload));
        };
        match (self.codec, is_joined) {
            (_, Some(joined)) => send(joined),
            // Frames of two modes do not go into one packet (RFC 6716 §3.2).
            (Codec::Opus, None) => self.held.each(send),
            (Codec::Pcma | Codec::Pcmu | Codec::G722, None) => send(&self.held.bytes),
        }
        self.sequence = numbers.sequence;
        self.held.clear();
    }

    /// Gives out what is held when nothing has followed it for a while: the end of a prompt is heard.
    pub(crate) fn flush_stale(&mut self, now: Mono, emit: &mut impl FnMut(Numbers, &[u8])) {
        let is_stale = self
            .before
            .is_some_and(|before| now.0.saturating_sub(before.at.0) >= STALE_MICROSECONDS);
        if is_stale {
            self.flush(emit);
        }
    }

    fn wanted_units(&self) -> Option<u32> {
        let units_a_ms = self.codec.clock().units_a_ms;
        self.packet_ms
            .map(|packet_ms| u32::from(packet_ms) * units_a_ms)
    }

    /// One byte is one unit: any length can be cut and joined.
    fn cut(
        &mut self,
        wanted: u32,
        numbers: Numbers,
        payload: &[u8],
        emit: &mut impl FnMut(Numbers, &[u8]),
    ) {
        let (mut marker, mut timestamp, mut rest) = (numbers.marker, numbers.timestamp, payload);
        while !rest.is_empty() {
            let room = (wanted.saturating_sub(self.held.units)).max(1) as usize;
            let (piece, after) = rest.split_at(room.min(rest.len()));
            let units = piece.len() as u32;
            if self.held.pieces == 0 && units == wanted {
                self.give(marker, timestamp, piece, emit);
            } else {
                self.held.push(marker, timestamp, units, piece);
                if self.held.units >= wanted {
                    self.flush(emit);
                }
            }
            (marker, rest) = (false, after);
            timestamp = timestamp.wrapping_add(units);
        }
    }

    /// A packet of Opus is not cut: its frames may be longer than what is wanted, and then they go as they are.
    fn put_whole(
        &mut self,
        wanted: u32,
        units: u32,
        numbers: Numbers,
        payload: &[u8],
        emit: &mut impl FnMut(Numbers, &[u8]),
    ) {
        let is_full = self.held.units + units > wanted
            || self.held.bytes.len() + payload.len() > JOINED_BYTES_MAX
            || self.held.pieces == PIECES_MAX;
        if is_full {
            self.flush(emit);
        }
        if units >= wanted || payload.len() > JOINED_BYTES_MAX {
            return self.give(numbers.marker, numbers.timestamp, payload, emit);
        }
        self.held
            .push(numbers.marker, numbers.timestamp, units, payload);
        if self.held.units == wanted {
            self.flush(emit);
        }
    }

    fn next_sequence(&mut self) -> u16 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    fn give(
        &mut self,
        marker: bool,
        timestamp: u32,
        payload: &[u8],
        emit: &mut impl FnMut(Numbers, &[u8]),
    ) {
        let sequence = self.next_sequence();
        let ssrc = self.ssrc;
        emit(
            Numbers {
                marker,
                sequence,
                timestamp,
                ssrc,
            },
            payload,
        );
    }
}

impl Held {
    fn push(&mut self, marker: bool, timestamp: u32, units: u32, piece: &[u8]) {
        if self.pieces == 0 {
            self.marker = marker;
            self.timestamp = timestamp;
        }
        self.bytes.extend_from_slice(piece);
        self.units += units;
        // Of the laws and G.722 there can be many small pieces; nobody asks where they end.
        self.pieces = (self.pieces + 1).min(PIECES_MAX);
        self.ends[self.pieces - 1] = self.bytes.len();
    }

    fn each(&self, mut send: impl FnMut(&[u8])) {
        let mut start = 0;
        for end in &self.ends[..self.pieces] {
            send(&self.bytes[start..*end]);
            start = *end;
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.units = 0;
        self.pieces = 0;
    }
}

/// Puts the frames of several packets of Opus into one (RFC 6716 §3.2).
#[derive(Debug)]
struct Joiner {
    engine: Option<opus::Repacketizer>,
    joined: Vec<u8>,
}

impl Joiner {
    fn new() -> Self {
        Joiner {
            engine: opus::Repacketizer::new().ok(),
            joined: vec![0; JOINED_BYTES_MAX + HEAD_BYTES_MAX],
        }
    }

    /// None where they do not fit together.
    fn join(&mut self, bytes: &[u8], ends: &[usize]) -> Option<&[u8]> {
        let mut packets: [&[u8]; PIECES_MAX] = [&[]; PIECES_MAX];
        let mut start = 0;
        for (packet, end) in packets.iter_mut().zip(ends) {
            *packet = bytes.get(start..*end)?;
            start = *end;
        }
        let packets = packets.get(..ends.len())?;
        let length = self
            .engine
            .as_mut()?
            .combine(packets, &mut self.joined)
            .ok()?;
        self.joined.get(..length)
    }
}

/// The lengths that a peer can have.
const STEPS_MS: [u8; 5] = [60, 40, 30, 20, 10];
/// What we send to a peer that has no wish.
pub(crate) const PACKET_MS: u8 = 20;
/// 60 ms in frames of 10 ms.
const PIECES_MAX: usize = 6;
/// Beyond this a packet might be cut on its way.
const JOINED_BYTES_MAX: usize = 1_200;
/// What libopus writes before the frames: a byte, a count, and two bytes of length for each.
const HEAD_BYTES_MAX: usize = 2 + 2 * PIECES_MAX;
/// More than the jitter between packets of 60 ms, less than the silence that a stalled partner becomes.
const STALE_MICROSECONDS: u64 = 120_000;

/// The longest packet that suits a peer which wants `wanted_ms` (RFC 8866 §6.4, ptime) and takes no more than
/// `most_ms` (maxptime); None when it says neither.
pub(crate) fn packet_ms(wanted_ms: Option<u32>, most_ms: Option<u32>) -> Option<u8> {
    if wanted_ms.is_none() && most_ms.is_none() {
        return None;
    }
    let limit_ms = wanted_ms
        .unwrap_or(u32::from(PACKET_MS))
        .min(most_ms.unwrap_or(u32::MAX));
    let fits = |step_ms: &u8| u32::from(*step_ms) <= limit_ms;
    let shortest = STEPS_MS[STEPS_MS.len() - 1];
    Some(STEPS_MS.into_iter().find(fits).unwrap_or(shortest))
}

/// What an encoder has to make of 20 ms so that packets of `packet_ms` can be joined: how many pieces.
pub(crate) fn pieces_of_a_frame(codec: Codec, packet_ms: Option<u8>) -> usize {
    let is_even = packet_ms.is_none_or(|packet_ms| packet_ms.is_multiple_of(PACKET_MS));
    match codec {
        Codec::Opus if !is_even => 2,
        Codec::Opus | Codec::Pcma | Codec::Pcmu | Codec::G722 => 1,
    }
}

#[cfg(test)]
mod tests;
