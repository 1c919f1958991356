//! The table of transactions: matching, and what their machines ask for.

mod client_invite;
mod client_non_invite;
mod drive;
mod key;
mod server_invite;
mod server_non_invite;

#[cfg(test)]
mod tests;

pub(crate) use drive::Told;
pub(crate) use key::{merge_key, server_key};

use crate::resolve::Way;
use crate::timer::TimerId;
use crate::transport::Hop;
use crate::{ConnectionId, DialogId, TrunkId};
use client_invite::ClientInvite;
use client_non_invite::ClientNonInvite;
use server_invite::ServerInvite;
use server_non_invite::ServerNonInvite;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

/// Number of a transaction; never reused.
pub(crate) type TransactionId = u64;

/// The timers of RFC 3261 §17 and RFC 6026, by their letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    A,
    B,
    D,
    E,
    F,
    G,
    H,
    I,
    J,
    K,
    L,
    M,
}

/// What a machine asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Arm(Timer, u64),
    /// Hand the response to the user.
    Deliver,
    /// Cancel all timers of this transaction.
    Disarm,
    /// Tell the user that the transport has failed.
    Failed,
    /// Send the message (again).
    Send,
    /// Send the ACK for a refusal.
    SendAck,
    /// Tell the user that nobody answered.
    TimedOut,
}

/// The four machines.
#[allow(clippy::enum_variant_names, reason = "the names of RFC 3261 §17")]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Machine {
    ClientInvite(ClientInvite),
    ClientNonInvite(ClientNonInvite),
    ServerInvite(ServerInvite),
    ServerNonInvite(ServerNonInvite),
}

impl Machine {
    fn is_terminated(self) -> bool {
        match self {
            Self::ClientInvite(state) => state == ClientInvite::Terminated,
            Self::ClientNonInvite(state) => state == ClientNonInvite::Terminated,
            Self::ServerInvite(state) => state == ServerInvite::Terminated,
            Self::ServerNonInvite(state) => state == ServerNonInvite::Terminated,
        }
    }
    /// Done but for repetitions of the peer.
    fn is_lingering(self) -> bool {
        match self {
            Self::ClientInvite(state) => match state {
                ClientInvite::Calling { .. } | ClientInvite::Proceeding => false,
                ClientInvite::Completed | ClientInvite::Accepted | ClientInvite::Terminated => true,
            },
            Self::ClientNonInvite(state) => match state {
                ClientNonInvite::Trying { .. } | ClientNonInvite::Proceeding => false,
                ClientNonInvite::Completed | ClientNonInvite::Terminated => true,
            },
            Self::ServerInvite(state) => match state {
                ServerInvite::Proceeding => false,
                ServerInvite::Accepted
                | ServerInvite::Completed { .. }
                | ServerInvite::Confirmed
                | ServerInvite::Terminated => true,
            },
            Self::ServerNonInvite(state) => match state {
                ServerNonInvite::Trying | ServerNonInvite::Proceeding => false,
                ServerNonInvite::Completed | ServerNonInvite::Terminated => true,
            },
        }
    }
    /// No machine sends the message again in this state.
    fn needs_message(self) -> bool {
        match self {
            Self::ClientInvite(_) | Self::ClientNonInvite(_) => !self.is_lingering(),
            Self::ServerInvite(state) => {
                !matches!(state, ServerInvite::Accepted | ServerInvite::Confirmed)
            }
            Self::ServerNonInvite(_) => true,
        }
    }
}

