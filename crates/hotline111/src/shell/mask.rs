//! Takes callers' numbers, names and secrets out of a SIP message, and leaves everything by which a fault is found.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Masks the messages of one call. A number learned in one header is taken out wherever else it stands.
pub(crate) struct Masker {
    /// User parts that are no secret: counsellors' accounts.
    shown: BTreeSet<String>,
    /// The last digits of every number seen.
    tails: BTreeSet<String>,
}

impl Masker {
    /// `shown` are user parts that stay.
    pub(crate) fn new(shown: BTreeSet<String>) -> Self {
        Self {
            shown,
            tails: BTreeSet::new(),
        }
    }

    /// Notes the numbers of a message; all messages of a call are learned before the first is masked.
    pub(crate) fn learn(&mut self, message: &[u8]) {
        let text = String::from_utf8_lossy(message);
        for line in head_and_body(&text).0.split("\r\n") {
            for user in users(line) {
                let digits: String = user.chars().filter(char::is_ascii_digit).collect();
                let tail = digits.get(digits.len().saturating_sub(TAIL_DIGITS)..);
                if digits.len() >= NUMBER_DIGITS_MIN && !self.shown.contains(user) {
                    self.tails.extend(tail.map(str::to_owned));
                }
            }
        }
    }

    /// The message without what must not be seen, still a message.
    pub(crate) fn mask(&self, message: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(message);
        let (head, body) = head_and_body(&text);
        let lines = unfolded(head);
        let is_sdp = lines.iter().any(|line| {
            header(line).is_some_and(|(name, value)| {
                name == "content-type" && value.to_ascii_lowercase().starts_with("application/sdp")
            })
        });
        let body = self.body(body, is_sdp);
        let mut masked = String::with_capacity(text.len());
        for (index, line) in lines.iter().enumerate() {
            let line = if index == 0 {
                self.start_line(line)
            } else {
                self.header_line(line, body.len())
            };
            masked.push_str(&self.scrubbed(&line));
            masked.push_str("\r\n");
        }
        masked.push_str("\r\n");
        masked.push_str(&body);
        masked.into_bytes()
    }

