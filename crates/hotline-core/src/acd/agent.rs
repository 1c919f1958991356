//! Counsellor states and the events that move them (ACD).

use crate::fact::Standing;
use crate::ids::{AgentId, CallId};
use crate::input::Contact;
use crate::output::Refusal;
use crate::time::Mono;
use alloc::string::{String, ToString};

/// ```text
///             sign in                    offer                  answer
///  SignedOut ─────────► Ready ◄────────────────────► Offered ─────────────► Talking
///      ▲                 ▲ ▲ caller gone, withdrawn,    │                      │ call over
///      │ sign out        │ │ first unreachable          │ rona, declined,      ▼
///      │ (anywhere)      │ └──────── wrap-up over ───── │ ── unreachable ─── WrapUp
///      │                 │ ready; unreachable: the      ▼ twice                │
///      │                 │ phone registers, or 60 s     │                      │
///      └─────────────────┴────────────────────────── NotReady ◄────────────────┘ asked meanwhile
/// ```
/// An offer that failed by our own trouble is withdrawn: Ready, last in the order, and offered nobody for 1 s. A
/// phone that refused two calls and is registered all the same gets one more try each 60 s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AgentState {
    /// Not to be offered anybody, why.
    NotReady { reason: String },
    /// Being rung for this call.
    Offered { call: CallId },
    /// Waiting for a caller; `turn` orders the idle.
    Ready { turn: u64 },
    /// Off shift. By choice: a phone that registers again does not bring them back.
    SignedOut { is_by_choice: bool },
    /// With this caller.
    Talking { call: CallId },
    /// Paperwork after this call.
    WrapUp { call: CallId, until: Mono },
}

/// What can move a counsellor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AgentEvent {
    /// They took the call.
    Answered,
    /// The caller hung up while they were rung.
    CallerGone,
    /// The talk is over.
    CallOver,
    /// They refused the call.
    Declined,
    /// They finished the paperwork.
    EndWrapUp,
    /// The only counsellor of a centre has rested long enough.
    LoneOver,
    /// Their line was lost in the talk.
    Lost,
    /// They did not answer.
    NoAnswer,
    /// They want a break.
    NotReady(String),
    /// The caller of their talk is another now: who asked them for advice has passed theirs on to them.
    Passed(CallId),
    /// A call rings.
    Offered(CallId),
    /// The phone has gone (for those who sign in by it).
    PhoneGone,
    /// They are ready.
    Ready,
    /// A phone registered, or showed life again.
    Registered,
    /// The plan no longer has them.
    Removed,
    /// They begin the shift.
    SignIn,
    /// They end it.
    SignOut,
    /// A phone that was dead gets one more try.
    Retry,
    /// Their phone is dead, for the first time.
    UnreachableOnce,
    /// Their phone is dead, again.
    UnreachableTwice,
    /// The offer failed, and not by them or their phone.
    Withdrawn,
    /// The paperwork's time is over.
    WrapUpOver,
}

/// What follows the talk and the paperwork, if it was asked for meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum After {
    /// Not ready, why.
    NotReady(String),
    /// The next caller.
    #[default]
    Ready,
    /// The end of the shift.
    SignOut { is_by_choice: bool },
}

/// A counsellor at work.
#[derive(Debug)]
pub(crate) struct Seat {
    /// Account name: what stays when the plan changes.
    pub(crate) user: String,
    pub(crate) contact: Contact,
    pub(crate) state: AgentState,
    pub(crate) after: After,
    /// Offers in a row that did not reach the phone.
    pub(crate) dead_offers: u8,
    /// Ready, but an offer just failed by our own trouble: nobody is offered for a moment.
    pub(crate) is_resting: bool,
    /// Ready, but calling somebody from the own phone: nobody is offered until that is over.
    pub(crate) is_calling: bool,
}

/// What the step needs to know of the counsellor's plan and of the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) is_signed_in_by_registration: bool,
    /// None: no paperwork.
    pub(crate) wrap_up_until: Option<Mono>,
    /// Turn in the order of the idle, should they become ready.
    pub(crate) turn: u64,
}

/// Where an event leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// To this state, for this reason.
    Go(AgentState, &'static str),
    /// Nowhere now; this follows the talk or the paperwork.
    Later(After),
    /// Nowhere.
    Stay,
}

impl Seat {
    pub(crate) const fn new(user: String) -> Self {
        Self {
            user,
            contact: Contact::Gone,
            state: AgentState::SignedOut {
                is_by_choice: false,
            },
            after: After::Ready,
            dead_offers: 0,
            is_resting: false,
            is_calling: false,
        }
    }

    /// May be offered a caller.
    pub(crate) const fn is_idle(&self) -> bool {
        self.is_available() && !self.is_resting && !self.is_calling
    }

