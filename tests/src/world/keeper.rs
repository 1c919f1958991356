//! The real journal on a disk in memory, and a database that takes rows when it feels like it.

use crate::dice::Dice;
use hotline_core::{CallId, CallRecord, Frame, Ledger};
use hotline_store::{Crash, Journal, JournalOptions, MemoryDisk, read_all};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Small, so that a day has several segments and snapshots.
const SEGMENT_BYTES: u64 = 48 << 10;

/// A row as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub record: CallRecord,
    pub writes: u32,
}

/// Rows and the position behind the last frame that they contain: changed in one transaction or not at all.
#[derive(Clone, Debug, Default)]
pub struct Database {
    pub rows: BTreeMap<CallId, Row>,
    pub position: u64,
    ledger: Ledger,
    pub is_away: bool,
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// kill -9: what the operating system has, survives.
    Killed,
    /// Power: of what was not synced, some blocks survive.
    PowerLoss,
}

pub struct Keeper {
    pub disk: MemoryDisk,
    pub journal: Option<Journal>,
    pub database: Database,
    /// Every frame of every run by sequence number, as it was appended.
    pub frames: BTreeMap<u64, Frame>,
    /// Frames of the past that a death took away.
    pub lost: u64,
    pub lost_at_death: u64,
    /// Faults found while reading back.
    pub faults: Vec<(u8, String)>,
    dice: Dice,
}

impl Keeper {
    #[must_use]
    pub fn new(dice: Dice) -> Self {
        Self {
            disk: MemoryDisk::new(),
            journal: None,
            database: Database::default(),
            frames: BTreeMap::new(),
            lost: 0,
            lost_at_death: 0,
            faults: Vec::new(),
            dice,
        }
    }

    /// A start: what the journal knows.
    pub fn open(&mut self) -> Ledger {
        let options = JournalOptions {
            segment_bytes: SEGMENT_BYTES,
            reserve_bytes: 0,
            has_thread: false,
            ..JournalOptions::default()
        };
        match Journal::open_on(Arc::new(self.disk.clone()), options) {
            Ok((journal, ledger)) => {
                self.journal = Some(journal);
                ledger
            }
            Err(error) => {
                self.faults
                    .push((28, format!("the journal cannot be opened: {error}")));
                Ledger::default()
            }
        }
    }

    /// Before the effects of a turn. True: with the operating system.
    pub fn append(&mut self, frame: &Frame) -> bool {
        let Some(journal) = &mut self.journal else {
            return false;
        };
        let appended = journal.append(frame);
        self.frames.insert(appended.sequence, frame.clone());
        appended.is_written
    }

    pub fn sync(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.keep_up();
        }
    }

    /// The process ends without a word. 27 and 28: what is read back is what was written, up to some frame, whole
    /// frames only, and nothing that was safe is missing.
    pub fn die(&mut self, death: Death) {
        let Some(journal) = self.journal.take() else {
            return;
        };
        let status = journal.status();
        let crash = match death {
            Death::Killed => Crash::Process,
            Death::PowerLoss => Crash::PowerTorn {
                seed: self.dice.throw(),
            },
        };
        let disk = self.disk.after(crash);
        drop(journal);
        let mut survivors = Vec::new();
        let read = read_all(&disk, |sequence, frame| {
            survivors.push((sequence, frame));
            true
        });
        if let Err(error) = read {
            self.faults
                .push((28, format!("the journal cannot be read back: {error}")));
        }
        for (sequence, frame) in &survivors {
            if let Some(written) = self.frames.get(sequence)
                && written != frame
            {
                self.faults.push((
                    27,
                    format!("frame {sequence} reads otherwise than it was written"),
                ));
            }
        }
        let last = survivors.last().map_or(0, |(sequence, _)| *sequence + 1);
        let safe_until = match death {
            Death::Killed if status.trouble.is_none() => status.next,
            Death::Killed | Death::PowerLoss => status.durable,
        };
        if last < safe_until {
            self.faults.push((
                28,
                format!("frames {last} to {safe_until} were safe and are gone"),
            ));
        }
        let gone = self.frames.split_off(&last);
        self.lost_at_death = u64::try_from(gone.len()).unwrap_or(0);
        self.lost += self.lost_at_death;
        self.disk = disk;
    }

    /// The projector takes what is durable.
    pub fn project(&mut self) {
        let durable = self
            .journal
            .as_ref()
            .map_or(0, |journal| journal.status().durable);
        if self.database.is_away {
            return;
        }
        let from = self.database.position;
        for (sequence, frame) in self.frames.range(from..durable.max(from)) {
            for call in self.database.ledger.apply_frame(frame) {
                let Some(record) = self.database.ledger.calls.get(&call) else {
                    continue;
                };
                let row = self.database.rows.entry(call).or_insert_with(|| Row {
                    record: record.clone(),
                    writes: 0,
                });
                row.record = record.clone();
                row.writes += 1;
            }
            self.database.position = sequence + 1;
        }
    }

    /// 27: the same frames give the same state.
    pub fn check_fold(&mut self) {
        let Some(journal) = &self.journal else { return };
        // Frames that the journal added itself (a gap) are not ours to fold.
        let ours = self
            .frames
            .keys()
            .next()
            .zip(self.frames.keys().next_back());
        let is_whole = ours.is_some_and(|(first, last)| {
            u64::try_from(self.frames.len()).unwrap_or(0) == last - first + 1
                && *last + 1 == journal.status().next
        });
        if journal.status().frames_lost > 0 || !is_whole {
            return;
        }
        let mut ledger = Ledger::default();
        for frame in self.frames.values() {
            ledger.apply_frame(frame);
        }
        if ledger != *journal.ledger() {
            self.faults.push((
                27,
                "folding the frames again gives another ledger".to_owned(),
            ));
        }
    }
}
