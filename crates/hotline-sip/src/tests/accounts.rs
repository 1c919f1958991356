//! Registrations, digest and what strangers get.

use super::check;
use super::net::{Net, REALM, server_config, summary};
use super::script::run;
use crate::digest::answer;
use crate::message::{Message, Writer};
use crate::{Command, Input, Output};
use expect_test::expect;

/// A REGISTER or INVITE from 10.0.0.3 with the given further header lines.
pub(super) fn request(method: &str, to: &str, cseq: u32, lines: &[&str]) -> Vec<u8> {
    let mut writer = Writer::request(method, &format!("sip:{REALM}"));
    writer
        .header(
            "Via",
            &format!(
                "SIP/2.0/UDP 10.0.0.3;branch=z9hG4bK{method}{cseq}{}",
                lines.len()
            ),
        )
        .header("From", &format!("<sip:{to}@{REALM}>;tag=one"))
        .header("To", &format!("<sip:{to}@{REALM}>"))
        .header("Call-ID", "call@phone")
        .header("CSeq", &format!("{cseq} {method}"));
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        writer.header(name, value);
    }
    writer.finish(None)
}

/// A server, and a phone made of bytes.
pub(super) struct Desk {
    pub(super) net: Net,
    pub(super) sequence: u32,
}

impl Desk {
    pub(super) fn new() -> Self {
        let mut net = Net::new();
        net.is_quiet = true;
        Self { net, sequence: 0 }
    }
    pub(super) fn send(&mut self, bytes: Vec<u8>) -> Vec<Message> {
        self.send_from("10.0.0.3:5060", bytes)
    }
    pub(super) fn send_from(&mut self, source: &str, bytes: Vec<u8>) -> Vec<Message> {
        let mut out = Vec::new();
        let now = self.net.now();
        let input = Input::Datagram {
            listener: 0,
            source: source.parse().unwrap(),
            bytes,
        };
        self.net
            .node("server")
            .endpoint
            .handle(now, input, &mut out);
        let answers = out.into_iter().filter_map(|output| match output {
            Output::Datagram { bytes, .. } => Some(Message::parse(bytes).unwrap()),
            _ => None,
        });
        answers.collect()
    }
    /// Sends with credentials for the challenge of a first try; returns the answer.
    pub(super) fn login(&mut self, method: &str, to: &str, user: &str, lines: &[&str]) -> Message {
        self.sequence += 2;
        let asked = self.send(request(method, to, self.sequence, &[])).remove(0);
        let credentials = self.credentials(&asked, method, user);
        let mut lines = lines.to_vec();
        lines.push(&credentials);
        self.send(request(method, to, self.sequence + 1, &lines))
            .remove(0)
    }
    pub(super) fn credentials(&self, challenge: &Message, method: &str, user: &str) -> String {
        let login = crate::digest::Login::anywhere((user.to_owned(), "secret".to_owned()));
        let (name, value) =
            answer(challenge, &login, method, &format!("sip:{REALM}"), "cnonce").unwrap();
        format!("{name}: {value}")
    }
    pub(super) fn contacts(&self, answer: &Message) -> Vec<String> {
        answer.list(crate::message::Name::Contact).unwrap()
    }
}

#[test]
fn a_registration_is_refreshed_and_ended() {
    check(
        "phone registers tv01 60; wait 56; phone registers tv01 0",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(60)
            54.020     phone -> server   REGISTER
            54.025      server: rejected Challenged
            54.025    server -> phone    401 REGISTER
            54.030     phone -> server   REGISTER
            54.035    server -> phone    200 REGISTER
            54.040      phone: registered tv01 Ok(60)
            56.200     phone -> server   REGISTER
            56.205      server: rejected Challenged
            56.205    server -> phone    401 REGISTER
            56.210     phone -> server   REGISTER
            56.215    server -> phone    200 REGISTER
            56.215      server: contact tv01 Gone
            56.220      phone: registered tv01 Ok(0)
        "#]],
    );
}

#[test]
fn a_wrong_password_is_refused_and_not_repeated_at_once() {
    check(
        "phone registers tv01 wrongly; wait 3; phone registers tv01 0",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015       server: rejected WrongCredentials
            0.015     server -> phone    401 REGISTER
            0.020       phone: registered tv01 Err(401)
            3.200      phone -> server   REGISTER
            3.205       server: rejected Challenged
            3.205     server -> phone    401 REGISTER
            3.210      phone -> server   REGISTER
            3.215     server -> phone    200 REGISTER
            3.220       phone: registered tv01 Ok(0)
        "#]],
    );
}

