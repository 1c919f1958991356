//! Tries everything: scenarios, simulation, torture. The world around the switchboard is made here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a crate of tests: what cannot be is a failed test"
)]

pub mod dice;
pub mod scenario;
pub mod sim;
pub mod torture;
pub mod watch;
pub mod web;
pub mod world;
