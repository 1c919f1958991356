//! `sipcheck` beside a running server: all is well, and each thing that is not is named.

use crate::connection::{Certificates, NAME};
use crate::server::{Plan, Server};
use serde_json::Value;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The carrier's address; one that nobody has a socket at.
const CARRIER: &str = "127.0.0.98";
const NOBODY: &str = "127.0.0.99";
const SECURE: &str =
    "tls = [\"SERVER_IP:5061\"]\nws = [\"SERVER_IP:8080\"]\nwss = [\"SERVER_IP:8443\"]\n";

/// A carrier that answers everything with 200.
struct Carrier {
    port: u16,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Carrier {
    fn start() -> Self {
        let socket = UdpSocket::bind((CARRIER, 0)).expect("the carrier's socket");
        let port = socket.local_addr().expect("its address").port();
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .expect("a time limit");
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, peer)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
                let copied = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
                let lines = request
                    .lines()
                    .filter(|line| copied.iter().any(|name| line.starts_with(name)));
                let lines: String = lines.map(|line| format!("{line}\r\n")).collect();
                let answer = format!("SIP/2.0 200 OK\r\n{lines}Content-Length: 0\r\n\r\n");
                socket.send_to(answer.as_bytes(), peer).expect("answering");
            }
        });
        Self {
            port,
            is_over,
            thread: Some(thread),
        }
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))) || std::thread::panicking());
    }
}

fn trunk(name: &str, host: &str, port: u16) -> String {
    format!("[[trunk]]\nname = \"{name}\"\nsources = [\"{host}\"]\nhosts = [\"{host}:{port}\"]\n")
}

/// A server, and certificates of [`NAME`].
fn server(name: &'static str, media: &str, trunks: &str) -> Server {
    let folder = std::env::temp_dir().join(format!("hotline111-{name}-tls-{}", std::process::id()));
    let certificates = Certificates::write(&folder);
    Plan::new(name, 1)
        .sip(SECURE)
        .media(media)
        .more(trunks)
        .more(&certificates.section())
        .start()
}

/// The exit code and the report of a command.
fn report(server: &Server, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = server
        .command(arguments)
        .output()
        .expect("starting the command");
    let text = String::from_utf8(output.stdout).expect("the report is text");
    println!("{text}");
    let lines = text.lines();
    let lines = lines.map(|line| serde_json::from_str(line).expect("a line of JSON"));
    (output.status.code(), lines.collect())
}

#[track_caller]
fn assert_line(report: &[Value], what: &str, severity: &str, words: &str) {
    let is_it = |line: &&Value| {
        let text = line.to_string();
        line["what"]
            .as_str()
            .is_some_and(|said| said.starts_with(what))
            && text.contains(words)
    };
    let line = report.iter().find(is_it);
    let line = line.unwrap_or_else(|| panic!("nothing of {what} with {words}: {report:#?}"));
    assert_eq!(line["severity"], severity, "{line}");
    assert!(
        severity == "ok" || line["help"].is_string(),
        "a remedy: {line}"
    );
}

#[test]
fn a_right_edge_is_shown_to_work_and_the_tone_comes_back() {
    let carrier = Carrier::start();
    let server = server("sipcheck", "", &trunk("north", CARRIER, carrier.port));
    let (code, report) = report(
        &server,
        &["sipcheck", "--json", "--name", NAME, "--lang", "en"],
    );
    for listener in ["udp", "tcp", "tls", "ws", "wss"] {
        assert_line(&report, &format!("{listener} "), "ok", "answers OPTIONS");
    }
    assert_line(&report, "server", "ok", "ready");
    assert_line(&report, "certificate of tls", "ok", "right name");
    assert_line(&report, "certificate of wss", "ok", "right name");
    assert_line(&report, "trunk north", "ok", "answers OPTIONS");
    assert_line(&report, "trunk carrier", "unknown", "takes calls in");
    assert_line(&report, "media address", "ok", "");
    assert_line(&report, "media ports", "ok", "ready");
    assert_line(&report, "test call", "ok", "1000 Hz came back");
    assert_line(&report, "from outside", "unknown", "firewalls");
    assert_eq!(code, Some(0));
    server.wait_no_calls();
    assert!(
        server.records_now().is_empty(),
        "decision 16: a test is no call"
    );
}

#[test]
fn what_would_be_silent_refused_or_dead_is_named() {
    // The socket is gone at once: nobody is at this port.
    let port = UdpSocket::bind((NOBODY, 0)).expect("a port").local_addr();
    let port = port.expect("its number").port();
    let advertise = format!("advertise = \"{NOBODY}\"\n");
    let mut server = server("sipcheck-wrong", &advertise, &trunk("south", NOBODY, port));
    let arguments = ["sipcheck", "--json", "--name", "other.test", "--lang", "en"];
    let (code, lines) = report(&server, &arguments);
    assert_line(&lines, "media address", "error", "would be silent");
    assert_line(&lines, "test call", "error", "nothing came back");
    assert_line(&lines, "certificate of tls", "error", "not for other.test");
    assert_line(&lines, "trunk south", "error", "does not answer");
    assert_line(&lines, "udp ", "ok", "answers OPTIONS");
    assert_eq!(code, Some(1));

    let (code, lines) = report(&server, &["check", "--json", "--lang", "en"]);
    let silent = |line: &Value| {
        line["severity"] == "error" && line["text"].to_string().contains("would be silent")
    };
    assert!(lines.iter().any(silent), "{lines:#?}");
    assert_eq!(code, Some(1), "`check` finds it without a call");

    server.terminate();
    server.wait_end(Duration::from_secs(20));
    let (code, lines) = report(&server, &arguments);
    assert_line(&lines, "server", "unknown", "does not run");
    assert_line(&lines, "test call", "unknown", "not made");
    assert_line(&lines, "certificate", "error", "not for other.test");
    assert_eq!(code, Some(1));
}
