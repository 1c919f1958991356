//! The upgrade to a WebSocket (RFC 6455 §4.2, RFC 7118 §4): sub-protocol `sip`, a page that we know, a ticket if there
//! is one. The URL holds the ticket and is never logged.

use super::PoolSettings;
use hotline_sip::Proof;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::header::{HOST, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

/// Larger than any SIP message that we take (RFC 7118 §5: one message, one frame).
const MESSAGE_BYTES_MAX: usize = 65_536;
/// Begin of a connection's buffers: a REGISTER fits.
const BUFFER_BYTES: usize = 4_096;

/// The handshake failed; the peer has been told if that was possible.
pub(super) struct Refused;

/// Reads the request and answers it.
#[allow(
    clippy::result_large_err,
    reason = "the answer is the type of the library"
)]
pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    settings: &PoolSettings,
    peer: SocketAddr,
) -> Result<(WebSocketStream<S>, Proof), Refused> {
    let mut proof = Proof::None;
    let judge = |request: &Request, mut response: Response| match judge(request, settings) {
        Ok(proved) => {
            proof = proved;
            response
                .headers_mut()
                .insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
            Ok(response)
        }
        Err(refusal) => {
            tracing::info!(%peer, reason = refusal.reason, "a WebSocket was refused");
            Err(refusal.response())
        }
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MESSAGE_BYTES_MAX)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let accepted = accept_hdr_async_with_config(stream, judge, Some(config)).await;
    accepted.map(|socket| (socket, proof)).map_err(|_| Refused)
}

/// Why not.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    status: StatusCode,
    reason: &'static str,
}

impl Refusal {
    fn response(&self) -> ErrorResponse {
        let mut response = ErrorResponse::new(Some(self.reason.to_owned()));
        *response.status_mut() = self.status;
        response
    }
}

fn judge(request: &Request, settings: &PoolSettings) -> Result<Proof, Refusal> {
    if !has_protocol(request.headers()) {
        return Err(Refusal {
            status: StatusCode::BAD_REQUEST,
            reason: "sub-protocol sip is missing",
        });
    }
    if !is_known_page(request.headers(), &settings.origins) {
        return Err(Refusal {
            status: StatusCode::FORBIDDEN,
            reason: "foreign page",
        });
    }
    let Some(ticket) = ticket(request.uri()) else {
        return Ok(Proof::None);
    };
    match settings.tickets.redeem(ticket) {
        Some(user) => Ok(Proof::Account(user)),
        None => Err(Refusal {
            status: StatusCode::FORBIDDEN,
            reason: "ticket not valid",
        }),
    }
}

/// RFC 7118 §4.1: the client must name it, among others perhaps.
fn has_protocol(headers: &HeaderMap) -> bool {
    let named = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    named
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|protocol| protocol.trim().eq_ignore_ascii_case(PROTOCOL))
}

/// RFC 6455 §10.2: a browser names the page that asks. Programs that are no browsers name none; what they say of
/// themselves proves nothing, and they have no user whose rights could be borrowed.
fn is_known_page(headers: &HeaderMap, origins: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let is_listed = origins
        .iter()
        .any(|known| known.eq_ignore_ascii_case(origin.trim_end_matches('/')));
    is_listed || is_own_host(origin, headers, HOST)
}

/// A page of the very host (and port) that is asked.
fn is_own_host(origin: &str, headers: &HeaderMap, host: HeaderName) -> bool {
    let Some((_, of_page)) = origin.split_once("://") else {
        return false;
    };
    headers
        .get(host)
        .and_then(|host| host.to_str().ok())
        .is_some_and(|asked| asked.eq_ignore_ascii_case(of_page))
}

/// `?ticket=`: browsers can set no header on an upgrade, but a URL is theirs to choose.
fn ticket(uri: &Uri) -> Option<&str> {
    uri.query()?
        .split('&')
        .find_map(|pair| pair.strip_prefix("ticket="))
}

const PROTOCOL: &str = "sip";
