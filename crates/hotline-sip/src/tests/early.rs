//! Reliable provisional responses and PRACK (RFC 3262), early media, both roles.

use super::check;
use expect_test::expect;

#[test]
fn early_media_is_sent_reliably_when_the_caller_can() {
    check(
        "trunk calls 111; server rings; server progresses early; server answers; trunk hangs up",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    180 INVITE
            0.105       trunk: ringing
            0.200     server -> trunk    183 INVITE
            0.205      trunk -> server   PRACK
            0.205       trunk: ringing
            0.210     server -> trunk    200 PRACK
            0.300     server -> trunk    200 INVITE
            0.305      trunk -> server   ACK
            0.305       trunk: answered "answer of server"
            0.310       server: acknowledged
            0.400      trunk -> server   BYE
            0.405     server -> trunk    200 BYE
            0.405       server: ended by peer
        "#]],
    );
}

#[test]
fn no_answer_overtakes_early_media() {
    check(
        "drop 2 PRACK; trunk calls 111; server progresses early; server answers; wait 2; trunk hangs up",
        expect![[r#"
            0.100      trunk -> server   INVITE
            0.105     server -> trunk    100 INVITE
            0.105       server: invited to 111 by 0987654321 (trunk 0)
            0.200     server -> trunk    183 INVITE
            0.205      trunk -> server   PRACK (lost)
            0.205       trunk: ringing
            0.700     server -> trunk    183 INVITE
            0.705      trunk -> server   PRACK (lost)
            1.700     server -> trunk    183 INVITE
            1.705      trunk -> server   PRACK
            1.710     server -> trunk    200 PRACK
            1.710     server -> trunk    200 INVITE
            1.715      trunk -> server   ACK
            1.715       trunk: answered "answer of server"
            1.720       server: acknowledged
            2.500      trunk -> server   BYE
            2.505     server -> trunk    200 BYE
            2.505       server: ended by peer
        "#]],
    );
}

#[test]
fn lost_early_media_is_repeated_once_it_is_heard_once() {
    check(
        "drop 2 183 INVITE; double 1 183 INVITE; drop 1 200 PRACK; trunk calls 111; server progresses early; wait 3; \
         server progresses other; server answers; trunk hangs up",
        expect![[r#"
            0.300      trunk -> server   INVITE
            0.305     server -> trunk    100 INVITE
            0.305       server: invited to 111 by 0987654321 (trunk 0)
            0.400     server -> trunk    183 INVITE (lost)
            0.900     server -> trunk    183 INVITE (lost)
            1.900     server -> trunk    183 INVITE (twice)
            1.905      trunk -> server   PRACK
            1.905       trunk: ringing
            1.910     server -> trunk    200 PRACK (lost)
            2.405      trunk -> server   PRACK
            2.410     server -> trunk    200 PRACK
            3.600     server -> trunk    183 INVITE
            3.605      trunk -> server   PRACK
            3.605       trunk: ringing
            3.610     server -> trunk    200 PRACK
            3.700     server -> trunk    200 INVITE
            3.705      trunk -> server   ACK
            3.705       trunk: answered "answer of server"
            3.710       server: acknowledged
            3.800      trunk -> server   BYE
            3.805     server -> trunk    200 BYE
            3.805       server: ended by peer
        "#]],
    );
}

#[test]
fn a_caller_who_never_hears_early_media_is_given_up() {
    check(
        "trunk calls 111; trunk dies; server progresses early; wait 40; trunk revives; trunk forgets",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.200     server -> trunk    183 INVITE
            0.700     server -> trunk    183 INVITE
            1.700     server -> trunk    183 INVITE
            3.700     server -> trunk    183 INVITE
            7.700     server -> trunk    183 INVITE
            15.700    server -> trunk    183 INVITE
            31.700    server -> trunk    183 INVITE
            32.200    server -> trunk    504 INVITE
            32.200      server: ended in silence
            32.700    server -> trunk    504 INVITE
            33.700    server -> trunk    504 INVITE
            35.700    server -> trunk    504 INVITE
            39.700    server -> trunk    504 INVITE
        "#]],
    );
}

#[test]
fn early_media_of_a_phone_reaches_the_application() {
    check(
        "phone registers tv01; server rings tv01; phone rings; phone progresses early; phone progresses other; phone answers; \
         server presses 5; server hangs up",
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
            0.300      phone -> server   183 INVITE
            0.305     server -> phone    PRACK
            0.305       server: ringing
            0.310      phone -> server   200 PRACK
            0.400      phone -> server   183 INVITE
            0.405     server -> phone    PRACK
            0.405       server: ringing
            0.410      phone -> server   200 PRACK
            0.500      phone -> server   200 INVITE
            0.505     server -> phone    ACK
            0.505       server: answered "answer of phone"
            0.510       phone: acknowledged
            0.600     server -> phone    INFO
            0.605       phone: digit 5
            0.605      phone -> server   200 INFO
            0.700     server -> phone    BYE
            0.705      phone -> server   200 BYE
            0.705       phone: ended by peer
        "#]],
    );
}

#[test]
fn a_caller_may_give_up_while_early_media_waits_for_its_prack() {
    check(
        "drop 9 PRACK; trunk calls 111; server progresses early; server answers; trunk hangs up; wait 1",
        expect![[r#"
            0.100      trunk -> server   INVITE
            0.105     server -> trunk    100 INVITE
            0.105       server: invited to 111 by 0987654321 (trunk 0)
            0.200     server -> trunk    183 INVITE
            0.205      trunk -> server   PRACK (lost)
            0.205       trunk: ringing
            0.400      trunk -> server   CANCEL
            0.405     server -> trunk    200 CANCEL
            0.405     server -> trunk    487 INVITE
            0.405       server: ended by peer
            0.410      trunk -> server   ACK
            0.705      trunk -> server   PRACK (lost)
        "#]],
    );
}
