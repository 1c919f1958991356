//! The ways that messages take: slow and broken streams, large messages by TCP.

use super::net::Net;
use crate::message::Message;
use crate::{Command, Input, Output, Proof};

#[test]
fn half_a_message_on_a_stream_is_given_up() {
    let mut net = Net::new();
    net.is_quiet = true;
    let mut out = Vec::new();
    let peer = "10.0.0.2:40000".parse().unwrap();
    let server = |net: &mut Net, input: Input, out: &mut Vec<Output>| {
        let now = net.now();
        net.node("server").endpoint.handle(now, input, out);
    };
    for connection in 1..=3 {
        server(
            &mut net,
            Input::StreamOpened {
                connection,
                listener: 1,
                peer,
                proof: Proof::None,
            },
            &mut out,
        );
    }
    server(
        &mut net,
        Input::StreamBytes {
            connection: 1,
            bytes: b"INVITE sip:111@h SIP/2.0\r\nVia".to_vec(),
        },
        &mut out,
    );
    server(
        &mut net,
        Input::StreamBytes {
            connection: 2,
            bytes: b"\r\n\r\n".to_vec(),
        },
        &mut out,
    );
    net.now_us += 16_000_000;
    server(&mut net, Input::Tick, &mut out);
    let closed: Vec<u64> = out
        .iter()
        .filter_map(|output| match output {
            Output::Close { connection } => Some(*connection),
            _ => None,
        })
        .collect();
    assert_eq!(
        closed,
        [1, 3],
        "the half message and the mute one; the one that pinged may stay"
    );
    server(
        &mut net,
        Input::StreamBytes {
            connection: 2,
            bytes: b"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n".to_vec(),
        },
        &mut out,
    );
    assert!(matches!(out.last(), Some(Output::Close { connection: 2 })));
    assert_eq!(net.counters("server").connections, 0);
}

/// One input for the server, and what it says to it.
fn server(net: &mut Net, input: Input) -> Vec<Output> {
    let (now, mut out) = (net.now(), Vec::new());
    net.node("server").endpoint.handle(now, input, &mut out);
    out
}

fn open(net: &mut Net, connection: u64, peer: &str) {
    let (listener, peer) = (1, peer.parse().unwrap());
    let input = Input::StreamOpened {
        connection,
        listener,
        peer,
        proof: Proof::None,
    };
    assert!(server(net, input).is_empty());
}

fn bytes(net: &mut Net, connection: u64, bytes: Vec<u8>) -> Vec<Output> {
    server(net, Input::StreamBytes { connection, bytes })
}

#[test]
fn many_pings_at_once_get_one_pong_and_a_stranger_who_sends_them_is_closed() {
    let mut net = Net::new();
    net.is_quiet = true;
    open(&mut net, 1, "10.0.0.2:40000");
    open(&mut net, 2, "10.0.0.9:40000");
    let pongs = |out: Vec<Output>| {
        let is_pong =
            |output: &Output| matches!(output, Output::Stream { bytes, .. } if bytes == b"\r\n");
        (
            out.iter().filter(|output| is_pong(output)).count(),
            out.len(),
        )
    };
    let flood = b"\r\n\r\n".repeat(16_000);
    assert_eq!(pongs(bytes(&mut net, 1, flood.clone())), (1, 1), "a trunk");
    assert_eq!(pongs(bytes(&mut net, 2, b"\r\n\r\n".to_vec())), (1, 1));
    let out = bytes(&mut net, 2, flood);
    assert!(
        matches!(out[..], [Output::Close { connection: 2 }]),
        "{out:?}"
    );
    assert_eq!(net.counters("server").connections, 1);
}

#[test]
fn a_stranger_does_not_live_on_pings() {
    let mut net = Net::new();
    net.is_quiet = true;
    open(&mut net, 1, "10.0.0.2:40000");
    open(&mut net, 2, "10.0.0.9:40000");
    open(&mut net, 3, "10.0.0.9:40001");
    let options = super::accounts::request("OPTIONS", "tv01", 1, &["Content-Length: 0"]);
    let asked = bytes(&mut net, 3, options);
    assert!(matches!(asked.last(), Some(Output::Stream { .. })), "401");
    for second in 0..60 {
        for connection in 1..=3 {
            bytes(&mut net, connection, b"\r\n\r\n".to_vec());
        }
        net.now_us += 1_000_000;
        server(&mut net, Input::Tick);
        let left = net.counters("server").connections;
        let expected = [3, 2, 1][usize::from(second >= 14) + usize::from(second >= 24)];
        assert_eq!(left, expected, "{second}");
    }
}

