//! From a counsellor's click on "answer" to the first sound both ways, in headless Chromium with JsSIP and SIP.js. The
//! end-to-end tests do it with a few calls; here they are asked for more, with the server that is measured.

use std::process::Command;

use super::super::figure::{Figure, Floor};
use super::super::machine::{self, Core};
use super::super::{Bench, failed};
use crate::failure::Failure;
use crate::{apt, run};

/// What the browsers take beside Rust.
const PACKAGES: [&str; 2] = ["chromium", "npm"];
const LIBRARIES: [(&str, &str); 2] = [("jssip", "JsSIP"), ("sipjs", "SIP.js")];
/// The goals, milliseconds; the tests fail at five times as much.
const P50_MS: f64 = 300.0;
const P95_MS: f64 = 500.0;

pub(crate) fn clicks(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    apt::ensure(&PACKAGES)?;
    let said = stories(bench)?;
    let mut figures = Vec::new();
    for (library, name) in LIBRARIES {
        for (place, what) in [("counsellor", "the counsellor"), ("caller", "the caller")] {
            println!(
                "    {name}, {what} hears after {:.0?} ms",
                all(&said, library, place)
            );
        }
        let both = all(&said, library, "both");
        if both.is_empty() {
            return Err(failed(&format!("no click of {name} was told: {said}")));
        }
        for (share, goal) in [(50, P50_MS), (95, P95_MS)] {
            figures.push(Figure::new(
                &format!("{name}: click to sound both ways, p{share}"),
                percentile(&both, share),
                "ms",
                Floor::AtMost(goal),
            ));
        }
    }
    Ok(figures)
}

/// Runs the two stories, one after the other, on all cores: a browser needs more than one.
fn stories(bench: &Bench) -> Result<String, Failure> {
    machine::run_anywhere().map_err(|error| failed(&error))?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .current_dir(run::repository())
        .args([
            "test",
            "--quiet",
            "-p",
            "hotline-tests",
            "--test",
            "e2e",
            "--",
        ])
        .args(["from_click_to_sound", "--nocapture", "--test-threads", "1"])
        .env("HOTLINE_CLICKS", if bench.is_quick { "5" } else { "20" })
        .env("HOTLINE_SERVER", &bench.server)
        .output();
    machine::run_on(Core::Load).map_err(|error| failed(&error))?;
    let output = output.map_err(|error| failed(&error))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    Err(failed(&format!(
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    )))
}

/// Milliseconds of all calls; a line of the test is `click jssip caller 212 215`.
fn all(said: &str, library: &str, place: &str) -> Vec<f64> {
    let start = format!("click {library} {place} ");
    let lines = said.lines().filter_map(|line| line.strip_prefix(&start));
    lines
        .flat_map(str::split_whitespace)
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// The value that so many of a hundred do not exceed; 0 of nothing.
fn percentile(values: &[f64], share: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let index = (values.len() * share).div_ceil(100).saturating_sub(1);
    values.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_test_are_read() {
        let said = "running 1 test\nclick jssip caller 212 215\nclick sipjs caller 300\n.\n";
        assert_eq!(all(said, "jssip", "caller"), [212.0, 215.0]);
        assert!(all(said, "jssip", "both").is_empty());
    }

    #[test]
    fn nineteen_of_twenty_are_the_95th_percentile() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(
            (percentile(&values, 50), percentile(&values, 95)),
            (10.0, 19.0)
        );
        assert_eq!(percentile(&[], 50), 0.0);
    }
}
