//! Somebody else is rung for a caller: answered, or whatever fails, and the way back to the counsellor.

use super::refuse_transfer;
use crate::acd::agent::AgentEvent;
use crate::acd::offer::{DIRECT_RING_MS, is_loss, outcome};
use crate::call::{Back, CallState, Party};
use crate::cause::{Cause, EndedBy};
use crate::fact::{Fact, OfferOutcome, TransferOutcome};
use crate::ids::{CallId, LegId, PromptId};
use crate::input::LegEvent;
use crate::number::CallerNumber;
use crate::output::{Bed, Clip, LegOrder, TransferProgress, TransferRefusal};
use crate::switch::{Switch, Turn};
use crate::timer::Timer;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

impl Switch {
    /// A counsellor's own call to somebody outside.
    pub(crate) fn reach_outside(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        number: String,
        trunks: Vec<String>,
    ) {
        let party = Party::Outside(CallerNumber::new(number));
        self.reach(turn, id, party, trunks, None);
    }

    /// Rings this party; the caller hears music meanwhile.
    pub(super) fn reach(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        to: Party,
        trunks: Vec<String>,
        back: Option<Back>,
    ) {
        let Some(caller_leg) = self.calls.get(&id).map(|call| call.caller_leg) else {
            return;
        };
        if back.as_ref().is_some_and(|back| !back.is_held) {
            turn.order(caller_leg, LegOrder::Disconnect);
        }
        turn.order(caller_leg, LegOrder::Bed(Bed::Music));
        let words = back.as_ref().and(self.plan.transfer_wait);
        let leg = self.legs.new_agent(id);
        let state = CallState::Reaching {
            to: to.clone(),
            leg,
            back,
        };
        self.set_state(id, state);
        let ring_ms = match to {
            Party::Agent(agent) => {
                turn.state(Fact::Offered {
                    call: id,
                    agent: self.user(agent),
                    leg,
                });
                self.agent_event(turn, agent, AgentEvent::Offered(id));
                turn.order(leg, LegOrder::RingAgent { agent, call: id });
                DIRECT_RING_MS
            }
            Party::Outside(number) => {
                let number = String::from(number.reveal());
                let ring = LegOrder::RingOutside {
                    number,
                    trunks,
                    call: id,
                };
                turn.order(leg, ring);
                OUTSIDE_RING_MS
            }
        };
        let until = turn.now.mono.plus_millis(u64::from(ring_ms));
        self.timers.set(Timer::Ring(id), until);
        self.say_words(turn, id, words);
    }

    /// Something on a party's leg while somebody is rung, or with somebody outside.
    pub(crate) fn party_leg_event(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        leg: LegId,
        event: LegEvent,
    ) {
        match self.calls.get(&id).map(|call| &call.state) {
            Some(CallState::Outside { .. }) => self.outside_event(turn, id, leg, event),
            Some(CallState::Reaching { leg: rung, .. }) if *rung == leg => {
                self.rung_event(turn, id, leg, event);
            }
            Some(CallState::Reaching { .. }) => self.back_event(turn, id, leg, event),
            _ => {}
        }
    }

    /// On the leg that is rung.
    fn rung_event(&mut self, turn: &mut Turn<'_>, id: CallId, leg: LegId, event: LegEvent) {
        match event {
            LegEvent::Down(cause) => {
                self.legs.remove(leg);
                self.reach_failed(turn, id, cause, outcome(cause));
            }
            LegEvent::Ringing => {
                if let Some(CallState::Reaching {
                    back: Some(Back { leg: Some(leg), .. }),
                    ..
                }) = self.calls.get(&id).map(|call| &call.state)
                {
                    let ringing = TransferProgress::Ringing;
                    turn.order(*leg, LegOrder::TransferProgress(ringing));
                }
            }
            LegEvent::TransferAsked(_) => {
                refuse_transfer(turn, leg, TransferRefusal::NotInTalk);
            }
            LegEvent::Up => self.reached(turn, id),
            // Nothing is agreed with a phone that rings.
            LegEvent::Arrived(_)
            | LegEvent::Digit(_)
            | LegEvent::Held
            | LegEvent::MediaLost
            | LegEvent::PlayEnded { .. }
            | LegEvent::RecordingFailed
            | LegEvent::Resumed
            | LegEvent::Voice => {}
        }
    }

