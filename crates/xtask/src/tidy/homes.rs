//! One package, one home: so that each package can be replaced by editing one crate.

use super::repository::Repository;

/// Package, and the crates that may name it. Packages that are not here (serde, thiserror ...) may go anywhere.
const HOMES: [(&str, &[&str]); 29] = [
    ("audio-codec", &["hotline-media"]),
    ("axum", &["hotline-console"]),
    ("clap", &["hotline111", "xtask"]),
    ("clap_complete", &["hotline111"]),
    ("crc32fast", &["hotline-store"]),
    ("hickory-resolver", &["hotline111"]),
    ("hmac", &["hotline-sip", "hotline111"]),
    (
        "hound",
        &["hotline-media", "hotline-phone", "hotline-tests", "xtask"],
    ),
    ("md-5", &["hotline-sip", "hotline-store"]),
    ("mio", &["hotline-media", "hotline-phone", "hotline111"]),
    ("nix", &["hotline111"]),
    ("opus", &["hotline-media"]),
    (
        "quinn-udp",
        &["hotline-media", "hotline-phone", "hotline111"],
    ),
    ("rsip", &["hotline-sip"]),
    ("rtc-dtls", &["hotline-media", "hotline-tests"]),
    ("rtc-shared", &["hotline-media", "hotline-tests"]),
    ("rtcp", &["hotline-media"]),
    ("rtp", &["hotline-media"]),
    ("sdp-types", &["hotline-media"]),
    ("sqlx", &["hotline-store", "hotline-tests"]),
    ("tracing", &["hotline111"]),
    ("tracing-subscriber", &["hotline111"]),
    ("webrtc-srtp", &["hotline-media", "hotline-tests"]),
    ("webrtc-util", &["hotline-media"]),
    ("rcgen", &["hotline-tests"]),
    ("rustls", &["hotline-phone", "hotline-tests", "hotline111"]),
    ("tokio-rustls", &["hotline111"]),
    ("tokio-tungstenite", &["hotline-tests", "hotline111"]),
    ("x509-parser", &["hotline111"]),
];

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    let mut findings = Vec::new();
    for package in repository.metadata.ours() {
        // Compiles the sources of others, and so names what they name.
        if super::edges::is_planted(&package.name) {
            continue;
        }
        for dependency in &package.dependencies {
            let home = HOMES.iter().find(|(name, _)| *name == dependency.name);
            let Some((name, crates)) = home else { continue };
            if !crates.contains(&package.name.as_str()) {
                findings.push(format!(
                    "{} names {name}, whose home is {}",
                    package.name,
                    crates.join(", ")
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::metadata::{Dependency, Package};
    use super::*;

    #[test]
    fn a_package_away_from_home_is_found() {
        let mut repository = Repository::default();
        for (name, used) in [("hotline-sip", "rsip"), ("hotline-core", "rsip")] {
            repository.metadata.packages.push(Package {
                name: name.to_owned(),
                is_ours: true,
                dependencies: vec![Dependency {
                    name: used.to_owned(),
                    is_normal: true,
                }],
                ..Package::default()
            });
        }
        assert_eq!(
            findings(&repository),
            ["hotline-core names rsip, whose home is hotline-sip"]
        );
    }
}
