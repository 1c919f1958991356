//! What people ask for: by console, by control socket, by feature code.

use crate::acd::agent::{AgentEvent, index};
use crate::cause::{Cause, EndedBy};
use crate::ids::{AgentId, CallId};
use crate::input::Request;
use crate::output::{Clip, Refusal};
use crate::plan::Feature;
use crate::switch::{Switch, Turn};

impl Switch {
    pub(crate) fn request(&mut self, turn: &mut Turn<'_>, request: Request) -> Result<(), Refusal> {
        match request {
            Request::EndWrapUp { agent } => self.wish(turn, agent, AgentEvent::EndWrapUp),
            Request::HangUp { call } => {
                if !self.calls.contains_key(&call) {
                    return Err(Refusal::UnknownCall);
                }
                self.end_call(turn, call, EndedBy::System, Cause::NormalClearing, true);
                Ok(())
            }
            Request::NotReady { agent, reason } => {
                if self.plan.reason(&reason).is_none() {
                    return Err(Refusal::UnknownReason);
                }
                self.wish(turn, agent, AgentEvent::NotReady(reason))
            }
            Request::Ready { agent } => self.wish(turn, agent, AgentEvent::Ready),
            Request::SignIn { agent } => self.wish(turn, agent, AgentEvent::SignIn),
            Request::SignOut { agent } => self.wish(turn, agent, AgentEvent::SignOut),
            Request::Hard { agent } => {
                if index(agent) >= self.plan.agents.len() {
                    return Err(Refusal::UnknownAgent);
                }
                self.mark_hard(turn, agent)
            }
        }
    }

    /// A feature code does its work and says so with a tone; refused, it says nothing.
    pub(crate) fn feature(&mut self, turn: &mut Turn<'_>, id: CallId, feature: &Feature) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let language = call.language;
        let agent = call
            .account
            .as_deref()
            .and_then(|user| self.agent_of_account(user));
        let result = match (agent, feature) {
            (None, _) => Err(Refusal::UnknownAgent),
            (Some(agent), Feature::Break(reason)) => {
                self.wish(turn, agent, AgentEvent::NotReady(reason.clone()))
            }
            (Some(_), Feature::SignIn) => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.signs_in_at_end = true;
                }
                Ok(())
            }
            (Some(agent), Feature::SignOut) => self.wish(turn, agent, AgentEvent::SignOut),
        };
        let beep = self
            .plan
            .beep
            .filter(|_| result.is_ok())
            .map(|prompt| Clip { prompt, language });
        self.say_last_words(
            turn,
            id,
            EndedBy::System,
            Cause::NormalClearing,
            beep.into_iter().collect(),
        );
    }

    /// A counsellor's wish.
    fn wish(
        &mut self,
        turn: &mut Turn<'_>,
        agent: AgentId,
        event: AgentEvent,
    ) -> Result<(), Refusal> {
        if index(agent) >= self.plan.agents.len() {
            return Err(Refusal::UnknownAgent);
        }
        self.agent_move(turn, agent, event)
    }
}
