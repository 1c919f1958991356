//! The sockets of signalling: UDP, TCP listeners and TCP streams, polled by the control thread itself.
//! No rule of SIP is here: bytes in, bytes out, bounded buffers.

use hotline_sip::{ConnectionId, Input, ListenerId};
use mio::net::{TcpListener, TcpStream, UdpSocket};
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{RecvFlags, recvfrom};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

const WAKER: Token = Token(usize::MAX - 1);
/// Tokens below are listeners, above are streams.
const FIRST_STREAM: usize = 1 << 16;
/// Larger than any UDP datagram.
const DATAGRAM_BYTES_MAX: usize = 65_536;
const STREAM_READ_BYTES: usize = 16_384;
/// Datagrams (or reads) taken from one socket before the others get their turn.
const READS_PER_ROUND: usize = 64;
/// Of a listener: when hundreds of calls begin or end in one moment, their messages wait here. The usual 208 KiB
/// hold 160 of them, and what overflows comes again only after half a second.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;
/// Connections at once; one more is closed at once. 4,096 phones on TCP are more than any centre has.
const STREAMS_MAX: usize = 4_096;
/// Unsent bytes of one stream; a peer that reads so slowly is cut.
const STREAM_BACKLOG_BYTES_MAX: usize = 256 * 1024;
/// Events taken from the system at once.
const EVENTS_MAX: usize = 1_024;

struct Udp {
    socket: UdpSocket,
    is_readable: bool,
}

struct Tcp {
    listener: TcpListener,
    id: ListenerId,
    is_readable: bool,
}

struct Stream {
    socket: TcpStream,
    token: usize,
    listener: ListenerId,
    peer: SocketAddr,
    backlog: Vec<u8>,
    is_connecting: bool,
    is_readable: bool,
}

/// All sockets of signalling.
pub(crate) struct Net {
    poll: Poll,
    waker: Arc<Waker>,
    events: Events,
    udp: BTreeMap<ListenerId, Udp>,
    tcp: Vec<Tcp>,
    streams: BTreeMap<ConnectionId, Stream>,
    tokens: BTreeMap<usize, ConnectionId>,
    next_token: usize,
    next_connection: ConnectionId,
    buffer: Vec<u8>,
}

/// A bound socket before it is polled.
pub(crate) enum Bound {
    /// TCP.
    Tcp(std::net::TcpListener),
    /// UDP.
    Udp(std::net::UdpSocket),
}

impl Net {
    /// `bound[i]` is listener `i`.
    pub(crate) fn new(bound: Vec<Bound>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let mut net = Self {
            poll,
            waker,
            events: Events::with_capacity(EVENTS_MAX),
            udp: BTreeMap::new(),
            tcp: Vec::new(),
            streams: BTreeMap::new(),
            tokens: BTreeMap::new(),
            next_token: FIRST_STREAM,
            next_connection: 1,
            buffer: vec![0; DATAGRAM_BYTES_MAX],
        };
        for (id, bound) in (0..).zip(bound) {
            net.add_listener(id, bound)?;
        }
        Ok(net)
    }

