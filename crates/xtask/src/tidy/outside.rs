//! The repository is self-contained: it names nothing of the machine on which it was written.

use super::repository::Repository;

/// Spelled in pieces, so that this file does not find itself.
const FORBIDDEN: [&str; 6] = [
    concat!("..", "/shared"),
    concat!("/wo", "rk/"),
    concat!("replace", "-with"),
    concat!("index", "-url"),
    concat!("sparse", "+http"),
    concat!("/home", "/"),
];

/// The torture messages of the RFCs stay outside; one variable says where they lie.
const EXCEPTION: &str = "HOTLINE_TORTURE_DIR";

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    let mut findings = Vec::new();
    for text in &repository.texts {
        for (number, line) in text.lines() {
            if line.contains(EXCEPTION) {
                continue;
            }
            if let Some(found) = FORBIDDEN.iter().find(|word| names(line, word)) {
                findings.push(format!("{}:{number}: names {found}", text.path));
            }
        }
    }
    findings
}

/// An absolute path begins there; `net/work/` is something else.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|start| start.chars().next_back());
        !word.starts_with('/')
            || before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '}')
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    #[test]
    fn a_path_of_this_machine_is_found() {
        let bad = format!(
            "read {}/data\n{}main\nnet{}x\n",
            FORBIDDEN[0], FORBIDDEN[1], FORBIDDEN[1]
        );
        let found = findings(&repository(&[("docs/a.md", &bad)]));
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn the_torture_folder_is_the_exception() {
        let line = format!("export {EXCEPTION}={}/torture", FORBIDDEN[0]);
        assert_eq!(findings(&repository(&[(".ci/run", &line)])), [""; 0]);
    }
}
