//! The recorder: one quiet thread that turns frames into two-channel WAV files, so that the media thread never
//! waits for a disk.

mod writer;

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use crate::message::{Event, RecordingId};
use crate::tap::Item;

pub(crate) use writer::Writer;

/// Where one recording goes: a file, or something that encrypts on the way to it.
pub trait RecordingSink: Write + Seek + Send {}

impl<T: Write + Seek + Send> RecordingSink for T {}

/// Makes sinks.
pub trait RecordingStore: Send {
    /// A new, empty sink; an existing recording is never overwritten.
    fn create(&mut self, recording: RecordingId) -> io::Result<Box<dyn RecordingSink>>;
}

/// Plain files in a directory, readable by our user only: they hold children's voices.
#[derive(Clone, Debug)]
pub struct RecordingDirectory(pub PathBuf);

impl RecordingStore for RecordingDirectory {
    fn create(&mut self, recording: RecordingId) -> io::Result<Box<dyn RecordingSink>> {
        let path = self.0.join(recording_file_name(recording));
        let file: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(path)?;
        Ok(Box::new(file))
    }
}

/// Name of a recording's file: our id in sixteen hex digits, nothing of the caller's.
pub fn recording_file_name(recording: RecordingId) -> String {
    format!("{recording:016x}.wav")
}

/// The media thread's end.
pub(crate) struct Recorder {
    blocks: SyncSender<Vec<Item>>,
    used: Receiver<Vec<Item>>,
    news: Receiver<Event>,
    thread: JoinHandle<()>,
    /// Recordings whose loss has been told.
    shed: HashSet<RecordingId>,
}

impl Recorder {
    /// Starts the thread.
    pub(crate) fn start(name: String, store: Box<dyn RecordingStore>) -> io::Result<Self> {
        let (blocks, to_write) = sync_channel::<Vec<Item>>(RING_BLOCKS);
        let (give_back, used) = sync_channel(RING_BLOCKS);
        let (tell, news) = sync_channel(NEWS_MAX);
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            // Linux: "process 0" is the calling thread. Recording gives way to media and control.
            let _ = rustix::process::setpriority_process(None, WRITER_NICE);
            let mut writer = Writer::new(store);
            let mut told = Vec::new();
            while let Ok(mut block) = to_write.recv() {
                writer.take(&block, &mut told);
                block.clear();
                let _ = give_back.try_send(block);
                for event in told.drain(..) {
                    let _ = tell.send(event);
                }
            }
            writer.finish(&mut told);
            for event in told.drain(..) {
                let _ = tell.send(event);
            }
        })?;
        Ok(Recorder {
            blocks,
            used,
            news,
            thread,
            shed: HashSet::new(),
        })
    }

    /// Hands a tick's items over. When the ring is full (the disk stands still for seconds) frames are dropped and
    /// told once a recording; beginnings and ends wait for the next tick.
    pub(crate) fn send(&mut self, items: &mut Vec<Item>, events: &mut Vec<Event>) {
        events.extend(self.news.try_iter().take(NEWS_MAX));
        if items.is_empty() {
            return;
        }
        let ended: Vec<RecordingId> = if self.shed.is_empty() {
            Vec::new()
        } else {
            items.iter().filter_map(Item::ended).collect()
        };
        let block = std::mem::replace(items, self.used.try_recv().unwrap_or_default());
        match self.blocks.try_send(block) {
            Ok(()) => self.shed.retain(|recording| !ended.contains(recording)),
            Err(TrySendError::Disconnected(block)) => {
                lose(&mut self.shed, &block, &mut |event| events.push(event));
            }
            Err(TrySendError::Full(mut block)) => {
                self.shed_frames(&mut block, events);
                *items = block;
            }
        }
    }

    fn shed_frames(&mut self, block: &mut Vec<Item>, events: &mut Vec<Event>) {
        block.retain(|item| match item {
            Item::Frame(frame) => {
                if self.shed.insert(frame.recording) {
                    let error = "the disk is too slow: some seconds are missing".to_owned();
                    events.push(Event::RecordingFailed {
                        recording: frame.recording,
                        error,
                    });
                }
                false
            }
            Item::Begin(_) | Item::End { .. } => true,
        });
    }

    /// Ends the thread after the last frame is written; gives its news to `tell`.
    pub(crate) fn finish(self, items: Vec<Item>, tell: &dyn Fn(Event)) {
        let Recorder {
            blocks,
            used: _,
            news,
            thread,
            mut shed,
        } = self;
        let mut last = Some(items);
        // The writer may wait for room for its news while the ring is full: both are moved in turn.
        while let Some(block) = last.take() {
            match blocks.try_send(block) {
                Ok(()) => {}
                Err(TrySendError::Disconnected(block)) => {
                    lose(&mut shed, &block, &mut |event| tell(event));
                }
                Err(TrySendError::Full(block)) => {
                    last = Some(block);
                    if let Ok(event) = news.recv_timeout(FINISH_STEP) {
                        tell(event);
                    }
                }
            }
        }
        drop(blocks);
        for event in news.iter() {
            tell(event);
        }
        let _ = thread.join();
    }
}

/// The writer's thread is dead: whatever was handed to it is lost, and told once a recording.
fn lose(shed: &mut HashSet<RecordingId>, block: &[Item], tell: &mut dyn FnMut(Event)) {
    for item in block {
        let recording = item.recording();
        if shed.insert(recording) {
            tell(Event::RecordingFailed {
                recording,
                error: "the recorder has ended: nothing is written any more".to_owned(),
            });
        }
    }
    for recording in block.iter().filter_map(Item::ended) {
        shed.remove(&recording);
    }
}

/// Ticks that the disk may stand still: 5 s.
const RING_BLOCKS: usize = 256;
/// Beginnings and ends of recordings between two ticks.
const NEWS_MAX: usize = 1_024;
const FILE_MODE: u32 = 0o600;
const WRITER_NICE: i32 = 10;
const FINISH_STEP: std::time::Duration = std::time::Duration::from_millis(20);

#[cfg(test)]
mod tests;
