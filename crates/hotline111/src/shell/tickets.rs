//! Browser tickets: who signed in to the web side may register one account on one WebSocket without its password.

use crate::shell::clock::Clock;
use hmac::{Hmac, Mac, NewMac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::{Mutex, PoisonError};

/// Longest life of a ticket: it is used at once, or it is lost.
pub(crate) const VALID_MS_MAX: u64 = 600_000;
/// Used tickets that are remembered until they end by themselves; beyond it none is taken.
const USED_MAX: usize = 16_384;
const NONCE_BYTES: usize = 16;
/// Begin of what is signed: the key signs nothing else, and shall never be confused if it does one day.
const PURPOSE: &str = "hotline111 ticket 1";

/// Makes tickets and takes each once. The key lives as long as the process: a ticket does not outlive it, so that the
/// tickets that were used before a restart need not be remembered.
pub(crate) struct Tickets {
    clock: Clock,
    /// A block of SHA-256: all of it counts.
    key: [u8; 64],
    /// Nonces of used tickets, with their end in milliseconds of the process.
    used: Mutex<BTreeMap<String, u64>>,
}

impl Tickets {
    /// With a fresh key.
    pub(crate) fn new(clock: Clock) -> io::Result<Self> {
        let mut key = [0; 64];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        Ok(Self {
            clock,
            key,
            used: Mutex::default(),
        })
    }

    fn now_ms(&self) -> u64 {
        self.clock.now().mono.0 / 1_000
    }

    /// A ticket for this account: `user~end~nonce~mac`, characters that a URL takes as they are.
    pub(crate) fn issue(&self, user: &str, valid_ms: u64) -> io::Result<String> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        let end_ms = self.now_ms() + valid_ms.min(VALID_MS_MAX);
        let claim = format!("{user}~{end_ms}~{}", hex(&nonce));
        let mac = hex(&self.mac(&claim).finalize().into_bytes());
        Ok(format!("{claim}~{mac}"))
    }

    /// The account of a ticket that is ours, still good, and was not used before.
    pub(crate) fn redeem(&self, ticket: &str) -> Option<String> {
        let (claim, mac) = ticket.rsplit_once('~')?;
        self.mac(claim).verify(&bytes(mac)?).ok()?;
        let mut parts = claim.splitn(3, '~');
        let (user, end_ms, nonce) = (parts.next()?, parts.next()?, parts.next()?);
        let (end_ms, now_ms): (u64, u64) = (end_ms.parse().ok()?, self.now_ms());
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, end_ms| *end_ms > now_ms);
        if end_ms <= now_ms || used.len() >= USED_MAX {
            return None;
        }
        let is_first = used.insert(nonce.to_owned(), end_ms).is_none();
        is_first.then(|| user.to_owned())
    }

    fn mac(&self, claim: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new((&self.key).into());
        mac.update(PURPOSE.as_bytes());
        mac.update(b"\0");
        mac.update(claim.as_bytes());
        mac
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| {
            let pair = std::str::from_utf8(pair)
                .ok()
                .filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets() -> Tickets {
        Tickets::new(Clock::start()).unwrap()
    }

    #[test]
    fn a_ticket_is_good_once_for_its_account_only() {
        let tickets = tickets();
        let ticket = tickets.issue("tv01", 60_000).unwrap();
        assert_eq!(
            tickets.redeem(&ticket.replace("tv01", "tv02")),
            None,
            "another account"
        );
        assert_eq!(tickets.redeem(&ticket).as_deref(), Some("tv01"));
        assert_eq!(tickets.redeem(&ticket), None, "a second time");
    }

    #[test]
    fn what_we_did_not_sign_or_has_ended_is_no_ticket() {
        let (ours, theirs) = (tickets(), tickets());
        let ticket = ours.issue("tv01", 60_000).unwrap();
        assert_eq!(theirs.redeem(&ticket), None, "another key");
        assert_eq!(ours.redeem(&ours.issue("tv01", 0).unwrap()), None, "ended");
        for broken in [
            "",
            "~",
            "tv01",
            "tv01~1~2~3",
            "tv01~x~y~zz",
            &ticket[..ticket.len() - 2],
            &format!("{ticket}0"),
        ] {
            assert_eq!(ours.redeem(broken), None, "{broken}");
        }
        assert_eq!(
            ours.redeem(&ticket).as_deref(),
            Some("tv01"),
            "refusals use nothing up"
        );
    }
}
