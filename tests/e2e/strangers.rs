//! What strangers send changes nothing: no call, no registration, no row, no click in a talk.

use crate::phones::Phones;
use crate::raw::{Caller, Line, status};
use crate::server::{Net, PASSWORD, Plan, SENTINEL, Server};
use crate::talk_sipp::assert_recording;
use hotline_phone::{AnswerScript, CallScript, Talk};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn strangers_change_nothing() {
    let server = Plan::new("strangers", 2).start();
    let mut desk = Phones::start(server.net.sip(), server.net.desk(1));
    let answers = AnswerScript::answer_after_ms(200).talk(Talk::new().tone(1_000, 20));
    let tv01 = desk.bank.register("tv01", PASSWORD, answers);
    desk.wait_registered(tv01);
    server.wait_agent("tv01", "ready");
    let mut trunk = Phones::start(server.net.sip(), server.net.trunk());
    let talk = Talk::new()
        .wait_ms(500)
        .press("1")
        .tone(600, 20)
        .wait_ms(12_000)
        .hang_up();
    let caller = trunk
        .bank
        .call(CallScript::dial("111").from(SENTINEL).talk(talk));
    server.wait_calls("talking", 1);
    let rejected_before = rejected(&server);
    let before = (server.ctl("regs"), server.ctl("agents")[1].clone());

    let line = Line::open(server.net.stranger(), server.net.sip());
    for garbage in [
        &b""[..],
        b"\0",
        b"\xff\xfe\xfd",
        b"INVITE",
        b"SIP/2.0 200 OK\r\n\r\n",
        &[b'A'; 60_000],
    ] {
        line.send(garbage);
    }
    let invites = strangers_invite(&server.net);
    let registers = strangers_register(&line, &server.net);
    let mut half = TcpStream::connect(server.net.sip()).expect("connecting");
    half.write_all(b"INVITE sip:111@x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK")
        .expect("half a message");
    let mut endless = TcpStream::connect(server.net.sip()).expect("connecting");
    // The server may cut it off in the middle; that is its right.
    let cut = endless.write_all(&[b'x'; 1 << 20]);
    println!(
        "a stranger's INVITE gets {invites:?}, REGISTER {registers:?}, a megabyte without end {cut:?}"
    );

    let calls = server.ctl("calls");
    assert_eq!(calls.as_array().map(Vec::len), Some(1), "{calls}");
    assert_eq!(calls[0]["state"], "talking");
    let regs = server.ctl("regs");
    assert_eq!(regs.as_array().map(Vec::len), Some(1), "{regs}");
    assert_eq!(regs[0]["contact"], before.0[0]["contact"]);
    assert_eq!(server.ctl("agents")[1]["state"], before.1["state"]);

    let rejected = rejected(&server) - rejected_before;
    println!("{rejected} requests counted as refused");
    assert!(
        rejected >= 5,
        "three INVITEs and two REGISTERs at least are counted"
    );

    trunk.wait_ended(caller);
    drop(half);
    server.wait_no_calls();
    let records = server.records(1);
    assert_eq!(records[0]["fate"], "H_UNCODED");
    assert_eq!(records[0]["caller_lost"], 0);
    assert_recording(&server.audio(&records[0]), &records[0]);
}

#[test]
fn who_has_overheard_a_dialog_cannot_touch_it() {
    let server = Plan::new("forgers", 1).start();
    let caller = Caller::dial(server.net.trunk(), server.net.sip(), "111", SENTINEL);
    server.wait_calls("menu", 1);
    let refer = "Refer-To: <sip:tv01@x>\r\n";
    let info = "Content-Type: application/dtmf-relay\r\n";
    let forgeries = [
        ("BYE", 20, ""),
        ("CANCEL", 1, ""),
        ("INVITE", 21, ""),
        ("UPDATE", 22, ""),
        ("INFO", 23, info),
        ("REFER", 24, refer),
        ("OPTIONS", 25, ""),
        ("FROB", 26, ""),
    ];
    let line = Line::open(server.net.stranger(), server.net.sip());
    for (method, cseq, more) in forgeries {
        let answer = caller.forge(&line, method, cseq, more);
        let status = answer.as_deref().map_or(0, status);
        println!("a forged {method} gets {status}");
        assert!(
            matches!(status, 0 | 401 | 403 | 405 | 481 | 501),
            "{method}: {answer:?}"
        );
    }
    // The real caller is still there, its CSeq was not used up by the forgers, and its BYE is its own.
    let asked = caller.stay(Duration::from_millis(500));
    println!("meanwhile the caller was asked {asked:?}");
    let calls = server.ctl("calls");
    assert_eq!(calls.as_array().map(Vec::len), Some(1), "{calls}");
    let heard = caller.hang_up();
    assert!(heard.len() > 20, "{} packets", heard.len());
    server.wait_no_calls();
}

/// Everything that was refused or dropped until now, by the server's own count.
fn rejected(server: &Server) -> u64 {
    let (status, metrics) = server.http("/metrics");
    assert_eq!(status, 200);
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with("hotline_sip_rejected_total"));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum::<f64>() as u64
}

/// Challenged or not answered at all; never taken, and the same for a number that exists and one that does not.
fn strangers_invite(net: &Net) -> Vec<u16> {
    let status_of =
        |dialled: &str| match Caller::try_dial(net.stranger(), net.sip(), dialled, SENTINEL) {
            Ok(_) => panic!("a stranger's call to {dialled} is taken"),
            Err(answer) if answer.starts_with("SIP/2.0") => status(&answer),
            Err(_) => 0,
        };
    let seen = vec![status_of("111"), status_of("tv01"), status_of("nobody")];
    assert!(
        seen.iter().all(|status| *status == seen[0]),
        "the answers differ: {seen:?}"
    );
    assert!(matches!(seen[0], 0 | 401 | 403 | 407), "{seen:?}");
    seen
}

fn strangers_register(line: &Line, net: &Net) -> Vec<u16> {
    let mut cseq = 100;
    let mut status_of = |user: &str| {
        let (sip, local) = (net.sip(), line.local());
        let headers = format!(
            "From: <sip:{user}@{sip}>;tag=s1\r\nTo: <sip:{user}@{sip}>\r\nContact: <sip:{user}@{local}>\r\n"
        );
        cseq += 1;
        line.send(
            line.request("REGISTER", &format!("sip:{sip}"), cseq, &headers, "")
                .as_bytes(),
        );
        line.final_answer(Duration::from_secs(1))
            .map_or(0, |answer| status(&answer))
    };
    let seen = vec![status_of("tv01"), status_of("nobody")];
    assert_eq!(
        seen[0], seen[1],
        "an account that exists is answered like one that does not"
    );
    assert!(matches!(seen[0], 0 | 401), "{seen:?}");
    seen
}
