//! Requests inside a dialog: who may send them, BYE, INFO, re-INVITE, UPDATE, OPTIONS; our BYE and INFO.

use crate::call::{Call, Sent, Talking};
use crate::digest::{self, Asked, Verdict};
use crate::endpoint::{Endpoint, Turn};
use crate::message::Message;
use crate::reply::Request;
use crate::session_timer::Term;
use crate::site::Site;
use crate::transaction::Owner;
use crate::uas::body_of;
use crate::{DialogId, Event, Output, Peer, Proof, Rejection};
use std::net::{IpAddr, SocketAddr};

impl Endpoint {
    /// A request with a To tag. Both tags must fit, and the sender must be the peer: a request from the
    /// address (IP) that the dialog was made with, from its trunk, or from a contact of its account is
    /// believed; from elsewhere a phone must authenticate as the same account (it has moved to another
    /// network), and everybody else gets the answer of a dialog that does not exist.
    pub(crate) fn in_dialog(&mut self, turn: &mut Turn<'_>, request: Request) {
        let found = self
            .calls
            .find(&request.heads.call_id, request.heads.to_tag());
        let found = found.filter(|id| self.is_peer_tag(*id, request.heads.from_tag()));
        let is_ack = request.method.is(rsip::Method::Ack);
        let Some(id) = found else {
            if is_ack || self.in_early_dialog(turn, &request) {
                return;
            }
            if self.admit(turn, &request.arrival, false) {
                self.rejected(turn, Rejection::NoDialog, &request.arrival);
                self.reply_at_once(turn, &request.message, &request.arrival, 481, &[]);
            }
            return;
        };
        if is_ack {
            return self.acknowledged(turn, id, &request);
        }
        if !self.is_trusted(turn, id, &request) {
            return;
        }
        if !self.is_in_order(id, request.heads.cseq) {
            return self.reply_at_once(turn, &request.message, &request.arrival, 500, &[]);
        }
        let is_bye = request.method.is(rsip::Method::Bye);
        // Whoever wants to hang up may, in whatever language.
        if let Some(unknown) = self
            .unsupported(&request.message, &request.arrival)
            .filter(|_| !is_bye)
        {
            let headers = [("Unsupported", unknown)];
            return self.reply_at_once(turn, &request.message, &request.arrival, 420, &headers);
        }
        match &request.method {
            crate::message::Method::Known(rsip::Method::Bye) => {
                self.bye_received(turn, id, &request)
            }
            crate::message::Method::Known(rsip::Method::Info) => {
                self.info_received(turn, id, &request)
            }
            crate::message::Method::Known(rsip::Method::Options) => self.options(turn, &request),
            crate::message::Method::Known(rsip::Method::Invite | rsip::Method::Update) => {
                self.change_received(turn, id, request)
            }
            crate::message::Method::Known(rsip::Method::Refer) => {
                self.refer_received(turn, id, request)
            }
            crate::message::Method::Known(rsip::Method::Notify) => {
                self.notify_received(turn, id, &request)
            }
            crate::message::Method::Known(rsip::Method::PRack) => {
                self.prack_received(turn, id, &request)
            }
            crate::message::Method::Known(_) | crate::message::Method::Other(_) => {
                self.refuse_method(turn, &request.message, &request.arrival, &request.method);
            }
        }
    }

    fn is_peer_tag(&self, id: DialogId, tag: &str) -> bool {
        self.calls
            .all
            .get(&id)
            .and_then(Call::dialog)
            .is_some_and(|dialog| dialog.remote_tag == tag)
    }

    fn peer_of(&self, id: DialogId) -> Option<(&Peer, IpAddr)> {
        match self.calls.all.get(&id)? {
            Call::Invited(invited) => Some((&invited.peer, invited.request.arrival.source.ip())),
            Call::Talking(talking) => Some((&talking.peer, talking.source)),
            Call::Calling(_) => None,
        }
    }

