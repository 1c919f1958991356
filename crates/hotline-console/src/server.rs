//! The listener: loopback only, few connections, none of them for long.

use crate::{ConsoleState, router};
use axum::serve::Listener;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Connections at once; one more waits in the kernel until one ends.
const CONNECTIONS_MAX: usize = 64;
/// A connection without a byte either way ends.
const IDLE_MAX: Duration = Duration::from_secs(10);
/// However busy, a connection ends: whoever dribbles bytes does not keep a place. Scrapers connect again.
const LIFE_MAX: Duration = Duration::from_secs(120);
/// After the stop, answers under way get so long.
const STOP_MAX: Duration = Duration::from_secs(3);
/// After a failed accept (no more descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why there is no console.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The address is taken or not there.
    #[error("listening for HTTP on {address}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Until accounts exist, whoever can connect can read.
    #[error(
        "the HTTP address {address} is not a loopback address; until accounts exist it must be"
    )]
    NotLoopback {
        /// Which.
        address: SocketAddr,
    },
}

/// A bound console.
pub struct Console {
    listener: TcpListener,
    address: SocketAddr,
    state: ConsoleState,
}

impl Console {
    /// Binds. Port 0 takes a free one.
    ///
    /// # Errors
    /// The address is not loopback, or taken.
    pub async fn bind(address: SocketAddr, state: ConsoleState) -> Result<Self, ConsoleError> {
        if !address.ip().is_loopback() {
            return Err(ConsoleError::NotLoopback { address });
        }
        let failed = |source| ConsoleError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            listener,
            address,
            state,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is true or its sender gone; then finishes answers under way, for 3 s at most.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let listener = Guarded {
            listener: self.listener,
            places,
        };
        let (mut graceful, mut hard) = (stop.clone(), stop);
        let service =
            axum::serve(listener, router(self.state)).with_graceful_shutdown(async move {
                graceful.wait_for(|is_stopping| *is_stopping).await.ok();
            });
        tokio::select! {
            // It accepts for ever and has no failure of its own.
            _served = service => {}
            () = async move {
                hard.wait_for(|is_stopping| *is_stopping).await.ok();
                sleep(STOP_MAX).await;
            } => {}
        }
    }
}

struct Guarded {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Listener for Guarded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            // The semaphore is never closed; if it were, nobody could be served.
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                std::future::pending::<()>().await;
                continue;
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => return (Connection::new(stream, place), peer),
                Err(_no_descriptors_or_gone_already) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection with a place and two deadlines.
struct Connection {
    stream: TcpStream,
    deadline: Pin<Box<Sleep>>,
    ends_at: Instant,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> Self {
        let now = Instant::now();
        Self {
            stream,
            deadline: Box::pin(sleep_until(now + IDLE_MAX)),
            ends_at: now + LIFE_MAX,
            _place: place,
        }
    }

    /// Bytes moved: the idle time begins anew, the life does not.
    fn moved(&mut self) {
        let deadline = (Instant::now() + IDLE_MAX).min(self.ends_at);
        self.deadline.as_mut().reset(deadline);
    }

    fn check<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match result {
            Poll::Ready(Ok(done)) if Instant::now() < self.ends_at => {
                self.moved();
                Poll::Ready(Ok(done))
            }
            Poll::Ready(Ok(_too_late)) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending if self.deadline.as_mut().poll(context).is_ready() => {
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.check(context, result)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.check(context, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
