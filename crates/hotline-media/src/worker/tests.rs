//! A worker with real sockets on 127.0.0.1, real time, real files.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::*;
use crate::analysis::tone_level_db;
use crate::g711::{alaw_decode, alaw_encode};
use crate::message::{Bed, Clip, Codec, LegId, LegPlan};
use crate::packet::{self, View, write_header};
use crate::recorder::recording_file_name;
use crate::time::Mono;
use crate::tone::{Oscillator, RATE};

/// A worker with its events and a directory of its own.
struct Rig {
    handle: Option<WorkerHandle>,
    events: Receiver<Event>,
    seen: Vec<Event>,
    ports: Vec<u16>,
    directory: PathBuf,
}

impl Rig {
    fn new(name: &str, ports: (u16, u16)) -> Self {
        let directory =
            std::env::temp_dir().join(format!("hotline-media-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let (tell, events) = channel();
        let mut alaw = vec![0; 8_000];
        Oscillator::new(350, 12, RATE).fill_alaw(&mut alaw);
        let config = WorkerConfig {
            ports,
            sounds: Arc::from(vec![Sound {
                name: "tone.moh".into(),
                alaw: Arc::from(alaw),
            }]),
            music: Some(0),
            ..WorkerConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), directory.clone())
        };
        let handle = Worker::start(config, move |event| {
            let _ = tell.send(event);
        })
        .unwrap();
        let mut rig = Rig {
            handle: Some(handle),
            events,
            seen: Vec::new(),
            ports: Vec::new(),
            directory,
        };
        rig.until(|event| matches!(event, Event::Ports(_)));
        rig
    }

    fn send(&self, command: Command) {
        assert!(self.handle.as_ref().unwrap().send(command));
    }

    /// Waits for an event; all that come on the way are kept.
    fn until(&mut self, is_wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self
                .events
                .recv_timeout(Duration::from_secs(10))
                .expect("event in time");
            if let Event::Ports(ports) = &event {
                self.ports.extend(ports);
            }
            self.seen.push(event.clone());
            if is_wanted(&event) {
                return event;
            }
        }
    }

    /// Opens a leg to a phone; where it has to send.
    fn open(&mut self, leg: LegId, phone: &Phone) -> SocketAddr {
        let port = self.ports.pop().unwrap();
        self.send(Command::Open {
            leg,
            port,
            plan: plan(phone.socket.local_addr().unwrap()),
        });
        // A new port is bound for each that is taken: the leg is open.
        self.until(|event| matches!(event, Event::Ports(ports) if ports.len() == 1));
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(self.handle.take());
        let _ = std::fs::remove_dir_all(&self.directory);
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

/// A socket that sends a tone and gathers what comes.
struct Phone {
    socket: UdpSocket,
    tone: Oscillator,
    sequence: u16,
    got: Vec<(Instant, View, Vec<u8>)>,
}

impl Phone {
    fn new(hz: u32) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        Phone {
            socket,
            tone: Oscillator::new(hz, 12, RATE),
            sequence: 0,
            got: Vec::new(),
        }
    }

    fn speak(&mut self, to: SocketAddr) {
        self.sequence += 1;
        let mut datagram = Vec::new();
        write_header(
            &mut datagram,
            false,
            8,
            self.sequence,
            u32::from(self.sequence) * 160,
            77,
        );
        datagram.extend((0..160).map(|_| alaw_encode(self.tone.sample())));
        self.socket.send_to(&datagram, to).unwrap();
    }

    fn press(&mut self, to: SocketAddr, event: u8) {
        let timestamp = u32::from(self.sequence) * 160 + 160;
        for count in 1..=4u16 {
            self.sequence += 1;
            let mut datagram = Vec::new();
            write_header(&mut datagram, count == 1, 101, self.sequence, timestamp, 77);
            datagram.extend_from_slice(&[event, if count > 1 { 0x80 } else { 0 }, 0, 160]);
            self.socket.send_to(&datagram, to).unwrap();
        }
    }

    fn listen(&mut self) {
        let mut buffer = [0; 2_000];
        while let Ok((length, _)) = self.socket.recv_from(&mut buffer) {
            let view = packet::read(&buffer[..length]).unwrap();
            let payload = buffer[view.payload.clone()].to_vec();
            self.got.push((Instant::now(), view, payload));
        }
    }

    fn heard(&self, from: usize) -> Vec<i16> {
        self.got[from..]
            .iter()
            .flat_map(|(_, _, payload)| payload.iter().map(|code| alaw_decode(*code)))
            .collect()
    }
}

