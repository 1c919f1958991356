//! The tone checker itself: a server that is mute, echoes, or swaps the channels must not pass (decision 44).

use crate::audio::{Audio, TALK, sine};

const LENGTH_MS: u32 = 8_000;
const JOINED_MS: usize = 500;

fn caller() -> Vec<i16> {
    sine(600.0, -20.0, LENGTH_MS)
}

fn counsellor() -> Vec<i16> {
    sine(1_000.0, -20.0, LENGTH_MS)
}

fn silence() -> Vec<i16> {
    vec![0; LENGTH_MS as usize * 8]
}

fn mixed(a: &[i16], b: &[i16]) -> Vec<i16> {
    a.iter().zip(b).map(|(a, b)| a.saturating_add(*b)).collect()
}

fn refuses(what: &str, left: Vec<i16>, right: Vec<i16>) {
    let verdict = Audio::of(vec![left, right]).check_talk(JOINED_MS, &TALK);
    println!("{what}: {verdict:?}");
    assert!(verdict.is_err(), "{what} passes");
}

#[test]
fn a_good_recording_passes() {
    let figures = Audio::of(vec![caller(), counsellor()])
        .check_talk(JOINED_MS, &TALK)
        .expect("a good recording");
    println!("{figures:#?}");
}

#[test]
fn a_mute_server_fails() {
    refuses("nothing on either side", silence(), silence());
    refuses("a mute counsellor", caller(), silence());
    refuses("a mute caller", silence(), counsellor());
}

#[test]
fn an_echo_server_fails() {
    refuses("everybody hears the caller", caller(), caller());
    refuses(
        "the caller hears both",
        caller(),
        mixed(&caller(), &counsellor()),
    );
    refuses(
        "the caller's channel has both",
        mixed(&caller(), &counsellor()),
        counsellor(),
    );
}

#[test]
fn swapped_channels_fail() {
    refuses("swapped", counsellor(), caller());
}

#[test]
fn quiet_crosstalk_and_wrong_levels_fail() {
    refuses(
        "crosstalk at -35 dB",
        caller(),
        mixed(&counsellor(), &sine(600.0, -55.0, LENGTH_MS)),
    );
    refuses("6 dB too quiet", caller(), sine(1_000.0, -26.0, LENGTH_MS));
    let mut falls_silent = counsellor();
    let half = falls_silent.len() / 2;
    falls_silent[half..].fill(0);
    refuses("the end is missing", caller(), falls_silent);
}
