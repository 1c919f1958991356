//! The program `hotline-phone` itself, as a person uses it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod common;

use common::registrar::Registrar;
use common::{Side, file};
use hotline_phone::{AnswerScript, EventKind, Talk, Transport, read_recording};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

fn phone(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

#[test]
fn a_call_by_script_file_tells_its_story_and_leaves_its_recording() {
    let mut called = Side::start(SocketAddr::from(([127, 0, 0, 1], 9)), Transport::Udp);
    let callee = called.bank.listen(
        "111",
        AnswerScript::answer_after_ms(0).talk(Talk::new().tone(440, 20)),
    );
    let (script, heard) = (file("call.txt"), file("heard.wav"));
    let text = format!(
        "record {}\nwait audio\npress 7 by info\nhang up after 300ms",
        heard.display()
    );
    std::fs::write(&script, format!("dial 111\n{text}")).unwrap();
    let server = called.bank.local().to_string();
    let output = phone(&[
        "call",
        "--server",
        &server,
        "--from",
        "0912345678",
        "--script",
        script.to_str().unwrap(),
    ]);
    let story = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{story}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for word in [
        "Dialled",
        "Ringing",
        "Answered",
        "Flowing",
        "Pressed",
        "Ended { by: Us",
        "Recorded",
    ] {
        assert!(story.contains(word), "{word} in\n{story}");
    }
    called.wait_ended(callee);
    assert!(
        called
            .kinds(callee)
            .contains(&EventKind::Digit { digit: '7' })
    );
    assert!(read_recording(&heard).unwrap().0.len() > 1_000);
    std::fs::remove_file(script).unwrap();
    std::fs::remove_file(heard).unwrap();
}

#[test]
fn a_phone_that_answers_registers_first() {
    let registrar = Registrar::start("tv01", "secret");
    let server = registrar.address.to_string();
    let arguments = [
        "answer",
        "--server",
        &server,
        "--user",
        "tv01",
        "--password",
        "secret",
    ];
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines
            .next()
            .unwrap()
            .unwrap()
            .contains("Registered { granted: Ok(")
    );
    registrar.ring(1, "tv01");
    assert!(lines.any(|line| line.unwrap().contains("Acknowledged")));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn mistakes_are_explained() {
    let script = file("wrong.txt");
    std::fs::write(&script, "dial 111\nwait soon").unwrap();
    let wrong = [
        "call",
        "--server",
        "127.0.0.1:9",
        "--script",
        script.to_str().unwrap(),
    ];
    for (arguments, expected) in [
        (&wrong[..], "line 2, word 2: `soon`"),
        (&[][..], "which? answer or call"),
        (
            &["call", "--server", "127.0.0.1"][..],
            "--server 127.0.0.1: not an IP:PORT",
        ),
        (&["call", "--to", "111"][..], "--server is missing"),
        (
            &["call", "--server", "127.0.0.1:9"][..],
            "--to or --script is missing",
        ),
        (&["call", "--colour", "red"][..], "--colour is not known"),
        (
            &["answer", "--server", "127.0.0.1:9"][..],
            "--user is missing",
        ),
    ] {
        let output = phone(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    std::fs::remove_file(script).unwrap();
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_hotline-phone");
