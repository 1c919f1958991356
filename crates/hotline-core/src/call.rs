//! One call: a caller and whatever serves it. Its states, and what a caller's leg does in each.

use crate::acd::agent::AgentEvent;
use crate::acd::queue::Wait;
use crate::cause::{Cause, EndedBy};
use crate::fact::{Fact, OfferOutcome, RecordingState};
use crate::flow::Digit;
use crate::ids::{AgentId, CallId, CentreId, LanguageId, LegId, MobileId, PlayId, PromptId};
use crate::input::LegEvent;
use crate::ivr::Cursor;
use crate::notice::Tally;
use crate::number::CallerNumber;
use crate::output::{Bed, Clip, LegOrder};
use crate::plan::RouteKind;
use crate::switch::{Switch, Turn};
use crate::time::Mono;
use crate::timer::Timer;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

/// ```text
///  admitted                    key, no key, voice              offer               answer
///  ────────► Answering ──► Menu ──────────────────► Waiting ─────────► Offering ─────────► Talking
///               │                                    ▲  ▲ └─ rona, declined, dead ─┘          │
///               ├──► Waiting (straight into a queue) ┘  └──────── counsellor lost ────────────┘
///               ├──► Fixed (echo, one prompt for ever)
///               └──► Closing (beep, last words) ──► over          anywhere ── hang-up ──► over
/// ```
/// From Talking a transfer leads to Reaching (somebody else is rung) and on: to Talking with a colleague, to Outside,
/// into the line of a queue, or back (`transfer.rs`).
///
/// Over is not a state: an ended call is gone, its record is in the ledger.
#[derive(Debug)]
pub(crate) enum CallState {
    /// Our answer is on its way; then the route begins.
    Answering { route: RouteKind },
    /// Last words are said.
    Closing { by: EndedBy, cause: Cause },
    /// Echo, or this prompt for ever.
    Fixed { prompt: Option<PromptId> },
    /// In a flow.
    Menu(Cursor),
    /// With somebody outside; no counsellor is in the call. `wait`: where the caller goes back to if that line is
    /// lost; none when the caller is a counsellor who asks for advice.
    Outside {
        leg: LegId,
        number: CallerNumber,
        wait: Option<Wait>,
    },
    /// A counsellor is rung.
    Offering {
        wait: Wait,
        agent: AgentId,
        leg: LegId,
        /// They have answered and hear who comes; the caller still hears what callers hear.
        announcing: Option<PlayId>,
    },
    /// Somebody else is rung on `leg` while the caller hears music; `back` has the caller again if that fails.
    Reaching {
        to: Party,
        leg: LegId,
        back: Option<Back>,
    },
    /// With a counsellor.
    Talking {
        wait: Wait,
        agent: AgentId,
        leg: LegId,
        /// Their phone has put the caller on hold.
        is_held: bool,
        /// Another phone of theirs that is about to take the place of `leg`.
        successor: Option<LegId>,
    },
    /// In the line.
    Waiting(Wait),
}

/// Who is rung for a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    /// A counsellor.
    Agent(AgentId),
    /// Somebody outside.
    Outside(CallerNumber),
}

/// The counsellor who passes a caller on, until it is done.
#[derive(Clone, Debug)]
pub(crate) struct Back {
    pub(crate) wait: Wait,
    pub(crate) agent: AgentId,
    /// None: their phone has hung up already.
    pub(crate) leg: Option<LegId>,
    pub(crate) is_held: bool,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) caller_leg: LegId,
    /// Account name, when a phone of ours calls.
    pub(crate) account: Option<alloc::string::String>,
    pub(crate) is_answered: bool,
    pub(crate) is_counted: bool,
    pub(crate) is_recorded: bool,
    /// Somebody on call who is rung for them while they wait.
    pub(crate) mobile: Option<crate::acd::mobile::Try>,
    /// Who on call is to be rung next.
    pub(crate) next_mobile: MobileId,
    /// The caller's own centre.
    pub(crate) home: Option<CentreId>,
    /// A simulated caller, for counsellors in training; nothing of it is counted.
    pub(crate) is_training: bool,
    pub(crate) language: LanguageId,
    /// The run of clips that plays now.
    pub(crate) playing: Option<PlayId>,
    pub(crate) notice: Tally,
    /// A counsellor's sign-in that is done when this call has left their phone: a phone with one line would
    /// refuse the first caller.
    pub(crate) signs_in_at_end: bool,
    /// The talk in which the counsellor is who asks for advice by this call.
    pub(crate) consult_of: Option<CallId>,
    /// When the counsellor was last told that the caller cannot be passed on.
    pub(crate) pass_failed_at: Option<Mono>,
    /// Keys typed ahead of their menu.
    pub(crate) typed: VecDeque<Digit>,
    pub(crate) state: CallState,
}

