//! Invariants 3 and 4: a waiting caller always hears something, one in a talk the other party, and never another
//! caller.

use crate::world::media::Heard;
use hotline_core::{Fact, TransferOutcome};
use std::collections::{BTreeMap, BTreeSet};

/// Decision 10: never more than this much silence between the answer and the end of the wait.
const SILENCE_US_MAX: u64 = 2_000_000;
/// A join is heard within this.
const DEAF_US_MAX: u64 = 1_000_000;

#[derive(Default)]
pub(super) struct Ears {
    /// Caller legs by call, and the reverse.
    callers: BTreeMap<u64, u64>,
    calls: BTreeMap<u64, u64>,
    /// Legs that were answered and are not talking: they must hear something.
    waiting: BTreeSet<u64>,
    silent_since: BTreeMap<u64, u64>,
    /// Legs in a talk that do not hear the other party, since when.
    deaf_since: BTreeMap<u64, u64>,
    /// Legs in a talk.
    talking: BTreeSet<u64>,
    /// What each leg hears now.
    heard: BTreeMap<u64, Heard>,
    /// Calls whose counsellor has put the caller on hold.
    held: BTreeSet<u64>,
    /// From here on callers are told goodbye in the middle of a talk.
    closes_us: Option<u64>,
}

impl Ears {
    pub(super) fn begin_run(&mut self) {
        *self = Self::default();
    }

    pub(super) fn on_fact(&mut self, at_us: u64, fact: &Fact) {
        match fact {
            Fact::Arrived {
                call,
                leg,
                is_counted,
                ..
            } => {
                self.calls.insert(leg.0, call.0);
                if *is_counted {
                    self.callers.insert(call.0, leg.0);
                }
            }
            Fact::Answered { call }
            | Fact::OutsideLost { call }
            | Fact::TransferBegan { call, .. } => self.waits(at_us, call.0),
            Fact::AgentLost { call, .. } => {
                self.held.remove(&call.0);
                self.waits(at_us, call.0);
            }
            Fact::Held { call } => {
                self.held.insert(call.0);
                self.waits(at_us, call.0);
            }
            Fact::Resumed { call } | Fact::PhoneChanged { call, .. } => {
                self.held.remove(&call.0);
                self.talks(at_us, call.0);
            }
            // Back with the counsellor, who may still have the line on hold.
            Fact::TransferEnded {
                call,
                outcome: TransferOutcome::Failed(_) | TransferOutcome::TakenBack,
                ..
            } => {
                if !self.held.contains(&call.0) {
                    self.talks(at_us, call.0);
                }
            }
            Fact::TransferEnded { call, .. } => {
                self.held.remove(&call.0);
            }
            Fact::Joined { call, .. } | Fact::JoinedOutside { call, .. } => {
                self.talks(at_us, call.0);
            }
            Fact::Ended { call, .. } => {
                self.held.remove(&call.0);
                self.leaves(call.0);
                if let Some(leg) = self.callers.remove(&call.0) {
                    self.calls.remove(&leg);
                    self.heard.remove(&leg);
                }
            }
            Fact::Started { .. }
            | Fact::Node { .. }
            | Fact::Key { .. }
            | Fact::LanguageChosen { .. }
            | Fact::SpokeAtMenu { .. }
            | Fact::InformationHeard { .. }
            | Fact::Queued { .. }
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
            | Fact::Taken { .. }
            | Fact::AgentState { .. } => {}
        }
    }

    /// From here on the caller must hear something. Whoever waits already goes on hearing what they hear.
    fn waits(&mut self, at_us: u64, call: u64) {
        let Some(leg) = self.callers.get(&call) else {
            return;
        };
        self.talking.remove(leg);
        self.deaf_since.remove(leg);
        // Whoever hears a party now will hear nothing more of it.
        let is_silent = matches!(
            self.heard.get(leg),
            None | Some(Heard::Nothing | Heard::Leg(_))
        );
        if self.waiting.insert(*leg) && is_silent {
            self.silent_since.insert(*leg, at_us);
        }
    }

