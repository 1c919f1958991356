//! What becomes of each INVITE of a call: ringing, answer, refusal, silence, CANCEL.

use crate::call::{Call, Fork, Talking};
use crate::digest;
use crate::early::Early;
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Heads, Message, Writer, lex, uri};
use crate::resolve::Way;
use crate::session_timer::min_of;
use crate::timer::{Alarm, TIMEOUT_MS};
use crate::transaction::{Owner, Told, TransactionId};
use crate::transport::{Arrival, Hop};
use crate::uas::body_of;
use crate::{DialogId, Event, Failure, MediaKind, Output, Peer, TrunkId};

impl Endpoint {
    /// News of a fork's transaction. `response` is there when the news is one.
    pub(crate) fn fork_told(
        &mut self,
        turn: &mut Turn<'_>,
        key: (DialogId, usize),
        told: Told,
        response: Option<(&Message, &Heads, &Arrival, TransactionId)>,
    ) {
        let status = match (told, response) {
            (Told::Response, Some((message, ..))) => message.status().unwrap_or(500),
            (Told::TransportFailed, _) => 503,
            (Told::TimedOut, _) | (Told::Response, None) => 408,
        };
        match (status, response) {
            (100..=199, Some((message, heads, _, transaction))) => {
                self.fork_provisional(turn, key, status, (message, heads, transaction));
            }
            (200..=299, Some((message, heads, arrival, transaction))) => {
                self.fork_accepted(turn, key, transaction, message, heads, arrival);
            }
            _ => self.fork_refused(
                turn,
                key,
                told,
                status,
                response.map(|(message, ..)| message),
            ),
        }
    }

    fn fork_provisional(
        &mut self,
        turn: &mut Turn<'_>,
        key: (DialogId, usize),
        status: u16,
        (message, heads, transaction): (&Message, &Heads, TransactionId),
    ) {
        let Some(fork) = self.calls.forks.get_mut(&key) else {
            return;
        };
        let contact = fork.contact.clone();
        if !fork.is_wanted {
            return self.cancel_fork(turn, key);
        }
        if let Some(timer) = fork.timer.take() {
            self.timers.cancel(timer);
        }
        if let Some((user, uri)) = contact {
            self.contact_heard(turn, &user, &uri, true);
        }
        if status > 100 && !self.early_heard(turn, key, transaction, message, heads) {
            return;
        }
        if status == 180
            && let Some(Call::Calling(calling)) = self.calls.all.get_mut(&key.0)
            && let Some(attempts) = &mut calling.attempts
        {
            attempts.is_alerting = true;
        }
        let Some(Call::Calling(calling)) = self.calls.all.get_mut(&key.0) else {
            return;
        };
        let body = body_of(message).map(|(_, body)| body);
        let is_new_body = body.is_some() && body != calling.early_body;
        if status < 180 || (calling.is_ringing && !is_new_body) {
            return;
        }
        calling.is_ringing = true;
        if is_new_body {
            calling.early_body.clone_from(&body);
        }
        turn.out.push(Output::Event(Event::Ringing {
            dialog: key.0,
            body,
        }));
    }

