//! Incoming calls: INVITE, its answer and ACK, CANCEL.

use crate::call::{Answer, Call, Invited, Pending, Talking};
use crate::dialog::Dialog;
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Message, Name, Uri, multipart};
use crate::reliable::Reliable;
use crate::reply::Request;
use crate::session_timer::Term;
use crate::timer::{Alarm, T1_MS, T2_MS, TIMEOUT_MS};
use crate::transaction::{TransactionId, merge_key, server_key};
use crate::trunk_note;
use crate::{DialogId, Event, Invitation, Output, Peer, Rejection};

impl Endpoint {
    /// A new call from a proven sender.
    pub(crate) fn invited(&mut self, turn: &mut Turn<'_>, request: Request, peer: Peer) {
        let merge = merge_key(&request.heads, "INVITE");
        if self.transactions.is_merged(&merge) {
            return self.reply_at_once(turn, &request.message, &request.arrival, 482, &[]);
        }
        if self.is_session_too_short(&request.message) {
            return self.refuse_session(turn, &request);
        }
        let replaces = match self.replaced_by_invite(&request.message, &peer) {
            Ok(replaces) => replaces,
            Err(status) => {
                return self.reply_at_once(turn, &request.message, &request.arrival, status, &[]);
            }
        };
        let local_tag = self.random.token();
        let hop = request.arrival.response_hop(Some(&request.heads.via));
        let key = server_key(&request.message, &request.heads, "INVITE");
        let transaction = self.start_server(hop, key, Some(merge), true);
        let trying = self
            .reply(&request.message, &request.arrival, 100, "")
            .finish(None);
        self.respond(turn, transaction, 100, trying);
        let dialog = self.server_dialog(
            &request.message,
            &request.heads,
            &request.arrival,
            &local_tag,
            &peer,
        );
        let id = self.calls.next_id();
        turn.out.push(Output::Event(Event::Invited(Box::new(
            self.invitation(id, &request, &peer, replaces),
        ))));
        self.calls.by_invite.insert(transaction, id);
        self.calls.insert(
            id,
            Call::Invited(Box::new(Invited {
                transaction,
                request,
                dialog,
                peer,
                reliable: Reliable::default(),
            })),
        );
    }

    fn invitation(
        &self,
        id: DialogId,
        request: &Request,
        peer: &Peer,
        replaces: Option<DialogId>,
    ) -> Invitation {
        let message = &request.message;
        let from = &request.heads.from;
        let carrier = match peer {
            Peer::Trunk(trunk) => {
                let trunk = self.config.trunks.get(usize::from(*trunk));
                Some(trunk_note::note(request, trunk))
            }
            Peer::Account(_) | Peer::Unknown => None,
        };
        let asserted = carrier.as_ref().and_then(|_| trunk_note::asserted(message));
        let is_hidden = carrier.as_ref().is_some_and(|note| note.is_private);
        let caller = match (&asserted, peer) {
            // A phone is who it has proved to be, whatever its From says.
            (_, Peer::Account(user)) => user.clone(),
            // Who asks not to be known is not shown to anybody; the store keeps what the carrier said.
            (_, Peer::Trunk(_)) if is_hidden => String::new(),
            (Some(asserted), Peer::Trunk(_) | Peer::Unknown) => asserted.uri.user.clone(),
            (None, Peer::Trunk(_) | Peer::Unknown) if trunk_note::is_anonymous(&from.uri) => {
                String::new()
            }
            (None, Peer::Trunk(_) | Peer::Unknown) => from.uri.user.clone(),
        };
        let name = asserted
            .filter(|asserted| !asserted.display.is_empty())
            .map_or_else(|| from.display.clone(), |asserted| asserted.display);
        let name = if is_hidden { String::new() } else { name };
        let diverted = [Name::Diversion, Name::HistoryInfo]
            .into_iter()
            .flat_map(|name| message.lines(name));
        Invitation {
            dialog: id,
            peer: peer.clone(),
            source: request.arrival.source,
            transport: self.transport(request.arrival.listener),
            advertise: self.advertised(request.arrival.listener),
            dialled: request
                .heads
                .uri
                .as_ref()
                .map(Uri::subscriber)
                .unwrap_or_default(),
            caller,
            caller_name: shown_name(&name),
            call_id: request.heads.call_id.clone(),
            diversion: diverted
                .take(DIVERSIONS_MAX)
                .map(|line| crate::message::lex::text(line).into_owned())
                .collect(),
            carrier,
            body: body_of(message),
            replaces,
        }
    }

