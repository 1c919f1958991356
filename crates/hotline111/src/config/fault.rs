//! Faults of the configuration: collected while it is read, all of them, and printed with the line and a caret.

use super::problem::Problem;
use super::source::{Kind, Place, Sources};
use super::tongue::Tongue;
use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// The server does not start.
    Error,
    /// The server starts; somebody should look.
    Warning,
    /// Good to know.
    Note,
}

/// One thing wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// How bad.
    pub severity: Severity,
    /// What.
    pub problem: Problem,
    /// File, environment variable or `--set`; None when it stands nowhere (a key that is missing everywhere).
    pub origin: Option<String>,
    /// Line and column, from 1; only in files.
    pub at: Option<(usize, usize)>,
    excerpt: Option<Excerpt>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    line: String,
    column: usize,
    width: usize,
}

/// What one load has to say: faults so far, and the values as they were read.
#[derive(Debug)]
pub(crate) struct Notes {
    is_missing_accepted: bool,
    /// The configuration's folder, where relative paths begin.
    folder: PathBuf,
    faults: RefCell<Vec<(Severity, Option<Place>, Problem)>>,
    shown: RefCell<Vec<(String, String, Option<Place>)>>,
}

/// A value in force, for `config show`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// `sip.udp`.
    pub key: String,
    /// As it would be written in a file; secrets are masked.
    pub value: String,
    /// File and line, environment variable, `--set`; None = built in.
    pub origin: Option<String>,
}

/// Widest piece of a line that is printed with its caret.
const EXCERPT_CHARS_MAX: usize = 160;

impl Notes {
    /// `is_missing_accepted`: prompts without a clip do not keep the server from starting.
    pub(crate) fn new(folder: &Path, is_missing_accepted: bool) -> Self {
        let folder = folder.to_owned();
        Self {
            is_missing_accepted,
            folder,
            faults: RefCell::default(),
            shown: RefCell::default(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn error(&self, place: Option<Place>, problem: Problem) {
        let is_accepted =
            self.is_missing_accepted && matches!(problem, Problem::PromptMissing { .. });
        self.say(
            if is_accepted {
                Severity::Warning
            } else {
                Severity::Error
            },
            place,
            problem,
        );
    }

    pub(crate) fn say(&self, severity: Severity, place: Option<Place>, problem: Problem) {
        let mut faults = self.faults.borrow_mut();
        let is_said = faults
            .iter()
            .any(|(_, at, said)| *at == place && *said == problem);
        if !is_said {
            faults.push((severity, place, problem));
        }
    }

    pub(crate) fn show(&self, key: String, value: String, place: Option<Place>) {
        self.shown.borrow_mut().push((key, value, place));
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.faults
            .borrow()
            .iter()
            .any(|(severity, _, _)| *severity == Severity::Error)
    }

    /// All faults: errors first, then by file and line.
    pub(crate) fn faults(&self, sources: &Sources) -> Vec<Fault> {
        let mut faults = self.faults.borrow().clone();
        faults.sort_by_key(|(severity, place, _)| {
            (*severity, place.map(|place| (place.source, place.start)))
        });
        faults
            .into_iter()
            .map(|(severity, place, problem)| fault(severity, place, problem, sources))
            .collect()
    }

    pub(crate) fn shown(&self, sources: &Sources) -> Vec<Shown> {
        let shown = self.shown.borrow().clone();
        let origin = |place: Place| {
            let source = sources.at(place)?;
            Some(match &source.kind {
                Kind::File(path) => format!("{}:{}", path.display(), sources.position(place).line),
                Kind::CommandLine | Kind::Environment(_) => source.name(),
            })
        };
        let mut shown: Vec<Shown> = shown
            .into_iter()
            .map(|(key, value, place)| Shown {
                key,
                value,
                origin: place.and_then(origin),
            })
            .collect();
        shown.sort_by(|a, b| a.key.cmp(&b.key));
        shown
    }
}

fn fault(severity: Severity, place: Option<Place>, problem: Problem, sources: &Sources) -> Fault {
    let found = place.and_then(|place| Some((place, sources.at(place)?)));
    let Some((place, source)) = found else {
        return Fault {
            severity,
            problem,
            origin: None,
            at: None,
            excerpt: None,
        };
    };
    let position = sources.position(place);
    let is_file = matches!(source.kind, Kind::File(_));
    Fault {
        severity,
        problem,
        origin: Some(source.name()),
        at: is_file.then_some((position.line, position.column)),
        excerpt: Some(Excerpt {
            line: position.line_text,
            column: position.column,
            width: position.width,
        }),
    }
}

impl Fault {
    /// As it is printed: place, sentence, the line with a caret, and what may help.
    pub(crate) fn render(&self, tongue: Tongue) -> String {
        let word = match self.severity {
            Severity::Error => tongue.pick("lỗi", "error"),
            Severity::Warning => tongue.pick("cảnh báo", "warning"),
            Severity::Note => tongue.pick("lưu ý", "note"),
        };
        let mut text = match (&self.origin, self.at) {
            (Some(origin), Some((line, column))) => format!("{origin}:{line}:{column}: "),
            (Some(origin), None) => format!("{origin}: "),
            (None, _) => String::new(),
        };
        text.push_str(&format!("{word}: {}\n", self.problem.text(tongue)));
        let excerpt = self
            .excerpt
            .as_ref()
            .filter(|_| self.severity != Severity::Note);
        if let Some(excerpt) = excerpt {
            text.push_str(&excerpt.render(self.at.map(|(line, _)| line)));
        }
        if let Some(help) = self.problem.help(tongue) {
            text.push_str(&format!("      = {help}\n"));
        }
        text
    }
}

impl Excerpt {
    fn render(&self, line: Option<usize>) -> String {
        let number = line.map_or_else(String::new, |line| line.to_string());
        let skipped = self
            .column
            .saturating_sub(EXCERPT_CHARS_MAX / 2)
            .min(self.column - 1);
        let skipped = if self.line.chars().count() > EXCERPT_CHARS_MAX {
            skipped
        } else {
            0
        };
        let shown: String = self
            .line
            .chars()
            .skip(skipped)
            .take(EXCERPT_CHARS_MAX)
            .collect();
        // Tabs stay tabs under the line, so that the caret stands where the eye expects it.
        let indent: String = shown
            .chars()
            .take(self.column - 1 - skipped)
            .map(|letter| if letter == '\t' { '\t' } else { ' ' })
            .collect();
        let carets = "^".repeat(self.width.min(EXCERPT_CHARS_MAX));
        format!("{number:>5} | {shown}\n      | {indent}{carets}\n")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(Tongue::English).trim_end())
    }
}
