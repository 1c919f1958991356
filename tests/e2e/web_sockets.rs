//! WebSockets frame by frame: who may come, who is who, what is refused, and that nobody slow holds anybody up.

use crate::connection::{Certificates, Connection, Frame, NAME, Upgrade, WebSocket};
use crate::phones::Phones;
use crate::process::pause;
use crate::raw::{answer_for, answer_to, header, status};
use crate::server::{PASSWORD, PATIENCE, Plan, SENTINEL, Server, rows};
use hotline_phone::{CallScript, Talk};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// An answer comes at once, or something is wrong.
const SOON: Duration = Duration::from_secs(5);
/// The WebSocket listeners of these tests.
const LISTENERS: &str = "ws = [\"SERVER_IP:8080\"]\nwss = [\"SERVER_IP:8443\"]\norigins = [\"https://desk.example.vn\"]\n";

fn plan(name: &'static str, counsellors: u32) -> Plan {
    let folder = std::env::temp_dir().join(format!("hotline111-{name}-tls-{}", std::process::id()));
    let certificates = Certificates::write(&folder);
    Plan::new(name, counsellors)
        .sip(LISTENERS)
        .more(&certificates.section())
}

fn ws(server: &Server) -> SocketAddr {
    SocketAddr::new(server.net.sip().ip(), 8080)
}

fn connect(server: &Server, upgrade: &Upgrade<'_>) -> Result<WebSocket, String> {
    WebSocket::open(Connection::tcp(ws(server)), upgrade)
}

fn ticket(server: &Server, user: &str) -> String {
    let output = server
        .command(&["user", "ticket", user])
        .output()
        .expect("starting user ticket");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .expect("a ticket is text")
        .trim()
        .to_owned()
}

/// A page that registers.
struct Page<'a> {
    socket: WebSocket,
    server: &'a Server,
    cseq: u32,
}

impl<'a> Page<'a> {
    fn open(server: &'a Server, path: &str) -> Self {
        let upgrade = Upgrade {
            path,
            ..Upgrade::default()
        };
        let socket = connect(server, &upgrade).expect("a WebSocket");
        Self {
            socket,
            server,
            cseq: 0,
        }
    }

    /// The answer to a REGISTER.
    fn register(&mut self, user: &str, more: &str) -> String {
        self.cseq += 1;
        let (cseq, realm) = (self.cseq, self.server.net.sip());
        let local = self.socket.connection.local();
        let text = format!(
            "REGISTER sip:{realm} SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK{local}{cseq}\r\n\
             Max-Forwards: 69\r\nFrom: <sip:{user}@{realm}>;tag=t{cseq}\r\nTo: <sip:{user}@{realm}>\r\n\
             Call-ID: {local}\r\nCSeq: {cseq} REGISTER\r\n\
             Contact: <sip:{user}@df7jal23ls0d.invalid;transport=ws>\r\nExpires: 300\r\n{more}\
             Content-Length: 0\r\n\r\n"
        );
        assert!(self.socket.send(&text), "a REGISTER is sent");
        self.socket.message(SOON).expect("an answer to REGISTER")
    }

    /// The next answer that is no provisional one.
    fn final_answer(&mut self) -> String {
        loop {
            let text = self.socket.message(SOON).expect("an answer");
            if text.starts_with("SIP/2.0 ") && status(&text) >= 200 {
                return text;
            }
        }
    }

    fn register_by_password(&mut self, user: &str) -> String {
        let asked = self.register(user, "");
        assert_eq!(status(&asked), 401, "{asked}");
        let challenge = header(&asked, "WWW-Authenticate").expect("a challenge");
        let answer = answer_to(challenge, user, PASSWORD, self.server.net.sip());
        self.register(user, &format!("Authorization: {answer}\r\n"))
    }
}

fn registered(server: &Server) -> Vec<String> {
    let lines = server.ctl("regs");
    let mut users: Vec<String> = rows(&lines)
        .map(|line| format!("{} {}", line["account"], line["transport"]).replace('"', ""))
        .collect();
    users.sort();
    users
}

