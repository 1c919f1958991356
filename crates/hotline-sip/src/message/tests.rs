//! Parser and writer: what peers really send, what attackers send, and that nothing is lost.

use super::{Frame, Framer, Message, Method, Name, NameAddr, Uri, Via, Writer, lex};
use proptest::prelude::*;

fn lines(lines: &[&str]) -> Vec<u8> {
    let mut bytes = lines.join("\r\n").into_bytes();
    bytes.extend_from_slice(b"\r\n\r\n");
    bytes
}

fn parse(bytes: &[u8]) -> Message {
    Message::parse(bytes.to_vec()).unwrap()
}

/// A plain request with one line replaced or added.
fn with(line: &str) -> Vec<u8> {
    let name = line.split(':').next().unwrap().trim();
    let plain = [
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKabc",
        "From: <sip:lan@example.com>;tag=1",
        "To: <sip:111@example.com>",
        "Call-ID: abc@192.0.2.1",
        "CSeq: 1 OPTIONS",
        "Max-Forwards: 70",
    ];
    let mut all = vec!["OPTIONS sip:111@example.com SIP/2.0"];
    all.extend(
        plain
            .into_iter()
            .filter(|known| !known.starts_with(&format!("{name}:"))),
    );
    if !line.is_empty() {
        all.push(line);
    }
    lines(&all)
}

fn status_of(bytes: Vec<u8>) -> Option<u16> {
    Message::parse(bytes)
        .ok()
        .and_then(|message| message.heads().err())
        .map(|fault| fault.status)
}

fn is_good(bytes: Vec<u8>) -> bool {
    let message = parse(&bytes);
    assert!(message.print() == message.as_bytes());
    message.heads().is_ok()
}

