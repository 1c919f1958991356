//! Token buckets for sources that have not proved who they are.

use crate::Mono;
use crate::site::Site;
use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Thousandths of a request.
    level: u64,
    filled_at: Mono,
    is_silenced: bool,
}

/// What becomes of one more request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Admitted,
    /// Silence, and it is the first of its run: worth a line in the log.
    SilencedFirst,
    Silenced,
}

/// One bucket a site, a bounded number of sites, and one bucket for all the rest.
#[derive(Debug)]
pub(crate) struct Flood {
    rate_per_s: u64,
    burst: u64,
    buckets: BTreeMap<Site, Bucket>,
    ages: VecDeque<(Mono, Site)>,
    crowd: Bucket,
}

impl Flood {
    pub(crate) fn new(rate_per_s: u32, burst: u32) -> Self {
        let (rate_per_s, burst) = (u64::from(rate_per_s), u64::from(burst));
        let crowd = Bucket {
            level: burst * WHOLE * CROWD_FACTOR,
            filled_at: Mono(0),
            is_silenced: false,
        };
        Self {
            rate_per_s,
            burst,
            buckets: BTreeMap::new(),
            ages: VecDeque::new(),
            crowd,
        }
    }

    /// Takes one request out of the site's bucket.
    pub(crate) fn admit(&mut self, now: Mono, site: Site) -> Admission {
        self.forget_full(now);
        let (rate_per_s, burst) = (self.rate_per_s, self.burst);
        if let Some(bucket) = self.buckets.get_mut(&site) {
            return bucket.take(now, rate_per_s, burst);
        }
        if self.buckets.len() >= SITES_MAX {
            return self
                .crowd
                .take(now, rate_per_s * CROWD_FACTOR, burst * CROWD_FACTOR);
        }
        let mut bucket = Bucket {
            level: burst * WHOLE,
            filled_at: now,
            is_silenced: false,
        };
        let admission = bucket.take(now, rate_per_s, burst);
        self.buckets.insert(site, bucket);
        self.ages.push_back((now, site));
        admission
    }

    /// The site has proved who it is: its last request was no stranger's.
    pub(crate) fn refund(&mut self, site: Site) {
        if let Some(bucket) = self.buckets.get_mut(&site) {
            bucket.level = (bucket.level + WHOLE).min(self.burst * WHOLE);
        }
    }

    /// A bucket that is full again says nothing any more. Each site is looked at once per fill time.
    fn forget_full(&mut self, now: Mono) {
        let fill_ms = self.burst * 1_000 / self.rate_per_s.max(1);
        for _ in 0..SWEEP_MAX {
            let Some((noted, site)) = self.ages.front().copied() else {
                return;
            };
            if noted.plus_millis(fill_ms) > now {
                return;
            }
            self.ages.pop_front();
            match self.buckets.get(&site) {
                Some(bucket) if bucket.filled_at > noted => {
                    self.ages.push_back((bucket.filled_at, site))
                }
                _ => {
                    self.buckets.remove(&site);
                }
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn sites(&self) -> usize {
        self.buckets.len().max(self.ages.len())
    }
}

impl Bucket {
    fn take(&mut self, now: Mono, rate_per_s: u64, burst: u64) -> Admission {
        let grown = now.micros_since(self.filled_at).saturating_mul(rate_per_s) / 1_000;
        self.level = self.level.saturating_add(grown).min(burst * WHOLE);
        self.filled_at = now;
        if self.level >= WHOLE {
            self.level -= WHOLE;
            self.is_silenced = false;
            return Admission::Admitted;
        }
        let was_silenced = std::mem::replace(&mut self.is_silenced, true);
        if was_silenced {
            Admission::Silenced
        } else {
            Admission::SilencedFirst
        }
    }
}

const WHOLE: u64 = 1_000;
/// Sites with a bucket of their own (about 100 bytes each).
const SITES_MAX: usize = 16_384;
/// All further sites together get this many times the rate of one.
const CROWD_FACTOR: u64 = 10;
/// Buckets looked after per request: more than one, so that the table shrinks under attack.
const SWEEP_MAX: usize = 4;
