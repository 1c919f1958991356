//! Invariants 10 to 14: what a counsellor's states allow.

use hotline_core::{Contact, Fact, Ledger, OfferOutcome, Plan, Standing, TransferOutcome};
use std::collections::BTreeMap;

/// 14: a phone that did not answer so often in a row is out of rotation.
const DEAD_OFFERS_MAX: u32 = 2;

#[derive(Clone, Debug)]
struct Agent {
    standing: Standing,
    since_us: u64,
    contact: Contact,
    wrap_up_ms: u64,
    offered: Option<u64>,
    talking: Option<u64>,
    dead_offers: u32,
}

#[derive(Default)]
pub(super) struct Agents {
    agents: BTreeMap<String, Agent>,
    /// As the edge says, whether the plan has the counsellor or not.
    contacts: BTreeMap<String, Contact>,
    /// Call and consult: the party of the second has just become that of the first.
    taken: Option<(u64, u64)>,
}

impl Agents {
    /// Counsellors come back as the journal knows them.
    pub(super) fn begin_run(&mut self, plan: &Plan, known: &Ledger) {
        self.contacts.clear();
        self.agents = plan
            .agents
            .iter()
            .map(|agent| {
                let fresh = Agent {
                    standing: known
                        .agents
                        .get(&agent.user)
                        .map_or(Standing::SignedOut, |known| known.standing.clone()),
                    since_us: 0,
                    contact: Contact::Gone,
                    wrap_up_ms: u64::from(agent.wrap_up_ms),
                    offered: None,
                    talking: None,
                    dead_offers: 0,
                };
                (agent.user.clone(), fresh)
            })
            .collect();
    }

    pub(super) fn change_plan(&mut self, plan: &Plan) {
        let before = std::mem::take(&mut self.agents);
        let contacts = std::mem::take(&mut self.contacts);
        self.begin_run(plan, &Ledger::default());
        for (user, entry) in &mut self.agents {
            if let Some(agent) = before.get(user) {
                *entry = Agent {
                    wrap_up_ms: entry.wrap_up_ms,
                    ..agent.clone()
                };
            }
            entry.contact = contacts.get(user).copied().unwrap_or(Contact::Gone);
        }
        // Who is not in the plan any more finishes the talk.
        for (user, agent) in before {
            self.agents.entry(user).or_insert(agent);
        }
        self.contacts = contacts;
    }

    pub(super) fn on_contact(&mut self, account: &str, contact: Contact) {
        self.contacts.insert(account.to_owned(), contact);
        if let Some(agent) = self.agents.get_mut(account) {
            agent.contact = contact;
            if contact == Contact::Reachable {
                agent.dead_offers = 0;
            }
        }
    }

