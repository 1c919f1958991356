//! Invariants 24 and 25: exactly one row for each call, with times in order and durations of the monotonic clock. The
//! truth is counted here, from the facts, in microseconds; the fate is judged a second time from the table of
//! domain.md §13.1.

use crate::world::keeper::Row;
use hotline_core::{CallId, Cause, EndedBy, Fact, Frame, Moment, TransferOutcome};
use std::collections::{BTreeMap, BTreeSet};

/// Rounding of two clocks in milliseconds, per phase.
const ROUNDING_MS: u64 = 2;

/// What really happened in a call.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    pub is_counted: bool,
    pub run: u32,
    pub arrived_us: u64,
    pub answered_us: Option<u64>,
    pub has_key: bool,
    pub has_heard_information: bool,
    pub has_queued: bool,
    pub has_joined: bool,
    wait_from_us: Option<u64>,
    talk_from_us: Option<u64>,
    outside_from_us: Option<u64>,
    pub wait_us: u64,
    pub talk_us: u64,
    pub outside_us: u64,
    pub ended: Option<(u64, EndedBy, Cause)>,
    pub ended_run: u32,
    pub joins: u32,
    held_from_us: Option<u64>,
    pub held_us: u64,
    pub holds: u32,
    pub transfers: u32,
    pub transfers_failed: u32,
}

#[derive(Default)]
pub struct Records {
    pub calls: BTreeMap<u64, Truth>,
    run: u32,
}

impl Records {
    pub(super) fn begin_run(&mut self, run: u32) {
        self.run = run;
    }

    /// Facts that a power loss took away never happened for the record.
    pub(super) fn end_run(&mut self, survivors: &BTreeMap<u64, Frame>) {
        let facts = || survivors.values().flat_map(|frame| &frame.facts);
        let arrived: BTreeSet<u64> = facts()
            .filter_map(|fact| {
                if let Fact::Arrived { call, .. } = fact {
                    Some(call.0)
                } else {
                    None
                }
            })
            .collect();
        let ended: BTreeSet<u64> = facts()
            .filter_map(|fact| {
                if let Fact::Ended { call, .. } = fact {
                    Some(call.0)
                } else {
                    None
                }
            })
            .collect();
        self.calls.retain(|call, _| arrived.contains(call));
        for (call, truth) in &mut self.calls {
            if !ended.contains(call) {
                truth.ended = None;
            }
        }
    }

