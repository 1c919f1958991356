//! Registrations, digest and what strangers get.

use super::check;
use super::net::{Net, REALM, ip, run, server_config, summary};
use crate::digest::{Asked, Digest, Verdict, answer};
use crate::message::{Message, Uri, Writer};
use crate::random::Random;
use crate::{Command, Credentials, Event, Input, Mono, Now, Output, Rejection, Wall, credentials};
use expect_test::expect;
use std::collections::BTreeMap;

/// A REGISTER or INVITE from 10.0.0.3 with the given further header lines.
fn request(method: &str, to: &str, cseq: u32, lines: &[&str]) -> Vec<u8> {
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
struct Desk {
    net: Net,
    sequence: u32,
}

impl Desk {
    fn new() -> Self {
        let mut net = Net::new();
        net.is_quiet = true;
        Self { net, sequence: 0 }
    }
    fn send(&mut self, bytes: Vec<u8>) -> Vec<Message> {
        self.send_from("10.0.0.3:5060", bytes)
    }
    fn send_from(&mut self, source: &str, bytes: Vec<u8>) -> Vec<Message> {
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
    fn login(&mut self, method: &str, to: &str, user: &str, lines: &[&str]) -> Message {
        self.sequence += 2;
        let asked = self.send(request(method, to, self.sequence, &[])).remove(0);
        let credentials = self.credentials(&asked, method, user);
        let mut lines = lines.to_vec();
        lines.push(&credentials);
        self.send(request(method, to, self.sequence + 1, &lines))
            .remove(0)
    }
    fn credentials(&self, challenge: &Message, method: &str, user: &str) -> String {
        let login = (user.to_owned(), "secret".to_owned());
        let (name, value) =
            answer(challenge, &login, method, &format!("sip:{REALM}"), "cnonce").unwrap();
        format!("{name}: {value}")
    }
    fn contacts(&self, answer: &Message) -> Vec<String> {
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

struct Case {
    digest: Digest,
    accounts: BTreeMap<String, Credentials>,
}

impl Case {
    fn new() -> Self {
        let accounts = BTreeMap::from([("tv01".to_owned(), credentials("tv01", REALM, "secret"))]);
        Self {
            digest: Digest::new(&mut Random::new([1; 32]), 60_000),
            accounts,
        }
    }
    fn challenge(&mut self, wall_ms: i64) -> Message {
        let [strong, weak] = self
            .digest
            .challenges(REALM, Wall(wall_ms), ip("10.0.0.3"), false);
        let mut writer = Writer::response(401);
        writer
            .header("WWW-Authenticate", &strong)
            .header("WWW-Authenticate", &weak);
        Message::parse(writer.finish(None)).unwrap()
    }
    fn verdict(&mut self, wall_ms: i64, authorization: &str) -> Verdict {
        let uri = Uri::parse("sip:hotline.test").unwrap();
        let asked = Asked {
            realm: REALM,
            method: "REGISTER",
            uri: &uri,
            source: ip("10.0.0.3"),
            wall: Wall(wall_ms),
        };
        let message = Message::parse(request(
            "REGISTER",
            "tv01",
            1,
            &[&format!("Authorization: {authorization}")],
        ))
        .unwrap();
        self.digest.verify(&self.accounts, &asked, &message)
    }
    fn good(&mut self, wall_ms: i64) -> String {
        let challenge = self.challenge(wall_ms);
        answer(
            &challenge,
            &("tv01".to_owned(), "secret".to_owned()),
            "REGISTER",
            "sip:hotline.test",
            "cnonce",
        )
        .unwrap()
        .1
    }
}

#[test]
fn right_credentials_with_either_algorithm_are_good() {
    let mut case = Case::new();
    let strong = case.good(1_000);
    assert!(
        strong.contains("algorithm=SHA-256"),
        "the client takes the stronger"
    );
    assert_eq!(
        case.verdict(1_000, &strong),
        Verdict::Good("tv01".to_owned())
    );
    let [_, weak] = case
        .digest
        .challenges(REALM, Wall(1_000), ip("10.0.0.3"), false);
    let mut writer = Writer::response(401);
    writer.header("WWW-Authenticate", &weak);
    let challenge = Message::parse(writer.finish(None)).unwrap();
    let weak = answer(
        &challenge,
        &("tv01".to_owned(), "secret".to_owned()),
        "REGISTER",
        "sip:hotline.test",
        "c",
    )
    .unwrap()
    .1;
    assert!(weak.contains("algorithm=MD5"));
    assert_eq!(case.verdict(1_000, &weak), Verdict::Good("tv01".to_owned()));
}

#[test]
fn what_is_wrong_with_credentials_is_refused() {
    let wrong = |change: &dyn Fn(String) -> String| {
        let mut case = Case::new();
        let good = case.good(1_000);
        let changed = change(good.clone());
        assert_ne!(changed, good);
        case.verdict(1_000, &changed)
    };
    let replaced =
        |from: &'static str, to: &'static str| wrong(&move |text: String| text.replace(from, to));
    assert_eq!(
        replaced("uri=\"sip:hotline.test\"", "uri=\"sip:other.test\""),
        Verdict::Wrong,
        "other URI"
    );
    assert_eq!(
        replaced("realm=\"hotline.test\"", "realm=\"other\""),
        Verdict::Ask { is_stale: false },
        "foreign realm"
    );
    assert_eq!(
        replaced(", qop=auth", ""),
        Verdict::Wrong,
        "downgrade to RFC 2069"
    );
    assert_eq!(
        replaced("algorithm=SHA-256", "algorithm=MD5"),
        Verdict::Wrong,
        "other algorithm than computed"
    );
    assert_eq!(
        replaced("algorithm=SHA-256", "algorithm=SHA-512"),
        Verdict::Wrong,
        "unknown algorithm"
    );
    assert_eq!(
        replaced("nc=00000001", "nc=00000002"),
        Verdict::Wrong,
        "count not covered"
    );
    assert_eq!(
        replaced("username=\"tv01\"", "username=\"tv02\""),
        Verdict::Wrong,
        "unknown account"
    );
    assert_eq!(
        replaced("username=\"tv01\"", "username=\"tv01\", username=\"tv01\""),
        Verdict::Wrong,
        "twice"
    );
    assert_eq!(
        replaced("Digest ", "Basic "),
        Verdict::Ask { is_stale: false },
        "other scheme"
    );
}

#[test]
fn old_and_foreign_nonces_are_stale() {
    let mut case = Case::new();
    let good = case.good(1_000_000);
    assert_eq!(
        case.verdict(1_060_001, &good),
        Verdict::Ask { is_stale: true },
        "older than its life"
    );
    assert_eq!(
        case.verdict(900_000, &good),
        Verdict::Ask { is_stale: true },
        "of the future"
    );
    assert_eq!(
        case.verdict(1_059_000, &good),
        Verdict::Good("tv01".to_owned())
    );
    assert_eq!(
        case.verdict(1_059_000, &good),
        Verdict::Ask { is_stale: true },
        "count used"
    );
    let again = good.clone();
    case.digest.set_secret([9; 32]);
    assert_eq!(
        case.verdict(1_059_000, &again),
        Verdict::Ask { is_stale: true },
        "of another secret"
    );
}

#[test]
fn a_stale_nonce_is_named_so() {
    let mut desk = Desk::new();
    let asked = desk.send(request("REGISTER", "tv01", 1, &[])).remove(0);
    let credentials = desk.credentials(&asked, "REGISTER", "tv01");
    desk.net.run_ms(61_000);
    let stale = desk
        .send(request("REGISTER", "tv01", 2, &[&credentials]))
        .remove(0);
    let challenge = stale
        .value(crate::message::Name::WwwAuthenticate)
        .unwrap()
        .into_owned();
    assert!(
        stale.status() == Some(401) && challenge.contains("stale=true"),
        "{challenge}"
    );
}

#[test]
fn the_example_of_rfc_7616_is_computed() {
    // RFC 7616 §3.9.1 with method GET.
    let challenge = |algorithm: &str| {
        let mut writer = Writer::response(401);
        let value = format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        writer.header("WWW-Authenticate", &value);
        Message::parse(writer.finish(None)).unwrap()
    };
    let login = ("Mufasa".to_owned(), "Circle of Life".to_owned());
    let response = |algorithm: &str| {
        answer(
            &challenge(algorithm),
            &login,
            "GET",
            "/dir/index.html",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )
        .unwrap()
        .1
    };
    assert!(
        response("SHA-256")
            .contains("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")
    );
    assert!(response("MD5").contains("8ca523f5e9506fed4657c9700eebdbec"));
}

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
    assert!(server.flood.sources() <= 400, "{}", server.flood.sources());
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
    assert!(net.node("server").endpoint.flood.sources() <= 16_384);
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
        body: Vec::new(),
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
