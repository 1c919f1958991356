use std::sync::Arc;

use super::*;
use crate::analysis::rms_db;
use crate::g711::alaw_decode;

fn sound(name: &str, length: usize, code: u8) -> Sound {
    Sound {
        name: name.into(),
        alaw: Arc::from(vec![code; length]),
    }
}

#[test]
fn the_remainder_of_a_clip_is_followed_by_the_next_in_the_same_frame() {
    let sounds = [sound("a", 1_003, 1), sound("b", 77, 2)];
    let mut run = Run::new(
        7,
        vec![
            Clip::Prompt(0),
            Clip::Prompt(1),
            Clip::Silence(10),
            Clip::Prompt(0),
        ],
        false,
    );
    let mut all = Vec::new();
    loop {
        let mut frame = [0xEE; 160];
        let filled = run.fill(&sounds, &mut frame);
        all.extend_from_slice(&frame[..filled]);
        if filled < 160 {
            break;
        }
    }
    let expected: Vec<u8> = [
        vec![1; 1_003],
        vec![2; 77],
        vec![ALAW_SILENCE; 80],
        vec![1; 1_003],
    ]
    .into_iter()
    .flatten()
    .collect();
    assert_eq!(all, expected);
    assert!(run.is_over());
    assert_eq!((run.clip(), run.heard_ms()), (4, 2_163 / 8));
}

#[test]
fn a_missing_prompt_is_a_tone_and_an_empty_run_is_over() {
    let mut run = Run::new(1, vec![Clip::Prompt(9)], false);
    let mut codes = vec![ALAW_SILENCE; 8_000];
    assert_eq!(run.fill(&[], &mut codes), 3_200);
    let samples: Vec<i16> = codes[..3_200]
        .iter()
        .map(|code| alaw_decode(*code))
        .collect();
    assert!(rms_db(&samples) > -26.0);
    assert_eq!(Run::new(1, Vec::new(), false).fill(&[], &mut codes), 0);
}

#[test]
fn a_tone_without_length_never_ends() {
    let mut run = Run::new(
        1,
        vec![Clip::Tone {
            hz: 600,
            level_db: 12,
            length_ms: 0,
        }],
        false,
    );
    let mut codes = [0; 160];
    for _ in 0..10_000 {
        assert_eq!(run.fill(&[], &mut codes), 160);
    }
    assert!(!run.is_over());
}

#[test]
fn a_loop_goes_round_and_an_empty_one_is_silent() {
    let mut out = [0; 7];
    assert_eq!(fill_loop(&[1, 2, 3], 2, &mut out), 3);
    assert_eq!(out, [3, 1, 2, 3, 1, 2, 3]);
    assert_eq!(fill_loop(&[], 5, &mut out), 0);
    assert_eq!(out, [ALAW_SILENCE; 7]);
}

#[test]
fn the_soft_bed_is_soft_and_alive_in_every_second() {
    let bed: Vec<i16> = soft_bed().iter().map(|code| alaw_decode(*code)).collect();
    for second in bed.chunks(8_000) {
        let level = rms_db(second);
        assert!((-54.0..=-46.0).contains(&level), "{level}");
    }
}
