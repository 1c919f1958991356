//! What happens when we are wrong: loud in tests, kind to the caller in service.

/// States a fault of ours in one call: panics under debug assertions, else raises an alarm and ends that call
/// kindly. `bug!(switch, turn, call, "leg {leg} bridged twice")`.
macro_rules! bug {
    ($switch:expr, $turn:expr, $call:expr, $($text:tt)*) => {{
        let text = alloc::format!($($text)*);
        debug_assert!(false, "{text}");
        $switch.fault($turn, $call, text);
    }};
}

pub(crate) use bug;

use crate::cause::{Cause, EndedBy};
use crate::ids::CallId;
use crate::output::{Alarm, Output};
use crate::switch::{Switch, Turn};
use alloc::string::String;

impl Switch {
    /// The rest of [`bug!`].
    pub(crate) fn fault(&mut self, turn: &mut Turn<'_>, call: CallId, text: String) {
        turn.out.push(Output::Alarm(Alarm::Bug {
            call: Some(call),
            text,
        }));
        let last_words = self.plan.shutdown;
        self.close(
            turn,
            call,
            EndedBy::System,
            Cause::InternalError,
            last_words,
        );
    }
}
