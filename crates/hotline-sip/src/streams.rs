//! Connections as the endpoint sees them: frames, keep-alives, slow and quiet peers, lost flows.

use crate::endpoint::{Endpoint, Turn};
use crate::message::{Frame, Message};
use crate::transport::{Arrival, PARTIAL_MS, QUIET_MS, STRANGER_QUIET_MS};
use crate::{ConnectionId, ListenerId, Output, Proof, Rejection};
use std::net::SocketAddr;

impl Endpoint {
    pub(crate) fn stream_opened(
        &mut self,
        turn: &mut Turn<'_>,
        connection: ConnectionId,
        listener: ListenerId,
        peer: SocketAddr,
        proof: Proof,
    ) {
        let arrival = self.arrival(listener, peer, Some(connection));
        if self.streams.get(connection).is_none() && self.is_unwelcome(turn, &arrival) {
            return turn.out.push(Output::Close { connection });
        }
        let from = (listener, peer);
        if !self
            .streams
            .opened(turn, &mut self.timers, connection, from, proof)
        {
            turn.out.push(Output::Close { connection });
        }
    }

    pub(crate) fn stream_bytes(
        &mut self,
        turn: &mut Turn<'_>,
        connection: ConnectionId,
        bytes: &[u8],
    ) {
        let Some(stream) = self.streams.get_mut(connection) else {
            return;
        };
        stream.framer.push(bytes);
        let was_useful = stream.is_useful;
        let (mut has_frame, mut has_ping) = (false, false);
        // Each frame takes at least four bytes out of what was pushed.
        while let Some(stream) = self.streams.get_mut(connection) {
            let (listener, source) = (stream.listener, stream.peer);
            let frame = stream.framer.next_frame();
            let arrival = self.arrival(listener, source, Some(connection));
            match frame {
                None => break,
                Some(Frame::Ping) => {
                    let may_ping = self
                        .streams
                        .get_mut(connection)
                        .is_some_and(|stream| stream.may_ping(turn.now.mono));
                    if !may_ping && !self.is_peer_known(connection) {
                        return self.close_stream(turn, connection);
                    }
                    has_ping = true;
                }
                Some(Frame::Message(bytes)) => {
                    has_frame = true;
                    let garbage = self.rejections.get(&Rejection::Garbage).copied();
                    self.message(turn, bytes, arrival);
                    // What is no SIP will not become SIP further down.
                    if self.rejections.get(&Rejection::Garbage).copied() != garbage {
                        return self.close_stream(turn, connection);
                    }
                }
                Some(Frame::Broken(head, status)) => {
                    self.broken_frame(turn, head, status, &arrival);
                    return self.close_stream(turn, connection);
                }
            }
        }
        let is_pinging = has_ping && self.streams.is_open(connection);
        if is_pinging {
            // One for all that came together: a sender of nothing but pings must not make us write more.
            turn.out.push(Output::Stream {
                connection,
                bytes: b"\r\n".to_vec(),
            });
        }
        // A stranger does not live on pings.
        has_frame |= is_pinging && self.is_peer_known(connection);
        let Some(stream) = self.streams.get_mut(connection) else {
            return;
        };
        let is_partial = stream.framer.is_partial();
        // A message in pieces does not move its own deadline.
        let is_begun = is_partial && was_useful && !stream.is_watched_closely;
        if !has_frame && !is_begun {
            return;
        }
        stream.is_watched_closely = is_partial;
        let after_ms = if is_partial {
            PARTIAL_MS
        } else {
            self.quiet_ms(connection)
        };
        self.streams
            .watch(turn, &mut self.timers, connection, after_ms);
    }

