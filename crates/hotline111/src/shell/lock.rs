//! The lock of the state directory: a second server (or an offline command) on the same state refuses.

use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Held while the value lives.
#[derive(Debug)]
pub(crate) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes `DIR/lock`; `WouldBlock` when another process holds it.
    pub(crate) fn take(state_dir: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(state_dir.join("lock"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(io::Error::new(
                ErrorKind::WouldBlock,
                "another server uses this state directory",
            )),
            Err(error) => Err(error.into()),
        }
    }
}