    fn fork_accepted(
        &mut self,
        turn: &mut Turn<'_>,
        key: (DialogId, usize),
        transaction: TransactionId,
        message: &Message,
        heads: &Heads,
        arrival: &Arrival,
    ) {
        if self.acknowledge_again(turn, transaction, heads.to_tag()) {
            return;
        }
        let Some(hop) = self
            .transactions
            .get(transaction)
            .map(|transaction| transaction.hop)
        else {
            return;
        };
        let mut fork = self.calls.forks.remove(&key);
        let contact = fork.as_ref().and_then(|fork| fork.contact.clone());
        let carrier = fork.as_ref().and_then(|fork| fork.carrier);
        if let Some(timer) = fork.as_ref().and_then(|fork| fork.timer) {
            self.timers.cancel(timer);
        }
        let user = self.contact_user(key.0, carrier);
        let mut dialog = self.client_dialog(message, heads, hop, &user, contact.is_some());
        self.acknowledge(turn, transaction, &mut dialog);
        let early = fork
            .as_mut()
            .and_then(|fork| fork.take_early(heads.to_tag()));
        let (cseq, early_answer) = early.map(Early::into_answer).unwrap_or_default();
        dialog.local_cseq = dialog.local_cseq.max(cseq);
        if let Some((user, uri)) = &contact {
            self.contact_heard(turn, user, uri, true);
        }
        let kind = fork.as_ref().map_or(MediaKind::Plain, |fork| fork.kind);
        let is_winner = fork.is_some_and(|fork| fork.is_wanted)
            && matches!(self.calls.all.get(&key.0), Some(Call::Calling(_)));
        if !is_winner {
            // Too late, or a second fork of a proxy behind the contact (RFC 3261 §13.2.2.4).
            let mut draft = self.draft(&mut dialog, "BYE");
            draft
                .writer
                .header("Reason", "SIP;cause=200;text=\"Call completed elsewhere\"");
            let bytes = draft.writer.finish(None);
            self.start_client(
                turn,
                draft.hop,
                (&draft.branch, "BYE"),
                bytes,
                Owner::Nobody,
            );
            return;
        }
        let Some(Call::Calling(calling)) = self.calls.remove(key.0) else {
            return;
        };
        self.unwant_forks(turn, key.0);
        dialog.account = contact.as_ref().map(|(user, _)| user.clone());
        let peer = match (contact, carrier) {
            (Some((user, _)), _) => Peer::Account(user),
            (None, Some((trunk, _))) => Peer::Trunk(trunk),
            (None, None) => Peer::Unknown,
        };
        let login = match carrier {
            Some(_) => self.carrier_login(carrier),
            None => calling.offer.login.clone(),
        };
        self.keep_dialog(turn, &dialog);
        // RFC 3262 §5: a reliable provisional response has brought the answer, so the 2xx may have none.
        let body = match early_answer {
            Some(answer) if message.body().is_empty() => answer,
            Some(_) | None => message.body().to_vec(),
        };
        let mut talking = Talking::new(dialog, peer, arrival.source.ip());
        talking.is_acknowledged = true;
        talking.is_caller = true;
        talking.local_body = calling.offer.body(kind).to_vec();
        talking.login = login;
        talking.remote_body.clone_from(&body);
        talking.heard_allow(message);
        self.calls.insert(key.0, Call::Talking(Box::new(talking)));
        self.session_begins(turn, key.0, Self::session_agreed(message));
        turn.out.push(Output::Event(Event::Answered {
            dialog: key.0,
            body,
            kind,
            source: arrival.source,
        }));
    }

    /// ACK for a 2xx is a request of its own (RFC 3261 §13.2.2.4), kept for repetitions of the 2xx.
    pub(crate) fn acknowledge(
        &mut self,
        turn: &mut Turn<'_>,
        transaction: TransactionId,
        dialog: &mut crate::dialog::Dialog,
    ) {
        let draft = self.draft(dialog, "ACK");
        let bytes = draft.writer.finish(None);
        let mut hop = draft.hop;
        self.streams.send(turn, &mut hop, bytes.clone());
        self.transactions
            .note_ack(transaction, dialog.remote_tag.clone(), hop, bytes);
    }

    pub(crate) fn acknowledge_again(
        &mut self,
        turn: &mut Turn<'_>,
        transaction: TransactionId,
        to_tag: &str,
    ) -> bool {
        let Some((mut hop, bytes)) = self.transactions.noted_ack(transaction, to_tag) else {
            return false;
        };
        self.streams.send(turn, &mut hop, bytes);
        true
    }

