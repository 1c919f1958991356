//! The stop: no new calls; who is in is served until the limit, then told goodbye.

use crate::cause::{Cause, EndedBy};
use crate::ids::CallId;
use crate::output::Output;
use crate::switch::{Switch, Turn};
use crate::timer::Timer;
use alloc::vec::Vec;

/// Whether the switch is stopping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Drain {
    /// No call is left, and it was told.
    Done,
    /// Not stopping.
    #[default]
    Off,
    /// Until the deadline or the last call.
    On,
}

impl Drain {
    pub(crate) const fn is_on(self) -> bool {
        match self {
            Self::Done | Self::On => true,
            Self::Off => false,
        }
    }
}

impl Switch {
    /// A second wish (an impatient second signal) moves the deadline.
    pub(crate) fn begin_drain(&mut self, turn: &mut Turn<'_>, limit_ms: u32) {
        self.drain = Drain::On;
        if limit_ms == 0 {
            return self.end_drain(turn);
        }
        self.timers
            .set(Timer::Drain, turn.now.mono.plus_millis(u64::from(limit_ms)));
    }

    /// The limit: everybody hears the last words.
    pub(crate) fn end_drain(&mut self, turn: &mut Turn<'_>) {
        self.timers.cancel(Timer::Drain);
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        for call in calls {
            self.close(
                turn,
                call,
                EndedBy::System,
                Cause::Shutdown,
                self.plan.shutdown,
            );
        }
    }

    pub(crate) fn tell_drained(&mut self, turn: &mut Turn<'_>) {
        if self.drain == Drain::On && self.calls.is_empty() {
            self.drain = Drain::Done;
            self.timers.cancel(Timer::Drain);
            turn.out.push(Output::Drained);
        }
    }
}
