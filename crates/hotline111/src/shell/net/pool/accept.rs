//! From a socket to a connection that can carry SIP: places, handshakes, what they prove.

use super::upgrade::{self, Refused};
use super::{CONNECT_MAX, HANDSHAKE_MAX, News, OUTGOING_MAX, Shared, bytes, messages};
use hotline_sip::{CarrierHost, ConnectionId, ListenerId, Proof, Transport};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, server::TlsStream};
use tokio_tungstenite::WebSocketStream;

/// A listener that cannot accept (out of descriptors) is looked at again after this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until the pool ends.
pub(super) async fn serve(
    listener: TcpListener,
    id: ListenerId,
    transport: Transport,
    shared: Arc<Shared>,
) {
    loop {
        let Ok((socket, peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Dropping the socket closes it.
        let Some(place) = shared.places.take(peer.ip()) else {
            continue;
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            if socket.set_nodelay(true).is_ok() {
                welcome(&shared, socket, (id, transport), peer).await;
            }
            drop(place);
        });
    }
}

async fn welcome(
    shared: &Shared,
    socket: TcpStream,
    (listener, transport): (ListenerId, Transport),
    peer: SocketAddr,
) {
    match transport {
        Transport::Tls => {
            let config = shared.settings.tls.phones();
            let Ok(Ok(stream)) = timeout(HANDSHAKE_MAX, accept_tls(config, socket)).await else {
                return;
            };
            let certificates = stream.get_ref().1.peer_certificates();
            let proof = shared.settings.tls.prove(certificates);
            let opened = open(shared, listener, peer, proof).await;
            if let Some((connection, queue)) = opened {
                bytes::carry(shared, connection, stream, queue).await;
            }
        }
        Transport::Wss => {
            let config = shared.settings.tls.browsers();
            let upgraded = timeout(HANDSHAKE_MAX, async {
                let stream = accept_tls(config, socket).await?;
                upgrade::accept(stream, &shared.settings, peer).await
            });
            if let Ok(Ok(upgraded)) = upgraded.await {
                converse(shared, listener, peer, upgraded).await;
            }
        }
        Transport::Ws => {
            let upgraded = upgrade::accept(socket, &shared.settings, peer);
            if let Ok(Ok(upgraded)) = timeout(HANDSHAKE_MAX, upgraded).await {
                converse(shared, listener, peer, upgraded).await;
            }
        }
        // The control thread polls these itself.
        Transport::Udp | Transport::Tcp => {}
    }
}

async fn accept_tls(
    config: Option<Arc<rustls::ServerConfig>>,
    socket: TcpStream,
) -> Result<TlsStream<TcpStream>, Refused> {
    let config = config.ok_or(Refused)?;
    let acceptor = TlsAcceptor::from(config);
    acceptor.accept(socket).await.map_err(|_| Refused)
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    shared: &Shared,
    listener: ListenerId,
    peer: SocketAddr,
    (socket, proof): (WebSocketStream<S>, Proof),
) {
    if let Some((connection, queue)) = open(shared, listener, peer, proof).await {
        messages::carry(shared, connection, socket, queue).await;
    }
}

/// Tells the control thread; None when it is gone.
async fn open(
    shared: &Shared,
    listener: ListenerId,
    peer: SocketAddr,
    proof: Proof,
) -> Option<(ConnectionId, mpsc::Receiver<Vec<u8>>)> {
    let connection = shared.number();
    let (outgoing, queue) = mpsc::channel(OUTGOING_MAX);
    let opened = News::Opened {
        connection,
        listener,
        peer,
        proof,
        outgoing: Some(outgoing),
    };
    shared.tell(opened).await.then_some((connection, queue))
}

/// Our own connection to a carrier: its certificate must be good for the name that the configuration gives it. Then
/// what comes on this connection is the carrier's (RFC 5923).
pub(super) async fn connect(
    shared: Arc<Shared>,
    (connection, listener, peer): (ConnectionId, ListenerId, SocketAddr),
    socket: std::net::TcpStream,
    carrier: Option<CarrierHost>,
    queue: mpsc::Receiver<Vec<u8>>,
) {
    let connected = timeout(CONNECT_MAX, async {
        let (config, name) = shared.settings.tls.client(peer.ip(), carrier.as_ref())?;
        let socket = TcpStream::from_std(socket).ok()?;
        socket.writable().await.ok()?;
        socket.take_error().ok().filter(Option::is_none)?;
        socket.set_nodelay(true).ok()?;
        let tried = TlsConnector::from(config).connect(name, socket).await;
        if let Err(error) = &tried {
            tracing::warn!(%peer, %error, "a TLS connection could not be made");
        }
        tried.ok()
    });
    let Ok(Some(stream)) = connected.await else {
        shared.tell(News::Closed { connection }).await;
        return;
    };
    let opened = News::Opened {
        connection,
        listener,
        peer,
        proof: carrier.map_or(Proof::None, |carrier| Proof::Trunk(carrier.trunk)),
        outgoing: None,
    };
    if shared.tell(opened).await {
        bytes::carry(&shared, connection, stream, queue).await;
    }
}