    /// The application answers: 200, repeated until ACK.
    pub(crate) fn answer(&mut self, turn: &mut Turn<'_>, id: DialogId, body: Vec<u8>) {
        if self.answer_waits(id, &body) {
            return;
        }
        let Some(invited) = self.take_invited(id) else {
            return;
        };
        let Invited {
            transaction,
            request,
            dialog,
            peer,
            reliable,
        } = invited;
        let term = self.session_answer(&request.message, None);
        // RFC 3262 §5, RFC 6337 §2.1: what a reliable response has said, and a PRACK acknowledged, is not said
        // again; an offer of ours that a PRACK has answered least of all.
        let is_offerless = body_of(&request.message).is_none();
        let body = match reliable.agreed() {
            Some(agreed) if is_offerless => agreed.to_vec(),
            Some(_) | None => body,
        };
        let is_said = reliable.agreed() == Some(body.as_slice());
        let said = (!is_said).then_some(body.as_slice());
        let bytes = self.success(&request, &dialog, said, term);
        let is_offer = is_offerless && !is_said;
        let answer = self.send_answer(turn, id, (transaction, request.heads.cseq), bytes, is_offer);
        self.keep_dialog(turn, &dialog);
        let mut talking = Talking::new(dialog, peer, request.arrival.source.ip());
        talking.answer = Some(answer);
        talking.late_prack = reliable
            .unacknowledged()
            .map(|rseq| (request.heads.cseq, rseq));
        talking.local_body = body;
        talking.heard_allow(&request.message);
        talking.heard_body(&request.message);
        self.calls.insert(id, Call::Talking(Box::new(talking)));
        self.session_begins(turn, id, term);
    }

    /// Takes an invited call out of the tables, for its final answer.
    fn take_invited(&mut self, id: DialogId) -> Option<Invited> {
        let Some(Call::Invited(_)) = self.calls.all.get(&id) else {
            return None;
        };
        let Some(Call::Invited(invited)) = self.calls.remove(id) else {
            return None;
        };
        self.calls.by_invite.remove(&invited.transaction);
        self.provisional_over(&invited.reliable);
        Some(*invited)
    }

    /// A 2xx that makes or changes a dialog.
    fn success(
        &self,
        request: &Request,
        dialog: &Dialog,
        body: Option<&[u8]>,
        term: Option<Term>,
    ) -> Vec<u8> {
        let mut reply = self.reply(&request.message, &request.arrival, 200, &dialog.local_tag);
        for line in request.message.lines(Name::RecordRoute) {
            reply.header_bytes(Name::RecordRoute.as_str(), line, b"");
        }
        let (allow, supported) = self.abilities(request.arrival.source);
        reply
            .header(
                "Contact",
                &self.contact(request.arrival.hop(), &dialog.user),
            )
            .header("Allow", allow)
            .header("Supported", supported);
        for (name, value) in term.into_iter().flat_map(Term::headers) {
            reply.header(name, &value);
        }
        reply.finish(body.map(|body| (SDP, body)))
    }

