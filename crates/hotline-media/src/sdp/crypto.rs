//! The a=crypto lines of a description (RFC 4568): reading a peer's, writing ours.

use crate::protection::{KEY_AND_SALT_BYTES_MAX, LIFETIME_PACKETS_MAX, MasterKey, Suite};

/// A line of which we can take everything that it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CryptoLine {
    /// Names the line among those of an offer.
    pub(super) tag: u32,
    /// The suite's name as the peer writes it, for the answer.
    pub(super) name: String,
    /// Its key.
    pub(super) key: MasterKey,
}

impl CryptoLine {
    /// Reads an attribute's value. None for what we cannot do or must not ignore: an unknown suite, a session
    /// parameter that changes the packets, several keys, a key of a wrong length (RFC 4568 §6.3, §7.1.2).
    pub(super) fn read(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next()?;
        // RFC 4568 §9.1: one to nine digits.
        if tag.len() > TAG_DIGITS_MAX {
            return None;
        }
        let tag = tag.parse().ok()?;
        let name = words.next()?;
        let suite = suite(name)?;
        let key = key(suite, words.next()?)?;
        if !words.all(is_harmless) {
            return None;
        }
        Some(CryptoLine {
            tag,
            name: name.to_owned(),
            key,
        })
    }

    /// Our own, for an offer or an answer.
    pub(super) fn write(tag: u32, name: &str, key: &MasterKey) -> String {
        format!("{tag} {name} inline:{}", base64(key.key_and_salt()))
    }
}

/// RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.2; the fourth and sixth are what phones wrote before RFC 6188.
const SUITES: [(&str, Suite); 8] = [
    ("AES_CM_128_HMAC_SHA1_80", Suite::AesCm128HmacSha1_80),
    ("AES_CM_128_HMAC_SHA1_32", Suite::AesCm128HmacSha1_32),
    ("AES_256_CM_HMAC_SHA1_80", Suite::AesCm256HmacSha1_80),
    ("AES_CM_256_HMAC_SHA1_80", Suite::AesCm256HmacSha1_80),
    ("AES_256_CM_HMAC_SHA1_32", Suite::AesCm256HmacSha1_32),
    ("AES_CM_256_HMAC_SHA1_32", Suite::AesCm256HmacSha1_32),
    ("AEAD_AES_128_GCM", Suite::AeadAes128Gcm),
    ("AEAD_AES_256_GCM", Suite::AeadAes256Gcm),
];

fn suite(name: &str) -> Option<Suite> {
    SUITES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, suite)| *suite)
}

/// The name that our own offers use.
pub(super) fn suite_name(suite: Suite) -> &'static str {
    SUITES
        .iter()
        .find(|(_, known)| *known == suite)
        .map_or("", |(name, _)| name)
}

/// `inline:KEY|LIFETIME|MKI:LENGTH`; lifetime and MKI may each be missing.
fn key(suite: Suite, parameters: &str) -> Option<MasterKey> {
    // Several keys are told apart by their MKI only, and we do not change keys in the middle of a stream.
    if parameters.contains(';') {
        return None;
    }
    let (method, rest) = parameters.split_once(':')?;
    if !method.eq_ignore_ascii_case("inline") {
        return None;
    }
    let mut parts = rest.split('|');
    let key_and_salt = unbase64(parts.next()?)?;
    if key_and_salt.len() != suite.key_bytes() + suite.salt_bytes() {
        return None;
    }
    let (mut lifetime, mut mki_bytes) = (None, 0);
    for part in parts.filter(|part| !part.is_empty()) {
        match part.split_once(':') {
            Some((_, length)) => {
                mki_bytes = length
                    .parse()
                    .ok()
                    .filter(|bytes| *bytes <= MKI_BYTES_MAX)?;
            }
            None => lifetime = Some(lifetime_packets(part)?),
        }
    }
    Some(MasterKey::new(suite, &key_and_salt)?.with_limits(lifetime, mki_bytes))
}

/// `2^31` or `1048576`.
fn lifetime_packets(text: &str) -> Option<u64> {
    let packets = match text.split_once('^') {
        Some(("2", power)) => 1_u64.checked_shl(power.parse().ok()?)?,
        Some(_) => return None,
        None => text.parse().ok()?,
    };
    (1..=LIFETIME_PACKETS_MAX)
        .contains(&packets)
        .then_some(packets)
}

