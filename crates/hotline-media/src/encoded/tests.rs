use super::*;
use crate::tone::{Oscillator, RATE};

const NOW: Mono = Mono(5_000_000);

fn place(sound: u32, frame: usize, frames: usize) -> Place {
    let piece = Piece::Sound(sound);
    Place {
        piece,
        frame,
        frames,
    }
}

fn frames(hz: u32, count: usize) -> Vec<[u8; FRAME_SAMPLES]> {
    let mut tone = Oscillator::new(hz, 12, RATE);
    let frame = |_| {
        let mut frame = [0; FRAME_SAMPLES];
        tone.fill_alaw(&mut frame);
        frame
    };
    (0..count).map(frame).collect()
}

#[test]
fn the_first_listener_encodes_and_the_others_get_the_very_same_packets() {
    let sound = frames(800, 50);
    let mut encoded = Encoded::new(ENCODED_BYTES_MAX);
    let mut alone = Mouth::new(Codec::Opus, None);
    for (frame, alaw) in sound.iter().enumerate() {
        let first = encoded.payload(NOW, place(3, frame, 50), alaw);
        let first = first.unwrap().to_vec();
        assert_eq!(
            first,
            alone.say_alaw(alaw).unwrap().whole(),
            "as if it were alone"
        );
        // Whoever comes later is not looked at for what to encode.
        let silence = [crate::g711::ALAW_SILENCE; FRAME_SAMPLES];
        let again = encoded.payload(NOW, place(3, frame, 50), &silence);
        assert_eq!(again, Some(&first[..]));
    }
    let packets = &encoded.sounds[&Piece::Sound(3)];
    assert!(
        packets.mouth.is_none(),
        "the encoder has gone with the last frame"
    );
}

#[test]
fn who_comes_into_the_middle_of_what_nobody_heard_is_left_alone() {
    let sound = frames(800, 10);
    let mut encoded = Encoded::new(ENCODED_BYTES_MAX);
    assert_eq!(encoded.payload(NOW, place(0, 4, 10), &sound[4]), None);
    assert!(encoded.payload(NOW, place(0, 0, 10), &sound[0]).is_some());
    assert_eq!(encoded.payload(NOW, place(0, 2, 10), &sound[2]), None);
    assert!(encoded.payload(NOW, place(0, 1, 10), &sound[1]).is_some());
    assert!(encoded.payload(NOW, place(0, 2, 10), &sound[2]).is_some());
}

#[test]
fn room_is_that_of_sounds_that_nobody_hears_any_more() {
    let sound = frames(800, 1);
    // Two sounds of 50 frames.
    let mut encoded = Encoded::new(2 * 50 * (FRAME_BYTES + 4));
    let mut begin = |now: u64, index| {
        let place = place(index, 0, 50);
        let is_there = encoded.payload(Mono(now), place, &sound[0]).is_some();
        assert!(encoded.bytes <= encoded.bytes_max);
        assert!(encoded.sounds.len() <= 2);
        is_there
    };
    assert!(begin(0, 1));
    assert!(begin(0, 2));
    assert!(!begin(20_000, 3), "both are being heard");
    assert!(begin(2_000_000, 2));
    assert!(begin(2_020_000, 3), "the first is heard by nobody");
    assert!(!begin(2_040_000, 1));
}

#[test]
fn what_fits_nowhere_is_left_to_its_listener() {
    let sound = frames(800, 1);
    let mut encoded = Encoded::new(100);
    assert_eq!(encoded.payload(NOW, place(0, 0, 50), &sound[0]), None);
    assert!(encoded.sounds.is_empty() && encoded.bytes == 0);
}