    pub(super) fn on_fact(&mut self, at_us: u64, fact: &Fact) {
        if let Fact::Arrived {
            call, is_counted, ..
        } = fact
        {
            let truth = Truth {
                is_counted: *is_counted,
                run: self.run,
                arrived_us: at_us,
                ..Truth::default()
            };
            self.calls.insert(call.0, truth);
            return;
        }
        if matches!(fact, Fact::AgentState { .. } | Fact::Started { .. }) {
            return;
        }
        let Some(call) = crate::world::board::call_of(fact) else {
            return;
        };
        let run = self.run;
        let Some(truth) = self.calls.get_mut(&call.0) else {
            return;
        };
        match fact {
            Fact::Answered { .. } => truth.answered_us = Some(at_us),
            Fact::Key { .. } => truth.has_key = true,
            Fact::InformationHeard { .. } => truth.has_heard_information = true,
            Fact::Queued { .. } => {
                truth.has_queued = true;
                truth.wait_from_us = Some(at_us);
            }
            Fact::Joined { .. } => {
                truth.has_joined = true;
                truth.joins += 1;
                truth.end_phases(at_us);
                truth.talk_from_us = Some(at_us);
            }
            Fact::AgentLost { .. } | Fact::OutsideLost { .. } => {
                truth.end_phases(at_us);
                truth.wait_from_us = Some(at_us);
            }
            Fact::TransferEnded {
                outcome: TransferOutcome::FailedAlone(_),
                ..
            } => {
                truth.transfers_failed += 1;
                truth.end_phases(at_us);
                truth.wait_from_us = Some(at_us);
            }
            Fact::TransferEnded {
                outcome: TransferOutcome::Failed(_),
                ..
            } => truth.transfers_failed += 1,
            Fact::Held { .. } => {
                truth.holds += 1;
                truth.held_from_us = Some(at_us);
            }
            Fact::Resumed { .. } | Fact::PhoneChanged { .. } => truth.end_hold(at_us),
            Fact::TransferBegan { .. } => truth.transfers += 1,
            Fact::TransferEnded {
                outcome: TransferOutcome::Done,
                ..
            } => truth.end_phases(at_us),
            Fact::JoinedOutside { .. } => {
                truth.end_phases(at_us);
                truth.has_joined = true;
                truth.outside_from_us = Some(at_us);
            }
            Fact::Ended { by, cause, .. } => {
                truth.end_phases(at_us);
                truth.ended = Some((at_us, *by, *cause));
                truth.ended_run = run;
            }
            Fact::Started { .. }
            | Fact::Arrived { .. }
            | Fact::Node { .. }
            | Fact::LanguageChosen { .. }
            | Fact::SpokeAtMenu { .. }
            | Fact::Offered { .. }
            | Fact::OfferEnded { .. }
            | Fact::NoticeHeard { .. }
            | Fact::Recording { .. }
            | Fact::Consulting { .. }
            | Fact::HardCall { .. }
            | Fact::HomeCentre { .. }
            | Fact::MobileEnded { .. }
            | Fact::MobileRung { .. }
            | Fact::Widened { .. }
            | Fact::TransferEnded {
                outcome: TransferOutcome::CallOver | TransferOutcome::TakenBack,
                ..
            }
            | Fact::Taken { .. }
            | Fact::AgentState { .. } => {}
        }
    }

    /// Judges the database at the end of the day.
    #[must_use]
    pub fn check(&self, rows: &BTreeMap<CallId, Row>) -> Vec<(u8, String)> {
        let mut found = self.one_row_each(rows);
        for (call, row) in rows {
            let Some(truth) = self.calls.get(&call.0) else {
                continue;
            };
            found.extend(times_in_order(row));
            found.extend(true_durations(truth, row));
            found.extend(true_fate(truth, row));
        }
        found
    }

    /// 24: exactly one row per counted call, and no other.
    fn one_row_each(&self, rows: &BTreeMap<CallId, Row>) -> Vec<(u8, String)> {
        let mut found = Vec::new();
        for (call, truth) in &self.calls {
            let has_row = rows.contains_key(&CallId(*call));
            let wants_row = truth.is_counted && truth.ended.is_some();
            if wants_row != has_row {
                found.push((
                    24,
                    format!(
                        "call {call:x}: row {:?}, counted {}, ended {:?}",
                        rows.get(&CallId(*call)).map(|row| &row.record),
                        truth.is_counted,
                        truth.ended
                    ),
                ));
            }
        }
        for call in rows.keys().filter(|call| !self.calls.contains_key(&call.0)) {
            found.push((24, format!("a row of call {call}, which never was")));
        }
        found
    }
}

impl Truth {
    fn end_phases(&mut self, at_us: u64) {
        self.wait_us += self.wait_from_us.take().map_or(0, |from| at_us - from);
        self.talk_us += self.talk_from_us.take().map_or(0, |from| at_us - from);
        self.outside_us += self.outside_from_us.take().map_or(0, |from| at_us - from);
        self.end_hold(at_us);
    }

    fn end_hold(&mut self, at_us: u64) {
        self.held_us += self.held_from_us.take().map_or(0, |from| at_us - from);
    }
}

