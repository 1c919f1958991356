//! The registered phones as a person sees them: for status tables.

use crate::Transport;
use crate::endpoint::Endpoint;
use crate::time::Now;
use std::net::{IpAddr, SocketAddr};

/// One contact of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Account.
    pub account: String,
    /// Contact URI as registered.
    pub contact: String,
    /// Where it registered from.
    pub source: SocketAddr,
    /// How it is reached.
    pub transport: Transport,
    /// Seconds until it expires.
    pub expires_s: u64,
    /// Not known to be dead.
    pub is_reachable: bool,
}

impl Endpoint {
    /// The address that our SDP should name towards an account: that of the listener by which its phones are
    /// reached; when they are reached by both families, IPv4. None without a phone.
    #[must_use]
    pub fn advertise_towards(&self, account: &str) -> Option<IpAddr> {
        let reached = self.registrar.reachable(account, &self.streams);
        let mut addresses = reached
            .iter()
            .map(|(_, hop)| self.advertised(hop.listener()).ip());
        let first = addresses.next()?;
        Some(
            addresses
                .find(IpAddr::is_ipv4)
                .filter(|_| first.is_ipv6())
                .unwrap_or(first),
        )
    }

    /// All contacts, by account.
    #[must_use]
    pub fn registered(&self, now: Now) -> Vec<Registered> {
        let of_account = |account: &String, binding: &crate::registrar::Binding| Registered {
            account: account.clone(),
            contact: binding.uri.clone(),
            source: binding.source,
            transport: self.transport(binding.hop.listener()),
            expires_s: binding.expires_at.micros_since(now.mono) / 1_000_000,
            is_reachable: binding.is_reachable,
        };
        self.registrar
            .bindings
            .iter()
            .flat_map(|(account, bindings)| {
                bindings
                    .iter()
                    .map(move |binding| of_account(account, binding))
            })
            .collect()
    }
}
