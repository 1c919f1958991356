//! Cuts header values apart: folding, quoted strings, angle brackets, lists, parameters.

use std::borrow::Cow;

/// RFC 3261 §25.1 `token`: what method names, header names and parameter names are made of.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token_byte(*byte))
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

/// Without the blanks at both ends.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// A header value as one line (RFC 3261 §7.3.1: folding equals a single space), bytes outside UTF-8
/// replaced, so that a Latin-1 display name costs the name and not the message.
pub(crate) fn text(value: &[u8]) -> Cow<'_, str> {
    let value = trim(value);
    if !value.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        return String::from_utf8_lossy(value);
    }
    let mut line = Vec::with_capacity(value.len());
    let mut is_fold = false;
    for byte in value {
        match byte {
            b'\r' | b'\n' => is_fold = true,
            b' ' | b'\t' if is_fold => {}
            other => {
                if is_fold {
                    line.push(b' ');
                }
                is_fold = false;
                line.push(*other);
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&line).into_owned())
}

/// The parts between `separator`s outside quoted strings and `<>`; None when one of those never closes.
pub(crate) fn split(value: &str, separator: char) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut start, mut is_quoted, mut is_escaped, mut is_angle) = (0, false, false, false);
    for (at, letter) in value.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if is_quoted {
            match letter {
                '\\' => is_escaped = true,
                '"' => is_quoted = false,
                _ => {}
            }
        } else if letter == '"' {
            is_quoted = true;
        } else if letter == '<' {
            is_angle = true;
        } else if letter == '>' {
            is_angle = false;
        } else if letter == separator && !is_angle {
            parts.push(value.get(start..at)?.trim());
            start = at + letter.len_utf8();
        }
    }
    if is_quoted || is_angle {
        return None;
    }
    parts.push(value.get(start..)?.trim());
    Some(parts)
}

/// Where `wanted` first stands outside quoted strings.
pub(crate) fn find_unquoted(value: &str, wanted: char) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, letter) in value.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if is_quoted {
            match letter {
                '\\' => is_escaped = true,
                '"' => is_quoted = false,
                _ => {}
            }
        } else if letter == '"' {
            is_quoted = true;
        } else if letter == wanted {
            return Some(at);
        }
    }
    None
}

/// The content of a quoted string, escapes resolved; None when it is not exactly one quoted string.
pub(crate) fn unquote(value: &str) -> Option<String> {
    let inner = value.strip_prefix('"')?;
    let mut content = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return letters.as_str().is_empty().then_some(content),
            '\\' => content.push(letters.next()?),
            other => content.push(other),
        }
    }
    None
}

/// `text` in quotes, with what would end them escaped and control characters left out.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// `%41` becomes `A`; what is no valid escape stays as it is.
pub(crate) fn unescape(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A user part as it may stand in a URI (RFC 3261 §25.1 `user`): everything else is escaped.
pub(crate) fn escape_user(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

fn hex_digit(letter: u8) -> Option<u8> {
    char::from(letter)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Parameters `;name=value`, names in lower case, in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, Option<String>)>);

impl Params {
    /// Parses the parts behind a value; None when a part is empty or has no legal name.
    pub(crate) fn parse<'a>(parts: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut params = Vec::new();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (part, None),
            };
            if name.is_empty()
                || name.contains([' ', '\t', '"', '<', '>', ',', '@'])
                || params.len() >= PARAMS_MAX
            {
                return None;
            }
            let value = match value {
                Some(quoted) if quoted.starts_with('"') => Some(unquote(quoted)?),
                Some(plain) if plain.contains(['"', ',', ' ']) => return None,
                Some(plain) => Some(plain.to_owned()),
                None => None,
            };
            params.push((name.to_ascii_lowercase(), value));
        }
        Some(Self(params))
    }
    /// The value of a parameter (empty when it has none); None when it is absent. `name` in lower case.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_deref().unwrap_or_default())
    }
    /// Whether the parameter is there.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
    }
}

/// More parameters on one value than any real peer sends.
const PARAMS_MAX: usize = 64;
