//! A caller's number is shown in full only where this list says so.

use super::repository::{Repository, code_only};

/// Files in which `reveal(` may be called, and why each needs the number itself.
const ALLOWED: [(&str, &str); 5] = [
    ("crates/hotline-core/src/number.rs", "where it is defined"),
    (
        "crates/hotline-store/src/call_row.rs",
        "the record keeps the whole number",
    ),
    (
        "crates/hotline-core/src/acd/mobile.rs",
        "who is on call must be dialled",
    ),
    (
        "crates/hotline-core/src/transfer/reach.rs",
        "who is called outside must be dialled",
    ),
    (
        "crates/hotline-store/src/origin_row.rs",
        "what the carrier said is kept whole beside the record",
    ),
];

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    check(repository, &ALLOWED)
}

fn check(repository: &Repository, allowed: &[(&str, &str)]) -> Vec<String> {
    let mut findings = Vec::new();
    for text in repository.sources() {
        if allowed.iter().any(|(path, _)| *path == text.path) || is_test(&text.path) {
            continue;
        }
        for (index, line) in code_only(&text.content).iter().enumerate() {
            if line.contains("reveal(") {
                findings.push(format!(
                    "{}:{}: shows a caller's number, and is not on the list in crates/xtask/src/tidy/reveal.rs",
                    text.path,
                    index + 1
                ));
            }
        }
    }
    for (path, why) in allowed {
        let is_used = repository.text(path).is_some_and(|content| {
            code_only(content)
                .iter()
                .any(|line| line.contains("reveal("))
        });
        if !is_used {
            findings.push(format!(
                "{path} ({why}) shows no number any more: take it off the list"
            ));
        }
    }
    findings
}

/// Tests compare numbers that they made up themselves.
fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.ends_with("/tests.rs") || path.contains("/tests/")
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    #[test]
    fn a_call_outside_the_list_is_found() {
        let sample = repository(&[
            (
                "crates/hotline-core/src/number.rs",
                "pub fn reveal(&self) {}",
            ),
            (
                "crates/hotline111/src/log.rs",
                "// reveal( in a comment\nprint(number.reveal());",
            ),
            ("crates/hotline111/src/tests.rs", "number.reveal()"),
        ]);
        let found = check(&sample, &[("crates/hotline-core/src/number.rs", "defined")]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("crates/hotline111/src/log.rs:2:"));
    }

    #[test]
    fn the_list_only_holds_what_is_used() {
        let found = check(&repository(&[]), &[("crates/gone.rs", "once needed")]);
        assert!(found[0].contains("take it off the list"), "{found:?}");
    }
}