    /// On the leg of the counsellor who passes the caller on. Most phones hang up as soon as they are told that it
    /// is under way: then the caller is not alone, somebody is being rung.
    fn back_event(&mut self, turn: &mut Turn<'_>, id: CallId, leg: LegId, event: LegEvent) {
        let Some(CallState::Reaching {
            back: Some(back), ..
        }) = self.calls.get_mut(&id).map(|call| &mut call.state)
        else {
            return;
        };
        match event {
            LegEvent::Down(_) => {
                back.leg = None;
                self.legs.remove(leg);
            }
            LegEvent::Held => {
                if !core::mem::replace(&mut back.is_held, true) {
                    let agent = back.agent;
                    turn.state(Fact::Held { call: id });
                    self.agent_event(turn, agent, AgentEvent::Held);
                }
            }
            LegEvent::Resumed => {
                if core::mem::take(&mut back.is_held) {
                    let agent = back.agent;
                    turn.state(Fact::Resumed { call: id });
                    self.agent_event(turn, agent, AgentEvent::Resumed);
                    self.take_back(turn, id);
                }
            }
            LegEvent::MediaLost => self.ask_whether_alive(turn, leg),
            LegEvent::TransferAsked(_) => refuse_transfer(turn, leg, TransferRefusal::NotNow),
            LegEvent::Arrived(_)
            | LegEvent::Digit(_)
            | LegEvent::PlayEnded { .. }
            | LegEvent::RecordingFailed
            | LegEvent::Ringing
            | LegEvent::Up
            | LegEvent::Voice => {}
        }
    }

    /// On the leg of somebody outside.
    fn outside_event(&mut self, turn: &mut Turn<'_>, id: CallId, leg: LegId, event: LegEvent) {
        match event {
            LegEvent::Down(cause) => {
                self.legs.remove(leg);
                self.outside_gone(turn, id, cause);
            }
            LegEvent::MediaLost => self.ask_whether_alive(turn, leg),
            LegEvent::TransferAsked(_) => {
                refuse_transfer(turn, leg, TransferRefusal::NotInTalk);
            }
            LegEvent::Arrived(_)
            | LegEvent::Digit(_)
            | LegEvent::Held
            | LegEvent::PlayEnded { .. }
            | LegEvent::RecordingFailed
            | LegEvent::Resumed
            | LegEvent::Ringing
            | LegEvent::Up
            | LegEvent::Voice => {}
        }
    }

    /// Whoever was outside hung up, or their line was lost: then the caller is served by anybody, before all others.
    fn outside_gone(&mut self, turn: &mut Turn<'_>, id: CallId, cause: Cause) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let caller_leg = call.caller_leg;
        match &call.state {
            CallState::Outside {
                wait: Some(wait), ..
            } if is_loss(cause) => {
                let wait = wait.clone();
                turn.state(Fact::OutsideLost { call: id });
                turn.order(caller_leg, LegOrder::Disconnect);
                self.back_to_head(turn, id, wait, None, self.plan.lost_agent);
            }
            _ => self.end_call(turn, id, EndedBy::Outside, cause, true),
        }
    }

    /// The party answered.
    fn reached(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let CallState::Reaching { to, leg, back } = &call.state else {
            return;
        };
        let (to, leg, back, caller_leg) = (to.clone(), *leg, back.clone(), call.caller_leg);
        self.timers.cancel(Timer::Ring(id));
        let (wait, referrer) = match back {
            Some(back) => (Some(back.wait), Some((back.agent, back.leg))),
            None => (None, None),
        };
        if let Party::Agent(agent) = to {
            turn.state(Fact::OfferEnded {
                call: id,
                agent: self.user(agent),
                outcome: OfferOutcome::Answered,
            });
        }
        if let Some((agent, leg)) = referrer {
            turn.state(Fact::TransferEnded {
                call: id,
                agent: self.user(agent),
                outcome: TransferOutcome::Done,
            });
            self.release(turn, agent, leg);
        }
        match (to, wait) {
            (Party::Agent(agent), Some(wait)) => {
                turn.state(Fact::Joined {
                    call: id,
                    agent: self.user(agent),
                });
                self.agent_event(turn, agent, AgentEvent::Answered);
                let state = CallState::Talking {
                    wait,
                    agent,
                    leg,
                    is_held: false,
                    successor: None,
                };
                self.set_state(id, state);
            }
            (Party::Outside(number), wait) => {
                turn.state(Fact::JoinedOutside {
                    call: id,
                    number: number.clone(),
                    leg,
                });
                self.set_state(id, CallState::Outside { leg, number, wait });
            }
            // A counsellor is only rung here when a colleague passes a caller on.
            (Party::Agent(_), None) => return,
        }
        turn.order(caller_leg, LegOrder::Connect(leg));
    }

    /// Nobody was reached: the caller is the counsellor's again, and the colleague is where a missed call leads.
    pub(crate) fn reach_failed(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        cause: Cause,
        outcome: OfferOutcome,
    ) {
        if let Some(Party::Agent(agent)) = self.reach_over(turn, id, cause, outcome) {
            self.refused(turn, agent, outcome);
        }
    }

    /// As [`reach_failed`](Self::reach_failed), for a colleague who went of their own will: their state is theirs.
    pub(crate) fn reach_over(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        cause: Cause,
        outcome: OfferOutcome,
    ) -> Option<Party> {
        let Some(CallState::Reaching { to, leg, back }) =
            self.calls.get(&id).map(|call| &call.state)
        else {
            return None;
        };
        let (to, leg, back) = (to.clone(), *leg, back.clone());
        self.stop_ring(turn, id, (&to, leg), cause, outcome);
        match back {
            Some(back) => self.give_back(turn, id, back, cause),
            None => {
                let by = EndedBy::Outside;
                self.set_state(id, CallState::Closing { by, cause });
                self.end_call(turn, id, by, cause, true);
            }
        }
        Some(to)
    }

