//! What a peer's m-lines say: codecs, protection, target, direction.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sdp_types::{Attribute, Connection, Media, Session};

use super::crypto::CryptoLine;
use super::lines::NO_FORMAT;
use super::{Capabilities, EVENT_CLOCK_HZ, Local, SdpError};
use crate::message::ControlPath;
use crate::packer;
use crate::{Codec, Direction};

/// An m=audio line that is not switched off.
pub(super) struct Stream<'a> {
    session: &'a Session,
    pub(super) media: &'a Media,
    pub(super) index: usize,
    pub(super) profile: Profile,
    formats: Vec<Format>,
}

/// Which family of profiles an m-line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// RTP/AVP and RTP/AVPF: plain, or with keys beside it if both want.
    Plain,
    /// RTP/SAVP and RTP/SAVPF: never without keys.
    Sdes,
    /// UDP/TLS/RTP/SAVP and -F, or a fingerprint under SAVP without a key: a browser.
    Browser,
}

/// One format of the m-line, in its order.
struct Format {
    number: u8,
    /// Encoding name and clock of its rtpmap; the clock may have been left out.
    encoding: Option<(String, Option<u32>)>,
}

/// A stream with one codec chosen.
pub(super) struct Chosen {
    pub(super) codec: Codec,
    pub(super) payload_type: u8,
    pub(super) event: Option<u8>,
    pub(super) event_clock_hz: u32,
    pub(super) direction: Direction,
    pub(super) packet_ms: Option<u8>,
    port: u16,
    address: Address,
}

/// What a description of ours told a peer to send.
pub(super) struct Offered {
    pub(super) payload_type: u8,
    pub(super) event: Option<u8>,
    pub(super) direction: Direction,
}

/// What a c= line says.
#[derive(Clone, Copy)]
enum Address {
    Ip(IpAddr),
    /// 0.0.0.0 or ::, the old way to hold (RFC 3264 §8.4).
    Unspecified,
    /// Missing, a host name, or nonsense.
    Unusable,
}

/// The audio streams that are not switched off and come by RTP over UDP.
pub(super) fn streams(session: &Session) -> impl Iterator<Item = Stream<'_>> {
    session
        .medias
        .iter()
        .enumerate()
        .filter(|(_, media)| is_audio(media) && media.port != 0)
        .filter_map(move |(index, media)| {
            Some(Stream {
                session,
                media,
                index,
                profile: profile(session, media)?,
                formats: formats(media),
            })
        })
}

/// Whether an m-line is for audio, switched off or not.
pub(super) fn is_audio(media: &Media) -> bool {
    media.media.eq_ignore_ascii_case("audio")
}

fn profile(session: &Session, media: &Media) -> Option<Profile> {
    let proto = media.proto.to_ascii_uppercase();
    let has_fingerprint = [&session.attributes, &media.attributes]
        .into_iter()
        .any(|attributes| value_of(attributes, "fingerprint").is_some());
    let has_key = value_of(&media.attributes, "crypto").is_some();
    match proto.as_str() {
        "RTP/AVP" | "RTP/AVPF" => Some(Profile::Plain),
        // Browsers of old and some gateways name a handshake under the name that was meant for keys.
        "RTP/SAVP" | "RTP/SAVPF" if has_fingerprint && !has_key => Some(Profile::Browser),
        "RTP/SAVP" | "RTP/SAVPF" => Some(Profile::Sdes),
        // And the other way round.
        "UDP/TLS/RTP/SAVP" | "UDP/TLS/RTP/SAVPF" if has_key && !has_fingerprint => {
            Some(Profile::Sdes)
        }
        "UDP/TLS/RTP/SAVP" | "UDP/TLS/RTP/SAVPF" => Some(Profile::Browser),
        _ => None,
    }
}

/// The formats with their rtpmaps, each read once, whatever their number.
fn formats(media: &Media) -> Vec<Format> {
    let mut maps: Vec<Option<(String, Option<u32>)>> = vec![None; 128];
    let mut mapped = Vec::new();
    for value in values_of(&media.attributes, "rtpmap") {
        let Some((number, encoding)) = rtpmap(value) else {
            continue;
        };
        let place = &mut maps[usize::from(number)];
        if place.is_none() {
            *place = Some(encoding);
            mapped.push(number);
        }
    }
    let listed: Vec<u8> = if media.fmt == NO_FORMAT {
        mapped
    } else {
        media
            .fmt
            .split_ascii_whitespace()
            .take(FORMATS_MAX)
            .filter_map(|text| text.parse().ok())
            .filter(|number| *number < 128)
            .collect()
    };
    let mut formats: Vec<Format> = Vec::with_capacity(listed.len());
    for number in listed {
        let encoding = maps[usize::from(number)]
            .take()
            .or_else(|| unmapped_event(media, number));
        // A number that is listed twice is read once.
        if formats.iter().all(|known| known.number != number) {
            formats.push(Format { number, encoding });
        }
    }
    formats
}

