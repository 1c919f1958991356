//! From, To, Contact, Route: a display name, a URI, parameters (RFC 3261 §20.10).

use super::lex::{self, Params};
use super::uri::Uri;

/// A name-addr or addr-spec with its header parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// Display name without quotes; empty when there is none.
    pub display: String,
    /// The URI.
    pub uri: Uri,
    /// Header parameters, e.g. `tag`.
    pub params: Params,
}

impl NameAddr {
    /// None when the value is not exactly one address.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        let Some(open) = lex::find_unquoted(value, '<') else {
            return Self::parse_bare(value);
        };
        let (before, behind) = (value.get(..open)?.trim(), value.get(open + 1..)?);
        let close = behind.find('>')?;
        // No blanks between the brackets (RFC 4475 §3.1.2.14): Uri::parse refuses them.
        let uri = Uri::parse(behind.get(..close)?)?;
        Some(Self {
            display: display_name(before)?,
            uri,
            params: trailing(behind.get(close + 1..)?)?,
        })
    }

    /// Without brackets `;` starts header parameters, and the URI may hold neither `,` nor `?`.
    fn parse_bare(value: &str) -> Option<Self> {
        let end = value.find(';').unwrap_or(value.len());
        let text = value.get(..end)?.trim_end();
        if text.contains(['?', ',']) {
            return None;
        }
        Some(Self {
            display: String::new(),
            uri: Uri::parse(text)?,
            params: trailing(value.get(end..)?)?,
        })
    }

    /// The tag parameter, when it is there and not empty.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.params.value("tag").filter(|tag| !tag.is_empty())
    }
}

/// `;a=b;c` behind the address.
fn trailing(text: &str) -> Option<Params> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Params::default());
    }
    Params::parse(lex::split(text.strip_prefix(';')?, ';')?.into_iter())
}

/// A quoted string, or words: tolerant of bytes that are no token, strict about what could split the value.
fn display_name(text: &str) -> Option<String> {
    if text.starts_with('"') {
        return lex::unquote(text);
    }
    (!text.contains(['"', ',', ';', ':', '>'])).then(|| text.to_owned())
}
