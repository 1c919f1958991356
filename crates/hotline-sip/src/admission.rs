//! Every request from its arrival to the machine that serves it: repetitions, faults, strangers, overload.

use crate::digest::Verdict;
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Heads, Message, Method, Name};
use crate::reply::Request;
use crate::site::Site;
use crate::transaction::{merge_key, server_key};
use crate::transport::Arrival;
use crate::trunk_limit::Direction;
use crate::uas::body_of;
use crate::{Peer, Rejection, TrunkId};
use std::net::SocketAddr;

impl Endpoint {
    /// A request, before anything is known of it but that it is SIP.
    pub(crate) fn request_received(
        &mut self,
        turn: &mut Turn<'_>,
        message: Message,
        arrival: Arrival,
    ) {
        let Some(method) = message.method().cloned() else {
            return;
        };
        let heads = match message.heads() {
            Ok(heads) => heads,
            Err(fault) => {
                if message.count(Name::Via) == 0 {
                    return self.garbage(turn, &arrival);
                }
                if self.admit(turn, &arrival, false) {
                    self.rejected(turn, Rejection::Malformed, &arrival);
                    self.reply_at_once(turn, &message, &arrival, fault.status, &[]);
                }
                return;
            }
        };
        if self.is_repetition(turn, &message, &heads, &method) {
            return;
        }
        let request = Request {
            message,
            heads,
            method,
            arrival,
        };
        if request.method.is(rsip::Method::Cancel) {
            return self.cancelled(turn, &request);
        }
        if !request.heads.to_tag().is_empty() || request.method.is(rsip::Method::Ack) {
            return self.in_dialog(turn, request);
        }
        self.outside_dialog(turn, request);
    }

    /// RFC 3261 §17.2.3: what meets its transaction goes no further, but for the ACK that an RFC 2543 peer
    /// sends for our 2xx, which looks like its INVITE.
    fn is_repetition(
        &mut self,
        turn: &mut Turn<'_>,
        message: &Message,
        heads: &Heads,
        method: &Method,
    ) -> bool {
        let is_ack = method.is(rsip::Method::Ack);
        let key = server_key(message, heads, method.as_str());
        let Some(id) = self.transactions.find_server(&key) else {
            return false;
        };
        self.request_again(turn, id, is_ack);
        !is_ack || self.calls.find(&heads.call_id, heads.to_tag()).is_none()
    }

    fn outside_dialog(&mut self, turn: &mut Turn<'_>, request: Request) {
        let trunk = self.trunk_of(&request.arrival);
        let is_stranger = trunk.is_none() && self.is_server();
        if is_stranger
            && (self.is_scanner(turn, &request.message, &request.arrival)
                || !self.admit(turn, &request.arrival, self.is_busy(75)))
        {
            return;
        }
        if self.is_refused_by_form(turn, &request) || self.is_shed(turn, &request, trunk) {
            return;
        }
        let is_register = request.method.is(rsip::Method::Register);
        let peer = match trunk {
            _ if !self.is_server() => Peer::Unknown,
            // A trunk is known by its address, but to register is to claim an account.
            Some(trunk) if !is_register => Peer::Trunk(trunk),
            Some(_) | None => match self.verdict(turn, &request) {
                Verdict::Good(user) => {
                    self.flood.refund(Site::of(request.arrival.source.ip()));
                    self.streams.prove(request.arrival.connection);
                    Peer::Account(user)
                }
                Verdict::Ask { is_stale } => {
                    return self.challenge(turn, &request, is_stale, Rejection::Challenged);
                }
                Verdict::Wrong => {
                    return self.challenge(turn, &request, false, Rejection::WrongCredentials);
                }
            },
        };
        match (&request.method, peer) {
            (Method::Known(rsip::Method::Invite), peer) => self.invited(turn, request, peer),
            (Method::Known(rsip::Method::Options), _) => self.options(turn, &request),
            (Method::Known(rsip::Method::Register), Peer::Account(user)) => {
                self.register_received(turn, &request, &user)
            }
            (method, _) => {
                let method = method.clone();
                self.refuse_method(turn, &request.message, &request.arrival, &method);
            }
        }
    }