#[test]
fn a_call_of_a_phone_that_never_registered_keeps_its_stream() {
    let mut net = Net::new();
    super::script::run(&mut net, "phone calls 113 tv01 tcp; server answers");
    net.run_ms(1_300_000);
    assert_eq!(net.counters("server").connections, 1, "{}", net.log);
    super::script::run(&mut net, "phone hangs up; wait 1300");
    assert_eq!(net.counters("server").connections, 0, "{}", net.log);
}

#[test]
fn a_large_invite_goes_by_tcp_where_the_contact_allows() {
    for (contact, is_stream) in [
        ("sip:tv01@10.0.0.3:5060", true),
        ("sip:tv01@10.0.0.3:5060;transport=udp", false),
        ("sip:tv01@192.168.1.5", false),
    ] {
        let mut net = Net::new();
        net.is_quiet = true;
        let binding = crate::registrar::Binding {
            uri: contact.to_owned(),
            instance: String::new(),
            road: crate::outbound::Road::default(),
            hop: crate::transport::Hop::Datagram {
                listener: 0,
                address: "10.0.0.3:5060".parse().unwrap(),
            },
            source: "10.0.0.3:5060".parse().unwrap(),
            call_id: "x".to_owned(),
            cseq: 1,
            expires_at: crate::Mono(u64::MAX),
            expires_wall_ms: i64::MAX,
            is_reachable: true,
            age: 0,
            timer: None,
        };
        net.node("server").endpoint.registrar.add("tv01", binding);
        let (mut out, now) = (Vec::new(), net.now());
        let invite = Command::Invite {
            dialog: 1,
            target: crate::Target::Account("tv01".to_owned()),
            from: (String::new(), "111".to_owned()),
            bodies: vec![(crate::MediaKind::Plain, vec![b'x'; 1_200])],
            headers: Vec::new(),
            login: None,
        };
        net.node("server")
            .endpoint
            .handle(now, Input::Command(invite), &mut out);
        let connect = out.iter().find_map(|output| match output {
            Output::Connect { connection, .. } => Some(*connection),
            _ => None,
        });
        assert_eq!(connect.is_some(), is_stream, "{contact}");
        let Some(connection) = connect else { continue };
        // Nobody listens there: UDP after all.
        out.clear();
        net.node("server")
            .endpoint
            .handle(now, Input::StreamClosed { connection }, &mut out);
        let again = out.iter().find_map(|output| match output {
            Output::Datagram { bytes, .. } => Some(Message::parse(bytes.clone()).unwrap()),
            _ => None,
        });
        let again = again.unwrap();
        assert_eq!(
            (
                again.body().len(),
                again.heads().unwrap().cseq,
                again.heads().unwrap().via.transport.as_str()
            ),
            (1_200, 2, "UDP")
        );
    }
}

#[test]
fn every_dead_contact_that_can_be_asked_has_its_turn() {
    let mut net = Net::new();
    net.is_quiet = true;
    let endpoint = &mut net.node("server").endpoint;
    for number in 0..300_u16 {
        let address = std::net::SocketAddr::new(super::net::ip("10.0.1.1"), 10_000 + number);
        // The first two hundred wait for a connection of their phone.
        let hop = if number < 200 {
            crate::transport::Hop::Stream {
                listener: 1,
                address,
                connection: Some(u64::from(number)),
            }
        } else {
            crate::transport::Hop::Datagram {
                listener: 0,
                address,
            }
        };
        let binding = crate::registrar::Binding {
            uri: format!("sip:x@{address}"),
            instance: String::new(),
            road: crate::outbound::Road::default(),
            hop,
            source: address,
            call_id: "x".to_owned(),
            cseq: 1,
            expires_at: crate::Mono(u64::MAX),
            expires_wall_ms: i64::MAX,
            is_reachable: false,
            age: 0,
            timer: None,
        };
        endpoint.registrar.add(&format!("u{number:03}"), binding);
    }
    let alarm = crate::timer::Alarm::Probe;
    endpoint.timers.arm(crate::Mono(0), 0, alarm);
    net.run_ms(16_000);
    assert_eq!(net.node("server").endpoint.registrar.probing.len(), 100);
}
