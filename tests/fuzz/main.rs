//! Every parser against changed inputs: no panic, no long thought, and what must hold whatever was sent.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking and print their figures"
)]

mod browsers;
mod harness;
mod machines;
mod parsers;