/// A session parameter that leaves the packets as they are. RFC 4568 §6.3.7: one that begins with `-` may be
/// ignored, every other unknown one may not.
fn is_harmless(parameter: &str) -> bool {
    let upper = parameter.to_ascii_uppercase();
    upper.starts_with('-') || upper.starts_with("WSH=") || upper == "KDR=0"
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let three = [
            chunk[0],
            chunk.get(1).copied().unwrap_or(0),
            chunk.get(2).copied().unwrap_or(0),
        ];
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place)) as usize & 63;
            let is_padding = place > chunk.len();
            text.push(if is_padding {
                '='
            } else {
                char::from(ALPHABET[index])
            });
        }
    }
    text
}

/// Padding may be missing: some phones leave it out.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    if text.len() > KEY_AND_SALT_BYTES_MAX.div_ceil(3) * 4 {
        return None;
    }
    let mut bytes = Vec::with_capacity(KEY_AND_SALT_BYTES_MAX);
    for chunk in text.as_bytes().chunks(4) {
        if chunk.len() == 1 {
            return None;
        }
        let mut bits = 0_u32;
        for place in 0..4 {
            let value = match chunk.get(place) {
                Some(symbol) => ALPHABET.iter().position(|known| known == symbol)?,
                None => 0,
            };
            bits = (bits << 6) | value as u32;
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[1..chunk.len()]);
    }
    Some(bytes)
}

const TAG_DIGITS_MAX: usize = 9;
/// RFC 4568 §6.1 allows 128; no phone needs more than a few, and a packet has to hold it.
const MKI_BYTES_MAX: u8 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    fn line(text: &str) -> Option<CryptoLine> {
        CryptoLine::read(text)
    }

    #[test]
    fn what_rfc_4568_writes_is_read_and_written_back() {
        let read = line(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4")).unwrap();
        assert_eq!(
            (read.tag, read.key.suite()),
            (1, Suite::AesCm128HmacSha1_80)
        );
        assert_eq!(read.key.key(), b"YS___semctl () {");
        assert_eq!(read.key.salt(), b"\t220;}\n}\nunles");
        assert_eq!(
            (read.key.lifetime_packets(), read.key.mki_bytes()),
            (1 << 20, 4)
        );
        assert_eq!(
            CryptoLine::write(7, "AES_CM_128_HMAC_SHA1_80", &read.key),
            format!("7 AES_CM_128_HMAC_SHA1_80 inline:{KEY}")
        );
        assert_eq!(
            format!("{:?}", read.key),
            "MasterKey(AesCm128HmacSha1_80, ..)"
        );
    }

    #[test]
    fn every_suite_has_a_key_of_its_length() {
        for (name, suite) in SUITES {
            let bytes: Vec<u8> = (0..46).collect();
            let key = MasterKey::new(suite, &bytes).unwrap();
            let text = CryptoLine::write(1, name, &key);
            assert_eq!(line(&text).unwrap().key, key, "{text}");
            assert_eq!(line(text.trim_end_matches('=')).unwrap().key, key, "{text}");
            // One key too short for its suite.
            let short = base64(&bytes[..key.key_and_salt().len() - 1]);
            assert_eq!(line(&format!("1 {name} inline:{short}")), None);
        }
    }

    #[test]
    fn limits_in_every_form_are_read() {
        for (suffix, lifetime, mki) in [
            ("", LIFETIME_PACKETS_MAX, 0),
            ("|2^31", 1 << 31, 0),
            ("|1048576", 1_048_576, 0),
            ("|1:1", LIFETIME_PACKETS_MAX, 1),
            ("|2^48|1:32", LIFETIME_PACKETS_MAX, 32),
            ("||", LIFETIME_PACKETS_MAX, 0),
        ] {
            let key = line(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}{suffix}"))
                .unwrap()
                .key;
            assert_eq!(
                (key.lifetime_packets(), key.mki_bytes()),
                (lifetime, mki),
                "{suffix}"
            );
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        for text in [
            "".to_owned(),
            "1".to_owned(),
            "1 AES_CM_128_HMAC_SHA1_80".to_owned(),
            format!("x AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1234567890 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 outline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^49"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^99"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|0"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|3^5"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:999"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTCP"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNAUTHENTICATED_SRTP"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} KDR=4"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} FEC_ORDER=FEC_SRTP"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} NEW_THING=1"),
            "1 AES_CM_128_HMAC_SHA1_80 inline:###".to_owned(),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{}", "A".repeat(4_000)),
        ] {
            assert_eq!(line(&text), None, "{text}");
        }
        for text in [
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} WSH=128 KDR=0"),
            format!("1 aes_cm_128_hmac_sha1_80 INLINE:{KEY} -WHATEVER=2"),
        ] {
            assert!(line(&text).is_some(), "{text}");
        }
    }
}
