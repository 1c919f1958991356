//! Those on call, away from the centre: rung over a carrier for a caller who has waited long. The caller keeps the place
//! and may be offered to counsellors meanwhile; whoever takes the caller first has them. Whoever answers must press 1:
//! a voicemail cannot.
//!
//! ```text
//!  caller has waited ──► Ringing ──answer──► Asked ──1──► Outside
//!        ▲                  │                  │
//!        └──── the next ────┴── failed, late ──┘
//! ```

use super::offer::outcome;
use super::wait::{DEFAULT_LANGUAGE, wait_of};
use crate::call::{CallState, GUARD_MS};
use crate::cause::Cause;
use crate::fact::{Fact, OfferOutcome};
use crate::ids::{CallId, LegId, MobileId};
use crate::input::LegEvent;
use crate::output::{Clip, LegOrder, TransferRefusal};
use crate::switch::{Switch, Turn};
use crate::timer::Timer;
use crate::transfer::refuse_transfer;
use alloc::string::{String, ToString};
use alloc::vec;

use super::agent::AgentEvent;

/// Somebody on call who is rung, or asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Try {
    pub(crate) leg: LegId,
    mobile: MobileId,
    /// They have answered and hear what is wanted of them.
    is_asked: bool,
}

impl Switch {
    /// Rings the next one on call who speaks the language and is free.
    pub(super) fn ring_mobile(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let language = call.language;
        let first = call.next_mobile;
        let Some(wait) = wait_of(&mut call.state) else {
            return;
        };
        if wait.is_training || wait.queue.is_none() || self.plan.mobile_accept.is_none() {
            return;
        }
        let busy: alloc::collections::BTreeSet<MobileId> = self.mobiles.values().copied().collect();
        let candidates = (0u16..).map(MobileId).zip(&self.plan.mobiles);
        let next = candidates
            .filter(|(mobile, _)| *mobile >= first && !busy.contains(mobile))
            .find(|(_, plan)| plan.languages.contains_key(&language));
        let Some((mobile, plan)) = next else {
            // Everybody was asked, or is busy: a pause, and from the beginning.
            call.next_mobile = MobileId(0);
            let at = turn.now.mono.plus_millis(MOBILES_PAUSE_MS);
            return self.timers.set(Timer::Mobile(id), at);
        };
        let (name, number, trunks) = (
            plan.name.clone(),
            String::from(plan.number.reveal()),
            plan.trunks.clone(),
        );
        call.next_mobile = MobileId(mobile.0.saturating_add(1));
        let leg = self.legs.new_agent(id);
        call.mobile = Some(Try {
            leg,
            mobile,
            is_asked: false,
        });
        self.mobiles.insert(id, mobile);
        turn.state(Fact::MobileRung {
            call: id,
            mobile: name,
            leg,
        });
        turn.order(
            leg,
            LegOrder::RingOutside {
                number,
                trunks,
                call: id,
            },
        );
        let until = turn.now.mono.plus_millis(MOBILE_RING_MS);
        self.timers.set(Timer::Mobile(id), until);
    }

    /// The lease of a try is over, or the pause.
    pub(crate) fn mobile_due(&mut self, turn: &mut Turn<'_>, id: CallId) {
        self.drop_mobile(turn, id, OfferOutcome::NoAnswer);
        self.ring_mobile(turn, id);
    }

    /// Whether this leg is that of somebody on call who has not taken the caller yet.
    pub(super) fn is_mobile_try(&self, id: CallId, leg: LegId) -> bool {
        let call = self.calls.get(&id);
        call.and_then(|call| call.mobile)
            .is_some_and(|tried| tried.leg == leg)
    }

    /// Something on that leg.
    pub(super) fn mobile_event(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        leg: LegId,
        event: LegEvent,
    ) {
        let Some(tried) = self.calls.get(&id).and_then(|call| call.mobile) else {
            return;
        };
        match event {
            LegEvent::Up if !tried.is_asked => self.ask_mobile(turn, id),
            LegEvent::Digit(key) if tried.is_asked && key.key() == '1' => {
                self.mobile_accepts(turn, id);
            }
            LegEvent::Down(cause) => {
                self.legs.remove(leg);
                self.mobile_over(turn, id, outcome(cause));
                self.ring_mobile(turn, id);
            }
            LegEvent::TransferAsked(_) => refuse_transfer(turn, leg, TransferRefusal::NotInTalk),
            // Any other key is none; silence is no consent.
            LegEvent::Arrived(_)
            | LegEvent::Digit(_)
            | LegEvent::Held
            | LegEvent::MediaLost
            | LegEvent::PlayEnded { .. }
            | LegEvent::RecordingFailed
            | LegEvent::Resumed
            | LegEvent::Ringing
            | LegEvent::Up
            | LegEvent::Voice => {}
        }
    }