/// Own messages in the spirit of RFC 4475 §3.1.1, one for each of its sections.
#[test]
fn unusual_but_valid() {
    // §3.1.1.1: folding, blanks around separators, any case, compact names, several values in a line.
    let folded = lines(&[
        "INVITE sip:lan@hotline.example;unknown SIP/2.0",
        "TO :",
        " sip:lan@hotline.example ;   tag    = 77n",
        "from   : \"Tr\\\\an \\\"Lan\\\"\"       <sip:tran@example.com>",
        "  ;",
        "  tag = 98asjd8",
        "MaX-fOrWaRdS: 0068",
        "Call-ID: folded@192.0.2.1",
        "cseq: 0009",
        "  INVITE",
        "Via  : SIP  /   2.0",
        " /UDP",
        "    192.0.2.2;branch=390skdjuw",
        "s :",
        "Strange: ;;,,;;,;",
        "v:  SIP  / 2.0  / TCP     relay.example.com   ;",
        "  branch  =   z9hG4bK9ikj8  ,",
        " SIP  /    2.0   / UDP  192.168.255.111   ; branch=",
        " z9hG4bK30239",
        "m:\"Quoted \\\"\\\"\" <sip:tran@example.com> ; newparam =",
        "      newvalue ;",
        "  second ; q = 0.33",
    ]);
    let message = parse(&folded);
    let heads = message.heads().unwrap();
    assert_eq!(heads.from.display, "Tr\\an \"Lan\"");
    assert_eq!((heads.from_tag(), heads.to_tag()), ("98asjd8", "77n"));
    assert_eq!((heads.cseq, heads.via.host.as_str()), (9, "192.0.2.2"));
    assert_eq!(message.list(Name::Via).unwrap().len(), 3);
    let contact = NameAddr::parse(&message.first(Name::Contact).unwrap()).unwrap();
    assert_eq!(
        (contact.params.value("newparam"), contact.params.value("q")),
        (Some("newvalue"), Some("0.33"))
    );
    assert_eq!(message.print(), folded);

    // §3.1.1.2: every character that may stand somewhere, controls in quoted strings, bytes beyond ASCII.
    let mut wide = lines(&[
        "!a-Method0_*+`.%indeed'~ sip:1_odd~(to-be!sure)&isn't+it$/crazy?,/;;*:&it=1,weird!*pas$wo~d@example.com SIP/2.0",
        "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
        "To: \"BEL:\\\u{7} NUL:\\\u{0} DEL:\\\u{7f}\" <sip:1_odd~(x)&isn't+it$/crazy?,/;;*@example.com>",
        "From: token1~` token2'+_ token3*%!.- <sip:plain@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.",
        "Call-ID: odd.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
        "CSeq: 139122385 !a-Method0_*+`.%indeed'~",
        "extension-!.%*+_`'~:\u{feff}大停電",
    ]);
    let heads = parse(&wide).heads().unwrap();
    assert_eq!(
        heads.uri.as_ref().unwrap().user,
        "1_odd~(to-be!sure)&isn't+it$/crazy?,/;;*"
    );
    assert_eq!(heads.from_tag(), "_token~1'+`*%!-.");
    assert!(matches!(heads.cseq_method, Method::Other(_)));
    wide.extend_from_slice(b"trailing bytes are the body of a datagram");
    assert!(is_good(wide));

    // §3.1.1.3 to §3.1.1.5: escapes are resolved only where they mean something.
    let uri = Uri::parse("sip:sips%3Alan%40example.com@example.net;l%72;n%61me=v%61lue%25%34%31")
        .unwrap();
    assert_eq!(
        (uri.user_unescaped().as_str(), uri.host.as_str()),
        ("sips:lan@example.com", "example.net")
    );
    assert!(!uri.params.contains("lr"));
    assert_eq!(
        Uri::parse("sip:null-%00-null@example.com")
            .unwrap()
            .user_unescaped(),
        "null-\0-null"
    );
    assert_eq!(
        Uri::parse("sip:%Z%45@example.com")
            .unwrap()
            .user_unescaped(),
        "%ZE"
    );
    assert_eq!(
        Method::parse("RE%47IST%45R"),
        Some(Method::Other("RE%47IST%45R".to_owned()))
    );

    // §3.1.1.6: no blank between display name and bracket.
    assert_eq!(
        NameAddr::parse("caller<sip:caller@example.com>;tag=323")
            .unwrap()
            .display,
        "caller"
    );

    // §3.1.1.7: long values in every place.
    let long = "x".repeat(1_500);
    assert!(is_good(with(&format!(
        "From: \"{long}\" <sip:{long}@example.com;{long}={long}>;tag={long}"
    ))));

    // §3.1.1.8: what follows the body of a datagram is no second message.
    let mut double = with("Content-Length: 4");
    double.extend_from_slice(b"bodyINVITE sip:other@example.com SIP/2.0\r\n\r\n");
    let message = parse(&double);
    assert_eq!(
        (message.body(), message.print().len() + 40),
        (&b"body"[..], double.len())
    );

    // §3.1.1.9: semicolons of the user part are no parameters.
    let uri = Uri::parse("sip:lan;par=u%40example.net@example.com").unwrap();
    assert_eq!(
        (uri.user.as_str(), uri.params.contains("par")),
        ("lan;par=u%40example.net", false)
    );

    // §3.1.1.10: transports that nobody knows.
    assert!(is_good(with(
        "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKk, SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKa"
    )));

    // §3.1.1.11: bodies are bytes.
    let mut binary = with("Content-Length: 7");
    binary.extend_from_slice(&[0, 255, 13, 10, 13, 10, 1]);
    assert_eq!(parse(&binary).body(), [0, 255, 13, 10, 13, 10, 1]);
    assert!(is_good(binary));

    // §3.1.1.12 and §3.1.1.13: reason phrases of any kind, or none.
    for line in ["SIP/2.0 200 = 2**3 * 5**2 но сто девяносто", "SIP/2.0 100 "] {
        let plain = with("");
        let end = plain.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let mut response = line.as_bytes().to_vec();
        response.extend_from_slice(&plain[end..]);
        assert!(parse(&response).status().is_some());
        assert!(is_good(response));
    }
}

