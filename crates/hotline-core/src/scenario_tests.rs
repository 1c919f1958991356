//! Scenarios as text: script in, ladder out; one for every rule of the line.

mod advice;
mod change_plan;
mod drain;
mod entry;
mod line;
mod offer;
mod plan;
mod print;
mod property;
mod records;
mod restart;
mod routes;
mod script;
mod seat;
mod silence;
mod speed;
mod transfer;
mod trouble;
mod world;

use expect_test::Expect;

/// Plays the script against the test plan and compares the ladder.
fn check(script: &str, expected: Expect) {
    expected.assert_eq(&script::run(plan::test_plan(), script));
}
