//! The loop of the media thread: wait, tick, take commands, move packets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Instant;

use mio::net::UdpSocket;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::guards::Guards;
use super::ports::{Pair, Ports};
use super::{COMMANDS_MAX, WorkerConfig};
use crate::browser::{BEHIND, Incoming};
use crate::message::{Command, Event, LegId};
use crate::output::{Channel, Output, Slot};
use crate::packet::DATAGRAM_BYTES_MAX;
use crate::recorder::{Recorder, RecordingStore};
use crate::shard::{Input, Shard, ShardConfig, TICK_MICROSECONDS};
use crate::time::Mono;

/// Everything that the media thread owns.
pub(super) struct Running {
    poll: Poll,
    waker: Arc<Waker>,
    timer: OwnedFd,
    epoch: Instant,
    commands: Receiver<Command>,
    events: Box<dyn Fn(Event) + Send>,
    shard: Shard,
    out: Output,
    recorder: Recorder,
    ports: Ports,
    pairs: Vec<Option<Pair>>,
    guards: Guards,
    /// Sockets that had more than their share in one turn.
    again: Vec<Token>,
    buffer: Box<[u8; BUFFER_BYTES]>,
}

impl Running {
    pub(super) fn new(
        config: WorkerConfig,
        seed: u64,
        store: Box<dyn RecordingStore>,
        commands: Receiver<Command>,
        events: Box<dyn Fn(Event) + Send>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let timer = start_timer()?;
        poll.registry()
            .register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        let mut ports = Ports::new(config.bind, config.ports, config.ports_ready, seed)?;
        let first = ports.top_up(Mono(0));
        if first.is_empty() {
            let error = format!(
                "no media port of {:?} can be bound at {}",
                config.ports, config.bind
            );
            return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, error));
        }
        let recorder = Recorder::start(format!("recorder-{}", config.index), store)?;
        let shard = Shard::new(
            ShardConfig {
                sounds: config.sounds,
                music: config.music,
            },
            seed,
        );
        let mut out = Output::default();
        out.events.push(Event::Ports(first));
        let epoch = Instant::now();
        Ok(Running {
            poll,
            waker,
            timer,
            epoch,
            commands,
            events,
            shard,
            out,
            recorder,
            ports,
            pairs: Vec::new(),
            guards: Guards::new(config.identity, epoch),
            again: Vec::new(),
            buffer: Box::new([0; BUFFER_BYTES]),
        })
    }

    pub(super) fn waker(&self) -> Arc<Waker> {
        self.waker.clone()
    }

    pub(super) fn run(mut self) {
        let mut ready = Events::with_capacity(READY_MAX);
        self.tell();
        loop {
            let timeout = (!self.again.is_empty()).then_some(std::time::Duration::ZERO);
            match self.poll.poll(&mut ready, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // The poll's own descriptor is broken: nothing can be done here but end in order.
                Err(_) => break,
            }
            // The tick goes first: its packets have a time to keep.
            if ready.iter().any(|event| event.token() == TIMER) {
                self.tick();
            }
            if ready.iter().any(|event| event.token() == WAKER) && !self.take_commands() {
                break;
            }
            for event in &ready {
                self.read(event.token());
            }
            for token in std::mem::take(&mut self.again) {
                self.read(token);
            }
        }
        self.finish();
    }

    fn now(&self) -> Mono {
        Mono(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn tick(&mut self) {
        let mut count = [0; 8];
        let expired = match rustix::io::read(&self.timer, &mut count) {
            Ok(8) => u64::from_ne_bytes(count),
            Ok(_) | Err(_) => return,
        };
        let now = self.now();
        for due in due(now, expired) {
            self.shard.handle(due, Input::Tick, &mut self.out);
        }
        self.flush();
        for (slot, guard) in self.guards.all() {
            if let Some(pair) = self.pairs.get(slot).and_then(Option::as_ref) {
                guard.tick(
                    self.epoch + std::time::Duration::from_micros(now.0),
                    |bytes, target| {
                        send(&pair.media, bytes, target, pair.is_both);
                    },
                );
            }
        }
        self.recorder
            .send(&mut self.out.items, &mut self.out.events);
        self.ports.tick(now);
        self.report_ports();
        self.tell();
    }

    /// False when the worker shall end.
    fn take_commands(&mut self) -> bool {
        for _ in 0..COMMANDS_MAX {
            let command = match self.commands.try_recv() {
                Ok(command) => command,
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            };
            let now = self.now();
            match command {
                Command::Stop => return false,
                Command::Open {
                    leg,
                    port,
                    ref plan,
                } => {
                    let plan = plan.clone();
                    self.open(now, leg, port, Command::Open { leg, port, plan });
                }
                Command::Close { leg } => self.close(now, leg),
                Command::KeepReady { ports } => {
                    self.ports.keep_ready(ports);
                    self.report_ports();
                }
                Command::Browser { leg, browser } => {
                    if let Some(slot) = self.shard.slot(leg) {
                        self.guards.set(slot, browser);
                    }
                }
                other @ (Command::Replan { .. }
                | Command::Play { .. }
                | Command::StopPlay { .. }
                | Command::Bed { .. }
                | Command::Connect { .. }
                | Command::Disconnect { .. }
                | Command::Echo { .. }
                | Command::Digit { .. }
                | Command::Record { .. }
                | Command::PauseRecording { .. }
                | Command::RefuseRecordings(_)) => {
                    self.shard.handle(now, Input::Command(other), &mut self.out)
                }
            }
            self.flush();
        }
        // More than fits the queue came while it was emptied: the sockets have their turn first.
        let _ = self.waker.wake();
        true
    }

    fn open(&mut self, now: Mono, leg: LegId, port: u16, command: Command) {
        if self.shard.slot(leg).is_some() {
            return;
        }
        let Some(pair) = self.ports.take(port) else {
            self.out.events.push(Event::OpenFailed { leg });
            return;
        };
        self.shard
            .handle(now, Input::Command(command), &mut self.out);
        let Some(slot) = self.shard.slot(leg) else {
            self.ports.retire(now, pair);
            return;
        };
        if let Err(pair) = self.attach(slot, pair) {
            self.ports.retire(now, pair);
            self.shard
                .handle(now, Input::Command(Command::Close { leg }), &mut self.out);
            self.out.events.retain(
                |event| !matches!(event, Event::Closed { leg: closed, .. } if *closed == leg),
            );
            self.out.events.push(Event::OpenFailed { leg });
        }
        self.report_ports();
    }

    fn attach(&mut self, slot: Slot, mut pair: Pair) -> Result<(), Pair> {
        // What came before the leg began was meant for nobody.
        for socket in [&pair.media, &pair.control] {
            for _ in 0..STALE_MAX {
                if socket.recv_from(&mut self.buffer[..]).is_err() {
                    break;
                }
            }
        }
        let registry = self.poll.registry();
        let registered = registry
            .register(
                &mut pair.media,
                token(slot, Channel::Media),
                Interest::READABLE,
            )
            .and_then(|()| {
                registry.register(
                    &mut pair.control,
                    token(slot, Channel::Control),
                    Interest::READABLE,
                )
            });
        if registered.is_err() {
            return Err(pair);
        }
        if self.pairs.len() <= slot {
            self.pairs.resize_with(slot + 1, || None);
        }
        self.pairs[slot] = Some(pair);
        Ok(())
    }

    fn close(&mut self, now: Mono, leg: LegId) {
        let slot = self.shard.slot(leg);
        self.shard
            .handle(now, Input::Command(Command::Close { leg }), &mut self.out);
        let Some(slot) = slot else { return };
        self.guards.set(slot, None);
        let Some(mut pair) = self.pairs.get_mut(slot).and_then(Option::take) else {
            return;
        };
        let registry = self.poll.registry();
        let _ = registry.deregister(&mut pair.media);
        let _ = registry.deregister(&mut pair.control);
        self.ports.retire(now, pair);
    }

    /// Takes what a socket has. A token of a leg that has closed meanwhile finds no socket.
    fn read(&mut self, token: Token) {
        let Some((slot, channel)) = address(token) else {
            return;
        };
        for _ in 0..PACKETS_A_TURN {
            let Some(pair) = self.pairs.get(slot).and_then(Option::as_ref) else {
                return;
            };
            let received = socket(pair, channel).recv_from(&mut self.buffer[..]);
            let (length, source) = match received {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An ICMP error of an earlier send; the socket goes on.
                Err(_) => continue,
            };
            // On a socket of both families an IPv4 peer shows as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2).
            let source = SocketAddr::new(source.ip().to_canonical(), source.port());
            let now = self.now();
            let datagram = &self.buffer[..length];
            if self.guards.has(slot) {
                self.read_guarded(now, (slot, channel), source, length);
                continue;
            }
            let input = match channel {
                Channel::Control => Input::Control {
                    slot,
                    source,
                    datagram,
                },
                Channel::Media => Input::Packet {
                    slot,
                    source,
                    datagram,
                },
            };
            self.shard.handle(now, input, &mut self.out);
            self.flush();
        }
        self.again.push(token);
    }

    /// A browser's datagram: what its guard lets through comes from the address that the leg knows.
    fn read_guarded(
        &mut self,
        now: Mono,
        (slot, channel): (Slot, Channel),
        source: SocketAddr,
        length: usize,
    ) {
        let Some(pair) = self.pairs.get(slot).and_then(Option::as_ref) else {
            return;
        };
        // RFC 5761: a browser has one port for all, and nothing to say on the other.
        let incoming = match channel {
            Channel::Control => Incoming::Foreign,
            Channel::Media => self
                .guards
                .receive(now, slot, source, &self.buffer[..length], {
                    |bytes: &[u8], target| send(&pair.media, bytes, target, pair.is_both)
                }),
        };
        match incoming {
            Incoming::Done => {}
            Incoming::Foreign => self.shard.count_foreign(now, slot, &mut self.out),
            Incoming::Clear(clear) => {
                let input = Input::Packet {
                    slot,
                    source: BEHIND,
                    datagram: &clear,
                };
                self.shard.handle(now, input, &mut self.out);
                self.flush();
            }
        }
    }

    /// Sends and tells what the shard wants. A datagram that cannot be sent is lost like any other.
    fn flush(&mut self) {
        for (packet, bytes) in self.out.datagrams() {
            if let Some(pair) = self.pairs.get(packet.slot).and_then(Option::as_ref) {
                if self.guards.has(packet.slot) {
                    let is_control = packet.channel == Channel::Control;
                    if let Some((sealed, target)) =
                        self.guards.protect(packet.slot, bytes, is_control)
                    {
                        send(&pair.media, &sealed, target, pair.is_both);
                    }
                    continue;
                }
                send(
                    socket(pair, packet.channel),
                    bytes,
                    packet.target,
                    pair.is_both,
                );
            }
        }
        self.out.clear_datagrams();
        self.tell();
    }

    fn tell(&mut self) {
        for event in self.out.events.drain(..) {
            (self.events)(event);
        }
    }

    fn report_ports(&mut self) {
        let fresh = self.ports.top_up(self.now());
        if !fresh.is_empty() {
            self.out.events.push(Event::Ports(fresh));
        }
        self.tell();
    }

    fn finish(mut self) {
        let now = self.now();
        self.shard
            .handle(now, Input::Command(Command::Stop), &mut self.out);
        self.flush();
        let items = std::mem::take(&mut self.out.items);
        self.recorder.finish(items, &*self.events);
    }
}

/// The ticks that a wake-up owes. The timer counts them by its own clock, so nothing drifts; a thread that was held
/// up makes up for a few frames, for more would only come too late.
pub(super) fn due(now: Mono, expired: u64) -> impl Iterator<Item = Mono> {
    let behind = (0..expired.min(CATCH_UP_MAX)).rev();
    behind.map(move |ticks| Mono(now.0.saturating_sub(ticks * TICK_MICROSECONDS)))
}

/// `is_both`: a socket of both families, which wants an IPv4 address in its IPv6 form.
fn send(socket: &UdpSocket, bytes: &[u8], target: SocketAddr, is_both: bool) {
    let target = match target.ip() {
        IpAddr::V4(ip) if is_both => SocketAddr::new(ip.to_ipv6_mapped().into(), target.port()),
        IpAddr::V4(_) | IpAddr::V6(_) => target,
    };
    let _ = socket.send_to(bytes, target);
}

fn socket(pair: &Pair, channel: Channel) -> &UdpSocket {
    match channel {
        Channel::Control => &pair.control,
        Channel::Media => &pair.media,
    }
}

fn token(slot: Slot, channel: Channel) -> Token {
    Token(FIRST_SOCKET + 2 * slot + usize::from(channel == Channel::Control))
}

fn address(token: Token) -> Option<(Slot, Channel)> {
    let index = token.0.checked_sub(FIRST_SOCKET)?;
    let channel = if index % 2 == 0 {
        Channel::Media
    } else {
        Channel::Control
    };
    Some((index / 2, channel))
}

fn start_timer() -> io::Result<OwnedFd> {
    let timer = timerfd_create(
        TimerfdClockId::Monotonic,
        TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
    )?;
    let interval = Timespec {
        tv_sec: 0,
        tv_nsec: TICK_MICROSECONDS as i64 * 1_000,
    };
    timerfd_settime(
        &timer,
        TimerfdTimerFlags::empty(),
        &Itimerspec {
            it_interval: interval,
            it_value: interval,
        },
    )?;
    Ok(timer)
}

const WAKER: Token = Token(0);
const TIMER: Token = Token(1);
const FIRST_SOCKET: usize = 2;
/// Events taken from the kernel at once.
const READY_MAX: usize = 1_024;
/// Frames made up for after a delay: 100 ms.
const CATCH_UP_MAX: u64 = 5;
/// One more than is ever accepted, so that a longer datagram is seen to be too long.
const BUFFER_BYTES: usize = DATAGRAM_BYTES_MAX + 1;
/// Of one socket before the others have their turn.
const PACKETS_A_TURN: usize = 32;
/// Datagrams that a waiting socket may have gathered from strangers.
const STALE_MAX: usize = 1_024;
