//! Strangers at the media ports of living calls (reliability.md B3): in each phase, with all that they can send, at a
//! plain leg, one with keys out of the descriptions, and a browser's; and what our own media never goes to.

use crate::audio::{CALLER_HEARS, CALLER_SAYS, Span, TALK};
use crate::connection::{Certificates, Connection, Upgrade, WebSocket};
use crate::hand_media::{Media, Protection, Report, SSRC, Shared, context, rtp, tone};
use crate::hand_phone::{HandPhone, Said, Wire, describe};
use crate::phones::Phones;
use crate::process::{pause, wait_until};
use crate::raw::{Caller, Line, status};
use crate::server::{PATIENCE, Plan, SENTINEL, Server, rows};
use hotline_phone::{CallScript, Talk};
use hotline_tests::web::{Credentials, Handshake, uninvited_hello};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const TURN: Duration = Duration::from_millis(20);
/// The strangers are first at the port by so much; and again after the answer, before the phone's first word.
const FIRST: Duration = Duration::from_millis(300);
/// Rule M gives a phone 600 ms to say its first word; machines of tests stand still at times.
const RACE: Duration = Duration::from_millis(200);
const TALKING: Duration = Duration::from_millis(2_500);
/// Longer than rule M's probation.
const HELD: Duration = Duration::from_millis(1_000);
/// What strangers say.
const STRANGER_HZ: u32 = 1_500;
/// The bar is a second; a test asserts five times that.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);
const LISTENERS: &str = "tls = [\"SERVER_IP:5061\"]\nws = [\"SERVER_IP:8080\"]\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Sdes,
    Web,
}

/// Somebody who sends all that there is to a port, and should get nothing.
struct Strangers {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<(usize, usize)>,
}

impl Strangers {
    /// From a host of their own, and from two ports of the phone's own host: one that sends clean audio only.
    fn start(target: SocketAddr, far: IpAddr, near: IpAddr, ice: Credentials) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let open = |ip| {
                let socket = UdpSocket::bind((ip, 0)).expect("a stranger's socket");
                socket.set_nonblocking(true).expect("not waiting");
                socket
            };
            let (speaker, others) = (open(near), [open(far), open(near)]);
            let rubbish = Rubbish::new(&ice);
            let (mut sent, mut got, mut buffer) = (0, 0, [0; 2_048]);
            let mut next = Instant::now();
            for round in 0_u16.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                speaker
                    .send_to(&rtp(round, 0x0999_0999, &rubbish.loud), target)
                    .ok();
                for (socket, is_far) in others.iter().zip([true, false]) {
                    for datagram in rubbish.round(round, is_far) {
                        sent += usize::from(socket.send_to(&datagram, target).is_ok());
                    }
                    let control = SocketAddr::new(target.ip(), target.port() + 1);
                    for report in rubbish.reports(is_far) {
                        sent += usize::from(socket.send_to(&report, control).is_ok());
                    }
                }
                for socket in others.iter().chain([&speaker]) {
                    while let Ok(_length) = socket.recv(&mut buffer) {
                        got += 1;
                    }
                }
                next += TURN;
                pause(next.saturating_duration_since(Instant::now()));
            }
            (sent, got)
        });
        Self { is_over, thread }
    }

    /// Datagrams sent, and got.
    fn stop(self) -> (usize, usize) {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().expect("a stranger")
    }
}

/// What strangers know how to make.
struct Rubbish {
    loud: Vec<u8>,
    hello: Vec<u8>,
    check: Vec<u8>,
}

impl Rubbish {
    fn new(ice: &Credentials) -> Self {
        let guessed = Credentials {
            password: "guessed".to_owned(),
            ..ice.clone()
        };
        Self {
            loud: tone(STRANGER_HZ),
            hello: uninvited_hello(),
            check: Handshake::generate().check(&guessed),
        }
    }

    fn round(&self, round: u16, is_far: bool) -> Vec<Vec<u8>> {
        let sealed = context(&[9; 30])
            .encrypt_rtp(&rtp(round, SSRC, &self.loud))
            .expect("sealing")
            .to_vec();
        let mut all = vec![
            rtp(round, 0x0666_0666, &self.loud),
            sealed,
            self.check.clone(),
            self.hello.clone(),
            // A fatal alert and a close, epoch 0.
            vec![21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40],
            vec![21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0],
            vec![255; 60],
            vec![0x80; 5],
            Vec::new(),
        ];
        if is_far {
            all.push(rtp(1_000 + round, SSRC, &self.loud));
        }
        all.extend(self.reports(is_far));
        all
    }

