//! Functions from bytes to meaning: messages, streams of them, credentials, addresses, session descriptions.

use crate::harness::{fuzz, grows_evenly};
use hotline_media::sdp::{self, Capabilities};
use hotline_sip::message::{Auth, Frame, Framer, Message, Name, NameAddr, Uri, Via};
use hotline_switchboard::normalise;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr};

const WORDS: [&str; 24] = [
    "Via: SIP/2.0/UDP a;branch=z9hG4bK",
    "From: ",
    "To: ",
    "Call-ID: ",
    "CSeq: 1 INVITE",
    "Contact: *",
    "Content-Length: ",
    "Content-Type: multipart/mixed;boundary=x",
    "Route: <sip:a;lr>",
    "Record-Route: ",
    "Replaces: a;to-tag=b;from-tag=c",
    "Refer-To: <sip:a@b?Replaces=c>",
    "Session-Expires: 90",
    "sip:",
    "sips:",
    "tel:",
    ";tag=",
    ";rport",
    "[::1]",
    "@",
    "?",
    "SIP/2.0",
    "\"\\\"",
    "--x\r\n",
];
const NAMES: [Name; 12] = [
    Name::Via,
    Name::From,
    Name::To,
    Name::CallId,
    Name::CSeq,
    Name::Contact,
    Name::Route,
    Name::RecordRoute,
    Name::Diversion,
    Name::Accept,
    Name::Require,
    Name::Expires,
];

