//! Writing our offers and answers.

use std::net::IpAddr;

use sdp_types::{Attribute, Connection, Media, Origin, Session};

use super::{Capabilities, EVENT_CLOCK_HZ, OUR_EVENT_PAYLOAD_TYPE};
use crate::{Codec, Direction, LegPlan};

pub(super) fn answer(
    offer: &Session,
    accepted: usize,
    plan: &LegPlan,
    local: (IpAddr, u16),
    session_id: u64,
    version: u64,
) -> Vec<u8> {
    let mut session = frame(local.0, session_id, version);
    for (index, offered) in offer.medias.iter().enumerate() {
        let media = if index == accepted {
            let formats = [(plan.payload_type, plan.codec)];
            audio(
                local.1,
                &offered.proto,
                &formats,
                plan.event_receive
                    .map(|number| (number, plan.event_clock_hz)),
                plan.direction,
            )
        } else {
            refused(offered)
        };
        session.add_media(media);
    }
    bytes(&session)
}

pub(super) fn offer(
    capabilities: &Capabilities,
    local: (IpAddr, u16),
    session_id: u64,
    version: u64,
) -> Vec<u8> {
    let mut session = frame(local.0, session_id, version);
    let formats: Vec<(u8, Codec)> = capabilities
        .codecs
        .iter()
        .map(|codec| (codec.offered_payload_type(), *codec))
        .collect();
    let event = capabilities
        .telephone_event
        .then_some((OUR_EVENT_PAYLOAD_TYPE, EVENT_CLOCK_HZ));
    session.add_media(audio(
        local.1,
        "RTP/AVP",
        &formats,
        event,
        capabilities.direction,
    ));
    bytes(&session)
}

fn frame(ip: IpAddr, session_id: u64, version: u64) -> Session {
    let mut session = Session::new(Origin::with_ip_addr(session_id, version, ip), "-");
    session.connection = Some(Connection::from_ip_addr(ip));
    session
}

/// RFC 3264 §6: a refused stream keeps its line, with port 0 and a format of the offer.
fn refused(offered: &Media) -> Media {
    Media {
        port: 0,
        num_ports: None,
        ..bare(&offered.media, &offered.proto, &offered.fmt)
    }
}

fn audio(
    port: u16,
    proto: &str,
    formats: &[(u8, Codec)],
    event: Option<(u8, u32)>,
    direction: Direction,
) -> Media {
    let numbers: Vec<String> = formats
        .iter()
        .map(|(number, _)| *number)
        .chain(event.map(|(number, _)| number))
        .map(|number| number.to_string())
        .collect();
    let mut media = Media {
        port,
        ..bare("audio", proto, &numbers.join(" "))
    };
    for (number, codec) in formats {
        let encoding = codec.encoding();
        media.add_attribute(Attribute::with_value(
            "rtpmap",
            format!("{number} {encoding}"),
        ));
        if let Some(parameters) = codec.format_parameters() {
            let value = format!("{number} {parameters}");
            media.add_attribute(Attribute::with_value("fmtp", value));
        }
    }
    if let Some((number, clock_hz)) = event {
        media.add_attribute(Attribute::with_value(
            "rtpmap",
            format!("{number} telephone-event/{clock_hz}"),
        ));
        media.add_attribute(Attribute::with_value("fmtp", format!("{number} 0-15")));
    }
    media.add_attribute(Attribute::with_value("ptime", 20));
    media.add_attribute(Attribute::new(match direction {
        Direction::Inactive => "inactive",
        Direction::ReceiveOnly => "recvonly",
        Direction::SendOnly => "sendonly",
        Direction::SendReceive => "sendrecv",
    }));
    media
}

fn bare(media: &str, proto: &str, fmt: &str) -> Media {
    Media {
        media: media.to_owned(),
        port: 0,
        num_ports: None,
        proto: proto.to_owned(),
        fmt: fmt.to_owned(),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
    }
}

fn bytes(session: &Session) -> Vec<u8> {
    session.to_string().into_bytes()
}
