//! A list of steps, run one after the other whatever happens, and one closing summary.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::run;

/// One program to run.
pub(crate) struct Step {
    name: String,
    program: String,
    arguments: Vec<String>,
    counts: Counts,
}

/// How the result of a step is counted.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Counts {
    /// The step is one test: its exit status.
    One,
    /// The step runs tests and prints `test result:` lines; none at all is a failure.
    Tests,
}

#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Done>,
}

#[derive(Clone)]
struct Done {
    name: String,
    passed: u64,
    failed: u64,
    took: Duration,
    remark: String,
}

impl Step {
    pub(crate) fn cargo(name: &str, arguments: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            program: std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()),
            arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
            counts: Counts::Tests,
        }
    }

    /// Not a run of tests: its exit status is all that counts.
    pub(crate) fn counting_one(mut self) -> Self {
        self.counts = Counts::One;
        self
    }
}

impl Steps {
    pub(crate) fn run(&mut self, step: &Step) {
        println!("\n── {} ──", step.name);
        let started = Instant::now();
        let (is_ok, passed, failed) = match execute(step) {
            Ok(outcome) => outcome,
            Err(failure) => {
                println!("{failure}");
                (false, 0, 0)
            }
        };
        let mut done = judge(step.counts, is_ok, passed, failed);
        step.name.clone_into(&mut done.name);
        done.took = started.elapsed();
        self.done.push(done);
    }

    /// A step that is a function of ours.
    pub(crate) fn check(&mut self, name: &str, check: impl FnOnce() -> Result<(), Failure>) {
        println!("\n── {name} ──");
        let started = Instant::now();
        let outcome = check();
        if let Err(failure) = &outcome {
            println!("{failure}");
        }
        let mut done = judge(Counts::One, outcome.is_ok(), 0, 0);
        name.clone_into(&mut done.name);
        done.took = started.elapsed();
        self.done.push(done);
    }

    /// Prints the table and, as the last line, the sum over all steps.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        println!("\n{}", table(&self.done));
        let passed: u64 = self.done.iter().map(|done| done.passed).sum();
        let failed: u64 = self.done.iter().map(|done| done.failed).sum();
        println!("{passed} passed, {failed} failed");
        if failed > 0 || self.done.is_empty() {
            return Err(Failure::Reported);
        }
        Ok(())
    }
}

/// A step that ends badly or runs nothing counts as a failure even when no test said so.
fn judge(counts: Counts, is_ok: bool, passed: u64, failed: u64) -> Done {
    let (passed, failed, remark) = match counts {
        Counts::One => (u64::from(is_ok), u64::from(!is_ok), ""),
        Counts::Tests if passed + failed == 0 && is_ok => (0, 1, "ran no tests"),
        Counts::Tests if failed == 0 && !is_ok => (passed, 1, "did not come to its end"),
        Counts::Tests => (passed, failed, ""),
    };
    Done {
        name: String::new(),
        passed,
        failed,
        took: Duration::ZERO,
        remark: remark.to_owned(),
    }
}

/// Shows what the program writes while it writes, and adds up the results that it names.
fn execute(step: &Step) -> Result<(bool, u64, u64), Failure> {
    let failed_to_run = |error: std::io::Error| Failure::Tool {
        program: format!("{} {}", step.program, step.arguments.join(" ")),
        message: error.to_string(),
    };
    let mut child = Command::new(&step.program)
        .args(&step.arguments)
        .current_dir(run::repository())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed_to_run)?;
    let (mut passed, mut failed) = (0, 0);
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            if let Some((one, other)) = results(&line) {
                passed += one;
                failed += other;
            }
        }
    }
    let status = child.wait().map_err(failed_to_run)?;
    Ok((status.success(), passed, failed))
}

/// `test result: ok. 12 passed; 0 failed; 0 ignored; ...`
fn results(line: &str) -> Option<(u64, u64)> {
    let rest = line.trim_start().strip_prefix("test result: ")?;
    let number_before = |word: &str| {
        rest.split(word)
            .next()
            .and_then(|before| before.trim_end().rsplit(' ').next())
            .and_then(|number| number.parse().ok())
    };
    Some((number_before("passed")?, number_before("failed")?))
}

fn table(done: &[Done]) -> String {
    let width = done
        .iter()
        .map(|done| done.name.chars().count())
        .max()
        .unwrap_or(0)
        .max(4);
    let mut lines = vec![format!("{:width$}  passed  failed  seconds", "step")];
    for step in done {
        lines.push(
            format!(
                "{:width$}  {:6}  {:6}  {:7.1}  {}",
                step.name,
                step.passed,
                step.failed,
                step.took.as_secs_f64(),
                step.remark
            )
            .trim_end()
            .to_owned(),
        );
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_from_what_cargo_prints() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.33s";
        assert_eq!(results(line), Some((12, 3)));
        assert_eq!(results("test a::b ... ok"), None);
    }

    #[test]
    fn a_step_that_runs_nothing_or_dies_has_failed() {
        let silent = judge(Counts::Tests, true, 0, 0);
        assert_eq!(
            (silent.passed, silent.failed, silent.remark.as_str()),
            (0, 1, "ran no tests")
        );
        let dead = judge(Counts::Tests, false, 5, 0);
        assert_eq!((dead.passed, dead.failed), (5, 1));
        let good = judge(Counts::Tests, true, 5, 0);
        assert_eq!((good.passed, good.failed), (5, 0));
        let one = judge(Counts::One, false, 0, 0);
        assert_eq!((one.passed, one.failed), (0, 1));
    }

    #[test]
    fn a_program_is_run_and_its_results_are_added_up() {
        let step = |program: &str, arguments: &[&str]| Step {
            name: program.to_owned(),
            program: program.to_owned(),
            arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
            counts: Counts::Tests,
        };
        let line = "test result: ok. 3 passed; 0 failed; 0 ignored\n";
        let mut steps = Steps::default();
        steps.run(&step("printf", &[&line.repeat(2)]));
        steps.run(&step("printf", &["nothing\n"]));
        steps.run(&step("no-such-program", &[]));
        let counts: Vec<(u64, u64)> = steps
            .done
            .iter()
            .map(|done| (done.passed, done.failed))
            .collect();
        assert_eq!(counts, [(6, 0), (0, 1), (0, 1)]);
        assert!(table(&steps.done).contains("ran no tests"));
    }

    #[test]
    fn a_failed_step_makes_the_whole_fail() {
        let mut steps = Steps::default();
        assert!(steps.finish().is_err(), "no step is no success");
        steps.check("good", || Ok(()));
        assert!(steps.finish().is_ok());
        steps.check("bad", || Err(Failure::Findings("bad".to_owned())));
        assert!(steps.finish().is_err());
        assert_eq!(steps.done.len(), 2);
    }
}
