//! Non-INVITE server transaction (RFC 3261 §17.2.2).
//!
//! ```text
//!     request              1xx from user
//!        ▼                   ┌──┐
//!     Trying ── 1xx ─► Proceeding ◄┘ (request: send again)
//!        │                   │
//!        │ 200-699           │ 200-699
//!        ▼                   ▼
//!     Completed (request: send again) ── J ─► Terminated
//! ```

use super::{Act, Timer};
use crate::timer::TIMEOUT_MS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerNonInvite {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The request came again.
    Again,
    /// The user answers with a status.
    Respond(u16),
    Timer(Timer),
}

impl ServerNonInvite {
    pub(crate) fn step(self, event: Event, is_reliable: bool, acts: &mut Vec<Act>) -> Self {
        match (self, event) {
            (Self::Trying | Self::Proceeding, Event::Respond(100..=199)) => {
                acts.push(Act::Send);
                Self::Proceeding
            }
            (Self::Trying | Self::Proceeding, Event::Respond(_)) => {
                acts.push(Act::Send);
                if is_reliable {
                    return Self::Terminated;
                }
                acts.push(Act::Arm(Timer::J, TIMEOUT_MS));
                Self::Completed
            }
            (Self::Proceeding | Self::Completed, Event::Again) => {
                acts.push(Act::Send);
                self
            }
            (Self::Completed, Event::Timer(Timer::J)) => {
                acts.push(Act::Disarm);
                Self::Terminated
            }
            (
                Self::Trying | Self::Proceeding | Self::Completed | Self::Terminated,
                Event::Again | Event::Respond(_) | Event::Timer(_),
            ) => self,
        }
    }
}