#[test]
fn what_phones_and_gateways_send() {
    let good = [
        "Contact: <sip:a@192.0.2.4>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1",
        "Contact: <sip:a@192.0.2.4>;q=.7, <sip:b@192.0.2.4>;q=.1",
        "Contact: <sip:a@[2001:db8::1]:5062;transport=tcp>;+x=\"a;b,c\"",
        "From: tel:+84987654321;tag=4",
        "To: <urn:service:sos>",
        "From: \"A <b> c\" <sip:d@example.com>;tag=1",
        "Record-Route: <sip:192.0.2.9;lr;ftag=abc>, <sip:192.0.2.10;lr>",
        "l: 0",
    ];
    for line in good {
        assert!(is_good(with(line)), "{line}");
    }
    assert_eq!(
        NameAddr::parse("\"A <b> c\" <sip:d@example.com>")
            .unwrap()
            .uri
            .user,
        "d",
        "no spoofing by display names"
    );
    // A Latin-1 byte in an old exchange's display name costs that letter and nothing else.
    let mut latin = with("From: \"Nguy?n\" <sip:1@example.com>;tag=9");
    let at = latin.iter().position(|byte| *byte == b'?').unwrap();
    latin[at] = 0xea;
    assert_eq!(parse(&latin).heads().unwrap().from_tag(), "9");
    assert!(is_good(latin));
    let via = Via::parse(
        "SIP/2.0/UDP [2001:db8::9:1]:5070;received=[2001:db8::9:255];branch=z9hG4bKx;rport",
    )
    .unwrap();
    assert_eq!(
        (via.host.as_str(), via.port, via.params.contains("rport")),
        ("[2001:db8::9:1]", Some(5070), true)
    );
    assert_eq!(
        parse(&with("X-Anything: 5")).other("x-anything").as_deref(),
        Some("5")
    );
}

#[test]
fn what_must_be_refused() {
    let bad = [
        ("From: \"Unbalanced <sip:a@example.com>;tag=1", 400),
        ("From: Bell, Alexander <sip:a@example.com>;tag=1", 400),
        ("To: < sip:a@example.com >", 400),
        ("To: ", 400),
        ("CSeq: 36893488147419103232 OPTIONS", 400),
        ("CSeq: 1 INVITE", 400),
        ("CSeq: -1 OPTIONS", 400),
        ("CSeq: +1 OPTIONS", 400),
        ("CSeq: 1", 400),
        ("Max-Forwards: many", 400),
        ("Via: SIP/2.0/UDP 192.0.2.15;;,;,,", 400),
        ("Via: SIP/2.0/UDP 192.0.2.15:99999;branch=z9hG4bKa", 400),
        ("Via: SIP/2.0/UDP [2001:db8:::1];branch=z9hG4bKa", 400),
        ("Contact: \"Joe\" <sip:joe@example.org>;;;;", 400),
        ("Contact: sip:user@example.com?Route=%3Csip:x%3E", 400),
        ("Content-Length: -999", 400),
        ("Content-Length: 99", 400),
        ("Content-Length: 1 2", 400),
        ("Bad\u{1}Name: x", 400),
        ("Bad Name: x", 400),
        ("no colon here", 400),
        ("Call-ID:", 400),
        ("Record-Route: nonsense", 400),
    ];
    for (line, status) in bad {
        assert_eq!(status_of(with(line)), Some(status), "{line}");
    }
    let head = |first: &str| {
        let text = String::from_utf8(with("")).unwrap();
        text.replacen("OPTIONS sip:111@example.com SIP/2.0", first, 1)
            .into_bytes()
    };
    assert_eq!(
        status_of(head("OPTIONS sip:111@example.com SIP/7.0")),
        Some(505)
    );
    assert_eq!(
        status_of(head("OPTIONS  sip:111@example.com SIP/2.0")),
        Some(400)
    );
    assert_eq!(
        status_of(head("OPTIONS <sip:111@example.com> SIP/2.0")),
        Some(400)
    );
    assert_eq!(
        status_of(head("OPTIONS sip:111@example.com; lr SIP/2.0")),
        Some(400)
    );
    assert_eq!(
        status_of(head("OPTIONS sip:111@2001:db8::10 SIP/2.0")),
        Some(400)
    );
    assert_eq!(
        status_of(head("OPTIONS sip:111@example.com?Subject=x SIP/2.0")),
        Some(400)
    );
    for name in [
        "From: <sip:b@example.com>;tag=2",
        "To: <sip:b@example.com>",
        "Call-ID: b",
        "CSeq: 2 OPTIONS",
    ] {
        let mut twice = with("");
        twice.truncate(twice.len() - 2);
        twice.extend_from_slice(format!("{name}\r\n\r\n").as_bytes());
        assert_eq!(status_of(twice), Some(400), "{name} twice");
    }
    for garbage in [
        &b""[..],
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"SIP/2.0 9999 x\r\n\r\n",
        b"SIP/2.0 4294967301 x\r\n\r\n",
        &[0; 500],
        b"OPTIONS",
    ] {
        assert!(Message::parse(garbage.to_vec()).is_err());
    }
}

