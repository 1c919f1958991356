//! Calls in and out, as ladders.

use super::check;
use expect_test::expect;

#[test]
fn a_call_from_the_trunk_is_answered_and_ended_by_the_caller() {
    check(
        "trunk calls 111; server answers; wait 1; trunk presses 5; trunk hangs up",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            1.300      trunk -> server   INFO
            1.305       server: digit 5
            1.305     server -> trunk    200 INFO
            1.400      trunk -> server   BYE
            1.405     server -> trunk    200 BYE
            1.405       server: ended by peer
        "#]],
    );
}

#[test]
fn the_server_hangs_up() {
    check(
        "trunk calls 111; server answers; server hangs up",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.200     server -> trunk    BYE
            0.205      trunk -> server   200 BYE
            0.205       trunk: ended by peer
        "#]],
    );
}

#[test]
fn a_phone_registers_and_is_rung() {
    check(
        "phone registers tv01; server rings tv01; phone rings; phone answers; wait 1; server hangs up",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.100     server -> phone    INVITE
            0.105      phone -> server   100 INVITE
            0.105       phone: invited to tv01 by 111 (unknown)
            0.200      phone -> server   180 INVITE
            0.205       server: ringing
            0.300      phone -> server   200 INVITE
            0.305     server -> phone    ACK
            0.305       server: answered "answer of phone"
            0.310       phone: acknowledged
            1.500     server -> phone    BYE
            1.505      phone -> server   200 BYE
            1.505       phone: ended by peer
        "#]],
    );
}

