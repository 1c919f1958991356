//! The ledger: what the facts so far amount to. Open calls, counsellors, what the edge keeps.
//!
//! One fold serves the call record, the live tables, the snapshot at a segment's head, and the restart.

use crate::fact::{
    EdgeFact, Fact, Frame, Keep, OfferOutcome, RecordingState, Standing, TransferOutcome,
};
use crate::ids::{CallId, LegId};
use crate::record::{AgentStanding, CallRecord, KeyPress, Moment};
use crate::time::Now;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The fold over all facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Number of the run.
    pub run: u32,
    /// Time of the last frame.
    pub last: Moment,
    /// The highest call so far; no later one may bear its number, even if the clock has gone back meanwhile.
    pub last_call: CallId,
    /// Open calls, and ended ones whose leg counters are still to come (`linger`).
    pub calls: BTreeMap<CallId, CallRecord>,
    /// By user name.
    pub agents: BTreeMap<String, AgentStanding>,
    /// What the edge keeps: (table, key) -> value.
    pub kept: BTreeMap<(u8, Vec<u8>), Vec<u8>>,
    /// Which call a leg belongs to.
    pub legs: BTreeMap<LegId, CallId>,
    /// Ended calls that linger in `calls`, oldest first.
    pub lingering: VecDeque<CallId>,
    /// Ended calls of which everything is known: dropped when the next frame begins, so that whoever applied
    /// this one can still read them.
    pub complete: Vec<CallId>,
}

impl Ledger {
    /// Applies a whole frame. Returns the ended, counted calls whose row must be written (again); their records
    /// stay readable in `calls` until the next frame.
    pub fn apply_frame(&mut self, frame: &Frame) -> Vec<CallId> {
        let mut rows = Vec::new();
        let facts = frame
            .facts
            .iter()
            .map(|fact| self.apply(frame.now, fact))
            .collect::<Vec<_>>();
        let edge = frame
            .edge
            .iter()
            .map(|fact| self.apply_edge(frame.now, fact))
            .collect::<Vec<_>>();
        for call in facts.into_iter().chain(edge).flatten() {
            if !rows.contains(&call) {
                rows.push(call);
            }
        }
        rows
    }

    /// Applies a fact of core. Some(call): the row of this ended, counted call must be written (again).
    pub fn apply(&mut self, now: Now, fact: &Fact) -> Option<CallId> {
        self.begin(now);
        match fact {
            Fact::Started { .. } => {
                self.run = self.run.saturating_add(1);
                self.last.run = self.run;
                None
            }
            Fact::Arrived { call, leg, .. } => {
                self.legs.insert(*leg, *call);
                self.last_call = self.last_call.max(*call);
                let record = arrived(fact, self.last)?;
                self.calls.insert(*call, record);
                None
            }
            Fact::AgentState {
                agent,
                standing,
                why,
            } => {
                let calls = self.agents.get(agent).map_or(0, |known| known.hard_calls);
                let is_over = *standing == Standing::SignedOut;
                let standing = AgentStanding {
                    standing: standing.clone(),
                    since: self.last,
                    why: why.clone(),
                    hard_calls: if is_over { 0 } else { calls },
                };
                self.agents.insert(agent.clone(), standing);
                None
            }
            Fact::Offered { call, leg, .. } => {
                if self.calls.contains_key(call) {
                    self.legs.insert(*leg, *call);
                }
                self.change(*call, fact)
            }
            Fact::OfferEnded { call, outcome, .. } => {
                let rung = self.calls.get_mut(call)?.rung_leg.take();
                match (outcome, rung) {
                    (OfferOutcome::Answered, Some(leg)) => self.new_party(*call, leg),
                    // A phone that was only rung has no counters: nothing more is awaited of it.
                    (_, Some(leg)) => {
                        self.legs.remove(&leg);
                    }
                    (_, None) => {}
                }
                self.change(*call, fact)
            }
            Fact::HardCall { call, agent } => {
                if let Some(known) = self.agents.get_mut(agent) {
                    known.hard_calls = known.hard_calls.saturating_add(1);
                }
                self.change(*call, fact)
            }
            Fact::Taken { call, consult, leg } => {
                if let Some(record) = self.calls.get_mut(consult) {
                    record.agent_leg = None;
                }
                self.new_party(*call, *leg);
                self.change(*call, fact)
            }
            Fact::JoinedOutside { call, leg, .. } | Fact::PhoneChanged { call, leg, .. } => {
                self.new_party(*call, *leg);
                self.change(*call, fact)
            }
            Fact::Ended { call, .. } => {
                let is_first = self.calls.get(call).is_some_and(CallRecord::is_open);
                let row = self.change(*call, fact);
                if is_first {
                    self.linger(*call);
                }
                row
            }
            Fact::Answered { call }
            | Fact::Node { call, .. }
            | Fact::Key { call, .. }
            | Fact::LanguageChosen { call, .. }
            | Fact::SpokeAtMenu { call }
            | Fact::InformationHeard { call, .. }
            | Fact::Queued { call, .. }
            | Fact::Joined { call, .. }
            | Fact::NoticeHeard { call, .. }
            | Fact::AgentLost { call, .. }
            | Fact::Recording { call, .. }
            | Fact::Held { call }
            | Fact::HomeCentre { call, .. }
            | Fact::MobileEnded { call, .. }
            | Fact::MobileRung { call, .. }
            | Fact::Widened { call, .. }
            | Fact::Resumed { call }
            | Fact::Consulting { call, .. }
            | Fact::TransferBegan { call, .. }
            | Fact::TransferEnded { call, .. }
            | Fact::OutsideLost { call } => self.change(*call, fact),
        }
    }

