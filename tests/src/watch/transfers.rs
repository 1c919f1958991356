//! Invariants 2, 10 and 36 in a talk: whatever fails, the caller stays on the line and the counsellor has them again;
//! a counsellor is in a second call for advice only; nobody is passed on where nobody may be.

use super::seen::Seen;
use hotline_core::{Cause, EndedBy, Fact, TransferOutcome, TransferTo};
use std::collections::{BTreeMap, BTreeSet};

/// A caller being passed on.
#[derive(Clone, Debug)]
struct Passing {
    agent: String,
    to: TransferTo,
}

/// A call for advice.
#[derive(Clone, Debug)]
struct Consult {
    /// None: the caller has hung up.
    talk: Option<u64>,
    is_outside: bool,
}

#[derive(Default)]
pub(super) struct Transfers {
    /// Who has which caller.
    talks: BTreeMap<u64, String>,
    held: BTreeSet<u64>,
    passing: BTreeMap<u64, Passing>,
    consults: BTreeMap<u64, Consult>,
    /// Transfers that ended in this turn: these calls may not end with them, or only so.
    failed_now: BTreeSet<u64>,
    over_now: BTreeSet<u64>,
    /// Calls of this turn from the phone of a counsellor who has a caller, by call.
    second_now: BTreeMap<u64, String>,
    routes: BTreeMap<u64, String>,
}

impl Transfers {
    pub(super) fn begin_run(&mut self, seen: &mut Seen) {
        if !self.passing.is_empty() {
            seen.saw("the process dies in the middle of a transfer");
        }
        *self = Self::default();
    }

    /// Whether this counsellor is passing a caller on, and whether they are the one who is rung for it.
    pub(super) fn part_of(&self, user: &str) -> (bool, bool) {
        let is_rung = |passing: &Passing| passing.to == TransferTo::Agent(user.to_owned());
        (
            self.passing.values().any(|passing| passing.agent == user),
            self.passing.values().any(is_rung),
        )
    }

    pub(super) fn on_fact(&mut self, seen: &mut Seen, fact: &Fact) -> Vec<(u8, String)> {
        match fact {
            Fact::Arrived {
                call,
                origin,
                is_from_trunk: false,
                route,
                ..
            } => {
                self.routes.insert(call.0, route.clone());
                if self.talks.values().any(|agent| agent == origin) {
                    self.second_now.insert(call.0, origin.clone());
                }
                Vec::new()
            }
            Fact::Consulting { call, consult, .. } => {
                self.second_now.remove(&consult.0);
                let is_outside = self
                    .routes
                    .get(&consult.0)
                    .is_some_and(|to| to == "outside");
                seen.saw(if is_outside {
                    "advice is asked outside"
                } else {
                    "advice is asked of a colleague"
                });
                let talk = Some(call.0);
                self.consults
                    .insert(consult.0, Consult { talk, is_outside });
                Vec::new()
            }
            Fact::Joined { call, agent } => {
                self.talks.insert(call.0, agent.clone());
                Vec::new()
            }
            Fact::Held { call } => {
                seen.saw("a caller is held");
                self.held.insert(call.0);
                Vec::new()
            }
            Fact::Resumed { call } => {
                seen.saw("a held caller is back in the talk");
                self.held.remove(&call.0);
                Vec::new()
            }
            Fact::PhoneChanged { call, .. } => {
                seen.saw("the counsellor changes phones");
                self.held.remove(&call.0);
                Vec::new()
            }
            Fact::AgentLost { call, .. } => {
                if self.held.remove(&call.0) {
                    seen.saw("a caller loses the counsellor while held");
                }
                self.talks.remove(&call.0);
                Vec::new()
            }
            Fact::JoinedOutside { call, .. } => {
                self.talks.remove(&call.0);
                Vec::new()
            }
            Fact::OutsideLost { .. } => {
                seen.saw("the line outside is lost");
                Vec::new()
            }
            Fact::TransferBegan { call, agent, to } => {
                let (agent, to) = (agent.clone(), to.clone());
                self.began(call.0, Passing { agent, to })
            }
            Fact::TransferEnded {
                call,
                agent,
                outcome,
            } => self.transfer_ended(seen, call.0, agent, *outcome),
            Fact::Taken { consult, .. } => {
                if let Some(consult) = self.consults.remove(&consult.0) {
                    seen.saw(if consult.is_outside {
                        "after advice somebody outside has the caller"
                    } else {
                        "after advice a colleague has the caller"
                    });
                }
                Vec::new()
            }
            Fact::Ended { call, by, cause } => self.ended(seen, call.0, *by, *cause),
            Fact::Started { .. }
            | Fact::Arrived {
                is_from_trunk: true,
                ..
            }
            | Fact::Answered { .. }
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
            | Fact::HardCall { .. }
            | Fact::HomeCentre { .. }
            | Fact::MobileEnded { .. }
            | Fact::MobileRung { .. }
            | Fact::Widened { .. }
            | Fact::AgentState { .. } => Vec::new(),
        }
    }