    fn send_answer(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        (transaction, cseq): (TransactionId, u32),
        bytes: Vec<u8>,
        is_offer: bool,
    ) -> Answer {
        self.respond(turn, transaction, 200, bytes.clone());
        let again = self
            .timers
            .arm(turn.now.mono, T1_MS, Alarm::AnswerAgain(id));
        let lost = self
            .timers
            .arm(turn.now.mono, TIMEOUT_MS, Alarm::AnswerLost(id));
        Answer {
            transaction,
            cseq,
            interval_ms: T1_MS,
            again,
            lost,
            bytes,
            is_offer,
        }
    }

    /// The ACK is late: the 2xx goes out again, also over TCP (RFC 3261 §13.3.1.4).
    pub(crate) fn answer_again(&mut self, turn: &mut Turn<'_>, id: DialogId) {
        let now = turn.now.mono;
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let Some(answer) = &mut talking.answer else {
            return;
        };
        answer.interval_ms = (answer.interval_ms * 2).min(T2_MS);
        let (transaction, bytes, interval_ms) =
            (answer.transaction, answer.bytes.clone(), answer.interval_ms);
        let again = self.timers.arm(now, interval_ms, Alarm::AnswerAgain(id));
        if let Some(answer) = self
            .calls
            .talking(id)
            .and_then(|talking| talking.answer.as_mut())
        {
            answer.again = again;
        }
        self.respond(turn, transaction, 200, bytes);
    }

    /// No ACK within 64 T1: the call is over, and the peer gets a BYE.
    pub(crate) fn answer_lost(&mut self, turn: &mut Turn<'_>, id: DialogId) {
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let reason = match talking.hangup.take() {
            Some(reason) => reason,
            None => {
                turn.out.push(Output::Event(Event::Ended {
                    dialog: id,
                    is_by_peer: false,
                }));
                None
            }
        };
        self.end_talking(turn, id, Some(reason));
    }

    /// ACK for a 2xx of ours.
    pub(crate) fn acknowledged(&mut self, turn: &mut Turn<'_>, id: DialogId, request: &Request) {
        let cseq = request.heads.cseq;
        // Who only knows the tags must not say where our voice goes.
        let body = self
            .is_from_peer(id, request.arrival.source)
            .then(|| body_of(&request.message))
            .flatten();
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let Some(answer) = talking.answer.take_if(|answer| answer.cseq == cseq) else {
            return;
        };
        let is_first = !std::mem::replace(&mut talking.is_acknowledged, true);
        let hangup = talking.hangup.take();
        self.timers.cancel(answer.again);
        self.timers.cancel(answer.lost);
        // RFC 3261 §13.2.1: the ACK answers our offer, and only then has anything to say.
        let body = body
            .filter(|(kind, _)| answer.is_offer && kind == SDP)
            .map(|(_, body)| body);
        match hangup {
            Some(reason) => self.end_talking(turn, id, Some(reason)),
            None if is_first || answer.is_offer => turn
                .out
                .push(Output::Event(Event::Acknowledged { dialog: id, body })),
            None => {}
        }
        self.ask_change(turn, id);
    }

    /// The application refuses the call.
    pub(crate) fn reject(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        status: u16,
        headers: &[(&str, String)],
    ) {
        let Some(invited) = self.take_invited(id) else {
            return;
        };
        let status = if (300..700).contains(&status) {
            status
        } else {
            500
        };
        let mut reply = self.reply(
            &invited.request.message,
            &invited.request.arrival,
            status,
            &invited.dialog.local_tag,
        );
        for (name, value) in headers {
            reply.header(name, value);
        }
        self.respond(turn, invited.transaction, status, reply.finish(None));
    }

