//! The caller's number, which shows itself only where that is allowed.

use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A caller's number (E.164 where it could be normalised, else as sent; empty = anonymous).
/// `Debug` and `Display` print it masked; only [`reveal`](Self::reveal) shows it, and the tidy check lists
/// who may call that.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallerNumber(String);

impl CallerNumber {
    /// Takes a number as it stands.
    #[must_use]
    pub fn new(number: String) -> Self {
        Self(number)
    }

    /// The number itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The caller hides the number.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for CallerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_anonymous() {
            return f.write_str("anonymous");
        }
        // Two digits tell two callers in a log apart often enough, and nobody from nobody else.
        let tail_from = self.0.char_indices().rev().nth(1).map_or(0, |(at, _)| at);
        match self.0.get(tail_from..) {
            Some(tail) if self.0.chars().count() > 5 => write!(f, "***{tail}"),
            _ => f.write_str("***"),
        }
    }
}

impl fmt::Debug for CallerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// Written by hand, not derived: every place that makes a number readable is meant to be seen.
impl Serialize for CallerNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CallerNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}
