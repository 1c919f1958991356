//! The bank's media worker: its commands, its news, its free ports and sounds.

use super::BankConfig;
use crate::error::Error;
use hotline_media::sdp::{Capabilities, RANDOM_BYTES, Security};
use hotline_media::{
    Command, Event, RecordingId, Worker, WorkerConfig, WorkerHandle, recording_file_name,
};
use mio::Waker;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

pub(crate) struct Audio {
    worker: Option<WorkerHandle>,
    events: Receiver<Event>,
    ports: VecDeque<u16>,
    /// Index and length in milliseconds.
    sounds: HashMap<String, (u32, u64)>,
    spool: PathBuf,
    pub(crate) capabilities: Capabilities,
    pub(crate) security: Security,
}

impl Audio {
    pub(crate) fn start(
        config: &BankConfig,
        sip: SocketAddr,
        waker: Arc<Waker>,
    ) -> Result<Self, Error> {
        // Recordings have numbers for names: each bank of a process needs a place of its own.
        let spool = config
            .spool
            .join(format!("bank-{}", BANKS.fetch_add(1, Ordering::Relaxed)));
        let media = |source| Error::Media { source };
        std::fs::create_dir_all(&spool).map_err(media)?;
        let mut sounds = HashMap::new();
        for (index, sound) in (0u32..).zip(&config.sounds) {
            sounds.insert(
                sound.name.clone(),
                (index, sound.alaw.len() as u64 / SAMPLES_A_MS),
            );
        }
        let mut worker = WorkerConfig::new(config.local, spool.clone());
        worker.ports = (*config.rtp_ports.start(), *config.rtp_ports.end());
        worker.sounds = config.sounds.clone().into();
        let (tell, events) = std::sync::mpsc::channel();
        let worker = Worker::start(worker, move |event| {
            if tell.send(event).is_ok() {
                let _ = waker.wake();
            }
        });
        Ok(Self {
            worker: Some(worker.map_err(media)?),
            events,
            ports: VecDeque::new(),
            sounds,
            spool,
            capabilities: Capabilities {
                codecs: config.codecs.clone(),
                telephone_event: config.telephone_event,
                refused_targets: vec![sip],
                ..Capabilities::default()
            },
            security: config.security,
        })
    }

    /// Fresh for each description. A machine without randomness has no keys to offer, and nobody to call either:
    /// the line's own start would have failed.
    pub(crate) fn random(&self) -> [u8; RANDOM_BYTES] {
        let mut random = [0; RANDOM_BYTES];
        let _ = getrandom::fill(&mut random);
        random
    }

    /// A command that finds the queue full is lost; only a worker that stands still can bring that about.
    pub(crate) fn send(&self, command: Command) {
        if let Some(worker) = &self.worker {
            worker.send(command);
        }
    }

    pub(crate) fn take_event(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    pub(crate) fn take_port(&mut self) -> Option<u16> {
        self.ports.pop_front()
    }

    pub(crate) fn give_back(&mut self, port: u16) {
        self.ports.push_back(port);
    }

    pub(crate) fn sound(&self, name: &str) -> Option<(u32, u64)> {
        self.sounds.get(name).copied()
    }

    pub(crate) fn recording_path(&self, recording: RecordingId) -> PathBuf {
        self.spool.join(recording_file_name(recording))
    }

    /// All legs close and recordings are completed; their last news can still be taken.
    pub(crate) fn stop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.stop();
        }
    }

    /// Removes the directory, unless something was left in it.
    pub(crate) fn clear(&self) {
        let _ = std::fs::remove_dir(&self.spool);
        let _ = self.spool.parent().map(std::fs::remove_dir);
    }
}

const SAMPLES_A_MS: u64 = 8;
/// Numbers the banks of this process.
static BANKS: AtomicU64 = AtomicU64::new(0);
