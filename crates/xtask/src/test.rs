//! `cargo xtask test`: what the tests need is installed, then everything is proven, with one closing summary.

use crate::failure::Failure;
use crate::steps::{Step, Steps};
use crate::tidy::Metadata;
use crate::{apt, check, run};

const TESTS: &str = "hotline-tests";

pub(crate) fn main() -> Result<(), Failure> {
    apt::ensure_all()?;
    let targets = targets(&Metadata::read(&run::repository())?);
    let mut steps = Steps::default();
    check::add(&mut steps);
    // Always the whole workspace: choosing packages would choose other features, and build everything again.
    steps.run(
        &Step::cargo(
            "build",
            &["build", "--quiet", "--workspace", "--all-targets"],
        )
        .counting_one(),
    );
    // The planted sources are copies; their own tests run at home.
    steps.run(&Step::cargo(
        "unit, property",
        &[
            "test",
            "--quiet",
            "--workspace",
            "--exclude",
            "hotline-planted",
            "--lib",
            "--bins",
        ],
    ));
    for target in &targets {
        steps.run(&Step::cargo(
            target,
            &["test", "--workspace", "--test", target],
        ));
    }
    // The README's first command, as a person without a keyboard would see it.
    let demo = [
        "run",
        "--quiet",
        "--bin",
        "xtask",
        "--",
        "demo",
        "--seconds",
        "20",
        "--port",
        DEMO_PORT,
    ];
    steps.run(&Step::cargo("demo", &demo).counting_one());
    steps.finish()
}

/// Away from the usual port, where a person's own demo may be running.
const DEMO_PORT: &str = "5460";

/// Every integration test of the workspace, the quick and simple ones first, so that a fault shows early and small.
fn targets(metadata: &Metadata) -> Vec<String> {
    let mut targets: Vec<(usize, bool, String)> = metadata
        .ours()
        .flat_map(|package| {
            package
                .test_targets
                .iter()
                .map(|target| (rank(target), package.name == TESTS, target.clone()))
        })
        .collect();
    targets.sort();
    targets.into_iter().map(|(_, _, target)| target).collect()
}

fn rank(target: &str) -> usize {
    const ORDER: [&str; 3] = ["scenario", "sim", "torture"];
    const LAST: &str = "e2e";
    if target.starts_with(LAST) {
        return ORDER.len() + 1;
    }
    ORDER
        .iter()
        .position(|start| target.starts_with(start))
        .unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Package;

    #[test]
    fn scenarios_come_first_and_end_to_end_last() {
        let package = |name: &str, targets: &[&str]| Package {
            name: name.to_owned(),
            is_ours: true,
            test_targets: targets.iter().map(|target| (*target).to_owned()).collect(),
            ..Package::default()
        };
        let metadata = Metadata {
            packages: vec![
                package(
                    TESTS,
                    &["e2e_audio", "torture", "scenarios", "simulation", "journal"],
                ),
                package("hotline-sip", &["fuzz"]),
            ],
            ..Metadata::default()
        };
        assert_eq!(
            targets(&metadata),
            [
                "scenarios",
                "simulation",
                "torture",
                "fuzz",
                "journal",
                "e2e_audio"
            ]
        );
    }
}