#[test]
fn limits_are_answered() {
    let many = |line: &str, count: usize| {
        let mut all = vec![line; count];
        all.insert(0, "Subject: x");
        let mut bytes = with("");
        bytes.truncate(bytes.len() - 2);
        bytes.extend_from_slice(all.join("\r\n").as_bytes());
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes
    };
    assert_eq!(status_of(many("Accept: application/sdp", 100)), None);
    assert_eq!(status_of(many("Accept: application/sdp", 101)), Some(400));
    assert_eq!(status_of(many("X-Flood: 1", 101)), Some(400));
    assert_eq!(
        status_of(many("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx", 69)),
        None
    );
    assert_eq!(
        status_of(many("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx", 70)),
        Some(400)
    );
    assert_eq!(
        status_of(with(&format!("Subject: {}", "x".repeat(8_300)))),
        Some(513)
    );
    let mut large = with("Content-Length: 65536");
    large.extend(vec![b'x'; 65_536]);
    assert_eq!(status_of(large), Some(513));
}

#[test]
fn nothing_smuggles_a_header_into_what_we_write() {
    let mut writer = Writer::request("INVITE", "sip:a@b\r\nEvil: 1");
    writer
        .header("Reason", "x\r\nEvil: 2\nEvil: 3")
        .header_bytes("From", b"a\r\n b", b";tag=1\r\nEvil: 4");
    let text = String::from_utf8(writer.finish(Some(("application/sdp", b"v=0")))).unwrap();
    assert!(!text.contains("\nEvil"), "{text}");
    assert!(text.ends_with("Content-Length: 3\r\n\r\nv=0"), "{text}");
    assert_eq!(lex::quote("a\"b\\c\r\n"), "\"a\\\"b\\\\c\"");
}

#[test]
fn keep_alives_on_streams() {
    let mut framer = Framer::default();
    framer.push(b"\r\n");
    assert_eq!((framer.next_frame(), framer.is_partial()), (None, false));
    framer.push(b"\r\n");
    assert_eq!(framer.next_frame(), Some(Frame::Ping));
    let message = with("Content-Length: 0");
    framer.push(b"\r\n");
    framer.push(&message);
    framer.push(b"\r\n\r\n");
    assert_eq!(framer.next_frame(), Some(Frame::Message(message)));
    assert_eq!(framer.next_frame(), Some(Frame::Ping));
    assert_eq!(framer.next_frame(), None);
}

#[test]
fn streams_need_a_length_and_have_a_limit() {
    let broken = |bytes: &[u8]| {
        let mut framer = Framer::default();
        framer.push(bytes);
        match framer.next_frame() {
            Some(Frame::Broken(_, status)) => Some(status),
            _ => None,
        }
    };
    assert_eq!(broken(&with("")), Some(400));
    assert_eq!(broken(&with("Content-Length: 70000")), Some(513));
    assert_eq!(
        broken(&with("Content-Length: 99999999999999999999")),
        Some(400)
    );
    assert_eq!(broken(&vec![b'a'; 70_000]), Some(513));
    assert_eq!(broken(&with("Content-Length:\r\n 0")), None);
}

