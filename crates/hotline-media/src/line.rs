//! The one line of packets that a leg hears: one SSRC, rising sequence and timestamps, whatever their source.
//!
//! Prompts, music, digits and the other leg take turns on it; a peer sees one speaker who never restarts.

use crate::codec::Clock;
use crate::packet::View;
use crate::time::Mono;

/// Samples at 8 kHz of our own packets.
pub(crate) const FRAME_SAMPLES: usize = 160;

/// Outgoing RTP state of a leg.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    clock: Clock,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// When the last packet of the line was due; None before the first.
    sent_at: Option<Mono>,
    /// What the last packet took of the clock.
    samples: u32,
    follow: Option<Follow>,
    /// Packets sent.
    pub(crate) packets: u64,
    /// Payload bytes sent.
    pub(crate) octets: u64,
}

/// How another sender's numbers map onto ours.
#[derive(Clone, Copy, Debug)]
struct Follow {
    ssrc: u32,
    first_sequence: u16,
    sequence_offset: u16,
    timestamp_offset: u32,
    last_timestamp: u32,
    last_at: Mono,
}

/// The numbers of one packet to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Start of a talk spurt.
    pub(crate) marker: bool,
    /// Sequence number.
    pub(crate) sequence: u16,
    /// Timestamp.
    pub(crate) timestamp: u32,
    /// Ours.
    pub(crate) ssrc: u32,
}

impl Line {
    /// RFC 3550 §5.1: all three start at random.
    pub(crate) fn new(clock: Clock, ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        Line {
            clock,
            ssrc,
            sequence,
            timestamp,
            sent_at: None,
            samples: 0,
            follow: None,
            packets: 0,
            octets: 0,
        }
    }

    /// The codec has changed, and with it perhaps the clock: the timestamps go on at the new rate (RFC 7160 §4).
    pub(crate) fn set_clock(&mut self, clock: Clock) {
        if self.clock != clock {
            self.clock = clock;
            self.follow = None;
            self.samples = clock.frame();
        }
    }

    /// Our SSRC.
    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Timestamp that an instant has on this line, for sender reports.
    pub(crate) fn timestamp_at(&self, now: Mono) -> u32 {
        match self.sent_at {
            Some(at) => self.timestamp.wrapping_add(self.clock.between(at, now)),
            None => self.timestamp,
        }
    }

    /// When the last packet was sent.
    pub(crate) fn sent_at(&self) -> Option<Mono> {
        self.sent_at
    }

    /// Numbers for a frame of ours at the tick.
    pub(crate) fn advance(&mut self, now: Mono) -> Numbers {
        self.follow = None;
        let (marker, timestamp) = self.next_timestamp(now);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = timestamp;
        self.samples = self.clock.frame();
        self.sent_at = Some(now);
        Numbers {
            marker,
            sequence: self.sequence,
            timestamp,
            ssrc: self.ssrc,
        }
    }

    /// The timestamp that an event gets which begins now (RFC 4733 §2.5.1.1).
    pub(crate) fn begin_event(&mut self, now: Mono) -> u32 {
        self.next_timestamp(now).1
    }

    /// Numbers for one more packet of an event that keeps its timestamp (RFC 4733 §2.5.1.2).
    pub(crate) fn advance_event(&mut self, now: Mono, timestamp: u32) -> (u16, u32) {
        self.follow = None;
        self.sequence = self.sequence.wrapping_add(1);
        self.sent_at = Some(now);
        // What follows the event begins where the line is now, not where the event began.
        self.samples = self.clock.frame();
        self.timestamp = self.timestamp.max_wrapping(timestamp);
        (self.sequence, self.ssrc)
    }

    /// The event that began at `timestamp` has taken so long: audio goes on behind it.
    pub(crate) fn end_event(&mut self, timestamp: u32, length_ms: u32) {
        let samples = length_ms * self.clock.units_a_ms;
        self.timestamp = self.timestamp.max_wrapping(timestamp.wrapping_add(samples));
        self.samples = 0;
    }

    /// The sender that is followed counts anew: its next packet goes behind our last.
    pub(crate) fn release(&mut self) {
        self.follow = None;
    }

