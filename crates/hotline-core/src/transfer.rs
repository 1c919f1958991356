//! A counsellor passes the caller on: who may, to whom, and the join with the party of a call for advice.
//!
//! ```text
//!            number of a counsellor, or outside           answer
//!  Talking ─────────────────────────────────► Reaching ─────────► Talking with the colleague, or Outside
//!    │ ▲                                          │
//!    │ └─── whatever fails; resumed from hold ────┤ the phone has hung up meanwhile:
//!    │                                            └──► Waiting, at the head, first for the same counsellor
//!    ├── number of a queue ──► Waiting
//!    └── the other call ─────► Talking with its counsellor, or Outside
//! ```
//! The caller's leg stays through all of it and hears music.

mod reach;

use crate::acd::agent::{AgentEvent, AgentState, index};
use crate::acd::assign;
use crate::acd::queue::{Need, Place, Reach, Wait};
use crate::admission::{fits_number, fits_origin};
use crate::call::{Back, CallState, Party};
use crate::cause::{Cause, EndedBy};
use crate::fact::{Fact, TransferOutcome, TransferTo};
use crate::ids::{AgentId, CallId, LegId, QueueId, ServiceId};
use crate::input::{Contact, Origin, TransferTarget};
use crate::leg::Owner;
use crate::number::CallerNumber;
use crate::output::{Bed, LegOrder, TransferProgress, TransferRefusal};
use crate::plan::{Route, RouteKind};
use crate::switch::{Switch, Turn};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Where a number leads.
enum Target {
    Agent(AgentId),
    Outside {
        number: CallerNumber,
        trunks: Vec<String>,
    },
    Queue {
        queue: QueueId,
        service: Option<ServiceId>,
    },
}

impl Switch {
    /// A counsellor in a talk asks.
    pub(crate) fn transfer_asked(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        leg: LegId,
        target: TransferTarget,
    ) {
        let result = match target {
            TransferTarget::Leg(other) => match self.legs.owner(other) {
                Some(Owner::Caller(consult)) => self.pass_to_consult(turn, leg, id, consult),
                Some(Owner::Agent(_)) | None => Err(TransferRefusal::UnknownTarget),
            },
            TransferTarget::Number(number) => self
                .back_of(id)
                .and_then(|back| Ok((self.target(id, back.agent, &number)?, back)))
                .map(|(target, back)| self.pass_on(turn, id, target, back)),
        };
        if let Err(refusal) = result {
            self.pass_failed(turn, id);
            refuse_transfer(turn, leg, refusal);
        }
    }

