//! Packages that are built in more than one version: a committed list that may only shrink.

use std::collections::BTreeMap;

use super::repository::Repository;

/// One `name count` a line.
const LIST: &str = include_str!("duplicates.txt");

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    check(repository, LIST)
}

fn check(repository: &Repository, list: &str) -> Vec<String> {
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &repository.metadata.packages {
        *versions.entry(&package.name).or_default() += 1;
    }
    versions.retain(|_, count| *count > 1);
    let mut findings = Vec::new();
    let mut allowed: BTreeMap<&str, usize> = BTreeMap::new();
    for line in list
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        match line
            .split_once(' ')
            .map(|(name, count)| (name, count.parse()))
        {
            Some((name, Ok(count))) => {
                allowed.insert(name, count);
            }
            Some(_) | None => findings.push(format!("duplicates.txt: not `name count`: {line}")),
        }
    }
    for (name, count) in &versions {
        let most = allowed.get(name).copied().unwrap_or(1);
        if *count > most {
            findings.push(format!(
                "{name} is built in {count} versions, {most} allowed"
            ));
        }
    }
    for (name, most) in &allowed {
        let count = versions.get(name).copied().unwrap_or(1);
        if count < *most {
            findings.push(format!(
                "{name} is built in {count} version(s) now: shorten duplicates.txt"
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Package;
    use super::*;

    #[test]
    fn more_versions_than_listed_are_found_and_the_list_shrinks() {
        let mut repository = Repository::default();
        for version in ["1.0.0", "2.0.0"] {
            repository.metadata.packages.push(Package {
                name: "twice".to_owned(),
                version: version.to_owned(),
                ..Package::default()
            });
        }
        assert_eq!(
            check(&repository, ""),
            ["twice is built in 2 versions, 1 allowed"]
        );
        assert_eq!(check(&repository, "# why\ntwice 2\n"), [""; 0]);
        assert_eq!(
            check(&repository, "twice 3\n"),
            ["twice is built in 2 version(s) now: shorten duplicates.txt"]
        );
    }
}
