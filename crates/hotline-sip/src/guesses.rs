//! Password guessing: wrong tries for an account from a site hold up further tries from there.

use crate::Mono;
use crate::site::Site;
use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Copy, Debug)]
struct Guess {
    failures: u32,
    failed_at: Mono,
    held_until: Mono,
}

/// Wrong tries, by account and site. A bounded number: beyond it the oldest pair is forgotten, which takes
/// a guesser as many tries for other names as there are entries.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    all: BTreeMap<(String, Site), Guess>,
    order: VecDeque<(String, Site)>,
}

impl Guesses {
    /// Whether a try, right or wrong, must be refused. It does not count: else somebody who goes on trying
    /// would keep out the owner of the account behind the same address for ever.
    pub(crate) fn is_held(&self, now: Mono, user: &str, site: Site) -> bool {
        let guess = self.all.get(&(user.to_owned(), site));
        guess.is_some_and(|guess| now < guess.held_until)
    }

    /// A wrong password. The wait after it doubles with each.
    pub(crate) fn failed(&mut self, now: Mono, user: &str, site: Site) {
        let key = (user.to_owned(), site);
        let known = self.all.get(&key).copied();
        if known.is_none() {
            self.order.push_back(key.clone());
        }
        let is_recent =
            |guess: &Guess| now.micros_since(guess.failed_at) < FORGOTTEN_AFTER_MS * 1_000;
        let failures = known.filter(is_recent).map_or(0, |guess| guess.failures);
        let failures = failures.saturating_add(1);
        let held_ms = match failures.checked_sub(FAILURES_FREE) {
            None | Some(0) => 0,
            Some(beyond) => HELD_MS << (beyond - 1).min(HELD_DOUBLINGS_MAX),
        };
        let guess = Guess {
            failures,
            failed_at: now,
            held_until: now.plus_millis(held_ms),
        };
        self.all.insert(key, guess);
        while self.order.len() > GUESSES_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.all.remove(&oldest);
            }
        }
    }

    /// The right password: the tries before it were slips.
    pub(crate) fn succeeded(&mut self, user: &str, site: Site) {
        let key = (user.to_owned(), site);
        if self.all.remove(&key).is_some() {
            self.order.retain(|known| *known != key);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.all.len().max(self.order.len())
    }
}

/// Slips that cost nothing.
const FAILURES_FREE: u32 = 4;
/// The wait after the first failure beyond them; 256 s at most.
const HELD_MS: u64 = 1_000;
const HELD_DOUBLINGS_MAX: u32 = 8;
/// A pair without a failure for so long begins anew.
const FORGOTTEN_AFTER_MS: u64 = 3_600_000;
/// Pairs that are remembered (about 150 bytes each).
const GUESSES_MAX: usize = 4_096;