/// Who is told what comes of a client transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// OPTIONS inside a dialog, that asks whether the peer still has it.
    Alive(DialogId),
    /// Our BYE of a dialog that is over for the application.
    Bye(DialogId),
    /// Our re-INVITE or UPDATE.
    Change(DialogId),
    /// A request inside a dialog: INFO.
    Dialog(DialogId),
    /// An INVITE of a call, by the index of its fork.
    Fork(DialogId, usize),
    /// Nobody: CANCEL, server transactions.
    Nobody,
    /// NOTIFY of how a transfer goes on.
    Notify(DialogId),
    /// OPTIONS to a contact: account and contact URI.
    Probe(String, String, Hop),
    /// REFER of a softphone.
    Refer(DialogId),
    /// Our own REGISTER.
    Registration(u64),
    /// BYE in a dialog of the process before this one, by its key in the kept table.
    Resume(Vec<u8>),
    /// OPTIONS to an address of a trunk.
    TrunkProbe(TrunkId, Way),
}

/// One transaction.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) machine: Machine,
    pub(crate) hop: Hop,
    pub(crate) owner: Owner,
    /// Client: the request. Server: the last response.
    pub(crate) message: Vec<u8>,
    ack: Option<Vec<u8>>,
    /// ACKs for 2xx, by To tag, for their repetitions.
    acks: Vec<(String, Hop, Vec<u8>)>,
    timers: Vec<(Timer, TimerId)>,
    key: Vec<u8>,
    merge_key: Option<Vec<u8>>,
    is_counted_active: bool,
    /// Client BYE or CANCEL.
    is_farewell: bool,
}

impl Transaction {
    fn is_client(&self) -> bool {
        match self.machine {
            Machine::ClientInvite(_) | Machine::ClientNonInvite(_) => true,
            Machine::ServerInvite(_) | Machine::ServerNonInvite(_) => false,
        }
    }
}

/// All transactions.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    all: BTreeMap<TransactionId, Transaction>,
    clients: BTreeMap<Vec<u8>, TransactionId>,
    servers: BTreeMap<Vec<u8>, TransactionId>,
    /// Requests outside dialogs that are being served, for RFC 3261 §8.2.2.2.
    merges: BTreeMap<Vec<u8>, TransactionId>,
    on_streams: BTreeSet<(ConnectionId, TransactionId)>,
    on_datagrams: BTreeSet<(SocketAddr, TransactionId)>,
    lingering: VecDeque<TransactionId>,
    active: usize,
    farewells: usize,
    last_id: TransactionId,
}

impl Transactions {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
    /// Those that still wait for somebody.
    pub(crate) fn active(&self) -> usize {
        self.active
    }
    /// BYEs and CANCELs of ours that wait for their final answer.
    pub(crate) fn farewells(&self) -> usize {
        self.farewells
    }
    pub(crate) fn get(&self, id: TransactionId) -> Option<&Transaction> {
        self.all.get(&id)
    }
    pub(crate) fn find_server(&self, key: &[u8]) -> Option<TransactionId> {
        self.servers.get(key).copied()
    }
    pub(crate) fn find_client(&self, branch: &str, method: &str) -> Option<TransactionId> {
        self.clients.get(&key::client_key(branch, method)).copied()
    }
    pub(crate) fn is_merged(&self, key: &[u8]) -> bool {
        self.merges.contains_key(key)
    }
    /// Whether a client transaction uses the connection.
    pub(crate) fn is_on_stream(&self, connection: ConnectionId) -> bool {
        self.on_streams
            .range((connection, 0)..=(connection, TransactionId::MAX))
            .next()
            .is_some()
    }
    /// Client transactions that use a connection, oldest first.
    pub(crate) fn on_stream(&self, connection: ConnectionId) -> Vec<TransactionId> {
        self.on_streams
            .range((connection, 0)..=(connection, TransactionId::MAX))
            .map(|(_, id)| *id)
            .collect()
    }
    /// Client transactions over UDP to an address, oldest first: for ICMP errors.
    pub(crate) fn toward(&self, destination: SocketAddr) -> Vec<TransactionId> {
        let all = (destination, 0)..=(destination, TransactionId::MAX);
        self.on_datagrams.range(all).map(|(_, id)| *id).collect()
    }
    /// Whether a client transaction of this owner is under way.
    pub(crate) fn has_owner(&self, owner: &Owner) -> bool {
        self.all
            .values()
            .any(|transaction| transaction.owner == *owner)
    }
    /// Remembers the ACK for a 2xx while the transaction lives.
    pub(crate) fn note_ack(&mut self, id: TransactionId, to_tag: String, hop: Hop, bytes: Vec<u8>) {
        if let Some(transaction) = self.all.get_mut(&id)
            && transaction.acks.len() < FORKS_MAX
        {
            transaction.acks.push((to_tag, hop, bytes));
        }
    }
    /// The ACK that this 2xx has had.
    pub(crate) fn noted_ack(&self, id: TransactionId, to_tag: &str) -> Option<(Hop, Vec<u8>)> {
        let acks = &self.all.get(&id)?.acks;
        acks.iter()
            .find(|(tag, ..)| tag == to_tag)
            .map(|(_, hop, bytes)| (*hop, bytes.clone()))
    }

