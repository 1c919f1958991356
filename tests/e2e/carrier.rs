//! A carrier made by hand, which is silent, out of order, or takes calls; and the voice of whoever is called over it.

use crate::audio::Audio;
use crate::connection::Identity;
use crate::raw::{header, packet_of};
use hotline_media::g711::{alaw_decode, alaw_encode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::f64::consts::TAU;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a carrier does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Nothing.
    Silent,
    /// Answers OPTIONS; an INVITE gets 503.
    OutOfOrder,
    /// Answers OPTIONS; an INVITE gets 180 and 200 with this media port.
    TakesCalls(u16),
}

/// A carrier's signalling, UDP.
pub(crate) struct Carrier {
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    mood: Mood,
    is_over: bool,
    /// First lines of the requests that came, and when; retransmissions too.
    seen: Vec<(Instant, String)>,
}

const LOOK_UP: Duration = Duration::from_millis(50);
/// Of every tone.
const LEVEL_DB: f64 = -20.0;
const SAMPLES: u32 = 160;

impl Carrier {
    /// At `local`.
    pub(crate) fn start(local: SocketAddr, mood: Mood) -> Self {
        let socket = UdpSocket::bind(local).expect("binding a carrier");
        socket
            .set_read_timeout(Some(LOOK_UP))
            .expect("a time limit");
        let state = Arc::new(Mutex::new(State {
            mood,
            is_over: false,
            seen: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || serve(&socket, &shared));
        Self {
            state,
            thread: Some(thread),
        }
    }

    /// It does this from now on.
    pub(crate) fn becomes(&self, mood: Mood) {
        self.state.lock().expect("a carrier that lives").mood = mood;
    }

    /// When requests of this method came.
    pub(crate) fn seen(&self, method: &str) -> Vec<Instant> {
        let state = self.state.lock().expect("a carrier that lives");
        let of_method = state
            .seen
            .iter()
            .filter(|(_, start)| start.starts_with(method));
        of_method.map(|(at, _)| *at).collect()
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        if let Ok(mut state) = self.state.lock() {
            state.is_over = true;
        }
        if let Some(thread) = self.thread.take() {
            thread.join().expect("a carrier that ends");
        }
    }
}

fn serve(socket: &UdpSocket, state: &Mutex<State>) {
    let mut buffer = [0; 65_535];
    loop {
        let received = socket.recv_from(&mut buffer);
        let mut state = state.lock().expect("a test that lives");
        if state.is_over {
            return;
        }
        let Ok((length, server)) = received else {
            continue;
        };
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let start = text.lines().next().unwrap_or_default().to_owned();
        state.seen.push((Instant::now(), start));
        let local = socket.local_addr().expect("a bound socket");
        for answer in answers(&text, state.mood, local) {
            socket
                .send_to(answer.as_bytes(), server)
                .expect("answering");
        }
    }
}

fn answers(request: &str, mood: Mood, local: SocketAddr) -> Vec<String> {
    let method = request.split(' ').next().unwrap_or_default();
    match (method, mood) {
        ("ACK", _) | (_, Mood::Silent) => Vec::new(),
        ("INVITE", Mood::OutOfOrder) => vec![answer(request, "503 Service Unavailable", "")],
        ("INVITE", Mood::TakesCalls(port)) => {
            let ip = local.ip();
            let description = format!(
                "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n\
                 a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
            );
            let more = format!(
                "Contact: <sip:{local}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{description}",
                description.len()
            );
            vec![
                answer(request, "180 Ringing", ""),
                answer(request, "200 OK", &more),
            ]
        }
        _ => vec![answer(request, "200 OK", "")],
    }
}

/// An answer; `more` is nothing, or headers, an empty line and a body.
fn answer(request: &str, status: &str, more: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        let value = header(request, name).unwrap_or_default();
        let is_untagged = name == "To" && !value.contains("tag=");
        let tag = if is_untagged { ";tag=carrier" } else { "" };
        text.push_str(&format!("{name}: {value}{tag}\r\n"));
    }
    text.push_str(if more.is_empty() {
        "Content-Length: 0\r\n\r\n"
    } else {
        more
    });
    text
}

/// Says a tone to whoever sends audio, and keeps what it hears. A-law.
pub(crate) struct Voice {
    /// Its media port.
    pub(crate) port: u16,
    shared: Arc<Mutex<(bool, Vec<i16>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Voice {
    /// A tone of `hz`.
    pub(crate) fn start(local: IpAddr, hz: f64) -> Self {
        let socket = UdpSocket::bind((local, 0)).expect("binding an audio socket");
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .expect("a time limit");
        let port = socket.local_addr().expect("a bound socket").port();
        let shared = Arc::new(Mutex::new((false, Vec::new())));
        let ear = Arc::clone(&shared);
        let thread = std::thread::spawn(move || talk(&socket, hz, &ear));
        Self {
            port,
            shared,
            thread: Some(thread),
        }
    }

    /// Everything heard so far.
    pub(crate) fn heard(&self) -> Audio {
        let shared = self.shared.lock().expect("a voice that lives");
        Audio::of(vec![shared.1.clone()])
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        if let Ok(mut shared) = self.shared.lock() {
            shared.0 = true;
        }
        if let Some(thread) = self.thread.take() {
            thread.join().expect("a voice that ends");
        }
    }
}

/// Answers each packet with one of its own: the server's clock is the clock of both.
fn talk(socket: &UdpSocket, hz: f64, shared: &Mutex<(bool, Vec<i16>)>) {
    let amplitude = 32_767.0 * 10_f64.powf(LEVEL_DB / 20.0);
    let (mut buffer, mut count) = ([0; 2_048], 0_u32);
    loop {
        let received = socket.recv_from(&mut buffer);
        let mut shared = shared.lock().expect("a test that lives");
        if shared.0 {
            return;
        }
        let Ok((length, server)) = received else {
            continue;
        };
        let Some(packet) = packet_of(&buffer[..length]).filter(|packet| packet.payload_type == 8)
        else {
            continue;
        };
        let samples = packet.payload.iter().map(|code| alaw_decode(*code));
        shared.1.extend(samples);
        let mut reply = vec![0x80, 8];
        reply.extend((count as u16).to_be_bytes());
        reply.extend((count * SAMPLES).to_be_bytes());
        reply.extend(0x1110_0222_u32.to_be_bytes());
        for sample in 0..SAMPLES {
            let phase = TAU * hz * f64::from(count * SAMPLES + sample) / 8_000.0;
            reply.push(alaw_encode((amplitude * phase.sin()) as i16));
        }
        count += 1;
        socket.send_to(&reply, server).expect("speaking");
    }
}

/// A carrier under TLS that answers every request with 200, one connection after the other.
pub(crate) struct TlsCarrier {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    shared: Arc<Mutex<TlsState>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct TlsState {
    is_over: bool,
    asked_for: Option<String>,
}

impl TlsCarrier {
    /// At any port of `local`, with this certificate; clients must show one of `authority`.
    pub(crate) fn start(local: IpAddr, (chain, key): &Identity, authority: &Path) -> Self {
        let listener = TcpListener::bind((local, 0)).expect("binding a carrier");
        let address = listener.local_addr().expect("a bound socket");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = vec![CertificateDer::from_pem_file(chain).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_file(key).expect("a key");
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(authority).expect("the authority"))
            .expect("a root");
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .expect("a verifier");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .expect("a certificate and its key");
        let shared = Arc::new(Mutex::new(TlsState::default()));
        let state = Arc::clone(&shared);
        let config = Arc::new(config);
        let thread = std::thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                if state.lock().expect("a test that lives").is_over {
                    return;
                }
                serve_tls(socket, &config, &state);
            }
        });
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    /// The name in the last client's SNI.
    pub(crate) fn asked_for(&self) -> Option<String> {
        let state = self.shared.lock().expect("a carrier that lives");
        state.asked_for.clone()
    }
}

impl Drop for TlsCarrier {
    fn drop(&mut self) {
        if let Ok(mut state) = self.shared.lock() {
            state.is_over = true;
        }
        // It waits for a connection.
        TcpStream::connect(self.address).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("a carrier that ends");
        }
    }
}

/// Until the client ends it, or the test.
fn serve_tls(socket: TcpStream, config: &Arc<ServerConfig>, state: &Mutex<TlsState>) {
    socket
        .set_read_timeout(Some(LOOK_UP))
        .expect("a time limit");
    let connection = ServerConnection::new(Arc::clone(config)).expect("a TLS server");
    let mut stream = StreamOwned::new(connection, socket);
    let (mut buffer, mut text) = ([0; 16_384], String::new());
    loop {
        let read = stream.read(&mut buffer);
        let mut state = state.lock().expect("a test that lives");
        if let Some(name) = stream.conn.server_name() {
            state.asked_for = Some(name.to_owned());
        }
        match read {
            Ok(length) if length > 0 => text.push_str(&String::from_utf8_lossy(&buffer[..length])),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Ok(_) | Err(_) => return,
        }
        if state.is_over {
            return;
        }
        while let Some(end) = text.find("\r\n\r\n") {
            let request: String = text.drain(..end + 4).collect();
            let answer = answer(&request, "200 OK", "");
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}
