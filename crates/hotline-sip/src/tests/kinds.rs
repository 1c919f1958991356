//! Contacts of unlike kinds behind one account: each is offered what it can take, and nothing else.

use super::net::Net;
use crate::message::Message;
use crate::transport::Hop;
use crate::{Command, Event, Input, MediaKind, Mono, Output, Proof, Target};

const UDP: u16 = 0;
const TLS: u16 = 2;
const WSS: u16 = 4;

/// An account with a contact on each of these listeners; streams are connections of the same number.
fn desk(listeners: &[u16]) -> Net {
    let mut net = Net::new();
    net.is_quiet = true;
    for listener in listeners.iter().copied() {
        let address = format!("10.0.0.3:{}", 5060 + listener).parse().unwrap();
        let connection = u64::from(listener);
        let hop = if listener == UDP {
            Hop::Datagram { listener, address }
        } else {
            let opened = Input::StreamOpened {
                connection,
                listener,
                peer: address,
                proof: Proof::None,
            };
            server(&mut net, opened);
            Hop::Stream {
                listener,
                address,
                connection: Some(connection),
            }
        };
        let binding = crate::registrar::Binding {
            uri: format!("sip:tv01@{address}"),
            instance: String::new(),
            road: crate::outbound::Road::default(),
            hop,
            source: address,
            call_id: "x".to_owned(),
            cseq: 1,
            expires_at: Mono(u64::MAX),
            expires_wall_ms: i64::MAX,
            is_reachable: true,
            age: 0,
            timer: None,
        };
        net.node("server").endpoint.registrar.add("tv01", binding);
    }
    net
}

fn server(net: &mut Net, input: Input) -> Vec<Output> {
    let (now, mut out) = (net.now(), Vec::new());
    net.node("server").endpoint.handle(now, input, &mut out);
    out
}

fn ring(net: &mut Net, bodies: &[(MediaKind, &str)]) -> Vec<Output> {
    let bodies = bodies
        .iter()
        .map(|(kind, body)| (*kind, body.as_bytes().to_vec()));
    let invite = Command::Invite {
        dialog: 1,
        target: Target::Account("tv01".to_owned()),
        from: (String::new(), "111".to_owned()),
        bodies: bodies.collect(),
        headers: Vec::new(),
        login: None,
    };
    server(net, Input::Command(invite))
}

/// The bodies of the INVITEs, by the connection that they left on; 0 is UDP.
fn rung(out: &[Output]) -> Vec<(u64, String)> {
    let sent = out.iter().filter_map(|output| match output {
        Output::Datagram { bytes, .. } => Some((0, bytes)),
        Output::Stream {
            connection, bytes, ..
        } => Some((*connection, bytes)),
        _ => None,
    });
    sent.map(|(connection, bytes)| {
        let message = Message::parse(bytes.clone()).unwrap();
        let body = String::from_utf8_lossy(message.body()).into_owned();
        (connection, body)
    })
    .collect()
}

fn of(connection: u16, body: &str) -> (u64, String) {
    (u64::from(connection), body.to_owned())
}

#[test]
fn each_contact_gets_the_offer_of_its_kind() {
    use MediaKind::{Browser, Plain, Sdes};
    let all = [(Plain, "plain"), (Sdes, "keys"), (Browser, "ice")];
    let mut net = desk(&[UDP, TLS, WSS]);
    assert_eq!(
        net.node("server").endpoint.contact_kinds("tv01"),
        [Plain, Sdes, Browser].into()
    );
    assert_eq!(
        rung(&ring(&mut net, &all)),
        [of(UDP, "plain"), of(TLS, "keys"), of(WSS, "ice")]
    );
    // Without keys a phone behind TLS is offered the open way, if the application gives that.
    let mut net = desk(&[TLS, WSS]);
    assert_eq!(
        rung(&ring(&mut net, &[(Plain, "plain"), (Browser, "ice")])),
        [of(TLS, "plain"), of(WSS, "ice")]
    );
    // An INVITE without an offer goes to all.
    let mut net = desk(&[UDP, WSS]);
    assert_eq!(rung(&ring(&mut net, &[])), [of(UDP, ""), of(WSS, "")]);
}

#[test]
fn a_browser_is_never_offered_plain_audio_and_a_phone_never_ice() {
    let mut net = desk(&[UDP, WSS]);
    let plain = ring(&mut net, &[(MediaKind::Plain, "plain")]);
    assert_eq!(rung(&plain), [of(UDP, "plain")]);
    let mut net = desk(&[UDP, TLS]);
    let failed = ring(&mut net, &[(MediaKind::Browser, "ice")]);
    assert!(matches!(
        failed[..],
        [Output::Event(Event::Failed { dialog: 1, .. })]
    ));
}

#[test]
fn the_answer_says_which_offer_it_answers() {
    let mut net = desk(&[UDP, WSS]);
    let out = ring(
        &mut net,
        &[(MediaKind::Plain, "plain"), (MediaKind::Browser, "ice")],
    );
    let invite = out.iter().find_map(|output| match output {
        Output::Stream { bytes, .. } => Some(String::from_utf8(bytes.clone()).unwrap()),
        _ => None,
    });
    let mut answer = String::from("SIP/2.0 200 OK\r\n");
    for line in invite.unwrap().lines() {
        match line.split(':').next().unwrap() {
            "Via" | "From" | "Call-ID" | "CSeq" => answer += &format!("{line}\r\n"),
            "To" => answer += &format!("{line};tag=b\r\n"),
            _ => {}
        }
    }
    answer += "Contact: <sip:x@y.invalid;transport=ws>\r\nContent-Type: application/sdp\r\n";
    answer += "Content-Length: 3\r\n\r\nice";
    let out = server(
        &mut net,
        Input::StreamMessage {
            connection: WSS.into(),
            bytes: answer.into_bytes(),
        },
    );
    let kind = out.iter().find_map(|output| match output {
        Output::Event(Event::Answered { kind, .. }) => Some(*kind),
        _ => None,
    });
    assert_eq!(kind, Some(MediaKind::Browser));
}
