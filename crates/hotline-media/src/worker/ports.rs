//! The worker's ports: pairs bound ahead, at random places of the range, and rested after use.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use mio::net::UdpSocket;

use crate::time::Mono;

/// The two sockets of a leg.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) port: u16,
    pub(super) media: UdpSocket,
    pub(super) control: UdpSocket,
    /// IPv6 and IPv4: bound to `::`.
    pub(super) is_both: bool,
}

/// Pairs that wait for a leg, and those that have served.
pub(super) struct Ports {
    bind: IpAddr,
    first: u16,
    last: u16,
    wanted: usize,
    /// Ready beyond that, for the owner's reserve.
    kept: usize,
    seed: u64,
    draws: u64,
    ready: HashMap<u16, Pair>,
    closing: VecDeque<(Mono, Pair)>,
    resting: VecDeque<(Mono, u16)>,
    retry_at: Mono,
}

impl Ports {
    /// Of the inclusive range `first..=last`.
    pub(super) fn new(
        bind: IpAddr,
        (first, last): (u16, u16),
        wanted: usize,
        seed: u64,
    ) -> io::Result<Self> {
        let first = first.max(PORT_MIN);
        let first = first.saturating_add(first % 2);
        if last <= first {
            let error = format!("media port range {first}-{last} is empty");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        Ok(Ports {
            bind,
            first,
            last,
            wanted: wanted.clamp(1, READY_MAX),
            kept: 0,
            seed,
            draws: 0,
            ready: HashMap::new(),
            closing: VecDeque::new(),
            resting: VecDeque::new(),
            retry_at: Mono(0),
        })
    }

    /// Binds some of those that are missing; returns the new ones. The rest follows with the next ticks, so that no
    /// tick is late for it. A range that is full is tried again in a second.
    pub(super) fn top_up(&mut self, now: Mono) -> Vec<u16> {
        let mut fresh = Vec::new();
        if self.is_enough() || now < self.retry_at {
            return fresh;
        }
        for _ in 0..ATTEMPTS_MAX {
            if self.is_enough() || fresh.len() >= BINDS_MAX {
                return fresh;
            }
            let port = self.draw();
            let is_taken = self.ready.contains_key(&port)
                || self.resting.iter().any(|(_, resting)| *resting == port);
            if is_taken {
                continue;
            }
            if let Ok(pair) = bind(self.bind, port) {
                self.ready.insert(port, pair);
                fresh.push(port);
            }
        }
        // A crowded range gives few at a time; only one that gives nothing is left alone for a while.
        if fresh.is_empty() {
            self.retry_at = Mono(now.0 + RETRY_MICROSECONDS);
        }
        fresh
    }

    /// So many more than wanted are bound ahead from now; what is ready already stays.
    pub(super) fn keep_ready(&mut self, ports: u32) {
        self.kept = usize::try_from(ports).unwrap_or(usize::MAX);
    }

    fn is_enough(&self) -> bool {
        self.ready.len() >= self.wanted.saturating_add(self.kept)
    }

    /// A pair for a leg.
    pub(super) fn take(&mut self, port: u16) -> Option<Pair> {
        self.ready.remove(&port)
    }

    /// A leg is over. The sockets stay a moment, so that the peer's last packets meet a deaf ear and no ICMP error;
    /// the port rests, so that a straggler of this call never reaches the next.
    pub(super) fn retire(&mut self, now: Mono, pair: Pair) {
        self.resting
            .push_back((Mono(now.0 + REST_MICROSECONDS), pair.port));
        self.closing
            .push_back((Mono(now.0 + DRAIN_MICROSECONDS), pair));
    }

    /// Closes and frees what is due.
    pub(super) fn tick(&mut self, now: Mono) {
        while self.closing.front().is_some_and(|(at, _)| *at <= now) {
            self.closing.pop_front();
        }
        while self.resting.front().is_some_and(|(at, _)| *at <= now) {
            self.resting.pop_front();
        }
    }

    /// Rule M.5: random even ports.
    fn draw(&mut self) -> u16 {
        self.draws += 1;
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write_u64(self.draws);
        let pairs = u64::from((self.last - self.first).div_ceil(2));
        let index = (hasher.finish() % pairs.max(1)) as u16;
        self.first + 2 * index
    }
}

fn bind(ip: IpAddr, port: u16) -> io::Result<Pair> {
    let media = UdpSocket::bind(SocketAddr::new(ip, port))?;
    let control = UdpSocket::bind(SocketAddr::new(
        ip,
        port.checked_add(1).ok_or(io::ErrorKind::AddrInUse)?,
    ))?;
    for socket in [&media, &control] {
        mark(socket, ip);
    }
    Ok(Pair {
        port,
        media,
        control,
        is_both: ip == IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    })
}

/// RFC 4594 §4.1: telephony asks for expedited forwarding. A kernel or network that does not care loses nothing.
fn mark(socket: &UdpSocket, ip: IpAddr) {
    let _ = match ip {
        IpAddr::V4(_) => rustix::net::sockopt::set_ip_tos(socket, EXPEDITED_FORWARDING),
        IpAddr::V6(_) => {
            // A socket of both families sends IPv4 too.
            let _ = rustix::net::sockopt::set_ip_tos(socket, EXPEDITED_FORWARDING);
            rustix::net::sockopt::set_ipv6_tclass(socket, u32::from(EXPEDITED_FORWARDING))
        }
    };
}

/// Code point 46, in the upper six bits.
const EXPEDITED_FORWARDING: u8 = 46 << 2;
const PORT_MIN: u16 = 1024;
/// Pairs held ready at most, those that the owner keeps not counted.
const READY_MAX: usize = 1_024;
/// Pairs bound at a time: up to 5 ms on a busy machine, a quarter of a tick.
const BINDS_MAX: usize = 64;
/// Binds tried at a time.
const ATTEMPTS_MAX: usize = 128;
const RETRY_MICROSECONDS: u64 = 1_000_000;
const DRAIN_MICROSECONDS: u64 = 500_000;
/// Far longer than a packet lives, and short enough that a thousand calls a second find ports.
const REST_MICROSECONDS: u64 = 3_000_000;
