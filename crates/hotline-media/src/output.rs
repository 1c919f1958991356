//! What a shard wants done: one batch, filled again and again without allocating.

use std::net::SocketAddr;

use crate::message::Event;
use crate::tap::Item;

/// Place of a leg in its shard; used again after the leg has closed.
pub type Slot = usize;

/// Which of a leg's two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// RTCP, the odd port.
    Control,
    /// RTP, the even port.
    Media,
}

/// A datagram to send; its bytes lie in the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// From which leg.
    pub slot: Slot,
    /// From which socket.
    pub channel: Channel,
    /// Whereto.
    pub target: SocketAddr,
    start: usize,
    end: usize,
}

/// A batch of effects.
#[derive(Debug, Default)]
pub struct Output {
    bytes: Vec<u8>,
    packets: Vec<Outgoing>,
    /// To tell the owner, in order.
    pub events: Vec<Event>,
    /// For the recorder.
    pub items: Vec<Item>,
}

impl Output {
    /// Datagrams with their bytes, in order.
    pub fn datagrams(&self) -> impl Iterator<Item = (Outgoing, &[u8])> {
        self.packets
            .iter()
            .map(|packet| (*packet, &self.bytes[packet.start..packet.end]))
    }

    /// Forgets the datagrams; keeps their memory.
    pub fn clear_datagrams(&mut self) {
        self.bytes.clear();
        self.packets.clear();
    }

    /// Adds a datagram that `write` appends.
    pub(crate) fn push(
        &mut self,
        slot: Slot,
        channel: Channel,
        target: SocketAddr,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.packets.push(Outgoing {
            slot,
            channel,
            target,
            start,
            end: self.bytes.len(),
        });
    }
}