    /// May be offered a caller now or in a moment.
    pub(crate) const fn is_available(&self) -> bool {
        matches!(
            (&self.state, self.contact),
            (AgentState::Ready { .. }, Contact::Reachable)
        )
    }

    pub(crate) const fn is_signed_in(&self) -> bool {
        !matches!(self.state, AgentState::SignedOut { .. })
    }

    pub(crate) fn standing(&self) -> Standing {
        match &self.state {
            AgentState::NotReady { reason } => Standing::NotReady(reason.clone()),
            AgentState::Offered { call } => Standing::Offered(*call),
            AgentState::Ready { .. } => Standing::Ready,
            AgentState::SignedOut { .. } => Standing::SignedOut,
            AgentState::Talking { call } => Standing::Talking(*call),
            AgentState::WrapUp { call, .. } => Standing::WrapUp(*call),
        }
    }

    /// What this event does in this state. The parent assigns.
    pub(crate) fn step(&self, rules: Rules, event: AgentEvent) -> Result<Move, Refusal> {
        use AgentEvent as E;
        use AgentState as S;
        let ready = S::Ready { turn: rules.turn };
        Ok(match (&self.state, event) {
            (S::Ready { .. }, E::Offered(call)) => Move::Go(S::Offered { call }, "offer"),
            (S::Offered { call }, E::Answered) => Move::Go(S::Talking { call: *call }, "answer"),
            (S::Offered { .. }, E::CallerGone) => Move::Go(self.next_state(rules), "caller_gone"),
            (S::Offered { .. }, E::Declined) => Move::Go(self.failed(DECLINED), DECLINED),
            (S::Offered { .. }, E::NoAnswer) => Move::Go(self.failed(RONA), RONA),
            (S::Offered { .. }, E::Withdrawn) => Move::Go(self.next_state(rules), "withdrawn"),
            (S::Offered { .. }, E::UnreachableOnce) => {
                Move::Go(self.next_state(rules), UNREACHABLE)
            }
            (S::Offered { .. }, E::UnreachableTwice) => {
                Move::Go(self.failed(UNREACHABLE), UNREACHABLE)
            }
            (S::Talking { call }, E::CallOver) => match (&self.after, rules.wrap_up_until) {
                (After::SignOut { .. }, _) | (_, None) => {
                    Move::Go(self.next_state(rules), "call_over")
                }
                (After::NotReady(_) | After::Ready, Some(until)) => {
                    Move::Go(S::WrapUp { call: *call, until }, "call_over")
                }
            },
            (S::Talking { .. }, E::Passed(call)) => Move::Go(S::Talking { call }, "transfer"),
            (S::Talking { .. }, E::Lost) => Move::Go(self.next_state(rules), "lost"),
            (S::WrapUp { .. }, E::WrapUpOver) => Move::Go(self.next_state(rules), "wrap_up_over"),
            (S::WrapUp { .. }, E::EndWrapUp) => Move::Go(self.next_state(rules), REQUEST),
            (S::NotReady { .. }, E::LoneOver) => Move::Go(ready, "lone"),

            // What people ask for. While talking it waits for its time.
            (S::NotReady { .. } | S::WrapUp { .. }, E::Ready | E::SignIn) => {
                Move::Go(ready, REQUEST)
            }
            (S::SignedOut { .. }, E::SignIn) => Move::Go(ready, REQUEST),
            (S::Talking { .. }, E::Ready | E::SignIn) => Move::Later(After::Ready),
            (S::Ready { .. } | S::Offered { .. }, E::Ready | E::SignIn) => Move::Stay,
            (S::SignedOut { .. }, E::Ready | E::NotReady(_)) => return Err(Refusal::NotNow),
            (S::NotReady { .. } | S::Ready { .. } | S::Offered { .. }, E::NotReady(reason)) => {
                Move::Go(S::NotReady { reason }, REQUEST)
            }
            (S::Talking { .. } | S::WrapUp { .. }, E::NotReady(reason)) => {
                Move::Later(After::NotReady(reason))
            }
            (S::Talking { .. }, E::SignOut) => Move::Later(After::SignOut { is_by_choice: true }),
            (S::SignedOut { is_by_choice: true }, E::SignOut) => Move::Stay,
            (
                S::NotReady { .. }
                | S::Ready { .. }
                | S::Offered { .. }
                | S::WrapUp { .. }
                | S::SignedOut {
                    is_by_choice: false,
                },
                E::SignOut,
            ) => Move::Go(S::SignedOut { is_by_choice: true }, REQUEST),
            (
                S::NotReady { .. }
                | S::Offered { .. }
                | S::Ready { .. }
                | S::SignedOut { .. }
                | S::Talking { .. },
                E::EndWrapUp,
            ) => return Err(Refusal::NotNow),

            // The phone. Paperwork lasts its time, whatever the phone does.
            (
                S::SignedOut {
                    is_by_choice: false,
                },
                E::Registered,
            ) if rules.is_signed_in_by_registration => Move::Go(ready, "registered"),
            (S::NotReady { reason }, E::Registered) if reason == UNREACHABLE => {
                Move::Go(ready, "registered")
            }
            (S::NotReady { reason }, E::Retry) if reason == UNREACHABLE => Move::Go(ready, "retry"),
            (S::Talking { .. } | S::Offered { .. } | S::WrapUp { .. }, E::Registered)
                if self.after
                    == (After::SignOut {
                        is_by_choice: false,
                    }) =>
            {
                Move::Later(After::Ready)
            }
            (
                S::NotReady { .. }
                | S::Offered { .. }
                | S::Ready { .. }
                | S::SignedOut { .. }
                | S::Talking { .. }
                | S::WrapUp { .. },
                E::Registered | E::Retry,
            ) => Move::Stay,
            (
                S::NotReady { .. } | S::Ready { .. } | S::SignedOut { is_by_choice: true },
                E::PhoneGone,
            ) => Move::Go(
                S::SignedOut {
                    is_by_choice: false,
                },
                "unregistered",
            ),
            (
                S::SignedOut {
                    is_by_choice: false,
                },
                E::PhoneGone,
            ) => Move::Stay,
            (S::Talking { .. } | S::Offered { .. } | S::WrapUp { .. }, E::PhoneGone) => {
                Move::Later(After::SignOut {
                    is_by_choice: false,
                })
            }
            (
                S::NotReady { .. } | S::Ready { .. } | S::Offered { .. } | S::WrapUp { .. },
                E::Removed,
            ) => Move::Go(
                S::SignedOut {
                    is_by_choice: false,
                },
                "removed",
            ),
            (S::Talking { .. }, E::Removed) => Move::Later(After::SignOut {
                is_by_choice: false,
            }),
            (S::SignedOut { .. }, E::Removed) => Move::Stay,

            // The parent raises these only in the states above; anywhere else they change nothing.
            (
                S::NotReady { .. }
                | S::Offered { .. }
                | S::SignedOut { .. }
                | S::Talking { .. }
                | S::WrapUp { .. },
                E::Offered(_),
            )
            | (
                S::NotReady { .. }
                | S::Ready { .. }
                | S::SignedOut { .. }
                | S::Talking { .. }
                | S::WrapUp { .. },
                E::Answered
                | E::CallerGone
                | E::Declined
                | E::NoAnswer
                | E::UnreachableOnce
                | E::UnreachableTwice
                | E::Withdrawn,
            )
            | (
                S::NotReady { .. }
                | S::Offered { .. }
                | S::Ready { .. }
                | S::SignedOut { .. }
                | S::WrapUp { .. },
                E::CallOver | E::Lost | E::Passed(_),
            )
            | (
                S::NotReady { .. }
                | S::Offered { .. }
                | S::Ready { .. }
                | S::SignedOut { .. }
                | S::Talking { .. },
                E::WrapUpOver,
            )
            | (
                S::Offered { .. }
                | S::Ready { .. }
                | S::SignedOut { .. }
                | S::Talking { .. }
                | S::WrapUp { .. },
                E::LoneOver,
            ) => Move::Stay,
        })
    }