#[test]
fn a_lost_200_is_sent_again() {
    check(
        "drop 2 200 INVITE; trunk calls 111; server answers; wait 3; trunk hangs up",
        expect![[r#"
            0.100      trunk -> server   INVITE
            0.105     server -> trunk    100 INVITE
            0.105       server: invited to 111 by 0987654321 (trunk 0)
            0.200     server -> trunk    200 INVITE (lost)
            0.700     server -> trunk    200 INVITE (lost)
            1.700     server -> trunk    200 INVITE
            1.705      trunk -> server   ACK
            1.705       trunk: answered "answer of server"
            1.710       server: acknowledged
            3.400      trunk -> server   BYE
            3.405     server -> trunk    200 BYE
            3.405       server: ended by peer
        "#]],
    );
}

#[test]
fn a_lost_ack_is_sent_again_on_the_next_200() {
    check(
        "drop 1 ACK; trunk calls 111; server answers; wait 3; trunk hangs up",
        expect![[r#"
            0.100      trunk -> server   INVITE
            0.105     server -> trunk    100 INVITE
            0.105       server: invited to 111 by 0987654321 (trunk 0)
            0.200     server -> trunk    200 INVITE
            0.205      trunk -> server   ACK (lost)
            0.205       trunk: answered "answer of server"
            0.700     server -> trunk    200 INVITE
            0.705      trunk -> server   ACK
            0.710       server: acknowledged
            3.400      trunk -> server   BYE
            3.405     server -> trunk    200 BYE
            3.405       server: ended by peer
        "#]],
    );
}

#[test]
fn without_any_ack_the_call_ends_after_32_seconds() {
    check(
        "drop 99 ACK; trunk calls 111; server answers; wait 40",
        expect![[r#"
            0.100      trunk -> server   INVITE
            0.105     server -> trunk    100 INVITE
            0.105       server: invited to 111 by 0987654321 (trunk 0)
            0.200     server -> trunk    200 INVITE
            0.205      trunk -> server   ACK (lost)
            0.205       trunk: answered "answer of server"
            0.700     server -> trunk    200 INVITE
            0.705      trunk -> server   ACK (lost)
            1.700     server -> trunk    200 INVITE
            1.705      trunk -> server   ACK (lost)
            3.700     server -> trunk    200 INVITE
            3.705      trunk -> server   ACK (lost)
            7.700     server -> trunk    200 INVITE
            7.705      trunk -> server   ACK (lost)
            11.700    server -> trunk    200 INVITE
            11.705     trunk -> server   ACK (lost)
            15.700    server -> trunk    200 INVITE
            15.705     trunk -> server   ACK (lost)
            19.700    server -> trunk    200 INVITE
            19.705     trunk -> server   ACK (lost)
            23.700    server -> trunk    200 INVITE
            23.705     trunk -> server   ACK (lost)
            27.700    server -> trunk    200 INVITE
            27.705     trunk -> server   ACK (lost)
            31.700    server -> trunk    200 INVITE
            31.705     trunk -> server   ACK (lost)
            32.200      server: ended in silence
            32.200    server -> trunk    BYE
            32.205     trunk -> server   200 BYE
            32.205      trunk: ended by peer
        "#]],
    );
}

#[test]
fn all_contacts_ring_and_the_first_answer_wins() {
    check(
        "phone registers tv01; tablet registers tv01; server rings tv01; phone rings; tablet rings; tablet answers; wait 1; server hangs up",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.100     tablet -> server   REGISTER
            0.105       server: rejected Challenged
            0.105     server -> tablet   401 REGISTER
            0.110     tablet -> server   REGISTER
            0.115     server -> tablet   200 REGISTER
            0.120       tablet: registered tv01 Ok(3600)
            0.200     server -> phone    INVITE
            0.200     server -> tablet   INVITE
            0.205      phone -> server   100 INVITE
            0.205       phone: invited to tv01 by 111 (unknown)
            0.205     tablet -> server   100 INVITE
            0.205       tablet: invited to tv01 by 111 (unknown)
            0.300      phone -> server   180 INVITE
            0.305       server: ringing
            0.400     tablet -> server   180 INVITE
            0.500     tablet -> server   200 INVITE
            0.505     server -> tablet   ACK
            0.505     server -> phone    CANCEL
            0.505       server: answered "answer of tablet"
            0.510       tablet: acknowledged
            0.510      phone -> server   200 CANCEL
            0.510      phone -> server   487 INVITE
            0.510       phone: ended by peer
            0.515     server -> phone    ACK
            1.700     server -> tablet   BYE
            1.705     tablet -> server   200 BYE
            1.705       tablet: ended by peer
        "#]],
    );
}

#[test]
fn a_caller_who_gives_up_cancels() {
    check(
        "trunk calls 111; trunk hangs up; wait 1",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100      trunk -> server   CANCEL
            0.105     server -> trunk    200 CANCEL
            0.105     server -> trunk    487 INVITE
            0.105       server: ended by peer
            0.110      trunk -> server   ACK
        "#]],
    );
}

#[test]
fn a_200_that_crosses_the_cancel_is_acknowledged_and_ended() {
    check(
        "phone registers tv01; server rings tv01; phone rings; drop 1 CANCEL; server hangs up; phone answers; wait 2",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.100     server -> phone    INVITE
            0.105      phone -> server   100 INVITE
            0.105       phone: invited to tv01 by 111 (unknown)
            0.200      phone -> server   180 INVITE
            0.205       server: ringing
            0.400     server -> phone    CANCEL (lost)
            0.500      phone -> server   200 INVITE
            0.505     server -> phone    ACK
            0.505     server -> phone    BYE
            0.510       phone: acknowledged
            0.510      phone -> server   200 BYE
            0.510       phone: ended by peer
            0.900     server -> phone    CANCEL
            0.905      phone -> server   200 CANCEL
        "#]],
    );
}

#[test]
fn a_dead_contact_is_unreachable_after_three_seconds() {
    check(
        "phone registers tv01; phone dies; server rings tv01; wait 5",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.200     server -> phone    INVITE
            0.700     server -> phone    INVITE
            1.700     server -> phone    INVITE
            3.200       server: contact tv01 Unreachable
            3.200       server: failed: unreachable 408
            3.700     server -> phone    INVITE
        "#]],
    );
}

#[test]
fn over_tcp() {
    check(
        "phone registers tv01 tcp; server rings tv01; phone answers; trunk calls 111 tcp; wait 1; server hangs up; phone hangs up",
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
            0.305      trunk -> server   INVITE (tcp)
            0.310     server -> trunk    100 INVITE (tcp)
            0.310       server: invited to 111 by 0987654321 (trunk 0)
            1.500     server -> trunk    480 INVITE (tcp)
            1.505      trunk -> server   ACK (tcp)
            1.505       trunk: failed: unreachable 480
            1.600      phone -> server   BYE (tcp)
            1.605     server -> phone    200 BYE (tcp)
            1.605       server: ended by peer
        "#]],
    );
}

#[test]
fn a_phone_calls_with_its_password() {
    check(
        "phone calls 111 tv01; server answers; phone hangs up",
        expect![[r#"
            0.000      phone -> server   INVITE
            0.005       server: rejected Challenged
            0.005     server -> phone    401 INVITE
            0.010      phone -> server   ACK
            0.010      phone -> server   INVITE
            0.015     server -> phone    100 INVITE
            0.015       server: invited to 111 by tv01 (tv01)
            0.100     server -> phone    200 INVITE
            0.105      phone -> server   ACK
            0.105       phone: answered "answer of server"
            0.110       server: acknowledged
            0.200      phone -> server   BYE
            0.205     server -> phone    200 BYE
            0.205       server: ended by peer
        "#]],
    );
}
