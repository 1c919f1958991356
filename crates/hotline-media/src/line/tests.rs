use proptest::prelude::*;

use super::*;
use crate::codec::Clock;

fn view(ssrc: u32, sequence: u16, timestamp: u32) -> View {
    View {
        marker: false,
        payload_type: 8,
        sequence,
        timestamp,
        ssrc,
        payload: 12..172,
    }
}

fn ms(value: u64) -> Mono {
    Mono(value * 1000)
}

#[test]
fn prompt_then_bridge_then_prompt_is_one_line() {
    let mut line = Line::new(Clock::default(), 9, 65_533, u32::MAX - 200);
    let mut seen = Vec::new();
    for tick in 0..3 {
        seen.push(line.advance(ms(tick * 20)));
    }
    for packet in 0..3u64 {
        let given = view(1, 7_000 + packet as u16, 1_000_000 + packet as u32 * 160);
        seen.push(line.pass_on(ms(47 + packet * 20), &given, 160).unwrap());
    }
    for tick in 5..8 {
        seen.push(line.advance(ms(tick * 20)));
    }
    for pair in seen.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
        assert_eq!(pair[1].ssrc, 9);
    }
    assert!(seen[0].marker && !seen[1].marker);
}

#[test]
fn a_pause_advances_the_timestamp_by_the_clock_and_marks_the_start() {
    let mut line = Line::new(Clock::default(), 9, 0, 0);
    line.advance(ms(0));
    let after = line.advance(ms(1000));
    assert_eq!(
        (after.marker, after.sequence, after.timestamp),
        (true, 2, 8000)
    );
}

#[test]
fn loss_and_reordering_stay_visible() {
    let mut line = Line::new(Clock::default(), 9, 100, 0);
    line.pass_on(ms(0), &view(1, 10, 0), 160).unwrap();
    let late_gap = line.pass_on(ms(60), &view(1, 13, 480), 160).unwrap();
    let late = line.pass_on(ms(61), &view(1, 12, 320), 160).unwrap();
    assert_eq!((late_gap.sequence, late_gap.timestamp), (104, 480));
    assert_eq!((late.sequence, late.timestamp), (103, 320));
    assert_eq!(
        line.pass_on(ms(62), &view(1, 9, 0u32.wrapping_sub(160)), 160),
        None,
        "its number was never ours"
    );
    assert_eq!(line.advance(ms(80)).sequence, 105);
}

#[test]
fn a_sender_that_restarts_does_not_restart_the_line() {
    let mut line = Line::new(Clock::default(), 9, 0, 0);
    let first = line.pass_on(ms(0), &view(1, 10, 5_000), 160).unwrap();
    let other_source = line.pass_on(ms(20), &view(2, 60_000, 77), 160).unwrap();
    let leap = line
        .pass_on(ms(40), &view(2, 60_001, 4_000_000), 160)
        .unwrap();
    for (one, next) in [(first, other_source), (other_source, leap)] {
        assert_eq!(next.sequence, one.sequence + 1);
        assert_eq!(next.timestamp, one.timestamp + 160);
    }
}

#[test]
fn hours_of_one_sender_keep_their_offset() {
    let mut line = Line::new(Clock::default(), 9, 0, 0);
    for count in 0..200_000u64 {
        let given = view(1, count as u16, (count * 160) as u32);
        let sent = line.pass_on(ms(count * 20), &given, 160).unwrap();
        assert_eq!(sent.sequence, (count as u16).wrapping_add(1));
        assert_eq!(sent.timestamp, (count * 160) as u32);
    }
}

proptest! {
    #[test]
    fn sequence_numbers_are_never_used_twice(steps in proptest::collection::vec((0u8..4, 0u16..6, 1u64..120), 1..300)) {
        let mut line = Line::new(Clock::default(), 9, 1, 1);
        let mut now = Mono(0);
        let (mut sequence, mut timestamp) = (500u16, 9_000u32);
        let mut used = std::collections::HashSet::new();
        let mut given = std::collections::HashSet::new();
        for (kind, jump, wait) in steps {
            now = Mono(now.0 + wait * 1000);
            let numbers = match kind {
                0 => Some(line.advance(now)),
                1 => { sequence = sequence.wrapping_add(1 + jump); timestamp = timestamp.wrapping_add(160); None }
                2 => { sequence = sequence.wrapping_sub(jump); None }
                _ => { timestamp = timestamp.wrapping_add(wait as u32 * 8); None }
            };
            let numbers = match numbers {
                Some(numbers) => Some(numbers),
                // The receiver drops duplicates before they come here.
                None if given.insert(sequence) => line.pass_on(now, &view(1, sequence, timestamp), 160),
                None => None,
            };
            if let Some(numbers) = numbers {
                prop_assert!(used.insert(numbers.sequence), "sequence {} twice", numbers.sequence);
            }
        }
    }
}
