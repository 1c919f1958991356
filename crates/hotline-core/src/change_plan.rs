//! A changed plan: open calls and counsellors are carried over by name; what vanished ends kindly.

use crate::acd::agent::{After, AgentEvent, AgentState, Seat, index};
use crate::acd::queue::{Only, Reach, Wait};
use crate::call::{CallState, Party};
use crate::cause::{Cause, EndedBy};
use crate::fact::OfferOutcome;
use crate::ids::{
    AgentId, CallId, CentreId, FlowId, LanguageId, NodeId, PromptId, QueueId, ServiceId,
};
use crate::input::Contact;
use crate::ivr::Cursor;
use crate::output::Clip;
use crate::plan::{Plan, RouteKind};
use crate::switch::{Switch, Turn};
use crate::time::Mono;
use crate::timer::Timer;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

/// Old index to new index, by name; None = vanished.
struct Names {
    languages: Vec<Option<LanguageId>>,
    services: Vec<Option<ServiceId>>,
    prompts: Vec<Option<PromptId>>,
    queues: Vec<Option<QueueId>>,
    centres: Vec<Option<CentreId>>,
    flows: Vec<Option<FlowId>>,
    nodes: Vec<Vec<Option<NodeId>>>,
    /// One for each seat; who is talking and gone from the plan has a seat behind the plan's.
    agents: Vec<Option<AgentId>>,
}

impl Switch {
    pub(crate) fn change_plan(&mut self, turn: &mut Turn<'_>, plan: Plan) {
        self.withdraw_removed(turn, &plan);
        // Their numbers may be others now; whoever waits on is tried again when the clock says so.
        let rung: Vec<CallId> = self.mobiles.keys().copied().collect();
        for call in rung {
            if self
                .calls
                .get(&call)
                .is_some_and(|call| call.mobile.is_some())
            {
                self.drop_mobile(turn, call, OfferOutcome::Withdrawn);
                let at = turn.now.mono.plus_millis(1_000);
                self.timers.set(Timer::Mobile(call), at);
            }
        }
        let agents = self.carry_seats(turn, &plan);
        let names = Names::new(&self.plan, &plan, agents);
        self.plan = plan;
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        self.waiting.clear();
        for call in calls {
            self.carry_call(turn, call, &names);
        }
        self.reindex();
    }

    /// Nobody is rung for whom there is no place in the new plan.
    fn withdraw_removed(&mut self, turn: &mut Turn<'_>, plan: &Plan) {
        let offered: Vec<(usize, CallId)> = self
            .seats
            .iter()
            .enumerate()
            .filter_map(|(at, seat)| match seat.state {
                AgentState::Offered { call }
                    if !plan.agents.iter().any(|agent| agent.user == seat.user) =>
                {
                    Some((at, call))
                }
                AgentState::NotReady { .. }
                | AgentState::Offered { .. }
                | AgentState::Ready { .. }
                | AgentState::Recovery { .. }
                | AgentState::SignedOut { .. }
                | AgentState::Talking(_)
                | AgentState::WrapUp { .. } => None,
            })
            .collect();
        for (at, call) in offered {
            self.withdraw(turn, call);
            self.agent_event(turn, agent_id(at), AgentEvent::Removed);
        }
    }

    /// The seats in the new order. Returns where each old seat went.
    fn carry_seats(&mut self, turn: &mut Turn<'_>, plan: &Plan) -> Vec<Option<AgentId>> {
        let is_kept = |user: &str| plan.agents.iter().any(|agent| agent.user == user);
        for at in 0..self.seats.len() {
            let is_removed = self.seats.get(at).is_some_and(|seat| !is_kept(&seat.user));
            if is_removed {
                self.agent_event(turn, agent_id(at), AgentEvent::Removed);
            }
        }
        let mut seats: Vec<Seat> = plan
            .agents
            .iter()
            .map(|agent| Seat::new(agent.user.clone()))
            .collect();
        let mut moved = Vec::new();
        let old = core::mem::take(&mut self.seats);
        for seat in old {
            let new = plan.agents.iter().position(|agent| agent.user == seat.user);
            moved.push(match (new, &seat.state) {
                (Some(at), _) => {
                    if let Some(place) = seats.get_mut(at) {
                        *place = seat;
                        if place.after
                            == (After::SignOut {
                                is_by_choice: false,
                            })
                            && place.contact != Contact::Gone
                        {
                            place.after = After::Ready; // Was to go with an older plan, and is back in this one.
                        }
                    }
                    Some(agent_id(at))
                }
                (None, AgentState::Talking(_)) => {
                    seats.push(seat);
                    Some(agent_id(seats.len() - 1))
                }
                (
                    None,
                    AgentState::NotReady { .. }
                    | AgentState::Offered { .. }
                    | AgentState::Ready { .. }
                    | AgentState::Recovery { .. }
                    | AgentState::SignedOut { .. }
                    | AgentState::WrapUp { .. },
                ) => None,
            });
        }
        self.seats = seats;
        self.work.freed.clear();
        self.work.left.clear();
        self.carry_clocks(&moved);
        moved
    }

