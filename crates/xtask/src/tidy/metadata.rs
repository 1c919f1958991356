//! `cargo metadata`, reduced to what the rules ask about.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::failure::Failure;
use crate::run;

#[derive(Default)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    /// Package -> what it is linked with (not what its build or its tests need), both as `name version`.
    pub(crate) links: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: Option<String>,
    pub(crate) is_ours: bool,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) test_targets: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// False for what only tests or build scripts use.
    pub(crate) is_normal: bool,
}

impl Metadata {
    pub(crate) fn read(root: &Path) -> Result<Self, Failure> {
        // Without the filter cargo would have to download the packages of every other system.
        let about = run::output(root, "rustc", &["-vV"])?;
        let host = about
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap_or("x86_64-unknown-linux-gnu");
        let text = run::output(
            root,
            "cargo",
            &[
                "metadata",
                "--format-version",
                "1",
                "--filter-platform",
                host,
            ],
        )?;
        let raw: RawMetadata =
            serde_json::from_str(&text).map_err(|error| Failure::content(root, error))?;
        Ok(Self::from_raw(raw))
    }

    fn from_raw(raw: RawMetadata) -> Self {
        let mut used = BTreeSet::new();
        let mut links = BTreeMap::new();
        let names: BTreeMap<String, String> = raw
            .packages
            .iter()
            .map(|package| (package.id.clone(), package.key()))
            .collect();
        for node in raw.resolve.nodes {
            used.insert(node.id.clone());
            let linked = node
                .deps
                .into_iter()
                .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind.is_none()))
                .filter_map(|dep| names.get(&dep.pkg).cloned())
                .collect();
            if let Some(name) = names.get(&node.id) {
                links.insert(name.clone(), linked);
            }
        }
        let packages = raw
            .packages
            .into_iter()
            .filter(|package| used.contains(&package.id))
            .map(|package| Package {
                is_ours: package.source.is_none(),
                dependencies: package
                    .dependencies
                    .into_iter()
                    .map(|dependency| Dependency {
                        is_normal: dependency.kind.is_none(),
                        name: dependency.name,
                    })
                    .collect(),
                test_targets: package
                    .targets
                    .into_iter()
                    .filter(|target| target.kind.iter().any(|kind| kind == "test"))
                    .map(|target| target.name)
                    .collect(),
                licence: package.license,
                name: package.name,
                version: package.version,
            })
            .collect();
        Self { packages, links }
    }

    pub(crate) fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.is_ours)
    }

    /// Names of everything that a package is linked with, however far away.
    pub(crate) fn closure(&self, name: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&String> = self
            .links
            .keys()
            .filter(|key| name_of(key) == name)
            .collect();
        while let Some(key) = open.pop() {
            for linked in self.links.get(key).into_iter().flatten() {
                if reached.insert(linked.clone()) {
                    open.push(linked);
                }
            }
        }
        reached.iter().map(|key| name_of(key).to_owned()).collect()
    }
}

fn name_of(key: &str) -> &str {
    key.split(' ').next().unwrap_or(key)
}

#[derive(Deserialize)]
struct RawMetadata {
    packages: Vec<RawPackage>,
    resolve: RawResolve,
}

#[derive(Deserialize)]
struct RawPackage {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    dependencies: Vec<RawDependency>,
    targets: Vec<RawTarget>,
}

#[derive(Deserialize)]
struct RawDependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct RawTarget {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct RawResolve {
    nodes: Vec<RawNode>,
}

#[derive(Deserialize)]
struct RawNode {
    id: String,
    deps: Vec<RawDep>,
}

#[derive(Deserialize)]
struct RawDep {
    pkg: String,
    dep_kinds: Vec<RawKind>,
}

#[derive(Deserialize)]
struct RawKind {
    kind: Option<String>,
}

impl RawPackage {
    fn key(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}
