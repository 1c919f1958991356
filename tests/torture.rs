//! Every message of RFC 4475 and RFC 5118 through the whole switchboard, from a trunk's address, by each transport: the
//! right answer, no fault in any engine, and the next caller is served. The folder is `HOTLINE_TORTURE_DIR`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use hotline_sip::Transport;
use hotline_switchboard::Input;
use hotline_tests::torture::Case;
use hotline_tests::world::World;
use hotline_tests::world::board::{NORTH_IP, server_address};
use hotline_tests::world::peer::{News, Peer};
use hotline_tests::world::plan::{AgentSettings, Settings};
use hotline_tests::world::sdp::Offer;
use hotline_tests::world::text::Text;
use std::net::SocketAddr;

/// A message that never ends is given up within this time, and a call that it began has ended.
const AFTER_US: u64 = 75_000_000;

#[test]
fn every_message_is_answered_and_the_line_lives_on() {
    let Some(cases) = Case::all() else { return };
    let mut faults = Vec::new();
    for case in &cases {
        for transport in Transport::ALL {
            for fault in try_one(case, transport) {
                faults.push(format!("{} by {}: {fault}", case.name, transport.via()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn try_one(case: &Case, transport: Transport) -> Vec<String> {
    let is_stream = transport.is_stream() && !transport.is_web_socket();
    let at = Transport::ALL.iter().position(|known| *known == transport);
    let listener = u16::try_from(at.unwrap()).unwrap();
    let settings = Settings {
        agents: vec![AgentSettings::new("lan")],
        ..Settings::default()
    };
    let mut world = World::new(settings, 1);
    // The messages come from nowhere, name addresses of nobody, and some are sent twice: the wire's judge would not see
    // the point. What the engines say of themselves counts.
    world.watch.waived = (1..=u8::MAX).collect();
    world.start();
    world.sniffed = Some(Vec::new());
    let peer = SocketAddr::new(NORTH_IP, 5_060);
    if transport.is_stream() {
        let opened = hotline_sip::Input::StreamOpened {
            connection: 7,
            listener,
            peer,
            proof: hotline_sip::Proof::None,
        };
        world.handle(Input::Sip(opened));
        let (connection, bytes) = (7, case.bytes.clone());
        world.handle(Input::Sip(if is_stream {
            hotline_sip::Input::StreamBytes { connection, bytes }
        } else {
            hotline_sip::Input::StreamMessage { connection, bytes }
        }));
    } else {
        let datagram = hotline_sip::Input::Datagram {
            listener: 0,
            source: peer,
            bytes: case.bytes.clone(),
        };
        world.handle(Input::Sip(datagram));
    }
    let mut faults = judge(case, transport, &mut world);
    let end_us = world.now_us + AFTER_US;
    run_until(&mut world, end_us);
    if !next_caller_is_answered(&mut world) {
        faults.push("the next caller is not answered".to_owned());
    }
    faults.extend(world.watch.faults.iter().map(|fault| fault.text.clone()));
    faults
}

/// The first final answer, judged by the index.
fn judge(case: &Case, transport: Transport, world: &mut World) -> Vec<String> {
    let sent = world.sniffed.take().unwrap_or_default();
    let statuses = sent
        .iter()
        .filter_map(|bytes| Text::parse(bytes)?.0.status());
    let first = statuses.clone().find(|status| *status >= 200);
    match first {
        None if case.is_response || case.may_drop => Vec::new(),
        // On a stream it may still be waiting for the end of a body, or for the next message.
        None if transport.is_stream() => Vec::new(),
        None => vec!["no answer".to_owned()],
        Some(status) if case.is_response => vec![format!("a response was answered with {status}")],
        // RFC 3261 §18.3: without Content-Length the end of a message on a stream cannot be known.
        Some(400)
            if transport.is_stream()
                && !transport.is_web_socket()
                && case.name == "inv2543.dat" =>
        {
            Vec::new()
        }
        Some(status) if case.takes(status) => Vec::new(),
        Some(status) => vec![format!(
            "answered {status}, the index says {}",
            case.wanted()
        )],
    }
}

fn next_caller_is_answered(world: &mut World) -> bool {
    let anna = world.add_peer(Peer::new(
        "anna",
        SocketAddr::new(NORTH_IP, 6_000),
        server_address(),
    ));
    world.act(anna, |peer, now| {
        peer.dial(now, "111", "0912000001", Offer::Normal)
    });
    let end_us = world.now_us + 1_000_000;
    run_until(world, end_us);
    let is_answered = world
        .news
        .iter()
        .any(|(number, news)| *number == anna && matches!(news, News::Answered(_)));
    world.act(anna, Peer::hang_up);
    let end_us = world.now_us + 1_000_000;
    run_until(world, end_us);
    is_answered
}

fn run_until(world: &mut World, end_us: u64) {
    while world.next_at().is_some_and(|at| at <= end_us) {
        world.step();
    }
    world.advance_to(end_us);
}