    /// The caller's party is on this leg now. What the party before told or will tell of its line counts no more.
    fn new_party(&mut self, call: CallId, leg: LegId) {
        let Some(record) = self.calls.get_mut(&call) else {
            return;
        };
        let before = record.agent_leg.replace(leg);
        record.agent_quality = None;
        if let Some(before) = before.filter(|before| *before != leg) {
            self.legs.remove(&before);
        }
        self.legs.insert(leg, call);
    }

    /// Applies a fact of the edge. Some(call) as in [`apply`](Self::apply).
    pub fn apply_edge(&mut self, now: Now, fact: &EdgeFact) -> Option<CallId> {
        self.begin(now);
        match fact {
            EdgeFact::Keep(Keep { table, key, value }) => {
                match value {
                    Some(value) => self.kept.insert((*table, key.clone()), value.clone()),
                    None => self.kept.remove(&(*table, key.clone())),
                };
                None
            }
            EdgeFact::Quality { leg, quality } => {
                let call = *self.legs.get(leg)?;
                let record = self.calls.get_mut(&call)?;
                if record.caller_leg == *leg {
                    record.caller_quality = Some(*quality);
                } else {
                    record.agent_quality = Some(*quality);
                }
                self.touched(call)
            }
            EdgeFact::Rated { leg, rating } => {
                let call = *self.legs.get(leg)?;
                let record = self.calls.get_mut(&call)?;
                if record.caller_leg == *leg {
                    record.caller_rating = Some(*rating);
                } else {
                    record.agent_rating = Some(*rating);
                }
                self.touched(call)
            }
            EdgeFact::Diverted { leg, values } => {
                let call = *self.legs.get(leg)?;
                let record = self.calls.get_mut(&call)?;
                record.diverted = values.iter().take(DIVERTED_MAX).cloned().collect();
                self.touched(call)
            }
            EdgeFact::RecordingClosed { call, length_ms } => {
                self.calls.get_mut(call)?.recording_ms = Some(*length_ms);
                self.touched(*call)
            }
            EdgeFact::Audit(_) | EdgeFact::CarrierSaid { .. } => None,
            EdgeFact::JournalGap => {
                for record in self.calls.values_mut().filter(|record| record.is_open()) {
                    record.has_journal_gap = true;
                }
                None
            }
        }
    }

    /// Calls that go on.
    pub fn open(&self) -> impl Iterator<Item = &CallRecord> {
        self.calls.values().filter(|record| record.is_open())
    }

    /// Callers in a queue now, rung or not.
    pub fn waiting(&self) -> impl Iterator<Item = &CallRecord> {
        self.open().filter(|record| record.waiting_since.is_some())
    }

    /// Callers with a counsellor now.
    pub fn talking(&self) -> impl Iterator<Item = &CallRecord> {
        self.open().filter(|record| record.talking_since.is_some())
    }

    /// Changes one call's record by a fact about it. A fact about a call that is not known (a journal gap)
    /// changes nothing.
    fn change(&mut self, call: CallId, fact: &Fact) -> Option<CallId> {
        let at = self.last;
        let record = self.calls.get_mut(&call)?;
        record.apply(at, fact);
        self.touched(call)
    }

    /// The row of an ended, counted call must be written again.
    fn touched(&mut self, call: CallId) -> Option<CallId> {
        let record = self.calls.get(&call)?;
        if record.is_complete() && !self.complete.contains(&call) {
            self.complete.push(call);
        }
        (!record.is_open() && record.is_counted).then_some(call)
    }

