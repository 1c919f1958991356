//! What a leg sends, in packets as long as its peer wants them.

use std::net::SocketAddr;

use super::{Leg, header};
use crate::line::{Line, Numbers};
use crate::mouth::Said;
use crate::output::{Output, Slot};
use crate::packer::{PACKET_MS, Packer};
use crate::packet::PAYLOAD_BYTES_MAX;
use crate::srtp::Cover;
use crate::time::Mono;

/// Where the packets of a leg go, and what they get on the way.
pub(super) struct Way<'a> {
    pub(super) slot: Slot,
    pub(super) target: SocketAddr,
    pub(super) payload_type: u8,
    pub(super) cover: &'a mut Cover,
    pub(super) line: &'a mut Line,
    pub(super) packer: Option<&'a mut Packer>,
}

impl Way<'_> {
    /// Sends what stands at `numbers` on the line.
    pub(super) fn send(self, now: Mono, numbers: Numbers, said: Said<'_>, out: &mut Output) {
        let Way {
            slot,
            target,
            payload_type,
            cover,
            line,
            packer,
        } = self;
        let mut emit = emitter((slot, target, payload_type), cover, line, out);
        match packer {
            None => said.pieces().for_each(|piece| emit(numbers, piece)),
            Some(packer) => packer.put_all(now, numbers, said, &mut emit),
        }
    }
}

impl Leg {
    /// Whether what is sent now goes through the packer: the peer wants another length than it has. Once that was
    /// so, always, for the numbers have gone apart.
    pub(super) fn packs(&mut self, numbers: Numbers, units: u32) -> bool {
        let plan = &self.plan;
        if self.packer.is_none()
            && let Some(packet_ms) = plan.packet_ms
        {
            let wanted = u32::from(packet_ms) * plan.codec.clock().units_a_ms;
            // A packet of Opus cannot be cut: one that is too long goes as it is.
            let is_other = units < wanted || (units > wanted && !plan.codec.is_whole());
            if is_other {
                let packer = Packer::new(plan.codec, plan.packet_ms, numbers);
                self.packer = Some(Box::new(packer));
            }
        }
        self.packer.is_some()
    }

    /// The same for what we make, in frames of 20 ms.
    pub(super) fn packs_frames(&mut self, numbers: Numbers) {
        if self.packer.is_none()
            && self
                .plan
                .packet_ms
                .is_some_and(|packet_ms| packet_ms != PACKET_MS)
        {
            let packer = Packer::new(self.plan.codec, self.plan.packet_ms, numbers);
            self.packer = Some(Box::new(packer));
        }
    }

    /// Passes a partner's payload on through the packer.
    pub(super) fn pack(
        &mut self,
        now: Mono,
        target: SocketAddr,
        numbers: Numbers,
        payload: &[u8],
        out: &mut Output,
    ) {
        let way = Way {
            slot: self.slot,
            target,
            payload_type: self.plan.payload_type,
            cover: &mut self.cover,
            line: &mut self.line,
            packer: self.packer.as_deref_mut(),
        };
        way.send(now, numbers, Said::one(payload), out);
    }

    /// What is held goes out before a key, which then has the next number.
    pub(super) fn flush_before_event(
        &mut self,
        target: SocketAddr,
        out: &mut Output,
    ) -> Option<u16> {
        let packer = self.packer.as_mut()?;
        let way = (self.slot, target, self.plan.payload_type);
        let mut emit = emitter(way, &mut self.cover, &mut self.line, out);
        Some(packer.interrupt(&mut emit))
    }

    /// What is held and was followed by nothing goes out.
    pub(super) fn flush_stale(&mut self, now: Mono, out: &mut Output) {
        if self.packer.is_none() {
            return;
        }
        let Some(target) = self.target() else { return };
        if let Some(packer) = &mut self.packer {
            let way = (self.slot, target, self.plan.payload_type);
            packer.flush_stale(now, &mut emitter(way, &mut self.cover, &mut self.line, out));
        }
    }
}

/// Puts packets on the wire and counts them.
fn emitter<'a>(
    (slot, target, payload_type): (Slot, SocketAddr, u8),
    cover: &'a mut Cover,
    line: &'a mut Line,
    out: &'a mut Output,
) -> impl FnMut(Numbers, &[u8]) + 'a {
    move |numbers, payload| {
        line.packets += 1;
        line.octets += payload.len() as u64;
        cover.send(slot, target, out, |bytes| {
            header(bytes, numbers, payload_type);
            bytes.extend_from_slice(payload);
        });
    }
}

/// A payload of one law in the other.
pub(super) fn translate<'a>(
    payload: &[u8],
    table: &[u8; 256],
    room: &'a mut [u8; PAYLOAD_BYTES_MAX],
) -> &'a [u8] {
    for (translated, code) in room.iter_mut().zip(payload) {
        *translated = table[usize::from(*code)];
    }
    &room[..payload.len().min(PAYLOAD_BYTES_MAX)]
}
