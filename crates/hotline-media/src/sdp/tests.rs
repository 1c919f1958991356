mod devices;
mod keys;

use proptest::prelude::*;

use super::*;

const LOCAL: &str = "192.0.2.10";
const PEER: &str = "203.0.113.5";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn lines(text: &str) -> Vec<u8> {
    text.trim()
        .lines()
        .map(|line| format!("{}\r\n", line.trim()))
        .collect::<String>()
        .into_bytes()
}

/// Stands for the generator.
const RANDOM: [u8; RANDOM_BYTES] = rising(100);
const OTHER_RANDOM: [u8; RANDOM_BYTES] = rising(60);

const fn rising(from: u8) -> [u8; RANDOM_BYTES] {
    let mut bytes = [0; RANDOM_BYTES];
    let mut index = 0;
    while index < RANDOM_BYTES {
        bytes[index] = from + index as u8;
        index += 1;
    }
    bytes
}

/// We, towards a peer whose signalling comes from where its audio does.
fn local() -> Local<'static> {
    Local {
        signalling: Some(ip(PEER)),
        ..Local::first((ip(LOCAL), 20_000), 7, &RANDOM)
    }
}

/// The peer, when it is one of us.
fn there() -> Local<'static> {
    Local {
        signalling: Some(ip(LOCAL)),
        ..Local::first((ip(PEER), 30_000), 8, &OTHER_RANDOM)
    }
}

fn answered(offer: &[u8]) -> Result<(String, LegPlan), SdpError> {
    let (bytes, plan) = answer(offer, &Capabilities::default(), &local())?;
    Ok((String::from_utf8(bytes).unwrap(), plan))
}

const TRUNK: &str = "
    v=0
    o=VTN-SBC 3921453 3921453 IN IP4 203.0.113.5
    s=sip call
    c=IN IP4 203.0.113.5
    t=0 0
    m=audio 41230 RTP/AVP 8 0 18 101
    a=rtpmap:8 PCMA/8000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:18 G729/8000
    a=fmtp:18 annexb=no
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-15
    a=ptime:20
    a=maxptime:150
    a=sendrecv";

#[test]
fn a_trunk_is_answered_whole() {
    let (text, plan) = answered(&lines(TRUNK)).unwrap();
    let expected = lines(
        "
        v=0
        o=- 7 1 IN IP4 192.0.2.10
        s=-
        c=IN IP4 192.0.2.10
        t=0 0
        m=audio 20000 RTP/AVP 8 101
        a=rtpmap:8 PCMA/8000
        a=rtpmap:101 telephone-event/8000
        a=fmtp:101 0-15
        a=ptime:20
        a=sendrecv",
    );
    assert_eq!(text.as_bytes(), expected);
    let expected = LegPlan {
        event_send: Some(101),
        event_receive: Some(101),
        remote: Some("203.0.113.5:41230".parse().unwrap()),
        signalling: Some(ip(PEER)),
        packet_ms: Some(20),
        ..LegPlan::new(Codec::Pcma)
    };
    assert_eq!(plan, expected);
}

#[test]
fn baresip_prefers_others_but_gets_a_law() {
    let offer = lines(
        "
        v=0
        o=- 1523892137 3456237892 IN IP4 203.0.113.7
        s=-
        c=IN IP4 203.0.113.7
        t=0 0
        a=tool:baresip 1.0.0
        m=audio 26518 RTP/AVP 96 0 8 101
        b=AS:128
        a=rtpmap:96 opus/48000/2
        a=fmtp:96 stereo=1;sprop-stereo=1
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000
        a=rtpmap:101 telephone-event/8000
        a=fmtp:101 0-15
        a=rtcp:26519
        a=sendrecv
        a=label:1
        a=rtcp-rsize
        a=ssrc:1283724 cname:sip:tv01@203.0.113.7
        a=ptime:20",
    );
    let (text, plan) = answered(&offer).unwrap();
    assert!(text.contains("m=audio 20000 RTP/AVP 8 101\r\n"), "{text}");
    assert_eq!(plan.codec, Codec::Pcma);
    assert_eq!(plan.remote, Some("203.0.113.7:26518".parse().unwrap()));
}

