//! No half of a feature: no skipped test, no placeholder, no promise without an issue number.

use super::repository::{Repository, code_only};

/// Spelled in pieces, so that this file does not find itself.
const MACROS: [&str; 3] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
];
const IGNORED: &str = concat!("#[", "ignore");
const PROMISES: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];
const WORDY: [&str; 6] = [".rs", ".md", ".toml", ".sh", ".yml", "/run"];

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    let mut findings = Vec::new();
    for text in &repository.texts {
        let is_rust = text.path.ends_with(".rs");
        if !is_rust && !WORDY.iter().any(|end| text.path.ends_with(end)) {
            continue;
        }
        if is_rust {
            for (index, line) in code_only(&text.content).iter().enumerate() {
                if line.contains(IGNORED) || MACROS.iter().any(|name| line.contains(name)) {
                    findings.push(format!("{}:{}: {}", text.path, index + 1, line.trim()));
                }
            }
        }
        for (number, line) in text.lines() {
            let is_promise = line
                .split(|letter: char| !letter.is_alphanumeric())
                .any(|word| PROMISES.contains(&word));
            if is_promise && !names_issue(line) {
                findings.push(format!(
                    "{}:{number}: a promise needs the number of its issue (#12)",
                    text.path
                ));
            }
        }
    }
    findings
}

fn names_issue(line: &str) -> bool {
    line.split('#')
        .skip(1)
        .any(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    #[test]
    fn what_is_unfinished_is_found() {
        let source = format!(
            "{}]\nfn a() {{ {}) }}\n// {} later\n// {} #7 later\n",
            IGNORED, MACROS[0], PROMISES[0], PROMISES[1]
        );
        let found = findings(&repository(&[("crates/x/src/a.rs", &source)]));
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn words_in_text_are_fine() {
        let source = format!("let a = \"{}\";", IGNORED);
        assert_eq!(
            findings(&repository(&[("crates/x/src/a.rs", &source)])),
            [""; 0]
        );
    }
}
