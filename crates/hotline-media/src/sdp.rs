//! Offer and answer of one audio stream (RFC 3264 over RFC 8866). Pure: bytes in, bytes and a plan out.

mod crypto;
mod lines;
mod read;
mod write;

use std::net::{IpAddr, SocketAddr};

use crate::message::ControlPath;
use crate::protection::{KEY_AND_SALT_BYTES_MAX, MasterKey, Protection, Suite};
use crate::{Codec, Direction, LegPlan};
use crypto::CryptoLine;
pub use read::Profile;
use read::{Offered, Stream};

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
    /// Our own media ports, first and last, at [`Local::address`]: no leg is set on another one. None: not known.
    pub own_ports: Option<(u16, u16)>,
}

impl Capabilities {
    /// Whether an address is one of ours, where the legs live at `here`.
    fn is_ours(&self, target: SocketAddr, here: IpAddr) -> bool {
        let is_port = |(first, last)| (first..=last).contains(&target.port());
        self.refused_targets.contains(&target)
            || (target.ip() == here && self.own_ports.is_some_and(is_port))
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Capabilities {
            codecs: crate::codec::ALL.to_vec(),
            telephone_event: true,
            direction: Direction::SendReceive,
            refused_targets: Vec::new(),
            own_ports: None,
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
    /// No m=audio line with a profile that we want and a codec of ours.
    #[error("no audio stream in common")]
    NothingInCommon,
    /// What was protected shall go on without, or what must be protected is not: never done.
    #[error("audio would lose its protection")]
    Downgrade,
    /// The audio address is of the other address family or no address at all.
    #[error("audio address cannot be reached")]
    Unreachable,
    /// The audio address is broadcast, multicast, a reserved port or one of our own.
    #[error("audio address is refused")]
    ForbiddenTarget,
}

/// Which protection a leg may and must have. It is chosen before a description is made, by what is known of the
/// peer: a trunk, a phone and how it signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Keys are neither offered nor taken.
    Plain,
    /// We offer none, and take what the peer offers: keys on an open signalling path are the peer's choice.
    #[default]
    Follow,
    /// We offer keys beside RTP/AVP, as most phones do, and the peer may leave them.
    Offer,
    /// RTP/SAVP or nothing.
    Require,
}

/// Our side of an exchange.
#[derive(Clone, Copy, Debug)]
pub struct Local<'a> {
    /// The address that our description names.
    pub address: IpAddr,
    /// The even port that the leg uses.
    pub port: u16,
    /// Names our description for the whole dialog.
    pub session_id: u64,
    /// Version of our last description; 0 before the first. The next one is one more if it differs (RFC 3264 §8).
    pub version: u64,
    /// Our last description; empty before the first.
    pub previous: &'a [u8],
    /// Source address of the peer's signalling, which rule M accepts and which stands in for a missing or unusable
    /// c= line.
    pub signalling: Option<IpAddr>,
    /// Wanted protection.
    pub security: Security,
    /// What was agreed before in this dialog: its protection is kept.
    pub before: Option<&'a LegPlan>,
    /// Bytes from a secure generator, new for each description: keys are cut out of them.
    pub random: &'a [u8; RANDOM_BYTES],
}

impl<'a> Local<'a> {
    /// Before anything was said.
    pub fn first(
        (address, port): (IpAddr, u16),
        session_id: u64,
        random: &'a [u8; RANDOM_BYTES],
    ) -> Self {
        Local {
            address,
            port,
            session_id,
            version: 0,
            previous: &[],
            signalling: None,
            security: Security::Follow,
            before: None,
            random,
        }
    }

    fn is_protected(&self) -> bool {
        self.before
            .is_some_and(|before| before.protection.is_protected())
    }

    /// The key that we send with: the old one while its suite stays, so that a peer which keeps its state across a
    /// new offer still understands us.
    fn key(&self, suite: Suite, index: usize) -> Option<MasterKey> {
        match self.before.map(|before| &before.protection) {
            Some(Protection::Sdes { send, .. }) if send.suite() == suite => Some(send.clone()),
            Some(Protection::Sdes { .. } | Protection::Plain | Protection::Browser) | None => {
                let start = index * KEY_AND_SALT_BYTES_MAX;
                MasterKey::new(suite, self.random.get(start..)?)
            }
        }
    }
}

/// Bytes of a session description that we look at (reliability.md: message 64 KiB).
pub const BYTES_MAX: usize = 65_536;
/// Lines of a session description.
pub const LINES_MAX: usize = 400;
/// m-lines of a session description.
pub const MEDIA_MAX: usize = 16;
/// Random bytes that one description may need: a key for each suite of an offer.
pub const RANDOM_BYTES: usize = KEY_AND_SALT_BYTES_MAX * Suite::OFFERED.len();
/// The payload type that our own offers use for telephone-event.
pub const OUR_EVENT_PAYLOAD_TYPE: u8 = 101;
/// The same beside Opus.
pub(crate) const OUR_WIDE_EVENT_PAYLOAD_TYPE: u8 = 110;
/// Clock of the telephone-event that our own offers name; every phone knows this one, and browsers offer it too.
pub(crate) const EVENT_CLOCK_HZ: u32 = 8_000;