#[test]
fn a_binding_runs_out_when_its_phone_dies() {
    check(
        "phone registers tv01 30; phone dies; wait 31",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(30)
            30.015      server: contact tv01 Gone
        "#]],
    );
}

#[test]
fn two_challenges_and_the_stronger_first() {
    let mut desk = Desk::new();
    let asked = desk.send(request("REGISTER", "tv01", 1, &[])).remove(0);
    let lines: Vec<String> = asked
        .lines(crate::message::Name::WwwAuthenticate)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    assert_eq!(asked.status(), Some(401));
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].contains("SHA-256")
            && lines[1].contains("MD5")
            && lines[0].contains("qop=\"auth\""),
        "{lines:?}"
    );
}

#[test]
fn known_and_unknown_accounts_get_the_same_answer() {
    let answer = |user: &str| {
        let mut desk = Desk::new();
        let plain = desk.send(request("REGISTER", user, 1, &[])).remove(0);
        let wrong = "Authorization: Digest username=\"USER\", realm=\"hotline.test\", nonce=\"0\", uri=\"sip:hotline.test\", response=\"0\", qop=auth, nc=00000001, cnonce=\"c\"";
        let wrong = desk
            .send(request(
                "REGISTER",
                user,
                2,
                &[&wrong.replace("USER", user)],
            ))
            .remove(0);
        [plain, wrong].map(|message| {
            let text = String::from_utf8_lossy(message.as_bytes()).replace(user, "USER");
            text.lines()
                .map(|line| {
                    line.split("nonce=")
                        .next()
                        .unwrap()
                        .split("tag=")
                        .next()
                        .unwrap()
                        .to_owned()
                })
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(answer("tv01"), answer("nobody"));
}

#[test]
fn several_contacts_each_with_its_expiry() {
    let mut desk = Desk::new();
    let lines = [
        "Contact: <sip:a@10.0.0.3>;expires=60, <sip:b@10.0.0.3:5070>",
        "Expires: 120",
    ];
    let answer = desk.login("REGISTER", "tv01", "tv01", &lines);
    assert_eq!(answer.status(), Some(200));
    assert_eq!(
        desk.contacts(&answer),
        [
            "<sip:a@10.0.0.3>;expires=60",
            "<sip:b@10.0.0.3:5070>;expires=120"
        ]
    );
    // A REGISTER without Contact asks what is there.
    let answer = desk.login("REGISTER", "tv01", "tv01", &[]);
    assert_eq!(desk.contacts(&answer).len(), 2);
    let answer = desk.login(
        "REGISTER",
        "tv01",
        "tv01",
        &["Contact: <sip:a@10.0.0.3>;expires=0"],
    );
    assert_eq!(
        desk.contacts(&answer),
        ["<sip:b@10.0.0.3:5070>;expires=120"]
    );
    let answer = desk.login("REGISTER", "tv01", "tv01", &["Contact: *", "Expires: 0"]);
    assert_eq!(desk.contacts(&answer).len(), 0);
    assert_eq!(desk.net.counters("server").bindings, 0);
}

#[test]
fn a_star_with_company_or_without_expires_is_refused() {
    let mut desk = Desk::new();
    for lines in [
        &["Contact: *"][..],
        &["Contact: *, <sip:a@10.0.0.3>", "Expires: 0"],
        &["Contact: *", "Expires: 60"],
    ] {
        assert_eq!(
            desk.login("REGISTER", "tv01", "tv01", lines).status(),
            Some(400),
            "{lines:?}"
        );
    }
}

#[test]
fn too_short_is_refused_and_too_long_shortened() {
    let mut desk = Desk::new();
    let short = desk.login(
        "REGISTER",
        "tv01",
        "tv01",
        &["Contact: <sip:a@10.0.0.3>;expires=5"],
    );
    assert_eq!(short.status(), Some(423));
    assert_eq!(
        short.value(crate::message::Name::MinExpires).as_deref(),
        Some("30")
    );
    let long = desk.login(
        "REGISTER",
        "tv01",
        "tv01",
        &["Contact: <sip:a@10.0.0.3>;expires=99999999999999999999"],
    );
    assert_eq!(desk.contacts(&long), ["<sip:a@10.0.0.3>;expires=7200"]);
}

#[test]
fn one_contact_too_many_replaces_the_oldest() {
    let mut desk = Desk::new();
    for contact in ["a", "b", "c", "d"] {
        desk.login(
            "REGISTER",
            "tv01",
            "tv01",
            &[&format!("Contact: <sip:{contact}@10.0.0.3>")],
        );
    }
    let answer = desk.login("REGISTER", "tv01", "tv01", &[]);
    let contacts = desk.contacts(&answer).join(" ");
    assert!(
        !contacts.contains("sip:a@") && contacts.contains("sip:d@"),
        "{contacts}"
    );
}

#[test]
fn the_same_device_at_a_new_address_replaces_itself() {
    let mut desk = Desk::new();
    for port in [5070, 5080] {
        let contact = format!("Contact: <sip:a@10.0.0.3:{port}>;+sip.instance=\"<urn:uuid:1>\"");
        desk.login("REGISTER", "tv01", "tv01", &[&contact]);
    }
    assert_eq!(desk.net.counters("server").bindings, 1);
}

#[test]
fn an_overtaken_register_is_refused() {
    let mut desk = Desk::new();
    desk.sequence = 10;
    assert_eq!(
        desk.login("REGISTER", "tv01", "tv01", &["Contact: <sip:a@10.0.0.3>"])
            .status(),
        Some(200)
    );
    desk.sequence = 2;
    assert_eq!(
        desk.login(
            "REGISTER",
            "tv01",
            "tv01",
            &["Contact: <sip:a@10.0.0.3>;expires=0"]
        )
        .status(),
        Some(500)
    );
    assert_eq!(desk.net.counters("server").bindings, 1);
}

#[test]
fn another_accounts_address_of_record_is_refused() {
    let mut desk = Desk::new();
    assert_eq!(
        desk.login("REGISTER", "tv02", "tv01", &["Contact: <sip:a@10.0.0.3>"])
            .status(),
        Some(403)
    );
    assert_eq!(desk.net.counters("server").bindings, 0);
}

#[test]
fn a_repeated_register_gets_its_answer_again_and_a_replayed_one_is_refused() {
    let mut desk = Desk::new();
    let asked = desk.send(request("REGISTER", "tv01", 1, &[])).remove(0);
    let credentials = desk.credentials(&asked, "REGISTER", "tv01");
    let good = request(
        "REGISTER",
        "tv01",
        2,
        &["Contact: <sip:a@10.0.0.3>", &credentials],
    );
    assert_eq!(desk.send(good.clone()).remove(0).status(), Some(200));
    assert_eq!(
        desk.send(good).remove(0).status(),
        Some(200),
        "the same datagram twice"
    );
    let replay = request(
        "REGISTER",
        "tv01",
        3,
        &["Contact: <sip:evil@10.0.0.66>", &credentials],
    );
    assert_eq!(
        desk.send(replay).remove(0).status(),
        Some(401),
        "nonce count used"
    );
    let elsewhere = request(
        "REGISTER",
        "tv01",
        4,
        &["Contact: <sip:evil@10.0.0.66>", &credentials],
    );
    assert_eq!(
        desk.send_from("10.0.0.66:5060", elsewhere)
            .remove(0)
            .status(),
        Some(401),
        "nonce of another source"
    );
    assert_eq!(desk.net.counters("server").bindings, 1);
}

#[test]
fn a_binding_behind_nat_is_rung_at_its_source() {
    let mut desk = Desk::new();
    desk.login(
        "REGISTER",
        "tv01",
        "tv01",
        &["Contact: <sip:a@192.168.1.20:5062>"],
    );
    let mut out = Vec::new();
    let now = desk.net.now();
    let invite = Command::Invite {
        dialog: 1,
        target: crate::Target::Account("tv01".to_owned()),
        from: (String::new(), "111".to_owned()),
        bodies: Vec::new(),
        headers: Vec::new(),
        login: None,
    };
    desk.net
        .node("server")
        .endpoint
        .handle(now, Input::Command(invite), &mut out);
    let sent = out.iter().find_map(|output| match output {
        Output::Datagram {
            destination, bytes, ..
        } => Some((*destination, String::from_utf8_lossy(bytes).into_owned())),
        _ => None,
    });
    let (destination, text) = sent.unwrap();
    assert_eq!(destination.to_string(), "10.0.0.3:5060");
    assert!(
        text.starts_with("INVITE sip:a@192.168.1.20:5062 SIP/2.0\r\n"),
        "{text}"
    );
    assert_eq!(summary(text.as_bytes()), "INVITE");
}

#[test]
fn removed_accounts_lose_their_bindings() {
    let mut net = Net::new();
    run(&mut net, "phone registers tv01");
    net.log.clear();
    net.command("server", Command::Accounts(Vec::new()));
    assert!(net.log.contains("contact tv01 Gone"), "{}", net.log);
    assert_eq!(server_config().contacts_max, 3);
}
