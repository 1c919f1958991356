use super::*;
use crate::g711::{ALAW_SILENCE, ALAW_TO_LINEAR};
use crate::tone::{Oscillator, RATE};

fn frame(level_db: Option<u32>) -> Vec<u8> {
    let mut codes = vec![ALAW_SILENCE; 160];
    if let Some(level_db) = level_db {
        Oscillator::new(300, level_db, RATE).fill_alaw(&mut codes);
    }
    codes
}

fn hear(listener: &mut Listener, now: Mono, level_db: Option<u32>) -> bool {
    let level = level_of_codes(&ALAW_TO_LINEAR, &frame(level_db));
    listener.hear(now, level, 160)
}

/// Plays a pattern of (frames, level) and says at which frames voice was told.
fn voiced(pattern: &[(u64, Option<u32>)]) -> Vec<u64> {
    let mut listener = Listener::new(Mono(0));
    let mut told = Vec::new();
    let mut tick = 0;
    for (frames, level) in pattern {
        for _ in 0..*frames {
            if hear(&mut listener, Mono(tick * 20_000), *level) {
                told.push(tick);
            }
            tick += 1;
        }
    }
    told
}

#[test]
fn voice_is_told_once_a_run_at_one_and_a_half_seconds() {
    assert_eq!(voiced(&[(200, Some(20))]), [74]);
    assert_eq!(
        voiced(&[(74, Some(20)), (100, None), (74, Some(20))]),
        NEVER
    );
    assert_eq!(
        voiced(&[(100, Some(20)), (50, None), (100, Some(20))]),
        [74, 224]
    );
}

#[test]
fn words_with_pauses_are_voice_but_knocks_are_not() {
    let words: Vec<_> = (0..20).flat_map(|_| [(12, Some(24)), (8, None)]).collect();
    assert_eq!(voiced(&words).len(), 1);
    let knocks: Vec<_> = (0..40).flat_map(|_| [(1, Some(6)), (24, None)]).collect();
    assert_eq!(voiced(&knocks), NEVER);
    assert_eq!(voiced(&[(500, Some(60))]), NEVER, "a soft room is no voice");
}

#[test]
fn silence_is_told_at_its_marks_and_ends_with_any_sound() {
    let mut listener = Listener::new(Mono(0));
    let mut told = Vec::new();
    for tick in 0..12_000u64 {
        let now = Mono(tick * 20_000);
        hear(&mut listener, now, None);
        if tick == 10_000 {
            hear(&mut listener, now, Some(40));
        }
        told.extend(listener.silent(now).map(|for_ms| (tick / 50, for_ms)));
    }
    let expected = [
        (6, 6_000),
        (30, 30_000),
        (60, 60_000),
        (120, 120_000),
        (180, 180_000),
        (206, 6_000),
        (230, 30_000),
    ];
    assert_eq!(told, expected);
}

const NEVER: [u64; 0] = [];
