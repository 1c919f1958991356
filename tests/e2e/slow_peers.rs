//! Peers that never finish their handshake, never read, or only sit there: calls beside them are set up as always, and
//! those who take nothing are cut.

use crate::connection::NAME;
use crate::process::pause;
use crate::raw::Caller;
use crate::server::SENTINEL;
use crate::ways::{By, Good, Stream, Target, Way};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const DRIPPING: usize = 40;
/// Bytes of each, so that a test that has failed ends.
const DRIPS_MAX: usize = 600;
/// Of each way.
const IDLE: usize = 50;
const CALLS: usize = 8;
/// The bar of B4 is 50 ms; a test asserts five times that, of the middle one.
const ANSWER_MAX: Duration = Duration::from_millis(250);
/// The slowest may have met a busy machine.
const SLOWEST_MAX: Duration = Duration::from_secs(2);
/// A peer that takes nothing is cut within this time, twice the server's limit.
const CUT_WITHIN: Duration = Duration::from_secs(20);
/// More than the kernel and the server hold for one connection.
const QUESTIONS_MAX: usize = 20_000;

/// The first flight of a client of TLS.
fn hello() -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(NAME).expect("a name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a TLS client");
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).expect("writing to memory");
    bytes
}

/// Handshakes byte by byte, until told to stop.
fn drip(addresses: [SocketAddr; 2], is_over: &AtomicBool) {
    let hello = hello();
    let open = |number: usize| TcpStream::connect(addresses[number % 2]).expect("connecting");
    let mut sockets: Vec<TcpStream> = (0..DRIPPING).map(open).collect();
    for byte in hello.iter().cycle().take(DRIPS_MAX) {
        for socket in &mut sockets {
            // The server ends it after ten seconds; that is its right.
            socket.write_all(&[*byte]).ok();
        }
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        pause(Duration::from_millis(50));
    }
}

/// Asks and asks and never listens: how many questions it got rid of, and how long it took until the server had enough.
fn never_reads(mut stream: Stream) -> (usize, Duration) {
    let (socket, transport) = match &stream {
        Stream::Bytes(connection) => (connection.socket(), "TCP"),
        Stream::Frames(socket) => (socket.connection.socket(), "WS"),
    };
    rustix::net::sockopt::set_socket_recv_buffer_size(socket, 4_096).expect("a small buffer");
    socket
        .set_write_timeout(Some(CUT_WITHIN))
        .expect("a time limit");
    // Comes back in each answer, so that few answers fill what the kernel holds.
    let pad = "x".repeat(4_000);
    let began_at = Instant::now();
    let ask = |number: usize| {
        let request = format!(
            "OPTIONS sip:a@{NAME} SIP/2.0\r\nVia: SIP/2.0/{transport} x.invalid;branch=z9hG4bKdeaf{number};pad={pad}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:x@{NAME}>;tag=d\r\nTo: <sip:111@{NAME}>\r\nCall-ID: deaf\r\n\
             CSeq: {number} OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        stream.send(request.as_bytes())
    };
    let asked = (1..QUESTIONS_MAX).map(ask).take_while(|is_sent| *is_sent);
    (asked.count(), began_at.elapsed())
}

#[test]
fn stalled_deaf_and_idle_peers_delay_no_call() {
    let mut target = Target::start("slow-peers");
    let net = target.server.net;
    let at = |port| SocketAddr::new(net.sip().ip(), port);
    let is_over = AtomicBool::new(false);
    let idle: Vec<Stream> = Way::STREAMS
        .iter()
        .flat_map(|way| (0..IDLE).map(|_| target.open(*way)))
        .collect();
    let good = [Way::Tls, Way::Ws].map(|way| target.open(way));
    let deaf = [Way::Tcp, Way::Tls, Way::Ws].map(|way| (way, target.open(way)));
    let mut set_up: Vec<Duration> = Vec::new();
    let mut asked: Vec<Duration> = Vec::new();
    let mut cut = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| drip([at(5061), at(8443)], &is_over));
        let deaf = deaf.map(|(way, stream)| (way, scope.spawn(move || never_reads(stream))));
        let mut good = good.map(|stream| Good {
            by: By::Stream(stream),
            cseq: 0,
        });
        for _ in 0..CALLS {
            let caller = Caller::dial(net.trunk(), net.sip(), "111", SENTINEL);
            set_up.push(caller.answered_at - caller.invited_at);
            caller.stay(Duration::from_millis(100));
            caller.hang_up();
            for good in &mut good {
                let asked_at = Instant::now();
                good.ask(&target.server);
                asked.push(asked_at.elapsed());
            }
            pause(Duration::from_millis(200));
        }
        for (way, deaf) in deaf {
            cut.push((way, deaf.join()));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    for (way, deaf) in cut {
        let (asked, after) = deaf.expect("a deaf peer");
        println!("a peer that never reads, by {way:?}: cut after {asked} questions and {after:?}");
        assert!(asked < QUESTIONS_MAX - 1 && after < CUT_WITHIN, "{way:?}");
    }
    for (what, times) in [
        ("calls", &mut set_up),
        ("questions by TLS and WebSocket", &mut asked),
    ] {
        times.sort();
        let (middle, slowest) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{what} beside them: {middle:?}, {slowest:?} at most");
        assert!(
            middle < ANSWER_MAX && slowest < SLOWEST_MAX,
            "{what}: {times:?}"
        );
    }
    assert_eq!(idle.len(), 4 * IDLE);
    let memory_kib = target.server.program().resident_kib();
    println!("memory {memory_kib} KiB");
}
