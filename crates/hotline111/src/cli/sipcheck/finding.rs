//! One line of the report: what was tried, what came of it, what to do.

use super::super::output::Console;
use crate::config::Tongue;
use serde_json::json;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Calls would fail or be silent.
    Error,
    /// Shown to work.
    Fine,
    /// Cannot be known from here.
    Unknown,
    /// Works, and soon or for some it will not.
    Warning,
}

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    vietnamese: String,
    english: String,
}

/// A line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// What was tried, e.g. `udp 10.1.1.1:5060`.
    pub(crate) what: String,
    pub(crate) result: Said,
    pub(crate) help: Option<Said>,
}

impl Said {
    pub(crate) fn new(vietnamese: impl Into<String>, english: impl Into<String>) -> Self {
        Self {
            vietnamese: vietnamese.into(),
            english: english.into(),
        }
    }

    /// In one of them.
    pub(crate) fn pick(&self, tongue: Tongue) -> &str {
        tongue.pick(&self.vietnamese, &self.english)
    }
}

impl Finding {
    pub(crate) fn new(level: Level, what: impl Into<String>, result: Said) -> Self {
        Self {
            level,
            what: what.into(),
            result,
            help: None,
        }
    }

    pub(crate) fn fine(what: impl Into<String>, result: Said) -> Self {
        Self::new(Level::Fine, what, result)
    }

    /// With what to do about it.
    pub(crate) fn help(self, help: Said) -> Self {
        Self {
            help: Some(help),
            ..self
        }
    }

    pub(super) fn print(&self, is_json: bool, console: &mut Console) {
        let text = if is_json {
            self.json(console.tongue)
        } else {
            self.line(console.tongue)
        };
        console.out(&text);
    }

    /// One object, one line.
    fn json(&self, tongue: Tongue) -> String {
        let line = json!({
            "severity": self.level.name(),
            "what": self.what,
            "text": self.result.pick(tongue),
            "help": self.help.as_ref().map(|help| help.pick(tongue)),
        });
        format!("{line}\n")
    }

    /// For eyes; the remedy below.
    fn line(&self, tongue: Tongue) -> String {
        let (word, result) = (self.level.word(tongue), self.result.pick(tongue));
        let gap = " ".repeat(WORD_WIDTH.saturating_sub(word.chars().count()));
        let mut text = format!("{word}{gap}{}: {result}\n", self.what);
        if let Some(help) = &self.help {
            let indent = " ".repeat(WORD_WIDTH);
            text.push_str(&format!("{indent}-> {}\n", help.pick(tongue)));
        }
        text
    }
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Fine => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
        }
    }

    fn word(self, tongue: Tongue) -> &'static str {
        match self {
            Self::Error => tongue.pick("lỗi", "error"),
            Self::Fine => tongue.pick("tốt", "ok"),
            Self::Unknown => tongue.pick("chưa rõ", "unknown"),
            Self::Warning => tongue.pick("cảnh báo", "warning"),
        }
    }
}

/// The longest of the words, and two spaces.
const WORD_WIDTH: usize = 10;
