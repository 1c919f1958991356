//! A bad network, by seed: relays UDP between a phone and the server, and on the way loses, delays and reorders.
//! (`tc netem` is not in every kernel.) Each flow of the phone goes on from a port of the relay's own, as behind a NAT.

use hotline_tests::dice::Dice;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::namespaces::Namespace;
use crate::process::wait_until;
use crate::server::PATIENCE;

/// What happens to a datagram, either way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Of 100 datagrams so many are lost.
    pub(crate) lost_percent: u64,
    /// Each is late by at least this, milliseconds ...
    pub(crate) delay_ms_min: u64,
    /// ... and by at most this: datagrams 20 ms apart overtake one another when the span is longer.
    pub(crate) delay_ms_max: u64,
}

/// A running relay, stopped when dropped.
pub(crate) struct Relay {
    is_over: Arc<AtomicBool>,
    is_forgetting: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
    relayed: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Takes what comes to these ports of `router` and hands it on to the same ports of `server`.
    pub(crate) fn start(
        router: &Namespace,
        ports: impl Iterator<Item = u16> + Send,
        server: Ipv4Addr,
        weather: Weather,
        seed: u64,
    ) -> Self {
        let is_over: Arc<AtomicBool> = Arc::default();
        let is_forgetting: Arc<AtomicBool> = Arc::default();
        let (lost, relayed): (Arc<AtomicU64>, Arc<AtomicU64>) = Default::default();
        let ends = Arc::clone(&is_over);
        let told = (
            Arc::clone(&is_forgetting),
            Arc::clone(&lost),
            Arc::clone(&relayed),
        );
        let thread = router.enter(move || {
            let doors = ports
                .map(|port| Door {
                    socket: bound(port),
                    server: SocketAddr::new(server.into(), port),
                    flows: BTreeMap::new(),
                })
                .collect();
            let mut road = Road {
                doors,
                weather,
                dice: Dice::new(seed),
                late: BinaryHeap::new(),
                count: 0,
                is_forgetting: told.0,
                lost: told.1,
                relayed: told.2,
            };
            // A thread of the thread that lives in the namespace lives there, too.
            std::thread::spawn(move || {
                while !ends.load(Ordering::Relaxed) {
                    road.turn();
                }
            })
        });
        Self {
            is_over,
            is_forgetting,
            lost,
            relayed,
            thread: Some(thread),
        }
    }

    /// Forgets all flows, as a router that starts again: each goes on from another port. Returns when it is so.
    pub(crate) fn forget(&self) {
        self.is_forgetting.store(true, Ordering::Relaxed);
        wait_until(PATIENCE, "the relay forgets", || {
            (!self.is_forgetting.load(Ordering::Relaxed)).then_some(())
        });
    }

    /// Datagrams lost and handed on so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (
            self.lost.load(Ordering::Relaxed),
            self.relayed.load(Ordering::Relaxed),
        )
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One port of the server, as the phones see it.
struct Door {
    socket: UdpSocket,
    server: SocketAddr,
    /// By the phone's address: the socket that stands for it towards the server.
    flows: BTreeMap<SocketAddr, UdpSocket>,
}

/// A datagram on its way: when it is due, its number, and where it goes.
type Late = Reverse<(Instant, u64, usize, SocketAddr, bool, Vec<u8>)>;

struct Road {
    doors: Vec<Door>,
    weather: Weather,
    dice: Dice,
    late: BinaryHeap<Late>,
    count: u64,
    is_forgetting: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
    relayed: Arc<AtomicU64>,
}

impl Road {
    fn turn(&mut self) {
        self.wait();
        if self.is_forgetting.load(Ordering::Relaxed) {
            // What is on its way inwards has no flow any more: lost, as in a real one.
            self.late.clear();
            for door in &mut self.doors {
                door.flows.clear();
            }
            self.is_forgetting.store(false, Ordering::Relaxed);
        }
        let mut came = Vec::new();
        let mut buffer = [0; 65_536];
        for (index, door) in self.doors.iter_mut().enumerate() {
            while let Ok((length, phone)) = door.socket.recv_from(&mut buffer) {
                let server = door.server;
                door.flows.entry(phone).or_insert_with(|| {
                    let socket = bound(0);
                    socket.connect(server).expect("a way to the server");
                    socket
                });
                came.push((index, phone, true, buffer[..length].to_vec()));
            }
            for (phone, flow) in &door.flows {
                while let Ok(length) = flow.recv(&mut buffer) {
                    came.push((index, *phone, false, buffer[..length].to_vec()));
                }
            }
        }
        let now = Instant::now();
        for (index, phone, is_outward, bytes) in came {
            if self.dice.percent(self.weather.lost_percent) {
                self.lost.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let Weather {
                delay_ms_min,
                delay_ms_max,
                ..
            } = self.weather;
            let due = now + Duration::from_millis(self.dice.between(delay_ms_min, delay_ms_max));
            self.count += 1;
            self.late
                .push(Reverse((due, self.count, index, phone, is_outward, bytes)));
        }
        self.deliver(now);
    }

    /// Until something comes, or something is due; 20 ms at most, so that the end is seen.
    fn wait(&self) {
        let due = self.late.peek().map_or(Duration::from_millis(20), |late| {
            late.0.0.saturating_duration_since(Instant::now())
        });
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: due.min(Duration::from_millis(20)).as_nanos() as i64,
        };
        let sockets = self
            .doors
            .iter()
            .flat_map(|door| std::iter::once(&door.socket).chain(door.flows.values()));
        let mut ready: Vec<PollFd<'_>> = sockets
            .map(|socket| PollFd::new(socket, PollFlags::IN))
            .collect();
        let _ = poll(&mut ready, Some(&limit));
    }

    fn deliver(&mut self, now: Instant) {
        while self.late.peek().is_some_and(|late| late.0.0 <= now) {
            let Some(Reverse((_, _, index, phone, is_outward, bytes))) = self.late.pop() else {
                return;
            };
            let door = &self.doors[index];
            // A refusal of the other host (nobody listens any more) is the network's answer, not our trouble.
            let _ = if is_outward {
                door.flows[&phone].send(&bytes)
            } else {
                door.socket.send_to(&bytes, phone)
            };
            self.relayed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn bound(port: u16) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).expect("a port of the router");
    socket
        .set_nonblocking(true)
        .expect("a socket that does not wait");
    socket
}
