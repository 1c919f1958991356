//! `cargo xtask sim`: simulated days, one day told to its end, or the planted bugs and the days that find them.

use std::process::Command;

use crate::failure::Failure;
use crate::run;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One day, with its last lines
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// These days
    #[arg(long, value_name = "FROM..TO")]
    seeds: Option<String>,
    /// How many lines of the day's end are told
    #[arg(long, value_name = "N", default_value_t = 60)]
    lines: u32,
    /// Look for the first day that finds each planted bug, or the one with this number
    #[arg(long, value_name = "BUG", num_args = 0..=1, default_missing_value = "0")]
    planted: Option<u32>,
}

/// Days that a planted bug must be found in.
const PLANTED_DAYS: &str = "0..2000";

pub(crate) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let mut environment: Vec<(&str, String)> = vec![("SIM_LINES", arguments.lines.to_string())];
    let mut test = ("sim", "every_day_keeps_the_invariants");
    if let Some(bug) = arguments.planted {
        test = ("planted", "every_planted_bug_is_found");
        let days = match (arguments.seed, &arguments.seeds) {
            (Some(seed), _) => format!("{seed}..{}", seed.saturating_add(1)),
            (None, Some(days)) => days.clone(),
            (None, None) => PLANTED_DAYS.to_owned(),
        };
        environment.push(("PLANTED_SEARCH", days));
        if bug > 0 {
            environment.push(("PLANTED", bug.to_string()));
        }
    } else if let Some(seed) = arguments.seed {
        environment.push(("SIM_SEED", seed.to_string()));
    } else if let Some(days) = &arguments.seeds {
        environment.push(("SIM_SEEDS", days.clone()));
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(&cargo)
        .current_dir(run::repository())
        .args([
            "test",
            "--quiet",
            "--workspace",
            "--test",
            test.0,
            "--",
            "--nocapture",
            "--exact",
            test.1,
        ])
        .envs(environment)
        .status()
        .map_err(|error| Failure::Tool {
            program: cargo,
            message: error.to_string(),
        })?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Reported)
    }
}
