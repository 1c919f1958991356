//! Both ends of all calls: one thread with a socket a leg.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use hotline_media::browser::Identity;
use hotline_media::{
    Codec, Command, ControlPath, Event, LegId, LegPlan, MasterKey, Protection, Suite, WorkerHandle,
};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

use super::voice::voice;
use super::{Cover, Kind, browser};

pub(crate) struct Load<'a> {
    worker: &'a WorkerHandle,
    events: &'a Receiver<Event>,
    identity: &'a Arc<Identity>,
    ports: Vec<u16>,
    ends: Vec<End>,
    voices: Vec<(Codec, Vec<Vec<u8>>)>,
    sequence: u16,
    /// Made again for each packet.
    packet: Vec<u8>,
    sent: u64,
    received: u64,
}

/// One end of a leg.
struct End {
    socket: UdpSocket,
    target: SocketAddr,
    codec: Codec,
    keys: Option<Context>,
    /// A browser's check of its way, said again and again.
    check: Option<Vec<u8>>,
}

impl<'a> Load<'a> {
    pub(crate) fn new(
        worker: &'a WorkerHandle,
        events: &'a Receiver<Event>,
        identity: &'a Arc<Identity>,
    ) -> Self {
        Load {
            worker,
            events,
            identity,
            ports: Vec::new(),
            ends: Vec::new(),
            voices: Vec::new(),
            sequence: 0,
            packet: Vec::new(),
            sent: 0,
            received: 0,
        }
    }

    /// Opens a leg and its other end; a browser's has shaken hands when this returns.
    pub(crate) fn open(&mut self, leg: LegId, kind: Kind) -> Result<(), Box<dyn Error>> {
        let port = self.take_port()?;
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut plan = plan(kind.codec, socket.local_addr()?);
        let (mut keys, mut check) = (None, None);
        match kind.cover {
            Cover::None => self.worker.send(Command::Open { leg, port, plan }),
            Cover::Sdes => {
                plan.protection = Protection::Sdes {
                    send: master(SERVER_KEY)?,
                    receive: master(CLIENT_KEY)?,
                };
                keys = Some(context(&CLIENT_KEY[..16], &CLIENT_KEY[16..])?);
                self.worker.send(Command::Open { leg, port, plan })
            }
            Cover::Browser => {
                let client = browser::Client::new(self.identity, leg)?;
                plan.protection = Protection::Browser;
                plan.control = ControlPath::Muxed;
                plan.remote = Some(browser::BEHIND);
                let browser = Some(client.plan()?);
                self.worker.send(Command::Open { leg, port, plan });
                self.worker.send(Command::Browser { leg, browser });
                check = Some(client.check()?);
                keys = Some(client.shake_hands(&socket, target)?);
                true
            }
        };
        socket.set_nonblocking(true)?;
        self.ends.push(End {
            socket: UdpSocket::from_std(socket),
            target,
            codec: kind.codec,
            keys,
            check,
        });
        if !self.voices.iter().any(|(codec, _)| *codec == kind.codec) {
            self.voices.push((kind.codec, voice(kind.codec)));
        }
        Ok(())
    }

    fn take_port(&mut self) -> Result<u16, Box<dyn Error>> {
        loop {
            for event in self.events.try_iter() {
                if let Event::Ports(fresh) = event {
                    self.ports.extend(fresh);
                }
            }
            if let Some(port) = self.ports.pop() {
                return Ok(port);
            }
            match self.events.recv_timeout(Duration::from_secs(5))? {
                Event::Ports(fresh) => self.ports.extend(fresh),
                _ => continue,
            }
        }
    }

