//! What is said of each thing that can be found.

use super::certificate::{Facts, Wanted};
use super::finding::{Finding, Level};
use super::listener::judge as judge_listener;
use super::ports::Tried as TriedPorts;
use super::probe::{Outcome, status};
use super::trunk::Tried;
use super::{Exit, address, call, certificate, exit, ports, trunk};
use crate::cli::control::TrunkLine;
use crate::config::{ListenerSettings, Tongue};
use hotline_sip::{Transport, Trunk, TrunkHost};
use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

const ANSWERED: Outcome = Outcome::Answered {
    status: 200,
    after: Duration::from_micros(1_500),
};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn text(finding: &Finding) -> String {
    let help = finding.help.as_ref();
    format!(
        "{} -> {}",
        finding.result.pick(Tongue::English),
        help.map_or("", |help| help.pick(Tongue::English))
    )
}

#[track_caller]
fn says(finding: &Finding, level: Level, words: &str) {
    assert_eq!(finding.level, level, "{}", text(finding));
    assert!(text(finding).contains(words), "{}", text(finding));
    if level != Level::Fine {
        assert_ne!(
            finding.result.pick(Tongue::Vietnamese),
            finding.result.pick(Tongue::English),
            "both languages"
        );
    }
}

#[test]
fn an_address_that_others_are_told_must_lead_to_our_sockets() {
    let judge = |bind: &str, told: &str, is_here| {
        address::judge_told("media address", "[media]", ip(bind), ip(told), is_here)
    };
    says(
        &judge("10.0.0.1", "10.0.0.1", true),
        Level::Fine,
        "listened",
    );
    says(&judge("0.0.0.0", "10.0.0.1", true), Level::Fine, "listened");
    says(&judge("10.0.0.1", "10.0.0.2", true), Level::Error, "silent");
    says(
        &judge("10.0.0.1", "10.0.0.2", false),
        Level::Warning,
        "private",
    );
    says(
        &judge("10.0.0.1", "203.0.113.5", false),
        Level::Unknown,
        "NAT",
    );
    assert!(address::is_here(ip("127.0.0.1")));
    assert!(!address::is_here(ip("203.0.113.5")));
}

#[test]
fn a_listener_must_answer_where_others_are_told() {
    let listener = ListenerSettings {
        local: "10.0.0.1:5060".parse().unwrap(),
        advertise: "203.0.113.5:5060".parse().unwrap(),
        transport: Transport::Tcp,
    };
    let refused = Outcome::Refused("Connection refused".to_owned());
    says(
        &judge_listener(&listener, &ANSWERED, None, true),
        Level::Fine,
        "1.5 ms",
    );
    let elsewhere = judge_listener(&listener, &Outcome::Silent, Some(&ANSWERED), true);
    says(&elsewhere, Level::Error, "only 10.0.0.1:5060 answers");
    let behind_nat = judge_listener(&listener, &Outcome::Silent, Some(&ANSWERED), false);
    says(&behind_nat, Level::Warning, "try from outside");
    let dead = judge_listener(&listener, &refused, Some(&refused), true);
    says(&dead, Level::Error, "Connection refused");
}

#[test]
fn audio_ports_must_be_free() {
    let judge = |busy, refused: Option<&str>, free| {
        let refused = refused.map(str::to_owned);
        ports::judge(
            (20_000, 29_999),
            &TriedPorts {
                all: 60,
                busy,
                refused,
            },
            free,
        )
    };
    says(&judge(2, None, Some(48)), Level::Fine, "48 ready");
    says(&judge(0, None, None), Level::Fine, "can be opened");
    says(&judge(30, None, Some(48)), Level::Warning, "30 of 60");
    says(&judge(60, None, None), Level::Error, "refused");
    says(&judge(2, None, Some(0)), Level::Error, "none is to be had");
    says(
        &judge(0, Some("cannot assign"), None),
        Level::Error,
        "cannot assign",
    );

    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    assert_eq!(ports::try_some(ip("127.0.0.1"), (port, port)).busy, 1);
    let away = ports::try_some(ip("203.0.113.5"), (20_000, 20_010));
    assert!(away.refused.is_some(), "{away:?}");
}

