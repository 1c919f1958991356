//! Hard calls: said so by the counsellor, followed by a rest, and counted, because a shift has room for so many only.

use super::agent::{AgentEvent, index};
use super::assign;
use crate::fact::Fact;
use crate::ids::AgentId;
use crate::output::{Alarm, Output, Refusal};
use crate::switch::{Switch, Turn};

impl Switch {
    /// The talk that goes on, or the last one, is a hard one.
    pub(crate) fn mark_hard(&mut self, turn: &mut Turn<'_>, id: AgentId) -> Result<(), Refusal> {
        let max = assign::of(&self.plan.agents, id).and_then(|agent| agent.hard_calls_max);
        let seat = self.seats.get_mut(index(id)).ok_or(Refusal::UnknownAgent)?;
        let call = seat.strain.last.ok_or(Refusal::NotNow)?;
        if seat.strain.is_last_hard {
            return Ok(()); // Said twice.
        }
        seat.strain.is_last_hard = true;
        seat.strain.calls = seat.strain.calls.saturating_add(1);
        let has_max = max.is_some_and(|max| seat.strain.calls >= max);
        seat.strain.is_due = has_max || self.plan.timing.recovery_ms > 0;
        turn.state(Fact::HardCall {
            call,
            agent: seat.user.clone(),
        });
        if has_max {
            turn.out
                .push(Output::Alarm(Alarm::HardCallsMax { agent: id }));
        }
        self.agent_move(turn, id, AgentEvent::Hard)
    }
}
