//! Who shares a fate when a source misbehaves: an IPv4 address, or the /64 of an IPv6 address.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ops::RangeInclusive;

/// One sender as far as limits and bans go. Whoever has one IPv6 address has 2^64 of them (RFC 4291 §2.5.1), so
/// that a limit by single address would be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Site(IpAddr);

impl Site {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(ip) => Self(IpAddr::V4(ip)),
            IpAddr::V6(ip) => Self(IpAddr::V6(Ipv6Addr::from_bits(
                ip.to_bits() & !(u128::MAX >> PREFIX_BITS),
            ))),
        }
    }

    /// The address, or the first one of the /64.
    pub(crate) fn first(self) -> IpAddr {
        self.0
    }

    /// Every address and port of the site, for looking it up in an ordered table.
    pub(crate) fn span(self) -> RangeInclusive<SocketAddr> {
        match self.0 {
            IpAddr::V4(ip) => {
                SocketAddrV4::new(ip, 0).into()..=SocketAddrV4::new(ip, u16::MAX).into()
            }
            IpAddr::V6(ip) => {
                let last = Ipv6Addr::from_bits(ip.to_bits() | (u128::MAX >> PREFIX_BITS));
                SocketAddrV6::new(ip, 0, 0, 0).into()
                    ..=SocketAddrV6::new(last, u16::MAX, u32::MAX, u32::MAX).into()
            }
        }
    }
}

const PREFIX_BITS: u32 = 64;
