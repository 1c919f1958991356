//! What arrived on a leg: sequence, loss, duplicates, jitter (RFC 3550 §6.4.1, appendix A).

use crate::codec::Clock;
use crate::packet::View;
use crate::time::Mono;

/// Reception state of a leg over all sources that it had.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reception {
    source: Option<Source>,
    clock: Clock,
    /// Accepted over all sources.
    pub(crate) received: u64,
    /// Lost of sources that have gone.
    lost_before: u64,
    /// Estimated jitter, in 1/16 of the clock.
    jitter_16: u32,
    /// When the last packet came.
    pub(crate) last_at: Option<Mono>,
    /// Runs of lost packets.
    pub(crate) loss_runs: u64,
    report: ReportBase,
}

#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    first: u64,
    highest: u64,
    received: u64,
    /// Bit n: highest - n has been seen.
    seen: u64,
    /// The last packet came behind a hole.
    has_gap: bool,
    transit: Option<i64>,
}

/// Counters at the last report (appendix A.3).
#[derive(Clone, Copy, Debug, Default)]
struct ReportBase {
    expected: u64,
    received: u64,
}

/// The block about the peer in our reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReportBlock {
    /// Peer's source.
    pub(crate) ssrc: u32,
    /// In 1/256 since the last report.
    pub(crate) fraction_lost: u8,
    /// Of this source.
    pub(crate) lost: u32,
    /// Extended.
    pub(crate) highest_sequence: u32,
    /// In units of the clock.
    pub(crate) jitter: u32,
}

impl Reception {
    /// Of a stream with this clock.
    pub(crate) fn new(clock: Clock) -> Self {
        Reception {
            clock,
            ..Reception::default()
        }
    }

    /// The codec has changed, and with it perhaps the clock: the jitter goes on at the new rate.
    pub(crate) fn set_clock(&mut self, clock: Clock) {
        if self.clock != clock {
            self.jitter_16 = self.jitter_16 / self.clock.units_a_ms * clock.units_a_ms;
            self.clock = clock;
            if let Some(source) = &mut self.source {
                source.transit = None;
            }
        }
    }

    /// Counts a packet. `is_timed` is false for packets whose timestamp does not follow the clock (telephone events).
    pub(crate) fn arrive(&mut self, now: Mono, view: &View, is_timed: bool) -> Arrival {
        let arrival = match &mut self.source {
            Some(source) if source.ssrc == view.ssrc => {
                let arrival = source.count(view.sequence);
                self.loss_runs += u64::from(source.has_gap);
                arrival
            }
            Some(_) | None => Arrival::Restart,
        };
        match arrival {
            Arrival::New => {}
            Arrival::Old => return Arrival::Old,
            Arrival::Restart => self.begin(view),
        }
        self.received += 1;
        self.last_at = Some(now);
        if is_timed {
            self.measure_jitter(now, view.timestamp);
        }
        arrival
    }

    /// Counts a packet of a second source, whose numbers are not those of the audio.
    pub(crate) fn arrive_beside(&mut self, now: Mono) -> Arrival {
        self.received += 1;
        self.last_at = Some(now);
        Arrival::New
    }

    /// Missing by sequence numbers.
    pub(crate) fn lost(&self) -> u64 {
        self.lost_before
            + self.source.map_or(0, |source| {
                source.expected().saturating_sub(source.received)
            })
    }

    /// Microseconds.
    pub(crate) fn jitter_us(&self) -> u32 {
        let jitter_16 = u64::from(self.jitter_16) * 1_000 / u64::from(self.clock.units_a_ms);
        u32::try_from(jitter_16 / 16).unwrap_or(u32::MAX)
    }

    /// The block for the next report; None while no source is known.
    pub(crate) fn report(&mut self) -> Option<ReportBlock> {
        let source = self.source?;
        let expected = source.expected().saturating_sub(self.report.expected);
        let received = source.received.saturating_sub(self.report.received);
        self.report = ReportBase {
            expected: source.expected(),
            received: source.received,
        };
        let lost = expected.saturating_sub(received);
        let fraction = (lost * 256).checked_div(expected).unwrap_or(0).min(255);
        Some(ReportBlock {
            ssrc: source.ssrc,
            fraction_lost: fraction as u8,
            lost: source
                .expected()
                .saturating_sub(source.received)
                .min(LOST_MAX) as u32,
            highest_sequence: source.highest as u32,
            jitter: self.jitter_16 / 16,
        })
    }

    fn begin(&mut self, view: &View) {
        self.lost_before = self.lost();
        self.report = ReportBase::default();
        let first = EXTENDED_START + u64::from(view.sequence);
        self.source = Some(Source {
            ssrc: view.ssrc,
            first,
            highest: first,
            received: 1,
            seen: 1,
            has_gap: false,
            transit: None,
        });
    }

    fn measure_jitter(&mut self, now: Mono, timestamp: u32) {
        let Some(source) = &mut self.source else {
            return;
        };
        let arrival = now.0 * u64::from(self.clock.units_a_ms) / 1_000;
        let transit = i64::from((arrival as u32).wrapping_sub(timestamp) as i32);
        // A single leap of a second or more is a pause of the sender, not jitter.
        let step_max = 1_000 * self.clock.units_a_ms;
        if let Some(before) = source.transit {
            let change = u32::try_from((transit - before).unsigned_abs())
                .unwrap_or(u32::MAX)
                .min(step_max);
            // Appendix A.8, in sixteenths.
            self.jitter_16 = self.jitter_16 + change - ((self.jitter_16 + 8) >> 4);
        }
        source.transit = Some(transit);
    }
}

/// What a packet is by its sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Not seen before.
    New,
    /// A duplicate, or too old to be told from one.
    Old,
    /// The first of a new count: another source, or a leap.
    Restart,
}

impl Source {
    fn expected(&self) -> u64 {
        self.highest - self.first + 1
    }

    fn count(&mut self, sequence: u16) -> Arrival {
        let step = sequence.wrapping_sub(self.highest as u16) as i16;
        self.has_gap = step > 1 && step.unsigned_abs() as u64 <= DROPOUT_MAX;
        if step > 0 {
            let step = u64::from(step.unsigned_abs());
            if step > DROPOUT_MAX {
                return Arrival::Restart;
            }
            self.seen = if step < 64 {
                (self.seen << step) | 1
            } else {
                1
            };
            self.highest += step;
            self.received += 1;
            return Arrival::New;
        }
        let back = u64::from(step.unsigned_abs());
        if back >= MISORDER_MAX {
            return Arrival::Restart;
        }
        if back >= 64 || self.seen & (1 << back) != 0 {
            return Arrival::Old;
        }
        self.seen |= 1 << back;
        self.received += 1;
        self.first = self.first.min(self.highest - back);
        Arrival::New
    }
}

/// Room for packets before the first one.
const EXTENDED_START: u64 = 65_536;
/// RFC 3550 appendix A.1.
const DROPOUT_MAX: u64 = 3_000;
const MISORDER_MAX: u64 = 100;
/// 24 signed bits.
const LOST_MAX: u64 = 0x7F_FFFF;

#[cfg(test)]
mod tests;
