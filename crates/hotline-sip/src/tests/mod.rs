//! The endpoint as a whole: two or more of them back to back, floods, restarts, the torture messages.

mod accounts;
mod calls;
mod dialogs;
mod net;
mod speed;
mod storm;
mod torture;

use expect_test::Expect;

fn check(script: &str, expected: Expect) {
    expected.assert_eq(&net::ladder(script));
}
