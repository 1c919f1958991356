//! An alarm of microsecond precision in a poll: epoll's own timeout knows whole milliseconds only.

use crate::error::Error;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::os::fd::{AsRawFd, OwnedFd};

/// A one-shot timer that makes its token readable.
pub(crate) struct Alarm {
    timer: OwnedFd,
    is_set: bool,
}

impl Alarm {
    pub(crate) fn register(registry: &Registry, token: Token) -> Result<Self, Error> {
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )
        .map_err(|error| Error::System {
            what: "a timer",
            source: error.into(),
        })?;
        registry
            .register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)
            .map_err(Error::system("a place in epoll"))?;
        Ok(Self {
            timer,
            is_set: false,
        })
    }

    /// Rings in `micros` microseconds; at once when that is 0. None: never. Replaces what was set before.
    pub(crate) fn set(&mut self, micros: Option<u64>) {
        if micros.is_none() && !self.is_set {
            return;
        }
        let value = micros.map_or(
            Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            |micros| {
                // A zero value would disarm the timer.
                let micros = micros.clamp(1, FAR_US);
                Timespec {
                    tv_sec: i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX),
                    tv_nsec: i64::try_from(micros % 1_000_000).unwrap_or(0) * 1_000,
                }
            },
        );
        let once = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: value,
        };
        // Setting also forgets an expiry that nobody has read, so the edge-triggered poll fires anew.
        self.is_set = micros.is_some()
            && timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once).is_ok();
    }
}

/// Long enough to be "later".
const FAR_US: u64 = 3_600_000_000;
