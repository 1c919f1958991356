//! The simulator: a day of callers, counsellors and faults from one number, against the invariants.
//!
//! Chaos, then everything is healed, then a window in which every caller must be served, then an empty line that must
//! be as if nobody had called.

mod callers;
mod counsellors;
mod day;
mod faults;
mod outside;
mod swarm;
mod talks;

use crate::watch::Seen;
use crate::world::Trace;
use day::Day;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a seed showed.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    /// First fault: when, which invariant, what.
    pub fault: Option<String>,
    /// The last lines, if they were asked for.
    pub lines: Vec<String>,
    pub calls: u64,
    pub joins: u64,
    pub restarts: u64,
    pub events: u64,
    /// Which kinds of things happened.
    pub seen: Seen,
}

/// One day. The same seed is the same day, with or without its lines.
#[must_use]
pub fn run(seed: u64, trace: Trace) -> Report {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut day = Day::new(seed, trace);
        if let Some(kept) = lines_kept() {
            day.world.lines_kept = kept;
        }
        day.run();
        day.report()
    }));
    outcome.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default();
        Report {
            seed,
            fault: Some(format!("panic: {text}")),
            ..Report::default()
        }
    })
}

/// `SIM_LINES=N` tells more of the end.
fn lines_kept() -> Option<usize> {
    std::env::var("SIM_LINES").ok()?.parse().ok()
}

/// A failing seed once more, with its last lines and how to see it again.
#[must_use]
pub fn explain(seed: u64) -> String {
    let report = run(seed, Trace::Last);
    let mut text = format!(
        "seed {seed}: {}\n",
        report.fault.as_deref().unwrap_or("no fault")
    );
    for line in &report.lines {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(&format!("replay with: cargo xtask sim --seed {seed}\n"));
    text
}