impl Switch {
    /// Something on a caller's leg. Every pair of state and event is written out.
    pub(crate) fn caller_event(&mut self, turn: &mut Turn<'_>, id: CallId, event: LegEvent) {
        use CallState as S;
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        match (&call.state, event) {
            (_, LegEvent::Down(cause)) => self.caller_down(turn, id, cause),
            (S::Answering { .. }, LegEvent::Up) => self.answered(turn, id),
            (_, LegEvent::TransferAsked(target)) => self.transfer_asked_by_caller(turn, id, target),
            (S::Menu(_), LegEvent::Digit(key)) => self.flow_key(turn, id, key),
            (S::Menu(_), LegEvent::Voice) => self.flow_voice(turn, id),
            (S::Waiting(_) | S::Offering { .. }, LegEvent::Digit(key)) => {
                self.queue_key(turn, id, key)
            }
            // Typed ahead of the first menu.
            (S::Answering { .. }, LegEvent::Digit(key)) => {
                if call.typed.len() < TYPED_MAX {
                    call.typed.push_back(key);
                }
            }
            (
                S::Answering { .. }
                | S::Closing { .. }
                | S::Fixed { .. }
                | S::Menu(_)
                | S::Offering { .. }
                | S::Outside { .. }
                | S::Reaching { .. }
                | S::Talking { .. }
                | S::Waiting(_),
                LegEvent::PlayEnded {
                    play,
                    heard_ms,
                    is_complete,
                },
            ) => self.play_ended(turn, id, play, heard_ms, is_complete),
            (
                S::Answering { .. }
                | S::Closing { .. }
                | S::Fixed { .. }
                | S::Menu(_)
                | S::Offering { .. }
                | S::Outside { .. }
                | S::Reaching { .. }
                | S::Talking { .. }
                | S::Waiting(_),
                LegEvent::RecordingFailed,
            ) => {
                if call.is_recorded {
                    turn.state(Fact::Recording {
                        call: id,
                        state: RecordingState::Failed,
                    });
                }
            }
            (S::Fixed { .. } | S::Outside { .. } | S::Talking { .. }, LegEvent::MediaLost) => {
                let leg = call.caller_leg;
                self.ask_whether_alive(turn, leg);
            }
            // A caller who puts us on hold hears nobody, and nobody needs to know; a key means nothing here; a doubled
            // is an echo of the first; before the answer nobody sends, and after the last words it is over anyway;
            // the edge repeats itself about arrivals and ringing.
            // Silence in menu and queue is a caller who cannot speak, never a reason to ask, let alone to end.
            (
                S::Answering { .. }
                | S::Closing { .. }
                | S::Menu(_)
                | S::Offering { .. }
                | S::Reaching { .. }
                | S::Waiting(_),
                LegEvent::MediaLost,
            )
            | (
                S::Closing { .. }
                | S::Fixed { .. }
                | S::Outside { .. }
                | S::Reaching { .. }
                | S::Talking { .. },
                LegEvent::Digit(_),
            )
            | (
                S::Closing { .. }
                | S::Fixed { .. }
                | S::Menu(_)
                | S::Offering { .. }
                | S::Outside { .. }
                | S::Reaching { .. }
                | S::Talking { .. }
                | S::Waiting(_),
                LegEvent::Up,
            )
            | (
                S::Answering { .. }
                | S::Closing { .. }
                | S::Fixed { .. }
                | S::Offering { .. }
                | S::Outside { .. }
                | S::Reaching { .. }
                | S::Talking { .. }
                | S::Waiting(_),
                LegEvent::Voice,
            )
            | (
                S::Answering { .. }
                | S::Closing { .. }
                | S::Fixed { .. }
                | S::Menu(_)
                | S::Offering { .. }
                | S::Outside { .. }
                | S::Reaching { .. }
                | S::Talking { .. }
                | S::Waiting(_),
                LegEvent::Arrived(_) | LegEvent::Ringing | LegEvent::Held | LegEvent::Resumed,
            ) => {}
        }
    }