    /// A sender report and a goodbye, as by nobody and as by the phone. From another host even the right SSRC proves
    /// nothing; from the phone's own, rule M takes it for a NAT that has changed its mind.
    fn reports(&self, is_far: bool) -> Vec<Vec<u8>> {
        let of = |ssrc: u32| {
            let mut report = vec![0x80, 200, 0, 6];
            report.extend(ssrc.to_be_bytes());
            report.extend([0x11; 20]);
            let mut goodbye = vec![0x81, 203, 0, 1];
            goodbye.extend(ssrc.to_be_bytes());
            [report, goodbye]
        };
        let known = is_far.then(|| of(SSRC));
        of(0x0666_0666)
            .into_iter()
            .chain(known.into_iter().flatten())
            .collect()
    }
}

/// Sends the phone's own packets again, as they were, from elsewhere and from its own host.
fn replay(shared: &Shared, target: SocketAddr, far: IpAddr, near: IpAddr) -> usize {
    let copies = shared.copied.lock().expect("the copies").clone();
    let sockets = [far, near].map(|ip| UdpSocket::bind((ip, 0)).expect("a copier's socket"));
    for datagram in &copies {
        for socket in &sockets {
            socket.send_to(datagram, target).expect("sending a copy");
        }
    }
    let answered = |socket: &UdpSocket| {
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("a time limit");
        socket.recv(&mut [0; 2_048]).is_ok()
    };
    sockets.iter().filter(|socket| answered(socket)).count()
}

fn wire(server: &Server, kind: Kind, authority: &Path) -> (Wire, &'static str) {
    let at = |port| SocketAddr::new(server.net.sip().ip(), port);
    match kind {
        Kind::Plain => (
            Wire::Bytes(Connection::tcp(server.net.sip()), Vec::new()),
            "TCP",
        ),
        Kind::Sdes => (
            Wire::Bytes(Connection::tls(at(5061), authority), Vec::new()),
            "TLS",
        ),
        Kind::Web => {
            let socket = WebSocket::open(Connection::tcp(at(8080)), &Upgrade::default());
            (Wire::Frames(socket.expect("a WebSocket")), "WS")
        }
    }
}

/// A counsellor's whole call with strangers at the port from before the answer until after the end.
fn talk(
    server: &Server,
    kind: Kind,
    phone: &mut HandPhone,
    local: IpAddr,
    is_said: impl Fn(),
) -> Report {
    let far = server.net.stranger();
    let offered = phone.wait_invite();
    let target = SocketAddr::new(server.net.sip().ip(), offered.port);
    assert_eq!(offered.port % 2, 0, "an even port");
    let strangers = Strangers::start(target, far, local, offered.ice.clone());
    phone.stay(FIRST);

    let socket = Media::bind(local);
    let address = socket.local_addr().expect("a bound socket");
    let (said, protection) = match (kind, offered.key) {
        (Kind::Plain, _) => (Said::Plain, Protection::Plain),
        (Kind::Sdes, Some((tag, theirs))) => {
            let ours = crate::hand_phone::OUR_KEY;
            (Said::Sdes(tag), Protection::Sdes { ours, theirs })
        }
        (Kind::Sdes, None) => panic!("a phone on TLS is offered keys"),
        (Kind::Web, _) => {
            let handshake = Handshake::generate();
            let said = Said::Web(handshake.fingerprint.clone());
            (said, Protection::Web(Box::new(handshake), offered.ice))
        }
    };
    phone.answer(&describe(&said, address, 1, "sendrecv", "active"));
    let media = Media::start(socket, target, protection, TALK.counsellor_hz);
    phone.stay(RACE);
    media.speak(true);
    phone.stay(TALKING / 2);
    let mut answered = replay(&media.shared, target, far, local);
    phone.stay(TALKING / 2);

    media.speak(false);
    phone.change(&describe(&said, address, 2, "inactive", "actpass"));
    phone.stay(HELD);
    answered += replay(&media.shared, target, far, local);
    phone.change(&describe(&said, address, 3, "sendrecv", "actpass"));
    phone.stay(RACE);
    media.speak(true);
    phone.stay(TALKING);
    answered += replay(&media.shared, target, far, local);
    is_said();
    phone.wait_bye();
    let ended_at = Instant::now();
    let report = media.stop();
    let closed_after = closed_after(target, far, ended_at);
    let (sent, got) = strangers.stop();
    println!(
        "{kind:?}: {sent} datagrams of strangers, {got} and {answered} answers, closed after {closed_after:?}"
    );
    assert_eq!((got, answered), (0, 0), "{kind:?}: nothing bleeds");
    report
}

