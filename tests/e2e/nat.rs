//! A counsellor's phone at home: behind a NAT by iptables, and over a bad network.
//!
//! ```text
//! phone (home) 10.78.0.2 ── 10.78.0.1 (router) 10.77.0.200 ── 10.77.0.1 server, 10.77.0.2 carrier
//! ```

use crate::audio::{Audio, CALLER_HEARS, CALLER_SAYS, Span, TALK};
use crate::namespaces::{Namespace, cable};
use crate::phones::Phones;
use crate::process::pause;
use crate::relay::{Relay, Weather};
use crate::server::{PASSWORD, Plan, SENTINEL, Server, time_ms};
use hotline_phone::{AnswerScript, CallScript, EventKind, PhoneId, Talk};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const HOME: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 2);
/// So long does the router remember a flow on which nothing passes.
const NAT_S: u64 = 4;
/// Rule M learns a source in the first 5 s only.
const AFTER_LEARNING: Duration = Duration::from_millis(5_500);
/// Media ports few enough for the relay to hold all.
const RELAYED: &str = "ports = \"20000-20199\"\n";

/// The three hosts. The order of the fields is the order of their end.
struct World {
    server: Server,
    home: Namespace,
    router: Namespace,
    centre: Namespace,
}

impl World {
    fn start(name: &'static str, media: &str) -> Self {
        let (centre, router, home) = (
            Namespace::new("centre"),
            Namespace::new("router"),
            Namespace::new("home"),
        );
        cable(
            (&centre, "wan0", &["10.77.0.1/24", "10.77.0.2/24"]),
            (&router, "wan1", &["10.77.0.200/24"]),
        );
        cable(
            (&router, "lan0", &["10.78.0.1/24"]),
            (&home, "lan1", &["10.78.0.2/24"]),
        );
        home.run("ip route add default via 10.78.0.1");
        for setting in [
            "net.ipv4.ip_forward=1".to_owned(),
            format!("net.netfilter.nf_conntrack_udp_timeout={NAT_S}"),
            format!("net.netfilter.nf_conntrack_udp_timeout_stream={NAT_S}"),
        ] {
            router.run(&format!("sysctl -q -w {setting}"));
        }
        let server = Plan::new(name, 1)
            .sip("nat_keepalive = \"2s\"\nexpires_min = \"2s\"\n")
            .media(media)
            .start_in(&centre);
        Self {
            server,
            home,
            router,
            centre,
        }
    }

    fn masquerade(&self) {
        self.router.run(
            "iptables -t nat -A POSTROUTING -o wan1 -p udp -j MASQUERADE --to-ports 30000-39999",
        );
    }

    /// What the phone sends to the server is taken by a relay on the router.
    fn relay(&self, weather: Weather) -> Relay {
        for ports in ["5060", "20000:20199"] {
            self.router.run(&format!(
                "iptables -t nat -A PREROUTING -i lan0 -d {SERVER} -p udp --dport {ports} -j REDIRECT"
            ));
        }
        let ports = std::iter::once(5060).chain(20_000..=20_199);
        Relay::start(&self.router, ports, SERVER, weather, 7)
    }

    /// The phone at home: says 1,000 Hz as soon as it is joined, for as long as the caller stays.
    fn phone(&self, expires_s: u32) -> (Phones, PhoneId) {
        let local = IpAddr::from(HOME);
        let mut phones = self
            .home
            .enter(|| Phones::start(SocketAddr::from((SERVER, 5060)), local));
        let talk = Talk::new().record(self.heard_at_home()).tone(1_000, 20);
        let mut script = AnswerScript::answer_after_ms(200).talk(talk);
        script.expires_s = expires_s;
        let phone = phones.bank.register("tv01", PASSWORD, script);
        phones.wait_registered(phone);
        self.server.wait_agents("ready", 1);
        (phones, phone)
    }

    /// What the phone hears (left) and says.
    fn heard_at_home(&self) -> PathBuf {
        self.server.folder.join("home.wav")
    }

    /// The carrier's caller: presses 1 and says 600 Hz for `talk_ms`.
    fn caller(&self, talk_ms: u64) -> (Phones, PhoneId) {
        let server = self.server.net.sip();
        let trunk = self.server.net.trunk();
        let phones = self.centre.enter(|| Phones::start(server, trunk));
        let talk = Talk::new()
            .wait_ms(500)
            .press("1")
            .tone(600, 20)
            .wait_ms(talk_ms)
            .hang_up();
        let caller = phones
            .bank
            .call(CallScript::dial("111").from(SENTINEL).talk(talk));
        (phones, caller)
    }
}

/// Lets time pass that the test is about.
fn pause_until(end: Instant) {
    pause(end.saturating_duration_since(Instant::now()));
}

