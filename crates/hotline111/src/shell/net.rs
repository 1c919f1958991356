//! The sockets of signalling: UDP sockets, TCP listeners and streams, polled by the control thread itself; and the
//! connections with a handshake, which are tasks of the pool.
//! No rule of SIP is here: bytes in, bytes out, bounded buffers.

mod pool;
mod streams;

use crate::shell::bind;
use hotline_sip::{CarrierHost, ConnectionId, Input, ListenerId, Transport};
use mio::net::{TcpListener, UdpSocket};
use mio::{Events, Interest, Poll, Token, Waker};
pub(crate) use pool::PoolSettings;
use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{RecvFlags, recvfrom};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;
use streams::Streams;

const WAKER: Token = Token(usize::MAX - 1);
/// Larger than any UDP datagram.
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// Datagrams (or connections) taken from one socket before the others get their turn.
const READS_PER_ROUND: usize = 64;
/// Of a listener: when hundreds of calls begin or end in one moment, their messages wait here. The usual 208 KiB
/// hold 160 of them, and what overflows comes again only after half a second.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;
/// A listener that cannot accept (out of descriptors) is looked at again after this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Events taken from the system at once.
const EVENTS_MAX: usize = 1_024;

struct Udp {
    socket: UdpSocket,
    is_readable: bool,
    /// The system has bounced datagrams to tell of.
    has_bounced: bool,
}

struct Tcp {
    listener: TcpListener,
    id: ListenerId,
    is_readable: bool,
    is_paused: bool,
}

/// All sockets of signalling.
pub(crate) struct Net {
    poll: Poll,
    waker: Arc<Waker>,
    events: Events,
    udp: BTreeMap<ListenerId, Udp>,
    tcp: Vec<Tcp>,
    streams: Streams,
    pool: pool::Pool,
    /// Addresses of the listeners, by their number.
    addresses: Vec<IpAddr>,
    /// Listeners of the pool.
    of_pool: Vec<ListenerId>,
    buffer: Vec<u8>,
}

/// A bound socket before it is polled.
pub(crate) enum Bound {
    /// TLS or WebSocket.
    Pool(Transport, std::net::TcpListener),
    /// TCP.
    Tcp(std::net::TcpListener),
    /// UDP.
    Udp(std::net::UdpSocket),
}