/// Which profile the audio of an offer asks for; None when there is none that we know.
pub fn profile(offer: &[u8]) -> Option<Profile> {
    let session = lines::session(offer).ok()?;
    read::streams(&session).map(|stream| stream.profile).next()
}

/// Answers an offer.
pub fn answer(
    offer: &[u8],
    capabilities: &Capabilities,
    local: &Local<'_>,
) -> Result<(Vec<u8>, LegPlan), SdpError> {
    let session = lines::session(offer)?;
    let (stream, crypto, chosen) = match select(&session, capabilities, local) {
        Ok(selected) => selected,
        Err(error) => return refuse_all(&session, local, error),
    };
    let remote = read::target(&chosen, capabilities, local)?;
    let (protection, line) = match &crypto {
        Some(theirs) => {
            let send = local
                .key(theirs.key.suite(), 0)
                .ok_or(SdpError::NothingInCommon)?;
            let line = CryptoLine::write(theirs.tag, &theirs.name, &send);
            let receive = theirs.key.clone();
            (Protection::Sdes { send, receive }, Some(line))
        }
        None => (Protection::Plain, None),
    };
    let plan = LegPlan {
        codec: chosen.codec,
        payload_type: chosen.payload_type,
        // RFC 3264 §6.1: the answer keeps the offer's numbers, so both ways use the same.
        payload_type_receive: chosen.payload_type,
        event_send: chosen.event,
        event_receive: chosen.event,
        event_clock_hz: chosen.event_clock_hz,
        hears_key_tones: chosen.event.is_none(),
        remote,
        control: stream.control(remote, capabilities, local),
        signalling: local.signalling,
        packet_ms: chosen.packet_ms,
        direction: limit(mirror(chosen.direction), capabilities.direction),
        protection,
    };
    let taken = write::Taken {
        index: stream.index,
        plan: &plan,
        crypto: line,
        is_bundled: stream.is_bundled(),
    };
    let bytes = write::answer(&session, Some(&taken), local);
    Ok((bytes, plan))
}

type Selected<'a> = (Stream<'a>, Option<CryptoLine>, read::Chosen);

/// The best of the audio streams: a protected one before a plain one (phones that can do either send both), then
/// the first.
fn select<'a>(
    session: &'a sdp_types::Session,
    capabilities: &Capabilities,
    local: &Local<'_>,
) -> Result<Selected<'a>, SdpError> {
    let mut is_downgrade = false;
    let mut plain = None;
    for stream in read::streams(session) {
        let Some(chosen) = stream.choose(capabilities) else {
            continue;
        };
        match protect(&stream, local) {
            Ok(Some(line)) => return Ok((stream, Some(line), chosen)),
            Ok(None) => {
                if plain.is_none() {
                    plain = Some((stream, None, chosen));
                }
            }
            Err(error) => is_downgrade |= error == SdpError::Downgrade,
        }
    }
    plain.ok_or(if is_downgrade {
        SdpError::Downgrade
    } else {
        SdpError::NothingInCommon
    })
}

/// The key line to take from an offered stream; None: plain.
fn protect(stream: &Stream<'_>, local: &Local<'_>) -> Result<Option<CryptoLine>, SdpError> {
    let mut lines = stream.crypto_lines();
    let takes_keys = local.security != Security::Plain;
    match stream.profile {
        Profile::Browser => Err(SdpError::NothingInCommon),
        Profile::Sdes if !takes_keys => Err(SdpError::NothingInCommon),
        // RFC 4568 §7.1.2: without a line that we can take, the stream is refused.
        Profile::Sdes => lines.next().map(Some).ok_or(SdpError::NothingInCommon),
        Profile::Plain => {
            // Not of RFC 4568, but what phones send that can do with and without.
            let line = lines.next().filter(|_| takes_keys);
            let must = local.security == Security::Require || local.is_protected();
            match line {
                None if must => Err(SdpError::Downgrade),
                line => Ok(line),
            }
        }
    }
}

/// RFC 3264 §8.2: inside a dialog a peer may switch the audio off by port 0, and on again later.
fn refuse_all(
    session: &sdp_types::Session,
    local: &Local<'_>,
    error: SdpError,
) -> Result<(Vec<u8>, LegPlan), SdpError> {
    let is_switched_off = session
        .medias
        .iter()
        .any(|media| read::is_audio(media) && media.port == 0)
        && read::streams(session).next().is_none();
    let Some(before) = local.before.filter(|_| is_switched_off) else {
        return Err(error);
    };
    let plan = LegPlan {
        remote: None,
        direction: Direction::Inactive,
        ..before.clone()
    };
    Ok((write::answer(session, None, local), plan))
}

