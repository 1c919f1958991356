//! Every package is under a licence that lets a public service use and change it.

use super::repository::Repository;

const ALLOWED: [&str; 10] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Packages whose manifest names a file instead of a licence; the file was read.
const READ: [(&str, &str); 2] = [("rsip", "MIT"), ("rsip-derives", "MIT")];

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    let mut findings = Vec::new();
    let foreign = repository
        .metadata
        .packages
        .iter()
        .filter(|package| !package.is_ours);
    for package in foreign {
        let read = READ.iter().find(|(name, _)| *name == package.name);
        let licence = match (&package.licence, read) {
            (Some(licence), _) => licence.as_str(),
            (None, Some((_, licence))) => licence,
            (None, None) => {
                findings.push(format!(
                    "{} {} names no licence",
                    package.name, package.version
                ));
                continue;
            }
        };
        if !is_allowed(licence) {
            findings.push(format!("{} {}: {licence}", package.name, package.version));
        }
    }
    findings
}

/// An SPDX expression without nesting deeper than one level: AND binds tighter than OR, a slash is an old OR.
fn is_allowed(expression: &str) -> bool {
    let flat = expression.replace('/', " OR ");
    let (head, groups) = outermost(&flat);
    head.split(" OR ").any(|choice| {
        choice.split(" AND ").all(|part| {
            let part = part.trim();
            match part
                .strip_prefix('#')
                .and_then(|index| index.parse::<usize>().ok())
            {
                Some(index) => groups.get(index).is_some_and(|group| is_allowed(group)),
                None => ALLOWED.contains(
                    &part
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" ")
                        .as_str(),
                ),
            }
        })
    })
}

/// Takes each parenthesis out and leaves `#0`, `#1` ... in its place.
fn outermost(expression: &str) -> (String, Vec<String>) {
    let mut head = String::new();
    let mut groups: Vec<String> = Vec::new();
    let mut depth = 0_u32;
    for letter in expression.chars() {
        match letter {
            '(' => {
                if depth == 0 {
                    head.push_str(&format!("#{}", groups.len()));
                    groups.push(String::new());
                }
                depth += 1;
                if depth == 1 {
                    continue;
                }
            }
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    continue;
                }
            }
            _ => {}
        }
        match groups.last_mut() {
            Some(group) if depth > 0 => group.push(letter),
            Some(_) | None => head.push(letter),
        }
    }
    (head, groups)
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Package;
    use super::*;

    #[test]
    fn expressions_are_understood() {
        for good in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/Apache-2.0",
            "(MIT OR GPL-2.0) AND Unicode-3.0",
            "Unlicense/MIT",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "GPL-3.0-or-later",
            "MIT AND GPL-3.0",
            "(GPL-2.0 OR AGPL-3.0) AND MIT",
            "",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }

    #[test]
    fn a_package_without_a_good_licence_is_found() {
        let mut repository = Repository::default();
        for (name, licence) in [
            ("good", Some("MIT")),
            ("bad", Some("SSPL-1.0")),
            ("none", None),
        ] {
            repository.metadata.packages.push(Package {
                name: name.to_owned(),
                version: "1.0.0".to_owned(),
                licence: licence.map(str::to_owned),
                ..Package::default()
            });
        }
        assert_eq!(
            findings(&repository),
            ["bad 1.0.0: SSPL-1.0", "none 1.0.0 names no licence"]
        );
    }
}
