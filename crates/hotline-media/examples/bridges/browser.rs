//! A browser's end of a leg: the controlling side of ICE, the client of DTLS.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_media::browser::{BrowserPlan, Identity, Local, Remote, offer};
use hotline_media::sdp::{self, Capabilities, RANDOM_BYTES};
use rtc_dtls::config::{ConfigBuilder, ExtendedMasterSecretType};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::crypto_provider::{
    HashAlgorithm, HmacAlgorithm, RTCCryptoProvider, default_provider,
};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use webrtc_srtp::context::Context;

use super::load::context;

/// The address that a leg behind a guard knows as its peer's.
pub(crate) const BEHIND: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 40_000);

pub(crate) struct Client {
    provider: Arc<dyn RTCCryptoProvider>,
    certificate: Certificate,
    plan: BrowserPlan,
    /// The server's half of the user name, and its password.
    fragment: String,
    password: String,
}

impl Client {
    pub(crate) fn new(server: &Identity, leg: u64) -> Result<Self, Box<dyn Error>> {
        let provider = default_provider()?;
        let certificate =
            Certificate::generate_self_signed(vec!["browser".to_owned()], provider.crypto())?;
        let der = certificate.certificate.first().ok_or("no certificate")?;
        let fingerprint = provider.crypto().hash(HashAlgorithm::Sha256, der)?;
        let remote = Remote {
            fragment: "chrm".to_owned(),
            fingerprint: fingerprint.try_into().map_err(|_| "no SHA-256")?,
            is_passive: false,
        };
        let credentials = server.credentials(leg).ok_or("no credentials")?;
        let random = [0; RANDOM_BYTES];
        let local = Local {
            identity: server,
            credentials: &credentials,
            plain: sdp::Local::first((Ipv4Addr::LOCALHOST.into(), 20_000), leg, &random),
        };
        // The password is told to nobody but the peer, in the description.
        let description = String::from_utf8(offer(&Capabilities::default(), &local)?)?;
        let said = |name: &str| {
            let line = description.lines().find_map(|line| line.strip_prefix(name));
            line.map(str::to_owned).ok_or("an offer without ICE")
        };
        Ok(Client {
            fragment: said("a=ice-ufrag:")?,
            password: said("a=ice-pwd:")?,
            plan: local.plan(Some(remote)),
            provider,
            certificate,
        })
    }

    /// What the leg's guard must know of us.
    pub(crate) fn plan(&self) -> Result<BrowserPlan, Box<dyn Error>> {
        Ok(self.plan.clone())
    }

    /// A Binding request that nominates its way (RFC 8445 §7.1).
    pub(crate) fn check(&self) -> Result<Vec<u8>, Box<dyn Error>> {
        let mut bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
        bytes.extend([7; 12]);
        attribute(
            &mut bytes,
            USERNAME,
            format!("{}:chrm", self.fragment).as_bytes(),
        );
        attribute(&mut bytes, USE_CANDIDATE, &[]);
        // RFC 8489 §14.5: the length counts the attribute that is made now.
        set_length(&mut bytes, 24);
        let mut tag = [0; 20];
        let password = self.password.as_bytes();
        let mut mac = self
            .provider
            .crypto()
            .new_hmac(HmacAlgorithm::Sha1, password)?;
        mac.sign(&[&bytes], &mut tag)?;
        attribute(&mut bytes, MESSAGE_INTEGRITY, &tag);
        Ok(bytes)
    }

    /// Check and handshake; the keys for what we send.
    pub(crate) fn shake_hands(
        &self,
        socket: &UdpSocket,
        server: SocketAddr,
    ) -> Result<Context, Box<dyn Error>> {
        let mut endpoint = Endpoint::new(server, TransportProtocol::UDP, None);
        let config = ConfigBuilder::default()
            .with_crypto_provider(self.provider.clone())
            .with_certificates(vec![self.certificate.clone()])
            .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80])
            .with_insecure_skip_verify(true)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .build(true, None)?;
        let mut buffer = [0; 2_000];
        self.prove_way(socket, server, &mut buffer)?;
        endpoint.connect(Instant::now(), server, Arc::new(config), None)?;
        for _ in 0..DATAGRAMS_MAX {
            while let Some(sent) = endpoint.poll_transmit() {
                socket.send_to(&sent.message, server)?;
            }
            let Ok((length, _)) = socket.recv_from(&mut buffer) else {
                endpoint.handle_timeout(server, Instant::now())?;
                continue;
            };
            if buffer[0] < STUN_END {
                continue;
            }
            let events = endpoint.read(Instant::now(), server, None, buffer[..length].into())?;
            let is_done = |event: &EndpointEvent| matches!(event, EndpointEvent::HandshakeComplete);
            if events.iter().any(is_done) {
                while let Some(sent) = endpoint.poll_transmit() {
                    socket.send_to(&sent.message, server)?;
                }
                let state = endpoint.get_connection_state(server).ok_or("no state")?;
                let keys = state.export_keying_material("EXTRACTOR-dtls_srtp", &[], 60)?;
                let keys = keys.as_ref();
                // RFC 5764 §4.2: the client's key first, its salt behind both keys.
                return context(&keys[..16], &keys[32..46]);
            }
        }
        Err("the handshake has no end".into())
    }

    /// Checks until one is answered: the leg may not be open yet, and what of a handshake comes before it is sent
    /// again only after a second.
    fn prove_way(
        &self,
        socket: &UdpSocket,
        server: SocketAddr,
        buffer: &mut [u8],
    ) -> Result<(), Box<dyn Error>> {
        let check = self.check()?;
        socket.set_read_timeout(Some(Duration::from_millis(10)))?;
        for _ in 0..DATAGRAMS_MAX {
            socket.send_to(&check, server)?;
            if socket.recv_from(buffer).is_ok() {
                socket.set_read_timeout(Some(Duration::from_millis(100)))?;
                return Ok(());
            }
        }
        Err("no check is answered".into())
    }
}

fn attribute(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    bytes.extend(kind.to_be_bytes());
    bytes.extend((value.len() as u16).to_be_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    set_length(bytes, 0);
}

fn set_length(bytes: &mut [u8], more: usize) {
    let length = (bytes.len() - 20 + more) as u16;
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
}

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const USE_CANDIDATE: u16 = 0x0025;
/// RFC 7983 §7.
const STUN_END: u8 = 4;
const DATAGRAMS_MAX: u32 = 200;
