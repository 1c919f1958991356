//! Inside dialogs, with SIPp at the other end: session timers, early media, changes, collisions, forks.

use crate::capture::Capture;
use crate::server::{Plan, SENTINEL, Server};
use crate::sipp::Sipp;
use crate::talk_sipp::register;
use std::net::SocketAddr;
use std::time::Duration;

/// Sessions of six seconds at most, four at least: far below what RFC 4028 §5 wants, so that a test may wait.
const SHORT_SESSIONS: &str = "session_min = \"4s\"\nsession_expires = \"6s\"\n";

/// A caller of the carrier acts out a scenario, which checks what it gets; nothing of the call is left.
fn carrier(server: &Server, scenario: &str, limit_s: u64) {
    let trunk = SocketAddr::new(server.net.trunk(), 5060);
    Sipp::new(scenario, scenario, &server.folder, trunk, server.net.sip())
        .dial("111")
        .key("caller", SENTINEL)
        .start()
        .succeed(Duration::from_secs(limit_s));
    server.wait_no_calls();
}

#[test]
fn sessions_are_refreshed_by_either_side() {
    let server = Plan::new("sessions", 0).sip(SHORT_SESSIONS).start();
    carrier(&server, "caller_is_refreshed", 12);
    carrier(&server, "caller_is_reinvited", 10);
    carrier(&server, "caller_refreshes", 15);
    carrier(&server, "caller_too_short", 8);
    let causes: Vec<String> = server
        .records(4)
        .iter()
        .map(|record| record["cause"].as_str().unwrap_or_default().to_owned())
        .collect();
    println!("causes {causes:?}");
    let lost = causes.iter().filter(|cause| *cause == "lost").count();
    assert_eq!(lost, 1, "the caller who stopped refreshing: {causes:?}");
}

#[test]
fn a_caller_changes_the_session_in_every_legal_way() {
    let server = Plan::new("changes", 0).sip(SHORT_SESSIONS).start();
    carrier(&server, "caller_offerless", 10);
    carrier(&server, "caller_collides", 15);
    carrier(&server, "caller_cancels_late", 8);
    carrier(&server, "caller_requires_100rel", 8);
}

/// A desk phone acts out a scenario as tv01 while a caller waits for a child's counsellor.
fn desk(name: &'static str, scenario: &str, caller_pause_ms: u32) -> Server {
    let server = Plan::new(name, 1).start();
    let desk = register(&server, 1, "tv01");
    server.wait_agents("ready", 1);
    let phone = Sipp::new(scenario, scenario, &server.folder, desk, server.net.sip()).start();
    let speaks = Capture::default().silence(2_000).digit(1).silence(20_000);
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
    .pause_ms(caller_pause_ms)
    .audio("caller.pcap", &speaks)
    .start();
    caller.succeed(Duration::from_secs(40));
    phone.succeed(Duration::from_secs(15));
    server.wait_no_calls();
    server
}

#[test]
fn early_media_of_a_phone_is_acknowledged() {
    let server = desk("early", "counsellor_early", 9_000);
    let record = server.records(1).remove(0);
    assert_eq!(record["agent"].as_str(), Some("tv01"), "{record:#}");
}

#[test]
fn of_two_phones_behind_one_contact_the_first_has_the_call() {
    let server = desk("forks", "counsellor_forks", 9_000);
    let record = server.records(1).remove(0);
    assert_eq!(record["agent"].as_str(), Some("tv01"), "{record:#}");
}

#[test]
fn a_phone_that_answers_into_the_cancel_is_hung_up() {
    let server = desk("crosses", "counsellor_crosses", 6_000);
    let record = server.records(1).remove(0);
    assert!(record["joined"].is_null(), "{record:#}");
}
