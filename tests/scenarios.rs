//! Every file of `scenarios/` through the real switchboard. `UPDATE_EXPECT=1` writes the ladders anew,
//! `SCENARIO=name` runs one.

#![allow(clippy::panic, reason = "tests fail by panicking")]

use hotline_tests::scenario;

#[test]
fn every_scenario_has_its_ladder() {
    let is_updating = std::env::var("UPDATE_EXPECT").is_ok_and(|value| value == "1");
    let only = std::env::var("SCENARIO").ok();
    let files = scenario::files(&scenario::folder());
    assert!(!files.is_empty(), "no scenarios");
    let mut faults = Vec::new();
    for path in files {
        if only
            .as_deref()
            .is_some_and(|only| !path.to_string_lossy().contains(only))
        {
            continue;
        }
        let outcome = scenario::check(&path, is_updating);
        if let Some(fault) = outcome.fault {
            faults.push(format!("{}: {fault}", outcome.file));
        }
    }
    assert!(
        faults.is_empty(),
        "{} scenarios failed\n\n{}",
        faults.len(),
        faults.join("\n\n")
    );
}
