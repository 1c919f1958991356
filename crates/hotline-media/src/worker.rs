//! A media worker: one thread that owns a shard, its sockets and its clock. No async runtime, no lock.
//!
//! Each leg has sockets of its own (rule M, closed ports). One datagram arrives per socket and tick, and a batch
//! system call cannot span sockets: `recvmmsg` and `sendmmsg` through `quinn-udp` would carry one datagram each,
//! with control messages to set up and to parse on top. So the sockets are mio's, with plain calls.

mod guards;
mod ports;
mod run;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use mio::Waker;

use crate::browser::Identity;
use crate::message::{Command, Event, Sound};
use crate::recorder::{RecordingDirectory, RecordingStore};

/// How a worker is set up.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// Local address of all media sockets. `::` serves both families.
    pub bind: IpAddr,
    /// First and last port of the range. Several workers may share a range.
    pub ports: (u16, u16),
    /// Port pairs bound ahead.
    pub ports_ready: usize,
    /// Directory of the recordings; it must exist.
    pub recordings: PathBuf,
    /// Prompts and music, by index.
    pub sounds: Arc<[Sound]>,
    /// Index of the hold music among them; None looks for [`crate::MUSIC_NAME`].
    pub music: Option<u32>,
    /// Who we are to browsers; None: no leg can be a browser's.
    pub identity: Option<Arc<Identity>>,
    /// Which worker; names the threads.
    pub index: u32,
    /// Of SSRCs, first numbers and ports; None takes one that nobody can guess.
    pub seed: Option<u64>,
}

impl WorkerConfig {
    /// The usual range and ports ahead, no sounds.
    pub fn new(bind: IpAddr, recordings: PathBuf) -> Self {
        WorkerConfig {
            bind,
            ports: PORTS,
            ports_ready: PORTS_READY,
            recordings,
            sounds: Arc::from(Vec::new()),
            music: None,
            identity: None,
            index: 0,
            seed: None,
        }
    }
}

/// Starts workers.
#[derive(Debug)]
pub struct Worker;

/// Sends commands to a worker; may be cloned and shared between threads.
#[derive(Clone, Debug)]
pub struct WorkerSender {
    commands: SyncSender<Command>,
    waker: Arc<Waker>,
}

/// The owner's end of a worker. Dropping it stops the worker.
#[derive(Debug)]
pub struct WorkerHandle {
    sender: WorkerSender,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the media thread and its recorder. `events` is called on the media thread: it must not wait.
    pub fn start(
        config: WorkerConfig,
        events: impl Fn(Event) + Send + 'static,
    ) -> io::Result<WorkerHandle> {
        let store = Box::new(RecordingDirectory(config.recordings.clone()));
        Worker::start_with_store(config, store, events)
    }

    /// The same with recordings that go elsewhere.
    pub fn start_with_store(
        config: WorkerConfig,
        store: Box<dyn RecordingStore>,
        events: impl Fn(Event) + Send + 'static,
    ) -> io::Result<WorkerHandle> {
        raise_file_limit();
        let (commands, taken) = sync_channel(COMMANDS_MAX);
        let seed = config
            .seed
            .unwrap_or_else(|| RandomState::new().hash_one(config.index));
        let name = format!("media-{}", config.index);
        let running = run::Running::new(config, seed, store, taken, Box::new(events))?;
        let waker = running.waker();
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || running.run())?;
        Ok(WorkerHandle {
            sender: WorkerSender { commands, waker },
            thread: Some(thread),
        })
    }
}

impl WorkerSender {
    /// Hands a command over, without ever waiting; false when the worker has ended or [`COMMANDS_MAX`] commands
    /// wait already.
    pub fn send(&self, command: Command) -> bool {
        let is_taken = self.commands.try_send(command).is_ok();
        self.waker.wake().is_ok() && is_taken
    }
}

impl WorkerHandle {
    /// See [`WorkerSender::send`].
    pub fn send(&self, command: Command) -> bool {
        self.sender.send(command)
    }

    /// False once the thread has ended, by [`Command::Stop`] or by a fault.
    pub fn is_running(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Another sender for the same worker.
    pub fn sender(&self) -> WorkerSender {
        self.sender.clone()
    }

    /// Closes all legs, completes the recordings, ends the threads and waits for them.
    pub fn stop(mut self) {
        self.end();
    }

    /// Waits until the worker has ended by [`Command::Stop`].
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    fn end(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        // The queue may be full for a moment; the worker empties it at each turn.
        while !thread.is_finished() && !self.sender.send(Command::Stop) {
            std::thread::yield_now();
        }
        let _ = thread.join();
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.end();
    }
}

/// A leg needs two descriptors; the usual soft limit of 1,024 would end at 500 legs.
fn raise_file_limit() {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, limit);
}

/// Commands that may wait; the worker takes all of them at each turn.
pub const COMMANDS_MAX: usize = 8_192;
/// Rule M.5: at least 10,000; below the range from which Linux gives out ports itself.
const PORTS: (u16, u16) = (16_384, 32_767);
/// A burst of calls finds ports before the worker hears of the first: a quarter of a second at 1,000 calls a second.
const PORTS_READY: usize = 256;

#[cfg(test)]
mod tests;
