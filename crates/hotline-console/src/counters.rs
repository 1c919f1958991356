//! What is counted since the start, from the frames as they are appended.

use hotline_core::{CallRecord, EdgeFact, Fact, Fate, Frame, Ledger, OfferOutcome, RecordingState};
use std::collections::BTreeMap;

/// Upper bounds of the buckets of waits, milliseconds.
const WAIT_BOUNDS_MS: [u64; 10] = [
    1_000, 3_000, 5_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000,
];
/// T of the service level SL(T).
const SERVICE_LEVEL_MS: u64 = 20_000;

/// Waits, counted by length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Waits no longer than each bound, not cumulative.
    within: [u64; WAIT_BOUNDS_MS.len()],
    count: u64,
    sum_ms: u64,
}

impl Histogram {
    /// Counts one.
    pub fn observe(&mut self, millis: u64) {
        let at = WAIT_BOUNDS_MS.iter().position(|bound| millis <= *bound);
        if let Some(bucket) = at.and_then(|at| self.within.get_mut(at)) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(millis);
    }

    /// (bound in milliseconds, how many were no longer), rising.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        WAIT_BOUNDS_MS
            .iter()
            .zip(&self.within)
            .scan(0, |sum, (bound, count)| {
                *sum += count;
                Some((*bound, *sum))
            })
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn sum_ms(&self) -> u64 {
        self.sum_ms
    }
}

/// Counts since the start. One owner: the control thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Counted calls that arrived.
    pub arrived: u64,
    /// Counted calls that ended, by service and fate code.
    pub ended: BTreeMap<(String, &'static str), u64>,
    /// Queue waits of calls that reached a counsellor.
    pub answer: Histogram,
    /// Offers by how they ended.
    pub offers: BTreeMap<&'static str, u64>,
    /// RTP packets missing on any leg.
    pub rtp_lost: u64,
    /// RTP packets received on any leg.
    pub rtp_received: u64,
    /// Recordings that could not be made or broke off.
    pub recording_failures: u64,
    /// Of the calls that entered a queue and have ended: all but those that left it within `short_ms`.
    pub queued: u64,
    /// Of those: joined with a counsellor within 20 s in the queue.
    pub answered_in_time: u64,
}

impl Counters {
    /// Counts a frame. `ledger` has it applied already; `short_ms` as in the plan's timing.
    pub fn count(&mut self, frame: &Frame, ledger: &Ledger, short_ms: u32) {
        for fact in &frame.facts {
            match fact {
                Fact::Arrived { is_counted, .. } => self.arrived += u64::from(*is_counted),
                Fact::Joined { call, .. } => {
                    if let Some(record) = ledger.calls.get(call).filter(|record| record.is_counted)
                    {
                        self.answer.observe(record.wait_ms);
                    }
                }
                Fact::OfferEnded { call, outcome, .. } => {
                    if ledger
                        .calls
                        .get(call)
                        .is_some_and(|record| record.is_counted)
                    {
                        *self.offers.entry(outcome_code(*outcome)).or_default() += 1;
                    }
                }
                Fact::Recording {
                    state: RecordingState::Failed,
                    ..
                } => self.recording_failures += 1,
                Fact::Ended { call, .. } => {
                    if let Some(record) = ledger.calls.get(call).filter(|record| record.is_counted)
                    {
                        self.count_ended(record, short_ms);
                    }
                }
                Fact::Started { .. }
                | Fact::Answered { .. }
                | Fact::Node { .. }
                | Fact::Key { .. }
                | Fact::LanguageChosen { .. }
                | Fact::SpokeAtMenu { .. }
                | Fact::InformationHeard { .. }
                | Fact::Queued { .. }
                | Fact::Offered { .. }
                | Fact::NoticeHeard { .. }
                | Fact::AgentLost { .. }
                | Fact::Recording {
                    state: RecordingState::Made | RecordingState::NotWanted,
                    ..
                }
                | Fact::AgentState { .. }
                | Fact::HardCall { .. }
                | Fact::HomeCentre { .. }
                | Fact::MobileEnded { .. }
                | Fact::MobileRung { .. }
                | Fact::Widened { .. }
                | Fact::Held { .. }
                | Fact::Resumed { .. }
                | Fact::Consulting { .. }
                | Fact::TransferBegan { .. }
                | Fact::TransferEnded { .. }
                | Fact::Taken { .. }
                | Fact::JoinedOutside { .. }
                | Fact::OutsideLost { .. }
                | Fact::PhoneChanged { .. } => {}
            }
        }
        for fact in &frame.edge {
            if let EdgeFact::Quality { quality, .. } = fact {
                self.rtp_lost = self.rtp_lost.saturating_add(quality.lost);
                self.rtp_received = self.rtp_received.saturating_add(quality.received);
            }
        }
    }

    /// SL(20 s) since the start, in thousandths; None while no call that counts for it has ended.
    #[must_use]
    pub fn service_level_permille(&self) -> Option<u64> {
        self.answered_in_time
            .saturating_mul(1_000)
            .checked_div(self.queued)
    }

    fn count_ended(&mut self, record: &CallRecord, short_ms: u32) {
        let Some(fate) = record.fate(short_ms) else {
            return;
        };
        let service = record.service.clone().unwrap_or_else(|| "none".to_owned());
        *self.ended.entry((service, fate.code())).or_default() += 1;
        if record.queued.is_some() && fate != Fate::AbandonedQueueShort {
            self.queued += 1;
            let is_in_time = record.joined.is_some() && record.wait_ms <= SERVICE_LEVEL_MS;
            self.answered_in_time += u64::from(is_in_time);
        }
    }
}

fn outcome_code(outcome: OfferOutcome) -> &'static str {
    match outcome {
        OfferOutcome::Answered => "answered",
        OfferOutcome::CallerGone => "caller_gone",
        OfferOutcome::Declined => "declined",
        OfferOutcome::NoAnswer => "no_answer",
        OfferOutcome::Unreachable => "unreachable",
        OfferOutcome::Withdrawn => "withdrawn",
    }
}
