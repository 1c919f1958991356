//! A caller made by hand, message by message, who looks at every packet that it gets.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A request's fields that make it one of a series.
static SERIAL: AtomicU32 = AtomicU32::new(1);

/// A SIP line by hand: one UDP socket that speaks to one server.
pub(crate) struct Line {
    socket: UdpSocket,
    serial: u32,
}

impl Line {
    /// At `local`, any port.
    pub(crate) fn open(local: IpAddr, server: SocketAddr) -> Self {
        Self::open_at(SocketAddr::new(local, 0), server)
    }

    /// At an exact address.
    pub(crate) fn open_at(local: SocketAddr, server: SocketAddr) -> Self {
        let socket = UdpSocket::bind(local).expect("binding a line");
        socket.connect(server).expect("naming the peer");
        Self {
            socket,
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Where it lives.
    pub(crate) fn local(&self) -> SocketAddr {
        self.socket.local_addr().expect("a bound socket")
    }

    /// Any bytes.
    pub(crate) fn send(&self, bytes: &[u8]) {
        self.socket.send(bytes).expect("sending a datagram");
    }

    /// A request with this header block (without Via, Call-ID, Max-Forwards, Content-Length) and body.
    pub(crate) fn request(
        &self,
        method: &str,
        uri: &str,
        cseq: u32,
        headers: &str,
        body: &str,
    ) -> String {
        let (local, serial) = (self.local(), self.serial);
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-{serial}-{cseq}-{method}\r\n\
             Max-Forwards: 70\r\nCall-ID: raw-{serial}@{ip}\r\nCSeq: {cseq} {method}\r\n{headers}\
             Content-Length: {length}\r\n\r\n{body}",
            ip = local.ip(),
            length = body.len(),
        )
    }

    /// What comes within `limit`.
    pub(crate) fn receive(&self, limit: Duration) -> Option<String> {
        self.socket
            .set_read_timeout(Some(limit))
            .expect("a time limit");
        let mut buffer = [0; 65_535];
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    /// The final answer to what was sent.
    pub(crate) fn final_answer(&self, limit: Duration) -> Option<String> {
        let started = Instant::now();
        loop {
            let left = limit
                .checked_sub(started.elapsed())
                .filter(|left| !left.is_zero())?;
            let message = self.receive(left)?;
            if message.starts_with("SIP/2.0 ") && !message.starts_with("SIP/2.0 1") {
                return Some(message);
            }
        }
    }
}

/// The server's challenge to a desk phone at `local`, which is not in use at the moment.
///
/// The server names SHA-256 first and MD5 last (RFC 8760 §2.2). SIPp 3.6.1 and baresip 1.0.0 look at the first
/// challenge only and give up ("authentication must use MD5 or AKAv1-MD5"; ENOSYS), although RFC 3261 §22.3 and
/// RFC 8760 §2.4 let a client take the first that it knows. So their credentials are worked out here.
fn challenge(line: &Line, user: &str, server: SocketAddr) -> String {
    let headers = register_headers(line, user, server, "");
    line.send(
        line.request("REGISTER", &format!("sip:{server}"), 1, &headers, "")
            .as_bytes(),
    );
    let answer = line
        .final_answer(Duration::from_secs(5))
        .expect("an answer to REGISTER");
    assert_eq!(status(&answer), 401, "{answer}");
    let algorithms: Vec<&str> = answer
        .lines()
        .filter(|line| line.starts_with("WWW-Authenticate:"))
        .filter_map(|line| line.split("algorithm=").nth(1)?.split(',').next())
        .collect();
    assert_eq!(algorithms, ["SHA-256", "MD5"], "{answer}");
    answer
}

fn register_headers(line: &Line, user: &str, server: SocketAddr, more: &str) -> String {
    let local = line.local();
    format!(
        "From: <sip:{user}@{server}>;tag=reg{}\r\nTo: <sip:{user}@{server}>\r\nContact: <sip:{user}@{local}>\r\n\
         Expires: 300\r\n{more}",
        line.serial
    )
}

/// The value of Authorization for a REGISTER at `server`: digest by the first challenge (RFC 7616).
pub(crate) fn credentials(
    local: SocketAddr,
    user: &str,
    password: &str,
    server: SocketAddr,
) -> String {
    credentials_for(
        ("REGISTER", &format!("sip:{server}")),
        local,
        user,
        password,
        server,
    )
}

/// The same for a request with another method and URI: a challenge asks nobody for what it is.
pub(crate) fn credentials_for(
    request: (&str, &str),
    local: SocketAddr,
    user: &str,
    password: &str,
    server: SocketAddr,
) -> String {
    let line = Line::open_at(local, server);
    let answer = challenge(&line, user, server);
    let challenge = header(&answer, "WWW-Authenticate").expect("a challenge");
    answer_for(request, challenge, user, password)
}

/// The value of Authorization that answers a challenge of a REGISTER.
pub(crate) fn answer_to(challenge: &str, user: &str, password: &str, server: SocketAddr) -> String {
    let uri = format!("sip:{server}");
    answer_for(("REGISTER", &uri), challenge, user, password)
}

/// The same for a request with another method and URI.
pub(crate) fn answer_for(
    (method, uri): (&str, &str),
    challenge: &str,
    user: &str,
    password: &str,
) -> String {
    let field = |name: &str| {
        let (_, rest) = challenge
            .split_once(&format!("{name}=\""))
            .unwrap_or_else(|| panic!("no {name}: {challenge}"));
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let (realm, nonce) = (field("realm"), field("nonce"));
    let a1 = format!("{user}:{realm}:{password}");
    let response = digest(&a1, &format!("{nonce}:00000001:0a4f113b"), method, uri);
    format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", algorithm=SHA-256, \
         response=\"{response}\", qop=auth, cnonce=\"0a4f113b\", nc=00000001"
    )
}

/// RFC 7616 §3.4.1 with SHA-256 and `qop=auth`; `nonces` is nonce, count and cnonce.
fn digest(a1: &str, nonces: &str, method: &str, uri: &str) -> String {
    let hash = |text: String| -> String {
        let sum = Sha256::digest(text.as_bytes());
        sum.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let (ha1, ha2) = (hash(a1.to_owned()), hash(format!("{method}:{uri}")));
    hash(format!("{ha1}:{nonces}:auth:{ha2}"))
}

/// Credentials (RFC 7616 §3.4) that the server sent are those of a user, realm and password.
pub(crate) fn assert_answers(
    credentials: &str,
    method: &str,
    (user, realm, password): (&str, &str, &str),
) {
    let field = |name: &str| {
        let fields = credentials.trim_start_matches("Digest ").split(',');
        let mut values = fields.filter_map(|field| field.trim().split_once('='));
        let found = values.find(|(known, _)| *known == name);
        let (_, value) = found.unwrap_or_else(|| panic!("no {name}: {credentials}"));
        value.trim_matches('"').to_owned()
    };
    assert_eq!(
        (field("username"), field("realm")),
        (user.to_owned(), realm.to_owned())
    );
    let nonces = format!("{}:{}:{}", field("nonce"), field("nc"), field("cnonce"));
    let a1 = format!("{user}:{realm}:{password}");
    assert_eq!(
        field("response"),
        digest(&a1, &nonces, method, &field("uri"))
    );
}

/// Registers for the phone that will be at `local` (RFC 3261 §10.2 lets anybody do that who knows the password).
pub(crate) fn register_for(local: SocketAddr, user: &str, password: &str, server: SocketAddr) {
    let line = Line::open_at(local, server);
    let answer = challenge(&line, user, server);
    let challenge = header(&answer, "WWW-Authenticate").expect("a challenge");
    let authorization = format!(
        "Authorization: {}\r\n",
        answer_to(challenge, user, password, server)
    );
    let headers = register_headers(&line, user, server, &authorization);
    line.send(
        line.request("REGISTER", &format!("sip:{server}"), 2, &headers, "")
            .as_bytes(),
    );
    let answer = line
        .final_answer(Duration::from_secs(5))
        .expect("an answer to REGISTER");
    assert_eq!(status(&answer), 200, "{answer}");
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    answer
        .get(8..11)
        .and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer}"))
}

/// The first header of this name.
pub(crate) fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// An audio packet as it came.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    /// When.
    pub(crate) at: Instant,
    /// Payload type.
    pub(crate) payload_type: u8,
    /// Sequence number.
    pub(crate) sequence: u16,
    /// Timestamp.
    pub(crate) timestamp: u32,
    /// Source of the stream.
    pub(crate) ssrc: u32,
    /// Audio.
    pub(crate) payload: Vec<u8>,
}

/// A call of a caller made by hand: silent, A-law and RFC 4733.
pub(crate) struct Caller {
    /// Its line.
    pub(crate) line: Line,
    server: SocketAddr,
    dialled: String,
    from: String,
    to: String,
    target: String,
    rtp: UdpSocket,
    rtp_to: SocketAddr,
    sequence: u16,
    cseq: u32,
    ear: Option<JoinHandle<Vec<Packet>>>,
    is_over: Arc<AtomicBool>,
    /// When the INVITE left.
    pub(crate) invited_at: Instant,
    /// When the 200 came.
    pub(crate) answered_at: Instant,
}

impl Caller {
    /// Dials and acknowledges; panics unless the answer is a 200.
    pub(crate) fn dial(local: IpAddr, server: SocketAddr, dialled: &str, number: &str) -> Self {
        Self::try_dial(local, server, dialled, number)
            .unwrap_or_else(|answer| panic!("not answered: {answer}"))
    }

