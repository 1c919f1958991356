//! Requests made by hand: re-INVITE, UPDATE, forged and misplaced ones, responses that go where they must.

use super::line::{Line, TRUNK};
use super::net::{Net, server_config};
use super::script::run;
use crate::message::{Name, Writer};
use crate::{Command, Event};

#[test]
fn a_reinvite_is_the_applications_to_answer() {
    let mut line = Line::talking();
    assert_eq!(
        line.statuses(&line.request("INVITE", 2, &[], Some("hold"))),
        [100]
    );
    assert!(line.has_reinvited());
    let body = Some(b"held".to_vec());
    let answers = line.command(Command::AnswerReinvite {
        dialog: line.dialog,
        body,
    });
    assert_eq!(
        (answers[0].message.status(), answers[0].message.body()),
        (Some(200), &b"held"[..])
    );
    // Without ACK it is repeated; with ACK it is not.
    line.net.run_ms(600);
    line.send(TRUNK, &line.request("ACK", 2, &[], None));
    assert_eq!(
        line.statuses(&line.request("INVITE", 3, &[], Some("resume"))),
        [100]
    );
    let refused = line.command(Command::AnswerReinvite {
        dialog: line.dialog,
        body: None,
    });
    assert_eq!(refused[0].message.status(), Some(488));
    line.send(TRUNK, &line.request("ACK", 3, &[], None));
    assert_eq!(line.statuses(&line.request("BYE", 4, &[], None)), [200]);
}

#[test]
fn one_change_at_a_time() {
    let mut line = Line::talking();
    line.statuses(&line.request("INVITE", 2, &[], Some("hold")));
    let second = line.send(TRUNK, &line.request("UPDATE", 3, &[], Some("other")));
    assert_eq!(second[0].message.status(), Some(500));
    assert!(second[0].message.value(Name::RetryAfter).is_some());
    // The change is cancelled: the dialog stays.
    let mut cancel = line.request("CANCEL", 2, &[], None);
    let text = String::from_utf8(cancel.clone())
        .unwrap()
        .replace("z9hG4bKCANCEL2", "z9hG4bKINVITE2");
    cancel = text.into_bytes();
    assert_eq!(line.statuses(&cancel), [200, 487]);
    assert!(
        line.command(Command::AnswerReinvite {
            dialog: line.dialog,
            body: None
        })
        .is_empty()
    );
    assert_eq!(line.statuses(&line.request("OPTIONS", 4, &[], None)), [200]);
}

#[test]
fn our_own_offer_must_be_answered_first() {
    let mut line = Line::talking();
    line.statuses(&line.request("INVITE", 2, &[], None));
    line.command(Command::AnswerReinvite {
        dialog: line.dialog,
        body: Some(b"our offer".to_vec()),
    });
    assert_eq!(
        line.statuses(&line.request("UPDATE", 3, &[], Some("theirs"))),
        [491]
    );
    line.send(TRUNK, &line.request("ACK", 2, &[], None));
    assert_eq!(
        line.statuses(&line.request("UPDATE", 4, &[], Some("theirs"))),
        [] as [u16; 0]
    );
    let answers = line.command(Command::AnswerReinvite {
        dialog: line.dialog,
        body: Some(b"yes".to_vec()),
    });
    assert_eq!(answers[0].message.status(), Some(200));
}

fn acknowledgements(line: &Line) -> Vec<Option<&[u8]>> {
    let bodies = line.events.iter().filter_map(|event| match event {
        Event::Acknowledged { body, .. } => Some(body.as_deref()),
        _ => None,
    });
    bodies.collect()
}

#[test]
fn the_ack_brings_the_answer_to_our_offer() {
    let mut net = Net::new();
    net.is_quiet = true;
    let mut line = Line {
        net,
        dialog: 2,
        to_tag: String::new(),
        events: Vec::new(),
    };
    line.send(TRUNK, &line.request("INVITE", 1, &[], None));
    let answers = line.command(Command::Answer {
        dialog: line.dialog,
        body: b"our offer".to_vec(),
    });
    line.to_tag = answers[0].message.heads().unwrap().to_tag().to_owned();
    let ack = line.request("ACK", 1, &[], Some("their answer"));
    line.send(TRUNK, &ack);
    line.send(TRUNK, &ack);
    assert_eq!(acknowledgements(&line), [Some(&b"their answer"[..])]);
}

