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

#[test]
fn a_phone_over_tcp_gets_its_bye_when_it_registers_again() {
    check(
        "phone registers tv01 tcp; server rings tv01; phone answers; cut tcp; server restarts; wait 5; phone registers tv01 tcp; wait 1",
        expect![[r#"
            0.005      phone -> server   REGISTER (tcp)
            0.010       server: rejected Challenged
            0.010     server -> phone    401 REGISTER (tcp)
            0.015      phone -> server   REGISTER (tcp)
            0.020     server -> phone    200 REGISTER (tcp)
            0.020       server: contact tv01 Reachable
            0.025       phone: registered tv01 Ok(3600)
            0.100     server -> phone    INVITE (tcp)
            0.105      phone -> server   100 INVITE (tcp)
            0.105       phone: invited to tv01 by 111 (unknown)
            0.200      phone -> server   200 INVITE (tcp)
            0.205     server -> phone    ACK (tcp)
            0.205       server: answered "answer of phone"
            0.210       phone: acknowledged
            0.305       server: contact tv01 Unreachable
            0.400       server: contact tv01 Unreachable
            5.605      phone -> server   REGISTER (tcp)
            5.610       server: rejected Challenged
            5.610     server -> phone    401 REGISTER (tcp)
            5.615      phone -> server   REGISTER (tcp)
            5.620     server -> phone    200 REGISTER (tcp)
            5.620     server -> phone    BYE (tcp)
            5.620       server: contact tv01 Reachable
            5.625       phone: registered tv01 Ok(3600)
            5.625      phone -> server   200 BYE (tcp)
            5.625       phone: ended by peer
        "#]],
    );
}

#[test]
fn a_phone_over_tcp_that_never_comes_back_is_given_up() {
    let mut net = Net::new();
    run(
        &mut net,
        "phone registers tv01 tcp; server rings tv01; phone answers; cut tcp; server restarts; wait 60",
    );
    assert_eq!(kept(&mut net), 1);
    run(&mut net, "wait 5");
    assert_eq!(kept(&mut net), 0);
    assert!(net.node("server").endpoint.idle());
}
