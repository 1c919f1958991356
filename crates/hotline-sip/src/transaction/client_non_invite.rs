//! Non-INVITE client transaction (RFC 3261 §17.1.2).
//!
//! ```text
//!              send request; arm E, F
//!                       │
//!        E: send again  ▼        F: timed out
//!           ┌───────► Trying ──────────────► Terminated
//!           └──────────┤│ 1xx                  ▲
//!             200-699  │▼          F           │
//!                      │Proceeding ────────────┤
//!                      ▼ │ 200-699   (E = T2)  │
//!                  Completed ── K ─────────────┘
//! ```

use super::{Act, Timer};
use crate::timer::{T1_MS, T2_MS, T4_MS, TIMEOUT_MS};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientNonInvite {
    /// `interval_ms` is timer E.
    Trying {
        interval_ms: u64,
    },
    Proceeding,
    Completed,
    Terminated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Provisional,
    Final,
    Timer(Timer),
    TransportFailed,
}

impl ClientNonInvite {
    pub(crate) fn start(is_reliable: bool, acts: &mut Vec<Act>) -> Self {
        acts.push(Act::Send);
        if !is_reliable {
            acts.push(Act::Arm(Timer::E, T1_MS));
        }
        acts.push(Act::Arm(Timer::F, TIMEOUT_MS));
        Self::Trying { interval_ms: T1_MS }
    }

    pub(crate) fn step(self, event: Event, is_reliable: bool, acts: &mut Vec<Act>) -> Self {
        match (self, event) {
            (Self::Trying { interval_ms }, Event::Timer(Timer::E)) => {
                let interval_ms = (interval_ms * 2).min(T2_MS);
                acts.extend([Act::Send, Act::Arm(Timer::E, interval_ms)]);
                Self::Trying { interval_ms }
            }
            (Self::Proceeding, Event::Timer(Timer::E)) => {
                acts.extend([Act::Send, Act::Arm(Timer::E, T2_MS)]);
                Self::Proceeding
            }
            (Self::Trying { .. } | Self::Proceeding, Event::Timer(Timer::F)) => {
                acts.extend([Act::Disarm, Act::TimedOut]);
                Self::Terminated
            }
            (Self::Trying { .. } | Self::Proceeding, Event::TransportFailed) => {
                acts.extend([Act::Disarm, Act::Failed]);
                Self::Terminated
            }
            (Self::Trying { .. } | Self::Proceeding, Event::Provisional) => {
                acts.push(Act::Deliver);
                Self::Proceeding
            }
            (Self::Trying { .. } | Self::Proceeding, Event::Final) => {
                acts.extend([Act::Disarm, Act::Deliver]);
                if is_reliable {
                    return Self::Terminated;
                }
                acts.push(Act::Arm(Timer::K, T4_MS));
                Self::Completed
            }
            (Self::Completed, Event::Timer(Timer::K)) => {
                acts.push(Act::Disarm);
                Self::Terminated
            }
            (
                Self::Trying { .. } | Self::Proceeding | Self::Completed | Self::Terminated,
                Event::Provisional | Event::Final | Event::Timer(_) | Event::TransportFailed,
            ) => self,
        }
    }
}