#[test]
fn only_a_final_response_is_an_answer() {
    assert_eq!(
        status(b"SIP/2.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n"),
        Some(401)
    );
    for message in [
        &b"SIP/2.0 401 Unauthorized\r\nCSeq: 1\r\n"[..],
        b"SIP/2.0 100 Trying\r\n\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SIP/2.0 \r\n\r\n",
        b"",
    ] {
        assert_eq!(status(message), None, "{message:?}");
    }
}

fn facts(names: &[&str], addresses: &[&str]) -> Facts {
    Facts {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        addresses: addresses.iter().map(|address| ip(address)).collect(),
        from_s: 0,
        until_s: 100 * 86_400,
        is_self_signed: false,
    }
}

#[test]
fn a_certificate_must_be_in_its_days() {
    let judge = |day: i64, is_self_signed| {
        let facts = Facts {
            is_self_signed,
            from_s: 86_400,
            ..facts(&["sip.111.vn"], &[])
        };
        let wanted = [Wanted::Name("sip.111.vn".to_owned())];
        certificate::judge("certificate", &facts, &wanted, day * 86_400).remove(0)
    };
    says(&judge(10, false), Level::Fine, "90 days");
    says(&judge(85, false), Level::Warning, "ends in 15 days");
    says(&judge(100, false), Level::Error, "expired");
    says(&judge(0, false), Level::Error, "clock");
    says(&judge(10, true), Level::Warning, "signed by itself");
}

#[test]
fn a_certificate_must_have_the_name_by_which_others_come() {
    let by_name = |names: &[&str], name: &str| {
        let wanted = [Wanted::Name(name.to_owned())];
        certificate::judge("certificate", &facts(names, &["10.0.0.1"]), &wanted, 0).remove(0)
    };
    says(
        &by_name(&["sip.111.vn"], "SIP.111.vn"),
        Level::Fine,
        "right name",
    );
    says(
        &by_name(&["*.111.vn"], "sip.111.vn"),
        Level::Fine,
        "right name",
    );
    says(
        &by_name(&["*.111.vn"], "a.sip.111.vn"),
        Level::Error,
        "not for a.sip.111.vn",
    );
    says(
        &by_name(&["*.111.vn"], "111.vn"),
        Level::Error,
        "not for 111.vn",
    );
    says(
        &by_name(&["other.vn"], "sip.111.vn"),
        Level::Error,
        "is for other.vn, 10.0.0.1",
    );
    says(&by_name(&[], "10.0.0.1"), Level::Fine, "right name");

    let by_address = |leads: Option<Vec<IpAddr>>| {
        let wanted = [Wanted::Address {
            told: ip("10.0.0.2"),
            leads: vec![("sip.111.vn".to_owned(), leads)],
        }];
        certificate::judge("certificate", &facts(&["sip.111.vn"], &[]), &wanted, 0).remove(0)
    };
    says(
        &by_address(Some(vec![ip("10.0.0.2")])),
        Level::Fine,
        "right name",
    );
    says(
        &by_address(Some(vec![ip("10.0.0.3")])),
        Level::Error,
        "not for 10.0.0.2",
    );
    says(&by_address(None), Level::Unknown, "cannot be looked up");
}

fn carrier(register_s: Option<u32>) -> Trunk {
    Trunk {
        name: "viettel".to_owned(),
        sources: vec![(ip("203.0.113.9"), None)],
        hosts: vec![TrunkHost {
            host: "203.0.113.9".to_owned(),
            port: None,
            transport: None,
        }],
        register_s,
        ..Trunk::default()
    }
}

