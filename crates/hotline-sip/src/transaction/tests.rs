//! The four machines, event by event.

use super::client_invite::{self, ClientInvite};
use super::client_non_invite::{self, ClientNonInvite};
use super::server_invite::{self, ServerInvite};
use super::server_non_invite::{self, ServerNonInvite};
use super::{Act, Timer};
use expect_test::{Expect, expect};
use std::fmt::{Debug, Write as _};

/// One line an event: what came, the state after it, what was done.
fn story<State: Debug + Copy, Event: Debug + Copy>(
    start: (State, Vec<Act>),
    events: &[Event],
    step: impl Fn(State, Event, &mut Vec<Act>) -> State,
    expected: Expect,
) {
    let (mut state, acts) = start;
    let mut text = format!("{:<22} {state:?} {acts:?}\n", "start");
    for event in events {
        let mut acts = Vec::new();
        state = step(state, *event, &mut acts);
        let _ = writeln!(text, "{:<22} {state:?} {acts:?}", format!("{event:?}"));
    }
    expected.assert_eq(&text);
}

fn client_invite(is_reliable: bool, events: &[client_invite::Event], expected: Expect) {
    let mut acts = Vec::new();
    let state = ClientInvite::start(is_reliable, &mut acts);
    story(
        (state, acts),
        events,
        |state, event, acts| state.step(event, is_reliable, acts),
        expected,
    );
}

fn client_non_invite(is_reliable: bool, events: &[client_non_invite::Event], expected: Expect) {
    let mut acts = Vec::new();
    let state = ClientNonInvite::start(is_reliable, &mut acts);
    story(
        (state, acts),
        events,
        |state, event, acts| state.step(event, is_reliable, acts),
        expected,
    );
}

fn server_invite(is_reliable: bool, events: &[server_invite::Event], expected: Expect) {
    story(
        (ServerInvite::Proceeding, Vec::new()),
        events,
        |state, event, acts| state.step(event, is_reliable, acts),
        expected,
    );
}

fn server_non_invite(is_reliable: bool, events: &[server_non_invite::Event], expected: Expect) {
    story(
        (ServerNonInvite::Trying, Vec::new()),
        events,
        |state, event, acts| state.step(event, is_reliable, acts),
        expected,
    );
}