    /// CANCEL (RFC 3261 §9.2): 200 if it finds its INVITE, whatever has become of that; 481 else.
    pub(crate) fn cancelled(&mut self, turn: &mut Turn<'_>, request: &Request) {
        let invite_key = server_key(&request.message, &request.heads, "INVITE");
        let found = self
            .transactions
            .find_server(&invite_key)
            .filter(|id| self.may_cancel(*id, request));
        let Some(invite) = found else {
            if self.admit(turn, &request.arrival, false) {
                self.rejected(turn, Rejection::NoDialog, &request.arrival);
                self.reply_at_once(turn, &request.message, &request.arrival, 481, &[]);
            }
            return;
        };
        let id = self.calls.by_invite.get(&invite).copied();
        let local_tag = id
            .and_then(|id| self.calls.all.get(&id))
            .and_then(Call::dialog)
            .map(|dialog| dialog.local_tag.clone());
        let tag = local_tag.unwrap_or_else(|| self.stateless_tag(&request.message));
        let bytes = self
            .reply(&request.message, &request.arrival, 200, &tag)
            .finish(None);
        self.respond_new(turn, request, 200, bytes);
        let Some(id) = id else { return };
        match self.calls.all.get(&id) {
            Some(Call::Invited(_)) => {
                self.reject(turn, id, 487, &[]);
                turn.out.push(Output::Event(Event::Ended {
                    dialog: id,
                    is_by_peer: true,
                }));
            }
            Some(Call::Talking(_)) => self.refuse_pending(turn, id, 487),
            Some(Call::Calling(_)) | None => {}
        }
    }

    /// A CANCEL must come from where its INVITE came from, or from the same trunk.
    fn may_cancel(&self, invite: TransactionId, request: &Request) -> bool {
        let Some(transaction) = self.transactions.get(invite) else {
            return false;
        };
        let source = transaction.hop.address().ip();
        let trunk = self.trunk_of(&request.arrival);
        let is_same_trunk = || {
            let id = self.calls.by_invite.get(&invite);
            let call = id.and_then(|id| self.calls.all.get(id));
            matches!(call, Some(Call::Invited(invited)) if trunk.is_some_and(|trunk| invited.peer == Peer::Trunk(trunk)))
        };
        source == request.arrival.source.ip() || is_same_trunk()
    }

    /// Opens a server transaction for a request that is not INVITE, and answers it.
    pub(crate) fn respond_new(
        &mut self,
        turn: &mut Turn<'_>,
        request: &Request,
        status: u16,
        bytes: Vec<u8>,
    ) {
        let hop = request.arrival.response_hop(Some(&request.heads.via));
        let key = server_key(&request.message, &request.heads, request.method.as_str());
        let transaction = self.start_server(hop, key, None, false);
        self.respond(turn, transaction, status, bytes);
    }

    /// re-INVITE or UPDATE with an offer: the application decides.
    pub(crate) fn reinvited(&mut self, turn: &mut Turn<'_>, id: DialogId, request: Request) {
        let is_invite = request.method.is(rsip::Method::Invite);
        let wait_s = self.random.below(RETRY_S_LIMIT);
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let has_offer = body_of(&request.message).is_some();
        let refusal = if talking.change.collides(is_invite, has_offer) {
            // Glare: both repeat theirs after different times (RFC 3261 §14.1).
            Some(491)
        } else if talking.pending.is_some() {
            // RFC 3261 §14.2, RFC 3311 §5.2: one change at a time.
            Some(500)
        } else {
            talking
                .answer
                .as_ref()
                .map(|answer| if answer.is_offer { 491 } else { 500 })
        };
        if let Some(status) = refusal {
            let headers = if status == 500 {
                vec![("Retry-After", wait_s.to_string())]
            } else {
                Vec::new()
            };
            return self.reply_at_once(turn, &request.message, &request.arrival, status, &headers);
        }
        talking.dialog.refresh(&request.message);
        let dialog = talking.dialog.clone();
        self.keep_dialog(turn, &dialog);
        let hop = request.arrival.response_hop(Some(&request.heads.via));
        let key = server_key(&request.message, &request.heads, request.method.as_str());
        let transaction = self.start_server(hop, key, None, is_invite);
        if is_invite {
            let trying = self
                .reply(&request.message, &request.arrival, 100, "")
                .finish(None);
            self.respond(turn, transaction, 100, trying);
            self.calls.by_invite.insert(transaction, id);
        }
        let body = body_of(&request.message).map(|(_, body)| body);
        turn.out
            .push(Output::Event(Event::Reinvited { dialog: id, body }));
        if let Some(talking) = self.calls.talking(id) {
            talking.pending = Some(Pending {
                transaction,
                request,
            });
        }
    }

