//! Puts records into segments, and lets the reserve go when the disk is full.

use super::disk::{Disk, DiskFile};
use super::segment::{self, Current, Layout};
use hotline_core::{CallRecord, Ledger};
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// A file of zeros that is given up when the disk is full, so that the records of the next hours have room.
const RESERVE: &str = "reserve";

/// The writing end. Whoever holds it writes: the control thread, or the thread that catches up after trouble.
#[derive(Debug)]
pub(crate) struct Writer {
    disk: Arc<dyn Disk>,
    journal: u64,
    segment_bytes: u64,
    current: Option<Current>,
    /// The next record to be written.
    next: u64,
    /// Files with bytes that may not be on disk yet.
    unsynced: Vec<Arc<dyn DiskFile>>,
    has_new_names: bool,
    has_reserve: bool,
    /// A sync failed: what was written may be gone, so the next frame belongs behind a new snapshot.
    is_doubtful: bool,
}

impl Writer {
    pub(crate) fn new(disk: Arc<dyn Disk>, journal: u64, next: u64, segment_bytes: u64) -> Self {
        Self {
            disk,
            journal,
            segment_bytes,
            current: None,
            next,
            unsynced: Vec::new(),
            has_new_names: false,
            has_reserve: false,
            is_doubtful: false,
        }
    }

    /// The next frame belongs into a new segment.
    pub(crate) fn is_full(&self, more: usize) -> bool {
        let has_room =
            |current: &Current| current.offset.saturating_add(more as u64) <= current.allocated;
        self.is_doubtful || !self.current.as_ref().is_some_and(has_room)
    }

    pub(crate) fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    pub(crate) fn has_reserve(&self) -> bool {
        self.has_reserve
    }

    /// Begins a new segment with this snapshot, which is the state before frame `first`.
    pub(crate) fn begin_segment(
        &mut self,
        first: u64,
        ledger: &Ledger,
        orphans: &[CallRecord],
    ) -> io::Result<()> {
        let layout = Layout {
            journal: self.journal,
            first,
            bytes: self.segment_bytes,
        };
        let made = match segment::create(&*self.disk, layout, ledger, orphans) {
            Err(error) if error.kind() == ErrorKind::StorageFull && self.give_up_reserve() => {
                segment::create(&*self.disk, layout, ledger, orphans)
            }
            other => other,
        };
        self.current = Some(made?);
        self.is_doubtful = false;
        self.next = first;
        self.mark_unsynced();
        self.has_new_names = true;
        Ok(())
    }

    /// Writes whole records behind one another; the first has the number that `next` says, the last is `last`.
    /// After an error the place stays the same.
    pub(crate) fn write(&mut self, records: &[u8], last: u64) -> io::Result<()> {
        let Some(current) = &mut self.current else {
            return Err(ErrorKind::NotFound.into());
        };
        let mut result = current.file.write_at(records, current.offset);
        if matches!(&result, Err(error) if error.kind() == ErrorKind::StorageFull)
            && give_up_reserve(&*self.disk, &mut self.has_reserve)
        {
            result = current.file.write_at(records, current.offset);
        }
        result?;
        current.offset += records.len() as u64;
        self.next = last + 1;
        self.mark_unsynced();
        Ok(())
    }

    /// What a sync has to do, taken away. The files are synced without holding the writer.
    pub(crate) fn take_unsynced(&mut self) -> Unsynced {
        Unsynced {
            files: std::mem::take(&mut self.unsynced),
            has_new_names: std::mem::take(&mut self.has_new_names),
            next: self.next,
        }
    }

    /// The sync failed: the kernel may have thrown the bytes away, so everything goes into a new segment, whose
    /// snapshot holds what the lost bytes said.
    pub(crate) fn distrust(&mut self, failed: Unsynced) {
        self.has_new_names |= failed.has_new_names;
        for file in failed.files {
            if !self.unsynced.iter().any(|known| Arc::ptr_eq(known, &file)) {
                self.unsynced.push(file);
            }
        }
        // A second failure must not make a chain of files to sync.
        let excess = self.unsynced.len().saturating_sub(UNSYNCED_MAX);
        self.unsynced.drain(..excess);
        self.is_doubtful = true;
    }

    pub(crate) fn reserve_made(&mut self, has_reserve: bool) {
        self.has_reserve = has_reserve;
    }

    fn give_up_reserve(&mut self) -> bool {
        give_up_reserve(&*self.disk, &mut self.has_reserve)
    }

    fn mark_unsynced(&mut self) {
        let Some(current) = &self.current else { return };
        if !self
            .unsynced
            .last()
            .is_some_and(|last| Arc::ptr_eq(last, &current.file))
        {
            self.unsynced.push(Arc::clone(&current.file));
        }
    }
}

/// Makes the reserve if it is not there. False when there is no room for it.
pub(crate) fn make_reserve(disk: &dyn Disk, bytes: u64) -> bool {
    let is_there = disk
        .names()
        .is_ok_and(|names| names.iter().any(|name| name == RESERVE));
    bytes > 0 && (is_there || disk.create(RESERVE, bytes).is_ok())
}

fn give_up_reserve(disk: &dyn Disk, has_reserve: &mut bool) -> bool {
    std::mem::take(has_reserve) && disk.remove(RESERVE).is_ok()
}

/// Files and names to sync, and the frame that is on disk up to when it is done.
#[derive(Debug)]
pub(crate) struct Unsynced {
    files: Vec<Arc<dyn DiskFile>>,
    has_new_names: bool,
    pub(crate) next: u64,
}

impl Unsynced {
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && !self.has_new_names
    }

    pub(crate) fn sync(&self, disk: &dyn Disk) -> io::Result<()> {
        for file in &self.files {
            file.sync()?;
        }
        if self.has_new_names {
            disk.sync_names()?;
        }
        Ok(())
    }
}

/// Files waiting for a sync at most; there are two at a rotation.
const UNSYNCED_MAX: usize = 8;
