//! What the registrar makes of proofs, proxies, flows, and devices that take each other's place.

use super::net::{Net, REALM};
use crate::message::{Message, Name};
use crate::{Command, ContactState, Event, Input, MediaKind, Output, Proof, Target, Transport};

/// A server, and phones made of bytes on connections of their own.
struct Desk {
    net: Net,
    sequence: u32,
}

impl Desk {
    fn new() -> Self {
        let mut net = Net::new();
        net.is_quiet = true;
        Self { net, sequence: 0 }
    }

    fn server(&mut self, input: Input) -> Vec<Output> {
        let (now, mut out) = (self.net.now(), Vec::new());
        let server = self.net.node("server");
        server.endpoint.handle(now, input, &mut out);
        out
    }

    fn open(&mut self, connection: u64, transport: Transport, peer: &str, proof: Proof) {
        let at = Transport::ALL.iter().position(|known| *known == transport);
        self.server(Input::StreamOpened {
            connection,
            listener: u16::try_from(at.unwrap()).unwrap(),
            peer: peer.parse().unwrap(),
            proof,
        });
    }

    /// A request of `user` on a connection; what comes of it.
    fn send(&mut self, connection: u64, method: &str, user: &str, lines: &str) -> Vec<Output> {
        self.sequence += 1;
        let sequence = self.sequence;
        let text = format!(
            "{method} sip:{REALM} SIP/2.0\r\nVia: SIP/2.0/WSS a.invalid;branch=z9hG4bK{sequence}\r\n\
             From: <sip:{user}@{REALM}>;tag=a\r\nTo: <sip:{user}@{REALM}>\r\nCall-ID: c{connection}\r\n\
             CSeq: {sequence} {method}\r\nMax-Forwards: 70\r\n{lines}Content-Length: 0\r\n\r\n"
        );
        self.server(Input::StreamMessage {
            connection,
            bytes: text.into_bytes(),
        })
    }

    fn register(&mut self, connection: u64, contact: &str, lines: &str) -> Vec<Output> {
        self.send(
            connection,
            "REGISTER",
            "tv01",
            &format!("Contact: {contact}\r\n{lines}"),
        )
    }

    /// INVITEs that ring the account: connection and message.
    fn ring(&mut self) -> Vec<(u64, Message)> {
        self.sequence += 1;
        let out = self.server(Input::Command(Command::Invite {
            dialog: u64::from(self.sequence) * 2 + 1,
            target: Target::Account("tv01".to_owned()),
            from: (String::new(), "111".to_owned()),
            bodies: [MediaKind::Plain, MediaKind::Sdes, MediaKind::Browser]
                .map(|kind| (kind, b"offer".to_vec()))
                .to_vec(),
            headers: Vec::new(),
            login: None,
        }));
        let sent = out.into_iter().filter_map(|output| match output {
            Output::Stream { connection, bytes } => Some((connection, Message::parse(bytes).ok()?)),
            _ => None,
        });
        sent.collect()
    }
}

fn ticket() -> Proof {
    Proof::Account("tv01".to_owned())
}

fn answer(out: &[Output]) -> Message {
    let found = out.iter().find_map(|output| match output {
        Output::Stream { bytes, .. } => Message::parse(bytes.clone()).ok(),
        _ => None,
    });
    found.expect("an answer")
}

fn status(out: &[Output]) -> u16 {
    answer(out).status().unwrap()
}

fn replaced(out: &[Output]) -> Vec<String> {
    let news = out.iter().filter_map(|output| match output {
        Output::Event(Event::ContactReplaced {
            account,
            replaced,
            by,
        }) => Some(format!("{account}: {replaced} by {by}")),
        _ => None,
    });
    news.collect()
}

#[test]
fn a_ticket_speaks_for_its_account_on_its_connection_only() {
    let mut desk = Desk::new();
    desk.open(7, Transport::Wss, "10.0.0.3:50000", ticket());
    desk.open(8, Transport::Wss, "10.0.0.3:50001", Proof::None);
    let stranger = Proof::Account("gone".to_owned());
    desk.open(9, Transport::Wss, "10.0.0.3:50002", stranger);
    let contact = "Contact: <sip:tv01@a.invalid;transport=ws>\r\n";
    assert_eq!(status(&desk.send(7, "REGISTER", "tv02", contact)), 401);
    assert_eq!(status(&desk.send(8, "REGISTER", "tv01", contact)), 401);
    assert_eq!(
        status(&desk.send(9, "REGISTER", "gone", contact)),
        401,
        "no such account"
    );
    assert_eq!(status(&desk.send(7, "REGISTER", "tv01", contact)), 200);
    assert_eq!(status(&desk.send(7, "OPTIONS", "tv02", "")), 401);
    assert_eq!(status(&desk.send(7, "OPTIONS", "tv01", "")), 200);
}

#[test]
fn a_certificate_makes_a_trunk_of_a_connection_whatever_its_address() {
    let mut desk = Desk::new();
    desk.open(7, Transport::Tls, "192.0.2.9:40000", Proof::Trunk(0));
    desk.open(8, Transport::Tls, "192.0.2.9:40001", Proof::None);
    assert_eq!(status(&desk.send(7, "OPTIONS", "0912000001", "")), 200);
    assert_eq!(status(&desk.send(8, "OPTIONS", "0912000001", "")), 401);
    let contact = "Contact: <sip:tv01@192.0.2.9>\r\n";
    let claimed = desk.send(7, "REGISTER", "tv01", contact);
    assert_eq!(status(&claimed), 401, "a carrier is no counsellor");
}

