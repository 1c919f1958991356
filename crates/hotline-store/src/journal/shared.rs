//! What the control thread and the journal's own thread share: the writer, frames that wait in memory, the status.
//!
//! ```text
//!             write failed or slow                     all written, and quickly
//!   Direct ─────────────────────────► Catching up ─────────────────────────────► Direct
//!   control thread writes             control thread puts frames into memory,
//!                                     the other thread writes them
//! ```
//! The lock is never held during a write, a sync or a wait of the other thread.

use super::disk::Disk;
use super::status::{JournalStatus, Trouble};
use super::writer::{Writer, make_reserve};
use hotline_core::{CallRecord, Ledger};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Rows kept of calls whose frames were lost. Each about 1 KiB.
const ORPHANS_MAX: usize = 20_000;
/// Bytes handed to the disk at once while catching up.
const CATCH_UP_BYTES: usize = 1 << 20;

/// Frames that wait: at most one segment's worth, with the ledger before the first of them if they need a segment of
/// their own.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The state before `first`; None = they continue the segment that is being written.
    ledger: Option<Ledger>,
    first: u64,
    last: u64,
    records: Vec<u8>,
    /// Where each record ends in `records`.
    ends: VecDeque<usize>,
    written: usize,
    /// Rows of calls that ended in these frames, in case that the frames are lost.
    ended: Vec<CallRecord>,
    /// Rows of calls whose frames were lost before these.
    orphans: Vec<CallRecord>,
}

#[derive(Debug)]
pub(crate) struct State {
    /// None while the catching-up thread has it.
    pub(crate) writer: Option<Writer>,
    pub(crate) is_direct: bool,
    pub(crate) waiting: VecDeque<Waiting>,
    /// The segment being written has had its share: frames that come to wait need a new one.
    pub(crate) needs_segment: bool,
    pub(crate) status: JournalStatus,
    /// The last sync failed, or what it should have confirmed is still in doubt.
    pub(crate) is_sync_failing: bool,
    /// Something was written since the last sync began.
    pub(crate) is_dirty: bool,
    pub(crate) is_closing: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) journal: u64,
    pub(crate) slow_append_us: u64,
    pub(crate) waiting_bytes_max: usize,
    pub(crate) segment_bytes: usize,
    pub(crate) reserve_bytes: u64,
    pub(crate) state: Mutex<State>,
    pub(crate) wake: Condvar,
    pub(crate) durable: watch::Sender<u64>,
    /// One at a time: the journal's thread, or `sync_now`.
    upkeep: Mutex<()>,
}

