//! What the README tells people to type is what the machines run, and it exists.

use clap::CommandFactory;

use super::repository::Repository;

const README: &str = "README.md";
const CI: &str = ".ci/run";
const WORKFLOW: &str = ".github/workflows/ci.yml";

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    let mut findings = Vec::new();
    let mut read = |path: &str| {
        let text = repository.text(path).unwrap_or_default();
        if text.is_empty() {
            findings.push(format!("{path} is missing"));
        }
        text
    };
    let readme = read(README);
    let ci = read(CI);
    let workflow = read(WORKFLOW);
    let known: Vec<String> = crate::Arguments::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    for name in xtask_commands(readme) {
        if !known.iter().any(|command| command == name) {
            findings.push(format!("{README}: `cargo xtask {name}` does not exist"));
        }
    }
    for needed in ["cargo xtask demo", "cargo xtask test"] {
        if !readme.contains(needed) {
            findings.push(format!("{README} does not name `{needed}`"));
        }
    }
    let run: Vec<&str> = ci.lines().filter_map(cargo_command).collect();
    if run != ["cargo xtask test"] {
        findings.push(format!(
            "{CI} runs {run:?} instead of exactly `cargo xtask test`"
        ));
    }
    if !workflow.lines().any(|line| line.trim_end().ends_with(CI)) {
        findings.push(format!("{WORKFLOW} does not run {CI}"));
    }
    findings
}

fn xtask_commands(text: &str) -> impl Iterator<Item = &str> {
    text.split("cargo xtask ").skip(1).filter_map(|rest| {
        rest.split(|letter: char| !letter.is_ascii_lowercase() && letter != '-')
            .next()
            .filter(|name| !name.is_empty())
    })
}

fn cargo_command(line: &str) -> Option<&str> {
    let line = line.trim();
    let line = line.strip_prefix("exec ").unwrap_or(line);
    line.starts_with("cargo ").then_some(line)
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    const GOOD: &str = "cargo xtask demo\ncargo xtask test\n";

    #[test]
    fn a_command_that_does_not_exist_is_found() {
        let readme = format!("{GOOD}cargo xtask dance\n");
        let found = findings(&repository(&[
            (README, &readme),
            (CI, "exec cargo xtask test\n"),
            (WORKFLOW, "      - run: .ci/run\n"),
        ]));
        assert!(
            found.contains(&"README.md: `cargo xtask dance` does not exist".to_owned()),
            "{found:?}"
        );
    }

    #[test]
    fn machines_that_run_something_else_are_found() {
        let found = findings(&repository(&[
            (README, GOOD),
            (CI, "cargo test -p hotline-core\n"),
            (WORKFLOW, "      - run: cargo test\n"),
        ]));
        assert!(
            found
                .iter()
                .any(|finding| finding.starts_with(".ci/run runs")),
            "{found:?}"
        );
        assert!(
            found.iter().any(|finding| finding.starts_with(WORKFLOW)),
            "{found:?}"
        );
    }
}
