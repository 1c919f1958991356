//! The rules of the repository that neither compiler nor lints can hold. Each rule is one file with a test that it bites.

mod commands;
mod documents;
mod duplicates;
mod edges;
mod glossary;
mod homes;
mod length;
mod licences;
mod listed;
mod marks;
mod metadata;
mod outside;
mod repository;
mod reveal;
mod scenarios;
mod unused;
mod words;

#[cfg(test)]
mod tests;

use std::path::Path;

pub(crate) use self::metadata::Metadata;
#[cfg(test)]
pub(crate) use self::metadata::Package;
use self::repository::Repository;
use crate::failure::Failure;

/// A rule looks at the repository and says in one line each what is not as it should be.
type Rule = fn(&Repository) -> Vec<String>;

const RULES: [(&str, Rule); 15] = [
    ("commands", commands::findings),
    ("documents", documents::findings),
    ("duplicates", duplicates::findings),
    ("edges", edges::findings),
    ("glossary", glossary::findings),
    ("homes", homes::findings),
    ("length", length::findings),
    ("licences", licences::findings),
    ("listed", listed::findings),
    ("marks", marks::findings),
    ("outside", outside::findings),
    ("reveal", reveal::findings),
    ("scenarios", scenarios::findings),
    ("unused", unused::findings),
    ("words", words::findings),
];

pub(crate) fn main(root: &Path) -> Result<(), Failure> {
    let findings = findings(root)?;
    if findings.is_empty() {
        println!("tidy: {} rules hold", RULES.len());
        return Ok(());
    }
    Err(Failure::Findings(format!("tidy:\n{}", findings.join("\n"))))
}

pub(crate) fn findings(root: &Path) -> Result<Vec<String>, Failure> {
    let repository = Repository::read(root)?;
    Ok(RULES
        .iter()
        .flat_map(|(name, rule)| {
            rule(&repository)
                .into_iter()
                .map(move |finding| format!("[{name}] {finding}"))
        })
        .collect())
}
