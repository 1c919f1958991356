//! What must always hold inside the switch. The simulator and the tests ask after each turn.

use crate::acd::agent::{AgentState, Seat, Talk, index};
use crate::acd::assign;
use crate::call::{CallState, Party};
use crate::ids::{AgentId, CallId};
use crate::leg::Owner;
use crate::switch::Switch;
use crate::timer::Timer;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

/// How much of what there is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Open calls.
    pub calls: usize,
    /// Callers in a flow.
    pub in_menu: usize,
    /// Callers in the line, not being offered.
    pub waiting: usize,
    /// Callers for whom a counsellor is rung.
    pub offering: usize,
    /// Callers with a counsellor.
    pub talking: usize,
    /// Callers for whom somebody else is rung, in a transfer.
    pub reaching: usize,
    /// Callers with somebody outside.
    pub outside: usize,
    /// Living legs.
    pub legs: usize,
    /// Deadlines.
    pub timers: usize,
    /// Counsellors on shift.
    pub agents_signed_in: usize,
    /// Counsellors who can be offered a caller now.
    pub agents_idle: usize,
    /// Events of legs that were not known (any more), since the start.
    pub strays: u64,
}

impl Switch {
    /// How much of what there is now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            calls: self.calls.len(),
            legs: self.legs.len(),
            timers: self.timers.len(),
            agents_signed_in: self.seats.iter().filter(|seat| seat.is_signed_in()).count(),
            agents_idle: self.idle.len(),
            strays: self.strays,
            ..Counts::default()
        };
        for call in self.calls.values() {
            match call.state {
                CallState::Answering { .. }
                | CallState::Closing { .. }
                | CallState::Fixed { .. } => {}
                CallState::Menu(_) => counts.in_menu += 1,
                CallState::Offering { .. } => counts.offering += 1,
                CallState::Outside { .. } => counts.outside += 1,
                CallState::Reaching { .. } => counts.reaching += 1,
                CallState::Talking { .. } => counts.talking += 1,
                CallState::Waiting(_) => counts.waiting += 1,
            }
        }
        counts
    }

    /// No call and no leg is left.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.legs.len() == 0
    }

    /// Whether everything inside agrees.
    ///
    /// # Errors
    /// The first disagreement, in words.
    pub fn audit(&self) -> Result<(), String> {
        self.audit_calls()?;
        self.audit_seats()?;
        self.audit_legs()?;
        self.audit_timers()?;
        self.audit_mobiles()?;
        self.audit_matching()
    }

    fn audit_calls(&self) -> Result<(), String> {
        let mut waiting = 0;
        for (id, call) in &self.calls {
            if self.legs.owner(call.caller_leg) != Some(Owner::Caller(*id)) {
                return Err(format!(
                    "call {id} does not own its caller's leg {}",
                    call.caller_leg
                ));
            }
            match &call.state {
                CallState::Waiting(wait) => {
                    waiting += 1;
                    if !self.waiting.contains(wait.need(call.language), wait.place) {
                        return Err(format!("call {id} waits but is not in the line"));
                    }
                }
                CallState::Offering { agent, leg, .. } => {
                    self.audit_pair(*id, *agent, &AgentState::Offered { call: *id })?;
                    self.audit_agent_leg(*id, *leg)?;
                    if !self.timers.is_set(Timer::Ring(*id)) {
                        return Err(format!("call {id} rings for ever"));
                    }
                }
                CallState::Outside { leg, .. } => self.audit_agent_leg(*id, *leg)?,
                CallState::Reaching { to, leg, back } => {
                    self.audit_agent_leg(*id, *leg)?;
                    if let Party::Agent(agent) = to {
                        self.audit_pair(*id, *agent, &AgentState::Offered { call: *id })?;
                    }
                    if let Some(back) = back {
                        self.audit_talk(*id, back.agent, back.is_held)?;
                        if let Some(leg) = back.leg {
                            self.audit_agent_leg(*id, leg)?;
                        }
                    }
                    if !self.timers.is_set(Timer::Ring(*id)) {
                        return Err(format!("call {id} rings for ever"));
                    }
                }
                CallState::Talking {
                    agent,
                    leg,
                    is_held,
                    successor,
                    ..
                } => {
                    self.audit_talk(*id, *agent, *is_held)?;
                    self.audit_agent_leg(*id, *leg)?;
                    if let Some(successor) = successor {
                        self.audit_agent_leg(*id, *successor)?;
                    }
                }
                CallState::Answering { .. } | CallState::Closing { .. } | CallState::Menu(_) => {
                    if !self.timers.is_set(Timer::Step(*id)) {
                        return Err(format!("call {id} has no clock in {:?}", call.state));
                    }
                }
                CallState::Fixed { .. } => {}
            }
        }
        if waiting != self.waiting.len() {
            return Err(format!(
                "{waiting} calls wait, {} are in the line",
                self.waiting.len()
            ));
        }
        Ok(())
    }

    fn audit_pair(&self, call: CallId, agent: AgentId, state: &AgentState) -> Result<(), String> {
        match self.seats.get(index(agent)) {
            Some(seat) if seat.state == *state => Ok(()),
            Some(seat) => Err(format!(
                "call {call} and counsellor {} ({:?}) disagree",
                seat.user, seat.state
            )),
            None => Err(format!(
                "call {call} has counsellor {} who does not exist",
                agent.0
            )),
        }
    }

    /// Call and counsellor agree that they are in this talk, and whether the caller is on hold.
    fn audit_talk(&self, call: CallId, agent: AgentId, is_held: bool) -> Result<(), String> {
        match self.seats.get(index(agent)).map(|seat| &seat.state) {
            Some(AgentState::Talking(talk)) if talk.call == call && talk.is_held == is_held => {
                Ok(())
            }
            state => Err(format!(
                "call {call} (held: {is_held}) and counsellor {} ({state:?}) disagree",
                self.user(agent)
            )),
        }
    }

    fn audit_agent_leg(&self, call: CallId, leg: crate::ids::LegId) -> Result<(), String> {
        if self.legs.owner(leg) == Some(Owner::Agent(call)) {
            return Ok(());
        }
        Err(format!(
            "call {call} does not own its counsellor's leg {leg}"
        ))
    }

    fn audit_seats(&self) -> Result<(), String> {
        let mut idle = 0;
        let mut calls = BTreeSet::new();
        for (id, seat) in (0..).map(AgentId).zip(&self.seats) {
            match &seat.state {
                // In a transfer one counsellor still talks and another is rung: each has the call as what they are.
                AgentState::Offered { call } | AgentState::Talking(Talk { call, .. }) => {
                    let is_talking = seat.is_talking_in(*call);
                    if !calls.insert((*call, is_talking)) || !self.serves(*call, id, is_talking) {
                        return Err(format!(
                            "counsellor {} is {:?}, the call is not",
                            seat.user, seat.state
                        ));
                    }
                }
                AgentState::Ready { turn } => {
                    if seat.is_idle() != self.idle.contains(*turn, id) {
                        return Err(format!(
                            "counsellor {} is wrongly listed as idle or not",
                            seat.user
                        ));
                    }
                    idle += usize::from(seat.is_idle());
                }
                AgentState::Recovery { .. } => {
                    if !self.timers.is_set(Timer::Recovery(id)) {
                        return Err(format!("counsellor {} rests for ever", seat.user));
                    }
                }
                AgentState::WrapUp { until, .. } => {
                    if until.is_some() != self.timers.is_set(Timer::WrapUp(id)) {
                        return Err(format!("the wrap-up of {} has a wrong clock", seat.user));
                    }
                }
                AgentState::NotReady { .. } | AgentState::SignedOut { .. } => {}
            }
            self.audit_consult(seat)?;
        }
        self.audit_shift()?;
        if idle != self.idle.len() {
            return Err(format!(
                "{idle} counsellors are idle, {} are listed",
                self.idle.len()
            ));
        }
        Ok(())
    }

    /// Who asks for advice does so by a call that lives.
    fn audit_consult(&self, seat: &Seat) -> Result<(), String> {
        let AgentState::Talking(Talk {
            call,
            consult: Some(consult),
            ..
        }) = &seat.state
        else {
            return Ok(());
        };
        match self.calls.get(consult) {
            Some(advice) if advice.consult_of == Some(*call) => Ok(()),
            Some(_) | None => Err(format!("{} asks for advice by no call", seat.user)),
        }
    }

    /// For every need of somebody in the line, the counsellors on shift are counted rightly.
    fn audit_shift(&self) -> Result<(), String> {
        for (need, _) in self.waiting.heads() {
            let on_shift = (0..)
                .map(AgentId)
                .zip(&self.plan.agents)
                .zip(&self.seats)
                .filter(|((id, agent), seat)| {
                    seat.is_signed_in() && assign::fits(*id, agent, need)
                });
            let counted = self.on_shift.count(need);
            if u32::try_from(on_shift.count()) != Ok(counted) {
                return Err(format!("{counted} counsellors are counted for {need:?}"));
            }
        }
        Ok(())
    }

    fn serves(&self, call: CallId, id: AgentId, is_talking: bool) -> bool {
        match self.calls.get(&call).map(|call| &call.state) {
            Some(CallState::Offering { agent, .. }) => !is_talking && *agent == id,
            Some(CallState::Talking { agent, .. }) => is_talking && *agent == id,
            Some(CallState::Reaching { to, back, .. }) => {
                if is_talking {
                    back.as_ref().is_some_and(|back| back.agent == id)
                } else {
                    *to == Party::Agent(id)
                }
            }
            Some(
                CallState::Answering { .. }
                | CallState::Closing { .. }
                | CallState::Fixed { .. }
                | CallState::Menu(_)
                | CallState::Outside { .. }
                | CallState::Waiting(_),
            )
            | None => false,
        }
    }

    fn audit_legs(&self) -> Result<(), String> {
        for (leg, owner) in self.legs.iter() {
            let is_owned = match owner {
                Owner::Caller(call) => self
                    .calls
                    .get(&call)
                    .is_some_and(|call| call.caller_leg == leg),
                Owner::Agent(call)
                    if self.calls.get(&call).is_some_and(|call| {
                        call.mobile.is_some_and(|tried| tried.leg == leg)
                            && matches!(
                                call.state,
                                CallState::Waiting(_) | CallState::Offering { .. }
                            )
                    }) =>
                {
                    true
                }
                Owner::Agent(call) => self.calls.get(&call).is_some_and(|call| match &call.state {
                    CallState::Offering { leg: own, .. } | CallState::Outside { leg: own, .. } => {
                        *own == leg
                    }
                    CallState::Reaching { leg: own, back, .. } => {
                        *own == leg || back.as_ref().is_some_and(|back| back.leg == Some(leg))
                    }
                    CallState::Talking {
                        leg: own,
                        successor,
                        ..
                    } => *own == leg || *successor == Some(leg),
                    CallState::Answering { .. }
                    | CallState::Closing { .. }
                    | CallState::Fixed { .. }
                    | CallState::Menu(_)
                    | CallState::Waiting(_) => false,
                }),
            };
            if !is_owned {
                return Err(format!("leg {leg} ({owner:?}) belongs to nobody"));
            }
        }
        Ok(())
    }

    fn audit_timers(&self) -> Result<(), String> {
        for timer in self.timers.iter() {
            if !self.is_alive(timer) {
                return Err(format!("{timer:?} belongs to nothing that lives"));
            }
        }
        Ok(())
    }

    /// Who on call is rung is rung for a caller who waits, and not for ever.
    fn audit_mobiles(&self) -> Result<(), String> {
        for (id, call) in &self.calls {
            let Some(tried) = call.mobile else { continue };
            if self.legs.owner(tried.leg) != Some(Owner::Agent(*id))
                || !self.timers.is_set(Timer::Mobile(*id))
                || !self.mobiles.contains_key(id)
            {
                return Err(format!("somebody on call is rung for ever for call {id}"));
            }
        }
        match self.mobiles.keys().find(|id| !self.calls.contains_key(id)) {
            Some(id) => Err(format!(
                "somebody on call is kept for call {id}, which is over"
            )),
            None => Ok(()),
        }
    }

    fn is_alive(&self, timer: Timer) -> bool {
        let state = |call: CallId| self.calls.get(&call).map(|call| &call.state);
        let seat = |agent: AgentId| self.seats.get(index(agent)).map(|seat| &seat.state);
        match timer {
            Timer::Comfort(call)
            | Timer::Grace(call)
            | Timer::Mobile(call)
            | Timer::NoLanguage(call)
            | Timer::Widen(call) => {
                matches!(
                    state(call),
                    Some(CallState::Waiting(_) | CallState::Offering { .. })
                )
            }
            Timer::Drain => self.drain.is_on(),
            Timer::Entry(call) => matches!(state(call), Some(CallState::Menu(_))),
            Timer::Ring(call) => matches!(
                state(call),
                Some(CallState::Offering { .. } | CallState::Reaching { .. })
            ),
            Timer::Step(call) => matches!(
                state(call),
                Some(CallState::Answering { .. } | CallState::Closing { .. } | CallState::Menu(_))
            ),
            Timer::Break(agent) | Timer::Lone(agent) => {
                matches!(seat(agent), Some(AgentState::NotReady { .. }))
            }
            Timer::Recovery(agent) => matches!(seat(agent), Some(AgentState::Recovery { .. })),
            Timer::Rest(agent) => self
                .seats
                .get(index(agent))
                .is_some_and(|seat| seat.is_resting),
            Timer::Retry(agent) => matches!(seat(agent), Some(AgentState::NotReady { .. })),
            Timer::WrapUp(agent) => matches!(seat(agent), Some(AgentState::WrapUp { .. })),
        }
    }

    /// No caller waits while somebody fit is idle.
    fn audit_matching(&self) -> Result<(), String> {
        for id in self.idle.iter() {
            let Some(agent) = assign::of(&self.plan.agents, id) else {
                return Err(format!("counsellor {} is idle but not in the plan", id.0));
            };
            // Naively, so that the indexes of the choice are checked as well.
            let waits = |(need, place)| assign::fits(id, agent, need).then_some(place);
            if let Some(place) = self.waiting.heads().filter_map(waits).min() {
                return Err(format!(
                    "call {} waits while {} is idle",
                    place.call, agent.user
                ));
            }
        }
        Ok(())
    }
}