#[test]
fn an_ack_that_owes_no_answer_brings_none() {
    let mut line = Line::invited(&[]);
    let answers = line.command(Command::Answer {
        dialog: line.dialog,
        body: b"answer".to_vec(),
    });
    line.to_tag = answers[0].message.heads().unwrap().to_tag().to_owned();
    line.send(TRUNK, &line.request("ACK", 1, &[], Some("never asked")));
    assert_eq!(acknowledgements(&line), [None]);
}

#[test]
fn the_ack_of_a_reinvite_without_offer_brings_the_answer() {
    for (source, body, heard) in [
        (TRUNK, Some("theirs"), Some(&b"theirs"[..])),
        (TRUNK, None, None),
        // Tags alone must not turn the voice elsewhere.
        ("10.0.0.66:5060", Some("thief"), None),
    ] {
        let mut line = Line::talking();
        line.statuses(&line.request("INVITE", 2, &[], None));
        line.command(Command::AnswerReinvite {
            dialog: line.dialog,
            body: Some(b"our offer".to_vec()),
        });
        line.send(source, &line.request("ACK", 2, &[], body));
        assert_eq!(acknowledgements(&line), [heard], "{source}");
        // With an offer in it, the ACK of a re-INVITE says nothing new.
        line.events.clear();
        line.statuses(&line.request("INVITE", 3, &[], Some("hold")));
        line.command(Command::AnswerReinvite {
            dialog: line.dialog,
            body: Some(b"held".to_vec()),
        });
        line.send(TRUNK, &line.request("ACK", 3, &[], None));
        assert!(acknowledgements(&line).is_empty());
    }
}

#[test]
fn an_update_without_offer_only_refreshes() {
    let mut line = Line::talking();
    assert_eq!(line.statuses(&line.request("UPDATE", 2, &[], None)), [200]);
    assert!(!line.has_reinvited());
}

#[test]
fn digits_in_all_spellings() {
    for (kind, body, digit) in [
        (
            "application/dtmf-relay",
            "Signal=5\r\nDuration=160\r\n",
            Some('5'),
        ),
        (
            "application/dtmf-relay",
            "Signal= *\nDuration= 100",
            Some('*'),
        ),
        ("application/dtmf-relay", "signal: #", Some('#')),
        ("application/dtmf-relay", "Signal=11", Some('#')),
        ("application/dtmf", "7", Some('7')),
        ("application/dtmf", "d\r\n", Some('D')),
        ("application/dtmf", "55", None),
        ("application/dtmf-relay", "Duration=5", None),
    ] {
        let mut line = Line::talking();
        let kind = format!("Content-Type: {kind}");
        let status = line.statuses(&line.request("INFO", 2, &[&kind], Some(body)));
        assert_eq!(status, [if digit.is_some() { 200 } else { 400 }], "{body}");
        let heard = line.events.iter().find_map(|event| match event {
            Event::Digit { digit, .. } => Some(*digit),
            _ => None,
        });
        assert_eq!(heard, digit, "{body}");
    }
    let mut line = Line::talking();
    assert_eq!(
        line.statuses(&line.request("INFO", 2, &["Content-Type: text/plain"], Some("hello"))),
        [415]
    );
    assert_eq!(line.statuses(&line.request("INFO", 3, &[], None)), [200]);
}

