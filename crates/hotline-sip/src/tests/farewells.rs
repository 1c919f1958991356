//! The last words of a call: what is kept until they are answered, and that they are counted.

use super::check;
use super::net::Net;
use super::script::run;
use crate::Table;
use expect_test::expect;

fn kept(net: &mut Net) -> usize {
    let kept = &net.node("server").kept;
    kept.keys().filter(|key| key.0 == Table::Dialog).count()
}

#[test]
fn a_bye_that_a_crash_cut_short_is_sent_by_the_next_start() {
    check(
        "trunk calls 111; server answers; drop 1 BYE; server hangs up; server restarts; wait 1",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.300     server -> trunk    BYE (lost)
            0.400     server -> trunk    BYE
            0.405      trunk -> server   200 BYE
            0.405       trunk: ended by peer
        "#]],
    );
}

#[test]
fn the_record_of_a_call_goes_with_the_answer_to_its_bye() {
    let mut net = Net::new();
    run(
        &mut net,
        "trunk calls 111; server answers; drop 2 BYE; server hangs up",
    );
    assert_eq!((kept(&mut net), net.counters("server").farewells), (1, 1));
    assert_eq!(net.counters("server").dialogs, 0);
    run(&mut net, "wait 3");
    assert_eq!((kept(&mut net), net.counters("server").farewells), (0, 0));
}

#[test]
fn the_answer_to_a_digit_does_not_end_the_wait_for_the_bye() {
    let mut net = Net::new();
    run(
        &mut net,
        "trunk calls 111; server answers; drop 1 INFO; server presses 5; drop 3 BYE; server hangs up; wait 1",
    );
    assert!(net.log.contains("INFO\n"), "{}", net.log);
    assert_eq!((kept(&mut net), net.counters("server").farewells), (1, 1));
    net.settle();
    assert_eq!((kept(&mut net), net.counters("server").farewells), (0, 0));
}

#[test]
fn a_bye_that_nobody_answers_is_forgotten_when_it_times_out() {
    let mut net = Net::new();
    run(
        &mut net,
        "trunk calls 111; server answers; trunk dies; server hangs up; wait 31",
    );
    assert_eq!((kept(&mut net), net.counters("server").farewells), (1, 1));
    run(&mut net, "wait 2");
    assert_eq!((kept(&mut net), net.counters("server").farewells), (0, 0));
}

#[test]
fn farewells_that_must_wait_are_counted() {
    for script in [
        // A CANCEL before the provisional response, a BYE before the ACK.
        "phone registers tv01; drop 1 100 INVITE; server rings tv01; server hangs up",
        "drop 1 ACK; trunk calls 111; server answers; server hangs up",
    ] {
        let mut net = Net::new();
        run(&mut net, script);
        assert_eq!(net.counters("server").farewells, 1, "{}", net.log);
        run(&mut net, "wait 2");
        assert_eq!(net.counters("server").farewells, 0, "{}", net.log);
        net.settle();
    }
}
