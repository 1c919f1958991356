//! Bytes to message. Never fails on a fault that can be answered: the fault is noted instead.

use super::check::Fault;
use super::frame;
use super::name::Name;
use super::{BYTES_MAX, Field, Message, Method, Start, lex};
use std::ops::Range;

/// Bytes that are no SIP message, or a response that nobody may act on: dropped in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no SIP message")]
pub struct Garbage;

impl Message {
    /// Parses a datagram, or a message that a [`Framer`](super::Framer) has cut out of a stream.
    ///
    /// # Errors
    /// When there is nothing that could be answered.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, Garbage> {
        // RFC 3261 §7.5: empty lines before the start line are ignored.
        let skipped = bytes
            .iter()
            .take(BLANK_BYTES_MAX)
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let line_end = find(&bytes, skipped, b"\r\n").ok_or(Garbage)?;
        let start_line = skipped..line_end;
        let mut fault = None;
        let (start, uri) = start_line_parts(&bytes, &start_line, &mut fault)?;
        let mut message = Self {
            start,
            start_line,
            uri,
            fields: Vec::new(),
            body: 0..0,
            fault,
            bytes,
        };
        let body_start = message.read_fields(line_end + 2);
        message.read_body(body_start);
        if message.bytes.len() > BYTES_MAX {
            message.note(513, "Message too large");
        }
        if message.fault.is_some() && message.status().is_some() {
            return Err(Garbage);
        }
        Ok(message)
    }

    /// What is wrong with it, if anything was seen while parsing.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    fn note(&mut self, status: u16, why: &'static str) {
        self.fault.get_or_insert(Fault { status, why });
    }

    /// Reads header lines up to the empty line; returns where the body starts.
    fn read_fields(&mut self, mut at: usize) -> usize {
        loop {
            let Some(end) = line_end(&self.bytes, at) else {
                self.note(400, "Header not ended");
                return self.bytes.len();
            };
            if end == at {
                self.limit_names();
                return at + 2;
            }
            if self.fields.len() >= FIELDS_MAX {
                self.note(400, "Too many headers");
                return find(&self.bytes, at, b"\r\n\r\n").map_or(self.bytes.len(), |end| end + 4);
            }
            self.read_field(at..end);
            at = end + 2;
        }
    }

    fn read_field(&mut self, line: Range<usize>) {
        let bytes = self.bytes.get(line.clone()).unwrap_or_default();
        if bytes.len() > FIELD_BYTES_MAX {
            return self.note(513, "Header too large");
        }
        // RFC 3261 §25.1: CR and LF stand in a value only as folding. Whoever takes a lone one for the end of a line
        // would see a header there that we do not see.
        if has_lone_break(bytes) {
            return self.note(400, "Line break inside a header");
        }
        let Some(colon) = bytes.iter().position(|byte| *byte == b':') else {
            return self.note(400, "Header without colon");
        };
        // HCOLON allows blanks before the colon; anything else that is no token might be seen as another
        // header by the next hop.
        let token = bytes.get(..colon).unwrap_or_default();
        let token_bytes = token
            .iter()
            .rev()
            .skip_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let token = token.get(..token_bytes).unwrap_or_default();
        if !lex::is_token(token) {
            return self.note(400, "Bad header name");
        }
        let name = std::str::from_utf8(token).map_or(Name::Other, Name::parse);
        let token = line.start..line.start + token_bytes;
        self.fields.push(Field {
            name,
            token,
            value: line.start + colon + 1..line.end,
        });
    }

    /// Floods of one header have killed others (CVE-2018-7284).
    fn limit_names(&mut self) {
        if self.count(Name::Via) > VIAS_MAX {
            self.note(400, "Too many Vias");
        }
        if self.fields.len() <= FIELDS_MAX_PER_NAME {
            return;
        }
        let mut names: Vec<Vec<u8>> = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            let token = match field.name {
                Name::Other => self.slice(&field.token).to_ascii_lowercase(),
                known => known.as_str().as_bytes().to_vec(),
            };
            names.push(token);
        }
        names.sort_unstable();
        if names
            .chunk_by(|one, next| one == next)
            .any(|same| same.len() > FIELDS_MAX_PER_NAME)
        {
            self.note(400, "Too many headers of one name");
        }
    }

    fn read_body(&mut self, start: usize) {
        let start = start.min(self.bytes.len());
        self.body = start..self.bytes.len();
        let head = self
            .bytes
            .get(self.start_line.start..start)
            .unwrap_or_default();
        match frame::content_length(head) {
            Ok(None) => {}
            Ok(Some(length)) if length <= self.body.len() => self.body.end = start + length,
            Ok(Some(_)) => self.note(400, "Body shorter than Content-Length"),
            Err(()) => self.note(400, "Bad Content-Length"),
        }
    }
}