/// rsip reads a few messages that we read too: where both do, they agree.
#[test]
fn rsip_agrees_where_it_can_read() {
    use rsip::headers::{ToTypedHeader, UntypedHeader};
    use rsip::message::HeadersExt;
    let mut agreed = 0;
    for line in [
        "",
        "Contact: <sip:a@192.0.2.4:5070>",
        "Subject: hello",
        "To: \"Lan\" <sip:111@example.com>;tag=5",
    ] {
        let message = parse(&with(line));
        let theirs = rsip::SipMessage::try_from(&message).unwrap();
        let heads = message.heads().unwrap();
        assert_eq!(theirs.call_id_header().unwrap().value(), heads.call_id);
        assert_eq!(
            theirs.cseq_header().unwrap().typed().unwrap().seq,
            heads.cseq
        );
        assert_eq!(
            theirs
                .from_header()
                .unwrap()
                .typed()
                .unwrap()
                .uri
                .to_string(),
            heads.from.uri.as_str()
        );
        assert_eq!(
            theirs
                .via_header()
                .unwrap()
                .typed()
                .unwrap()
                .branch()
                .unwrap()
                .value(),
            heads.via.branch().unwrap()
        );
        agreed += 1;
    }
    assert_eq!(agreed, 4);
}

impl TryFrom<&Message> for rsip::SipMessage {
    type Error = rsip::Error;
    fn try_from(message: &Message) -> Result<Self, Self::Error> {
        Self::try_from(message.as_bytes())
    }
}

