//! Watching over a leg: what comes, how good it is, and whether it goes both ways.

use super::{Flow, LOST_MICROSECONDS, Leg, STATISTICS_MICROSECONDS};
use crate::control::Heard;
use crate::message::{Event, LegStatistics, OneWay};
use crate::output::Output;
use crate::quality::{Measured, mean_opinion_hundredths};
use crate::time::Mono;

/// What was known at the last stretch's end, and what has been told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watch {
    measured: Measured,
    sent: u64,
    /// Worst stretch, hundredths; None before the first with packets in it.
    lowest: Option<u16>,
    poor_stretches: u32,
    is_poor_told: bool,
    is_one_way_told: bool,
    /// Packets that the peer says to have sent.
    peer_sent: Option<u32>,
    peer_sent_before: Option<u32>,
    /// What the peer says of us: the highest number it got, and how many it misses.
    reached: Option<u32>,
    reached_before: Option<u32>,
    peer_lost: u32,
    reports: u32,
}

impl Leg {
    pub(crate) fn statistics(&self) -> LegStatistics {
        LegStatistics {
            received: self.reception.received,
            lost: self.reception.lost(),
            jitter_us: self.reception.jitter_us(),
            sent: self.line.packets,
            foreign: self.foreign,
            malformed: self.malformed,
            unauthentic: self.unauthentic,
            round_trip_us: self.round_trip_us,
            loss_runs: self.reception.loss_runs,
            peer_lost: self.watch.peer_lost,
            mean_opinion: match self.reception.received {
                0 => 0,
                _ => mean_opinion_hundredths(self.plan.codec, self.measured()),
            },
            mean_opinion_lowest: self.watch.lowest.unwrap_or(0),
        }
    }

    /// Takes what the peer's reports say.
    pub(crate) fn hear_report(&mut self, heard: &Heard) {
        self.last_sender_report = heard.sender_report.or(self.last_sender_report);
        self.round_trip_us = heard.round_trip_us.unwrap_or(self.round_trip_us);
        let watch = &mut self.watch;
        watch.peer_sent = heard.sent.or(watch.peer_sent);
        if let Some(about_us) = heard.about_us {
            watch.reached = Some(about_us.highest_sequence);
            watch.peer_lost = about_us.lost;
            watch.reports += 1;
        }
    }

    pub(super) fn watch(&mut self, now: Mono, out: &mut Output) {
        if !self.plan.direction.receives() || self.plan.remote.is_none() {
            self.listener.reset(now);
            if matches!(self.flow, Flow::Awaited(_)) {
                self.flow = Flow::Awaited(now);
            }
        } else {
            let last = match self.flow {
                Flow::Awaited(since) => Some(since),
                Flow::Flowing => self.reception.last_at,
                Flow::Lost => None,
            };
            if last.is_some_and(|last| now.0.saturating_sub(last.0) >= LOST_MICROSECONDS) {
                self.flow = Flow::Lost;
                out.events.push(Event::MediaLost { leg: self.id });
            }
            if let Some(for_ms) = self.listener.silent(now) {
                out.events.push(Event::Silent {
                    leg: self.id,
                    for_ms,
                });
            }
        }
        if now >= self.statistics_at {
            self.statistics_at = Mono(now.0 + STATISTICS_MICROSECONDS);
            out.events.push(Event::Statistics {
                leg: self.id,
                statistics: self.statistics(),
            });
            self.judge_stretch(out);
        }
    }

    /// A stretch of ten seconds is over: is it good, and does it go both ways?
    fn judge_stretch(&mut self, out: &mut Output) {
        let now = self.measured();
        let before = std::mem::replace(&mut self.watch.measured, now);
        let stretch = Measured {
            received: now.received.saturating_sub(before.received),
            lost: now.lost.saturating_sub(before.lost),
            loss_runs: now.loss_runs.saturating_sub(before.loss_runs),
            ..now
        };
        let sent = self.line.packets.saturating_sub(self.watch.sent);
        self.watch.sent = self.line.packets;
        if stretch.received >= PACKETS_MIN {
            self.judge_quality(mean_opinion_hundredths(self.plan.codec, stretch), out);
        }
        let way = self.one_way(stretch.received, sent);
        match way {
            Some(way) if !self.watch.is_one_way_told => {
                self.watch.is_one_way_told = true;
                out.events.push(Event::OneWay { leg: self.id, way });
            }
            Some(_) => {}
            None => self.watch.is_one_way_told = false,
        }
        self.watch.peer_sent_before = self.watch.peer_sent;
        self.watch.reached_before = self.watch.reached;
        self.watch.reports = 0;
    }

    fn judge_quality(&mut self, mean_opinion: u16, out: &mut Output) {
        let watch = &mut self.watch;
        let lowest = watch.lowest.unwrap_or(u16::MAX);
        watch.lowest = Some(lowest.min(mean_opinion));
        if mean_opinion >= GOOD_AGAIN {
            watch.is_poor_told = false;
        }
        watch.poor_stretches = if mean_opinion < POOR {
            watch.poor_stretches + 1
        } else {
            0
        };
        if watch.poor_stretches >= POOR_STRETCHES && !watch.is_poor_told {
            watch.is_poor_told = true;
            out.events.push(Event::Poor {
                leg: self.id,
                mean_opinion,
            });
        }
    }

    /// Whether audio went one way only in a stretch, by what the peer itself says.
    fn one_way(&self, received: u64, sent: u64) -> Option<OneWay> {
        let watch = &self.watch;
        let grew = watch
            .peer_sent
            .zip(watch.peer_sent_before)
            .map_or(0, |(now, before)| now.wrapping_sub(before));
        // A count that falls is another count.
        let peer_sends = (PACKETS_MIN as u32..u32::MAX / 2).contains(&grew);
        if self.plan.direction.receives() && received == 0 && peer_sends {
            return Some(OneWay::NothingArrives);
        }
        let has_not_risen = watch.reports > 0
            && watch.reached_before.is_some()
            && watch.reached == watch.reached_before;
        let we_send = self.plan.direction.sends() && sent >= PACKETS_MIN;
        (we_send && has_not_risen).then_some(OneWay::NothingReaches)
    }

    fn measured(&self) -> Measured {
        Measured {
            received: self.reception.received,
            lost: self.reception.lost(),
            loss_runs: self.reception.loss_runs,
            jitter_us: self.reception.jitter_us(),
            round_trip_us: self.round_trip_us,
        }
    }
}

/// Below two seconds of packets a stretch says nothing.
const PACKETS_MIN: u64 = 100;
/// "Nearly all users dissatisfied" begins at 3.1 (G.107 annex B).
const POOR: u16 = 310;
const GOOD_AGAIN: u16 = 360;
/// One bad stretch may be chance.
const POOR_STRETCHES: u32 = 2;
