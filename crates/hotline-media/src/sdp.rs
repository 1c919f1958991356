//! Offer and answer of one audio stream (RFC 3264 over RFC 8866). Pure: bytes in, bytes and a plan out.

mod read;
mod write;

use std::net::{IpAddr, SocketAddr};

use crate::{Codec, Direction, LegPlan};

/// What we can do on a leg and what we refuse as a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Codecs, the preferred one first. Our choice among an offer's codecs follows this list.
    pub codecs: Vec<Codec>,
    /// Whether telephone-event (RFC 4733) is offered and accepted.
    pub telephone_event: bool,
    /// What we want ourselves: an answer is the mirrored offer cut down to this, an offer says it.
    pub direction: Direction,
    /// Our own listeners: media is never sent to them (relay abuse).
    pub refused_targets: Vec<SocketAddr>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Capabilities {
            codecs: crate::codec::ALL.to_vec(),
            telephone_event: true,
            direction: Direction::SendReceive,
            refused_targets: Vec::new(),
        }
    }
}

/// Why a session description is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Longer than [`BYTES_MAX`], more than [`LINES_MAX`] lines or [`MEDIA_MAX`] m-lines.
    #[error("session description is over its limits")]
    TooLarge,
    /// Not a session description.
    #[error("session description cannot be read")]
    Malformed,
    /// No m=audio line over plain RTP with a codec of ours.
    #[error("no audio stream in common")]
    NothingInCommon,
    /// The audio address is of the other address family or no address at all.
    #[error("audio address cannot be reached")]
    Unreachable,
    /// The audio address is broadcast, multicast, a reserved port or one of our own.
    #[error("audio address is refused")]
    ForbiddenTarget,
}

/// Bytes of a session description that we look at (reliability.md: message 64 KiB).
pub const BYTES_MAX: usize = 65_536;
/// Lines of a session description.
pub const LINES_MAX: usize = 400;
/// m-lines of a session description.
pub const MEDIA_MAX: usize = 16;
/// The payload type that our own offers use for telephone-event.
pub const OUR_EVENT_PAYLOAD_TYPE: u8 = 101;
/// Clock of the telephone-event that our own offers name; every phone knows this one, and browsers offer it too.
pub(crate) const EVENT_CLOCK_HZ: u32 = 8_000;

/// Answers an offer. `local` is the address and even port that the leg will use; `signalling` the source address
/// of the peer's signalling, which rule M accepts and which stands in for a missing or unusable c= line.
pub fn answer(
    offer: &[u8],
    capabilities: &Capabilities,
    local: (IpAddr, u16),
    session_id: u64,
    version: u64,
    signalling: Option<IpAddr>,
) -> Result<(Vec<u8>, LegPlan), SdpError> {
    let session = read::session(offer)?;
    let (index, stream) = read::streams(&session)
        .find_map(|(index, stream)| stream.choose(capabilities).map(|chosen| (index, chosen)))
        .ok_or(SdpError::NothingInCommon)?;
    let remote = read::target(&stream, capabilities, Some(local), signalling)?;
    let direction = limit(mirror(stream.direction), capabilities.direction);
    let plan = LegPlan {
        codec: stream.codec,
        payload_type: stream.payload_type,
        // RFC 3264 §6.1: the answer keeps the offer's numbers, so both ways use the same.
        event_send: stream.event,
        event_receive: stream.event,
        event_clock_hz: stream.event_clock_hz,
        hears_key_tones: stream.event.is_none(),
        remote,
        signalling,
        direction,
    };
    let bytes = write::answer(&session, index, &plan, local, session_id, version);
    Ok((bytes, plan))
}

/// Makes an offer (an outgoing call, a re-INVITE, or the 200 to an INVITE without a body).
pub fn offer(
    capabilities: &Capabilities,
    local: (IpAddr, u16),
    session_id: u64,
    version: u64,
) -> Vec<u8> {
    write::offer(capabilities, local, session_id, version)
}

/// Reads the answer to an offer that [`offer`] made from the same `capabilities`.
pub fn accept(
    capabilities: &Capabilities,
    answer: &[u8],
    signalling: Option<IpAddr>,
) -> Result<LegPlan, SdpError> {
    let session = read::session(answer)?;
    // RFC 3264 §6: m-lines answer one by one, and our offers have exactly one.
    let (_, stream) = read::streams(&session)
        .next()
        .ok_or(SdpError::NothingInCommon)?;
    let stream = stream
        .first_of(capabilities)
        .ok_or(SdpError::NothingInCommon)?;
    let remote = read::target(&stream, capabilities, None, signalling)?;
    Ok(LegPlan {
        codec: stream.codec,
        payload_type: stream.payload_type,
        event_send: stream.event,
        event_receive: stream.event.map(|_| OUR_EVENT_PAYLOAD_TYPE),
        event_clock_hz: stream.event_clock_hz,
        hears_key_tones: stream.event.is_none(),
        remote,
        signalling,
        direction: limit(mirror(stream.direction), capabilities.direction),
    })
}

/// The plan of a leg whose peer has not said anything yet: an outgoing call that rings, or an offer of ours that
/// waits for its answer. Nothing is sent and nothing accepted until [`crate::Command::Replan`].
pub fn unanswered(capabilities: &Capabilities, signalling: Option<IpAddr>) -> LegPlan {
    let codec = capabilities.codecs.first().copied().unwrap_or(Codec::Pcma);
    LegPlan {
        codec,
        payload_type: codec.offered_payload_type(),
        event_send: None,
        event_receive: capabilities
            .telephone_event
            .then_some(OUR_EVENT_PAYLOAD_TYPE),
        event_clock_hz: EVENT_CLOCK_HZ,
        hears_key_tones: false,
        remote: None,
        signalling,
        direction: capabilities.direction,
    }
}

/// RFC 3264 §6.1: what the peer sends, we receive.
fn mirror(direction: Direction) -> Direction {
    match direction {
        Direction::Inactive => Direction::Inactive,
        Direction::ReceiveOnly => Direction::SendOnly,
        Direction::SendOnly => Direction::ReceiveOnly,
        Direction::SendReceive => Direction::SendReceive,
    }
}

/// Both have to want a way.
fn limit(one: Direction, other: Direction) -> Direction {
    let sends = one.sends() && other.sends();
    let receives = one.receives() && other.receives();
    match (sends, receives) {
        (true, true) => Direction::SendReceive,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::ReceiveOnly,
        (false, false) => Direction::Inactive,
    }
}

#[cfg(test)]
mod tests;
