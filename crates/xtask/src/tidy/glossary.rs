//! The "Not" column of docs/GLOSSARY.md: words that core does not give to its types.

use super::repository::{Repository, code_only, identifiers, words_of};

const GLOSSARY: &str = "docs/GLOSSARY.md";

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    let Some(glossary) = repository.text(GLOSSARY) else {
        return vec![format!("{GLOSSARY} is missing")];
    };
    let words = forbidden(glossary);
    if words.is_empty() {
        return vec![format!("{GLOSSARY} has no table with a column \"Not\"")];
    }
    let mut findings = Vec::new();
    for text in repository.sources_of("hotline-core") {
        for (index, line) in code_only(&text.content).iter().enumerate() {
            let Some(name) = type_name(line) else {
                continue;
            };
            for word in words_of(name).iter().filter(|word| words.contains(word)) {
                findings.push(format!(
                    "{}:{}: `{name}` says \"{word}\"; the glossary has a better word",
                    text.path,
                    index + 1
                ));
            }
        }
    }
    findings
}

/// The single words of the column; an explanation in parentheses and a phrase are for people only.
fn forbidden(glossary: &str) -> Vec<String> {
    let mut column = None;
    let mut words = Vec::new();
    for line in glossary.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if !line.starts_with('|') {
            column = None;
        } else if let Some(index) = cells.iter().position(|cell| *cell == "Not") {
            column = Some(index);
        } else if let Some(cell) = column.and_then(|index| cells.get(index)) {
            let plain = cell.split('(').next().unwrap_or("");
            let single = plain.split(',').map(str::trim);
            words.extend(
                single
                    .filter(|word| !word.is_empty() && word.chars().all(char::is_alphabetic))
                    .map(str::to_lowercase),
            );
        }
    }
    words
}

fn type_name(line: &str) -> Option<&str> {
    let mut before = "";
    for identifier in identifiers(line) {
        if matches!(before, "enum" | "struct" | "trait" | "type") {
            return Some(identifier);
        }
        before = identifier;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    const SAMPLE: &str =
        "| Term | Not |\n|---|---|\n| Call | session (ambiguous) |\n| Agent | user, operator |\n";

    #[test]
    fn a_type_with_a_forbidden_word_is_found() {
        let source = "pub struct UserTable;\nfn user() {}\nenum Call { Session }\n";
        let found = findings(&repository(&[
            (GLOSSARY, SAMPLE),
            ("crates/hotline-core/src/a.rs", source),
        ]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("`UserTable`"));
    }

    #[test]
    fn a_glossary_without_the_column_is_found() {
        assert_eq!(findings(&repository(&[(GLOSSARY, "| Term |\n")])).len(), 1);
    }
}
