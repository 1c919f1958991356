//! One SIP line: an endpoint, its sockets, and the news it has for whoever drives it.

use crate::clock::Clock;
use crate::error::Error;
use crate::farewell::Farewell;
use crate::streams::Streams;
use crate::tls::Trust;
use hotline_sip::{
    Command, Config, ConnectionId, Endpoint, Event, Input, Listener, Mono, Output, Target,
    Transport,
};
use mio::net::{TcpListener, UdpSocket};
use mio::{Interest, Registry, Token};
use std::collections::{BTreeSet, VecDeque};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// Datagrams that left, by what they were; retransmissions are what exceeds the commands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) invites: u64,
    pub(crate) byes: u64,
    /// The socket's buffer was full; SIP sends again by itself.
    pub(crate) refused: u64,
}

pub(crate) struct Line {
    clock: Clock,
    endpoint: Endpoint,
    registry: Registry,
    /// Of the datagrams, and of new connections.
    tokens: (Token, Token),
    udp: UdpSocket,
    tcp: TcpListener,
    streams: Streams,
    connection_next: ConnectionId,
    local: SocketAddr,
    server: SocketAddr,
    transport: Transport,
    outputs: Vec<Output>,
    inputs: VecDeque<Input>,
    events: VecDeque<(Mono, Event)>,
    /// Users whose phone is dead: what is meant for them vanishes before the endpoint could say 100.
    deaf: BTreeSet<String>,
    sent: Sent,
    farewell: Farewell,
    buffer: Vec<u8>,
}

