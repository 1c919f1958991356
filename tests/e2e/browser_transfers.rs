//! Counsellors in a browser pass callers on, with JsSIP and with SIP.js: refused, failed, blind, and after advice.

use crate::audio::{Audio, Span, TALK};
use crate::browser::{CALLER_HZ, PAGE_HZ, answer, caller, one_record, open, register, start_with};
use crate::chromium::{Browser, Library};
use crate::phones::Phones;
use crate::server::{PASSWORD, Plan, Server};
use hotline_phone::{AnswerScript, EventKind, PhoneId, Talk};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What the colleague says.
const COLLEAGUE_HZ: u32 = 1_500;
/// The colleague's own number.
const ROUTE: &str = "[[route]]\ndialled = \"7002\"\nagent = \"tv02\"\n";

fn serve(name: &'static str) -> Server {
    start_with(Plan::new(name, 2).more(ROUTE))
}

fn address(server: &Server, number: &str) -> String {
    format!("sip:{number}@{}", server.net.sip().ip())
}

/// tv02 at a desk phone, who answers and says a tone.
fn colleague(server: &Server) -> (Phones, PhoneId, PathBuf) {
    let heard = server.folder.join("colleague.wav");
    let mut phones = Phones::start(server.net.sip(), server.net.desk(2));
    let talk = Talk::new().record(&heard).tone(COLLEAGUE_HZ, 20);
    let answers = AnswerScript::answer_after_ms(300).talk(talk);
    let phone = phones.bank.register("tv02", PASSWORD, answers);
    phones.wait_registered(phone);
    server.wait_agent("tv02", "ready");
    (phones, phone, heard)
}

/// tv02 has the caller and nobody else: the talk goes on for a while, the caller hangs up, both say what they heard.
fn assert_passed_on(
    server: &Server,
    (carrier, heard_by_caller): (&mut Phones, &Path),
    caller: PhoneId,
    (desk, phone, heard_by_colleague): (&mut Phones, PhoneId, &Path),
) -> Value {
    server.wait_agent("tv02", "talking");
    server.wait_agent("tv01", "ready");
    crate::process::pause(std::time::Duration::from_millis(2_500));
    carrier.bank.hang_up(caller);
    let is_recorded = |kind: &EventKind| matches!(kind, EventKind::Recorded { .. });
    carrier.wait_kind(caller, "the caller's recording", is_recorded);
    desk.wait_kind(phone, "the colleague's recording", is_recorded);
    for (who, path, hears, says) in [
        ("caller", heard_by_caller, COLLEAGUE_HZ, CALLER_HZ),
        ("colleague", heard_by_colleague, CALLER_HZ, COLLEAGUE_HZ),
    ] {
        let audio = Audio::read(path);
        let last = Span::At(audio.length_ms() - 1_600, 1_500);
        for other in [PAGE_HZ, says] {
            let figures = audio.check_only(0, last, hears, TALK.level_db, other);
            println!("{who}: {figures:?}");
            figures.expect("the other's tone alone");
        }
    }
    let record = one_record(server);
    assert_eq!(record["fate"], "H_UNCODED");
    assert_eq!(record["agent"], "tv02");
    record
}

/// A number that may not be dialled is refused, a colleague who is not there cannot be reached: the caller stays
/// with the browser. Then the colleague comes, and has the caller.
fn passes_on(library: Library) {
    let server = serve(match library {
        Library::JsSip => "jssip-refers",
        Library::SipJs => "sipjs-refers",
    });
    let mut browser = open(&server, library);
    register(&server, &mut browser);
    let (mut carrier, caller, heard) = caller(&server, None);
    answer(&mut browser);

    let refer = |browser: &Browser, number: &str| {
        browser.order(json!({ "do": "refer", "to": address(&server, number) }));
    };
    refer(&browser, "0912345678");
    let refused = browser.wait("refer_refused");
    assert_eq!(refused["status"], 603, "{refused}");
    browser.wait_hears(CALLER_HZ, PAGE_HZ);
    refer(&browser, "7002");
    browser.wait("refer_taken");
    let failed = browser.wait("refer_failed");
    assert_eq!(failed["status"], 480, "{failed}");
    browser.wait_hears(CALLER_HZ, PAGE_HZ);
    assert!(!browser.has_told("ended"), "the caller is still there");

    let (mut desk, phone, heard_by_colleague) = colleague(&server);
    refer(&browser, "7002");
    browser.wait("refer_taken");
    browser.wait("referred");
    browser.wait("ended");
    assert_passed_on(
        &server,
        (&mut carrier, &heard),
        caller,
        (&mut desk, phone, &heard_by_colleague),
    );
}

/// The page holds the caller, calls the colleague, and joins the two calls.
fn asks_and_joins(library: Library) {
    let server = serve(match library {
        Library::JsSip => "jssip-joins",
        Library::SipJs => "sipjs-joins",
    });
    let mut browser = open(&server, library);
    register(&server, &mut browser);
    let (mut desk, phone, heard_by_colleague) = colleague(&server);
    let (mut carrier, caller, heard) = caller(&server, None);
    answer(&mut browser);
    browser.order(json!({ "do": "hold" }));
    browser.wait("held");
    browser.order(json!({ "do": "consult", "to": address(&server, "7002") }));
    browser.wait("up");
    browser.wait_hears(COLLEAGUE_HZ, CALLER_HZ);
    browser.order(json!({ "do": "join" }));
    browser.wait("referred");
    for call in ["the caller's", "the colleague's"] {
        println!("{call} call has ended: {}", browser.wait("ended"));
    }
    assert_passed_on(
        &server,
        (&mut carrier, &heard),
        caller,
        (&mut desk, phone, &heard_by_colleague),
    );
    let audio = Audio::read(&heard_by_colleague);
    assert!(
        (0..audio.length_ms() / 100 - 1)
            .any(|at| audio.tone(0, Span::At(at * 100, 100), PAGE_HZ) > TALK.level_db - 6.0),
        "the colleague was asked first"
    );
}

#[test]
fn jssip_passes_a_caller_on() {
    passes_on(Library::JsSip);
}

#[test]
fn sipjs_passes_a_caller_on() {
    passes_on(Library::SipJs);
}

#[test]
fn jssip_asks_for_advice_and_joins_the_calls() {
    asks_and_joins(Library::JsSip);
}

#[test]
fn sipjs_asks_for_advice_and_joins_the_calls() {
    asks_and_joins(Library::SipJs);
}