    fn insert(&mut self, transaction: Transaction) -> TransactionId {
        self.last_id += 1;
        let id = self.last_id;
        let index = match transaction.machine {
            Machine::ClientInvite(_) | Machine::ClientNonInvite(_) => &mut self.clients,
            Machine::ServerInvite(_) | Machine::ServerNonInvite(_) => &mut self.servers,
        };
        index.insert(transaction.key.clone(), id);
        if let Some(merge_key) = &transaction.merge_key {
            self.merges.insert(merge_key.clone(), id);
        }
        if transaction.is_client() && !transaction.hop.is_reliable() {
            self.on_datagrams.insert((transaction.hop.address(), id));
        }
        self.active += 1;
        self.farewells += usize::from(transaction.is_farewell);
        self.all.insert(id, transaction);
        id
    }

    fn remove(&mut self, id: TransactionId) -> Option<Transaction> {
        let transaction = self.all.remove(&id)?;
        let index = match transaction.machine {
            Machine::ClientInvite(_) | Machine::ClientNonInvite(_) => &mut self.clients,
            Machine::ServerInvite(_) | Machine::ServerNonInvite(_) => &mut self.servers,
        };
        if index.get(&transaction.key) == Some(&id) {
            index.remove(&transaction.key);
        }
        if let Some(merge_key) = &transaction.merge_key
            && self.merges.get(merge_key) == Some(&id)
        {
            self.merges.remove(merge_key);
        }
        self.on_datagrams.remove(&(transaction.hop.address(), id));
        if let Some(connection) = transaction.hop.connection() {
            self.on_streams.remove(&(connection, id));
        }
        if transaction.is_counted_active {
            self.active -= 1;
            self.farewells -= usize::from(transaction.is_farewell);
        }
        Some(transaction)
    }

    /// Books a state change; returns the transaction that must go early when too many linger.
    fn settle(&mut self, id: TransactionId) -> Option<TransactionId> {
        let transaction = self.all.get_mut(&id)?;
        if !transaction.machine.needs_message() {
            transaction.message = Vec::new();
        }
        if transaction.is_counted_active && transaction.machine.is_lingering() {
            transaction.is_counted_active = false;
            self.active -= 1;
            self.farewells -= usize::from(transaction.is_farewell);
            self.lingering.push_back(id);
        }
        while self
            .lingering
            .front()
            .is_some_and(|oldest| !self.all.contains_key(oldest))
        {
            self.lingering.pop_front();
        }
        if self.lingering.len() > LINGERING_MAX {
            self.lingering.pop_front()
        } else {
            None
        }
    }
}

/// 2xx with different To tags for one INVITE; further ones are acknowledged and ended each time they come.
const FORKS_MAX: usize = 16;
/// Finished transactions kept for repetitions. Beyond it the oldest goes early: its peer's next repetition
/// is then a stray, which costs an answer 481 and no call.
const LINGERING_MAX: usize = 131_072;
