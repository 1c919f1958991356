use super::*;

fn ms(value: u64) -> Mono {
    Mono(value * 1000)
}

/// Runs a tap for `length_ms`, feeding packets `(arrival ms, timestamp, code)` on the left track.
fn run(length_ms: u64, packets: &[(u64, u32, u8)]) -> (Vec<u8>, Vec<u8>, u64) {
    let mut tap = Tap::new(3, ms(0));
    let mut items = Vec::new();
    let mut pending = packets.iter().peekable();
    for now in 0..=length_ms {
        while let Some((_, timestamp, code)) = pending.next_if(|(at, ..)| *at <= now) {
            tap.say(ms(now), 1, *timestamp, Law::A, &[*code; 160]);
        }
        if now % 20 == 0 {
            tap.collect(ms(now), &mut items);
        }
    }
    tap.finish(ms(length_ms), &mut items);
    let (mut left, mut right, mut samples) = (Vec::new(), Vec::new(), 0);
    for item in items {
        match item {
            Item::Begin(_) => {}
            Item::Frame(frame) => {
                assert_eq!(frame.position, left.len() as u64);
                left.extend_from_slice(&frame.left);
                right.extend_from_slice(&frame.right);
            }
            Item::End { samples: all, .. } => samples = all,
        }
    }
    (left, right, samples)
}

fn codes(left: &[u8]) -> Vec<u8> {
    left.chunks(160).map(|frame| frame[80]).collect()
}

#[test]
fn packets_lie_where_their_timestamps_say() {
    let packets = [
        (20, 0, 1),
        (40, 160, 2),
        (85, 480, 4),
        (86, 320, 3),
        (120, 800, 6),
    ];
    let (left, right, samples) = run(300, &packets);
    assert_eq!(samples, 2_400);
    let silence = ALAW_SILENCE;
    let mut heard = codes(&left);
    assert_ne!(heard[5], silence, "a lost packet is concealed");
    (heard[5], heard[7]) = (5, 7);
    assert_eq!(heard[..8], [silence, 1, 2, 3, 4, 5, 6, 7]);
    assert!(heard[10..].iter().all(|code| *code == silence), "for 60 ms");
    assert!(right.iter().all(|code| *code == silence));
    assert_eq!(left.len(), 2_400);
}

#[test]
fn a_straggler_after_its_window_is_left_out_and_a_longer_path_is_followed() {
    let steady = (1..10u64).map(|count| (count * 20, count as u32 * 160, count as u8));
    let delayed = (10..30u64).map(|count| (count * 20 + 150, count as u32 * 160, count as u8));
    let packets: Vec<_> = steady.chain(delayed).collect();
    let (left, ..) = run(900, &packets);
    let heard = codes(&left);
    let missing = (1..30u8).filter(|code| !heard.contains(code)).count();
    assert!(missing <= 3, "{heard:?}");
}

#[test]
fn a_leap_of_the_senders_clock_is_counted_anew() {
    let packets: Vec<_> = (1..20u64)
        .map(|count| {
            (
                count * 20,
                (count as u32 * 160).wrapping_add(if count > 9 { 4_000_000 } else { 0 }),
                count as u8,
            )
        })
        .collect();
    let (left, ..) = run(500, &packets);
    let expected: Vec<u8> = (1..20).collect();
    assert_eq!(codes(&left)[1..20], expected[..]);
}

#[test]
fn a_pause_is_silence_of_its_length_on_both_tracks() {
    let mut tap = Tap::new(3, ms(0));
    let mut items = Vec::new();
    for tick in 1..=50u32 {
        let now = ms(u64::from(tick) * 20);
        tap.pause((20..30).contains(&tick));
        tap.say(now, 1, tick * 160, Law::A, &[1; 160]);
        tap.hear(now, 2, tick * 160, Law::Mu, &[0; 160]);
        tap.collect(now, &mut items);
    }
    tap.finish(ms(1020), &mut items);
    let frames: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Item::Frame(frame) => Some((frame.left[0], frame.right[0])),
            Item::Begin(_) | Item::End { .. } => None,
        })
        .collect();
    assert_eq!(frames.len(), 51);
    for (index, frame) in frames.iter().enumerate().skip(1) {
        let is_paused = (20..30).contains(&index);
        let expected = if is_paused {
            (ALAW_SILENCE, ALAW_SILENCE)
        } else {
            (1, crate::g711::ULAW_TO_ALAW[0])
        };
        assert_eq!(*frame, expected, "frame {index}");
    }
}

#[test]
fn an_hour_of_drifting_clocks_stays_in_place() {
    let mut tap = Tap::new(3, ms(0));
    let mut items = Vec::new();
    let (mut missing, mut sent) = (0, 0u64);
    for tick in 1..=180_000u64 {
        let now = Mono(tick * 20_000);
        // 100 ppm fast: the sender makes 160 samples in 19.998 ms.
        while (sent + 1) * 19_998 <= now.0 {
            sent += 1;
            tap.say(
                Mono(sent * 19_998),
                1,
                (sent * 160) as u32,
                Law::A,
                &[1; 160],
            );
        }
        tap.collect(now, &mut items);
        missing += items
            .drain(..)
            .filter(|item| matches!(item, Item::Frame(frame) if frame.left != [1; 160]))
            .count();
    }
    assert!(missing <= 60, "{missing} frames of 180,000");
}
