//! Percentiles of microseconds in constant memory: exact below 128 us, within 1.6 % above.

use std::fmt;

/// Counts of values, by size.
#[derive(Clone, Debug)]
pub struct Distribution {
    counts: Vec<u64>,
    count: u64,
    max: u64,
}

impl Default for Distribution {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            count: 0,
            max: 0,
        }
    }
}

impl Distribution {
    /// One more value.
    pub fn add(&mut self, micros: u64) {
        if let Some(count) = self.counts.get_mut(bucket(micros)) {
            *count += 1;
        }
        self.count += 1;
        self.max = self.max.max(micros);
    }

    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The largest, exactly; 0 when empty.
    #[must_use]
    pub fn max_us(&self) -> u64 {
        self.max
    }

    /// The value that `percent` % of all values do not exceed; 0 when empty.
    #[must_use]
    pub fn percentile_us(&self, percent: f64) -> u64 {
        let rank = (self.count as f64 * percent / 100.0).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank.max(1) {
                return upper(index).min(self.max);
            }
        }
        self.max
    }
}

/// `p50 p99 max (count)`, milliseconds.
impl fmt::Display for Distribution {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |micros: u64| micros as f64 / 1_000.0;
        let (p50, p99) = (
            millis(self.percentile_us(50.0)),
            millis(self.percentile_us(99.0)),
        );
        write!(
            out,
            "p50 {p50:.3} p99 {p99:.3} max {:.3} ms of {}",
            millis(self.max),
            self.count
        )
    }
}

/// 64 buckets an octave from 64 us on.
fn bucket(micros: u64) -> usize {
    if micros < 128 {
        return micros as usize;
    }
    let shift = 57 - micros.leading_zeros(); // 128 -> 1
    (shift as usize * 64 + (micros >> shift) as usize).min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    if bucket < 128 {
        return bucket as u64;
    }
    let shift = (bucket / 64 - 1) as u32;
    (((bucket - shift as usize * 64) as u64 + 1) << shift) - 1
}

/// Up to 2^40 us.
const BUCKETS: usize = 64 * 36;

#[cfg(test)]
mod tests;
