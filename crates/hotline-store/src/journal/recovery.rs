//! What a start finds: the newest segment that can be read, folded.

use super::disk::Disk;
use super::encoding;
use super::error::JournalError;
use super::segment::{self, Opened, Window};
use hotline_core::Ledger;
use std::time::{SystemTime, UNIX_EPOCH};

/// Numbers skipped when no segment could be read: more frames than one segment can hold.
const SKIP_AFTER_DAMAGE: u64 = 1 << 24;

/// What was found at a start, for the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Frames read behind the snapshot.
    pub frames: u64,
    /// Segments set aside because their head was damaged. A power loss may leave one; more is a bad disk.
    pub damaged_segments: u32,
    /// There was no journal at all.
    pub is_new: bool,
}

pub(crate) struct Recovered {
    pub(crate) journal: u64,
    pub(crate) ledger: Ledger,
    pub(crate) next: u64,
    pub(crate) durable: u64,
    pub(crate) recovery: Recovery,
    pub(crate) has_lost_frames: bool,
}

/// Reads the newest segment whose head is whole, up to the first frame that is not.
pub(crate) fn recover(disk: &dyn Disk) -> Result<Recovered, JournalError> {
    let segments = segment::list(disk).map_err(|source| JournalError::Folder { source })?;
    let mut recovery = Recovery {
        is_new: segments.is_empty(),
        ..Recovery::default()
    };
    for first in segments.into_iter().rev() {
        if let Some(opened) = segment::open(disk, first)? {
            return replay(first, opened, recovery);
        }
        recovery.damaged_segments += 1;
        segment::set_aside(disk, first).map_err(|source| JournalError::Folder { source })?;
    }
    let damaged =
        segment::highest_damaged(disk).map_err(|source| JournalError::Folder { source })?;
    let next = damaged.map_or(1, |first| first.saturating_add(SKIP_AFTER_DAMAGE));
    Ok(Recovered {
        journal: new_journal_id(),
        ledger: Ledger::default(),
        next,
        durable: next,
        has_lost_frames: damaged.is_some(),
        recovery,
    })
}

fn replay(first: u64, opened: Opened, mut recovery: Recovery) -> Result<Recovered, JournalError> {
    let Opened {
        file,
        header,
        mut ledger,
        offset,
        ..
    } = opened;
    // After a kill the bytes are with the operating system only; what is built on them must not outlive them.
    let is_synced = file.sync().is_ok();
    let mut window = Window::new(file, offset);
    let mut next = first;
    while let Some(record) = window
        .record()
        .map_err(|source| JournalError::Read { first, source })?
    {
        if record.sequence != next {
            break;
        }
        let bytes = record.bytes();
        let frame = encoding::read_facts(record.payload)
            .ok_or(JournalError::Undecodable { sequence: next })?;
        ledger.apply_frame(&frame);
        window.skip(bytes);
        next += 1;
        recovery.frames += 1;
    }
    Ok(Recovered {
        journal: header.journal,
        ledger,
        next,
        durable: if is_synced { next } else { first },
        has_lost_frames: recovery.damaged_segments > 0,
        recovery,
    })
}

/// Distinct for every journal that one machine ever begins.
fn new_journal_id() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    // SQLite's integers are signed.
    u64::try_from(since.as_micros()).unwrap_or(0) & (u64::MAX >> 1)
}