    pub(super) fn on_fact(&mut self, at_us: u64, fact: &Fact) -> Vec<(u8, String)> {
        match fact {
            Fact::Offered { call, agent, .. } => self.agents.get_mut(agent).map_or_else(
                || vec![(11, format!("{agent} is offered a call and unknown"))],
                |entry| {
                    let mut found = one_offer(entry, agent);
                    found.extend(offer_only_when_ready(entry, agent));
                    found.extend(dead_phone_rests(entry, agent));
                    entry.offered = Some(call.0);
                    found
                },
            ),
            Fact::OfferEnded { agent, outcome, .. } => {
                if let Some(entry) = self.agents.get_mut(agent) {
                    entry.offered = None;
                    match outcome {
                        OfferOutcome::Unreachable => entry.dead_offers += 1,
                        OfferOutcome::Answered
                        | OfferOutcome::Declined
                        | OfferOutcome::NoAnswer => entry.dead_offers = 0,
                        OfferOutcome::CallerGone | OfferOutcome::Withdrawn => {}
                    }
                }
                Vec::new()
            }
            Fact::Joined { call, agent } => self.joined(call.0, agent),
            Fact::Taken { call, consult, .. } => {
                self.taken = Some((call.0, consult.0));
                Vec::new()
            }
            // Whoever passed a caller on does not have them any more, unless it failed.
            Fact::TransferEnded {
                agent,
                outcome: TransferOutcome::Done | TransferOutcome::FailedAlone(_),
                ..
            } => {
                if let Some(entry) = self.agents.get_mut(agent) {
                    entry.talking = None;
                }
                Vec::new()
            }
            Fact::Ended { call, .. } | Fact::AgentLost { call, .. } => {
                for entry in self
                    .agents
                    .values_mut()
                    .filter(|entry| entry.talking == Some(call.0))
                {
                    entry.talking = None;
                }
                Vec::new()
            }
            Fact::AgentState {
                agent,
                standing,
                why,
            } => self.agents.get_mut(agent).map_or_else(Vec::new, |entry| {
                let mut found = drawn_transition(entry, agent, standing, why);
                found.extend(whole_wrap_up(entry, agent, at_us, why));
                if matches!(standing, Standing::NotReady(_) | Standing::SignedOut) {
                    entry.dead_offers = 0;
                }
                entry.standing = standing.clone();
                entry.since_us = at_us;
                found
            }),
            Fact::Started { .. }
            | Fact::Arrived { .. }
            | Fact::Answered { .. }
            | Fact::Node { .. }
            | Fact::Key { .. }
            | Fact::LanguageChosen { .. }
            | Fact::SpokeAtMenu { .. }
            | Fact::InformationHeard { .. }
            | Fact::Queued { .. }
            | Fact::NoticeHeard { .. }
            | Fact::Recording { .. }
            | Fact::Held { .. }
            | Fact::Resumed { .. }
            | Fact::Consulting { .. }
            | Fact::TransferBegan { .. }
            | Fact::TransferEnded {
                outcome:
                    TransferOutcome::CallOver | TransferOutcome::Failed(_) | TransferOutcome::TakenBack,
                ..
            }
            | Fact::JoinedOutside { .. }
            | Fact::OutsideLost { .. }
            | Fact::PhoneChanged { .. } => Vec::new(),
        }
    }

    /// 10: a counsellor is in one talk at most, and a talk has one counsellor; whoever takes a caller from a
    /// colleague who asked them for advice leaves that call with it.
    fn joined(&mut self, call: u64, agent: &str) -> Vec<(u8, String)> {
        let taken = self.taken.take();
        let mut found = Vec::new();
        for (other, entry) in &self.agents {
            if other != agent && entry.talking == Some(call) {
                found.push((
                    10,
                    format!("{agent} is joined with {call:x}, and {other} still is"),
                ));
            }
        }
        if let Some(entry) = self.agents.get_mut(agent) {
            let is_second = entry.talking.is_some_and(|had| taken != Some((call, had)));
            if is_second {
                found.push((
                    10,
                    format!("{agent} is joined with {call:x} while in another talk"),
                ));
            }
            entry.talking = Some(call);
        }
        found
    }
}

/// 10: never two offers, or an offer while talking, at once.
fn one_offer(agent: &Agent, name: &str) -> Vec<(u8, String)> {
    if let Some(other) = agent.offered {
        return vec![(
            10,
            format!("{name} is offered a second call beside {other:x}"),
        )];
    }
    if let Some(other) = agent.talking {
        return vec![(
            10,
            format!("{name} is offered a call while talking in {other:x}"),
        )];
    }
    Vec::new()
}

/// 11: no offer during wrap-up, break, after sign-out, without a phone.
fn offer_only_when_ready(agent: &Agent, name: &str) -> Vec<(u8, String)> {
    if agent.standing != Standing::Ready {
        return vec![(
            11,
            format!("{name} is offered a call in {:?}", agent.standing),
        )];
    }
    if agent.contact != Contact::Reachable {
        return vec![(
            11,
            format!(
                "{name} is offered a call and the phone is {:?}",
                agent.contact
            ),
        )];
    }
    Vec::new()
}

