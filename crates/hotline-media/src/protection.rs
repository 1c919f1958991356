//! How the packets of a leg are protected, and the keys for it (RFC 3711, RFC 4568, RFC 6188, RFC 7714).

use std::fmt;

/// Protection of one leg's audio, chosen before any description of it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// None: plain RTP.
    #[default]
    Plain,
    /// SRTP with keys out of the session descriptions.
    Sdes {
        /// What we send is made with this key.
        send: MasterKey,
        /// What the peer sends is made with this one.
        receive: MasterKey,
    },
    /// DTLS-SRTP under ICE; the keys are made by the handshake.
    Browser,
}

impl Protection {
    /// Whether somebody on the way hears nothing.
    pub fn is_protected(&self) -> bool {
        match self {
            Protection::Plain => false,
            Protection::Sdes { .. } | Protection::Browser => true,
        }
    }
}

/// Cipher and tag of SRTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// AES-128 in GCM (RFC 7714).
    AeadAes128Gcm,
    /// AES-256 in GCM (RFC 7714).
    AeadAes256Gcm,
    /// AES-128 in counter mode with a tag of 32 bits.
    AesCm128HmacSha1_32,
    /// AES-128 in counter mode with a tag of 80 bits: the one that every phone has.
    AesCm128HmacSha1_80,
    /// AES-256 in counter mode with a tag of 32 bits (RFC 6188).
    AesCm256HmacSha1_32,
    /// AES-256 in counter mode with a tag of 80 bits (RFC 6188).
    AesCm256HmacSha1_80,
}

impl Suite {
    /// What our own offers name, the preferred one first. A tag of 32 bits is taken where a peer asks for it, and
    /// never asked for.
    pub const OFFERED: [Suite; 3] = [
        Suite::AesCm128HmacSha1_80,
        Suite::AesCm256HmacSha1_80,
        Suite::AeadAes128Gcm,
    ];

    /// Bytes of the master key.
    pub const fn key_bytes(self) -> usize {
        match self {
            Suite::AeadAes128Gcm | Suite::AesCm128HmacSha1_32 | Suite::AesCm128HmacSha1_80 => 16,
            Suite::AeadAes256Gcm | Suite::AesCm256HmacSha1_32 | Suite::AesCm256HmacSha1_80 => 32,
        }
    }

    /// Bytes of the master salt.
    pub const fn salt_bytes(self) -> usize {
        match self {
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => 12,
            Suite::AesCm128HmacSha1_32
            | Suite::AesCm128HmacSha1_80
            | Suite::AesCm256HmacSha1_32
            | Suite::AesCm256HmacSha1_80 => 14,
        }
    }

    /// Bytes that an RTP packet grows by.
    pub const fn tag_bytes(self) -> usize {
        match self {
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => 16,
            Suite::AesCm128HmacSha1_32 | Suite::AesCm256HmacSha1_32 => 4,
            Suite::AesCm128HmacSha1_80 | Suite::AesCm256HmacSha1_80 => 10,
        }
    }
}

/// A master key with its salt, as an `inline:` parameter gives it. It never shows itself.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    suite: Suite,
    bytes: [u8; KEY_AND_SALT_BYTES_MAX],
    /// Packets that may be made with it; None: as many as RFC 3711 §9.2 allows.
    lifetime_packets: Option<u64>,
    mki_bytes: u8,
}

impl MasterKey {
    /// Out of key and salt one after the other; None when they are too few, and those that are too many are left.
    pub fn new(suite: Suite, key_and_salt: &[u8]) -> Option<Self> {
        let length = suite.key_bytes() + suite.salt_bytes();
        let mut bytes = [0; KEY_AND_SALT_BYTES_MAX];
        bytes[..length].copy_from_slice(key_and_salt.get(..length)?);
        Some(MasterKey {
            suite,
            bytes,
            lifetime_packets: None,
            mki_bytes: 0,
        })
    }

    /// The same with the limits that came with it.
    pub(crate) fn with_limits(self, lifetime_packets: Option<u64>, mki_bytes: u8) -> Self {
        MasterKey {
            lifetime_packets,
            mki_bytes,
            ..self
        }
    }

    /// Its cipher.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The key proper.
    pub(crate) fn key(&self) -> &[u8] {
        &self.bytes[..self.suite.key_bytes()]
    }

    /// The salt.
    pub(crate) fn salt(&self) -> &[u8] {
        let start = self.suite.key_bytes();
        &self.bytes[start..start + self.suite.salt_bytes()]
    }

    /// Both, as they stand in an `inline:` parameter.
    pub(crate) fn key_and_salt(&self) -> &[u8] {
        &self.bytes[..self.suite.key_bytes() + self.suite.salt_bytes()]
    }

    /// How many packets may be made with it.
    pub(crate) fn lifetime_packets(&self) -> u64 {
        self.lifetime_packets.unwrap_or(LIFETIME_PACKETS_MAX)
    }

    /// Bytes of the key's name that stand in each packet (RFC 3711 §3.1).
    pub(crate) fn mki_bytes(&self) -> usize {
        usize::from(self.mki_bytes)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Who has the key hears the child.
        write!(formatter, "MasterKey({:?}, ..)", self.suite)
    }
}

/// The longest: AES-256 in counter mode.
pub(crate) const KEY_AND_SALT_BYTES_MAX: usize = 46;
/// RFC 3711 §9.2.
pub(crate) const LIFETIME_PACKETS_MAX: u64 = 1 << 48;
