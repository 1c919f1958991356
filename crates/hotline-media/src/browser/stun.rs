//! The few bytes of STUN that an ICE-lite agent speaks: authenticated Binding requests and their answers (RFC 8489,
//! RFC 8445 §7.3).

use std::net::{IpAddr, SocketAddr};

use rtc_dtls::crypto_provider::{HmacAlgorithm, RTCCrypto};

use super::Credentials;

/// An authenticated Binding request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Check {
    transaction: [u8; TRANSACTION_BYTES],
    /// The controlling side has chosen this way (RFC 8445 §7.3.1.5).
    pub(super) is_nominated: bool,
}

/// Reads a datagram; None for whatever is no Binding request, or is not made with our password. `remote` is the
/// peer's half of the user name, as soon as it is known.
pub(super) fn read(
    datagram: &[u8],
    local: &Credentials,
    remote: Option<&str>,
    crypto: &dyn RTCCrypto,
) -> Option<Check> {
    let (header, attributes) = datagram.split_first_chunk::<HEADER_BYTES>()?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header[..2] != BINDING_REQUEST || header[4..8] != COOKIE || length != attributes.len() {
        return None;
    }
    let mut check = Check {
        transaction: *header[8..].first_chunk()?,
        is_nominated: false,
    };
    let (mut rest, mut is_known) = (attributes, false);
    for _ in 0..ATTRIBUTES_MAX {
        let (head, value) = rest.split_first_chunk::<4>()?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let bytes = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value_at = datagram.len() - value.len();
        let value = value.get(..bytes)?;
        match kind {
            // Cheap to compare, and nobody else knows it: a stranger costs no HMAC.
            USERNAME => is_known = is_ours(value, local, remote),
            USE_CANDIDATE => check.is_nominated = true,
            MESSAGE_INTEGRITY if is_known => {
                let before = &datagram[..value_at - 4];
                // What follows it is not protected by it, so nothing of that counts (RFC 8489 §14.5).
                return is_genuine(before, value, local, crypto).then_some(check);
            }
            _ => {}
        }
        rest = rest.get(4 + bytes.next_multiple_of(4)..)?;
    }
    None
}

/// The answer that tells the peer its address as we see it.
pub(super) fn write_success(
    check: &Check,
    source: SocketAddr,
    local: &Credentials,
    crypto: &dyn RTCCrypto,
) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(ANSWER_BYTES_MAX);
    bytes.extend_from_slice(&BINDING_SUCCESS);
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&COOKIE);
    bytes.extend_from_slice(&check.transaction);
    let mut mapped = vec![0, if source.is_ipv4() { 1 } else { 2 }];
    let port = source.port().to_be_bytes();
    mapped.extend([port[0] ^ COOKIE[0], port[1] ^ COOKIE[1]]);
    let key = COOKIE.iter().chain(&check.transaction);
    match source.ip() {
        IpAddr::V4(ip) => mapped.extend(ip.octets().iter().zip(key).map(|(a, b)| a ^ b)),
        IpAddr::V6(ip) => mapped.extend(ip.octets().iter().zip(key).map(|(a, b)| a ^ b)),
    }
    attribute(&mut bytes, XOR_MAPPED_ADDRESS, &mapped);
    seal(&mut bytes, &local.password, crypto)?;
    Some(bytes)
}

/// Appends MESSAGE-INTEGRITY and FINGERPRINT.
pub(super) fn seal(bytes: &mut Vec<u8>, password: &str, crypto: &dyn RTCCrypto) -> Option<()> {
    set_length(bytes, 4 + INTEGRITY_BYTES);
    let mut tag = [0; INTEGRITY_BYTES];
    let mut mac = crypto
        .new_hmac(HmacAlgorithm::Sha1, password.as_bytes())
        .ok()?;
    mac.sign(&[bytes], &mut tag).ok()?;
    attribute(bytes, MESSAGE_INTEGRITY, &tag);
    set_length(bytes, 8);
    // RFC 8489 §14.7.
    let sum = crc32(bytes) ^ 0x5354_554E;
    attribute(bytes, FINGERPRINT, &sum.to_be_bytes());
    Some(())
}

/// Appends one attribute, and makes the length in the header true.
pub(super) fn attribute(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&(value.len() as u16).to_be_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    set_length(bytes, 0);
}

fn set_length(bytes: &mut [u8], more: usize) {
    let length = (bytes.len() - HEADER_BYTES + more) as u16;
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
}

/// RFC 8445 §7.2.2: the receiver's half, a colon, the sender's half.
fn is_ours(user: &[u8], local: &Credentials, remote: Option<&str>) -> bool {
    let Some(theirs) = user.strip_prefix(local.fragment.as_bytes()) else {
        return false;
    };
    match (theirs.strip_prefix(b":"), remote) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(theirs), Some(remote)) => theirs == remote.as_bytes(),
    }
}

fn is_genuine(before: &[u8], tag: &[u8], local: &Credentials, crypto: &dyn RTCCrypto) -> bool {
    if tag.len() != INTEGRITY_BYTES {
        return false;
    }
    // The length that the sender had when it made the tag.
    let Some((head, rest)) = before.split_first_chunk::<4>() else {
        return false;
    };
    let length = (before.len() - HEADER_BYTES + 4 + INTEGRITY_BYTES) as u16;
    let length = length.to_be_bytes();
    let head = [head[0], head[1], length[0], length[1]];
    crypto
        .new_hmac(HmacAlgorithm::Sha1, local.password.as_bytes())
        .and_then(|mut mac| mac.verify(&[&head, rest], tag))
        .is_ok()
}

/// ISO 3309. A bit at a time: some twenty words a second and leg.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

const TRANSACTION_BYTES: usize = 12;
const HEADER_BYTES: usize = 20;
/// A check of today's browsers has eight.
const ATTRIBUTES_MAX: usize = 24;
const ANSWER_BYTES_MAX: usize = 128;
const INTEGRITY_BYTES: usize = 20;
pub(super) const BINDING_REQUEST: [u8; 2] = [0, 1];
pub(super) const BINDING_SUCCESS: [u8; 2] = [1, 1];
pub(super) const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
pub(super) const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
pub(super) const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
