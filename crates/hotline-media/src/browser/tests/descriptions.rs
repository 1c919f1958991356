//! Descriptions of real browsers, read and answered.

use std::net::Ipv4Addr;

use super::super::*;
use super::{LEG, server};
use crate::sdp::{self, Capabilities, SdpError};
use crate::{Codec, Direction};

/// Chromium 156 with JsSIP, shortened by nothing that matters: mDNS candidate, red, CN and header extensions.
const CHROMIUM: &str = "v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS stream
m=audio 52786 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2113937151 8c9e8f9e-3f9d.local 52786 typ host generation 0 network-cost 999
a=ice-ufrag:chrm
a=ice-pwd:asd88fgpdd777uzjYhagZgQQ
a=ice-options:trickle
a=fingerprint:sha-256 D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:34:8E:5E:EA:6F:AF:52:CE:E6:0F
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:stream track
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:1234 cname:x
";

const RANDOM: [u8; sdp::RANDOM_BYTES] = [7; sdp::RANDOM_BYTES];

fn local<'a>(identity: &'a Identity, credentials: &'a Credentials) -> Local<'a> {
    Local {
        identity,
        credentials,
        plain: sdp::Local::first((Ipv4Addr::new(10, 0, 0, 1).into(), 20_000), 7, &RANDOM),
    }
}

fn chromium(change: &[(&str, &str)]) -> Vec<u8> {
    let mut text = CHROMIUM.replace('\n', "\r\n");
    for (from, to) in change {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text.into_bytes()
}

#[test]
fn an_offer_of_chromium_is_answered() {
    let (identity, capabilities) = (server(), Capabilities::default());
    let credentials = identity.credentials(LEG).unwrap();
    let local = local(&identity, &credentials);
    let offer = chromium(&[]);
    assert!(is_browser_offer(&offer));
    let (bytes, plan, browser) = answer(&offer, &capabilities, &local).unwrap();
    assert_eq!((plan.codec, plan.payload_type), (Codec::Pcma, 8));
    assert_eq!(plan.event_send, Some(126));
    assert_eq!(plan.remote, Some(BEHIND));
    assert_eq!(plan.signalling, None, "nobody is heard past the guard");
    assert_eq!(plan.direction, Direction::SendReceive);
    let remote = browser.remote.unwrap();
    assert_eq!(remote.fragment, "chrm");
    assert_eq!(remote.fingerprint[..2], [0xD2, 0xFA]);
    let text = String::from_utf8(bytes).unwrap();
    for line in [
        "a=ice-lite",
        "a=group:BUNDLE 0",
        "a=mid:0",
        "a=rtcp-mux",
        "a=setup:passive",
        "a=candidate:1 1 udp 2130706431 10.0.0.1 20000 typ host",
        "a=end-of-candidates",
        &format!("a=ice-ufrag:{}", credentials.fragment),
        &format!("a=fingerprint:sha-256 {}", identity.fingerprint()),
    ] {
        assert_eq!(
            text.lines().filter(|known| *known == line).count(),
            1,
            "{line}\n{text}"
        );
    }
    assert!(
        text.contains("m=audio 20000 UDP/TLS/RTP/SAVPF 8 126\r\n"),
        "{text}"
    );
}

#[test]
fn video_beside_the_audio_is_refused_in_its_place() {
    let (identity, capabilities) = (server(), Capabilities::default());
    let credentials = identity.credentials(LEG).unwrap();
    let mut offer = chromium(&[]);
    offer.extend(b"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n");
    let local = local(&identity, &credentials);
    let (bytes, ..) = answer(&offer, &capabilities, &local).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.contains("m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"),
        "{text}"
    );
    assert_eq!(text.matches("a=ice-ufrag").count(), 1, "{text}");
}

#[test]
fn hold_is_answered_like_any_other() {
    let (identity, capabilities) = (server(), Capabilities::default());
    let credentials = identity.credentials(LEG).unwrap();
    let local = local(&identity, &credentials);
    let offer = chromium(&[("a=sendrecv", "a=sendonly")]);
    let (bytes, plan, _) = answer(&offer, &capabilities, &local).unwrap();
    assert_eq!(plan.direction, Direction::ReceiveOnly);
    assert!(String::from_utf8(bytes).unwrap().contains("a=recvonly\r\n"));
}

