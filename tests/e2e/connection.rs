//! Connections by hand: TCP and TLS, and WebSockets on either, frame by frame, so that broken ones can be sent too.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The name in the certificates of these tests.
pub(crate) const NAME: &str = "hotline.test";

/// TCP, or TLS on it.
pub(crate) enum Connection {
    /// In the clear.
    Plain(TcpStream),
    /// Under TLS.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Connection {
    /// TCP.
    pub(crate) fn tcp(server: SocketAddr) -> Self {
        Self::Plain(TcpStream::connect(server).expect("connecting"))
    }

    /// TLS to whoever shows a certificate of `authority` for [`NAME`].
    pub(crate) fn tls(server: SocketAddr, authority: &Path) -> Self {
        Self::try_tls(server, authority).expect("a TLS handshake")
    }

    /// The same; an error when the certificate is another's.
    pub(crate) fn try_tls(server: SocketAddr, authority: &Path) -> std::io::Result<Self> {
        Self::try_tls_as(server, authority, None)
    }

    /// The same, with a certificate of our own for whoever asks for one.
    pub(crate) fn try_tls_as(
        server: SocketAddr,
        authority: &Path,
        identity: Option<&Identity>,
    ) -> std::io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(authority).expect("the authority"))
            .expect("a root");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_root_certificates(roots);
        let config = match identity {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_file(chain).expect("a certificate")],
                    PrivateKeyDer::from_pem_file(key).expect("a key"),
                )
                .expect("a certificate of our own"),
        };
        let name = ServerName::try_from(NAME).expect("a name");
        let client = ClientConnection::new(Arc::new(config), name).expect("a TLS client");
        let mut stream = StreamOwned::new(client, TcpStream::connect(server)?);
        // The handshake takes place with the first flush.
        stream.flush()?;
        Ok(Self::Tls(Box::new(stream)))
    }

    /// The socket beneath.
    pub(crate) fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// Our own address.
    pub(crate) fn local(&self) -> SocketAddr {
        self.socket().local_addr().expect("a connected socket")
    }

    /// Sends; false when the other side has closed.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = match self {
            Self::Plain(socket) => socket.write_all(bytes).and_then(|()| socket.flush()),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        };
        sent.is_ok()
    }

    /// What comes within `limit`; None for nothing, empty for the end.
    pub(crate) fn receive(&mut self, limit: Duration) -> Option<Vec<u8>> {
        self.socket()
            .set_read_timeout(Some(limit))
            .expect("a time limit");
        let mut buffer = [0; 16_384];
        let read = match self {
            Self::Plain(socket) => socket.read(&mut buffer),
            Self::Tls(stream) => stream.read(&mut buffer),
        };
        match read {
            Ok(length) => Some(buffer[..length].to_vec()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                None
            }
            Err(_) => Some(Vec::new()),
        }
    }

    /// Whether the other side ends the connection within `limit`; what it says before is swallowed.
    pub(crate) fn is_ended(&mut self, limit: Duration) -> bool {
        let started = Instant::now();
        while let Some(left) = limit
            .checked_sub(started.elapsed())
            .filter(|left| !left.is_zero())
        {
            if self.receive(left).is_some_and(|bytes| bytes.is_empty()) {
                return true;
            }
        }
        false
    }
}

/// A WebSocket.
pub(crate) struct WebSocket {
    pub(crate) connection: Connection,
    buffer: Vec<u8>,
}

/// A frame that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A message.
    Message(String),
    /// A ping.
    Ping,
    /// The end, with its code.
    Close(Option<u16>),
}

/// What the upgrade says.
pub(crate) struct Upgrade<'a> {
    /// `/` or `/?ticket=...`.
    pub(crate) path: &'a str,
    /// The page's.
    pub(crate) origin: Option<&'a str>,
    /// Sub-protocols.
    pub(crate) protocol: Option<&'a str>,
}

impl Default for Upgrade<'_> {
    fn default() -> Self {
        Self {
            path: "/",
            origin: None,
            protocol: Some("sip"),
        }
    }
}

