//! Offering a caller to a counsellor: ring, answer, no answer, refusal, dead phone, and hang-ups that cross.

use super::agent::{AgentEvent, index};
use super::queue::{Only, Wait};
use crate::bug::bug;
use crate::call::CallState;
use crate::cause::{Cause, EndedBy};
use crate::fact::{Fact, OfferOutcome};
use crate::ids::{AgentId, CallId, LegId};
use crate::input::LegEvent;
use crate::output::{Alarm, LegOrder, Output, TransferRefusal};
use crate::switch::{Switch, Turn};
use crate::timer::Timer;
use crate::transfer::refuse_transfer;

impl Switch {
    /// Rings this counsellor for this waiting caller. The caller's clips go on.
    pub(crate) fn offer(&mut self, turn: &mut Turn<'_>, id: CallId, agent: AgentId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let CallState::Waiting(wait) = &call.state else {
            return;
        };
        let wait = wait.clone();
        self.waiting.remove(wait.need(call.language), wait.place);
        let ring_ms = wait
            .queue
            .and_then(|queue| self.queue(queue))
            .map_or(DIRECT_RING_MS, |queue| queue.ring_ms);
        let leg = self.legs.new_agent(id);
        self.set_state(
            id,
            CallState::Offering {
                wait,
                agent,
                leg,
                announcing: None,
            },
        );
        self.timers.set(
            Timer::Ring(id),
            turn.now.mono.plus_millis(u64::from(ring_ms)),
        );
        turn.state(Fact::Offered {
            call: id,
            agent: self.user(agent),
            leg,
        });
        self.agent_event(turn, agent, AgentEvent::Offered(id));
        turn.order(leg, LegOrder::RingAgent { agent, call: id });
    }

    /// Something on a counsellor's leg. Every pair of state and event is written out.
    pub(crate) fn agent_leg_event(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        leg: LegId,
        event: LegEvent,
    ) {
        if self.is_mobile_try(id, leg) {
            return self.mobile_event(turn, id, leg, event);
        }
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        match (&call.state, event) {
            (CallState::Reaching { .. } | CallState::Outside { .. }, event) => {
                self.party_leg_event(turn, id, leg, event);
            }
            (
                CallState::Talking {
                    successor: Some(next),
                    ..
                },
                event,
            ) if *next == leg => self.successor_event(turn, id, leg, event),
            (CallState::Talking { .. }, LegEvent::Held) => self.held(turn, id),
            (CallState::Talking { .. }, LegEvent::Resumed) => self.resumed(turn, id),
            (CallState::Talking { .. }, LegEvent::TransferAsked(target)) => {
                self.transfer_asked(turn, id, leg, target);
            }
            (CallState::Offering { .. }, LegEvent::TransferAsked(_)) => {
                refuse_transfer(turn, leg, TransferRefusal::NotInTalk);
            }
            (
                CallState::Offering {
                    announcing: None, ..
                },
                LegEvent::Up,
            ) => self.announce_or_join(turn, id),
            (
                CallState::Offering {
                    announcing: Some(announcing),
                    ..
                },
                LegEvent::PlayEnded { play, .. },
            ) if *announcing == play => self.join(turn, id),
            (CallState::Offering { .. }, LegEvent::Up) => {}
            (CallState::Offering { .. }, LegEvent::Down(cause)) => {
                self.legs.remove(leg);
                self.offer_failed(turn, id, outcome(cause));
            }
            (CallState::Talking { successor, .. }, LegEvent::Down(cause)) => {
                let successor = *successor;
                self.legs.remove(leg);
                if let Some(successor) = successor {
                    self.drop_leg(turn, successor, cause);
                }
                if is_loss(cause) || self.has_just_failed_to_pass_on(turn, id) {
                    self.agent_lost(turn, id);
                } else {
                    self.end_call(turn, id, EndedBy::Agent, cause, true);
                }
            }
            (CallState::Talking { .. }, LegEvent::MediaLost) => self.ask_whether_alive(turn, leg),
            // Keys and clips of a counsellor move nothing here; a phone that rings is silent; repeats of `Up` neither.
            (CallState::Offering { .. }, LegEvent::MediaLost)
            | (
                CallState::Offering { .. } | CallState::Talking { .. },
                LegEvent::Arrived(_)
                | LegEvent::Digit(_)
                | LegEvent::PlayEnded { .. }
                | LegEvent::RecordingFailed
                | LegEvent::Ringing
                | LegEvent::Voice,
            )
            | (CallState::Offering { .. }, LegEvent::Held | LegEvent::Resumed)
            | (CallState::Talking { .. }, LegEvent::Up) => {}
            (
                CallState::Answering { .. }
                | CallState::Closing { .. }
                | CallState::Fixed { .. }
                | CallState::Menu(_)
                | CallState::Waiting(_),
                _,
            ) => {
                self.legs.remove(leg);
                bug!(
                    self,
                    turn,
                    id,
                    "leg {leg} of a counsellor belongs to a call without one"
                );
            }
        }
    }

    /// The counsellor answered: joined at once, whatever plays.
    pub(super) fn join(&mut self, turn: &mut Turn<'_>, id: CallId) {
        self.drop_mobile(turn, id, OfferOutcome::Withdrawn);
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        if let CallState::Offering {
            wait, agent, leg, ..
        } = &call.state
        {
            let (wait, agent, leg) = (wait.clone(), *agent, *leg);
            // Nothing of the wait goes on: not its clips, not its deadlines.
            self.timers.cancel_call(id);
            turn.state(Fact::OfferEnded {
                call: id,
                agent: self.user(agent),
                outcome: OfferOutcome::Answered,
            });
            turn.state(Fact::Joined {
                call: id,
                agent: self.user(agent),
            });
            self.state_notice(turn, id, &mut call);
            self.agent_event(turn, agent, AgentEvent::Answered);
            turn.order(call.caller_leg, LegOrder::Connect(leg));
            call.state = CallState::Talking {
                wait,
                agent,
                leg,
                is_held: false,
                successor: None,
            };
        }
        self.calls.insert(id, call);
    }

    /// Nobody answered in time.
    pub(crate) fn ring_over(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let leg = match self.calls.get(&id).map(|call| &call.state) {
            // The end of the words was never told; nobody waits for that.
            Some(CallState::Offering {
                announcing: Some(_),
                ..
            }) => return self.join(turn, id),
            Some(CallState::Offering { leg, .. }) => *leg,
            Some(CallState::Reaching { .. }) => {
                return self.reach_failed(turn, id, Cause::NoAnswer, OfferOutcome::NoAnswer);
            }
            _ => return,
        };
        self.legs.remove(leg);
        turn.order(leg, LegOrder::HangUp(Cause::NoAnswer));
        self.offer_failed(turn, id, OfferOutcome::NoAnswer);
    }

    /// The counsellor's own state changed while they were rung: the caller goes back to the old place.
    pub(crate) fn withdraw(&mut self, turn: &mut Turn<'_>, id: CallId) {
        if matches!(
            self.calls.get(&id).map(|call| &call.state),
            Some(CallState::Reaching { .. })
        ) {
            self.reach_over(turn, id, Cause::Unreachable, OfferOutcome::Withdrawn);
            return;
        }
        let Some(wait) = self.cancel_offer(turn, id, OfferOutcome::Withdrawn) else {
            return;
        };
        self.wait(id, wait);
    }

    /// Stops the ringing. The caller is nowhere then: the state is the caller's of this function to set.
    pub(crate) fn cancel_offer(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        outcome: OfferOutcome,
    ) -> Option<Wait> {
        let CallState::Offering {
            wait, agent, leg, ..
        } = &self.calls.get(&id)?.state
        else {
            return None;
        };
        let (wait, agent, leg) = (wait.clone(), *agent, *leg);
        self.timers.cancel(Timer::Ring(id));
        self.legs.remove(leg);
        turn.order(leg, LegOrder::HangUp(Cause::CallerGone));
        turn.state(Fact::OfferEnded {
            call: id,
            agent: self.user(agent),
            outcome,
        });
        Some(wait)
    }

    /// An offer was not taken: the caller is back at the old place, the counsellor where they belong.
    fn offer_failed(&mut self, turn: &mut Turn<'_>, id: CallId, outcome: OfferOutcome) {
        let Some(CallState::Offering { wait, agent, .. }) =
            self.calls.get(&id).map(|call| &call.state)
        else {
            return;
        };
        let (wait, agent) = (wait.clone(), *agent);
        self.timers.cancel(Timer::Ring(id));
        turn.state(Fact::OfferEnded {
            call: id,
            agent: self.user(agent),
            outcome,
        });
        let only = wait.only;
        self.wait(id, wait);
        self.refused(turn, agent, outcome);
        let is_gone = !self
            .seats
            .get(index(agent))
            .is_some_and(super::agent::Seat::is_available);
        if only == Some(Only::Direct(agent)) && is_gone {
            // Nobody else can take a call to a counsellor's own number.
            self.end_call(turn, id, EndedBy::System, cause_of(outcome), true);
        }
    }

    /// What an offer that was not taken means for the counsellor.
    pub(crate) fn refused(&mut self, turn: &mut Turn<'_>, agent: AgentId, outcome: OfferOutcome) {
        match outcome {
            OfferOutcome::NoAnswer => {
                self.agent_event(turn, agent, AgentEvent::NoAnswer);
                self.rest_if_lone(turn, agent);
            }
            OfferOutcome::Declined => {
                self.agent_event(turn, agent, AgentEvent::Declined);
                self.rest_if_lone(turn, agent);
            }
            OfferOutcome::Unreachable => {
                let Some(seat) = self.seats.get_mut(index(agent)) else {
                    return;
                };
                seat.dead_offers = seat.dead_offers.saturating_add(1);
                if seat.dead_offers < DEAD_OFFERS_MAX {
                    return self.agent_event(turn, agent, AgentEvent::UnreachableOnce);
                }
                self.agent_event(turn, agent, AgentEvent::UnreachableTwice);
                self.retry_later(turn, agent);
                turn.out
                    .push(Output::Alarm(Alarm::PhoneUnreachable { agent }));
            }
            OfferOutcome::Withdrawn => {
                self.agent_event(turn, agent, AgentEvent::Withdrawn);
                self.rest(turn, agent);
            }
            OfferOutcome::Answered | OfferOutcome::CallerGone => {}
        }
    }
}