    /// Refusals that need to know nothing of the sender, in the order of RFC 3261 §8.2.
    fn is_refused_by_form(&mut self, turn: &mut Turn<'_>, request: &Request) -> bool {
        let Request {
            message,
            heads,
            method,
            arrival,
        } = request;
        match method {
            Method::Known(
                rsip::Method::Bye | rsip::Method::Info | rsip::Method::Update | rsip::Method::PRack,
            ) => {
                // These live in dialogs only.
                self.rejected(turn, Rejection::NoDialog, arrival);
                self.reply_at_once(turn, message, arrival, 481, &[]);
                return true;
            }
            Method::Known(rsip::Method::Invite | rsip::Method::Options) => {}
            Method::Known(rsip::Method::Register) if self.is_server() => {}
            Method::Known(_) | Method::Other(_) => {
                self.refuse_method(turn, message, arrival, method);
                return true;
            }
        }
        let scheme = heads
            .uri
            .as_ref()
            .map(|uri| uri.scheme.as_str())
            .unwrap_or_default();
        let refusal = if !matches!(scheme, "sip" | "sips" | "tel") {
            Some((416, None))
        } else if let Some(unknown) = self.unsupported(message, arrival) {
            Some((420, Some(("Unsupported", unknown))))
        } else if method.is(rsip::Method::Invite) {
            refused_body(message)
        } else {
            None
        };
        let Some((status, header)) = refusal else {
            return false;
        };
        self.rejected(turn, Rejection::Malformed, arrival);
        self.reply_at_once(turn, message, arrival, status, header.as_slice());
        true
    }

    /// What a request requires that this peer does not get from us (RFC 3261 §8.2.2.3).
    pub(crate) fn unsupported(&self, message: &Message, arrival: &Arrival) -> Option<String> {
        let (_, supported) = self.abilities(arrival.source);
        let is_register = message
            .method()
            .is_some_and(|method| method.is(rsip::Method::Register));
        let is_of_register = |option: &str| is_register && matches!(option, "outbound" | "path");
        let is_unknown = |option: &String| {
            !option.is_empty()
                && !is_of_register(&option.to_ascii_lowercase())
                && !supported
                    .split(", ")
                    .any(|known| known.eq_ignore_ascii_case(option))
        };
        let required = message.list(Name::Require).unwrap_or_default();
        let unknown: Vec<String> = required.into_iter().filter(is_unknown).collect();
        (!unknown.is_empty()).then(|| unknown.join(", "))
    }

    /// 501 for a method that nobody knows, 405 for one that we do not do here.
    pub(crate) fn refuse_method(
        &mut self,
        turn: &mut Turn<'_>,
        message: &Message,
        arrival: &Arrival,
        method: &Method,
    ) {
        let status = match method {
            Method::Known(_) => 405,
            Method::Other(_) => 501,
        };
        self.rejected(turn, Rejection::Malformed, arrival);
        self.reply_at_once(
            turn,
            message,
            arrival,
            status,
            &[("Allow", self.abilities(arrival.source).0.to_owned())],
        );
    }

    /// The order of overload: strangers fall silent before this; then OPTIONS and REGISTER, then calls from
    /// phones, which leave the last places to callers; trunk calls only at the hard limit.
    fn is_shed(&mut self, turn: &mut Turn<'_>, request: &Request, trunk: Option<TrunkId>) -> bool {
        let is_invite = request.method.is(rsip::Method::Invite);
        let calls_max = self.config.calls_max.max(1);
        let phones_max = calls_max.saturating_mul(PHONES_PERCENT).div_ceil(100);
        let incoming = self.calls.incoming();
        let is_limited =
            is_invite && trunk.is_some_and(|trunk| !self.has_room(turn, trunk, Direction::In));
        let is_over = is_limited
            || match (is_invite, trunk.is_some()) {
                (false, _) => self.is_busy(100),
                (true, false) => incoming >= phones_max || self.is_busy(125),
                (true, true) => incoming >= calls_max || self.is_busy(400),
            };
        if !is_over {
            return false;
        }
        self.rejected(turn, Rejection::Overload, &request.arrival);
        let wait_s = RETRY_AFTER_S + self.random.below(RETRY_SPREAD_S);
        let retry_after = [("Retry-After", wait_s.to_string())];
        if is_invite && trunk.is_some() {
            // Remembered: a copy that the network has delayed must not become a call when there is room again,
            // which nobody would acknowledge.
            self.refuse(turn, request, 503, &retry_after);
        } else {
            self.reply_at_once(turn, &request.message, &request.arrival, 503, &retry_after);
        }
        true
    }

