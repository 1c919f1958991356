//! What bridged calls cost a media worker, by the kind of their counsellors' legs; the callers are a trunk's, A-law in
//! the clear. Real sockets on loopback, real ciphers and codecs at both ends; the worker on one core, the load on
//! another. `cargo run --release --example bridges -- KIND CALLS SECONDS`; `cargo xtask bench costs` runs them all.
#![allow(clippy::print_stdout, reason = "it is there to print")]

mod browser;
mod load;
mod voice;

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use hotline_media::browser::Identity;
use hotline_media::{Codec, Command, Worker, WorkerConfig};
use load::Load;
use rustix::thread::{CpuSet, sched_setaffinity};

/// Kinds of counsellors' legs.
const KINDS: [(&str, Kind); 8] = [
    ("plain", Kind::new(Codec::Pcma, Cover::None)),
    ("recorded", Kind::new(Codec::Pcma, Cover::None).recorded()),
    ("mu-law", Kind::new(Codec::Pcmu, Cover::None)),
    ("g722", Kind::new(Codec::G722, Cover::None)),
    ("opus", Kind::new(Codec::Opus, Cover::None)),
    ("sdes", Kind::new(Codec::Pcma, Cover::Sdes)),
    ("browser", Kind::new(Codec::Pcma, Cover::Browser)),
    ("browser-opus", Kind::new(Codec::Opus, Cover::Browser)),
];

/// What a counsellor's leg is.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    codec: Codec,
    cover: Cover,
    is_recorded: bool,
}

/// What its audio is protected by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cover {
    None,
    Sdes,
    Browser,
}

impl Kind {
    const fn new(codec: Codec, cover: Cover) -> Self {
        Kind {
            codec,
            cover,
            is_recorded: false,
        }
    }

    const fn recorded(self) -> Self {
        Kind {
            is_recorded: true,
            ..self
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, usual| {
        let argument = arguments.get(index);
        argument.and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let name = arguments.first().map_or("plain", String::as_str);
    let kind = KINDS.iter().find(|(known, _)| *known == name);
    let Some((_, kind)) = kind else {
        let known: Vec<&str> = KINDS.iter().map(|(known, _)| *known).collect();
        return Err(format!("{name} is none of {}", known.join(", ")).into());
    };
    run(name, *kind, number(1, 100), number(2, 5) as u64)
}

fn run(name: &str, kind: Kind, calls: usize, seconds: u64) -> Result<(), Box<dyn Error>> {
    let directory = std::env::temp_dir().join(format!("hotline-bridges-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let identity = Arc::new(Identity::generate()?);
    let (tell, events) = channel();
    let config = WorkerConfig {
        ports: (16_384, 32_767),
        ports_ready: 1_024,
        identity: Some(identity.clone()),
        ..WorkerConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), directory.clone())
    };
    // The threads of the worker stay where this one is when it starts them.
    run_on(0)?;
    let worker = Worker::start(config, move |event| {
        let _ = tell.send(event);
    })?;
    run_on(1)?;
    let mut load = Load::new(&worker, &events, &identity);
    let before = cpu_us()?;
    for call in 0..calls as u64 {
        load.open(call * 2, Kind::new(Codec::Pcma, Cover::None))?;
        load.open(call * 2 + 1, kind)?;
    }
    let set_up_us = cpu_us()? - before;
    for call in 0..calls as u64 {
        let (a, b) = (call * 2, call * 2 + 1);
        worker.send(Command::Connect { a, b });
        if kind.is_recorded {
            worker.send(Command::Record {
                leg: a,
                recording: call,
            });
        }
    }
    load.run(Duration::from_secs(1))?;
    load.forget();
    let (before, start) = (cpu_us()?, Instant::now());
    load.run(Duration::from_secs(seconds))?;
    let busy = (cpu_us()? - before) as f64 / start.elapsed().as_micros() as f64;
    let lost_percent = load.lost_percent();
    worker.stop();
    std::fs::remove_dir_all(directory)?;
    println!(
        "{name}: {:.2} % of a core per 100 calls, {:.3} ms to set one up, {lost_percent:.3} % lost",
        busy * 10_000.0 / calls.max(1) as f64,
        set_up_us as f64 / 1_000.0 / calls.max(1) as f64,
    );
    Ok(())
}

/// This thread, and what it starts from now on. A machine with one core has no choice.
fn run_on(core: usize) -> std::io::Result<()> {
    let known = format!("/sys/devices/system/cpu/cpu{core}");
    if !std::path::Path::new(&known).exists() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Processor time of all threads but this one so far: the media thread and its recorder. The scheduler's own count,
/// for the usual one goes by ticks of 10 ms.
fn cpu_us() -> std::io::Result<u64> {
    let own = std::process::id().to_string();
    let mut sum_ns = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?;
        if task.file_name().to_string_lossy() == own {
            continue;
        }
        let text = std::fs::read_to_string(task.path().join("schedstat"))?;
        let busy = text.split(' ').next().and_then(|word| word.parse().ok());
        sum_ns += busy.unwrap_or(0u64);
    }
    Ok(sum_ns / 1_000)
}