#[test]
fn linphone_with_video_over_avpf_keeps_its_m_lines_in_order() {
    let offer = lines(
        "
        v=0
        o=tv02 3054 2271 IN IP4 10.1.2.3
        s=Talk
        c=IN IP4 10.1.2.3
        t=0 0
        a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics
        a=record:off
        m=video 9078 RTP/AVPF 96
        a=rtpmap:96 VP8/90000
        m=audio 7078 RTP/AVPF 96 97 98 0 8 18 99 100
        a=rtpmap:96 opus/48000/2
        a=fmtp:96 useinbandfec=1
        a=rtpmap:97 speex/16000
        a=rtpmap:98 speex/8000
        a=rtpmap:99 telephone-event/48000
        a=rtpmap:100 telephone-event/8000
        a=rtcp-fb:* trr-int 5000",
    );
    let (text, plan) = answered(&offer).unwrap();
    let media: Vec<_> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(
        media,
        ["m=video 0 RTP/AVPF 96", "m=audio 20000 RTP/AVPF 8 100"]
    );
    assert_eq!(plan.event_send, Some(100), "the one at 8 kHz");
}

#[test]
fn yealink_with_srtp_beside_plain_is_answered_on_the_protected_line() {
    let offer = lines(
        "
        v=0
        o=- 20001 20001 IN IP4 203.0.113.9
        s=SDP data
        c=IN IP4 203.0.113.9
        t=0 0
        m=audio 11780 RTP/SAVP 0 8 101
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WnD7c1ksDGs+dIefCEo8omPg4uO8DYIinNGL5yxQ
        a=rtpmap:0 PCMU/8000
        m=audio 11782 RTP/AVP 0 8 18 9 101
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000
        a=rtpmap:101 telephone-event/8000
        a=fmtp:101 0-15
        a=ptime:20
        a=sendrecv",
    );
    let (text, plan) = answered(&offer).unwrap();
    assert!(
        text.contains("m=audio 20000 RTP/SAVP 8 101\r\n")
            && text.contains("m=audio 0 RTP/AVP 0 8 18 9 101\r\n")
    );
    assert_eq!(plan.remote.unwrap().port(), 11_780);
    assert!(plan.protection.is_protected());
}

#[test]
fn a_browser_offer_is_refused() {
    let offer = lines(
        "
        v=0
        o=- 4611731400430051336 2 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE 0
        a=msid-semantic: WMS
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
        c=IN IP4 0.0.0.0
        a=rtcp:9 IN IP4 0.0.0.0
        a=ice-ufrag:4ZcD
        a=ice-pwd:2/1muCWoOi3uLifh0NuRHlZk
        a=fingerprint:sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70
        a=setup:actpass
        a=mid:0
        a=rtcp-mux
        a=rtpmap:111 opus/48000/2
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000",
    );
    assert_eq!(answered(&offer), Err(SdpError::NothingInCommon));
}

#[test]
fn every_way_to_hold_and_resume_is_mirrored() {
    let cases = [
        ("a=sendonly", Direction::ReceiveOnly, "a=recvonly"),
        ("a=recvonly", Direction::SendOnly, "a=sendonly"),
        ("a=inactive", Direction::Inactive, "a=inactive"),
        ("a=sendrecv", Direction::SendReceive, "a=sendrecv"),
        ("a=X-nothing", Direction::SendReceive, "a=sendrecv"),
    ];
    for (attribute, direction, written) in cases {
        let offer = TRUNK.replace("a=sendrecv", attribute);
        let (text, plan) = answered(&lines(&offer)).unwrap();
        assert_eq!(plan.direction, direction);
        assert!(text.ends_with(&format!("{written}\r\n")), "{text}");
    }
    let session_level = TRUNK
        .replace("a=sendrecv", "")
        .replace("t=0 0", "t=0 0\na=inactive");
    assert_eq!(
        answered(&lines(&session_level)).unwrap().1.direction,
        Direction::Inactive
    );

    let old = TRUNK.replace("c=IN IP4 203.0.113.5", "c=IN IP4 0.0.0.0");
    let (text, plan) = answered(&lines(&old)).unwrap();
    assert_eq!(
        (plan.direction, plan.remote),
        (Direction::ReceiveOnly, None)
    );
    assert!(text.contains("m=audio 20000 ") && text.contains("c=IN IP4 192.0.2.10\r\n"));
}

