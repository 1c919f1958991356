use proptest::prelude::*;

use super::*;

fn packets(digit: char, length_ms: u32, timestamp: u32) -> Vec<[u8; 4]> {
    let mut sender = DigitSender::new(digit, length_ms, timestamp, Clock::default()).unwrap();
    let mut all = Vec::new();
    loop {
        let packet = sender.advance();
        assert_eq!(packet.marker, all.is_empty());
        all.push(packet.payload);
        if packet.ended.is_some() {
            return all;
        }
    }
}

#[test]
fn a_press_is_sent_with_rising_duration_and_three_ends() {
    let all = packets('5', 100, 0);
    let expected = [160, 320, 480, 640, 800, 800, 800, 800u16];
    assert_eq!(all.len(), expected.len());
    for (index, (payload, duration)) in all.iter().zip(expected).enumerate() {
        assert_eq!(payload[0], 5);
        assert_eq!(u16::from_be_bytes([payload[2], payload[3]]), duration);
        assert_eq!(payload[1] & 0x80 != 0, index >= 5);
    }
    assert_eq!(
        DigitSender::new('x', 100, 0, Clock::default()).map(|sender| sender.event),
        None
    );
    assert_eq!(
        (event('*'), event('#'), event('d')),
        (Some(10), Some(11), Some(15))
    );
}

proptest! {
    /// Every press of which one packet arrives is heard once, in order, however packets are lost, doubled, or
    /// swapped with a neighbour.
    #[test]
    fn one_press_is_one_digit(
        presses in proptest::collection::vec((0u8..16, 40u32..400, 60u32..3000), 1..12),
        losses in proptest::collection::vec(0u8..10, 400),
        loss_of_ten in 0u8..7,
    ) {
        let mut receiver = DigitReceiver::default();
        let mut losses = losses.into_iter().cycle();
        let (mut expected, mut heard) = (String::new(), String::new());
        let mut now = Mono(1_000_000);
        for (code, length_ms, pause_ms) in presses {
            let digit = symbol(code).unwrap();
            let timestamp = (now.0 / 125) as u32;
            let mut arriving = Vec::new();
            for (index, payload) in packets(digit, length_ms, timestamp).into_iter().enumerate() {
                let at = now.0 + index as u64 * 20_000;
                let fate = losses.next().unwrap();
                if fate >= loss_of_ten {
                    arriving.push((at, payload));
                }
                if fate == 9 {
                    arriving.push((at + 25_000, payload));
                }
            }
            arriving.sort_by_key(|(at, _)| *at);
            if !arriving.is_empty() {
                expected.push(digit);
            }
            let mut last = now;
            for (at, payload) in arriving {
                last = Mono(at);
                heard.extend(receiver.receive(last, SSRC, timestamp, &payload));
            }
            let end = now.0 + u64::from(length_ms) * 1000 + 80_000;
            now = Mono(end.max(last.0) + u64::from(pause_ms) * 1000);
        }
        prop_assert_eq!(heard, expected);
    }
}

#[test]
fn the_same_key_twice_with_the_first_end_lost_is_two_digits() {
    let mut receiver = DigitReceiver::default();
    assert_eq!(
        receiver.receive(Mono(0), SSRC, 800, &[1, 10, 0, 160]),
        Some('1')
    );
    assert_eq!(
        receiver.receive(Mono(20_000), SSRC, 800, &[1, 10, 1, 64]),
        None
    );
    assert_eq!(
        receiver.receive(Mono(120_000), SSRC, 1760, &[1, 10, 0, 160]),
        Some('1')
    );
}

#[test]
fn a_key_held_over_the_field_is_one_digit() {
    let mut receiver = DigitReceiver::default();
    assert_eq!(
        receiver.receive(Mono(0), SSRC, 0, &[7, 10, 0xFF, 0xFF]),
        Some('7')
    );
    assert_eq!(
        receiver.receive(Mono(20_000), SSRC, 0xFFFF, &[7, 10, 0, 160]),
        None
    );
}

#[test]
fn a_sender_that_moves_its_timestamp_is_one_digit() {
    let mut receiver = DigitReceiver::default();
    let heard: String = (1..9u16)
        .filter_map(|count| {
            let [high, low] = (count * 160).to_be_bytes();
            let end = if count == 8 { 0x80 } else { 0 };
            receiver.receive(
                Mono(u64::from(count) * 20_000),
                SSRC,
                u32::from(count) * 160,
                &[3, end, high, low],
            )
        })
        .collect();
    assert_eq!(heard, "3");
}

#[test]
fn a_straggler_and_an_unknown_event_are_nothing() {
    let mut receiver = DigitReceiver::default();
    assert_eq!(
        receiver.receive(Mono(0), SSRC, 8_000, &[1, 0x80, 1, 64]),
        Some('1')
    );
    assert_eq!(
        receiver.receive(Mono(300_000), SSRC, 11_000, &[2, 0, 0, 160]),
        Some('2')
    );
    assert_eq!(
        receiver.receive(Mono(301_000), SSRC, 8_000, &[1, 0x80, 1, 64]),
        None
    );
    assert_eq!(
        receiver.receive(Mono(400_000), SSRC, 20_000, &[16, 0, 0, 160]),
        None,
        "flash"
    );
    assert_eq!(
        receiver.receive(Mono(400_000), SSRC, 20_000, &[1, 0, 0]),
        None,
        "short"
    );
}

#[test]
fn a_press_with_another_ssrc_is_a_new_one_whatever_its_timestamp() {
    let mut receiver = DigitReceiver::default();
    let end = [3, 0x80, 0, 160];
    assert_eq!(receiver.receive(Mono(0), 7, 90_000, &end), Some('3'));
    assert_eq!(receiver.receive(Mono(20_000), 7, 90_000, &end), None);
    assert_eq!(receiver.receive(Mono(300_000), 8, 160, &end), Some('3'));
    assert_eq!(receiver.receive(Mono(320_000), 8, 160, &end), None);
}

const SSRC: u32 = 7;
