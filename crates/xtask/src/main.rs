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

mod apt;
mod bench;
mod check;
mod demo;
mod failure;
mod fuzz;
mod run;
mod sim;
mod sounds;
mod steps;
mod test;
mod tidy;

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
    /// Measures: delays, calls a second, audio, memory (see docs/bench.md)
    Bench(bench::Arguments),
    /// Form, lints and the rules of the repository
    Check,
    /// The whole hotline on this machine: real server, simulated people, live table
    Demo(demo::Arguments),
    /// Every parser against changed inputs
    Fuzz(fuzz::Arguments),
    /// Simulated days against the invariants; planted bugs
    Sim(sim::Arguments),
    /// Makes the placeholder prompts, the hold music and the tones of sounds/ anew
    Sounds(sounds::Arguments),
    /// Installs what the tests need and proves everything
    Test,
    /// The rules that neither compiler nor lints can hold (part of check)
    Tidy,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Bench(arguments) => bench::main(&arguments),
        Command::Check => check::main(),
        Command::Demo(arguments) => demo::main(&arguments),
        Command::Fuzz(arguments) => fuzz::main(&arguments),
        Command::Sim(arguments) => sim::main(&arguments),
        Command::Sounds(arguments) => sounds::main(&arguments),
        Command::Test => test::main(),
        Command::Tidy => tidy::main(&run::repository()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("cargo xtask: {failure}");
            failure.exit_code()
        }
    }
}
