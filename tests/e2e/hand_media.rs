//! The audio of a phone made by hand: a tone every 20 ms, in the clear, with keys out of the descriptions, or behind
//! ICE and DTLS; it remembers all that it hears, and what of it was not from whom it should be.

use crate::audio::{Audio, sine};
use hotline_media::g711::{ALAW_TO_LINEAR, alaw_encode};
use hotline_tests::web::{Credentials, Handshake};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

const FRAME: Duration = Duration::from_millis(20);
/// Checks go on while the call does (RFC 7675).
const CHECK_FRAMES: u64 = 25;
/// Packets that others may have copied on their way.
const COPIED: usize = 50;

/// Master key and salt of AES_CM_128_HMAC_SHA1_80.
pub(crate) type Key = [u8; 30];

/// How the audio is protected.
pub(crate) enum Protection {
    Plain,
    Sdes { ours: Key, theirs: Key },
    Web(Box<Handshake>, Credentials),
}

/// An RTP packet of A-law.
pub(crate) fn rtp(sequence: u16, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

/// 20 ms of a tone of whole periods.
pub(crate) fn tone(hz: u32) -> Vec<u8> {
    sine(f64::from(hz), -20.0, 20)
        .into_iter()
        .map(alaw_encode)
        .collect()
}

pub(crate) fn context(key: &[u8]) -> Context {
    let profile = ProtectionProfile::Aes128CmHmacSha1_80;
    Context::new(&key[..16], &key[16..30], profile, None, None).expect("a cipher")
}

/// What others see and say of a running phone.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) is_speaking: AtomicBool,
    is_over: AtomicBool,
    /// Our last packets as they went over the wire.
    pub(crate) copied: Mutex<Vec<Vec<u8>>>,
}

/// What was heard until the end.
#[derive(Default)]
pub(crate) struct Report {
    /// Audio packets sent.
    pub(crate) sent: u64,
    /// A-law of all that came.
    audio: Vec<u8>,
    /// Sequence numbers of it.
    sequences: Vec<u16>,
    /// What did not come from the server's ports, or could not be opened.
    pub(crate) foreign: u64,
}

impl Report {
    /// As one channel.
    pub(crate) fn audio(&self) -> Audio {
        let linear = |code: &u8| ALAW_TO_LINEAR[usize::from(*code)];
        Audio::of(vec![self.audio.iter().map(linear).collect()])
    }

    /// Packets that came, and those that their numbers say are missing; a long hole is a hold, through which the numbers
    /// of the other side go on.
    pub(crate) fn count(&self) -> (usize, usize) {
        let steps = self
            .sequences
            .windows(2)
            .map(|pair| usize::from(pair[1].wrapping_sub(pair[0])));
        let missing = steps.map(|step| step.saturating_sub(1));
        let short = missing.filter(|missing| *missing < HOLD_PACKETS);
        (self.sequences.len(), short.sum())
    }
}

/// A running phone's audio.
pub(crate) struct Media {
    pub(crate) shared: Arc<Shared>,
    thread: Option<JoinHandle<Report>>,
}

impl Media {
    /// A socket; nothing is said before [`Self::start`].
    pub(crate) fn bind(local: IpAddr) -> UdpSocket {
        UdpSocket::bind((local, 0)).expect("an audio socket")
    }

    /// Speaks `hz` whenever `is_speaking`.
    pub(crate) fn start(
        socket: UdpSocket,
        server: SocketAddr,
        protection: Protection,
        hz: u32,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let mut running = Running {
            socket,
            server,
            cover: Cover::new(protection),
            shared: Arc::clone(&shared),
            payload: tone(hz),
            sequence: 1_000,
            frames: 0,
            report: Report::default(),
        };
        let thread = std::thread::spawn(move || {
            running.run();
            running.report
        });
        Self {
            shared,
            thread: Some(thread),
        }
    }

    pub(crate) fn speak(&self, is_speaking: bool) {
        self.shared
            .is_speaking
            .store(is_speaking, Ordering::Relaxed);
    }

    /// Ends it.
    pub(crate) fn stop(mut self) -> Report {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.thread
            .take()
            .expect("a thread")
            .join()
            .expect("the audio's thread")
    }
}

enum Cover {
    Plain,
    /// Ours and theirs.
    Keys(Box<Context>, Box<Context>),
    Web {
        handshake: Box<Handshake>,
        theirs: Credentials,
        is_begun: bool,
        keys: Option<Box<(Context, Context)>>,
    },
}

impl Cover {
    fn new(protection: Protection) -> Self {
        match protection {
            Protection::Plain => Cover::Plain,
            Protection::Sdes { ours, theirs } => {
                Cover::Keys(Box::new(context(&ours)), Box::new(context(&theirs)))
            }
            Protection::Web(handshake, theirs) => Cover::Web {
                handshake,
                theirs,
                is_begun: false,
                keys: None,
            },
        }
    }

