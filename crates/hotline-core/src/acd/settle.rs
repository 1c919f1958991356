//! The end of a turn: whoever became idle or came into the line is matched. Nothing polls.

use super::agent::{AgentState, index};
use super::assign::{self, caller_for};
use super::queue::{Need, Only, Place, Wait};
use crate::call::CallState;
use crate::cause::{Cause, EndedBy};
use crate::ids::{AgentId, CallId, LanguageId};
use crate::output::{Alarm, Output};
use crate::switch::{Switch, Turn};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

impl Switch {
    /// Before the turn nobody waited for whom an idle counsellor was fit; only those who changed can match now.
    pub(crate) fn settle(&mut self, turn: &mut Turn<'_>) {
        for agent in core::mem::take(&mut self.work.left) {
            self.end_direct_callers(turn, agent);
        }
        let freed = core::mem::take(&mut self.work.freed);
        while let Some(place) = self.first_caller_for(&freed) {
            if !self.offer_longest_idle(turn, place) {
                break; // Cannot be: `place` came from one who fits. A wrong loop would be worse than a wait.
            }
        }
        let mut places: Vec<Place> = core::mem::take(&mut self.work.placed)
            .iter()
            .filter_map(|call| self.place_in_line(*call))
            .collect();
        places.sort_unstable();
        for place in places {
            if !self.offer_longest_idle(turn, place) {
                self.alarm_if_nobody(turn, place.call);
            }
        }
    }

    /// The first caller in line among those whom one of these counsellors can serve.
    fn first_caller_for(&self, freed: &BTreeSet<AgentId>) -> Option<Place> {
        freed
            .iter()
            .filter(|agent| {
                self.seats
                    .get(index(**agent))
                    .is_some_and(super::agent::Seat::is_idle)
            })
            .filter_map(|agent| {
                caller_for(
                    &self.waiting,
                    *agent,
                    assign::of(&self.plan.agents, *agent)?,
                )
            })
            .min()
    }

    /// Offers this caller to the longest-idle fit counsellor; false when there is none.
    fn offer_longest_idle(&mut self, turn: &mut Turn<'_>, place: Place) -> bool {
        let best = self.wait_in_line(place.call).and_then(|(wait, language)| {
            wait.choices(language).find_map(|need| self.idle.best(need))
        });
        let Some(agent) = best else {
            return false;
        };
        self.offer(turn, place.call, agent);
        true
    }

    fn place_in_line(&self, call: CallId) -> Option<Place> {
        self.wait_in_line(call).map(|(wait, _)| wait.place)
    }

    pub(crate) fn need_in_line(&self, call: CallId) -> Option<Need> {
        self.wait_in_line(call)
            .map(|(wait, language)| wait.need(language))
    }

    /// The wait and the language of a caller who waits and is not being offered.
    fn wait_in_line(&self, call: CallId) -> Option<(&Wait, LanguageId)> {
        let call = self.calls.get(&call)?;
        match &call.state {
            CallState::Waiting(wait) => Some((wait, call.language)),
            CallState::Answering { .. }
            | CallState::Closing { .. }
            | CallState::Fixed { .. }
            | CallState::Menu(_)
            | CallState::Offering { .. }
            | CallState::Outside { .. }
            | CallState::Reaching { .. }
            | CallState::Talking { .. } => None,
        }
    }

    /// The counsellor went off shift or on a break: who waits at their own number is told so.
    fn end_direct_callers(&mut self, turn: &mut Turn<'_>, agent: AgentId) {
        let state = self.seats.get(index(agent)).map(|seat| &seat.state);
        if !matches!(
            state,
            Some(AgentState::NotReady { .. } | AgentState::SignedOut { .. }) | None
        ) {
            return;
        }
        let callers: Vec<CallId> = self
            .waiting
            .of(Need::Agent(agent))
            .map(|place| place.call)
            .collect();
        for call in callers {
            if self.only_of(call) == Some(Only::Direct(agent)) {
                self.end_call(turn, call, EndedBy::System, Cause::Unreachable, true);
            }
        }
    }

    fn only_of(&self, call: CallId) -> Option<Only> {
        self.wait_in_line(call).and_then(|(wait, _)| wait.only)
    }

    /// A caller who waits while nobody who could serve them is on shift is a matter for a supervisor.
    pub(crate) fn alarm_if_nobody(&self, turn: &mut Turn<'_>, call: CallId) {
        let Some((wait, language)) = self.wait_in_line(call) else {
            return;
        };
        let is_skilled = wait.only.is_none() && !wait.is_training;
        if is_skilled && self.on_shift.count(wait.widest(language)) == 0 {
            turn.out.push(Output::Alarm(Alarm::NobodySignedIn { call }));
        }
    }
}