    /// One WebSocket message is one SIP message, or a keep-alive (RFC 7118 §5, RFC 5626 §4.4.1).
    pub(crate) fn stream_message(
        &mut self,
        turn: &mut Turn<'_>,
        connection: ConnectionId,
        bytes: Vec<u8>,
    ) {
        let Some(stream) = self.streams.get(connection) else {
            return;
        };
        if !self.transport(stream.listener).is_web_socket() {
            return self.stream_bytes(turn, connection, &bytes);
        }
        let arrival = self.arrival(stream.listener, stream.peer, Some(connection));
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            return self.web_socket_ping(turn, connection, &bytes);
        }
        let garbage = self.rejections.get(&Rejection::Garbage).copied();
        self.message(turn, bytes, arrival);
        if self.rejections.get(&Rejection::Garbage).copied() != garbage {
            return self.close_stream(turn, connection);
        }
        let after_ms = self.quiet_ms(connection);
        self.streams
            .watch(turn, &mut self.timers, connection, after_ms);
    }

    /// A double CRLF is answered by one; a single one is itself an answer.
    fn web_socket_ping(&mut self, turn: &mut Turn<'_>, connection: ConnectionId, bytes: &[u8]) {
        let is_known = self.is_peer_known(connection);
        let may_ping = self
            .streams
            .get_mut(connection)
            .is_some_and(|stream| stream.may_ping(turn.now.mono));
        if !may_ping && !is_known {
            return self.close_stream(turn, connection);
        }
        if bytes.len() >= 4 {
            turn.out.push(Output::Stream {
                connection,
                bytes: b"\r\n".to_vec(),
            });
        }
        if is_known {
            self.streams
                .watch(turn, &mut self.timers, connection, QUIET_MS);
        }
    }

    /// Where something came from.
    pub(crate) fn arrival(
        &self,
        listener: ListenerId,
        source: SocketAddr,
        connection: Option<ConnectionId>,
    ) -> Arrival {
        Arrival {
            listener,
            transport: self.transport(listener),
            source,
            connection,
        }
    }

    /// How long a connection may say nothing.
    fn quiet_ms(&self, connection: ConnectionId) -> u64 {
        if self.is_peer_known(connection) {
            QUIET_MS
        } else {
            STRANGER_QUIET_MS
        }
    }

    pub(crate) fn broken_frame(
        &mut self,
        turn: &mut Turn<'_>,
        head: Vec<u8>,
        status: u16,
        arrival: &Arrival,
    ) {
        match Message::parse(head) {
            Ok(message) if message.method().is_some() => {
                if self.admit(turn, arrival, false) {
                    self.rejected(turn, Rejection::Malformed, arrival);
                    self.reply_at_once(turn, &message, arrival, status, &[]);
                }
            }
            Ok(_) | Err(_) => self.garbage(turn, arrival),
        }
    }

    pub(crate) fn stream_overdue(&mut self, turn: &mut Turn<'_>, connection: ConnectionId) {
        let Some(stream) = self.streams.get_mut(connection) else {
            return;
        };
        let is_needed =
            stream.is_useful && !stream.framer.is_partial() && self.is_peer_known(connection);
        if is_needed {
            return self
                .streams
                .watch(turn, &mut self.timers, connection, QUIET_MS);
        }
        self.close_stream(turn, connection);
    }

    /// Trunks, registered phones (quiet until their next refresh), peers of calls and pending requests.
    fn is_peer_known(&self, connection: ConnectionId) -> bool {
        let Some(stream) = self.streams.get(connection) else {
            return false;
        };
        !self.is_server()
            || self
                .trunk_of(&self.arrival(stream.listener, stream.peer, Some(connection)))
                .is_some()
            || self.registrar.is_contact(stream.peer)
            || self.transactions.is_on_stream(connection)
            // All calls are looked through: not for strangers, who have none.
            || (stream.is_proved && self.calls.on_stream(connection))
    }

    pub(crate) fn close_stream(&mut self, turn: &mut Turn<'_>, connection: ConnectionId) {
        turn.out.push(Output::Close { connection });
        self.stream_closed(turn, connection);
    }

    pub(crate) fn stream_closed(&mut self, turn: &mut Turn<'_>, connection: ConnectionId) {
        self.streams.closed(&mut self.timers, connection);
        self.flow_lost(turn, connection);
        for id in self.transactions.on_stream(connection) {
            self.transport_failed(turn, id);
        }
    }
}