    /// From here on the caller hears the other party.
    fn talks(&mut self, at_us: u64, call: u64) {
        self.leaves(call);
        if let Some(leg) = self.callers.get(&call) {
            self.talking.insert(*leg);
            if !matches!(self.heard.get(leg), Some(Heard::Leg(_))) {
                self.deaf_since.insert(*leg, at_us);
            }
        }
    }

    /// SIGTERM: last words are said from the limit on, wherever the caller is.
    pub(super) fn on_drain(&mut self, limit_us: u64) {
        self.closes_us.get_or_insert(limit_us);
    }

    fn leaves(&mut self, call: u64) {
        if let Some(leg) = self.callers.get(&call) {
            self.waiting.remove(leg);
            self.silent_since.remove(leg);
            self.talking.remove(leg);
            self.deaf_since.remove(leg);
        }
    }

    pub(super) fn on_heard(&mut self, now_us: u64, leg: u64, heard: &Heard) -> Vec<(u8, String)> {
        let mut found = self.two_callers(leg, heard);
        found.extend(self.long_silence(now_us, leg));
        found.extend(self.long_deafness(now_us, leg));
        // In the line a caller hears the line: a party that has gone is no more than silence.
        let is_party = matches!(heard, Heard::Leg(_));
        if *heard == Heard::Nothing || is_party {
            self.silent_since.entry(leg).or_insert(now_us);
        } else {
            self.silent_since.remove(&leg);
        }
        if is_party || !self.talking.contains(&leg) {
            self.deaf_since.remove(&leg);
        } else {
            self.deaf_since.entry(leg).or_insert(now_us);
        }
        self.heard.insert(leg, heard.clone());
        found
    }

    pub(super) fn on_time(&mut self, now_us: u64) -> Vec<(u8, String)> {
        let legs: Vec<u64> = self.silent_since.keys().copied().collect();
        let mut found: Vec<(u8, String)> = legs
            .into_iter()
            .flat_map(|leg| self.long_silence(now_us, leg))
            .collect();
        let legs: Vec<u64> = self.deaf_since.keys().copied().collect();
        found.extend(
            legs.into_iter()
                .flat_map(|leg| self.long_deafness(now_us, leg)),
        );
        found
    }

    /// 3: never silent for more than 2 s while waiting.
    fn long_silence(&self, now_us: u64, leg: u64) -> Vec<(u8, String)> {
        let since = self
            .silent_since
            .get(&leg)
            .filter(|_| self.waiting.contains(&leg));
        match since {
            Some(since) if now_us - since > SILENCE_US_MAX => {
                vec![(
                    3,
                    format!(
                        "the caller on leg {leg} has heard nothing for {} ms",
                        (now_us - since) / 1_000
                    ),
                )]
            }
            _ => Vec::new(),
        }
    }

    /// 3: a caller in a talk hears the other party.
    fn long_deafness(&self, now_us: u64, leg: u64) -> Option<(u8, String)> {
        let since = self
            .deaf_since
            .get(&leg)
            .filter(|_| self.talking.contains(&leg))?;
        if self.closes_us.is_some_and(|closes_us| now_us >= closes_us) {
            return None;
        }
        (now_us - since > DEAF_US_MAX).then(|| {
            let text = format!(
                "the caller on leg {leg} is in a talk and hears {:?} for {} ms",
                self.heard.get(&leg),
                (now_us - since) / 1_000
            );
            (3, text)
        })
    }

    /// 4: no two callers hear each other.
    fn two_callers(&self, leg: u64, heard: &Heard) -> Vec<(u8, String)> {
        match heard {
            Heard::Leg(other)
                if self.calls.contains_key(&leg) && self.calls.contains_key(other) =>
            {
                vec![(
                    4,
                    format!("callers on legs {leg} and {other} hear each other"),
                )]
            }
            _ => Vec::new(),
        }
    }
}
