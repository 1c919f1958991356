//! A whole call with baresip at both ends, with real audio files.

use crate::audio::{Audio, Span, sine, write_wav};
use crate::baresip::Baresip;
use crate::raw::register_for;
use crate::server::{PASSWORD, Plan, SENTINEL};
use crate::talk_sipp::assert_recording;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// A dialled number that leads straight into a queue: baresip's command line presses no keys.
pub(crate) const ROUTE: &str =
    "[[route]]\ndialled = \"112111\"\nqueue = \"child\"\nservice = \"child\"\n";

/// A phone has heard the other's tone alone.
pub(crate) fn assert_heard(who: &str, path: &Path, hears: u32, says: u32) {
    let audio = Audio::read(path);
    let onset = audio
        .onset_ms(0, hears, -20.0)
        .unwrap_or_else(|| panic!("{who} never hears {hears} Hz"));
    let figures = audio.check_only(0, Span::At(onset + 500, 3_000), hears, -20.0, says);
    println!(
        "{who}, {} ms heard, the other from {onset} ms on: {figures:?}",
        audio.length_ms()
    );
    figures.expect("the other's tone alone");
}

#[test]
fn baresip_calls_and_baresip_answers() {
    let server = Plan::new("baresip", 1).more(ROUTE).start();
    let (caller_says, counsellor_says) = (
        server.folder.join("caller.wav"),
        server.folder.join("counsellor.wav"),
    );
    write_wav(&caller_says, &sine(600.0, -20.0, 60_000));
    write_wav(&counsellor_says, &sine(1_000.0, -20.0, 60_000));
    let desk = SocketAddr::new(server.net.desk(1), 5060);
    register_for(desk, "tv01", PASSWORD, server.net.sip());
    let account = Baresip::desk_phone("tv01", server.net.sip());
    let counsellor = Baresip::new(
        "counsellor",
        server.folder.join("desk"),
        &account,
        desk,
        &counsellor_says,
    )
    .quit_after_s(26);
    let counsellor_runs = counsellor.start();
    server.wait_agents("ready", 1);
    // Away until the caller has heard something: baresip answers at once.
    server.change_agent("tv01", &["pause"]);

    let trunk = SocketAddr::new(server.net.trunk(), 5060);
    let account = Baresip::caller(SENTINEL, trunk.ip(), server.net.sip());
    let caller = Baresip::new(
        "caller",
        server.folder.join("trunk"),
        &account,
        trunk,
        &caller_says,
    )
    .command(&format!("/dial sip:112111@{}", server.net.sip()))
    .quit_after_s(15);
    let caller_runs = caller.start();
    server.wait_ctl("calls", "the caller waits", |calls| {
        calls[0]["state"] == "waiting" && calls[0]["wait_ms"].as_u64() >= Some(3_000)
    });
    server.change_agent("tv01", &["ready"]);
    server.wait_calls("talking", 1);
    caller_runs.succeed(Duration::from_secs(30));
    counsellor_runs.succeed(Duration::from_secs(40));
    server.wait_no_calls();

    let records = server.records(1);
    println!("{:#}", records[0]);
    assert_eq!(records[0]["fate"], "H_UNCODED");
    assert_eq!(records[0]["ended_by"], "caller");
    assert_recording(&server.audio(&records[0]), &records[0]);
    assert_heard("caller", &caller.heard(), 1_000, 600);
    assert_heard("counsellor", &counsellor.heard(), 600, 1_000);
}
