//! How the journal is, for alarms, `/readyz` and metrics; and a handle to ask it from another thread.

use super::shared::Shared;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Why frames wait in memory, or may not survive a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No room, and the reserve is used up.
    DiskFull,
    /// A write took longer than `JournalOptions::slow_append_us`.
    Slow,
    /// The disk does not confirm what was written.
    SyncFailed,
    /// A write failed.
    WriteFailed,
}

impl Trouble {
    /// A word for logs and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DiskFull => "disk_full",
            Self::Slow => "slow",
            Self::SyncFailed => "sync_failed",
            Self::WriteFailed => "write_failed",
        }
    }
}

/// A picture of the journal's health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalStatus {
    /// None = all is well.
    pub trouble: Option<Trouble>,
    /// Times that trouble began in this run.
    pub troubles: u64,
    /// Bytes of frames that wait in memory.
    pub waiting_bytes: u64,
    /// Frames thrown away because memory for waiting frames was full. Their calls' rows are kept.
    pub frames_lost: u64,
    /// Rows that could not be kept either.
    pub rows_lost: u64,
    /// The next frame's number.
    pub next: u64,
    /// Frames below this number survive a power loss.
    pub durable: u64,
    /// The reserve file is there.
    pub has_reserve: bool,
    /// Slowest write of the run, microseconds.
    pub slowest_append_us: u64,
    /// Frames appended in this run.
    pub appended: u64,
}

/// Asks the journal from anywhere. Cheap to clone.
#[derive(Clone, Debug)]
pub struct JournalWatch {
    pub(super) shared: Arc<Shared>,
    pub(super) durable: watch::Receiver<u64>,
}

impl JournalWatch {
    /// How it is now.
    #[must_use]
    pub fn status(&self) -> JournalStatus {
        self.shared.status()
    }

    /// Which journal this is: a position counts only in its own.
    #[must_use]
    pub fn journal_id(&self) -> u64 {
        self.shared.journal
    }

    /// Frames below this number survive a power loss.
    #[must_use]
    pub fn durable(&self) -> u64 {
        *self.durable.borrow()
    }

    /// Waits until frame `sequence` survives a power loss (decision 21: an audit fact before the audio). False when
    /// that did not happen in `limit`.
    pub async fn until_durable(&mut self, sequence: u64, limit: Duration) -> bool {
        let wait = self.durable.wait_for(|durable| *durable > sequence);
        matches!(tokio::time::timeout(limit, wait).await, Ok(Ok(_)))
    }

    /// Waits until more than the frames below `durable` survive.
    pub async fn until_more_than(&mut self, durable: u64) {
        // The sending half lives as long as `shared`, so this cannot fail.
        self.durable.wait_for(|now| *now > durable).await.ok();
    }
}
