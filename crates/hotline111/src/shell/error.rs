//! Why the server does not start, or stops.

use crate::config::Fault;
use std::net::SocketAddr;
use std::path::PathBuf;

/// See the variants. Each names what was attempted on which thing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The configuration has faults; they have been told.
    #[error("the configuration has {} fault(s)", .0.len())]
    Configuration(Vec<Fault>),
    /// A socket cannot be bound.
    #[error("listening on {transport} {address}")]
    Bind {
        transport: &'static str,
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    /// A folder or file cannot be made or used.
    #[error("using {}", path.display())]
    Path {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// Another server holds the state directory.
    #[error("another server uses the state directory {}", path.display())]
    Locked { path: PathBuf },
    /// The journal cannot be opened.
    #[error("opening the journal in {}", path.display())]
    Journal {
        path: PathBuf,
        #[source]
        source: hotline_store::JournalError,
    },
    /// The database cannot be opened or read.
    #[error("opening the database {}", path.display())]
    Store {
        path: PathBuf,
        #[source]
        source: hotline_store::StoreError,
    },
    /// A thread, the poll or the runtime cannot be had.
    #[error("starting {what}")]
    System {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
    /// Certificates cannot be used.
    #[error("reading the certificates")]
    Tls(#[source] crate::shell::tls::TlsError),
    /// The console cannot listen.
    #[error("starting the HTTP interface on {address}")]
    Console {
        address: SocketAddr,
        #[source]
        source: hotline_console::ConsoleError,
    },
}

impl ServeError {
    /// `operation` on `what` failed.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }

    /// A path could not be used.
    pub(crate) fn path(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Path { path, source }
    }
}
