//! SIP messages: owned bytes and the spans of their parts.

mod address;
mod auth;
mod check;
mod frame;
pub(crate) mod lex;
mod method;
pub(crate) mod multipart;
mod name;
mod parse;
pub(crate) mod uri;
mod via;
pub(crate) mod write;

#[cfg(test)]
mod tests;

pub use address::NameAddr;
pub use auth::Auth;
pub use check::{Fault, Heads};
pub use frame::{Frame, Framer};
pub use lex::Params;
pub use method::Method;
pub use name::Name;
pub use parse::Garbage;
pub use uri::Uri;
pub use via::Via;
pub use write::Writer;

pub(crate) use via::MAGIC_COOKIE;

use std::borrow::Cow;
use std::ops::Range;

/// A message longer than this is answered 513 (the largest UDP datagram, rounded up).
pub(crate) const BYTES_MAX: usize = 64 * 1_024;

/// First line of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// `INVITE sip:111@example.com SIP/2.0`.
    Request {
        /// The method.
        method: Method,
    },
    /// `SIP/2.0 200 OK`.
    Response {
        /// 100..=699.
        status: u16,
    },
}

/// A parsed message. Header values are looked at only when asked for.
#[derive(Clone, Debug)]
pub struct Message {
    bytes: Vec<u8>,
    start: Start,
    start_line: Range<usize>,
    uri: Range<usize>,
    fields: Vec<Field>,
    body: Range<usize>,
    fault: Option<Fault>,
}

#[derive(Clone, Debug)]
struct Field {
    name: Name,
    token: Range<usize>,
    value: Range<usize>,
}

impl Message {
    /// Method or status.
    #[must_use]
    pub fn start(&self) -> &Start {
        &self.start
    }
    /// The method of a request.
    #[must_use]
    pub fn method(&self) -> Option<&Method> {
        match &self.start {
            Start::Request { method } => Some(method),
            Start::Response { .. } => None,
        }
    }
    /// The status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.start {
            Start::Request { .. } => None,
            Start::Response { status } => Some(status),
        }
    }
    /// Request-URI as written; empty for responses.
    #[must_use]
    pub fn request_uri(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.slice(&self.uri))
    }
    /// The bytes as they came, without what follows the body.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.body.end).unwrap_or(&self.bytes)
    }
    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.slice(&self.body)
    }
    /// All header lines of a name as bytes, folding included.
    pub fn lines(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.fields
            .iter()
            .filter(move |field| field.name == name)
            .map(|field| self.slice(&field.value))
    }
    /// The first header line of a name, unfolded.
    #[must_use]
    pub fn value(&self, name: Name) -> Option<Cow<'_, str>> {
        self.lines(name).next().map(lex::text)
    }
    /// The first line of a header that [`Name`] does not know.
    #[must_use]
    pub fn other(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut others = self.fields.iter().filter(|field| field.name == Name::Other);
        let found = others.find(|field| {
            self.slice(&field.token)
                .eq_ignore_ascii_case(name.as_bytes())
        });
        found.map(|field| lex::text(self.slice(&field.value)))
    }
    /// All values of a header that may be a list, whether in one line or several; None when a quoted string
    /// or bracket never closes.
    #[must_use]
    pub fn list(&self, name: Name) -> Option<Vec<String>> {
        let mut values = Vec::new();
        for line in self.lines(name) {
            values.extend(
                lex::split(&lex::text(line), ',')?
                    .into_iter()
                    .map(str::to_owned),
            );
        }
        Some(values)
    }
    /// The first value of a header that may be a list.
    #[must_use]
    pub fn first(&self, name: Name) -> Option<String> {
        let line = self.value(name)?;
        lex::split(&line, ',')?
            .first()
            .map(|first| (*first).to_owned())
    }
    /// How many lines a header has.
    #[must_use]
    pub fn count(&self, name: Name) -> usize {
        self.fields
            .iter()
            .filter(|field| field.name == name)
            .count()
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}