/// 14: a counsellor whose phone died is out of rotation after two failed offers.
fn dead_phone_rests(agent: &Agent, name: &str) -> Vec<(u8, String)> {
    if agent.dead_offers < DEAD_OFFERS_MAX {
        return Vec::new();
    }
    vec![(
        14,
        format!(
            "{name} is offered a call after {} dead offers",
            agent.dead_offers
        ),
    )]
}

/// 12: the wrap-up lasts its time unless the counsellor (or their phone's end) ends it.
fn whole_wrap_up(agent: &Agent, name: &str, at_us: u64, why: &str) -> Vec<(u8, String)> {
    let Standing::WrapUp(_) = agent.standing else {
        return Vec::new();
    };
    let lasted_ms = (at_us - agent.since_us) / 1_000;
    if lasted_ms >= agent.wrap_up_ms || why != "wrap_up_over" {
        return Vec::new();
    }
    vec![(
        12,
        format!(
            "the wrap-up of {name} lasted {lasted_ms} ms of {}",
            agent.wrap_up_ms
        ),
    )]
}

/// 13: states change along the drawn lines only, and each change has a cause. Domain: a talk is followed by the
/// wrap-up unless the line was lost, the counsellor has no paperwork, or the shift ended.
fn drawn_transition(agent: &Agent, name: &str, to: &Standing, why: &str) -> Vec<(u8, String)> {
    let mut found = Vec::new();
    if why.is_empty() {
        found.push((13, format!("{name} changed to {to:?} without a cause")));
    }
    let fits = match (&agent.standing, to) {
        (Standing::Ready, Standing::Offered(_) | Standing::NotReady(_) | Standing::SignedOut) => {
            true
        }
        (Standing::Offered(_), Standing::Ready) => {
            matches!(
                why,
                "caller_gone" | "unreachable" | "withdrawn" | "request" | "restart"
            )
        }
        (Standing::Offered(of), Standing::Talking(with)) => of == with,
        // The caller of a colleague who asked for advice.
        (Standing::Talking(of), Standing::Talking(with)) => why == "transfer" && of != with,
        (Standing::Offered(_), Standing::NotReady(_) | Standing::SignedOut) => true,
        (Standing::Talking(of), Standing::WrapUp(after)) => of == after,
        (Standing::Talking(_), Standing::Ready) => {
            agent.wrap_up_ms == 0 || matches!(why, "lost" | "restart")
        }
        (Standing::Talking(_), Standing::NotReady(_)) => agent.wrap_up_ms == 0 || why == "lost",
        (Standing::Talking(_), Standing::SignedOut) => true,
        (Standing::WrapUp(_), Standing::Ready | Standing::NotReady(_) | Standing::SignedOut) => {
            true
        }
        (Standing::NotReady(_), Standing::Ready | Standing::SignedOut) => true,
        (Standing::NotReady(_), Standing::NotReady(_)) => true,
        (Standing::SignedOut, Standing::Ready | Standing::SignedOut | Standing::NotReady(_)) => {
            true
        }
        // After a restart the paperwork begins afresh.
        (Standing::WrapUp(of), Standing::WrapUp(after)) => why == "restart" && of == after,
        (Standing::Ready, Standing::Ready | Standing::Talking(_) | Standing::WrapUp(_))
        | (Standing::Offered(_), Standing::Offered(_) | Standing::WrapUp(_))
        | (Standing::Talking(_), Standing::Offered(_))
        | (Standing::WrapUp(_), Standing::Offered(_) | Standing::Talking(_))
        | (
            Standing::NotReady(_),
            Standing::Offered(_) | Standing::Talking(_) | Standing::WrapUp(_),
        )
        | (
            Standing::SignedOut,
            Standing::Offered(_) | Standing::Talking(_) | Standing::WrapUp(_),
        ) => false,
    };
    if !fits {
        found.push((
            13,
            format!("{name} went from {:?} to {to:?} ({why})", agent.standing),
        ));
    }
    found
}
