//! Why a journal cannot be opened or read.

use std::io;

/// See the variants. A disk that is full or refuses writes is none of them: the journal works on (decision 3).
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another version wrote it.
    #[error(
        "journal segment {first} has format {found}, this version knows {}",
        super::encoding::FORMAT
    )]
    Format {
        /// First frame of the segment.
        first: u64,
        /// Its format.
        found: u32,
    },
    /// The folder cannot be used.
    #[error("opening the journal's folder")]
    Folder {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A segment cannot be read.
    #[error("reading journal segment {first}")]
    Read {
        /// First frame of the segment.
        first: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The syncing thread could not be started.
    #[error("starting the journal's thread")]
    Thread {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Intact bytes that mean nothing to this version.
    #[error("journal frame {sequence} is intact but was written by another version")]
    Undecodable {
        /// Which frame.
        sequence: u64,
    },
}
