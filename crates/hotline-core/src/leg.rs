//! Legs: which call each belongs to, and as what.

use crate::ids::{CallId, LegId};
use crate::time::Mono;
use alloc::collections::BTreeMap;

/// Whose end of which call a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The party's, rung or talking: a counsellor's, or somebody's outside.
    Agent(CallId),
    /// The caller's.
    Caller(CallId),
}

/// All living legs.
#[derive(Debug)]
pub(crate) struct Legs {
    owners: BTreeMap<LegId, Owner>,
    /// When a silent leg was last asked whether it still is there.
    asked: BTreeMap<LegId, Mono>,
    /// Number of the next outgoing leg; odd.
    next: u64,
}

impl Legs {
    /// Numbers outgoing legs from the first odd number at `first` or above.
    pub(crate) fn new(first: u64) -> Self {
        Self {
            owners: BTreeMap::new(),
            asked: BTreeMap::new(),
            next: first | 1,
        }
    }

    pub(crate) fn owner(&self, leg: LegId) -> Option<Owner> {
        self.owners.get(&leg).copied()
    }

    pub(crate) fn add_caller(&mut self, leg: LegId, call: CallId) {
        self.owners.insert(leg, Owner::Caller(call));
    }

    /// A leg that came in on which a counsellor is about to go on talking.
    pub(crate) fn add_agent(&mut self, leg: LegId, call: CallId) {
        self.owners.insert(leg, Owner::Agent(call));
    }

    /// A new outgoing leg to a counsellor or to somebody outside.
    pub(crate) fn new_agent(&mut self, call: CallId) -> LegId {
        let leg = LegId(self.next);
        self.next = self.next.saturating_add(2);
        self.owners.insert(leg, Owner::Agent(call));
        leg
    }

    pub(crate) fn remove(&mut self, leg: LegId) {
        self.owners.remove(&leg);
        self.asked.remove(&leg);
    }

    /// Whether a silent leg may be asked now; then it counts as asked.
    pub(crate) fn ask(&mut self, leg: LegId, now: Mono) -> bool {
        let asked = self.asked.get(&leg);
        let is_due = asked.is_none_or(|at| now.millis_since(*at) >= ASK_EVERY_MS);
        if is_due {
            self.asked.insert(leg, now);
        }
        is_due
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (LegId, Owner)> {
        self.owners.iter().map(|(leg, owner)| (*leg, *owner))
    }

    pub(crate) fn len(&self) -> usize {
        self.owners.len()
    }
}

/// A leg that is asked answers within this or is known to be dead; asking more often tells nothing more.
const ASK_EVERY_MS: u64 = 10_000;
