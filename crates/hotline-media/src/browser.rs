//! Audio of browsers: ICE-lite (RFC 8445 §2.5) and DTLS-SRTP (RFC 5763, RFC 5764) between a leg's socket and its leg.
//!
//! A [`Guard`] stands before the leg. What comes from addresses without an authenticated check of ours is dropped
//! whatever it is; what is left comes out of it as plain RTP from one fixed address, so that the leg behind it is a
//! leg like any other and knows nothing of ICE, DTLS or keys (docs/adr/0004).

mod credentials;
mod description;
mod dtls;
mod guard;
mod stun;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub use credentials::{Credentials, Identity, IdentityError};
pub use description::{Local, accept, answer, is_browser_offer, offer};
pub use guard::{Guard, Incoming};

/// What ICE and DTLS of one leg need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserPlan {
    /// Ours, as our description says them.
    pub local: Credentials,
    /// The peer's, once its description is known; before that checks are answered and the handshake may run, but no
    /// audio passes.
    pub remote: Option<Remote>,
}

/// What the peer's description says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its half of the STUN user name.
    pub fragment: String,
    /// SHA-256 of the certificate that it will show (RFC 8122).
    pub fingerprint: [u8; 32],
    /// It waits for our first flight: we are the client of DTLS (RFC 8842 §5.2). No browser wants that; gateways do.
    pub is_passive: bool,
}

/// The address that a leg behind a [`Guard`] knows as its peer's (RFC 5737: nobody's).
pub(crate) const BEHIND: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 40_000);

#[cfg(test)]
mod tests;