#[test]
fn forged_requests_find_no_dialog() {
    let mut line = Line::talking();
    let bye = line.request("BYE", 2, &[], None);
    let forged = line.send("10.0.0.66:5060", &bye);
    assert_eq!(
        forged[0].message.status(),
        Some(481),
        "right tags, wrong source"
    );
    let forged = line.request_of("BYE", 2, "guess", &[], None);
    assert_eq!(line.statuses(&forged), [481], "right source, wrong tag");
    let to_tag = std::mem::replace(&mut line.to_tag, "guess".to_owned());
    let forged = line.request("BYE", 3, &[], None);
    assert_eq!(line.statuses(&forged), [481]);
    line.to_tag = to_tag;
    assert!(
        line.events
            .iter()
            .all(|event| matches!(event, Event::Rejected { .. }))
    );
    assert_eq!(line.statuses(&bye), [200]);
}

#[test]
fn a_cancel_from_elsewhere_finds_no_invite() {
    let mut line = Line::invited(&[]);
    let cancel = String::from_utf8(line.request("CANCEL", 1, &[], None))
        .unwrap()
        .replace("z9hG4bKCANCEL1", "z9hG4bKINVITE1");
    assert_eq!(
        line.send("10.0.0.66:5060", cancel.as_bytes())[0]
            .message
            .status(),
        Some(481)
    );
    assert_eq!(line.statuses(cancel.as_bytes()), [200, 487]);
}

#[test]
fn out_of_order_and_unknown_requests_in_a_dialog() {
    let mut line = Line::talking();
    assert_eq!(line.statuses(&line.request("INFO", 5, &[], None)), [200]);
    assert_eq!(line.statuses(&line.request("INFO", 4, &[], None)), [500]);
    assert_eq!(line.statuses(&line.request("PRACK", 6, &[], None)), [481]);
    assert_eq!(line.statuses(&line.request("REFER", 7, &[], None)), [403]);
    assert_eq!(line.statuses(&line.request("FROB", 8, &[], None)), [501]);
}

#[test]
fn a_request_by_two_ways_is_merged() {
    let mut line = Line::invited(&[]);
    let again = line.request(
        "INVITE",
        1,
        &["Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKother"],
        Some("offer"),
    );
    assert_eq!(line.statuses(&again), [482]);
    // The same branch is a repetition, and gets the last answer.
    let same = line.request("INVITE", 1, &[], Some("offer"));
    assert_eq!(line.statuses(&same), [100]);
}

#[test]
fn a_bye_before_the_answer_ends_the_call() {
    let mut line = Line::invited(&[]);
    let Some(crate::call::Call::Invited(invited)) =
        line.net.node("server").endpoint.calls.all.get(&line.dialog)
    else {
        panic!()
    };
    line.to_tag = invited.dialog.local_tag.clone();
    assert_eq!(
        line.statuses(&line.request("BYE", 2, &[], None)),
        [200, 487]
    );
    assert!(matches!(
        line.events.last(),
        Some(Event::Ended {
            is_by_peer: true,
            ..
        })
    ));
}

#[test]
fn an_invitation_says_who_calls() {
    let caller = |lines: &[&str]| {
        let line = Line::invited(lines);
        line.events
            .into_iter()
            .find_map(|event| match event {
                Event::Invited(invitation) => Some(*invitation),
                _ => None,
            })
            .unwrap()
    };
    let plain = caller(&[]);
    assert_eq!(
        (
            plain.caller.as_str(),
            plain.caller_name.as_str(),
            plain.dialled.as_str()
        ),
        ("0912345678", "Lan", "111")
    );
    assert_eq!(
        plain.body,
        Some(("application/sdp".to_owned(), b"offer".to_vec()))
    );
    let asserted = caller(&[
        "P-Asserted-Identity: \"Hoa\u{202e}\" <tel:+84987654321>",
        "Diversion: <sip:1@a>;reason=busy",
    ]);
    assert_eq!(
        (asserted.caller.as_str(), asserted.caller_name.as_str()),
        ("+84987654321", "Hoa")
    );
    assert_eq!(asserted.diversion, ["<sip:1@a>;reason=busy"]);
}

