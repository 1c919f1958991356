//! Which crate may use which: the table of ARCHITECTURE.md.

use super::repository::Repository;

struct Crate {
    name: &'static str,
    /// Crates of ours that it may name in its manifest, tests included.
    may_use: &'static [&'static str],
    /// Packages that it may not name in its manifest.
    may_not_name: &'static [&'static str],
    /// Packages that it may not even reach through others.
    may_not_reach: &'static [&'static str],
}

const WORLD: &[&str] = &[
    "axum",
    "mio",
    "quinn-udp",
    "rustix",
    "socket2",
    "sqlx",
    "tokio",
    "tracing",
];

/// Switchboard reaches tokio through media (the package rtp pulls it in), therefore only its manifest is looked at.
const CRATES: [Crate; 10] = [
    Crate {
        name: "hotline-core",
        may_use: &[],
        may_not_name: WORLD,
        may_not_reach: &["tokio", "tracing", "rsip", "rtp"],
    },
    Crate {
        name: "hotline-sip",
        may_use: &[],
        may_not_name: WORLD,
        may_not_reach: &["tokio", "mio", "socket2", "tracing", "sdp-types"],
    },
    Crate {
        name: "hotline-media",
        may_use: &[],
        may_not_name: &["axum", "rsip", "sqlx", "tokio", "tracing"],
        may_not_reach: &["rsip", "sqlx"],
    },
    Crate {
        name: "hotline-switchboard",
        may_use: &["hotline-core", "hotline-sip", "hotline-media"],
        may_not_name: WORLD,
        may_not_reach: &["sqlx", "axum", "tracing"],
    },
    Crate {
        name: "hotline-store",
        may_use: &["hotline-core"],
        may_not_name: &["axum", "mio", "rsip", "rtp", "tracing"],
        may_not_reach: &["rsip", "rtp"],
    },
    Crate {
        name: "hotline-console",
        may_use: &["hotline-core", "hotline-store"],
        may_not_name: &["mio", "rsip", "rtp", "sqlx", "tracing"],
        may_not_reach: &["rsip", "rtp"],
    },
    Crate {
        name: "hotline-phone",
        may_use: &["hotline-sip", "hotline-media"],
        may_not_name: &["axum", "sqlx", "tracing"],
        may_not_reach: &["sqlx", "axum"],
    },
    Crate {
        name: "hotline111",
        may_use: &[
            "hotline-console",
            "hotline-core",
            "hotline-media",
            "hotline-phone",
            "hotline-sip",
            "hotline-store",
            "hotline-switchboard",
        ],
        may_not_name: &[],
        may_not_reach: &[],
    },
    Crate {
        name: "xtask",
        may_use: &[
            "hotline-console",
            "hotline-core",
            "hotline-media",
            "hotline-phone",
            "hotline-sip",
            "hotline-store",
            "hotline-switchboard",
        ],
        may_not_name: &[],
        may_not_reach: &[],
    },
    Crate {
        name: "hotline-tests",
        may_use: &[
            "hotline-console",
            "hotline-core",
            "hotline-media",
            "hotline-phone",
            "hotline-sip",
            "hotline-store",
            "hotline-switchboard",
        ],
        may_not_name: &[],
        may_not_reach: &[],
    },
];

/// Nothing is built on these.
const LEAVES: [&str; 3] = ["hotline-tests", "hotline111", "xtask"];

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    let mut findings = Vec::new();
    let metadata = &repository.metadata;
    let ours: Vec<&str> = metadata
        .ours()
        .map(|package| package.name.as_str())
        .collect();
    for package in metadata.ours() {
        let name = &package.name;
        let Some(rule) = CRATES.iter().find(|rule| rule.name == name) else {
            if !is_planted(name) {
                findings.push(format!("{name}: a crate without a line in the table"));
            }
            continue;
        };
        for dependency in &package.dependencies {
            let used = dependency.name.as_str();
            let is_edge_ours = ours.contains(&used);
            if is_edge_ours && !rule.may_use.contains(&used) {
                findings.push(format!("{name} may not use {used}"));
            }
            if dependency.is_normal && rule.may_not_name.contains(&used) {
                findings.push(format!("{name} may not name {used}"));
            }
            if LEAVES.contains(&used) {
                findings.push(format!("{name} is built on {used}, which must stay a leaf"));
            }
        }
        let closure = metadata.closure(name);
        for reached in rule.may_not_reach {
            if closure.contains(*reached) {
                findings.push(format!("{name} may not reach {reached}"));
            }
        }
    }
    findings
}

/// The packages with planted bugs compile the sources of others; the server cannot depend on them, because they
/// are in no crate's `may_use`.
pub(super) fn is_planted(name: &str) -> bool {
    name.contains("planted")
}

#[cfg(test)]
mod tests {
    use super::super::metadata::{Dependency, Metadata, Package};
    use super::*;

    fn workspace(edges: &[(&str, &[&str])]) -> Repository {
        let mut metadata = Metadata::default();
        for (name, used) in edges {
            metadata.packages.push(Package {
                name: (*name).to_owned(),
                is_ours: name.starts_with("hotline") || *name == "xtask",
                dependencies: used
                    .iter()
                    .map(|name| Dependency {
                        name: (*name).to_owned(),
                        is_normal: true,
                    })
                    .collect(),
                ..Package::default()
            });
            metadata.links.insert(
                format!("{name} 1.0.0"),
                used.iter().map(|name| format!("{name} 1.0.0")).collect(),
            );
        }
        Repository {
            metadata,
            ..Repository::default()
        }
    }

    #[test]
    fn the_table_itself_is_fine() {
        let workspace = workspace(&[
            ("hotline-core", &["serde"]),
            ("hotline-switchboard", &["hotline-core", "hotline-media"]),
            ("hotline-media", &["rtp"]),
            ("rtp", &["tokio"]),
        ]);
        assert_eq!(findings(&workspace), [""; 0]);
    }

    #[test]
    fn core_knows_no_sip() {
        let workspace = workspace(&[("hotline-core", &["hotline-sip"]), ("hotline-sip", &[])]);
        assert_eq!(
            findings(&workspace),
            ["hotline-core may not use hotline-sip"]
        );
    }

    #[test]
    fn sip_reaches_no_tokio_even_through_others() {
        let workspace = workspace(&[("hotline-sip", &["helper"]), ("helper", &["tokio"])]);
        assert_eq!(findings(&workspace), ["hotline-sip may not reach tokio"]);
    }

    #[test]
    fn switchboard_names_no_tokio() {
        let workspace = workspace(&[("hotline-switchboard", &["tokio"])]);
        assert_eq!(
            findings(&workspace),
            ["hotline-switchboard may not name tokio"]
        );
    }

    #[test]
    fn a_leaf_stays_a_leaf_and_a_new_crate_needs_its_line() {
        let workspace = workspace(&[
            ("xtask", &["hotline111"]),
            ("hotline111", &[]),
            ("hotline-mystery", &[]),
        ]);
        let found = findings(&workspace);
        assert!(found.contains(&"xtask is built on hotline111, which must stay a leaf".to_owned()));
        assert!(found.contains(&"hotline-mystery: a crate without a line in the table".to_owned()));
    }
}