#[test]
fn a_carrier_must_answer_at_one_of_its_addresses() {
    let tried = |outcome: &Outcome, is_up| Tried {
        transport: Transport::Udp,
        address: "203.0.113.9:5060".parse().unwrap(),
        outcome: outcome.clone(),
        is_up,
    };
    let judge = |tried: &[Tried]| trunk::judge(&carrier(None), tried).remove(0);
    let busy = Outcome::Answered {
        status: 503,
        after: Duration::ZERO,
    };
    says(
        &judge(&[tried(&ANSWERED, None)]),
        Level::Fine,
        "1.5 ms (200)",
    );
    says(
        &judge(&[tried(&ANSWERED, Some(false))]),
        Level::Warning,
        "down",
    );
    says(&judge(&[tried(&busy, None)]), Level::Warning, "overloaded");
    says(
        &judge(&[tried(&Outcome::Silent, None)]),
        Level::Error,
        "does not answer",
    );
    says(
        &judge(&[tried(&Outcome::Silent, Some(true))]),
        Level::Fine,
        "answers the server",
    );
    let one_of_two = [tried(&Outcome::Silent, None), tried(&ANSWERED, None)];
    says(&judge(&one_of_two), Level::Warning, "does not answer");
}

#[test]
fn a_registration_at_a_carrier_is_told_as_it_stands() {
    let judge = |said: &str| {
        let line = TrunkLine {
            registration: said.to_owned(),
            ..TrunkLine::default()
        };
        trunk::registration(&carrier(Some(600)), Some(&line))
            .unwrap()
            .level
    };
    assert_eq!(judge("registered 600 s"), Level::Fine);
    assert_eq!(judge("registering"), Level::Warning);
    assert_eq!(judge("refused 403"), Level::Error);
    let unknown = trunk::registration(&carrier(Some(600)), None).unwrap();
    says(&unknown, Level::Unknown, "does not run");
    assert_eq!(trunk::registration(&carrier(None), None), None);
}

#[test]
fn a_public_carrier_told_a_private_address_for_audio_is_a_fault() {
    let judge = |told: &str, theirs: &str| {
        trunk::private(&carrier(None), ip(told), [ip(theirs)].into_iter())
    };
    says(
        &judge("10.0.0.1", "203.0.113.9").unwrap(),
        Level::Error,
        "silent",
    );
    assert_eq!(
        judge("127.0.0.1", "2001:db8::9"),
        None,
        "told another address"
    );
    assert_eq!(judge("203.0.113.1", "203.0.113.9"), None);
    assert_eq!(judge("10.0.0.1", "10.9.9.9"), None);
}

#[test]
fn the_test_call_must_bring_the_tone_back() {
    let judge = |echo| call::judge(&echo, "tv01", ip("10.0.0.2"), (20_000, 29_999));
    let heard = |tone_db, all_db| call::Echo::Heard { tone_db, all_db };
    says(&judge(heard(-20.3, -23.0)), Level::Fine, "-20.3 dB");
    says(&judge(heard(-40.0, -23.0)), Level::Error, "only -40.0 dB");
    says(
        &judge(call::Echo::Nothing),
        Level::Error,
        "silent: audio was sent to 10.0.0.2",
    );
    says(
        &judge(call::Echo::Refused(401)),
        Level::Error,
        "account tv01",
    );
    says(&judge(call::Echo::Refused(503)), Level::Error, "503");
    says(
        &judge(call::Echo::Refused(0)),
        Level::Error,
        "nobody answers",
    );
    says(
        &judge(call::Echo::Failed("no port".to_owned())),
        Level::Error,
        "no port",
    );
}

#[test]
fn the_exit_code_is_that_of_the_worst() {
    use Level::{Error, Fine, Unknown, Warning};
    assert_eq!(exit(&[Fine, Unknown], true, true), Exit::Ok);
    assert_eq!(exit(&[Fine, Warning], true, false), Exit::Ok);
    assert_eq!(exit(&[Fine, Warning], true, true), Exit::Warnings);
    assert_eq!(exit(&[Fine, Unknown], false, false), Exit::NotRunning);
    assert_eq!(exit(&[Error, Warning], false, true), Exit::Error);
}
