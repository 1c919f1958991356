//! Does what the machines ask for: sends, arms timers, tells the user.

use super::client_invite::{self, ClientInvite};
use super::client_non_invite::{self, ClientNonInvite};
use super::server_invite::{self, ServerInvite};
use super::server_non_invite::{self, ServerNonInvite};
use super::{Act, Machine, Owner, Timer, Transaction, TransactionId};
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Message, Name, Writer};
use crate::timer::Alarm;
use crate::transport::Hop;

/// What the user of a client transaction learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The response is news for the user.
    Response,
    TimedOut,
    TransportFailed,
}

impl Endpoint {
    /// Sends a request that is not an ACK. `branch` is the one in its topmost Via.
    pub(crate) fn start_client(
        &mut self,
        turn: &mut Turn<'_>,
        hop: Hop,
        (branch, method): (&str, &str),
        message: Vec<u8>,
        owner: Owner,
    ) -> TransactionId {
        let mut acts = Vec::new();
        let machine = if method == "INVITE" {
            Machine::ClientInvite(ClientInvite::start(hop.is_reliable(), &mut acts))
        } else {
            Machine::ClientNonInvite(ClientNonInvite::start(hop.is_reliable(), &mut acts))
        };
        let key = super::key::client_key(branch, method);
        let id = self.transactions.insert(Transaction {
            machine,
            hop,
            owner,
            message,
            ack: None,
            acks: Vec::new(),
            timers: Vec::new(),
            key,
            merge_key: None,
            is_counted_active: true,
            is_farewell: matches!(method, "BYE" | "CANCEL"),
        });
        self.perform(turn, id, &acts, None);
        id
    }

    /// Opens a server transaction; nothing is sent yet.
    pub(crate) fn start_server(
        &mut self,
        hop: Hop,
        key: Vec<u8>,
        merge_key: Option<Vec<u8>>,
        is_invite: bool,
    ) -> TransactionId {
        let machine = if is_invite {
            Machine::ServerInvite(ServerInvite::Proceeding)
        } else {
            Machine::ServerNonInvite(ServerNonInvite::Trying)
        };
        self.transactions.insert(Transaction {
            machine,
            hop,
            owner: Owner::Nobody,
            message: Vec::new(),
            ack: None,
            acks: Vec::new(),
            timers: Vec::new(),
            key,
            merge_key,
            is_counted_active: true,
            is_farewell: false,
        })
    }

    /// A request found its server transaction: a repetition, or the ACK for a refusal.
    pub(crate) fn request_again(&mut self, turn: &mut Turn<'_>, id: TransactionId, is_ack: bool) {
        self.step_server(turn, id, |machine, is_reliable, acts| match machine {
            Machine::ServerInvite(state) => {
                let event = if is_ack {
                    server_invite::Event::Ack
                } else {
                    server_invite::Event::Again
                };
                Machine::ServerInvite(state.step(event, is_reliable, acts))
            }
            Machine::ServerNonInvite(state) => Machine::ServerNonInvite(state.step(
                server_non_invite::Event::Again,
                is_reliable,
                acts,
            )),
            client @ (Machine::ClientInvite(_) | Machine::ClientNonInvite(_)) => client,
        });
    }

    /// The user's response. A user who answers too late or twice changes nothing.
    pub(crate) fn respond(
        &mut self,
        turn: &mut Turn<'_>,
        id: TransactionId,
        status: u16,
        message: Vec<u8>,
    ) {
        let Some(transaction) = self.transactions.all.get_mut(&id) else {
            return;
        };
        let is_open = match transaction.machine {
            Machine::ServerInvite(state) => {
                matches!(state, ServerInvite::Proceeding | ServerInvite::Accepted)
            }
            Machine::ServerNonInvite(state) => {
                matches!(state, ServerNonInvite::Trying | ServerNonInvite::Proceeding)
            }
            Machine::ClientInvite(_) | Machine::ClientNonInvite(_) => false,
        };
        if !is_open {
            return;
        }
        transaction.message = message;
        self.step_server(turn, id, |machine, is_reliable, acts| match machine {
            Machine::ServerInvite(state) => Machine::ServerInvite(state.step(
                server_invite::Event::Respond(status),
                is_reliable,
                acts,
            )),
            Machine::ServerNonInvite(state) => Machine::ServerNonInvite(state.step(
                server_non_invite::Event::Respond(status),
                is_reliable,
                acts,
            )),
            client @ (Machine::ClientInvite(_) | Machine::ClientNonInvite(_)) => client,
        });
    }

