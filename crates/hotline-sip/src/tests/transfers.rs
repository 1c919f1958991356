//! REFER, NOTIFY and Replaces.

use super::check;
use expect_test::expect;

#[test]
fn a_counsellor_transfers_a_call_blindly() {
    check(
        "phone registers tv01; phone calls 102 tv01; server answers; phone wants 103; server refers 202; \
         server notifies 180; server notifies 200; server hangs up",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.100      phone -> server   INVITE
            0.105       server: rejected Challenged
            0.105     server -> phone    401 INVITE
            0.110      phone -> server   ACK
            0.110      phone -> server   INVITE
            0.115     server -> phone    100 INVITE
            0.115       server: invited to 102 by tv01 (tv01)
            0.200     server -> phone    200 INVITE
            0.205      phone -> server   ACK
            0.205       phone: answered "answer of server"
            0.210       server: acknowledged
            0.300      phone -> server   REFER
            0.305       server: referred to 103 by tv01
            0.400     server -> phone    202 REFER
            0.400     server -> phone    NOTIFY
            0.405      phone -> server   200 NOTIFY
            0.405       phone: transfer 100
            0.500     server -> phone    NOTIFY
            0.505      phone -> server   200 NOTIFY
            0.505       phone: transfer 180
            0.600     server -> phone    NOTIFY
            0.605      phone -> server   200 NOTIFY
            0.605       phone: transfer 200
            0.700     server -> phone    BYE
            0.705      phone -> server   200 BYE
            0.705       phone: ended by peer
        "#]],
    );
}

#[test]
fn an_attended_transfer_names_the_second_call() {
    check(
        "phone registers tv01; phone calls 102 tv01; server answers; phone calls 103 tv01; server answers; \
         phone wants 103 attended; server first refers 202; server first notifies 200; server first hangs up; \
         phone hangs up",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.100      phone -> server   INVITE
            0.105       server: rejected Challenged
            0.105     server -> phone    401 INVITE
            0.110      phone -> server   ACK
            0.110      phone -> server   INVITE
            0.115     server -> phone    100 INVITE
            0.115       server: invited to 102 by tv01 (tv01)
            0.200     server -> phone    200 INVITE
            0.205      phone -> server   ACK
            0.205       phone: answered "answer of server"
            0.210       server: acknowledged
            0.300      phone -> server   INVITE
            0.305       server: rejected Challenged
            0.305     server -> phone    401 INVITE
            0.310      phone -> server   ACK
            0.310      phone -> server   INVITE
            0.315     server -> phone    100 INVITE
            0.315       server: invited to 103 by tv01 (tv01)
            0.400     server -> phone    200 INVITE
            0.405      phone -> server   ACK
            0.405       phone: answered "answer of server"
            0.410       server: acknowledged
            0.500      phone -> server   REFER
            0.505       server: referred to 103 by tv01 in place of a call
            0.600     server -> phone    202 REFER
            0.600     server -> phone    NOTIFY
            0.605      phone -> server   200 NOTIFY
            0.605       phone: transfer 100
            0.700     server -> phone    NOTIFY
            0.705      phone -> server   200 NOTIFY
            0.705       phone: transfer 200
            0.800     server -> phone    BYE
            0.805      phone -> server   200 BYE
            0.805       phone: ended by peer
            0.900      phone -> server   BYE
            0.905     server -> phone    200 BYE
            0.905       server: ended by peer
        "#]],
    );
}

#[test]
fn a_transfer_may_be_refused_and_the_call_stays() {
    check(
        "phone registers tv01; phone calls 102 tv01; server answers; phone wants 999; server refers 403; phone presses 5; \
         phone wants 103; server refers 202; server notifies 486; phone hangs up",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.100      phone -> server   INVITE
            0.105       server: rejected Challenged
            0.105     server -> phone    401 INVITE
            0.110      phone -> server   ACK
            0.110      phone -> server   INVITE
            0.115     server -> phone    100 INVITE
            0.115       server: invited to 102 by tv01 (tv01)
            0.200     server -> phone    200 INVITE
            0.205      phone -> server   ACK
            0.205       phone: answered "answer of server"
            0.210       server: acknowledged
            0.300      phone -> server   REFER
            0.305       server: referred to 999 by tv01
            0.400     server -> phone    403 REFER
            0.405       phone: transfer 403
            0.500      phone -> server   INFO
            0.505       server: digit 5
            0.505     server -> phone    200 INFO
            0.600      phone -> server   REFER
            0.605       server: referred to 103 by tv01
            0.700     server -> phone    202 REFER
            0.700     server -> phone    NOTIFY
            0.705      phone -> server   200 NOTIFY
            0.705       phone: transfer 100
            0.800     server -> phone    NOTIFY
            0.805      phone -> server   200 NOTIFY
            0.805       phone: transfer 486
            0.900      phone -> server   BYE
            0.905     server -> phone    200 BYE
            0.905       server: ended by peer
        "#]],
    );
}

#[test]
fn a_carrier_may_not_transfer() {
    check(
        "trunk calls 111; server answers; trunk wants 103; trunk hangs up",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.200      trunk -> server   REFER
            0.205     server -> trunk    403 REFER
            0.210       trunk: transfer 403
            0.300      trunk -> server   BYE
            0.305     server -> trunk    200 BYE
            0.305       server: ended by peer
        "#]],
    );
}

