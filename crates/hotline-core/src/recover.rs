//! The start after a stop or a crash: open calls are closed, counsellors come back.

use crate::acd::agent::{AgentState, DECLINED, REQUEST, RONA, index};
use crate::acd::assign;
use crate::cause::{Cause, EndedBy};
use crate::fact::{Fact, Standing};
use crate::ids::{AgentId, CallId};
use crate::ledger::Ledger;
use crate::record::AgentStanding;
use crate::switch::{Switch, Turn};
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
                Some(agent) => self.restore(turn, agent, standing),
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
            Standing::Talking(call) | Standing::WrapUp(call) => {
                let state = self.wrap_up_afresh(turn, agent, *call).unwrap_or(ready);
                self.set_agent(turn, agent, state, RESTART);
            }
        }
    }

    fn wrap_up_afresh(&self, turn: &Turn<'_>, agent: AgentId, call: CallId) -> Option<AgentState> {
        let wrap_up_ms = assign::of(&self.plan.agents, agent)?.wrap_up_ms;
        let until = turn.now.mono.plus_millis(u64::from(wrap_up_ms));
        (wrap_up_ms > 0).then_some(AgentState::WrapUp { call, until })
    }

    fn set_quietly(&mut self, agent: AgentId, state: AgentState) {
        if let Some(seat) = self.seats.get_mut(index(agent)) {
            seat.state = state;
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
