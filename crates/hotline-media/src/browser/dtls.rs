//! The DTLS handshake of one leg (RFC 5763), as server or as client; all that it leaves are keys for SRTP.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::{BEHIND, Identity};
use crate::protection::{MasterKey, Suite};
use crate::srtp;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc_dtls::crypto_provider::HashAlgorithm;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error;

/// A handshake, under way or done.
pub(super) struct Handshake {
    endpoint: Endpoint,
    /// SHA-256 of the certificate that the peer has shown and signed with.
    shown: Arc<OnceLock<[u8; 32]>>,
    is_client: bool,
}

/// SRTP both ways, and whose certificate stands behind it.
pub(super) struct Keys {
    pub(super) srtp: srtp::Guard,
    pub(super) peer: [u8; 32],
}

impl Handshake {
    /// Waits for the peer's first flight; None when the library refuses our certificate.
    pub(super) fn as_server(identity: &Identity) -> Option<Self> {
        let shown = Arc::new(OnceLock::new());
        let config = config(identity, shown.clone(), false).ok()?;
        Some(Handshake {
            // The address is a name here: what comes from any way that ICE has proved is of one peer.
            endpoint: Endpoint::new(BEHIND, TransportProtocol::UDP, Some(Arc::new(config))),
            shown,
            is_client: false,
        })
    }

    /// Has the first flight ready; None when the library refuses our certificate.
    pub(super) fn as_client(identity: &Identity, now: Instant) -> Option<Self> {
        let shown = Arc::new(OnceLock::new());
        let config = Arc::new(config(identity, shown.clone(), true).ok()?);
        let mut endpoint = Endpoint::new(BEHIND, TransportProtocol::UDP, None);
        endpoint.connect(now, BEHIND, config, None).ok()?;
        Some(Handshake {
            endpoint,
            shown,
            is_client: true,
        })
    }

    pub(super) fn is_client(&self) -> bool {
        self.is_client
    }

    /// Takes a datagram of the peer. Keys come once. An error is the datagram's fault and changes nothing.
    pub(super) fn read(&mut self, now: Instant, datagram: &[u8]) -> Option<Keys> {
        let events = self
            .endpoint
            .read(now, BEHIND, None, datagram.into())
            .ok()?;
        let is_done = |event: &EndpointEvent| matches!(event, EndpointEvent::HandshakeComplete);
        if events.iter().any(is_done) {
            return self.keys();
        }
        None
    }

    /// What is to be sent.
    pub(super) fn take_flight(&mut self) -> Option<bytes::BytesMut> {
        self.endpoint.poll_transmit().map(|sent| sent.message)
    }

    /// Sends a flight again that has not been answered.
    pub(super) fn tick(&mut self, now: Instant) {
        if self
            .endpoint
            .poll_timeout(&BEHIND)
            .is_some_and(|at| at <= now)
        {
            let _ = self.endpoint.handle_timeout(BEHIND, now);
        }
    }

    /// RFC 5764 §4.2: client's key, server's key, client's salt, server's salt.
    fn keys(&self) -> Option<Keys> {
        let state = self.endpoint.get_connection_state(BEHIND)?;
        let suite = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Suite::AesCm128HmacSha1_80,
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Suite::AeadAes128Gcm,
            // We have offered no other.
            _ => return None,
        };
        let (key, salt) = (suite.key_bytes(), suite.salt_bytes());
        let material = state
            .export_keying_material("EXTRACTOR-dtls_srtp", &[], 2 * (key + salt))
            .ok()?;
        let (keys, salts) = material.as_ref().split_at(2 * key);
        let (client_key, server_key) = keys.split_at(key);
        let (client_salt, server_salt) = salts.split_at(salt);
        let client = MasterKey::new(suite, &[client_key, client_salt].concat())?;
        let server = MasterKey::new(suite, &[server_key, server_salt].concat())?;
        let (ours, theirs) = if self.is_client {
            (client, server)
        } else {
            (server, client)
        };
        Some(Keys {
            srtp: srtp::Guard::new(&ours, &theirs)?,
            peer: *self.shown.get()?,
        })
    }
}

fn config(
    identity: &Identity,
    shown: Arc<OnceLock<[u8; 32]>>,
    is_client: bool,
) -> Result<HandshakeConfig, Error> {
    builder(identity, shown).build(is_client, None)
}

/// RFC 8827 §6.5: both sides show a certificate; whose it is, the description says and the guard compares.
pub(super) fn builder(identity: &Identity, shown: Arc<OnceLock<[u8; 32]>>) -> ConfigBuilder {
    let provider = identity.provider.clone();
    let verify = move |chain: &[Vec<u8>], _: &[_]| {
        let certificate = chain
            .first()
            .ok_or_else(|| Error::Other("no certificate".to_owned()))?;
        let hash = provider
            .crypto()
            .hash(HashAlgorithm::Sha256, certificate)
            .map_err(|error| Error::Other(error.to_string()))?;
        let hash = <[u8; 32]>::try_from(hash).map_err(|_| Error::Other("no hash".to_owned()))?;
        if *shown.get_or_init(|| hash) == hash {
            Ok(())
        } else {
            Err(Error::Other("another certificate than before".to_owned()))
        }
    };
    ConfigBuilder::default()
        .with_crypto_provider(identity.provider.clone())
        .with_certificates(vec![identity.certificate.clone()])
        .with_srtp_protection_profiles(vec![
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
        ])
        .with_client_auth(ClientAuthType::RequireAnyClientCert)
        .with_insecure_skip_verify(true)
        .with_verify_peer_certificate(Some(Arc::new(verify)))
        .with_extended_master_secret(ExtendedMasterSecretType::Require)
        .with_replay_protection_window(REPLAY_PACKETS)
}

/// Packets that may come out of order: 2.5 s of audio.
const REPLAY_PACKETS: usize = 128;
