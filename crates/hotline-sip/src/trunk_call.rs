//! Calls that go out over trunks: which address is tried first, and when the next one is.

use crate::call::{Call, Calling, Offer};
use crate::endpoint::{Endpoint, Turn};
use crate::message::lex;
use crate::resolve::Way;
use crate::timer::Alarm;
use crate::transaction::Told;
use crate::trunk::rewrite;
use crate::trunk_limit::Direction;
use crate::{DialogId, Event, Failure, Output, Transport, Trunk, TrunkId};
use std::collections::VecDeque;
use std::net::IpAddr;

/// What is left to try of a call over trunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    number: String,
    left: VecDeque<(TrunkId, Way)>,
    /// Index of the next fork.
    next: usize,
    /// The callee's phone rings: whatever comes now is the callee's word.
    pub(crate) is_alerting: bool,
}

impl Endpoint {
    /// Rings a number outside: the trunks in order, each with its addresses in order; what is known to be down,
    /// or not registered, goes last, because a probe may be wrong and a call is worth the try.
    pub(crate) fn invite_outside(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        (trunks, number): (&[TrunkId], &str),
        offer: Offer,
    ) {
        let (mut left, mut doubted) = (VecDeque::new(), Vec::new());
        for trunk in trunks.iter().copied().take(TRUNKS_MAX) {
            for way in self.trunk_ways(turn, trunk) {
                if self.is_doubted(trunk, way) {
                    doubted.push((trunk, way));
                } else {
                    left.push_back((trunk, way));
                }
            }
        }
        left.extend(doubted);
        left.truncate(ATTEMPTS_MAX);
        let calling = Calling {
            open: 1,
            offer,
            is_ringing: false,
            early_body: None,
            best: None,
            attempts: Some(Attempts {
                number: number.to_owned(),
                left,
                next: 0,
                is_alerting: false,
            }),
        };
        self.calls.insert(id, Call::Calling(Box::new(calling)));
        if !self.try_next_trunk(turn, id) {
            self.calls.remove(id);
            turn.out.push(Output::Event(Event::Failed {
                dialog: id,
                failure: Failure::Unreachable(503),
            }));
        }
    }

    /// The address that our SDP should name in a call over these trunks: that of the listener by which the first of
    /// them is reached; when it is reached by both families, IPv4. None before its place is known.
    #[must_use]
    pub fn advertise_over(&self, trunks: &[TrunkId]) -> Option<IpAddr> {
        let way_of = |trunk: &TrunkId| {
            let carrier = self.carriers.get(usize::from(*trunk))?;
            let ways = || carrier.addresses().map(|(way, _)| way);
            let mut of_ipv4 = ways().filter(|way| way.address.is_ipv4());
            of_ipv4.next().or_else(|| ways().next())
        };
        let way = trunks.iter().find_map(way_of)?;
        let hop = self.hop_to(way.address, way.transport)?;
        Some(self.advertised(hop.listener()).ip())
    }

    fn is_doubted(&self, trunk: TrunkId, way: Way) -> bool {
        let Some(carrier) = self.carriers.get(usize::from(trunk)) else {
            return true;
        };
        let registers = self
            .config
            .trunks
            .get(usize::from(trunk))
            .is_some_and(|trunk| trunk.register_s.is_some());
        carrier.is_down(way) || (registers && !matches!(carrier.registered, Some(Ok(_))))
    }

