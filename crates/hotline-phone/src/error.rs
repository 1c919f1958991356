//! What can go wrong before a bank or a load run stands. Later troubles are events, not errors.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A bank or a load run could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A socket for SIP or RTP.
    #[error("binding {address}")]
    Bind {
        /// Wanted address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// No route to the server, so no address of our own to name.
    #[error("finding the address that reaches {server}")]
    Route {
        /// Wanted server.
        server: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// epoll, timer, thread or random numbers.
    #[error("asking the system for {what}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The media worker.
    #[error("starting the media worker")]
    Media {
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A sound file to speak, or a recording to look at.
    #[error("reading {path}: {why}", path = .path.display())]
    Sound {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

impl Error {
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