    /// To the counsellor on the line; or, if their phone has gone, to the head of the line, first for them.
    fn give_back(&mut self, turn: &mut Turn<'_>, id: CallId, back: Back, cause: Cause) {
        let Back {
            wait,
            agent,
            leg,
            is_held,
        } = back;
        let user = self.user(agent);
        let outcome = match leg {
            Some(_) => TransferOutcome::Failed(cause),
            None => TransferOutcome::FailedAlone(cause),
        };
        turn.state(Fact::TransferEnded {
            call: id,
            agent: user,
            outcome,
        });
        let words = self.plan.transfer_failed;
        let Some(leg) = leg else {
            return self.back_to_head(turn, id, wait, Some(agent), words);
        };
        let state = CallState::Talking {
            wait,
            agent,
            leg,
            is_held,
            successor: None,
        };
        self.set_state(id, state);
        self.pass_failed(turn, id);
        let failed = TransferProgress::Failed(cause);
        turn.order(leg, LegOrder::TransferProgress(failed));
        if is_held {
            self.say_words(turn, id, words);
        } else if let Some(call) = self.calls.get(&id) {
            turn.order(call.caller_leg, LegOrder::Connect(leg));
        }
    }

    /// Whoever is rung is rung no more. What that means for a colleague's state is not said here.
    fn stop_ring(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        (to, leg): (&Party, LegId),
        cause: Cause,
        outcome: OfferOutcome,
    ) {
        self.timers.cancel(Timer::Ring(id));
        self.drop_leg(turn, leg, cause);
        if let Party::Agent(agent) = to {
            turn.state(Fact::OfferEnded {
                call: id,
                agent: self.user(*agent),
                outcome,
            });
        }
    }

    /// The counsellor resumed the line: they want the caller again and not the transfer.
    fn take_back(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let caller_leg = call.caller_leg;
        let CallState::Reaching {
            to,
            leg,
            back: Some(back),
        } = &call.state
        else {
            return;
        };
        let (to, rung, back) = (to.clone(), *leg, back.clone());
        let Some(leg) = back.leg else { return };
        self.stop_ring(
            turn,
            id,
            (&to, rung),
            Cause::CallerGone,
            OfferOutcome::Withdrawn,
        );
        if let Party::Agent(agent) = to {
            self.agent_event(turn, agent, AgentEvent::CallerGone);
        }
        turn.state(Fact::TransferEnded {
            call: id,
            agent: self.user(back.agent),
            outcome: TransferOutcome::TakenBack,
        });
        let state = CallState::Talking {
            wait: back.wait,
            agent: back.agent,
            leg,
            is_held: false,
            successor: None,
        };
        self.set_state(id, state);
        let failed = TransferProgress::Failed(Cause::CallerGone);
        turn.order(leg, LegOrder::TransferProgress(failed));
        turn.order(caller_leg, LegOrder::Connect(leg));
    }

    /// The call is over while somebody is rung: nobody is rung any more, and the counsellor is free.
    pub(crate) fn stop_reaching(&mut self, turn: &mut Turn<'_>, id: CallId, told: Cause) {
        let Some(CallState::Reaching { to, leg, back }) =
            self.calls.get(&id).map(|call| &call.state)
        else {
            return;
        };
        let (to, leg, back) = (to.clone(), *leg, back.clone());
        let outcome = match told {
            Cause::CallerGone => OfferOutcome::CallerGone,
            _ => OfferOutcome::Withdrawn,
        };
        self.stop_ring(turn, id, (&to, leg), Cause::CallerGone, outcome);
        if let Party::Agent(agent) = to {
            self.agent_event(turn, agent, AgentEvent::CallerGone);
        }
        let Some(back) = back else { return };
        turn.state(Fact::TransferEnded {
            call: id,
            agent: self.user(back.agent),
            outcome: TransferOutcome::CallOver,
        });
        if let Some(leg) = back.leg {
            let failed = TransferProgress::Failed(told);
            turn.order(leg, LegOrder::TransferProgress(failed));
            self.drop_leg(turn, leg, told);
        }
        self.agent_event(turn, back.agent, AgentEvent::CallOver);
    }

    /// A word of ours over the music, if the plan has one.
    pub(super) fn say_words(&mut self, turn: &mut Turn<'_>, id: CallId, words: Option<PromptId>) {
        let Some(language) = self.calls.get(&id).map(|call| call.language) else {
            return;
        };
        if let Some(prompt) = words {
            self.play(turn, id, vec![Clip { prompt, language }], false);
        }
    }
}

/// Somebody outside is given longer than a colleague at the next desk.
const OUTSIDE_RING_MS: u32 = 45_000;