/// A counsellor's line that went without the counsellor's will: the caller must not pay for it.
pub(crate) const fn is_loss(cause: Cause) -> bool {
    match cause {
        Cause::Busy | Cause::CallerGone | Cause::Declined | Cause::NormalClearing => false,
        Cause::Crash
        | Cause::InternalError
        | Cause::Lost
        | Cause::NoAnswer
        | Cause::Overload
        | Cause::Shutdown
        | Cause::UnknownNumber
        | Cause::Unreachable
        | Cause::UnsupportedMedia => true,
    }
}

/// What the end of a ringing leg means.
pub(crate) const fn outcome(cause: Cause) -> OfferOutcome {
    match cause {
        Cause::Busy | Cause::CallerGone | Cause::Declined | Cause::NormalClearing => {
            OfferOutcome::Declined
        }
        Cause::NoAnswer => OfferOutcome::NoAnswer,
        // Our own trouble says nothing about the phone.
        Cause::InternalError | Cause::Overload | Cause::Shutdown => OfferOutcome::Withdrawn,
        // A phone whose audio never fits is of no more use than a dead one.
        Cause::Crash
        | Cause::Lost
        | Cause::UnknownNumber
        | Cause::Unreachable
        | Cause::UnsupportedMedia => OfferOutcome::Unreachable,
    }
}

const fn cause_of(outcome: OfferOutcome) -> Cause {
    match outcome {
        OfferOutcome::Answered => Cause::NormalClearing,
        OfferOutcome::CallerGone => Cause::CallerGone,
        OfferOutcome::Declined => Cause::Declined,
        OfferOutcome::NoAnswer => Cause::NoAnswer,
        OfferOutcome::Unreachable | OfferOutcome::Withdrawn => Cause::Unreachable,
    }
}

/// One dead offer may be bad luck; so many in a row are a dead phone.
pub(super) const DEAD_OFFERS_MAX: u8 = 2;

/// A counsellor's own number rings this long; queues have their own time.
pub(crate) const DIRECT_RING_MS: u32 = 20_000;