#[test]
fn timer_a_doubles_until_timer_b() {
    use client_invite::Event::Timer as Due;
    client_invite(
        false,
        &[Due(Timer::A), Due(Timer::A), Due(Timer::A), Due(Timer::B)],
        expect![[r#"
        start                  Calling { interval_ms: 500 } [Send, Arm(A, 500), Arm(B, 32000)]
        Timer(A)               Calling { interval_ms: 1000 } [Send, Arm(A, 1000)]
        Timer(A)               Calling { interval_ms: 2000 } [Send, Arm(A, 2000)]
        Timer(A)               Calling { interval_ms: 4000 } [Send, Arm(A, 4000)]
        Timer(B)               Terminated [Disarm, TimedOut]
    "#]],
    );
}

#[test]
fn a_provisional_stops_the_repetition() {
    use client_invite::Event::{Provisional, Success, Timer as Due};
    client_invite(
        false,
        &[
            Provisional,
            Due(Timer::A),
            Due(Timer::B),
            Provisional,
            Success,
        ],
        expect![[r#"
        start                  Calling { interval_ms: 500 } [Send, Arm(A, 500), Arm(B, 32000)]
        Provisional            Proceeding [Disarm, Deliver]
        Timer(A)               Proceeding []
        Timer(B)               Proceeding []
        Provisional            Proceeding [Deliver]
        Success                Accepted [Disarm, Deliver, Arm(M, 32000)]
    "#]],
    );
}

#[test]
fn a_refusal_is_acknowledged_each_time_until_timer_d() {
    use client_invite::Event::{Provisional, Refusal, Success, Timer as Due};
    client_invite(
        false,
        &[
            Provisional,
            Refusal,
            Refusal,
            Success,
            Due(Timer::D),
            Refusal,
        ],
        expect![[r#"
        start                  Calling { interval_ms: 500 } [Send, Arm(A, 500), Arm(B, 32000)]
        Provisional            Proceeding [Disarm, Deliver]
        Refusal                Completed [Disarm, SendAck, Deliver, Arm(D, 32000)]
        Refusal                Completed [SendAck]
        Success                Completed []
        Timer(D)               Terminated [Disarm]
        Refusal                Terminated []
    "#]],
    );
}

#[test]
fn every_2xx_reaches_the_user_until_timer_m() {
    use client_invite::Event::{Refusal, Success, Timer as Due, TransportFailed};
    client_invite(
        false,
        &[
            Success,
            Success,
            Refusal,
            TransportFailed,
            Due(Timer::M),
            Success,
        ],
        expect![[r#"
        start                  Calling { interval_ms: 500 } [Send, Arm(A, 500), Arm(B, 32000)]
        Success                Accepted [Disarm, Deliver, Arm(M, 32000)]
        Success                Accepted [Deliver]
        Refusal                Accepted []
        TransportFailed        Accepted []
        Timer(M)               Terminated [Disarm]
        Success                Terminated []
    "#]],
    );
}

#[test]
fn over_tcp_an_invite_is_sent_once() {
    use client_invite::Event::Refusal;
    client_invite(
        true,
        &[Refusal, Refusal],
        expect![[r#"
        start                  Calling { interval_ms: 500 } [Send, Arm(B, 32000)]
        Refusal                Terminated [Disarm, SendAck, Deliver]
        Refusal                Terminated []
    "#]],
    );
}

#[test]
fn a_lost_flow_ends_an_invite() {
    use client_invite::Event::{Provisional, Success, TransportFailed};
    client_invite(
        true,
        &[Provisional, TransportFailed, Success],
        expect![[r#"
        start                  Calling { interval_ms: 500 } [Send, Arm(B, 32000)]
        Provisional            Proceeding [Disarm, Deliver]
        TransportFailed        Terminated [Disarm, Failed]
        Success                Terminated []
    "#]],
    );
}

#[test]
fn timer_e_doubles_up_to_t2_until_timer_f() {
    use client_non_invite::Event::Timer as Due;
    let five = [Due(Timer::E); 5];
    client_non_invite(
        false,
        &[&five[..], &[Due(Timer::F), Due(Timer::E)]].concat(),
        expect![[r#"
        start                  Trying { interval_ms: 500 } [Send, Arm(E, 500), Arm(F, 32000)]
        Timer(E)               Trying { interval_ms: 1000 } [Send, Arm(E, 1000)]
        Timer(E)               Trying { interval_ms: 2000 } [Send, Arm(E, 2000)]
        Timer(E)               Trying { interval_ms: 4000 } [Send, Arm(E, 4000)]
        Timer(E)               Trying { interval_ms: 4000 } [Send, Arm(E, 4000)]
        Timer(E)               Trying { interval_ms: 4000 } [Send, Arm(E, 4000)]
        Timer(F)               Terminated [Disarm, TimedOut]
        Timer(E)               Terminated []
    "#]],
    );
}

#[test]
fn after_a_provisional_timer_e_is_t2() {
    use client_non_invite::Event::{Final, Provisional, Timer as Due};
    client_non_invite(
        false,
        &[
            Provisional,
            Due(Timer::E),
            Provisional,
            Final,
            Final,
            Due(Timer::K),
        ],
        expect![[r#"
        start                  Trying { interval_ms: 500 } [Send, Arm(E, 500), Arm(F, 32000)]
        Provisional            Proceeding [Deliver]
        Timer(E)               Proceeding [Send, Arm(E, 4000)]
        Provisional            Proceeding [Deliver]
        Final                  Completed [Disarm, Deliver, Arm(K, 5000)]
        Final                  Completed []
        Timer(K)               Terminated [Disarm]
    "#]],
    );
}

#[test]
fn over_tcp_a_request_ends_with_its_answer() {
    use client_non_invite::Event::{Final, Timer as Due};
    client_non_invite(
        true,
        &[Due(Timer::E), Final, Final],
        expect![[r#"
        start                  Trying { interval_ms: 500 } [Send, Arm(F, 32000)]
        Timer(E)               Trying { interval_ms: 1000 } [Send, Arm(E, 1000)]
        Final                  Terminated [Disarm, Deliver]
        Final                  Terminated []
    "#]],
    );
}

#[test]
fn a_lost_flow_ends_a_request() {
    use client_non_invite::Event::{Provisional, TransportFailed};
    client_non_invite(
        true,
        &[Provisional, TransportFailed, TransportFailed],
        expect![[r#"
        start                  Trying { interval_ms: 500 } [Send, Arm(F, 32000)]
        Provisional            Proceeding [Deliver]
        TransportFailed        Terminated [Disarm, Failed]
        TransportFailed        Terminated []
    "#]],
    );
}

#[test]
fn a_refusal_is_repeated_by_timer_g_until_timer_h() {
    use server_invite::Event::{Again, Respond, Timer as Due};
    let events = [
        Respond(100),
        Again,
        Respond(486),
        Due(Timer::G),
        Due(Timer::G),
        Due(Timer::G),
        Due(Timer::G),
        Again,
        Due(Timer::H),
    ];
    server_invite(
        false,
        &events,
        expect![[r#"
        start                  Proceeding []
        Respond(100)           Proceeding [Send]
        Again                  Proceeding [Send]
        Respond(486)           Completed { interval_ms: 500 } [Send, Arm(G, 500), Arm(H, 32000)]
        Timer(G)               Completed { interval_ms: 1000 } [Send, Arm(G, 1000)]
        Timer(G)               Completed { interval_ms: 2000 } [Send, Arm(G, 2000)]
        Timer(G)               Completed { interval_ms: 4000 } [Send, Arm(G, 4000)]
        Timer(G)               Completed { interval_ms: 4000 } [Send, Arm(G, 4000)]
        Again                  Completed { interval_ms: 4000 } [Send]
        Timer(H)               Terminated [Disarm]
    "#]],
    );
}

#[test]
fn an_ack_confirms_until_timer_i() {
    use server_invite::Event::{Ack, Again, Respond, Timer as Due};
    server_invite(
        false,
        &[Respond(487), Ack, Ack, Again, Due(Timer::G), Due(Timer::I)],
        expect![[r#"
        start                  Proceeding []
        Respond(487)           Completed { interval_ms: 500 } [Send, Arm(G, 500), Arm(H, 32000)]
        Ack                    Confirmed [Disarm, Arm(I, 5000)]
        Ack                    Confirmed []
        Again                  Confirmed []
        Timer(G)               Confirmed []
        Timer(I)               Terminated [Disarm]
    "#]],
    );
}

#[test]
fn a_2xx_stays_until_timer_l_and_absorbs_the_invite() {
    use server_invite::Event::{Ack, Again, Respond, Timer as Due};
    server_invite(
        false,
        &[
            Respond(200),
            Again,
            Respond(200),
            Ack,
            Respond(486),
            Due(Timer::L),
        ],
        expect![[r#"
        start                  Proceeding []
        Respond(200)           Accepted [Send, Arm(L, 32000)]
        Again                  Accepted []
        Respond(200)           Accepted [Send]
        Ack                    Accepted []
        Respond(486)           Accepted []
        Timer(L)               Terminated [Disarm]
    "#]],
    );
}

#[test]
fn over_tcp_a_refusal_is_sent_once() {
    use server_invite::Event::{Ack, Respond};
    server_invite(
        true,
        &[Respond(486), Ack],
        expect![[r#"
        start                  Proceeding []
        Respond(486)           Completed { interval_ms: 500 } [Send, Arm(H, 32000)]
        Ack                    Terminated [Disarm]
    "#]],
    );
}

#[test]
fn an_answer_is_repeated_on_demand_until_timer_j() {
    use server_non_invite::Event::{Again, Respond, Timer as Due};
    server_non_invite(
        false,
        &[
            Again,
            Respond(100),
            Again,
            Respond(200),
            Again,
            Respond(500),
            Due(Timer::J),
            Again,
        ],
        expect![[r#"
        start                  Trying []
        Again                  Trying []
        Respond(100)           Proceeding [Send]
        Again                  Proceeding [Send]
        Respond(200)           Completed [Send, Arm(J, 32000)]
        Again                  Completed [Send]
        Respond(500)           Completed []
        Timer(J)               Terminated [Disarm]
        Again                  Terminated []
    "#]],
    );
}

#[test]
fn over_tcp_an_answer_ends_it() {
    use server_non_invite::Event::{Again, Respond};
    server_non_invite(
        true,
        &[Respond(200), Again],
        expect![[r#"
        start                  Trying []
        Respond(200)           Terminated [Send]
        Again                  Terminated []
    "#]],
    );
}