    fn add_listener(&mut self, id: ListenerId, bound: Bound) -> io::Result<()> {
        let token = Token(usize::from(id));
        match bound {
            Bound::Udp(socket) => {
                socket.set_nonblocking(true)?;
                // The kernel caps it at net.core.rmem_max; a smaller one only bears smaller bursts.
                set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_BYTES).ok();
                report_unreachable(&socket)?;
                let mut socket = UdpSocket::from_std(socket);
                self.poll
                    .registry()
                    .register(&mut socket, token, Interest::READABLE)?;
                self.udp.insert(
                    id,
                    Udp {
                        socket,
                        is_readable: true,
                    },
                );
            }
            Bound::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                let mut listener = TcpListener::from_std(listener);
                self.poll
                    .registry()
                    .register(&mut listener, token, Interest::READABLE)?;
                self.tcp.push(Tcp {
                    listener,
                    id,
                    is_readable: true,
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
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = if self.has_unread() {
            Some(Duration::ZERO)
        } else {
            timeout
        };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            Ok(()) | Err(_) => {}
        }
        for event in &self.events {
            let token = event.token().0;
            if let Some(stream) = self
                .tokens
                .get(&token)
                .and_then(|id| self.streams.get_mut(id))
            {
                stream.is_readable = true;
            } else if let Ok(id) = ListenerId::try_from(token) {
                if let Some(udp) = self.udp.get_mut(&id) {
                    udp.is_readable = true;
                }
                for tcp in self.tcp.iter_mut().filter(|tcp| tcp.id == id) {
                    tcp.is_readable = true;
                }
            }
        }
        Ok(())
    }

    fn has_unread(&self) -> bool {
        self.udp.values().any(|udp| udp.is_readable)
            || self.tcp.iter().any(|tcp| tcp.is_readable)
            || self.streams.values().any(|stream| stream.is_readable)
    }

    /// One round over all readable sockets; each input goes to `take`.
    pub(crate) fn read(&mut self, inputs: &mut Vec<Input>) {
        self.read_udp(inputs);
        self.accept(inputs);
        self.read_streams(inputs);
    }

    fn read_udp(&mut self, inputs: &mut Vec<Input>) {
        for (listener, udp) in self.udp.iter_mut().filter(|(_, udp)| udp.is_readable) {
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
        let Self {
            tcp,
            streams,
            tokens,
            next_token,
            next_connection,
            poll,
            ..
        } = self;
        for tcp in tcp.iter_mut().filter(|tcp| tcp.is_readable) {
            for _ in 0..READS_PER_ROUND {
                match tcp.listener.accept() {
                    Ok((mut socket, peer)) => {
                        if streams.len() >= STREAMS_MAX {
                            continue;
                        }
                        let token = *next_token;
                        *next_token += 1;
                        let interest = Interest::READABLE | Interest::WRITABLE;
                        if socket.set_nodelay(true).is_err()
                            || poll
                                .registry()
                                .register(&mut socket, Token(token), interest)
                                .is_err()
                        {
                            continue;
                        }
                        let connection = *next_connection;
                        *next_connection += 1;
                        tokens.insert(token, connection);
                        let listener = tcp.id;
                        streams.insert(
                            connection,
                            Stream {
                                socket,
                                token,
                                listener,
                                peer,
                                backlog: Vec::new(),
                                is_connecting: false,
                                is_readable: true,
                            },
                        );
                        inputs.push(Input::StreamOpened {
                            connection,
                            listener,
                            peer,
                        });
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        tcp.is_readable = false;
                        break;
                    }
                    // Out of descriptors, or the peer is gone already: the next round tries again.
                    Err(_) => break,
                }
            }
        }
    }

    fn read_streams(&mut self, inputs: &mut Vec<Input>) {
        let mut dead = Vec::new();
        for (connection, stream) in self
            .streams
            .iter_mut()
            .filter(|(_, stream)| stream.is_readable)
        {
            match stream.serve(*connection, &mut self.buffer, inputs) {
                Served::Dead => dead.push(*connection),
                Served::Unread => {}
                Served::Waiting => stream.is_readable = false,
            }
        }
        for connection in dead {
            self.close(connection);
            inputs.push(Input::StreamClosed { connection });
        }
    }

    /// Sends a datagram; false when the system refuses it (the address is told to the endpoint).
    pub(crate) fn send(
        &mut self,
        listener: ListenerId,
        destination: SocketAddr,
        bytes: &[u8],
    ) -> bool {
        let Some(udp) = self.udp.get(&listener) else {
            return false;
        };
        // A pending ICMP error of another peer is reported once by the next send: the second try is ours.
        for _ in 0..2 {
            match udp.socket.send_to(bytes, destination) {
                Ok(_) => return true,
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                // A full buffer is a lost datagram; retransmission is the endpoint's.
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        false
    }

    /// Queues bytes on a stream; false when it is gone or too slow (it is closed then).
    pub(crate) fn write(&mut self, connection: ConnectionId, bytes: &[u8]) -> bool {
        let Some(stream) = self.streams.get_mut(&connection) else {
            return false;
        };
        if stream.backlog.len() + bytes.len() > STREAM_BACKLOG_BYTES_MAX {
            self.close(connection);
            return false;
        }
        stream.backlog.extend_from_slice(bytes);
        if !stream.is_connecting && stream.flush().is_err() {
            self.close(connection);
            return false;
        }
        true
    }

    /// Opens a stream; `StreamOpened` or `StreamClosed` follows from [`read`](Self::read).
    pub(crate) fn connect(
        &mut self,
        connection: ConnectionId,
        listener: ListenerId,
        peer: SocketAddr,
    ) -> bool {
        if self.streams.len() >= STREAMS_MAX {
            return false;
        }
        let Ok(mut socket) = TcpStream::connect(peer) else {
            return false;
        };
        let token = self.next_token;
        self.next_token += 1;
        if register(self.poll.registry(), &mut socket, token).is_err() {
            return false;
        }
        self.tokens.insert(token, connection);
        self.streams.insert(
            connection,
            Stream {
                socket,
                token,
                listener,
                peer,
                backlog: Vec::new(),
                is_connecting: true,
                is_readable: false,
            },
        );
        true
    }

    /// Closes a stream; unknown ones are normal.
    pub(crate) fn close(&mut self, connection: ConnectionId) {
        if let Some(mut stream) = self.streams.remove(&connection) {
            self.tokens.remove(&stream.token);
            // Dropping the socket closes it; deregistering first keeps the poll set exact.
            if self.poll.registry().deregister(&mut stream.socket).is_err() {
                drop(stream);
            }
        }
    }

    /// Streams that are open.
    pub(crate) fn streams(&self) -> usize {
        self.streams.len()
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

fn register(registry: &Registry, socket: &mut TcpStream, token: usize) -> io::Result<()> {
    registry.register(
        socket,
        Token(token),
        Interest::READABLE | Interest::WRITABLE,
    )
}

enum Served {
    Dead,
    Unread,
    Waiting,
}

impl Stream {
    fn serve(
        &mut self,
        connection: ConnectionId,
        buffer: &mut [u8],
        inputs: &mut Vec<Input>,
    ) -> Served {
        if self.is_connecting {
            match self.socket.take_error() {
                Ok(None) if self.socket.peer_addr().is_ok() => {
                    self.is_connecting = false;
                    inputs.push(Input::StreamOpened {
                        connection,
                        listener: self.listener,
                        peer: self.peer,
                    });
                }
                Ok(None) => return Served::Waiting,
                Ok(Some(_)) | Err(_) => return Served::Dead,
            }
        }
        if self.flush().is_err() {
            return Served::Dead;
        }
        for _ in 0..READS_PER_ROUND {
            match self
                .socket
                .read(buffer.get_mut(..STREAM_READ_BYTES).unwrap_or_default())
            {
                Ok(0) => return Served::Dead,
                Ok(length) => {
                    let bytes = buffer.get(..length).unwrap_or_default().to_vec();
                    inputs.push(Input::StreamBytes { connection, bytes });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Served::Waiting,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Served::Dead,
            }
        }
        Served::Unread
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.backlog.is_empty() {
            match self.socket.write(&self.backlog) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => {
                    self.backlog.drain(..length);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
