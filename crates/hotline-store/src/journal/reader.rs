//! Reads frames that are safely on disk, from a position on, over all segments: for the projector and for replay.

use super::disk::Disk;
use super::encoding;
use super::error::JournalError;
use super::segment::{self, Window};
use super::status::JournalWatch;
use hotline_core::{CallRecord, Frame, Ledger};
use std::io;
use std::sync::Arc;

/// What is at the position.
#[derive(Debug)]
pub(crate) enum Found {
    /// The frame.
    Frame { sequence: u64, frame: Frame },
    /// Frames are missing here. The state before the next one, and the rows of calls that ended in
    /// between.
    Gap {
        ledger: Box<Ledger>,
        orphans: Vec<CallRecord>,
    },
}

/// A position in the journal that moves on. Reads only frames that survive a power loss, so that nothing outlives the
/// frame that it was made from.
#[derive(Debug)]
pub struct Tail {
    disk: Arc<dyn Disk>,
    watch: JournalWatch,
    segment: Option<(u64, Window)>,
    next: u64,
}

impl Tail {
    /// Begins at a position of this journal: frame `next` is read next. None, or a position of another journal = the
    /// oldest segment. Returns the state before that frame too; if there are rows of lost frames to be written, they
    /// come with it.
    pub(crate) fn open(
        watch: JournalWatch,
        position: Option<(u64, u64)>,
    ) -> Result<(Self, Ledger, Vec<CallRecord>), JournalError> {
        let disk = Arc::clone(&watch.shared.disk);
        let segments = segment::list(&*disk).map_err(|source| JournalError::Folder { source })?;
        let wanted = position
            .filter(|(journal, _)| *journal == watch.journal_id())
            .map(|(_, next)| next);
        let at = wanted.unwrap_or_else(|| segments.first().copied().unwrap_or_default());
        // The segment that holds the position; the oldest one if it is gone.
        let holder = segments
            .iter()
            .rev()
            .find(|first| **first <= at)
            .or(segments.first())
            .copied();
        let mut tail = Self {
            disk,
            watch,
            segment: None,
            next: at,
        };
        let Some(opened) = first_whole(&*tail.disk, &segments, holder)? else {
            // Nothing could be written yet (full disk), or nothing can be read: the next whole segment is found later.
            return Ok((tail, Ledger::default(), Vec::new()));
        };
        let first = opened.header.first;
        let mut ledger = opened.ledger;
        let orphans = if wanted.is_none_or(|wanted| wanted < first) {
            opened.orphans
        } else {
            Vec::new()
        };
        tail.segment = Some((first, Window::new(opened.file, opened.offset)));
        tail.next = first;
        while tail.next < at {
            match tail.read()? {
                Some(Found::Frame { frame, .. }) => {
                    ledger.apply_frame(&frame);
                }
                Some(Found::Gap { .. }) | None => break,
            }
        }
        Ok((tail, ledger, orphans))
    }

