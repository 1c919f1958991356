//! Which kind of description each contact is offered: the transport of its flow decides before a body is chosen.

use crate::Transport;
use crate::call::Offer;
use crate::endpoint::Endpoint;
use crate::transport::Hop;
use std::collections::BTreeSet;

/// What a body describes, as far as signalling must tell one from the other; the bytes stay opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaKind {
    /// RTP in the clear: what every carrier and desk phone can do.
    Plain,
    /// SRTP with the keys in the description (RFC 4568): for phones that signal over TLS.
    Sdes,
    /// ICE and DTLS-SRTP (RFC 8827): for browsers, which accept nothing else.
    Browser,
}

impl MediaKind {
    /// What may be offered over a transport, the preferred kind first. A browser is never offered anything that it
    /// would have to refuse, and nobody else is offered what only browsers understand.
    #[must_use]
    pub fn over(transport: Transport) -> &'static [MediaKind] {
        match transport {
            Transport::Ws | Transport::Wss => &[MediaKind::Browser],
            // The application gives no Sdes body for whom it wants none, and no Plain one where it would be a downgrade.
            Transport::Tls => &[MediaKind::Sdes, MediaKind::Plain],
            Transport::Udp | Transport::Tcp => &[MediaKind::Plain],
        }
    }
}

impl Offer {
    /// The kind that a contact over this transport gets; None when no body fits it, so that it cannot be rung.
    /// Without any body (an INVITE without offer) every contact can.
    pub(crate) fn kind_over(&self, transport: Transport) -> Option<MediaKind> {
        let fitting = MediaKind::over(transport);
        if self.bodies.is_empty() {
            return fitting.first().copied();
        }
        let has = |kind: &&MediaKind| self.bodies.iter().any(|(known, _)| known == *kind);
        fitting.iter().find(has).copied()
    }

    /// The body of this kind; empty when there is none.
    pub(crate) fn body(&self, kind: MediaKind) -> &[u8] {
        self.bodies
            .iter()
            .find(|(known, _)| *known == kind)
            .map_or(&[], |(_, body)| body.as_slice())
    }
}

impl Endpoint {
    /// What the reachable contacts of an account can be offered, so that the application makes no description that
    /// nobody will get. Empty when nothing of the account is reachable.
    #[must_use]
    pub fn contact_kinds(&self, account: &str) -> BTreeSet<MediaKind> {
        self.registrar
            .reachable(account, &self.streams)
            .iter()
            .filter_map(|(_, hop)| MediaKind::over(self.transport(hop.listener())).first())
            .copied()
            .collect()
    }

    pub(crate) fn offered_kind(&self, offer: &Offer, hop: Hop) -> Option<MediaKind> {
        offer.kind_over(self.transport(hop.listener()))
    }
}
