//! Chance from a seed: the same seed throws the same dice on every machine.

/// SplitMix64 (Steele, Lea and Flood, 2014): enough for choosing what happens, never for secrets.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A second stream that does not disturb this one.
    #[must_use]
    pub fn fork(&mut self, salt: u64) -> Self {
        Self(self.throw() ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `limit`; 0 when that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.throw() % limit.max(1)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `percent` of 100 throws.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// True in `per_mille` of 1,000 throws.
    pub fn per_mille(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// One of these.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        &choices[index]
    }

    /// Waiting times of rare, unrelated events: mean `mean`, never more than ten times that.
    pub fn exponential(&mut self, mean: u64) -> u64 {
        let unit = (self.throw() >> 11) as f64 / (1u64 << 53) as f64;
        let factor = -(1.0 - unit).ln();
        (mean as f64 * factor.min(10.0)) as u64
    }

    #[must_use]
    pub fn seed_bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.throw().to_le_bytes());
        }
        bytes
    }
}
