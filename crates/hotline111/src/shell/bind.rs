//! Binds the sockets of signalling and learns their real ports.

use crate::config::ListenerSettings;
use crate::shell::error::ServeError;
use crate::shell::net::Bound;
use hotline_sip::Transport;
use std::net::SocketAddr;

/// All listeners, in the order of the settings.
pub(crate) fn bind(
    settings: &[ListenerSettings],
) -> Result<(Vec<Bound>, Vec<hotline_sip::Listener>), ServeError> {
    let mut sockets = Vec::with_capacity(settings.len());
    let mut listeners = Vec::with_capacity(settings.len());
    for wanted in settings {
        let failed = |source| ServeError::Bind {
            transport: wanted.transport.name(),
            address: wanted.local,
            source,
        };
        let (socket, local) = open(wanted.local, wanted.transport).map_err(failed)?;
        sockets.push(socket);
        let port = match wanted.advertise.port() {
            0 => local.port(),
            port => port,
        };
        let advertise = SocketAddr::new(wanted.advertise.ip(), port);
        listeners.push(hotline_sip::Listener {
            local,
            advertise,
            transport: wanted.transport,
        });
    }
    Ok((sockets, listeners))
}

fn open(address: SocketAddr, transport: Transport) -> std::io::Result<(Bound, SocketAddr)> {
    if transport.is_stream() {
        let listener = std::net::TcpListener::bind(address)?;
        let local = listener.local_addr()?;
        Ok((Bound::Tcp(listener), local))
    } else {
        let socket = std::net::UdpSocket::bind(address)?;
        let local = socket.local_addr()?;
        Ok((Bound::Udp(socket), local))
    }
}
