//! Session timers (RFC 4028): both refreshers, too short ones, peers that vanish.

use super::line::{Line, Sent, TRUNK};
use super::net::{Net, server_config};
use super::script::run;
use crate::message::Name;
use crate::{Command, Event, Input, Sessions};
use expect_test::expect;

/// The server agrees to at most 100 s; what is said without the opening of the call.
fn ladder(script: &str) -> String {
    let mut config = server_config();
    config.sessions = Sessions {
        expires_s: 100,
        min_s: 90,
    };
    let mut net = Net::with(config);
    ladder_of(&mut net, script)
}

fn ladder_of(net: &mut Net, script: &str) -> String {
    run(net, script);
    let log = std::mem::take(&mut net.log);
    net.settle();
    log
}

#[test]
fn the_caller_refreshes_when_it_wants_to() {
    expect![[r#"
        0.000      trunk -> server   INVITE
        0.005     server -> trunk    100 INVITE
        0.005       server: invited to 111 by 0987654321 (trunk 0)
        0.100     server -> trunk    200 INVITE
        0.105      trunk -> server   ACK
        0.105       trunk: answered "answer of server"
        0.110       server: acknowledged
        50.105     trunk -> server   UPDATE
        50.110    server -> trunk    200 UPDATE
        100.115    trunk -> server   UPDATE
        100.120   server -> trunk    200 UPDATE
        120.300    trunk -> server   BYE
        120.305   server -> trunk    200 BYE
        120.305     server: ended by peer
    "#]]
    .assert_eq(&ladder(
        "trunk calls 111; server answers; wait 120; trunk hangs up",
    ));
}

#[test]
fn we_refresh_the_calls_that_we_make() {
    expect![[r#"
        0.000      phone -> server   REGISTER
        0.005       server: rejected Challenged
        0.005     server -> phone    401 REGISTER
        0.010      phone -> server   REGISTER
        0.015     server -> phone    200 REGISTER
        0.015       server: contact tv01 Reachable
        0.020       phone: registered tv01 Ok(3600)
        0.100     server -> phone    INVITE
        0.105      phone -> server   100 INVITE
        0.105       phone: invited to tv01 by 111 (unknown)
        0.200      phone -> server   200 INVITE
        0.205     server -> phone    ACK
        0.205       server: answered "answer of phone"
        0.210       phone: acknowledged
        50.205    server -> phone    UPDATE (lost)
        50.705    server -> phone    UPDATE
        50.710     phone -> server   200 UPDATE (lost)
        51.705    server -> phone    UPDATE
        51.710     phone -> server   200 UPDATE
        101.715   server -> phone    UPDATE
        101.720    phone -> server   200 UPDATE
        120.600   server -> phone    BYE
        120.605    phone -> server   200 BYE
        120.605     phone: ended by peer
    "#]].assert_eq(&ladder(
        "phone registers tv01; server rings tv01; phone answers; drop 1 UPDATE; drop 1 200 UPDATE; wait 120; server hangs up",
    ));
}

#[test]
fn a_call_that_its_caller_does_not_refresh_ends() {
    expect![[r#"
        0.000      trunk -> server   INVITE
        0.005     server -> trunk    100 INVITE
        0.005       server: invited to 111 by 0987654321 (trunk 0)
        0.100     server -> trunk    200 INVITE
        0.105      trunk -> server   ACK
        0.105       trunk: answered "answer of server"
        0.110       server: acknowledged
        68.100    server -> trunk    BYE
        68.100      server: ended in silence
        68.600    server -> trunk    BYE
        69.600    server -> trunk    BYE
        71.600    server -> trunk    BYE
        75.600    server -> trunk    BYE
        79.600    server -> trunk    BYE
        83.600    server -> trunk    BYE
        87.600    server -> trunk    BYE
        91.600    server -> trunk    BYE
        95.600    server -> trunk    BYE
        99.600    server -> trunk    BYE
        110.400    trunk -> server   UPDATE
        110.405     server: rejected NoDialog
        110.405   server -> trunk    481 UPDATE
        110.410    trunk -> server   BYE
        110.410     trunk: ended in silence
        110.415     server: rejected NoDialog
        110.415   server -> trunk    481 BYE
    "#]]
    .assert_eq(&ladder(
        "trunk calls 111; server answers; trunk dies; wait 110; trunk revives; trunk forgets",
    ));
}

#[test]
fn a_call_whose_phone_is_gone_ends_with_our_refresh() {
    expect![[r#"
        0.000      phone -> server   REGISTER
        0.005       server: rejected Challenged
        0.005     server -> phone    401 REGISTER
        0.010      phone -> server   REGISTER
        0.015     server -> phone    200 REGISTER
        0.015       server: contact tv01 Reachable
        0.020       phone: registered tv01 Ok(3600)
        0.100     server -> phone    INVITE
        0.105      phone -> server   100 INVITE
        0.105       phone: invited to tv01 by 111 (unknown)
        0.200      phone -> server   200 INVITE
        0.205     server -> phone    ACK
        0.205       server: answered "answer of phone"
        0.210       phone: acknowledged
        50.205    server -> phone    UPDATE
        50.705    server -> phone    UPDATE
        51.705    server -> phone    UPDATE
        53.705    server -> phone    UPDATE
        57.705    server -> phone    UPDATE
        61.705    server -> phone    UPDATE
        65.705    server -> phone    UPDATE
        69.705    server -> phone    UPDATE
        73.705    server -> phone    UPDATE
        77.705    server -> phone    UPDATE
        81.705    server -> phone    UPDATE
        82.205    server -> phone    BYE
        82.205      server: ended in silence
        82.705    server -> phone    BYE
        83.705    server -> phone    BYE
        85.705    server -> phone    BYE
        89.705    server -> phone    BYE
        90.500     phone -> server   BYE
        90.500      phone: ended in silence
        90.505      server: rejected NoDialog
        90.505    server -> phone    481 BYE
    "#]].assert_eq(&ladder(
        "phone registers tv01; server rings tv01; phone answers; phone dies; wait 90; phone revives; phone forgets",
    ));
}

#[test]
fn a_phone_that_has_forgotten_the_call_ends_it() {
    expect![[r#"
        0.000      phone -> server   REGISTER
        0.005       server: rejected Challenged
        0.005     server -> phone    401 REGISTER
        0.010      phone -> server   REGISTER
        0.015     server -> phone    200 REGISTER
        0.015       server: contact tv01 Reachable
        0.020       phone: registered tv01 Ok(3600)
        0.100     server -> phone    INVITE
        0.105      phone -> server   100 INVITE
        0.105       phone: invited to tv01 by 111 (unknown)
        0.200      phone -> server   200 INVITE
        0.205     server -> phone    ACK
        0.205       server: answered "answer of phone"
        0.210       phone: acknowledged
        50.205    server -> phone    UPDATE
        50.210      phone: rejected NoDialog
        50.210     phone -> server   481 UPDATE
        50.215    server -> phone    BYE
        50.215      server: ended in silence
        50.220      phone: rejected NoDialog
        50.220     phone -> server   481 BYE
    "#]]
    .assert_eq(&ladder(
        "phone registers tv01; server rings tv01; phone answers; phone forgets; wait 51",
    ));
}

#[test]
fn a_hold_is_a_refresh_too() {
    expect![[r#"
        0.000      phone -> server   REGISTER
        0.005       server: rejected Challenged
        0.005     server -> phone    401 REGISTER
        0.010      phone -> server   REGISTER
        0.015     server -> phone    200 REGISTER
        0.015       server: contact tv01 Reachable
        0.020       phone: registered tv01 Ok(3600)
        0.100     server -> phone    INVITE
        0.105      phone -> server   100 INVITE
        0.105       phone: invited to tv01 by 111 (unknown)
        0.200      phone -> server   200 INVITE
        0.205     server -> phone    ACK
        0.205       server: answered "answer of phone"
        0.210       phone: acknowledged
        40.400    server -> phone    INVITE
        40.405     phone -> server   100 INVITE
        40.405      phone: reinvited Some("hold")
        40.500     phone -> server   200 INVITE
        40.505    server -> phone    ACK
        40.505      server: change answered 200 Some("changed")
        90.505    server -> phone    UPDATE
        90.510     phone -> server   200 UPDATE
        90.700    server -> phone    BYE
        90.705     phone -> server   200 BYE
        90.705      phone: ended by peer
    "#]].assert_eq(&ladder(
        "phone registers tv01; server rings tv01; phone answers; wait 40; server changes hold; phone accepts change; \
         wait 50; server hangs up",
    ));
}

#[test]
fn a_phone_that_wants_longer_sessions_gets_them() {
    let mut config = server_config();
    config.sessions.expires_s = 100;
    let mut net = Net::with(config);
    net.node("phone").endpoint.config.sessions.min_s = 300;
    expect![[r#"
        0.000      phone -> server   REGISTER
        0.005       server: rejected Challenged
        0.005     server -> phone    401 REGISTER
        0.010      phone -> server   REGISTER
        0.015     server -> phone    200 REGISTER
        0.015       server: contact tv01 Reachable
        0.020       phone: registered tv01 Ok(3600)
        0.100     server -> phone    INVITE
        0.105      phone -> server   422 INVITE
        0.110     server -> phone    ACK
        0.110     server -> phone    INVITE
        0.115      phone -> server   100 INVITE
        0.115       phone: invited to tv01 by 111 (unknown)
        0.200      phone -> server   200 INVITE
        0.205     server -> phone    ACK
        0.205       server: answered "answer of phone"
        0.210       phone: acknowledged
        150.205   server -> phone    UPDATE
        150.210    phone -> server   200 UPDATE
        160.400   server -> phone    BYE
        160.405    phone -> server   200 BYE
        160.405     phone: ended by peer
    "#]]
    .assert_eq(&ladder_of(
        &mut net,
        "phone registers tv01; server rings tv01; phone answers; wait 160; server hangs up",
    ));
}

/// An INVITE with these lines is answered; the 2xx, and the call.
fn answered(lines: &[&str]) -> (Line, Sent) {
    let mut line = Line::invited(lines);
    let answer = line
        .command(Command::Answer {
            dialog: line.dialog,
            body: b"answer".to_vec(),
        })
        .remove(0);
    line.to_tag = answer.message.heads().unwrap().to_tag().to_owned();
    line.send(TRUNK, &line.request("ACK", 1, &[], None));
    line.events.clear();
    (line, answer)
}

fn term(sent: &Sent) -> String {
    let value = |name| sent.message.value(name).unwrap_or_default().into_owned();
    format!("{} / {}", value(Name::SessionExpires), value(Name::Require))
}

#[test]
fn what_the_caller_proposes_is_agreed_to_honestly() {
    for (lines, agreed) in [
        // Knows nothing of it.
        (&[][..], " / "),
        // Knows it, and proposes nothing: we do.
        (&["Supported: timer"], "1800;refresher=uas / "),
        (
            &["Supported: timer", "Session-Expires: 600"],
            "600;refresher=uas / ",
        ),
        (
            &["k: timer", "x: 600;refresher=uac"],
            "600;refresher=uac / timer",
        ),
        (
            &["Require: timer", "Session-Expires: 600 ; refresher=uas"],
            "600;refresher=uas / ",
        ),
        // No longer than ours, unless the way there needs it.
        (
            &["Supported: timer", "Session-Expires: 9000"],
            "1800;refresher=uas / ",
        ),
        (
            &["Supported: timer", "Session-Expires: 9000", "Min-SE: 3600"],
            "3600;refresher=uas / ",
        ),
        // A proxy wants it, and the caller does not know: we refresh.
        (&["Session-Expires: 600"], "600;refresher=uas / "),
        (&["Session-Expires: 60"], " / "),
        (
            &["Supported: timer", "Session-Expires: soon"],
            "1800;refresher=uas / ",
        ),
    ] {
        let (_, answer) = answered(lines);
        assert_eq!(term(&answer), agreed, "{lines:?}");
    }
}

#[test]
fn a_session_below_our_least_is_refused() {
    let mut line = Line::invited(&["Require: frob"]);
    let lines = ["Supported: timer", "Session-Expires: 89"];
    let refused = line.send(TRUNK, &line.request("INVITE", 2, &lines, Some("offer")));
    assert_eq!(refused[0].message.status(), Some(422));
    assert_eq!(refused[0].message.value(Name::MinSe).as_deref(), Some("90"));
    let (mut line, _) = answered(&[]);
    let refused = line.send(TRUNK, &line.request("UPDATE", 2, &lines, None));
    assert_eq!(refused[0].message.status(), Some(422));
}

/// Lets time pass at the server until it sends something.
fn next(line: &mut Line, seconds: u64) -> Vec<Sent> {
    for _ in 0..seconds {
        line.net.run_quietly_ms(1_000);
        let sent = line.handle(Input::Tick);
        if !sent.is_empty() {
            return sent;
        }
    }
    Vec::new()
}

fn answer_to(request: &Sent, status: u16, lines: &[&str]) -> Vec<u8> {
    let mut reply = crate::message::Writer::response(status);
    request
        .message
        .copy_only(&mut reply, &["Via", "From", "To", "Call-ID", "CSeq"]);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        reply.header(name, value);
    }
    reply.finish(None)
}

#[test]
fn a_peer_without_update_is_refreshed_by_a_reinvite_with_the_same_description() {
    let (mut line, _) = answered(&["Supported: timer", "Session-Expires: 100;refresher=uas"]);
    let refresh = next(&mut line, 51).remove(0);
    assert!(refresh.message.method().unwrap().is(rsip::Method::Invite));
    assert_eq!(refresh.message.body(), b"answer");
    assert_eq!(term(&refresh), "100;refresher=uac / ");
    let lines = [
        "Session-Expires: 100;refresher=uac",
        "Contact: <sip:1@10.0.0.2>",
    ];
    let ack = line.send(TRUNK, &answer_to(&refresh, 200, &lines));
    assert!(ack[0].message.method().unwrap().is(rsip::Method::Ack));
    assert!(line.events.is_empty(), "{:?}", line.events);
    assert_eq!(next(&mut line, 49).len(), 0);
    assert_eq!(next(&mut line, 2).len(), 1);
}

#[test]
fn an_update_that_allow_has_promised_in_vain_becomes_a_reinvite() {
    let lines = [
        "Allow: INVITE, UPDATE",
        "Supported: timer",
        "Session-Expires: 100;refresher=uas",
    ];
    let (mut line, _) = answered(&lines);
    let update = next(&mut line, 51).remove(0);
    assert!(update.message.method().unwrap().is(rsip::Method::Update));
    assert!(update.message.body().is_empty());
    let again = line.send(TRUNK, &answer_to(&update, 405, &[])).remove(0);
    assert!(again.message.method().unwrap().is(rsip::Method::Invite));
    // A refused refresh is tried again soon, and never ends a call.
    line.send(TRUNK, &answer_to(&again, 488, &[]));
    for _ in 0..20 {
        let again = next(&mut line, 18).remove(0);
        assert!(again.message.method().unwrap().is(rsip::Method::Invite));
        line.send(TRUNK, &answer_to(&again, 488, &[]));
    }
    assert!(line.events.is_empty(), "{:?}", line.events);
}

#[test]
fn a_refresh_that_collides_is_repeated_and_one_that_meets_no_dialog_ends_it() {
    let lines = [
        "Allow: UPDATE",
        "Supported: timer",
        "Session-Expires: 100;refresher=uas",
    ];
    let (mut line, _) = answered(&lines);
    let update = next(&mut line, 51).remove(0);
    assert!(line.send(TRUNK, &answer_to(&update, 491, &[])).is_empty());
    let again = next(&mut line, 3).remove(0);
    assert!(again.message.method().unwrap().is(rsip::Method::Update));
    let bye = line.send(TRUNK, &answer_to(&again, 481, &[])).remove(0);
    assert!(bye.message.method().unwrap().is(rsip::Method::Bye));
    assert!(matches!(
        line.events.as_slice(),
        [Event::Ended {
            is_by_peer: false,
            ..
        }]
    ));
}

#[test]
fn a_session_too_short_for_the_peer_is_asked_for_again() {
    let lines = [
        "Allow: UPDATE",
        "Supported: timer",
        "Session-Expires: 100;refresher=uas",
    ];
    let (mut line, _) = answered(&lines);
    let update = next(&mut line, 51).remove(0);
    let longer = line
        .send(TRUNK, &answer_to(&update, 422, &["Min-SE: 500"]))
        .remove(0);
    assert_eq!(term(&longer), "500;refresher=uac / ");
    assert_eq!(longer.message.value(Name::MinSe).as_deref(), Some("500"));
    line.send(
        TRUNK,
        &answer_to(&longer, 200, &["Session-Expires: 500;refresher=uac"]),
    );
    assert_eq!(next(&mut line, 249).len(), 0);
    assert_eq!(next(&mut line, 2).len(), 1);
}

#[test]
fn the_peers_refresh_keeps_the_call() {
    let lines = ["Supported: timer", "Session-Expires: 100;refresher=uac"];
    let (mut line, _) = answered(&lines);
    for cseq in 2..6 {
        assert_eq!(next(&mut line, 60).len(), 0);
        let kept = line.send(TRUNK, &line.request("UPDATE", cseq, &lines, None));
        assert_eq!(term(&kept[0]), "100;refresher=uac / timer");
    }
    let bye = next(&mut line, 69).remove(0);
    assert!(bye.message.method().unwrap().is(rsip::Method::Bye));
    // The peer may hand the duty over, or let the session be endless.
    let (mut line, _) = answered(&lines);
    let turned = ["Supported: timer", "Session-Expires: 100;refresher=uas"];
    line.send(TRUNK, &line.request("UPDATE", 2, &turned, None));
    assert_eq!(next(&mut line, 51).len(), 1, "ours now");
    let (mut line, _) = answered(&lines);
    line.send(TRUNK, &line.request("UPDATE", 2, &[], None));
    assert_eq!(next(&mut line, 200).len(), 0, "nobody's");
}

#[test]
fn a_session_to_which_there_is_no_way_any_more_ends() {
    let lines = [
        "Allow: UPDATE",
        "Supported: timer",
        "Session-Expires: 120;refresher=uas",
    ];
    let (mut line, _) = answered(&lines);
    let destination = TRUNK.parse().unwrap();
    for _ in 0..4 {
        let update = next(&mut line, 61).remove(0);
        assert!(update.message.method().unwrap().is(rsip::Method::Update));
        assert!(line.events.is_empty(), "{:?}", line.events);
        line.handle(Input::SendFailed { destination });
    }
    assert!(matches!(
        line.events.as_slice(),
        [Event::Ended {
            is_by_peer: false,
            ..
        }]
    ));
}