    fn linger(&mut self, call: CallId) {
        self.lingering.push_back(call);
        if self.lingering.len() > LINGERING_MAX
            && let Some(oldest) = self.lingering.pop_front()
            && oldest != call
        {
            self.forget(oldest);
        }
    }

    /// A later frame begins: what is complete or too old goes.
    fn begin(&mut self, now: Now) {
        let at = Moment {
            run: self.run,
            mono: now.mono,
            wall: now.wall,
        };
        if at == self.last {
            return;
        }
        self.last = at;
        for call in core::mem::take(&mut self.complete) {
            self.forget(call);
        }
        while let Some(call) = self.lingering.front().copied() {
            let ended = self.calls.get(&call).and_then(|record| record.ended);
            if ended.is_some_and(|ended| at.millis_since(ended) < LINGER_MS) {
                break;
            }
            self.lingering.pop_front();
            self.forget(call);
        }
    }

    /// Forgets an ended call and its legs. A call's legs are at most three here.
    fn forget(&mut self, call: CallId) {
        if self.calls.get(&call).is_none_or(CallRecord::is_open) {
            return;
        }
        let Some(record) = self.calls.remove(&call) else {
            return;
        };
        let party_legs = record.agent_leg.into_iter().chain(record.rung_leg);
        for leg in core::iter::once(record.caller_leg).chain(party_legs) {
            if self.legs.get(&leg) == Some(&call) {
                self.legs.remove(&leg);
            }
        }
    }
}

impl CallRecord {
    fn apply(&mut self, at: Moment, fact: &Fact) {
        match fact {
            Fact::Answered { .. } => self.answered = Some(at),
            Fact::Node { node, .. } => self.last_node = Some(node.clone()),
            Fact::Key { node, key, .. } => {
                self.first_key.get_or_insert(at);
                if self.path.len() < PATH_MAX {
                    let at_ms = at.millis_since(self.arrived);
                    self.path.push(KeyPress {
                        node: node.clone(),
                        key: *key,
                        at_ms,
                    });
                }
            }
            Fact::LanguageChosen { language, .. } => self.language = Some(language.clone()),
            Fact::SpokeAtMenu { .. } => self.has_spoken_at_menu = true,
            Fact::InformationHeard { .. } => self.has_heard_information = true,
            Fact::Queued {
                queue,
                service,
                head_start_ms,
                is_silent,
                ..
            } => {
                self.queued.get_or_insert(at);
                self.waiting_since.get_or_insert(at);
                self.queue = Some(queue.clone());
                self.service.clone_from(service);
                self.head_start_ms = *head_start_ms;
                self.is_silent = *is_silent;
            }
            Fact::Offered { agent, leg, .. } => {
                self.offered.get_or_insert(at);
                self.offered_to = Some(agent.clone());
                self.rung_leg = Some(*leg);
                self.offers = self.offers.saturating_add(1);
            }
            Fact::OfferEnded { outcome, .. } => {
                self.offered_to = None;
                if *outcome == OfferOutcome::NoAnswer {
                    self.rona = self.rona.saturating_add(1);
                }
            }
            Fact::Joined { agent, .. } => {
                self.joined.get_or_insert(at);
                self.end_wait(at);
                self.end_talk(at);
                self.talking_since = Some(at);
                self.agent = Some(agent.clone());
            }
            Fact::NoticeHeard { notice, .. } => self.notice = Some(*notice),
            Fact::AgentLost { .. } => {
                self.end_talk(at);
                self.waiting_since = Some(at);
                self.agents_lost = self.agents_lost.saturating_add(1);
            }
            Fact::HardCall { .. } => self.is_hard = true,
            Fact::MobileEnded {
                mobile, outcome, ..
            } => {
                if *outcome == OfferOutcome::Answered {
                    self.agent = Some(mobile.clone());
                }
            }
            Fact::HomeCentre { centre, .. } => self.home = Some(centre.clone()),
            Fact::Widened { reach, .. } => self.widened = Some(*reach),
            Fact::Recording { state, .. } => self.recording = *state,
            Fact::Held { .. } => {
                self.holds = self.holds.saturating_add(1);
                self.held_since.get_or_insert(at);
            }
            Fact::Resumed { .. } | Fact::PhoneChanged { .. } => self.end_hold(at),
            Fact::TransferBegan { to, .. } => {
                self.transfers = self.transfers.saturating_add(1);
                self.transfer_to = Some(to.clone());
            }
            Fact::TransferEnded { outcome, .. } => self.transfer_ended(at, *outcome),
            Fact::JoinedOutside { .. } => {
                self.joined.get_or_insert(at);
                self.end_wait(at);
                self.outside_since = Some(at);
            }
            Fact::OutsideLost { .. } => {
                self.end_talk(at);
                self.waiting_since = Some(at);
            }
            Fact::Ended { by, cause, .. } => {
                // The first end counts; there is no second, but a record must not change if a journal says so.
                if self.ended.is_none() {
                    self.end_wait(at);
                    self.end_talk(at);
                    self.offered_to = None;
                    self.rung_leg = None;
                    self.transfer_to = None;
                    self.ended = Some(at);
                    self.ended_by = Some(*by);
                    self.cause = Some(*cause);
                }
            }
            Fact::Started { .. }
            | Fact::Arrived { .. }
            | Fact::AgentState { .. }
            | Fact::Consulting { .. }
            | Fact::MobileRung { .. }
            | Fact::Taken { .. } => {}
        }
    }