/// `8 PCMA/8000/1`
fn rtpmap(value: &str) -> Option<(u8, (String, Option<u32>))> {
    let (number, rest) = value
        .trim()
        .split_once(|symbol: char| symbol.is_ascii_whitespace())?;
    let number = number.parse().ok().filter(|number| *number < 128)?;
    let mut parts = rest.split('/');
    let name = parts.next()?.trim().to_owned();
    // A clock that is no number fits nothing.
    let clock_hz = parts.next().map(|clock| clock.trim().parse().unwrap_or(0));
    Some((number, (name, clock_hz)))
}

/// Gateways name telephone-event by its usual number alone, or by the fmtp that only it has.
fn unmapped_event(media: &Media, number: u8) -> Option<(String, Option<u32>)> {
    let has_events = || {
        values_of(&media.attributes, "fmtp").any(|value| {
            value
                .trim()
                .split_once(|symbol: char| symbol.is_ascii_whitespace())
                .is_some_and(|(format, events)| {
                    format.parse() == Ok(number) && events.trim().starts_with("0-1")
                })
        })
    };
    let is_event =
        number >= DYNAMIC_MIN && (number == super::OUR_EVENT_PAYLOAD_TYPE || has_events());
    is_event.then(|| (EVENT_NAME.to_owned(), None))
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

    /// This being a description of ours: how it names what an answer to it has chosen. RFC 3264 §5.1: the numbers
    /// of a description are those that its writer wants to get.
    pub(super) fn offered(&self, chosen: &Chosen) -> Option<Offered> {
        let (payload_type, _) = self.codecs().find(|(_, codec)| *codec == chosen.codec)?;
        let event = self.event(payload_type, chosen.event_clock_hz);
        Some(Offered {
            payload_type,
            event: event.map(|(number, _)| number),
            direction: self.direction(),
        })
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
            packet_ms: self.packet_ms(),
            port: self.media.port,
            address,
        }
    }

    fn codecs(&self) -> impl Iterator<Item = (u8, Codec)> + '_ {
        self.formats.iter().filter_map(|format| {
            // RFC 3551 §6: the static numbers need no rtpmap, and keep their meaning whatever one says.
            let fixed = Codec::of_static_payload_type(format.number);
            let codec = match &format.encoding {
                Some((name, clock_hz)) => Codec::of_encoding(name, *clock_hz)
                    .filter(|codec| fixed.is_none_or(|fixed| fixed == *codec)),
                None => fixed,
            };
            codec.map(|codec| (format.number, codec))
        })
    }

    /// The telephone-event beside an audio format, and its clock: one that has the clock of the audio is better
    /// (RFC 4733 §2.5.1.1), and 8,000 stands for those that say none.
    fn event(&self, audio: u8, audio_clock_hz: u32) -> Option<(u8, u32)> {
        let of_clock = |wanted_hz: u32| {
            self.formats.iter().find(|format| {
                format.number != audio
                    && format.encoding.as_ref().is_some_and(|(name, clock_hz)| {
                        name.eq_ignore_ascii_case(EVENT_NAME)
                            && clock_hz.unwrap_or(EVENT_CLOCK_HZ) == wanted_hz
                    })
            })
        };
        [audio_clock_hz, EVENT_CLOCK_HZ]
            .into_iter()
            .find_map(|clock_hz| of_clock(clock_hz).map(|format| (format.number, clock_hz)))
    }

    /// How long the peer wants our packets. It is said of the m-line, so it holds for each of its codecs.
    fn packet_ms(&self) -> Option<u8> {
        let attributes = &self.media.attributes;
        let milliseconds = |name| {
            let value = value_of(attributes, name)?;
            let digits = value
                .split(|symbol: char| !symbol.is_ascii_digit())
                .next()?;
            // 0 and nonsense say nothing.
            digits.parse().ok().filter(|value: &u32| *value > 0)
        };
        packer::packet_ms(milliseconds("ptime"), milliseconds("maxptime"))
    }

    /// The keys that the peer offers and we can take, in its order.
    pub(super) fn crypto_lines(&self) -> impl Iterator<Item = CryptoLine> + '_ {
        values_of(&self.media.attributes, "crypto")
            .take(CRYPTO_LINES_MAX)
            .filter_map(CryptoLine::read)
    }

    /// Names the stream within a bundle (RFC 5888).
    pub(super) fn mid(&self) -> Option<&str> {
        value_of(&self.media.attributes, "mid").filter(|mid| !mid.is_empty())
    }

    /// Whether a bundle of the offer holds this stream (RFC 8843).
    pub(super) fn is_bundled(&self) -> bool {
        let Some(mid) = self.mid() else { return false };
        values_of(&self.session.attributes, "group").any(|value| {
            let mut words = value.split_ascii_whitespace();
            words
                .next()
                .is_some_and(|semantics| semantics.eq_ignore_ascii_case("BUNDLE"))
                && words.any(|word| word == mid)
        })
    }

    /// Where the peer wants our reports (RFC 3605, RFC 5761).
    pub(super) fn control(
        &self,
        target: Option<SocketAddr>,
        capabilities: &Capabilities,
        local: &Local<'_>,
    ) -> ControlPath {
        if has(&self.media.attributes, "rtcp-mux") {
            return ControlPath::Muxed;
        }
        let named = target
            .zip(value_of(&self.media.attributes, "rtcp"))
            .and_then(|(target, value)| {
                let mut words = value.split_ascii_whitespace();
                let port = words.next()?.parse().ok()?;
                let ip = words
                    .find_map(|word| word.parse().ok())
                    .unwrap_or(target.ip());
                Some(SocketAddr::new(ip, port))
            });
        match named {
            // Another host than the audio's could be made to be hit by ours.
            Some(named) if target.is_some_and(|target| target.ip() == named.ip()) => {
                let is_usual =
                    target.is_some_and(|target| target.port().checked_add(1) == Some(named.port()));
                let is_own = named == SocketAddr::new(local.address, local.port.saturating_add(1));
                let is_own = is_own || capabilities.is_ours(named, local.address);
                if is_usual || is_own || is_forbidden(named) {
                    ControlPath::Next
                } else {
                    ControlPath::At(named)
                }
            }
            Some(_) | None => ControlPath::Next,
        }
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

/// The value of an attribute; a colon that became a blank is still read.
fn values_of<'a>(attributes: &'a [Attribute], name: &'a str) -> impl Iterator<Item = &'a str> {
    attributes.iter().filter_map(move |attribute| {
        let known = attribute.attribute.trim();
        if known.eq_ignore_ascii_case(name) {
            return attribute.value.as_deref().map(str::trim);
        }
        let (before, after) = known.split_once(|symbol: char| symbol.is_ascii_whitespace())?;
        (attribute.value.is_none() && before.eq_ignore_ascii_case(name)).then(|| after.trim())
    })
}

fn value_of<'a>(attributes: &'a [Attribute], name: &'a str) -> Option<&'a str> {
    values_of(attributes, name).next()
}

/// The name of a stream that is refused: browsers want it back even so.
pub(super) fn mid_of(media: &Media) -> Option<&str> {
    value_of(&media.attributes, "mid").filter(|mid| !mid.is_empty())
}

fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.attribute.trim().eq_ignore_ascii_case(name))
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
    match connection.connection_address.parse::<IpAddr>() {
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
    local: &Local<'_>,
) -> Result<Option<SocketAddr>, SdpError> {
    let ip = match (chosen.address, local.signalling) {
        (Address::Unspecified, _) => return Ok(None),
        (Address::Ip(ip), _) => ip,
        // No usable c=: the host that signals is the best guess there is, and rule M admits nobody else.
        (Address::Unusable, Some(ip)) => ip,
        (Address::Unusable, None) => return Err(SdpError::Unreachable),
    };
    let target = SocketAddr::new(ip, chosen.port);
    // Only who is on this host himself may name its loopback; from elsewhere it aims at our own services.
    let is_here = local.address.is_loopback() && local.signalling.is_none_or(|ip| ip.is_loopback());
    let is_ours = target == SocketAddr::new(local.address, local.port)
        || capabilities.is_ours(target, local.address);
    if is_forbidden(target) || is_ours || (ip.is_loopback() && !is_here) {
        return Err(SdpError::ForbiddenTarget);
    }
    if ip.is_ipv4() != local.address.is_ipv4() {
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

const EVENT_NAME: &str = "telephone-event";
const PORT_MIN: u16 = 1024;
/// Payload types from here on mean what an rtpmap says (RFC 3551 §6).
const DYNAMIC_MIN: u8 = 96;
/// Formats of one m-line that are looked at; a browser offers about fifteen.
const FORMATS_MAX: usize = 64;
/// Keys of one m-line that are looked at; the most that phones offer is eight.
const CRYPTO_LINES_MAX: usize = 16;
