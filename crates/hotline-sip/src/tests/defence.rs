//! What nobody may learn or borrow: which accounts exist, what our passwords are, how a line ends.

use super::accounts::{Desk, request};
use super::net::REALM;
use crate::message::{Message, Name, Writer};
use crate::{Command, Event, Failure, Input, MediaKind, Output, Rejection, Target};
use std::time::Instant;

const STRANGER: &str = "10.0.0.66:5060";

/// A REGISTER with a wrong response for this user, with a nonce of the server's.
fn wrong(desk: &mut Desk, user: &str) -> Vec<u8> {
    desk.sequence += 2;
    let asked = desk.send_from(STRANGER, request("REGISTER", user, desk.sequence, &[]));
    let line = desk.credentials(&asked[0], "REGISTER", user);
    let line = line.replace("cnonce=\"cnonce\"", "cnonce=\"other\"");
    request("REGISTER", user, desk.sequence + 1, &[&line])
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the time of the answer is what is tested"
)]
fn a_known_account_takes_as_long_as_an_unknown_one() {
    let mut desk = Desk::new();
    let mut times_ns = [Vec::new(), Vec::new()];
    for round in 0..600 {
        // Time passes, so that neither bucket nor ban gets in the way.
        desk.net.now_us += 40_000_000;
        let which = round % 2;
        let bytes = wrong(&mut desk, ["tv01", "no01"][which]);
        let started = Instant::now();
        let answers = desk.send_from(STRANGER, bytes);
        let took = started.elapsed();
        assert_eq!(answers[0].status(), Some(401));
        times_ns[which].push(took.as_nanos());
    }
    let [known, unknown] = times_ns.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    println!("known {known} ns, unknown {unknown} ns");
    let (less, more) = (known.min(unknown), known.max(unknown));
    assert!(
        more * 10 <= less * 13,
        "known {known} ns, unknown {unknown} ns"
    );
}

#[test]
fn a_phone_that_asks_us_for_a_password_is_told_none() {
    let mut desk = Desk::new();
    desk.login("REGISTER", "tv01", "tv01", &["Contact: <sip:a@10.0.0.3>"]);
    let now = desk.net.now();
    let endpoint = &mut desk.net.node("server").endpoint;
    let mut out = Vec::new();
    let invite = Command::Invite {
        dialog: 7,
        target: Target::Account("tv01".to_owned()),
        from: ("111".to_owned(), "111".to_owned()),
        bodies: vec![(MediaKind::Plain, b"v=0\r\n".to_vec())],
        headers: Vec::new(),
        // Even if somebody gave one by mistake.
        login: Some(("gateway".to_owned(), "secret".to_owned())),
    };
    endpoint.handle(now, Input::Command(invite), &mut out);
    let sent = out.drain(..).find_map(|output| match output {
        Output::Datagram { bytes, .. } => Message::parse(bytes).ok(),
        _ => None,
    });
    let sent = sent.expect("the INVITE to the phone");
    let mut challenge = Writer::response(401);
    for name in [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq] {
        let value = sent.value(name).unwrap();
        let tag = if name == Name::To { ";tag=x" } else { "" };
        challenge.header(name.as_str(), &format!("{value}{tag}"));
    }
    let asks = format!("Digest realm=\"{REALM}\", nonce=\"n\", algorithm=MD5, qop=\"auth\"");
    challenge.header("WWW-Authenticate", &asks);
    let input = Input::Datagram {
        listener: 0,
        source: "10.0.0.3:5060".parse().unwrap(),
        bytes: challenge.finish(None),
    };
    endpoint.handle(now, input, &mut out);
    let mut is_refused = false;
    for output in out {
        match output {
            Output::Datagram { bytes, .. } => {
                let message = Message::parse(bytes).unwrap();
                assert!(
                    message
                        .method()
                        .is_some_and(|method| method.is(rsip::Method::Ack))
                );
                assert_eq!(message.count(Name::Authorization), 0);
            }
            Output::Event(Event::Failed { failure, .. }) => {
                assert_eq!(failure, Failure::Declined(401));
                is_refused = true;
            }
            _ => {}
        }
    }
    assert!(is_refused);
}

#[test]
fn a_lone_line_break_smuggles_no_header() {
    for (number, smuggled) in ["\n", "\r", "\r\r", "\n "].into_iter().enumerate() {
        let mut desk = Desk::new();
        let text = String::from_utf8(request("OPTIONS", "tv01", 1, &[])).unwrap();
        let text = text.replace(
            "Call-ID: call@phone",
            &format!("Subject: a{smuggled}Evil: b\r\nCall-ID: call@phone"),
        );
        let answers = desk.send_from(STRANGER, text.into_bytes());
        assert_eq!(answers[0].status(), Some(400), "{number}");
        let rejections = desk.net.counters("server").rejections;
        assert_eq!(rejections.get(&Rejection::Malformed), Some(&1));
    }
    let folded = "Subject: a\r\n b\r\nCall-ID: call@phone";
    let text = String::from_utf8(request("OPTIONS", "tv01", 1, &[])).unwrap();
    let answers = Desk::new().send_from(
        STRANGER,
        text.replace("Call-ID: call@phone", folded).into_bytes(),
    );
    assert_eq!(answers[0].status(), Some(401));
}
