//! Outgoing calls: INVITE to one or all contacts, and hanging up.

use crate::admission::without_100rel;
use crate::call::{Call, Calling, Fork, Offer};
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Writer, lex};
use crate::resolve::Way;
use crate::timer::Alarm;
use crate::transaction::Owner;
use crate::transport::Hop;
use crate::{DialogId, Event, Failure, MediaKind, Output, Target, Transport, TrunkId};
use std::net::SocketAddr;

/// Request-URI, hop, the kind of its offer, and account with contact when it is one.
type Ring = (String, Hop, MediaKind, Option<(String, String)>);

impl Endpoint {
    /// Rings a target; all reachable contacts of an account at once, each with the offer of its kind.
    pub(crate) fn invite(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        target: &Target,
        offer: Offer,
    ) {
        if self.calls.all.contains_key(&id) {
            return;
        }
        let ways: Vec<Ring> = match target {
            Target::Account(user) => {
                let reached = self.registrar.reachable(user, &self.streams);
                reached
                    .into_iter()
                    .filter_map(|(uri, hop)| {
                        let kind = self.offered_kind(&offer, hop)?;
                        Some((uri.clone(), hop, kind, Some((user.clone(), uri))))
                    })
                    .collect()
            }
            Target::Trunks { trunks, number } => {
                return self.invite_outside(turn, id, (trunks, number), offer);
            }
            Target::Uri {
                uri,
                via,
                transport,
            } => self
                .hop_to(*via, *transport)
                .and_then(|hop| Some((uri.clone(), hop, self.offered_kind(&offer, hop)?, None)))
                .into_iter()
                .collect(),
        };
        if ways.is_empty() {
            return turn.out.push(Output::Event(Event::Failed {
                dialog: id,
                failure: Failure::Unreachable(480),
            }));
        }
        let calling = Calling {
            open: ways.len(),
            offer,
            is_ringing: false,
            early_body: None,
            best: None,
            attempts: None,
        };
        self.calls.insert(id, Call::Calling(Box::new(calling)));
        for (index, ring) in ways.into_iter().enumerate() {
            self.start_fork(turn, (id, index), ring, None);
        }
    }

    /// The way to an address that we may connect to; None without a listener of that kind.
    pub(crate) fn hop_to(&self, address: SocketAddr, transport: Transport) -> Option<Hop> {
        let listener = self.listener(transport, address)?;
        Some(if transport.is_stream() {
            Hop::Stream {
                listener,
                address,
                connection: self.streams.to_peer(transport, address),
            }
        } else {
            Hop::Datagram { listener, address }
        })
    }

    pub(crate) fn start_fork(
        &mut self,
        turn: &mut Turn<'_>,
        key: (DialogId, usize),
        (uri, hop, kind, contact): Ring,
        carrier: Option<(TrunkId, Way)>,
    ) {
        // Each contact gets a call of its own: two contacts of one phone must not look like a merged request.
        let mut fork = Fork {
            transaction: 0,
            branch: String::new(),
            invite: Vec::new(),
            uri,
            call_id: format!("{}@{}", self.random.token(), self.config.realm),
            local_tag: self.random.token(),
            cseq: 0,
            hop,
            kind,
            contact,
            carrier,
            is_wanted: true,
            is_cancelled: false,
            is_login_tried: false,
            earlies: Vec::new(),
            session_min_s: 0,
            timer: None,
        };
        self.send_invite(turn, key, &mut fork, None);
        if fork.contact.is_some() {
            let alarm = Alarm::FirstResponse(key.0, key.1);
            fork.timer = Some(
                self.timers
                    .arm(turn.now.mono, self.config.first_response_ms, alarm),
            );
        }
        self.calls.forks.insert(key, fork);
    }