    /// Whether the address alone makes the sender the peer of the dialog.
    pub(crate) fn is_from_peer(&self, id: DialogId, from: SocketAddr) -> bool {
        let Some((peer, source)) = self.peer_of(id) else {
            return false;
        };
        if source.to_canonical() == from.ip().to_canonical() {
            return true;
        }
        match peer {
            Peer::Trunk(trunk) => self.trunk(from) == Some(*trunk),
            // A softphone's proxy may have several addresses; the tags are all that it knows of its peer.
            Peer::Unknown => self.config.is_user_agent,
            Peer::Account(user) => self.registrar.is_contact_ip(user, from.ip()),
        }
    }

    fn is_trusted(&mut self, turn: &mut Turn<'_>, id: DialogId, request: &Request) -> bool {
        let arrival = &request.arrival;
        let trunk = self.trunk_of(arrival);
        let is_trunk = trunk.is_some_and(
            |trunk| matches!(self.peer_of(id), Some((Peer::Trunk(peer), _)) if *peer == trunk),
        );
        if is_trunk || self.is_from_peer(id, arrival.source) {
            return true;
        }
        let user = match self.peer_of(id) {
            Some((Peer::Account(user), _)) => Some(user.clone()),
            Some((Peer::Trunk(_) | Peer::Unknown, _)) => None,
            None => return false,
        };
        if !self.admit(turn, arrival, false) {
            return false;
        }
        match user.map(|user| (self.verdict(turn, request), user)) {
            Some((Verdict::Good(proved), user)) if proved == user => {
                self.flood.refund(Site::of(arrival.source.ip()));
                self.streams.prove(arrival.connection);
                if let Some(talking) = self.calls.talking(id) {
                    talking.source = arrival.source.ip();
                    talking.dialog.hop = arrival.hop();
                }
                return true;
            }
            Some((Verdict::Ask { is_stale }, _)) => {
                self.challenge(turn, request, is_stale, Rejection::Challenged)
            }
            Some((Verdict::Good(_) | Verdict::Wrong, _)) => {
                self.challenge(turn, request, false, Rejection::WrongCredentials)
            }
            None => {
                self.rejected(turn, Rejection::NoDialog, arrival);
                self.reply_at_once(turn, &request.message, arrival, 481, &[]);
            }
        }
        false
    }

    /// Judges credentials, and holds up those who guess (reliability: never the account's own contact).
    pub(crate) fn verdict(&mut self, turn: &Turn<'_>, request: &Request) -> Verdict {
        if let Some(user) = self.proved_user(request) {
            return Verdict::Good(user);
        }
        // Checked even while it is held: the answer comes after the same time.
        let verdict = self.verified(turn, request);
        let (now, source) = (turn.now.mono, request.arrival.source.ip());
        let site = Site::of(source);
        let claimed = digest::claimed(&request.message, &self.config.realm);
        let Some(user) = claimed.filter(|user| !self.registrar.is_contact_ip(user, source)) else {
            return verdict;
        };
        if verdict != (Verdict::Ask { is_stale: false }) && self.guesses.is_held(now, &user, site) {
            return Verdict::Wrong;
        }
        match verdict {
            Verdict::Good(_) => self.guesses.succeeded(&user, site),
            Verdict::Wrong => self.guesses.failed(now, &user, site),
            Verdict::Ask { .. } => {}
        }
        verdict
    }

    /// The account of the connection's ticket, when the request claims to be exactly that (a REGISTER by its To, RFC
    /// 3261 §10.3, any other by its From). Everybody else shows a password.
    fn proved_user(&self, request: &Request) -> Option<String> {
        let Proof::Account(user) = self.streams.proof(request.arrival.connection) else {
            return None;
        };
        let claimed = if request.method.is(rsip::Method::Register) {
            &request.heads.to.uri
        } else {
            &request.heads.from.uri
        };
        let is_his = claimed.user_unescaped() == *user;
        (is_his && self.registrar.accounts.contains_key(user)).then(|| user.clone())
    }