    fn ask_mobile(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(prompt) = self.plan.mobile_accept else {
            return;
        };
        let clips = vec![Clip {
            prompt,
            language: DEFAULT_LANGUAGE,
        }];
        let length_ms = self.length_ms(&clips);
        let play = self.new_play();
        let Some(tried) = self
            .calls
            .get_mut(&id)
            .and_then(|call| call.mobile.as_mut())
        else {
            return;
        };
        tried.is_asked = true;
        turn.order(
            tried.leg,
            LegOrder::Play {
                play,
                clips,
                barge_in: true,
            },
        );
        let until = turn.now.mono.plus_millis(length_ms + ACCEPT_MS + GUARD_MS);
        self.timers.set(Timer::Mobile(id), until);
    }

    /// They pressed 1: whoever else is rung for the caller is rung no more.
    fn mobile_accepts(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let (language, caller_leg) = (call.language, call.caller_leg);
        let Some(Try { leg, mobile, .. }) = call.mobile.take() else {
            return;
        };
        let wait = match &call.state {
            CallState::Waiting(wait) => {
                let wait = wait.clone();
                self.waiting.remove(wait.need(language), wait.place);
                Some(wait)
            }
            CallState::Offering { agent, .. } => {
                let agent = *agent;
                let wait = self.cancel_offer(turn, id, OfferOutcome::Withdrawn);
                self.agent_event(turn, agent, AgentEvent::CallerGone);
                wait
            }
            CallState::Answering { .. }
            | CallState::Closing { .. }
            | CallState::Fixed { .. }
            | CallState::Menu(_)
            | CallState::Outside { .. }
            | CallState::Reaching { .. }
            | CallState::Talking { .. } => None,
        };
        let Some(plan) = self.plan.mobiles.get(usize::from(mobile.0)) else {
            return;
        };
        let number = plan.number.clone();
        turn.state(Fact::MobileEnded {
            call: id,
            mobile: plan.name.clone(),
            outcome: OfferOutcome::Answered,
        });
        turn.state(Fact::JoinedOutside {
            call: id,
            number: number.clone(),
            leg,
        });
        self.timers.cancel_call(id);
        self.work.placed.remove(&id);
        if let Some(mut call) = self.calls.remove(&id) {
            self.state_notice(turn, id, &mut call);
            call.state = CallState::Outside { leg, number, wait };
            self.calls.insert(id, call);
        }
        turn.order(caller_leg, LegOrder::Connect(leg));
    }

    /// Nobody on call is rung any more for this caller.
    pub(crate) fn drop_mobile(&mut self, turn: &mut Turn<'_>, id: CallId, why: OfferOutcome) {
        let Some(tried) = self.calls.get(&id).and_then(|call| call.mobile) else {
            return;
        };
        let cause = match why {
            OfferOutcome::NoAnswer => Cause::NoAnswer,
            OfferOutcome::Answered
            | OfferOutcome::CallerGone
            | OfferOutcome::Declined
            | OfferOutcome::Unreachable
            | OfferOutcome::Withdrawn => Cause::CallerGone,
        };
        self.drop_leg(turn, tried.leg, cause);
        self.mobile_over(turn, id, why);
    }

    /// The try is over, and was no success.
    fn mobile_over(&mut self, turn: &mut Turn<'_>, id: CallId, outcome: OfferOutcome) {
        self.timers.cancel(Timer::Mobile(id));
        self.mobiles.remove(&id);
        let tried = self.calls.get_mut(&id).and_then(|call| call.mobile.take());
        let Some(tried) = tried else { return };
        let mobile = self.plan.mobiles.get(usize::from(tried.mobile.0));
        turn.state(Fact::MobileEnded {
            call: id,
            mobile: mobile.map_or_else(|| "removed".to_string(), |mobile| mobile.name.clone()),
            outcome,
        });
    }
}

/// A mobile telephone is given this long to be answered; many networks take 8 s until it rings.
const MOBILE_RING_MS: u64 = 30_000;

/// And, after the words, this long for the key.
const ACCEPT_MS: u64 = 8_000;

/// When everybody was asked in vain they are left alone for so long.
const MOBILES_PAUSE_MS: u64 = 60_000;
