//! Keys as telephone events (RFC 4733): one press is one digit, whatever the network does to its packets.

use crate::codec::{Clock, FRAME_MS};
use crate::time::Mono;

/// Hears presses. One press is up to seven or more packets with one timestamp; any of them may be lost, doubled
/// or late.
#[derive(Clone, Debug, Default)]
pub(crate) struct DigitReceiver {
    current: Option<Press>,
    /// Whose clock the timestamps follow.
    ssrc: u32,
}

#[derive(Clone, Copy, Debug)]
struct Press {
    event: u8,
    timestamp: u32,
    duration: u16,
    has_ended: bool,
    last_at: Mono,
}

impl DigitReceiver {
    /// Takes the payload of an event packet; Some when it tells of a new press.
    pub(crate) fn receive(
        &mut self,
        now: Mono,
        ssrc: u32,
        timestamp: u32,
        payload: &[u8],
    ) -> Option<char> {
        let [event, flags, high, low, ..] = *payload else {
            return None;
        };
        let symbol = symbol(event)?;
        if self.ssrc != ssrc {
            // Another clock: nothing of it can be compared with the press before.
            *self = DigitReceiver {
                current: None,
                ssrc,
            };
        }
        let duration = u16::from_be_bytes([high, low]);
        let press = Press {
            event,
            timestamp,
            duration,
            has_ended: flags & END_BIT != 0,
            last_at: now,
        };
        let Some(known) = &mut self.current else {
            self.current = Some(press);
            return Some(symbol);
        };
        let is_recent = now.0.saturating_sub(known.last_at.0) <= MEMORY_MICROSECONDS;
        if is_recent && timestamp == known.timestamp {
            known.has_ended |= press.has_ended;
            known.duration = known.duration.max(duration);
            known.last_at = now;
            return None;
        }
        if is_recent && (timestamp.wrapping_sub(known.timestamp) as i32) < 0 {
            // A straggler of the press before.
            return None;
        }
        let is_going_on = known.goes_on(&press);
        self.current = Some(press);
        (!is_going_on).then_some(symbol)
    }
}

impl Press {
    /// Whether `next`, with a later timestamp, is the same finger still down.
    fn goes_on(&self, next: &Press) -> bool {
        let gap = next.last_at.0.saturating_sub(self.last_at.0);
        if self.has_ended || self.event != next.event || gap > GOING_ON_MICROSECONDS {
            return false;
        }
        // RFC 4733 §2.5.1.3: a press longer than the 16-bit duration is cut into segments.
        let is_segment = self.duration >= SEGMENT_UNITS;
        // Some senders wrongly advance the timestamp with every packet; their duration rises all the same, while
        // that of a new press begins again.
        let is_wrong_clock = next.duration > self.duration;
        is_segment || is_wrong_clock
    }
}

/// Speaks one press.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DigitSender {
    /// RFC 4733 event code.
    pub(crate) event: u8,
    /// Timestamp of the whole event.
    pub(crate) timestamp: u32,
    duration: u32,
    length: u32,
    /// What a tick takes of the clock of the events.
    step: u32,
    packets: u32,
    ends_left: u8,
}

/// One event packet to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventPacket {
    /// First packet of the press.
    pub(crate) marker: bool,
    /// Event payload.
    pub(crate) payload: [u8; 4],
    /// The last packet of the press has been made: how many milliseconds it took, its ends included.
    pub(crate) ended: Option<u32>,
}

impl DigitSender {
    /// A press of `length_ms`, its durations counted by `clock`; None for a symbol that is no key.
    pub(crate) fn new(digit: char, length_ms: u32, timestamp: u32, clock: Clock) -> Option<Self> {
        // The duration has 16 bits: 8 s at 8 kHz, 1.3 s at 48.
        let length_ms_max = LENGTH_UNITS_MAX / clock.units_a_ms;
        let length = length_ms.clamp(LENGTH_MS_MIN, length_ms_max) * clock.units_a_ms;
        let event = event(digit)?;
        Some(DigitSender {
            event,
            timestamp,
            duration: 0,
            length,
            step: clock.frame(),
            packets: 0,
            ends_left: ENDS,
        })
    }

    /// The packet for this tick.
    pub(crate) fn advance(&mut self) -> EventPacket {
        let marker = self.packets == 0;
        self.packets += 1;
        let is_end = self.duration >= self.length;
        if !is_end {
            self.duration = (self.duration + self.step).min(self.length);
        } else {
            // RFC 4733 §2.5.1.4: the end is sent three times.
            self.ends_left = self.ends_left.saturating_sub(1);
        }
        let flags = VOLUME | if is_end { END_BIT } else { 0 };
        let [high, low] = u16::try_from(self.duration)
            .unwrap_or(u16::MAX)
            .to_be_bytes();
        let ended = (is_end && self.ends_left == 0).then_some(self.packets * FRAME_MS);
        EventPacket {
            marker,
            payload: [self.event, flags, high, low],
            ended,
        }
    }
}

/// RFC 4733 §3.2.
fn symbol(event: u8) -> Option<char> {
    SYMBOLS
        .get(usize::from(event))
        .map(|symbol| char::from(*symbol))
}

/// Event code of a key.
pub(crate) fn event(digit: char) -> Option<u8> {
    let wanted = digit.to_ascii_uppercase();
    SYMBOLS
        .iter()
        .position(|symbol| char::from(*symbol) == wanted)
        .and_then(|index| u8::try_from(index).ok())
}

const SYMBOLS: &[u8; 16] = b"0123456789*#ABCD";
const END_BIT: u8 = 0x80;
/// -10 dBm0.
const VOLUME: u8 = 10;
const ENDS: u8 = 3;
const LENGTH_MS_MIN: u32 = 40;
const LENGTH_UNITS_MAX: u32 = 64_000;
/// A timestamp older than this says nothing about order: the sender may have begun anew.
const MEMORY_MICROSECONDS: u64 = 10_000_000;
/// Packets of a held key come every 20 to 50 ms; three in a row may be lost.
const GOING_ON_MICROSECONDS: u64 = 200_000;
/// Near the end of the 16-bit duration: within 60 ms at 48 kHz.
const SEGMENT_UNITS: u16 = u16::MAX - 2_880;

#[cfg(test)]
mod tests;
