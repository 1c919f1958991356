//! Counsellor states and the events that move them (ACD).

use crate::fact::Standing;
use crate::ids::{AgentId, CallId};
use crate::input::Contact;
use crate::output::Refusal;
use crate::time::Mono;
use alloc::string::{String, ToString};

/// ```text
///             sign in                    offer                  answer
///  SignedOut ─────────► Ready ◄────────────────────► Offered ─────────────► Talking (also held, or consulting)
///      ▲                 ▲ ▲ caller gone, withdrawn,    │                      │ call over
///      │ sign out        │ │ first unreachable          │ rona, declined,      ▼
///      │ (when free)     │ └──────── wrap-up over ───── │ ── unreachable ─── WrapUp ──► Recovery, after a hard call
///      │                 │ ready; unreachable: the      ▼ twice                │           │
///      │                 │ phone registers, or 60 s     │                      │           │
///      └─────────────────┴────────────────────────── NotReady ◄────────────────┴───────────┘ asked meanwhile
/// ```
/// What is asked for while an offer, a talk or paperwork lasts waits for its end (`After`). A talk that was no
/// counselling has no paperwork. An offer that failed by our own trouble is withdrawn: Ready, last in the order, and
/// offered nobody for 1 s. A phone that refused two calls and is registered all the same gets one more try each 60 s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AgentState {
    /// Not to be offered anybody, why.
    NotReady { reason: String },
    /// Being rung for this call.
    Offered { call: CallId },
    /// Waiting for a caller; `turn` orders the idle.
    Ready { turn: u64 },
    /// Rest after a hard call.
    Recovery { call: CallId, until: Mono },
    /// Off shift. By choice: a phone that registers again does not bring them back.
    SignedOut { is_by_choice: bool },
    /// With this caller.
    Talking(Talk),
    /// Paperwork after this call; without an end until they say that it is done.
    WrapUp { call: CallId, until: Option<Mono> },
}

/// A counsellor's part in a talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Talk {
    pub(crate) call: CallId,
    pub(crate) since: Mono,
    /// Their phone has put the caller on hold.
    pub(crate) is_held: bool,
    /// The call in which they ask somebody for advice.
    pub(crate) consult: Option<CallId>,
}

/// What can move a counsellor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AgentEvent {
    /// They took the call.
    Answered,
    /// The break has lasted as long as its reason allows.
    BreakOver,
    /// The caller hung up while they were rung.
    CallerGone,
    /// The talk is over.
    CallOver,
    /// In the talk, they ask somebody for advice by this call.
    Consults(CallId),
    /// That call is over.
    ConsultOver(CallId),
    /// They refused the call.
    Declined,
    /// They finished the paperwork, or, still in the talk, will have none.
    EndWrapUp,
    /// They say that the last call was a hard one.
    Hard,
    /// Their phone has put the caller on hold.
    Held,
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
    /// The rest after a hard call is over.
    RecoveryOver,
    /// A phone registered, or showed life again.
    Registered,
    /// The plan no longer has them.
    Removed,
    /// Their phone is back from hold.
    Resumed,
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

/// What follows the offer, the talk and the paperwork, if it was asked for meanwhile.
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
    /// They said in the talk that it needs no paperwork.
    pub(crate) is_without_paper: bool,
    pub(crate) strain: Strain,
}

/// What the hard calls of a shift amount to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strain {
    /// Hard calls since the sign-in.
    pub(crate) calls: u32,
    /// The last talk; it can be called hard until the next one.
    pub(crate) last: Option<CallId>,
    /// It was called so.
    pub(crate) is_last_hard: bool,
    /// The rest that follows is still to come.
    pub(crate) is_due: bool,
}

/// How paperwork after a talk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paper {
    /// There is none.
    None,
    /// When they say so.
    UntilDone,
    /// At this time at the latest.
    Until(Mono),
}

