//! `cargo xtask`: the one entrance to everything that is automated here. Dispatch only; each command has its own file.

#![expect(
    clippy::print_stdout,
    reason = "a command-line tool speaks to the person who started it"
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests"
    )
)]

mod failure;
mod run;
mod sounds;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Automation of hotline111", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the placeholder prompts, the hold music and the tones of sounds/ anew
    Sounds(sounds::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Sounds(arguments) => sounds::main(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("cargo xtask: {failure}");
            failure.exit_code()
        }
    }
}
