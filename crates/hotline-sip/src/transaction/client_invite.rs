//! INVITE client transaction (RFC 3261 §17.1.1 with RFC 6026 §7.2).
//!
//! ```text
//!                    send INVITE; arm A, B
//!                           │
//!            A: send again  ▼       B: timed out
//!               ┌───────► Calling ──────────────► Terminated
//!               └──────────┤│└ 2xx ─► Accepted ◄─ 2xx ─┐
//!                      1xx ││          M ─► Terminated │
//!            300-699: ACK  ▼└────────► Proceeding ─────┤
//!                      Completed ◄── 300-699: ACK ─────┘
//!                      D ─► Terminated
//! ```

use super::{Act, Timer};
use crate::timer::{T1_MS, TIMEOUT_MS};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientInvite {
    /// `interval_ms` is timer A.
    Calling {
        interval_ms: u64,
    },
    Proceeding,
    Completed,
    Accepted,
    Terminated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Provisional,
    Success,
    Refusal,
    Timer(Timer),
    TransportFailed,
}

impl ClientInvite {
    pub(crate) fn start(is_reliable: bool, acts: &mut Vec<Act>) -> Self {
        acts.push(Act::Send);
        if !is_reliable {
            acts.push(Act::Arm(Timer::A, T1_MS));
        }
        acts.push(Act::Arm(Timer::B, TIMEOUT_MS));
        Self::Calling { interval_ms: T1_MS }
    }

    pub(crate) fn step(self, event: Event, is_reliable: bool, acts: &mut Vec<Act>) -> Self {
        match (self, event) {
            (Self::Calling { interval_ms }, Event::Timer(Timer::A)) => {
                acts.extend([Act::Send, Act::Arm(Timer::A, interval_ms * 2)]);
                Self::Calling {
                    interval_ms: interval_ms * 2,
                }
            }
            (Self::Calling { .. }, Event::Timer(Timer::B)) => {
                acts.extend([Act::Disarm, Act::TimedOut]);
                Self::Terminated
            }
            (Self::Calling { .. } | Self::Proceeding, Event::TransportFailed) => {
                acts.extend([Act::Disarm, Act::Failed]);
                Self::Terminated
            }
            (Self::Calling { .. }, Event::Provisional) => {
                acts.extend([Act::Disarm, Act::Deliver]);
                Self::Proceeding
            }
            (Self::Proceeding, Event::Provisional) => {
                acts.push(Act::Deliver);
                Self::Proceeding
            }
            (Self::Calling { .. } | Self::Proceeding, Event::Success) => {
                // RFC 6026 §7.2: stay, so that other forks' and repeated 2xx find their way to the user.
                acts.extend([Act::Disarm, Act::Deliver, Act::Arm(Timer::M, TIMEOUT_MS)]);
                Self::Accepted
            }
            (Self::Calling { .. } | Self::Proceeding, Event::Refusal) => {
                acts.extend([Act::Disarm, Act::SendAck, Act::Deliver]);
                if is_reliable {
                    return Self::Terminated;
                }
                acts.push(Act::Arm(Timer::D, TIMEOUT_MS));
                Self::Completed
            }
            (Self::Completed, Event::Refusal) => {
                acts.push(Act::SendAck);
                Self::Completed
            }
            (Self::Completed, Event::Timer(Timer::D))
            | (Self::Accepted, Event::Timer(Timer::M)) => {
                acts.push(Act::Disarm);
                Self::Terminated
            }
            (Self::Accepted, Event::Success) => {
                acts.push(Act::Deliver);
                Self::Accepted
            }
            (
                Self::Calling { .. }
                | Self::Proceeding
                | Self::Completed
                | Self::Accepted
                | Self::Terminated,
                Event::Provisional
                | Event::Success
                | Event::Refusal
                | Event::Timer(_)
                | Event::TransportFailed,
            ) => self,
        }
    }
}
