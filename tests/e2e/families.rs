//! The same calls over TLS and over IPv6; certificates that change while people talk.

use crate::audio::{Audio, Span, TALK};
use crate::connection::{Certificates, Connection, NAME};
use crate::phones::Phones;
use crate::process::wait_until;
use crate::server::{PASSWORD, PATIENCE, Plan, SENTINEL, Server};
use crate::talk_sipp::assert_recording;
use hotline_phone::{AnswerScript, CallScript, EventKind, PhoneId, Talk, Transport};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

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
    let port = 31_000 + u16::try_from(std::process::id() % 1_500).expect("below 1,500");
    let here = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let address = SocketAddr::new(here, port);
    // The harness gives the IPv4 listeners; these stand beside them.
    let server = Plan::new("ipv6", 1)
        .sip_also(&format!("\"{address}\""))
        .more("[[trunk]]\nname = \"six\"\nsources = [\"::1\"]\n")
        .start();
    let mut desk = Phones::start_with(address, here, |config| {
        config.spool = std::env::temp_dir().join(format!("hotline111-six-desk-{port}"));
    });
    let mut caller = Phones::start_with(address, here, |config| {
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
}