    /// A final answer with a transaction that keeps it, and repeats it until the ACK comes.
    fn refuse(
        &mut self,
        turn: &mut Turn<'_>,
        request: &Request,
        status: u16,
        headers: &[(&str, String)],
    ) {
        let hop = request.arrival.response_hop(Some(&request.heads.via));
        let key = server_key(&request.message, &request.heads, "INVITE");
        let merge = merge_key(&request.heads, "INVITE");
        let transaction = self.start_server(hop, key, Some(merge), true);
        let tag = self.stateless_tag(&request.message);
        let mut reply = self.reply(&request.message, &request.arrival, status, &tag);
        for (name, value) in headers {
            reply.header(name, value);
        }
        self.respond(turn, transaction, status, reply.finish(None));
    }

    fn is_busy(&self, percent: usize) -> bool {
        self.transactions.active()
            >= self.config.transactions_max.max(1).saturating_mul(percent) / 100
    }

    /// 401 with the challenges, the same for accounts that exist and those that do not.
    pub(crate) fn challenge(
        &mut self,
        turn: &mut Turn<'_>,
        request: &Request,
        is_stale: bool,
        rejection: Rejection,
    ) {
        let source = request.arrival.source.ip();
        let challenges = self.digest.challenges(
            self.config.has_sha256,
            &self.config.realm,
            turn.now.wall,
            source,
            is_stale,
        );
        self.rejected(turn, rejection, &request.arrival);
        let headers: Vec<_> = challenges
            .into_iter()
            .map(|challenge| ("WWW-Authenticate", challenge))
            .collect();
        self.reply_at_once(turn, &request.message, &request.arrival, 401, &headers);
    }

    /// OPTIONS (RFC 3261 §11.2), in and out of dialogs.
    pub(crate) fn options(&mut self, turn: &mut Turn<'_>, request: &Request) {
        let (allow, supported) = self.abilities(request.arrival.source);
        let headers = [
            ("Allow", allow.to_owned()),
            ("Accept", "application/sdp".to_owned()),
            ("Supported", supported.to_owned()),
        ];
        self.reply_at_once(turn, &request.message, &request.arrival, 200, &headers);
    }

    /// Allow and Supported towards this peer: a carrier may neither transfer nor replace calls.
    pub(crate) fn abilities(&self, peer: SocketAddr) -> (&'static str, &'static str) {
        if self.config.is_user_agent {
            ALLOWED_TO_ANY
        } else if self.trunk(peer).is_some() {
            ALLOWED_TO_TRUNKS
        } else {
            ALLOWED_TO_PHONES
        }
    }
}

/// 415 for an offer in another language, 406 for a peer that would not understand our answer.
fn refused_body(message: &Message) -> Option<(u16, Option<(&'static str, String)>)> {
    let accept = || Some(("Accept", "application/sdp".to_owned()));
    if body_of(message).is_some_and(|(kind, _)| kind != "application/sdp") {
        return Some((415, accept()));
    }
    if message
        .value(Name::ContentEncoding)
        .is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"))
    {
        return Some((415, Some(("Accept-Encoding", "identity".to_owned()))));
    }
    if message.count(Name::Accept) == 0 {
        return None;
    }
    let kinds = message.list(Name::Accept).unwrap_or_default();
    let is_sdp = |kind: &String| {
        let kind = kind
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        matches!(kind.as_str(), "application/sdp" | "application/*" | "*/*")
    };
    (!kinds.iter().any(is_sdp)).then_some((406, None))
}

/// Allow and Supported.
const ALLOWED_TO_TRUNKS: (&str, &str) = (
    "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK",
    "100rel, timer",
);
/// A softphone's.
const ALLOWED_TO_ANY: (&str, &str) = (
    "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK, NOTIFY",
    "100rel, timer",
);
const ALLOWED_TO_PHONES: (&str, &str) = (
    "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK, REFER, REGISTER",
    "100rel, norefersub, replaces, timer",
);
/// Supported of an INVITE to which no provisional response may be reliable: a re-INVITE, or one without an
/// offer, whose answer the PRACK would have to carry.
pub(crate) fn without_100rel(supported: &str) -> &str {
    supported.strip_prefix("100rel, ").unwrap_or(supported)
}

/// Calls from phones are refused at this share of the limit of calls.
const PHONES_PERCENT: usize = 90;
/// Retry-After of a 503, spread so that they do not all come back at once.
const RETRY_AFTER_S: u64 = 5;
const RETRY_SPREAD_S: u64 = 10;
