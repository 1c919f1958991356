//! Streams, and the way that a message takes: datagram or connection, with its fallback.

use crate::endpoint::Turn;
use crate::message::{Framer, Via};
use crate::timer::{Alarm, TimerId, Timers};
use crate::{CarrierHost, ConnectionId, ListenerId, Mono, Output, Proof, Transport, TrunkId};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    Datagram {
        listener: ListenerId,
        address: SocketAddr,
    },
    /// By `connection` while it lives, else by a new one to `address`.
    Stream {
        listener: ListenerId,
        address: SocketAddr,
        connection: Option<ConnectionId>,
    },
}

impl Hop {
    pub(crate) fn listener(&self) -> ListenerId {
        match self {
            Self::Datagram { listener, .. } | Self::Stream { listener, .. } => *listener,
        }
    }
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Datagram { address, .. } | Self::Stream { address, .. } => *address,
        }
    }
    pub(crate) fn is_reliable(&self) -> bool {
        matches!(self, Self::Stream { .. })
    }
    pub(crate) fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Datagram { .. } => None,
            Self::Stream { connection, .. } => *connection,
        }
    }
}

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) listener: ListenerId,
    pub(crate) transport: Transport,
    pub(crate) source: SocketAddr,
    pub(crate) connection: Option<ConnectionId>,
}

impl Arrival {
    /// The way back to the sender of a request that we keep talking to.
    pub(crate) fn hop(&self) -> Hop {
        match self.connection {
            None => Hop::Datagram {
                listener: self.listener,
                address: self.source,
            },
            connection => Hop::Stream {
                listener: self.listener,
                address: self.source,
                connection,
            },
        }
    }

