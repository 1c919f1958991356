//! A WebSocket connection (RFC 6455, RFC 7118): one message a frame both ways, pings, and an end with a reason.

use super::{News, Shared, WRITE_MAX};
use futures_util::{SinkExt, StreamExt};
use hotline_sip::ConnectionId;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// We ping so often: proxies and NATs forget a silent connection after a minute, and a laptop whose lid was closed is
/// noticed.
const PING_EVERY: Duration = Duration::from_secs(15);
/// Pings without any sign of life before the connection is given up: 45 s at most.
const PINGS_OWED_MAX: u32 = 2;
/// Control frames of a peer between two of our pings; more is an attack.
const CONTROLS_MAX: u32 = 64;

/// Carries messages until the peer, the control thread or an error ends it.
pub(super) async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
    shared: &Shared,
    connection: ConnectionId,
    mut socket: WebSocketStream<S>,
    mut queue: mpsc::Receiver<Vec<u8>>,
) {
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut pings_owed, mut controls) = (0, 0);
    let reason = loop {
        tokio::select! {
            received = socket.next() => {
                pings_owed = 0;
                let bytes = match received {
                    Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                    Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                        controls += 1;
                        if controls > CONTROLS_MAX {
                            break Some(CloseCode::Policy);
                        }
                        continue;
                    }
                    Some(Ok(Message::Close(_))) | None => break None,
                    Some(Err(error)) => break code(&error),
                };
                if !shared.tell(News::Message { connection, bytes }).await {
                    break Some(CloseCode::Away);
                }
            }
            queued = queue.recv() => {
                let Some(bytes) = queued else { break Some(CloseCode::Normal) };
                if !send(&mut socket, message(bytes)).await {
                    break None;
                }
            }
            _ = pings.tick() => {
                controls = 0;
                pings_owed += 1;
                let ping = Message::Ping(Vec::new().into());
                if pings_owed > PINGS_OWED_MAX || !send(&mut socket, ping).await {
                    break None;
                }
            }
        }
    };
    shared.tell(News::Closed { connection }).await;
    // Whoever broke the rules is told so (RFC 6455 §7.4.1), if it still listens.
    let frame = reason.map(|code| CloseFrame {
        code,
        reason: Utf8Bytes::default(),
    });
    timeout(WRITE_MAX, socket.close(frame)).await.ok();
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    message: Message,
) -> bool {
    matches!(timeout(WRITE_MAX, socket.send(message)).await, Ok(Ok(())))
}

/// RFC 7118 §5: SIP is sent as text where it is UTF-8; some libraries take nothing else.
fn message(bytes: Vec<u8>) -> Message {
    match String::from_utf8(bytes) {
        Ok(text) => Message::Text(text.into()),
        Err(error) => Message::Binary(error.into_bytes().into()),
    }
}

/// Why a connection is ended; None when the transport itself is gone.
fn code(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Capacity(_) => Some(CloseCode::Size),
        Error::Protocol(_) => Some(CloseCode::Protocol),
        Error::Utf8(_) => Some(CloseCode::Invalid),
        _ => None,
    }
}