impl Shared {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        writer: Writer,
        journal: u64,
        options: &super::JournalOptions,
        status: JournalStatus,
    ) -> Self {
        let waiting_bytes_max = options.waiting_bytes_max;
        // At least four generations, so that an overflow loses a quarter at most.
        let generation = usize::try_from(options.segment_bytes)
            .unwrap_or(usize::MAX)
            .min(waiting_bytes_max / 4);
        Self {
            disk,
            journal,
            slow_append_us: options.slow_append_us,
            waiting_bytes_max,
            segment_bytes: generation.max(1),
            reserve_bytes: options.reserve_bytes,
            state: Mutex::new(State {
                writer: Some(writer),
                is_direct: true,
                waiting: VecDeque::new(),
                needs_segment: true,
                status,
                is_sync_failing: false,
                is_dirty: false,
                is_closing: false,
            }),
            wake: Condvar::new(),
            durable: watch::Sender::new(status.durable),
            upkeep: Mutex::new(()),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves this state as it was between two whole steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> JournalStatus {
        let state = self.state();
        let mut status = state.status;
        let is_sync_failing = state.is_sync_failing.then_some(Trouble::SyncFailed);
        status.trouble = status.trouble.or(is_sync_failing);
        status.durable = *self.durable.borrow();
        status.waiting_bytes = state
            .waiting
            .iter()
            .map(|waiting| (waiting.records.len() - waiting.written) as u64)
            .sum();
        if let Some(writer) = &state.writer {
            status.has_reserve = writer.has_reserve();
        }
        status
    }

    /// Writes what waits, then syncs what was written. Returns whether all is well.
    pub(crate) fn keep_up(&self) -> bool {
        let _alone = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        let is_caught_up = self.catch_up();
        let is_synced = self.sync();
        is_caught_up && is_synced
    }

    /// Makes the reserve again after it was given up.
    pub(crate) fn renew_reserve(&self) {
        let is_missing = self
            .state()
            .writer
            .as_ref()
            .is_some_and(|writer| !writer.has_reserve());
        if !is_missing || self.reserve_bytes == 0 {
            return;
        }
        let has_reserve = make_reserve(&*self.disk, self.reserve_bytes);
        if let Some(writer) = &mut self.state().writer {
            writer.reserve_made(has_reserve);
        }
    }

    /// Writes waiting frames until none waits. False when the disk still refuses.
    fn catch_up(&self) -> bool {
        let mut batch = Vec::new();
        loop {
            let mut state = self.state();
            if state.is_direct {
                return true;
            }
            let Some(mut writer) = state.writer.take() else {
                return false;
            };
            let Some(front) = state.waiting.front_mut() else {
                state.writer = Some(writer);
                state.end_trouble();
                return true;
            };
            // Written without the lock: what is needed is copied or taken, and given back after a failure.
            let head = front
                .ledger
                .take()
                .map(|ledger| (front.first, ledger, std::mem::take(&mut front.orphans)));
            let (written, last) = front.next_batch(&mut batch);
            drop(state);
            let began = self.disk.micros();
            let result = head
                .as_ref()
                .map_or(Ok(()), |(first, ledger, orphans)| {
                    writer.begin_segment(*first, ledger, orphans)
                })
                .and_then(|()| writer.write(&batch, last));
            let took = self.disk.micros().saturating_sub(began);
            let mut state = self.state();
            state.needs_segment = writer.is_full(1);
            state.writer = Some(writer);
            state.status.slowest_append_us = state.status.slowest_append_us.max(took);
            match result {
                Ok(()) => self.batch_written(&mut state, written, took),
                Err(error) => {
                    if let (Some((_, ledger, orphans)), Some(front)) =
                        (head, state.waiting.front_mut())
                    {
                        front.ledger = Some(ledger);
                        front.orphans = orphans;
                    }
                    state.status.trouble = Some(trouble_of(&error));
                    return false;
                }
            }
        }
    }

    fn batch_written(&self, state: &mut State, written: usize, took_us: u64) {
        state.is_dirty = true;
        if let Some(front) = state.waiting.front_mut() {
            front.written = written;
            if front.written >= front.records.len() {
                state.waiting.pop_front();
            }
        }
        if state.waiting.is_empty() && took_us <= self.slow_append_us {
            state.end_trouble();
        }
    }

    fn sync(&self) -> bool {
        let mut state = self.state();
        state.is_dirty = false;
        let Some(writer) = &mut state.writer else {
            return false;
        };
        let unsynced = writer.take_unsynced();
        drop(state);
        if unsynced.is_empty() {
            return true;
        }
        let result = unsynced.sync(&*self.disk);
        let mut state = self.state();
        match result {
            Ok(()) => {
                // What is in doubt is sure again when a frame has been written behind a new snapshot, and synced.
                if state.writer.as_ref().is_some_and(Writer::is_doubtful) {
                    return false;
                }
                state.is_sync_failing = false;
                drop(state);
                self.durable.send_replace(unsynced.next);
                true
            }
            Err(_reported_by_status) => {
                let is_new = !std::mem::replace(&mut state.is_sync_failing, true)
                    && state.status.trouble.is_none();
                state.status.troubles += u64::from(is_new);
                if let Some(writer) = &mut state.writer {
                    writer.distrust(unsynced);
                }
                state.is_dirty = true;
                false
            }
        }
    }

    /// There is something to sync or to catch up with.
    pub(crate) fn mark_dirty(&self, state: &mut State) {
        // One wake-up for all frames until the next sync.
        if !std::mem::replace(&mut state.is_dirty, true) || !state.is_direct {
            self.wake.notify_all();
        }
    }

    /// Puts a record into memory. Returns true when older ones had to go.
    pub(crate) fn wait_in_memory(
        &self,
        state: &mut State,
        sequence: u64,
        record: &[u8],
        ledger: &Ledger,
        must_begin_segment: bool,
    ) -> bool {
        let has_room = state.waiting.back().is_some_and(|back| {
            back.records.len() + record.len() <= self.segment_bytes && !must_begin_segment
        });
        if !has_room {
            let needs_ledger =
                must_begin_segment || state.needs_segment || !state.waiting.is_empty();
            state.waiting.push_back(Waiting {
                ledger: needs_ledger.then(|| ledger.clone()),
                first: sequence,
                last: sequence,
                records: Vec::new(),
                ends: VecDeque::new(),
                written: 0,
                ended: Vec::new(),
                orphans: Vec::new(),
            });
        }
        if let Some(back) = state.waiting.back_mut() {
            back.records.extend_from_slice(record);
            back.ends.push_back(back.records.len());
            back.last = sequence;
        }
        self.make_room(state)
    }

    /// A call ended in the frame that was just put into memory.
    pub(crate) fn keep_row(state: &mut State, record: &CallRecord) {
        if let Some(back) = state.waiting.back_mut() {
            back.ended.retain(|known| known.call != record.call);
            back.ended.push(record.clone());
        }
    }

    fn make_room(&self, state: &mut State) -> bool {
        let mut has_lost = false;
        // While the other thread writes from the front, the front cannot go.
        let oldest = usize::from(state.writer.is_none());
        while state
            .waiting
            .iter()
            .map(|waiting| waiting.records.len())
            .sum::<usize>()
            > self.waiting_bytes_max
            && state.waiting.len() > oldest + 1
        {
            let Some(lost) = state.waiting.remove(oldest) else {
                break;
            };
            has_lost = true;
            state.status.frames_lost +=
                lost.ends.iter().filter(|end| **end > lost.written).count() as u64;
            let Some(next) = state.waiting.get_mut(oldest) else {
                break;
            };
            let mut orphans = lost.orphans;
            orphans.extend(lost.ended.into_iter().map(|row| CallRecord {
                has_journal_gap: true,
                ..row
            }));
            orphans.append(&mut next.orphans);
            let excess = orphans.len().saturating_sub(ORPHANS_MAX);
            orphans.drain(..excess);
            next.orphans = orphans;
            state.status.rows_lost += excess as u64;
        }
        has_lost
    }
}

impl State {
    pub(crate) fn begin_trouble(&mut self, trouble: Trouble) {
        if self.status.trouble.is_none() && !self.is_sync_failing {
            self.status.troubles += 1;
        }
        self.status.trouble = Some(trouble);
    }

    fn end_trouble(&mut self) {
        self.is_direct = true;
        self.status.trouble = None;
    }
}

impl Waiting {
    /// Copies the next whole records into `batch`. Returns how far that is in `records`, and the last number.
    fn next_batch(&mut self, batch: &mut Vec<u8>) -> (usize, u64) {
        batch.clear();
        while self.ends.front().is_some_and(|end| *end <= self.written) {
            self.ends.pop_front();
        }
        let mut end = self.written;
        let mut count = 0;
        for next in &self.ends {
            if *next - self.written > CATCH_UP_BYTES && count > 0 {
                break;
            }
            end = *next;
            count += 1;
        }
        batch.extend_from_slice(self.records.get(self.written..end).unwrap_or_default());
        let left = (self.ends.len() - count) as u64;
        (end, self.last - left)
    }
}

pub(crate) fn trouble_of(error: &io::Error) -> Trouble {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Trouble::DiskFull
        }
        _ => Trouble::WriteFailed,
    }
}