    /// A 2xx to an INVITE that we do not know: sent before a restart, and picked up now. ACK and BYE end the
    /// dead line at once. Only for those who could have been called, and never in a call that lives.
    pub(crate) fn stray_answer(
        &mut self,
        turn: &mut Turn<'_>,
        message: &Message,
        heads: &Heads,
        arrival: &Arrival,
    ) {
        // RFC 3261 §18.1.2: not ours when the topmost Via names somebody else.
        let sent_by = self.advertised(arrival.listener);
        let is_ours = uri::host_ip(&heads.via.host) == Some(sent_by.ip())
            && heads.via.port.unwrap_or(arrival.transport.port_default()) == sent_by.port();
        let is_peer = self.registrar.is_contact(arrival.source) || self.trunk_of(arrival).is_some();
        let is_alive = self.calls.find(&heads.call_id, heads.from_tag()).is_some();
        if !is_ours || !is_peer || is_alive || heads.to_tag().is_empty() {
            return;
        }
        let mut dialog = self.client_dialog(message, heads, arrival.hop(), "", true);
        let ack = self.draft(&mut dialog, "ACK");
        let mut hop = ack.hop;
        self.streams.send(turn, &mut hop, ack.writer.finish(None));
        if self.is_resuming(&dialog) {
            // It had come before the restart, too, so that the BYE is on its way: with a CSeq that this one would
            // fall behind.
            return;
        }
        let bye = self.draft(&mut dialog, "BYE");
        let bytes = bye.writer.finish(None);
        self.start_client(turn, bye.hop, (&bye.branch, "BYE"), bytes, Owner::Nobody);
    }

    fn fork_refused(
        &mut self,
        turn: &mut Turn<'_>,
        key: (DialogId, usize),
        told: Told,
        status: u16,
        message: Option<&Message>,
    ) {
        let Some(mut fork) = self.calls.forks.remove(&key) else {
            return;
        };
        if let Some(timer) = fork.timer.take() {
            self.timers.cancel(timer);
        }
        if !fork.is_wanted {
            return;
        }
        if told == Told::TransportFailed
            && fork.hop.is_reliable()
            && self.retry_by_datagram(turn, key, &mut fork)
        {
            self.calls.forks.insert(key, fork);
            return;
        }
        if matches!(status, 401 | 407)
            && !fork.is_login_tried
            && let Some(message) = message
            && let Some(credentials) = self.fork_credentials(key.0, &fork, message)
        {
            fork.is_login_tried = true;
            self.send_invite(turn, key, &mut fork, Some(credentials));
            self.calls.forks.insert(key, fork);
            return;
        }
        // RFC 4028 §7.3: once more, with a longer session.
        if status == 422
            && let Some(min_s) = message
                .map(min_of)
                .filter(|min_s| *min_s > fork.session_min_s)
            && fork.session_min_s == 0
        {
            fork.session_min_s = min_s;
            self.send_invite(turn, key, &mut fork, None);
            self.calls.forks.insert(key, fork);
            return;
        }
        if let Some((user, uri)) = &fork.contact {
            // Who answers is alive, whatever the answer; 408 and 430 speak for a phone that is not.
            let is_dead = told != Told::Response || matches!(status, 408 | 430);
            self.contact_heard(turn, user, uri, !is_dead);
        }
        if fork.carrier.is_some() && self.fails_over(turn, key.0, told, status) {
            return;
        }
        self.fork_over(turn, key.0, failure_of(status));
    }

    /// The user of our Contact in a call that we make.
    fn contact_user(&self, id: DialogId, carrier: Option<(TrunkId, Way)>) -> String {
        let offered = match self.calls.all.get(&id) {
            Some(Call::Calling(calling)) => calling.offer.from.1.clone(),
            Some(Call::Invited(_) | Call::Talking(_)) | None => String::new(),
        };
        let trunk = carrier.and_then(|(trunk, _)| self.config.trunks.get(usize::from(trunk)));
        match trunk {
            Some(trunk) if !trunk.caller.is_empty() => lex::escape_user(&trunk.caller),
            Some(_) | None => offered,
        }
    }

    fn carrier_login(&self, carrier: Option<(TrunkId, Way)>) -> Option<digest::Login> {
        let (trunk, _) = carrier?;
        self.config.trunks.get(usize::from(trunk))?.login()
    }

