//! The same calls over TLS and over IPv6; certificates that change while people talk; carriers known by theirs.

use crate::audio::{Audio, Span, TALK};
use crate::connection::{Certificates, Connection, Identity, NAME, Upgrade, WebSocket};
use crate::phones::Phones;
use crate::process::wait_until;
use crate::raw::{Line, status};
use crate::server::{PASSWORD, PATIENCE, Plan, SENTINEL, Server};
use crate::talk_sipp::assert_recording;
use crate::ways::{By, Good, Stream};
use hotline_phone::{AnswerScript, CallScript, EventKind, PhoneId, Talk, Transport};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn certificates_of(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("hotline111-{name}-tls-{}", std::process::id()))
}

/// The last seconds of what was heard: the other's tone and not its own.
fn assert_heard(who: &str, path: &Path, hears: u32, says: u32) {
    let audio = Audio::read(path);
    let end = audio.length_ms() - 100;
    let figures = audio.check_only(0, Span::At(end - 3_000, 3_000), hears, TALK.level_db, says);
    println!("{who}: {figures:?}");
    figures.expect("the other's tone alone");
}

/// Caller and counsellor talk with tones; `meanwhile` happens in the talk.
fn talk(
    server: &Server,
    caller: &mut Phones,
    desk: &mut Phones,
    meanwhile: impl FnOnce(),
) -> serde_json::Value {
    let (by_caller, at_desk) = (
        server.folder.join("caller.wav"),
        server.folder.join("desk.wav"),
    );
    let says = Talk::new().record(&at_desk).tone(1_000, 20);
    let script = AnswerScript::answer_after_ms(200).talk(says);
    let tv01 = desk.bank.register("tv01", PASSWORD, script);
    desk.wait_registered(tv01);
    server.wait_agents("ready", 1);
    let says = Talk::new()
        .record(&by_caller)
        .wait_ms(1_000)
        .press("1")
        .tone(600, 20)
        .wait_ms(9_000)
        .hang_up();
    let call = CallScript::dial("111").from(SENTINEL).talk(says);
    let number = caller.bank.call(call);
    server.wait_calls("talking", 1);
    meanwhile();
    let wait = |phones: &mut Phones, phone: PhoneId| {
        phones.wait_kind(phone, "a recording", |kind| {
            matches!(kind, EventKind::Recorded { .. })
        });
    };
    wait(caller, number);
    wait(desk, tv01);
    let records = server.records(1);
    assert_heard("caller", &by_caller, 1_000, 600);
    assert_heard("desk", &at_desk, 600, 1_000);
    assert_recording(&server.audio(&records[0]), &records[0]);
    records[0].clone()
}

#[test]
fn certificates_change_while_a_caller_talks_over_tls() {
    let folder = certificates_of("reload");
    let old = Certificates::write(&folder);
    let first_authority = folder.join("first.pem");
    std::fs::copy(&old.authority, &first_authority).expect("keeping the first authority");
    let mut server = Plan::new("reload", 1)
        .sip("tls = [\"SERVER_IP:5061\"]\n")
        .more(&old.section())
        .start();
    let address = SocketAddr::new(server.net.sip().ip(), 5061);
    let mut desk = Phones::start(server.net.sip(), server.net.desk(1));
    let mut caller = Phones::start_with(address, server.net.trunk(), |config| {
        config.transport = Transport::Tls;
        config.tls = Some((first_authority.clone(), NAME.to_owned()));
    });
    let pid = server.program().pid();
    let record = talk(&server, &mut caller, &mut desk, || {
        let fresh = Certificates::write(&folder);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("SIGHUP");
        wait_until(PATIENCE, "the new certificate is shown", || {
            Connection::try_tls(address, &fresh.authority).ok()
        });
        assert!(
            Connection::try_tls(address, &first_authority).is_err(),
            "the old certificate is shown no more"
        );
    });
    assert_eq!(record["fate"], "H_UNCODED", "{record}");
    assert_eq!(record["ended_by"], "caller", "the call outlived the change");
    std::fs::remove_dir_all(folder).expect("removing the certificates");
}

