//! Counsellors in a browser: headless Chromium with JsSIP and with SIP.js, each through the same story.

use crate::audio::{Audio, CALLER_HEARS, CALLER_SAYS, Span, TALK};
use crate::chromium::{Browser, Library};
use crate::phones::Phones;
use crate::server::{PASSWORD, Plan, SENTINEL, Server, rows};
use hotline_phone::{CallScript, EventKind, PhoneId, Talk};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;

/// What the browser's microphone says.
pub(crate) const PAGE_HZ: u32 = 1_000;
/// What the caller says.
pub(crate) const CALLER_HZ: u32 = 600;

pub(crate) fn start(name: &'static str) -> Server {
    start_with(Plan::new(name, 2))
}

/// A server that lets browsers in.
pub(crate) fn start_with(plan: Plan) -> Server {
    plan.sip("ws = [\"SERVER_IP:8080\"]\norigins = [\"http://SERVER_IP:8200\"]\n")
        .start()
}

pub(crate) fn open(server: &Server, library: Library) -> Browser {
    let local = SocketAddr::new(server.net.sip().ip(), 8_200);
    Browser::start(&server.folder, local, library, PAGE_HZ)
}

pub(crate) fn register(server: &Server, browser: &mut Browser) {
    let host = server.net.sip().ip();
    browser.order(json!({
        "do": "register",
        "socket": format!("ws://{host}:8080"),
        "host": host.to_string(),
        "user": "tv01",
        "password": PASSWORD,
    }));
    browser.wait("registered");
    server.wait_agent("tv01", "ready");
}

/// The carrier's caller: presses 1 and says its tone until the other side hangs up, or for `talk_ms`; what it hears
/// is written down.
pub(crate) fn caller(server: &Server, talk_ms: Option<u64>) -> (Phones, PhoneId, PathBuf) {
    let heard = server.folder.join("caller.wav");
    let phones = Phones::start(server.net.sip(), server.net.trunk());
    let mut talk = Talk::new()
        .record(&heard)
        .wait_ms(500)
        .press("1")
        .tone(CALLER_HZ, 20);
    if let Some(talk_ms) = talk_ms {
        talk = talk.wait_ms(talk_ms).hang_up();
    }
    let caller = phones
        .bank
        .call(CallScript::dial("111").from(SENTINEL).talk(talk));
    (phones, caller, heard)
}

/// Rung, answered, and the caller is heard.
pub(crate) fn answer(browser: &mut Browser) -> f64 {
    let incoming = browser.wait("incoming");
    assert_eq!(incoming["from"], "111", "the line rings, never the caller");
    browser.order(json!({ "do": "answer" }));
    browser.wait("up");
    let sound = browser.wait("first_sound");
    let (wanted, foreign) = browser.wait_hears(CALLER_HZ, PAGE_HZ);
    println!("{CALLER_HZ} Hz at {wanted:.1} dB, {PAGE_HZ} Hz at {foreign:.1} dB");
    sound["after_ms"].as_f64().expect("milliseconds")
}

/// The last seconds of the recording hold each tone on its own side only. A browser's codec and its clock cost a
/// little level: 6 dB instead of 3.
fn assert_recorded(audio: &Audio) {
    let last = Span::At(audio.length_ms().saturating_sub(2_200), 2_000);
    for (channel, hz, other) in [
        (CALLER_SAYS, CALLER_HZ, PAGE_HZ),
        (CALLER_HEARS, PAGE_HZ, CALLER_HZ),
    ] {
        let (wanted, foreign) = (
            audio.tone(channel, last, hz),
            audio.tone(channel, last, other),
        );
        println!("channel {channel}: {hz} Hz at {wanted:.1} dB, {other} Hz at {foreign:.1} dB");
        assert!(
            (wanted - TALK.level_db).abs() < 6.0,
            "{hz} Hz at {wanted:.1} dB"
        );
        assert!(foreign < wanted - 35.0, "{other} Hz at {foreign:.1} dB");
    }
}

pub(crate) fn one_record(server: &Server) -> Value {
    server.wait_no_calls();
    let records = server.records(1);
    println!("{:#}", records[0]);
    records[0].clone()
}