    fn start_line(&self, line: &str) -> String {
        let mut parts = line.splitn(3, ' ');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(method), Some(uri), Some(version)) if !method.starts_with("SIP/") => {
                format!("{method} {} {version}", self.uri(uri))
            }
            _ => line.to_owned(),
        }
    }

    fn header_line(&self, line: &str, body_bytes: usize) -> String {
        let Some((name, value)) = header(line) else {
            return HIDDEN.to_owned();
        };
        let written = line.split(':').next().unwrap_or_default().trim_end();
        let value = match name.as_str() {
            "content-length" => body_bytes.to_string(),
            name if PLAIN.contains(&name) => value.to_owned(),
            name if ADDRESSES.contains(&name) => self.addresses(value),
            // Authorization, Geolocation, Subject, and whatever somebody will invent.
            _ => HIDDEN.to_owned(),
        };
        format!("{written}: {value}")
    }

    /// `"Name" <uri>;params, uri;params`.
    fn addresses(&self, value: &str) -> String {
        let parts = split(value, ',');
        let masked = parts.iter().map(|part| {
            let part = part.trim();
            match find(part, '<') {
                Some(open) => {
                    let (display, rest) = part.split_at(open);
                    let inner = rest.trim_start_matches('<');
                    let (uri, params) = inner.split_once('>').unwrap_or((inner, ""));
                    let display = match display.trim() {
                        "" | "\"\"" => String::new(),
                        _ => format!("\"{HIDDEN}\" "),
                    };
                    format!("{display}<{}>{}", self.uri(uri), params_of(params))
                }
                None => {
                    let (uri, params) = part.split_at(part.find(';').unwrap_or(part.len()));
                    format!("{}{}", self.uri(uri), params_of(params))
                }
            }
        });
        masked.collect::<Vec<_>>().join(", ")
    }

    fn uri(&self, uri: &str) -> String {
        let Some((scheme, rest)) = uri.split_once(':') else {
            return if uri == "*" { uri } else { HIDDEN }.to_owned();
        };
        match scheme.to_ascii_lowercase().as_str() {
            "sip" | "sips" => {
                let (address, has_headers) = match rest.split_once('?') {
                    Some((address, _)) => (address, true),
                    None => (rest, false),
                };
                let (user, host) = match address.rsplit_once('@') {
                    Some((user, host)) => (Some(user), host),
                    None => (None, address),
                };
                let (host, params) = host.split_at(host.find(';').unwrap_or(host.len()));
                let mut masked = format!("{scheme}:");
                if let Some(user) = user {
                    let user = user.split([';', ':']).next().unwrap_or_default();
                    masked.push_str(&self.user(user));
                    masked.push('@');
                }
                masked.push_str(if is_number(host) { HIDDEN } else { host });
                masked.push_str(&params_of(params));
                masked.push_str(if has_headers { "?***" } else { "" });
                masked
            }
            "tel" => {
                let number = rest.split(';').next().unwrap_or_default();
                format!("{scheme}:{}", self.user(number))
            }
            "urn" => uri.to_owned(),
            _ => format!("{scheme}:{HIDDEN}"),
        }
    }

    /// As `CallerNumber` shows itself; short codes and accounts are nobody's number.
    fn user(&self, user: &str) -> String {
        let is_code = user.len() <= CODE_LENGTH_MAX
            && user
                .bytes()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'#'));
        let is_shown = user.eq_ignore_ascii_case("anonymous") || self.shown.contains(user);
        if is_code || is_shown {
            return user.to_owned();
        }
        let tail: String = user.chars().rev().take(2).collect();
        let tail: String = tail.chars().rev().collect();
        if user.chars().count() > 5 && tail.chars().all(|letter| letter.is_ascii_alphanumeric()) {
            format!("{HIDDEN}{tail}")
        } else {
            HIDDEN.to_owned()
        }
    }

    fn body(&self, body: &str, is_sdp: bool) -> String {
        if body.is_empty() {
            return String::new();
        }
        // Keys by INFO, places, texts: content, and no way to find a fault of signalling.
        if !is_sdp {
            return format!("({} bytes not shown)", body.len());
        }
        let mut masked = String::with_capacity(body.len());
        for line in body.lines() {
            let line = match line.split_once('=') {
                Some(("o", value)) => {
                    let rest = value.split_once(' ').map_or("", |(_, rest)| rest);
                    format!("o=- {rest}")
                }
                Some(("s", _)) => "s=-".to_owned(),
                Some(("a", value)) => match SECRET_ATTRIBUTES
                    .iter()
                    .find(|name| value.to_ascii_lowercase().starts_with(**name))
                {
                    Some(name) => format!("a={name}{HIDDEN}"),
                    None => line.to_owned(),
                },
                Some(("v" | "c" | "t" | "m" | "b" | "r", _)) => line.to_owned(),
                Some((name, _)) if name.len() == 1 => format!("{name}={HIDDEN}"),
                _ => HIDDEN.to_owned(),
            };
            masked.push_str(&self.scrubbed(&line));
            masked.push_str("\r\n");
        }
        masked
    }

    /// Numbers of this call wherever else somebody has put them: Call-ID, tags, names of products.
    fn scrubbed(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for tail in &self.tails {
            if line.contains(tail.as_str()) {
                line = line.replace(tail.as_str(), &"*".repeat(tail.len()));
            }
        }
        line
    }
}