    /// Sends on each socket once in 20 ms, spread over the 20 ms in steps of one, and takes what comes.
    pub(crate) fn run(&mut self, length: Duration) -> io::Result<()> {
        let mut poll = Poll::new()?;
        for (index, end) in self.ends.iter_mut().enumerate() {
            poll.registry()
                .register(&mut end.socket, Token(index), Interest::READABLE)?;
        }
        let start = Instant::now();
        let steps = (length.as_millis() / FRAME.as_millis()) as u32 * 20;
        for step in 0..steps {
            if step % 20 == 0 {
                self.sequence = self.sequence.wrapping_add(1);
            }
            for index in ((step as usize % 20)..self.ends.len()).step_by(20) {
                self.send(index)?;
            }
            self.receive_until(&mut poll, start + Duration::from_millis(1) * (step + 1))?;
        }
        self.receive_until(&mut poll, Instant::now() + FRAME)?;
        for end in &mut self.ends {
            poll.registry().deregister(&mut end.socket)?;
        }
        Ok(())
    }

    fn send(&mut self, index: usize) -> io::Result<()> {
        let end = &mut self.ends[index];
        let frames = self.voices.iter().find(|(codec, _)| *codec == end.codec);
        let frames = frames.map_or(&[][..], |(_, frames)| frames);
        let payload = &frames[usize::from(self.sequence) % frames.len()];
        let timestamp = u32::from(self.sequence) * (end.codec.clock_hz() / 50);
        self.packet.clear();
        self.packet
            .extend_from_slice(&[0x80, end.codec.offered_payload_type()]);
        self.packet.extend_from_slice(&self.sequence.to_be_bytes());
        self.packet.extend_from_slice(&timestamp.to_be_bytes());
        self.packet
            .extend_from_slice(&(index as u32 + 1).to_be_bytes());
        self.packet.extend_from_slice(payload);
        match &mut end.keys {
            None => end.socket.send_to(&self.packet, end.target)?,
            Some(keys) => {
                let sealed = keys.encrypt_rtp(&self.packet).map_err(io::Error::other)?;
                end.socket.send_to(&sealed, end.target)?
            }
        };
        if let Some(check) = &end.check
            && (usize::from(self.sequence) + index).is_multiple_of(CHECK_FRAMES)
        {
            end.socket.send_to(check, end.target)?;
        }
        self.sent += 1;
        Ok(())
    }

    fn receive_until(&mut self, poll: &mut Poll, due: Instant) -> io::Result<()> {
        let mut events = Events::with_capacity(1_024);
        let mut buffer = [0; 2_000];
        while let Some(rest) = due.checked_duration_since(Instant::now()) {
            poll.poll(&mut events, Some(rest))?;
            for event in &events {
                let end = &self.ends[event.token().0];
                while let Ok((length, _)) = end.socket.recv_from(&mut buffer) {
                    // RFC 7983: audio; RFC 5761 §4: and no report.
                    let is_audio = length > 12 && buffer[0] >= 128 && buffer[1] & 0x7F < 64
                        || length > 12 && buffer[1] & 0x7F >= 96;
                    self.received += u64::from(is_audio);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn forget(&mut self) {
        (self.sent, self.received) = (0, 0);
    }

    /// What was sent and did not come out of the other leg.
    pub(crate) fn lost_percent(&self) -> f64 {
        let lost = self.sent.saturating_sub(self.received);
        lost as f64 * 100.0 / self.sent.max(1) as f64
    }
}

fn plan(codec: Codec, remote: SocketAddr) -> LegPlan {
    LegPlan {
        event_send: Some(101),
        event_receive: Some(101),
        remote: Some(remote),
        signalling: Some(remote.ip()),
        ..LegPlan::new(codec)
    }
}

fn master(key: [u8; 30]) -> Result<MasterKey, Box<dyn Error>> {
    MasterKey::new(Suite::AesCm128HmacSha1_80, &key).ok_or_else(|| "a key too short".into())
}

/// What every phone and every browser has: AES-128 in counter mode, tags of 80 bits.
pub(crate) fn context(key: &[u8], salt: &[u8]) -> Result<Context, Box<dyn Error>> {
    let profile = ProtectionProfile::Aes128CmHmacSha1_80;
    Ok(Context::new(key, salt, profile, None, None)?)
}

const FRAME: Duration = Duration::from_millis(20);
/// Chromium checks a way that works each 2.5 s.
const CHECK_FRAMES: usize = 125;
const SERVER_KEY: [u8; 30] = [0x11; 30];
const CLIENT_KEY: [u8; 30] = [0x22; 30];
