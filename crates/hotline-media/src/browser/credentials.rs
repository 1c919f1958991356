//! Who we are to a browser: one certificate for the process, and ICE credentials for each leg.

use std::fmt;
use std::sync::Arc;

use rtc_dtls::crypto::Certificate;
use rtc_dtls::crypto_provider::{
    HashAlgorithm, HmacAlgorithm, RTCCryptoProvider, SecretVec, default_provider,
};

/// The DTLS certificate of the process, and the secret from which the ICE credentials of its legs come.
#[derive(Clone)]
pub struct Identity {
    pub(super) provider: Arc<dyn RTCCryptoProvider>,
    pub(super) certificate: Certificate,
    fingerprint: String,
    secret: Arc<SecretVec>,
}

/// Half of the user name and the password of our side of ICE (RFC 8839 §5.4), good for one leg.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `ice-ufrag`.
    pub fragment: String,
    /// `ice-pwd`.
    pub(super) password: String,
}

/// The cryptographic library refused to make a certificate or a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no certificate for browsers: {0}")]
pub struct IdentityError(String);

impl Identity {
    /// A new one: self-signed, as WebRTC wants it (RFC 8827 §6.5); browsers compare its fingerprint with the one in
    /// the description, which came to them over a secure path.
    pub fn generate() -> Result<Self, IdentityError> {
        let refused = |error: &dyn fmt::Display| IdentityError(error.to_string());
        let provider = default_provider().map_err(|error| refused(&error))?;
        let certificate =
            Certificate::generate_self_signed(vec!["hotline111".to_owned()], provider.crypto())
                .map_err(|error| refused(&error))?;
        let der = certificate
            .certificate
            .first()
            .ok_or_else(|| IdentityError("it is empty".to_owned()))?;
        let hash = provider
            .crypto()
            .hash(HashAlgorithm::Sha256, der)
            .map_err(|error| refused(&error))?;
        let mut secret = vec![0; SECRET_BYTES];
        provider
            .random()
            .fill(&mut secret)
            .map_err(|error| refused(&error))?;
        Ok(Identity {
            fingerprint: hex_pairs(&hash),
            provider,
            certificate,
            secret: Arc::new(SecretVec::new(secret)),
        })
    }

    /// SHA-256 of the certificate as `a=fingerprint` writes it (RFC 8122 §5).
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The ICE credentials of a leg: the same whenever they are asked for, so that nobody has to keep them, and
    /// nobody's guess without the secret. None when the library fails.
    pub fn credentials(&self, leg: crate::LegId) -> Option<Credentials> {
        let mut tag = [0; 32];
        let crypto = self.provider.crypto();
        let mut mac = crypto
            .new_hmac(HmacAlgorithm::Sha256, (*self.secret).as_ref())
            .ok()?;
        mac.sign(&[&leg.to_be_bytes()], &mut tag).ok()?;
        let text = hex(&tag);
        // RFC 8839 §5.4: at least 24 and 128 bits of it; hex digits carry four.
        let (fragment, password) = text.split_at(FRAGMENT_DIGITS);
        Some(Credentials {
            fragment: fragment.to_owned(),
            password: password.to_owned(),
        })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Identity({})", self.fingerprint)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Credentials({}, ..)", self.fragment)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex_pairs(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

const SECRET_BYTES: usize = 32;
const FRAGMENT_DIGITS: usize = 16;
