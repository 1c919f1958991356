//! The control socket: what goes over it, and the tables that come of it.

use super::*;
use crate::cli::control::{
    AgentOrder, BanLine, ControlReply, ControlRequest, Status, decode, encode,
};
use crate::cli::ctl;
use crate::cli::table::{Table, clock};
use expect_test::expect;
use hotline_console::{AgentView, CallView, QueueView, View};
use hotline_core::{CallId, CallerNumber, Fact, Ledger, LegId, Mono, Now, Wall};
use hotline_sip::TrunkStatus;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;

/// A server that answers each connection's line with the next of these; what it was asked.
fn server(
    folder: &Folder,
    replies: Vec<String>,
) -> (String, std::thread::JoinHandle<Vec<ControlRequest>>) {
    let path = folder.0.join("control.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let serving = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for reply in replies {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            BufReader::new(stream.try_clone().unwrap())
                .read_line(&mut line)
                .unwrap();
            asked.push(decode(&line).unwrap());
            stream.write_all(reply.as_bytes()).unwrap();
        }
        asked
    });
    (path.display().to_string(), serving)
}

fn line(reply: &ControlReply) -> String {
    encode(reply).unwrap()
}

#[test]
fn requests_and_replies_are_lines_of_json() {
    let request = ControlRequest::Agent {
        user: "tv01".to_owned(),
        change: AgentOrder::NotReady {
            reason: "meal".to_owned(),
        },
    };
    expect![[r#"
        {"ask":"agent","user":"tv01","change":{"not_ready":{"reason":"meal"}}}
    "#]]
    .assert_eq(&encode(&request).unwrap());
    assert_eq!(decode(&encode(&request).unwrap()), Ok(request));
    assert!(decode("{\"ask\":\"everything\"}").is_err());
    expect![[r#"
        {"answer":"refused","value":"no such call"}
    "#]]
    .assert_eq(&line(&ControlReply::Refused("no such call".to_owned())));
}

#[test]
fn ctl_prints_tables_tab_separated_when_piped() {
    let folder = Folder::new();
    let calls = ControlReply::Calls(vec![CallView {
        call: "0100000000000001".to_owned(),
        caller: "***67".to_owned(),
        dialled: "111".to_owned(),
        origin: "viettel".to_owned(),
        state: "waiting".to_owned(),
        queue: Some("child".to_owned()),
        language: Some("vi".to_owned()),
        service: Some("child".to_owned()),
        age_ms: 65_000,
        wait_ms: 7_400,
        ..CallView::default()
    }]);
    let agents = ControlReply::Agents(vec![AgentView {
        user: "tv01".to_owned(),
        name: "Lan".to_owned(),
        state: "ready".to_owned(),
        for_ms: 3_723_000,
        ..AgentView::default()
    }]);
    let status = ControlReply::Status(Box::new(Status {
        version: "0.1.0".to_owned(),
        ..Status::default()
    }));
    let refused = ControlReply::Refused("unknown agent".to_owned());
    let (socket, serving) = server(
        &folder,
        vec![
            line(&calls),
            line(&agents),
            line(&status),
            line(&ControlReply::Done),
            line(&refused),
        ],
    );
    let ctl = |more: &[&str]| {
        let arguments: Vec<&str> = ["ctl", "--socket", &socket]
            .iter()
            .chain(more)
            .copied()
            .collect();
        run(&arguments)
    };
    let (exit, out, _) = ctl(&["calls"]);
    assert_eq!(
        (exit, out.as_str()),
        (
            Exit::Ok,
            "0100000000000001\t***67\t111\tviettel\twaiting\tchild\tvi\tchild\t1:05\t0:07\n"
        )
    );
    let (_, out, _) = ctl(&["--json", "agents"]);
    assert!(
        out.starts_with("[{\"user\":\"tv01\"") && out.ends_with("}]\n"),
        "{out}"
    );
    let (_, out, _) = ctl(&["status"]);
    assert!(out.starts_with("version\t0.1.0\n"), "{out}");
    let (exit, out, err) = ctl(&["agent", "tv01", "pause", "--reason", "meal"]);
    assert_eq!((exit, out.as_str(), err.as_str()), (Exit::Ok, "", ""));
    let (exit, _, err) = ctl(&["agent", "tv99", "ready"]);
    assert_eq!(
        (exit, err.as_str()),
        (Exit::Error, "refused: unknown agent\n")
    );
    let asked = serving.join().unwrap();
    assert_eq!(asked[0], ControlRequest::Calls);
    assert_eq!(
        asked[3],
        ControlRequest::Agent {
            user: "tv01".to_owned(),
            change: AgentOrder::NotReady {
                reason: "meal".to_owned()
            }
        }
    );
}

#[test]
fn bans_are_listed_made_and_ended() {
    let folder = Folder::new();
    let bans = ControlReply::Bans(vec![BanLine {
        address: "192.0.2.7".to_owned(),
        reason: "scanner".to_owned(),
        left_s: 540,
        dropped: 12,
    }]);
    let refused = ControlReply::Refused("192.0.2.9 is a carrier's".to_owned());
    let replies = [
        line(&bans),
        line(&ControlReply::Done),
        line(&ControlReply::Done),
        line(&refused),
    ];
    let (socket, serving) = server(&folder, replies.to_vec());
    let ctl = |more: &[&str]| run(&[&["ctl", "--socket", &socket, "bans"], more].concat());
    assert_eq!(ctl(&[]).1, "192.0.2.7\tscanner\t9:00\t12\n");
    assert_eq!(ctl(&["add", "192.0.2.8", "--for", "2h"]).0, Exit::Ok);
    assert_eq!(ctl(&["remove", "2001:db8::1"]).0, Exit::Ok);
    assert_eq!(ctl(&["add", "192.0.2.9"]).0, Exit::Error);
    let ban = |address: &str, length_ms| ControlRequest::Ban {
        address: address.parse().unwrap(),
        length_ms,
    };
    assert_eq!(
        serving.join().unwrap(),
        [
            ControlRequest::Bans,
            ban("192.0.2.8", 7_200_000),
            ban("2001:db8::1", 0),
            ban("192.0.2.9", 3_600_000),
        ]
    );
    let wrong = ["hotline111", "ctl", "bans", "add", "192.0.2.9", "--for"];
    for length in ["0s", "25h", "soon"] {
        assert!(Cli::try_parse_from(wrong.iter().chain([&length])).is_err());
    }
}

#[test]
fn a_server_that_does_not_run_is_3_and_one_that_babbles_is_1() {
    let folder = Folder::new();
    let nowhere = folder.0.join("nothing.sock").display().to_string();
    let (exit, _, err) = run(&["ctl", "--socket", &nowhere, "status"]);
    assert_eq!(exit, Exit::NotRunning);
    assert!(err.contains("not running"), "{err}");
    let (socket, serving) = server(&folder, vec!["nonsense\n".to_owned(), String::new()]);
    let (exit, _, err) = run(&["ctl", "--socket", &socket, "status"]);
    assert_eq!(exit, Exit::Error);
    assert!(err.contains("not understood"), "{err}");
    let (exit, _, err) = run(&["ctl", "--socket", &socket, "status"]);
    assert_eq!(exit, Exit::Error);
    assert!(err.contains("hung up"), "{err}");
    serving.join().unwrap();
}

#[test]
fn tables_are_aligned_on_a_terminal() {
    let mut table = Table::new(&["user", "name"]);
    table.row(vec!["tv01".to_owned(), "Nguyễn Thị Lan".to_owned()]);
    table.row(vec!["tv0123".to_owned(), "a\tb".to_owned()]);
    expect![[r#"
        USER    NAME
        tv01    Nguyễn Thị Lan
        tv0123  a	b
    "#]]
    .assert_eq(&table.render(true));
    assert_eq!(table.render(false), "tv01\tNguyễn Thị Lan\ntv0123\ta b\n");
    assert_eq!(
        (clock(0), clock(59_999), clock(3_600_000)),
        ("0:00".to_owned(), "0:59".to_owned(), "1:00:00".to_owned())
    );
}

#[test]
fn live_tables_are_read_off_the_ledger_with_masked_numbers() {
    let call = CallId(0x0100_0000_0000_0001);
    let at = |seconds: u64| Now {
        mono: Mono(seconds * 1_000_000),
        wall: Wall(i64::try_from(seconds).unwrap() * 1_000),
    };
    let mut ledger = Ledger::default();
    let frames = [
        (
            at(1),
            vec![
                Fact::Arrived {
                    call,
                    leg: LegId(2),
                    caller: CallerNumber::new("+84912345678".to_owned()),
                    dialled: "111".to_owned(),
                    origin: "viettel".to_owned(),
                    is_from_trunk: true,
                    route: "entry".to_owned(),
                    is_counted: true,
                },
                Fact::Answered { call },
                Fact::Node {
                    call,
                    node: "entry".to_owned(),
                },
            ],
        ),
        (
            at(5),
            vec![Fact::Queued {
                call,
                queue: "child".to_owned(),
                service: Some("child".to_owned()),
                head_start_ms: 120_000,
                is_silent: false,
            }],
        ),
    ];
    for (now, facts) in &frames {
        for fact in facts {
            ledger.apply(*now, fact);
        }
    }
    let plan = plan();
    let queues: Vec<&str> = plan
        .queues
        .iter()
        .map(|queue| queue.name.as_str())
        .collect();
    let View {
        calls,
        queues,
        agents,
        ..
    } = View::of(&ledger, at(9), &queues, &plan.agents, &plan.centres);
    let call = &calls[0];
    assert_eq!(
        (call.state.as_str(), call.place(), call.wait_ms),
        ("waiting", "child", 4_000)
    );
    assert!(!format!("{calls:?}").contains("2345"), "{calls:?}");
    assert_eq!(
        queues.iter().find(|line| line.queue == "child"),
        Some(&QueueView {
            queue: "child".to_owned(),
            waiting: 1,
            longest_wait_ms: 4_000,
            ..QueueView::default()
        })
    );
    assert_eq!(agents.len(), plan.agents.len());
    assert!(agents.iter().all(|line| line.state == "signed_out"));
    let (mut console, out, _) = console();
    ctl::print(&ControlReply::Queues(queues), false, &mut console);
    assert!(
        out.text().contains("child\t1\t0\t0\t0:04\n"),
        "{}",
        out.text()
    );
}

#[test]
fn ctl_trunks_says_how_each_carrier_stands() {
    let status =
        |name: &str, is_up, registration, addresses: &[(&str, Option<bool>)]| TrunkStatus {
            name: name.to_owned(),
            is_up,
            registration,
            addresses: addresses
                .iter()
                .map(|(address, is_up)| ((*address).to_owned(), *is_up))
                .collect(),
            calls_in: 3,
            calls_out: 1,
            limited: 7,
        };
    let both = [
        ("10.1.1.1:5060/udp", Some(false)),
        ("10.1.1.2:5060/udp", Some(true)),
    ];
    let trunks = [
        status("north", Some(true), None, &both),
        status("south", Some(false), Some(Err(403)), &both[..1]),
        status("east", None, Some(Err(0)), &[("10.1.1.3:5061/tls", None)]),
        status("west", None, Some(Ok(600)), &[]),
    ];
    let lines = crate::shell::tables::trunks(&trunks);
    let (mut console, out, _) = console();
    ctl::print(&ControlReply::Trunks(lines.clone()), false, &mut console);
    expect![[r#"
        north	up		3	1	7	10.1.1.1:5060/udp down, 10.1.1.2:5060/udp up
        south	down	refused 403	3	1	7	10.1.1.1:5060/udp down
        east	unknown	registering	3	1	7	10.1.1.3:5061/tls unknown
        west	unknown	registered 600 s	3	1	7	
    "#]]
    .assert_eq(&out.text());
    let (mut console, out, _) = self::console();
    ctl::print(&ControlReply::Trunks(lines), true, &mut console);
    let json: serde_json::Value = serde_json::from_str(&out.text()).unwrap();
    assert_eq!(json[1]["registration"], "refused 403", "{json}");
    assert_eq!(json[1]["addresses"][0], "10.1.1.1:5060/udp down", "{json}");
    assert_eq!(
        (&json[0]["calls_in"], &json[0]["limited"]),
        (&3.into(), &7.into())
    );
}

fn plan() -> hotline_core::Plan {
    let sounds = repository().join("sounds");
    let options = crate::config::Options {
        overrides: vec![format!("server.sounds_dir={}", sounds.display())],
        ..Default::default()
    };
    crate::config::load(&repository().join("config/hotline111.toml"), &options)
        .unwrap()
        .plan
}
