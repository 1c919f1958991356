//! Each planted bug is found by its day, and the same days are well without it. `PLANTED_SEARCH=FROM..TO` looks for the
//! first day of each instead, `PLANTED=N` for one bug only.

use hotline_planted::bugs::{BUGS, Bug};
use hotline_planted::hotline_tests::sim;
use hotline_planted::hotline_tests::world::Trace;
use hotline_planted::wake;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A change of the product changes the days; a bug must be found in one of so many from its own on.
const DAYS: u64 = 40;

#[test]
fn every_planted_bug_is_found() {
    // Bugs wake panics; what they say is in the reports.
    std::panic::set_hook(Box::new(|_| {}));
    let search = search();
    let bugs: Vec<&Bug> = BUGS
        .iter()
        .filter(|bug| chosen().is_none_or(|number| number == bug.number))
        .collect();
    let found = in_parallel(&bugs, |bug| {
        let days = search.clone().unwrap_or(bug.seed..bug.seed + DAYS);
        first_fault(bug.number, days)
    });
    let mut missed = Vec::new();
    for (bug, found) in bugs.iter().zip(found) {
        match found {
            Some((seed, fault)) => {
                eprintln!("bug {:>2} ({}): seed {seed}: {fault}", bug.number, bug.name)
            }
            None => missed.push(format!("bug {} ({})", bug.number, bug.name)),
        }
    }
    assert!(missed.is_empty(), "not found: {}", missed.join(", "));
}

#[test]
fn without_a_bug_the_same_days_are_well() {
    let bugs: Vec<&Bug> = BUGS.iter().collect();
    let faults = in_parallel(&bugs, |bug| first_fault(0, bug.seed..bug.seed + 1));
    let faults: Vec<_> = faults.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{faults:?}");
}

fn first_fault(bug: u32, days: std::ops::Range<u64>) -> Option<(u64, String)> {
    wake(bug);
    let found = days
        .into_iter()
        .find_map(|seed| Some((seed, sim::run(seed, Trace::Off).fault?)));
    wake(0);
    found
}

/// Results in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    let result = work(item);
                    results.lock().unwrap().push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

fn search() -> Option<std::ops::Range<u64>> {
    let text = std::env::var("PLANTED_SEARCH").ok()?;
    let (from, to) = text.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}

fn chosen() -> Option<u32> {
    std::env::var("PLANTED").ok()?.parse().ok()
}
