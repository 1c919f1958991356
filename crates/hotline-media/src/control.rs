//! RTCP: our sender and receiver reports, and what the peer's reports say about us (RFC 3550 §6).

use bytes::Bytes;
use rtcp::packet::Packet;
use rtcp::receiver_report::ReceiverReport;
use rtcp::reception_report::ReceptionReport;
use rtcp::sender_report::SenderReport;
use rtcp::source_description::{
    SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem,
};

use crate::receive::ReportBlock;
use crate::time::Mono;

/// The peer's last sender report, to be named in ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastSenderReport {
    middle: u32,
    at: Mono,
}

/// What a datagram of the peer says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// The source that rule M locked says it.
    pub(crate) is_peer: bool,
    /// It was a sender report.
    pub(crate) sender_report: Option<LastSenderReport>,
    /// Packets that it says to have sent.
    pub(crate) sent: Option<u32>,
    /// Round trip by its block about us, microseconds.
    pub(crate) round_trip_us: Option<u32>,
    /// What of ours it says to have got.
    pub(crate) about_us: Option<AboutUs>,
}

/// How a peer hears us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AboutUs {
    /// Packets that it misses.
    pub(crate) lost: u32,
    /// Highest sequence number that it got, extended.
    pub(crate) highest_sequence: u32,
}

/// What a report of ours says about our own sending.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending {
    /// Timestamp of the line now.
    pub(crate) timestamp: u32,
    /// Packets.
    pub(crate) packets: u64,
    /// Payload bytes.
    pub(crate) octets: u64,
}

/// Makes a compound report: sender or receiver report, then the name. Twice in ten seconds a leg, so that the
/// allocations of the `rtcp` crate do not matter.
pub(crate) fn report(
    now: Mono,
    ssrc: u32,
    name: &str,
    sending: Option<Sending>,
    block: Option<ReportBlock>,
    last: Option<LastSenderReport>,
) -> Option<Bytes> {
    let reports: Vec<ReceptionReport> = block
        .map(|block| reception(now, block, last))
        .into_iter()
        .collect();
    let first: Box<dyn Packet + Send + Sync> = match sending {
        Some(sending) => Box::new(SenderReport {
            ssrc,
            ntp_time: network_time(now),
            rtp_time: sending.timestamp,
            packet_count: sending.packets as u32,
            octet_count: sending.octets as u32,
            reports,
            profile_extensions: Bytes::new(),
        }),
        None => Box::new(ReceiverReport {
            ssrc,
            reports,
            profile_extensions: Bytes::new(),
        }),
    };
    let item = SourceDescriptionItem {
        sdes_type: SdesType::SdesCname,
        text: Bytes::copy_from_slice(name.as_bytes()),
    };
    let description = SourceDescription {
        chunks: vec![SourceDescriptionChunk {
            source: ssrc,
            items: vec![item],
        }],
    };
    rtcp::packet::marshal(&[first, Box::new(description)]).ok()
}

fn reception(now: Mono, block: ReportBlock, last: Option<LastSenderReport>) -> ReceptionReport {
    let delay = last.map_or(0, |last| fraction_65536(now.0.saturating_sub(last.at.0)));
    ReceptionReport {
        ssrc: block.ssrc,
        fraction_lost: block.fraction_lost,
        total_lost: block.lost,
        last_sequence_number: block.highest_sequence,
        jitter: block.jitter,
        last_sender_report: last.map_or(0, |last| last.middle),
        delay,
    }
}

/// Reads a compound datagram by hand: fixed offsets, lengths checked, nothing allocated, nothing believed about
/// other sources. `peer` is the SSRC that rule M locked; None when the datagram is not well-formed RTCP.
pub(crate) fn read(now: Mono, datagram: &[u8], ours: u32, peer: Option<u32>) -> Option<Heard> {
    let mut heard = Heard::default();
    let mut rest = datagram;
    for _ in 0..PACKETS_MAX {
        let [first, kind, high, low, ..] = *rest else {
            break;
        };
        if first >> 6 != 2 {
            return None;
        }
        let length = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
        let (packet, next) = rest.split_at_checked(length)?;
        let blocks_at = match kind {
            SENDER_REPORT => SENDER_BLOCKS_AT,
            RECEIVER_REPORT => RECEIVER_BLOCKS_AT,
            _ => packet.len(),
        };
        let ssrc = word(packet, 4);
        heard.is_peer |= peer.is_some() && ssrc == peer;
        let is_peer = peer.is_none() || ssrc == peer;
        if kind == SENDER_REPORT && is_peer {
            let (seconds, fraction) = (word(packet, 8)?, word(packet, 12)?);
            heard.sender_report = Some(LastSenderReport {
                middle: (seconds << 16) | (fraction >> 16),
                at: now,
            });
            heard.sent = word(packet, 20);
        }
        let blocks = packet
            .get(blocks_at..)
            .unwrap_or_default()
            .chunks_exact(BLOCK_BYTES);
        for block in blocks.take(usize::from(first & 0x1F)) {
            if word(block, 0) == Some(ours) && is_peer {
                // RFC 3550 §6.4.1: 24 bits with a sign; duplicates may make it fall below nothing.
                let lost = word(block, 4)? & 0x00FF_FFFF;
                heard.about_us = Some(AboutUs {
                    lost: if lost & 0x0080_0000 == 0 { lost } else { 0 },
                    highest_sequence: word(block, 8)?,
                });
                heard.round_trip_us =
                    round_trip(now, word(block, 16)?, word(block, 20)?).or(heard.round_trip_us);
            }
        }
        rest = next;
    }
    (!datagram.is_empty() && rest.len() < 4).then_some(heard)
}

/// RFC 3550 §6.4.1: A - LSR - DLSR.
fn round_trip(now: Mono, last: u32, delay: u32) -> Option<u32> {
    if last == 0 {
        return None;
    }
    let middle = (network_time(now) >> 16) as u32;
    let elapsed = middle.wrapping_sub(last).wrapping_sub(delay);
    let microseconds = u64::from(elapsed) * 1_000_000 / 65_536;
    // A peer that answers with nonsense is not believed.
    (microseconds <= ROUND_TRIP_US_MAX).then(|| (microseconds as u32).max(1))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// RFC 3550 §4: a sender without the time of day uses any clock that runs; ours is the shard's.
fn network_time(now: Mono) -> u64 {
    let (seconds, micros) = (now.0 / 1_000_000 + CLOCK_START_SECONDS, now.0 % 1_000_000);
    (seconds << 32) | ((micros << 32) / 1_000_000)
}

fn fraction_65536(microseconds: u64) -> u32 {
    u32::try_from(microseconds.saturating_mul(65_536) / 1_000_000).unwrap_or(u32::MAX)
}

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SENDER_BLOCKS_AT: usize = 28;
const RECEIVER_BLOCKS_AT: usize = 8;
const BLOCK_BYTES: usize = 24;
const PACKETS_MAX: usize = 16;
const ROUND_TRIP_US_MAX: u64 = 10_000_000;
/// Any value but 0, so that no report ever carries "never" as its time.
const CLOCK_START_SECONDS: u64 = 1_000;

#[cfg(test)]
mod tests;
