//! Documents tell the truth: every crate and path that they name exists, and every crate is named.

use super::repository::{Repository, Text};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const ARCHITECTURE_LINES_MAX: usize = 200;

/// What a running system or a build has, and the repository has not.
const ELSEWHERE: [&str; 4] = ["target/", "recordings/", "journal/", "/"];
const EXTENSIONS: [&str; 9] = [
    ".rs", ".md", ".toml", ".csv", ".call", ".wav", ".yml", ".txt", ".service",
];

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    let crates: Vec<&str> = repository
        .metadata
        .ours()
        .map(|package| package.name.as_str())
        .collect();
    let mut findings = Vec::new();
    for text in repository
        .texts
        .iter()
        .filter(|text| is_checked(&text.path))
    {
        for (number, line) in text.lines() {
            for word in backticked(line) {
                if let Some(finding) = untrue(repository, &crates, text, word) {
                    findings.push(format!("{}:{number}: {finding}", text.path));
                }
            }
            for target in links(line) {
                if !resolves(repository, &text.path, target) {
                    findings.push(format!(
                        "{}:{number}: link to {target}, which is not there",
                        text.path
                    ));
                }
            }
        }
    }
    let Some(architecture) = repository.text(ARCHITECTURE) else {
        findings.push(format!("{ARCHITECTURE} is missing"));
        return findings;
    };
    for name in crates {
        if !architecture.contains(name) {
            findings.push(format!("{ARCHITECTURE} does not name the crate {name}"));
        }
    }
    let lines = architecture.lines().count();
    if lines > ARCHITECTURE_LINES_MAX {
        findings.push(format!(
            "{ARCHITECTURE} has {lines} lines, {ARCHITECTURE_LINES_MAX} allowed"
        ));
    }
    findings
}

/// Decisions are never edited after acceptance, so their paths may age.
fn is_checked(path: &str) -> bool {
    let is_root = !path.contains('/');
    let is_documentation = path.starts_with("docs/") && !path.starts_with("docs/adr/");
    path.ends_with(".md") && (is_root || is_documentation || path.starts_with("deploy/"))
}

fn backticked(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn untrue(repository: &Repository, crates: &[&str], text: &Text, word: &str) -> Option<String> {
    let as_crate = word.split("::").next().unwrap_or(word).replace('_', "-");
    let is_crate = as_crate.starts_with("hotline-")
        && as_crate
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '-');
    if is_crate {
        return (!crates.contains(&as_crate.as_str())).then(|| format!("no crate {as_crate}"));
    }
    let is_known = resolves(repository, &text.path, word) || is_name_of_some_file(repository, word);
    if !is_path(word) || is_known {
        return None;
    }
    Some(format!("no file or folder {word}"))
}

/// A path as documents write it: no spaces, and either folders or a known extension.
fn is_path(word: &str) -> bool {
    let is_plain = word
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "._-/*".contains(letter));
    let is_elsewhere = ELSEWHERE.iter().any(|start| word.starts_with(start));
    let has_folder = word.contains('/')
        && word.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '.');
    let has_extension = EXTENSIONS.iter().any(|end| word.ends_with(end));
    is_plain && !is_elsewhere && (has_folder || has_extension)
}

/// A bare file name speaks of every file of that name.
fn is_name_of_some_file(repository: &Repository, word: &str) -> bool {
    !word.contains('/')
        && repository
            .paths
            .iter()
            .any(|path| path.rsplit('/').next() == Some(word))
}

fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
}

/// From the root, or from the document's own folder; a star stands for any name.
fn resolves(repository: &Repository, document: &str, word: &str) -> bool {
    let word = word.trim_end_matches('/');
    let word = word.split('*').next().unwrap_or(word);
    let is_prefix = word.ends_with('/') || word.is_empty();
    let word = word.trim_end_matches('/');
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut beside: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in word.split('/') {
        match part {
            "." => {}
            ".." => {
                beside.pop();
            }
            name => beside.push(name),
        }
    }
    is_prefix && word.is_empty() || repository.has(word) || repository.has(&beside.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Package;
    use super::super::tests::repository;
    use super::*;

    #[test]
    fn what_is_not_there_is_found() {
        let readme = "See `crates/gone/src/lib.rs`, `hotline-ghost`, `hotline_ghost::run` and [that](docs/gone.md).\n\
                      But `docs/real.md`, [it](docs/real.md), `cargo xtask test`, `/healthz`, `a/b c` are fine.\n";
        let mut sample = repository(&[
            ("README.md", readme),
            ("docs/real.md", "`real.md`"),
            (ARCHITECTURE, ""),
        ]);
        sample.metadata.packages.push(Package {
            name: "hotline-core".to_owned(),
            is_ours: true,
            ..Package::default()
        });
        assert_eq!(
            findings(&sample),
            [
                "README.md:1: no file or folder crates/gone/src/lib.rs",
                "README.md:1: no crate hotline-ghost",
                "README.md:1: no crate hotline-ghost",
                "README.md:1: link to docs/gone.md, which is not there",
                "ARCHITECTURE.md does not name the crate hotline-core",
            ]
        );
    }

    #[test]
    fn the_architecture_stays_short() {
        let long = "\n".repeat(ARCHITECTURE_LINES_MAX + 1);
        let found = findings(&repository(&[(ARCHITECTURE, &long)]));
        assert_eq!(found, ["ARCHITECTURE.md has 201 lines, 200 allowed"]);
    }
}
