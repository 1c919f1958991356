//! A counsellor's phone made by hand: registers over a connection, answers, changes its session, is hung up on; its
//! audio is `hand_media`'s.

use crate::connection::{Connection, WebSocket};
use crate::hand_media::Key;
use crate::raw::{answer_to, header, status};
use crate::server::PASSWORD;
use hotline_tests::web::{Credentials, FRAGMENT};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Answers come at once, or something is wrong.
const SOON: Duration = Duration::from_secs(10);
/// What we send with, where keys stand in the descriptions.
pub(crate) const OUR_KEY: Key = *b"thirty bytes of a master key!!";
const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";
const PASSWORD_LETTERS: &str = "hand-made-password-of-ice";

/// Messages over a connection of either kind.
pub(crate) enum Wire {
    Bytes(Connection, Vec<u8>),
    Frames(WebSocket),
}

impl Wire {
    fn send(&mut self, text: &str) {
        let is_sent = match self {
            Wire::Bytes(connection, _) => connection.send(text.as_bytes()),
            Wire::Frames(socket) => socket.send(text),
        };
        assert!(is_sent, "the server has closed the phone's connection");
    }

    fn receive(&mut self, limit: Duration) -> Option<String> {
        let started = Instant::now();
        match self {
            Wire::Frames(socket) => socket.message(limit),
            Wire::Bytes(connection, buffer) => loop {
                if let Some(message) = take(buffer) {
                    return Some(message);
                }
                let left = limit
                    .checked_sub(started.elapsed())
                    .filter(|left| !left.is_zero())?;
                let more = connection.receive(left)?;
                assert!(
                    !more.is_empty(),
                    "the server has closed the phone's connection"
                );
                buffer.extend(more);
            },
        }
    }

    fn local(&self) -> SocketAddr {
        match self {
            Wire::Bytes(connection, _) => connection.local(),
            Wire::Frames(socket) => socket.connection.local(),
        }
    }
}

fn take(buffer: &mut Vec<u8>) -> Option<String> {
    let head_bytes = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&buffer[..head_bytes]).into_owned();
    let body_bytes: usize = header(&head, "Content-Length").and_then(|value| value.parse().ok())?;
    if buffer.len() < head_bytes + body_bytes {
        return None;
    }
    let message: Vec<u8> = buffer.drain(..head_bytes + body_bytes).collect();
    Some(String::from_utf8_lossy(&message).into_owned())
}

/// What is said of protection in a description of ours.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Plain,
    /// The tag of the key that we have chosen.
    Sdes(String),
    /// The fingerprint.
    Web(String),
}

/// A description of ours.
pub(crate) fn describe(
    said: &Said,
    media: SocketAddr,
    version: u32,
    direction: &str,
    setup: &str,
) -> String {
    let (ip, port) = (media.ip(), media.port());
    let mut text = format!("v=0\r\no=- 7 {version} IN IP4 {ip}\r\ns=-\r\n");
    match said {
        Said::Plain => write!(text, "c=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n"),
        Said::Sdes(tag) => write!(
            text,
            "c=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\na=crypto:{tag} {SUITE} inline:{}\r\n",
            base64(&OUR_KEY)
        ),
        Said::Web(fingerprint) => write!(
            text,
            "t=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 8 101\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
             a=rtcp-mux\r\na=ice-ufrag:{FRAGMENT}\r\na=ice-pwd:{PASSWORD_LETTERS}\r\na=setup:{setup}\r\n\
             a=fingerprint:sha-256 {fingerprint}\r\n"
        ),
    }
    .expect("writing to a string");
    text + &format!(
        "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na={direction}\r\n"
    )
}

/// What the server's description says.
pub(crate) struct Offered {
    /// Its media port.
    pub(crate) port: u16,
    /// Tag and key of the suite that we take.
    pub(crate) key: Option<(String, Key)>,
    pub(crate) ice: Credentials,
}

