//! Which protection a leg's audio may and must have: decided by what is known of the peer, before any description.

use hotline_media::sdp::Security;
use hotline_sip::{MediaKind, Peer, Transport};

/// The house's rule for keys in session descriptions (RFC 4568).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Srtp {
    /// None are offered and none taken.
    Off,
    /// Offered to phones that signal by TLS, and whatever a peer offers is followed.
    #[default]
    Offer,
    /// Counsellors' phones must have them. Trunks are followed: their lines are private, and a caller is never
    /// refused for a carrier's lack of keys.
    Require,
}

impl Srtp {
    /// For a call that comes in: the answer follows the offer.
    pub(crate) fn towards(self, peer: &Peer) -> Security {
        match (self, peer) {
            (Srtp::Off, _) => Security::Plain,
            (Srtp::Require, Peer::Account(_)) => Security::Require,
            (Srtp::Offer, _) | (Srtp::Require, Peer::Trunk(_) | Peer::Unknown) => Security::Follow,
        }
    }

    /// For an offer of ours to somebody who calls without one: what fits how the peer signals, and what is wanted of
    /// it then. None where only a downgrade would be left.
    pub(crate) fn offer_to(self, peer: &Peer, over: Transport) -> Option<(MediaKind, Security)> {
        let offers = match (self, peer) {
            // Their lines are private: keys are offered to them, not required.
            (Srtp::Require, Peer::Trunk(_) | Peer::Unknown) => Srtp::Offer.offers(),
            (Srtp::Off | Srtp::Offer, _) | (Srtp::Require, Peer::Account(_)) => self.offers(),
        };
        let browser = (MediaKind::Browser, Security::Follow);
        let mut fitting = MediaKind::over(over).iter();
        fitting.find_map(|kind| {
            let known = offers.iter().chain([&browser]);
            known.copied().find(|(known, _)| known == kind)
        })
    }

    /// For a ring at a counsellor's phones, by how each signals. Keys on an open path would protect against nobody,
    /// so they go only where signalling is protected; where they are required, other phones are not rung.
    pub(crate) fn offers(self) -> &'static [(MediaKind, Security)] {
        match self {
            Srtp::Off => &[(MediaKind::Plain, Security::Plain)],
            Srtp::Offer => &[
                (MediaKind::Sdes, Security::Offer),
                (MediaKind::Plain, Security::Follow),
            ],
            Srtp::Require => &[(MediaKind::Sdes, Security::Require)],
        }
    }
}
