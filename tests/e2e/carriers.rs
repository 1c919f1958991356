//! Carriers end to end: our registration, calls out over them, fail-over, names, certificates.

use crate::carrier::{Carrier, Mood, TlsCarrier, Voice};
use crate::connection::Certificates;
use crate::name_server::{NameServer, Record};
use crate::phones::Phones;
use crate::process::{Program, wait_until};
use crate::raw::{Caller, assert_answers, header};
use crate::server::{PASSWORD, PATIENCE, Plan, SENTINEL, Server, rows};
use crate::sipp::Sipp;
use crate::talk_sipp::register;
use hotline_phone::{CallScript, PhoneId, Talk};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Whom the counsellor passes callers on to.
const OUTSIDE: &str = "0901234567";
/// Of the audio that is looked at, and of what must have been heard before.
const LISTEN_MS: usize = 1_500;
/// Set-up while a name server says nothing; the bar is 20 ms, a test asserts five times that at most.
const SETUP_MAX: Duration = Duration::from_millis(100);

/// An address of this run that no server has, and SIP's port there.
fn spare(last: u8) -> SocketAddr {
    let run = u8::try_from(std::process::id() % 200).expect("below 200") + 20;
    SocketAddr::new(Ipv4Addr::new(127, run, 250, last).into(), 5060)
}

