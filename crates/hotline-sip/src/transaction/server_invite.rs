//! INVITE server transaction (RFC 3261 §17.2.1 with RFC 6026 §7.1).
//!
//! ```text
//!                       INVITE; user sends 100
//!                             │
//!     INVITE: last response   ▼
//!        or 1xx from user ┌─► Proceeding ── 2xx ─► Accepted ── L ─► Terminated
//!                         └────┘  │                (INVITE absorbed, ACK and 2xx are the user's)
//!                         300-699 │ arm G, H
//!     INVITE, G: send again       ▼
//!                         ┌─► Completed ── H: no ACK ─► Terminated
//!                         └────┘  │ ACK                      ▲
//!                                 ▼                          │
//!                             Confirmed ── I ────────────────┘
//! ```

use super::{Act, Timer};
use crate::timer::{T1_MS, T2_MS, T4_MS, TIMEOUT_MS};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerInvite {
    Proceeding,
    Accepted,
    /// `interval_ms` is timer G.
    Completed {
        interval_ms: u64,
    },
    Confirmed,
    Terminated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The INVITE came again.
    Again,
    Ack,
    /// The user answers with a status.
    Respond(u16),
    Timer(Timer),
}

impl ServerInvite {
    pub(crate) fn step(self, event: Event, is_reliable: bool, acts: &mut Vec<Act>) -> Self {
        match (self, event) {
            (Self::Proceeding, Event::Again) => {
                acts.push(Act::Send);
                Self::Proceeding
            }
            (Self::Proceeding, Event::Respond(100..=199)) => {
                acts.push(Act::Send);
                Self::Proceeding
            }
            (Self::Proceeding, Event::Respond(200..=299)) => {
                acts.extend([Act::Send, Act::Arm(Timer::L, TIMEOUT_MS)]);
                Self::Accepted
            }
            (Self::Proceeding, Event::Respond(_)) => {
                acts.push(Act::Send);
                if !is_reliable {
                    acts.push(Act::Arm(Timer::G, T1_MS));
                }
                acts.push(Act::Arm(Timer::H, TIMEOUT_MS));
                Self::Completed { interval_ms: T1_MS }
            }
            (Self::Accepted, Event::Respond(200..=299)) => {
                acts.push(Act::Send);
                Self::Accepted
            }
            (Self::Completed { interval_ms }, Event::Again) => {
                acts.push(Act::Send);
                Self::Completed { interval_ms }
            }
            (Self::Completed { interval_ms }, Event::Timer(Timer::G)) => {
                let interval_ms = (interval_ms * 2).min(T2_MS);
                acts.extend([Act::Send, Act::Arm(Timer::G, interval_ms)]);
                Self::Completed { interval_ms }
            }
            (Self::Completed { .. }, Event::Timer(Timer::H))
            | (Self::Confirmed, Event::Timer(Timer::I))
            | (Self::Accepted, Event::Timer(Timer::L)) => {
                acts.push(Act::Disarm);
                Self::Terminated
            }
            (Self::Completed { .. }, Event::Ack) => {
                acts.push(Act::Disarm);
                if is_reliable {
                    return Self::Terminated;
                }
                acts.push(Act::Arm(Timer::I, T4_MS));
                Self::Confirmed
            }
            (
                Self::Proceeding
                | Self::Accepted
                | Self::Completed { .. }
                | Self::Confirmed
                | Self::Terminated,
                Event::Again | Event::Ack | Event::Respond(_) | Event::Timer(_),
            ) => self,
        }
    }
}