/// Until both ports are closed: then the kernel says so (RFC 1122 §4.1.3.1).
fn closed_after(target: SocketAddr, from: IpAddr, since: Instant) -> Duration {
    for port in [target.port(), target.port() + 1] {
        let socket = UdpSocket::bind((from, 0)).expect("a socket");
        socket
            .connect((target.ip(), port))
            .expect("naming the port");
        wait_until(CLOSED_WITHIN, "the media port is closed", || {
            socket
                .set_read_timeout(Some(Duration::from_millis(20)))
                .expect("a time limit");
            let sent = socket
                .send(b"x")
                .err()
                .or_else(|| socket.recv(&mut [0; 16]).err());
            sent.filter(|error| error.kind() == ErrorKind::ConnectionRefused)
        });
    }
    since.elapsed()
}

/// What the server counts of datagrams that it did not take.
fn dropped(server: &Server, reason: &str) -> u64 {
    let (status, metrics) = server.http("/metrics");
    assert_eq!(status, 200);
    let name = format!("hotline_media_dropped_total{{reason=\"{reason}\"}} ");
    let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
    value
        .and_then(|value| value.parse::<f64>().ok())
        .expect("a count") as u64
}

#[test]
fn strangers_at_the_media_ports_of_plain_sdes_and_web_legs_hear_and_say_nothing_at_any_moment() {
    let folder = std::env::temp_dir().join(format!("hotline111-media-pem-{}", std::process::id()));
    let certificates = Certificates::write(&folder);
    let server = Plan::new("media-strangers", 3)
        .sip(LISTENERS)
        .more(&certificates.section())
        .start();
    let kinds = [
        (Kind::Plain, "tv01"),
        (Kind::Sdes, "tv02"),
        (Kind::Web, "tv03"),
    ];
    let mut phones: Vec<HandPhone> = kinds
        .iter()
        .map(|(kind, user)| {
            let (wire, transport) = wire(&server, *kind, &certificates.authority);
            HandPhone::register(wire, transport, user, server.net.sip())
        })
        .collect();
    server.wait_agents("ready", kinds.len());
    let mut carrier = Phones::start(server.net.sip(), server.net.trunk());
    let speech = Talk::new().wait_ms(500).press("1").tone(TALK.caller_hz, 20);
    let script = CallScript::dial("111").from(SENTINEL).talk(speech);
    let callers = kinds.map(|_| carrier.bank.call(script.clone()));

    let (tell, told) = std::sync::mpsc::channel();
    let reports: Vec<Report> = std::thread::scope(|scope| {
        let talks: Vec<_> = phones
            .iter_mut()
            .zip(kinds)
            .zip(1_u8..)
            .map(|((phone, (kind, _)), desk)| {
                let (server, tell) = (&server, tell.clone());
                let local = server.net.desk(desk);
                scope.spawn(move || {
                    talk(server, kind, phone, local, || {
                        tell.send(()).expect("the test waits")
                    })
                })
            })
            .collect();
        drop(tell);
        // A talk that failed tells nothing.
        let said = told.iter().take(kinds.len()).count();
        for caller in callers {
            carrier.bank.hang_up(caller);
        }
        let reports = talks
            .into_iter()
            .map(|talk| talk.join().expect("a talk"))
            .collect();
        assert_eq!(said, kinds.len());
        reports
    });
    for caller in callers {
        carrier.wait_ended(caller);
    }
    server.wait_no_calls();
    let records = server.records(kinds.len());
    for (report, (kind, user)) in reports.iter().zip(kinds) {
        let record = rows_of(&records, user);
        let (heard, missing) = report.count();
        println!(
            "{kind:?}: sent {}, the server took {}, {heard} came back, {missing} missing, {} foreign",
            report.sent, record["agent_received"], report.foreign
        );
        assert_eq!(record["fate"], "H_UNCODED");
        assert_eq!(
            (&record["agents_lost"], &record["ended_by"]),
            (&0.into(), &"caller".into())
        );
        let taken = record["agent_received"].as_u64().expect("a count");
        assert!(
            taken * 100 >= report.sent * 95 && taken <= report.sent,
            "{taken} of {}",
            report.sent
        );
        assert!(missing * 20 <= heard, "{missing} missing beside {heard}");
        assert_eq!(
            report.foreign, 0,
            "{kind:?}: only the server speaks to the phone"
        );
        let figures =
            report
                .audio()
                .check_mostly(0, 1_500, TALK.caller_hz, TALK.level_db, STRANGER_HZ);
        println!("the phone hears {}", figures.expect("the caller is heard"));
        let recording = server.audio(record);
        for (channel, hz) in [
            (CALLER_SAYS, TALK.caller_hz),
            (CALLER_HEARS, TALK.counsellor_hz),
        ] {
            let figures = recording.check_mostly(channel, 1_500, hz, TALK.level_db, STRANGER_HZ);
            println!(
                "channel {channel}: {}",
                figures.expect("the tone of this side alone")
            );
            let strange = (0..recording.length_ms().saturating_sub(100))
                .step_by(50)
                .filter(|at| {
                    (recording.tone(channel, Span::At(*at, 100), STRANGER_HZ) - TALK.level_db).abs()
                        < 3.0
                });
            assert_eq!(
                strange.count(),
                0,
                "{kind:?}: a stranger is heard on channel {channel}"
            );
        }
    }
    let (foreign, unauthentic) = (dropped(&server, "foreign"), dropped(&server, "unauthentic"));
    println!("counted: {foreign} foreign, {unauthentic} not made with the keys");
    assert!(foreign > 1_000 && unauthentic > 100);
    let alarms = server.log_lines("strangers send to a media port");
    assert!(alarms.len() >= kinds.len(), "{alarms:?}");
}

