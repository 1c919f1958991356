//! The recent signalling of each call, in memory only, for `hotline111 ctl trace`. Bounded; what is oldest goes first.

#[cfg(test)]
mod tests;

use hotline_core::{CallId, Now};
use hotline_sip::message::{Frame, Framer};
use hotline_sip::{ConnectionId, Input, Listener, ListenerId, Output};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// One message as it went over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Microseconds since 1970.
    pub(crate) at_us: u64,
    pub(crate) is_incoming: bool,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    /// `udp`, `tcp`, ...
    pub(crate) transport: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// A dialog's Call-ID, as written.
type Key = Vec<u8>;

/// Where a connection leads, and what it has brought so far.
struct Pipe {
    listener: ListenerId,
    peer: SocketAddr,
    framer: Framer,
    /// Bytes since the last whole message.
    pending_bytes: usize,
}

/// What was said, by call.
pub(crate) struct Tap {
    bytes_max: usize,
    bytes: usize,
    listeners: Vec<Listener>,
    calls: BTreeMap<CallId, Call>,
    known: BTreeMap<Key, CallId>,
    /// Of dialogs that are no call of ours yet, and mostly never will be.
    strays: VecDeque<(Key, Vec<Seen>)>,
    pipes: BTreeMap<ConnectionId, Pipe>,
    /// The dialog that the last incoming INVITE began.
    invited: Option<Key>,
}

#[derive(Default)]
struct Call {
    keys: Vec<Key>,
    messages: Vec<Seen>,
    bytes: usize,
}

impl Tap {
    /// `bytes_max` of messages are kept in all; 0 keeps nothing.
    pub(crate) fn new(bytes_max: usize, listeners: Vec<Listener>) -> Self {
        Self {
            bytes_max,
            bytes: 0,
            listeners,
            calls: BTreeMap::new(),
            known: BTreeMap::new(),
            strays: VecDeque::new(),
            pipes: BTreeMap::new(),
            invited: None,
        }
    }

    /// Something came in, before anybody has judged it.
    pub(crate) fn incoming(&mut self, now: Now, input: &Input) {
        self.invited = None;
        if self.bytes_max == 0 {
            return;
        }
        match input {
            Input::Datagram {
                listener,
                source,
                bytes,
            } => self.note(now, true, (*listener, *source), bytes),
            Input::StreamOpened {
                connection,
                listener,
                peer,
                ..
            } => self.pipe(*connection, *listener, *peer),
            Input::StreamBytes { connection, bytes } => self.stream(now, *connection, bytes),
            Input::StreamMessage { connection, bytes } => {
                if let Some(pipe) = self.pipes.get(connection) {
                    self.note(now, true, (pipe.listener, pipe.peer), bytes);
                }
            }
            Input::StreamClosed { connection } => drop(self.pipes.remove(connection)),
            Input::Command(_) | Input::Resolved { .. } | Input::SendFailed { .. } | Input::Tick => {
            }
        }
    }

    /// Something goes out.
    pub(crate) fn outgoing(&mut self, now: Now, output: &Output) {
        if self.bytes_max == 0 {
            return;
        }
        match output {
            Output::Datagram {
                listener,
                destination,
                bytes,
            } => self.note(now, false, (*listener, *destination), bytes),
            Output::Stream { connection, bytes } => {
                if let Some(pipe) = self.pipes.get(connection) {
                    self.note(now, false, (pipe.listener, pipe.peer), bytes);
                }
            }
            Output::Connect {
                connection,
                listener,
                destination,
                ..
            } => self.pipe(*connection, *listener, *destination),
            Output::Close { connection } => drop(self.pipes.remove(connection)),
            Output::Event(_) | Output::Keep(_) | Output::Resolve { .. } => {}
        }
    }

    /// Call-IDs of dialogs that have just begun and whose call is not known yet.
    pub(crate) fn beginning(&self, output: Option<&Output>) -> Option<String> {
        let key = match output {
            None => self.invited.clone(),
            Some(Output::Datagram { bytes, .. } | Output::Stream { bytes, .. }) => {
                bytes.starts_with(b"INVITE ").then(|| call_id(bytes))?
            }
            Some(_) => None,
        };
        let key = key.filter(|key| !self.known.contains_key(key))?;
        String::from_utf8(key).ok()
    }

    /// A dialog is a call's: what was said in it so far is, too.
    pub(crate) fn tie(&mut self, call_id: &str, call: CallId) {
        if self.bytes_max == 0 || self.known.contains_key(call_id.as_bytes()) {
            return;
        }
        let entry = self.calls.entry(call).or_default();
        if entry.keys.len() >= DIALOGS_MAX {
            return;
        }
        let key = call_id.as_bytes().to_vec();
        entry.keys.push(key.clone());
        self.known.insert(key.clone(), call);
        if let Some(at) = self.strays.iter().position(|(stray, _)| *stray == key)
            && let Some((_, messages)) = self.strays.remove(at)
        {
            for seen in messages {
                self.keep(call, seen);
            }
        }
    }

    /// All that is left of a call's signalling, in the order of time; None when nothing is.
    pub(crate) fn of_call(&self, call: CallId) -> Option<&[Seen]> {
        self.calls.get(&call).map(|call| call.messages.as_slice())
    }

