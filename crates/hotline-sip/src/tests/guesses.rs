//! Password guessing: it gets slow, and the owner of the account is not locked out.

use super::accounts::{Desk, request};
use super::net::{REALM, ip};
use crate::Mono;
use crate::digest::answer;
use crate::guesses::Guesses;
use crate::site::Site;

const GUESSER: &str = "10.0.0.66:5060";

/// One try with this password; the status of its answer.
fn attempt(desk: &mut Desk, source: &str, password: &str) -> u16 {
    desk.sequence += 2;
    let ask = request("REGISTER", "tv01", desk.sequence, &[]);
    let asked = desk.send_from(source, ask).remove(0);
    let login = crate::digest::Login::anywhere(("tv01".to_owned(), password.to_owned()));
    let uri = format!("sip:{REALM}");
    let (name, value) = answer(&asked, &login, "REGISTER", &uri, "cnonce").unwrap();
    let contact = "Contact: <sip:a@10.0.0.3>";
    let lines = [contact, &format!("{name}: {value}")];
    let bytes = request("REGISTER", "tv01", desk.sequence + 1, &lines);
    desk.net.now_us += 300_000;
    desk.send_from(source, bytes)
        .remove(0)
        .status()
        .unwrap_or_default()
}

#[test]
fn a_right_guess_after_many_wrong_ones_is_not_told() {
    let mut desk = Desk::new();
    for _ in 0..5 {
        assert_eq!(attempt(&mut desk, GUESSER, "guess"), 401);
    }
    assert_eq!(attempt(&mut desk, GUESSER, "secret"), 401, "held");
    assert_eq!(attempt(&mut desk, "10.0.0.67:5060", "secret"), 200);
    desk.net.now_us += 1_000_000;
    assert_eq!(attempt(&mut desk, GUESSER, "secret"), 200, "a second later");
    let wrong = desk.net.counters("server").rejections;
    assert_eq!(
        wrong.get(&crate::Rejection::WrongCredentials).copied(),
        Some(6)
    );
}

#[test]
fn the_known_address_of_an_account_is_never_held() {
    let mut desk = Desk::new();
    assert_eq!(attempt(&mut desk, "10.0.0.3:5060", "secret"), 200);
    for _ in 0..20 {
        assert_eq!(attempt(&mut desk, "10.0.0.3:5060", "old"), 401);
        assert_eq!(attempt(&mut desk, GUESSER, "guess"), 401);
    }
    assert_eq!(attempt(&mut desk, "10.0.0.3:5060", "secret"), 200);
}

#[test]
fn the_wait_grows_and_has_an_end() {
    let mut guesses = Guesses::default();
    let (mut now, source) = (Mono(0), Site::of(ip("10.0.0.66")));
    let mut waits_s = Vec::new();
    for _ in 0..16 {
        guesses.failed(now, "tv01", source);
        let mut wait_s = 0;
        while guesses.is_held(now, "tv01", source) {
            now = now.plus_millis(1_000);
            wait_s += 1;
        }
        waits_s.push(wait_s);
    }
    assert_eq!(
        waits_s,
        [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256, 256]
    );
    guesses.succeeded("tv01", source);
    guesses.failed(now, "tv01", source);
    assert!(!guesses.is_held(now, "tv01", source));
}

#[test]
fn a_guesser_of_names_has_a_bounded_table() {
    let mut guesses = Guesses::default();
    for number in 0..20_000_u32 {
        guesses.failed(Mono(0), &format!("name{number}"), Site::of(ip("10.0.0.66")));
    }
    assert_eq!(guesses.len(), 4_096);
}
