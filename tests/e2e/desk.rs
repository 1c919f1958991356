//! Desk phones without a caller: feature codes, echo test, numbers that lead nowhere.

use crate::audio::{Audio, Span};
use crate::phones::Phones;
use crate::raw::{Caller, status};
use crate::server::{PASSWORD, Plan, SENTINEL, Server};
use hotline_phone::{AnswerScript, CallScript, EventKind, Talk};

fn dial(phones: &mut Phones, code: &str) {
    let call = phones
        .bank
        .call(CallScript::dial(code).login("tv01", PASSWORD));
    phones.wait_ended(call);
}

fn signed_in(server: &Server) -> Phones {
    let mut desk = Phones::start(server.net.sip(), server.net.desk(1));
    let tv01 = desk
        .bank
        .register("tv01", PASSWORD, AnswerScript::answer_after_ms(200));
    desk.wait_registered(tv01);
    server.wait_agent("tv01", "ready");
    desk
}

#[test]
fn feature_codes_begin_interrupt_and_end_the_shift() {
    let server = Plan::new("codes", 1).start();
    let mut desk = signed_in(&server);
    dial(&mut desk, "*12");
    assert_eq!(server.wait_agent("tv01", "not_ready")["reason"], "break");
    dial(&mut desk, "*11");
    server.wait_agent("tv01", "ready");
    dial(&mut desk, "*10");
    server.wait_agent("tv01", "signed_out");
    dial(&mut desk, "*11");
    server.wait_agent("tv01", "ready");
    // Decision 16: feature codes are facts, not calls.
    assert!(server.records_now().is_empty());
}

#[test]
fn a_feature_code_from_the_carrier_is_no_number() {
    let server = Plan::new("carrier-codes", 1).start();
    let _desk = signed_in(&server);
    let refused = Caller::try_dial(server.net.trunk(), server.net.sip(), "*10", SENTINEL);
    let answer = refused.err().expect("*10 from the carrier is refused");
    println!("{}", answer.lines().next().unwrap_or_default());
    assert!((400..500).contains(&status(&answer)));
    server.wait_agent("tv01", "ready");
}

#[test]
fn the_echo_test_gives_the_tone_back() {
    let server = Plan::new("echo", 1).start();
    let mut desk = signed_in(&server);
    let heard = server.folder.join("echo.wav");
    let talk = Talk::new()
        .record(&heard)
        .tone(600, 20)
        .wait_ms(4_000)
        .hang_up();
    let call = desk
        .bank
        .call(CallScript::dial("*43").login("tv01", PASSWORD).talk(talk));
    desk.wait_kind(call, "the recording", |kind| {
        matches!(kind, EventKind::Recorded { .. })
    });
    let audio = Audio::read(&heard);
    let figures = audio.check_only(0, Span::At(1_000, 2_000), 600, -20.0, 1_000);
    println!("echo: {figures:?}");
    figures.expect("the own tone comes back");
    assert!(server.records_now().is_empty());
}

#[test]
fn a_number_without_a_route_is_not_found() {
    let server = Plan::new("no-route", 1).start();
    let refused = Caller::try_dial(server.net.trunk(), server.net.sip(), "999", SENTINEL);
    let answer = refused.err().expect("999 leads nowhere");
    assert_eq!(status(&answer), 404, "{answer}");
    server.wait_no_calls();
    assert!(
        server.records_now().is_empty(),
        "decision 16: no route, no row"
    );
}
