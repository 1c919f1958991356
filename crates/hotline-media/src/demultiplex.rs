//! Which protocol a datagram on a media port belongs to (RFC 7983 §7, RFC 5761 §4): the one place that knows.

/// What a datagram is by its first two bytes; whether it is well-formed is its reader's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A check of ICE (RFC 8489).
    Stun,
    /// A record of DTLS (RFC 9147).
    Dtls,
    /// Audio or a key, sealed or not.
    Rtp,
    /// A report, sealed or not, on a port that carries both.
    Rtcp,
    /// Nothing of ours: ZRTP, TURN, QUIC, the empty datagram, rubbish.
    Other,
}

/// Tells one from the other.
pub(crate) fn kind(datagram: &[u8]) -> Kind {
    match datagram {
        [0..=3, ..] => Kind::Stun,
        [20..=63, ..] => Kind::Dtls,
        // RFC 5761 §4: the payload types that would look the same with the marker, 64-95, are used by nobody.
        [128..=191, 192..=223, ..] => Kind::Rtcp,
        [128..=191, ..] => Kind::Rtp,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7983 §7, figure 3, byte by byte, with each second byte.
    #[test]
    fn every_first_byte_belongs_to_one_protocol() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let wanted = if first < 4 {
                    Kind::Stun
                } else if (20..64).contains(&first) {
                    Kind::Dtls
                } else if first >> 6 == 2 {
                    if second >> 5 == 6 {
                        Kind::Rtcp
                    } else {
                        Kind::Rtp
                    }
                } else {
                    Kind::Other
                };
                assert_eq!(kind(&[first, second]), wanted, "{first} {second}");
                assert_eq!(kind(&[first, second, 0, 0, 0]), wanted, "{first} {second}");
            }
        }
        for first in 0..=u8::MAX {
            assert_ne!(kind(&[first]), Kind::Rtcp, "one byte says no type: {first}");
        }
        assert_eq!(kind(&[]), Kind::Other);
    }

    #[test]
    fn the_ranges_leave_nothing_out() {
        let mut counts = [0_usize; 5];
        for first in 0..=u8::MAX {
            counts[kind(&[first, 0]) as usize] += 1;
        }
        assert_eq!(counts, [4, 44, 64, 0, 144]);
    }
}
