//! What phones wait for.

use crate::event::PhoneId;
use crate::script::DigitWay;
use hotline_sip::{DialogId, Mono};
use std::collections::BTreeMap;

/// A thing to do later, in one call of a phone; without effect when that call is over by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Say 200 (or the refusal).
    React,
    /// Cancel unless answered.
    GiveUp,
    /// Press a key.
    Key { digit: char, way: DigitWay },
    /// The step of this index is over.
    Step { index: usize },
}

#[derive(Clone, Debug)]
pub(crate) struct Timer {
    pub(crate) phone: PhoneId,
    pub(crate) dialog: DialogId,
    pub(crate) task: Task,
}

/// All timers of a bank, in order.
#[derive(Default)]
pub(crate) struct Timers {
    waiting: BTreeMap<(Mono, u64), Timer>,
    made: u64,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Mono, timer: Timer) {
        self.made += 1;
        self.waiting.insert((at, self.made), timer);
    }

    pub(crate) fn next(&self) -> Option<Mono> {
        self.waiting.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn take_due(&mut self, now: Mono) -> Option<Timer> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}
