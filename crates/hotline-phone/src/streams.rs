//! TCP connections of a line: bytes in and out, cut anywhere, bounded.

use hotline_sip::{ConnectionId, Input, Proof};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

/// All streams; what happens on them is appended to a list of endpoint inputs.
#[derive(Default)]
pub(crate) struct Streams {
    open: BTreeMap<ConnectionId, Stream>,
}

struct Stream {
    socket: TcpStream,
    peer: SocketAddr,
    /// Ours, and not yet up.
    is_connecting: bool,
    outgoing: Vec<u8>,
}

impl Streams {
    pub(crate) fn connect(
        &mut self,
        registry: &Registry,
        connection: ConnectionId,
        peer: SocketAddr,
        inputs: &mut VecDeque<Input>,
    ) {
        match TcpStream::connect(peer) {
            Ok(socket) => self.adopt(registry, connection, socket, peer, true, inputs),
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
        self.adopt(registry, connection, socket, peer, false, inputs);
    }

    fn adopt(
        &mut self,
        registry: &Registry,
        connection: ConnectionId,
        mut socket: TcpStream,
        peer: SocketAddr,
        is_connecting: bool,
        inputs: &mut VecDeque<Input>,
    ) {
        let interest = Interest::READABLE | Interest::WRITABLE;
        if self.open.len() >= STREAMS_MAX
            || registry
                .register(&mut socket, token(connection), interest)
                .is_err()
        {
            inputs.push_back(Input::StreamClosed { connection });
            return;
        }
        if !is_connecting {
            inputs.push_back(Input::StreamOpened {
                connection,
                listener: LISTENER_TCP,
                peer,
                proof: Proof::None,
            });
        }
        self.open.insert(
            connection,
            Stream {
                socket,
                peer,
                is_connecting,
                outgoing: Vec::new(),
            },
        );
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
                listener: LISTENER_TCP,
                peer: self.peer,
                proof: Proof::None,
            });
        }
        self.flush()?;
        self.read(connection, inputs)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
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

/// A stream's token is its number: both start far above the tokens of the fixed sources.
fn token(connection: ConnectionId) -> Token {
    Token(usize::try_from(connection).unwrap_or(usize::MAX))
}

/// Index of the TCP listener in the endpoint's configuration.
const LISTENER_TCP: u16 = 1;
/// More connections are refused.
const STREAMS_MAX: usize = 1_024;
/// A peer that reads nothing for so many bytes is given up.
const OUTGOING_BYTES_MAX: usize = 1 << 20;
