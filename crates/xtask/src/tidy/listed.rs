//! Each direct dependency has its line in docs/dependencies.md, and each line its dependency.

use std::collections::BTreeSet;

use super::repository::Repository;

const LIST: &str = "docs/dependencies.md";

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    let Some(list) = repository.text(LIST) else {
        return vec![format!("{LIST} is missing")];
    };
    let listed: BTreeSet<&str> = list.lines().filter_map(package_of).collect();
    let ours: BTreeSet<&str> = repository
        .metadata
        .ours()
        .map(|package| package.name.as_str())
        .collect();
    let used: BTreeSet<&str> = repository
        .metadata
        .ours()
        .flat_map(|package| &package.dependencies)
        .map(|dependency| dependency.name.as_str())
        .filter(|name| !ours.contains(name))
        .collect();
    let unlisted = used
        .difference(&listed)
        .map(|name| format!("{LIST}: no line for {name}"));
    let unused = listed
        .difference(&used)
        .map(|name| format!("{LIST}: nobody uses {name} any more"));
    unlisted.chain(unused).collect()
}

/// `| axum 0.8 | why | licence | trap |`
fn package_of(line: &str) -> Option<&str> {
    let cell = line.strip_prefix("| ")?.split('|').next()?.trim();
    let (name, version) = cell.split_once(' ')?;
    version
        .starts_with(|letter: char| letter.is_ascii_digit())
        .then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::metadata::{Dependency, Package};
    use super::super::tests::repository;
    use super::*;

    #[test]
    fn both_directions_are_checked() {
        let list = "| Package | Why |\n|---|---|\n| rsip 0.4 | words |\n| gone 1 | once |\n";
        let mut sample = repository(&[(LIST, list)]);
        sample.metadata.packages.push(Package {
            name: "hotline-sip".to_owned(),
            is_ours: true,
            dependencies: ["rsip", "sha2"]
                .map(|name| Dependency {
                    name: name.to_owned(),
                    is_normal: true,
                })
                .to_vec(),
            ..Package::default()
        });
        assert_eq!(
            findings(&sample),
            [
                "docs/dependencies.md: no line for sha2",
                "docs/dependencies.md: nobody uses gone any more"
            ]
        );
    }
}
