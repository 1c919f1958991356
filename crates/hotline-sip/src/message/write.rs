//! Writes messages, byte by byte as they go out.

use super::Message;
use super::name::Name;

/// A message in the making. Values are stripped of control bytes: nothing can smuggle a header in.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A request.
    #[must_use]
    pub fn request(method: &str, uri: &str) -> Self {
        let mut writer = Self {
            bytes: Vec::with_capacity(CAPACITY),
        };
        writer.raw(method.as_bytes());
        writer.bytes.push(b' ');
        writer.raw(uri.as_bytes());
        writer.bytes.extend_from_slice(b" SIP/2.0\r\n");
        writer
    }
    /// A response.
    #[must_use]
    pub fn response(status: u16) -> Self {
        let mut writer = Self {
            bytes: Vec::with_capacity(CAPACITY),
        };
        writer.raw(format!("SIP/2.0 {status} {}", reason_phrase(status)).as_bytes());
        writer.bytes.extend_from_slice(b"\r\n");
        writer
    }
    /// One header line.
    pub fn header(&mut self, name: &str, value: &str) -> &mut Self {
        self.header_bytes(name, value.as_bytes(), b"")
    }
    /// One header line from bytes of a received value (folding becomes blanks), with a suffix.
    pub fn header_bytes(&mut self, name: &str, value: &[u8], suffix: &[u8]) -> &mut Self {
        self.raw(name.as_bytes());
        self.bytes.extend_from_slice(b": ");
        self.raw(value.trim_ascii());
        self.raw(suffix);
        self.bytes.extend_from_slice(b"\r\n");
        self
    }
    /// Content-Type, Content-Length and the body.
    #[must_use]
    pub fn finish(mut self, body: Option<(&str, &[u8])>) -> Vec<u8> {
        let bytes = match body {
            Some((kind, bytes)) => {
                self.header(Name::ContentType.as_str(), kind);
                bytes
            }
            None => &[],
        };
        self.header(Name::ContentLength.as_str(), &bytes.len().to_string());
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes.extend_from_slice(bytes);
        self.bytes
    }

    fn raw(&mut self, value: &[u8]) {
        // Controls never start a line of their own; in quoted strings of received values they become blanks.
        self.bytes.extend(
            value
                .iter()
                .map(|byte| if byte.is_ascii_control() { b' ' } else { *byte }),
        );
    }
}

impl Message {
    /// Copies all headers but those named into a new message.
    pub(crate) fn copy_into(&self, writer: &mut Writer, without: &[&str]) {
        self.copy(writer, |name| {
            !without
                .iter()
                .any(|skipped| skipped.eq_ignore_ascii_case(name))
        });
    }
    /// Copies the named headers into a new message.
    pub(crate) fn copy_only(&self, writer: &mut Writer, names: &[&str]) {
        self.copy(writer, |name| {
            names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
        });
    }
    fn copy(&self, writer: &mut Writer, is_wanted: impl Fn(&str) -> bool) {
        for field in &self.fields {
            let name = match field.name {
                Name::Other => String::from_utf8_lossy(self.slice(&field.token)),
                known => known.as_str().into(),
            };
            if is_wanted(&name) {
                writer.header_bytes(&name, self.slice(&field.value), b"");
            }
        }
    }
    /// Puts the message together from its parts: byte-exact for everything that was parsed.
    #[must_use]
    pub fn print(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        bytes.extend_from_slice(self.slice(&self.start_line));
        bytes.extend_from_slice(b"\r\n");
        for field in &self.fields {
            bytes.extend_from_slice(self.slice(&field.token));
            bytes.extend_from_slice(self.slice(&(field.token.end..field.value.start)));
            bytes.extend_from_slice(self.slice(&field.value));
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.body());
        bytes
    }
}

/// The words behind a status code, from rsip's names: `TemporarilyUnavailable` reads "Temporarily Unavailable".
pub(crate) fn reason_phrase(status: u16) -> String {
    let known = rsip::StatusCode::from(status);
    match &known {
        rsip::StatusCode::OK => "OK".to_owned(),
        rsip::StatusCode::NotAcceptableGlobal => "Not Acceptable".to_owned(),
        rsip::StatusCode::Other(..) => "Unknown".to_owned(),
        named => {
            let mut phrase = String::new();
            for letter in format!("{named:?}").chars() {
                if letter.is_ascii_uppercase() && !phrase.is_empty() {
                    phrase.push(' ');
                }
                phrase.push(letter);
            }
            phrase
        }
    }
}

const CAPACITY: usize = 1_024;
