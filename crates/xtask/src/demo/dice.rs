//! Dice for the demo's people: xorshift64*, good enough for who calls when.

use std::time::{SystemTime, UNIX_EPOCH};

pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn from_clock() -> Self {
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |since| u64::from(since.subsec_nanos()) ^ since.as_secs());
        Self(nanos | 1)
    }

    /// A number of `from..to`.
    pub(super) fn between(&mut self, from: u64, to: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let roll = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        from + roll % to.saturating_sub(from).max(1)
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = self.between(0, from.len() as u64);
        from.get(usize::try_from(index).unwrap_or(0))
    }
}