impl Offered {
    pub(crate) fn read(message: &str) -> Self {
        let value = |name: &str| {
            let mut lines = message.lines();
            lines
                .find_map(|line| line.strip_prefix(name))
                .map(str::to_owned)
        };
        let audio = value("m=audio ").expect("an audio line");
        let crypto = message
            .lines()
            .filter_map(|line| line.strip_prefix("a=crypto:"))
            .find(|line| line.contains(SUITE));
        let key = crypto.map(|line| {
            let (tag, rest) = line.split_once(' ').expect("a tag");
            let text = rest.split("inline:").nth(1).expect("a key");
            let bytes = unbase64(text.split('|').next().expect("a key"));
            (tag.to_owned(), bytes.try_into().expect("thirty bytes"))
        });
        Offered {
            port: audio
                .split(' ')
                .next()
                .and_then(|port| port.parse().ok())
                .expect("a port"),
            key,
            ice: Credentials {
                fragment: value("a=ice-ufrag:").unwrap_or_default(),
                password: value("a=ice-pwd:").unwrap_or_default(),
            },
        }
    }
}

/// The phone.
pub(crate) struct HandPhone {
    wire: Wire,
    user: String,
    server: SocketAddr,
    transport: &'static str,
    cseq: u32,
    /// The INVITE that it has answered.
    invite: String,
    tag: String,
}

impl HandPhone {
    /// Registers by password. `transport` as Via writes it.
    pub(crate) fn register(
        wire: Wire,
        transport: &'static str,
        user: &str,
        server: SocketAddr,
    ) -> Self {
        let mut phone = Self {
            wire,
            user: user.to_owned(),
            server,
            transport,
            cseq: 0,
            invite: String::new(),
            tag: format!("hand-{user}"),
        };
        let asked = phone.ask_registration("");
        assert_eq!(status(&asked), 401, "{asked}");
        let challenge = header(&asked, "WWW-Authenticate").expect("a challenge");
        let answer = answer_to(challenge, user, PASSWORD, server);
        let granted = phone.ask_registration(&format!("Authorization: {answer}\r\n"));
        assert_eq!(status(&granted), 200, "{granted}");
        phone
    }

    fn contact(&self) -> String {
        let (user, local, transport) =
            (&self.user, self.wire.local(), self.transport.to_lowercase());
        format!("<sip:{user}@{local};transport={transport}>")
    }

