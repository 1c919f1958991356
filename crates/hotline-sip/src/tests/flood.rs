//! Strangers, one or many: nothing changes, nothing grows, good peers are served.

use super::accounts::{Desk, request};
use super::net::Net;
use super::script::run;
use crate::{Event, Input, Mono, Now, Output, Rejection, Wall};

#[test]
fn strangers_change_nothing() {
    let mut net = Net::new();
    run(&mut net, "stranger calls 111; wait 1");
    for (method, status) in [
        ("INVITE", 401),
        ("OPTIONS", 401),
        ("REGISTER", 401),
        ("BYE", 481),
        ("INFO", 481),
        ("CANCEL", 481),
        ("MESSAGE", 405),
        ("FROB", 501),
    ] {
        net.log.clear();
        net.inject("stranger", "server", request(method, "tv01", 7, &[]));
        net.run_ms(100);
        assert!(
            net.log.contains(&format!("{status} {method}")),
            "{method}: {}",
            net.log
        );
    }
    let counters = net.counters("server");
    assert_eq!(
        (counters.transactions, counters.dialogs, counters.bindings),
        (0, 0, 0)
    );
}

#[test]
fn a_flood_is_silenced_and_costs_no_memory() {
    let mut net = Net::new();
    net.is_quiet = true;
    let (mut answered, mut events) = (0, 0);
    let mut good = 0;
    for number in 0..60_000_u32 {
        let now = Now {
            mono: Mono(u64::from(number) * 333),
            wall: Wall(1_800_000_000_000),
        };
        let mut out = Vec::new();
        let source = format!("10.{}.{}.9:5060", 1 + number % 50, number % 7)
            .parse()
            .unwrap();
        let bytes = request(
            ["INVITE", "REGISTER", "OPTIONS"][number as usize % 3],
            "tv01",
            number,
            &[],
        );
        net.node("server").endpoint.handle(
            now,
            Input::Datagram {
                listener: 0,
                source,
                bytes,
            },
            &mut out,
        );
        answered += out
            .iter()
            .filter(|output| matches!(output, Output::Datagram { .. }))
            .count();
        events += out
            .iter()
            .filter(|output| {
                matches!(
                    output,
                    Output::Event(Event::Rejected {
                        rejection: Rejection::Flood,
                        ..
                    })
                )
            })
            .count();
        if number % 100 == 0 {
            let mut out = Vec::new();
            let trunk = "10.0.0.2:5060".parse().unwrap();
            let bytes = request("OPTIONS", "tv01", number, &[]);
            net.node("server").endpoint.handle(
                now,
                Input::Datagram {
                    listener: 0,
                    source: trunk,
                    bytes,
                },
                &mut out,
            );
            good += out
                .iter()
                .filter(|output| matches!(output, Output::Datagram { .. }))
                .count();
        }
    }
    // 350 sources, a burst of 30 each and 10 a second for 20 seconds.
    assert!(answered <= 350 * (30 + 200), "{answered}");
    assert!(events <= answered, "{events}");
    assert_eq!(good, 600);
    let server = &net.node("server").endpoint;
    assert_eq!(server.counters().transactions, 0);
    assert!(server.flood.sites() <= 400, "{}", server.flood.sites());
    assert!(server.next_deadline().is_none());
}

#[test]
fn a_flood_of_forged_sources_has_a_bounded_table() {
    let mut net = Net::new();
    let mut out = Vec::new();
    for number in 0..100_000_u32 {
        out.clear();
        let now = Now {
            mono: Mono(u64::from(number) * 10),
            wall: Wall(1_800_000_000_000),
        };
        let source =
            std::net::SocketAddr::new(std::net::Ipv4Addr::from(0x1400_0000 + number).into(), 5060);
        let bytes = request("OPTIONS", "tv01", number, &[]);
        net.node("server").endpoint.handle(
            now,
            Input::Datagram {
                listener: 0,
                source,
                bytes,
            },
            &mut out,
        );
    }
    assert!(net.node("server").endpoint.flood.sites() <= 16_384);
}

#[test]
fn a_registered_phone_is_not_silenced_by_a_flood_from_its_address() {
    let mut desk = Desk::new();
    desk.login("REGISTER", "tv01", "tv01", &["Contact: <sip:a@10.0.0.3>"]);
    for number in 100..200 {
        desk.send_from("10.0.0.3:7777", request("OPTIONS", "tv01", number, &[]));
    }
    assert_eq!(
        desk.send_from("10.0.0.3:7777", request("OPTIONS", "tv01", 300, &[]))
            .len(),
        0
    );
    desk.sequence = 400;
    assert_eq!(
        desk.login("REGISTER", "tv01", "tv01", &[]).status(),
        Some(200)
    );
}

#[test]
fn phones_leave_the_last_places_to_callers() {
    let mut config = super::net::server_config();
    config.calls_max = 10;
    let mut net = Net::with(config);
    for _ in 0..9 {
        run(&mut net, "trunk calls 111");
    }
    net.log.clear();
    run(&mut net, "phone calls 113 tv01");
    assert!(net.log.contains("503 INVITE"), "{}", net.log);
    assert!(net.log.contains("server: rejected Overload"), "{}", net.log);
    net.log.clear();
    run(&mut net, "trunk calls 111");
    assert!(net.log.contains("server: invited to 111"), "{}", net.log);
    net.log.clear();
    run(&mut net, "trunk calls 111");
    assert!(net.log.contains("503 INVITE"), "{}", net.log);
    assert!(net.log.contains("server: rejected Overload"), "{}", net.log);
}

/// Requests and responses with random faults, from the trunk, in and around real calls.
#[test]
fn mutated_messages_leave_nothing_behind() {
    let mut net = Net::new();
    run(
        &mut net,
        "phone registers tv01; server rings tv01; trunk calls 111; server answers",
    );
    net.is_quiet = true;
    let mut lines = net.wire.clone();
    lines.push(request("OPTIONS", "tv01", 1, &[]));
    net.seed(11);
    for round in 0..15_000_usize {
        let mut bytes = lines[round % lines.len()].clone();
        for _ in 0..=net.roll() % 4 {
            let place = usize::try_from(net.roll() * 100 + net.roll()).unwrap() % bytes.len();
            match net.roll() % 3 {
                0 => bytes[place] = u8::try_from(net.roll() + 28).unwrap(),
                1 => drop(bytes.drain(place..(place + 9).min(bytes.len() - 1).max(place))),
                _ => bytes.insert(
                    place,
                    b"\r\n\";,<>=: "[usize::try_from(net.roll()).unwrap() % 10],
                ),
            }
        }
        let source = ["trunk", "phone", "stranger"][round % 3];
        net.inject(source, "server", bytes);
        let pause_ms = net.roll() % 7;
        net.run_ms(pause_ms);
    }
    net.run_ms(1_000);
    for name in ["server", "trunk", "phone"] {
        let all: Vec<u64> = net.node(name).endpoint.calls.all.keys().copied().collect();
        for dialog in all {
            net.command(
                name,
                crate::Command::Hangup {
                    dialog,
                    reason: None,
                },
            );
        }
    }
    net.settle();
}
