//! ICE and DTLS of a browser, by hand: the controlling side with one address, and the client of the handshake.

use rtc_dtls::config::{ConfigBuilder, ExtendedMasterSecretType};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::crypto_provider::{
    HashAlgorithm, HmacAlgorithm, RTCCryptoProvider, default_provider,
};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

/// The library wants an address; whose it is does not matter.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// Our half of the ICE user name.
pub const FRAGMENT: &str = "hand";

/// What the server's description says of ICE.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    pub fragment: String,
    pub password: String,
}

/// A browser's client of DTLS.
pub struct Handshake {
    provider: Arc<dyn RTCCryptoProvider>,
    endpoint: Endpoint,
    pub fingerprint: String,
    pub hash: [u8; 32],
    certificate: Certificate,
}

impl Handshake {
    pub fn generate() -> Self {
        let provider = default_provider().expect("a provider of ciphers");
        let certificate =
            Certificate::generate_self_signed(vec!["hand".to_owned()], provider.crypto())
                .expect("a certificate");
        let hash = provider
            .crypto()
            .hash(HashAlgorithm::Sha256, &certificate.certificate[0])
            .expect("a hash");
        let pairs: Vec<String> = hash.iter().map(|byte| format!("{byte:02X}")).collect();
        Self {
            endpoint: Endpoint::new(PEER, TransportProtocol::UDP, None),
            fingerprint: pairs.join(":"),
            hash: hash.try_into().expect("SHA-256"),
            provider,
            certificate,
        }
    }

    /// The first flight waits in [`Self::flight`] then.
    pub fn begin(&mut self) {
        let config = ConfigBuilder::default()
            .with_crypto_provider(self.provider.clone())
            .with_certificates(vec![self.certificate.clone()])
            .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80])
            .with_insecure_skip_verify(true)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .build(true, None)
            .expect("a client");
        self.endpoint
            .connect(Instant::now(), PEER, Arc::new(config), None)
            .expect("a handshake begins");
    }

    pub fn flight(&mut self) -> Vec<Vec<u8>> {
        let endpoint = &mut self.endpoint;
        std::iter::from_fn(|| endpoint.poll_transmit().map(|sent| sent.message.to_vec())).collect()
    }

    /// Lost flights are sent again.
    pub fn tick(&mut self) {
        let now = Instant::now();
        if self
            .endpoint
            .poll_timeout(&PEER)
            .is_some_and(|at| at <= now)
        {
            self.endpoint.handle_timeout(PEER, now).ok();
        }
    }

    /// RFC 5764 §4.2: our key and salt, the server's; once, when the handshake is over.
    pub fn hear(&mut self, datagram: &[u8]) -> Option<[Vec<u8>; 2]> {
        let events = self
            .endpoint
            .read(Instant::now(), PEER, None, datagram.into())
            .ok()?;
        let is_done = |event: &EndpointEvent| matches!(event, EndpointEvent::HandshakeComplete);
        if !events.iter().any(is_done) {
            return None;
        }
        let state = self.endpoint.get_connection_state(PEER)?;
        let material = state
            .export_keying_material("EXTRACTOR-dtls_srtp", &[], 60)
            .ok()?;
        let bytes = material.as_ref();
        let of =
            |key: usize, salt: usize| [&bytes[key..key + 16], &bytes[salt..salt + 14]].concat();
        Some([of(0, 32), of(16, 46)])
    }

    /// A check of ICE (RFC 8445 §7.2) that nominates.
    pub fn check(&self, theirs: &Credentials) -> Vec<u8> {
        self.check_with(theirs, &[])
    }

    /// The same with more attributes, or what should be some, before the one that proves it.
    pub fn check_with(&self, theirs: &Credentials, more: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
        bytes.extend([7; 12]);
        let user = format!("{}:{FRAGMENT}", theirs.fragment);
        attribute(&mut bytes, USERNAME, user.as_bytes());
        attribute(&mut bytes, USE_CANDIDATE, &[]);
        bytes.extend(more);
        let length = (bytes.len() - 20 + 24) as u16;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let mut mac = self
            .provider
            .crypto()
            .new_hmac(HmacAlgorithm::Sha1, theirs.password.as_bytes())
            .expect("an HMAC");
        let mut tag = [0; 20];
        mac.sign(&[&bytes], &mut tag).expect("a tag");
        attribute(&mut bytes, MESSAGE_INTEGRITY, &tag);
        bytes
    }
}

/// A ClientHello of somebody whom nobody has asked.
pub fn uninvited_hello() -> Vec<u8> {
    let mut handshake = Handshake::generate();
    handshake.begin();
    handshake.flight().remove(0)
}

fn attribute(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    bytes.extend(kind.to_be_bytes());
    bytes.extend((value.len() as u16).to_be_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const USE_CANDIDATE: u16 = 0x0025;
