//! How long the packets of a leg wait before they are played: as short as their network allows.

/// Follows how late packets come, and says how long to wait so that 98 of 100 come in time.
#[derive(Clone, Debug)]
pub(super) struct Delay {
    /// The quickest transit of this window and of the one before, milliseconds of two unrelated clocks. Two windows,
    /// so that a drift between the clocks is followed.
    quickest: [Option<i64>; 2],
    window_began_ms: i64,
    /// Share of packets by how much later than the quickest they came.
    late: [f32; BUCKETS],
}

impl Delay {
    pub(super) fn new() -> Self {
        let mut late = [0.0; BUCKETS];
        late[0] = 1.0;
        Delay {
            quickest: [None; 2],
            window_began_ms: 0,
            late,
        }
    }

    /// A packet came at `now_ms`; its first sample stands at `media_ms` of the sender's clock.
    pub(super) fn arrive(&mut self, now_ms: i64, media_ms: i64) {
        let transit = now_ms - media_ms;
        if now_ms - self.window_began_ms >= WINDOW_MS {
            self.quickest = [self.quickest[1], None];
            self.window_began_ms = now_ms;
        }
        let quickest = self.quickest[1].map_or(transit, |quickest| quickest.min(transit));
        self.quickest[1] = Some(quickest);
        let late_ms = transit - self.quickest_ms();
        let bucket = (late_ms / BUCKET_MS).clamp(0, BUCKETS as i64 - 1) as usize;
        for share in &mut self.late {
            *share -= *share * FORGETTING;
        }
        self.late[bucket] += FORGETTING;
    }

    /// Where the sender's clock stands now for a packet that came without any delay.
    pub(super) fn media_ms(&self, now_ms: i64) -> i64 {
        now_ms - self.quickest_ms()
    }

    /// How long a packet that came at once should wait.
    pub(super) fn target_ms(&self) -> i64 {
        let mut missed = 1.0;
        let mut bucket = 0;
        for share in &self.late {
            missed -= share;
            bucket += 1;
            if missed <= MISSED_MAX {
                break;
            }
        }
        (bucket * BUCKET_MS + MARGIN_MS).clamp(TARGET_MS_MIN, TARGET_MS_MAX)
    }

    fn quickest_ms(&self) -> i64 {
        match self.quickest {
            [Some(before), Some(now)] => before.min(now),
            [Some(only), None] | [None, Some(only)] => only,
            [None, None] => 0,
        }
    }
}

/// Issue and crates.md: 40 to 120 ms.
const TARGET_MS_MIN: i64 = 40;
const TARGET_MS_MAX: i64 = 120;
/// Half a tick: where in the 20 ms a packet comes is chance.
const MARGIN_MS: i64 = 10;
const MISSED_MAX: f32 = 0.02;
const BUCKET_MS: i64 = 10;
const BUCKETS: usize = 16;
/// The last three seconds count for most.
const FORGETTING: f32 = 1.0 / 128.0;
const WINDOW_MS: i64 = 5_000;
