//! The RTP sockets of a load run: a few, shared by all legs; whose a packet is, its source tells.

use crate::error::Error;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use std::io::{ErrorKind, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

pub(crate) struct Sockets {
    sockets: Vec<Socket>,
    token_first: usize,
    buffer: Vec<u8>,
    /// Packets that the kernel did not take.
    pub(crate) refused: u64,
}

struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
}

impl Sockets {
    /// Even indices for callers, odd ones for counsellors, each at their own address.
    pub(crate) fn open(
        registry: &Registry,
        (callers, counsellors): (IpAddr, IpAddr),
        count: usize,
        token_first: usize,
    ) -> Result<Self, Error> {
        let mut sockets = Vec::with_capacity(count);
        for index in 0..count {
            let local = if index.is_multiple_of(2) {
                callers
            } else {
                counsellors
            };
            let mut socket = bind_even(local)?;
            registry
                .register(&mut socket, Token(token_first + index), Interest::READABLE)
                .map_err(Error::system("a place in epoll"))?;
            let state = UdpSocketState::new((&socket).into())
                .map_err(Error::system("batches on a socket"))?;
            // Capped by net.core.rmem_max; what does not fit shows as loss.
            let _ = state.set_recv_buffer_size((&socket).into(), RECEIVE_BUFFER_BYTES);
            let local = socket
                .local_addr()
                .map_err(Error::system("the port of a socket"))?;
            sockets.push(Socket {
                socket,
                state,
                local,
            });
        }
        Ok(Self {
            sockets,
            token_first,
            buffer: vec![0; BATCH * SLOT_BYTES],
            refused: 0,
        })
    }

    /// The socket of a leg.
    pub(crate) fn index(&self, leg: usize, is_caller: bool) -> usize {
        let pairs = (self.sockets.len() / 2).max(1);
        leg % pairs * 2 + usize::from(!is_caller)
    }

    /// For its session description.
    pub(crate) fn local(&self, index: usize) -> (IpAddr, u16) {
        self.sockets
            .get(index)
            .map_or((IpAddr::from([0, 0, 0, 0]), 0), |one| {
                (one.local.ip(), one.local.port())
            })
    }

    pub(crate) fn send(&mut self, index: usize, destination: SocketAddr, bytes: &[u8]) {
        let Some(socket) = self.sockets.get(index) else {
            return;
        };
        if socket.socket.send_to(bytes, destination).is_err() {
            self.refused += 1;
        }
    }

    /// Everything that waits on the socket of this token; false when it is none of these.
    pub(crate) fn receive(
        &mut self,
        token: Token,
        mut take: impl FnMut(SocketAddr, &[u8]),
    ) -> bool {
        let index = token.0.wrapping_sub(self.token_first);
        let Some(socket) = self.sockets.get(index) else {
            return false;
        };
        let mut meta = [RecvMeta::default(); BATCH];
        loop {
            let mut chunks = self.buffer.chunks_mut(SLOT_BYTES);
            let mut slices: [IoSliceMut<'_>; BATCH] =
                std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
            match socket
                .state
                .recv(UdpSockRef::from(&socket.socket), &mut slices, &mut meta)
            {
                Ok(count) => {
                    for (meta, slice) in meta.iter().zip(&slices).take(count) {
                        let bytes = slice.get(..meta.len).unwrap_or_default();
                        bytes
                            .chunks(meta.stride.max(1))
                            .for_each(|datagram| take(meta.addr, datagram));
                    }
                    // A short batch has met the end of the queue: what comes later makes a new edge.
                    if count < BATCH {
                        return true;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Empty, or an ICMP error of a leg that is gone.
                Err(_) => return true,
            }
        }
    }
}

/// RFC 3550 §11: RTP on an even port. The odd neighbour is not needed: RTCP to it is nobody's.
fn bind_even(local: IpAddr) -> Result<UdpSocket, Error> {
    let address = SocketAddr::new(local, 0);
    let bind = |source| Error::Bind { address, source };
    // Odd ones are kept until the end, so that the kernel gives others.
    let mut odd = Vec::new();
    for _ in 0..BIND_TRIES {
        let socket = UdpSocket::bind(address).map_err(bind)?;
        if socket.local_addr().map_err(bind)?.port().is_multiple_of(2) {
            return Ok(socket);
        }
        odd.push(socket);
    }
    Err(bind(ErrorKind::AddrInUse.into()))
}

/// Datagrams a system call.
const BATCH: usize = 32;
/// A datagram of G.711, or a few merged ones.
const SLOT_BYTES: usize = 2_048;
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;
const BIND_TRIES: usize = 64;
