//! The signalling of a call as operators see it: whole, without anybody's number; with numbers only for a reason that
//! is kept. And bans by hand.

use crate::phones::Phones;
use crate::process::wait_until;
use crate::raw::{Line, status};
use crate::server::{PASSWORD, Plan, SENTINEL, Server, shows_a_number};
use hotline_phone::{AnswerScript, CallScript, Talk};
use serde_json::Value;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::Duration;

const REASON: &str = "complaint 17: who hung up";

/// `ctl` as people use it, without JSON.
fn ctl(server: &Server, arguments: &[&str]) -> Output {
    let socket = server.folder.join("control.sock");
    let mut command = server.command(&["ctl", "--socket"]);
    command.arg(socket).args(arguments);
    command.output().expect("starting ctl")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What people did and saw, as the database has it.
fn audits(server: &Server) -> Vec<Value> {
    let options = SqliteConnectOptions::new()
        .filename(server.folder.join("state/hotline111.db"))
        .read_only(true);
    let query = async {
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let sql = "SELECT json FROM facts WHERE kind = 'Audit' ORDER BY sequence";
        sqlx::query_scalar::<_, String>(sql)
            .fetch_all(&mut connection)
            .await
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let rows = runtime.block_on(query).expect("reading the facts");
    rows.iter()
        .map(|row| serde_json::from_str(row).expect("a fact is JSON"))
        .collect()
}

#[test]
fn the_signalling_of_a_call_is_shown_masked_and_unmasked_only_for_a_reason_that_is_kept() {
    let server = Plan::new("trace", 1).start();
    let mut desk = Phones::start(server.net.sip(), server.net.desk(1));
    let answers = AnswerScript::answer_after_ms(200).talk(Talk::new().tone(1_000, 20));
    let tv01 = desk.bank.register("tv01", PASSWORD, answers);
    desk.wait_registered(tv01);
    server.wait_agent("tv01", "ready");
    let mut trunk = Phones::start(server.net.sip(), server.net.trunk());
    let talk = Talk::new().wait_ms(300).press("1").tone(600, 20);
    let caller = trunk
        .bank
        .call(CallScript::dial("111").from(SENTINEL).talk(talk));
    let calls = server.wait_calls("talking", 1);
    let call = calls[0]["call"].as_str().expect("a call").to_owned();
    trunk.bank.hang_up(caller);
    trunk.wait_ended(caller);
    server.wait_no_calls();

    let ladder = text(&ctl(&server, &["trace", "--call", &call]));
    println!("{ladder}");
    let wanted = [
        ("-->", "INVITE sip:111@"),
        ("<--", "200 OK  (1 INVITE)"),
        ("-->", "ACK"),
        ("<--", "INVITE sip:tv01@"),
        ("-->", "180"),
        ("-->", "BYE"),
        ("<--", "BYE"),
    ];
    for (arrow, message) in wanted {
        let is_there = ladder
            .lines()
            .any(|line| line.contains(arrow) && line.contains(message));
        assert!(is_there, "{arrow} {message} is missing");
    }
    let full = text(&ctl(&server, &["trace", "--full", "--call", &call]));
    assert!(
        full.contains("P-Asserted-Identity: <sip:***21@") || full.contains("From: <sip:***21@"),
        "{full}"
    );
    assert!(!shows_a_number(&full), "{full}");

    let path = server.folder.join("call.pcap");
    let pcap = path.display().to_string();
    text(&ctl(&server, &["trace", "--call", &call, "--pcap", &pcap]));
    let mode = std::fs::metadata(&path)
        .expect("the capture")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let read = Command::new("tcpdump")
        .args(["-n", "-vv", "-r", &pcap])
        .output()
        .expect("starting tcpdump (is it installed?)");
    let read = text(&read);
    assert_eq!(
        read.matches("udp sum ok").count(),
        ladder.lines().count(),
        "{read}"
    );
    assert!(!read.contains("bad"), "{read}");
    assert!(
        read.contains("INVITE sip:111@") && !shows_a_number(&read),
        "{read}"
    );

    // Without a reason nobody sees a number; with one it is on disk who did, before it is shown.
    assert!(
        !ctl(&server, &["trace", "--call", &call, "--unmasked"])
            .status
            .success()
    );
    let unmasked = [
        "trace",
        "--call",
        &call,
        "--full",
        "--unmasked",
        "--reason",
        REASON,
    ];
    let shown = text(&ctl(&server, &unmasked));
    assert!(shows_a_number(&shown), "{shown}");
    let audited = wait_until(Duration::from_secs(10), "the audit is a row", || {
        audits(&server).into_iter().next()
    });
    println!("{audited}");
    assert_eq!(audited["deed"], "trace_unmasked");
    assert_eq!(audited["reason"], REASON);
    assert!(
        audited["who"]
            .as_str()
            .is_some_and(|who| who.starts_with("uid "))
    );
    assert!(
        !ctl(&server, &["trace", "--call", "00000000000000ff"])
            .status
            .success()
    );
    server.assert_no_number_in_logs();
}

/// An OPTIONS; the status of its answer, 0 for silence.
fn asked(line: &Line, server: &Server, cseq: u32, agent: &str) -> u16 {
    let sip = server.net.sip();
    let headers = format!(
        "From: <sip:x@{sip}>;tag=1\r\nTo: <sip:x@{sip}>\r\nContact: <sip:x@{sip}>\r\nUser-Agent: {agent}\r\n"
    );
    let request = line.request("OPTIONS", &format!("sip:{sip}"), cseq, &headers, "");
    line.send(request.as_bytes());
    line.final_answer(Duration::from_millis(500))
        .map_or(0, |answer| status(&answer))
}

#[test]
fn scanners_are_banned_and_people_ban_and_unban_but_never_a_carrier() {
    let server = Plan::new("bans", 1).sip("ban = \"3s\"\n").start();
    let line = Line::open(server.net.stranger(), server.net.sip());
    assert_eq!(asked(&line, &server, 1, "Linphone/4.4"), 401);
    assert_eq!(asked(&line, &server, 2, "friendly-scanner"), 0);
    assert_eq!(asked(&line, &server, 3, "Linphone/4.4"), 0);
    let bans = text(&ctl(&server, &["bans"]));
    let stranger = server.net.stranger().to_string();
    assert!(
        bans.starts_with(&format!("{stranger}\tscanner\t")),
        "{bans}"
    );
    assert_eq!(server.log_lines("address banned").len(), 1);
    server.wait_ctl("bans", "the ban is over", |bans| {
        *bans == serde_json::json!([])
    });
    assert_eq!(asked(&line, &server, 4, "Linphone/4.4"), 401);

    assert!(ctl(&server, &["bans", "add", &stranger]).status.success());
    assert_eq!(asked(&line, &server, 5, "Linphone/4.4"), 0);
    assert!(
        ctl(&server, &["bans", "remove", &stranger])
            .status
            .success()
    );
    assert_eq!(asked(&line, &server, 6, "Linphone/4.4"), 401);
    let trunk: IpAddr = server.net.trunk();
    let refused = ctl(&server, &["bans", "add", &trunk.to_string()]);
    assert!(!refused.status.success());
    let deeds = wait_until(Duration::from_secs(10), "both deeds are rows", || {
        let deeds = audits(&server);
        (deeds.len() >= 2).then_some(deeds)
    });
    let deeds: Vec<&str> = deeds
        .iter()
        .filter_map(|fact| fact["deed"].as_str())
        .collect();
    assert_eq!(deeds, ["ban", "unban"]);
}
