//! Connections as the endpoint sees them: frames, keep-alives, slow and quiet peers, lost flows.

use crate::endpoint::{Endpoint, Turn};
use crate::message::{Frame, Message};
use crate::transport::{Arrival, PARTIAL_MS, QUIET_MS, STRANGER_QUIET_MS};
use crate::{ConnectionId, ListenerId, Output, Rejection};
use std::net::SocketAddr;

impl Endpoint {
    pub(crate) fn stream_opened(
        &mut self,
        turn: &mut Turn<'_>,
        connection: ConnectionId,
        listener: ListenerId,
        peer: SocketAddr,
    ) {
        if !self
            .streams
            .opened(turn, &mut self.timers, connection, listener, peer)
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
        let mut has_frame = false;
        // Each frame takes at least four bytes out of what was pushed.
        while let Some(stream) = self.streams.get_mut(connection) {
            let arrival = Arrival {
                listener: stream.listener,
                source: stream.peer,
                connection: Some(connection),
            };
            match stream.framer.next_frame() {
                None => break,
                Some(Frame::Ping) => {
                    has_frame = true;
                    turn.out.push(Output::Stream {
                        connection,
                        bytes: b"\r\n".to_vec(),
                    });
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
        } else if self.is_peer_known(connection) {
            QUIET_MS
        } else {
            STRANGER_QUIET_MS
        };
        self.streams
            .watch(turn, &mut self.timers, connection, after_ms);
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
    fn is_peer_known(&mut self, connection: ConnectionId) -> bool {
        let Some(stream) = self.streams.get_mut(connection) else {
            return false;
        };
        let peer = stream.peer;
        !self.is_server()
            || self.trunk(peer).is_some()
            || self.registrar.is_contact(peer)
            || !self.transactions.on_stream(connection).is_empty()
            || self.calls.on_stream(connection)
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
