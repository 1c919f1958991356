//! The endpoint as a whole: two or more of them back to back, floods, restarts, the torture messages.

mod accounts;
mod alive;
mod bans;
mod calls;
mod carrier_notes;
mod changes;
mod defence;
mod dialogs;
mod digest;
mod early;
mod extensions;
mod failures;
mod farewells;
mod flood;
mod guesses;
mod kinds;
mod line;
mod names;
mod nat;
mod net;
mod registrar;
mod script;
mod sessions;
mod speed;
mod storm;
mod torture;
mod transfers;
mod trunks;
mod ways;

use expect_test::Expect;

fn check(script: &str, expected: Expect) {
    expected.assert_eq(&script::ladder(script));
}
