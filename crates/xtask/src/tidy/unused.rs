//! A manifest names only what its crate uses: each package more is built, read and kept up to date for nothing.

use super::repository::{Repository, code_only, identifiers};

/// Packages whose library has a name of its own.
const LIBRARIES: [(&str, &str); 1] = [("md-5", "md5")];

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    let mut findings = Vec::new();
    for package in repository.metadata.ours() {
        let folder = match package.name.as_str() {
            "hotline-tests" => "tests/".to_owned(),
            name => format!("crates/{name}/"),
        };
        let code: Vec<String> = repository
            .sources()
            .filter(|text| text.path.starts_with(&folder))
            .flat_map(|text| code_only(&text.content))
            .collect();
        if code.is_empty() {
            continue;
        }
        for dependency in &package.dependencies {
            let library = LIBRARIES
                .iter()
                .find(|(name, _)| *name == dependency.name)
                .map_or_else(
                    || dependency.name.replace('-', "_"),
                    |(_, library)| (*library).to_owned(),
                );
            let is_used = code
                .iter()
                .any(|line| identifiers(line).any(|identifier| identifier == library));
            if !is_used {
                findings.push(format!(
                    "{} names {} and does not use it",
                    package.name, dependency.name
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::metadata::{Dependency, Package};
    use super::super::tests::repository;
    use super::*;

    #[test]
    fn a_package_that_nobody_uses_is_found() {
        let source = "use md5::Md5;\n// mio is only mentioned\nfn main() { sha2::digest() }\n";
        let mut sample = repository(&[("crates/hotline-sip/src/lib.rs", source)]);
        sample.metadata.packages.push(Package {
            name: "hotline-sip".to_owned(),
            is_ours: true,
            dependencies: ["md-5", "mio", "sha2"]
                .map(|name| Dependency {
                    name: name.to_owned(),
                    is_normal: true,
                })
                .to_vec(),
            ..Package::default()
        });
        assert_eq!(
            findings(&sample),
            ["hotline-sip names mio and does not use it"]
        );
    }
}
