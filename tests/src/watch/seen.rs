//! Which kinds of things a day has seen, so that a simulator that does not make one of them fails.

use std::collections::BTreeMap;

/// What the ordinary days must contain, each of it.
pub const KINDS: [&str; 29] = [
    "a caller is held",
    "a held caller is back in the talk",
    "a held caller hangs up",
    "a caller loses the counsellor while held",
    "passed on to a colleague: done",
    "passed on to a colleague: failed",
    "passed on to a colleague: failed, and nobody was left",
    "passed on to a colleague: the caller hangs up",
    "passed on to a colleague: taken back",
    "passed on outside: done",
    "passed on outside: failed",
    "passed on outside: failed, and nobody was left",
    "passed on outside: the caller hangs up",
    "passed on outside: taken back",
    "passed on to a queue: done",
    "passed on to a queue: failed",
    "a transfer is refused: not allowed",
    "a transfer is refused: unknown",
    "advice is asked of a colleague",
    "advice is asked outside",
    "advice is over, and the counsellor has the caller",
    "after advice a colleague has the caller",
    "after advice somebody outside has the caller",
    "the caller hangs up during advice",
    "the counsellor changes phones",
    "the line outside is lost",
    "the process dies in the middle of a transfer",
    "the phone of who passes on dies",
    "the phone that is rung in a transfer dies",
];

/// How often each kind was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen(pub BTreeMap<&'static str, u64>);

impl Seen {
    /// Once more.
    pub fn saw(&mut self, kind: &'static str) {
        debug_assert!(KINDS.contains(&kind), "no such kind: {kind}");
        *self.0.entry(kind).or_insert(0) += 1;
    }

    /// Another day's.
    pub fn add(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            *self.0.entry(kind).or_insert(0) += count;
        }
    }

    /// Kinds that were never seen.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        KINDS
            .into_iter()
            .filter(|kind| !self.0.contains_key(kind))
            .collect()
    }
}