    /// Dials; another final answer is the error.
    pub(crate) fn try_dial(
        local: IpAddr,
        server: SocketAddr,
        dialled: &str,
        number: &str,
    ) -> Result<Self, String> {
        Self::try_dial_with(local, server, dialled, number, "")
    }

    /// The same with further lines of its audio in the description.
    pub(crate) fn try_dial_with(
        local: IpAddr,
        server: SocketAddr,
        dialled: &str,
        number: &str,
        more: &str,
    ) -> Result<Self, String> {
        let line = Line::open(local, server);
        let rtp = UdpSocket::bind((local, 0)).expect("binding an audio socket");
        let port = rtp.local_addr().expect("a bound socket").port();
        let from = format!("<sip:{number}@{local}>;tag=raw{}", line.serial);
        let body = format!(
            "v=0\r\no=- 1 1 IN IP4 {local}\r\ns=-\r\nc=IN IP4 {local}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
             a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n{more}"
        );
        let uri = format!("sip:{dialled}@{server}");
        let headers = format!(
            "From: {from}\r\nTo: <{uri}>\r\nContact: <sip:{number}@{}>\r\nContent-Type: application/sdp\r\n",
            line.local()
        );
        let invite = line.request("INVITE", &uri, 1, &headers, &body);
        let invited_at = Instant::now();
        line.send(invite.as_bytes());
        let answer = line
            .final_answer(Duration::from_secs(5))
            .ok_or("no answer at all")?;
        let answered_at = Instant::now();
        let to = header(&answer, "To").unwrap_or_default().to_owned();
        if status(&answer) != 200 {
            let headers = format!("From: {from}\r\nTo: {to}\r\n");
            // RFC 3261 §17.1.1.3: the ACK of a refusal belongs to the INVITE's transaction.
            let ack = line
                .request("ACK", &uri, 1, &headers, "")
                .replace("-1-ACK", "-1-INVITE");
            line.send(ack.as_bytes());
            return Err(answer);
        }
        let contact = header(&answer, "Contact").unwrap_or_default();
        let target = contact
            .trim_start_matches('<')
            .split('>')
            .next()
            .unwrap_or_default()
            .to_owned();
        let audio = answer
            .lines()
            .find_map(|line| line.strip_prefix("m=audio "))
            .unwrap_or_default();
        let port = audio
            .split(' ')
            .next()
            .and_then(|port| port.parse().ok())
            .expect("a media port");
        let rtp_to = SocketAddr::new(server.ip(), port);
        let is_over = Arc::new(AtomicBool::new(false));
        let ear = listen(
            rtp.try_clone().expect("sharing a socket"),
            Arc::clone(&is_over),
        );
        let caller = Self {
            line,
            server,
            dialled: dialled.to_owned(),
            from,
            to,
            target,
            rtp,
            rtp_to,
            sequence: 0,
            cseq: 1,
            ear: Some(ear),
            is_over,
            invited_at,
            answered_at,
        };
        caller.in_dialog("ACK", 1);
        Ok(caller)
    }

