//! Invariants 5, 16, 26 and 36 on the wire: a phone rings only for a stated offer, somebody outside only for a stated
//! transfer or advice and at an allowed number, and both stop when that is over.

use super::transfers::is_allowed;
use crate::world::board::{NORTH_IP, SOUTH_IP};
use crate::world::text::Text;
use hotline_core::{CallId, Cause, Fact, OfferOutcome, TransferOutcome, TransferTo};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

/// 5: an offer that is over is taken back within this time.
const STOP_US_MAX: u64 = 200_000;
/// A branch that never said anything is forgotten by both sides.
const FORGET_US: u64 = 64_000_000;

#[derive(Clone, Debug)]
struct Branch {
    call: String,
    call_id: String,
    destination: SocketAddr,
    sent_us: u64,
    provisional_us: Option<u64>,
    cancelled: bool,
    /// Final answer and, for a 2xx, its To tag.
    final_us: Option<u64>,
    accepted: Option<String>,
    must_stop: Option<(u64, OfferOutcome)>,
}

#[derive(Clone, Debug)]
struct LateAnswer {
    since_us: u64,
    call_id: String,
    to_tag: String,
    outcome: OfferOutcome,
}

/// Calls for which somebody outside is to be rung.
#[derive(Default)]
struct Outside {
    /// Counsellors' calls to numbers outside that are not answered yet.
    arrived: BTreeSet<u64>,
    /// Stated, and no INVITE seen yet.
    due: VecDeque<String>,
    open: BTreeSet<String>,
}

#[derive(Default)]
pub(super) struct Forks {
    branches: BTreeMap<String, Branch>,
    /// Calls with an open offer.
    offered: BTreeMap<String, u64>,
    outside: Outside,
    /// Answers that came when the offer was over: each needs a BYE.
    late: Vec<LateAnswer>,
}

impl Forks {
    pub(super) fn begin_run(&mut self) {
        *self = Self::default();
    }

    pub(super) fn on_fact(&mut self, at_us: u64, fact: &Fact) {
        match fact {
            Fact::Offered { call, .. } => {
                self.offered.insert(call.to_string(), at_us);
            }
            Fact::OfferEnded { call, outcome, .. } => {
                self.offered.remove(&call.to_string());
                self.stop(at_us, &call.to_string(), *outcome);
            }
            Fact::Arrived { call, route, .. } => {
                if route == "outside" {
                    self.outside.arrived.insert(call.0);
                }
            }
            Fact::Answered { call } => {
                if self.outside.arrived.remove(&call.0) {
                    self.rings_outside(*call);
                }
            }
            Fact::TransferBegan {
                call,
                to: TransferTo::Outside(_),
                ..
            } => self.rings_outside(*call),
            Fact::TransferEnded { call, outcome, .. } => {
                let outcome = match outcome {
                    TransferOutcome::CallOver => OfferOutcome::CallerGone,
                    TransferOutcome::Done => OfferOutcome::Answered,
                    TransferOutcome::Failed(Cause::Unreachable)
                    | TransferOutcome::FailedAlone(Cause::Unreachable) => OfferOutcome::Unreachable,
                    TransferOutcome::Failed(_) | TransferOutcome::FailedAlone(_) => {
                        OfferOutcome::NoAnswer
                    }
                    TransferOutcome::TakenBack => OfferOutcome::Withdrawn,
                };
                self.outside_over(at_us, *call, outcome);
            }
            Fact::JoinedOutside { call, .. } => {
                self.outside_over(at_us, *call, OfferOutcome::Answered);
            }
            Fact::Ended { call, cause, .. } => {
                self.outside.arrived.remove(&call.0);
                let outcome = match cause {
                    Cause::Unreachable => OfferOutcome::Unreachable,
                    _ => OfferOutcome::CallerGone,
                };
                self.outside_over(at_us, *call, outcome);
            }
            Fact::Started { .. }
            | Fact::Node { .. }
            | Fact::Key { .. }
            | Fact::LanguageChosen { .. }
            | Fact::SpokeAtMenu { .. }
            | Fact::InformationHeard { .. }
            | Fact::Queued { .. }
            | Fact::Joined { .. }
            | Fact::NoticeHeard { .. }
            | Fact::AgentLost { .. }
            | Fact::Recording { .. }
            | Fact::AgentState { .. }
            | Fact::HardCall { .. }
            | Fact::HomeCentre { .. }
            | Fact::MobileEnded { .. }
            | Fact::MobileRung { .. }
            | Fact::Widened { .. }
            | Fact::Held { .. }
            | Fact::Resumed { .. }
            | Fact::Consulting { .. }
            | Fact::TransferBegan {
                to: TransferTo::Agent(_) | TransferTo::Queue(_),
                ..
            }
            | Fact::Taken { .. }
            | Fact::OutsideLost { .. }
            | Fact::PhoneChanged { .. } => {}
        }
    }

    fn rings_outside(&mut self, call: CallId) {
        self.outside.due.push_back(call.to_string());
        self.outside.open.insert(call.to_string());
    }

    fn outside_over(&mut self, at_us: u64, call: CallId, outcome: OfferOutcome) {
        let call = call.to_string();
        if self.outside.open.remove(&call) {
            self.outside.due.retain(|due| *due != call);
            self.stop(at_us, &call, outcome);
        }
    }

    /// The ringing for this call is over.
    fn stop(&mut self, at_us: u64, call: &str, outcome: OfferOutcome) {
        for branch in self
            .branches
            .values_mut()
            .filter(|branch| branch.call == call)
        {
            branch.must_stop.get_or_insert((at_us, outcome));
        }
    }

