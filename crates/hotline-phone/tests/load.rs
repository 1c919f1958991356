//! Load runs against the phones of a bank: one that echoes, one that speaks, one that is called again and again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod common;

use common::Side;
use common::registrar::Registrar;
use hotline_phone::load::{self, End, LoadConfig, Moment};
use hotline_phone::{AnswerScript, Codec, Step, Talk, Transport};
use std::net::SocketAddr;

fn server() -> Side {
    Side::start(SocketAddr::from(([127, 0, 0, 1], 9)), Transport::Udp)
}

#[test]
fn packets_that_come_back_give_latency_and_loss() {
    let server = server();
    server.bank.listen(
        "echo",
        AnswerScript::answer_after_ms(0).talk(Talk::new().step(Step::Echo)),
    );
    let mut config = LoadConfig::to(server.bank.local(), "echo", 1, 10.0).unwrap();
    config.codec = Codec::Pcmu;
    config.end = End::Held {
        settle_ms: 300,
        window_ms: 1_000,
    };
    let mut moments = Vec::new();
    let report = load::run(&config, &mut |moment| moments.push(moment)).unwrap();
    eprintln!("{report}");
    assert_eq!(
        moments,
        [
            Moment::Ready,
            Moment::Ramped,
            Moment::WindowOpened,
            Moment::WindowClosed
        ]
    );
    assert_eq!(
        (
            report.dialled,
            report.answered,
            report.failures(),
            report.retransmissions
        ),
        (1, 1, 0, 0)
    );
    assert!(
        (25..=55).contains(&report.packets_sent),
        "{}",
        report.packets_sent
    );
    assert!(
        (25..=55).contains(&report.heard.relayed),
        "{}",
        report.heard.relayed
    );
    assert_eq!((report.heard.relayed_lost, report.heard.made), (0, 0));
    assert_eq!(
        (report.set_up.count(), report.answer_to_audio.count()),
        (1, 1)
    );
    // The bar of an idle machine is far lower; this proves that the two clocks are one.
    assert!(
        report.heard.relay_latency.percentile_us(50.0) < 100_000,
        "{report}"
    );
}

#[test]
fn packets_of_the_server_give_its_pacing() {
    let server = server();
    server.bank.listen(
        "tone",
        AnswerScript::answer_after_ms(0).talk(Talk::new().tone(440, 20)),
    );
    let mut config = LoadConfig::to(server.bank.local(), "tone", 1, 10.0).unwrap();
    config.digits = "1".to_owned();
    config.end = End::Held {
        settle_ms: 300,
        window_ms: 1_000,
    };
    let report = load::run(&config, &mut |_| {}).unwrap();
    eprintln!("{report}");
    assert!(
        (25..=55).contains(&report.heard.made),
        "{}",
        report.heard.made
    );
    assert_eq!(
        (
            report.heard.relayed,
            report.heard.made_lost,
            report.heard.malformed
        ),
        (0, 0, 0)
    );
    assert!(
        report.heard.pacing_error.percentile_us(50.0) < 10_000,
        "{report}"
    );
}

#[test]
fn calls_that_end_at_once_give_set_up_times() {
    let server = server();
    server.bank.listen("end", AnswerScript::answer_after_ms(0));
    let config = LoadConfig::signalling(server.bank.local(), "end", 20, 10.0).unwrap();
    let report = load::run(&config, &mut |_| {}).unwrap();
    eprintln!("{report}");
    // One phone takes one call at a time, so an overlap would be refused: none may be.
    assert_eq!(
        (report.dialled, report.answered, report.failures()),
        (20, 20, 0)
    );
    assert_eq!(report.set_up.count(), 20);
    assert_eq!(report.packets_sent, 0);
    assert!(
        (5.0..20.0).contains(&report.answered_per_s),
        "{}",
        report.answered_per_s
    );
}

#[test]
fn what_the_server_refuses_is_counted_by_cause() {
    let server = server();
    server.bank.listen("full", AnswerScript::decline(503));
    let config = LoadConfig::signalling(server.bank.local(), "full", 3, 100.0).unwrap();
    let report = load::run(&config, &mut |_| {}).unwrap();
    assert_eq!(
        (report.answered, report.failures(), report.unfinished),
        (0, 3, 0)
    );
    assert_eq!(report.failed.get("unreachable 503"), Some(&3), "{report}");
}

#[test]
fn callers_and_counsellors_of_one_run_meet() {
    let counsellors: Vec<_> = (1..=4)
        .map(|number| (format!("tv{number:02}"), "secret".to_owned()))
        .collect();
    let server = Registrar::with(&counsellors);
    let mut config = LoadConfig::to(server.address, "111", 12, 20.0).unwrap();
    config.local = [127, 0, 0, 2].into();
    config.counsellors = counsellors;
    config.answer_after_ms = 20;
    config.talk_ms = Some(150);
    config.end = End::Drained { millis_max: 10_000 };
    let report = load::run(&config, &mut |_| {}).unwrap();
    eprintln!("{report}");
    assert_eq!(
        (report.counsellors_ready, report.registration.count()),
        (4, 4)
    );
    assert_eq!(
        (report.dialled, report.answered, report.failures()),
        (12, 12, 0)
    );
    assert_eq!(
        (
            report.counsellor_calls,
            report.counsellor_to_audio.count(),
            report.bye_to_bye.count()
        ),
        (12, 12, 12)
    );
    assert!(
        report.heard.relayed > 12 * 2 * 5,
        "{}",
        report.heard.relayed
    );
    assert_eq!(
        (
            report.heard.relayed_lost,
            report.heard.made,
            report.ended_by_server
        ),
        (0, 0, 0)
    );
}