    fn in_dialog(&self, method: &str, cseq: u32) {
        let headers = format!("From: {}\r\nTo: {}\r\n", self.from, self.to);
        self.line.send(
            self.line
                .request(method, &self.target, cseq, &headers, "")
                .as_bytes(),
        );
    }

    /// Where the server takes this call's audio.
    pub(crate) fn server_media(&self) -> SocketAddr {
        self.rtp_to
    }

    /// A new offer in the call; gives the final answer, acknowledged.
    pub(crate) fn offer(&mut self, description: &str) -> String {
        self.cseq += 1;
        let (cseq, local) = (self.cseq, self.line.local());
        let headers = format!("From: {}\r\nTo: {}\r\n", self.from, self.to);
        let more = format!("Contact: <sip:x@{local}>\r\nContent-Type: application/sdp\r\n");
        let invite = self.line.request(
            "INVITE",
            &self.target,
            cseq,
            &(headers.clone() + &more),
            description,
        );
        self.line.send(invite.as_bytes());
        let answer = self
            .line
            .final_answer(Duration::from_secs(5))
            .expect("an answer to a new offer");
        let ack = self.line.request("ACK", &self.target, cseq, &headers, "");
        // RFC 3261 §17.1.1.3: the ACK of a refusal belongs to the INVITE's transaction.
        let ack = match status(&answer) {
            200..=299 => ack,
            _ => ack.replace("-ACK\r\n", "-INVITE\r\n"),
        };
        self.line.send(ack.as_bytes());
        answer
    }