    /// A response found its client transaction.
    pub(crate) fn response(
        &mut self,
        turn: &mut Turn<'_>,
        id: TransactionId,
        message: &Message,
        status: u16,
    ) -> Option<Told> {
        let transaction = self.transactions.all.get_mut(&id)?;
        let is_reliable = transaction.hop.is_reliable();
        let mut acts = Vec::new();
        transaction.machine = match transaction.machine {
            Machine::ClientInvite(state) => {
                let event = match status {
                    100..=199 => client_invite::Event::Provisional,
                    200..=299 => client_invite::Event::Success,
                    _ => client_invite::Event::Refusal,
                };
                Machine::ClientInvite(state.step(event, is_reliable, &mut acts))
            }
            Machine::ClientNonInvite(state) => {
                let event = match status {
                    100..=199 => client_non_invite::Event::Provisional,
                    _ => client_non_invite::Event::Final,
                };
                Machine::ClientNonInvite(state.step(event, is_reliable, &mut acts))
            }
            server @ (Machine::ServerInvite(_) | Machine::ServerNonInvite(_)) => server,
        };
        self.perform(turn, id, &acts, Some(message))
    }

    /// A timer of a transaction is due.
    pub(crate) fn transaction_timer(
        &mut self,
        turn: &mut Turn<'_>,
        id: TransactionId,
        timer: Timer,
    ) -> Option<Told> {
        let transaction = self.transactions.all.get_mut(&id)?;
        transaction.timers.retain(|(armed, _)| *armed != timer);
        let is_reliable = transaction.hop.is_reliable();
        let mut acts = Vec::new();
        transaction.machine = match transaction.machine {
            Machine::ClientInvite(state) => Machine::ClientInvite(state.step(
                client_invite::Event::Timer(timer),
                is_reliable,
                &mut acts,
            )),
            Machine::ClientNonInvite(state) => Machine::ClientNonInvite(state.step(
                client_non_invite::Event::Timer(timer),
                is_reliable,
                &mut acts,
            )),
            Machine::ServerInvite(state) => Machine::ServerInvite(state.step(
                server_invite::Event::Timer(timer),
                is_reliable,
                &mut acts,
            )),
            Machine::ServerNonInvite(state) => Machine::ServerNonInvite(state.step(
                server_non_invite::Event::Timer(timer),
                is_reliable,
                &mut acts,
            )),
        };
        self.perform(turn, id, &acts, None)
    }

    /// The network refused what a client transaction sent.
    pub(crate) fn transaction_failed(
        &mut self,
        turn: &mut Turn<'_>,
        id: TransactionId,
    ) -> Option<Told> {
        let transaction = self.transactions.all.get_mut(&id)?;
        let is_reliable = transaction.hop.is_reliable();
        let mut acts = Vec::new();
        transaction.machine = match transaction.machine {
            Machine::ClientInvite(state) => Machine::ClientInvite(state.step(
                client_invite::Event::TransportFailed,
                is_reliable,
                &mut acts,
            )),
            Machine::ClientNonInvite(state) => Machine::ClientNonInvite(state.step(
                client_non_invite::Event::TransportFailed,
                is_reliable,
                &mut acts,
            )),
            server @ (Machine::ServerInvite(_) | Machine::ServerNonInvite(_)) => server,
        };
        self.perform(turn, id, &acts, None)
    }

    /// Whether an INVITE of ours has had a provisional response and no final one: only then may it be
    /// cancelled (RFC 3261 §9.1).
    pub(crate) fn is_proceeding(&self, id: TransactionId) -> bool {
        self.transactions.get(id).is_some_and(|transaction| {
            matches!(
                transaction.machine,
                Machine::ClientInvite(ClientInvite::Proceeding)
            )
        })
    }

    fn step_server(
        &mut self,
        turn: &mut Turn<'_>,
        id: TransactionId,
        step: impl FnOnce(Machine, bool, &mut Vec<Act>) -> Machine,
    ) {
        let Some(transaction) = self.transactions.all.get_mut(&id) else {
            return;
        };
        let mut acts = Vec::new();
        transaction.machine = step(
            transaction.machine,
            transaction.hop.is_reliable(),
            &mut acts,
        );
        self.perform(turn, id, &acts, None);
    }

