//! Binds the sockets of signalling and learns their real ports; connects from the address of a listener.

use crate::config::ListenerSettings;
use crate::shell::error::ServeError;
use crate::shell::net::Bound;
use hotline_sip::Transport;
use rustix::io::Errno;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, listen, socket_with};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

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
    let kind = if transport.is_stream() {
        SocketType::STREAM
    } else {
        SocketType::DGRAM
    };
    let socket = socket(address, kind)?;
    if !transport.is_stream() {
        let socket = std::net::UdpSocket::from(socket);
        let local = socket.local_addr()?;
        return Ok((Bound::Udp(socket), local));
    }
    listen(&socket, BACKLOG)?;
    let listener = std::net::TcpListener::from(socket);
    let local = listener.local_addr()?;
    let bound = if transport == Transport::Tcp {
        Bound::Tcp(listener)
    } else {
        Bound::Pool(transport, listener)
    };
    Ok((bound, local))
}

/// A connection under way, from this address and any port of it: a carrier that knows us by our address must see the
/// right one where a host has several. It is up when it can be written to and has no error.
pub(crate) fn connect(from: IpAddr, to: SocketAddr) -> std::io::Result<std::net::TcpStream> {
    let socket = socket(SocketAddr::new(from, 0), SocketType::STREAM)?;
    let stream = std::net::TcpStream::from(socket);
    stream.set_nonblocking(true)?;
    match rustix::net::connect(&stream, &to) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(stream),
        Err(error) => Err(error.into()),
    }
}

/// A bound socket of one family only: `[::]` and `0.0.0.0` may stand side by side, and each says its own address.
fn socket(address: SocketAddr, kind: SocketType) -> std::io::Result<OwnedFd> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    if address.is_ipv6() {
        set_ipv6_v6only(&socket, true)?;
    }
    if kind == SocketType::STREAM {
        // A restart must not wait for the connections of the process before it.
        set_socket_reuseaddr(&socket, true)?;
    }
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

/// Connections that the kernel completes before we accept them.
const BACKLOG: i32 = 1_024;
