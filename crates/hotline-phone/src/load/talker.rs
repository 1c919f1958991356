//! Makes the packets of one leg: a pre-built packet whose numbers change, and key presses in between.

use super::ident::{Ident, SEQUENCE_MASK};
use hotline_media::g711::{ALAW_SILENCE, Law, ULAW_SILENCE};
use hotline_media::{Codec, LegPlan};
use std::collections::VecDeque;

pub(crate) struct Talker {
    leg: u32,
    law: Law,
    payload_type: u8,
    event_type: u8,
    packet: [u8; PACKET_BYTES],
    event: [u8; EVENT_BYTES],
    sequence: u16,
    timestamp: u32,
    ident_next: u32,
    /// When the last idents left, by their low bits.
    sent_at: Box<[(u32, u64)]>,
    keys: VecDeque<u8>,
    key: Option<Key>,
    /// When the first and the last new packet of the latest key left.
    pub(crate) key_first_us: Option<u64>,
    pub(crate) key_end_us: Option<u64>,
}

struct Key {
    event: u8,
    began: u32,
    packets: u16,
}

/// What leaves now.
pub(crate) struct Slot<'a> {
    pub(crate) bytes: &'a [u8],
    /// RFC 4733 §2.5.1.4: the end of an event is sent three times.
    pub(crate) copies: u8,
}

impl Talker {
    pub(crate) fn new(leg: u32, plan: &LegPlan) -> Self {
        let law = law(plan.codec);
        let silence = match law {
            Law::A => ALAW_SILENCE,
            Law::Mu => ULAW_SILENCE,
        };
        let mut packet = [silence; PACKET_BYTES];
        let mut event = [0; EVENT_BYTES];
        let source = (0x4C4F_0000 + leg).to_be_bytes(); // Any SSRC that no other leg has.
        for head in [&mut packet[..], &mut event[..]] {
            head[0] = 0x80; // Version 2.
            head[8..HEADER_BYTES].copy_from_slice(&source);
        }
        Self {
            leg,
            law,
            payload_type: plan.payload_type,
            event_type: plan.event_send.unwrap_or(plan.payload_type),
            packet,
            event,
            sequence: 0,
            timestamp: 0,
            ident_next: 0,
            sent_at: vec![(u32::MAX, 0); SENT_KEPT].into(),
            keys: VecDeque::new(),
            key: None,
            key_first_us: None,
            key_end_us: None,
        }
    }

    /// The keys go one after the other from the next slot on.
    pub(crate) fn press(&mut self, digits: &str) {
        self.keys.extend(digits.bytes().filter_map(event_code));
    }

    /// When this ident left; None when it never did or is too old.
    pub(crate) fn sent_at(&self, sequence: u32) -> Option<u64> {
        let (kept, at) = self.sent_at.get(sequence as usize % SENT_KEPT)?;
        (*kept == sequence).then_some(*at)
    }

    /// The packet of this 20 ms slot.
    pub(crate) fn slot(&mut self, now_us: u64) -> Slot<'_> {
        self.timestamp = self.timestamp.wrapping_add(SAMPLES);
        self.sequence = self.sequence.wrapping_add(1);
        if self.key.is_none() {
            let began = self.timestamp;
            self.key = self.keys.pop_front().map(|event| Key {
                event,
                began,
                packets: 0,
            });
        }
        match self.key.take() {
            Some(key) => self.key_slot(key, now_us),
            None => self.audio_slot(now_us),
        }
    }

    fn audio_slot(&mut self, now_us: u64) -> Slot<'_> {
        let ident = Ident {
            leg: self.leg,
            sequence: self.ident_next,
        };
        self.ident_next = (self.ident_next + 1) & SEQUENCE_MASK;
        if let Some(kept) = self.sent_at.get_mut(ident.sequence as usize % SENT_KEPT) {
            *kept = (ident.sequence, now_us);
        }
        ident.write(self.law, &mut self.packet[HEADER_BYTES..]);
        head(
            &mut self.packet,
            self.payload_type,
            self.sequence,
            self.timestamp,
        );
        Slot {
            bytes: &self.packet,
            copies: 1,
        }
    }

    fn key_slot(&mut self, mut key: Key, now_us: u64) -> Slot<'_> {
        key.packets += 1;
        let (is_first, is_last) = (key.packets == 1, key.packets == KEY_PACKETS);
        // RFC 4733 §2.5.1.2: marker on the first packet, one timestamp for all.
        let marker = if is_first { 0x80 } else { 0 };
        head(
            &mut self.event,
            self.event_type | marker,
            self.sequence,
            key.began,
        );
        let duration = (key.packets * SAMPLES as u16).to_be_bytes();
        let end_and_volume = if is_last {
            0x80 | KEY_VOLUME
        } else {
            KEY_VOLUME
        };
        self.event[HEADER_BYTES..].copy_from_slice(&[
            key.event,
            end_and_volume,
            duration[0],
            duration[1],
        ]);
        if is_first {
            self.key_first_us = Some(now_us);
            self.key_end_us = None;
        }
        if is_last {
            self.key_end_us = Some(now_us);
        } else {
            self.key = Some(key);
        }
        Slot {
            bytes: &self.event,
            copies: if is_last { 3 } else { 1 },
        }
    }
}

/// The numbers in the audio survive the laws only, and so a load run offers nothing else.
pub(crate) fn law(codec: Codec) -> Law {
    codec.law().unwrap_or(Law::A)
}

fn head(packet: &mut [u8], payload_type: u8, sequence: u16, timestamp: u32) {
    packet[1] = payload_type;
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
}

/// RFC 4733 §3.2.
fn event_code(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'*' => Some(10),
        b'#' => Some(11),
        b'A'..=b'D' => Some(digit - b'A' + 12),
        _ => None,
    }
}

pub(crate) const HEADER_BYTES: usize = 12;
const PACKET_BYTES: usize = HEADER_BYTES + SAMPLES as usize;
const EVENT_BYTES: usize = HEADER_BYTES + 4;
/// 20 ms.
const SAMPLES: u32 = 160;
/// 100 ms.
const KEY_PACKETS: u16 = 5;
/// -10 dBm0.
const KEY_VOLUME: u8 = 10;
/// 20 s; older packets count as lost.
const SENT_KEPT: usize = 1_024;

#[cfg(test)]
mod tests;
