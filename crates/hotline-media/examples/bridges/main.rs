//! A worker under real load on loopback: bridged (and recorded) calls, relay latency by the send time in each
//! packet, CPU of the media thread. `cargo run --release --example bridges -- CALLS SECONDS [record]`.
#![allow(clippy::print_stdout, reason = "it is there to print")]

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use hotline_media::{Codec, Command, Event, LegPlan, Worker, WorkerConfig, WorkerHandle};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

const TICK: Duration = Duration::from_millis(20);

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |index: usize, usual| {
        arguments
            .get(index)
            .and_then(|text| text.parse().ok())
            .unwrap_or(usual)
    };
    let (calls, seconds) = (number(1, 300), number(2, 10));
    let is_recorded = arguments.get(3).is_some_and(|word| word == "record");
    let directory = std::env::temp_dir().join(format!("hotline-bridges-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let (tell, events) = channel();
    let config = WorkerConfig {
        ports: (16_384, 32_767),
        ports_ready: 1_024,
        ..WorkerConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), directory.clone())
    };
    let worker = Worker::start(config, move |event| {
        let _ = tell.send(event);
    })?;
    let memory_before = resident_kib()?;
    let mut load = Load::new(calls * 2, &worker, &events)?;
    for call in 0..calls as u64 {
        worker.send(Command::Connect {
            a: call * 2,
            b: call * 2 + 1,
        });
        if is_recorded {
            worker.send(Command::Record {
                leg: call * 2,
                recording: call,
            });
        }
    }
    load.run(Duration::from_secs(1))?;
    load.forget();
    let memory = (resident_kib()? - memory_before) / calls.max(1) as u64;
    let (cpu_before, start) = (media_cpu_ms()?, Instant::now());
    load.run(Duration::from_secs(seconds as u64))?;
    let cpu = (media_cpu_ms()? - cpu_before) as f64 / start.elapsed().as_millis() as f64 * 100.0;
    load.print(calls, is_recorded, cpu);
    println!("{memory} KiB resident a call, both ends and the load's sockets included");
    worker.stop();
    std::fs::remove_dir_all(directory)
}

struct Load {
    poll: Poll,
    sockets: Vec<(UdpSocket, SocketAddr)>,
    sequence: u16,
    epoch: Instant,
    sent: u64,
    latencies_us: Vec<u32>,
}

impl Load {
    fn new(legs: usize, worker: &WorkerHandle, events: &Receiver<Event>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut sockets = Vec::new();
        let mut ports = Vec::new();
        while sockets.len() < legs {
            let Some(port) = ports.pop() else {
                match events.recv() {
                    Ok(Event::Ports(fresh)) => ports.extend(fresh),
                    Ok(_) => {}
                    Err(_) => return Err(io::Error::other("the worker has ended")),
                }
                continue;
            };
            let mut socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
            poll.registry()
                .register(&mut socket, Token(sockets.len()), Interest::READABLE)?;
            let plan = plan(socket.local_addr()?);
            worker.send(Command::Open {
                leg: sockets.len() as u64,
                port,
                plan,
            });
            sockets.push((socket, SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
        }
        Ok(Load {
            poll,
            sockets,
            sequence: 0,
            epoch: Instant::now(),
            sent: 0,
            latencies_us: Vec::new(),
        })
    }

    /// Sends on each socket once in 20 ms, spread over the 20 ms in steps of one, and takes what comes.
    fn run(&mut self, length: Duration) -> io::Result<()> {
        let start = Instant::now();
        let steps = (length.as_millis() / TICK.as_millis()) as u32 * 20;
        for step in 0..steps {
            if step % 20 == 0 {
                self.sequence = self.sequence.wrapping_add(1);
            }
            for index in ((step as usize % 20)..self.sockets.len()).step_by(20) {
                self.send(index)?;
            }
            self.receive_until(start + Duration::from_millis(1) * (step + 1))?;
        }
        self.receive_until(Instant::now() + TICK)
    }

    fn send(&mut self, index: usize) -> io::Result<()> {
        let mut datagram = [0x55; 172];
        datagram[..2].copy_from_slice(&[0x80, 8]);
        datagram[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        datagram[4..8].copy_from_slice(&(u32::from(self.sequence) * 160).to_be_bytes());
        datagram[8..12].copy_from_slice(&(index as u32 + 1).to_be_bytes());
        datagram[12..20].copy_from_slice(&(self.epoch.elapsed().as_micros() as u64).to_be_bytes());
        let (socket, target) = &self.sockets[index];
        socket.send_to(&datagram, *target)?;
        self.sent += 1;
        Ok(())
    }

    fn receive_until(&mut self, due: Instant) -> io::Result<()> {
        let mut events = Events::with_capacity(1_024);
        let mut buffer = [0; 2_000];
        while let Some(rest) = due.checked_duration_since(Instant::now()) {
            self.poll.poll(&mut events, Some(rest))?;
            for event in &events {
                let (socket, _) = &self.sockets[event.token().0];
                while let Ok((length, _)) = socket.recv_from(&mut buffer) {
                    let Some(stamp) = buffer[..length]
                        .get(12..20)
                        .and_then(|bytes| bytes.try_into().ok())
                    else {
                        continue;
                    };
                    let sent_at = u64::from_be_bytes(stamp);
                    let now = self.epoch.elapsed().as_micros() as u64;
                    // Packets without a stamp were made by the worker itself.
                    if sent_at <= now {
                        self.latencies_us.push((now - sent_at) as u32);
                    }
                }
            }
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.sent = 0;
        self.latencies_us.clear();
    }

    fn print(&mut self, calls: usize, is_recorded: bool, cpu: f64) {
        self.latencies_us.sort_unstable();
        let count = self.latencies_us.len();
        let at = |share: f64| {
            self.latencies_us
                .get((count as f64 * share) as usize)
                .copied()
                .unwrap_or(0)
        };
        println!(
            "{calls} calls{}: sent {}, relayed {count}, latency us p50 {} p99 {} max {}, media thread {cpu:.1} % of a core",
            if is_recorded { " recorded" } else { "" },
            self.sent,
            at(0.5),
            at(0.99),
            self.latencies_us.last().copied().unwrap_or(0),
        );
    }
}

fn plan(remote: SocketAddr) -> LegPlan {
    LegPlan {
        event_send: Some(101),
        event_receive: Some(101),
        remote: Some(remote),
        signalling: Some(remote.ip()),
        ..LegPlan::new(Codec::Pcma)
    }
}

/// Resident memory of this process.
fn resident_kib() -> io::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok());
    Ok(number.unwrap_or(0))
}

/// User and system time of the media thread so far.
fn media_cpu_ms() -> io::Result<u64> {
    for task in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(task?.path().join("stat"))?;
        let Some((name, rest)) = text.rsplit_once(')') else {
            continue;
        };
        if name.ends_with("(media-0") {
            let fields: Vec<u64> = rest
                .split_ascii_whitespace()
                .filter_map(|field| field.parse().ok())
                .collect();
            // Fields 14 and 15 of the line; the state's letter is not a number, and ticks are of 10 ms.
            return Ok((fields.get(10).unwrap_or(&0) + fields.get(11).unwrap_or(&0)) * 10);
        }
    }
    Ok(0)
}