    /// The clocks of counsellors, under their new numbers: a changed plan touches nothing that runs.
    fn carry_clocks(&mut self, moved: &[Option<AgentId>]) {
        let kept: Vec<(Timer, Option<Timer>, Mono)> = self
            .timers
            .iter_due()
            .filter_map(|(timer, at)| {
                let new = moved.get(index(timer.agent()?)).copied().flatten();
                Some((timer, new.map(|agent| timer.for_agent(agent)), at))
            })
            .collect();
        for (old, _, _) in &kept {
            self.timers.cancel(*old);
        }
        for (_, new, at) in kept {
            if let Some(new) = new {
                self.timers.set(new, at);
            }
        }
    }

    /// Indexes and clocks of counsellors, and a new look at everybody.
    fn reindex(&mut self) {
        self.idle.clear();
        self.on_shift.clear();
        let calling: BTreeSet<String> = self
            .calls
            .values()
            .filter_map(|call| call.account.clone())
            .collect();
        for at in 0..self.seats.len() {
            let id = agent_id(at);
            if let Some(seat) = self.seats.get_mut(at) {
                // Who comes back into the plan has a new seat.
                seat.is_calling = calling.contains(&seat.user);
            }
            if self.seats.get(at).is_some_and(Seat::is_signed_in) {
                self.count_on_shift(id, true);
            }
            self.join_idle(id);
            self.work.left.insert(id);
        }
        // Everybody in the line is looked at below; the idle need not be asked one by one as well.
        self.work.freed.clear();
        let waiting: Vec<CallId> = self
            .calls
            .keys()
            .copied()
            .filter(|id| self.need_in_line(*id).is_some())
            .collect();
        for call in waiting {
            self.work.placed.insert(call);
        }
    }

    fn carry_call(&mut self, turn: &mut Turn<'_>, id: CallId, names: &Names) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.language = names.language(call.language);
        call.home = call.home.and_then(|home| names.centre(home));
        let is_carried = match &mut call.state {
            CallState::Answering { route } => carry_route(route, names),
            CallState::Closing { .. } => true,
            CallState::Fixed { prompt } => {
                *prompt = prompt.and_then(|prompt| names.prompt(prompt));
                true
            }
            CallState::Menu(cursor) => {
                let cursor = *cursor;
                return self.carry_menu(turn, id, cursor, names);
            }
            CallState::Waiting(wait) => carry_wait(wait, names, self.plan.queues.is_empty()),
            CallState::Offering { wait, agent, .. } => {
                names.renumber(agent);
                carry_wait(wait, names, self.plan.queues.is_empty())
            }
            // Whoever has somebody on the line keeps them, whatever became of the queue.
            CallState::Talking { wait, agent, .. } => {
                names.renumber(agent);
                carry_wait(wait, names, self.plan.queues.is_empty());
                true
            }
            CallState::Reaching { to, back, .. } => {
                if let Party::Agent(agent) = to {
                    names.renumber(agent);
                }
                if let Some(back) = back {
                    names.renumber(&mut back.agent);
                    carry_wait(&mut back.wait, names, self.plan.queues.is_empty());
                }
                true
            }
            CallState::Outside { wait, .. } => {
                if let Some(wait) = wait {
                    carry_wait(wait, names, self.plan.queues.is_empty());
                }
                true
            }
        };
        if let CallState::Waiting(wait) = &call.state {
            self.waiting.insert(wait.need(call.language), wait.place);
        }
        if !is_carried {
            self.close(
                turn,
                id,
                EndedBy::System,
                Cause::Unreachable,
                self.plan.shutdown,
            );
        }
    }

    /// A caller in a flow stays where they are if it still is there; else they go to its queue, or to the first.
    fn carry_menu(&mut self, turn: &mut Turn<'_>, id: CallId, cursor: Cursor, names: &Names) {
        let flow = names
            .flows
            .get(usize::from(cursor.flow.0))
            .copied()
            .flatten();
        let node = names
            .nodes
            .get(usize::from(cursor.flow.0))
            .and_then(|nodes| nodes.get(usize::from(cursor.node.0)));
        match (flow, node.copied().flatten()) {
            (Some(flow), Some(node)) => {
                self.set_state(
                    id,
                    CallState::Menu(Cursor {
                        flow,
                        node,
                        wrong: cursor.wrong,
                    }),
                );
            }
            (Some(flow), None) => {
                let start = self
                    .flow(flow)
                    .map(|flow| flow.fallback)
                    .unwrap_or_default();
                self.set_state(
                    id,
                    CallState::Menu(Cursor {
                        flow,
                        node: start,
                        wrong: 0,
                    }),
                );
                self.entry_over(turn, id);
            }
            (None, _) => self.enqueue_straight(turn, id, QueueId(0), None),
        }
    }
}