    /// What somebody else at `line` gets who has overheard everything: Call-ID, both tags and, for CANCEL, the branch.
    pub(crate) fn forge(&self, line: &Line, method: &str, cseq: u32, more: &str) -> Option<String> {
        let headers = format!(
            "From: {}\r\nTo: {}\r\nContact: <sip:x@{}>\r\n{more}",
            self.from,
            self.to,
            line.local()
        );
        let request = line.request(method, &self.target, cseq, &headers, "");
        let overheard = |serial: u32, ip: IpAddr| format!("Call-ID: raw-{serial}@{ip}\r\n");
        let own = overheard(line.serial, line.local().ip());
        let theirs = overheard(self.line.serial, self.line.local().ip());
        let mut request = request.replace(&own, &theirs);
        if method == "CANCEL" {
            let branch = |serial: u32, method: &str| format!("z9hG4bK-{serial}-{cseq}-{method}");
            let invite = branch(self.line.serial, "INVITE");
            request = request.replace(&branch(line.serial, method), &invite);
        }
        line.send(request.as_bytes());
        line.final_answer(Duration::from_secs(1))
    }

    /// Presses a key by RFC 4733: 100 ms, three end packets.
    pub(crate) fn press(&mut self, event: u8) {
        let timestamp = u32::from(self.sequence) * 160 + 8_000;
        for step in 1..=8_u16 {
            let flags = 10 | if step >= 6 { 0x80 } else { 0 };
            let [high, low] = (step.min(5) * 160).to_be_bytes();
            let mut packet = vec![0x80, if step == 1 { 0x80 | 101 } else { 101 }];
            packet.extend_from_slice(&self.sequence.to_be_bytes());
            packet.extend_from_slice(&timestamp.to_be_bytes());
            packet.extend_from_slice(&[0, 0, 1, 11]);
            packet.extend_from_slice(&[event, flags, high, low]);
            self.rtp
                .send_to(&packet, self.rtp_to)
                .expect("sending a key");
            self.sequence += 1;
        }
    }

    /// Stays on the line and answers what the server asks meanwhile (it asks when no audio comes); says the methods.
    pub(crate) fn stay(&self, length: Duration) -> Vec<String> {
        let end = Instant::now() + length;
        let mut asked = Vec::new();
        while let Some(left) = end
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
        {
            let Some(request) = self
                .line
                .receive(left)
                .filter(|message| !message.starts_with("SIP/2.0 "))
            else {
                continue;
            };
            let method = request.split(' ').next().unwrap_or_default().to_owned();
            assert_ne!(method, "BYE", "the server has hung up");
            let kept = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
            let lines = request
                .lines()
                .filter(|line| kept.iter().any(|name| line.starts_with(name)));
            let headers: String = lines.map(|line| format!("{line}\r\n")).collect();
            self.line
                .send(format!("SIP/2.0 200 OK\r\n{headers}Content-Length: 0\r\n\r\n").as_bytes());
            asked.push(method);
        }
        asked
    }

