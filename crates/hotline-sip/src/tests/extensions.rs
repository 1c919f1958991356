//! What is required and supported, PRACK by hand, requests in early dialogs, Replaces, forks of a proxy.

use super::line::{Line, TRUNK};
use super::net::{Net, REALM};
use super::script::run;
use crate::call::Call;
use crate::message::{Message, Name, Writer};
use crate::{Command, Event, Peer, Target, Transport};
use expect_test::expect;

#[test]
fn what_we_do_not_know_is_refused_by_name() {
    let mut line = Line::talking();
    let required = ["Require: timer, frob, 100rel", "Require: replaces"];
    let refused = line.send(TRUNK, &line.request("INVITE", 2, &required, Some("offer")));
    assert_eq!(refused[0].message.status(), Some(420));
    assert_eq!(
        refused[0].message.value(Name::Unsupported).as_deref(),
        Some("frob, replaces"),
        "a carrier replaces no calls"
    );
    // Who hangs up may, in whatever language.
    let bye = line.request("BYE", 3, &["Require: frob"], None);
    assert_eq!(line.statuses(&bye), [200]);
}

#[test]
fn each_peer_learns_what_is_true_for_it() {
    let mut line = Line::talking();
    let options = line.request("OPTIONS", 2, &[], None);
    let to_trunk = line.send(TRUNK, &options).remove(0).message;
    assert_eq!(
        to_trunk.value(Name::Supported).as_deref(),
        Some("100rel, timer")
    );
    let allow = to_trunk.value(Name::Allow).unwrap().into_owned();
    assert!(
        allow.contains("PRACK") && !allow.contains("REFER"),
        "{allow}"
    );
    let mut net = Net::new();
    run(
        &mut net,
        "phone registers tv01; server rings tv01; phone rings; phone answers; server hangs up",
    );
    let invite = net
        .wire
        .iter()
        .find(|bytes| bytes.starts_with(b"INVITE"))
        .unwrap();
    let invite = Message::parse(invite.clone()).unwrap();
    assert_eq!(
        invite.value(Name::Supported).as_deref(),
        Some("100rel, norefersub, replaces, timer")
    );
    let allow = invite.value(Name::Allow).unwrap().into_owned();
    assert!(allow.contains("REFER"), "{allow}");
}

#[test]
fn a_prack_must_fit() {
    let mut line = Line::invited(&["Supported: 100rel"]);
    let progress = |line: &mut Line, body: &str| {
        let body = Some(body.as_bytes().to_vec());
        let dialog = line.dialog;
        line.command(Command::Progress { dialog, body })
    };
    let early = progress(&mut line, "early").remove(0).message;
    assert_eq!(early.status(), Some(183));
    assert_eq!(early.value(Name::Require).as_deref(), Some("100rel"));
    line.to_tag = early.heads().unwrap().to_tag().to_owned();
    let rseq: u32 = early.value(Name::RSeq).unwrap().parse().unwrap();
    assert!(progress(&mut line, "second").is_empty(), "one at a time");
    let rack = |line: &Line, cseq: u32, rack: &str, body: Option<&str>| {
        line.request("PRACK", cseq, &[&format!("RAck: {rack}")], body)
    };
    for (cseq, wrong) in [
        (2, format!("{} 1 INVITE", rseq + 1)),
        (3, format!("{rseq} 2 INVITE")),
        (4, format!("{rseq} 1 UPDATE")),
        (5, "soon".to_owned()),
    ] {
        assert_eq!(
            line.statuses(&rack(&line, cseq, &wrong, None)),
            [481],
            "{wrong}"
        );
    }
    let right = format!("{rseq} 1 INVITE");
    let answers = line.send(TRUNK, &rack(&line, 6, &right, None));
    let statuses: Vec<_> = answers.iter().map(|sent| sent.message.status()).collect();
    assert_eq!(
        statuses,
        [Some(200), Some(183)],
        "the second one may go now"
    );
    assert_eq!(
        answers[1].message.value(Name::RSeq).unwrap(),
        (rseq + 1).to_string()
    );
    assert_eq!(
        line.statuses(&rack(&line, 7, &right, None)),
        [481],
        "acknowledged already"
    );
    // Its acknowledgement counts, though the offer in it is refused.
    let right = format!("{} 1 INVITE", rseq + 1);
    assert_eq!(line.statuses(&rack(&line, 8, &right, Some("offer"))), [488]);
    let answer = line.command(Command::Answer {
        dialog: line.dialog,
        body: b"second".to_vec(),
    });
    assert_eq!(answer[0].message.status(), Some(200));
    assert!(answer[0].message.body().is_empty(), "it was said reliably");
}

