//! A counsellor at baresip puts the caller on hold, comes back, and passes the caller on: what everybody hears in
//! each of these, and that the recording goes on through all of it.

use crate::audio::{Audio, CALLER_HEARS, CALLER_SAYS, Span, TALK, sine, write_wav};
use crate::baresip::{Baresip, MD5_ONLY};
use crate::phones::Phones;
use crate::process::{Program, wait_until};
use crate::server::{PATIENCE, Plan, SENTINEL, Server, recordings};
use hotline_phone::{CallScript, EventKind, Talk};
use std::net::SocketAddr;

const FIRST_HZ: u32 = 1_000;
const SECOND_HZ: u32 = 1_300;
const CALLER_HZ: u32 = 600;
/// So long a state has to be recorded, and so much of its end is listened to.
const STATE_MS: usize = 1_600;
const LAST_MS: usize = 800;

/// A counsellor at a baresip that registers by itself over UDP.
fn desk(server: &Server, number: u8, says_hz: u32) -> (Baresip, Program) {
    let user = format!("tv0{number}");
    let says = server.folder.join(format!("{user}.wav"));
    write_wav(&says, &sine(f64::from(says_hz), TALK.level_db, 60_000));
    let account = Baresip::registering(&user, server.net.sip(), "udp", "audio_codecs=pcma");
    let local = SocketAddr::new(server.net.desk(number), 5060);
    let phone = Baresip::new(&user, server.folder.join(&user), &account, local, &says);
    let runs = phone.start();
    server.wait_agent(&user, "ready");
    (phone, runs)
}

/// Waits until the recording has [`STATE_MS`] more than now, and gives what there is then.
fn recorded(server: &Server) -> Audio {
    let path = wait_until(PATIENCE, "a recording grows", || recordings(server).pop());
    let before_ms = Audio::read(&path).length_ms();
    wait_until(PATIENCE, "the recording goes on", || {
        let audio = Audio::read(&path);
        (audio.length_ms() >= before_ms + STATE_MS).then_some(audio)
    })
}

/// The caller says the one tone all the time, and hears `hz` alone, or music.
fn assert_state(server: &Server, what: &str, hz: Option<u32>) {
    let audio = recorded(server);
    let last = Span::At(audio.length_ms() - LAST_MS, LAST_MS);
    let says = audio
        .check_only(CALLER_SAYS, last, CALLER_HZ, TALK.level_db, FIRST_HZ)
        .expect("the caller is recorded");
    println!("{what}: {says}");
    match hz {
        Some(hz) => {
            for other in [FIRST_HZ, SECOND_HZ, CALLER_HZ] {
                if other != hz {
                    let hears = audio.check_only(CALLER_HEARS, last, hz, TALK.level_db, other);
                    println!("{what}: {}", hears.expect("the counsellor alone"));
                }
            }
        }
        None => {
            let level = audio.level(CALLER_HEARS, last);
            let tones = [FIRST_HZ, SECOND_HZ].map(|hz| audio.tone(CALLER_HEARS, last, hz));
            println!("{what}: the caller hears {level:.1} dB, the counsellors at {tones:.1?} dB");
            assert!(level > -45.0, "{what}: the caller hears no music");
            assert!(
                tones.iter().all(|tone| *tone < TALK.level_db - 20.0),
                "{what}: the caller hears a counsellor"
            );
        }
    }
}

fn wait_logged(server: &Server, message: &str, count: usize) {
    wait_until(PATIENCE, message, || {
        (server.log_lines(message).len() >= count).then_some(())
    });
}

#[test]
fn hold_resume_and_blind_transfer_by_baresip() {
    let server = Plan::new("passes-on", 2).sip(MD5_ONLY).start();
    let (first, _first_runs) = desk(&server, 1, FIRST_HZ);
    let mut trunk = Phones::start(server.net.sip(), server.net.trunk());
    let heard_by_caller = server.folder.join("caller.wav");
    let talk = Talk::new()
        .record(&heard_by_caller)
        .wait_ms(500)
        .press("1")
        .tone(CALLER_HZ, 20);
    let caller = trunk
        .bank
        .call(CallScript::dial("111").from(SENTINEL).talk(talk));
    server.wait_calls("talking", 1);
    let (second, _second_runs) = desk(&server, 2, SECOND_HZ);
    server.change_agent("tv02", &["pause"]);
    assert_state(&server, "talk", Some(FIRST_HZ));

    first.order("hold", "");
    wait_logged(&server, "caller on hold", 1);
    assert_state(&server, "hold", None);
    first.order("resume", "");
    wait_logged(&server, "counsellor back from hold", 1);
    assert_state(&server, "resumed", Some(FIRST_HZ));

    // Nobody has this number, and then a colleague who is away. baresip 1.0 hangs up on both answers: the caller comes
    // back to the same counsellor all the same.
    for (target, joined) in [("nobody", 2), ("tv02", 3)] {
        first.order("transfer", &format!("sip:{target}@{}", server.net.sip()));
        wait_logged(&server, "caller and counsellor joined", joined);
        server.wait_agent("tv01", "talking");
        assert_state(&server, "after a refusal", Some(FIRST_HZ));
    }
    server.change_agent("tv02", &["ready"]);
    first.order("transfer", &format!("sip:tv02@{}", server.net.sip()));
    wait_logged(&server, "transfer over", 2);
    server.wait_agent("tv02", "talking");
    assert_state(&server, "passed on", Some(SECOND_HZ));
    server.wait_agent("tv01", "ready");
    let calls = first.order("listcalls", "");
    assert!(calls.contains("(0)"), "baresip still has a call: {calls}");

    trunk.bank.hang_up(caller);
    trunk.wait_kind(caller, "the caller's recording", |kind| {
        matches!(kind, EventKind::Recorded { .. })
    });
    server.wait_no_calls();
    let records = server.records(1);
    assert_eq!(records[0]["agent"], "tv02", "{}", records[0]);
    assert_eq!(records[0]["ended_by"], "caller");
    let counts = ["holds", "transfers", "transfers_failed", "agents_lost"]
        .map(|name| records[0][name].as_u64());
    assert_eq!(counts, [1, 2, 1, 2].map(Some), "{}", records[0]);
    let heard = Audio::read(&heard_by_caller);
    let last = Span::At(heard.length_ms() - 1_000, LAST_MS);
    let figures = heard.check_only(0, last, SECOND_HZ, TALK.level_db, CALLER_HZ);
    println!("caller, at the end: {figures:?}");
    figures.expect("the second counsellor alone");
    for (name, phone, says_hz) in [("first", first, FIRST_HZ), ("second", second, SECOND_HZ)] {
        let heard = Audio::read(&phone.heard());
        let onset = heard
            .onset_ms(0, CALLER_HZ, TALK.level_db)
            .unwrap_or_else(|| panic!("the {name} counsellor never hears the caller"));
        let span = Span::At(onset + 200, 1_000);
        let figures = heard.check_only(0, span, CALLER_HZ, TALK.level_db, says_hz);
        println!("{name} counsellor: {figures:?}");
        figures.expect("the caller alone");
    }
}