    /// Our answer was sent: the route begins.
    fn answered(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let CallState::Answering { route } = &call.state else {
            return;
        };
        let route = route.clone();
        let leg = call.caller_leg;
        call.is_answered = true;
        self.timers.cancel(Timer::Step(id));
        turn.state(Fact::Answered { call: id });
        if call.is_recorded {
            turn.state(Fact::Recording {
                call: id,
                state: RecordingState::Made,
            });
            turn.order(leg, LegOrder::Record(id));
        }
        if call.is_counted {
            let code = self
                .plan
                .languages
                .get(usize::from(call.language.0))
                .map(|language| language.code.clone());
            turn.state(Fact::LanguageChosen {
                call: id,
                language: code.unwrap_or_default(),
            });
        }
        match route {
            RouteKind::Agent(agent) => self.enqueue_direct(turn, id, agent),
            RouteKind::AnswerAndEnd => {
                self.end_call(turn, id, EndedBy::System, Cause::NormalClearing, true)
            }
            RouteKind::Echo => {
                self.set_state(id, CallState::Fixed { prompt: None });
                turn.order(leg, LegOrder::Echo);
            }
            RouteKind::Feature(feature) => self.feature(turn, id, &feature),
            RouteKind::Outside { number, trunks } => self.reach_outside(turn, id, number, trunks),
            RouteKind::Flow(flow) => self.begin_flow(turn, id, flow),
            RouteKind::PlayForEver(prompt) => {
                self.set_state(
                    id,
                    CallState::Fixed {
                        prompt: Some(prompt),
                    },
                );
                turn.order(leg, LegOrder::Bed(Bed::Soft));
                self.play_again(turn, id, prompt);
            }
            RouteKind::Queue { queue, service } => self.enqueue_straight(turn, id, queue, service),
        }
    }

