//! What a bank tells: one line of the story per event, with its instant to the microsecond.

use hotline_media::LegStatistics;
use std::path::PathBuf;
use std::time::Instant;

/// A phone of a bank: one made by a call, a registration or a listening; never reused.
pub type PhoneId = u64;

/// Something happened at a phone.
#[derive(Clone, Debug)]
pub struct Event {
    /// Where.
    pub phone: PhoneId,
    /// When: read right after the datagram came, or right before it left.
    pub at: Instant,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// The other side has acknowledged our 200.
    Acknowledged,
    /// The call is answered (the 200 came, or ours left).
    Answered {
        /// Microseconds since the INVITE left or came.
        after_us: u64,
    },
    /// The INVITE left.
    Dialled,
    /// A key of the other side was heard.
    Digit {
        /// Which.
        digit: char,
    },
    /// The call is over; the phone can have the next one.
    Ended {
        /// Who or what ended it.
        by: EndedBy,
        /// Microseconds since the answer; 0 when there was none.
        talk_us: u64,
    },
    /// The first audio packet was heard.
    Flowing,
    /// An INVITE came.
    Invited {
        /// User part of its From.
        caller: String,
        /// Display name of its From.
        caller_name: String,
    },
    /// The leg's last counters.
    MediaClosed(LegStatistics),
    /// No packets for 10 s.
    MediaLost,
    /// A key of ours was handed to the stream (RFC 4733) or left (INFO).
    Pressed {
        /// Which.
        digit: char,
    },
    /// The recording is complete.
    Recorded {
        /// Left what was heard, right what was spoken.
        path: PathBuf,
        /// Its length.
        length_ms: u64,
    },
    /// The registrar has spoken.
    Registered {
        /// Seconds granted (0: unregistered), or the refusing status.
        granted: Result<u32, u16>,
    },
    /// The other phone rings (180 or 183 came).
    Ringing,
    /// Nothing but silence was heard for so long.
    Silent {
        /// Milliseconds.
        for_ms: u32,
    },
    /// Something of this phone's own went wrong.
    Trouble(String),
    /// Voice was heard.
    Voice,
}

/// Who or what ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The other side hung up or cancelled.
    Peer,
    /// The other side did not take the call: SIP status, e.g. 486, 603.
    Refused(u16),
    /// The other side fell silent: no ACK, transport lost.
    Silence,
    /// We hung up, cancelled or declined.
    Us,
    /// Nobody there: timer B, ICMP error, 408, 480, 5xx; the status if there was one, else 0.
    Unreachable(u16),
}
