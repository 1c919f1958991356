//! The start after a stop or a crash: open calls are closed, counsellors come back.

use crate::acd::agent::{AgentState, DECLINED, REQUEST, RONA, Strain, index};
use crate::acd::assign;
use crate::cause::{Cause, EndedBy};
use crate::fact::{Fact, Standing};
use crate::ids::{AgentId, CallId};
use crate::ledger::Ledger;
use crate::plan::WrapUp;
use crate::record::AgentStanding;
use crate::switch::{Switch, Turn};
use crate::timer::Timer;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl Switch {
    pub(crate) fn recover(&mut self, turn: &mut Turn<'_>, ledger: &Ledger) {
        for record in ledger.open() {
            // A call of this run is alive; only those of the run before are lost.
            if !self.calls.contains_key(&record.call) {
                turn.state(Fact::Ended {
                    call: record.call,
                    by: EndedBy::System,
                    cause: Cause::Crash,
                });
            }
        }
        // Whoever was idle longest before is so again; who becomes ready by the restart comes behind.
        let mut known: Vec<(&String, &AgentStanding)> = ledger.agents.iter().collect();
        known.sort_by_key(|(user, standing)| {
            (
                standing.standing != Standing::Ready,
                standing.since.run,
                standing.since.mono,
                standing.since.wall,
                *user,
            )
        });
        for (user, standing) in &known {
            match self.agent_of_account(user) {
                Some(agent) => {
                    self.restore_strain(agent, standing, ledger);
                    self.restore(turn, agent, standing);
                }
                None => state_removed(turn, user, standing),
            }
        }
        for (user, _) in known {
            let Some(agent) = self.agent_of_account(user) else {
                continue;
            };
            let state = self.seats.get(index(agent)).map(|seat| &seat.state);
            if matches!(state, Some(AgentState::NotReady { reason }) if reason == RONA || reason == DECLINED)
            {
                self.rest_if_lone(turn, agent);
            }
        }
    }

    fn restore(&mut self, turn: &mut Turn<'_>, agent: AgentId, known: &AgentStanding) {
        let ready = AgentState::Ready {
            turn: self.idle.new_turn(),
        };
        match &known.standing {
            // As they were: nothing has changed, so nothing is stated, and since and why stay.
            Standing::NotReady(reason) => self.set_quietly(
                agent,
                AgentState::NotReady {
                    reason: reason.clone(),
                },
            ),
            Standing::Ready => self.set_quietly(agent, ready),
            Standing::SignedOut => {
                self.set_quietly(
                    agent,
                    AgentState::SignedOut {
                        is_by_choice: known.why == REQUEST,
                    },
                );
            }
            Standing::Offered(_) => self.set_agent(turn, agent, ready, RESTART),
            Standing::Consulting(call)
            | Standing::Held(call)
            | Standing::Talking(call)
            | Standing::WrapUp(call) => {
                let state = self.wrap_up_afresh(turn, agent, *call).unwrap_or(ready);
                self.set_agent(turn, agent, state, RESTART);
            }
            Standing::Recovery(call) => {
                let length_ms = u64::from(self.plan.timing.recovery_ms);
                let until = turn.now.mono.plus_millis(length_ms);
                let state = AgentState::Recovery { call: *call, until };
                self.set_agent(turn, agent, state, RESTART);
            }
        }
        // A break goes on: it has its maximum from its beginning.
        if let (Some(max_ms), Standing::NotReady(_)) = (self.break_ms(agent), &known.standing) {
            let away_ms = turn.now.wall.0.saturating_sub(known.since.wall.0);
            let left_ms = max_ms.saturating_sub(u64::try_from(away_ms).unwrap_or(0));
            let until = turn.now.mono.plus_millis(left_ms);
            self.timers.set(Timer::Break(agent), until);
        }
    }

    /// The hard calls of the shift, and whether the call that the stop cut off was one.
    fn restore_strain(&mut self, agent: AgentId, known: &AgentStanding, ledger: &Ledger) {
        let last = match &known.standing {
            Standing::Consulting(call)
            | Standing::Held(call)
            | Standing::Recovery(call)
            | Standing::Talking(call)
            | Standing::WrapUp(call) => Some(*call),
            Standing::NotReady(_)
            | Standing::Offered(_)
            | Standing::Ready
            | Standing::SignedOut => None,
        };
        let is_last_hard = last
            .and_then(|call| ledger.calls.get(&call))
            .is_some_and(|record| record.is_hard);
        if let Some(seat) = self.seats.get_mut(index(agent)) {
            seat.strain = Strain {
                calls: known.hard_calls,
                last,
                is_last_hard,
                is_due: is_last_hard,
            };
        }
    }

    fn wrap_up_afresh(&self, turn: &Turn<'_>, agent: AgentId, call: CallId) -> Option<AgentState> {
        let until = match assign::of(&self.plan.agents, agent)?.wrap_up {
            WrapUp::None => return None,
            WrapUp::Timed(length_ms) => Some(turn.now.mono.plus_millis(u64::from(length_ms))),
            WrapUp::UntilDone => None,
        };
        Some(AgentState::WrapUp { call, until })
    }

    fn set_quietly(&mut self, agent: AgentId, state: AgentState) {
        let Some(seat) = self.seats.get_mut(index(agent)) else {
            return;
        };
        seat.state = state;
        if seat.is_signed_in() {
            self.count_on_shift(agent, true);
        }
        self.join_idle(agent);
    }
}

/// The plan lost this counsellor between the two runs.
fn state_removed(turn: &mut Turn<'_>, user: &str, known: &AgentStanding) {
    if known.standing != Standing::SignedOut {
        turn.state(Fact::AgentState {
            agent: user.to_string(),
            standing: Standing::SignedOut,
            why: "removed".to_string(),
        });
    }
}

/// Why a counsellor's state is what it is after a restart.
const RESTART: &str = "restart";
