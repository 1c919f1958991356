//! All timers of the endpoint in one ordered table.

use crate::resolve::{Query, Way};
use crate::transaction::{Timer, TransactionId};
use crate::{ConnectionId, DialogId, Mono, TrunkId};
use std::collections::BTreeMap;

/// RFC 3261 §17.1.1.1: estimate of the round trip.
pub(crate) const T1_MS: u64 = 500;
/// Longest interval between retransmissions.
pub(crate) const T2_MS: u64 = 4_000;
/// Longest life of a message in the network.
pub(crate) const T4_MS: u64 = 5_000;
/// How long an answer is waited for.
pub(crate) const TIMEOUT_MS: u64 = 64 * T1_MS;

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// A binding of this account may have run out.
    BindingExpiry(String),
    /// The phone of a kept dialog has not registered again.
    Awaited(Vec<u8>),
    /// Our 2xx was not acknowledged yet: send it again.
    AnswerAgain(DialogId),
    /// Our 2xx was never acknowledged.
    AnswerLost(DialogId),
    /// A change of ours may be tried now.
    Change(DialogId),
    /// A contact has not said anything since the INVITE.
    FirstResponse(DialogId, usize),
    /// Flows of phones behind a NAT must be kept open.
    KeepOpen,
    /// A kept answer of the name server gets old, or none came.
    Name(Query),
    /// Look after contacts that failed.
    Probe,
    /// Time to register again.
    Refresh(u64),
    /// A reliable provisional response of ours has no PRACK yet.
    ProvisionalAgain(DialogId),
    /// ... and never got one.
    ProvisionalLost(DialogId),
    /// Next BYE for a dialog of the process before this one.
    Resume,
    /// A session is to be refreshed, or was not.
    Session(DialogId),
    /// A stream must have shown something useful by now.
    Stream(ConnectionId),
    /// An address of a trunk must be probed, or have answered.
    TrunkProbe(TrunkId, Way),
    /// A timer of RFC 3261 §17.
    Transaction(TransactionId, Timer),
}

/// Handle of an armed timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerId(Mono, u64);

/// Ordered by deadline, then by age.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<(Mono, u64), Alarm>,
    armed: u64,
}

impl Timers {
    pub(crate) fn arm(&mut self, now: Mono, after_ms: u64, alarm: Alarm) -> TimerId {
        self.armed += 1;
        let id = TimerId(now.plus_millis(after_ms), self.armed);
        self.due.insert((id.0, id.1), alarm);
        id
    }

    pub(crate) fn cancel(&mut self, id: TimerId) {
        self.due.remove(&(id.0, id.1));
    }

    pub(crate) fn pop_due(&mut self, now: Mono) -> Option<Alarm> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.due.keys().next().map(|(deadline, _)| *deadline)
    }
}