impl WebSocket {
    /// Upgrades; the head of the answer when it is refused.
    pub(crate) fn open(mut connection: Connection, upgrade: &Upgrade<'_>) -> Result<Self, String> {
        let mut request = format!(
            "GET {} HTTP/1.1\r\nHost: {NAME}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            upgrade.path
        );
        if let Some(origin) = upgrade.origin {
            request.push_str(&format!("Origin: {origin}\r\n"));
        }
        if let Some(protocol) = upgrade.protocol {
            request.push_str(&format!("Sec-WebSocket-Protocol: {protocol}\r\n"));
        }
        request.push_str("\r\n");
        assert!(connection.send(request.as_bytes()), "the upgrade is sent");
        let mut buffer = Vec::new();
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            let more = connection
                .receive(Duration::from_secs(10))
                .expect("an answer to the upgrade");
            if more.is_empty() {
                return Err("closed".to_owned());
            }
            buffer.extend(more);
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end);
        let is_sip = head
            .to_ascii_lowercase()
            .contains("sec-websocket-protocol: sip\r\n");
        if !head.starts_with("HTTP/1.1 101") || !is_sip {
            return Err(head);
        }
        Ok(Self { connection, buffer })
    }

    /// A masked frame with these first two bytes' worth of header.
    pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | length as u8),
            length @ 126..=0xffff => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        frame.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        frame
    }

    /// A text message.
    pub(crate) fn send(&mut self, text: &str) -> bool {
        self.connection.send(&Self::frame(0x81, text.as_bytes()))
    }

    /// The next frame within `limit`; pings are answered.
    pub(crate) fn receive(&mut self, limit: Duration) -> Option<Frame> {
        let started = Instant::now();
        loop {
            if let Some((opcode, payload)) = self.take() {
                return Some(match opcode {
                    0x8 => Frame::Close(
                        payload
                            .get(..2)
                            .map(|code| u16::from_be_bytes([code[0], code[1]])),
                    ),
                    0x9 => {
                        self.connection.send(&Self::frame(0x8a, &payload));
                        Frame::Ping
                    }
                    _ => Frame::Message(String::from_utf8_lossy(&payload).into_owned()),
                });
            }
            let left = limit.checked_sub(started.elapsed())?;
            let more = self
                .connection
                .receive(left.max(Duration::from_millis(1)))?;
            if more.is_empty() {
                return Some(Frame::Close(None));
            }
            self.buffer.extend(more);
        }
    }

    /// The next message within `limit`.
    pub(crate) fn message(&mut self, limit: Duration) -> Option<String> {
        let started = Instant::now();
        loop {
            let left = limit.checked_sub(started.elapsed())?;
            match self.receive(left)? {
                Frame::Message(text) => return Some(text),
                Frame::Ping => {}
                Frame::Close(_) => return None,
            }
        }
    }

    fn take(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, second) = (*self.buffer.first()?, *self.buffer.get(1)?);
        let (length, start) = match second & 0x7f {
            126 => (
                u16::from_be_bytes(self.buffer.get(2..4)?.try_into().ok()?) as usize,
                4,
            ),
            127 => (
                u64::from_be_bytes(self.buffer.get(2..10)?.try_into().ok()?) as usize,
                10,
            ),
            length => (usize::from(length), 2),
        };
        let payload = self.buffer.get(start..start + length)?.to_vec();
        self.buffer.drain(..start + length);
        Some((first & 0x0f, payload))
    }
}

/// A certificate and its key, PEM files.
pub(crate) type Identity = (PathBuf, PathBuf);

/// Certificates for a server: authority, chain, key.
pub(crate) struct Certificates {
    /// The authority's certificate.
    pub(crate) authority: PathBuf,
    identity: Identity,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    folder: PathBuf,
}

impl Certificates {
    /// Fresh ones for [`NAME`] and the loopback, in this folder (written over what is there).
    pub(crate) fn write(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder for certificates");
        let authority_key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("an authority");
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "authority");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).expect("an authority");
        let issuer = rcgen::Issuer::new(params, authority_key);
        let mut files = Self {
            authority: folder.join("authority.pem"),
            identity: Identity::default(),
            issuer,
            folder: folder.to_owned(),
        };
        std::fs::write(&files.authority, authority.pem()).expect("writing");
        files.identity = files.issue("server", &[NAME, "127.0.0.1", "::1"]);
        files
    }

    /// A certificate of this authority for these names.
    pub(crate) fn issue(&self, file: &str, names: &[&str]) -> Identity {
        let key = rcgen::KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let chain = rcgen::CertificateParams::new(names)
            .expect("a certificate")
            .signed_by(&key, &self.issuer)
            .expect("a signature");
        let paths = (
            self.folder.join(format!("{file}.pem")),
            self.folder.join(format!("{file}.key")),
        );
        std::fs::write(&paths.0, chain.pem()).expect("writing");
        std::fs::write(&paths.1, key.serialize_pem()).expect("writing");
        paths
    }

    /// `[tls]` with these files.
    pub(crate) fn section(&self) -> String {
        format!(
            "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n",
            self.identity.0.display(),
            self.identity.1.display()
        )
    }
}
