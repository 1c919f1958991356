//! Scenarios as text: script in, ladder out; one for every rule of the line.

mod advice;
mod announce;
mod change_plan;
mod drain;
mod entry;
mod hold;
mod line;
mod mobile;
mod offer;
mod plan;
mod print;
mod property;
mod records;
mod restart;
mod routes;
mod script;
mod seat;
mod shift;
mod silence;
mod speed;
mod transfer;
mod transfer_away;
mod trouble;
mod widen;
mod world;

use expect_test::Expect;

/// Lan talks with c1, and nobody else is on shift.
const LAN_TALKS: &str = "
    0 lan is reachable
    0 c1 dials 111
    1 c1 presses 1
    2 lan answers
";

/// Lan talks with c1, and Hoa is free.
const LAN_TALKS_BESIDE_HOA: &str = "
    0 lan is reachable
    0 hoa is reachable
    0 c1 dials 111
    1 c1 presses 1
    2 lan answers
";

/// Plays a beginning that others have told already, then the script, and compares the ladder of the script.
fn check_from(beginning: &str, script: &str, expected: Expect) {
    expected.assert_eq(&script::run_from(plan::test_plan(), beginning, script));
}

/// Plays the script against the test plan and compares the ladder.
fn check(script: &str, expected: Expect) {
    expected.assert_eq(&script::run(plan::test_plan(), script));
}