#[test]
fn the_dialled_number_has_no_parameters() {
    for (uri, dialled) in [
        ("sip:111;phone-context=+84@hotline.test", "111"),
        ("sip:111;npdi@hotline.test;user=phone", "111"),
        ("sip:%31%31%31;a=%3b@hotline.test", "111"),
        ("sip:tv%3b01@hotline.test", "tv;01"),
        ("tel:111;phone-context=+84", "111"),
    ] {
        let mut line = Line::invited(&["Require: nothing"]);
        line.events.clear();
        let invite = String::from_utf8(line.request("INVITE", 1, &[], Some("offer"))).unwrap();
        line.send(
            TRUNK,
            invite.replacen("sip:111@hotline.test", uri, 1).as_bytes(),
        );
        let Some(Event::Invited(invitation)) = line.events.last() else {
            panic!("{uri}: {:?}", line.events)
        };
        assert_eq!(invitation.dialled, dialled, "{uri}");
    }
}

#[test]
fn an_invitation_in_a_log_does_not_say_who_calls() {
    let line = Line::invited(&["Diversion: <sip:0987654321@a>;reason=busy"]);
    let text = format!("{:?}", line.events);
    assert!(text.contains("dialled: 111"), "{text}");
    for secret in ["0912345678", "0987654321", "Lan"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn offers_in_other_languages_are_refused() {
    let refused = |lines: &[&str]| {
        let mut line = Line::invited(&["Require: nothing"]);
        let mut all = vec!["Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKother"];
        all.extend(lines);
        let bytes = line.request("INVITE", 9, &all, Some("offer"));
        line.statuses(&bytes)
    };
    assert_eq!(refused(&["Content-Type: application/xml"]), [415]);
    assert_eq!(refused(&["Content-Encoding: gzip"]), [415]);
    assert_eq!(refused(&["Accept: text/html"]), [406]);
    assert_eq!(refused(&["Accept: text/html, application/*"]), [100]);
    assert_eq!(refused(&["Require: frob"]), [420]);
}

#[test]
fn responses_go_where_rfc_3581_says() {
    let to = |via: &str| {
        let mut line = Line::invited(&["Require: nothing"]);
        let via = format!("Via: SIP/2.0/UDP {via};branch=z9hG4bKother");
        let bytes = line.request("OPTIONS", 9, &[&via], None);
        let sent = line.send("10.0.0.2:7777", &bytes).remove(0);
        (
            sent.destination.to_string(),
            sent.message.first(Name::Via).unwrap(),
        )
    };
    assert_eq!(
        to("10.0.0.2:5070"),
        (
            "10.0.0.2:5070".to_owned(),
            "SIP/2.0/UDP 10.0.0.2:5070;branch=z9hG4bKother".to_owned()
        )
    );
    assert_eq!(to("10.0.0.2").0, "10.0.0.2:5060");
    let (destination, via) = to("192.168.1.1:5070;rport");
    assert_eq!(destination, "10.0.0.2:7777");
    assert_eq!(
        via,
        "SIP/2.0/UDP 192.168.1.1:5070;branch=z9hG4bKother;received=10.0.0.2;rport=7777"
    );
    let (destination, via) = to("gw.example.com;maddr=10.9.9.9");
    assert_eq!(
        (destination.as_str(), via.contains("received=10.0.0.2")),
        ("10.0.0.2:5060", true)
    );
}

#[test]
fn a_peer_of_rfc_2543_is_served() {
    // No branch, no tag, no Contact, ACK with the key of its INVITE.
    let mut net = Net::new();
    net.is_quiet = true;
    let mut line = Line {
        net,
        dialog: 0,
        to_tag: String::new(),
        events: Vec::new(),
    };
    let request = |method: &str, to_tag: &str| {
        let mut writer = Writer::request(method, "sip:111@10.0.0.1");
        writer
            .header("Via", "SIP/2.0/UDP 10.0.0.2")
            .header("From", "<sip:1@gw>")
            .header("To", &format!("<sip:111@10.0.0.1>{to_tag}"))
            .header("Call-ID", "old")
            .header("CSeq", &format!("1 {method}"));
        writer.finish((method == "INVITE").then_some(("application/sdp", b"offer")))
    };
    assert_eq!(line.statuses(&request("INVITE", "")), [100]);
    assert_eq!(line.statuses(&request("INVITE", "")), [100]);
    let dialog = 2;
    let answer = line
        .command(Command::Answer {
            dialog,
            body: b"answer".to_vec(),
        })
        .remove(0);
    let tag = format!(";tag={}", answer.message.heads().unwrap().to_tag());
    line.send(TRUNK, &request("ACK", &tag));
    assert!(
        matches!(line.events.last(), Some(Event::Acknowledged { .. })),
        "{:?}",
        line.events
    );
    let bye = String::from_utf8(request("BYE", &tag))
        .unwrap()
        .replace("1 BYE", "2 BYE");
    assert_eq!(line.statuses(bye.as_bytes()), [200]);
}

#[test]
fn route_sets_are_followed() {
    let mut line = Line::invited(&["Record-Route: <sip:10.0.0.50;lr>, <sip:10.0.0.51;lr>"]);
    let answer = line
        .command(Command::Answer {
            dialog: line.dialog,
            body: b"answer".to_vec(),
        })
        .remove(0);
    assert_eq!(answer.message.list(Name::RecordRoute).unwrap().len(), 2);
    line.to_tag = answer.message.heads().unwrap().to_tag().to_owned();
    line.send(TRUNK, &line.request("ACK", 1, &[], None));
    let bye = line
        .command(Command::Hangup {
            dialog: line.dialog,
            reason: Some("Q.850;cause=16".to_owned()),
        })
        .remove(0);
    assert_eq!(bye.destination.to_string(), "10.0.0.50:5060");
    assert_eq!(bye.message.request_uri(), "sip:0912345678@10.0.0.2:5060");
    assert_eq!(
        bye.message.list(Name::Route).unwrap(),
        ["<sip:10.0.0.50;lr>", "<sip:10.0.0.51;lr>"]
    );
    assert_eq!(
        bye.message.other("Reason").as_deref(),
        Some("Q.850;cause=16")
    );
}

#[test]
fn overload_sheds_in_order() {
    let mut config = server_config();
    (config.transactions_max, config.calls_max) = (4, 6);
    let mut net = Net::with(config);
    net.is_quiet = true;
    let mut line = Line {
        net,
        dialog: 0,
        to_tag: String::new(),
        events: Vec::new(),
    };
    let invite = |line: &Line, number: u32| {
        let via = format!("Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK-{number}");
        String::from_utf8(line.request("INVITE", number, &[&via], Some("offer")))
            .unwrap()
            .replace("call@trunk", &format!("{number}@trunk"))
    };
    let options = |line: &Line| line.request("OPTIONS", 99, &[], None);
    for number in 0..3 {
        assert_eq!(line.statuses(invite(&line, number).as_bytes()), [100]);
    }
    assert_eq!(
        line.send("10.0.0.9:5060", &options(&line)).len(),
        0,
        "strangers fall silent first"
    );
    assert_eq!(line.statuses(&options(&line)), [200]);
    assert_eq!(line.statuses(invite(&line, 3).as_bytes()), [100]);
    assert_eq!(
        line.statuses(&options(&line)),
        [503],
        "then OPTIONS and REGISTER"
    );
    for number in 4..6 {
        assert_eq!(
            line.statuses(invite(&line, number).as_bytes()),
            [100],
            "trunk calls are served"
        );
    }
    let refused = line.send(TRUNK, invite(&line, 6).as_bytes());
    assert_eq!(
        refused[0].message.status(),
        Some(503),
        "up to the hard limit"
    );
    assert!(refused[0].message.value(Name::RetryAfter).is_some());
}

#[test]
fn a_user_agent_answers_without_accounts() {
    let mut net = Net::new();
    net.inject("server", "phone", {
        let line = Line {
            net: Net::new(),
            dialog: 0,
            to_tag: String::new(),
            events: Vec::new(),
        };
        line.request(
            "OPTIONS",
            1,
            &["Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx"],
            None,
        )
    });
    run(&mut net, "wait 0.1");
    assert!(net.log.contains("200 OPTIONS"), "{}", net.log);
}
