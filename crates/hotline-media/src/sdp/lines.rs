//! Mends a description line by line, so that one odd line costs nothing but itself.
//!
//! Phones write user agents and names in old encodings, times, bandwidths and keys in forms of their own, forget
//! v=, o=, s= and t=, put blanks and tabs where none belong, and end with a zero byte. What is kept is v, o, s, t,
//! c, m and a, each in the one form that the parser takes.

use std::fmt::Write;
use std::net::IpAddr;

use sdp_types::Session;

use super::{BYTES_MAX, LINES_MAX, MEDIA_MAX, SdpError};

/// Parses within the limits.
pub(super) fn session(bytes: &[u8]) -> Result<Session, SdpError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let lines = bytes.split(is_line_end).filter(|line| !line.is_empty());
    if bytes.len() > BYTES_MAX || lines.clone().count() > LINES_MAX {
        return Err(SdpError::TooLarge);
    }
    let mut mended = Mended::default();
    for line in lines {
        mended.take(line);
    }
    if mended.media > MEDIA_MAX {
        return Err(SdpError::TooLarge);
    }
    if !mended.has_version && mended.media == 0 {
        return Err(SdpError::Malformed);
    }
    Session::parse(mended.whole().as_bytes()).map_err(|_| SdpError::Malformed)
}

/// The session's lines and the media's, kept apart: the order of the first is fixed, and phones do not keep it.
#[derive(Default)]
struct Mended {
    has_version: bool,
    time: Option<(u64, u64)>,
    connection: String,
    attributes: String,
    streams: String,
    /// c= of the m-line that is being read; it has to stand before the a-lines.
    stream_connection: String,
    stream_attributes: String,
    media: usize,
}

impl Mended {
    fn take(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line).replace('\0', "");
        let Some((kind, value)) = line.split_once('=') else {
            return;
        };
        let value = value.trim_matches(BLANKS);
        match kind.trim_matches(BLANKS) {
            "v" => self.has_version = true,
            "t" => self.time = self.time.or_else(|| time(value)),
            "c" => self.connection_line(value),
            "m" => self.media_line(value),
            "a" => {
                let attributes = if self.media == 0 {
                    &mut self.attributes
                } else {
                    &mut self.stream_attributes
                };
                push(attributes, 'a', value);
            }
            _ => {}
        }
    }

    /// The first one of a section counts; more than one is for multicast.
    fn connection_line(&mut self, value: &str) {
        let connection = if self.media == 0 {
            &mut self.connection
        } else {
            &mut self.stream_connection
        };
        if connection.is_empty() {
            let address = address(value);
            let family = if address.contains(':') { "IP6" } else { "IP4" };
            push(connection, 'c', &format!("IN {family} {address}"));
        }
    }

    /// Every m-line is kept, however broken: the answer must have as many (RFC 3264 §6).
    fn media_line(&mut self, value: &str) {
        self.end_stream();
        self.media += 1;
        let mut words = value.split_ascii_whitespace();
        let kind = words.next().unwrap_or("audio");
        let port = words
            .next()
            .and_then(|port| port.split('/').next()?.parse::<u16>().ok())
            .unwrap_or(0);
        let proto = words.next().unwrap_or("RTP/AVP");
        let formats = words.collect::<Vec<&str>>().join(" ");
        let formats = if formats.is_empty() {
            NO_FORMAT
        } else {
            &formats
        };
        push(
            &mut self.streams,
            'm',
            &format!("{kind} {port} {proto} {formats}"),
        );
    }

    fn end_stream(&mut self) {
        self.streams
            .push_str(&std::mem::take(&mut self.stream_connection));
        self.streams
            .push_str(&std::mem::take(&mut self.stream_attributes));
    }

    fn whole(mut self) -> String {
        self.end_stream();
        let (start, stop) = self.time.unwrap_or_default();
        // The origin identifies the peer's session; we never use it, and odd ones must not cost a call.
        format!(
            "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\n{}t={start} {stop}\r\n{}{}",
            self.connection, self.attributes, self.streams
        )
    }
}

fn push(text: &mut String, kind: char, value: &str) {
    // Writing into a String cannot fail.
    let _ = write!(text, "{kind}={value}\r\n");
}

/// RFC 3264 §6: the answer's t-line equals the offer's, so it is kept where it can be read.
fn time(value: &str) -> Option<(u64, u64)> {
    let mut words = value.split_ascii_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// `IN IP4 192.0.2.1/127` and all its odd forms: the address is the word that reads as one, else the last, which
/// may be a host name.
fn address(value: &str) -> &str {
    let words = || {
        value
            .split_ascii_whitespace()
            .map(|word| word.split('/').next().unwrap_or(word))
            .map(|word| word.trim_start_matches('[').trim_end_matches(']'))
    };
    words()
        .find(|word| word.parse::<IpAddr>().is_ok())
        .or_else(|| words().next_back().filter(|word| !word.is_empty()))
        .unwrap_or("invalid")
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();
const BLANKS: [char; 2] = [' ', '\t'];
/// Stands where an m-line names no format at all; no payload type, so that it is never taken for one.
pub(super) const NO_FORMAT: &str = "*";
