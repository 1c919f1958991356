//! A whole call with SIPp at both ends: menu, queue, talk, record, recording.

use crate::audio::{Audio, CALLER_HEARS, Span, TALK};
use crate::capture::Capture;
use crate::raw::credentials;
use crate::server::{NUMBER, PASSWORD, Plan, SENTINEL, Server, time_ms};
use crate::sipp::{Message, Sipp, first_ms, messages};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;

/// The record may differ from SIPp's clock by this.
const CLOCK_MS: i64 = 100;

/// A desk phone by SIPp, registered with digest; its scenario goes on at the same address.
pub(crate) fn register(server: &Server, desk: u8, user: &str) -> SocketAddr {
    let local = SocketAddr::new(server.net.desk(desk), 5060);
    let authorization = credentials(local, user, PASSWORD, server.net.sip());
    Sipp::new(
        &format!("register-{user}"),
        "counsellor_registers",
        &server.folder,
        local,
        server.net.sip(),
    )
    .key("user", user)
    .key("contact_port", &local.port().to_string())
    .key("authorization", &authorization)
    .start()
    .succeed(Duration::from_secs(10));
    local
}

#[test]
fn sipp_calls_and_sipp_answers() {
    let server = Plan::new("sipp", 1).start();
    let desk = register(&server, 1, "tv01");
    server.wait_agents("ready", 1);
    let counsellor = Sipp::new(
        "counsellor",
        "counsellor_answers",
        &server.folder,
        desk,
        server.net.sip(),
    )
    .pause_ms(1_000)
    .audio(
        "counsellor.pcap",
        &Capture::default().tone(1_000.0, -20.0, 20_000),
    )
    .start();
    let speaks = Capture::default()
        .silence(2_000)
        .digit(1)
        .tone(600.0, -20.0, 20_000);
    let trunk = SocketAddr::new(server.net.trunk(), 5060);
    let caller = Sipp::new(
        "caller",
        "caller_talks",
        &server.folder,
        trunk,
        server.net.sip(),
    )
    .dial("111")
    .key("caller", SENTINEL)
    .pause_ms(14_000)
    .audio("caller.pcap", &speaks)
    .start();
    caller.succeed(Duration::from_secs(40));
    counsellor.succeed(Duration::from_secs(10));
    server.wait_no_calls();

    let records = server.records(1);
    let [record] = records.as_slice() else {
        panic!("one record")
    };
    println!("{record:#}");
    assert_facts(record);
    assert_times(&server, record);
    assert_recording(&server.audio(record), record);
    server.wait_agents("ready", 1);
}

fn assert_facts(record: &Value) {
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(text("caller"), NUMBER);
    assert_eq!(text("dialled"), "111");
    assert_eq!(text("origin"), "carrier");
    assert_eq!(text("service"), "child");
    assert_eq!(text("queue"), "child");
    assert_eq!(text("language"), "vi");
    assert_eq!(text("agent"), "tv01");
    assert_eq!(text("fate"), "H_UNCODED");
    assert_eq!(text("ended_by"), "caller");
    assert_eq!(text("cause"), "normal_clearing");
    assert_eq!(text("recording"), "made");
    let path = record["path"].as_array().expect("a path");
    assert_eq!(path.len(), 1, "{path:?}");
    assert_eq!(path[0]["node"], "entry");
    assert_eq!(path[0]["key"], "1");
    let number = |name: &str| record[name].as_i64().unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(
        (number("offers"), number("rona"), number("agents_lost")),
        (1, 0, 0)
    );
    assert_eq!(
        (number("caller_lost"), number("agent_lost")),
        (0, 0),
        "loss on loopback"
    );
    assert!(
        number("caller_received") > 500 && number("agent_received") > 400,
        "audio came from both"
    );
}

/// The times are in order, add up, and are SIPp's own.
fn assert_times(server: &Server, record: &Value) {
    let names = [
        "arrived",
        "answered",
        "first_key",
        "queued",
        "offered",
        "joined",
        "ended",
    ];
    let times = names.map(|name| time_ms(record, name));
    assert!(times.is_sorted(), "{names:?} {times:?}");
    let [arrived, answered, first_key, queued, offered, joined, ended] = times;
    let number = |name: &str| record[name].as_i64().unwrap_or_else(|| panic!("no {name}"));
    let caller = messages(&server.folder, "caller");
    let counsellor = messages(&server.folder, "counsellor");
    let key = path_ms(record) + arrived;
    let pairs = [
        ("arrived", arrived, first_ms(&caller, "INVITE", "INVITE")),
        (
            "answered",
            answered,
            first_ms(&caller, "SIP/2.0 200", "INVITE"),
        ),
        (
            "offered",
            offered,
            first_ms(&counsellor, "INVITE", "INVITE"),
        ),
        (
            "joined",
            joined,
            sent_ms(&counsellor, "SIP/2.0 200", "INVITE"),
        ),
        ("ended", ended, first_ms(&caller, "BYE", "BYE")),
        ("first key", first_key, key),
        ("queued with the key", queued, first_key),
        ("wait", number("wait_ms"), joined - queued),
        ("talk", number("talk_ms"), ended - joined),
        ("total", number("total_ms"), ended - arrived),
        // Two seconds of silence, and the key is heard with its first packets.
        (
            "key after the answer",
            first_key - first_ms(&caller, "ACK", "ACK"),
            2_020,
        ),
    ];
    for (what, recorded, seen) in pairs {
        println!(
            "{what}: record {recorded}, seen {seen}, difference {} ms",
            recorded - seen
        );
        assert!(
            (recorded - seen).abs() <= CLOCK_MS,
            "{what}: record {recorded}, seen {seen}"
        );
    }
}

fn sent_ms(messages: &[Message], start: &str, method: &str) -> i64 {
    let sent: Vec<Message> = messages
        .iter()
        .filter(|message| message.is_sent)
        .cloned()
        .collect();
    first_ms(&sent, start, method)
}

fn path_ms(record: &Value) -> i64 {
    record["path"][0]["at_ms"].as_i64().expect("a key's time")
}

/// Left what the caller says, right what the caller hears: prompts, then the counsellor alone.
pub(crate) fn assert_recording(audio: &Audio, record: &Value) {
    let answered = time_ms(record, "answered");
    let joined_ms =
        usize::try_from(time_ms(record, "joined") - answered).expect("joined after the answer");
    let talk_ms = usize::try_from(record["talk_ms"].as_i64().expect("a talk")).expect("a length");
    println!(
        "recording of {} ms, joined at {joined_ms} ms",
        audio.length_ms()
    );
    assert!(
        audio.length_ms().abs_diff(joined_ms + talk_ms) <= 300,
        "{} ms recorded, {} ms passed",
        audio.length_ms(),
        joined_ms + talk_ms
    );
    let prompts = audio.level(CALLER_HEARS, Span::At(200, joined_ms - 200));
    println!("prompts and music before the join: {prompts:.1} dB");
    assert!(prompts > -40.0, "nothing was heard before the join");
    let onset_ms = audio
        .onset_ms(CALLER_HEARS, 1_000, TALK.level_db)
        .expect("the counsellor's tone");
    println!(
        "the counsellor is heard {} ms after the join",
        onset_ms as i64 - joined_ms as i64
    );
    assert!(
        onset_ms.abs_diff(joined_ms) <= 500,
        "the counsellor is heard at {onset_ms} ms, joined at {joined_ms} ms"
    );
    match audio.check_talk(onset_ms, &TALK) {
        Ok(figures) => println!("{figures:#?}"),
        Err(fault) => panic!("{fault}"),
    }
}