    fn verified(&mut self, turn: &Turn<'_>, request: &Request) -> Verdict {
        let Some(uri) = &request.heads.uri else {
            return Verdict::Wrong;
        };
        let asked = Asked {
            realm: &self.config.realm,
            method: request.method.as_str(),
            uri,
            source: request.arrival.source.ip(),
            wall: turn.now.wall,
        };
        self.digest
            .verify(&self.registrar.accounts, &asked, &request.message)
    }

    /// RFC 3261 §12.2.2: a lower CSeq is out of order. Repetitions have met their transaction before.
    fn is_in_order(&mut self, id: DialogId, cseq: u32) -> bool {
        let dialog = match self.calls.all.get_mut(&id) {
            Some(Call::Invited(invited)) => &mut invited.dialog,
            Some(Call::Talking(talking)) => &mut talking.dialog,
            Some(Call::Calling(_)) | None => return false,
        };
        let is_next = dialog.remote_cseq.is_none_or(|last| last < cseq);
        if is_next {
            dialog.remote_cseq = Some(cseq);
        }
        is_next
    }

    fn bye_received(&mut self, turn: &mut Turn<'_>, id: DialogId, request: &Request) {
        let bytes = self
            .reply(&request.message, &request.arrival, 200, "")
            .finish(None);
        self.respond_new(turn, request, 200, bytes);
        // RFC 3261 §15.1.2: what is pending gets 487.
        let is_said = match self.calls.all.get(&id) {
            Some(Call::Invited(_)) => {
                self.reject(turn, id, 487, &[]);
                true
            }
            Some(Call::Talking(talking)) => {
                let is_said = talking.hangup.is_none();
                self.end_talking(turn, id, None);
                is_said
            }
            Some(Call::Calling(_)) | None => false,
        };
        if is_said {
            turn.out.push(Output::Event(Event::Ended {
                dialog: id,
                is_by_peer: true,
            }));
        }
    }

    fn info_received(&mut self, turn: &mut Turn<'_>, id: DialogId, request: &Request) {
        let status = match body_of(&request.message) {
            // RFC 6086: an empty INFO only asks whether we are there.
            None => 200,
            Some((kind, body))
                if kind == "application/dtmf-relay" || kind == "application/dtmf" =>
            {
                match digit_of(&body) {
                    Some(digit) => {
                        let is_wanted = self
                            .calls
                            .talking(id)
                            .is_some_and(|talking| talking.hangup.is_none());
                        if is_wanted {
                            turn.out
                                .push(Output::Event(Event::Digit { dialog: id, digit }));
                        }
                        200
                    }
                    None => 400,
                }
            }
            Some(_) => 415,
        };
        let mut reply = self.reply(&request.message, &request.arrival, status, "");
        if status == 415 {
            reply.header("Accept", "application/dtmf-relay, application/dtmf");
        }
        self.respond_new(turn, request, status, reply.finish(None));
    }

    fn change_received(&mut self, turn: &mut Turn<'_>, id: DialogId, request: Request) {
        let is_update = request.method.is(rsip::Method::Update);
        if self.calls.talking(id).is_none() {
            if is_update && body_of(&request.message).is_none() {
                return self.early_refreshed(turn, id, &request);
            }
            // The first INVITE is not answered yet (RFC 3261 §14.2, RFC 3311 §5.2).
            return self.reply_at_once(
                turn,
                &request.message,
                &request.arrival,
                500,
                &[("Retry-After", "1".to_owned())],
            );
        }
        if body_of(&request.message).is_some_and(|(kind, _)| kind != "application/sdp") {
            return self.reply_at_once(
                turn,
                &request.message,
                &request.arrival,
                415,
                &[("Accept", "application/sdp".to_owned())],
            );
        }
        if self
            .calls
            .talking(id)
            .is_some_and(|talking| talking.hangup.is_some())
        {
            return self.reply_at_once(turn, &request.message, &request.arrival, 481, &[]);
        }
        if self.is_session_too_short(&request.message) {
            return self.refuse_session(turn, &request);
        }
        if !is_update || body_of(&request.message).is_some() {
            return self.reinvited(turn, id, request);
        }
        self.refreshed(turn, id, &request);
    }

