//! tests/scenarios/INDEX.md: each rule has its scenario, and each scenario its rule.

use super::repository::Repository;

const FOLDER: &str = "tests/scenarios";

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    if !repository.has(FOLDER) {
        return Vec::new();
    }
    let index = format!("{FOLDER}/INDEX.md");
    let Some(table) = repository.text(&index) else {
        return vec![format!("{index} is missing")];
    };
    let named: Vec<(&str, &str)> = table.lines().filter_map(row).collect();
    let mut findings = Vec::new();
    for (rule, file) in &named {
        if rule.is_empty() {
            findings.push(format!("{index}: {file} stands without a rule"));
        }
        if !repository.has(&format!("{FOLDER}/{file}")) {
            findings.push(format!("{index}: no scenario {file}"));
        }
    }
    let scenarios = repository.paths.iter().filter_map(|path| {
        path.strip_prefix(FOLDER)
            .and_then(|rest| rest.strip_prefix('/'))
            .filter(|name| name.ends_with(".call"))
    });
    for scenario in scenarios {
        if !named.iter().any(|(_, file)| *file == scenario) {
            findings.push(format!("{index} does not name {scenario}"));
        }
    }
    findings
}

/// `| rule sentence | file.call |`, the file with or without backticks.
fn row(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let (rule, file) = line.rsplit_once('|')?;
    let file = file.trim().trim_matches('`');
    file.ends_with(".call").then(|| (rule.trim(), file))
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    #[test]
    fn both_directions_are_checked() {
        let index =
            "| Rule | Scenario |\n|---|---|\n| A caller waits. | `waits.call` |\n| | gone.call |\n";
        let found = findings(&repository(&[
            ("tests/scenarios/INDEX.md", index),
            ("tests/scenarios/waits.call", ""),
            ("tests/scenarios/extra.call", ""),
        ]));
        assert_eq!(
            found,
            [
                "tests/scenarios/INDEX.md: gone.call stands without a rule",
                "tests/scenarios/INDEX.md: no scenario gone.call",
                "tests/scenarios/INDEX.md does not name extra.call",
            ]
        );
    }

    #[test]
    fn no_folder_no_rule() {
        assert_eq!(findings(&repository(&[])), [""; 0]);
    }
}
