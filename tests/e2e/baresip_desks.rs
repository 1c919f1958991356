//! Five counsellors at baresip, each with another transport, codec, packet length and protection, and five callers of
//! a trunk that speaks A-law: each pair hears each other, and each talk is recorded with both.

use crate::audio::{Audio, Span, TALK, sine, write_wav};
use crate::baresip::{Baresip, MD5_ONLY};
use crate::connection::Certificates;
use crate::phones::Phones;
use crate::process::Program;
use crate::server::{Plan, SENTINEL, Server};
use crate::talk_sipp::assert_recording;
use hotline_phone::{CallScript, Codec, EventKind, Talk};
use std::net::SocketAddr;

/// One baresip: what it is set to, and what its own log says of the call.
struct Desk {
    transport: &'static str,
    account: &'static str,
    logged: &'static [&'static str],
}

const DESKS: [Desk; 5] = [
    Desk {
        transport: "tcp",
        account: "audio_codecs=G722/16000",
        logged: &["Set audio encoder: G722", "Set audio decoder: G722"],
    },
    Desk {
        transport: "tls",
        account: "audio_codecs=pcma;mediaenc=srtp",
        logged: &["Set audio encoder: PCMA", "SRTP is Enabled"],
    },
    Desk {
        transport: "tls",
        account: "audio_codecs=opus/48000/2;mediaenc=srtp",
        logged: &["Set audio encoder: opus", "SRTP is Enabled"],
    },
    Desk {
        transport: "udp",
        account: "audio_codecs=opus/48000/2;ptime=40",
        logged: &["Set audio encoder: opus", "Set audio decoder: opus"],
    },
    Desk {
        transport: "tcp",
        account: "audio_codecs=pcmu;ptime=30",
        logged: &["Set audio encoder: PCMU"],
    },
];

fn start(server: &Server, index: usize, desk: &Desk) -> (Baresip, Program) {
    let user = format!("tv0{}", index + 1);
    let says = server.folder.join("counsellor.wav");
    let port = if desk.transport == "tls" { 5061 } else { 5060 };
    let place = SocketAddr::new(server.net.sip().ip(), port);
    let account = Baresip::registering(&user, place, desk.transport, desk.account);
    let number = u8::try_from(index + 1).expect("few desks");
    let local = SocketAddr::new(server.net.desk(number), 5060);
    let phone = Baresip::new(&user, server.folder.join(&user), &account, local, &says);
    let runs = phone.start();
    (phone, runs)
}

#[test]
fn a_law_callers_and_baresip_by_every_transport_and_codec() {
    let folder = std::env::temp_dir().join(format!("hotline111-desks-tls-{}", std::process::id()));
    let certificates = Certificates::write(&folder);
    let server = Plan::new("desks", 5)
        .sip(MD5_ONLY)
        .sip("tls = [\"SERVER_IP:5061\"]\n")
        .more(&certificates.section())
        .start();
    write_wav(
        &server.folder.join("counsellor.wav"),
        &sine(1_000.0, TALK.level_db, 60_000),
    );
    let desks: Vec<(Baresip, Program)> = DESKS
        .iter()
        .enumerate()
        .map(|(index, desk)| start(&server, index, desk))
        .collect();
    server.wait_agents("ready", DESKS.len());
    let regs = server.ctl("regs");
    for (index, desk) in DESKS.iter().enumerate() {
        let user = format!("tv0{}", index + 1);
        let line = crate::server::rows(&regs)
            .find(|line| line["account"] == user)
            .unwrap_or_else(|| panic!("no {user}: {regs}"));
        assert_eq!(line["transport"], desk.transport, "{regs}");
    }

    let mut trunk = Phones::start_with(server.net.sip(), server.net.trunk(), |config| {
        config.codecs = vec![Codec::Pcma];
    });
    let mut callers = Vec::new();
    for index in 0..DESKS.len() {
        let heard = server.folder.join(format!("caller-{index}.wav"));
        let talk = Talk::new()
            .record(&heard)
            .wait_ms(500)
            .press("1")
            .tone(600, 20)
            .wait_ms(8_000)
            .hang_up();
        let caller = trunk
            .bank
            .call(CallScript::dial("111").from(SENTINEL).talk(talk));
        callers.push((caller, heard));
    }
    server.wait_calls("talking", DESKS.len());
    for (caller, heard) in &callers {
        trunk.wait_kind(*caller, "the caller's recording", |kind| {
            matches!(kind, EventKind::Recorded { .. })
        });
        let audio = Audio::read(heard);
        let end = audio.length_ms() - 100;
        let figures = audio.check_only(0, Span::At(end - 3_000, 3_000), 1_000, TALK.level_db, 600);
        println!("a caller: {figures:?}");
        figures.expect("the counsellor's tone alone");
    }
    let records = server.records(DESKS.len());
    for record in &records {
        assert_recording(&server.audio(record), record);
    }
    for (desk, (phone, runs)) in DESKS.iter().zip(&desks) {
        let audio = Audio::read(&phone.heard());
        let onset = audio
            .onset_ms(0, 600, TALK.level_db)
            .unwrap_or_else(|| panic!("{} never hears the caller", desk.account));
        let figures = audio.check_only(0, Span::At(onset + 500, 3_000), 600, TALK.level_db, 1_000);
        println!("{} by {}: {figures:?}", desk.account, desk.transport);
        figures.expect("the caller's tone alone");
        let log = runs.output();
        for wanted in desk.logged {
            assert!(
                log.to_lowercase().contains(&wanted.to_lowercase()),
                "{}: no {wanted:?} in its log",
                desk.account
            );
        }
    }
    std::fs::remove_dir_all(&folder).expect("removing the certificates");
}