#[test]
fn lost_messages_of_a_transfer_are_repeated() {
    check(
        "phone registers tv01; phone calls 102 tv01; server answers; drop 1 REFER; phone wants 103; wait 1; \
         drop 1 202 REFER; server refers 202; drop 2 NOTIFY; drop 1 200 NOTIFY; server notifies 180; \
         server notifies 183; server notifies 200; wait 5; phone hangs up",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.100      phone -> server   INVITE
            0.105       server: rejected Challenged
            0.105     server -> phone    401 INVITE
            0.110      phone -> server   ACK
            0.110      phone -> server   INVITE
            0.115     server -> phone    100 INVITE
            0.115       server: invited to 102 by tv01 (tv01)
            0.200     server -> phone    200 INVITE
            0.205      phone -> server   ACK
            0.205       phone: answered "answer of server"
            0.210       server: acknowledged
            0.400      phone -> server   REFER (lost)
            0.900      phone -> server   REFER
            0.905       server: referred to 103 by tv01
            1.700     server -> phone    202 REFER (lost)
            1.700     server -> phone    NOTIFY
            1.705      phone -> server   200 NOTIFY
            1.705       phone: transfer 100
            1.900      phone -> server   REFER
            1.905     server -> phone    202 REFER
            2.000     server -> phone    NOTIFY (lost)
            2.500     server -> phone    NOTIFY (lost)
            3.500     server -> phone    NOTIFY
            3.505      phone -> server   200 NOTIFY (lost)
            3.505       phone: transfer 180
            5.500     server -> phone    NOTIFY
            5.505      phone -> server   200 NOTIFY
            5.510     server -> phone    NOTIFY
            5.515      phone -> server   200 NOTIFY
            5.515       phone: transfer 200
            7.400      phone -> server   BYE
            7.405     server -> phone    200 BYE
            7.405       server: ended by peer
        "#]],
    );
}

#[test]
fn the_last_word_goes_before_the_bye() {
    check(
        "phone registers tv01; phone calls 102 tv01; server answers; phone wants 103; drop 1 NOTIFY; server refers 202; \
         server notifies 200; server hangs up; wait 1",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.100      phone -> server   INVITE
            0.105       server: rejected Challenged
            0.105     server -> phone    401 INVITE
            0.110      phone -> server   ACK
            0.110      phone -> server   INVITE
            0.115     server -> phone    100 INVITE
            0.115       server: invited to 102 by tv01 (tv01)
            0.200     server -> phone    200 INVITE
            0.205      phone -> server   ACK
            0.205       phone: answered "answer of server"
            0.210       server: acknowledged
            0.300      phone -> server   REFER
            0.305       server: referred to 103 by tv01
            0.500     server -> phone    202 REFER
            0.500     server -> phone    NOTIFY (lost)
            0.700     server -> phone    NOTIFY
            0.700     server -> phone    BYE
            0.705      phone -> server   200 NOTIFY
            0.705       phone: transfer 200
            0.705      phone -> server   200 BYE
            0.705       phone: ended by peer
            1.000     server -> phone    NOTIFY
            1.005       phone: rejected NoDialog
            1.005      phone -> server   481 NOTIFY
        "#]],
    );
}

#[test]
fn a_call_that_ends_ends_its_transfer() {
    check(
        "phone registers tv01; phone calls 102 tv01; server answers; phone wants 103; phone hangs up; server refers 202",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.100      phone -> server   INVITE
            0.105       server: rejected Challenged
            0.105     server -> phone    401 INVITE
            0.110      phone -> server   ACK
            0.110      phone -> server   INVITE
            0.115     server -> phone    100 INVITE
            0.115       server: invited to 102 by tv01 (tv01)
            0.200     server -> phone    200 INVITE
            0.205      phone -> server   ACK
            0.205       phone: answered "answer of server"
            0.210       server: acknowledged
            0.300      phone -> server   REFER
            0.305       server: referred to 103 by tv01
            0.400      phone -> server   BYE
            0.405     server -> phone    200 BYE
            0.405     server -> phone    603 REFER
            0.405       server: ended by peer
        "#]],
    );
    check(
        "phone registers tv01; phone calls 102 tv01; server answers; phone wants 103; server refers 202; phone hangs up; \
         server notifies 200",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.100      phone -> server   INVITE
            0.105       server: rejected Challenged
            0.105     server -> phone    401 INVITE
            0.110      phone -> server   ACK
            0.110      phone -> server   INVITE
            0.115     server -> phone    100 INVITE
            0.115       server: invited to 102 by tv01 (tv01)
            0.200     server -> phone    200 INVITE
            0.205      phone -> server   ACK
            0.205       phone: answered "answer of server"
            0.210       server: acknowledged
            0.300      phone -> server   REFER
            0.305       server: referred to 103 by tv01
            0.400     server -> phone    202 REFER
            0.400     server -> phone    NOTIFY
            0.405      phone -> server   200 NOTIFY
            0.405       phone: transfer 100
            0.500      phone -> server   BYE
            0.505     server -> phone    200 BYE
            0.505       server: ended by peer
        "#]],
    );
}