    fn transfer_ended(&mut self, at: Moment, outcome: TransferOutcome) {
        let to = self.transfer_to.take();
        match outcome {
            TransferOutcome::CallOver | TransferOutcome::TakenBack => {}
            TransferOutcome::Done => {
                self.end_talk(at);
                self.transferred_to = to;
            }
            TransferOutcome::Failed(_) => {
                self.transfers_failed = self.transfers_failed.saturating_add(1);
            }
            TransferOutcome::FailedAlone(_) => {
                self.transfers_failed = self.transfers_failed.saturating_add(1);
                self.end_talk(at);
                self.waiting_since = Some(at);
            }
        }
    }

    fn end_wait(&mut self, at: Moment) {
        self.wait_ms = self.wait_ms_until(at);
        self.waiting_since = None;
    }

    fn end_talk(&mut self, at: Moment) {
        self.end_hold(at);
        self.talk_ms = self.talk_ms_until(at);
        self.talking_since = None;
        let outside_ms = self
            .outside_since
            .take()
            .map_or(0, |since| at.millis_since(since));
        self.outside_ms = self.outside_ms.saturating_add(outside_ms);
    }

    fn end_hold(&mut self, at: Moment) {
        let held_ms = self
            .held_since
            .take()
            .map_or(0, |since| at.millis_since(since));
        self.held_ms = self.held_ms.saturating_add(held_ms);
    }
}

/// The record of a call that has just come in.
fn arrived(fact: &Fact, at: Moment) -> Option<CallRecord> {
    let Fact::Arrived {
        call,
        leg,
        caller,
        dialled,
        origin,
        is_from_trunk,
        route,
        is_counted,
    } = fact
    else {
        return None;
    };
    Some(CallRecord {
        call: *call,
        caller_leg: *leg,
        agent_leg: None,
        caller: caller.clone(),
        dialled: dialled.clone(),
        origin: origin.clone(),
        is_from_trunk: *is_from_trunk,
        route: route.clone(),
        is_counted: *is_counted,
        arrived: at,
        answered: None,
        first_key: None,
        queued: None,
        offered: None,
        joined: None,
        ended: None,
        talking_since: None,
        talk_ms: 0,
        waiting_since: None,
        wait_ms: 0,
        last_node: None,
        path: Vec::new(),
        language: None,
        service: None,
        queue: None,
        head_start_ms: 0,
        is_silent: false,
        has_spoken_at_menu: false,
        has_heard_information: false,
        offered_to: None,
        agent: None,
        offers: 0,
        rona: 0,
        agents_lost: 0,
        notice: None,
        recording: RecordingState::NotWanted,
        recording_ms: None,
        ended_by: None,
        cause: None,
        caller_quality: None,
        agent_quality: None,
        caller_rating: None,
        agent_rating: None,
        has_journal_gap: false,
        diverted: Vec::new(),
        rung_leg: None,
        holds: 0,
        held_ms: 0,
        held_since: None,
        transfers: 0,
        transfers_failed: 0,
        transfer_to: None,
        transferred_to: None,
        outside_since: None,
        outside_ms: 0,
        is_hard: false,
        home: None,
        widened: None,
    })
}

/// An ended call waits this long for the counters of its legs.
const LINGER_MS: u64 = 60_000;

/// Ended calls kept at most; at 300 ends a second it is never reached within `LINGER_MS`.
const LINGERING_MAX: usize = 20_000;

/// Keys kept of one call.
const PATH_MAX: usize = 64;

/// Diversions kept of one call.
const DIVERTED_MAX: usize = 16;
