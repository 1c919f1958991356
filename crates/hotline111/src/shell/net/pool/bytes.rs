//! A TLS connection: bytes both ways until one side ends it.

use super::{News, Shared, WRITE_MAX};
use hotline_sip::ConnectionId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Read at once: a TLS record.
const READ_BYTES: usize = 16_384;

/// Carries bytes until the peer, the control thread or an error ends it.
pub(super) async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
    shared: &Shared,
    connection: ConnectionId,
    mut stream: S,
    mut queue: mpsc::Receiver<Vec<u8>>,
) {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        tokio::select! {
            read = stream.read(&mut buffer) => {
                let bytes = match read {
                    Ok(length) if length > 0 => buffer.get(..length).unwrap_or_default().to_vec(),
                    Ok(_) | Err(_) => break,
                };
                if !shared.tell(News::Bytes { connection, bytes }).await {
                    break;
                }
            }
            queued = queue.recv() => {
                let Some(bytes) = queued else { break };
                let written = timeout(WRITE_MAX, write(&mut stream, &bytes)).await;
                if !matches!(written, Ok(Ok(()))) {
                    break;
                }
            }
        }
    }
    shared.tell(News::Closed { connection }).await;
    // The close_notify is a courtesy; the peer may be gone.
    timeout(WRITE_MAX, stream.shutdown()).await.ok();
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}