/// 25: times in order.
fn times_in_order(row: &Row) -> Vec<(u8, String)> {
    let record = &row.record;
    let times: Vec<(&str, Moment)> = [
        ("arrived", Some(record.arrived)),
        ("answered", record.answered),
        ("queued", record.queued),
        ("offered", record.offered),
        ("joined", record.joined),
        ("ended", record.ended),
    ]
    .into_iter()
    .filter_map(|(name, at)| Some((name, at?)))
    .collect();
    let mut found = Vec::new();
    for pair in times.windows(2) {
        let [(before, earlier), (after, later)] = pair else {
            continue;
        };
        if earlier.run == later.run && earlier.mono > later.mono || earlier.run > later.run {
            found.push((25, format!("call {}: {after} before {before}", record.call)));
        }
    }
    found
}

/// 25: durations are those of the monotonic clock, and phases do not exceed the whole.
fn true_durations(truth: &Truth, row: &Row) -> Vec<(u8, String)> {
    let Some((ended_us, _, _)) = truth.ended else {
        return Vec::new();
    };
    if truth.run != truth.ended_run {
        return Vec::new();
    }
    let record = &row.record;
    let mut found = Vec::new();
    let rounding = ROUNDING_MS * u64::from(truth.joins + truth.holds + truth.transfers + 1);
    let counted = (record.holds, record.transfers, record.transfers_failed);
    let counts = (truth.holds, truth.transfers, truth.transfers_failed);
    if counted != counts {
        found.push((
            25,
            format!(
                "call {}: holds, transfers and failed ones {counted:?}, in truth {counts:?}",
                record.call
            ),
        ));
    }
    for (name, recorded_ms, true_us) in [
        ("wait", record.wait_ms, truth.wait_us),
        ("talk", record.talk_ms, truth.talk_us),
        ("hold", record.held_ms, truth.held_us),
        ("outside", record.outside_ms, truth.outside_us),
    ] {
        if recorded_ms.abs_diff(true_us / 1_000) > rounding {
            found.push((
                25,
                format!(
                    "call {}: {name} {recorded_ms} ms, in truth {} ms",
                    record.call,
                    true_us / 1_000
                ),
            ));
        }
    }
    let whole_ms = (ended_us - truth.arrived_us) / 1_000;
    if record.wait_ms + record.talk_ms + record.outside_ms > whole_ms + rounding
        || record.held_ms > record.talk_ms + rounding
    {
        found.push((
            25,
            format!(
                "call {}: phases exceed the {whole_ms} ms of the call",
                record.call
            ),
        ));
    }
    found
}

/// Domain §13.1, read a second time.
fn true_fate(truth: &Truth, row: &Row) -> Vec<(u8, String)> {
    let Some((ended_us, by, cause)) = truth.ended else {
        return Vec::new();
    };
    if truth.run != truth.ended_run && cause != Cause::Crash {
        return Vec::new();
    }
    let whole_s = (ended_us.saturating_sub(truth.arrived_us)) / 1_000_000;
    let is_our_fault = matches!(cause, Cause::Crash | Cause::InternalError)
        || (matches!(cause, Cause::Shutdown | Cause::Lost) && truth.answered_us.is_some());
    let expected = if by == EndedBy::System && is_our_fault {
        "F_SYSTEM"
    } else if by == EndedBy::System && truth.answered_us.is_none() {
        "X_REJECT"
    } else if truth.has_joined {
        "H_UNCODED"
    } else if truth.has_queued {
        if truth.wait_us < 10_000_000 {
            "A_QUEUE_SHORT"
        } else {
            "A_QUEUE"
        }
    } else if truth.has_heard_information {
        "S_INFO"
    } else if !truth.has_key && whole_s < 10 {
        "A_GREET"
    } else {
        "A_IVR"
    };
    let stated = row
        .record
        .fate(10_000)
        .map_or("none", hotline_core::Fate::code);
    if stated == expected {
        return Vec::new();
    }
    vec![(
        24,
        format!(
            "call {}: fate {stated}, by the domain's table {expected}",
            row.record.call
        ),
    )]
}