fn behaviour(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn message(bytes: &[u8]) -> u64 {
    let Ok(message) = Message::parse(bytes.to_vec()) else {
        return 0;
    };
    assert!(message.as_bytes().len() <= bytes.len() && message.body().len() <= bytes.len());
    let heads = message.heads();
    if let Ok(heads) = &heads {
        // What everybody relies on later.
        assert!(!heads.call_id.is_empty() && heads.cseq < 1 << 31);
        assert_eq!(heads.uri.is_some(), message.method().is_some());
        assert!(
            message
                .method()
                .is_none_or(|method| *method == heads.cseq_method)
        );
    }
    let lists: Vec<Option<usize>> = NAMES
        .iter()
        .map(|name| message.list(*name).map(|list| list.len().min(3)))
        .collect();
    for name in NAMES {
        for value in message.list(name).unwrap_or_default() {
            assert!(NameAddr::parse(&value).is_none_or(|address| address.tag() != Some("")));
        }
    }
    behaviour((
        message.status().map(|status| status / 100),
        message.method().map(|method| method.as_str().len()),
        heads.map_err(|fault| (fault.status, fault.why)).is_ok(),
        lists,
    ))
}

#[test]
fn message_parsing() {
    fuzz("message", &WORDS, message);
    let head = "OPTIONS sip:a SIP/2.0\r\n";
    let shapes = [
        [head, "A: b\r\n", "\r\n"],
        [head, "Via: SIP/2.0/UDP a;branch=z9hG4bKb\r\n", "\r\n"],
        [
            "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a",
            ";b=c",
            "\r\n\r\n",
        ],
        [
            "OPTIONS sip:a SIP/2.0\r\nContact: ",
            "<sip:a@b>,",
            "\r\n\r\n",
        ],
        ["OPTIONS sip:a SIP/2.0\r\nContact: ", "\"", "\r\n\r\n"],
        ["OPTIONS sip:a SIP/2.0\r\nFrom: ", "<", "\r\n\r\n"],
        ["OPTIONS sip:a SIP/2.0\r\nFrom: a", "\r\n ", "\r\n\r\n"],
        ["OPTIONS sip:a", "%41", " SIP/2.0\r\n\r\n"],
        [head, "\r\n", ""],
        [
            "OPTIONS sip:a SIP/2.0\r\nContent-Type: multipart/mixed;boundary=x\r\n\r\n",
            "--x\r\n",
            "",
        ],
    ];
    grows_evenly("message", &shapes, message);
}

/// However the stream is cut, the same frames come out.
fn framing(bytes: &[u8]) -> u64 {
    let frames = |size: usize| {
        let (mut framer, mut frames) = (Framer::default(), Vec::new());
        for piece in bytes.chunks(size.max(1)) {
            framer.push(piece);
            while let Some(frame) = framer.next_frame() {
                let is_broken = matches!(frame, Frame::Broken(..));
                // A run of pings is answered once, however it arrives.
                if frames.last() != Some(&Frame::Ping) || frame != Frame::Ping {
                    frames.push(frame);
                }
                if is_broken {
                    return frames;
                }
            }
        }
        frames
    };
    let whole = frames(bytes.len());
    let messages = |frames: &[Frame]| -> Vec<Frame> {
        let is_message = |frame: &&Frame| matches!(frame, Frame::Message(_));
        frames.iter().filter(is_message).cloned().collect()
    };
    let cut = frames(1 + bytes.len() / 7);
    assert_eq!(messages(&whole), messages(&cut), "cut in seven");
    behaviour(
        whole
            .iter()
            .map(|frame| match frame {
                Frame::Message(bytes) => usize::from(Message::parse(bytes.clone()).is_ok()),
                Frame::Ping => 2,
                Frame::Broken(_, status) => usize::from(*status),
            })
            .collect::<Vec<_>>(),
    )
}

#[test]
fn framing_of_streams() {
    fuzz("framing", &WORDS, framing);
    let shapes = [
        ["", "\r\n", ""],
        ["", "\r\n\r\n", ""],
        ["A", "\r\n ", ""],
        ["OPTIONS sip:a SIP/2.0\r\n", "l: 0\r\n", "\r\n"],
        ["", "OPTIONS sip:a SIP/2.0\r\nl: 0\r\n\r\n", ""],
    ];
    grows_evenly("framing", &shapes, framing);
}

fn credentials(bytes: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(bytes);
    let Some(auth) = Auth::parse(&text) else {
        return 0;
    };
    assert!(
        !auth
            .scheme
            .contains(|letter: char| letter.is_ascii_uppercase())
    );
    let names = [
        "username",
        "realm",
        "nonce",
        "uri",
        "response",
        "nc",
        "qop",
        "algorithm",
    ];
    behaviour((
        auth.scheme.len().min(8),
        names.map(|name| auth.value(name).map(|value| value.len().min(4))),
    ))
}

#[test]
fn credentials_and_challenges() {
    let words = [
        "Digest ", "realm=", "nonce=\"", "qop=auth", ",", "=", "\"", "\\\"",
    ];
    fuzz("credentials", &words, credentials);
    let shapes = [
        ["Digest ", "a=b,", ""],
        ["Digest a=\"", "\\\"", "\""],
        ["Digest ", "\"", ""],
        ["Digest ", ",", ""],
    ];
    grows_evenly("credentials", &shapes, credentials);
}

fn addresses(bytes: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(bytes);
    let address = NameAddr::parse(&text);
    if let Some(address) = &address {
        assert!(
            address.uri.is_same(&address.uri),
            "{}",
            address.uri.as_str()
        );
        assert_eq!(
            Uri::parse(address.uri.as_str()).as_ref(),
            Some(&address.uri)
        );
        assert!(address.tag().is_none_or(|tag| !tag.is_empty()));
        assert!(address.uri.user_unescaped().len() <= address.uri.user.len());
        assert!(
            address
                .uri
                .ip()
                .is_none_or(|_| !address.uri.host.is_empty())
        );
    }
    let via = Via::parse(&text);
    behaviour((
        address.map(|address| {
            let uri = address.uri;
            let parts = (
                uri.scheme.clone(),
                uri.port.is_some(),
                uri.headers.is_some(),
            );
            (
                parts,
                address.display.is_empty(),
                address.params.contains("tag"),
            )
        }),
        via.map(|via| (via.port.is_some(), via.params.contains("rport"))),
        Uri::parse(&text).is_some(),
    ))
}

#[test]
fn addresses_and_their_parameters() {
    fuzz("addresses", &WORDS, addresses);
    let shapes = [
        ["<sip:a@b", ";c=d", ">"],
        ["<sip:", "%41", "@b>"],
        ["<sip:a@b?", "c=d&", ">"],
        ["\"", "\\\"", "\" <sip:a@b>"],
        ["<", "<", ">"],
        ["sip:a@b", ";c", ""],
        ["tel:", "-", "1"],
    ];
    grows_evenly("addresses", &shapes, addresses);
}

fn session(bytes: &[u8]) -> u64 {
    let capabilities = Capabilities::default();
    let local = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let signalling = Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)));
    let random = [7; sdp::RANDOM_BYTES];
    let local = sdp::Local {
        signalling,
        ..sdp::Local::first((local, 20_000), 1, &random)
    };
    let answer = sdp::answer(bytes, &capabilities, &local);
    if let Ok((answer, plan)) = &answer {
        let target = plan.remote.map(|remote| remote.ip());
        assert!(target.is_none_or(|ip| !ip.is_multicast() && !ip.is_unspecified()));
        // RFC 3264 §6: one m-line for each of the offer's, in our own words. Whether a lone CR ends a line is not
        // said; either is good.
        let lines = |bytes: &[u8], ends: &[u8]| {
            let lines = bytes.split(|byte| ends.contains(byte));
            lines.filter(|line| line.starts_with(b"m=")).count()
        };
        let trimmed: Vec<u8> = bytes
            .iter()
            .filter(|byte| !b" \t\0".contains(byte))
            .copied()
            .collect();
        let most = lines(&trimmed, b"\r\n");
        assert!(
            (1..=most).contains(&lines(answer, b"\n")),
            "{}",
            String::from_utf8_lossy(answer)
        );
        assert!(std::str::from_utf8(answer).is_ok());
    }
    let accepted = sdp::accept(&capabilities, bytes, &local);
    behaviour((
        answer
            .map(|(_, plan)| (plan.payload_type, plan.event_send, plan.remote.is_some()))
            .ok(),
        accepted
            .map(|plan| (plan.payload_type, plan.remote.is_some()))
            .ok(),
    ))
}

