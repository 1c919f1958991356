//! Writing our offers and answers.

use sdp_types::{Attribute, Connection, Media, Origin, Session};

use super::crypto::CryptoLine;
use super::read::mid_of;
use super::{
    Capabilities, EVENT_CLOCK_HZ, Local, OUR_EVENT_PAYLOAD_TYPE, OUR_WIDE_EVENT_PAYLOAD_TYPE,
};
use crate::message::ControlPath;
use crate::{Codec, Direction, LegPlan};

/// The m-line of an answer that takes the stream.
pub(super) struct Taken<'a> {
    pub(super) index: usize,
    pub(super) plan: &'a LegPlan,
    /// Value of our a=crypto line.
    pub(super) crypto: Option<String>,
    pub(super) is_bundled: bool,
}

/// An answer; `taken` None refuses every stream.
pub(super) fn answer(offer: &Session, taken: Option<&Taken<'_>>, local: &Local<'_>) -> Vec<u8> {
    versioned(local, |version| {
        let mut session = frame(local, version);
        // RFC 3264 §6: the time is the offer's.
        session.times.clone_from(&offer.times);
        for (index, offered) in offer.medias.iter().enumerate() {
            let media = match taken.filter(|taken| taken.index == index) {
                Some(taken) => accepted(offered, taken, local),
                None => refused(offered),
            };
            session.add_media(media);
        }
        let mid = taken
            .filter(|taken| taken.is_bundled)
            .and_then(|taken| mid_of(offer.medias.get(taken.index)?));
        if let Some(mid) = mid {
            session.add_attribute(Attribute::with_value("group", format!("BUNDLE {mid}")));
        }
        session
    })
}

fn accepted(offered: &Media, taken: &Taken<'_>, local: &Local<'_>) -> Media {
    let plan = taken.plan;
    let formats = [(plan.payload_type, plan.codec)];
    let event = plan
        .event_receive
        .map(|number| (number, plan.event_clock_hz));
    let mut media = audio(local.port, &offered.proto, &formats, event.as_slice());
    if let Some(mid) = mid_of(offered) {
        media.add_attribute(Attribute::with_value("mid", mid));
    }
    if plan.control == ControlPath::Muxed {
        media.add_attribute(Attribute::new("rtcp-mux"));
    }
    if let Some(crypto) = &taken.crypto {
        media.add_attribute(Attribute::with_value("crypto", crypto));
    }
    finish(&mut media, plan.direction);
    media
}

/// An offer; `proto` and `crypto` as the wanted protection has it.
pub(super) fn offer(
    capabilities: &Capabilities,
    local: &Local<'_>,
    proto: &str,
    crypto: &[CryptoLine],
) -> Vec<u8> {
    versioned(local, |version| {
        let mut session = frame(local, version);
        let formats: Vec<(u8, Codec)> = capabilities
            .codecs
            .iter()
            .map(|codec| (codec.offered_payload_type(), *codec))
            .collect();
        let mut events = Vec::new();
        if capabilities.telephone_event {
            events.push((OUR_EVENT_PAYLOAD_TYPE, EVENT_CLOCK_HZ));
        }
        let wide = capabilities
            .codecs
            .iter()
            .map(|codec| codec.clock_hz())
            .find(|clock_hz| *clock_hz != EVENT_CLOCK_HZ);
        // RFC 4733 §2.5.1.1: keys have the clock of the audio they stand beside.
        if let (true, Some(clock_hz)) = (capabilities.telephone_event, wide) {
            events.push((OUR_WIDE_EVENT_PAYLOAD_TYPE, clock_hz));
        }
        let mut media = audio(local.port, proto, &formats, &events);
        for line in crypto {
            let value = CryptoLine::write(line.tag, &line.name, &line.key);
            media.add_attribute(Attribute::with_value("crypto", value));
        }
        finish(&mut media, capabilities.direction);
        session.add_media(media);
        session
    })
}

/// RFC 3264 §8: the version rises by one when the description changes, and only then.
fn versioned(local: &Local<'_>, describe: impl Fn(u64) -> Session) -> Vec<u8> {
    let same = describe(local.version.max(1)).to_string().into_bytes();
    if local.version == 0 || same == local.previous {
        return same;
    }
    describe(local.version + 1).to_string().into_bytes()
}

fn frame(local: &Local<'_>, version: u64) -> Session {
    let origin = Origin::with_ip_addr(local.session_id, version, local.address);
    let mut session = Session::new(origin, "-");
    session.connection = Some(Connection::from_ip_addr(local.address));
    session
}

/// RFC 3264 §6: a refused stream keeps its line, with port 0 and a format of the offer.
fn refused(offered: &Media) -> Media {
    let mut media = bare(&offered.media, &offered.proto, &offered.fmt);
    if let Some(mid) = mid_of(offered) {
        media.add_attribute(Attribute::with_value("mid", mid));
    }
    media
}

fn audio(port: u16, proto: &str, formats: &[(u8, Codec)], events: &[(u8, u32)]) -> Media {
    let numbers: Vec<String> = formats
        .iter()
        .map(|(number, _)| *number)
        .chain(events.iter().map(|(number, _)| *number))
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
    for (number, clock_hz) in events {
        media.add_attribute(Attribute::with_value(
            "rtpmap",
            format!("{number} telephone-event/{clock_hz}"),
        ));
        media.add_attribute(Attribute::with_value("fmtp", format!("{number} 0-15")));
    }
    media
}

fn finish(media: &mut Media, direction: Direction) {
    media.add_attribute(Attribute::with_value("ptime", 20));
    media.add_attribute(Attribute::new(match direction {
        Direction::Inactive => "inactive",
        Direction::ReceiveOnly => "recvonly",
        Direction::SendOnly => "sendonly",
        Direction::SendReceive => "sendrecv",
    }));
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