#[test]
fn a_browser_is_reached_by_its_connection_and_gone_with_it() {
    let mut desk = Desk::new();
    desk.open(7, Transport::Wss, "10.0.0.3:50000", ticket());
    desk.register(7, "<sip:x@a.invalid;transport=ws>", "");
    let rung = desk.ring();
    assert_eq!(rung.len(), 1);
    assert_eq!(rung[0].0, 7);
    let via = rung[0].1.list(Name::Via).unwrap();
    assert!(via[0].starts_with("SIP/2.0/WSS 10.0.0.1"), "{via:?}");
    let out = desk.server(Input::StreamClosed { connection: 7 });
    let is_told = |output: &Output| matches!(output, Output::Event(Event::Contact { state, .. }) if *state == ContactState::Unreachable);
    assert!(out.iter().any(is_told), "{out:?}");
    // Another browser behind the same NAT gets the same port: it is not the counsellor.
    desk.open(8, Transport::Wss, "10.0.0.3:50000", Proof::None);
    assert!(desk.ring().is_empty());
    // The page comes back as another contact; the one that was left does not stand in its way.
    desk.open(9, Transport::Wss, "10.0.0.3:50009", ticket());
    let out = desk.register(9, "<sip:y@b.invalid;transport=ws>", "");
    assert_eq!(answer(&out).count(Name::Contact), 1);
    assert_eq!(replaced(&out), [""; 0]);
}

#[test]
fn a_path_is_kept_told_and_followed() {
    let mut desk = Desk::new();
    desk.open(7, Transport::Tls, "10.0.0.7:40000", ticket());
    let path = "Path: <sip:edge.test;lr;ob>, <sip:inner.test;lr>\r\nRequire: path\r\n";
    let out = desk.register(7, "<sip:tv01@10.0.0.3:5060>", path);
    let told = answer(&out);
    assert_eq!(told.status(), Some(200));
    let routes = ["<sip:edge.test;lr;ob>", "<sip:inner.test;lr>"];
    assert_eq!(told.list(Name::Path).unwrap(), routes);
    let rung = desk.ring();
    assert_eq!(rung[0].0, 7, "by the proxy's own connection");
    assert_eq!(rung[0].1.list(Name::Route).unwrap(), routes);
    let broken = "Path: <sip:edge.test\r\n";
    assert_eq!(
        status(&desk.register(7, "<sip:tv01@10.0.0.3>", broken)),
        400
    );
}

#[test]
fn outbound_is_promised_only_where_the_flow_is_kept() {
    let first = "<sip:tv01@10.0.0.3:5060>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"";
    let second = "<sip:tv01@10.0.0.3:5061>;reg-id=2;+sip.instance=\"<urn:uuid:1>\"";
    let supported = "Supported: path, outbound\r\n";
    let mut desk = Desk::new();
    desk.open(7, Transport::Tls, "10.0.0.3:40000", ticket());
    desk.open(8, Transport::Tls, "10.0.0.3:40001", ticket());
    let plain = answer(&desk.register(7, first, ""));
    assert_eq!(plain.value(Name::Require), None, "nobody asked for it");
    let kept = answer(&desk.register(7, first, supported));
    assert_eq!(kept.value(Name::Require).as_deref(), Some("outbound"));
    assert_eq!(kept.other("Flow-Timer").as_deref(), Some("120"));
    // A second flow of the device stands beside the first; only the newest is rung.
    let both = answer(&desk.register(8, second, supported));
    assert_eq!(both.count(Name::Contact), 2);
    let rung = |desk: &mut Desk| -> Vec<u64> { desk.ring().iter().map(|(at, _)| *at).collect() };
    assert_eq!(rung(&mut desk), [8]);
    desk.server(Input::StreamClosed { connection: 8 });
    assert_eq!(rung(&mut desk), [7], "the other flow takes over");
    // The same flow from a new connection replaces itself, and that is no news.
    desk.open(9, Transport::Tls, "10.0.0.3:40002", ticket());
    let moved = "<sip:tv01@10.0.0.3:5062>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"";
    let out = desk.register(9, moved, supported);
    assert_eq!(replaced(&out), [""; 0]);
    assert_eq!(rung(&mut desk), [9]);
    // Behind a proxy that keeps no flow there is nothing to promise.
    let behind = "Via: SIP/2.0/UDP 10.0.0.99;branch=z9hG4bKx\r\nSupported: outbound\r\n";
    assert_eq!(status(&desk.register(9, moved, behind)), 439);
}

#[test]
fn a_device_that_takes_the_place_of_a_live_one_is_told() {
    let mut desk = Desk::new();
    for (connection, host) in [(7, 3), (8, 4), (9, 5), (10, 6)] {
        let peer = format!("10.0.0.{host}:40000");
        desk.open(connection, Transport::Tls, &peer, ticket());
    }
    for (connection, host) in [(7, 3), (8, 4), (9, 5)] {
        let out = desk.register(connection, &format!("<sip:tv01@10.0.0.{host}>"), "");
        assert_eq!(replaced(&out), [""; 0]);
    }
    let again = desk.register(7, "<sip:tv01@10.0.0.3>", "");
    assert_eq!(replaced(&again), [""; 0], "a refresh");
    let fourth = desk.register(10, "<sip:tv01@10.0.0.6>", "");
    assert_eq!(
        replaced(&fourth),
        ["tv01: 10.0.0.4:40000 by 10.0.0.6:40000"]
    );
    let taken = desk.register(10, "<sip:tv01@10.0.0.5>", "");
    assert_eq!(replaced(&taken), ["tv01: 10.0.0.5:40000 by 10.0.0.6:40000"]);
}
