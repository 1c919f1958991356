//! Audio with keys out of the session descriptions (SDES) on both legs, by programs of two kinds: baresip calls over a
//! trunk, our phone answers over TLS in a house that requires keys.

use crate::audio::{Audio, Span, TALK, sine, write_wav};
use crate::baresip::Baresip;
use crate::connection::{Certificates, NAME};
use crate::phones::Phones;
use crate::server::{PASSWORD, Plan, SENTINEL};
use crate::talk_baresip::{ROUTE, assert_heard};
use crate::talk_sipp::assert_recording;
use hotline_media::sdp::Security;
use hotline_phone::{AnswerScript, CallScript, EndedBy, EventKind, Talk, Transport};
use std::net::SocketAddr;
use std::time::Duration;

#[test]
fn both_legs_have_keys_and_a_phone_without_is_refused() {
    let folder = std::env::temp_dir().join(format!("hotline111-keys-tls-{}", std::process::id()));
    let certificates = Certificates::write(&folder);
    let server = Plan::new("keys", 2)
        .sip("tls = [\"SERVER_IP:5061\"]\n")
        .media("srtp = \"require\"\n")
        .more(ROUTE)
        .more(&certificates.section())
        .start();
    let tls = SocketAddr::new(server.net.sip().ip(), 5061);
    let mut desk = Phones::start_with(tls, server.net.desk(1), |config| {
        config.transport = Transport::Tls;
        config.tls = Some((certificates.authority.clone(), NAME.to_owned()));
        config.security = Security::Require;
    });
    let heard_at_desk = server.folder.join("desk.wav");
    let talk = Talk::new().record(&heard_at_desk).tone(1_000, 20);
    let answer = AnswerScript::answer_after_ms(500).talk(talk);
    let tv01 = desk.bank.register("tv01", PASSWORD, answer);
    desk.wait_registered(tv01);
    server.wait_agents("ready", 1);

    let says = server.folder.join("caller.wav");
    write_wav(&says, &sine(600.0, TALK.level_db, 60_000));
    let trunk = SocketAddr::new(server.net.trunk(), 5060);
    let account = format!(
        "{};mediaenc=srtp-mand",
        Baresip::caller(SENTINEL, trunk.ip(), server.net.sip())
    );
    let caller = Baresip::new(
        "caller",
        server.folder.join("trunk"),
        &account,
        trunk,
        &says,
    )
    .command(&format!("/dial sip:112111@{}", server.net.sip()))
    .quit_after_s(8);
    let caller_runs = caller.start();
    server.wait_calls("talking", 1);

    // The echo test of an account: keys or nothing.
    let mut plain = Phones::start_with(server.net.sip(), server.net.desk(2), |config| {
        config.security = Security::Plain;
    });
    let call = plain
        .bank
        .call(CallScript::dial("*43").login("tv02", PASSWORD));
    let end = plain.wait_ended(call);
    let is_refused = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::Ended {
                by: EndedBy::Refused(488),
                ..
            }
        )
    };
    assert!(is_refused(&end.kind), "{end:?}");

    let log = caller_runs.succeed(Duration::from_secs(30));
    assert!(log.contains("SRTP is Enabled"), "baresip has no keys");
    desk.wait_kind(tv01, "the desk's recording", |kind| {
        matches!(kind, EventKind::Recorded { .. })
    });
    let records = server.records(1);
    assert_recording(&server.audio(&records[0]), &records[0]);
    assert_heard("caller", &caller.heard(), 1_000, 600);
    let heard = Audio::read(&heard_at_desk);
    let last = Span::At(heard.length_ms() - 3_100, 3_000);
    let figures = heard.check_only(0, last, 600, TALK.level_db, 1_000);
    println!("desk: {figures:?}");
    figures.expect("the caller's tone alone");
    std::fs::remove_dir_all(&folder).expect("removing the certificates");
}
