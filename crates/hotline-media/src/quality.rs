//! What a call is worth to who hears it: the E-model (ITU-T G.107) cut down to what a media engine can know.
//!
//! R = 93.2 - Id - Ie,eff with Id from the delay and Ie,eff from codec and loss; bursts weigh more than single packets.
//! An estimate on the narrow-band scale, good for telling a bad leg from a good one.

use crate::message::Codec;

/// What was measured of a stretch of a leg.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Packets that came.
    pub received: u64,
    /// Packets that did not.
    pub lost: u64,
    /// Runs of lost packets.
    pub loss_runs: u64,
    /// Interarrival jitter, microseconds.
    pub jitter_us: u32,
    /// Round trip, microseconds; 0 = never measured.
    pub round_trip_us: u32,
}

/// Mean opinion score as estimated, 100 (bad) to 450 (as good as the telephone gets).
pub fn mean_opinion_hundredths(codec: Codec, measured: Measured) -> u16 {
    let rating = rating(codec, measured);
    let score = if rating <= 0.0 {
        1.0
    } else {
        // G.107 annex B.
        1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6
    };
    (score.clamp(1.0, 4.5) * 100.0).round() as u16
}

/// R of the E-model, up to 93.2.
pub fn rating(codec: Codec, measured: Measured) -> f64 {
    BASE - delay_impairment(measured) - loss_impairment(codec, measured)
}

/// One way: half the round trip, a packet, and the wait in a jitter buffer.
fn delay_impairment(measured: Measured) -> f64 {
    let way_ms = f64::from(measured.round_trip_us) / 2_000.0;
    let wait_ms = (2.0 * f64::from(measured.jitter_us) / 1_000.0).clamp(40.0, 120.0);
    let delay_ms = way_ms + PACKET_MS + wait_ms;
    // Cole and Rosenbluth's fit to G.107: people mind from 177 ms on.
    0.024 * delay_ms + 0.11 * (delay_ms - 177.3).max(0.0)
}

fn loss_impairment(codec: Codec, measured: Measured) -> f64 {
    let expected = measured.received + measured.lost;
    if expected == 0 {
        return 0.0;
    }
    let share = measured.lost as f64 / expected as f64;
    // G.107: mean length of a run against that of losses by chance.
    let run = measured.lost as f64 / measured.loss_runs.max(1) as f64;
    let burst_ratio = (run * (1.0 - share)).max(1.0);
    let (impairment, robustness) = robustness(codec);
    let percent = share * 100.0;
    impairment + (95.0 - impairment) * percent / (percent / burst_ratio + robustness)
}

/// Ie and Bpl (ITU-T G.113 appendix I; G.711 and G.722 with concealment, Opus as measured by its vendors with
/// redundancy).
fn robustness(codec: Codec) -> (f64, f64) {
    match codec {
        Codec::Pcma | Codec::Pcmu => (0.0, 25.1),
        Codec::G722 => (0.0, 20.0),
        Codec::Opus => (2.0, 25.0),
    }
}

const BASE: f64 = 93.2;
const PACKET_MS: f64 = 20.0;

#[cfg(test)]
mod tests;
