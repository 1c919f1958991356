//! Tells systemd how we are (sd_notify): READY, STOPPING, WATCHDOG.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The socket of the service manager, if there is one.
pub(crate) struct Notifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
}

impl Notifier {
    /// From `NOTIFY_SOCKET`; without it every message is dropped.
    pub(crate) fn from_environment() -> Self {
        let socket = std::env::var("NOTIFY_SOCKET").ok().and_then(|path| {
            let address = match path.strip_prefix('@') {
                Some(name) => SocketAddr::from_abstract_name(name).ok()?,
                None => SocketAddr::from_pathname(&path).ok()?,
            };
            Some((UnixDatagram::unbound().ok()?, address))
        });
        Self { socket }
    }

    /// Sends a state line. A manager that does not listen is no fault of ours.
    pub(crate) fn tell(&self, state: &str) {
        if let Some((socket, address)) = &self.socket
            && socket.send_to_addr(state.as_bytes(), address).is_err()
        {
            tracing::debug!(state, "the service manager does not listen");
        }
    }
}
