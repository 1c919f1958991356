//! Segments: making one with its snapshot, listing them, reading one back.

use super::disk::{Disk, DiskFile};
use super::encoding::{self, FORMAT, HEADER_BYTES, Header, PREFIX_BYTES, Record};
use super::error::JournalError;
use hotline_core::{CallRecord, Ledger};
use std::io;
use std::sync::Arc;

const SUFFIX: &str = ".journal";
const NEW_SUFFIX: &str = ".new";
const DAMAGED_SUFFIX: &str = ".damaged";
/// Bytes asked of the disk at once.
const READ_BYTES: usize = 256 << 10;

/// Name of the segment whose first frame has this number.
pub(crate) fn name(first: u64) -> String {
    format!("{first:020}{SUFFIX}")
}

/// First numbers of all segments, rising.
pub(crate) fn list(disk: &dyn Disk) -> io::Result<Vec<u64>> {
    let mut found: Vec<u64> = disk
        .names()?
        .iter()
        .filter_map(|name| name.strip_suffix(SUFFIX)?.parse().ok())
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// Highest number in the names of damaged segments, so that numbers are never given out twice.
pub(crate) fn highest_damaged(disk: &dyn Disk) -> io::Result<Option<u64>> {
    let names = disk.names()?;
    Ok(names
        .iter()
        .filter_map(|name| name.strip_suffix(DAMAGED_SUFFIX)?.parse().ok())
        .max())
}

/// Removes what a kill left of segments in the making.
pub(crate) fn remove_unfinished(disk: &dyn Disk) -> io::Result<()> {
    for name in disk.names()? {
        if name.ends_with(NEW_SUFFIX) {
            disk.remove(&name)?;
        }
    }
    Ok(())
}

/// Puts a segment that cannot be read out of the way, for people to look at.
pub(crate) fn set_aside(disk: &dyn Disk, first: u64) -> io::Result<()> {
    disk.rename(&name(first), &format!("{first:020}{DAMAGED_SUFFIX}"))
}

/// A segment that is being written.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) offset: u64,
    pub(crate) allocated: u64,
}

/// Where and how large a new segment is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) journal: u64,
    pub(crate) first: u64,
    pub(crate) bytes: u64,
}

/// Makes a segment: under another name until its snapshot is written, so that no reader meets half of one and an
/// older segment of the same name is replaced by a whole one only.
pub(crate) fn create(
    disk: &dyn Disk,
    layout: Layout,
    ledger: &Ledger,
    orphans: &[CallRecord],
) -> io::Result<Current> {
    let mut head = Vec::new();
    Header {
        format: FORMAT,
        journal: layout.journal,
        first: layout.first,
    }
    .write(&mut head);
    encoding::write_snapshot(&mut head, layout.first, ledger, orphans).map_err(io::Error::other)?;
    let offset = head.len() as u64;
    // Room for frames is what a segment is for, however large the snapshot.
    let allocated = layout.bytes.max(offset.saturating_add(layout.bytes / 2));
    let final_name = name(layout.first);
    let new_name = format!("{:020}{NEW_SUFFIX}", layout.first);
    let file = disk.create(&new_name, allocated)?;
    file.write_at(&head, 0)?;
    if list(disk)?.contains(&layout.first) {
        file.sync()?;
    }
    disk.rename(&new_name, &final_name)?;
    Ok(Current {
        file,
        offset,
        allocated,
    })
}

/// A segment as it is found at a start, or by the projector.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) header: Header,
    pub(crate) ledger: Ledger,
    pub(crate) orphans: Vec<CallRecord>,
    /// Behind the snapshot.
    pub(crate) offset: u64,
}

/// Opens a segment and reads its snapshot. None = damaged: no header or no snapshot.
pub(crate) fn open(disk: &dyn Disk, first: u64) -> Result<Option<Opened>, JournalError> {
    let file = disk
        .open(&name(first))
        .map_err(|source| JournalError::Read { first, source })?;
    let mut window = Window::new(Arc::clone(&file), 0);
    let read = |source| JournalError::Read { first, source };
    let Some(header) = window
        .need(HEADER_BYTES)
        .map_err(read)?
        .and_then(Header::read)
    else {
        return Ok(None);
    };
    if header.format != FORMAT {
        return Err(JournalError::Format {
            first,
            found: header.format,
        });
    }
    if header.first != first {
        return Ok(None);
    }
    window.skip(HEADER_BYTES);
    let Some(record) = window
        .record()
        .map_err(read)?
        .filter(|record| record.sequence == first)
    else {
        return Ok(None);
    };
    let bytes = record.bytes();
    // The bytes are as they were written, so it is the layout that does not fit.
    let (ledger, orphans) = encoding::read_snapshot(record.payload)
        .ok_or(JournalError::Undecodable { sequence: first })?;
    Ok(Some(Opened {
        file,
        header,
        ledger,
        orphans,
        offset: (HEADER_BYTES + bytes) as u64,
    }))
}

/// A piece of a file in memory that moves on.
#[derive(Debug)]
pub(crate) struct Window {
    file: Arc<dyn DiskFile>,
    /// Place in the file of `bytes[0]`.
    at: u64,
    bytes: Vec<u8>,
    /// Bytes already used.
    used: usize,
}

impl Window {
    pub(crate) fn new(file: Arc<dyn DiskFile>, at: u64) -> Self {
        Self {
            file,
            at,
            bytes: Vec::new(),
            used: 0,
        }
    }

    /// The checked record that begins here. None: nothing (yet), torn or damaged.
    pub(crate) fn record(&mut self) -> io::Result<Option<Record<'_>>> {
        let Some(prefix) = self.need(PREFIX_BYTES)? else {
            return Ok(None);
        };
        let Some(length) = encoding::record_bytes(prefix) else {
            return Ok(None);
        };
        Ok(self.need(length)?.and_then(Record::read))
    }

    pub(crate) fn skip(&mut self, bytes: usize) {
        self.used = self.used.saturating_add(bytes).min(self.bytes.len());
    }

    /// Forgets what was read ahead: the writer may have written there since.
    pub(crate) fn refresh(&mut self) {
        self.at += self.used as u64;
        self.used = 0;
        self.bytes.clear();
    }

    /// The next `count` bytes, if the file has them.
    fn need(&mut self, count: usize) -> io::Result<Option<&[u8]>> {
        if self.bytes.len() - self.used < count {
            self.bytes.drain(..self.used);
            self.at += self.used as u64;
            self.used = 0;
        }
        while self.bytes.len() < count {
            let have = self.bytes.len();
            self.bytes.resize(have + READ_BYTES.max(count - have), 0);
            let place = self.bytes.get_mut(have..).unwrap_or_default();
            let got = self.file.read_at(place, self.at + have as u64)?;
            self.bytes.truncate(have + got);
            if got == 0 {
                return Ok(None);
            }
        }
        Ok(self.bytes.get(self.used..self.used + count))
    }
}