/// Lets phones speak to their targets for so many packets, at 20 ms by the clock.
fn talk(phones: &mut [(&mut Phone, SocketAddr)], packets: u32) {
    let start = Instant::now();
    for count in 1..=packets {
        for (phone, target) in phones.iter_mut() {
            phone.speak(*target);
        }
        let due = start + Duration::from_millis(20) * count;
        while let Some(rest) = due.checked_duration_since(Instant::now()) {
            std::thread::park_timeout(rest.min(Duration::from_millis(1)));
            for (phone, _) in phones.iter_mut() {
                phone.listen();
            }
        }
    }
}

fn level(samples: &[i16], hz: u32) -> f64 {
    tone_level_db(samples, 8_000, hz)
}

#[test]
fn a_call_over_real_sockets_is_heard_bridged_recorded_and_closed() {
    let mut rig = Rig::new("call", (42_000, 43_999));
    assert!(
        rig.ports.len() == 64
            && rig
                .ports
                .iter()
                .all(|port| port % 2 == 0 && (42_000..44_000).contains(port))
    );
    let (mut caller, mut counsellor) = (Phone::new(600), Phone::new(1_000));
    let (to_caller_leg, to_counsellor_leg) = (rig.open(1, &caller), rig.open(2, &counsellor));
    rig.send(Command::Record {
        leg: 1,
        recording: 0xBEEF,
    });
    rig.send(Command::Bed {
        leg: 1,
        bed: Bed::Music,
    });
    rig.send(Command::Play {
        leg: 1,
        play: 5,
        clips: vec![Clip::Tone {
            hz: 800,
            level_db: 12,
            length_ms: 0,
        }],
        barge_in: true,
    });
    talk(
        &mut [
            (&mut caller, to_caller_leg),
            (&mut counsellor, to_counsellor_leg),
        ],
        30,
    );
    assert!((level(&caller.heard(0)[..4_000], 800) + 12.0).abs() < 1.0);
    caller.press(to_caller_leg, 3);
    let cut = rig.until(|event| matches!(event, Event::PlayEnded { .. }));
    assert!(matches!(
        cut,
        Event::PlayEnded {
            leg: 1,
            play: 5,
            is_complete: false,
            ..
        }
    ));
    assert!(rig.seen.contains(&Event::Digit { leg: 1, digit: '3' }));
    assert!(
        rig.seen.contains(&Event::Flowing { leg: 1 })
            && rig.seen.contains(&Event::Flowing { leg: 2 })
    );

    rig.send(Command::Connect { a: 1, b: 2 });
    let from = caller.got.len() + 10;
    talk(
        &mut [
            (&mut caller, to_caller_leg),
            (&mut counsellor, to_counsellor_leg),
        ],
        80,
    );
    let heard = caller.heard(from);
    let at_counsellor = counsellor.heard(counsellor.got.len() - 50);
    for (samples, own, other) in [(&heard[..], 1_000, 600), (&at_counsellor[..], 600, 1_000)] {
        assert!(
            (level(samples, own) + 12.0).abs() < 3.0,
            "{own} Hz at {}",
            level(samples, own)
        );
        assert!(level(samples, own) - level(samples, other) >= 40.0);
    }
    for pair in caller.got.windows(2) {
        let (one, next) = (&pair[0], &pair[1]);
        assert_eq!(next.1.ssrc, one.1.ssrc);
        assert_eq!(next.1.sequence, one.1.sequence.wrapping_add(1));
    }

    rig.send(Command::Close { leg: 1 });
    let Event::Closed { statistics, .. } =
        rig.until(|event| matches!(event, Event::Closed { leg: 1, .. }))
    else {
        unreachable!()
    };
    assert_eq!(
        (statistics.received, statistics.lost, statistics.foreign),
        (114, 0, 0)
    );
    let closed = rig.until(|event| matches!(event, Event::RecordingClosed { .. }));
    let Event::RecordingClosed {
        recording: 0xBEEF,
        length_ms,
    } = closed
    else {
        panic!("{closed:?}")
    };
    let path = rig.directory.join(recording_file_name(0xBEEF));
    let samples: Vec<i16> = hound::WavReader::open(path)
        .unwrap()
        .into_samples()
        .map(Result::unwrap)
        .collect();
    assert!((samples.len() as u64 / 16).abs_diff(length_ms) <= 20);
    let tail = samples.len() - 2 * 8_000;
    let left: Vec<i16> = samples[tail..].iter().step_by(2).copied().collect();
    let right: Vec<i16> = samples[tail..].iter().skip(1).step_by(2).copied().collect();
    assert!((level(&left, 600) + 12.0).abs() < 3.0 && level(&left, 1_000) < -52.0);
    assert!((level(&right, 1_000) + 12.0).abs() < 3.0 && level(&right, 600) < -52.0);
}