    /// 36: only the counsellor who has the caller passes them on, and nobody outside who is not allowed gets them.
    fn began(&mut self, call: u64, passing: Passing) -> Vec<(u8, String)> {
        let mut found = Vec::new();
        if self.talks.get(&call) != Some(&passing.agent) {
            let has = self.talks.get(&call);
            found.push((
                36,
                format!(
                    "{} passes call {call:x} on, which {has:?} has",
                    passing.agent
                ),
            ));
        }
        if let TransferTo::Outside(number) = &passing.to
            && !is_allowed(number.reveal())
        {
            found.push((
                36,
                format!("call {call:x} is passed on to a forbidden number"),
            ));
        }
        self.passing.insert(call, passing);
        found
    }

    fn transfer_ended(
        &mut self,
        seen: &mut Seen,
        call: u64,
        agent: &str,
        outcome: TransferOutcome,
    ) -> Vec<(u8, String)> {
        let Some(passing) = self.passing.remove(&call) else {
            return vec![(
                1,
                format!("a transfer of call {call:x} ended that never began"),
            )];
        };
        if let Some(kind) = kind(&passing.to, outcome) {
            seen.saw(kind);
        }
        match outcome {
            TransferOutcome::CallOver => {
                self.over_now.insert(call);
            }
            TransferOutcome::Done => {
                self.talks.remove(&call);
                self.held.remove(&call);
            }
            TransferOutcome::Failed(_) | TransferOutcome::TakenBack => {
                self.failed_now.insert(call);
            }
            TransferOutcome::FailedAlone(_) => {
                self.failed_now.insert(call);
                self.talks.remove(&call);
                self.held.remove(&call);
            }
        }
        if passing.agent == agent {
            return Vec::new();
        }
        vec![(
            1,
            format!(
                "{} passed call {call:x} on, and {agent} has it back",
                passing.agent
            ),
        )]
    }

    /// 2: a transfer that fails never ends the call, and one that the end of the call cut off was cut by the caller or
    /// by a stop of ours.
    fn ended(
        &mut self,
        seen: &mut Seen,
        call: u64,
        by: EndedBy,
        cause: Cause,
    ) -> Vec<(u8, String)> {
        let mut found = Vec::new();
        if self.failed_now.contains(&call) {
            found.push((
                2,
                format!("call {call:x} ended because its transfer failed"),
            ));
        }
        if self.over_now.remove(&call) && !matches!(by, EndedBy::Caller | EndedBy::System) {
            found.push((
                2,
                format!("call {call:x} ended by {by:?} ({cause:?}) in the middle of a transfer"),
            ));
        }
        if self.held.remove(&call) && by == EndedBy::Caller {
            seen.saw("a held caller hangs up");
        }
        if let Some(consult) = self.consults.remove(&call)
            && consult.talk.is_some()
        {
            seen.saw("advice is over, and the counsellor has the caller");
        }
        for consult in self.consults.values_mut() {
            if consult.talk == Some(call) {
                consult.talk = None;
                seen.saw("the caller hangs up during advice");
            }
        }
        self.talks.remove(&call);
        self.second_now.remove(&call);
        self.routes.remove(&call);
        found
    }

    /// 10: whoever has a caller dials for advice, and is refused otherwise. 2: a call that a transfer was cut off in is
    /// over with that turn.
    pub(super) fn end_of_turn(&mut self) -> Vec<(u8, String)> {
        let mut found: Vec<(u8, String)> = std::mem::take(&mut self.second_now)
            .into_iter()
            .map(|(call, agent)| (10, format!("{agent} has a caller and call {call:x} too")))
            .collect();
        found.extend(std::mem::take(&mut self.over_now).into_iter().map(|call| {
            (
                2,
                format!("call {call:x} is cut off a transfer and goes on"),
            )
        }));
        self.failed_now.clear();
        found
    }
}

/// Numbers outside that the plan of the tests allows.
pub(super) fn is_allowed(number: &str) -> bool {
    number == "113" || (number.starts_with("09") && !number.starts_with("0900"))
}

fn kind(to: &TransferTo, outcome: TransferOutcome) -> Option<&'static str> {
    let kinds = match to {
        TransferTo::Agent(_) => [
            "passed on to a colleague: done",
            "passed on to a colleague: failed",
            "passed on to a colleague: failed, and nobody was left",
            "passed on to a colleague: the caller hangs up",
            "passed on to a colleague: taken back",
        ],
        TransferTo::Outside(_) => [
            "passed on outside: done",
            "passed on outside: failed",
            "passed on outside: failed, and nobody was left",
            "passed on outside: the caller hangs up",
            "passed on outside: taken back",
        ],
        TransferTo::Queue(_) => {
            return match outcome {
                TransferOutcome::Done => Some("passed on to a queue: done"),
                TransferOutcome::Failed(_) => Some("passed on to a queue: failed"),
                TransferOutcome::CallOver
                | TransferOutcome::FailedAlone(_)
                | TransferOutcome::TakenBack => None,
            };
        }
    };
    let [done, failed, failed_alone, over, taken_back] = kinds;
    Some(match outcome {
        TransferOutcome::CallOver => over,
        TransferOutcome::Done => done,
        TransferOutcome::Failed(_) => failed,
        TransferOutcome::FailedAlone(_) => failed_alone,
        TransferOutcome::TakenBack => taken_back,
    })
}