#[test]
fn a_caller_who_requires_it_gets_everything_reliably_and_one_who_cannot_gets_nothing_so() {
    let mut line = Line::invited(&["Require: 100rel"]);
    let dialog = line.dialog;
    let ringing = line.command(Command::Ringing { dialog }).remove(0).message;
    assert_eq!(ringing.value(Name::Require).as_deref(), Some("100rel"));
    line.to_tag = ringing.heads().unwrap().to_tag().to_owned();
    // Without a description the answer may overtake it; its PRACK is still known.
    let answer = line.command(Command::Answer {
        dialog,
        body: b"answer".to_vec(),
    });
    assert_eq!(answer[0].message.body(), b"answer");
    let rack = format!("RAck: {} 1 INVITE", ringing.value(Name::RSeq).unwrap());
    assert_eq!(
        line.statuses(&line.request("PRACK", 2, &[&rack], None)),
        [200]
    );
    assert_eq!(
        line.statuses(&line.request("PRACK", 3, &[&rack], None)),
        [481]
    );
    let mut line = Line::invited(&[]);
    let dialog = line.dialog;
    let body = Some(b"early".to_vec());
    let early = line
        .command(Command::Progress { dialog, body })
        .remove(0)
        .message;
    assert_eq!(early.body(), b"early");
    assert!(early.value(Name::RSeq).is_none());
    let answer = line.command(Command::Answer {
        dialog,
        body: b"early".to_vec(),
    });
    assert_eq!(answer[0].message.body(), b"early");
}

#[test]
fn our_early_offer_is_answered_by_the_prack() {
    let mut net = Net::new();
    net.is_quiet = true;
    let mut line = Line {
        net,
        dialog: 2,
        to_tag: String::new(),
        events: Vec::new(),
    };
    line.send(
        TRUNK,
        &line.request("INVITE", 1, &["Supported: 100rel"], None),
    );
    let body = Some(b"our offer".to_vec());
    let early = line
        .command(Command::Progress { dialog: 2, body })
        .remove(0)
        .message;
    line.to_tag = early.heads().unwrap().to_tag().to_owned();
    let rack = format!("RAck: {} 1 INVITE", early.value(Name::RSeq).unwrap());
    let prack = line.request("PRACK", 2, &[&rack], Some("their answer"));
    assert_eq!(line.statuses(&prack), [200]);
    assert!(matches!(
        line.events.last(),
        Some(Event::Acknowledged { body: Some(body), .. }) if body == b"their answer"
    ));
    let answer = line.command(Command::Answer {
        dialog: 2,
        body: b"another offer".to_vec(),
    });
    assert!(answer[0].message.body().is_empty());
    line.send(TRUNK, &line.request("ACK", 1, &[], None));
    assert!(matches!(
        line.events.last(),
        Some(Event::Acknowledged { body: None, .. })
    ));
}

#[test]
fn requests_before_our_answer() {
    let mut line = Line::invited(&[]);
    let ringing = line
        .command(Command::Ringing {
            dialog: line.dialog,
        })
        .remove(0)
        .message;
    line.to_tag = ringing.heads().unwrap().to_tag().to_owned();
    assert_eq!(line.statuses(&line.request("UPDATE", 2, &[], None)), [200]);
    let offer = line.send(TRUNK, &line.request("UPDATE", 3, &[], Some("offer")));
    assert_eq!(offer[0].message.status(), Some(500));
    assert!(offer[0].message.value(Name::RetryAfter).is_some());
    assert_eq!(line.statuses(&line.request("INFO", 4, &[], None)), [200]);
    assert_eq!(line.statuses(&line.request("REFER", 5, &[], None)), [403]);
}

/// A server whose call rings at a phone that is made of bytes.
struct Callee {
    net: Net,
    invite: Message,
    cseq: u32,
}

const PHONE: &str = "10.0.0.3:5060";

