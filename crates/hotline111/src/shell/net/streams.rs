//! TCP streams of signalling: accepted and opened ones, with bounds on how many, how much, and from whom.

use hotline_sip::{ConnectionId, Input, ListenerId, Proof};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};

/// Tokens from here on are streams.
pub(super) const FIRST_STREAM: usize = 1 << 16;
const READ_BYTES: usize = 16_384;
/// Reads of one stream before the others get their turn: a stranger's flood is taken in small pieces.
const READS_PER_ROUND: usize = 2;
/// Bytes of all streams in one round, so that memory is bounded before anything is framed.
const ROUND_BYTES_MAX: usize = 1 << 20;
/// Connections at once. 4,096 phones on TCP are more than any centre has.
const STREAMS_MAX: usize = 4_096;
/// Of those, kept for the carriers.
const RESERVED: usize = 128;
/// Connections of one address that is no carrier's: a whole centre may stand behind one.
const PER_SOURCE_MAX: usize = 512;
/// Unsent bytes of one stream; a peer that reads so slowly is cut.
const BACKLOG_BYTES_MAX: usize = 256 * 1024;

struct Stream {
    socket: TcpStream,
    token: usize,
    listener: ListenerId,
    peer: SocketAddr,
    backlog: Vec<u8>,
    is_connecting: bool,
    is_readable: bool,
}

/// All of them.
pub(super) struct Streams {
    streams: BTreeMap<ConnectionId, Stream>,
    tokens: BTreeMap<usize, ConnectionId>,
    per_source: BTreeMap<IpAddr, usize>,
    carriers: BTreeSet<IpAddr>,
    next_token: usize,
    next_connection: ConnectionId,
}

impl Streams {
    /// `carriers`: addresses that always find a place.
    pub(super) fn new(carriers: BTreeSet<IpAddr>) -> Self {
        Self {
            streams: BTreeMap::new(),
            tokens: BTreeMap::new(),
            per_source: BTreeMap::new(),
            carriers,
            next_token: FIRST_STREAM,
            next_connection: 1,
        }
    }

    /// Open streams.
    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    /// Marks the stream of a token readable; false when the token is none of ours.
    pub(super) fn ready(&mut self, token: usize) -> bool {
        let stream = self
            .tokens
            .get(&token)
            .and_then(|id| self.streams.get_mut(id));
        stream.map(|stream| stream.is_readable = true).is_some()
    }

    pub(super) fn has_unread(&self) -> bool {
        self.streams.values().any(|stream| stream.is_readable)
    }

    /// Takes a new connection in; drops (closes) it when there is no place for it.
    pub(super) fn accept(
        &mut self,
        registry: &Registry,
        socket: TcpStream,
        listener: ListenerId,
        peer: SocketAddr,
        inputs: &mut Vec<Input>,
    ) {
        if !self.has_place(peer.ip()) || socket.set_nodelay(true).is_err() {
            return;
        }
        let connection = self.next_connection;
        if self.insert(registry, connection, socket, listener, peer, false) {
            self.next_connection += 1;
            inputs.push(Input::StreamOpened {
                connection,
                listener,
                peer,
                proof: Proof::None,
            });
        }
    }

    /// Opens a connection; false when that cannot even begin.
    pub(super) fn connect(
        &mut self,
        registry: &Registry,
        connection: ConnectionId,
        socket: std::net::TcpStream,
        (listener, peer): (ListenerId, SocketAddr),
    ) -> bool {
        let socket = TcpStream::from_std(socket);
        self.streams.len() < STREAMS_MAX
            && self.insert(registry, connection, socket, listener, peer, true)
    }

    fn has_place(&self, source: IpAddr) -> bool {
        if self.carriers.contains(&source) {
            return self.streams.len() < STREAMS_MAX;
        }
        let of_source = self.per_source.get(&source).copied().unwrap_or(0);
        self.streams.len() < STREAMS_MAX - RESERVED && of_source < PER_SOURCE_MAX
    }

    fn insert(
        &mut self,
        registry: &Registry,
        connection: ConnectionId,
        mut socket: TcpStream,
        listener: ListenerId,
        peer: SocketAddr,
        is_connecting: bool,
    ) -> bool {
        let token = self.next_token;
        let interest = Interest::READABLE | Interest::WRITABLE;
        if registry
            .register(&mut socket, Token(token), interest)
            .is_err()
        {
            return false;
        }
        self.next_token += 1;
        self.tokens.insert(token, connection);
        *self.per_source.entry(peer.ip()).or_default() += 1;
        let is_readable = !is_connecting;
        let backlog = Vec::new();
        let stream = Stream {
            socket,
            token,
            listener,
            peer,
            backlog,
            is_connecting,
            is_readable,
        };
        self.streams.insert(connection, stream);
        true
    }

    /// One round over all readable streams.
    pub(super) fn read(&mut self, registry: &Registry, buffer: &mut [u8], inputs: &mut Vec<Input>) {
        let mut dead = Vec::new();
        let mut budget = ROUND_BYTES_MAX;
        for (connection, stream) in self
            .streams
            .iter_mut()
            .filter(|(_, stream)| stream.is_readable)
        {
            match stream.serve(*connection, buffer, &mut budget, inputs) {
                Served::Dead => dead.push(*connection),
                Served::Unread => {}
                Served::Waiting => stream.is_readable = false,
            }
            if budget == 0 {
                break;
            }
        }
        for connection in dead {
            self.close(registry, connection);
            inputs.push(Input::StreamClosed { connection });
        }
    }

    /// Queues bytes; false when the stream is gone or too slow (it is closed then).
    pub(super) fn write(
        &mut self,
        registry: &Registry,
        connection: ConnectionId,
        bytes: &[u8],
    ) -> bool {
        let Some(stream) = self.streams.get_mut(&connection) else {
            return false;
        };
        let is_taken = stream.backlog.len() + bytes.len() <= BACKLOG_BYTES_MAX && {
            stream.backlog.extend_from_slice(bytes);
            stream.is_connecting || stream.flush().is_ok()
        };
        if !is_taken {
            self.close(registry, connection);
        }
        is_taken
    }

    /// Closes a stream; unknown ones are normal.
    pub(super) fn close(&mut self, registry: &Registry, connection: ConnectionId) {
        let Some(mut stream) = self.streams.remove(&connection) else {
            return;
        };
        self.tokens.remove(&stream.token);
        let source = stream.peer.ip();
        if let Some(count) = self.per_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.per_source.remove(&source);
            }
        }
        // Dropping the socket closes it, and the kernel forgets it then.
        registry.deregister(&mut stream.socket).ok();
    }

    /// Bytes that wait to be sent, over all streams.
    pub(super) fn has_unsent(&self) -> bool {
        self.streams
            .values()
            .any(|stream| !stream.backlog.is_empty())
    }
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
        budget: &mut usize,
        inputs: &mut Vec<Input>,
    ) -> Served {
        if self.is_connecting {
            match self.socket.take_error() {
                Ok(None) if self.socket.peer_addr().is_ok() => {
                    self.is_connecting = false;
                    let (listener, peer) = (self.listener, self.peer);
                    inputs.push(Input::StreamOpened {
                        connection,
                        listener,
                        peer,
                        proof: Proof::None,
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
                .read(buffer.get_mut(..READ_BYTES).unwrap_or_default())
            {
                Ok(0) => return Served::Dead,
                Ok(length) => {
                    *budget = budget.saturating_sub(length);
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
