//! What may go over a trunk at once and in a second, and what goes over it now.

use crate::call::Call;
use crate::endpoint::{Endpoint, Turn};
use crate::{Mono, Peer, TrunkId, TrunkLimits, TrunkStatus};

/// Counts calls of the last second: a bucket that holds one second's worth.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meter {
    /// Millionths of a call that were taken and have not flowed back yet.
    taken: u64,
    at: Mono,
}

impl Meter {
    /// Takes one call; false when this second has had its number. 0 = no limit.
    pub(crate) fn take(&mut self, now: Mono, per_s: u32) -> bool {
        if per_s == 0 {
            return true;
        }
        let back = now.micros_since(self.at).saturating_mul(u64::from(per_s));
        self.taken = self.taken.saturating_sub(back);
        self.at = now;
        let is_free = self.taken + CALL <= u64::from(per_s) * CALL;
        if is_free {
            self.taken += CALL;
        }
        is_free
    }
}

/// Which way a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
}

impl Endpoint {
    /// Whether one more call fits into the trunk's limits; it is counted when it does not.
    pub(crate) fn has_room(
        &mut self,
        turn: &Turn<'_>,
        trunk: TrunkId,
        direction: Direction,
    ) -> bool {
        let limits = match self.config.trunks.get(usize::from(trunk)) {
            Some(trunk) => trunk.limits,
            None => return false,
        };
        // Counting goes through all calls: only for those who want a limit.
        let has_place = limits.is_unlimited() || {
            let (calls_in, calls_out) = self.trunk_calls(trunk);
            let fits = |calls: usize, max: u32| {
                max == 0 || usize::try_from(max).is_ok_and(|max| calls < max)
            };
            fits(calls_in + calls_out, limits.calls_max)
                && match direction {
                    Direction::In => fits(calls_in, limits.calls_in_max),
                    Direction::Out => fits(calls_out, limits.calls_out_max),
                }
        };
        let Some(carrier) = self.carriers.get_mut(usize::from(trunk)) else {
            return false;
        };
        let (meter, per_s) = match direction {
            Direction::In => (&mut carrier.meter_in, limits.in_per_s),
            Direction::Out => (&mut carrier.meter_out, limits.out_per_s),
        };
        let is_free = has_place && meter.take(turn.now.mono, per_s);
        carrier.limited += u64::from(!is_free);
        is_free
    }

    /// Calls that came in and that went out over a trunk, those that still ring included.
    fn trunk_calls(&self, trunk: TrunkId) -> (usize, usize) {
        let mut calls = (0, 0);
        for (id, call) in &self.calls.all {
            let peer = match call {
                Call::Invited(invited) => &invited.peer,
                Call::Talking(talking) => &talking.peer,
                Call::Calling(_) => continue,
            };
            if *peer != Peer::Trunk(trunk) {
                continue;
            }
            // Even numbers are ours for incoming calls.
            if id.is_multiple_of(2) {
                calls.0 += 1;
            } else {
                calls.1 += 1;
            }
        }
        let ringing = self.calls.forks.values().filter(|fork| {
            fork.is_wanted && fork.carrier.is_some_and(|(carrier, _)| carrier == trunk)
        });
        calls.1 += ringing.count();
        calls
    }

    /// Every trunk as it stands now; index = [`TrunkId`].
    #[must_use]
    pub fn trunks(&self) -> Vec<TrunkStatus> {
        let known = (0..).zip(self.config.trunks.iter().zip(&self.carriers));
        known
            .map(|(id, (trunk, carrier))| {
                let (calls_in, calls_out) = self.trunk_calls(id);
                let addresses: Vec<(String, Option<bool>)> = carrier
                    .addresses()
                    .map(|(way, is_up)| {
                        (format!("{} {}", way.transport.name(), way.address), is_up)
                    })
                    .collect();
                TrunkStatus {
                    name: trunk.name.clone(),
                    is_up: carrier.is_up(),
                    registration: trunk
                        .register_s
                        .map(|_| carrier.registered.unwrap_or(Err(0))),
                    addresses,
                    calls_in,
                    calls_out,
                    limited: carrier.limited,
                }
            })
            .collect()
    }
}

impl TrunkLimits {
    fn is_unlimited(&self) -> bool {
        self.calls_max == 0 && self.calls_in_max == 0 && self.calls_out_max == 0
    }
}

/// One call, in millionths: a rate per second times microseconds.
const CALL: u64 = 1_000_000;
