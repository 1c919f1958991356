//! The live tables: calls, queues, counsellors, as a ledger knows them. `ctl`, the web interface and the figures of
//! `/metrics` all speak of them in these words.

use hotline_core::{Agent, AgentStanding, CallRecord, Centre, Ledger, Moment, Now, Standing};
use serde::{Deserialize, Serialize};

/// All tables at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// UTC milliseconds since 1970.
    pub at_ms: i64,
    /// Calls that go on, in order of arrival.
    pub calls: Vec<CallView>,
    /// Queues of the plan, in its order; then others that callers still wait in.
    pub queues: Vec<QueueView>,
    /// Counsellors of the plan, in its order; then others who have not signed out.
    pub agents: Vec<AgentView>,
}

/// A call that goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallView {
    /// Id, as in logs and file names.
    pub call: String,
    /// `arriving`, `menu`, `waiting`, `ringing`, `talking`, `held`, `passing` (to somebody else) or `outside` (with
    /// somebody outside).
    pub state: String,
    /// Masked.
    pub caller: String,
    /// Dialled number.
    pub dialled: String,
    /// Trunk or account.
    pub origin: String,
    /// Flow, queue or kind of the route.
    pub route: String,
    /// UTC milliseconds since 1970.
    pub arrived_ms: i64,
    /// Milliseconds since.
    pub age_ms: u64,
    /// Milliseconds in queues, until now.
    pub wait_ms: u64,
    /// Milliseconds with counsellors, until now.
    pub talk_ms: u64,
    /// Code.
    pub language: Option<String>,
    /// Chosen service.
    pub service: Option<String>,
    /// Last node of the flow.
    pub node: Option<String>,
    /// Queue.
    pub queue: Option<String>,
    /// The counsellor who is rung or talks.
    pub agent: Option<String>,
    /// The caller cannot speak.
    pub is_silent: bool,
}

/// A queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    /// Name.
    pub queue: String,
    /// Callers waiting, rung for or not.
    pub waiting: u32,
    /// Of those, callers for whom a counsellor is rung.
    pub ringing: u32,
    /// Callers from this queue who are with a counsellor.
    pub talking: u32,
    /// The longest wait among the waiting, milliseconds.
    pub longest_wait_ms: u64,
}

/// A counsellor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    /// User name.
    pub user: String,
    /// Shown to people.
    pub name: String,
    /// Centre.
    pub centre: String,
    /// `not_ready`, `offered`, `ready`, `signed_out`, `talking` or `wrap_up`.
    pub state: String,
    /// Why not ready.
    pub reason: Option<String>,
    /// The call of that state.
    pub call: Option<String>,
    /// UTC milliseconds since 1970; none for one who was never there.
    pub since_ms: Option<i64>,
    /// Milliseconds in that state.
    pub for_ms: u64,
    /// What moved them there.
    pub why: String,
}

impl View {
    /// What this ledger shows. `queues`: names of the plan's queues, so that an empty one is shown too; `agents`: its
    /// counsellors, so that one who was never there is; `centres`: where they sit.
    #[must_use]
    pub fn of(
        ledger: &Ledger,
        now: Now,
        queues: &[&str],
        agents: &[Agent],
        centres: &[Centre],
    ) -> Self {
        let at = Moment {
            run: ledger.run,
            mono: now.mono,
            wall: now.wall,
        };
        let mut calls: Vec<_> = ledger.open().map(|record| call_view(record, at)).collect();
        calls.sort_by(|left, right| {
            (left.arrived_ms, &left.call).cmp(&(right.arrived_ms, &right.call))
        });
        Self {
            at_ms: now.wall.0,
            queues: queue_views(&calls, queues),
            agents: agent_views(ledger, agents, centres, at),
            calls,
        }
    }
}

impl CallView {
    /// The queue, counsellor, node or route that a person looks for, as the state has it.
    #[must_use]
    pub fn place(&self) -> &str {
        let name = match self.state.as_str() {
            "waiting" => &self.queue,
            "menu" => &self.node,
            _ => &self.agent,
        };
        name.as_ref().unwrap_or(&self.route)
    }
}