    /// The counsellor is told now that the caller stays theirs.
    fn pass_failed(&mut self, turn: &Turn<'_>, id: CallId) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.pass_failed_at = Some(turn.now.mono);
        }
    }

    /// Some phones hang up when they are told that a transfer has failed (baresip 1.0), and people who meant to pass
    /// a caller on may do so too: the caller is not lost by that.
    pub(crate) fn has_just_failed_to_pass_on(&self, turn: &Turn<'_>, id: CallId) -> bool {
        let told = self.calls.get(&id).and_then(|call| call.pass_failed_at);
        told.is_some_and(|at| turn.now.mono < at.plus_millis(PASS_FAILED_MS))
    }

    /// The end of a call that came in asks: a caller, who may not, or a counsellor on the call for advice. That is
    /// the same wish, said on the other leg.
    pub(crate) fn transfer_asked_by_caller(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        target: TransferTarget,
    ) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let leg = call.caller_leg;
        let result = match (target, call.consult_of) {
            (TransferTarget::Leg(other), Some(talk))
                if self.legs.owner(other) == Some(Owner::Agent(talk)) =>
            {
                self.pass_to_consult(turn, leg, talk, id)
            }
            (TransferTarget::Leg(_) | TransferTarget::Number(_), _) => {
                Err(TransferRefusal::NotInTalk)
            }
        };
        if let Err(refusal) = result {
            refuse_transfer(turn, leg, refusal);
        }
    }

    /// The counsellor of a talk, should the transfer fail. One who is about to change phones asks again then.
    fn back_of(&self, id: CallId) -> Result<Back, TransferRefusal> {
        match self.calls.get(&id).map(|call| &call.state) {
            Some(CallState::Talking {
                wait,
                agent,
                leg,
                is_held,
                successor: None,
            }) => Ok(Back {
                wait: wait.clone(),
                agent: *agent,
                leg: Some(*leg),
                is_held: *is_held,
            }),
            Some(CallState::Talking { .. } | CallState::Reaching { .. }) => {
                Err(TransferRefusal::NotNow)
            }
            Some(
                CallState::Answering { .. }
                | CallState::Closing { .. }
                | CallState::Fixed { .. }
                | CallState::Menu(_)
                | CallState::Offering { .. }
                | CallState::Outside { .. }
                | CallState::Waiting(_),
            )
            | None => Err(TransferRefusal::NotInTalk),
        }
    }

    /// Where this number leads, for this counsellor: a colleague, a queue, or an allowed number outside.
    fn target(&self, id: CallId, asking: AgentId, number: &str) -> Result<Target, TransferRefusal> {
        let origin = Origin::Account(self.user(asking));
        let is_fit =
            |route: &&Route| fits_number(&route.dialled, number) && fits_origin(route, &origin);
        let target = match self
            .plan
            .routes
            .iter()
            .find(is_fit)
            .map(|route| &route.kind)
        {
            Some(RouteKind::Agent(agent)) => Target::Agent(*agent),
            Some(RouteKind::Queue { queue, service }) => Target::Queue {
                queue: *queue,
                service: *service,
            },
            Some(
                RouteKind::AnswerAndEnd
                | RouteKind::Echo
                | RouteKind::Feature(_)
                | RouteKind::Flow(_)
                | RouteKind::Outside { .. }
                | RouteKind::PlayForEver(_),
            ) => return Err(TransferRefusal::NotAllowed),
            None => match self.agent_of_account(number) {
                Some(agent) => Target::Agent(agent),
                None => self.target_outside(number)?,
            },
        };
        // Simulated callers stay among those who learn, and callers never come to them.
        let is_training = self.is_training(id);
        match target {
            Target::Agent(agent)
                if agent == asking || self.is_in_training(agent) != is_training =>
            {
                Err(TransferRefusal::NotAllowed)
            }
            Target::Outside { .. } if is_training => Err(TransferRefusal::NotAllowed),
            Target::Agent(_) | Target::Outside { .. } | Target::Queue { .. } => Ok(target),
        }
    }

    fn target_outside(&self, number: &str) -> Result<Target, TransferRefusal> {
        let mut allowed = self.plan.outbound.iter();
        let outbound = allowed
            .find(|outbound| fits_number(&outbound.dialled, number))
            .ok_or(TransferRefusal::UnknownTarget)?;
        if outbound.trunks.is_empty() {
            return Err(TransferRefusal::NotAllowed);
        }
        Ok(Target::Outside {
            number: CallerNumber::new(number.to_string()),
            trunks: outbound.trunks.clone(),
        })
    }

    fn pass_on(&mut self, turn: &mut Turn<'_>, id: CallId, target: Target, back: Back) {
        let to = match &target {
            Target::Agent(agent) => TransferTo::Agent(self.user(*agent)),
            Target::Outside { number, .. } => TransferTo::Outside(number.clone()),
            Target::Queue { queue, .. } => TransferTo::Queue(self.queue_name(Some(*queue))),
        };
        turn.state(Fact::TransferBegan {
            call: id,
            agent: self.user(back.agent),
            to,
        });
        if let Some(leg) = back.leg {
            turn.order(leg, LegOrder::TransferProgress(TransferProgress::Trying));
        }
        let begun = match target {
            Target::Agent(agent) => self.can_be_rung(agent).map(|()| {
                self.reach(
                    turn,
                    id,
                    Party::Agent(agent),
                    Vec::new(),
                    Some(back.clone()),
                )
            }),
            Target::Outside { number, trunks } => {
                self.reach(turn, id, Party::Outside(number), trunks, Some(back.clone()));
                Ok(())
            }
            Target::Queue { queue, service } => {
                self.pass_to_queue(turn, id, queue, service, back.clone())
            }
        };
        if let Err(cause) = begun {
            turn.state(Fact::TransferEnded {
                call: id,
                agent: self.user(back.agent),
                outcome: TransferOutcome::Failed(cause),
            });
            self.pass_failed(turn, id);
            if let Some(leg) = back.leg {
                let failed = TransferProgress::Failed(cause);
                turn.order(leg, LegOrder::TransferProgress(failed));
            }
        }
    }

    /// A colleague who is busy is not waited for: the counsellor still has the caller and can choose again.
    fn can_be_rung(&self, agent: AgentId) -> Result<(), Cause> {
        let seat = self.seats.get(index(agent)).ok_or(Cause::UnknownNumber)?;
        match (&seat.state, seat.contact) {
            (AgentState::Ready { .. }, Contact::Reachable) if seat.is_calling => Err(Cause::Busy),
            (AgentState::Ready { .. }, Contact::Reachable) => Ok(()),
            (AgentState::NotReady { .. } | AgentState::SignedOut { .. }, _)
            | (_, Contact::Gone | Contact::Unreachable) => Err(Cause::Unreachable),
            (
                AgentState::Offered { .. }
                | AgentState::Recovery { .. }
                | AgentState::Talking(_)
                | AgentState::WrapUp { .. },
                Contact::Reachable,
            ) => Err(Cause::Busy),
        }
    }

    /// Into the line of a queue, at the rank of the caller's first entry into a line: who has waited once does not
    /// begin anew. The counsellor is free then. A queue for which nobody else is on shift takes nobody.
    fn pass_to_queue(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        queue: QueueId,
        service: Option<ServiceId>,
        back: Back,
    ) -> Result<(), Cause> {
        let call = self.calls.get(&id).ok_or(Cause::InternalError)?;
        let (caller_leg, language) = (call.caller_leg, call.language);
        let service = service.or(back.wait.service);
        let (home, reach) = (back.wait.home, Reach::Everywhere);
        let is_training = back.wait.is_training;
        let need = Need::Skill {
            language,
            service,
            reach,
            is_training,
        };
        if !self.is_anybody_else_signed_in_for(need, back.agent) {
            return Err(Cause::Unreachable);
        }
        let known = self.queue(queue).ok_or(Cause::UnknownNumber)?;
        let (name, head_start_ms) = (known.name.clone(), known.head_start_ms);
        turn.state(Fact::TransferEnded {
            call: id,
            agent: self.user(back.agent),
            outcome: TransferOutcome::Done,
        });
        turn.state(Fact::Queued {
            call: id,
            queue: name,
            service: service.and_then(|service| self.service_name(service)),
            head_start_ms,
            is_silent: false,
        });
        turn.order(caller_leg, LegOrder::Disconnect);
        turn.order(caller_leg, LegOrder::Bed(Bed::Music));
        let wait = Wait {
            queue: Some(queue),
            service,
            home,
            reach,
            place: Place::new(id, back.wait.queued, head_start_ms),
            only: None,
            entered: turn.now.mono,
            has_mobiles: false,
            is_alarmed: false,
            next_comfort: 0,
            pending: Vec::new(),
            may_choose_default: false,
            ..back.wait
        };
        self.wait(id, wait);
        self.start_clocks(turn, id);
        self.say_words(turn, id, self.plan.transfer_wait);
        self.release(turn, back.agent, back.leg);
        Ok(())
    }

    fn is_anybody_else_signed_in_for(&self, need: Need, asking: AgentId) -> bool {
        let is_asking_one = assign::of(&self.plan.agents, asking)
            .is_some_and(|agent| assign::fits(asking, agent, need));
        self.on_shift.count(need) > u32::from(is_asking_one)
    }

    /// The counsellor who passed a caller on has done their part.
    fn release(&mut self, turn: &mut Turn<'_>, agent: AgentId, leg: Option<LegId>) {
        if let Some(leg) = leg {
            turn.order(leg, LegOrder::TransferProgress(TransferProgress::Done));
            self.drop_leg(turn, leg, Cause::NormalClearing);
        }
        self.agent_event(turn, agent, AgentEvent::CallOver);
    }

    /// The caller of `id` gets the party of the call for advice, which is over with that. `asking`: the leg of the
    /// counsellor that said so.
    fn pass_to_consult(
        &mut self,
        turn: &mut Turn<'_>,
        asking: LegId,
        id: CallId,
        consult: CallId,
    ) -> Result<(), TransferRefusal> {
        let Back {
            wait, agent, leg, ..
        } = self.back_of(id)?;
        let advice = self
            .calls
            .get(&consult)
            .filter(|call| call.consult_of == Some(id))
            .ok_or(TransferRefusal::UnknownTarget)?;
        let (state, party_leg, is_held) = match &advice.state {
            CallState::Talking {
                agent,
                leg,
                is_held,
                successor: None,
                ..
            } => {
                let state = CallState::Talking {
                    wait,
                    agent: *agent,
                    leg: *leg,
                    is_held: *is_held,
                    successor: None,
                };
                (state, *leg, *is_held)
            }
            CallState::Outside { leg, number, .. } => {
                let state = CallState::Outside {
                    leg: *leg,
                    number: number.clone(),
                    wait: Some(wait),
                };
                (state, *leg, false)
            }
            CallState::Answering { .. }
            | CallState::Closing { .. }
            | CallState::Fixed { .. }
            | CallState::Menu(_)
            | CallState::Offering { .. }
            | CallState::Reaching { .. }
            | CallState::Talking { .. }
            | CallState::Waiting(_) => return Err(TransferRefusal::NotNow),
        };
        self.state_consult_done(turn, id, consult, agent, party_leg, &state);
        self.legs.add_agent(party_leg, id);
        let colleague = match &state {
            CallState::Talking { agent, .. } => Some(*agent),
            _ => None,
        };
        self.set_state(id, state);
        let (by, cause) = (EndedBy::Agent, Cause::NormalClearing);
        // Its party lives on in the caller's call.
        self.set_state(consult, CallState::Closing { by, cause });
        for progress in [TransferProgress::Trying, TransferProgress::Done] {
            turn.order(asking, LegOrder::TransferProgress(progress));
        }
        if let Some(leg) = leg {
            self.drop_leg(turn, leg, cause);
        }
        self.end_call(turn, consult, by, cause, true);
        self.agent_event(turn, agent, AgentEvent::CallOver);
        if let Some(colleague) = colleague {
            self.agent_event(turn, colleague, AgentEvent::Passed(id));
        }
        self.join_or_hold(turn, id, party_leg, is_held);
        Ok(())
    }

    fn state_consult_done(
        &self,
        turn: &mut Turn<'_>,
        id: CallId,
        consult: CallId,
        agent: AgentId,
        leg: LegId,
        state: &CallState,
    ) {
        let (to, joined) = match state {
            CallState::Outside { number, .. } => {
                let number = number.clone();
                let joined = Fact::JoinedOutside {
                    call: id,
                    number: number.clone(),
                    leg,
                };
                (TransferTo::Outside(number), joined)
            }
            CallState::Talking { agent, .. } => {
                let user = self.user(*agent);
                let joined = Fact::Joined {
                    call: id,
                    agent: user.clone(),
                };
                (TransferTo::Agent(user), joined)
            }
            _ => return,
        };
        let agent = self.user(agent);
        turn.state(Fact::TransferBegan {
            call: id,
            agent: agent.clone(),
            to,
        });
        turn.state(Fact::TransferEnded {
            call: id,
            agent,
            outcome: TransferOutcome::Done,
        });
        turn.state(Fact::Taken {
            call: id,
            consult,
            leg,
        });
        turn.state(joined);
    }

    /// The caller hears the party, or music while that party has put the line on hold.
    fn join_or_hold(&mut self, turn: &mut Turn<'_>, id: CallId, leg: LegId, is_held: bool) {
        let Some(caller_leg) = self.calls.get(&id).map(|call| call.caller_leg) else {
            return;
        };
        if is_held {
            turn.state(Fact::Held { call: id });
            turn.order(caller_leg, LegOrder::Disconnect);
            turn.order(caller_leg, LegOrder::Bed(Bed::Music));
        } else {
            turn.order(caller_leg, LegOrder::Connect(leg));
        }
    }

    /// The talk in which this account's counsellor is.
    pub(crate) fn talk_of(&self, origin: &Origin) -> Option<CallId> {
        let Origin::Account(user) = origin else {
            return None;
        };
        let agent = self.agent_of_account(user)?;
        match self.seats.get(index(agent)).map(|seat| &seat.state) {
            Some(AgentState::Talking(talk)) => Some(talk.call),
            Some(
                AgentState::NotReady { .. }
                | AgentState::Offered { .. }
                | AgentState::Ready { .. }
                | AgentState::Recovery { .. }
                | AgentState::SignedOut { .. }
                | AgentState::WrapUp { .. },
            )
            | None => None,
        }
    }

    /// An allowed number outside, for a counsellor in a talk who asks for advice.
    pub(crate) fn route_outside(&self, dialled: &str, talk: Option<CallId>) -> Option<Route> {
        talk?;
        let outbound = self
            .plan
            .outbound
            .iter()
            .find(|outbound| fits_number(&outbound.dialled, dialled))
            .filter(|outbound| !outbound.trunks.is_empty())?;
        Some(Route {
            dialled: dialled.to_string(),
            trunk: None,
            from_accounts: true,
            kind: RouteKind::Outside {
                number: dialled.to_string(),
                trunks: outbound.trunks.clone(),
            },
            is_recorded: false,
            is_training: false,
            centre: None,
        })
    }
}

pub(crate) fn refuse_transfer(turn: &mut Turn<'_>, leg: LegId, refusal: TransferRefusal) {
    let refused = TransferProgress::Refused(refusal);
    turn.order(leg, LegOrder::TransferProgress(refused));
}

/// A phone that hangs up so soon after a transfer has failed does it because of that.
const PASS_FAILED_MS: u64 = 2_000;