    /// A run of clips on the caller's leg has ended, been cut, or replaced.
    fn play_ended(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        play: PlayId,
        heard_ms: u32,
        is_complete: bool,
    ) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.notice.ended(play, heard_ms, is_complete);
        if let Some(notice) = call.notice.correct() {
            turn.state(Fact::NoticeHeard { call: id, notice });
        }
        if call.playing != Some(play) {
            return; // An older run, replaced since.
        }
        call.playing = None;
        match &call.state {
            CallState::Answering { .. }
            | CallState::Outside { .. }
            | CallState::Reaching { .. }
            | CallState::Talking { .. }
            | CallState::Fixed { prompt: None } => {}
            CallState::Closing { by, cause } => {
                let (by, cause) = (*by, *cause);
                self.end_call(turn, id, by, cause, true);
            }
            CallState::Fixed {
                prompt: Some(prompt),
            } => {
                let prompt = *prompt;
                self.play_again(turn, id, prompt);
            }
            CallState::Menu(_) => self.flow_clips_over(turn, id, is_complete),
            CallState::Offering { .. } | CallState::Waiting(_) => self.play_pending(turn, id),
        }
    }

    /// The guard over an answer or over clips: the edge never told the end.
    pub(crate) fn step_over(&mut self, turn: &mut Turn<'_>, id: CallId) {
        match self.calls.get(&id).map(|call| &call.state) {
            Some(CallState::Answering { .. }) => {
                self.end_call(turn, id, EndedBy::System, Cause::InternalError, true);
            }
            Some(CallState::Closing { by, cause }) => {
                let (by, cause) = (*by, *cause);
                self.end_call(turn, id, by, cause, true);
            }
            Some(CallState::Menu(_)) => self.flow_window_over(turn, id),
            Some(
                CallState::Fixed { .. }
                | CallState::Offering { .. }
                | CallState::Outside { .. }
                | CallState::Reaching { .. }
                | CallState::Talking { .. }
                | CallState::Waiting(_),
            )
            | None => {}
        }
    }

    /// The caller's leg is gone, or never came to be.
    fn caller_down(&mut self, turn: &mut Turn<'_>, id: CallId, cause: Cause) {
        // In last words, the end was decided before the caller left.
        let (by, cause) = match self.calls.get(&id).map(|call| &call.state) {
            Some(CallState::Closing { by, cause }) => (*by, *cause),
            Some(_) | None => (who_ended(cause), cause),
        };
        self.end_call(turn, id, by, cause, false);
    }

    /// It is over. `is_up`: the caller's leg still is there and must be told.
    pub(crate) fn end_call(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        by: EndedBy,
        cause: Cause,
        is_up: bool,
    ) {
        self.detach(turn, id, by, cause);
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        self.timers.cancel_call(id);
        self.legs.remove(call.caller_leg);
        self.work.placed.remove(&id);
        self.state_notice(turn, id, &mut call);
        turn.state(Fact::Ended {
            call: id,
            by,
            cause,
        });
        if is_up {
            turn.order(call.caller_leg, LegOrder::HangUp(cause));
        }
        // Not by the account: the plan may have dropped a counsellor who still talks.
        if let Some(agent) = call.consult_of.and_then(|talk| self.counsellor_of(talk)) {
            self.agent_event(turn, agent, AgentEvent::ConsultOver(id));
        }
        let Some(user) = call.account else { return };
        self.account_calls_changed(&user);
        if call.signs_in_at_end
            && let Some(agent) = self.agent_of_account(&user)
        {
            self.agent_event(turn, agent, AgentEvent::SignIn);
        }
    }

    /// Ends it kindly: with last words, if there are any and the caller can hear them.
    pub(crate) fn close(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        by: EndedBy,
        cause: Cause,
        last_words: Option<PromptId>,
    ) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        if matches!(call.state, CallState::Closing { .. }) {
            return;
        }
        let Some(prompt) = last_words.filter(|_| call.is_answered) else {
            return self.end_call(turn, id, by, cause, true);
        };
        let clip = Clip {
            prompt,
            language: call.language,
        };
        if matches!(
            call.state,
            CallState::Outside { .. } | CallState::Talking { .. }
        ) {
            turn.order(call.caller_leg, LegOrder::Disconnect);
        }
        self.detach(turn, id, by, cause);
        self.say_last_words(turn, id, by, cause, vec![clip]);
    }

    /// The counsellor who has this caller, or is passing them on.
    fn counsellor_of(&self, id: CallId) -> Option<AgentId> {
        match &self.calls.get(&id)?.state {
            CallState::Talking { agent, .. } => Some(*agent),
            CallState::Reaching { back, .. } => back.as_ref().map(|back| back.agent),
            CallState::Answering { .. }
            | CallState::Closing { .. }
            | CallState::Fixed { .. }
            | CallState::Menu(_)
            | CallState::Offering { .. }
            | CallState::Outside { .. }
            | CallState::Waiting(_) => None,
        }
    }

    /// Plays the last words; their end, or the guard, ends the call.
    pub(crate) fn say_last_words(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        by: EndedBy,
        cause: Cause,
        clips: Vec<Clip>,
    ) {
        self.timers.cancel_call(id);
        self.set_state(id, CallState::Closing { by, cause });
        let length_ms = self.length_ms(&clips);
        if clips.is_empty() {
            return self.end_call(turn, id, by, cause, true);
        }
        self.play(turn, id, clips, false);
        self.timers.set(
            Timer::Step(id),
            turn.now.mono.plus_millis(length_ms + GUARD_MS),
        );
    }

    /// Takes the call out of the line, away from an offer or from its counsellor. Its state is the caller's to set.
    fn detach(&mut self, turn: &mut Turn<'_>, id: CallId, by: EndedBy, cause: Cause) {
        self.drop_mobile(turn, id, OfferOutcome::CallerGone);
        self.mobiles.remove(&id);
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        match &call.state {
            CallState::Answering { .. }
            | CallState::Closing { .. }
            | CallState::Fixed { .. }
            | CallState::Menu(_) => {}
            CallState::Waiting(wait) => {
                let need = wait.need(call.language);
                self.waiting.remove(need, wait.place);
            }
            CallState::Offering { agent, .. } => {
                let agent = *agent;
                let outcome = match by {
                    EndedBy::Caller => OfferOutcome::CallerGone,
                    EndedBy::Agent | EndedBy::Outside | EndedBy::System => OfferOutcome::Withdrawn,
                };
                self.cancel_offer(turn, id, outcome);
                self.agent_event(turn, agent, AgentEvent::CallerGone);
            }
            CallState::Talking {
                agent,
                leg,
                successor,
                ..
            } => {
                let (agent, leg, successor) = (*agent, *leg, *successor);
                for leg in core::iter::once(leg).chain(successor) {
                    self.drop_leg(turn, leg, told_cause(by, cause));
                }
                self.agent_event(turn, agent, AgentEvent::CallOver);
            }
            CallState::Reaching { .. } => self.stop_reaching(turn, id, told_cause(by, cause)),
            CallState::Outside { leg, .. } => {
                let leg = *leg;
                self.drop_leg(turn, leg, told_cause(by, cause));
            }
        }
        self.set_state(id, CallState::Closing { by, cause });
    }

    /// Hangs up a party's leg, if it still is there.
    pub(crate) fn drop_leg(&mut self, turn: &mut Turn<'_>, leg: LegId, cause: Cause) {
        if self.legs.owner(leg).is_some() {
            self.legs.remove(leg);
            turn.order(leg, LegOrder::HangUp(cause));
        }
    }

    /// States how much of the recording notice was heard, where there is one to hear.
    pub(crate) fn state_notice(&self, turn: &mut Turn<'_>, id: CallId, call: &mut Call) {
        if self.plan.notice.is_none() || !call.is_recorded || !call.is_answered {
            return;
        }
        if let Some(notice) = call.notice.sum_up(turn.now.mono) {
            turn.state(Fact::NoticeHeard { call: id, notice });
        }
    }

    pub(crate) fn set_state(&mut self, id: CallId, state: CallState) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.state = state;
        }
    }
}

/// What the other party is told of an end.
fn told_cause(by: EndedBy, cause: Cause) -> Cause {
    match by {
        EndedBy::Caller => Cause::CallerGone,
        EndedBy::Agent | EndedBy::Outside | EndedBy::System => cause,
    }
}

/// Whose doing it is that a caller's leg went.
const fn who_ended(cause: Cause) -> EndedBy {
    match cause {
        Cause::Busy
        | Cause::CallerGone
        | Cause::Declined
        | Cause::Lost
        | Cause::NoAnswer
        | Cause::NormalClearing
        | Cause::UnknownNumber
        | Cause::Unreachable => EndedBy::Caller,
        Cause::Crash
        | Cause::InternalError
        | Cause::Overload
        | Cause::Shutdown
        | Cause::UnsupportedMedia => EndedBy::System,
    }
}

/// Keys kept that were typed ahead.
pub(crate) const TYPED_MAX: usize = 16;

/// Clips whose end is not told within this are taken for ended.
pub(crate) const GUARD_MS: u64 = 2_000;