/// What the step needs to know of the counsellor's plan and of the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) is_signed_in_by_registration: bool,
    pub(crate) now: Mono,
    pub(crate) paper: Paper,
    /// A talk shorter than this was no counselling.
    pub(crate) counselling_ms_min: u32,
    /// None: no rest after a hard call.
    pub(crate) recovery_until: Option<Mono>,
    /// As many hard calls as a shift may have.
    pub(crate) has_hard_calls_max: bool,
    /// Turn in the order of the idle, should they become ready.
    pub(crate) turn: u64,
}

/// Where an event leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// To this state, for this reason.
    Go(AgentState, &'static str),
    /// Nowhere now; this follows the offer, the talk or the paperwork.
    Later(After),
    /// Nowhere now; the talk will have no paperwork.
    WithoutPaper,
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
            is_without_paper: false,
            strain: Strain {
                calls: 0,
                last: None,
                is_last_hard: false,
                is_due: false,
            },
        }
    }

    /// In the talk of this call.
    pub(crate) fn is_talking_in(&self, call: CallId) -> bool {
        matches!(&self.state, AgentState::Talking(talk) if talk.call == call)
    }

    /// What going into this state leaves behind.
    pub(crate) fn enter(&mut self, state: &AgentState) {
        match state {
            AgentState::Talking(talk) => {
                if self.strain.last != Some(talk.call) {
                    self.strain.last = Some(talk.call);
                    self.strain.is_last_hard = false;
                }
            }
            AgentState::NotReady { reason } if reason == HARD_CALLS => self.strain.is_due = false,
            AgentState::Recovery { .. } => self.strain.is_due = false,
            AgentState::SignedOut { .. } => self.strain = Strain::default(),
            AgentState::NotReady { .. }
            | AgentState::Offered { .. }
            | AgentState::Ready { .. }
            | AgentState::WrapUp { .. } => {}
        }
        if !matches!(state, AgentState::Talking(_)) {
            self.is_without_paper = false;
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
            AgentState::Recovery { call, .. } => Standing::Recovery(*call),
            AgentState::SignedOut { .. } => Standing::SignedOut,
            AgentState::Talking(talk) => match (talk.consult, talk.is_held) {
                (Some(_), _) => Standing::Consulting(talk.call),
                (None, true) => Standing::Held(talk.call),
                (None, false) => Standing::Talking(talk.call),
            },
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
            (S::Offered { call }, E::Answered) => {
                let talk = Talk {
                    call: *call,
                    since: rules.now,
                    is_held: false,
                    consult: None,
                };
                Move::Go(S::Talking(talk), "answer")
            }
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
            (S::Talking(talk), E::CallOver) => Move::Go(self.after_talk(rules, talk), "call_over"),
            (S::Talking(talk), E::Passed(call)) => {
                let talk = Talk {
                    call,
                    consult: None,
                    ..talk.clone()
                };
                Move::Go(S::Talking(talk), "transfer")
            }
            (S::Talking(_), E::Lost) => Move::Go(self.next_state(rules), "lost"),
            (S::Talking(talk), E::Held) => talk.held(true),
            (S::Talking(talk), E::Resumed) => talk.held(false),
            (S::Talking(talk), E::Consults(consult)) => talk.consults(Some(consult)),
            (S::Talking(talk), E::ConsultOver(consult)) if talk.consult == Some(consult) => {
                talk.consults(None)
            }
            (S::WrapUp { call, .. }, E::WrapUpOver) => {
                Move::Go(self.after_paper(rules, *call), "wrap_up_over")
            }
            (S::WrapUp { call, .. }, E::EndWrapUp) => {
                Move::Go(self.after_paper(rules, *call), REQUEST)
            }
            (S::Recovery { .. }, E::RecoveryOver) => {
                Move::Go(self.after_rest(rules), "recovery_over")
            }
            (S::NotReady { .. }, E::LoneOver) => Move::Go(ready, "lone"),
            (S::NotReady { .. }, E::BreakOver) => Move::Go(ready, "break_over"),

            // What people ask for. While an offer or a talk lasts it waits for its time.
            (S::NotReady { .. } | S::Recovery { .. }, E::Ready | E::SignIn) => {
                Move::Go(ready, REQUEST)
            }
            // Who has had a hard call rests before the next, whatever they say of the paperwork.
            (S::WrapUp { call, .. }, E::Ready | E::SignIn) => {
                let rest = self.rest(rules, *call);
                Move::Go(rest.unwrap_or(ready), REQUEST)
            }
            (S::SignedOut { .. }, E::SignIn) => Move::Go(ready, REQUEST),
            (S::Offered { .. } | S::Talking(_), E::Ready | E::SignIn) => Move::Later(After::Ready),
            (S::Ready { .. }, E::Ready | E::SignIn) => Move::Stay,
            (S::SignedOut { .. }, E::Ready | E::NotReady(_)) => return Err(Refusal::NotNow),
            (S::NotReady { .. } | S::Ready { .. }, E::NotReady(reason)) => {
                Move::Go(S::NotReady { reason }, REQUEST)
            }
            (
                S::Offered { .. } | S::Recovery { .. } | S::Talking(_) | S::WrapUp { .. },
                E::NotReady(reason),
            ) => Move::Later(After::NotReady(reason)),
            (S::Offered { .. } | S::Talking(_), E::SignOut) => {
                Move::Later(After::SignOut { is_by_choice: true })
            }
            (S::SignedOut { is_by_choice: true }, E::SignOut) => Move::Stay,
            (
                S::NotReady { .. }
                | S::Ready { .. }
                | S::Recovery { .. }
                | S::WrapUp { .. }
                | S::SignedOut {
                    is_by_choice: false,
                },
                E::SignOut,
            ) => Move::Go(S::SignedOut { is_by_choice: true }, REQUEST),
            (S::Talking(_), E::EndWrapUp) => Move::WithoutPaper,
            (
                S::NotReady { .. }
                | S::Offered { .. }
                | S::Ready { .. }
                | S::Recovery { .. }
                | S::SignedOut { .. },
                E::EndWrapUp,
            ) => return Err(Refusal::NotNow),
            (S::Ready { .. }, E::Hard) => {
                match self.strain.last.and_then(|call| self.rest(rules, call)) {
                    Some(rest) => Move::Go(rest, REQUEST),
                    None => Move::Stay,
                }
            }
            // They rest already, or will when they are free.
            (
                S::NotReady { .. }
                | S::Offered { .. }
                | S::Recovery { .. }
                | S::SignedOut { .. }
                | S::Talking(_)
                | S::WrapUp { .. },
                E::Hard,
            ) => Move::Stay,

            // The phone. Paperwork and rest last their time, whatever the phone does.
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
            (
                S::Talking(_) | S::Offered { .. } | S::Recovery { .. } | S::WrapUp { .. },
                E::Registered,
            ) if self.after
                == (After::SignOut {
                    is_by_choice: false,
                }) =>
            {
                Move::Later(After::Ready)
            }
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
                S::Talking(_) | S::Offered { .. } | S::Recovery { .. } | S::WrapUp { .. },
                E::PhoneGone,
            ) => Move::Later(After::SignOut {
                is_by_choice: false,
            }),
            (
                S::NotReady { .. }
                | S::Ready { .. }
                | S::Recovery { .. }
                | S::Offered { .. }
                | S::WrapUp { .. },
                E::Removed,
            ) => Move::Go(
                S::SignedOut {
                    is_by_choice: false,
                },
                "removed",
            ),
            (S::Talking(_), E::Removed) => Move::Later(After::SignOut {
                is_by_choice: false,
            }),

            // Anywhere else these change nothing: the parent raises them only in the states above, or what they
            // ask for is so already.
            (
                S::NotReady { .. }
                | S::Offered { .. }
                | S::Ready { .. }
                | S::Recovery { .. }
                | S::SignedOut { .. }
                | S::Talking(_)
                | S::WrapUp { .. },
                E::Answered
                | E::BreakOver
                | E::CallOver
                | E::CallerGone
                | E::ConsultOver(_)
                | E::Consults(_)
                | E::Declined
                | E::Held
                | E::LoneOver
                | E::Lost
                | E::NoAnswer
                | E::Offered(_)
                | E::Passed(_)
                | E::PhoneGone
                | E::RecoveryOver
                | E::Registered
                | E::Removed
                | E::Resumed
                | E::Retry
                | E::UnreachableOnce
                | E::UnreachableTwice
                | E::Withdrawn
                | E::WrapUpOver,
            ) => Move::Stay,
        })
    }

    /// After the talk: paperwork, if it was counselling and the shift goes on.
    fn after_talk(&self, rules: Rules, talk: &Talk) -> AgentState {
        let talk_ms = rules.now.millis_since(talk.since);
        let is_counselling =
            talk_ms >= u64::from(rules.counselling_ms_min) && !self.is_without_paper;
        let until = match (&self.after, rules.paper) {
            (After::SignOut { .. }, _) => return self.next_state(rules),
            (After::NotReady(_) | After::Ready, Paper::UntilDone) => None,
            (After::NotReady(_) | After::Ready, Paper::Until(until)) => Some(until),
            (After::NotReady(_) | After::Ready, Paper::None) => {
                return self.after_paper(rules, talk.call);
            }
        };
        if !is_counselling {
            return self.after_paper(rules, talk.call);
        }
        AgentState::WrapUp {
            call: talk.call,
            until,
        }
    }

    /// After the paperwork: the rest after a hard call, if this was one and the shift goes on.
    fn after_paper(&self, rules: Rules, call: CallId) -> AgentState {
        match &self.after {
            After::SignOut { .. } => self.next_state(rules),
            After::NotReady(_) | After::Ready => self
                .rest(rules, call)
                .unwrap_or_else(|| self.next_state(rules)),
        }
    }

    /// What a hard call still asks for: a rest, and after the last one of a shift the end of the calls.
    fn rest(&self, rules: Rules, call: CallId) -> Option<AgentState> {
        if !self.strain.is_due {
            return None;
        }
        match rules.recovery_until {
            Some(until) => Some(AgentState::Recovery { call, until }),
            None => rules.has_hard_calls_max.then(|| self.failed(HARD_CALLS)),
        }
    }

    /// The rest is over.
    fn after_rest(&self, rules: Rules) -> AgentState {
        if rules.has_hard_calls_max {
            self.failed(HARD_CALLS)
        } else {
            self.next_state(rules)
        }
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

    /// Where a counsellor goes who did not take an offer, or can take no more: away, or where they wanted to go.
    fn failed(&self, reason: &str) -> AgentState {
        let reason = match &self.after {
            After::NotReady(asked) => asked,
            After::Ready => reason,
            After::SignOut { is_by_choice } => {
                return AgentState::SignedOut {
                    is_by_choice: *is_by_choice,
                };
            }
        };
        AgentState::NotReady {
            reason: reason.to_string(),
        }
    }
}