#[test]
fn odd_but_real_offers_are_understood() {
    let bare_line_feeds = lines(TRUNK)
        .into_iter()
        .filter(|byte| *byte != b'\r')
        .collect::<Vec<u8>>();
    let no_maps = lines(
        "v=0\no=- 1 1 IN IP4 203.0.113.5\ns=-\nc=IN IP4 203.0.113.5\nt=0 0\nm=audio 4000 RTP/AVP 0 8",
    );
    let no_origin_no_time = lines("v=0\nc=IN IP4 203.0.113.5\nm=audio 4000 RTP/AVP 8");
    let no_version =
        lines("o=- 1 1 IN IP4 203.0.113.5\ns=-\nc=IN IP4 203.0.113.5\nm=audio 4000 RTP/AVP 8");
    let huge_session = lines(TRUNK).to_vec();
    let huge_session = String::from_utf8(huge_session)
        .unwrap()
        .replace("3921453", "99999999999999999999999999");
    let media_address = lines(TRUNK.replace("m=audio", "x=what is this\nm=audio").as_str());
    let late_address = lines(
        "v=0\no=a b c\ns=\nt=now\nm=audio 4000 RTP/AVP 8\nc=IN IP4 203.0.113.5\na=rtpmap:8 PCMA/8000/1",
    );
    let broken_name = [
        b"v=0\r\no=\xFF\xFE 1 1 IN IP4 x\r\ns=\xE1\xBB\r\n".as_slice(),
        b"c=IN IP4 203.0.113.5\r\nb=AS:1:2\r\nk=\r\nm=audio 4000 rtp/avp 8\r\n",
    ]
    .concat();
    let upper_case =
        lines("v=0\ns=-\nc=IN IP4 203.0.113.5\nm=audio 4000 RTP/AVP 98\na=rtpmap:98 pcma/8000");
    let two_ports = lines("v=0\ns=-\nc=IN IP4 203.0.113.5\nm=audio 4000/2 RTP/AVP 8");
    let missing_address = lines("v=0\ns=-\nm=audio 4000 RTP/AVP 8");
    let host_name = lines("v=0\ns=-\nc=IN IP4 sbc.example.vn\nm=audio 4000 RTP/AVP 8");
    for offer in [
        bare_line_feeds,
        no_maps,
        no_origin_no_time,
        no_version,
        huge_session.into_bytes(),
        media_address,
        late_address,
        broken_name,
        upper_case,
        two_ports,
        missing_address,
        host_name,
    ] {
        let shown = String::from_utf8_lossy(&offer).into_owned();
        let (_, plan) = answered(&offer).unwrap_or_else(|error| panic!("{error}: {shown}"));
        assert_eq!(plan.codec, Codec::Pcma, "{shown}");
        assert_eq!(plan.remote.unwrap().ip(), ip(PEER), "{shown}");
    }
}

#[test]
fn a_codec_under_a_wrong_number_or_clock_is_not_ours() {
    for formats in [
        "18\na=rtpmap:18 G729/8000",
        "9\na=rtpmap:9 G722/48000",
        "97\na=rtpmap:97 opus/8000",
        "8\na=rtpmap:8 opus/48000/2",
        "97\na=rtpmap:97 PCMA/16000",
        "300 999 -1 x",
        "",
    ] {
        let offer = lines(&format!(
            "v=0\ns=-\nc=IN IP4 203.0.113.5\nm=audio 4000 RTP/AVP {formats}"
        ));
        let error = answered(&offer).unwrap_err();
        assert!(
            matches!(error, SdpError::NothingInCommon | SdpError::Malformed),
            "{formats}: {error}"
        );
    }
}

#[test]
fn targets_that_no_honest_peer_names_are_refused() {
    let listener = "203.0.113.5:5060".parse().unwrap();
    let capabilities = Capabilities {
        refused_targets: vec![listener],
        own_ports: Some((20_000, 29_999)),
        ..Capabilities::default()
    };
    for (address, port) in [
        ("255.255.255.255", 4000),
        ("224.0.0.1", 4000),
        ("239.1.1.1/127", 4000),
        ("240.0.0.1", 4000),
        ("0.1.2.3", 4000),
        (PEER, 53),
        (PEER, 1023),
        (PEER, 5060),
        (LOCAL, 20_000),
        (LOCAL, 20_002),
        (LOCAL, 29_999),
    ] {
        let offer = lines(&format!(
            "v=0\ns=-\nc=IN IP4 {address}\nm=audio {port} RTP/AVP 8"
        ));
        let local = Local {
            signalling: None,
            ..local()
        };
        let answer = answer(&offer, &capabilities, &local);
        assert_eq!(answer, Err(SdpError::ForbiddenTarget), "{address}:{port}");
    }
    let version_6 = lines("v=0\ns=-\nc=IN IP6 ff02::1\nm=audio 4000 RTP/AVP 8");
    assert_eq!(answered(&version_6), Err(SdpError::ForbiddenTarget));
    let other_family = lines("v=0\ns=-\nc=IN IP6 2001:db8::5\nm=audio 4000 RTP/AVP 8");
    assert_eq!(answered(&other_family), Err(SdpError::Unreachable));
}

