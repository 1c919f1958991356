//! Who may come in: the route of a dialled number, and the limits.

use crate::acd::agent::{AgentEvent, AgentState, index};
use crate::acd::assign;
use crate::call::{Call, CallState};
use crate::cause::{Cause, EndedBy};
use crate::fact::Fact;
use crate::ids::{AgentId, CallId, LanguageId, LegId, MobileId};
use crate::input::{Arrival, Contact, Origin};
use crate::notice::Tally;
use crate::output::LegOrder;
use crate::plan::{Plan, Route, RouteKind};
use crate::switch::{Switch, Turn};
use crate::timer::Timer;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};

impl Switch {
    /// A call came in: it is answered at once, or refused and written down.
    pub(crate) fn admit(&mut self, turn: &mut Turn<'_>, leg: LegId, arrival: Arrival) {
        if let Some(old) = arrival.replaces {
            return self.take_over(turn, leg, old, &arrival.origin);
        }
        let id = self.new_call();
        let consult_of = self.talk_of(&arrival.origin);
        let route = route_for(&self.plan, &arrival)
            .cloned()
            .or_else(|| self.route_outside(&arrival.dialled, consult_of));
        let verdict = self.verdict(&arrival, route.as_ref());
        // A call for advice is part of the talk; a row of its own would count the caller twice.
        let is_counted = consult_of.is_none()
            && route
                .as_ref()
                .is_some_and(|route| is_counted(&route.kind) && !route.is_training);
        let is_training = route.as_ref().is_some_and(|route| route.is_training)
            || consult_of.is_some_and(|talk| self.is_training(talk));
        let Arrival {
            origin,
            dialled,
            caller,
            replaces: _,
            centre,
        } = arrival;
        let (origin, is_from_trunk) = match origin {
            Origin::Account(name) => (name, false),
            Origin::Trunk(name) => (name, true),
        };
        turn.state(Fact::Arrived {
            call: id,
            leg,
            caller,
            dialled,
            origin: origin.clone(),
            is_from_trunk,
            route: route
                .as_ref()
                .map_or_else(|| "none".to_string(), |route| self.route_name(&route.kind)),
            is_counted,
        });
        let route = match (verdict, route) {
            (Ok(()), Some(route)) => route,
            (Ok(()), None) => return refuse(turn, id, leg, Cause::UnknownNumber),
            (Err(cause), _) => return refuse(turn, id, leg, cause),
        };
        if let Some(call) = consult_of {
            turn.state(Fact::Consulting {
                call,
                agent: origin.clone(),
                consult: id,
            });
            if let Some(agent) = self.agent_of_account(&origin) {
                self.agent_event(turn, agent, AgentEvent::Consults(id));
            }
        }
        let home = route.centre.or(centre).filter(|_| is_counted);
        if let Some(centre) = home.and_then(|home| self.centre_name(home)) {
            turn.state(Fact::HomeCentre { call: id, centre });
        }
        self.legs.add_caller(leg, id);
        let account = (!is_from_trunk).then_some(origin);
        let call = Call {
            caller_leg: leg,
            account: account.clone(),
            is_answered: false,
            is_counted,
            is_recorded: route.is_recorded && consult_of.is_none(),
            mobile: None,
            next_mobile: MobileId(0),
            home,
            is_training,
            language: LanguageId(0),
            playing: None,
            notice: Tally::default(),
            signs_in_at_end: false,
            consult_of,
            pass_failed_at: None,
            typed: VecDeque::new(),
            state: CallState::Answering { route: route.kind },
        };
        self.calls.insert(id, call);
        if let Some(user) = account {
            self.account_calls_changed(&user);
        }
        self.timers
            .set(Timer::Step(id), turn.now.mono.plus_millis(ANSWER_MS_MAX));
        turn.order(leg, LegOrder::Answer);
    }

    fn verdict(&self, arrival: &Arrival, route: Option<&Route>) -> Result<(), Cause> {
        let Some(route) = route else {
            return Err(Cause::UnknownNumber);
        };
        // Callers who are in are served on, and advice is part of that.
        if self.drain.is_on() && self.talk_of(&arrival.origin).is_none() {
            return Err(Cause::Shutdown);
        }
        if self.calls.len() >= usize::try_from(self.plan.calls_max).unwrap_or(usize::MAX) {
            return Err(Cause::Overload);
        }
        match (&route.kind, &arrival.origin) {
            (_, Origin::Trunk(_)) if route.is_training => Err(Cause::UnknownNumber),
            // Nobody waits for themselves.
            (RouteKind::Agent(agent), Origin::Account(user))
                if self.agent_of_account(user) == Some(*agent) =>
            {
                Err(Cause::Busy)
            }
            (RouteKind::Agent(agent), origin) => {
                // Who learns the work serves no caller, and gives no advice on one.
                let talk = self.talk_of(origin);
                let is_learner = self.is_in_training(*agent);
                match (talk, origin) {
                    (Some(talk), _) if self.is_training(talk) != is_learner => Err(Cause::Declined),
                    (None, Origin::Trunk(_)) if is_learner => Err(Cause::Unreachable),
                    (Some(_) | None, _) => self.can_be_called(*agent),
                }
            }
            (RouteKind::Outside { .. }, Origin::Account(_))
                if self
                    .talk_of(&arrival.origin)
                    .is_some_and(|talk| self.is_training(talk)) =>
            {
                Err(Cause::Declined)
            }
            (RouteKind::Feature(_), Origin::Account(user)) => self
                .agent_of_account(user)
                .map(|_| ())
                .ok_or(Cause::Declined),
            (RouteKind::Feature(_), Origin::Trunk(_)) => Err(Cause::UnknownNumber),
            (RouteKind::Outside { .. }, Origin::Trunk(_)) => Err(Cause::UnknownNumber),
            (
                RouteKind::AnswerAndEnd
                | RouteKind::Echo
                | RouteKind::Flow(_)
                | RouteKind::Outside { .. }
                | RouteKind::PlayForEver(_)
                | RouteKind::Queue { .. },
                _,
            ) => Ok(()),
        }
    }

