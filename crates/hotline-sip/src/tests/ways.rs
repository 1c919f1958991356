//! The ways that messages take: slow and broken streams, large messages by TCP.

use super::net::Net;
use crate::message::Message;
use crate::{Command, Input, Output};

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
            body: vec![b'x'; 1_200],
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