    pub(crate) fn send_invite(
        &mut self,
        turn: &mut Turn<'_>,
        key: (DialogId, usize),
        fork: &mut Fork,
        credentials: Option<(&'static str, String)>,
    ) {
        let Some(Call::Calling(calling)) = self.calls.all.get(&key.0) else {
            return;
        };
        let offer = calling.offer.clone();
        fork.cseq += 1;
        fork.earlies.clear();
        fork.branch = self.branch();
        let body = offer.body(fork.kind);
        fork.hop = match fork.carrier {
            Some(carrier) => {
                let bytes = body.len() + HEAD_BYTES;
                self.trunk_hop(carrier, bytes).unwrap_or(fork.hop)
            }
            None => self.large_hop(fork, body.len()),
        };
        let (from, user, lines) = self.identity(fork, &offer);
        let (allow, supported) = self.abilities(fork.hop.address());
        let supported = if body.is_empty() {
            without_100rel(supported)
        } else {
            supported
        };
        let mut invite = Writer::request("INVITE", &fork.uri);
        invite.header("Via", &self.via(fork.hop, &fork.branch));
        if let Some((user, contact)) = &fork.contact {
            for route in self.registrar.path(user, contact) {
                invite.header("Route", route);
            }
        }
        invite
            .header("Max-Forwards", "70")
            .header("From", &format!("{from};tag={}", fork.local_tag))
            .header("To", &format!("<{}>", fork.uri))
            .header("Call-ID", &fork.call_id)
            .header("CSeq", &format!("{} INVITE", fork.cseq))
            .header("Contact", &self.contact(fork.hop, &user))
            .header("Allow", allow)
            .header("Supported", supported)
            .header("User-Agent", &self.config.product);
        for (name, value) in self.session_wish(fork.session_min_s) {
            invite.header(name, &value);
        }
        for (name, value) in &lines {
            invite.header(name, value);
        }
        for (name, value) in &offer.headers {
            invite.header(name, value);
        }
        if let Some((name, value)) = credentials {
            invite.header(name, &value);
        }
        let body = (!body.is_empty()).then_some(("application/sdp", body));
        fork.invite = invite.finish(body);
        let branch = fork.branch.clone();
        fork.transaction = self.start_client(
            turn,
            fork.hop,
            (&branch, "INVITE"),
            fork.invite.clone(),
            Owner::Fork(key.0, key.1),
        );
    }

    /// From without its tag, the user of Contact, and further lines: a trunk is told its own.
    fn identity(
        &self,
        fork: &Fork,
        offer: &Offer,
    ) -> (String, String, Vec<(&'static str, String)>) {
        let trunk = fork
            .carrier
            .and_then(|(trunk, _)| self.config.trunks.get(usize::from(trunk)));
        if let Some(trunk) = trunk {
            return Self::trunk_identity(trunk, offer);
        }
        let display = if offer.from.0.is_empty() {
            String::new()
        } else {
            format!("{} ", lex::quote(&offer.from.0))
        };
        let from = format!("{display}<sip:{}@{}>", offer.from.1, self.config.realm);
        (from, offer.from.1.clone(), Vec::new())
    }

    /// RFC 3261 §18.1.1: a large request goes by TCP, where the contact leaves us the choice and is no
    /// address behind a NAT (the flow that it opened is then the only way to it).
    fn large_hop(&self, fork: &Fork, body_bytes: usize) -> Hop {
        let Hop::Datagram { address, .. } = fork.hop else {
            return fork.hop;
        };
        if body_bytes + HEAD_BYTES < DATAGRAM_BYTES_MAX {
            return fork.hop;
        }
        let uri = crate::message::Uri::parse(&fork.uri);
        let is_free = uri
            .is_some_and(|uri| !uri.params.contains("transport") && uri.ip() == Some(address.ip()));
        let stream = if is_free {
            self.hop_to(address, Transport::Tcp)
        } else {
            None
        };
        stream.unwrap_or(fork.hop)
    }

    /// The application hangs up, whatever has been reached.
    pub(crate) fn hangup(&mut self, turn: &mut Turn<'_>, id: DialogId, reason: Option<String>) {
        match self.calls.all.get_mut(&id) {
            Some(Call::Invited(_)) => {
                let headers = reason
                    .map(|reason| vec![("Reason", reason)])
                    .unwrap_or_default();
                self.reject(turn, id, 480, &headers);
            }
            Some(Call::Calling(_)) => {
                self.calls.remove(id);
                self.unwant_forks(turn, id);
            }
            Some(Call::Talking(talking)) => {
                if talking.is_acknowledged {
                    self.end_talking(turn, id, Some(reason));
                } else if talking.hangup.is_none() {
                    // RFC 3261 §15: not before the ACK, or the 2xx has timed out.
                    talking.hangup = Some(reason);
                }
            }
            None => {}
        }
    }
}

/// RFC 3261 §18.1.1: within 200 bytes of an MTU of 1,500.
pub(crate) const DATAGRAM_BYTES_MAX: usize = 1_300;
/// What our INVITE has beside its body, roughly.
const HEAD_BYTES: usize = 650;
