//! The SIP engine: hands each input to the machine it belongs to.

use crate::{Config, Input, Mono, Now, Output, Rejection};
use std::collections::BTreeMap;

/// Cheap read-only counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests refused or dropped, by kind.
    pub rejections: BTreeMap<Rejection, u64>,
    /// Transactions alive.
    pub transactions: usize,
    /// Dialogs alive, early ones too.
    pub dialogs: usize,
    /// Contacts registered.
    pub bindings: usize,
    /// Open streams.
    pub connections: usize,
}

/// One SIP user agent server, client and registrar.
#[derive(Debug)]
pub struct Endpoint {
    config: Config,
}

impl Endpoint {
    /// A fresh endpoint; `seed` feeds tags, branches, nonces.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        let _ = seed;
        Self { config }
    }
    /// Takes one input at time `now` and appends to `out` everything that follows from it.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Output>) {
        let _ = (now, input, out, &self.config);
    }
    /// When [`Input::Tick`] is due; None when nothing waits.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        None
    }
    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
    /// True when no transaction, dialog or timer of theirs is left.
    #[must_use]
    pub fn idle(&self) -> bool {
        true
    }
}
