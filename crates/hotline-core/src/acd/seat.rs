//! The counsellors' side of the switch: the one place where their states are assigned, told and indexed.

use super::agent::{
    After, AgentEvent, AgentState, DECLINED, Move, Paper, RONA, Rules, Seat, index,
};
use super::assign;
use super::offer::DEAD_OFFERS_MAX;
use super::queue::Need;
use crate::fact::Fact;
use crate::ids::AgentId;
use crate::input::Contact;
use crate::output::{Alarm, Output, Refusal};
use crate::plan::{AtMax, WrapUp};
use crate::switch::{Switch, Turn};
use crate::timer::Timer;
use alloc::string::ToString;
use alloc::vec::Vec;

impl Switch {
    /// An event of a counsellor. What it leads to is done, told and indexed.
    pub(crate) fn agent_move(
        &mut self,
        turn: &mut Turn<'_>,
        id: AgentId,
        event: AgentEvent,
    ) -> Result<(), Refusal> {
        let rules = self.rules(turn, id);
        let seat = self.seats.get_mut(index(id)).ok_or(Refusal::UnknownAgent)?;
        match seat.step(rules, event)? {
            Move::Go(state, why) => self.set_agent(turn, id, state, why),
            Move::Later(after) => seat.after = after,
            Move::WithoutPaper => seat.is_without_paper = true,
            Move::Stay => {}
        }
        Ok(())
    }

    /// As [`agent_move`](Self::agent_move), for events that nobody asked for: they are never refused.
    pub(crate) fn agent_event(&mut self, turn: &mut Turn<'_>, id: AgentId, event: AgentEvent) {
        let result = self.agent_move(turn, id, event);
        debug_assert!(result.is_ok(), "an event was refused: {result:?}");
    }

    fn rules(&mut self, turn: &Turn<'_>, id: AgentId) -> Rules {
        let agent = assign::of(&self.plan.agents, id);
        let calls = self
            .seats
            .get(index(id))
            .map_or(0, |seat| seat.strain.calls);
        let recovery_ms = self.plan.timing.recovery_ms;
        Rules {
            is_signed_in_by_registration: agent
                .is_some_and(|agent| agent.is_signed_in_by_registration),
            now: turn.now.mono,
            paper: match agent.map(|agent| agent.wrap_up) {
                Some(WrapUp::Timed(length_ms)) => {
                    Paper::Until(turn.now.mono.plus_millis(u64::from(length_ms)))
                }
                Some(WrapUp::UntilDone) => Paper::UntilDone,
                Some(WrapUp::None) | None => Paper::None,
            },
            counselling_ms_min: self.plan.timing.counselling_ms_min,
            recovery_until: (recovery_ms > 0)
                .then(|| turn.now.mono.plus_millis(u64::from(recovery_ms))),
            has_hard_calls_max: agent
                .and_then(|agent| agent.hard_calls_max)
                .is_some_and(|max| calls >= max),
            turn: self.idle.new_turn(),
        }
    }

    /// The only assignment of a counsellor's state.
    pub(crate) fn set_agent(
        &mut self,
        turn: &mut Turn<'_>,
        id: AgentId,
        state: AgentState,
        why: &str,
    ) {
        for timer in Timer::of_agent(id) {
            self.timers.cancel(timer);
        }
        self.leave_idle(id);
        let Some(seat) = self.seats.get_mut(index(id)) else {
            return;
        };
        seat.is_resting = false;
        let was_signed_in = seat.is_signed_in();
        match &state {
            AgentState::NotReady { .. } | AgentState::SignedOut { .. } => {
                seat.after = After::Ready;
                seat.dead_offers = 0;
                self.work.left.insert(id);
            }
            AgentState::Ready { .. } => seat.after = After::Ready,
            AgentState::Recovery { until, .. } => self.timers.set(Timer::Recovery(id), *until),
            AgentState::WrapUp { until, .. } => {
                if let Some(until) = until {
                    self.timers.set(Timer::WrapUp(id), *until);
                }
            }
            AgentState::Talking(_) => seat.dead_offers = 0,
            AgentState::Offered { .. } => {}
        }
        seat.enter(&state);
        seat.state = state;
        let break_ms = self.break_ms(id);
        if let Some(length_ms) = break_ms {
            self.timers
                .set(Timer::Break(id), turn.now.mono.plus_millis(length_ms));
        }
        let Some(seat) = self.seats.get(index(id)) else {
            return;
        };
        let fact = Fact::AgentState {
            agent: seat.user.clone(),
            standing: seat.standing(),
            why: why.to_string(),
        };
        let is_signed_in = seat.is_signed_in();
        turn.state(fact);
        self.join_idle(id);
        if was_signed_in != is_signed_in {
            self.count_on_shift(id, is_signed_in);
        }
        if was_signed_in && !is_signed_in {
            self.alarm_if_last(turn, id);
        }
    }

