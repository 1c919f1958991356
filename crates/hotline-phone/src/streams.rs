//! TCP and TLS connections of a line: bytes in and out, cut anywhere, bounded.

use crate::tls::Trust;
use hotline_sip::{ConnectionId, Input, ListenerId, Proof};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use rustls::ClientConnection;
use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};

/// All streams; what happens on them is appended to a list of endpoint inputs.
#[derive(Default)]
pub(crate) struct Streams {
    open: BTreeMap<ConnectionId, Stream>,
    trust: Option<Trust>,
}

struct Stream {
    socket: TcpStream,
    listener: ListenerId,
    peer: SocketAddr,
    tls: Option<Box<ClientConnection>>,
    /// Ours, and not yet up.
    is_connecting: bool,
    outgoing: Vec<u8>,
}

impl Streams {
    /// From now on the TLS listener can connect.
    pub(crate) fn trust(&mut self, trust: Trust) {
        self.trust = Some(trust);
    }

    pub(crate) fn connect(
        &mut self,
        registry: &Registry,
        connection: ConnectionId,
        (local, peer): (IpAddr, SocketAddr),
        listener: ListenerId,
        inputs: &mut VecDeque<Input>,
    ) {
        let tls = match (listener == LISTENER_TLS, &self.trust) {
            (false, _) => Ok(None),
            (true, Some(trust)) => trust.connect().map(|tls| Some(Box::new(tls))),
            (true, None) => Err(ErrorKind::Unsupported.into()),
        };
        match tls.and_then(|tls| Ok((tls, connect_from(local, peer)?))) {
            Ok((tls, socket)) => {
                let stream = Stream {
                    socket,
                    listener,
                    peer,
                    tls,
                    is_connecting: true,
                    outgoing: Vec::new(),
                };
                self.adopt(registry, connection, stream, inputs);
            }
            Err(_) => inputs.push_back(Input::StreamClosed { connection }),
        }
    }

    pub(crate) fn accept(
        &mut self,
        registry: &Registry,
        connection: ConnectionId,
        socket: TcpStream,
        peer: SocketAddr,
        inputs: &mut VecDeque<Input>,
    ) {
        let stream = Stream {
            socket,
            listener: LISTENER_TCP,
            peer,
            tls: None,
            is_connecting: false,
            outgoing: Vec::new(),
        };
        self.adopt(registry, connection, stream, inputs);
    }

    fn adopt(
        &mut self,
        registry: &Registry,
        connection: ConnectionId,
        mut stream: Stream,
        inputs: &mut VecDeque<Input>,
    ) {
        let interest = Interest::READABLE | Interest::WRITABLE;
        if self.open.len() >= STREAMS_MAX
            || registry
                .register(&mut stream.socket, token(connection), interest)
                .is_err()
        {
            inputs.push_back(Input::StreamClosed { connection });
            return;
        }
        if !stream.is_connecting {
            inputs.push_back(Input::StreamOpened {
                connection,
                listener: stream.listener,
                peer: stream.peer,
                proof: Proof::None,
            });
        }
        self.open.insert(connection, stream);
    }

    pub(crate) fn send(
        &mut self,
        connection: ConnectionId,
        bytes: &[u8],
        inputs: &mut VecDeque<Input>,
    ) {
        let Some(stream) = self.open.get_mut(&connection) else {
            return;
        };
        stream.outgoing.extend_from_slice(bytes);
        if stream.outgoing.len() > OUTGOING_BYTES_MAX
            || (!stream.is_connecting && stream.flush().is_err())
        {
            self.open.remove(&connection);
            inputs.push_back(Input::StreamClosed { connection });
        }
    }

    pub(crate) fn close(&mut self, connection: ConnectionId) {
        self.open.remove(&connection);
    }

    /// Something happened on this stream; false when it is none of ours.
    pub(crate) fn ready(&mut self, connection: ConnectionId, inputs: &mut VecDeque<Input>) -> bool {
        let Some(stream) = self.open.get_mut(&connection) else {
            return false;
        };
        if stream.ready(connection, inputs).is_err() {
            self.open.remove(&connection);
            inputs.push_back(Input::StreamClosed { connection });
        }
        true
    }
}

impl Stream {
    fn ready(
        &mut self,
        connection: ConnectionId,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), ErrorKind> {
        if self.is_connecting {
            if let Ok(Some(error)) | Err(error) = self.socket.take_error() {
                return Err(error.kind());
            }
            match self.socket.peer_addr() {
                Ok(_) => self.is_connecting = false,
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
                Err(error) => return Err(error.kind()),
            }
            inputs.push_back(Input::StreamOpened {
                connection,
                listener: self.listener,
                peer: self.peer,
                proof: Proof::None,
            });
        }
        self.flush()?;
        self.read(connection, inputs)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        if let Some(tls) = &mut self.tls {
            let taken = tls.writer().write(&self.outgoing);
            self.outgoing.drain(..taken.map_err(|error| error.kind())?);
            while tls.wants_write() {
                match tls.write_tls(&mut self.socket) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.kind()),
                }
            }
            return Ok(());
        }
        while !self.outgoing.is_empty() {
            match self.socket.write(&self.outgoing) {
                Ok(0) => return Err(ErrorKind::WriteZero),
                Ok(count) => drop(self.outgoing.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.kind()),
            }
        }
        Ok(())
    }

    fn read(
        &mut self,
        connection: ConnectionId,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), ErrorKind> {
        let mut buffer = [0; 16_384];
        while let Some(tls) = &mut self.tls {
            match tls.read_tls(&mut self.socket) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.kind()),
            }
            tls.process_new_packets()
                .map_err(|_| ErrorKind::InvalidData)?;
            while let Ok(count @ 1..) = tls.reader().read(&mut buffer) {
                let bytes = buffer.get(..count).unwrap_or_default().to_vec();
                inputs.push_back(Input::StreamBytes { connection, bytes });
            }
            // The handshake goes on, and what waited for its end can go.
            self.flush()?;
        }
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof),
                Ok(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default().to_vec();
                    inputs.push_back(Input::StreamBytes { connection, bytes });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.kind()),
            }
        }
    }
}

/// A connection under way, from the line's own address: a server that knows a carrier by its address must see it.
fn connect_from(local: IpAddr, peer: SocketAddr) -> std::io::Result<TcpStream> {
    let family = if peer.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    bind(&socket, &SocketAddr::new(local, 0))?;
    match connect(&socket, &peer) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(TcpStream::from_std(socket.into())),
        Err(error) => Err(error.into()),
    }
}

/// A stream's token is its number: both start far above the tokens of the fixed sources.
fn token(connection: ConnectionId) -> Token {
    Token(usize::try_from(connection).unwrap_or(usize::MAX))
}

/// Indices of the listeners in the endpoint's configuration.
const LISTENER_TCP: ListenerId = 1;
const LISTENER_TLS: ListenerId = 2;
/// More connections are refused.
const STREAMS_MAX: usize = 1_024;
/// A peer that reads nothing for so many bytes is given up.
const OUTGOING_BYTES_MAX: usize = 1 << 20;