impl Callee {
    fn rung() -> Self {
        let mut net = Net::new();
        run(
            &mut net,
            "phone registers tv01; phone dies; server rings tv01",
        );
        let invite = net.wire.iter().rev();
        let invite = invite
            .clone()
            .find(|bytes| bytes.starts_with(b"INVITE"))
            .unwrap();
        let invite = Message::parse(invite.clone()).unwrap();
        net.log.clear();
        Self {
            net,
            invite,
            cseq: 0,
        }
    }
    fn says(&mut self, status: u16, tag: &str, lines: &[&str], body: Option<&str>) {
        let mut reply = Writer::response(status);
        self.invite
            .copy_only(&mut reply, &["Via", "From", "Call-ID", "CSeq"]);
        let to = self.invite.value(Name::To).unwrap();
        reply.header("To", &format!("{to};tag={tag}"));
        reply.header("Contact", "<sip:tv01@10.0.0.3:5060>");
        self.finish(reply, lines, body);
    }
    fn asks(&mut self, method: &str, tag: &str, lines: &[&str], body: Option<&str>) {
        self.cseq += 1;
        let mut writer = Writer::request(method, "sip:111@10.0.0.1:5060");
        let value = |name| self.invite.value(name).unwrap().into_owned();
        writer
            .header(
                "Via",
                &format!("SIP/2.0/UDP {PHONE};branch=z9hG4bK{method}{}", self.cseq),
            )
            .header("From", &format!("{};tag={tag}", value(Name::To)))
            .header("To", &value(Name::From))
            .header("Call-ID", &value(Name::CallId))
            .header("CSeq", &format!("{} {method}", self.cseq))
            .header("Contact", "<sip:tv01@10.0.0.3:5060>");
        self.finish(writer, lines, body);
    }
    fn finish(&mut self, mut writer: Writer, lines: &[&str], body: Option<&str>) {
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            writer.header(name, value);
        }
        let body = body.map(|body| ("application/sdp", body.as_bytes()));
        self.net.inject("phone", "server", writer.finish(body));
        self.net.run_ms(20);
    }
}