    /// Where a counsellor goes who is free again: to what was asked for meanwhile.
    fn next_state(&self, rules: Rules) -> AgentState {
        match &self.after {
            After::NotReady(reason) => AgentState::NotReady {
                reason: reason.clone(),
            },
            After::Ready => AgentState::Ready { turn: rules.turn },
            After::SignOut { is_by_choice } => AgentState::SignedOut {
                is_by_choice: *is_by_choice,
            },
        }
    }

    /// Where a counsellor goes who did not take an offer.
    fn failed(&self, reason: &str) -> AgentState {
        match &self.after {
            After::NotReady(_) | After::Ready => AgentState::NotReady {
                reason: reason.to_string(),
            },
            After::SignOut { is_by_choice } => AgentState::SignedOut {
                is_by_choice: *is_by_choice,
            },
        }
    }
}

/// The place of a counsellor in a list; an index beyond the list is nobody.
pub(crate) fn index(agent: AgentId) -> usize {
    usize::try_from(agent.0).unwrap_or(usize::MAX)
}

/// Reason of a counsellor who refused a call.
pub(crate) const DECLINED: &str = "declined";
/// A person wanted it.
pub(crate) const REQUEST: &str = "request";
/// Redirect on no answer.
pub(crate) const RONA: &str = "rona";
/// Reason of a counsellor whose phone is dead.
pub(crate) const UNREACHABLE: &str = "unreachable";
