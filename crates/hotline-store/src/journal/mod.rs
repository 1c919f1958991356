//! The journal: one frame per turn of the control loop, on disk before the turn's effects start.
//!
//! Segments of 8 MiB, each with a snapshot at its head, so that a start reads one segment at most. `append` hands the
//! frame to the operating system at once; a thread of its own asks for it to be on disk within 50 ms. If the disk
//! refuses or is slow, frames wait in bounded memory and the caller never does.

mod disk;
mod encoding;
mod error;
mod memory_disk;
mod reader;
mod recovery;
mod segment;
mod shared;
mod status;
#[cfg(test)]
mod tests;
mod writer;

pub use disk::{Disk, DiskFile, RealDisk, disk_used_percent};
pub use error::JournalError;
pub use memory_disk::{Crash, MemoryDisk};
pub(crate) use reader::Found;
pub use reader::{Tail, read_all};
pub use recovery::Recovery;
pub use status::{JournalStatus, JournalWatch, Trouble};

use hotline_core::{CallId, EdgeFact, Frame, Ledger, Now};
use shared::{Shared, State, trouble_of};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use writer::Writer;

/// How a journal behaves.
#[derive(Clone, Copy, Debug)]
pub struct JournalOptions {
    /// Size of a segment.
    pub segment_bytes: u64,
    /// Room that is kept free for when the disk is full; 0 = none.
    pub reserve_bytes: u64,
    /// Memory for frames that the disk does not take.
    pub waiting_bytes_max: usize,
    /// A write that takes longer is trouble.
    pub slow_append_us: u64,
    /// A frame is synced this long after it was written (the sync itself comes on top; decision 1 allows 50 ms).
    pub sync_delay_ms: u64,
    /// Sync and catch up in a thread of its own. False: the owner calls [`Journal::keep_up`] (the simulator).
    pub has_thread: bool,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 8 << 20,
            reserve_bytes: 64 << 20,
            waiting_bytes_max: 64 << 20,
            slow_append_us: 20_000,
            sync_delay_ms: 20,
            has_thread: true,
        }
    }
}

/// What became of an appended frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its number.
    pub sequence: u64,
    /// Ended, counted calls whose rows will be written (again) by the projector.
    pub rows: Vec<CallId>,
    /// With the operating system now. False: it waits in memory.
    pub is_written: bool,
}