/// Milliseconds of the recording at which the counsellor joined.
fn joined_ms(record: &Value) -> usize {
    usize::try_from(time_ms(record, "joined") - time_ms(record, "answered")).expect("a join")
}

/// Both tones are heard within a second of the join.
fn assert_heard_soon(audio: &Audio, record: &Value) {
    let joined = joined_ms(record);
    for (channel, hz) in [(CALLER_SAYS, 600), (CALLER_HEARS, 1_000)] {
        let onset = audio
            .onset_ms(channel, hz, TALK.level_db)
            .unwrap_or_else(|| panic!("{hz} Hz was never heard"));
        println!("{hz} Hz at {onset} ms, joined at {joined} ms");
        assert!(
            onset <= joined + 1_000,
            "{hz} Hz was heard {} ms after the join",
            onset - joined
        );
    }
}

#[test]
fn a_phone_behind_a_nat_stays_reachable_and_is_heard_within_a_second() {
    let world = World::start("nat", "");
    world.masquerade();
    let (mut phones, phone) = world.phone(600);
    let regs = world.server.ctl("regs");
    assert!(
        regs[0]["source"]
            .as_str()
            .is_some_and(|source| source.starts_with("10.77.0.200:")),
        "the router does not translate: {regs}"
    );
    // Three lifetimes of the router's memory without a word of the phone's own.
    pause_until(Instant::now() + Duration::from_secs(3 * NAT_S));
    let (mut carrier, caller) = world.caller(6_000);
    phones.wait_kind(phone, "the phone answers", |kind| {
        matches!(kind, EventKind::Answered { .. })
    });
    carrier.wait_ended(caller);
    world.server.wait_no_calls();
    let records = world.server.records(1);
    let record = &records[0];
    println!("{record:#}");
    assert_eq!(record["fate"], "H_UNCODED");
    assert_eq!(record["offers"], 1, "the first ring has reached the phone");
    assert_heard_soon(&world.server.audio(record), record);
}

#[test]
fn a_nat_that_forgets_in_mid_call_heals() {
    let world = World::start("rebind", RELAYED);
    let clear = Weather {
        lost_percent: 0,
        delay_ms_min: 1,
        delay_ms_max: 1,
    };
    let relay = world.relay(clear);
    let (mut phones, phone) = world.phone(8);
    let (mut carrier, caller) = world.caller(16_000);
    phones.wait_kind(phone, "the phone answers", |kind| {
        matches!(kind, EventKind::Answered { .. })
    });
    world.server.wait_calls("talking", 1);
    pause_until(Instant::now() + AFTER_LEARNING);
    relay.forget();
    carrier.wait_ended(caller);
    world.server.wait_no_calls();
    let records = world.server.records(1);
    let record = &records[0];
    println!("{record:#}");
    assert_eq!(record["fate"], "H_UNCODED");
    let audio = world.server.audio(record);
    assert_heard_soon(&audio, record);
    let last = Span::At(audio.length_ms() - 3_100, 3_000);
    println!(
        "{}",
        audio
            .check_only(CALLER_HEARS, last, 1_000, TALK.level_db, 600)
            .expect("the counsellor is heard again")
    );
    phones.wait_kind(phone, "the phone's recording", |kind| {
        matches!(kind, EventKind::Recorded { .. })
    });
    let home = Audio::read(&world.heard_at_home());
    println!(
        "{}",
        home.check_mostly(0, 3_000, 600, TALK.level_db, 1_000)
            .expect("the caller is heard again")
    );
}

#[test]
fn a_bad_network_loses_neither_the_registration_nor_the_call() {
    let world = World::start("relay", RELAYED);
    let weather = Weather {
        lost_percent: 5,
        delay_ms_min: 20,
        delay_ms_max: 60,
    };
    let relay = world.relay(weather);
    let (mut phones, phone) = world.phone(600);
    let (mut carrier, caller) = world.caller(8_000);
    phones.wait_kind(phone, "the phone answers", |kind| {
        matches!(kind, EventKind::Answered { .. })
    });
    carrier.wait_ended(caller);
    world.server.wait_no_calls();
    let (lost, relayed) = relay.counts();
    println!("{lost} datagrams lost, {relayed} relayed");
    assert!(lost > 10 && relayed > 500, "the relay had nothing to do");
    let records = world.server.records(1);
    let record = &records[0];
    println!("{record:#}");
    assert_eq!(record["fate"], "H_UNCODED");
    assert!(
        record["agent_lost"].as_i64().is_some_and(|lost| lost > 0),
        "the loss was not counted"
    );
    assert_heard_soon(&world.server.audio(record), record);
}