    /// A counsellor's own number only works while they are on shift with a living phone; one who is busy is
    /// waited for.
    fn can_be_called(&self, agent: AgentId) -> Result<(), Cause> {
        let seat = self.seats.get(index(agent)).ok_or(Cause::UnknownNumber)?;
        match (&seat.state, seat.contact) {
            (AgentState::NotReady { .. } | AgentState::SignedOut { .. }, _)
            | (_, Contact::Gone | Contact::Unreachable) => Err(Cause::Unreachable),
            (
                AgentState::Offered { .. }
                | AgentState::Ready { .. }
                | AgentState::Recovery { .. }
                | AgentState::Talking(_)
                | AgentState::WrapUp { .. },
                Contact::Reachable,
            ) => Ok(()),
        }
    }

    /// The caller is a simulated one.
    pub(crate) fn is_training(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|call| call.is_training)
    }

    /// This counsellor learns the work.
    pub(crate) fn is_in_training(&self, agent: AgentId) -> bool {
        assign::of(&self.plan.agents, agent).is_some_and(|agent| agent.is_in_training)
    }

    pub(crate) fn agent_of_account(&self, user: &str) -> Option<AgentId> {
        let at = self
            .plan
            .agents
            .iter()
            .position(|agent| agent.user == user)?;
        u32::try_from(at).ok().map(AgentId)
    }

    fn route_name(&self, kind: &RouteKind) -> String {
        let flow = |flow: crate::ids::FlowId| {
            self.plan
                .flows
                .get(usize::from(flow.0))
                .map(|flow| flow.name.clone())
        };
        match kind {
            RouteKind::Agent(_) => DIRECT.to_string(),
            RouteKind::AnswerAndEnd => "end".to_string(),
            RouteKind::Echo => "echo".to_string(),
            RouteKind::Feature(_) => "feature".to_string(),
            RouteKind::Flow(id) => flow(*id).unwrap_or_default(),
            RouteKind::Outside { .. } => "outside".to_string(),
            RouteKind::PlayForEver(_) => "play".to_string(),
            RouteKind::Queue { queue, .. } => self.queue_name(Some(*queue)),
        }
    }
}

/// Refused before the answer; the record has it nevertheless.
fn refuse(turn: &mut Turn<'_>, call: CallId, leg: LegId, cause: Cause) {
    turn.state(Fact::Ended {
        call,
        by: EndedBy::System,
        cause,
    });
    turn.order(leg, LegOrder::Reject(cause));
}

/// The first route that fits.
fn route_for<'a>(plan: &'a Plan, arrival: &Arrival) -> Option<&'a Route> {
    plan.routes.iter().find(|route| {
        fits_number(&route.dialled, &arrival.dialled) && fits_origin(route, &arrival.origin)
    })
}

pub(crate) fn fits_number(pattern: &str, dialled: &str) -> bool {
    match pattern.strip_suffix('%') {
        Some(prefix) => dialled.starts_with(prefix),
        None => pattern == dialled,
    }
}

pub(crate) fn fits_origin(route: &Route, origin: &Origin) -> bool {
    match origin {
        Origin::Account(_) => route.from_accounts,
        Origin::Trunk(name) => route.trunk.as_ref().is_none_or(|trunk| trunk == name),
    }
}

/// Whether calls of this kind get a row (decision: flow, queue and counsellor routes do).
const fn is_counted(kind: &RouteKind) -> bool {
    match kind {
        RouteKind::Agent(_) | RouteKind::Flow(_) | RouteKind::Queue { .. } => true,
        RouteKind::AnswerAndEnd
        | RouteKind::Echo
        | RouteKind::Feature(_)
        | RouteKind::Outside { .. }
        | RouteKind::PlayForEver(_) => false,
    }
}

/// Name of a counsellor's own number as route and as queue.
pub(crate) const DIRECT: &str = "agent";

/// An answer that has neither come up nor failed after this is our fault; the edge gives up at 32 s.
const ANSWER_MS_MAX: u64 = 40_000;
