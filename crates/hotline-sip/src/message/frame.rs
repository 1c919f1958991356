//! Cuts a byte stream into messages (RFC 3261 §18.3) and answers keep-alives (RFC 5626 §4.4.1).

use super::name::Name;
use super::{BYTES_MAX, uri};

/// What a stream has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole message.
    Message(Vec<u8>),
    /// CRLFCRLF: to be answered by CRLF.
    Ping,
    /// A head whose end of body nobody can know, and the status that says why; the stream must be closed.
    Broken(Vec<u8>, u16),
}

/// Bytes of one stream that are no whole message yet.
#[derive(Debug, Default)]
pub struct Framer {
    bytes: Vec<u8>,
    /// Bytes in front that are dealt with.
    start: usize,
    /// Up to here there is no end of a head.
    searched: usize,
    /// Length of the message at `start`, once its head is whole.
    message_bytes: Option<usize>,
}

impl Framer {
    /// Appends what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// True while the beginning of a message waits for its end.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.rest()
            .iter()
            .any(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    /// The next thing, if it is whole.
    pub fn next_frame(&mut self) -> Option<Frame> {
        if self.message_bytes.is_none() {
            if self.rest().starts_with(b"\r\n\r\n") {
                self.start += 4;
                return Some(Frame::Ping);
            }
            while self.rest().len() > 2
                && self.rest().starts_with(b"\r\n")
                && !b"\r\n\r".starts_with(self.rest())
            {
                self.start += 2;
                if self.rest().starts_with(b"\r\n\r\n") {
                    self.start += 4;
                    return Some(Frame::Ping);
                }
            }
            if self.rest().first().is_none_or(|first| *first == b'\r') && self.rest().len() < 4 {
                return None;
            }
            if let Some(broken) = self.read_head()? {
                return Some(broken);
            }
        }
        let length = self
            .message_bytes
            .filter(|length| self.rest().len() >= *length)?;
        let message = self.rest().get(..length)?.to_vec();
        self.start += length;
        self.message_bytes = None;
        Some(Frame::Message(message))
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// None while the head is not whole; Some(None) when the length is known now.
    fn read_head(&mut self) -> Option<Option<Frame>> {
        let from = self.searched.max(self.start);
        let end = self
            .bytes
            .get(from..)?
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .map(|at| from + at + 4);
        let Some(end) = end else {
            self.searched = self.bytes.len().saturating_sub(3);
            return (self.rest().len() > BYTES_MAX)
                .then(|| Some(self.give_up(self.rest().to_vec(), 513)));
        };
        let head = self.bytes.get(self.start..end)?.to_vec();
        let broken = match content_length(&head) {
            Ok(Some(body_bytes)) if head.len().saturating_add(body_bytes) <= BYTES_MAX => {
                self.message_bytes = Some(head.len() + body_bytes);
                return Some(None);
            }
            Ok(Some(_)) => 513,
            // RFC 3261 §18.3: on a stream Content-Length is the only end of a message.
            Ok(None) | Err(()) => 400,
        };
        Some(Some(self.give_up(head, broken)))
    }

    fn give_up(&mut self, head: Vec<u8>, status: u16) -> Frame {
        *self = Self::default();
        Frame::Broken(head, status)
    }
}

/// The Content-Length of a head: None when absent, an error when unreadable or contradictory.
pub(crate) fn content_length(head: &[u8]) -> Result<Option<usize>, ()> {
    let mut length = None;
    let mut lines = head.split(|byte| *byte == b'\n').skip(1).peekable();
    while let Some(line) = lines.next() {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = line.split_at(colon);
        if name.first().is_some_and(u8::is_ascii_whitespace) {
            continue;
        }
        let is_length = std::str::from_utf8(name)
            .is_ok_and(|name| Name::parse(name.trim_end()) == Name::ContentLength);
        if !is_length {
            continue;
        }
        let mut value = value.get(1..).unwrap_or_default().trim_ascii();
        // A folded value stands alone on the next line.
        if value.is_empty()
            && lines.peek().is_some_and(|next| {
                next.first()
                    .is_some_and(|first| matches!(first, b' ' | b'\t'))
            })
        {
            value = lines.next().unwrap_or_default().trim_ascii();
        }
        let number = std::str::from_utf8(value)
            .ok()
            .and_then(uri::decimal::<u32>)
            .ok_or(())?;
        let number = usize::try_from(number).map_err(|_| ())?;
        if length.is_some_and(|known| known != number) {
            return Err(());
        }
        length = Some(number);
    }
    Ok(length)
}