#[test]
fn a_port_is_closed_within_a_second_and_rests() {
    let mut rig = Rig::new("ports", (44_000, 45_999));
    let phone = Phone::new(600);
    let target = rig.open(1, &phone);
    rig.send(Command::Close { leg: 1 });
    rig.until(|event| matches!(event, Event::Closed { leg: 1, .. }));
    let closed_at = Instant::now();
    let is_free = || UdpSocket::bind(target).is_ok();
    while !is_free() {
        // The bar is 1 s; a loaded machine gets five times that.
        assert!(closed_at.elapsed() < Duration::from_secs(5), "still bound");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    rig.send(Command::Open {
        leg: 2,
        port: target.port(),
        plan: plan(target),
    });
    rig.until(|event| matches!(event, Event::OpenFailed { leg: 2 }));
    rig.send(Command::Open {
        leg: 3,
        port: 9,
        plan: plan(target),
    });
    rig.until(|event| matches!(event, Event::OpenFailed { leg: 3 }));
}

#[test]
fn what_came_before_the_leg_is_not_its() {
    let mut rig = Rig::new("stale", (46_000, 47_999));
    let mut early = Phone::new(600);
    let port = *rig.ports.last().unwrap();
    for _ in 0..50 {
        early.speak(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    let target = rig.open(1, &early);
    talk(&mut [(&mut early, target)], 10);
    rig.send(Command::Close { leg: 1 });
    let Event::Closed { statistics, .. } = rig.until(|event| matches!(event, Event::Closed { .. }))
    else {
        unreachable!()
    };
    assert_eq!((statistics.received, statistics.lost), (10, 0));
}

#[test]
fn stopping_closes_legs_and_completes_recordings() {
    let mut rig = Rig::new("stop", (48_000, 49_999));
    let mut phone = Phone::new(600);
    let target = rig.open(1, &phone);
    rig.send(Command::Record {
        leg: 1,
        recording: 1,
    });
    talk(&mut [(&mut phone, target)], 20);
    rig.handle.take().unwrap().stop();
    let events: Vec<Event> = rig.events.try_iter().collect();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Closed { leg: 1, .. }))
    );
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::RecordingClosed { recording: 1, .. })),
        "{events:?}"
    );
}

