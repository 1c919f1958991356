//! Sound through a network that delays, loses and doubles.

use super::*;
use crate::analysis::tone_level_db;
use crate::codec::{ALL, Encoder};
use crate::tone::Oscillator;

/// What the ear of a codec gives for packets of `packet_ms` that arrive `delay` late each (None: never).
pub(super) fn through(
    codec: Codec,
    packet_ms: u32,
    speech: &[i16],
    mut delay_ms: impl FnMut(usize) -> Option<u64>,
) -> (Vec<i16>, Ear) {
    let rate_hz = if codec == Codec::G722 {
        WIDE_HZ
    } else {
        NARROW_HZ
    };
    let mut encoder = Encoder::new(codec, rate_hz).unwrap();
    let mut arrivals = Vec::new();
    for (index, frame) in speech
        .chunks_exact((rate_hz / 1_000 * packet_ms) as usize)
        .enumerate()
    {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload).unwrap();
        let timestamp = (index as u32 * packet_ms).wrapping_mul(codec.clock_hz() / 1_000);
        if let Some(delay_ms) = delay_ms(index) {
            let at_ms = 1_000 + (index as u64 + 1) * u64::from(packet_ms) + delay_ms;
            arrivals.push((at_ms, timestamp.wrapping_sub(5_000), payload));
        }
    }
    arrivals.sort_by_key(|(at_ms, ..)| *at_ms);
    let last_ms = arrivals.last().unwrap().0;
    let mut ear = Ear::new(codec, false);
    let mut heard = Vec::new();
    let mut next = arrivals.iter().peekable();
    for now_ms in 1_000..=last_ms {
        let now = Mono(now_ms * 1_000);
        while let Some((_, timestamp, payload)) = next.next_if(|(at_ms, ..)| *at_ms <= now_ms) {
            ear.push(now, *timestamp, payload);
        }
        if now_ms % 20 == 7
            && let Some(speech) = ear.pull(now)
        {
            assert_eq!(speech.narrow.len(), 160);
            heard.extend_from_slice(speech.narrow);
        }
    }
    (heard, ear)
}

fn tone(codec: Codec, ms: u32) -> Vec<i16> {
    let rate_hz = if codec == Codec::G722 {
        WIDE_HZ
    } else {
        NARROW_HZ
    };
    let mut tone = Oscillator::new(700, 12, rate_hz);
    (0..ms * rate_hz / 1_000).map(|_| tone.sample()).collect()
}

#[test]
fn packets_of_any_length_are_played_without_a_seam_after_forty_milliseconds() {
    for codec in ALL {
        for packet_ms in [10, 20, 40, 60] {
            let (heard, ear) = through(codec, packet_ms, &tone(codec, 3_000), |_| Some(0));
            let what = format!("{codec:?} of {packet_ms} ms");
            assert_eq!((ear.concealed_ms, ear.late), (0, 0), "{what}");
            let level = tone_level_db(&heard[800..], 8_000, 700);
            assert!((level + 12.0).abs() < 1.5, "{what}: {level:.1} dB");
            let heard_ms = heard.len() / 8;
            assert!(
                heard_ms >= 3_000 - 60 - packet_ms as usize,
                "{what}: {heard_ms} ms"
            );
        }
    }
}

#[test]
fn odd_packets_of_the_laws_are_played_too() {
    // 30 ms of a gateway, and 33 samples of something that nobody meant.
    let mut ear = Ear::new(Codec::Pcma, false);
    let mut tone = Oscillator::new(700, 12, 8_000);
    let (mut heard, mut timestamp, mut owed) = (Vec::new(), 0u32, 0);
    for tick in 0..150u64 {
        let now = Mono(1_000_000 + tick * 20_000);
        owed += 160;
        for size in [240, 33] {
            if owed >= size {
                let mut codes = vec![0; size];
                tone.fill_alaw(&mut codes);
                ear.push(now, timestamp, &codes);
                timestamp += size as u32;
                owed -= size;
            }
        }
        if let Some(speech) = ear.pull(now) {
            heard.extend_from_slice(speech.narrow);
        }
    }
    let level = tone_level_db(&heard[4_000..], 8_000, 700);
    assert!((level + 12.0).abs() < 1.5, "{level:.1} dB");
}

#[test]
fn the_delay_follows_the_network_up_and_down_again() {
    let speech = vec![0; 8 * 60_000];
    // A minute: quiet, then a third of the packets come up to 70 ms late, then quiet again.
    let (_, ear) = through(Codec::Pcma, 20, &speech[..8 * 10_000], |_| Some(0));
    assert_eq!(ear.delay.target_ms(), 40);
    let late = |index: usize| Some(if index.is_multiple_of(3) { 70 } else { 0 });
    let (_, ear) = through(Codec::Pcma, 20, &speech[..8 * 20_000], late);
    assert!(ear.delay.target_ms() >= 80, "{}", ear.delay.target_ms());
    // Until the delay has grown some came too late.
    assert!(ear.late <= 20, "{} of 333", ear.late);
    let calm = |index: usize| {
        Some(if index < 1_000 && index.is_multiple_of(3) {
            70
        } else {
            0
        })
    };
    let (heard, ear) = through(Codec::Pcma, 20, &speech, calm);
    assert_eq!(ear.delay.target_ms(), 40);
    let missing_ms = 60_000 - heard.len() as i64 / 8;
    assert!(
        (0..=80).contains(&missing_ms),
        "in step again: {missing_ms} ms"
    );
}

#[test]
fn a_sender_whose_clock_drifts_is_followed_without_holes() {
    for parts_per_million in [-200i64, 200] {
        let late =
            |index: usize| Some((2_000 + index as i64 * 20 * parts_per_million / 1_000_000) as u64);
        let (heard, ear) = through(Codec::Pcma, 20, &tone(Codec::Pcma, 300_000), late);
        assert!(ear.concealed_ms <= 40, "{} ms", ear.concealed_ms);
        let level = tone_level_db(&heard[heard.len() - 8_000..], 8_000, 700);
        assert!((level + 12.0).abs() < 1.0, "{level:.1} dB");
    }
}

#[test]
fn a_stop_is_told_a_leap_counts_anew_and_a_duplicate_is_one() {
    let mut ear = Ear::new(Codec::Pcma, false);
    let payload = [0x55; 160];
    for tick in 0..20u64 {
        ear.push(Mono(tick * 20_000), tick as u32 * 160, &payload);
        ear.push(Mono(tick * 20_000), tick as u32 * 160, &payload);
        assert_eq!(
            ear.pull(Mono(tick * 20_000)).is_some(),
            tick >= 2,
            "tick {tick}"
        );
    }
    assert!(ear.pull(Mono(500_000)).is_some());
    assert!(ear.pull(Mono(700_000)).is_none(), "nothing for 300 ms");
    for tick in 50..60u64 {
        let timestamp = 4_000_000_000 + tick as u32 * 160;
        ear.push(Mono(tick * 20_000), timestamp, &payload);
        assert_eq!(
            ear.pull(Mono(tick * 20_000)).is_some(),
            tick >= 52,
            "tick {tick}"
        );
    }
    assert_eq!(ear.late, 0);
}

#[test]
fn nonsense_is_concealed_and_memory_is_bounded() {
    let mut ear = Ear::new(Codec::Opus, false);
    for index in 0..5_000u32 {
        let payload = [(index % 251) as u8; 37];
        ear.push(Mono(1_000), index.wrapping_mul(777), &payload);
        if index.is_multiple_of(50) {
            ear.pull(Mono(u64::from(index) * 500));
        }
    }
    assert!(ear.slots.len() <= SLOTS_MAX);
}
