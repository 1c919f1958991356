//! Knows when everything that was said last has been answered, so that a line can be put down.

use hotline_sip::Mono;
use std::collections::BTreeSet;

/// Requests that end something and wait for their answer, by branch (RFC 3261 §8.1.1.7).
#[derive(Default)]
pub(crate) struct Farewell {
    unanswered: BTreeSet<Vec<u8>>,
    last_heard: Mono,
}

impl Farewell {
    pub(crate) fn sent(&mut self, message: &[u8]) {
        let ends_something = [&b"BYE "[..], b"CANCEL ", b"REGISTER "]
            .iter()
            .any(|method| message.starts_with(method));
        if let Some(branch) =
            branch(message).filter(|_| ends_something && self.unanswered.len() < UNANSWERED_MAX)
        {
            self.unanswered.insert(branch.to_vec());
        }
    }

    pub(crate) fn heard(&mut self, at: Mono, message: &[u8]) {
        self.last_heard = at;
        let is_final =
            message.starts_with(b"SIP/2.0 ") && message.get(8).is_some_and(|digit| *digit != b'1');
        if let Some(branch) = branch(message).filter(|_| is_final) {
            self.unanswered.remove(branch);
        }
    }

    /// When it may be over, if nothing more comes; None while answers are missing.
    pub(crate) fn over_at(&self) -> Option<Mono> {
        self.unanswered
            .is_empty()
            .then(|| self.last_heard.plus_millis(QUIET_MS))
    }
}

/// Of the topmost Via.
fn branch(message: &[u8]) -> Option<&[u8]> {
    let at = message
        .windows(NAME.len())
        .position(|window| window == NAME)?;
    message
        .get(at + NAME.len()..)?
        .split(|byte| b";, \r\n".contains(byte))
        .next()
}

const NAME: &[u8] = b";branch=";
/// So long after the last word something may still come unasked: the 487 after the 200 to CANCEL, a BYE that
/// crossed ours.
const QUIET_MS: u64 = 100;
const UNANSWERED_MAX: usize = 100_000;

#[cfg(test)]
mod tests;
