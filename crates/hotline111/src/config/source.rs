//! Where a value stands: file, environment or command line, and the place in it.

use std::path::PathBuf;

/// What kind of text a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `--set key=value`.
    CommandLine,
    /// An environment variable, by name.
    Environment(String),
    /// A file.
    File(PathBuf),
}

/// One text that values came from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

/// Bytes `start..end` of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) source: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The place of a value that is built in.
pub(crate) const NOWHERE: Place = Place {
    source: usize::MAX,
    start: 0,
    end: 0,
};

/// All texts of one load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(Vec<Source>);

/// A place as people count: lines and columns from 1, in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) line_text: String,
    pub(crate) width: usize,
}

impl Source {
    /// How the source is called in a message.
    pub(crate) fn name(&self) -> String {
        match &self.kind {
            Kind::CommandLine => "--set".to_owned(),
            Kind::Environment(name) => name.clone(),
            Kind::File(path) => path.display().to_string(),
        }
    }
}

impl Sources {
    pub(crate) fn add(&mut self, kind: Kind, text: String) -> usize {
        self.0.push(Source { kind, text });
        self.0.len() - 1
    }

    /// Number of the source added last.
    pub(crate) fn last(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    pub(crate) fn at(&self, place: Place) -> Option<&Source> {
        self.0.get(place.source)
    }

    pub(crate) fn text(&self, source: usize) -> &str {
        self.0.get(source).map_or("", |found| found.text.as_str())
    }

    pub(crate) fn position(&self, place: Place) -> Position {
        let text = self.text(place.source);
        let start = floor(text, place.start);
        let end = floor(text, place.end.max(place.start));
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text
            .get(start..)
            .and_then(|rest| rest.find('\n'))
            .map_or(text.len(), |at| start + at);
        let width = text
            .get(start..end.min(line_end).max(start))
            .map_or(0, |piece| piece.chars().count());
        Position {
            line: before.matches('\n').count() + 1,
            column: text
                .get(line_start..start)
                .map_or(0, |piece| piece.chars().count())
                + 1,
            line_text: text
                .get(line_start..line_end)
                .unwrap_or_default()
                .trim_end_matches('\r')
                .to_owned(),
            width: width.max(1),
        }
    }
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|&index| text.is_char_boundary(index))
        .unwrap_or(0)
}
