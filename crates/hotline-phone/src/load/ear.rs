//! Judges the packets that one leg gets: relayed ones by their ident, the server's own by their timestamps.

use super::distribution::Distribution;
use super::ident::{Ident, SEQUENCE_MASK};
use super::talker::HEADER_BYTES;
use hotline_media::g711::Law;

/// What the ears of a run have heard while the window was open.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// One way, from our send to our receive.
    pub relay_latency: Distribution,
    /// Difference of two neighbours' latency: the jitter that the relay adds.
    pub relay_jitter: Distribution,
    /// |arrival gap - timestamp gap| of neighbouring packets that the server made.
    pub pacing_error: Distribution,
    /// Packets with an ident.
    pub relayed: u64,
    /// Missing idents.
    pub relayed_lost: u64,
    /// Idents that came twice or after a later one.
    pub relayed_disordered: u64,
    /// Packets without.
    pub made: u64,
    /// Missing sequence numbers among those.
    pub made_lost: u64,
    /// Not RTP, or shorter than an ident.
    pub malformed: u64,
}

/// The memory of one leg.
#[derive(Default)]
pub(crate) struct Ear {
    relayed: Option<Relayed>,
    made: Option<Made>,
}

struct Relayed {
    ident: Ident,
    latency_us: u64,
}

struct Made {
    source: [u8; 4],
    sequence: u16,
    timestamp: u32,
    arrived_us: u64,
}

/// What a packet was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Audio of the server itself.
    Made,
    /// Not audio.
    Other,
    /// Sent by this leg of ours.
    Relayed(u32),
}

impl Ear {
    /// One packet. `sent_at` tells when an ident left; `heard` is None while the window is shut.
    pub(crate) fn hear(
        &mut self,
        law: Law,
        payload_type: u8,
        packet: &[u8],
        arrived_us: u64,
        sent_at: impl FnOnce(Ident) -> Option<u64>,
        heard: Option<&mut Heard>,
    ) -> Sort {
        let (Some(header), Some(payload)) =
            (packet.get(..HEADER_BYTES), packet.get(HEADER_BYTES..))
        else {
            return malformed(heard);
        };
        // RFC 5761 §4: RTCP sent to a neighbouring port of ours.
        if (192..=223).contains(&header[1]) {
            return Sort::Other;
        }
        if header[0] != 0x80 {
            return malformed(heard);
        }
        if header[1] & 0x7F != payload_type {
            return Sort::Other; // A key press.
        }
        let ident = Ident::read(law, payload);
        match ident.and_then(|ident| Some((ident, sent_at(ident)?))) {
            Some((ident, sent_us)) => {
                self.made = None;
                let latency_us = arrived_us.saturating_sub(sent_us);
                let last = self.relayed.replace(Relayed { ident, latency_us });
                count_relayed(last, ident, latency_us, heard);
                Sort::Relayed(ident.leg)
            }
            None => {
                self.relayed = None;
                let made = Made {
                    source: four(header, 8),
                    sequence: u16::from_be_bytes([header[2], header[3]]),
                    timestamp: u32::from_be_bytes(four(header, 4)),
                    arrived_us,
                };
                let last = self.made.take();
                count_made(last, &made, heard);
                self.made = Some(made);
                Sort::Made
            }
        }
    }
}

fn count_relayed(last: Option<Relayed>, ident: Ident, latency_us: u64, heard: Option<&mut Heard>) {
    let Some(heard) = heard else { return };
    heard.relayed += 1;
    heard.relay_latency.add(latency_us);
    let Some(last) = last.filter(|last| last.ident.leg == ident.leg) else {
        return;
    };
    let step = ident.sequence.wrapping_sub(last.ident.sequence) & SEQUENCE_MASK;
    if step == 0 || step > SEQUENCE_MASK / 2 {
        heard.relayed_disordered += 1;
        return;
    }
    heard.relayed_lost += u64::from(step - 1);
    heard.relay_jitter.add(latency_us.abs_diff(last.latency_us));
}

fn count_made(last: Option<Made>, made: &Made, heard: Option<&mut Heard>) {
    let Some(heard) = heard else { return };
    heard.made += 1;
    let Some(last) = last.filter(|last| last.source == made.source) else {
        return;
    };
    let step = made.sequence.wrapping_sub(last.sequence);
    if step == 0 || step > u16::MAX / 2 {
        return; // Late or twice: the next one is judged against it.
    }
    heard.made_lost += u64::from(step - 1);
    let gap_us = u64::from(made.timestamp.wrapping_sub(last.timestamp)) * 125;
    // A timestamp line that begins anew is another stream.
    if gap_us <= GAP_US_MAX {
        heard
            .pacing_error
            .add((made.arrived_us - last.arrived_us.min(made.arrived_us)).abs_diff(gap_us));
    }
}

fn malformed(heard: Option<&mut Heard>) -> Sort {
    if let Some(heard) = heard {
        heard.malformed += 1;
    }
    Sort::Other
}

fn four(bytes: &[u8], at: usize) -> [u8; 4] {
    [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
}

/// Longer silences between two packets of one stream are pauses, not pacing.
const GAP_US_MAX: u64 = 1_000_000;

#[cfg(test)]
mod tests;