    fn perform(
        &mut self,
        turn: &mut Turn<'_>,
        id: TransactionId,
        acts: &[Act],
        response: Option<&Message>,
    ) -> Option<Told> {
        let mut told = None;
        for act in acts {
            match *act {
                Act::Arm(timer, after_ms) => {
                    let armed =
                        self.timers
                            .arm(turn.now.mono, after_ms, Alarm::Transaction(id, timer));
                    if let Some(transaction) = self.transactions.all.get_mut(&id) {
                        transaction.timers.push((timer, armed));
                    }
                }
                Act::Disarm => self.disarm(id),
                Act::Deliver => told = Some(Told::Response),
                Act::Failed => told = Some(Told::TransportFailed),
                Act::TimedOut => told = Some(Told::TimedOut),
                Act::Send => self.send_message(turn, id),
                Act::SendAck => self.send_ack(turn, id, response),
            }
        }
        let is_terminated = self
            .transactions
            .get(id)
            .is_some_and(|transaction| transaction.machine.is_terminated());
        if is_terminated {
            self.finish_transaction(id);
        } else if let Some(oldest) = self.transactions.settle(id) {
            self.finish_transaction(oldest);
        }
        told
    }

    /// Ends a transaction that nobody waits for any more.
    pub(crate) fn drop_transaction(&mut self, id: TransactionId) {
        self.finish_transaction(id);
    }

    fn finish_transaction(&mut self, id: TransactionId) {
        self.disarm(id);
        self.transactions.remove(id);
    }

    fn disarm(&mut self, id: TransactionId) {
        if let Some(transaction) = self.transactions.all.get_mut(&id) {
            for (_, timer) in transaction.timers.drain(..) {
                self.timers.cancel(timer);
            }
        }
    }

    fn send_message(&mut self, turn: &mut Turn<'_>, id: TransactionId) {
        let Some(transaction) = self.transactions.all.get_mut(&id) else {
            return;
        };
        let message = transaction.message.clone();
        self.send_for(turn, id, message);
    }

    /// Sends by the transaction's hop and books the connection that it uses now.
    fn send_for(&mut self, turn: &mut Turn<'_>, id: TransactionId, message: Vec<u8>) {
        let Some(transaction) = self.transactions.all.get_mut(&id) else {
            return;
        };
        let before = transaction.hop.connection();
        let is_sent = self.streams.send(turn, &mut transaction.hop, message);
        let is_client = transaction.is_client();
        if let Some(before) = before {
            self.transactions.on_streams.remove(&(before, id));
        }
        if is_client {
            if let Some(connection) = transaction.hop.connection() {
                self.transactions.on_streams.insert((connection, id));
            }
            if !is_sent {
                self.unsent.push_back(id);
            }
        }
    }

    /// RFC 3261 §17.1.1.3: the ACK for a refusal goes where the INVITE went.
    fn send_ack(&mut self, turn: &mut Turn<'_>, id: TransactionId, response: Option<&Message>) {
        let Some(transaction) = self.transactions.all.get_mut(&id) else {
            return;
        };
        if transaction.ack.is_none()
            && let Some(response) = response
            && let Ok(invite) = Message::parse(transaction.message.clone())
        {
            transaction.ack = Some(ack_for_refusal(&invite, response));
        }
        if let Some(ack) = transaction.ack.clone() {
            self.send_for(turn, id, ack);
        }
    }
}

fn ack_for_refusal(invite: &Message, response: &Message) -> Vec<u8> {
    let mut ack = Writer::request("ACK", &invite.request_uri());
    for (name, source) in [
        (Name::Via, invite),
        (Name::Route, invite),
        (Name::From, invite),
        (Name::To, response),
        (Name::CallId, invite),
    ] {
        for line in source.lines(name) {
            ack.header_bytes(name.as_str(), line, b"");
        }
    }
    let cseq = invite.value(Name::CSeq).unwrap_or_default();
    let number = cseq.split(' ').next().unwrap_or_default();
    ack.header("CSeq", &format!("{number} ACK"))
        .header("Max-Forwards", "70");
    ack.finish(None)
}