    /// Starts the next attempt; false when none is left. A trunk at its limit is passed over with all of its
    /// addresses.
    fn try_next_trunk(&mut self, turn: &mut Turn<'_>, id: DialogId) -> bool {
        for _ in 0..ATTEMPTS_MAX {
            let Some(Call::Calling(calling)) = self.calls.all.get_mut(&id) else {
                return false;
            };
            let Some(attempts) = &mut calling.attempts else {
                return false;
            };
            let Some((trunk, way)) = attempts.left.pop_front() else {
                return false;
            };
            let (index, number) = (attempts.next, attempts.number.clone());
            if !self.has_room(turn, trunk, Direction::Out) {
                if let Some(Call::Calling(calling)) = self.calls.all.get_mut(&id)
                    && let Some(attempts) = &mut calling.attempts
                {
                    attempts.left.retain(|(other, _)| *other != trunk);
                }
                continue;
            }
            let Some(hop) = self.hop_to(way.address, way.transport) else {
                continue;
            };
            let Some(carrier) = self.config.trunks.get(usize::from(trunk)) else {
                continue;
            };
            let number = lex::escape_user(&rewrite(&carrier.numbers_out, &number));
            let uri = format!("sip:{number}@{};user=phone", carrier.domain());
            let wait_ms = carrier.first_response_ms;
            if let Some(Call::Calling(calling)) = self.calls.all.get_mut(&id)
                && let Some(attempts) = &mut calling.attempts
            {
                attempts.next += 1;
            }
            let ring = (uri, hop, crate::MediaKind::Plain, None);
            self.start_fork(turn, (id, index), ring, Some((trunk, way)));
            if wait_ms > 0 {
                let alarm = Alarm::FirstResponse(id, index);
                let timer = self.timers.arm(turn.now.mono, wait_ms, alarm);
                if let Some(fork) = self.calls.forks.get_mut(&(id, index)) {
                    fork.timer = Some(timer);
                }
            }
            return true;
        }
        false
    }

    /// One attempt has failed. True when another one is under way.
    ///
    /// What the callee or the callee's network says (4xx, 6xx) is final. A trunk that is silent, unreachable,
    /// out of order (5xx), sends us elsewhere (3xx: never followed) or does not take our credentials says
    /// nothing of the callee.
    pub(crate) fn fails_over(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        told: Told,
        status: u16,
    ) -> bool {
        let Some(Call::Calling(calling)) = self.calls.all.get(&id) else {
            return false;
        };
        let Some(attempts) = &calling.attempts else {
            return false;
        };
        let is_of_trunk = match told {
            Told::TimedOut | Told::TransportFailed => true,
            Told::Response => {
                !attempts.is_alerting && matches!(status, 300..=399 | 401 | 407 | 500..=599)
            }
        };
        is_of_trunk && self.try_next_trunk(turn, id)
    }

    /// From (without tag), Contact's user, and further lines of an INVITE over a trunk.
    pub(crate) fn trunk_identity(
        trunk: &Trunk,
        offer: &Offer,
    ) -> (String, String, Vec<(&'static str, String)>) {
        let user = if trunk.caller.is_empty() {
            &offer.from.1
        } else {
            &trunk.caller
        };
        let (user, domain) = (lex::escape_user(user), trunk.domain());
        let display = if offer.from.0.is_empty() {
            String::new()
        } else {
            format!("{} ", lex::quote(&offer.from.0))
        };
        let own = format!("{display}<sip:{user}@{domain}>");
        let mut lines = Vec::new();
        if trunk.is_identity_asserted || trunk.is_private {
            lines.push(("P-Asserted-Identity", format!("<sip:{user}@{domain}>")));
        }
        if trunk.is_private {
            lines.push(("Privacy", "id".to_owned()));
            // RFC 3323 §4.1.1.3.
            let anonymous = "\"Anonymous\" <sip:anonymous@anonymous.invalid>".to_owned();
            return (anonymous, user, lines);
        }
        (own, user, lines)
    }

    /// The way of a trunk's INVITE of so many bytes (RFC 3261 §18.1.1).
    pub(crate) fn trunk_hop(
        &self,
        (trunk, way): (TrunkId, Way),
        bytes: usize,
    ) -> Option<crate::transport::Hop> {
        let is_allowed = self
            .config
            .trunks
            .get(usize::from(trunk))
            .is_some_and(|trunk| trunk.is_large_by_tcp);
        let is_large = way.transport == Transport::Udp && bytes >= crate::uac::DATAGRAM_BYTES_MAX;
        if is_large && is_allowed {
            return self.hop_to(way.address, Transport::Tcp);
        }
        None
    }
}

/// Trunks of one call, and addresses that are tried: each costs the caller seconds.
const TRUNKS_MAX: usize = 16;
const ATTEMPTS_MAX: usize = 12;