fn start_line_parts(
    bytes: &[u8],
    line: &Range<usize>,
    fault: &mut Option<Fault>,
) -> Result<(Start, Range<usize>), Garbage> {
    let text = bytes.get(line.clone()).unwrap_or_default();
    if text
        .get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"SIP/"))
    {
        return Ok((status_line(text)?, 0..0));
    }
    let text = text.trim_ascii_end();
    let first = text.iter().position(|byte| *byte == b' ').ok_or(Garbage)?;
    let last = text.iter().rposition(|byte| *byte == b' ').ok_or(Garbage)?;
    let version = text.get(last + 1..).unwrap_or_default();
    if !version
        .get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"SIP/"))
    {
        return Err(Garbage);
    }
    let method = std::str::from_utf8(text.get(..first).unwrap_or_default())
        .ok()
        .and_then(Method::parse)
        .ok_or(Garbage)?;
    let uri = line.start + (first + 1).min(last)..line.start + last;
    let written = bytes.get(uri.clone()).unwrap_or_default();
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        fault.get_or_insert(Fault {
            status: 505,
            why: "Version not supported",
        });
    } else if written.is_empty()
        || written.iter().any(|byte| byte.is_ascii_whitespace())
        || text.len() > FIELD_BYTES_MAX
    {
        fault.get_or_insert(Fault {
            status: 400,
            why: "Bad start line",
        });
    }
    Ok((Start::Request { method }, uri))
}

fn status_line(text: &[u8]) -> Result<Start, Garbage> {
    let mut parts = text.splitn(3, |byte| *byte == b' ');
    let version = parts.next().unwrap_or_default();
    let digits = parts
        .next()
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .ok_or(Garbage)?;
    let status: u16 = super::uri::decimal(digits).ok_or(Garbage)?;
    let is_known = version.eq_ignore_ascii_case(b"SIP/2.0")
        && digits.len() == 3
        && (100..700).contains(&status);
    if is_known {
        Ok(Start::Response { status })
    } else {
        Err(Garbage)
    }
}

fn has_lone_break(line: &[u8]) -> bool {
    let mut last = 0;
    let mut is_lone = false;
    for byte in line.iter().copied().chain([0]) {
        is_lone |= (last == b'\r') != (byte == b'\n');
        last = byte;
    }
    is_lone
}

/// End of the header line that starts at `at`: the CRLF that no blank follows.
fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = find(bytes, at, b"\r\n")?;
    while end > at
        && bytes
            .get(end + 2)
            .is_some_and(|next| matches!(next, b' ' | b'\t'))
    {
        end = find(bytes, end + 2, b"\r\n")?;
    }
    Some(end)
}

fn find(bytes: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    bytes
        .get(from..)?
        .windows(wanted.len())
        .position(|window| window == wanted)
        .map(|at| from + at)
}

/// Keep-alive lines in front of a message.
const BLANK_BYTES_MAX: usize = 64;
const FIELDS_MAX: usize = 500;
const FIELDS_MAX_PER_NAME: usize = 100;
const FIELD_BYTES_MAX: usize = 8 * 1_024;
/// Max-Forwards starts at 70.
const VIAS_MAX: usize = 70;