    /// Whoever can be offered a caller is in the order of the idle, and nobody else.
    pub(crate) fn join_idle(&mut self, id: AgentId) {
        let Some(seat) = self.seats.get(index(id)) else {
            return;
        };
        if let (AgentState::Ready { turn }, true) = (&seat.state, seat.is_idle()) {
            let Some(agent) = assign::of(&self.plan.agents, id) else {
                return; // Gone from the plan: nobody offers them anything.
            };
            self.idle.insert(*turn, id, agent);
            self.work.freed.insert(id);
        }
    }

    /// The shift of a counsellor begins or ends.
    pub(crate) fn count_on_shift(&mut self, id: AgentId, is_signed_in: bool) {
        let Some(agent) = assign::of(&self.plan.agents, id) else {
            return;
        };
        if is_signed_in {
            self.on_shift.insert(id, agent);
        } else {
            self.on_shift.remove(id, agent);
        }
    }

    fn leave_idle(&mut self, id: AgentId) {
        if let Some(AgentState::Ready { turn }) = self.seats.get(index(id)).map(|seat| &seat.state)
            && let Some(agent) = assign::of(&self.plan.agents, id)
        {
            self.idle.remove(*turn, id, agent);
        }
        self.work.freed.remove(&id);
    }

    /// A counsellor's phone came, went, or stopped answering.
    pub(crate) fn contact(&mut self, turn: &mut Turn<'_>, id: AgentId, contact: Contact) {
        let Some(agent) = assign::of(&self.plan.agents, id) else {
            self.strays = self.strays.saturating_add(1);
            return;
        };
        let is_by_registration = agent.is_signed_in_by_registration;
        self.leave_idle(id);
        if let Some(seat) = self.seats.get_mut(index(id)) {
            seat.contact = contact;
        }
        self.join_idle(id);
        match contact {
            Contact::Gone if is_by_registration => {
                self.agent_event(turn, id, AgentEvent::PhoneGone)
            }
            Contact::Gone | Contact::Unreachable => {}
            Contact::Reachable => self.agent_event(turn, id, AgentEvent::Registered),
        }
    }

    /// A call from this account began or is over. Its counsellor's phone is in use meanwhile: to ring it would offer
    /// a caller to somebody who cannot answer, or the counsellor's own call to themselves.
    pub(crate) fn account_calls_changed(&mut self, user: &str) {
        let Some(id) = self.agent_of_account(user) else {
            return;
        };
        self.leave_idle(id);
        let is_calling = self.is_account_calling(user);
        if let Some(seat) = self.seats.get_mut(index(id)) {
            seat.is_calling = is_calling;
        }
        self.join_idle(id);
    }

    /// Whether a call from this account lives.
    pub(crate) fn is_account_calling(&self, user: &str) -> bool {
        let mut accounts = self.calls.values().map(|call| call.account.as_deref());
        accounts.any(|account| account == Some(user))
    }

    pub(crate) fn wrap_up_over(&mut self, turn: &mut Turn<'_>, id: AgentId) {
        self.agent_event(turn, id, AgentEvent::WrapUpOver);
    }

    pub(crate) fn recovery_over(&mut self, turn: &mut Turn<'_>, id: AgentId) {
        self.agent_event(turn, id, AgentEvent::RecoveryOver);
    }

    /// How long a counsellor's reason for being away lets them be away; None while they are not, or for ever.
    pub(crate) fn break_ms(&self, id: AgentId) -> Option<u64> {
        let AgentState::NotReady { reason } = &self.seats.get(index(id))?.state else {
            return None;
        };
        self.plan.reason(reason)?.max_ms.map(u64::from)
    }

    /// They have been away for as long as the reason allows.
    pub(crate) fn break_over(&mut self, turn: &mut Turn<'_>, id: AgentId) {
        let state = self.seats.get(index(id)).map(|seat| &seat.state);
        let Some(AgentState::NotReady { reason }) = state else {
            return;
        };
        match self.plan.reason(reason).map(|reason| reason.at_max) {
            Some(AtMax::Ready) => self.agent_event(turn, id, AgentEvent::BreakOver),
            Some(AtMax::Alarm) => turn
                .out
                .push(Output::Alarm(Alarm::BreakTooLong { agent: id })),
            None => {}
        }
    }