    /// Hangs up, waits for the 200, and gives everything that was heard.
    pub(crate) fn hang_up(mut self) -> Vec<Packet> {
        self.in_dialog("BYE", self.cseq + 1);
        let answer = self
            .line
            .final_answer(Duration::from_secs(5))
            .unwrap_or_default();
        assert_eq!(
            status(&answer),
            200,
            "BYE of {} at {}",
            self.dialled,
            self.server
        );
        self.is_over.store(true, Ordering::Relaxed);
        self.ear.take().expect("an ear").join().expect("listening")
    }
}

/// Takes packets until told to stop; the kernel's queue is read at once so that the times are good.
fn listen(socket: UdpSocket, is_over: Arc<AtomicBool>) -> JoinHandle<Vec<Packet>> {
    socket
        .set_read_timeout(Some(Duration::from_millis(100)))
        .expect("a time limit");
    std::thread::spawn(move || {
        let mut packets = Vec::new();
        let mut buffer = [0; 2_048];
        while !is_over.load(Ordering::Relaxed) {
            let Ok(length) = socket.recv(&mut buffer) else {
                continue;
            };
            packets.extend(packet_of(&buffer[..length]));
        }
        packets
    })
}

/// A packet that has just come; None when it is too short for RTP.
pub(crate) fn packet_of(bytes: &[u8]) -> Option<Packet> {
    let at = Instant::now();
    let (head, payload) = bytes.split_at_checked(12)?;
    Some(Packet {
        at,
        payload_type: head[1] & 0x7f,
        sequence: u16::from_be_bytes([head[2], head[3]]),
        timestamp: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
        ssrc: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
        payload: payload.to_vec(),
    })
}

/// Gaps between arrivals.
#[derive(Debug)]
pub(crate) struct Gaps {
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    /// Times that the server itself came too late and went on with the clock.
    pub(crate) stalls: usize,
}

/// The bar between two packets.
const STALL_MS: f64 = 40.0;

/// Asserts that packets are one unbroken line: one source, sequence +1, timestamps +160 or, after a
/// stall of the machine, as the clock; says how they came.
pub(crate) fn assert_one_line(packets: &[Packet]) -> Gaps {
    let mut faults = String::new();
    let mut gaps_ms = Vec::with_capacity(packets.len());
    let mut stalls = 0;
    for pair in packets.windows(2) {
        let [before, after] = pair else { continue };
        let gap_ms = after.at.duration_since(before.at).as_secs_f64() * 1_000.0;
        let step = after.timestamp.wrapping_sub(before.timestamp);
        // A machine that stood still for a while: the line goes on where the clock is (RFC 3550 §5.1), not behind it.
        let is_stall =
            step > 160 && gap_ms > STALL_MS && (f64::from(step) / 8.0 - gap_ms).abs() < STALL_MS;
        stalls += usize::from(is_stall);
        let is_next = after.ssrc == before.ssrc
            && after.sequence == before.sequence.wrapping_add(1)
            && (step == 160 || is_stall)
            && after.payload_type == before.payload_type;
        if !is_next {
            let _ = write!(
                faults,
                "\n  {}/{}/{:08x} then {}/{}/{:08x}",
                before.sequence,
                before.timestamp,
                before.ssrc,
                after.sequence,
                after.timestamp,
                after.ssrc
            );
        }
        gaps_ms.push(gap_ms);
    }
    assert!(
        faults.is_empty(),
        "the line of {} packets is broken:{faults}",
        packets.len()
    );
    gaps_ms.sort_by(f64::total_cmp);
    let at = |share: usize| gaps_ms[(gaps_ms.len() - 1) * share / 100];
    Gaps {
        p99_ms: at(99),
        max_ms: at(100),
        stalls,
    }
}