/// Makes an offer (an outgoing call, a re-INVITE, or the 200 to an INVITE without a body).
pub fn offer(capabilities: &Capabilities, local: &Local<'_>) -> Vec<u8> {
    let stands = local.before.map(|before| &before.protection);
    let suites: &[Suite] = match (stands, local.security) {
        (Some(Protection::Sdes { send, .. }), _) => &[send.suite()],
        (_, Security::Offer | Security::Require) => &Suite::OFFERED,
        (_, Security::Plain | Security::Follow) => &[],
    };
    let crypto: Vec<CryptoLine> = (1..)
        .zip(suites)
        .enumerate()
        .filter_map(|(index, (tag, suite))| {
            let name = crypto::suite_name(*suite).to_owned();
            let key = local.key(*suite, index)?;
            Some(CryptoLine { tag, name, key })
        })
        .collect();
    let proto = our_proto(local).unwrap_or(match local.security {
        Security::Require => "RTP/SAVP".to_owned(),
        Security::Plain | Security::Follow | Security::Offer => "RTP/AVP".to_owned(),
    });
    write::offer(capabilities, local, &proto, &crypto)
}

/// The profile name of our last description: it stays for the dialog, whoever offers.
fn our_proto(local: &Local<'_>) -> Option<String> {
    local.before?;
    let session = lines::session(local.previous).ok()?;
    let proto = read::streams(&session).next()?.media.proto.clone();
    Some(proto)
}

/// Reads the answer to an offer that [`offer`] made from the same `capabilities`, or to an answer of before that was
/// repeated (RFC 4028 §7.4); `local.previous` is what the peer answers to.
pub fn accept(
    capabilities: &Capabilities,
    answer: &[u8],
    local: &Local<'_>,
) -> Result<LegPlan, SdpError> {
    let session = lines::session(answer)?;
    // RFC 3264 §6: m-lines answer one by one, and our offers have exactly one.
    let stream = read::streams(&session)
        .find(|stream| stream.index == 0)
        .ok_or(SdpError::NothingInCommon)?;
    let chosen = stream
        .first_of(capabilities)
        .ok_or(SdpError::NothingInCommon)?;
    let remote = read::target(&chosen, capabilities, local)?;
    let ours = lines::session(local.previous).ok();
    let said = ours
        .as_ref()
        .and_then(|ours| read::streams(ours).next()?.offered(&chosen));
    let is_wide = chosen.event_clock_hz != EVENT_CLOCK_HZ;
    let usual = Offered {
        payload_type: chosen.codec.offered_payload_type(),
        event: Some(match is_wide {
            true => OUR_WIDE_EVENT_PAYLOAD_TYPE,
            false => OUR_EVENT_PAYLOAD_TYPE,
        }),
        direction: capabilities.direction,
    };
    let said = said.unwrap_or(usual);
    Ok(LegPlan {
        codec: chosen.codec,
        payload_type: chosen.payload_type,
        payload_type_receive: said.payload_type,
        event_send: chosen.event,
        event_receive: chosen.event.and(said.event),
        event_clock_hz: chosen.event_clock_hz,
        hears_key_tones: chosen.event.is_none(),
        remote,
        control: match stream.control(remote, capabilities, local) {
            // We never offer it, so no answer can take it.
            ControlPath::Muxed => ControlPath::Next,
            path => path,
        },
        signalling: local.signalling,
        packet_ms: chosen.packet_ms,
        // RFC 3264 §6.1: no answer has a way that our description did not have.
        direction: limit(mirror(chosen.direction), said.direction),
        protection: accepted_protection(&stream, ours.as_ref(), local)?,
    })
}

/// The answer names one of our lines by its tag, with the peer's own key (RFC 4568 §5.1.3).
fn accepted_protection(
    stream: &Stream<'_>,
    ours: Option<&sdp_types::Session>,
    local: &Local<'_>,
) -> Result<Protection, SdpError> {
    let offered: Vec<CryptoLine> = ours
        .into_iter()
        .flat_map(read::streams)
        .flat_map(|stream| stream.crypto_lines().collect::<Vec<_>>())
        .collect();
    let is_optional = ours.map_or(local.security != Security::Require, |ours| {
        read::streams(ours).all(|stream| stream.profile == Profile::Plain)
    });
    let agreed = stream.crypto_lines().find_map(|theirs| {
        offered
            .iter()
            .find(|line| line.tag == theirs.tag && line.key.suite() == theirs.key.suite())
            .map(|line| (line.key.clone(), theirs.key))
    });
    match agreed {
        Some((send, receive)) => Ok(Protection::Sdes { send, receive }),
        None if stream.profile != Profile::Plain => Err(SdpError::NothingInCommon),
        None if local.is_protected() || !is_optional => Err(SdpError::Downgrade),
        None => Ok(Protection::Plain),
    }
}

/// The plan of a leg whose peer has not said anything yet: an outgoing call that rings, or an offer of ours that
/// waits for its answer. Nothing is sent and nothing accepted until [`crate::Command::Replan`].
pub fn unanswered(capabilities: &Capabilities, signalling: Option<IpAddr>) -> LegPlan {
    let codec = capabilities.codecs.first().copied().unwrap_or(Codec::Pcma);
    LegPlan {
        event_receive: capabilities
            .telephone_event
            .then_some(OUR_EVENT_PAYLOAD_TYPE),
        signalling,
        direction: capabilities.direction,
        ..LegPlan::new(codec)
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