#[test]
fn a_page_registers_by_ticket_once_and_by_password() {
    let server = plan("ticket", 2).start();
    let ticket = ticket(&server, "tv01");
    let path = format!("/?ticket={ticket}");
    let mut page = Page::open(&server, &path);
    let other = page.register("tv02", "");
    assert_eq!(status(&other), 401, "the ticket is tv01's: {other}");
    let answer = page.register("tv01", "");
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(registered(&server), ["tv01 ws"]);
    server.wait_agent("tv01", "ready");

    let again = connect(
        &server,
        &Upgrade {
            path: &path,
            ..Upgrade::default()
        },
    );
    let refusal = again.err().expect("a used ticket is refused");
    assert!(refusal.starts_with("HTTP/1.1 403"), "{refusal}");

    let mut secure = {
        let folder =
            std::env::temp_dir().join(format!("hotline111-ticket-tls-{}", std::process::id()));
        let address = SocketAddr::new(server.net.sip().ip(), 8443);
        let connection = Connection::tls(address, &folder.join("authority.pem"));
        let socket = WebSocket::open(connection, &Upgrade::default()).expect("a secure WebSocket");
        Page {
            socket,
            server: &server,
            cseq: 0,
        }
    };
    let answer = secure.register_by_password("tv02");
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(registered(&server), ["tv01 ws", "tv02 wss"]);

    // The socket is the contact: when it goes, the contact goes at once.
    let gone_at = Instant::now();
    drop(page);
    server.wait_ctl("regs", "tv01's contact is gone", |regs| {
        rows(regs).all(|line| line["account"] != "tv01" || line["is_reachable"] == false)
    });
    println!("gone after {:?}", gone_at.elapsed());
    assert!(gone_at.elapsed() < SOON);

    let unknown = server
        .command(&["user", "ticket", "nobody"])
        .output()
        .expect("starting user ticket");
    assert!(!unknown.status.success(), "nobody gets no ticket");
    assert!(
        !server.log().contains(&ticket[..20]),
        "no ticket is in the log"
    );
}

#[test]
fn foreign_pages_and_broken_frames_are_shown_the_door() {
    let server = plan("frames", 1).start();
    let own = format!("http://{NAME}");
    for (origin, protocol, refused) in [
        (Some("https://evil.example"), Some("sip"), Some("403")),
        (Some("null"), Some("sip"), Some("403")),
        (None, None, Some("400")),
        (None, Some("xmpp"), Some("400")),
        (Some("https://desk.example.vn"), Some("xmpp, sip"), None),
        (Some(own.as_str()), Some("sip"), None),
        (None, Some("sip"), None),
    ] {
        let upgrade = Upgrade {
            origin,
            protocol,
            ..Upgrade::default()
        };
        let said = connect(&server, &upgrade)
            .err()
            .map(|head| head.get(9..12).unwrap_or_default().to_owned());
        assert_eq!(said.as_deref(), refused, "{origin:?} {protocol:?}");
    }
    let huge = [
        &[0x81, 0xff][..],
        &(1_u64 << 62).to_be_bytes(),
        &[1, 2, 3, 4],
    ]
    .concat();
    let unmasked = b"\x81\x04\r\n\r\n".to_vec();
    for (what, frame, code) in [
        ("an oversized ping", WebSocket::frame(0x89, &[0; 200]), 1002),
        ("a ping in pieces", WebSocket::frame(0x09, b"x"), 1002),
        ("an absurd length", huge, 1009),
        ("70 KiB", WebSocket::frame(0x81, &[b'x'; 70_000]), 1009),
        ("no mask", unmasked, 1002),
        ("an unknown opcode", WebSocket::frame(0x83, b"x"), 1002),
        ("a reserved bit", WebSocket::frame(0xc1, b"x"), 1002),
        (
            "a text that is none",
            WebSocket::frame(0x81, b"\xff\xfe"),
            1007,
        ),
    ] {
        let mut socket = connect(&server, &Upgrade::default()).expect("a WebSocket");
        let sent_at = Instant::now();
        socket.connection.send(&frame);
        let closed = socket.receive(SOON);
        println!("{what}: {closed:?} after {:?}", sent_at.elapsed());
        assert_eq!(closed, Some(Frame::Close(Some(code))), "{what}");
        assert!(socket.connection.is_ended(SOON), "{what}: closed");
    }
    // A keep-alive is answered, whatever the others do.
    let mut socket = connect(&server, &Upgrade::default()).expect("a WebSocket");
    assert!(socket.send("\r\n\r\n"));
    assert_eq!(socket.message(SOON).as_deref(), Some("\r\n"));
}

/// The next INVITE that comes within `limit`; whatever else comes is left alone.
fn invited(page: &mut Page<'_>, limit: Duration) -> Option<String> {
    let started = Instant::now();
    loop {
        let left = limit.checked_sub(started.elapsed())?;
        let text = page.socket.message(left)?;
        if text.starts_with("INVITE ") {
            return Some(text);
        }
    }
}

