//! A counsellor's phone: on hold, back again, and another one that takes its place in the talk.

use crate::acd::agent::AgentEvent;
use crate::call::CallState;
use crate::cause::Cause;
use crate::fact::Fact;
use crate::ids::{CallId, LegId};
use crate::input::{LegEvent, Origin};
use crate::leg::Owner;
use crate::output::{Bed, LegOrder};
use crate::switch::{Switch, Turn};

impl Switch {
    /// The caller hears music until the counsellor is back. The recording goes on.
    pub(crate) fn held(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let CallState::Talking { is_held, agent, .. } = &mut call.state
            && !core::mem::replace(is_held, true)
        {
            let agent = *agent;
            turn.state(Fact::Held { call: id });
            turn.order(call.caller_leg, LegOrder::Disconnect);
            turn.order(call.caller_leg, LegOrder::Bed(Bed::Music));
            self.agent_event(turn, agent, AgentEvent::Held);
        }
    }

    pub(crate) fn resumed(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let CallState::Talking {
            is_held,
            leg,
            agent,
            ..
        } = &mut call.state
            && core::mem::take(is_held)
        {
            let agent = *agent;
            turn.state(Fact::Resumed { call: id });
            turn.order(call.caller_leg, LegOrder::Connect(*leg));
            self.agent_event(turn, agent, AgentEvent::Resumed);
        }
    }

    /// A leg came in that wants the place of another: only a counsellor's own phone gets it, in a talk.
    pub(crate) fn take_over(
        &mut self,
        turn: &mut Turn<'_>,
        leg: LegId,
        old: LegId,
        origin: &Origin,
    ) {
        let Some(Owner::Agent(id)) = self.legs.owner(old) else {
            return turn.order(leg, LegOrder::Reject(Cause::Declined));
        };
        let user = match (self.calls.get(&id).map(|call| &call.state), origin) {
            (
                Some(CallState::Talking {
                    agent,
                    leg,
                    successor: None,
                    ..
                }),
                Origin::Account(_),
            ) if *leg == old => Origin::Account(self.user(*agent)),
            _ => return turn.order(leg, LegOrder::Reject(Cause::Declined)),
        };
        if user != *origin {
            return turn.order(leg, LegOrder::Reject(Cause::Declined));
        }
        if let Some(CallState::Talking { successor, .. }) =
            self.calls.get_mut(&id).map(|call| &mut call.state)
        {
            *successor = Some(leg);
            self.legs.add_agent(leg, id);
            turn.order(leg, LegOrder::Answer);
        }
    }

    /// Something on the leg that is about to take over.
    pub(crate) fn successor_event(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        next: LegId,
        event: LegEvent,
    ) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let caller_leg = call.caller_leg;
        let CallState::Talking {
            agent,
            leg,
            is_held,
            successor,
            ..
        } = &mut call.state
        else {
            return;
        };
        match event {
            LegEvent::Down(_) => {
                *successor = None;
                self.legs.remove(next);
            }
            LegEvent::Up => {
                *successor = None;
                *is_held = false;
                let old = core::mem::replace(leg, next);
                let agent = *agent;
                turn.state(Fact::PhoneChanged {
                    call: id,
                    agent: self.user(agent),
                    leg: next,
                });
                self.drop_leg(turn, old, Cause::NormalClearing);
                turn.order(caller_leg, LegOrder::Connect(next));
                self.agent_event(turn, agent, AgentEvent::Resumed);
            }
            LegEvent::TransferAsked(_) => {
                crate::transfer::refuse_transfer(
                    turn,
                    next,
                    crate::output::TransferRefusal::NotNow,
                );
            }
            // It has no part in the talk yet.
            LegEvent::Arrived(_)
            | LegEvent::Digit(_)
            | LegEvent::Held
            | LegEvent::MediaLost
            | LegEvent::PlayEnded { .. }
            | LegEvent::RecordingFailed
            | LegEvent::Resumed
            | LegEvent::Ringing
            | LegEvent::Voice => {}
        }
    }
}