    /// The TCP try for a large request found no listener: the contact's own transport is used after all.
    fn retry_by_datagram(
        &mut self,
        turn: &mut Turn<'_>,
        key: (DialogId, usize),
        fork: &mut Fork,
    ) -> bool {
        let hop = match (&fork.contact, fork.carrier) {
            (Some((user, uri)), _) => self.registrar.hop(user, uri),
            (None, Some((_, way))) => self.hop_to(way.address, way.transport),
            (None, None) => None,
        };
        let Some(hop @ Hop::Datagram { .. }) = hop else {
            return false;
        };
        let user = match &fork.contact {
            Some((user, _)) => user.clone(),
            None => self.contact_user(key.0, fork.carrier),
        };
        let Some(Call::Calling(calling)) = self.calls.all.get(&key.0) else {
            return false;
        };
        let offer_bytes = calling.offer.body(fork.kind).len();
        if offer_bytes > DATAGRAM_BODY_MAX {
            return false;
        }
        fork.hop = hop;
        fork.branch = self.branch();
        fork.cseq += 1;
        let Ok(invite) = Message::parse(std::mem::take(&mut fork.invite)) else {
            return false;
        };
        let mut again = Writer::request("INVITE", &fork.uri);
        again.header("Via", &self.via(hop, &fork.branch));
        again.header("Contact", &self.contact(hop, &user));
        invite.copy_into(
            &mut again,
            &["Via", "Contact", "CSeq", "Content-Type", "Content-Length"],
        );
        again.header("CSeq", &format!("{} INVITE", fork.cseq));
        fork.invite = again.finish(
            body_of(&invite)
                .as_ref()
                .map(|(kind, body)| (kind.as_str(), body.as_slice())),
        );
        let branch = fork.branch.clone();
        fork.transaction = self.start_client(
            turn,
            hop,
            (&branch, "INVITE"),
            fork.invite.clone(),
            Owner::Fork(key.0, key.1),
        );
        true
    }

    fn fork_credentials(
        &mut self,
        id: DialogId,
        fork: &Fork,
        challenge: &Message,
    ) -> Option<(&'static str, String)> {
        let Some(Call::Calling(calling)) = self.calls.all.get(&id) else {
            return None;
        };
        // A counsellor's phone that asks for a password is told none, whatever the application gave.
        if fork.contact.is_some() {
            return None;
        }
        let login = match fork.carrier {
            // Never after the phone rings: from there on a challenge is the callee's, who gets nothing.
            Some(_)
                if calling
                    .attempts
                    .as_ref()
                    .is_some_and(|attempts| attempts.is_alerting) =>
            {
                None
            }
            Some(_) => self.carrier_login(fork.carrier),
            None => calling.offer.login.clone(),
        }?;
        let cnonce = self.random.token();
        digest::answer(challenge, &login, "INVITE", &fork.uri, &cnonce)
    }

    /// One fork less. A 6xx speaks for all (RFC 3261 §16.7 step 5).
    fn fork_over(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        (failure, is_global): (Failure, bool),
    ) {
        let Some(Call::Calling(calling)) = self.calls.all.get_mut(&id) else {
            return;
        };
        calling.open = calling.open.saturating_sub(1);
        let best = match calling.best {
            Some(known) if weight(known) >= weight(failure) => known,
            _ => failure,
        };
        calling.best = Some(best);
        if calling.open > 0 && !is_global {
            return;
        }
        self.calls.remove(id);
        self.unwant_forks(turn, id);
        let failure = if is_global { failure } else { best };
        turn.out.push(Output::Event(Event::Failed {
            dialog: id,
            failure,
        }));
    }

    /// No provisional response in time: the contact is dead. Its late answers get CANCEL or BYE.
    pub(crate) fn first_response_missing(&mut self, turn: &mut Turn<'_>, key: (DialogId, usize)) {
        let Some(fork) = self.calls.forks.get_mut(&key) else {
            return;
        };
        fork.timer = None;
        if !fork.is_wanted {
            // The second use of this alarm: nothing final came after CANCEL (RFC 3261 §9.1).
            let transaction = fork.transaction;
            self.calls.forks.remove(&key);
            return self.drop_transaction(transaction);
        }
        self.give_up_fork(turn, key, 408);
    }

    /// The network bounced what went to the contact of a fork. Who has answered by a 100 or 180 lives: that
    /// bounce is old, forged, or another's behind the same address.
    pub(crate) fn fork_bounced(&mut self, turn: &mut Turn<'_>, key: (DialogId, usize)) {
        let Some(fork) = self.calls.forks.get(&key) else {
            return;
        };
        if fork.is_wanted && !self.is_proceeding(fork.transaction) {
            self.give_up_fork(turn, key, 503);
        }
    }