#[test]
fn a_call_over_ipv6_is_like_any_other() {
    // All tests share this one address.
    let port = 31_000 + 4 * u16::try_from(std::process::id() % 400).expect("below 400");
    let here = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let address = SocketAddr::new(here, port);
    let folder = certificates_of("ipv6");
    let certificates = Certificates::write(&folder);
    let (tls, ws, wss) = (port + 1, port + 2, port + 3);
    let streams =
        format!("tls = [\"[::1]:{tls}\"]\nws = [\"[::1]:{ws}\"]\nwss = [\"[::1]:{wss}\"]\n");
    // The harness gives the IPv4 listeners; these stand beside them.
    let server = Plan::new("ipv6", 1)
        .sip_also(address)
        .sip(&streams)
        .more(&certificates.section())
        .more("[[trunk]]\nname = \"six\"\nsources = [\"::1\"]\n")
        .start();
    // One address for all: the phones' audio must not lie among the server's ports, where nobody is heard.
    let mut desk = Phones::start_with(address, here, |config| {
        config.rtp_ports = 30_000..=30_400;
        config.spool = std::env::temp_dir().join(format!("hotline111-six-desk-{port}"));
    });
    let mut caller = Phones::start_with(address, here, |config| {
        config.rtp_ports = 30_500..=30_900;
        config.spool = std::env::temp_dir().join(format!("hotline111-six-caller-{port}"));
    });
    let record = talk(&server, &mut caller, &mut desk, || {
        let regs = server.ctl("regs");
        assert!(
            regs[0]["source"]
                .as_str()
                .is_some_and(|at| at.starts_with("[::1]")),
            "{regs}"
        );
    });
    assert_eq!(record["fate"], "H_UNCODED", "{record}");

    // The same server, the other family, at the same time of its life.
    let mut four = Phones::start(server.net.sip(), server.net.trunk());
    let echo = four.bank.call(
        CallScript::dial("*43")
            .from(SENTINEL)
            .talk(Talk::new().wait_ms(500).hang_up()),
    );
    four.wait_ended(echo);

    // And by each stream of this family.
    let at = |port| SocketAddr::new(here, port);
    let secure = |port| Connection::tls(at(port), &certificates.authority);
    let upgrade =
        |connection| WebSocket::open(connection, &Upgrade::default()).expect("a WebSocket");
    for stream in [
        Stream::Bytes(Connection::tcp(address)),
        Stream::Bytes(secure(tls)),
        Stream::Frames(upgrade(Connection::tcp(at(ws)))),
        Stream::Frames(upgrade(secure(wss))),
    ] {
        let by = By::Stream(stream);
        Good { by, cseq: 0 }.ask(&server);
    }
    std::fs::remove_dir_all(folder).expect("removing the certificates");
}

/// What the server says to OPTIONS from whoever shows this certificate; None when it ends the connection.
fn answer_to(server: SocketAddr, authority: &Path, identity: Option<&Identity>) -> Option<u16> {
    // TLS 1.3: a client knows that it was refused when it reads.
    let mut connection = Connection::try_tls_as(server, authority, identity).ok()?;
    let local = connection.local();
    let options = format!(
        "OPTIONS sip:111@{server} SIP/2.0\r\nVia: SIP/2.0/TLS {local};branch=z9hG4bK-{port}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{NAME}>;tag=1\r\nTo: <sip:111@{server}>\r\nCall-ID: {port}@{NAME}\r\n\
         CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        port = local.port()
    );
    connection.send(options.as_bytes());
    let answer = connection.receive(PATIENCE).expect("an answer or an end");
    (!answer.is_empty()).then(|| status(&String::from_utf8_lossy(&answer)))
}

#[test]
fn a_carrier_that_must_show_its_certificate_is_nobody_without_it() {
    let (folder, foreign) = (certificates_of("mutual"), certificates_of("foreign"));
    let (ours, others) = (Certificates::write(&folder), Certificates::write(&foreign));
    let roots = format!("client_roots = \"{}\"\n", ours.authority.display());
    let server = Plan::new("mutual", 0)
        .sip("tls = [\"SERVER_IP:5061\"]\n")
        .more(&ours.section())
        .more(&roots)
        .more(
            "[[trunk]]\nname = \"shown\"\nsources = [\"127.0.0.1\"]\n\
             certificate = \"carrier.test\"\nby_certificate = true\n",
        )
        .start();
    let address = SocketAddr::new(server.net.sip().ip(), 5061);
    let names = ["carrier.test"];
    let (right, wrong) = (
        ours.issue("right", &names),
        ours.issue("wrong", &["other.test"]),
    );
    let forged = others.issue("forged", &names);
    let answers = [
        ("right", Some(&right)),
        ("another's", Some(&wrong)),
        ("forged", Some(&forged)),
        ("none", None),
    ]
    .map(|(what, identity)| (what, answer_to(address, &ours.authority, identity)));
    println!("{answers:?}");
    assert_eq!(
        answers,
        [
            ("right", Some(200)),
            ("another's", Some(401)),
            ("forged", None),
            ("none", Some(401))
        ]
    );
    // Nor is its address enough where no certificate can be shown.
    let line = Line::open(IpAddr::from([127, 0, 0, 1]), server.net.sip());
    let headers = format!("From: <sip:{NAME}>;tag=1\r\nTo: <sip:111@{NAME}>\r\n");
    let options = line.request("OPTIONS", &format!("sip:{NAME}"), 1, &headers, "");
    line.send(options.as_bytes());
    let answer = line.final_answer(Duration::from_secs(5));
    assert_eq!(status(&answer.expect("an answer")), 401);
    for folder in [folder, foreign] {
        std::fs::remove_dir_all(folder).expect("removing the certificates");
    }
}
