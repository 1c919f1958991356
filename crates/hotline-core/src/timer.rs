//! Deadlines: what is due when, at most one for each thing that can wait.

use crate::ids::{AgentId, CallId};
use crate::time::Mono;
use alloc::collections::{BTreeMap, BTreeSet};

/// What becomes due. Each belongs to a call, to a counsellor, or to the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A break has lasted as long as its reason allows.
    Break(AgentId),
    /// The next comfort clip of a waiting caller.
    Comfort(CallId),
    /// The limit of the drain.
    Drain,
    /// Without a key the caller goes to the queue now.
    Entry(CallId),
    /// The lost counsellor has not come back.
    Grace(CallId),
    /// The only counsellor of a centre is ready again.
    Lone(AgentId),
    /// Nobody speaks the caller's language.
    NoLanguage(CallId),
    /// The rest after a hard call is over.
    Recovery(AgentId),
    /// Somebody on call is rung, or has been for long enough.
    Mobile(CallId),
    /// An offer failed by our own trouble a moment ago: the counsellor may be offered somebody again.
    Rest(AgentId),
    /// A phone that was dead is given one more try.
    Retry(AgentId),
    /// Nobody answered the offer.
    Ring(CallId),
    /// The window of a menu, or a guard over clips and answers whose end is never told.
    Step(CallId),
    /// The search for a counsellor widens.
    Widen(CallId),
    /// Paperwork is over.
    WrapUp(AgentId),
}

/// All deadlines, first due first.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    order: BTreeSet<(Mono, Timer)>,
    due: BTreeMap<Timer, Mono>,
}

impl Timers {
    /// Sets or moves a deadline.
    pub(crate) fn set(&mut self, timer: Timer, at: Mono) {
        self.cancel(timer);
        self.due.insert(timer, at);
        self.order.insert((at, timer));
    }

    pub(crate) fn cancel(&mut self, timer: Timer) {
        if let Some(at) = self.due.remove(&timer) {
            self.order.remove(&(at, timer));
        }
    }

    /// No deadline of this call is left.
    pub(crate) fn cancel_call(&mut self, call: CallId) {
        for timer in Timer::of_call(call) {
            self.cancel(timer);
        }
    }

    /// Takes the first deadline that is due.
    pub(crate) fn pop_due(&mut self, now: Mono) -> Option<Timer> {
        let (at, timer) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.cancel(timer);
        Some(timer)
    }

    pub(crate) fn next(&self) -> Option<Mono> {
        self.order.first().map(|(at, _)| *at)
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.due.contains_key(&timer)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Timer> {
        self.due.keys().copied()
    }

    pub(crate) fn iter_due(&self) -> impl Iterator<Item = (Timer, Mono)> {
        self.due.iter().map(|(timer, at)| (*timer, *at))
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }
}

impl Timer {
    /// Every deadline that belongs to a counsellor's state.
    pub(crate) const fn of_agent(agent: AgentId) -> [Self; 6] {
        [
            Self::Break(agent),
            Self::Lone(agent),
            Self::Recovery(agent),
            Self::Rest(agent),
            Self::Retry(agent),
            Self::WrapUp(agent),
        ]
    }

    /// Whose it is; None for what is no counsellor's.
    pub(crate) const fn agent(self) -> Option<AgentId> {
        match self {
            Self::Break(agent)
            | Self::Lone(agent)
            | Self::Recovery(agent)
            | Self::Rest(agent)
            | Self::Retry(agent)
            | Self::WrapUp(agent) => Some(agent),
            Self::Comfort(_)
            | Self::Drain
            | Self::Entry(_)
            | Self::Grace(_)
            | Self::Mobile(_)
            | Self::NoLanguage(_)
            | Self::Ring(_)
            | Self::Step(_)
            | Self::Widen(_) => None,
        }
    }

    /// The same deadline of another counsellor.
    pub(crate) const fn for_agent(self, agent: AgentId) -> Self {
        match self {
            Self::Break(_) => Self::Break(agent),
            Self::Lone(_) => Self::Lone(agent),
            Self::Recovery(_) => Self::Recovery(agent),
            Self::Rest(_) => Self::Rest(agent),
            Self::Retry(_) => Self::Retry(agent),
            Self::WrapUp(_) => Self::WrapUp(agent),
            Self::Comfort(_)
            | Self::Drain
            | Self::Entry(_)
            | Self::Grace(_)
            | Self::Mobile(_)
            | Self::NoLanguage(_)
            | Self::Ring(_)
            | Self::Step(_)
            | Self::Widen(_) => self,
        }
    }

    /// Every deadline that a call can have.
    const fn of_call(call: CallId) -> [Self; 8] {
        [
            Self::Comfort(call),
            Self::Entry(call),
            Self::Grace(call),
            Self::Mobile(call),
            Self::NoLanguage(call),
            Self::Ring(call),
            Self::Step(call),
            Self::Widen(call),
        ]
    }
}
