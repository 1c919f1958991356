//! `hotline111`: the server of the national hotline 111 and its command line.

#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests fail by panicking"
    )
)]

mod cli;
mod config;
#[expect(
    clippy::disallowed_methods,
    reason = "the shell is where the world is touched"
)]
mod shell;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(&cli::Cli::parse(), start)
}

fn start(start: cli::Start) -> ExitCode {
    let log = shell::start_logging(start.log_format, start.verbosity);
    match shell::serve(start, log.dropped.clone()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the server does not run"
            );
            ExitCode::FAILURE
        }
    }
}