/// The writing end of the journal. One in the world: whoever opens it holds the lock of the state directory.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    ledger: Ledger,
    recovery: Recovery,
    next: u64,
    buffer: Vec<u8>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Opens the journal in a folder (made if need be) and begins a new segment. Returns what the journal knew.
    ///
    /// A full or refusing disk does not hinder: then the journal begins in trouble.
    ///
    /// # Errors
    /// The folder cannot be used or read, or another version wrote there.
    pub fn open(folder: &Path, options: JournalOptions) -> Result<(Self, Ledger), JournalError> {
        let disk = RealDisk::open(folder).map_err(|source| JournalError::Folder { source })?;
        Self::open_on(Arc::new(disk), options)
    }

    /// As [`open`](Self::open), on any disk.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        options: JournalOptions,
    ) -> Result<(Self, Ledger), JournalError> {
        let found = recovery::recover(&*disk)?;
        // If the disk refuses even that, they only take room.
        segment::remove_unfinished(&*disk).ok();
        let ledger = found.ledger;
        let mut writer = Writer::new(
            Arc::clone(&disk),
            found.journal,
            found.next,
            options.segment_bytes,
        );
        writer.reserve_made(writer::make_reserve(&*disk, options.reserve_bytes));
        let status = JournalStatus {
            next: found.next,
            durable: found.durable,
            ..JournalStatus::default()
        };
        let shared = Arc::new(Shared::new(disk, writer, found.journal, &options, status));
        let mut journal = Self {
            shared,
            ledger: ledger.clone(),
            recovery: found.recovery,
            next: found.next,
            buffer: Vec::new(),
            thread: None,
        };
        journal.begin_first_segment();
        journal.shared.keep_up();
        if found.has_lost_frames {
            journal.state_gap(Now {
                mono: ledger.last.mono,
                wall: ledger.last.wall,
            });
        }
        if options.has_thread {
            journal.thread = Some(start_thread(
                &journal.shared,
                Duration::from_millis(options.sync_delay_ms),
            )?);
        }
        Ok((journal, ledger))
    }

    /// Writes a frame and folds it into the ledger. Never waits for the disk longer than one write takes; after a slow
    /// or failed one, frames wait in memory until the disk is well.
    pub fn append(&mut self, frame: &Frame) -> Appended {
        let sequence = self.next;
        self.next += 1;
        self.buffer.clear();
        let shared = Arc::clone(&self.shared);
        let encoded = encoding::write_frame(&mut self.buffer, sequence, frame);
        let mut state = shared.state();
        state.status.next = self.next;
        state.status.appended += 1;
        let (is_written, has_lost) = match encoded {
            Ok(()) => self.put(&mut state, sequence),
            // Only a frame beyond 64 MiB of facts: nothing that the plan's limits allow.
            Err(_beyond_every_limit) => {
                state.status.frames_lost += 1;
                (false, true)
            }
        };
        let rows = self.ledger.apply_frame(frame);
        if !is_written {
            for record in rows.iter().filter_map(|call| self.ledger.calls.get(call)) {
                Shared::keep_row(&mut state, record);
            }
        }
        drop(state);
        if has_lost {
            self.state_gap(frame.now);
        }
        Appended {
            sequence,
            rows,
            is_written,
        }
    }

    /// What all frames so far amount to.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What was found at the start.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// How it is now.
    #[must_use]
    pub fn status(&self) -> JournalStatus {
        self.shared.status()
    }

    /// A handle for other threads.
    #[must_use]
    pub fn watch(&self) -> JournalWatch {
        JournalWatch {
            shared: Arc::clone(&self.shared),
            durable: self.shared.durable.subscribe(),
        }
    }

    /// Everything appended is on disk when this returns true. Waits for the disk: for the end, not for a turn.
    pub fn sync_now(&mut self) -> bool {
        self.shared.keep_up()
    }

    /// Writes what waits in memory and syncs: what the thread does, for an owner without one.
    pub fn keep_up(&mut self) -> bool {
        self.shared.keep_up()
    }

    /// Returns (with the operating system now, older frames were lost).
    fn put(&self, state: &mut State, sequence: u64) -> (bool, bool) {
        let shared = &self.shared;
        let mut must_begin_segment = false;
        if state.is_direct
            && let Some(writer) = &mut state.writer
        {
            let began = shared.disk.micros();
            must_begin_segment = writer.is_full(self.buffer.len());
            let begun = if must_begin_segment {
                writer.begin_segment(sequence, &self.ledger, &[])
            } else {
                Ok(())
            };
            let result = begun.and_then(|()| writer.write(&self.buffer, sequence));
            let took = shared.disk.micros().saturating_sub(began);
            state.status.slowest_append_us = state.status.slowest_append_us.max(took);
            match result {
                Ok(()) => {
                    state.needs_segment = writer.is_full(1);
                    if took > shared.slow_append_us {
                        state.is_direct = false;
                        state.begin_trouble(Trouble::Slow);
                    } else {
                        state.status.trouble = None;
                    }
                    shared.mark_dirty(state);
                    return (true, false);
                }
                Err(error) => {
                    state.is_direct = false;
                    state.begin_trouble(trouble_of(&error));
                    // What is half written stays behind; these frames begin a segment of their own.
                    must_begin_segment = true;
                }
            }
        }
        let has_lost = shared.wait_in_memory(
            state,
            sequence,
            &self.buffer,
            &self.ledger,
            must_begin_segment,
        );
        shared.mark_dirty(state);
        (false, has_lost)
    }

    /// The new run's segment: even before its first frame, so that a start without calls leaves a snapshot too.
    fn begin_first_segment(&mut self) {
        let mut state = self.shared.state();
        let Some(writer) = &mut state.writer else {
            return;
        };
        if let Err(error) = writer.begin_segment(self.next, &self.ledger, &[]) {
            // The first frame tries again, and then waits in memory.
            state.begin_trouble(trouble_of(&error));
        }
    }

    /// Says in the journal itself that frames are missing.
    fn state_gap(&mut self, now: Now) {
        let frame = Frame {
            now,
            edge: vec![EdgeFact::JournalGap],
            ..Frame::default()
        };
        // Its own loss cannot come back here more often than there are generations in memory.
        self.append(&frame);
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.shared.state().is_closing = true;
            self.shared.wake.notify_all();
            // The thread syncs once more and ends; if it panicked there is nothing left to do for it.
            thread.join().ok();
        }
    }
}

fn start_thread(shared: &Arc<Shared>, delay: Duration) -> Result<JoinHandle<()>, JournalError> {
    let shared = Arc::clone(shared);
    thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || run_thread(&shared, delay))
        .map_err(|source| JournalError::Thread { source })
}

fn run_thread(shared: &Shared, delay: Duration) {
    loop {
        let state = shared.state();
        let is_idle = |state: &mut State| !state.is_dirty && state.is_direct && !state.is_closing;
        let (state, _) = shared
            .wake
            .wait_timeout_while(state, RESERVE_EVERY, is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        let (is_closing, is_direct, has_work) = (
            state.is_closing,
            state.is_direct,
            state.is_dirty || !state.is_direct,
        );
        drop(state);
        if is_closing {
            shared.keep_up();
            return;
        }
        if !has_work {
            shared.renew_reserve();
            continue;
        }
        if is_direct {
            // Frames of the next moments share this sync.
            pause(shared, delay);
        }
        if !shared.keep_up() {
            pause(shared, RETRY_EVERY);
        }
    }
}

/// Ends early when the journal is closed.
fn pause(shared: &Shared, time: Duration) {
    let is_open = |state: &mut State| !state.is_closing;
    drop(
        shared
            .wake
            .wait_timeout_while(shared.state(), time, is_open)
            .unwrap_or_else(PoisonError::into_inner),
    );
}

/// A disk that refused is asked again after this.
const RETRY_EVERY: Duration = Duration::from_millis(200);
/// A reserve that was given up is made again at the earliest after this much peace.
const RESERVE_EVERY: Duration = Duration::from_secs(10);