    /// The number of the frame that is read next.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Frames that are on disk and not read.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.watch.durable().saturating_sub(self.next)
    }

    /// Waits until there is something to read.
    pub async fn wait(&mut self) {
        self.watch.until_more_than(self.next).await;
    }

    /// What is at the position, if that is on disk. Moves on.
    pub(crate) fn read(&mut self) -> Result<Option<Found>, JournalError> {
        if self.watch.durable() <= self.next {
            return Ok(None);
        }
        // The segment being read, then the one that begins here, then whatever comes after a gap.
        if let Some(found) = self.read_here()? {
            return Ok(Some(found));
        }
        let segments =
            segment::list(&*self.disk).map_err(|source| JournalError::Folder { source })?;
        let here = self.segment.as_ref().map(|(first, _)| *first);
        let later = segments
            .iter()
            .copied()
            .find(|first| here.is_none_or(|here| *first > here));
        let Some(opened) = first_whole(&*self.disk, &segments, later)? else {
            return Ok(None);
        };
        let first = opened.header.first;
        self.segment = Some((first, Window::new(opened.file, opened.offset)));
        if first > self.next {
            self.next = first;
            return Ok(Some(Found::Gap {
                ledger: Box::new(opened.ledger),
                orphans: opened.orphans,
            }));
        }
        self.skip_known()?;
        self.read_here()
    }

    /// Segments before the one that holds frame `position`, except the newest of those, oldest first. `position` is
    /// behind a frame of its segment, so that segment's snapshot is on disk.
    pub(crate) fn remove_before(&self, position: u64) -> io::Result<u32> {
        let segments = segment::list(&*self.disk)?;
        let whole = segments
            .iter()
            .rposition(|first| *first < position)
            .unwrap_or(0);
        let mut removed = 0;
        for first in segments.iter().take(whole.saturating_sub(KEPT_SEGMENTS)) {
            self.disk.remove(&segment::name(*first))?;
            removed += 1;
        }
        Ok(removed)
    }

    /// After a failed write a new segment may repeat frames of the one before.
    fn skip_known(&mut self) -> Result<(), JournalError> {
        let wanted = self.next;
        let Some((first, window)) = &mut self.segment else {
            return Ok(());
        };
        let read = |source| JournalError::Read {
            first: *first,
            source,
        };
        while let Some(record) = window
            .record()
            .map_err(read)?
            .filter(|record| record.sequence < wanted)
        {
            let bytes = record.bytes();
            window.skip(bytes);
        }
        Ok(())
    }

    fn read_here(&mut self) -> Result<Option<Found>, JournalError> {
        let Some((first, window)) = &mut self.segment else {
            return Ok(None);
        };
        let read = |source| JournalError::Read {
            first: *first,
            source,
        };
        if window
            .record()
            .map_err(read)?
            .is_none_or(|record| record.sequence != self.next)
        {
            // What was read ahead may have been written since.
            window.refresh();
        }
        let record = window.record().map_err(read)?;
        let Some(record) = record.filter(|record| record.sequence == self.next) else {
            return Ok(None);
        };
        let bytes = record.bytes();
        let sequence = record.sequence;
        let frame =
            encoding::read_facts(record.payload).ok_or(JournalError::Undecodable { sequence })?;
        window.skip(bytes);
        self.next += 1;
        Ok(Some(Found::Frame { sequence, frame }))
    }
}

/// The first segment from `from` on whose head is whole.
fn first_whole(
    disk: &dyn Disk,
    segments: &[u64],
    from: Option<u64>,
) -> Result<Option<segment::Opened>, JournalError> {
    let Some(from) = from else { return Ok(None) };
    for first in segments.iter().filter(|first| **first >= from) {
        if let Some(opened) = segment::open(disk, *first)? {
            return Ok(Some(opened));
        }
    }
    Ok(None)
}

/// Every frame that a folder's segments hold, oldest first, with inputs where this version can read them: for replay
/// and for people. Stops at the first frame that `each` refuses.
///
/// # Errors
/// What cannot be read.
pub fn read_all(
    disk: &dyn Disk,
    mut each: impl FnMut(u64, Frame) -> bool,
) -> Result<(), JournalError> {
    let mut next = 0;
    for first in segment::list(disk).map_err(|source| JournalError::Folder { source })? {
        let Some(opened) = segment::open(disk, first)? else {
            continue;
        };
        let read = |source| JournalError::Read { first, source };
        let mut window = Window::new(opened.file, opened.offset);
        let mut expected = first;
        while let Some(record) = window
            .record()
            .map_err(read)?
            .filter(|record| record.sequence == expected)
        {
            let bytes = record.bytes();
            if expected >= next {
                let mut frame = encoding::read_facts(record.payload)
                    .ok_or(JournalError::Undecodable { sequence: expected })?;
                frame.inputs = encoding::read_inputs(record.payload).unwrap_or_default();
                if !each(expected, frame) {
                    return Ok(());
                }
            }
            window.skip(bytes);
            expected += 1;
        }
        next = next.max(expected);
    }
    Ok(())
}

/// Segments kept although they are projected: if the newest one's head is damaged, the state is in these.
const KEPT_SEGMENTS: usize = 1;