    pub(super) fn on_sent(
        &mut self,
        now_us: u64,
        destination: SocketAddr,
        text: &Text,
    ) -> Vec<(u8, String)> {
        if !text.is_request() {
            return Vec::new();
        }
        match text.method() {
            "INVITE" if text.tag("To").is_none() => self.invite(now_us, destination, text),
            "CANCEL" => {
                if let Some(branch) = self.branches.get_mut(text.branch()) {
                    branch.cancelled = true;
                }
                Vec::new()
            }
            "BYE" => {
                let tag = text.tag("To").unwrap_or_default();
                self.late
                    .retain(|late| late.call_id != text.call_id() || late.to_tag != tag);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// 26: an INVITE leaves only for an offer that is in the journal.
    fn invite(&mut self, now_us: u64, destination: SocketAddr, text: &Text) -> Vec<(u8, String)> {
        if self.branches.contains_key(text.branch()) {
            return Vec::new();
        }
        let mut found = Vec::new();
        let is_outside =
            [NORTH_IP, SOUTH_IP].contains(&destination.ip()) && destination.port() == 5_060;
        let call = if is_outside {
            if !is_allowed(text.request_user()) {
                found.push((36, "a forbidden number outside is rung".to_owned()));
            }
            self.call_outside()
        } else {
            text.header("X-Call-ID").unwrap_or_default().to_owned()
        };
        if !self.offered.contains_key(&call) && !self.outside.open.contains(&call) {
            found.push((
                26,
                format!("INVITE for call {call} without an open offer in the journal"),
            ));
        }
        self.branches.insert(
            text.branch().to_owned(),
            Branch {
                call,
                call_id: text.call_id().to_owned(),
                destination,
                sent_us: now_us,
                provisional_us: None,
                cancelled: false,
                final_us: None,
                accepted: None,
                must_stop: None,
            },
        );
        found
    }

    /// The call for which this INVITE outside is: one that was just stated; or the next trunk is asked for one whose
    /// trunk before has failed. Nothing in the message tells: a carrier learns nothing of our calls.
    fn call_outside(&mut self) -> String {
        if let Some(call) = self.outside.due.pop_front() {
            return call;
        }
        let rings = |call: &&String| {
            let is_alive = |branch: &Branch| {
                branch.provisional_us.is_some() && branch.final_us.is_none() && !branch.cancelled
            };
            let mut branches = self.branches.values();
            branches.any(|branch| branch.call == **call && is_alive(branch))
        };
        let mut open = self.outside.open.iter();
        open.find(|call| !rings(call)).cloned().unwrap_or_default()
    }

    pub(super) fn on_flow_lost(&mut self, address: SocketAddr) {
        self.branches
            .retain(|_, branch| branch.destination != address);
    }

    pub(super) fn on_received(&mut self, now_us: u64, text: &Text) {
        let Some(status) = text.status() else { return };
        if text.method() != "INVITE" {
            return;
        }
        let Some(branch) = self.branches.get_mut(text.branch()) else {
            return;
        };
        if status < 200 {
            branch.provisional_us.get_or_insert(now_us);
            return;
        }
        if branch.final_us.is_some() {
            return;
        }
        branch.final_us = Some(now_us);
        if status < 300 {
            let to_tag = text.tag("To").unwrap_or_default().to_owned();
            branch.accepted = Some(to_tag.clone());
            if let Some((_, outcome)) = branch.must_stop {
                self.late.push(LateAnswer {
                    since_us: now_us,
                    call_id: branch.call_id.clone(),
                    to_tag,
                    outcome,
                });
            }
        }
    }

    pub(super) fn on_time(&mut self, now_us: u64) -> Vec<(u8, String)> {
        let mut found = Vec::new();
        for (name, branch) in &self.branches {
            found.extend(rings_on(now_us, name, branch));
        }
        for late in &self.late {
            if now_us > late.since_us + STOP_US_MAX {
                let number = number_of(late.outcome);
                found.push((
                    number,
                    format!("the late answer in {} got no BYE", late.call_id),
                ));
            }
        }
        self.branches.retain(|_, branch| {
            let is_done = branch.final_us.is_some_and(|at| now_us > at + FORGET_US);
            !is_done && now_us < branch.sent_us + 4 * FORGET_US
        });
        found
    }
}

/// 5 and 16: a branch whose offer is over, that has said something and no final word, has been cancelled.
fn rings_on(now_us: u64, name: &str, branch: &Branch) -> Option<(u8, String)> {
    let (stop_us, outcome) = branch.must_stop?;
    // Nobody can take anything back from a phone whose line is gone.
    if outcome == OfferOutcome::Unreachable {
        return None;
    }
    let provisional_us = branch.provisional_us?;
    if branch.final_us.is_some() || branch.cancelled {
        return None;
    }
    let since_us = stop_us.max(provisional_us);
    (now_us > since_us + STOP_US_MAX).then(|| {
        (
            number_of(outcome),
            format!(
                "{name} of call {} rings although the offer is over ({outcome:?})",
                branch.call
            ),
        )
    })
}

fn number_of(outcome: OfferOutcome) -> u8 {
    match outcome {
        OfferOutcome::CallerGone => 5,
        OfferOutcome::Answered
        | OfferOutcome::Declined
        | OfferOutcome::NoAnswer
        | OfferOutcome::Unreachable
        | OfferOutcome::Withdrawn => 16,
    }
}