#[test]
fn what_is_less_than_a_browser_offers_is_refused() {
    let (identity, capabilities) = (server(), Capabilities::default());
    let credentials = identity.credentials(LEG).unwrap();
    let local = local(&identity, &credentials);
    for change in [
        ("a=rtcp-mux\r\n", ""),
        ("a=fingerprint:sha-256", "a=fingerprint:sha-1"),
        ("a=setup:actpass", "a=setup:holdconn"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
    ] {
        let refused = answer(&chromium(&[change]), &capabilities, &local);
        assert_eq!(
            refused.unwrap_err(),
            SdpError::NothingInCommon,
            "{change:?}"
        );
    }
    assert!(!is_browser_offer(&chromium(&[(
        "UDP/TLS/RTP/SAVPF",
        "RTP/AVP"
    )])));
}

#[test]
fn our_offer_and_the_answer_of_a_browser() {
    let (identity, capabilities) = (server(), Capabilities::default());
    let credentials = identity.credentials(LEG).unwrap();
    let local = local(&identity, &credentials);
    let text = String::from_utf8(offer(&capabilities, &local).unwrap()).unwrap();
    assert!(
        text.contains("a=setup:actpass\r\n") && text.contains("a=mid:0\r\n"),
        "{text}"
    );
    assert!(
        text.contains("m=audio 20000 UDP/TLS/RTP/SAVPF 8 0"),
        "{text}"
    );
    let answer = chromium(&[
        ("a=setup:actpass", "a=setup:active"),
        ("SAVPF 111 63 9 0 8 13 110 126", "SAVPF 8 101"),
        ("a=rtpmap:126", "a=rtpmap:101"),
    ]);
    let (plan, browser) = accept(&capabilities, &answer, &local).unwrap();
    assert_eq!((plan.codec, plan.remote), (Codec::Pcma, Some(BEHIND)));
    assert_eq!(browser.remote.unwrap().fragment, "chrm");
}

/// RFC 4145 §4.1 with RFC 5763 §5 and RFC 8842 §5: who sends the first flight, as answerer and as offerer.
#[test]
fn the_first_flight_is_agreed_on() {
    let (identity, capabilities) = (server(), Capabilities::default());
    let credentials = identity.credentials(LEG).unwrap();
    let first = local(&identity, &credentials);
    let later = Local {
        plain: sdp::Local {
            previous: b"v=0\r\na=setup:active\r\n",
            ..first.plain
        },
        ..first
    };
    let says = |line: &str| chromium(&[("a=setup:actpass\r\n", line)]);
    for (local, offered, answered, is_passive) in [
        (&first, "a=setup:actpass\r\n", "passive", false),
        (&first, "a=setup:active\r\n", "passive", false),
        (&first, "a=setup:passive\r\n", "active", true),
        (&first, "", "passive", false),
        (&later, "a=setup:actpass\r\n", "active", true),
        (&later, "a=setup:passive\r\n", "active", true),
        (&later, "a=setup:active\r\n", "passive", false),
    ] {
        let (bytes, _, plan) = answer(&says(offered), &capabilities, local).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.contains(&format!("a=setup:{answered}\r\n")),
            "{offered:?} {text}"
        );
        assert_eq!(plan.remote.unwrap().is_passive, is_passive, "{offered:?}");
    }
    for (answered, expected) in [
        ("a=setup:active\r\n", Some(false)),
        ("a=setup:passive\r\n", Some(true)),
        ("", Some(true)),
        ("a=setup:actpass\r\n", None),
        ("a=setup:holdconn\r\n", None),
    ] {
        let accepted = accept(&capabilities, &says(answered), &first).ok();
        let is_passive = accepted.map(|(_, plan)| plan.remote.unwrap().is_passive);
        assert_eq!(is_passive, expected, "{answered:?}");
    }
}

#[test]
fn no_prefix_of_a_description_is_a_fault() {
    let (identity, capabilities) = (server(), Capabilities::default());
    let credentials = identity.credentials(LEG).unwrap();
    let local = local(&identity, &credentials);
    let offer = chromium(&[]);
    for length in 0..offer.len() {
        let _ = answer(&offer[..length], &capabilities, &local);
        let _ = accept(&capabilities, &offer[..length], &local);
    }
}
