//! Scenarios: a script goes in, a ladder comes out. One file a rule; `UPDATE_EXPECT=1` writes the ladders anew.

mod run;
mod script;

use std::path::{Path, PathBuf};

/// Between the script and its ladder.
const LINE: &str = "----";

/// What became of one scenario.
#[derive(Debug)]
pub struct Outcome {
    pub file: String,
    /// None: as expected.
    pub fault: Option<String>,
    pub is_updated: bool,
}

/// The folder of the scenarios.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// All scenario files, sorted by name.
#[must_use]
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "call")
        })
        .collect();
    files.sort();
    files
}

/// Runs one file and compares (or updates) its ladder.
#[must_use]
pub fn check(path: &Path, is_updating: bool) -> Outcome {
    let file = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let (head, expected) = match text.split_once(&format!("\n{LINE}\n")) {
        Some((head, expected)) => (head.to_owned(), expected.to_owned()),
        None => (text.trim_end().to_owned(), String::new()),
    };
    let script = match script::parse(&head) {
        Ok(script) => script,
        Err(fault) => {
            return Outcome {
                file,
                fault: Some(fault),
                is_updated: false,
            };
        }
    };
    let story = run::run(&script);
    if !story.faults.is_empty() {
        let fault = format!("{}\n{}", story.faults.join("\n"), story.ladder);
        return Outcome {
            file,
            fault: Some(fault),
            is_updated: false,
        };
    }
    if story.ladder == expected {
        return Outcome {
            file,
            fault: None,
            is_updated: false,
        };
    }
    if is_updating {
        std::fs::write(path, format!("{head}\n{LINE}\n{}", story.ladder))
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        return Outcome {
            file,
            fault: None,
            is_updated: true,
        };
    }
    Outcome {
        file,
        fault: Some(difference(&expected, &story.ladder)),
        is_updated: false,
    }
}

/// The lines that differ, with a little around them.
fn difference(expected: &str, found: &str) -> String {
    let expected: Vec<&str> = expected.lines().collect();
    let found: Vec<&str> = found.lines().collect();
    let same = expected
        .iter()
        .zip(&found)
        .take_while(|(one, other)| one == other)
        .count();
    let from = same.saturating_sub(3);
    let mut text = format!("the ladder differs from line {} on\n", same + 1);
    for line in &expected[from.min(expected.len())..(same + 8).min(expected.len())] {
        text.push_str(&format!("  expected {line}\n"));
    }
    for line in &found[from.min(found.len())..(same + 8).min(found.len())] {
        text.push_str(&format!("  found    {line}\n"));
    }
    text
}