    /// The contact is taken for dead. Its transaction goes on, so that one who lives after all (ICMP can be
    /// forged, a 100 can be lost) gets CANCEL, or ACK and BYE, and does not ring for ever.
    fn give_up_fork(&mut self, turn: &mut Turn<'_>, key: (DialogId, usize), status: u16) {
        let Some(fork) = self.calls.forks.get_mut(&key) else {
            return;
        };
        fork.is_wanted = false;
        if let Some(timer) = fork.timer.take() {
            self.timers.cancel(timer);
        }
        let (transaction, contact) = (fork.transaction, fork.contact.clone());
        if self.is_proceeding(transaction) {
            self.cancel_fork(turn, key);
        }
        if let Some((user, uri)) = contact {
            self.contact_heard(turn, &user, &uri, false);
        }
        let is_outside = self
            .calls
            .forks
            .get(&key)
            .is_some_and(|fork| fork.carrier.is_some());
        if is_outside && self.fails_over(turn, key.0, Told::TimedOut, status) {
            return;
        }
        self.fork_over(turn, key.0, (Failure::Unreachable(status), false));
    }

    /// The call is hung up or won: what still rings is cancelled.
    pub(crate) fn unwant_forks(&mut self, turn: &mut Turn<'_>, id: DialogId) {
        let keys: Vec<(DialogId, usize)> = self
            .calls
            .forks
            .range((id, 0)..=(id, usize::MAX))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            let Some(fork) = self.calls.forks.get_mut(&key) else {
                continue;
            };
            fork.is_wanted = false;
            if fork.is_cancelled {
                continue; // Its timer is the one that gives up on the answer to CANCEL.
            }
            let transaction = fork.transaction;
            if let Some(timer) = fork.timer.take() {
                self.timers.cancel(timer);
            }
            // Before any provisional response CANCEL must wait (RFC 3261 §9.1); the INVITE goes on being
            // repeated meanwhile, or a phone whose 100 was lost would ring for ever.
            if self.is_proceeding(transaction) {
                self.cancel_fork(turn, key);
            }
        }
    }

    fn cancel_fork(&mut self, turn: &mut Turn<'_>, key: (DialogId, usize)) {
        let Some(fork) = self.calls.forks.get_mut(&key) else {
            return;
        };
        if std::mem::replace(&mut fork.is_cancelled, true) {
            return;
        }
        fork.timer = Some(self.timers.arm(
            turn.now.mono,
            TIMEOUT_MS,
            Alarm::FirstResponse(key.0, key.1),
        ));
        let (branch, hop) = (
            fork.branch.clone(),
            self.transactions
                .get(fork.transaction)
                .map_or(fork.hop, |invite| invite.hop),
        );
        let Ok(invite) = Message::parse(fork.invite.clone()) else {
            return;
        };
        // RFC 3261 §9.1: Request-URI, Call-ID, To, From, the number of CSeq, Route and the topmost Via are equal.
        let mut cancel = Writer::request("CANCEL", &fork.uri);
        cancel.header("CSeq", &format!("{} CANCEL", fork.cseq));
        invite.copy_only(
            &mut cancel,
            &["Via", "Max-Forwards", "From", "To", "Call-ID", "Route"],
        );
        self.start_client(
            turn,
            hop,
            (&branch, "CANCEL"),
            cancel.finish(None),
            Owner::Nobody,
        );
    }
}

impl Fork {
    fn take_early(&mut self, tag: &str) -> Option<Early> {
        let at = self.earlies.iter().position(|early| early.is_of(tag))?;
        Some(self.earlies.swap_remove(at))
    }
}

fn failure_of(status: u16) -> (Failure, bool) {
    let failure = match status {
        486 | 600 => Failure::Busy,
        487 => Failure::Cancelled,
        408 | 430 | 480 | 500..=599 => Failure::Unreachable(status),
        _ => Failure::Declined(status),
    };
    (failure, status >= 600)
}

/// The best reason is the one that a person gave.
fn weight(failure: Failure) -> u8 {
    match failure {
        Failure::Busy => 3,
        Failure::Declined(_) => 2,
        Failure::Cancelled => 1,
        Failure::Unreachable(_) => 0,
    }
}

/// Largest body that still goes by UDP when TCP was refused (fragments, but fits a datagram).
const DATAGRAM_BODY_MAX: usize = 60_000;
