//! Unguessable text from a seed: HMAC-SHA256 over a counter.

use hmac::{Hmac, Mac, NewMac};
use sha2::Sha256;
use std::fmt;

/// HMAC-SHA256 of `parts`, each length-prefixed so that no two lists give the same input.
pub(crate) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key of any length is fine for HMAC; 32 bytes never fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The endpoint's only source of randomness. The same seed tells the same story.
pub(crate) struct Random {
    seed: [u8; 32],
    counter: u64,
    pool: Vec<u8>,
}

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            counter: 0,
            pool: Vec::with_capacity(32),
        }
    }

    pub(crate) fn bytes<const COUNT: usize>(&mut self) -> [u8; COUNT] {
        let mut bytes = [0; COUNT];
        for byte in &mut bytes {
            if self.pool.is_empty() {
                self.counter += 1;
                self.pool
                    .extend_from_slice(&hmac(&self.seed, &[&self.counter.to_be_bytes()]));
            }
            *byte = self.pool.pop().unwrap_or_default();
        }
        bytes
    }

    /// 80 bits in hex: a tag, a branch, the left part of a Call-ID (RFC 3261 §19.3 asks for 32).
    pub(crate) fn token(&mut self) -> String {
        hex(&self.bytes::<10>())
    }

    /// A number below `limit` (0 when that is 0).
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        u64::from_be_bytes(self.bytes()) % limit.max(1)
    }
}

/// Secret bytes for another part of the process (keys of audio), out of the same seed and apart from what the endpoint
/// itself draws. The same seed and purpose give the same bytes.
#[derive(Debug)]
pub struct Secrets(Random);

impl Secrets {
    /// `purpose` keeps those who draw from one seed apart.
    #[must_use]
    pub fn new(seed: [u8; 32], purpose: &str) -> Self {
        Self(Random::new(hmac(&seed, &[purpose.as_bytes()])))
    }

    /// Bytes that nobody has had before.
    pub fn bytes<const COUNT: usize>(&mut self) -> [u8; COUNT] {
        self.0.bytes()
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The seed is a secret.
        formatter
            .debug_struct("Random")
            .field("counter", &self.counter)
            .finish_non_exhaustive()
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = |byte: &u8| {
        [byte >> 4, byte & 15].map(|nibble| char::from_digit(u32::from(nibble), 16).unwrap_or('0'))
    };
    bytes.iter().flat_map(digits).collect()
}