/// `;tag=a;user=phone`: what looks like a number goes.
fn params_of(params: &str) -> String {
    let mut kept = String::new();
    for param in split(params, ';').iter().skip(1) {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        let is_secret = !name.trim().eq_ignore_ascii_case("tag") && is_number(value);
        let value = if is_secret { HIDDEN } else { value };
        let equals = if param.contains('=') { "=" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(kept, ";{name}{equals}{value}");
    }
    kept
}

fn is_number(text: &str) -> bool {
    let mut run = 0;
    text.bytes().any(|byte| {
        run = if byte.is_ascii_digit() { run + 1 } else { 0 };
        run >= NUMBER_DIGITS_MIN
    })
}

/// User parts of the URIs in a line.
fn users(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find(':') {
        let scheme = rest.get(..at).unwrap_or_default();
        rest = rest.get(at + 1..).unwrap_or_default();
        let ends_with = |name: &str| {
            let from = scheme.len().saturating_sub(name.len());
            scheme
                .get(from..)
                .is_some_and(|end| end.eq_ignore_ascii_case(name))
        };
        if ends_with("sip") || ends_with("sips") || ends_with("tel") {
            let end = rest.find([';', '@', '>', '?', ' ', ',']);
            found.push(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default());
        }
    }
    found
}

fn head_and_body(text: &str) -> (&str, &str) {
    text.split_once("\r\n\r\n")
        .unwrap_or_else(|| (text.trim_end_matches("\r\n"), ""))
}

/// Header lines, folded ones joined (RFC 3261 §7.3.1).
fn unfolded(head: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in head.trim_start_matches("\r\n").split("\r\n") {
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(line.trim_start());
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Name, lower case and long, and value.
fn header(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim().to_ascii_lowercase();
    let long = COMPACT
        .iter()
        .find(|(compact, _)| *compact == name)
        .map(|(_, long)| (*long).to_owned());
    Some((long.unwrap_or(name), value.trim()))
}

/// Parts between separators that stand neither in quotes nor in brackets.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = find(rest, separator) {
        let (part, behind) = rest.split_at(at);
        parts.push(part);
        rest = behind.get(separator.len_utf8()..).unwrap_or_default();
    }
    parts.push(rest);
    parts
}

fn find(text: &str, wanted: char) -> Option<usize> {
    let (mut is_quoted, mut is_escaped, mut is_bracketed) = (false, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            letter if letter == wanted && !is_quoted && !is_bracketed => return Some(at),
            '<' if !is_quoted => is_bracketed = true,
            '>' if !is_quoted => is_bracketed = false,
            _ => {}
        }
    }
    None
}

const HIDDEN: &str = "***";
/// The longest code of our own, e.g. `111` and `*11`.
const CODE_LENGTH_MAX: usize = 4;
/// Fewer digits in a row are no subscriber's number.
const NUMBER_DIGITS_MIN: usize = 6;
/// A number is known by so many digits at its end, with or without its country's code.
const TAIL_DIGITS: usize = 8;
/// Headers that hold nothing of a person.
const PLAIN: [&str; 37] = [
    "accept",
    "accept-encoding",
    "allow",
    "allow-events",
    "call-id",
    "content-disposition",
    "content-encoding",
    "content-type",
    "cseq",
    "date",
    "event",
    "expires",
    "flow-timer",
    "max-forwards",
    "mime-version",
    "min-expires",
    "min-se",
    "p-access-network-info",
    "privacy",
    "proxy-authenticate",
    "proxy-require",
    "rack",
    "reason",
    "replaces",
    "require",
    "retry-after",
    "rseq",
    "server",
    "session-expires",
    "subscription-state",
    "supported",
    "timestamp",
    "unsupported",
    "user-agent",
    "via",
    "www-authenticate",
    "x-call-id",
];
/// Headers that hold addresses.
const ADDRESSES: [&str; 15] = [
    "contact",
    "diversion",
    "from",
    "history-info",
    "p-asserted-identity",
    "p-called-party-id",
    "p-preferred-identity",
    "path",
    "record-route",
    "refer-to",
    "referred-by",
    "remote-party-id",
    "route",
    "service-route",
    "to",
];
/// RFC 3261 §7.3.3 and the registry of IANA.
const COMPACT: [(&str, &str); 15] = [
    ("b", "referred-by"),
    ("c", "content-type"),
    ("e", "content-encoding"),
    ("f", "from"),
    ("i", "call-id"),
    ("k", "supported"),
    ("l", "content-length"),
    ("m", "contact"),
    ("o", "event"),
    ("r", "refer-to"),
    ("s", "subject"),
    ("t", "to"),
    ("u", "allow-events"),
    ("v", "via"),
    ("x", "session-expires"),
];
/// Keys of the media.
const SECRET_ATTRIBUTES: [&str; 3] = ["crypto:", "ice-pwd:", "key-mgmt:"];