#[test]
fn loopback_is_for_those_who_are_on_it() {
    let offer = lines("v=0\ns=-\nc=IN IP4 127.0.0.1\nm=audio 4000 RTP/AVP 8");
    let here = ip("127.0.0.1");
    let at = |address: IpAddr, signalling: Option<IpAddr>| Local {
        signalling,
        ..Local::first((address, 20_000), 1, &RANDOM)
    };
    let result = |address: IpAddr, signalling: Option<IpAddr>| {
        answer(&offer, &Capabilities::default(), &at(address, signalling)).map(|_| ())
    };
    assert_eq!(result(here, Some(here)), Ok(()));
    assert_eq!(result(here, None), Ok(()));
    assert_eq!(
        result(ip(LOCAL), Some(ip(PEER))),
        Err(SdpError::ForbiddenTarget)
    );
    assert_eq!(
        accept(&Capabilities::default(), &offer, &at(here, Some(ip(PEER)))),
        Err(SdpError::ForbiddenTarget)
    );
    assert!(accept(&Capabilities::default(), &offer, &at(here, Some(here))).is_ok());
}

#[test]
fn version_6_is_answered_with_version_6() {
    let offer = lines(
        "v=0\no=- 1 1 IN IP6 2001:db8::5\ns=-\nc=IN IP6 2001:db8::5\nt=0 0\nm=audio 4000 RTP/AVP 0",
    );
    let local = Local::first((ip("2001:db8::1"), 20_000), 1, &RANDOM);
    let (bytes, plan) = answer(&offer, &Capabilities::default(), &local).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("c=IN IP6 2001:db8::1\r\n"), "{text}");
    assert_eq!((plan.codec, plan.event_send), (Codec::Pcmu, None));
    assert_eq!(plan.remote, Some("[2001:db8::5]:4000".parse().unwrap()));
}

#[test]
fn limits_are_kept() {
    let many_lines = format!("{TRUNK}{}", "\na=x".repeat(400));
    assert_eq!(answered(&lines(&many_lines)), Err(SdpError::TooLarge));
    let many_media = format!("{TRUNK}{}", "\nm=audio 4000 RTP/AVP 8".repeat(16));
    assert_eq!(answered(&lines(&many_media)), Err(SdpError::TooLarge));
    assert_eq!(answered(&vec![b'a'; 70_000]), Err(SdpError::TooLarge));
    for garbage in [
        &b""[..],
        b"\r\n\r\n",
        b"hello",
        b"{\"sdp\":1}",
        &[0; 300],
        &[0xFF; 300],
    ] {
        assert!(matches!(
            answered(garbage),
            Err(SdpError::Malformed | SdpError::NothingInCommon)
        ));
    }
    // The longest legal list of formats costs no more than its limit.
    let formats = (0..9_000)
        .map(|number| format!(" {}", number % 128))
        .collect::<String>();
    let wide = format!("v=0\ns=-\nc=IN IP4 203.0.113.5\nm=audio 4000 RTP/AVP 18{formats}");
    let _ = answered(&lines(&wide));
}

#[test]
fn our_offer_and_our_answer_fit_each_other() {
    let here = Capabilities::default();
    let there = Capabilities {
        codecs: vec![Codec::Pcmu],
        ..Capabilities::default()
    };
    let offered = offer(&here, &local());
    let (answer_bytes, plan_there) = answer(&offered, &there, &self::there()).unwrap();
    let plan_here = accept(&here, &answer_bytes, &local()).unwrap();
    assert_eq!(
        (plan_here.codec, plan_there.codec),
        (Codec::Pcmu, Codec::Pcmu)
    );
    assert_eq!(plan_here.remote, Some("203.0.113.5:30000".parse().unwrap()));
    assert_eq!(plan_there.remote, Some("192.0.2.10:20000".parse().unwrap()));
    assert_eq!(
        (plan_here.event_send, plan_here.event_receive),
        (Some(101), Some(101))
    );
}