fn rows_of<'a>(records: &'a [serde_json::Value], user: &str) -> &'a serde_json::Value {
    let mut found = records.iter().filter(|record| record["agent"] == user);
    found.next().expect("a record of each counsellor")
}

/// Nothing of ours is aimed at groups, services, or ourselves: not by a first offer, not by a later one.
#[test]
fn offers_that_aim_our_audio_at_others_or_ourselves_are_refused() {
    let server = Plan::new("targets", 1)
        .media("ports = \"20000-20999\"\n")
        .start();
    let net = server.net;
    let (trunk, own) = (net.trunk(), net.sip().ip());
    let victim = UdpSocket::bind((trunk, 53)).expect("a name server's port");
    let describe = |ip: &str, port: u16| {
        format!(
            "v=0\r\no=- 1 1 IN IP4 {trunk}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"
        )
    };
    let mut caller = Caller::dial(trunk, net.sip(), "111", SENTINEL);
    server.wait_calls("menu", 1);
    let own_port = caller.server_media().port();
    let (here, there) = (own.to_string(), trunk.to_string());
    for (ip, port) in [
        ("255.255.255.255", 4_000),
        ("224.0.0.1", 4_000),
        ("239.255.0.1", 4_000),
        ("240.0.0.1", 4_000),
        (&there, 53),
        (&there, 123),
        (&here, 5_060),
        (&here, own_port),
        (&here, 20_500),
    ] {
        let line = Line::open(trunk, net.sip());
        let headers = format!(
            "From: <sip:{SENTINEL}@{trunk}>;tag=t{port}\r\nTo: <sip:111@{own}>\r\nContact: <sip:x@{}>\r\n\
             Content-Type: application/sdp\r\n",
            line.local()
        );
        let invite = line.request(
            "INVITE",
            &format!("sip:111@{own}"),
            1,
            &headers,
            &describe(ip, port),
        );
        line.send(invite.as_bytes());
        let answer = line.final_answer(PATIENCE).expect("an answer");
        assert_eq!(status(&answer), 488, "{ip}:{port}: {answer}");
        let later = caller.offer(&describe(ip, port));
        assert_eq!(status(&later), 488, "{ip}:{port} in the call: {later}");
    }
    let calls = server.ctl("calls");
    assert_eq!(
        rows(&calls).count(),
        1,
        "the call goes on, and there is no other: {calls}"
    );
    victim.set_nonblocking(true).expect("not waiting");
    caller.stay(Duration::from_millis(800));
    let heard = caller.hang_up();
    assert!(heard.len() > 20, "{} packets", heard.len());
    assert!(
        victim.recv(&mut [0; 16]).is_err(),
        "nothing has come to port 53"
    );
    server.wait_no_calls();
}