impl Line {
    /// Binds UDP and TCP on one port (0: any) of `local` and registers both. `index` keeps the tokens of several
    /// lines in one poll apart; at most [`LINES_MAX`].
    pub(crate) fn open(
        registry: &Registry,
        clock: Clock,
        index: usize,
        local: SocketAddr,
        server: SocketAddr,
        transport: Transport,
    ) -> Result<Self, Error> {
        let (mut udp, mut tcp) = bind_both(local)?;
        let local = udp
            .local_addr()
            .map_err(Error::system("the port of a socket"))?;
        // Bursts of a load run wait here; the kernel caps it at net.core.rmem_max.
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&udp, RECEIVE_BUFFER_BYTES);
        let registry = registry
            .try_clone()
            .map_err(Error::system("a place in epoll"))?;
        let tokens = (Token(2 * index), Token(2 * index + 1));
        registry
            .register(&mut udp, tokens.0, Interest::READABLE)
            .map_err(Error::system("a place in epoll"))?;
        registry
            .register(&mut tcp, tokens.1, Interest::READABLE)
            .map_err(Error::system("a place in epoll"))?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| Error::System {
            what: "random numbers",
            source: error.into(),
        })?;
        Ok(Self {
            clock,
            endpoint: Endpoint::new(config(local, server), seed),
            registry,
            tokens,
            udp,
            tcp,
            streams: Streams::default(),
            connection_next: CONNECTION_FIRST * (index as ConnectionId + 1),
            local,
            server,
            transport,
            outputs: Vec::new(),
            inputs: VecDeque::new(),
            events: VecDeque::new(),
            deaf: BTreeSet::new(),
            sent: Sent::default(),
            farewell: Farewell::default(),
            buffer: vec![0; DATAGRAM_BYTES_MAX],
        })
    }

    /// Speaks TLS to whoever shows a certificate of this authority for this name.
    pub(crate) fn trust(&mut self, authority: &Path, name: &str) -> Result<(), Error> {
        let trust = Trust::read(authority, name).map_err(Error::system("a TLS authority"))?;
        self.streams.trust(trust);
        Ok(())
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn sent(&self) -> Sent {
        self.sent
    }

    /// When the line can be put down, if nothing more comes; None while somebody owes us an answer.
    pub(crate) fn over_at(&self) -> Option<Mono> {
        self.farewell.over_at()
    }

    pub(crate) fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// A dead phone hears nothing and says nothing.
    pub(crate) fn set_deaf(&mut self, user: &str, is_deaf: bool) {
        if is_deaf {
            self.deaf.insert(user.to_owned());
        } else {
            self.deaf.remove(user);
        }
    }

    pub(crate) fn register(&mut self, user: &str, password: &str, expires_s: u32) {
        let (user, password) = (user.to_owned(), password.to_owned());
        self.command(Command::Register {
            user,
            password,
            via: self.server,
            transport: self.transport,
            expires_s,
        });
    }

    /// Where a number is reached through the server.
    pub(crate) fn target(&self, number: &str) -> Target {
        let uri = format!("sip:{}@{}", escape_user(number), self.server);
        Target::Uri {
            uri,
            via: self.server,
            transport: self.transport,
        }
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.handle(Input::Command(command));
    }

    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.endpoint.next_deadline()
    }

    pub(crate) fn tick(&mut self) {
        if self
            .endpoint
            .next_deadline()
            .is_some_and(|due| due <= self.clock.mono())
        {
            self.handle(Input::Tick);
        }
    }

    pub(crate) fn take_event(&mut self) -> Option<(Mono, Event)> {
        self.events.pop_front()
    }

    /// A token became ready; false when it is none of this line's.
    pub(crate) fn ready(&mut self, token: Token) -> bool {
        if token == self.tokens.0 {
            self.receive();
        } else if token == self.tokens.1 {
            self.accept();
        } else {
            let Ok(connection) = ConnectionId::try_from(token.0) else {
                return false;
            };
            if !self.streams.ready(connection, &mut self.inputs) {
                return false;
            }
        }
        self.settle();
        true
    }

    fn handle(&mut self, input: Input) {
        self.turn(input);
        self.settle();
    }

    /// Inputs that outputs gave rise to (a connection that failed at once); each is a step nearer to quiet.
    fn settle(&mut self) {
        while let Some(input) = self.inputs.pop_front() {
            self.turn(input);
        }
    }

    fn turn(&mut self, input: Input) {
        let now = self.clock.now();
        let mut outputs = std::mem::take(&mut self.outputs);
        self.endpoint.handle(now, input, &mut outputs);
        for output in outputs.drain(..) {
            self.perform(now.mono, output);
        }
        self.outputs = outputs;
    }

    fn perform(&mut self, at: Mono, output: Output) {
        match output {
            Output::Close { connection } => self.streams.close(connection),
            Output::Connect {
                connection,
                listener,
                destination,
                ..
            } => {
                let way = (self.local.ip(), destination);
                self.streams
                    .connect(&self.registry, connection, way, listener, &mut self.inputs);
            }
            Output::Datagram {
                listener: _,
                destination,
                bytes,
            } => self.send(destination, &bytes),
            Output::Event(event) => self.events.push_back((at, event)),
            // A phone remembers nothing over a restart, and calls addresses only.
            Output::Keep(_) | Output::Resolve { .. } => {}
            Output::Stream { connection, bytes } => {
                self.streams.send(connection, &bytes, &mut self.inputs)
            }
        }
    }

    fn send(&mut self, destination: SocketAddr, bytes: &[u8]) {
        self.farewell.sent(bytes);
        match self.udp.send_to(bytes, destination) {
            Ok(_) if bytes.starts_with(b"INVITE ") => self.sent.invites += 1,
            Ok(_) if bytes.starts_with(b"BYE ") => self.sent.byes += 1,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                self.inputs.push_back(Input::SendFailed { destination });
            }
            Err(_) => self.sent.refused += 1,
        }
    }

    fn receive(&mut self) {
        // Edge-triggered: read until the socket is empty.
        loop {
            match self.udp.recv_from(&mut self.buffer) {
                Ok((count, source)) => {
                    let bytes = self.buffer.get(..count).unwrap_or_default();
                    self.farewell.heard(self.clock.mono(), bytes);
                    if self.deaf.is_empty()
                        || !request_user(bytes).is_some_and(|user| self.deaf.contains(user))
                    {
                        let bytes = bytes.to_vec();
                        self.turn(Input::Datagram {
                            listener: LISTENER_UDP,
                            source,
                            bytes,
                        });
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // An ICMP error of an earlier datagram: the endpoint's timers see to it.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(_) => return,
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((socket, peer)) = self.tcp.accept() {
            let connection = self.connection_next;
            self.connection_next += 1;
            self.streams
                .accept(&self.registry, connection, socket, peer, &mut self.inputs);
        }
    }
}

/// TCP takes the port that UDP got; with port 0 another try when that one is taken.
fn bind_both(local: SocketAddr) -> Result<(UdpSocket, TcpListener), Error> {
    let mut last = None;
    for _ in 0..BIND_TRIES {
        let udp = UdpSocket::bind(local).map_err(|source| Error::Bind {
            address: local,
            source,
        })?;
        let address = udp
            .local_addr()
            .map_err(Error::system("the port of a socket"))?;
        match TcpListener::bind(address) {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(source) if local.port() == 0 && source.kind() == ErrorKind::AddrInUse => {
                last = Some(source)
            }
            Err(source) => return Err(Error::Bind { address, source }),
        }
    }
    let source = last.unwrap_or_else(|| ErrorKind::AddrInUse.into());
    Err(Error::Bind {
        address: local,
        source,
    })
}

fn config(local: SocketAddr, server: SocketAddr) -> Config {
    let listener = |transport| Listener {
        local,
        advertise: local,
        transport,
    };
    Config {
        // The host of our addresses of record: `sip:0912345678@server`.
        realm: host(server.ip()),
        listeners: vec![
            listener(Transport::Udp),
            listener(Transport::Tcp),
            listener(Transport::Tls),
        ],
        trunks: Vec::new(),
        product: concat!("hotline-phone/", env!("CARGO_PKG_VERSION")).to_owned(),
        expires_s_min: 1,
        expires_s_default: 600,
        expires_s_max: 3_600,
        contacts_max: 1,
        calls_max: CALLS_MAX,
        transactions_max: TRANSACTIONS_MAX,
        // The peer is the server under test: it is never held back here.
        stranger_rate_per_s: u32::MAX,
        stranger_burst: u32::MAX,
        defence: hotline_sip::Defence::default(),
        sessions: hotline_sip::Sessions::default(),
        has_sha256: true,
        nonce_ms: 300_000,
        // RFC 3261 timer B.
        first_response_ms: 32_000,
        nat_keepalive_ms: 0,
        is_user_agent: true,
    }
}

/// RFC 3261 §25.1, host: IPv6 in brackets.
fn host(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The user that a request (not a response) names in its first line.
fn request_user(bytes: &[u8]) -> Option<&str> {
    let line = bytes.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let uri = line.split(' ').nth(1)?;
    let rest = uri.strip_prefix("sip:")?;
    rest.split('@').next()
}

/// RFC 3261 §25.1, user: `#` has to be escaped, `*` not.
pub(crate) fn escape_user(user: &str) -> String {
    let mut escaped = String::with_capacity(user.len());
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// The address of ours that packets to `server` come from.
pub(crate) fn local_for(server: SocketAddr) -> Result<IpAddr, Error> {
    let any: IpAddr = if server.is_ipv4() {
        [0, 0, 0, 0].into()
    } else {
        [0u16; 8].into()
    };
    let route = |source| Error::Route { server, source };
    let probe = std::net::UdpSocket::bind((any, 0)).map_err(route)?;
    // Connecting a datagram socket sends nothing: it only asks the routing table.
    probe.connect(server).map_err(route)?;
    Ok(probe.local_addr().map_err(route)?.ip())
}

/// Lines that one poll can have.
const LINES_MAX: usize = 2;
/// First token that no line has; connections have theirs far above.
pub(crate) const TOKEN_FREE: usize = 2 * LINES_MAX;
const LISTENER_UDP: u16 = 0;
/// Above every token that is not a stream.
const CONNECTION_FIRST: ConnectionId = 1 << 32;
const BIND_TRIES: usize = 16;
const DATAGRAM_BYTES_MAX: usize = 65_536;
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;
/// A load run plays both ends of each call.
const CALLS_MAX: usize = 100_000;
const TRANSACTIONS_MAX: usize = 1_000_000;

#[cfg(test)]
mod tests;