impl Net {
    /// `bound[i]` is listener `i`.
    pub(crate) fn new(bound: Vec<Bound>, settings: PoolSettings) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let carriers = settings.carriers.clone();
        let mut net = Self {
            poll,
            pool: pool::Pool::new(settings, Arc::clone(&waker)),
            addresses: Vec::with_capacity(bound.len()),
            of_pool: Vec::new(),
            waker,
            events: Events::with_capacity(EVENTS_MAX),
            udp: BTreeMap::new(),
            tcp: Vec::new(),
            streams: Streams::new(carriers),
            buffer: vec![0; DATAGRAM_BYTES_MAX],
        };
        for (id, bound) in (0..).zip(bound) {
            net.add_listener(id, bound)?;
        }
        Ok(net)
    }

    fn add_listener(&mut self, id: ListenerId, bound: Bound) -> io::Result<()> {
        let token = Token(usize::from(id));
        let registry = self.poll.registry();
        let local = match &bound {
            Bound::Pool(_, listener) | Bound::Tcp(listener) => listener.local_addr(),
            Bound::Udp(socket) => socket.local_addr(),
        };
        self.addresses.push(local?.ip());
        match bound {
            Bound::Udp(socket) => {
                socket.set_nonblocking(true)?;
                // The kernel caps it at net.core.rmem_max; a smaller one only bears smaller bursts.
                set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_BYTES).ok();
                report_unreachable(&socket)?;
                let mut socket = UdpSocket::from_std(socket);
                registry.register(&mut socket, token, Interest::READABLE)?;
                self.udp.insert(
                    id,
                    Udp {
                        socket,
                        is_readable: true,
                        has_bounced: false,
                    },
                );
            }
            Bound::Pool(transport, listener) => {
                self.pool.listen(id, transport, listener)?;
                self.of_pool.push(id);
            }
            Bound::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                let mut listener = TcpListener::from_std(listener);
                registry.register(&mut listener, token, Interest::READABLE)?;
                self.tcp.push(Tcp {
                    listener,
                    id,
                    is_readable: true,
                    is_paused: false,
                });
            }
        }
        Ok(())
    }

    /// Wakes [`wait`](Self::wait) from another thread.
    pub(crate) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Waits for something to read, the waker, or the time; not at all while something is still unread.
    pub(crate) fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        let timeout = if self.has_unread() {
            Duration::ZERO
        } else if self.tcp.iter().any(|tcp| tcp.is_paused) {
            timeout.min(ACCEPT_PAUSE)
        } else {
            timeout
        };
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            Ok(()) | Err(_) => {}
        }
        for tcp in self.tcp.iter_mut().filter(|tcp| tcp.is_paused) {
            (tcp.is_paused, tcp.is_readable) = (false, true);
        }
        for event in &self.events {
            let token = event.token().0;
            if self.streams.ready(token) {
                continue;
            }
            let Ok(id) = ListenerId::try_from(token) else {
                continue;
            };
            if let Some(udp) = self.udp.get_mut(&id) {
                udp.is_readable = true;
                udp.has_bounced |= event.is_error();
            }
            for tcp in self.tcp.iter_mut().filter(|tcp| tcp.id == id) {
                tcp.is_readable = true;
            }
        }
        Ok(())
    }

    fn has_unread(&self) -> bool {
        self.udp.values().any(|udp| udp.is_readable)
            || self.tcp.iter().any(|tcp| tcp.is_readable)
            || self.streams.has_unread()
            || self.pool.has_unread()
    }

    /// One round over all readable sockets.
    pub(crate) fn read(&mut self, inputs: &mut Vec<Input>) {
        self.read_udp(inputs);
        self.accept(inputs);
        self.streams
            .read(self.poll.registry(), &mut self.buffer, inputs);
        self.pool.read(inputs);
    }

    fn read_udp(&mut self, inputs: &mut Vec<Input>) {
        for (listener, udp) in self.udp.iter_mut().filter(|(_, udp)| udp.is_readable) {
            if std::mem::take(&mut udp.has_bounced) {
                bounced(&udp.socket, &mut self.buffer, inputs);
            }
            for _ in 0..READS_PER_ROUND {
                match udp.socket.recv_from(&mut self.buffer) {
                    Ok((length, source)) => {
                        let bytes = self.buffer.get(..length).unwrap_or_default().to_vec();
                        inputs.push(Input::Datagram {
                            listener: *listener,
                            source,
                            bytes,
                        });
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        udp.is_readable = false;
                        break;
                    }
                    // An ICMP error of an earlier send; the socket itself is well.
                    Err(_) => bounced(&udp.socket, &mut self.buffer, inputs),
                }
            }
        }
    }

    fn accept(&mut self, inputs: &mut Vec<Input>) {
        for tcp in self.tcp.iter_mut().filter(|tcp| tcp.is_readable) {
            for _ in 0..READS_PER_ROUND {
                match tcp.listener.accept() {
                    Ok((socket, peer)) => {
                        self.streams
                            .accept(self.poll.registry(), socket, tcp.id, peer, inputs);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        tcp.is_readable = false;
                        break;
                    }
                    // The peer is gone already, or we are out of descriptors: not again at once.
                    Err(_) => {
                        (tcp.is_readable, tcp.is_paused) = (false, true);
                        break;
                    }
                }
            }
        }
    }

    /// Sends a datagram; false when the system refuses it (the address is told to the endpoint).
    pub(crate) fn send(
        &mut self,
        listener: ListenerId,
        destination: SocketAddr,
        bytes: &[u8],
    ) -> bool {
        let Some(udp) = self.udp.get_mut(&listener) else {
            return false;
        };
        // A pending ICMP error of another peer is told once, by whatever is done next: the second try is our own.
        for _ in 0..2 {
            match udp.socket.send_to(bytes, destination) {
                Ok(_) => return true,
                // A full buffer is a lost datagram; retransmission is the endpoint's.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(_) => (udp.has_bounced, udp.is_readable) = (true, true),
            }
        }
        false
    }

    /// Queues bytes on a stream; false when it is gone or too slow (it is closed then).
    pub(crate) fn write(&mut self, connection: ConnectionId, bytes: &[u8]) -> bool {
        if self.pool.is_open(connection) {
            return self.pool.write(connection, bytes);
        }
        self.streams.write(self.poll.registry(), connection, bytes)
    }

    /// Opens a stream; `StreamOpened` or `StreamClosed` follows from [`read`](Self::read).
    pub(crate) fn connect(
        &mut self,
        connection: ConnectionId,
        (listener, peer, carrier): (ListenerId, SocketAddr, Option<CarrierHost>),
    ) -> bool {
        let Some(from) = self.addresses.get(usize::from(listener)) else {
            return false;
        };
        let Ok(socket) = bind::connect(*from, peer) else {
            return false;
        };
        if self.of_pool.contains(&listener) {
            self.pool
                .connect(connection, (listener, peer), socket, carrier);
            return true;
        }
        let registry = self.poll.registry();
        self.streams
            .connect(registry, connection, socket, (listener, peer))
    }

    /// Closes a stream; unknown ones are normal.
    pub(crate) fn close(&mut self, connection: ConnectionId) {
        self.pool.close(connection);
        self.streams.close(self.poll.registry(), connection);
    }

    /// Streams that are open.
    pub(crate) fn streams(&self) -> usize {
        self.streams.len() + self.pool.len()
    }

    /// A stream has bytes that its peer has not taken yet.
    pub(crate) fn has_unsent(&self) -> bool {
        self.streams.has_unsent() || self.pool.has_unsent()
    }
}

/// Asks the system to tell which datagrams bounced (ICMP): a dead phone is known at once, not by a timer.
fn report_unreachable(socket: &std::net::UdpSocket) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt};
    let descriptor = socket.as_raw_fd();
    if socket.local_addr()?.is_ipv4() {
        setsockopt(descriptor, sockopt::Ipv4RecvErr, &true)?;
    } else {
        setsockopt(descriptor, sockopt::Ipv6RecvErr, &true)?;
    }
    Ok(())
}

/// Takes bounced datagrams from the error queue; each names the address that it was sent to.
fn bounced(socket: &UdpSocket, buffer: &mut [u8], inputs: &mut Vec<Input>) {
    for _ in 0..READS_PER_ROUND {
        let Ok((_, _, Some(address))) = recvfrom(socket, &mut *buffer, RecvFlags::ERRQUEUE) else {
            return;
        };
        if let Ok(destination) = SocketAddr::try_from(address) {
            inputs.push(Input::SendFailed { destination });
        }
    }
}
