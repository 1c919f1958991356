//! Phones of two banks call one another over loopback: tones, keys, and all ways in which a call can end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod common;

use common::{assert_tone, file, pair};
use hotline_phone::{
    AnswerScript, CallScript, DigitWay, EndedBy, EventKind, Reaction, Talk, Transport,
    read_recording,
};

fn is_recorded(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Recorded { .. })
}

#[test]
fn both_hear_the_other_ones_tone_and_record_both_ways() {
    let (mut caller, mut called) = pair(Transport::Udp);
    let (heard_by_caller, heard_by_called) = (file("caller.wav"), file("called.wav"));
    let answer = Talk::new().record(&heard_by_called).tone(1_000, 20);
    let callee = called
        .bank
        .listen("tv01", AnswerScript::answer_after_ms(100).talk(answer));
    let talk = Talk::new()
        .record(&heard_by_caller)
        .tone(600, 20)
        .wait_ms(1_500)
        .hang_up();
    let call = caller
        .bank
        .call(CallScript::dial("tv01").from("0912345678").talk(talk));

    let ended = caller.wait_ended(call);
    assert!(
        matches!(
            ended.kind,
            EventKind::Ended {
                by: EndedBy::Us,
                talk_us: 1_500_000..
            }
        ),
        "{ended:?}"
    );
    let ended = called.wait_ended(callee);
    assert!(
        matches!(
            ended.kind,
            EventKind::Ended {
                by: EndedBy::Peer,
                ..
            }
        ),
        "{ended:?}"
    );
    caller.wait(call, "a recording", is_recorded);
    called.wait(callee, "a recording", is_recorded);

    let story = caller.kinds(call);
    let at = |is_it: fn(&EventKind) -> bool| story.iter().position(is_it).unwrap();
    assert!(at(|kind| *kind == EventKind::Dialled) < at(|kind| *kind == EventKind::Ringing));
    assert!(
        at(|kind| *kind == EventKind::Ringing)
            < at(|kind| matches!(kind, EventKind::Answered { .. }))
    );
    assert!(story.contains(&EventKind::Flowing), "{story:?}");
    let invited = EventKind::Invited {
        caller: "0912345678".to_owned(),
        caller_name: String::new(),
    };
    assert!(called.kinds(callee).contains(&invited));
    assert!(called.kinds(callee).contains(&EventKind::Acknowledged));

    for (path, heard_hz, spoken_hz) in
        [(heard_by_caller, 1_000, 600), (heard_by_called, 600, 1_000)]
    {
        let (heard, spoken) = read_recording(&path).unwrap();
        assert!(heard.len() > 8_000, "{} samples", heard.len());
        let middle = 4_000..heard.len() - 1_600;
        assert_tone(&heard[middle.clone()], heard_hz, 20, spoken_hz);
        assert_tone(&spoken[middle], spoken_hz, 20, heard_hz);
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn each_key_arrives_once_by_either_way() {
    let (mut caller, mut called) = pair(Transport::Udp);
    let callee = called.bank.listen("tv01", AnswerScript::answer_after_ms(0));
    let talk = Talk::new()
        .press("1159#*A")
        .press_by("20", DigitWay::Info)
        .wait_ms(300);
    let call = caller.bank.call(CallScript::dial("tv01").talk(talk));
    caller.wait(call, "the answer", |kind| {
        matches!(kind, EventKind::Answered { .. })
    });
    caller.wait(call, "the last key", |kind| {
        *kind == EventKind::Pressed { digit: '0' }
    });
    called.wait(callee, "the last key", |kind| {
        *kind == EventKind::Digit { digit: '0' }
    });
    caller.bank.press(call, "77", DigitWay::Rtp);
    let is_seven = |kind: &EventKind| *kind == EventKind::Digit { digit: '7' };
    called.wait(callee, "a key by hand", is_seven);
    caller.bank.hang_up(call);
    called.wait(callee, "the last counters", |kind| {
        matches!(kind, EventKind::MediaClosed(_))
    });
    let digits = called.digits(callee);
    // The hang-up may have cut the second 7.
    assert!(
        digits == "1159#*A2077" || digits == "1159#*A207",
        "{digits}"
    );
}

#[test]
fn a_caller_who_gives_up_cancels() {
    let (mut caller, mut called) = pair(Transport::Udp);
    let callee = called.bank.listen("tv01", AnswerScript::never());
    let call = caller
        .bank
        .call(CallScript::dial("tv01").give_up_after_ms(400));
    let ended = caller.wait_ended(call);
    assert_eq!(
        ended.kind,
        EventKind::Ended {
            by: EndedBy::Us,
            talk_us: 0
        }
    );
    assert!(caller.kinds(call).contains(&EventKind::Ringing));
    let ended = called.wait_ended(callee);
    assert_eq!(
        ended.kind,
        EventKind::Ended {
            by: EndedBy::Peer,
            talk_us: 0
        }
    );
    // The phone is free again.
    called
        .bank
        .rescript(callee, AnswerScript::answer_after_ms(0));
    let call = caller.bank.call(CallScript::dial("tv01"));
    caller.wait(call, "the answer", |kind| {
        matches!(kind, EventKind::Answered { .. })
    });
}

#[test]
fn a_refusal_names_its_status() {
    let (mut caller, called) = pair(Transport::Udp);
    for (status, after_ms) in [(486, 0), (603, 0), (480, 200)] {
        let user = format!("tv{status}");
        called.bank.listen(
            &user,
            AnswerScript::reacting(Reaction::Decline { status, after_ms }),
        );
        let call = caller.bank.call(CallScript::dial(&user));
        let expected = if status == 480 {
            EndedBy::Unreachable(480)
        } else {
            EndedBy::Refused(status)
        };
        assert_eq!(
            caller.wait_ended(call).kind,
            EventKind::Ended {
                by: expected,
                talk_us: 0
            }
        );
    }
    let call = caller.bank.call(CallScript::dial("nobody"));
    let expected = EventKind::Ended {
        by: EndedBy::Refused(404),
        talk_us: 0,
    };
    assert_eq!(caller.wait_ended(call).kind, expected);
}

#[test]
fn a_dead_phone_says_nothing_at_all() {
    let (mut caller, mut called) = pair(Transport::Udp);
    let callee = called.bank.listen("tv01", AnswerScript::dead());
    let call = caller
        .bank
        .call(CallScript::dial("tv01").give_up_after_ms(700));
    caller.wait_ended(call);
    assert_eq!(caller.kinds(call)[0], EventKind::Dialled);
    assert!(!caller.kinds(call).contains(&EventKind::Ringing));
    assert_eq!(called.kinds(callee), []);
}

#[test]
fn the_called_one_hangs_up_after_its_talk() {
    let (mut caller, mut called) = pair(Transport::Udp);
    let talk = Talk::new().wait_ms(600).hang_up();
    let callee = called
        .bank
        .listen("tv01", AnswerScript::answer_after_ms(0).talk(talk));
    let call = caller.bank.call(CallScript::dial("tv01"));
    let ended = caller.wait_ended(call);
    assert!(
        matches!(
            ended.kind,
            EventKind::Ended {
                by: EndedBy::Peer,
                talk_us: 500_000..
            }
        ),
        "{ended:?}"
    );
    let ended = called.wait_ended(callee);
    assert!(
        matches!(
            ended.kind,
            EventKind::Ended {
                by: EndedBy::Us,
                talk_us: 600_000..
            }
        ),
        "{ended:?}"
    );
}

#[test]
fn a_phone_has_one_call_at_a_time() {
    let (mut caller, called) = pair(Transport::Udp);
    called.bank.listen("tv01", AnswerScript::answer_after_ms(0));
    let first = caller.bank.call(CallScript::dial("tv01"));
    caller.wait(first, "the answer", |kind| {
        matches!(kind, EventKind::Answered { .. })
    });
    let second = caller.bank.call(CallScript::dial("tv01"));
    let busy = EventKind::Ended {
        by: EndedBy::Refused(486),
        talk_us: 0,
    };
    assert_eq!(caller.wait_ended(second).kind, busy);
}

#[test]
fn more_calls_than_ports_at_hand_wait_their_turn() {
    let (mut caller, called) = pair(Transport::Udp);
    let calls: Vec<_> = (0..80)
        .map(|number| {
            let user = format!("tv{number}");
            called.bank.listen(&user, AnswerScript::answer_after_ms(0));
            caller.bank.call(CallScript::dial(&user))
        })
        .collect();
    for call in &calls {
        caller.wait(*call, "the answer", |kind| {
            matches!(kind, EventKind::Answered { .. })
        });
    }
    caller.bank.stop();
    for call in calls {
        let ended = caller.wait_ended(call);
        assert!(
            matches!(
                ended.kind,
                EventKind::Ended {
                    by: EndedBy::Us,
                    ..
                }
            ),
            "{ended:?}"
        );
    }
}

#[test]
fn a_bank_that_stops_says_goodbye_and_one_that_vanishes_does_not() {
    let (mut caller, mut called) = pair(Transport::Udp);
    let callee = called.bank.listen("tv01", AnswerScript::answer_after_ms(0));
    let call = caller.bank.call(CallScript::dial("tv01"));
    caller.wait(call, "the answer", |kind| {
        matches!(kind, EventKind::Answered { .. })
    });
    caller.bank.stop();
    let ended = called.wait_ended(callee);
    assert!(
        matches!(
            ended.kind,
            EventKind::Ended {
                by: EndedBy::Peer,
                ..
            }
        ),
        "{ended:?}"
    );

    let mut other = common::Side::start(called.bank.local(), Transport::Udp);
    let call = other.bank.call(CallScript::dial("tv01"));
    other.wait(call, "the answer", |kind| {
        matches!(kind, EventKind::Answered { .. })
    });
    called.wait(callee, "audio", |kind| *kind == EventKind::Flowing);
    other.bank.vanish();
    called.bank.hang_up(callee);
    let is_ours = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::Ended {
                by: EndedBy::Us,
                ..
            }
        )
    };
    called.wait(callee, "our own end", is_ours);
}

#[test]
fn a_call_over_tcp() {
    let (mut caller, mut called) = pair(Transport::Tcp);
    let callee = called
        .bank
        .listen("tv01", AnswerScript::answer_after_ms(100));
    let talk = Talk::new()
        .press_by("5", DigitWay::Info)
        .wait_ms(300)
        .hang_up();
    let call = caller.bank.call(CallScript::dial("tv01").talk(talk));
    let ended = caller.wait_ended(call);
    assert!(
        matches!(
            ended.kind,
            EventKind::Ended {
                by: EndedBy::Us,
                ..
            }
        ),
        "{ended:?}"
    );
    called.wait_ended(callee);
    assert_eq!(called.digits(callee), "5");
}