    pub(crate) fn lone_over(&mut self, turn: &mut Turn<'_>, id: AgentId) {
        self.agent_event(turn, id, AgentEvent::LoneOver);
    }

    /// An offer failed by our own trouble. The counsellor stays ready, but is offered nobody for a moment: what
    /// failed now would fail again, and must not go round within one breath.
    pub(crate) fn rest(&mut self, turn: &Turn<'_>, id: AgentId) {
        self.leave_idle(id);
        let Some(seat) = self.seats.get_mut(index(id)) else {
            return;
        };
        if matches!(seat.state, AgentState::Ready { .. }) {
            seat.is_resting = true;
            let until = turn.now.mono.plus_millis(REST_MS);
            self.timers.set(Timer::Rest(id), until);
        }
    }

    pub(crate) fn rest_over(&mut self, id: AgentId) {
        if let Some(seat) = self.seats.get_mut(index(id)) {
            seat.is_resting = false;
        }
        self.join_idle(id);
    }

    /// A phone may refuse calls with an error and keep its registration: no event would ever bring it back.
    pub(crate) fn retry_later(&mut self, turn: &Turn<'_>, id: AgentId) {
        let is_not_ready = self
            .seats
            .get(index(id))
            .is_some_and(|seat| matches!(seat.state, AgentState::NotReady { .. }));
        if is_not_ready {
            let at = turn.now.mono.plus_millis(RETRY_MS);
            self.timers.set(Timer::Retry(id), at);
        }
    }

    /// One more try, and one only. A phone that is not reachable comes back when it is.
    pub(crate) fn retry_phone(&mut self, turn: &mut Turn<'_>, id: AgentId) {
        let is_reachable = |seat: &Seat| seat.contact == Contact::Reachable;
        if !self.seats.get(index(id)).is_some_and(is_reachable) {
            return;
        }
        self.agent_event(turn, id, AgentEvent::Retry);
        if let Some(seat) = self.seats.get_mut(index(id)) {
            seat.dead_offers = DEAD_OFFERS_MAX - 1;
        }
    }

    /// At night a centre has one counsellor. If they miss a call, the line must not be dead until the morning.
    pub(crate) fn rest_if_lone(&mut self, turn: &mut Turn<'_>, id: AgentId) {
        // Who wanted a break while the phone rang has it, alone or not.
        let has_missed = self.seats.get(index(id)).is_some_and(|seat| {
            matches!(&seat.state, AgentState::NotReady { reason } if reason == RONA || reason == DECLINED)
        });
        if !has_missed || !self.is_lone(id) {
            return;
        }
        let until = turn
            .now
            .mono
            .plus_millis(u64::from(self.plan.timing.lone_rona_ms));
        self.timers.set(Timer::Lone(id), until);
        turn.out
            .push(Output::Alarm(Alarm::LoneAgentNoAnswer { agent: id }));
    }

    /// Nobody else of the centre is on shift.
    fn is_lone(&self, id: AgentId) -> bool {
        let Some(me) = assign::of(&self.plan.agents, id) else {
            return false;
        };
        let on_shift = self
            .plan
            .agents
            .iter()
            .zip(&self.seats)
            .filter(|(_, seat)| seat.is_signed_in());
        on_shift
            .filter(|(agent, _)| agent.centre == me.centre && !agent.is_in_training)
            .count()
            == 1
    }

    /// Somebody signed out: are there callers whom nobody can serve now?
    fn alarm_if_last(&self, turn: &mut Turn<'_>, id: AgentId) {
        let Some(agent) = assign::of(&self.plan.agents, id) else {
            return;
        };
        let served: Vec<_> = self
            .waiting
            .heads()
            .filter(|(need, _)| assign::fits(id, agent, *need))
            .collect();
        for (need, place) in served {
            if matches!(need, Need::Skill { .. }) {
                self.alarm_if_nobody(turn, place.call);
            }
        }
    }
}

/// Our own trouble (no port, a full inbox) is over in a moment or lasts; asking once a second costs nothing.
const REST_MS: u64 = 1_000;

/// A dead phone costs a waiting caller some seconds with each try.
const RETRY_MS: u64 = 60_000;