#[test]
fn an_answer_with_its_own_numbers_and_a_hold_of_ours_are_accepted() {
    let hold = Capabilities {
        direction: Direction::SendOnly,
        ..Capabilities::default()
    };
    let text = String::from_utf8(offer(&hold, &local())).unwrap();
    assert!(text.ends_with("a=sendonly\r\n"));
    let answer = lines(
        "v=0\no=- 1 1 IN IP4 203.0.113.5\ns=-\nc=IN IP4 203.0.113.5\nt=0 0\nm=audio 4000 RTP/AVP 8 97\n\
         a=rtpmap:97 telephone-event/8000\na=recvonly",
    );
    let plan = accept(&hold, &answer, &local()).unwrap();
    assert_eq!((plan.event_send, plan.event_receive), (Some(97), Some(101)));
    assert_eq!(plan.direction, Direction::SendOnly);
    let refused = lines("v=0\ns=-\nc=IN IP4 203.0.113.5\nm=audio 0 RTP/AVP 8");
    assert_eq!(
        accept(&hold, &refused, &local()),
        Err(SdpError::NothingInCommon)
    );
    let waiting = unanswered(&Capabilities::default(), Some(ip(PEER)));
    assert_eq!((waiting.remote, waiting.codec), (None, Codec::Pcma));
}

/// RFC 4028 §7.4: a session refresh repeats our last description, which may be an answer with the peer's numbers.
#[test]
fn what_a_peer_says_to_a_repeated_answer_of_ours_keeps_the_numbers_of_that_answer() {
    let theirs = |direction: &str, port: u16| {
        lines(&format!(
            "v=0\no=- 1 1 IN IP4 203.0.113.5\ns=-\nc=IN IP4 203.0.113.5\nt=0 0\nm=audio {port} RTP/AVP 120 97\n\
             a=rtpmap:120 opus/48000/2\na=rtpmap:97 telephone-event/48000\na={direction}"
        ))
    };
    let (ours, before) = answer(
        &theirs("sendonly", 4_000),
        &Capabilities::default(),
        &local(),
    )
    .expect("an answer");
    let again = Local {
        previous: &ours,
        version: 1,
        before: Some(&before),
        ..local()
    };
    let plan = accept(&Capabilities::default(), &theirs("sendrecv", 4_002), &again).unwrap();
    assert_eq!((plan.payload_type, plan.payload_type_receive), (120, 120));
    assert_eq!((plan.event_send, plan.event_receive), (Some(97), Some(97)));
    assert_eq!(plan.remote, Some("203.0.113.5:4002".parse().unwrap()));
    assert_eq!(
        plan.direction,
        Direction::ReceiveOnly,
        "we said recvonly: no answer adds the other way"
    );
}

proptest! {
    /// Any damage to a real offer is answered or refused, never a panic.
    #[test]
    fn mutated_offers_never_panic(
        edits in proptest::collection::vec((0usize..600, any::<u8>(), 0u8..4), 0..12),
    ) {
        let mut bytes = lines(TRUNK);
        for (at, value, kind) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at % bytes.len();
            match kind {
                0 => bytes[at] = value,
                1 => bytes.insert(at, value),
                2 => { bytes.remove(at); }
                _ => { let rest = bytes.split_off(at); bytes.extend(rest.iter().rev()); }
            }
        }
        let _ = answered(&bytes);
        let _ = accept(&Capabilities::default(), &bytes, &local());
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = answered(&bytes);
        let _ = answered(&[b"v=0\r\n".as_slice(), &bytes].concat());
    }
}

#[test]
fn the_peer_says_how_long_its_packets_shall_be() {
    for (said, expected) in [
        ("", None),
        ("a=ptime:30", Some(30)),
        ("a=ptime:20\n        a=maxptime:10", Some(10)),
        ("a=maxptime:150", Some(20)),
        ("a=ptime: 40 ", Some(40)),
        ("a=ptime:60.0", Some(60)),
        ("a=ptime 10", Some(10)),
        ("a=ptime:0", None),
        ("a=ptime:twenty", None),
    ] {
        let offer = lines(&format!(
            "
        v=0
        o=- 1 1 IN IP4 203.0.113.7
        s=-
        c=IN IP4 203.0.113.7
        t=0 0
        m=audio 41230 RTP/AVP 8
        {said}"
        ));
        let local = local();
        let (_, plan) = answer(&offer, &Capabilities::default(), &local).unwrap();
        assert_eq!(plan.packet_ms, expected, "{said}");
    }
}
