//! Remembers: the journal, call records, accounts.
//!
//! [`Journal`] keeps every turn of the control loop; one [`Projector`] makes rows of it in SQLite, whose [`Store`]
//! also holds the accounts. Nothing here decides anything about a call.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        reason = "tests"
    )
)]

mod accounts;
mod calendar;
mod call_row;
mod cdr;
mod fact_row;
mod journal;
mod origin_row;
mod projector;
mod schema;
mod store;

pub use accounts::{Account, Ha1, Role, ha1};
pub use calendar::Day;
pub use call_row::recording_file;
pub use cdr::{Calls, Cell, ExportError, Format, Row, export};
pub use journal::{
    Appended, Crash, Disk, DiskFile, Journal, JournalError, JournalOptions, JournalStatus,
    JournalWatch, MemoryDisk, RealDisk, Recovery, Tail, Trouble, disk_used_percent, read_all,
};
pub use projector::{Projector, ProjectorError, ProjectorOptions, ProjectorStatus, Step};
pub use store::{Store, StoreError};