#[test]
fn reliable_responses_are_acknowledged_in_order_and_once() {
    let mut callee = Callee::rung();
    let reliable = |rseq: u32| format!("RSeq: {rseq}");
    callee.says(183, "a", &["Require: 100rel", &reliable(7)], Some("early"));
    // Out of order, a repetition, the next one; and another phone behind the same proxy.
    callee.says(183, "a", &["Require: 100rel", &reliable(9)], Some("late"));
    callee.says(183, "a", &["Require: 100rel", &reliable(7)], Some("early"));
    callee.says(180, "a", &["Require: 100rel", &reliable(8)], None);
    callee.says(183, "b", &["Require: 100rel", &reliable(1)], Some("other"));
    callee.says(200, "a", &[], None);
    callee.says(200, "b", &[], Some("too late"));
    callee.net.act("server presses 5");
    callee.net.run_ms(10);
    expect![[r#"
        0.305     server -> phone    PRACK
        0.305       server: ringing
        0.365     server -> phone    PRACK
        0.385     server -> phone    PRACK
        0.385       server: ringing
        0.405     server -> phone    ACK
        0.405       server: answered "early"
        0.425     server -> phone    ACK
        0.425     server -> phone    BYE
        0.440     server -> phone    INFO
    "#]]
    .assert_eq(&callee.net.log);
    let racks = callee.net.wire.iter().filter_map(|bytes| {
        let message = Message::parse(bytes.clone()).unwrap();
        message.value(Name::RAck).map(std::borrow::Cow::into_owned)
    });
    let racks: Vec<String> = racks.collect();
    assert_eq!(
        racks[..3],
        ["7 1 INVITE", "8 1 INVITE", "1 1 INVITE"],
        "PRACKs that nobody answers are repeated"
    );
    // The numbers go on: INFO has more than the PRACKs before it.
    let info = callee
        .net
        .wire
        .iter()
        .find(|bytes| bytes.starts_with(b"INFO"))
        .unwrap();
    let info = Message::parse(info.clone()).unwrap();
    assert_eq!(info.heads().unwrap().cseq, 4);
}

#[test]
fn a_callee_may_speak_before_it_answers() {
    let mut callee = Callee::rung();
    callee.says(180, "a", &[], None);
    callee.asks("OPTIONS", "a", &[], None);
    callee.asks("UPDATE", "a", &[], None);
    callee.asks("UPDATE", "a", &[], Some("offer"));
    callee.asks("INFO", "a", &[], None);
    callee.asks("BYE", "a", &[], None);
    callee.asks("OPTIONS", "unknown", &[], None);
    callee.cseq = 1;
    callee.asks("INFO", "a", &[], None);
    callee.says(200, "a", &[], Some("answer"));
    callee.asks("INFO", "a", &[], None);
    expect![[r#"
        0.305       server: ringing
        0.325     server -> phone    200 OPTIONS
        0.345     server -> phone    200 UPDATE
        0.365     server -> phone    500 UPDATE
        0.385     server -> phone    200 INFO
        0.405     server -> phone    481 BYE
        0.425       server: rejected NoDialog
        0.425     server -> phone    481 OPTIONS
        0.445     server -> phone    500 INFO
        0.465     server -> phone    ACK
        0.465       server: answered "answer"
        0.485     server -> phone    200 INFO
    "#]]
    .assert_eq(&callee.net.log);
}

#[test]
fn a_redirection_is_a_refusal() {
    let mut callee = Callee::rung();
    callee.says(302, "a", &["Contact: <sip:thief@10.0.0.9>"], None);
    callee.net.run_ms(1_000);
    expect![[r#"
        0.305     server -> phone    ACK
        0.305       server: failed: declined 302
    "#]]
    .assert_eq(&callee.net.log);
}

#[test]
fn two_phones_answer_in_the_same_moment() {
    for (first, second) in [("phone", "tablet"), ("tablet", "phone")] {
        let mut net = Net::new();
        run(
            &mut net,
            "phone registers tv01; tablet registers tv01; server rings tv01",
        );
        for name in [first, second] {
            net.act(&format!("{name} answers"));
        }
        run(&mut net, "wait 1; server hangs up");
        let won = format!("server: answered \"answer of {first}\"");
        assert!(net.log.contains(&won), "{}", net.log);
        assert_eq!(
            net.log.matches("server: answered").count(),
            1,
            "{}",
            net.log
        );
        let ended = format!("{second}: ended by peer");
        assert!(net.log.contains(&ended), "{}", net.log);
        net.settle();
    }
}

/// A phone has a call, and calls again to take its place.
fn replacing(caller: &str, user: &str, headers: impl Fn(&str) -> Vec<(String, String)>) -> Net {
    let mut net = Net::new();
    run(
        &mut net,
        "phone registers tv01; tablet registers tv02; phone calls 102 tv01; server answers",
    );
    net.log.clear();
    let dialog = *net.node("phone").dialogs.last().unwrap();
    let value = net.node("phone").endpoint.replaces(dialog).unwrap();
    let via = net.node("server").address;
    let command = Command::Invite {
        dialog: 77,
        target: Target::Uri {
            uri: format!("sip:102@{REALM}"),
            via,
            transport: Transport::Udp,
        },
        from: (String::new(), user.to_owned()),
        bodies: vec![(crate::MediaKind::Plain, b"offer".to_vec())],
        headers: headers(&value),
        login: Some((user.to_owned(), "secret".to_owned())),
    };
    net.command(caller, command);
    net.run_ms(100);
    net
}

fn header(value: String) -> Vec<(String, String)> {
    vec![("Replaces".to_owned(), value)]
}

#[test]
fn a_phone_replaces_its_own_calls_only() {
    let own = replacing("phone", "tv01", |value| header(value.to_owned()));
    assert!(own.log.contains("in place of call 2"), "{}", own.log);
    let others = replacing("tablet", "tv02", |value| header(value.to_owned()));
    assert!(others.log.contains("481 INVITE"), "{}", others.log);
    let early = replacing("phone", "tv01", |value| {
        header(format!("{value};early-only"))
    });
    assert!(early.log.contains("486 INVITE"), "{}", early.log);
    let unknown = replacing("phone", "tv01", |value| header(format!("x{value}")));
    assert!(unknown.log.contains("481 INVITE"), "{}", unknown.log);
    for broken in ["call", "call;to-tag=a", "call;to-tag=;from-tag=b"] {
        let broken = replacing("phone", "tv01", |_| header(broken.to_owned()));
        assert!(broken.log.contains("400 INVITE"), "{}", broken.log);
    }
    let twice = replacing("phone", "tv01", |value| {
        [header(value.to_owned()), header(value.to_owned())].concat()
    });
    assert!(twice.log.contains("400 INVITE"), "{}", twice.log);
}

#[test]
fn a_carriers_replaces_is_not_looked_at() {
    let line = Line::invited(&["Replaces: call;to-tag=a;from-tag=b"]);
    let invitation = line.events.iter().find_map(|event| match event {
        Event::Invited(invitation) => Some(invitation),
        _ => None,
    });
    let invitation = invitation.unwrap();
    assert_eq!(
        (&invitation.peer, invitation.replaces),
        (&Peer::Trunk(0), None)
    );
}

/// A phone in a call sends this request by hand, inside its dialog.
fn by_hand(net: &mut Net, method: &str, lines: &[(&str, &str)]) {
    let node = net.node("phone");
    let id = *node.dialogs.last().unwrap();
    let Some(Call::Talking(talking)) = node.endpoint.calls.all.get_mut(&id) else {
        panic!("no call")
    };
    talking.dialog.local_cseq += 1;
    let mut dialog = talking.dialog.clone();
    dialog.local_cseq -= 1;
    let mut draft = node.endpoint.draft(&mut dialog, method);
    for (name, value) in lines {
        draft.writer.header(name, value);
    }
    let bytes = draft.writer.finish(None);
    net.inject("phone", "server", bytes);
    net.run_ms(100);
}

#[test]
fn who_does_not_want_to_be_told_of_a_transfer_is_not_told() {
    let mut net = Net::new();
    run(
        &mut net,
        "phone registers tv01; phone calls 102 tv01; server answers",
    );
    net.log.clear();
    let lines = [
        ("Refer-To", "<sip:103@hotline.test>"),
        ("Refer-Sub", "false"),
        ("Referred-By", "<sip:tv01@hotline.test>"),
    ];
    by_hand(&mut net, "REFER", &lines);
    run(
        &mut net,
        "server refers 202; server notifies 200; phone hangs up",
    );
    expect![[r#"
        0.305       server: referred to 103 by tv01
        0.400     server -> phone    202 REFER
        0.600      phone -> server   BYE
        0.605     server -> phone    200 BYE
        0.605       server: ended by peer
    "#]]
    .assert_eq(&net.log);
    let accepted = net
        .wire
        .iter()
        .find(|bytes| bytes.starts_with(b"SIP/2.0 202"))
        .unwrap();
    let accepted = Message::parse(accepted.clone()).unwrap();
    assert_eq!(accepted.value(Name::ReferSub).as_deref(), Some("false"));
}

#[test]
fn a_refer_to_in_all_spellings() {
    let mut net = Net::new();
    run(
        &mut net,
        "phone registers tv01; phone calls 102 tv01; server answers",
    );
    for (value, said) in [
        ("<sip:103@hotline.test;user=phone>", "referred to 103"),
        ("sip:103@hotline.test", "referred to 103"),
        ("\"Lan\" <tel:+84912345678;x=1>", "referred to +84912345678"),
        ("<sip:%31%30%33;x=1@h?Subject=a%20b>", "referred to 103"),
        ("<sip:hotline.test>", "400 REFER"),
        ("<http://hotline.test/103>", "400 REFER"),
        ("<sip:103@hotline.test;method=BYE>", "400 REFER"),
        (
            "<sip:103@hotline.test>, <sip:104@hotline.test>",
            "400 REFER",
        ),
        ("103", "400 REFER"),
        ("<sip:103@hotline.test?Replaces=a>", "400 REFER"),
        (
            "<sip:103@hotline.test?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>",
            "603 REFER",
        ),
    ] {
        net.log.clear();
        by_hand(&mut net, "REFER", &[("Refer-To", value)]);
        assert!(net.log.contains(said), "{value}: {}", net.log);
        run(&mut net, "server refers 603");
    }
    net.log.clear();
    by_hand(&mut net, "REFER", &[]);
    assert!(net.log.contains("400 REFER"), "{}", net.log);
    // One transfer at a time.
    by_hand(&mut net, "REFER", &[("Refer-To", "<sip:103@h>")]);
    by_hand(&mut net, "REFER", &[("Refer-To", "<sip:104@h>")]);
    assert!(net.log.contains("491 REFER"), "{}", net.log);
}
