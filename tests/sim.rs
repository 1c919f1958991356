//! Simulated days against the invariants. `SIM_SEEDS=FROM..TO` chooses the days, `SIM_SEED=N` tells one of them.

#![allow(clippy::panic, reason = "tests fail by panicking")]

use hotline_tests::sim;
use hotline_tests::watch::{KINDS, Seen};
use hotline_tests::world::Trace;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Days of an ordinary run.
const SEEDS: std::ops::Range<u64> = 0..300;
/// Failing days told in full.
const TOLD_MAX: usize = 3;

#[test]
fn every_day_keeps_the_invariants() {
    if let Some(seed) = std::env::var("SIM_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        let report = sim::run(seed, Trace::Off);
        eprintln!("{}", sim::explain(seed));
        assert!(report.fault.is_none(), "seed {seed} failed");
        return;
    }
    let seeds = seeds();
    let started = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(Vec::new());
    let total = Mutex::new((0, 0, 0));
    let seen = Mutex::new(Seen::default());
    std::thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let report = sim::run(seed, Trace::Off);
                    if let (Some(fault), Ok(mut failed)) = (report.fault, failed.lock()) {
                        failed.push((seed, fault));
                    }
                    if let Ok(mut seen) = seen.lock() {
                        seen.add(&report.seen);
                    }
                    if let Ok(mut total) = total.lock() {
                        *total = (
                            total.0 + report.calls,
                            total.1 + report.joins,
                            total.2 + report.restarts,
                        );
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap_or_default();
    failed.sort();
    let (calls, joins, restarts) = total.into_inner().unwrap_or_default();
    eprintln!(
        "{} days in {:.1} s: {calls} calls, {joins} talks, {restarts} restarts",
        seeds.end - seeds.start,
        started.elapsed().as_secs_f64()
    );
    let seen = seen.into_inner().unwrap_or_default();
    for kind in KINDS {
        let times = seen.0.get(kind).copied().unwrap_or(0);
        eprintln!("{times:>7}  {kind}");
    }
    if failed.is_empty() {
        let missing = seen.missing();
        let is_ordinary = seeds == SEEDS;
        assert!(
            missing.is_empty() || !is_ordinary,
            "never seen: {missing:?}"
        );
        return;
    }
    let told: Vec<String> = failed
        .iter()
        .take(TOLD_MAX)
        .map(|(seed, _)| sim::explain(*seed))
        .collect();
    let list: Vec<String> = failed
        .iter()
        .map(|(seed, fault)| format!("seed {seed}: {fault}"))
        .collect();
    panic!(
        "{} days failed\n{}\n\n{}",
        failed.len(),
        list.join("\n"),
        told.join("\n")
    );
}

fn seeds() -> std::ops::Range<u64> {
    let chosen = std::env::var("SIM_SEEDS").ok();
    let parsed = chosen.as_deref().and_then(|text| {
        let (from, to) = text.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    });
    parsed.unwrap_or(SEEDS)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}
