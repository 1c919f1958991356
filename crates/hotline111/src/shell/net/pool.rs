//! Connections that begin with a handshake (TLS, WebSocket): each is a task of the pool, joined to the control thread
//! by bounded queues. The control thread never waits for one of them, and they never for each other.

mod accept;
mod bytes;
mod messages;
mod places;
mod upgrade;

use crate::shell::tickets::Tickets;
use crate::shell::tls::Tls;
use hotline_sip::{CarrierHost, ConnectionId, Input, ListenerId, Proof, Transport};
use mio::Waker;
use places::Places;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Numbers of these connections: never those of the streams that the control thread polls, nor those of the endpoint.
const FIRST_CONNECTION: ConnectionId = 1 << 62;
/// News that wait for the control thread: at most 64 KiB each, so 16 MiB. A task whose news finds no place waits, and
/// with it its own peer only.
const NEWS_MAX: usize = 256;
/// News taken in one round.
const NEWS_PER_ROUND: usize = 64;
/// Messages that wait for one peer; a peer that is so far behind is cut.
const OUTGOING_MAX: usize = 64;
/// TLS and the WebSocket upgrade together: with the endpoint's own limit for a first message (15 s) a slow stranger is
/// gone within 30 s.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// A peer that takes nothing for so long is cut.
const WRITE_MAX: Duration = Duration::from_secs(10);
/// Connecting to a carrier.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// What the tasks need to know.
pub(crate) struct PoolSettings {
    /// The pool.
    pub(crate) runtime: Handle,
    /// Certificates in force.
    pub(crate) tls: Arc<Tls>,
    /// Browser tickets.
    pub(crate) tickets: Arc<Tickets>,
    /// Pages that may open a WebSocket, besides our own host's: `https://desk.example.vn`.
    pub(crate) origins: Vec<String>,
    /// Addresses that always find a place.
    pub(crate) carriers: BTreeSet<IpAddr>,
}

/// The control thread's end of all such connections.
pub(super) struct Pool {
    outgoing: BTreeMap<ConnectionId, mpsc::Sender<Vec<u8>>>,
    news: mpsc::Receiver<News>,
    shared: Arc<Shared>,
}

/// The tasks' end.
struct Shared {
    settings: PoolSettings,
    waker: Arc<Waker>,
    news: mpsc::Sender<News>,
    places: Arc<Places>,
    next_connection: AtomicU64,
}

/// What a task tells.
enum News {
    Opened {
        connection: ConnectionId,
        listener: ListenerId,
        peer: SocketAddr,
        proof: Proof,
        /// None when we asked for the connection: the queue is there already.
        outgoing: Option<mpsc::Sender<Vec<u8>>>,
    },
    Bytes {
        connection: ConnectionId,
        bytes: Vec<u8>,
    },
    Message {
        connection: ConnectionId,
        bytes: Vec<u8>,
    },
    Closed {
        connection: ConnectionId,
    },
}

impl Pool {
    pub(super) fn new(settings: PoolSettings, waker: Arc<Waker>) -> Self {
        let (sender, news) = mpsc::channel(NEWS_MAX);
        let places = Arc::new(Places::new(settings.carriers.clone()));
        Self {
            outgoing: BTreeMap::new(),
            news,
            shared: Arc::new(Shared {
                settings,
                waker,
                news: sender,
                places,
                next_connection: AtomicU64::new(FIRST_CONNECTION),
            }),
        }
    }

    /// Accepts on a bound socket from now on.
    pub(super) fn listen(
        &self,
        id: ListenerId,
        transport: Transport,
        listener: std::net::TcpListener,
    ) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let runtime = &self.shared.settings.runtime;
        let _guard = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let shared = Arc::clone(&self.shared);
        runtime.spawn(accept::serve(listener, id, transport, shared));
        Ok(())
    }

    /// Connects by TLS; `StreamOpened` or `StreamClosed` follows from [`read`](Self::read).
    pub(super) fn connect(
        &mut self,
        connection: ConnectionId,
        (listener, peer): (ListenerId, SocketAddr),
        socket: std::net::TcpStream,
        carrier: Option<CarrierHost>,
    ) {
        let (outgoing, queue) = mpsc::channel(OUTGOING_MAX);
        self.outgoing.insert(connection, outgoing);
        let shared = Arc::clone(&self.shared);
        self.shared.settings.runtime.spawn(accept::connect(
            shared,
            (connection, listener, peer),
            socket,
            carrier,
            queue,
        ));
    }

    /// Takes what the tasks have told.
    pub(super) fn read(&mut self, inputs: &mut Vec<Input>) {
        for _ in 0..NEWS_PER_ROUND {
            let Ok(news) = self.news.try_recv() else {
                return;
            };
            match news {
                News::Opened {
                    connection,
                    listener,
                    peer,
                    proof,
                    outgoing,
                } => {
                    if let Some(outgoing) = outgoing {
                        self.outgoing.insert(connection, outgoing);
                    }
                    // What we asked for may have been closed meanwhile.
                    if self.is_open(connection) {
                        inputs.push(Input::StreamOpened {
                            connection,
                            listener,
                            peer,
                            proof,
                        });
                    }
                }
                // Of a connection that we have closed nothing more is heard.
                News::Bytes { connection, bytes } if self.is_open(connection) => {
                    inputs.push(Input::StreamBytes { connection, bytes });
                }
                News::Message { connection, bytes } if self.is_open(connection) => {
                    inputs.push(Input::StreamMessage { connection, bytes });
                }
                News::Closed { connection } if self.outgoing.remove(&connection).is_some() => {
                    inputs.push(Input::StreamClosed { connection });
                }
                News::Bytes { .. } | News::Message { .. } | News::Closed { .. } => {}
            }
        }
    }

    pub(super) fn has_unread(&self) -> bool {
        !self.news.is_empty()
    }

    pub(super) fn is_open(&self, connection: ConnectionId) -> bool {
        self.outgoing.contains_key(&connection)
    }

    /// Queues a message; false when the connection is gone or its peer too slow (it is closed then).
    pub(super) fn write(&mut self, connection: ConnectionId, bytes: &[u8]) -> bool {
        let is_taken = self
            .outgoing
            .get(&connection)
            .is_some_and(|outgoing| outgoing.try_send(bytes.to_vec()).is_ok());
        if !is_taken {
            self.close(connection);
        }
        is_taken
    }

    /// The task sends what is queued, says goodbye and ends; unknown ones are normal.
    pub(super) fn close(&mut self, connection: ConnectionId) {
        self.outgoing.remove(&connection);
    }

    pub(super) fn len(&self) -> usize {
        self.outgoing.len()
    }

    /// Messages wait for a peer.
    pub(super) fn has_unsent(&self) -> bool {
        self.outgoing
            .values()
            .any(|outgoing| outgoing.capacity() < outgoing.max_capacity())
    }
}

impl Shared {
    fn number(&self) -> ConnectionId {
        self.next_connection.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits for a place in the queue; false when the control thread is gone.
    async fn tell(&self, news: News) -> bool {
        self.news.send(news).await.is_ok() && self.waker.wake().is_ok()
    }
}