    /// Numbers for a packet that arrived on another leg and is passed on; None when it is older than the point
    /// where that leg came onto this line, for its number has been used.
    pub(crate) fn pass_on(&mut self, now: Mono, view: &View, samples: u32) -> Option<Numbers> {
        let (follow, is_start) = match self.follow {
            Some(follow) if follow.continues(view, now, self.clock) => (follow, false),
            Some(_) | None => (self.begin_follow(now, view), true),
        };
        let distance = view.sequence.wrapping_sub(follow.first_sequence) as i16;
        if distance < 0 {
            return None;
        }
        let sequence = view.sequence.wrapping_add(follow.sequence_offset);
        let timestamp = view.timestamp.wrapping_add(follow.timestamp_offset);
        let is_newest = is_start || (sequence.wrapping_sub(self.sequence) as i16) > 0;
        let is_old = is_start || follow.last_timestamp.wrapping_sub(view.timestamp) as i32 > 0;
        if is_newest {
            self.sequence = sequence;
            self.timestamp = timestamp;
            self.samples = samples;
            self.sent_at = Some(now);
        }
        let newest = if is_old {
            follow.last_timestamp
        } else {
            view.timestamp
        };
        // Kept apart from first_sequence so that a call of hours can wrap around many times.
        let first_sequence = if distance > FOLLOW_MEMORY {
            view.sequence.wrapping_sub(FOLLOW_MEMORY as u16)
        } else {
            follow.first_sequence
        };
        self.follow = Some(Follow {
            first_sequence,
            last_timestamp: newest,
            last_at: now,
            ..follow
        });
        Some(Numbers {
            marker: is_start || view.marker,
            sequence,
            timestamp,
            ssrc: self.ssrc,
        })
    }

    fn begin_follow(&self, now: Mono, view: &View) -> Follow {
        let (_, timestamp) = self.next_timestamp(now);
        Follow {
            ssrc: view.ssrc,
            first_sequence: view.sequence,
            sequence_offset: self.sequence.wrapping_add(1).wrapping_sub(view.sequence),
            timestamp_offset: timestamp.wrapping_sub(view.timestamp),
            last_timestamp: view.timestamp,
            last_at: now,
        }
    }

    /// The line runs on with the clock: right behind the last packet, or, after a pause, where the clock is.
    fn next_timestamp(&self, now: Mono) -> (bool, u32) {
        let Some(at) = self.sent_at else {
            return (true, self.timestamp);
        };
        let elapsed = self.clock.between(at, now);
        let slack = SLACK_MS * self.clock.units_a_ms;
        if elapsed <= self.samples.max(self.clock.frame()) + slack {
            return (false, self.timestamp.wrapping_add(self.samples));
        }
        (true, self.timestamp.wrapping_add(elapsed))
    }
}

impl Follow {
    /// The same sender going on: no new SSRC, no leap in sequence, no leap in time that the clock did not make.
    fn continues(&self, view: &View, now: Mono, clock: Clock) -> bool {
        let leap = view.sequence.wrapping_sub(self.first_sequence) as i16;
        let stepped = view.timestamp.wrapping_sub(self.last_timestamp) as i32;
        let elapsed = clock.between(self.last_at, now) as i32;
        let leap_max = (TIMESTAMP_LEAP_MS_MAX * clock.units_a_ms) as i32;
        view.ssrc == self.ssrc
            && (-FOLLOW_MEMORY..=FOLLOW_MEMORY + SEQUENCE_LEAP_MAX).contains(&leap)
            && stepped.saturating_sub(elapsed).abs() <= leap_max
    }
}

trait MaxWrapping {
    fn max_wrapping(self, other: Self) -> Self;
}

impl MaxWrapping for u32 {
    fn max_wrapping(self, other: Self) -> Self {
        if (other.wrapping_sub(self) as i32) > 0 {
            other
        } else {
            self
        }
    }
}

/// A tick or packet may come this late and still count as back to back.
const SLACK_MS: u32 = 25;
/// Packets by which an old one may be late and still be told from a new beginning.
const FOLLOW_MEMORY: i16 = 256;
/// Lost packets in a row that are passed on as a gap; more is a new beginning (10 s).
const SEQUENCE_LEAP_MAX: i16 = 500;
/// Half a second between a sender's clock and ours: beyond, its timestamps have restarted.
const TIMESTAMP_LEAP_MS_MAX: u32 = 500;

#[cfg(test)]
mod tests;