fn agent_views(
    ledger: &Ledger,
    agents: &[Agent],
    centres: &[Centre],
    at: Moment,
) -> Vec<AgentView> {
    let planned = agents.iter().map(|agent| AgentView {
        name: agent.name.clone(),
        centre: centres
            .get(usize::from(agent.centre.0))
            .map(|centre| centre.name.clone())
            .unwrap_or_default(),
        ..agent_view(&agent.user, ledger.agents.get(&agent.user), at)
    });
    let is_gone = |user: &str| !agents.iter().any(|agent| agent.user == user);
    let others = ledger
        .agents
        .iter()
        .filter(|(user, known)| known.standing != Standing::SignedOut && is_gone(user));
    let others = others.map(|(user, known)| agent_view(user, Some(known), at));
    planned.chain(others).collect()
}

/// A counsellor of whom the ledger knows nothing has never signed in.
fn agent_view(user: &str, known: Option<&AgentStanding>, at: Moment) -> AgentView {
    let standing = known.map_or(&Standing::SignedOut, |known| &known.standing);
    let (state, reason, call) = standing_view(standing);
    AgentView {
        user: user.to_owned(),
        name: String::new(),
        centre: String::new(),
        state: state.to_owned(),
        reason,
        call,
        since_ms: known.map(|known| known.since.wall.0),
        for_ms: known.map_or(0, |known| at.millis_since(known.since)),
        why: known.map(|known| known.why.clone()).unwrap_or_default(),
    }
}

fn call_view(record: &CallRecord, at: Moment) -> CallView {
    let state = call_state(record);
    let agent = match state {
        "ringing" => record.offered_to.clone(),
        "held" | "passing" | "talking" => record.agent.clone(),
        _ => None,
    };
    CallView {
        call: record.call.to_string(),
        state: state.to_owned(),
        caller: record.caller.to_string(),
        dialled: record.dialled.clone(),
        origin: record.origin.clone(),
        route: record.route.clone(),
        arrived_ms: record.arrived.wall.0,
        age_ms: at.millis_since(record.arrived),
        wait_ms: record.wait_ms_until(at),
        talk_ms: record.talk_ms_until(at),
        language: record.language.clone(),
        service: record.service.clone(),
        node: record.last_node.clone(),
        queue: record.queue.clone(),
        agent,
        is_silent: record.is_silent,
    }
}

fn call_state(record: &CallRecord) -> &'static str {
    if record.outside_since.is_some() {
        "outside"
    } else if record.transfer_to.is_some() {
        "passing"
    } else if record.held_since.is_some() {
        "held"
    } else if record.talking_since.is_some() {
        "talking"
    } else if record.offered_to.is_some() {
        "ringing"
    } else if record.waiting_since.is_some() {
        "waiting"
    } else if record.answered.is_some() {
        "menu"
    } else {
        "arriving"
    }
}

fn standing_view(standing: &Standing) -> (&'static str, Option<String>, Option<String>) {
    match standing {
        Standing::Consulting(call) => ("consulting", None, Some(call.to_string())),
        Standing::Held(call) => ("held", None, Some(call.to_string())),
        Standing::NotReady(reason) => ("not_ready", Some(reason.clone()), None),
        Standing::Offered(call) => ("offered", None, Some(call.to_string())),
        Standing::Ready => ("ready", None, None),
        Standing::Recovery(call) => ("recovery", None, Some(call.to_string())),
        Standing::SignedOut => ("signed_out", None, None),
        Standing::Talking(call) => ("talking", None, Some(call.to_string())),
        Standing::WrapUp(call) => ("wrap_up", None, Some(call.to_string())),
    }
}

fn queue_views(calls: &[CallView], names: &[&str]) -> Vec<QueueView> {
    let empty = |name: &str| QueueView {
        queue: name.to_owned(),
        ..QueueView::default()
    };
    let mut queues: Vec<_> = names.iter().map(|name| empty(name)).collect();
    for call in calls {
        let Some(name) = &call.queue else { continue };
        let at = queues
            .iter()
            .position(|queue| queue.queue == *name)
            .unwrap_or_else(|| {
                queues.push(empty(name));
                queues.len() - 1
            });
        let Some(queue) = queues.get_mut(at) else {
            continue;
        };
        match call.state.as_str() {
            "held" | "passing" | "talking" => queue.talking += 1,
            "ringing" | "waiting" => {
                queue.waiting += 1;
                queue.ringing += u32::from(call.state == "ringing");
                queue.longest_wait_ms = queue.longest_wait_ms.max(call.wait_ms);
            }
            // Put into the queue, lost its counsellor and is being asked: neither waits nor talks.
            _ => {}
        }
    }
    queues
}