    /// UPDATE without an offer before our answer: it moves the target.
    fn early_refreshed(&mut self, turn: &mut Turn<'_>, id: DialogId, request: &Request) {
        let mut user = String::new();
        if let Some(Call::Invited(invited)) = self.calls.all.get_mut(&id) {
            invited.dialog.refresh(&request.message);
            user.clone_from(&invited.dialog.user);
        }
        let contact = self.contact(request.arrival.hop(), &user);
        self.reply_new(turn, request, 200, &[("Contact", contact)]);
    }

    /// UPDATE without an offer: the session goes on as it is.
    fn refreshed(&mut self, turn: &mut Turn<'_>, id: DialogId, request: &Request) {
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        talking.dialog.refresh(&request.message);
        talking.heard_allow(&request.message);
        let (user, before) = (talking.dialog.user.clone(), talking.term());
        let term = self.session_answer(&request.message, before);
        let (allow, supported) = self.abilities(request.arrival.source);
        let mut headers = vec![
            ("Contact", self.contact(request.arrival.hop(), &user)),
            ("Allow", allow.to_owned()),
            ("Supported", supported.to_owned()),
        ];
        headers.extend(term.into_iter().flat_map(Term::headers));
        self.reply_new(turn, request, 200, &headers);
        self.session_begins(turn, id, term);
    }

    /// 422 (RFC 4028 §6).
    pub(crate) fn refuse_session(&mut self, turn: &mut Turn<'_>, request: &Request) {
        let headers = [("Min-SE", self.config.sessions.min_s.to_string())];
        self.reply_at_once(turn, &request.message, &request.arrival, 422, &headers);
    }

    /// Answers a request that is no INVITE, by a transaction of its own.
    pub(crate) fn reply_new(
        &mut self,
        turn: &mut Turn<'_>,
        request: &Request,
        status: u16,
        headers: &[(&str, String)],
    ) {
        let mut reply = self.reply(&request.message, &request.arrival, status, "");
        for (name, value) in headers {
            reply.header(name, value);
        }
        self.respond_new(turn, request, status, reply.finish(None));
    }

    /// Takes the call out of the tables; with a reason given (or none in it) the peer gets BYE.
    pub(crate) fn end_talking(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        bye: Option<Option<String>>,
    ) {
        self.refuse_pending(turn, id, 487);
        self.transfer_over(turn, id, bye.is_some());
        self.change_over(id);
        self.session_over(id);
        let Some(Call::Talking(mut talking)) = self.calls.remove(id) else {
            return;
        };
        if let Some(answer) = talking.answer.take() {
            self.timers.cancel(answer.again);
            self.timers.cancel(answer.lost);
        }
        let Some(reason) = bye else {
            return self.forget_dialog(turn, &talking.dialog);
        };
        let mut bye = Sent::new("BYE");
        bye.headers
            .extend(reason.map(|reason| ("Reason".to_owned(), reason)));
        // The record stays until the BYE is over: were we to die now, the next start would send it again.
        self.send_in_dialog(turn, id, &mut talking, bye, None);
        self.closing.insert(id, talking);
    }