    /// RFC 3261 §18.2.2 and RFC 3581 §4: responses go to the source address, at the port of Via unless
    /// rport asks for the source port. maddr is not followed: it would aim our answers at third parties.
    pub(crate) fn response_hop(&self, via: Option<&Via>) -> Hop {
        let port = match via {
            None => self.source.port(),
            Some(via) if self.connection.is_none() && via.params.contains("rport") => {
                self.source.port()
            }
            Some(via) => via.port.unwrap_or(self.transport.port_default()),
        };
        let address = SocketAddr::new(self.source.ip(), port);
        match self.connection {
            None => Hop::Datagram {
                listener: self.listener,
                address,
            },
            connection => Hop::Stream {
                listener: self.listener,
                address,
                connection,
            },
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) listener: ListenerId,
    pub(crate) peer: SocketAddr,
    /// What the shell has proved of the peer.
    pub(crate) proof: Proof,
    pub(crate) framer: Framer,
    is_open: bool,
    /// Written before the connection was up.
    waiting: Vec<Vec<u8>>,
    /// A valid message has come.
    pub(crate) is_useful: bool,
    /// The watch waits for the end of a message that has begun.
    pub(crate) is_watched_closely: bool,
    /// Somebody has proved a password on it, or we opened it ourselves: calls may live on it.
    pub(crate) is_proved: bool,
    /// Pings since `pings_from`.
    pings: u32,
    pings_from: Mono,
    watch: Option<TimerId>,
}

impl Stream {
    /// Books one more ping; false when there were too many within the last second.
    pub(crate) fn may_ping(&mut self, now: Mono) -> bool {
        if now.micros_since(self.pings_from) >= 1_000_000 {
            (self.pings, self.pings_from) = (0, now);
        }
        self.pings = self.pings.saturating_add(1);
        self.pings <= STRANGER_PINGS_PER_S_MAX
    }
}

/// All connections.
#[derive(Debug)]
pub(crate) struct Streams {
    /// By listener.
    transports: Vec<Transport>,
    all: BTreeMap<ConnectionId, Stream>,
    by_peer: BTreeMap<(Transport, SocketAddr), ConnectionId>,
    /// Carriers at the addresses where we reach them.
    carriers: BTreeMap<(Transport, SocketAddr), CarrierHost>,
    opened: u64,
}

impl Streams {
    /// What is spoken on each listener, in their order.
    pub(crate) fn new(transports: impl Iterator<Item = Transport>) -> Self {
        Self {
            transports: transports.collect(),
            all: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            carriers: BTreeMap::new(),
            opened: 0,
        }
    }
    /// What is spoken on a listener.
    pub(crate) fn transport(&self, listener: ListenerId) -> Transport {
        self.transports
            .get(usize::from(listener))
            .copied()
            .unwrap_or(Transport::Udp)
    }
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
    /// A carrier is reached there. Where two share an address, the first keeps it.
    pub(crate) fn carrier_is_at(
        &mut self,
        transport: Transport,
        peer: SocketAddr,
        carrier: CarrierHost,
    ) {
        self.carriers.entry((transport, peer)).or_insert(carrier);
    }
    /// A carrier is reached there no more.
    pub(crate) fn carrier_left(&mut self, transport: Transport, peer: SocketAddr, trunk: TrunkId) {
        let place = (transport, peer);
        if self
            .carriers
            .get(&place)
            .is_some_and(|known| known.trunk == trunk)
        {
            self.carriers.remove(&place);
        }
    }
    pub(crate) fn get(&self, connection: ConnectionId) -> Option<&Stream> {
        self.all.get(&connection)
    }
    /// What the shell has proved of the peer.
    pub(crate) fn proof(&self, connection: Option<ConnectionId>) -> &Proof {
        connection
            .and_then(|known| self.all.get(&known))
            .map_or(&Proof::None, |stream| &stream.proof)
    }
    /// A password was proved on it.
    pub(crate) fn prove(&mut self, connection: Option<ConnectionId>) {
        if let Some(stream) = connection.and_then(|known| self.all.get_mut(&known)) {
            stream.is_proved = true;
        }
    }
    pub(crate) fn get_mut(&mut self, connection: ConnectionId) -> Option<&mut Stream> {
        self.all.get_mut(&connection)
    }
    pub(crate) fn is_open(&self, connection: ConnectionId) -> bool {
        self.all
            .get(&connection)
            .is_some_and(|stream| stream.is_open)
    }
    /// A connection of this kind to that very address. A WebSocket is never found so: the next one from an
    /// address behind a NAT may be another browser's (RFC 7118 §5: the connection is the way).
    pub(crate) fn to_peer(&self, transport: Transport, peer: SocketAddr) -> Option<ConnectionId> {
        let is_ours = !transport.is_web_socket();
        let found = self.by_peer.get(&(transport, peer)).copied();
        found.filter(|_| is_ours)
    }

    /// A connection is up. False when there are too many: it must be closed.
    pub(crate) fn opened(
        &mut self,
        turn: &mut Turn<'_>,
        timers: &mut Timers,
        connection: ConnectionId,
        (listener, peer): (ListenerId, SocketAddr),
        proof: Proof,
    ) -> bool {
        if let Some(ours) = self.all.get_mut(&connection) {
            ours.is_open = true;
            ours.is_useful = true;
            ours.proof = proof;
            for bytes in ours.waiting.drain(..) {
                turn.out.push(Output::Stream { connection, bytes });
            }
            return true;
        }
        if self.all.len() >= STREAMS_MAX {
            return false;
        }
        self.insert(connection, listener, peer, true, proof);
        self.watch(turn, timers, connection, FIRST_MESSAGE_MS);
        true
    }

    fn insert(
        &mut self,
        connection: ConnectionId,
        listener: ListenerId,
        peer: SocketAddr,
        is_open: bool,
        proof: Proof,
    ) {
        let transport = self.transport(listener);
        let stream = Stream {
            listener,
            peer,
            is_proved: !is_open || proof != Proof::None,
            proof,
            framer: Framer::default(),
            is_open,
            waiting: Vec::new(),
            is_useful: false,
            is_watched_closely: false,
            pings: 0,
            pings_from: Mono(0),
            watch: None,
        };
        self.all.insert(connection, stream);
        self.by_peer.insert((transport, peer), connection);
    }

