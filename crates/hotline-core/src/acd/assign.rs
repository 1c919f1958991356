//! The choice: the longest-waiting fit caller with the longest-idle fit counsellor. Pure, event-driven: an event
//! looks at the first caller of each need, or at the idle counsellors, and at nothing else.

use super::queue::{Need, Place, WaitingList};
use crate::ids::AgentId;
use crate::plan::Agent;
use alloc::collections::BTreeMap;

/// Counsellors who can be offered a caller now, longest idle first.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    order: BTreeMap<u64, AgentId>,
    next: u64,
}

impl Idle {
    /// A new turn: whoever becomes ready now is the last.
    pub(crate) fn new_turn(&mut self) -> u64 {
        self.next = self.next.saturating_add(1);
        self.next
    }

    pub(crate) fn insert(&mut self, turn: u64, agent: AgentId) {
        self.order.insert(turn, agent);
    }

    pub(crate) fn remove(&mut self, turn: u64) {
        self.order.remove(&turn);
    }

    pub(crate) fn contains(&self, turn: u64, agent: AgentId) -> bool {
        self.order.get(&turn) == Some(&agent)
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
    }
}

/// Whether this counsellor can serve that need.
pub(crate) fn fits(id: AgentId, agent: &Agent, need: Need) -> bool {
    match need {
        Need::Agent(only) => only == id,
        Need::Skill { language, service } => {
            agent.languages.contains(&language)
                && service.is_none_or(|service| agent.services.contains(&service))
        }
    }
}

/// The first caller in line whom this counsellor can serve.
pub(crate) fn caller_for(waiting: &WaitingList, id: AgentId, agent: &Agent) -> Option<Place> {
    waiting
        .heads()
        .filter(|(need, _)| fits(id, agent, *need))
        .map(|(_, place)| place)
        .min()
}

/// The longest-idle counsellor who can serve this need.
pub(crate) fn agent_for(idle: &Idle, agents: &[Agent], need: Need) -> Option<AgentId> {
    idle.iter()
        .find(|id| of(agents, *id).is_some_and(|agent| fits(*id, agent, need)))
}

/// The counsellor of this number; None when the plan no longer has them.
pub(crate) fn of(agents: &[Agent], id: AgentId) -> Option<&Agent> {
    usize::try_from(id.0).ok().and_then(|at| agents.get(at))
}