    fn pipe(&mut self, connection: ConnectionId, listener: ListenerId, peer: SocketAddr) {
        if self.pipes.len() < PIPES_MAX {
            self.pipes.insert(
                connection,
                Pipe {
                    listener,
                    peer,
                    framer: Framer::default(),
                    pending_bytes: 0,
                },
            );
        }
    }

    fn stream(&mut self, now: Now, connection: ConnectionId, bytes: &[u8]) {
        let Some(pipe) = self.pipes.get_mut(&connection) else {
            return;
        };
        pipe.framer.push(bytes);
        pipe.pending_bytes += bytes.len();
        let way = (pipe.listener, pipe.peer);
        let (mut messages, mut is_lost) = (Vec::new(), pipe.pending_bytes > PENDING_BYTES_MAX);
        // Each frame takes at least four bytes out of what was pushed.
        while let Some(frame) = pipe.framer.next_frame() {
            pipe.pending_bytes = 0;
            match frame {
                Frame::Message(message) => messages.push(message),
                Frame::Ping => {}
                Frame::Broken(..) => is_lost = true,
            }
        }
        if is_lost {
            self.pipes.remove(&connection);
        }
        for message in messages {
            self.note(now, true, way, &message);
        }
    }

    fn note(
        &mut self,
        now: Now,
        is_incoming: bool,
        (listener, remote): (ListenerId, SocketAddr),
        bytes: &[u8],
    ) {
        let Some(key) = call_id(bytes) else {
            return;
        };
        if is_incoming && bytes.starts_with(b"INVITE ") {
            self.invited = Some(key.clone());
        }
        let Some(socket) = self.listeners.get(usize::from(listener)) else {
            return;
        };
        // A socket for all addresses has none of its own; it is known to others by the advertised one.
        let local = if socket.local.ip().is_unspecified() {
            socket.advertise
        } else {
            socket.local
        };
        let wall_us = u64::try_from(now.wall.0).unwrap_or_default() * 1_000;
        let seen = Seen {
            at_us: wall_us + now.mono.0 % 1_000,
            is_incoming,
            local,
            remote,
            transport: socket.transport.name(),
            bytes: bytes.to_vec(),
        };
        match self.known.get(&key).copied() {
            Some(call) => self.keep(call, seen),
            None => self.stray(key, seen),
        }
    }

    fn stray(&mut self, key: Key, seen: Seen) {
        if seen.bytes.len() > STRAY_BYTES_MAX {
            return;
        }
        if let Some((_, messages)) = self.strays.iter_mut().find(|(stray, _)| *stray == key) {
            if messages.len() < STRAY_MESSAGES_MAX {
                messages.push(seen);
            }
            return;
        }
        if self.strays.len() >= STRAYS_MAX {
            self.strays.pop_front();
        }
        self.strays.push_back((key, vec![seen]));
    }

    fn keep(&mut self, call: CallId, seen: Seen) {
        let entry = self.calls.entry(call).or_default();
        self.bytes += seen.bytes.len();
        entry.bytes += seen.bytes.len();
        entry.messages.push(seen);
        while entry.messages.len() > MESSAGES_MAX || entry.bytes > CALL_BYTES_MAX {
            // How a call began is worth more than its middle.
            let at = if entry.messages.len() > BEGINNING_MAX {
                BEGINNING_MAX
            } else {
                0
            };
            let gone = entry.messages.remove(at);
            entry.bytes -= gone.bytes.len();
            self.bytes -= gone.bytes.len();
        }
        while self.bytes > self.bytes_max {
            let Some((_, oldest)) = self.calls.pop_first() else {
                return;
            };
            self.bytes -= oldest.bytes;
            for key in oldest.keys {
                self.known.remove(&key);
            }
        }
    }
}

/// The value of Call-ID, or of `i`, found without parsing the rest.
fn call_id(message: &[u8]) -> Option<Key> {
    let mut rest = message;
    for _ in 0..LINES_MAX {
        let at = rest.windows(2).position(|pair| pair == b"\r\n")?;
        rest = rest.get(at + 2..)?;
        if rest.starts_with(b"\r\n") {
            return None;
        }
        let line = rest.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        let name = name.trim_ascii_end();
        if name.eq_ignore_ascii_case(b"call-id") || name.eq_ignore_ascii_case(b"i") {
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            return (!value.is_empty() && value.len() <= KEY_BYTES_MAX).then(|| value.to_vec());
        }
    }
    None
}

/// Messages of one call; a call of an hour with session timers has fewer.
const MESSAGES_MAX: usize = 400;
/// Their bytes: what goes over the control socket in one line, written twice as long.
const CALL_BYTES_MAX: usize = 512 * 1_024;
/// The first ones are kept when there are too many.
const BEGINNING_MAX: usize = 50;
/// Dialogs of one call: its caller, and everybody who was rung.
const DIALOGS_MAX: usize = 200;
/// Dialogs whose call is not known; a call is known in the turn of its INVITE.
const STRAYS_MAX: usize = 32;
const STRAY_MESSAGES_MAX: usize = 8;
const STRAY_BYTES_MAX: usize = 8 * 1_024;
/// Connections that are listened to; more than the phones of a large centre.
const PIPES_MAX: usize = 4_096;
/// A message that is longer is not traced, nor what follows on its connection.
const PENDING_BYTES_MAX: usize = 32 * 1_024;
const LINES_MAX: usize = 200;
const KEY_BYTES_MAX: usize = 256;