    /// INFO with a digit.
    pub(crate) fn send_digit(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        digit: char,
        length_ms: u32,
    ) {
        if !matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D') {
            return;
        }
        let body = format!("Signal={digit}\r\nDuration={length_ms}\r\n").into_bytes();
        // Not before the dialog is confirmed: a digit for a call that only rings is lost, not the call.
        let Some(Call::Talking(_)) = self.calls.all.get(&id) else {
            return;
        };
        let Some(Call::Talking(mut talking)) = self.calls.all.remove(&id) else {
            return;
        };
        let mut info = Sent::new("INFO");
        info.body = Some(("application/dtmf-relay".to_owned(), body));
        self.send_in_dialog(turn, id, &mut talking, info, None);
        self.calls.all.insert(id, Call::Talking(talking));
    }

    pub(crate) fn send_in_dialog(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        talking: &mut Talking,
        request: Sent,
        credentials: Option<(&'static str, String)>,
    ) {
        let method = request.method;
        let mut draft = self.draft(&mut talking.dialog, method);
        for (name, value) in &request.headers {
            draft.writer.header(name, value);
        }
        let is_repeated = credentials.is_some();
        if let Some((name, value)) = credentials {
            draft.writer.header(name, &value);
        }
        let body = request.body.as_ref();
        let bytes = draft
            .writer
            .finish(body.map(|(kind, body)| (kind.as_str(), body.as_slice())));
        let cseq = talking.dialog.local_cseq;
        let may_repeat = talking.login.is_some() && !is_repeated;
        talking.sent = may_repeat.then_some(Sent { cseq, ..request });
        let owner = match method {
            "BYE" => Owner::Bye(id),
            "REFER" => Owner::Refer(id),
            _ => Owner::Dialog(id),
        };
        self.start_client(turn, draft.hop, (&draft.branch, method), bytes, owner);
    }

    /// What came of our INFO.
    pub(crate) fn in_dialog_told(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        response: Option<&Message>,
    ) {
        let status = response.and_then(Message::status).unwrap_or(408);
        if status < 200 || self.calls.talking(id).is_none() {
            return;
        }
        let Some(Call::Talking(mut talking)) = self.calls.all.remove(&id) else {
            return;
        };
        self.login_again(turn, id, &mut talking, response);
        // RFC 3261 §12.2.1.2: 481 ends the dialog. A lost INFO does not: a caller outweighs a digit.
        let is_gone = status == 481 && talking.hangup.is_none();
        self.calls.all.insert(id, Call::Talking(talking));
        if is_gone {
            self.end_talking(turn, id, Some(None));
            turn.out.push(Output::Event(Event::Ended {
                dialog: id,
                is_by_peer: false,
            }));
        }
    }

    /// What came of our BYE: any final answer, a time-out or a lost way is its end.
    pub(crate) fn bye_told(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        response: Option<&Message>,
    ) {
        let status = response.and_then(Message::status);
        if status.is_some_and(|status| status < 200) {
            return;
        }
        let Some(mut talking) = self.closing.remove(&id) else {
            return;
        };
        if self.login_again(turn, id, &mut talking, response) {
            self.closing.insert(id, talking);
            return;
        }
        self.forget_dialog(turn, &talking.dialog);
    }

    /// Only softphones with a login answer a challenge, once. True when the request was sent again.
    pub(crate) fn login_again(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        talking: &mut Talking,
        response: Option<&Message>,
    ) -> bool {
        let Some(response) =
            response.filter(|response| matches!(response.status(), Some(401 | 407)))
        else {
            return false;
        };
        let Some(login) = talking.login.clone() else {
            return false;
        };
        let is_sent = |sent: &mut Sent| response.heads().is_ok_and(|heads| heads.cseq == sent.cseq);
        let Some(sent) = talking.sent.take_if(is_sent) else {
            return false;
        };
        let cnonce = self.random.token();
        let uri = talking.dialog.target.clone();
        let Some(credentials) = digest::answer(response, &login, sent.method, &uri, &cnonce) else {
            return false;
        };
        self.send_in_dialog(turn, id, talking, sent, Some(credentials));
        true
    }
}

/// `Signal=5` of application/dtmf-relay, or a bare `5` of application/dtmf.
fn digit_of(body: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(body.get(..body.len().min(INFO_BYTES_MAX))?).ok()?;
    let signal = text.lines().find_map(|line| {
        let (name, value) = line.split_once(['=', ':'])?;
        name.trim()
            .eq_ignore_ascii_case("signal")
            .then_some(value.trim())
    });
    let value = signal.unwrap_or_else(|| text.trim());
    match value {
        "10" => return Some('*'),
        "11" => return Some('#'),
        _ => {}
    }
    let mut letters = value.chars();
    let digit = letters.next()?.to_ascii_uppercase();
    (letters.next().is_none() && matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D'))
        .then_some(digit)
}

const INFO_BYTES_MAX: usize = 256;
