//! A desk phone that is SIPp asks a colleague for advice in a second call and joins the two (REFER with Replaces).

use crate::audio::{Audio, Span, TALK};
use crate::capture::Capture;
use crate::phones::Phones;
use crate::raw::credentials_for;
use crate::server::{PASSWORD, Plan, SENTINEL};
use crate::sipp::Sipp;
use crate::talk_sipp::register;
use hotline_phone::{AnswerScript, CallScript, EventKind, Talk};
use std::path::Path;
use std::time::Duration;

/// What the counsellor's phone says to the caller, and then to the colleague.
const COUNSELLOR_HZ: u32 = 1_400;
const CALLER_HZ: u32 = TALK.caller_hz;
const COLLEAGUE_HZ: u32 = TALK.counsellor_hz;

/// Heard the counsellor at some time, and then, in the first half second of it and at the end, `hears` alone.
fn assert_heard(who: &str, path: &Path, hears: u32, says: u32) {
    let audio = Audio::read(path);
    let onset = |hz| {
        let onset_ms = audio.onset_ms(0, hz, TALK.level_db);
        onset_ms.unwrap_or_else(|| panic!("{who} never heard {hz} Hz"))
    };
    let (counsellor_ms, joined_ms) = (onset(COUNSELLOR_HZ), onset(hears));
    println!("{who}: the counsellor at {counsellor_ms} ms, the other at {joined_ms} ms");
    assert!(counsellor_ms < joined_ms, "{who}: first the counsellor");
    let last = Span::At(audio.length_ms() - 2_100, 2_000);
    for span in [Span::At(joined_ms + 40, 500), last] {
        for other in [COUNSELLOR_HZ, says] {
            let figures = audio.check_only(0, span, hears, TALK.level_db, other);
            println!("{who}: {figures:?}");
            figures.expect("the other's tone alone");
        }
    }
}

#[test]
fn sipp_asks_for_advice_and_joins_the_calls() {
    let server = Plan::new("joins", 2)
        .more("[[route]]\ndialled = \"7002\"\nagent = \"tv02\"\n")
        .start();
    let desk = register(&server, 1, "tv01");
    server.wait_agent("tv01", "ready");
    let uri = format!("sip:7002@{}", server.net.sip());
    let authorization = credentials_for(("INVITE", &uri), desk, "tv01", PASSWORD, server.net.sip());
    let says = Capture::default().tone(f64::from(COUNSELLOR_HZ), -20.0, 1_500);
    let counsellor = Sipp::new(
        "counsellor",
        "counsellor_joins",
        &server.folder,
        desk,
        server.net.sip(),
    )
    .key("authorization", &authorization)
    .audio("counsellor.pcap", &says)
    .audio("advice.pcap", &says)
    .start();
    let heard_by_colleague = server.folder.join("colleague.wav");
    let mut second = Phones::start(server.net.sip(), server.net.desk(2));
    let talk = Talk::new()
        .record(&heard_by_colleague)
        .tone(COLLEAGUE_HZ, 20);
    let answers = AnswerScript::answer_after_ms(300).talk(talk);
    let tv02 = second.bank.register("tv02", PASSWORD, answers);
    second.wait_registered(tv02);
    // tv01 has been idle longer and gets the caller.
    server.wait_agents("ready", 2);

    let heard_by_caller = server.folder.join("caller.wav");
    let mut trunk = Phones::start(server.net.sip(), server.net.trunk());
    let talk = Talk::new()
        .record(&heard_by_caller)
        .wait_ms(500)
        .press("1")
        .tone(CALLER_HZ, 20)
        .wait_ms(11_000)
        .hang_up();
    let caller = trunk
        .bank
        .call(CallScript::dial("111").from(SENTINEL).talk(talk));
    server.wait_agent("tv01", "talking");
    counsellor.succeed(Duration::from_secs(20));
    // It is free at once, without having hung up itself.
    server.wait_agent("tv01", "ready");
    let is_recorded = |kind: &EventKind| matches!(kind, EventKind::Recorded { .. });
    trunk.wait_kind(caller, "the caller's recording", is_recorded);
    second.wait_kind(tv02, "the colleague's recording", is_recorded);

    server.wait_no_calls();
    let records = server.records(1);
    println!("{:#}", records[0]);
    assert_eq!(records[0]["agent"], "tv02");
    assert_eq!(records[0]["fate"], "H_UNCODED");
    assert_eq!(records[0]["ended_by"], "caller");
    assert_heard("caller", &heard_by_caller, COLLEAGUE_HZ, CALLER_HZ);
    assert_heard("colleague", &heard_by_colleague, CALLER_HZ, COLLEAGUE_HZ);
}