/// Rung, heard both ways, held, resumed; the caller hangs up.
fn is_called(library: Library) {
    let server = start(match library {
        Library::JsSip => "jssip-called",
        Library::SipJs => "sipjs-called",
    });
    let mut browser = open(&server, library);
    register(&server, &mut browser);
    let (mut carrier, caller, _) = caller(&server, Some(12_000));
    let after_ms = answer(&mut browser);
    println!(
        "{}: first sound {after_ms:.0} ms after the click",
        library.name()
    );
    browser.order(json!({ "do": "counters" }));
    let counters = browser.wait("counters");
    assert!(
        counters["sent"].as_u64().is_some_and(|sent| sent > 0),
        "{counters}"
    );
    browser.order(json!({ "do": "hold" }));
    browser.wait("held");
    browser.order(json!({ "do": "resume" }));
    browser.wait("resumed");
    browser.wait_hears(CALLER_HZ, PAGE_HZ);
    carrier.wait_ended(caller);
    browser.wait("ended");
    let record = one_record(&server);
    assert_eq!(record["fate"], "H_UNCODED");
    assert_eq!(record["agent"], "tv01");
    assert_eq!(record["ended_by"], "caller");
    assert_recorded(&server.audio(&record));
}

/// The counsellor hangs up.
fn hangs_up(library: Library) {
    let server = start(match library {
        Library::JsSip => "jssip-hangs-up",
        Library::SipJs => "sipjs-hangs-up",
    });
    let mut browser = open(&server, library);
    register(&server, &mut browser);
    let (mut carrier, caller, _) = caller(&server, None);
    answer(&mut browser);
    browser.order(json!({ "do": "hang_up" }));
    browser.wait("ended");
    carrier.wait_ended(caller);
    let record = one_record(&server);
    assert_eq!(record["ended_by"], "agent");
    server.wait_agent("tv01", "ready");
}

/// A call from the page: keys by RFC 4733 and by INFO reach the line, each once.
fn presses_keys(library: Library) {
    let server = start(match library {
        Library::JsSip => "jssip-keys",
        Library::SipJs => "sipjs-keys",
    });
    let mut browser = open(&server, library);
    register(&server, &mut browser);
    // Ready, and not rung for the own call: nobody is offered a call from the phone they are talking on.
    let host = server.net.sip().ip();
    for (count, way) in [(1, "rtp"), (2, "info")] {
        browser.order(json!({ "do": "call", "to": format!("sip:111@{host}") }));
        browser.wait("up");
        browser.wait("first_sound");
        browser.order(json!({ "do": "digit", "key": "2", "by": way }));
        server.wait_ctl("calls", "the key has been heard", |calls| {
            rows(calls).any(|call| call["state"] == "waiting")
        });
        browser.order(json!({ "do": "hang_up" }));
        browser.wait("ended");
        server.wait_no_calls();
        let records = server.records(count);
        let record = &records[count - 1];
        let keys: Vec<&str> = record["path"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|step| step["key"].as_str())
            .collect();
        assert_eq!(keys, ["2"], "by {way}: {record:#}");
    }
}

/// The page is loaded anew in mid-call: no BYE is sent, the line is simply gone. The caller comes first in the queue
/// and back to the same counsellor.
fn reloads(library: Library) {
    let server = start(match library {
        Library::JsSip => "jssip-reload",
        Library::SipJs => "sipjs-reload",
    });
    let mut browser = open(&server, library);
    register(&server, &mut browser);
    let (mut carrier, caller, _) = caller(&server, Some(25_000));
    answer(&mut browser);
    browser.order(json!({ "do": "reload" }));
    browser.wait("loaded");
    let host = server.net.sip().ip();
    browser.order(json!({
        "do": "register",
        "socket": format!("ws://{host}:8080"),
        "host": host.to_string(),
        "user": "tv01",
        "password": PASSWORD,
    }));
    browser.wait("registered");
    answer(&mut browser);
    carrier.wait_ended(caller);
    let record = one_record(&server);
    assert_eq!(record["agents_lost"], 1, "the reload lost the line once");
    assert_eq!(record["agent"], "tv01");
    assert_eq!(record["fate"], "H_UNCODED");
    assert_eq!(
        carrier.count(|kind| matches!(kind, EventKind::Answered { .. })),
        1,
        "the caller's own line stayed"
    );
}

#[test]
fn jssip_is_called_holds_and_resumes() {
    is_called(Library::JsSip);
}

#[test]
fn sipjs_is_called_holds_and_resumes() {
    is_called(Library::SipJs);
}

#[test]
fn jssip_hangs_up() {
    hangs_up(Library::JsSip);
}

#[test]
fn sipjs_hangs_up() {
    hangs_up(Library::SipJs);
}

#[test]
fn jssip_presses_keys() {
    presses_keys(Library::JsSip);
}

#[test]
fn sipjs_presses_keys() {
    presses_keys(Library::SipJs);
}

#[test]
fn jssip_reloads_in_mid_call() {
    reloads(Library::JsSip);
}

#[test]
fn sipjs_reloads_in_mid_call() {
    reloads(Library::SipJs);
}
