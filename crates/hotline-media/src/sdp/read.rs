//! Reading what a peer wrote, liberally but within limits: streams, codecs, target, direction.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sdp_types::{Attribute, Connection, Media, Session};

use super::{BYTES_MAX, Capabilities, EVENT_CLOCK_HZ, LINES_MAX, MEDIA_MAX, SdpError};
use crate::{Codec, Direction};

/// An m=audio line over plain RTP that is not switched off.
pub(super) struct Stream<'a> {
    session: &'a Session,
    media: &'a Media,
}

/// The same with one codec chosen.
pub(super) struct Chosen {
    pub(super) codec: Codec,
    pub(super) payload_type: u8,
    pub(super) event: Option<u8>,
    pub(super) event_clock_hz: u32,
    pub(super) direction: Direction,
    port: u16,
    address: Address,
}

/// What a c= line says.
enum Address {
    Ip(IpAddr),
    /// 0.0.0.0 or ::, the old way to hold (RFC 3264 §8.4).
    Unspecified,
    /// Missing, a host name, or nonsense.
    Unusable,
}

/// Parses within the limits.
pub(super) fn session(bytes: &[u8]) -> Result<Session, SdpError> {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    if bytes.len() > BYTES_MAX || lines > LINES_MAX {
        return Err(SdpError::TooLarge);
    }
    let session = Session::parse(&readable(bytes)).map_err(|_| SdpError::Malformed)?;
    if session.medias.len() > MEDIA_MAX {
        return Err(SdpError::TooLarge);
    }
    Ok(session)
}

/// Lines that the parser refuses though nothing in them concerns us: phones write user agents and names in old
/// encodings, and times, bandwidths or keys in forms of their own. We keep v, o, s, c, m and a lines only.
fn readable(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut has_version = false;
    let mut has_origin = false;
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        let Some((kind @ (b'v' | b'o' | b's' | b'c' | b'm' | b'a'), rest)) = line.split_first()
        else {
            continue;
        };
        if rest.first() != Some(&b'=') {
            continue;
        }
        // Some gateways forget v=; a body that has an m-line is still clear.
        if *kind == b'v' || !has_version {
            if !has_version {
                kept.extend_from_slice(b"v=0\r\n");
            }
            has_version = true;
            if *kind == b'v' {
                continue;
            }
        }
        // The origin identifies the peer's session; we never use it, and odd ones must not cost a call.
        if *kind == b'o' || *kind == b's' {
            if !has_origin {
                kept.extend_from_slice(b"o=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\n");
            }
            has_origin = true;
            continue;
        }
        kept.extend_from_slice(String::from_utf8_lossy(line).as_bytes());
        kept.extend_from_slice(b"\r\n");
    }
    kept
}

/// The usable audio streams with their index among all m-lines.
pub(super) fn streams(session: &Session) -> impl Iterator<Item = (usize, Stream<'_>)> {
    session
        .medias
        .iter()
        .enumerate()
        .filter_map(move |(index, media)| {
            let is_plain = ["RTP/AVP", "RTP/AVPF"]
                .iter()
                .any(|name| media.proto.eq_ignore_ascii_case(name));
            let is_usable =
                media.media.eq_ignore_ascii_case("audio") && media.port != 0 && is_plain;
            is_usable.then_some((index, Stream { session, media }))
        })
}

