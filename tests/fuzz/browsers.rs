//! What comes at a browser's leg and its WebSocket: checks of ICE, records of DTLS, sealed packets, upgrades, frames.

use crate::harness::fuzz;
use hotline_media::LegId;
use hotline_media::browser::{self, BrowserPlan, Guard, Identity, Incoming, Remote};
use hotline_media::sdp::{self, Capabilities};
use hotline_tests::web::{Credentials, FRAGMENT, Handshake};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, accept_with_config};

const LEG: LegId = 7;
/// Inputs that one guard meets.
const GUARD_INPUTS: u64 = 250;
/// Datagrams of the longest handshake, by far.
const FLIGHTS: usize = 20;

/// A guard and the browser behind it, in talk or in the middle of the handshake.
struct Pair {
    guard: Guard,
    handshake: Handshake,
    theirs: Credentials,
    is_in_talk: bool,
}

fn browser_address() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], 5_000))
}

impl Pair {
    fn new(identity: &Arc<Identity>, rounds: usize) -> Self {
        let local = identity.credentials(LEG).expect("credentials");
        let theirs = Credentials {
            fragment: local.fragment.clone(),
            password: password(identity),
        };
        let handshake = Handshake::generate();
        let remote = Remote {
            fragment: FRAGMENT.to_owned(),
            fingerprint: handshake.hash,
            is_passive: false,
        };
        let plan = BrowserPlan {
            local,
            remote: Some(remote),
        };
        let mut pair = Self {
            guard: Guard::new(identity.clone(), plan),
            handshake,
            theirs,
            is_in_talk: false,
        };
        let check = pair.handshake.check(&pair.theirs);
        let (incoming, answers) = pair.give(&check, browser_address());
        assert_eq!((incoming, answers.len()), (Incoming::Done, 1));
        pair.handshake.begin();
        for _ in 0..rounds {
            for datagram in pair.handshake.flight() {
                let (_, answers) = pair.give(&datagram, browser_address());
                for answer in answers {
                    pair.is_in_talk |= pair.handshake.hear(&answer).is_some();
                }
            }
        }
        assert_eq!(pair.is_in_talk, rounds == FLIGHTS);
        pair
    }

    fn give(&mut self, datagram: &[u8], source: SocketAddr) -> (Incoming, Vec<Vec<u8>>) {
        let mut answers = Vec::new();
        let incoming = self
            .guard
            .receive(Instant::now(), source, datagram, |bytes, target| {
                assert_eq!(target, browser_address(), "nothing goes astray");
                answers.push(bytes.to_vec());
            });
        (incoming, answers)
    }
}

/// The password is told to the browser alone, in a description.
fn password(identity: &Identity) -> String {
    let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let random = [7; sdp::RANDOM_BYTES];
    let credentials = identity.credentials(LEG).expect("credentials");
    let local = browser::Local {
        identity,
        credentials: &credentials,
        plain: sdp::Local::first((address, 20_000), LEG, &random),
    };
    let offer = browser::offer(&Capabilities::default(), &local).expect("an offer");
    let text = String::from_utf8(offer).expect("a description is text");
    let password = text
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-pwd:"));
    password.expect("a password").to_owned()
}

/// From a stranger, from the browser's own address, and as attributes of a check that is genuine otherwise.
#[test]
fn browser_datagrams() {
    let identity = Arc::new(Identity::generate().expect("a certificate"));
    let (mut pair, mut number) = (Pair::new(&identity, FLIGHTS), 0_u64);
    let stranger = SocketAddr::from(([203, 0, 113, 66], 666));
    fuzz(
        "browser",
        &["\u{16}", "\0\u{6}\0\u{4}", "\0\u{8}\0\u{14}", "\u{1}\0\0"],
        |bytes| {
            number += 1;
            if number.is_multiple_of(GUARD_INPUTS) {
                // In talk, after the first hello, and when we have said all and wait for the browser's certificate.
                let rounds = [FLIGHTS, 1, 2][(number / GUARD_INPUTS % 3) as usize];
                pair = Pair::new(&identity, rounds);
            }
            let (incoming, answers) = pair.give(bytes, stranger);
            assert_eq!(
                (incoming, answers.len()),
                (Incoming::Foreign, 0),
                "a stranger gets no word"
            );
            let check = pair.handshake.check_with(&pair.theirs, bytes);
            let (of_check, _) = pair.give(&check, browser_address());
            let (incoming, answers) = pair.give(bytes, browser_address());
            for incoming in [&of_check, &incoming] {
                assert!(
                    !matches!(incoming, Incoming::Clear(_)),
                    "nobody else has the keys"
                );
            }
            assert!(answers.len() <= FLIGHTS, "{} answers", answers.len());
            if pair.is_in_talk {
                let said = pair.guard.protect(&[0x80; 172], false);
                assert!(
                    said.is_some_and(|(_, target)| target == browser_address()),
                    "the talk goes on"
                );
            }
            let kind = bytes.first().map_or(0, |first| u64::from(*first));
            kind << 16
                | (answers.len() as u64) << 8
                | u64::from(of_check == Incoming::Done) << 1
                | u64::from(pair.is_in_talk)
        },
    );
}

/// What a client sends, and nowhere for the answers.
struct Client<'a>(&'a [u8], bool);

impl Read for Client<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        // The request first: who says more before it is answered is refused.
        let request = self.0.windows(4).position(|four| four == b"\r\n\r\n");
        let piece = request.filter(|_| !std::mem::replace(&mut self.1, true));
        let length = piece.map_or(self.0.len(), |at| at + 4).min(buffer.len());
        match self.0.read(&mut buffer[..length]) {
            Ok(0) => Err(ErrorKind::WouldBlock.into()),
            read => read,
        }
    }
}

impl Write for Client<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const MESSAGE_BYTES_MAX: usize = 65_536;
/// Messages of one input that are looked at.
const MESSAGES_MAX: usize = 64;

/// The upgrade and the frames behind it, with the limits of the server.
#[test]
fn web_sockets() {
    let config = WebSocketConfig::default()
        .read_buffer_size(4_096)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let words = [
        "Sec-WebSocket-Key: ",
        "Upgrade: websocket\r\n",
        "Origin: https://x\r\n",
        "\r\n\r\n",
        "\u{1}",
        "\u{7f}",
    ];
    fuzz("web_socket", &words, |bytes| {
        let Ok(mut socket) = accept_with_config(Client(bytes, false), Some(config)) else {
            return 0;
        };
        let mut behaviour = 1_u64;
        for _ in 0..MESSAGES_MAX {
            let kind = match socket.read() {
                Ok(Message::Text(text)) => {
                    assert!(text.len() <= MESSAGE_BYTES_MAX);
                    1
                }
                Ok(Message::Binary(bytes)) => {
                    assert!(bytes.len() <= MESSAGE_BYTES_MAX);
                    2
                }
                Ok(Message::Ping(_) | Message::Pong(_)) => 3,
                Ok(Message::Close(_) | Message::Frame(_)) => 4,
                Err(_) => return behaviour,
            };
            behaviour = behaviour.wrapping_mul(5).wrapping_add(kind) & 0xffff;
        }
        behaviour
    });
}