impl Names {
    fn new(old: &Plan, new: &Plan, agents: Vec<Option<AgentId>>) -> Self {
        let nodes = old.flows.iter().map(|flow| {
            let same = new.flows.iter().find(|other| other.name == flow.name);
            let find = |name: &str| same?.nodes.iter().position(|node| node.name == name);
            flow.nodes
                .iter()
                .map(|node| id16(find(&node.name)).map(NodeId))
                .collect()
        });
        Self {
            languages: moved(
                &old.languages,
                &new.languages,
                |language| &language.code,
                LanguageId,
            ),
            services: moved(
                &old.services,
                &new.services,
                |service| &service.name,
                ServiceId,
            ),
            prompts: moved(&old.prompts, &new.prompts, |prompt| &prompt.name, PromptId),
            queues: moved(&old.queues, &new.queues, |queue| &queue.name, QueueId),
            centres: moved(&old.centres, &new.centres, |centre| &centre.name, CentreId),
            flows: moved(&old.flows, &new.flows, |flow| &flow.name, FlowId),
            nodes: nodes.collect(),
            agents,
        }
    }

    /// A language that vanished gives way to the default one.
    fn language(&self, id: LanguageId) -> LanguageId {
        self.languages
            .get(usize::from(id.0))
            .copied()
            .flatten()
            .unwrap_or_default()
    }

    fn prompt(&self, id: PromptId) -> Option<PromptId> {
        self.prompts.get(usize::from(id.0)).copied().flatten()
    }

    /// The number that this counsellor has now; one who is gone from the plan keeps the last.
    fn renumber(&self, agent: &mut AgentId) {
        if let Some(Some(new)) = self.agents.get(index(*agent)) {
            *agent = *new;
        }
    }

    fn centre(&self, id: CentreId) -> Option<CentreId> {
        self.centres.get(usize::from(id.0)).copied().flatten()
    }

    fn agent(&self, id: AgentId) -> Option<AgentId> {
        self.agents.get(index(id)).copied().flatten()
    }
}

fn carry_route(route: &mut RouteKind, names: &Names) -> bool {
    let carried = match route {
        RouteKind::Agent(agent) => names.agent(*agent).map(RouteKind::Agent),
        RouteKind::AnswerAndEnd
        | RouteKind::Echo
        | RouteKind::Feature(_)
        | RouteKind::Outside { .. } => Some(route.clone()),
        RouteKind::Flow(flow) => names
            .flows
            .get(usize::from(flow.0))
            .copied()
            .flatten()
            .map(RouteKind::Flow),
        RouteKind::PlayForEver(prompt) => names.prompt(*prompt).map(RouteKind::PlayForEver),
        RouteKind::Queue { queue, service } => {
            let service = service.and_then(|service| {
                names
                    .services
                    .get(usize::from(service.0))
                    .copied()
                    .flatten()
            });
            let queue = names.queues.get(usize::from(queue.0)).copied().flatten();
            queue.map(|queue| RouteKind::Queue { queue, service })
        }
    };
    match carried {
        Some(carried) => {
            *route = carried;
            true
        }
        None => false,
    }
}

/// A waiting caller keeps the place, whatever happens to the queue's name: without its queue, in the first one.
fn carry_wait(wait: &mut Wait, names: &Names, is_without_queues: bool) -> bool {
    wait.service = wait.service.and_then(|service| {
        names
            .services
            .get(usize::from(service.0))
            .copied()
            .flatten()
    });
    wait.home = wait.home.and_then(|centre| names.centre(centre));
    wait.reach = match (wait.reach, wait.home) {
        (Reach::Home(_), Some(home)) => Reach::Home(home),
        (Reach::Home(_) | Reach::Everywhere, _) => Reach::Everywhere,
        (Reach::Anybody, _) => Reach::Anybody,
    };
    wait.pending = wait
        .pending
        .iter()
        .filter_map(|clip| {
            let prompt = names.prompt(clip.prompt)?;
            Some(Clip {
                prompt,
                language: names.language(clip.language),
            })
        })
        .collect();
    let is_direct = wait.queue.is_none();
    wait.queue = wait.queue.map(|queue| {
        names
            .queues
            .get(usize::from(queue.0))
            .copied()
            .flatten()
            .unwrap_or_default()
    });
    wait.only = match wait.only {
        Some(Only::Direct(agent)) => names.agent(agent).map(Only::Direct),
        Some(Only::Lost(agent)) => names.agent(agent).map(Only::Lost),
        None => None,
    };
    if is_direct {
        wait.only.is_some()
    } else {
        !is_without_queues
    }
}

fn moved<T, I>(
    old: &[T],
    new: &[T],
    name: impl Fn(&T) -> &str,
    id: impl Fn(u16) -> I,
) -> Vec<Option<I>> {
    old.iter()
        .map(|item| id16(new.iter().position(|other| name(other) == name(item))).map(&id))
        .collect()
}

fn id16(at: Option<usize>) -> Option<u16> {
    at.and_then(|at| u16::try_from(at).ok())
}

fn agent_id(at: usize) -> AgentId {
    AgentId(u32::try_from(at).unwrap_or(u32::MAX))
}