/// A trunk's line of `ctl trunks`.
fn trunk(trunks: &Value, name: &str) -> Value {
    let found = rows(trunks).find(|line| line["trunk"] == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {trunks}"))
        .clone()
}

/// Waits until a field of a trunk begins so.
fn wait_trunk(server: &Server, name: &str, field: &str, begins: &str) {
    server.wait_ctl(
        "trunks",
        &format!("{field} of {name}: {begins}"),
        |trunks| {
            let text = trunk(trunks, name)[field].as_str().map(str::to_owned);
            text.is_some_and(|text| text.starts_with(begins))
        },
    );
}

/// A caller who is passed on to somebody outside.
struct Passed {
    caller: Phones,
    phone: PhoneId,
    counsellor: Program,
    heard: PathBuf,
}

/// The caller is with the counsellor, who passes on at once, or with the party outside already.
fn wait_talking(server: &Server) {
    server.wait_ctl("calls", "somebody talks with the caller", |calls| {
        ["talking", "passing", "outside"]
            .map(Value::from)
            .contains(&calls[0]["state"])
    });
}

/// A caller says a tone to a counsellor, who passes on to a number.
fn pass_on(server: &Server, number: &str) -> Passed {
    let desk = register(server, 1, "tv01");
    server.wait_agents("ready", 1);
    let name = format!("passes-{number}");
    let counsellor = Sipp::new(
        &name,
        "counsellor_passes_on",
        &server.folder,
        desk,
        server.net.sip(),
    )
    .key("number", number)
    .start();
    let mut caller = Phones::start(server.net.sip(), server.net.trunk());
    let heard = server.folder.join(format!("heard-{number}.wav"));
    let talk = Talk::new()
        .record(&heard)
        .wait_ms(500)
        .press("1")
        .tone(600, 20);
    let phone = caller
        .bank
        .call(CallScript::dial("111").from(SENTINEL).talk(talk));
    caller.events();
    Passed {
        caller,
        phone,
        counsellor,
        heard,
    }
}

impl Passed {
    /// Both hear each other and nothing else; then the caller hangs up.
    fn talks_with(mut self, server: &Server, outside: &Voice) {
        wait_until(PATIENCE, "the outside party hears the caller", || {
            (outside.heard().length_ms() > LISTEN_MS + 500).then_some(())
        });
        let heard = outside
            .heard()
            .check_mostly(0, LISTEN_MS, 600, -20.0, 1_000);
        println!("outside: {heard:?}");
        heard.expect("the caller's tone alone");
        self.counsellor.succeed(Duration::from_secs(10));
        self.caller.bank.hang_up(self.phone);
        self.caller.wait_kind(self.phone, "a recording", |kind| {
            matches!(kind, hotline_phone::EventKind::Recorded { .. })
        });
        let audio = crate::audio::Audio::read(&self.heard);
        let heard = audio.check_mostly(0, LISTEN_MS, 1_000, -20.0, 600);
        println!("caller: {heard:?}");
        heard.expect("the outside party's tone alone");
        server.wait_no_calls();
    }
}

#[test]
fn we_register_with_a_carrier_that_wants_a_password() {
    let at = spare(1);
    let server = Plan::new("registers", 0)
        .more(&format!(
            "[[trunk]]\nname = \"registrar\"\nhosts = [\"{at}\"]\ndomain = \"carrier.test\"\nuser = \"02431110000\"\n\
             password = {{ file = \"password\" }}\nregister = \"60s\"\nprobe = \"0s\"\n"
        ))
        .start();
    // Until somebody is there the bounced REGISTER has backed off once; it comes again by itself.
    let carrier = Sipp::new(
        "registrar",
        "carrier_registrar",
        &server.folder,
        at,
        server.net.sip(),
    )
    .key("password", PASSWORD)
    .start();
    wait_trunk(&server, "registrar", "registration", "registered 4 s");
    // Who takes our registration may send us calls, from where we register.
    let caller = Caller::dial(at.ip(), server.net.sip(), "*43", SENTINEL);
    caller.hang_up();
    let refreshed_at = Instant::now();
    wait_trunk(&server, "registrar", "registration", "refused 403");
    assert_eq!(
        server
            .log_lines("trunk does not take our registration")
            .len(),
        1 + unanswered(&server)
    );
    println!("refused {:?} after the call", refreshed_at.elapsed());
    let refused_at = Instant::now();
    wait_trunk(&server, "registrar", "registration", "registered 600 s");
    let waited = refused_at.elapsed();
    println!("tried again after {waited:?}");
    assert!(
        waited > Duration::from_millis(3_500),
        "{waited:?}: no back-off"
    );
    carrier.succeed(Duration::from_secs(5));
}

/// Alarms of the time before the carrier was there.
fn unanswered(server: &Server) -> usize {
    let refusals = server.log_lines("trunk does not take our registration");
    refusals.iter().filter(|line| line["status"] == 408).count()
}

#[test]
fn a_caller_is_passed_on_over_a_carrier_that_wants_a_password() {
    let at = spare(2);
    let server = Plan::new("outside", 1)
        .more(&format!(
            "[[trunk]]\nname = \"out\"\nsources = [\"{ip}\"]\nhosts = [\"{at}\"]\ndomain = \"carrier.test\"\n\
             user = \"02431110000\"\npassword = {{ file = \"password\" }}\nprobe = \"0s\"\n\
             [[outbound]]\ndialled = [\"0%\"]\ntrunks = [\"out\"]\n",
            ip = at.ip(),
        ))
        .start();
    let outside = Voice::start(at.ip(), 1_000.0);
    let carrier = Sipp::new(
        "outside",
        "carrier_outside",
        &server.folder,
        at,
        server.net.sip(),
    )
    .key("password", PASSWORD)
    .key("voice_port", &outside.port.to_string())
    .start();
    let passed = pass_on(&server, OUTSIDE);
    passed.talks_with(&server, &outside);
    carrier.succeed(Duration::from_secs(5));
    let messages = std::fs::read_to_string(server.folder.join("outside.messages"));
    let messages = messages.expect("what SIPp wrote down");
    let answer = header(&messages, "Proxy-Authorization").expect("credentials");
    let login = ("02431110000", "carrier.test", PASSWORD);
    assert_answers(answer, "INVITE", login);
    server.wait_agents("ready", 1);
}

#[test]
fn the_second_carrier_has_the_calls_of_the_first_that_is_dead() {
    let (first_at, second_at) = (spare(3), spare(4));
    let trunk_at = |name: &str, at: SocketAddr| {
        format!(
            "[[trunk]]\nname = \"{name}\"\nsources = [\"{}\"]\nhosts = [\"{at}\"]\nprobe = \"500ms\"\n\
             probe_failures = 1\nfirst_response = \"1s\"\n",
            at.ip()
        )
    };
    let outside = Voice::start(second_at.ip(), 1_000.0);
    let first = Carrier::start(first_at, Mood::OutOfOrder);
    let second = Carrier::start(second_at, Mood::TakesCalls(outside.port));
    let server = Plan::new("failover", 1)
        .more(&trunk_at("first", first_at))
        .more(&trunk_at("second", second_at))
        .more("[[outbound]]\ndialled = [\"0%\"]\ntrunks = [\"first\", \"second\"]\n")
        .start();
    for name in ["first", "second"] {
        wait_trunk(&server, name, "state", "up");
    }
    // It answers probes, and refuses the call with 503.
    pass_on(&server, OUTSIDE).talks_with(&server, &outside);
    assert_eq!(first.seen("INVITE").len(), 1, "one try");
    let over_second = second.seen("INVITE").len();
    assert!(over_second >= 1);

    // It says nothing: the call waits for `first_response`, and probes find out.
    drop(outside);
    let outside = Voice::start(second_at.ip(), 1_000.0);
    second.becomes(Mood::TakesCalls(outside.port));
    let passed = pass_on(&server, "0907654321");
    wait_talking(&server);
    first.becomes(Mood::Silent);
    passed.talks_with(&server, &outside);
    let (tried, taken) = (first.seen("INVITE"), second.seen("INVITE"));
    assert!(tried.len() > 1, "tried, and again without an answer");
    let waited = taken[over_second].duration_since(tried[1]);
    println!("the second carrier was asked {waited:?} after the first");
    assert!(waited >= Duration::from_millis(900) && waited < Duration::from_secs(5));
    wait_trunk(&server, "first", "state", "down");
    let down = trunk(&server.ctl("trunks"), "first");
    assert_eq!(
        down["addresses"][0],
        format!("udp {first_at} down"),
        "{down}"
    );
    assert_eq!(
        server
            .log_lines("trunk down: no address of it answers")
            .len(),
        1
    );
    first.becomes(Mood::OutOfOrder);
    wait_trunk(&server, "first", "state", "up");
    assert_eq!(trunk(&server.ctl("trunks"), "second")["state"], "up");
}

#[test]
fn a_name_server_that_says_nothing_delays_nobody() {
    let localhost = IpAddr::from(Ipv4Addr::LOCALHOST);
    let at = spare(5);
    let IpAddr::V4(sbc) = at.ip() else {
        panic!("an IPv4 address")
    };
    let names = NameServer::start(
        localhost,
        &[
            ("carrier.test", Record::Nothing),
            (
                "_sip._udp.carrier.test",
                Record::Service(at.port(), "sbc.carrier.test"),
            ),
            ("sbc.carrier.test", Record::Address(sbc)),
            ("mute.test", Record::Silence),
        ],
    );
    let outside = Voice::start(at.ip(), 1_000.0);
    let carrier = Carrier::start(at, Mood::TakesCalls(outside.port));
    let server = Plan::new("names", 1)
        .more(&format!(
            "[dns]\nservers = [\"{}\"]\n\
             [[trunk]]\nname = \"mute\"\nsources = [\"192.0.2.1\"]\nhosts = [\"mute.test:5060\"]\n\
             [[trunk]]\nname = \"named\"\nsources = [\"{}\"]\nhosts = [\"carrier.test\"]\nprobe = \"1s\"\n\
             [[outbound]]\ndialled = [\"0%\"]\ntrunks = [\"mute\", \"named\"]\n",
            names.address,
            at.ip()
        ))
        .start();
    wait_trunk(&server, "named", "state", "up");
    let setups: Vec<Duration> = (0..5)
        .map(|_| {
            let caller = Caller::dial(server.net.trunk(), server.net.sip(), "*43", SENTINEL);
            let setup = caller.answered_at.duration_since(caller.invited_at);
            caller.hang_up();
            setup
        })
        .collect();
    println!("set-up while a name server is silent: {setups:?}");
    assert!(setups.iter().min() < Some(&SETUP_MAX), "{setups:?}");
    assert!(names.asked("mute.test") >= 1, "it was asked");

    // Now it answers nothing at all: what it has said stays good, and who was never found costs no time.
    names.falls_silent();
    let passed = pass_on(&server, OUTSIDE);
    wait_talking(&server);
    let talking_at = Instant::now();
    passed.talks_with(&server, &outside);
    let asked_at = carrier.seen("INVITE")[0];
    let waited = asked_at.saturating_duration_since(talking_at);
    println!("the carrier by name was asked {waited:?} after the talk began");
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    let trunks = server.ctl("trunks");
    let (mute, named) = (trunk(&trunks, "mute"), trunk(&trunks, "named"));
    assert_eq!(
        (&mute["state"], &mute["addresses"]),
        (&"unknown".into(), &Value::Array(Vec::new()))
    );
    assert_eq!(named["addresses"][0], format!("udp {at} up"), "{named}");
}

#[test]
fn a_carrier_found_by_name_shows_a_certificate_for_that_name() {
    let folder = std::env::temp_dir().join(format!(
        "hotline111-carrier-certificates-{}",
        std::process::id()
    ));
    let certificates = Certificates::write(&folder);
    let localhost = IpAddr::from(Ipv4Addr::LOCALHOST);
    // Both want to see our certificate, and are told by the name server to be at sbc7.provider.test; one shows the name that we called, the other the
    // one that the name server said.
    let start = |name: &str, shown: &str| {
        let identity = certificates.issue(name, &[shown]);
        TlsCarrier::start(localhost, &identity, &certificates.authority)
    };
    let (right, wrong) = (
        start("right", "carrier.test"),
        start("wrong", "sbc7.provider.test"),
    );
    let names = NameServer::start(
        localhost,
        &[
            (
                "_sips._tcp.carrier.test",
                Record::Service(right.address.port(), "sbc7.provider.test"),
            ),
            (
                "_sips._tcp.other.test",
                Record::Service(wrong.address.port(), "sbc7.provider.test"),
            ),
            ("sbc7.provider.test", Record::Address(Ipv4Addr::LOCALHOST)),
        ],
    );
    let server = Plan::new("named-tls", 0)
        .sip("tls = [\"SERVER_IP:5061\"]\n")
        .more(&certificates.section())
        .more(&format!(
            "roots = \"{}\"\n[dns]\nservers = [\"{}\"]\n\
             [[trunk]]\nname = \"right\"\nsources = [\"192.0.2.1\"]\nhosts = [\"carrier.test;tls\"]\nprobe = \"1s\"\n\
             probe_failures = 1\n\
             [[trunk]]\nname = \"wrong\"\nsources = [\"192.0.2.2\"]\nhosts = [\"other.test;tls\"]\nprobe = \"1s\"\n\
             probe_failures = 1\n",
            certificates.authority.display(),
            names.address
        ))
        .start();
    wait_trunk(&server, "right", "state", "up");
    wait_trunk(&server, "wrong", "state", "down");
    assert_eq!(right.asked_for().as_deref(), Some("carrier.test"));
    assert_eq!(wrong.asked_for().as_deref(), Some("other.test"));
    assert!(
        !server
            .log_lines("a TLS connection could not be made")
            .is_empty()
    );
    std::fs::remove_dir_all(folder).expect("removing the certificates");
}