    /// None while nothing can be said.
    fn seal(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        match self {
            Cover::Plain => Some(packet.to_vec()),
            Cover::Keys(ours, _) => ours.encrypt_rtp(packet).ok().map(|bytes| bytes.to_vec()),
            Cover::Web { keys, .. } => {
                let (ours, _) = &mut **keys.as_mut()?;
                ours.encrypt_rtp(packet).ok().map(|bytes| bytes.to_vec())
            }
        }
    }

    fn open(&mut self, datagram: &[u8]) -> Option<Vec<u8>> {
        match self {
            Cover::Plain => Some(datagram.to_vec()),
            Cover::Keys(_, theirs) => theirs
                .decrypt_rtp(datagram)
                .ok()
                .map(|bytes| bytes.to_vec()),
            Cover::Web { keys, .. } => {
                let (_, theirs) = &mut **keys.as_mut()?;
                theirs
                    .decrypt_rtp(datagram)
                    .ok()
                    .map(|bytes| bytes.to_vec())
            }
        }
    }
}

struct Running {
    socket: UdpSocket,
    server: SocketAddr,
    cover: Cover,
    shared: Arc<Shared>,
    payload: Vec<u8>,
    sequence: u16,
    frames: u64,
    report: Report,
}

impl Running {
    fn run(&mut self) {
        let mut next = Instant::now();
        while !self.shared.is_over.load(Ordering::Relaxed) {
            if self.shared.is_speaking.load(Ordering::Relaxed) {
                self.prove();
                self.speak();
            }
            next += FRAME;
            self.listen(next);
        }
    }

    /// Checks and handshake of a browser.
    fn prove(&mut self) {
        let Cover::Web {
            handshake,
            theirs,
            is_begun,
            keys,
        } = &mut self.cover
        else {
            return;
        };
        let mut due = Vec::new();
        if self.frames.is_multiple_of(CHECK_FRAMES) {
            due.push(handshake.check(theirs));
        }
        if keys.is_none() {
            if !std::mem::replace(is_begun, true) {
                handshake.begin();
            }
            handshake.tick();
            due.extend(handshake.flight());
        }
        self.frames += 1;
        for datagram in due {
            self.send(&datagram);
        }
    }

    fn speak(&mut self) {
        let packet = rtp(self.sequence, SSRC, &self.payload);
        let Some(sealed) = self.cover.seal(&packet) else {
            return;
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.send(&sealed);
        self.report.sent += 1;
        let mut copied = self.shared.copied.lock().expect("the copies");
        copied.push(sealed);
        let many = copied.len().saturating_sub(COPIED);
        copied.drain(..many);
    }

    fn send(&self, datagram: &[u8]) {
        // After the end the server's port is closed, and the kernel says so.
        self.socket.send_to(datagram, self.server).ok();
    }

    fn listen(&mut self, until: Instant) {
        let mut buffer = [0; 2_048];
        while let Some(left) = until
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
        {
            self.socket
                .set_read_timeout(Some(left))
                .expect("a time limit");
            if let Ok((length, source)) = self.socket.recv_from(&mut buffer) {
                self.hear(&buffer[..length], source);
            }
        }
    }

    fn hear(&mut self, datagram: &[u8], source: SocketAddr) {
        let is_server =
            source.ip() == self.server.ip() && source.port().wrapping_sub(self.server.port()) <= 1;
        let is_report = matches!(datagram, [_, 192..=223, ..]);
        match (datagram.first(), &mut self.cover) {
            _ if !is_server => self.report.foreign += 1,
            (
                Some(20..=63),
                Cover::Web {
                    handshake, keys, ..
                },
            ) => {
                if let Some([ours, theirs]) = handshake.hear(datagram) {
                    *keys = Some(Box::new((context(&ours), context(&theirs))));
                }
                for datagram in handshake.flight() {
                    self.socket.send_to(&datagram, self.server).ok();
                }
            }
            (Some(0..=3), Cover::Web { .. }) => {}
            (Some(128..=191), _) if is_report => {}
            (Some(128..=191), _) => match self.cover.open(datagram) {
                Some(packet) if packet.len() > 12 => {
                    self.report
                        .sequences
                        .push(u16::from_be_bytes([packet[2], packet[3]]));
                    self.report.audio.extend(&packet[12..]);
                }
                Some(_) | None => self.report.foreign += 1,
            },
            _ => self.report.foreign += 1,
        }
    }
}

/// Half a second.
const HOLD_PACKETS: usize = 25;
/// Of what we send.
pub(crate) const SSRC: u32 = 0x0111_0111;