impl Stream<'_> {
    /// The codec of ours that the offer names, by the order of our list: A-law wins where it is offered, because
    /// it is the trunks' and our own, so nothing is converted.
    pub(super) fn choose(&self, capabilities: &Capabilities) -> Option<Chosen> {
        let (payload_type, codec) = capabilities
            .codecs
            .iter()
            .find_map(|wanted| self.codecs().find(|(_, codec)| codec == wanted))?;
        Some(self.chosen(payload_type, codec, capabilities))
    }

    /// The first codec of an answer that we had offered.
    pub(super) fn first_of(&self, capabilities: &Capabilities) -> Option<Chosen> {
        let (payload_type, codec) = self
            .codecs()
            .find(|(_, codec)| capabilities.codecs.contains(codec))?;
        Some(self.chosen(payload_type, codec, capabilities))
    }

    fn chosen(&self, payload_type: u8, codec: Codec, capabilities: &Capabilities) -> Chosen {
        let address = self.address();
        let mut direction = self.direction();
        if matches!(address, Address::Unspecified) {
            // RFC 3264 §8.4: the peer does not want our audio; it may still send.
            direction = match direction {
                Direction::SendReceive | Direction::SendOnly => Direction::SendOnly,
                Direction::ReceiveOnly | Direction::Inactive => Direction::Inactive,
            };
        }
        let event = if capabilities.telephone_event {
            self.event(payload_type, codec.clock_hz())
        } else {
            None
        };
        let event_clock_hz = event.map_or(EVENT_CLOCK_HZ, |(_, clock_hz)| clock_hz);
        Chosen {
            codec,
            payload_type,
            event: event.map(|(number, _)| number),
            event_clock_hz,
            direction,
            port: self.media.port,
            address,
        }
    }

    fn payload_types(&self) -> impl Iterator<Item = u8> + '_ {
        self.media
            .fmt
            .split_ascii_whitespace()
            .take(FORMATS_MAX)
            .filter_map(|text| text.parse().ok())
            .filter(|number| *number < 128)
    }

    /// Encoding name and clock of a payload type, if an rtpmap gives it; the clock may have been left out.
    fn mapping(&self, payload_type: u8) -> Option<(String, Option<u32>)> {
        self.media
            .get_attribute_values("rtpmap")
            .flatten()
            .find_map(|value| {
                let (number, rest) = value
                    .trim()
                    .split_once(|symbol: char| symbol.is_ascii_whitespace())?;
                if number.parse() != Ok(payload_type) {
                    return None;
                }
                let mut parts = rest.trim().split('/');
                let name = parts.next()?.trim().to_owned();
                // A clock that is no number fits nothing.
                let clock_hz = parts.next().map(|clock| clock.trim().parse().unwrap_or(0));
                Some((name, clock_hz))
            })
    }

    fn codecs(&self) -> impl Iterator<Item = (u8, Codec)> + '_ {
        self.payload_types().filter_map(|payload_type| {
            // RFC 3551 §6: the static numbers need no rtpmap, and keep their meaning whatever one says.
            let fixed = Codec::of_static_payload_type(payload_type);
            let codec = match self.mapping(payload_type) {
                Some((name, clock_hz)) => Codec::of_encoding(&name, clock_hz)
                    .filter(|codec| fixed.is_none_or(|fixed| fixed == *codec)),
                None => fixed,
            };
            codec.map(|codec| (payload_type, codec))
        })
    }

    /// The telephone-event beside an audio format, and its clock: one that has the clock of the audio is better
    /// (RFC 4733 §2.5.1.1), and 8,000 stands for those that say none.
    fn event(&self, audio: u8, audio_clock_hz: u32) -> Option<(u8, u32)> {
        let of_clock = |wanted_hz: u32| {
            self.payload_types().find(|payload_type| {
                let mapping = self.mapping(*payload_type);
                *payload_type != audio
                    && mapping.is_some_and(|(name, clock_hz)| {
                        name.eq_ignore_ascii_case("telephone-event")
                            && clock_hz.unwrap_or(EVENT_CLOCK_HZ) == wanted_hz
                    })
            })
        };
        [audio_clock_hz, EVENT_CLOCK_HZ]
            .into_iter()
            .find_map(|clock_hz| of_clock(clock_hz).map(|number| (number, clock_hz)))
    }

    /// The media level counts before the session level; without either it is sendrecv (RFC 8866 §6.7).
    fn direction(&self) -> Direction {
        direction_of(&self.media.attributes)
            .or_else(|| direction_of(&self.session.attributes))
            .unwrap_or(Direction::SendReceive)
    }

    fn address(&self) -> Address {
        match self
            .media
            .connections
            .first()
            .or(self.session.connection.as_ref())
        {
            Some(connection) => address_of(connection),
            None => Address::Unusable,
        }
    }
}

fn direction_of(attributes: &[Attribute]) -> Option<Direction> {
    attributes.iter().find_map(|attribute| {
        match attribute.attribute.trim().to_ascii_lowercase().as_str() {
            "inactive" => Some(Direction::Inactive),
            "recvonly" => Some(Direction::ReceiveOnly),
            "sendonly" => Some(Direction::SendOnly),
            "sendrecv" => Some(Direction::SendReceive),
            _ => None,
        }
    })
}

fn address_of(connection: &Connection) -> Address {
    let text = connection.connection_address.trim();
    // A suffix is a multicast lifetime; the check of the target refuses those.
    let text = text.split('/').next().unwrap_or(text);
    match text.parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() => Address::Unspecified,
        Ok(IpAddr::V6(ip)) => Address::Ip(ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4)),
        Ok(ip) => Address::Ip(ip),
        Err(_) => Address::Unusable,
    }
}

/// Where the peer wants its audio: None on an old-style hold.
pub(super) fn target(
    chosen: &Chosen,
    capabilities: &Capabilities,
    local: Option<(IpAddr, u16)>,
    signalling: Option<IpAddr>,
) -> Result<Option<SocketAddr>, SdpError> {
    let ip = match (&chosen.address, signalling) {
        (Address::Unspecified, _) => return Ok(None),
        (Address::Ip(ip), _) => *ip,
        // No usable c=: the host that signals is the best guess there is, and rule M admits nobody else.
        (Address::Unusable, Some(ip)) => ip,
        (Address::Unusable, None) => return Err(SdpError::Unreachable),
    };
    let target = SocketAddr::new(ip, chosen.port);
    let is_here = |ip: Option<IpAddr>| ip.is_none_or(|ip| ip.is_loopback());
    // Only who is on this host himself may name its loopback; from elsewhere it aims at our own services.
    let is_intrusion =
        ip.is_loopback() && !(is_here(local.map(|(ip, _)| ip)) && is_here(signalling));
    let is_ours = Some(target) == local.map(SocketAddr::from)
        || capabilities.refused_targets.contains(&target);
    if is_forbidden(target) || is_ours || is_intrusion {
        return Err(SdpError::ForbiddenTarget);
    }
    if local.is_some_and(|(local, _)| ip.is_ipv4() != local.is_ipv4()) {
        return Err(SdpError::Unreachable);
    }
    Ok(Some(target))
}

/// Addresses that no honest peer wants audio at, and ports that belong to services.
fn is_forbidden(target: SocketAddr) -> bool {
    let is_group = match target.ip() {
        // 240/4 is reserved and holds the limited broadcast; 0/8 is "this network".
        IpAddr::V4(ip) => {
            ip.is_multicast() || ip >= Ipv4Addr::new(240, 0, 0, 0) || ip.octets()[0] == 0
        }
        IpAddr::V6(ip) => ip.is_multicast() || ip.is_unspecified(),
    };
    is_group || target.port() < PORT_MIN
}

const PORT_MIN: u16 = 1024;
/// Formats of one m-line that are looked at; a browser offers about fifteen.
const FORMATS_MAX: usize = 64;