    /// The application's word on a re-INVITE or UPDATE.
    pub(crate) fn answer_reinvite(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        body: Option<Vec<u8>>,
    ) {
        let Some(body) = body else {
            return self.refuse_pending(turn, id, 488);
        };
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let Some(Pending {
            transaction,
            request,
        }) = talking.pending.take()
        else {
            return;
        };
        let (dialog, before) = (talking.dialog.clone(), talking.term());
        talking.local_body.clone_from(&body);
        talking.heard_allow(&request.message);
        talking.heard_body(&request.message);
        talking.change.overtaken();
        self.calls.by_invite.remove(&transaction);
        let term = self.session_answer(&request.message, before);
        let bytes = self.success(&request, &dialog, Some(&body), term);
        self.session_begins(turn, id, term);
        if !request.method.is(rsip::Method::Invite) {
            self.respond(turn, transaction, 200, bytes);
            return self.ask_change(turn, id);
        }
        let is_offer = body_of(&request.message).is_none();
        let answer = self.send_answer(turn, id, (transaction, request.heads.cseq), bytes, is_offer);
        if let Some(talking) = self.calls.talking(id) {
            talking.answer = Some(answer);
        }
    }

    /// Refuses the re-INVITE or UPDATE that waits; the dialog goes on as it was.
    pub(crate) fn refuse_pending(&mut self, turn: &mut Turn<'_>, id: DialogId, status: u16) {
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let local_tag = talking.dialog.local_tag.clone();
        let Some(Pending {
            transaction,
            request,
        }) = talking.pending.take()
        else {
            return;
        };
        self.calls.by_invite.remove(&transaction);
        let bytes = self
            .reply(&request.message, &request.arrival, status, &local_tag)
            .finish(None);
        self.respond(turn, transaction, status, bytes);
        self.ask_change(turn, id);
    }
}

impl Talking {
    /// The description of the peer in its INVITE or UPDATE, or in the ACK that answers ours.
    fn heard_body(&mut self, message: &Message) {
        if let Some((_, body)) = body_of(message) {
            self.remote_body = body;
        }
    }
}

/// Content type without parameters, lower case, and the body; None when there is no body. Of a multipart
/// body the SDP is taken, when there is one.
pub(crate) fn body_of(message: &Message) -> Option<(String, Vec<u8>)> {
    let body = message.body();
    if body.is_empty() {
        return None;
    }
    let content_type = message.value(Name::ContentType).unwrap_or_default();
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if kind.starts_with("multipart/")
        && let Some(part) = multipart::part(&content_type, body, SDP)
    {
        return Some((SDP.to_owned(), part));
    }
    // A location without an offer beside it (RFC 6442 §3.1): we understand it, and make the offer ourselves.
    if trunk_note::location(message).is_some() {
        return None;
    }
    Some((kind, body.to_vec()))
}

/// The only body type of an offer.
pub(crate) const SDP: &str = "application/sdp";

/// For people's eyes: no controls, nothing that turns the direction of writing, not endless.
fn shown_name(display: &str) -> String {
    let is_shown = |letter: &char| {
        let is_bidi = matches!(letter, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !letter.is_control() && !is_bidi
    };
    display
        .chars()
        .filter(is_shown)
        .take(NAME_LETTERS_MAX)
        .collect()
}

const NAME_LETTERS_MAX: usize = 64;
/// Diversion lines that are passed on.
const DIVERSIONS_MAX: usize = 16;
/// RFC 3261 §14.2: Retry-After between 0 and 10 seconds.
const RETRY_S_LIMIT: u64 = 11;
