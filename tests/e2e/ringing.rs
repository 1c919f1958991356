//! Ringing that leads to no talk: the caller goes, nobody answers, the acknowledgement never comes.

use crate::audio::CALLER_HEARS;
use crate::phones::Phones;
use crate::server::{Plan, SENTINEL};
use crate::sipp::{Sipp, messages};
use crate::talk_sipp::register;
use hotline_phone::{AnswerScript, CallScript, Talk};
use std::net::SocketAddr;
use std::time::Duration;

#[test]
fn the_caller_goes_while_the_counsellor_rings() {
    let server = Plan::new("cancel", 1).start();
    let desk = register(&server, 1, "tv01");
    server.wait_agents("ready", 1);
    let rings = Sipp::new(
        "rings",
        "counsellor_is_cancelled",
        &server.folder,
        desk,
        server.net.sip(),
    )
    .start();
    let mut trunk = Phones::start(server.net.sip(), server.net.trunk());
    let talk = Talk::new().wait_ms(500).press("1").wait_ms(3_000).hang_up();
    let caller = trunk
        .bank
        .call(CallScript::dial("111").from(SENTINEL).talk(talk));
    server.wait_agent("tv01", "offered");
    trunk.wait_ended(caller);
    rings.succeed(Duration::from_secs(10));

    // The counsellor did nothing wrong: ready at once, without paperwork.
    server.wait_agents("ready", 1);
    let records = server.records(1);
    let record = &records[0];
    println!("{record:#}");
    assert_eq!(record["fate"], "A_QUEUE_SHORT");
    assert_eq!(record["ended_by"], "caller");
    assert_eq!((&record["offers"], &record["rona"]), (&1.into(), &0.into()));
    assert!(record["joined"].is_null());
}

#[test]
fn nobody_answers_and_the_next_counsellor_gets_the_caller() {
    let server = Plan::new("rona", 2)
        .queues("ring = \"20s\"", "ring = \"3s\"")
        .start();
    let desk = register(&server, 1, "tv01");
    server.wait_agent("tv01", "ready");
    let mut second = Phones::start(server.net.sip(), server.net.desk(2));
    let answers = AnswerScript::answer_after_ms(300).talk(Talk::new().tone(1_000, 20));
    let tv02 = second
        .bank
        .register("tv02", crate::server::PASSWORD, answers);
    second.wait_registered(tv02);
    // tv01 has been idle longer and is rung first.
    server.wait_agents("ready", 2);
    let rings = Sipp::new(
        "rings",
        "counsellor_is_cancelled",
        &server.folder,
        desk,
        server.net.sip(),
    )
    .start();
    let mut trunk = Phones::start(server.net.sip(), server.net.trunk());
    let talk = Talk::new()
        .wait_ms(500)
        .press("1")
        .tone(600, 20)
        .wait_ms(8_000)
        .hang_up();
    let caller = trunk
        .bank
        .call(CallScript::dial("111").from(SENTINEL).talk(talk));
    server.wait_agent("tv01", "offered");
    server.wait_agent("tv02", "talking");
    assert_eq!(server.wait_agent("tv01", "not_ready")["reason"], "rona");
    rings.succeed(Duration::from_secs(10));
    trunk.wait_ended(caller);

    let records = server.records(1);
    let record = &records[0];
    println!("{record:#}");
    assert_eq!(record["fate"], "H_UNCODED");
    assert_eq!(record["agent"], "tv02");
    assert_eq!((&record["offers"], &record["rona"]), (&2.into(), &1.into()));
    let wait_ms = record["wait_ms"].as_u64().expect("a wait");
    assert!(
        (3_000..8_000).contains(&wait_ms),
        "{wait_ms} ms of waiting: the ring time and the second answer"
    );
}

#[test]
fn a_lost_acknowledgement_ends_the_call_after_32_seconds_and_not_before() {
    let server = Plan::new("ack", 1).start();
    let trunk = SocketAddr::new(server.net.trunk(), 5060);
    let caller = Sipp::new(
        "caller",
        "caller_no_ack",
        &server.folder,
        trunk,
        server.net.sip(),
    )
    .dial("111")
    .key("caller", SENTINEL)
    .start();
    caller.succeed(Duration::from_secs(60));

    let all = messages(&server.folder, "caller");
    let answers: Vec<i64> = all
        .iter()
        .filter(|message| message.start.starts_with("SIP/2.0 200") && !message.is_sent)
        .map(|message| message.at_ms)
        .collect();
    let gaps: Vec<i64> = answers.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let bye = all
        .iter()
        .find(|message| message.start.starts_with("BYE"))
        .expect("a BYE");
    let bye_ms = bye.at_ms - answers[0];
    println!("200 sent again after {gaps:?} ms, BYE after {bye_ms} ms");
    // RFC 3261 §13.3.1.4: T1, doubling up to T2 = 4 s, for 64 * T1.
    assert!((8..=12).contains(&gaps.len()), "{gaps:?}");
    assert!(
        (400..1_000).contains(&gaps[0]) && gaps.iter().all(|gap| *gap < 5_000),
        "{gaps:?}"
    );
    assert!((31_500..35_000).contains(&bye_ms), "{bye_ms}");

    let records = server.records(1);
    let record = &records[0];
    println!("{record:#}");
    // Silent since the INVITE: it is the caller who is gone.
    assert_eq!(record["ended_by"], "caller");
    assert_eq!(record["cause"], "lost");
    let audio = server.audio(record);
    let (silence_ms, at_ms) = audio.longest_silence_ms(CALLER_HEARS, 0, audio.length_ms());
    println!(
        "{} ms recorded, longest silence {silence_ms} ms at {at_ms} ms",
        audio.length_ms()
    );
    assert!(
        audio.length_ms() > 31_000 && silence_ms < 2_000,
        "{silence_ms} ms of silence at {at_ms} ms"
    );
    assert!(
        record["caller_sent"].as_u64() > Some(1_500),
        "audio was sent all the time"
    );
}