#[test]
fn an_impossible_range_or_address_is_an_error_at_start() {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    for (bind, ports, word) in [
        (here, (40_001, 40_001), "range"),
        (here, (65_535, 65_535), "range"),
        (elsewhere, (40_000, 41_000), "192.0.2.1"),
    ] {
        let config = WorkerConfig {
            ports,
            ..WorkerConfig::new(bind, PathBuf::new())
        };
        let error = Worker::start(config, |_| {}).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn pairs_are_even_marked_and_rest_in_a_small_range() {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut ports = ports::Ports::new(here, (15_000, 15_007), 9, 1).unwrap();
    let mut bound = ports.top_up(Mono(0));
    bound.sort_unstable();
    assert!(!bound.is_empty() && bound.len() <= 4, "{bound:?}");
    assert!(
        bound
            .iter()
            .all(|port| port % 2 == 0 && (15_000..=15_006).contains(port))
    );
    let port = bound[0];
    let pair = ports.take(port).unwrap();
    assert_eq!(
        rustix::net::sockopt::ip_tos(&pair.media).unwrap(),
        46 << 2,
        "expedited forwarding"
    );
    ports.retire(Mono(0), pair);
    assert_eq!(
        ports.top_up(Mono(1)),
        [0_u16; 0],
        "waits before it tries a full range again"
    );
    ports.tick(Mono(600_000));
    assert_eq!(
        ports.top_up(Mono(1_100_000)),
        [0_u16; 0],
        "closed, but it rests"
    );
    ports.tick(Mono(3_100_000));
    assert_eq!(ports.top_up(Mono(3_100_000)), [port]);
}

#[test]
fn a_fault_in_the_media_thread_is_seen_at_once() {
    let directory =
        std::env::temp_dir().join(format!("hotline-media-fault-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let config = WorkerConfig {
        ports: (50_000, 50_999),
        ..WorkerConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), directory.clone())
    };
    let handle = Worker::start(config, |_| panic!("broken on purpose")).unwrap();
    let began_at = Instant::now();
    while handle.is_running() {
        assert!(began_at.elapsed() < Duration::from_secs(5), "still running");
        std::thread::park_timeout(Duration::from_millis(1));
    }
    assert!(!handle.send(Command::Stop), "nobody is there to take it");
    handle.stop();
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn many_pairs_are_bound_in_steps_and_a_crowded_range_is_not_left_alone() {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let began_at = Instant::now();
    let mut ports = ports::Ports::new(here, (51_000, 53_999), PORTS_READY, 1).unwrap();
    let mut taken = Vec::new();
    let mut steps = 0;
    while taken.len() < PORTS_READY {
        let fresh = ports.top_up(Mono(steps * 20_000));
        assert!((1..=64).contains(&fresh.len()), "{} at once", fresh.len());
        taken.extend(fresh);
        steps += 1;
    }
    println!(
        "{PORTS_READY} pairs in {steps} steps and {:?}",
        began_at.elapsed()
    );
    // A burst: all are used before the worker comes to bind more.
    let pairs: Vec<_> = taken
        .iter()
        .map(|port| ports.take(*port).unwrap())
        .collect();
    assert!(ports.top_up(Mono(steps * 20_000)).len() >= 32);
    drop(pairs);
}

#[test]
fn what_the_owner_keeps_is_bound_beyond_the_usual() {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut ports = ports::Ports::new(here, (54_000, 55_999), 4, 1).unwrap();
    let mut ready = ports.top_up(Mono(0));
    assert_eq!(ready.len(), 4);
    ports.keep_ready(32);
    ready.extend(ports.top_up(Mono(1)));
    assert_eq!(ready.len(), 36);
    // Less is kept: what is ready is used up before more is bound.
    ports.keep_ready(0);
    for port in ready.drain(..32) {
        assert!(ports.take(port).is_some());
        assert_eq!(ports.top_up(Mono(2)), [0_u16; 0]);
    }
    assert!(ports.take(ready[0]).is_some());
    assert_eq!(ports.top_up(Mono(3)).len(), 1);
}

#[test]
fn a_late_wake_up_sends_what_is_due_and_no_more() {
    let due = |now, expired| -> Vec<u64> { run::due(Mono(now), expired).map(|at| at.0).collect() };
    assert_eq!(due(1_000_000, 0), [0; 0]);
    assert_eq!(due(1_000_000, 1), [1_000_000]);
    assert_eq!(due(1_000_000, 3), [960_000, 980_000, 1_000_000]);
    let many = due(1_000_000, 500);
    assert_eq!(many.len(), 5, "what is older comes too late");
    assert_eq!(many.last(), Some(&1_000_000));
    assert_eq!(due(10_000, 2), [0, 10_000]);
}