#[test]
fn sdp_negotiation() {
    let words = [
        "m=audio 4000 RTP/AVP 8\r\n",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n",
        "c=IN IP4 0.0.0.0\r\n",
        "c=IN IP6 ::1\r\n",
        "a=rtpmap:8 PCMA/8000\r\n",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:",
        "a=group:BUNDLE 0 1\r\n",
        "a=fmtp:101 0-15\r\n",
        "a=ptime:",
        "a=inactive\r\n",
    ];
    fuzz("sdp", &words, session);
    let head = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n";
    let shapes = [
        [head, "m=audio 4000 RTP/AVP 8\r\n", ""],
        [head, "a=b\r\n", ""],
        [
            "v=0\r\nc=IN IP4 10.0.0.2\r\nm=audio 4000 RTP/AVP",
            " 8",
            "\r\n",
        ],
        [
            "v=0\r\nc=IN IP4 10.0.0.2\r\nm=audio 4000 RTP/AVP 8\r\n",
            "a=rtpmap:8 PCMA/8000\r\n",
            "",
        ],
        [
            "v=0\r\nm=audio 4000 RTP/SAVP 8\r\n",
            "a=crypto:1 A inline:b\r\n",
            "",
        ],
    ];
    grows_evenly("sdp", &shapes, session);
}

/// Whatever a carrier writes for a number: one in our form, or nothing; and our form is not changed again.
fn number(bytes: &[u8]) -> u64 {
    let raw = String::from_utf8_lossy(bytes);
    let number = normalise(&raw);
    assert!(
        number.len() <= raw.len() + "+84".len(),
        "{raw:?}: {number:?}"
    );
    assert!(
        number
            .chars()
            .all(|letter| letter.is_ascii_digit() || letter == '+'),
        "{raw:?}: {number:?}"
    );
    assert_eq!(normalise(&number), number, "{raw:?}");
    behaviour((
        number.len().min(16),
        number.starts_with("+84"),
        number.starts_with('+'),
    ))
}

#[test]
fn numbers_of_callers() {
    let words = [
        "+84",
        "0084",
        "84",
        "tel:",
        "sip:",
        "@x",
        ";phone-context=+84",
        " ",
        "-",
        "anonymous",
    ];
    fuzz("numbers", &words, number);
    let shapes = [
        ["+84", "9", ""],
        ["", "0", ""],
        ["", " ", "0912"],
        ["sip:", "1", "@a"],
        ["tel:", "-", "1"],
    ];
    grows_evenly("numbers", &shapes, number);
}
