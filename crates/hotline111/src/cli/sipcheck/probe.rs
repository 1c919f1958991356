//! One OPTIONS by any transport, from a socket of its own, and what came back.

use futures_util::{SinkExt, StreamExt};
use hotline_sip::Transport;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, UdpSocket};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// Whom to ask, and how.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) transport: Transport,
    /// Our end; unspecified = as the system routes.
    pub(super) from: IpAddr,
    pub(super) to: SocketAddr,
    /// Whom TLS believes, and as whom it must prove itself; None = anybody, we look at the certificate ourselves.
    pub(super) trust: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A response; whichever, somebody there speaks SIP.
    Answered { status: u16, after: Duration },
    /// The way there ends with this.
    Refused(String),
    /// Nothing within [`ANSWER_MAX`].
    Silent,
}

/// What came of it, and the certificates that were shown on the way.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) chain: Vec<CertificateDer<'static>>,
}

/// Sends OPTIONS and waits for the answer.
pub(super) async fn options(way: &Way) -> Answer {
    let mut chain = Vec::new();
    let started = Instant::now();
    let asked = async {
        match way.transport {
            Transport::Udp => by_datagram(way).await,
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                by_stream(way, &mut chain).await
            }
        }
    };
    let outcome = match timeout(ANSWER_MAX, Box::pin(asked)).await {
        Err(_) => Outcome::Silent,
        Ok(Err(error)) => Outcome::Refused(error.to_string()),
        Ok(Ok((status, after))) => Outcome::Answered {
            status,
            after: after.unwrap_or(started.elapsed()),
        },
    };
    Answer { outcome, chain }
}

/// RFC 3261 §17.1.2.2: again after 0.5 s, 1 s, 2 s. The time counts from the last that was sent.
async fn by_datagram(way: &Way) -> io::Result<(u16, Option<Duration>)> {
    let socket = UdpSocket::bind((way.from, 0)).await?;
    socket.connect(way.to).await?;
    let request = request(way, socket.local_addr()?);
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    for wait_ms in [500, 1_000, 2_000, 4_000] {
        let sent = Instant::now();
        socket.send(request.as_bytes()).await?;
        let answer = timeout(Duration::from_millis(wait_ms), socket.recv(&mut buffer));
        let Ok(length) = answer.await else { continue };
        if let Some(status) = status(buffer.get(..length?).unwrap_or_default()) {
            return Ok((status, Some(sent.elapsed())));
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "no answer"))
}

async fn by_stream(
    way: &Way,
    chain: &mut Vec<CertificateDer<'static>>,
) -> io::Result<(u16, Option<Duration>)> {
    let socket = match way.to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind((way.from, 0).into())?;
    let stream = socket.connect(way.to).await?;
    let local = stream.local_addr()?;
    if !way.transport.is_secure() {
        return over(way, local, stream).await;
    }
    let (config, name) = match &way.trust {
        Some(trust) => trust.clone(),
        None => (witness()?, ServerName::IpAddress(way.to.ip().into())),
    };
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    let (_, session) = stream.get_ref();
    let shown = session.peer_certificates().unwrap_or_default();
    chain.extend(
        shown
            .iter()
            .map(|certificate| certificate.clone().into_owned()),
    );
    over(way, local, stream).await
}

async fn over<S: AsyncRead + AsyncWrite + Unpin>(
    way: &Way,
    local: SocketAddr,
    mut stream: S,
) -> io::Result<(u16, Option<Duration>)> {
    let request = request(way, local);
    if way.transport.is_web_socket() {
        return over_web_socket(way, request, stream).await;
    }
    let sent = Instant::now();
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut message = Vec::new();
    loop {
        if let Some(status) = status(&message) {
            return Ok((status, Some(sent.elapsed())));
        }
        let count = stream.read_buf(&mut message).await?;
        if count == 0 || message.len() > MESSAGE_BYTES_MAX {
            let what = "the connection was closed without an answer";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
    }
}

/// RFC 7118 §4.
async fn over_web_socket<S: AsyncRead + AsyncWrite + Unpin>(
    way: &Way,
    request: String,
    stream: S,
) -> io::Result<(u16, Option<Duration>)> {
    let mut upgrade = format!("ws://{}/", way.to)
        .into_client_request()
        .map_err(io::Error::other)?;
    upgrade
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
    let (mut socket, _) = client_async(upgrade, stream)
        .await
        .map_err(io::Error::other)?;
    let sent = Instant::now();
    socket
        .send(Message::text(request))
        .await
        .map_err(io::Error::other)?;
    while let Some(message) = socket.next().await {
        let message = message.map_err(io::Error::other)?.into_data();
        if let Some(status) = status(&message) {
            return Ok((status, Some(sent.elapsed())));
        }
    }
    let what = "the WebSocket was closed without an answer";
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, what))
}

fn request(way: &Way, local: SocketAddr) -> String {
    let Way { transport, to, .. } = way;
    let mut random = [0; 12];
    // Nothing here must be unguessable: a fixed branch would only meet an older question's answer.
    let _ = getrandom::fill(&mut random);
    let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "OPTIONS sip:{to} SIP/2.0\r\n\
         Via: SIP/2.0/{via} {local};rport;branch=z9hG4bK{token}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:sipcheck@{local}>;tag={token}\r\n\
         To: <sip:{to}>\r\n\
         Call-ID: {token}\r\n\
         CSeq: 1 OPTIONS\r\n\
         Contact: <sip:sipcheck@{local};transport={name}>\r\n\
         Accept: application/sdp\r\n\
         User-Agent: hotline111/{version}\r\n\
         Content-Length: 0\r\n\r\n",
        via = transport.via(),
        name = transport.name(),
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// The status of a final response whose head is complete.
pub(super) fn status(message: &[u8]) -> Option<u16> {
    let head = message.strip_prefix(b"SIP/2.0 ")?;
    if !message.windows(4).any(|end| end == b"\r\n\r\n") {
        return None;
    }
    let digits = std::str::from_utf8(head.get(..3)?).ok()?;
    digits.parse().ok().filter(|status| *status >= 200)
}

/// Believes anybody: what is shown is looked at afterwards, and nothing secret is said.
fn witness() -> io::Result<Arc<ClientConfig>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Witness(provider)))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct Witness(Arc<CryptoProvider>);

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Three repetitions of a datagram, and their answers' time.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(5);
const MESSAGE_BYTES_MAX: usize = 65_536;
