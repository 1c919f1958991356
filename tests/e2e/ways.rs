//! The ways to a running server (UDP, TCP, TLS, WebSockets in the clear and under TLS): a connection of each, and a
//! good question that must be answered beside whatever others send.

use crate::connection::{Certificates, Connection, Frame, Upgrade, WebSocket};
use crate::raw::{Line, header, status};
use crate::server::{Plan, Server};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// An answer that is due comes within this time, or never.
pub(crate) const DUE: Duration = Duration::from_secs(10);
/// Between two looks.
pub(crate) const STEP: Duration = Duration::from_millis(2);

/// Connections are made from here; it is a carrier's address in these tests.
const CARRIER: &str = "[[trunk]]\nname = \"streams\"\nsources = [\"127.0.0.1\"]\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Way {
    pub(crate) const STREAMS: [Way; 4] = [Way::Tcp, Way::Tls, Way::Ws, Way::Wss];

    /// Whether the end of a message must be told by its Content-Length (RFC 3261 §18.3).
    pub(crate) fn is_bytes(self) -> bool {
        match self {
            Way::Tcp | Way::Tls => true,
            Way::Udp | Way::Ws | Way::Wss => false,
        }
    }
}

/// A server that listens for each way.
pub(crate) struct Target {
    pub(crate) server: Server,
    authority: PathBuf,
}

impl Target {
    pub(crate) fn start(name: &'static str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("hotline111-{name}-pem-{}", std::process::id()));
        let certificates = Certificates::write(&folder);
        let listeners =
            "tls = [\"SERVER_IP:5061\"]\nws = [\"SERVER_IP:8080\"]\nwss = [\"SERVER_IP:8443\"]\n";
        let server = Plan::new(name, 1)
            .sip(listeners)
            .more(&certificates.section())
            .more(CARRIER)
            .start();
        Target {
            server,
            authority: certificates.authority,
        }
    }

    /// A connection of this way; by UDP there is none, and TCP stands for it.
    pub(crate) fn open(&self, way: Way) -> Stream {
        let at = |port| SocketAddr::new(self.server.net.sip().ip(), port);
        let upgrade =
            |connection| WebSocket::open(connection, &Upgrade::default()).expect("a WebSocket");
        match way {
            Way::Udp | Way::Tcp => Stream::Bytes(Connection::tcp(at(5060))),
            Way::Tls => Stream::Bytes(Connection::tls(at(5061), &self.authority)),
            Way::Ws => Stream::Frames(upgrade(Connection::tcp(at(8080)))),
            Way::Wss => Stream::Frames(upgrade(Connection::tls(at(8443), &self.authority))),
        }
    }
}

pub(crate) enum Stream {
    Bytes(Connection),
    Frames(WebSocket),
}

/// What became of a message on a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// The first final answer.
    pub(crate) status: Option<u16>,
    pub(crate) is_closed: bool,
}

impl Stream {
    /// False when the server has closed; that is seen when we listen, too.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        match self {
            Stream::Bytes(connection) => connection.send(bytes),
            // RFC 7118 §5: text where it is UTF-8.
            Stream::Frames(socket) => {
                let first = if std::str::from_utf8(bytes).is_ok() {
                    0x81
                } else {
                    0x82
                };
                socket.connection.send(&WebSocket::frame(first, bytes))
            }
        }
    }

    /// Listens until `is_enough` or for `limit`.
    pub(crate) fn listen(
        &mut self,
        heard: &mut Heard,
        limit: Duration,
        is_enough: impl Fn(Heard) -> bool,
    ) {
        let started = Instant::now();
        while !is_enough(*heard) && !heard.is_closed && started.elapsed() < limit {
            let text = match self {
                Stream::Bytes(connection) => match connection.receive(STEP) {
                    None => continue,
                    Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                },
                Stream::Frames(socket) => match socket.receive(STEP) {
                    None | Some(Frame::Ping) => continue,
                    Some(Frame::Close(_)) => String::new(),
                    Some(Frame::Message(text)) => text,
                },
            };
            heard.is_closed = text.is_empty();
            heard.status = heard.status.or_else(|| final_status(&text));
        }
    }
}

pub(crate) fn final_status(text: &str) -> Option<u16> {
    let answers = text.lines().filter(|line| line.starts_with("SIP/2.0 "));
    answers.map(status).find(|status| *status >= 200)
}

/// A good question, again and again, on one line or connection that nothing may disturb.
pub(crate) struct Good {
    pub(crate) by: By,
    pub(crate) cseq: u32,
}

pub(crate) enum By {
    Line(Line),
    Stream(Stream),
}

impl Good {
    /// Asks and waits for the 200: what was sent before has been read by then.
    pub(crate) fn ask(&mut self, server: &Server) {
        self.cseq += 1;
        let (sip, cseq) = (server.net.sip(), self.cseq);
        match &mut self.by {
            By::Line(line) => {
                let headers = format!("From: <sip:x@{sip}>;tag=g\r\nTo: <sip:111@{sip}>\r\n");
                let request = line.request("OPTIONS", &format!("sip:{sip}"), cseq, &headers, "");
                line.send(request.as_bytes());
                let answer = line.final_answer(DUE).expect("a good question is answered");
                assert_eq!(status(&answer), 200, "{answer}");
                assert_eq!(
                    header(&answer, "CSeq"),
                    Some(format!("{cseq} OPTIONS").as_str())
                );
            }
            By::Stream(stream) => {
                let request = format!(
                    "OPTIONS sip:{sip} SIP/2.0\r\nVia: SIP/2.0/TCP x.invalid;branch=z9hG4bKgood{cseq}\r\n\
                     Max-Forwards: 70\r\nFrom: <sip:x@{sip}>;tag=g\r\nTo: <sip:111@{sip}>\r\nCall-ID: good\r\n\
                     CSeq: {cseq} OPTIONS\r\nContent-Length: 0\r\n\r\n"
                );
                stream.send(request.as_bytes());
                let mut heard = Heard::default();
                stream.listen(&mut heard, DUE, |heard| heard.status.is_some());
                assert_eq!(
                    heard.status,
                    Some(200),
                    "a good question beside the bad ones: {heard:?}"
                );
            }
        }
    }
}