#[test]
fn a_page_that_goes_is_no_contact_and_one_that_never_answers_is_out_of_rotation() {
    let server = plan("dead-page", 1).start();
    let mut page = Page::open(&server, "/");
    assert_eq!(status(&page.register_by_password("tv01")), 200);
    server.wait_agent("tv01", "ready");
    let mut trunk = Phones::start(server.net.sip(), server.net.trunk());
    let talk = Talk::new().wait_ms(500).press("1").tone(600, 20);
    let caller = trunk
        .bank
        .call(CallScript::dial("111").from(SENTINEL).talk(talk));
    let offer = invited(&mut page, PATIENCE).expect("the page is rung");
    assert!(offer.contains("a=fingerprint:"), "{offer}");

    // Gone while it rings: the caller waits on at once, and nobody rings a socket that is not there.
    drop(page);
    let gone_at = Instant::now();
    server.wait_calls("waiting", 1);
    println!("the caller waits again after {:?}", gone_at.elapsed());
    assert!(gone_at.elapsed() < SOON);

    // Back again, it is rung at once; failing a second time, by silence, is the end of it.
    let mut page = Page::open(&server, "/");
    assert_eq!(status(&page.register_by_password("tv01")), 200);
    invited(&mut page, PATIENCE).expect("the page is rung again");
    let agent = server.wait_agent("tv01", "not_ready");
    assert_eq!(agent["reason"], "unreachable", "{agent}");
    assert_eq!(invited(&mut page, Duration::from_secs(2)), None);
    server.wait_calls("waiting", 1);
    trunk.bank.hang_up(caller);
    trunk.wait_ended(caller);
    server.wait_no_calls();
    let record = server.records(1).remove(0);
    assert_eq!(record["offers"], 2, "{record:#}");
    assert_eq!(
        record["rona"], 0,
        "a dead page is no choice of the counsellor"
    );
}

/// A call without an offer, from a page: it gets a browser's, and the account proves itself first.
#[test]
fn a_page_that_calls_without_an_offer_gets_a_browser_s() {
    let server = plan("offerless-page", 1).start();
    let mut page = Page::open(&server, "/");
    assert_eq!(status(&page.register_by_password("tv01")), 200);
    let realm = server.net.sip();
    let uri = format!("sip:*43@{realm}");
    let ask = |cseq: u32, more: &str| {
        format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKoffer{cseq}\r\n\
             Max-Forwards: 69\r\nFrom: <sip:tv01@{realm}>;tag=offer\r\nTo: <{uri}>\r\nCall-ID: offerless\r\n\
             CSeq: {cseq} INVITE\r\nContact: <sip:tv01@df7jal23ls0d.invalid;transport=ws>\r\n{more}\
             Content-Length: 0\r\n\r\n"
        )
    };
    assert!(page.socket.send(&ask(1, "")));
    let mut answer = page.final_answer();
    if status(&answer) == 401 {
        let challenge = header(&answer, "WWW-Authenticate").expect("a challenge");
        let credentials = answer_for(("INVITE", &uri), challenge, "tv01", PASSWORD);
        assert!(
            page.socket
                .send(&ask(2, &format!("Authorization: {credentials}\r\n")))
        );
        answer = page.final_answer();
    }
    assert_eq!(status(&answer), 200, "{answer}");
    for line in [
        " UDP/TLS/RTP/SAVPF ",
        "a=fingerprint:sha-256 ",
        "a=setup:actpass",
        "a=ice-lite",
        "a=rtcp-mux",
    ] {
        assert!(answer.contains(line), "{line}: {answer}");
    }
}

/// Reliability bar B5.
#[test]
fn two_hundred_slow_connections_hold_up_nobody_and_go_within_30_s() {
    const SLOW_EACH: usize = 100;
    const GOOD: usize = 40;
    let server = plan("slow", 1).start();
    let mut slow: Vec<(&str, Connection)> = Vec::new();
    let began_at = Instant::now();
    for index in 0..SLOW_EACH {
        let mut tcp = Connection::tcp(server.net.sip());
        tcp.send(b"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK");
        slow.push(("tcp", tcp));
        let mut web = Connection::tcp(ws(&server));
        match index % 3 {
            0 => drop(web.send(b"GET / HTTP/1.1\r\nHost: ")),
            1 => {}
            _ => {
                let mut socket = WebSocket::open(web, &Upgrade::default()).expect("a WebSocket");
                // Half a frame.
                socket
                    .connection
                    .send(&WebSocket::frame(0x81, &[b'x'; 100])[..20]);
                web = socket.connection;
            }
        }
        slow.push(("ws", web));
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..GOOD {
        let at = Instant::now();
        let mut page = Page::open(&server, "/");
        let answer = page.register_by_password("tv01");
        assert_eq!(status(&answer), 200, "{answer}");
        slowest = slowest.max(at.elapsed());
        // The slow ones go on being slow.
        for (_, connection) in &mut slow {
            connection.send(b"x");
        }
        pause(Duration::from_millis(50));
    }
    println!("{GOOD} good registrations beside 200 slow ones, the slowest {slowest:?}");
    assert!(slowest < Duration::from_secs(1));
    let mut kept = 0;
    for (_, connection) in &mut slow {
        let left = Duration::from_secs(30).saturating_sub(began_at.elapsed());
        if !connection.is_ended(left.max(Duration::from_millis(1))) {
            kept += 1;
        }
    }
    println!("after {:?} {kept} of them are left", began_at.elapsed());
    assert_eq!(kept, 0);
}
