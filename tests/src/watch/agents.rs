//! Invariants 10 to 14: what a counsellor's states allow.

use hotline_core::{Contact, Fact, Ledger, OfferOutcome, Plan, Standing, TransferOutcome, WrapUp};
use std::collections::BTreeMap;

/// 14: a phone that did not answer so often in a row is out of rotation.
const DEAD_OFFERS_MAX: u32 = 2;

#[derive(Clone, Debug)]
struct Agent {
    standing: Standing,
    since_us: u64,
    contact: Contact,
    wrap_up: WrapUp,
    /// A hard call was told and no rest has followed yet.
    is_rest_due: bool,
    /// They said in the talk that it needs no paperwork.
    is_without_paper: bool,
    /// When the talk began.
    talk_since_us: u64,
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
    /// Account by the number that requests name.
    users: Vec<String>,
    /// A talk shorter than this was no counselling.
    counselling_us_min: u64,
    /// A rest follows a hard call.
    has_recovery: bool,
}

impl Agents {
    /// Counsellors come back as the journal knows them.
    pub(super) fn begin_run(&mut self, plan: &Plan, known: &Ledger) {
        self.contacts.clear();
        self.users = plan.agents.iter().map(|agent| agent.user.clone()).collect();
        self.has_recovery = plan.timing.recovery_ms > 0;
        self.counselling_us_min = u64::from(plan.timing.counselling_ms_min) * 1_000;
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
                    wrap_up: agent.wrap_up,
                    is_rest_due: false,
                    is_without_paper: false,
                    talk_since_us: 0,
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
                    wrap_up: entry.wrap_up,
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

    /// A counsellor said that the talk needs no paperwork.
    pub(super) fn on_no_paper(&mut self, agent: u32) {
        let user = usize::try_from(agent)
            .ok()
            .and_then(|at| self.users.get(at));
        if let Some(entry) = user.and_then(|user| self.agents.get_mut(user)) {
            entry.is_without_paper = entry.standing.talk().is_some();
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
                if entry.standing.talk().is_some()
                    && at_us - entry.talk_since_us < self.counselling_us_min
                {
                    entry.is_without_paper = true;
                }
                let mut found = drawn_transition(entry, agent, standing, why);
                match standing.talk() {
                    Some(_) if entry.standing.talk().is_none() => entry.talk_since_us = at_us,
                    Some(_) => {}
                    None => entry.is_without_paper = false,
                }
                found.extend(whole_wrap_up(entry, agent, at_us, why));
                if matches!(standing, Standing::NotReady(_) | Standing::SignedOut) {
                    entry.dead_offers = 0;
                }
                if matches!(
                    standing,
                    Standing::NotReady(_) | Standing::Recovery(_) | Standing::SignedOut
                ) {
                    entry.is_rest_due = false;
                }
                entry.standing = standing.clone();
                entry.since_us = at_us;
                found
            }),
            Fact::HardCall { agent, .. } => {
                if let Some(entry) = self.agents.get_mut(agent) {
                    let is_away = matches!(entry.standing, Standing::NotReady(_));
                    entry.is_rest_due = self.has_recovery && !is_away;
                }
                Vec::new()
            }
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
            | Fact::HomeCentre { .. }
            | Fact::MobileEnded { .. }
            | Fact::MobileRung { .. }
            | Fact::Widened { .. }
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
    let is_whole = match agent.wrap_up {
        WrapUp::None => true,
        WrapUp::Timed(length_ms) => lasted_ms >= u64::from(length_ms),
        WrapUp::UntilDone => false,
    };
    if is_whole || why != "wrap_up_over" {
        return Vec::new();
    }
    vec![(
        12,
        format!(
            "the wrap-up of {name} lasted {lasted_ms} ms of {:?}",
            agent.wrap_up
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
        // On hold and back, asking for advice and done; or the caller of a colleague who asked for it.
        (from, to) if from.talk().is_some() && to.talk().is_some() => {
            (why == "transfer") == (from.talk() != to.talk())
        }
        (Standing::Offered(_), Standing::NotReady(_) | Standing::SignedOut) => true,
        (from, Standing::WrapUp(after)) if from.talk().is_some() => from.talk() == Some(*after),
        (from, Standing::Ready | Standing::NotReady(_) | Standing::Recovery(_))
            if from.talk().is_some() =>
        {
            let is_paperless = agent.wrap_up == WrapUp::None || agent.is_without_paper;
            is_paperless || matches!(why, "lost" | "restart")
        }
        (from, Standing::SignedOut) if from.talk().is_some() => true,
        (Standing::WrapUp(of), Standing::Recovery(after)) => of == after,
        (
            Standing::WrapUp(_) | Standing::Recovery(_),
            Standing::Ready | Standing::NotReady(_) | Standing::SignedOut,
        ) => true,
        (Standing::Ready, Standing::Recovery(_)) => why == "request",
        (Standing::NotReady(_), Standing::Ready | Standing::SignedOut) => true,
        (Standing::NotReady(_), Standing::NotReady(_)) => true,
        (Standing::SignedOut, Standing::Ready | Standing::SignedOut | Standing::NotReady(_)) => {
            true
        }
        // After a restart the paperwork, or the rest, begins afresh.
        (Standing::WrapUp(of), Standing::WrapUp(after))
        | (Standing::Recovery(of), Standing::Recovery(after)) => why == "restart" && of == after,
        _ => false,
    };
    // After a hard call nobody is free at once.
    if agent.is_rest_due && *to == Standing::Ready && matches!(agent.standing, Standing::WrapUp(_))
    {
        found.push((13, format!("{name} had a hard call and no rest ({why})")));
    }
    if !fits {
        found.push((
            13,
            format!("{name} went from {:?} to {to:?} ({why})", agent.standing),
        ));
    }
    found
}
