//! The search for a counsellor widens while a caller waits: own centre, all centres, anybody; then a supervisor knows.

use super::queue::{Reach, Wait};
use super::wait::wait_of;
use crate::call::CallState;
use crate::fact::{Fact, WidenedTo};
use crate::ids::{CallId, CentreId, LanguageId};
use crate::output::{Alarm, Output};
use crate::plan::Widening;
use crate::switch::{Switch, Turn};
use crate::timer::Timer;

impl Switch {
    /// Where the search begins: at home, if there is one and somebody is on shift there who could help.
    pub(crate) fn first_reach(&self, wait: &Wait, language: LanguageId) -> Reach {
        let is_home_first = self.widening(wait).everywhere_ms > 0;
        match wait.home.filter(|_| is_home_first).map(Reach::Home) {
            Some(home) if self.on_shift.count(wait.need_at(language, home)) > 0 => home,
            Some(_) | None => Reach::Everywhere,
        }
    }

    fn widening(&self, wait: &Wait) -> Widening {
        wait.queue
            .and_then(|queue| self.queue(queue))
            .map_or_else(Widening::default, |queue| queue.widening)
    }

    /// The clock of the next step.
    pub(crate) fn set_widen(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(wait) = wait_of(&mut call.state).map(|wait| wait.clone()) else {
            return;
        };
        let next = steps(self.widening(&wait), &wait)
            .map(|(at_ms, _)| at_ms)
            .min();
        match next {
            Some(at_ms) => self
                .timers
                .set(Timer::Widen(id), wait.entered.plus_millis(u64::from(at_ms))),
            None => self.timers.cancel(Timer::Widen(id)),
        }
    }

    /// Everything that is due by now.
    pub(crate) fn widen_due(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let (language, is_in_line) = (call.language, matches!(call.state, CallState::Waiting(_)));
        let Some(wait) = wait_of(&mut call.state) else {
            return;
        };
        let before = wait.clone();
        let widening = self
            .plan
            .queues
            .get(
                before
                    .queue
                    .map_or(usize::MAX, |queue| usize::from(queue.0)),
            )
            .map_or_else(Widening::default, |queue| queue.widening);
        let mut are_mobiles_due = false;
        let waited_ms = turn.now.mono.millis_since(before.entered);
        for (at_ms, step) in steps(widening, &before) {
            if u64::from(at_ms) > waited_ms {
                continue;
            }
            match step {
                Step::Widen(reach) if reach.width() > wait.reach.width() => wait.reach = reach,
                Step::Widen(_) => {}
                Step::Mobiles => {
                    wait.has_mobiles = true;
                    are_mobiles_due = true;
                }
                Step::Alarm => {
                    wait.is_alarmed = true;
                    turn.out
                        .push(Output::Alarm(Alarm::WaitTooLong { call: id }));
                }
            }
        }
        let after = wait.clone();
        if after.reach != before.reach {
            if let Some(reach) = told(after.reach) {
                turn.state(Fact::Widened { call: id, reach });
            }
            if is_in_line {
                self.waiting.remove(before.need(language), before.place);
                self.waiting.insert(after.need(language), after.place);
                self.work.placed.insert(id);
            }
        }
        self.set_widen(id);
        if are_mobiles_due {
            self.ring_mobile(turn, id);
        }
    }

    /// The caller's own centre, by name.
    pub(crate) fn centre_name(&self, centre: CentreId) -> Option<alloc::string::String> {
        self.plan
            .centres
            .get(usize::from(centre.0))
            .map(|centre| centre.name.clone())
    }
}

enum Step {
    Alarm,
    Mobiles,
    Widen(Reach),
}

/// What is still to come, and when.
fn steps(widening: Widening, wait: &Wait) -> impl Iterator<Item = (u32, Step)> {
    let is_short_of = |reach: Reach| wait.reach.width() < reach.width();
    let everywhere = is_short_of(Reach::Everywhere)
        .then_some((widening.everywhere_ms, Step::Widen(Reach::Everywhere)));
    let anybody = widening
        .anybody_ms
        .filter(|_| is_short_of(Reach::Anybody))
        .map(|at_ms| (at_ms, Step::Widen(Reach::Anybody)));
    let mobiles = widening
        .mobiles_ms
        .filter(|_| !wait.has_mobiles)
        .map(|at_ms| (at_ms, Step::Mobiles));
    let alarm = widening
        .alarm_ms
        .filter(|_| !wait.is_alarmed)
        .map(|at_ms| (at_ms, Step::Alarm));
    [everywhere, anybody, mobiles, alarm].into_iter().flatten()
}

const fn told(reach: Reach) -> Option<WidenedTo> {
    match reach {
        Reach::Home(_) => None,
        Reach::Everywhere => Some(WidenedTo::Everywhere),
        Reach::Anybody => Some(WidenedTo::Anybody),
    }
}
