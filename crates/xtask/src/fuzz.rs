//! `cargo xtask fuzz`: every parser, or one, against more changed inputs than a push has time for.

use std::process::Command;

use crate::failure::Failure;
use crate::run;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Part of a target's name (a folder of tests/fuzz/corpus); usual: all
    target: Option<String>,
    /// Inputs for each target
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    inputs: u64,
    /// Where chance begins; usual: somewhere new each time
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

pub(crate) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let seed = arguments.seed.unwrap_or_else(somewhere);
    println!("fuzz: seed {seed}");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(&cargo);
    command
        .current_dir(run::repository())
        .args(["test", "--quiet", "--workspace", "--test", "fuzz", "--"])
        .arg("--nocapture")
        .args(&arguments.target)
        .env("FUZZ_INPUTS", arguments.inputs.to_string())
        .env("FUZZ_SEED", seed.to_string());
    let status = command.status().map_err(|error| Failure::Tool {
        program: cargo,
        message: error.to_string(),
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Reported)
    }
}

/// The time in nanoseconds: another beginning each time, and it is printed.
fn somewhere() -> u64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_1970.map_or(1, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
