//! The choice: the longest-waiting fit caller with the best-fitting, then longest-idle counsellor. Pure, and by index:
//! a counsellor who is free is listed under every need that they can meet, a caller waits under one. So an event
//! looks up as many needs as a counsellor has, or as a caller's need has widened, and never at everybody.

use super::queue::{Need, Place, Reach, WaitingList};
use crate::ids::AgentId;
use crate::plan::{Agent, Level};
use alloc::collections::{BTreeMap, BTreeSet};

/// Counsellors who can be offered a caller now.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    /// Longest idle first.
    order: BTreeMap<u64, AgentId>,
    /// By need: best-fitting first, then longest idle.
    needs: BTreeMap<Need, BTreeSet<(u16, u64, AgentId)>>,
    next: u64,
}

impl Idle {
    /// A new turn: whoever becomes ready now is the last.
    pub(crate) fn new_turn(&mut self) -> u64 {
        self.next = self.next.saturating_add(1);
        self.next
    }

    pub(crate) fn insert(&mut self, turn: u64, id: AgentId, agent: &Agent) {
        self.order.insert(turn, id);
        for (need, fit) in needs(id, agent) {
            self.needs.entry(need).or_default().insert((fit, turn, id));
        }
    }

    pub(crate) fn remove(&mut self, turn: u64, id: AgentId, agent: &Agent) {
        if self.order.remove(&turn).is_none() {
            return;
        }
        for (need, fit) in needs(id, agent) {
            let Some(idle) = self.needs.get_mut(&need) else {
                continue;
            };
            idle.remove(&(fit, turn, id));
            if idle.is_empty() {
                self.needs.remove(&need);
            }
        }
    }

    pub(crate) fn contains(&self, turn: u64, agent: AgentId) -> bool {
        self.order.get(&turn) == Some(&agent)
    }

    /// Who meets this need best.
    pub(crate) fn best(&self, need: Need) -> Option<AgentId> {
        self.needs.get(&need)?.first().map(|(_, _, agent)| *agent)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = AgentId> {
        self.order.values().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Nobody is idle; turns go on rising.
    pub(crate) fn clear(&mut self) {
        self.order.clear();
        self.needs.clear();
    }
}

/// How many counsellors on shift can meet each need.
#[derive(Debug, Default)]
pub(crate) struct OnShift {
    needs: BTreeMap<Need, u32>,
}

impl OnShift {
    pub(crate) fn insert(&mut self, id: AgentId, agent: &Agent) {
        for (need, _) in needs(id, agent) {
            *self.needs.entry(need).or_default() += 1;
        }
    }

    pub(crate) fn remove(&mut self, id: AgentId, agent: &Agent) {
        for (need, _) in needs(id, agent) {
            if let Some(count) = self.needs.get_mut(&need) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.needs.remove(&need);
                }
            }
        }
    }

    pub(crate) fn count(&self, need: Need) -> u32 {
        self.needs.get(&need).copied().unwrap_or(0)
    }

    pub(crate) fn clear(&mut self) {
        self.needs.clear();
    }
}

/// Every need that this counsellor can meet, and how well: the levels of language and service together, less is
/// better.
pub(crate) fn needs(id: AgentId, agent: &Agent) -> impl Iterator<Item = (Need, u16)> {
    let is_training = agent.is_in_training;
    let skill = move |language, service, reach| Need::Skill {
        language,
        service,
        reach,
        is_training,
    };
    let near = [Reach::Home(agent.centre), Reach::Everywhere];
    let own = core::iter::once((Need::Agent(id), 0));
    let anybody = agent
        .languages
        .iter()
        .map(move |(language, level)| (skill(*language, None, Reach::Anybody), fit(*level, None)));
    let skilled = agent
        .languages
        .iter()
        .filter(|_| !agent.is_reserve)
        .flat_map(move |(language, level)| {
            let services = agent
                .services
                .iter()
                .map(|(id, level)| (Some(*id), Some(*level)));
            core::iter::once((None, None))
                .chain(services)
                .flat_map(move |(service, of_service)| {
                    near.into_iter().map(move |reach| {
                        (skill(*language, service, reach), fit(*level, of_service))
                    })
                })
        });
    own.chain(anybody).chain(skilled)
}

/// Less is better.
fn fit(language: Level, service: Option<Level>) -> u16 {
    u16::from(language.0) + service.map_or(0, |level| u16::from(level.0))
}

/// Whether this counsellor can serve that need.
pub(crate) fn fits(id: AgentId, agent: &Agent, need: Need) -> bool {
    match need {
        Need::Agent(only) => only == id,
        Need::Skill {
            language,
            service,
            reach,
            is_training,
        } => {
            let is_reached = match reach {
                Reach::Home(centre) => centre == agent.centre && !agent.is_reserve,
                Reach::Everywhere => !agent.is_reserve,
                Reach::Anybody => true,
            };
            is_reached
                && is_training == agent.is_in_training
                && agent.languages.contains_key(&language)
                && service.is_none_or(|service| agent.services.contains_key(&service))
        }
    }
}

/// The first caller in line whom this counsellor can serve.
pub(crate) fn caller_for(waiting: &WaitingList, id: AgentId, agent: &Agent) -> Option<Place> {
    needs(id, agent)
        .filter_map(|(need, _)| waiting.first(need))
        .min()
}

/// The counsellor of this number; None when the plan no longer has them.
pub(crate) fn of(agents: &[Agent], id: AgentId) -> Option<&Agent> {
    usize::try_from(id.0).ok().and_then(|at| agents.get(at))
}