    /// Closes the stream `after_ms` from now unless it shows something useful before.
    pub(crate) fn watch(
        &mut self,
        turn: &Turn<'_>,
        timers: &mut Timers,
        connection: ConnectionId,
        after_ms: u64,
    ) {
        if let Some(stream) = self.all.get_mut(&connection) {
            if let Some(armed) = stream.watch.take() {
                timers.cancel(armed);
            }
            stream.watch = Some(timers.arm(turn.now.mono, after_ms, Alarm::Stream(connection)));
        }
    }

    /// Forgets a connection.
    pub(crate) fn closed(&mut self, timers: &mut Timers, connection: ConnectionId) {
        let Some(stream) = self.all.remove(&connection) else {
            return;
        };
        if let Some(armed) = stream.watch {
            timers.cancel(armed);
        }
        let peer = (self.transport(stream.listener), stream.peer);
        if self.by_peer.get(&peer) == Some(&connection) {
            self.by_peer.remove(&peer);
        }
    }

    /// Sends, opening a connection when the hop's own is gone. False when that is impossible.
    pub(crate) fn send(&mut self, turn: &mut Turn<'_>, hop: &mut Hop, bytes: Vec<u8>) -> bool {
        let (listener, address, connection) = match hop {
            Hop::Datagram { listener, address } => {
                turn.out.push(Output::Datagram {
                    listener: *listener,
                    destination: *address,
                    bytes,
                });
                return true;
            }
            Hop::Stream {
                listener,
                address,
                connection,
            } => (*listener, *address, connection),
        };
        let transport = self.transport(listener);
        let known = connection
            .filter(|known| self.all.contains_key(known))
            .or_else(|| self.to_peer(transport, address));
        let chosen = match known {
            Some(known) => known,
            None => {
                if self.all.len() >= STREAMS_MAX || transport.is_web_socket() {
                    return false;
                }
                self.opened += 1;
                let chosen = OURS | self.opened;
                self.insert(chosen, listener, address, false, Proof::None);
                turn.out.push(Output::Connect {
                    connection: chosen,
                    listener,
                    destination: address,
                    carrier: self.carriers.get(&(transport, address)).cloned(),
                });
                chosen
            }
        };
        *connection = Some(chosen);
        let Some(stream) = self.all.get_mut(&chosen) else {
            return false;
        };
        if stream.is_open {
            turn.out.push(Output::Stream {
                connection: chosen,
                bytes,
            });
        } else if stream.waiting.len() < WAITING_MAX {
            stream.waiting.push(bytes);
        } else {
            return false;
        }
        true
    }
}

/// High bit: numbers that we choose never meet the shell's.
const OURS: ConnectionId = 1 << 63;
/// More than every phone and trunk of a large centre; beyond it new connections are closed at once.
const STREAMS_MAX: usize = 8_192;
/// Messages that wait for a connection; beyond it the sender is told that the transport failed.
const WAITING_MAX: usize = 64;
/// A stranger's connection must bring a whole message within this time, or slow clients pile up.
const FIRST_MESSAGE_MS: u64 = 15_000;
/// RFC 5626 §4.4.1 asks for a ping in tens of seconds; who proves nothing and sends more is closed.
const STRANGER_PINGS_PER_S_MAX: u32 = 4;
/// A message that has begun must end within this time.
pub(crate) const PARTIAL_MS: u64 = 10_000;
/// An open stream without any sign of life is closed; RFC 5626 keep-alives come every two minutes.
pub(crate) const QUIET_MS: u64 = 600_000;
/// Those who have proved nothing get less: a shared table must not fill up with them.
pub(crate) const STRANGER_QUIET_MS: u64 = 25_000;
