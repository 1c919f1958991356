//! `cargo xtask check`: form, lints and the rules of the repository; seconds, not minutes.

use crate::failure::Failure;
use crate::steps::{Step, Steps};

pub(crate) fn main() -> Result<(), Failure> {
    let mut steps = Steps::default();
    add(&mut steps);
    steps.finish()
}

/// The same steps open `cargo xtask test`.
pub(crate) fn add(steps: &mut Steps) {
    steps.run(&Step::cargo("form", &["fmt", "--all", "--check"]).counting_one());
    steps.run(
        &Step::cargo(
            "lints",
            &[
                "clippy",
                "--quiet",
                "--workspace",
                "--all-targets",
                "--",
                "--deny",
                "warnings",
            ],
        )
        .counting_one(),
    );
    steps.check("tidy", || crate::tidy::main(&crate::run::repository()));
}