impl Talk {
    /// On hold, or back.
    fn held(&self, is_held: bool) -> Move {
        if self.is_held == is_held {
            return Move::Stay;
        }
        let why = if is_held { "hold" } else { "resume" };
        let talk = Self {
            is_held,
            ..self.clone()
        };
        Move::Go(AgentState::Talking(talk), why)
    }

    /// Asks for advice, or has done so.
    fn consults(&self, consult: Option<CallId>) -> Move {
        let why = match consult {
            Some(_) => "consult",
            None => "consult_over",
        };
        let talk = Self {
            consult,
            ..self.clone()
        };
        Move::Go(AgentState::Talking(talk), why)
    }
}

/// The place of a counsellor in a list; an index beyond the list is nobody.
pub(crate) fn index(agent: AgentId) -> usize {
    usize::try_from(agent.0).unwrap_or(usize::MAX)
}

/// Reason of a counsellor who refused a call.
pub(crate) const DECLINED: &str = "declined";
/// Reason of a counsellor who has had as many hard calls as a shift may have.
pub(crate) const HARD_CALLS: &str = "hard_calls";
/// A person wanted it.
pub(crate) const REQUEST: &str = "request";
/// Redirect on no answer.
pub(crate) const RONA: &str = "rona";
/// Reason of a counsellor whose phone is dead.
pub(crate) const UNREACHABLE: &str = "unreachable";