    /// Via and what else each request of ours has.
    fn head(&mut self, method: &str, uri: &str, more: &str) -> String {
        if method != "ACK" {
            self.cseq += 1;
        }
        let (transport, local, cseq, user) =
            (self.transport, self.wire.local(), self.cseq, &self.user);
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{transport} {local};branch=z9hG4bK{user}{method}{cseq};rport\r\n\
             Max-Forwards: 70\r\nCSeq: {cseq} {method}\r\nContact: {}\r\n{more}",
            self.contact()
        )
    }

    fn ask_registration(&mut self, more: &str) -> String {
        let (user, server) = (self.user.clone(), self.server);
        let lines = format!(
            "From: <sip:{user}@{server}>;tag=r\r\nTo: <sip:{user}@{server}>\r\nCall-ID: reg-{user}\r\nExpires: 300\r\n\
             {more}Content-Length: 0\r\n\r\n"
        );
        let request = self.head("REGISTER", &format!("sip:{server}"), &lines);
        self.wire.send(&request);
        self.wire.receive(SOON).expect("an answer to REGISTER")
    }

    /// Waits for a call.
    pub(crate) fn wait_invite(&mut self) -> Offered {
        let invite = self
            .wait_request("INVITE", Duration::from_secs(30))
            .expect("a call");
        let offered = Offered::read(&invite);
        self.invite = invite;
        offered
    }

    /// Takes the call.
    pub(crate) fn answer(&mut self, description: &str) {
        let body = format!(
            "Contact: {}\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{description}",
            self.contact(),
            description.len()
        );
        let invite = self.invite.clone();
        self.reply(&invite, &body);
        self.wait_request("ACK", SOON).expect("an ACK");
    }

    /// A new offer of ours in the call; gives the answer.
    pub(crate) fn change(&mut self, description: &str) -> String {
        let (uri, lines) = self.in_dialog();
        let more = format!(
            "{lines}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{description}",
            description.len()
        );
        let request = self.head("INVITE", &uri, &more);
        self.wire.send(&request);
        let started = Instant::now();
        loop {
            let left = SOON.saturating_sub(started.elapsed());
            let answer = self.wire.receive(left).expect("an answer to a new offer");
            if answer.starts_with("SIP/2.0 1") {
                continue;
            }
            assert_eq!(status(&answer), 200, "{answer}");
            let ack = self.head("ACK", &uri, &format!("{lines}Content-Length: 0\r\n\r\n"));
            self.wire.send(&ack);
            return answer;
        }
    }

    /// Our place in the dialog: where to, and the lines that name it.
    fn in_dialog(&self) -> (String, String) {
        let of = |name| header(&self.invite, name).expect("a header").to_owned();
        let target = of("Contact");
        let uri = target
            .trim_start_matches('<')
            .split('>')
            .next()
            .unwrap_or_default()
            .to_owned();
        let lines = format!(
            "From: {};tag={}\r\nTo: {}\r\nCall-ID: {}\r\n",
            of("To"),
            self.tag,
            of("From"),
            of("Call-ID")
        );
        (uri, lines)
    }

    /// Answers what is asked for so long, and is not hung up on.
    pub(crate) fn stay(&mut self, length: Duration) {
        let hung_up = self.wait_request("BYE", length);
        assert!(hung_up.is_none(), "the server has hung up: {hung_up:?}");
    }

    /// Waits for BYE and answers it.
    pub(crate) fn wait_bye(&mut self) {
        let bye = self
            .wait_request("BYE", Duration::from_secs(30))
            .expect("a BYE");
        self.reply(&bye, "Content-Length: 0\r\n\r\n");
    }

    fn wait_request(&mut self, method: &str, limit: Duration) -> Option<String> {
        let started = Instant::now();
        while let Some(left) = limit
            .checked_sub(started.elapsed())
            .filter(|left| !left.is_zero())
        {
            let Some(message) = self.wire.receive(left) else {
                continue;
            };
            if message.starts_with(method) {
                return Some(message);
            }
            if !message.starts_with("SIP/2.0 ") && !message.starts_with("ACK ") {
                self.reply(&message, "Content-Length: 0\r\n\r\n");
            }
        }
        None
    }

    fn reply(&mut self, request: &str, rest: &str) {
        let kept = ["via:", "from:", "call-id:", "cseq:", "record-route:"];
        let is_kept = |line: &&str| {
            let line = line.to_ascii_lowercase();
            kept.iter().any(|name| line.starts_with(name))
        };
        let head = request.split("\r\n\r\n").next().unwrap_or_default();
        let lines: String = head
            .lines()
            .filter(is_kept)
            .map(|line| format!("{line}\r\n"))
            .collect();
        let to = header(request, "To").expect("a To");
        let tag = if to.contains(";tag=") {
            String::new()
        } else {
            format!(";tag={}", self.tag)
        };
        self.wire
            .send(&format!("SIP/2.0 200 OK\r\n{lines}To: {to}{tag}\r\n{rest}"));
    }
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 §4 of a length that needs no padding.
fn base64(bytes: &[u8; 30]) -> String {
    let groups = bytes.chunks(3).map(|three| {
        let group = three
            .iter()
            .fold(0_usize, |group, byte| group << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[group >> shift & 63]))
    });
    groups.flatten().collect()
}

fn unbase64(text: &str) -> Vec<u8> {
    let value = |letter: u8| {
        LETTERS
            .iter()
            .position(|known| *known == letter)
            .expect("base64")
    };
    let groups = text.as_bytes().chunks(4).map(|four| {
        let group = four
            .iter()
            .fold(0, |group, letter| group << 6 | value(*letter));
        [16, 8, 0].map(|shift| (group >> shift & 255) as u8)
    });
    groups.flatten().collect()
}