#[test]
fn mutated_messages_neither_panic_nor_take_long() {
    let mut seeds = [
        with(""),
        with("Content-Length: 5"),
        with("Contact: <sip:a@[2001:db8::1]>;q=\".7\", \"x\" <sip:b@c>"),
    ];
    seeds[1].extend_from_slice(b"hello");
    let mut dice: u64 = 42;
    let mut roll = |limit: usize| {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(dice >> 33).unwrap() % limit
    };
    const NASTY: &[&[u8]] = &[
        b"\r\n",
        b"\"",
        b"<",
        b">",
        b";",
        b",",
        b":",
        b"\0",
        b"\xff",
        b" ",
        b"@",
        b"[",
        b"]",
        b"%",
        b"\\",
        b"SIP/2.0",
        b"99999999999",
    ];
    for round in 0..20_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=roll(6) {
            let at = roll(bytes.len());
            match roll(4) {
                0 => bytes[at] = u8::try_from(roll(256)).unwrap(),
                1 => drop(bytes.drain(at..(at + roll(20)).min(bytes.len()))),
                2 => {
                    let nasty = NASTY[roll(NASTY.len())];
                    bytes.splice(at..at, nasty.iter().copied());
                }
                _ => {
                    let piece = bytes[at..(at + roll(60)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
            if bytes.is_empty() {
                bytes.push(b'x');
            }
        }
        let mut framer = Framer::default();
        framer.push(&bytes);
        for _ in 0..bytes.len() {
            if framer.next_frame().is_none() {
                break;
            }
        }
        if let Ok(message) = Message::parse(bytes) {
            let _ = message.heads();
            if message.heads().is_ok() {
                assert_eq!(message.print(), message.as_bytes(), "round {round}");
            }
        }
    }
}

#[test]
fn the_sdp_beside_isup_is_found() {
    let body = b"preamble\r\n--x\r\nContent-Type: application/isup;version=etsi\r\n\r\n\x01\x00\xff\r\n--x\r\nContent-Disposition: session\r\nContent-Type: Application/SDP\r\n\r\nv=0\r\n\r\n--x--\r\n";
    let part = |content_type: &str, body: &[u8]| {
        super::multipart::part(content_type, body, "application/sdp")
    };
    assert_eq!(
        part("multipart/mixed; boundary=\"x\"", body),
        Some(b"v=0\r\n".to_vec())
    );
    assert_eq!(part("multipart/mixed;boundary=y", body), None);
    assert_eq!(part("multipart/mixed", body), None);
    assert_eq!(part("multipart/mixed;boundary=x", &body[..60]), None);
    assert_eq!(
        part("multipart/mixed;boundary=x", &b"--x\r\n".repeat(10_000)),
        None
    );
}

/// 16 times the bytes may cost 16 times the work, not 256: counted in time, with a wide margin.
#[test]
#[allow(clippy::disallowed_methods, reason = "measures time")]
fn work_grows_with_length_only() {
    let cost = |bytes: Vec<u8>| {
        let start = std::time::Instant::now();
        for _ in 0..20 {
            if let Ok(message) = Message::parse(bytes.clone()) {
                let _ = message.heads();
                let _ = message.list(Name::Contact);
            }
        }
        start.elapsed().as_micros().max(50)
    };
    let shapes: [fn(usize) -> Vec<u8>; 5] = [
        |bytes| with(&format!("Contact: {}", "<sip:a@b>,".repeat(bytes / 10))),
        |bytes| with(&format!("Via: {}", "SIP/2.0/UDP a;b=c,".repeat(bytes / 18))),
        |bytes| with(&format!("Subject: {}", "a\r\n ".repeat(bytes / 4))),
        |bytes| with(&"X: y\r\n".repeat(bytes / 6)),
        |bytes| {
            with(&format!(
                "From: \"{}\" <sip:a@b>;tag=1",
                "\\\"".repeat(bytes / 2)
            ))
        },
    ];
    for shape in shapes {
        let (small, large) = (cost(shape(4_096)), cost(shape(65_536)));
        assert!(
            large < small * 160,
            "{large} us for 64 KiB, {small} us for 4 KiB"
        );
    }
}

fn token() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9.!%*_+`'~-]{1,20}"
}

fn uri() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        "[a-z][a-z0-9-]{0,10}\\.example",
        "192\\.0\\.2\\.[1-9]",
        Just("[2001:db8::1]".to_owned())
    ];
    let user = prop_oneof![Just(String::new()), "[a-zA-Z0-9+;?/&=,$_.!~*'()-]{1,15}@"];
    let port = prop_oneof![
        Just(String::new()),
        "[1-9][0-9]{0,3}".prop_map(|port| format!(":{port}"))
    ];
    let params = prop_oneof![
        Just(String::new()),
        token().prop_map(|name| format!(";{name}")),
        token().prop_map(|value| format!(";x={value}"))
    ];
    (user, host, port, params)
        .prop_map(|(user, host, port, params)| format!("sip:{user}{host}{port}{params}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn uris_read_back(text in uri()) {
        let parsed = Uri::parse(&text).unwrap();
        prop_assert_eq!(parsed.as_str(), &text);
        prop_assert!(text.contains(&parsed.host) && text.contains(&parsed.user));
        prop_assert!(parsed.is_same(&parsed));
    }

    #[test]
    fn what_is_written_is_read(
        method in token(), target in uri(), display in "[^\\x00-\\x1f\\x7f-\\x9f]{0,30}", from in uri(), tag in token(),
        call_id in "[a-zA-Z0-9@.-]{1,30}", cseq in 0_u32..2_147_483_648, extra in "[ -~]{0,60}", body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut writer = Writer::request(&method, &target);
        writer
            .header("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx")
            .header("From", &format!("{} <{from}>;tag={tag}", lex::quote(&display)))
            .header("To", &format!("<{target}>"))
            .header("Call-ID", &call_id)
            .header("CSeq", &format!("{cseq} {method}"))
            .header("X-Extra", &extra);
        let bytes = writer.finish(Some(("application/sdp", &body)));
        let message = Message::parse(bytes.clone()).unwrap();
        prop_assert_eq!(message.print(), bytes.clone());
        let heads = message.heads().unwrap();
        prop_assert_eq!(heads.from.display.as_str(), display.as_str());
        prop_assert_eq!(heads.from_tag(), tag);
        prop_assert_eq!(heads.cseq, cseq);
        prop_assert_eq!(heads.call_id, call_id);
        prop_assert_eq!(message.body(), &body[..]);
        prop_assert_eq!(message.request_uri(), target);
        let mut framer = Framer::default();
        framer.push(&bytes);
        prop_assert_eq!(framer.next_frame(), Some(Frame::Message(bytes)));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(message) = Message::parse(bytes.clone()) {
            let _ = message.heads();
        }
        let mut framer = Framer::default();
        framer.push(&bytes);
        while let Some(frame) = framer.next_frame() {
            if matches!(frame, Frame::Broken(..)) { break; }
        }
    }

    #[test]
    fn splitting_loses_nothing(text in "[a-z,;<>\" ]{0,60}") {
        if let Some(parts) = lex::split(&text, ',') {
            let joined: String = parts.join(",").chars().filter(|letter| *letter != ' ').collect();
            prop_assert_eq!(joined, text.chars().filter(|letter| *letter != ' ').collect::<String>());
        }
    }
}
