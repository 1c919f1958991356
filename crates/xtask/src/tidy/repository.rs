//! The repository as the rules see it: texts by path, and the packages that it is built from.

use std::path::Path;

use super::metadata::Metadata;
use crate::failure::Failure;

#[derive(Default)]
pub(crate) struct Repository {
    pub(crate) texts: Vec<Text>,
    /// Every path, folders too, relative to the root.
    pub(crate) paths: Vec<String>,
    pub(crate) metadata: Metadata,
}

pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) content: String,
}

/// What building leaves behind, and what is not ours.
const SKIPPED: [&str; 4] = [".git", "node_modules", "target", "dist"];

impl Repository {
    pub(crate) fn read(root: &Path) -> Result<Self, Failure> {
        let mut repository = Self {
            metadata: Metadata::read(root)?,
            ..Self::default()
        };
        repository.walk(root, "")?;
        repository.paths.sort();
        repository
            .texts
            .sort_by(|one, other| one.path.cmp(&other.path));
        Ok(repository)
    }

    fn walk(&mut self, root: &Path, below: &str) -> Result<(), Failure> {
        let folder = root.join(below);
        let entries = std::fs::read_dir(&folder).map_err(Failure::file("listing", &folder))?;
        for entry in entries {
            let entry = entry.map_err(Failure::file("listing", &folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_skipped = SKIPPED.contains(&name.as_str()) || name.starts_with("target-");
            if is_skipped {
                continue;
            }
            let path = if below.is_empty() {
                name
            } else {
                format!("{below}/{name}")
            };
            self.paths.push(path.clone());
            if entry.path().is_dir() {
                self.walk(root, &path)?;
            } else if let Ok(content) = std::fs::read_to_string(entry.path()) {
                // A file that is not UTF-8 holds sound or a picture, not words.
                self.texts.push(Text { path, content });
            }
        }
        Ok(())
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts
            .iter()
            .find(|text| text.path == path)
            .map(|text| text.content.as_str())
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.paths.iter().any(|known| known == path)
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &Text> {
        self.texts.iter().filter(|text| text.path.ends_with(".rs"))
    }

    pub(crate) fn sources_of<'a>(&'a self, crate_name: &'a str) -> impl Iterator<Item = &'a Text> {
        self.sources().filter(move |text| {
            text.path
                .strip_prefix("crates/")
                .and_then(|rest| rest.strip_prefix(crate_name))
                .is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

impl Text {
    /// Lines with their number, counted from one.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.content
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }
}

/// Rust source without its comments and with its strings emptied, line by line, so that a rule sees code only.
/// Raw strings and nested block comments are read well enough for this purpose.
pub(crate) fn code_only(source: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut state = Reading::Code;
    let mut rest = source.chars().peekable();
    while let Some(letter) = rest.next() {
        if letter == '\n' {
            lines.push(std::mem::take(&mut line));
            if state == Reading::LineComment {
                state = Reading::Code;
            }
            continue;
        }
        state = match state {
            Reading::BlockComment if letter == '*' && rest.next_if_eq(&'/').is_some() => {
                Reading::Code
            }
            Reading::Code if letter == '/' && rest.next_if_eq(&'/').is_some() => {
                Reading::LineComment
            }
            Reading::Code if letter == '/' && rest.next_if_eq(&'*').is_some() => {
                Reading::BlockComment
            }
            Reading::Code if letter == '"' => Reading::Text,
            Reading::Code if letter == '\'' => {
                // '"' and '\'' would otherwise open a string that never ends.
                let mut ahead = rest.clone();
                if ahead.next() == Some('\\') {
                    rest.next();
                    rest.next();
                } else if ahead.next() == Some('\'') {
                    rest.next();
                }
                Reading::Code
            }
            Reading::Code => {
                line.push(letter);
                Reading::Code
            }
            Reading::Text if letter == '\\' => {
                if rest.next() == Some('\n') {
                    lines.push(std::mem::take(&mut line));
                }
                Reading::Text
            }
            Reading::Text if letter == '"' => Reading::Code,
            Reading::BlockComment | Reading::LineComment | Reading::Text => state,
        };
    }
    lines.push(line);
    lines
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Reading {
    BlockComment,
    Code,
    LineComment,
    Text,
}

/// The words of an identifier, in lower case: `QueueEntry` and `queue_entry` are both queue, entry.
pub(crate) fn words_of(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in identifier.chars() {
        if letter == '_' || (letter.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = letter.is_lowercase() || letter.is_ascii_digit();
        if let Some(word) = words.last_mut().filter(|_| letter != '_') {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

pub(crate) fn identifiers(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with(|letter: char| letter.is_alphabetic() || letter == '_'))
}
