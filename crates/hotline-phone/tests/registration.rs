//! Phones register with digest at a server, are rung there, and leave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod common;

use common::Side;
use common::registrar::Registrar;
use hotline_phone::{AnswerScript, EventKind, Transport};
use hotline_sip::{ContactState, Event, Failure};

fn granted(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Registered { granted: Ok(1..) })
}

#[test]
fn a_counsellor_registers_answers_and_leaves() {
    let registrar = Registrar::start("tv01", "secret");
    let mut phones = Side::start(registrar.address, Transport::Udp);
    let phone = phones
        .bank
        .register("tv01", "secret", AnswerScript::answer_after_ms(50));
    phones.wait(phone, "its registration", granted);
    registrar.wait_contact(ContactState::Reachable);

    registrar.ring(1, "tv01");
    phones.wait(phone, "a call", |kind| {
        matches!(kind, EventKind::Invited { .. })
    });
    registrar.wait("the answer", |event| {
        matches!(event, Event::Answered { dialog: 1, .. })
    });
    phones.wait(phone, "the ACK", |kind| *kind == EventKind::Acknowledged);
    phones.bank.hang_up(phone);
    registrar.wait("the end", |event| {
        matches!(
            event,
            Event::Ended {
                dialog: 1,
                is_by_peer: true
            }
        )
    });

    phones.bank.unregister(phone);
    phones.wait(phone, "its leave", |kind| {
        *kind == EventKind::Registered { granted: Ok(0) }
    });
    registrar.wait_contact(ContactState::Gone);
    phones.bank.register_again(phone);
    registrar.wait_contact(ContactState::Reachable);
    // The end of the bank is a leave as well.
    phones.bank.stop();
    registrar.wait_contact(ContactState::Gone);
}

#[test]
fn a_wrong_password_is_refused() {
    let registrar = Registrar::start("tv01", "secret");
    let mut phones = Side::start(registrar.address, Transport::Udp);
    let phone = phones.bank.register("tv01", "wrong", AnswerScript::never());
    let refused = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::Registered {
                granted: Err(400..=499)
            }
        )
    };
    phones.wait(phone, "the refusal", refused);
}

#[test]
fn a_dead_phone_registers_and_is_found_unreachable() {
    let registrar = Registrar::start("tv01", "secret");
    let mut phones = Side::start(registrar.address, Transport::Udp);
    let phone = phones.bank.register("tv01", "secret", AnswerScript::dead());
    phones.wait(phone, "its registration", granted);
    registrar.ring(1, "tv01");
    let is_unreachable = |event: &Event| {
        matches!(
            event,
            Event::Failed {
                dialog: 1,
                failure: Failure::Unreachable(_)
            }
        )
    };
    registrar.wait("the failure", is_unreachable);
    // It comes to life.
    phones.bank.rescript(phone, AnswerScript::decline(486));
    phones.bank.register_again(phone);
    registrar.wait_contact(ContactState::Reachable);
    registrar.ring(3, "tv01");
    let is_busy = |event: &Event| {
        matches!(
            event,
            Event::Failed {
                dialog: 3,
                failure: Failure::Busy
            }
        )
    };
    registrar.wait("the refusal", is_busy);
}
