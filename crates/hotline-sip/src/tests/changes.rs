//! Our own re-INVITE and UPDATE: answers, refusals, collisions, lost messages.

use super::check;
use expect_test::expect;

#[test]
fn an_offer_of_ours_is_answered() {
    check(
        "trunk calls 111; server answers; server changes hold; trunk accepts change; server hangs up",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.200     server -> trunk    INVITE
            0.205      trunk -> server   100 INVITE
            0.205       trunk: reinvited Some("hold")
            0.300      trunk -> server   200 INVITE
            0.305     server -> trunk    ACK
            0.305       server: change answered 200 Some("changed")
            0.400     server -> trunk    BYE
            0.405      trunk -> server   200 BYE
            0.405       trunk: ended by peer
        "#]],
    );
}

#[test]
fn a_refused_offer_changes_nothing() {
    check(
        "trunk calls 111; server answers; server changes hold; trunk refuses change; trunk hangs up",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.200     server -> trunk    INVITE
            0.205      trunk -> server   100 INVITE
            0.205       trunk: reinvited Some("hold")
            0.300      trunk -> server   488 INVITE
            0.305     server -> trunk    ACK
            0.305       server: change answered 488 None
            0.400      trunk -> server   BYE
            0.405     server -> trunk    200 BYE
            0.405       server: ended by peer
        "#]],
    );
}

#[test]
fn lost_messages_of_a_change_are_repeated() {
    check(
        "trunk calls 111; server answers; drop 2 INVITE; drop 1 200 INVITE; drop 1 ACK; server changes hold; wait 2; \
         trunk accepts change; wait 3; trunk hangs up",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.500     server -> trunk    INVITE (lost)
            1.000     server -> trunk    INVITE (lost)
            2.000     server -> trunk    INVITE
            2.005      trunk -> server   100 INVITE
            2.005       trunk: reinvited Some("hold")
            2.700      trunk -> server   200 INVITE (lost)
            3.200      trunk -> server   200 INVITE
            3.205     server -> trunk    ACK (lost)
            3.205       server: change answered 200 Some("changed")
            4.200      trunk -> server   200 INVITE
            4.205     server -> trunk    ACK
            5.900      trunk -> server   BYE
            5.905     server -> trunk    200 BYE
            5.905       server: ended by peer
        "#]],
    );
}

#[test]
fn an_offer_waits_for_the_ack_of_the_first_answer() {
    check(
        "drop 1 ACK; trunk calls 111; server answers; server changes hold; wait 1; trunk accepts change; trunk hangs up",
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
            0.710     server -> trunk    INVITE
            0.715      trunk -> server   100 INVITE
            0.715       trunk: reinvited Some("hold")
            1.500      trunk -> server   200 INVITE
            1.505     server -> trunk    ACK
            1.505       server: change answered 200 Some("changed")
            1.600      trunk -> server   BYE
            1.605     server -> trunk    200 BYE
            1.605       server: ended by peer
        "#]],
    );
}

#[test]
fn two_offers_collide_and_who_owns_the_call_id_waits_longer() {
    check(
        "trunk calls 111; server answers; wait 1; server and trunk change; wait 2; server accepts change; \
         trunk accepts change; wait 3; server accepts change; trunk accepts change; trunk hangs up",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            1.300     server -> trunk    INVITE
            1.300      trunk -> server   INVITE
            1.305      trunk -> server   491 INVITE
            1.305     server -> trunk    491 INVITE
            1.310     server -> trunk    ACK
            1.310      trunk -> server   ACK
            1.820     server -> trunk    INVITE
            1.825      trunk -> server   100 INVITE
            1.825       trunk: reinvited Some("server")
            3.600      trunk -> server   200 INVITE
            3.605     server -> trunk    ACK
            3.605       server: change answered 200 Some("changed")
            5.020       trunk: change answered 491 None
            7.000      trunk -> server   BYE
            7.005     server -> trunk    200 BYE
            7.005       server: ended by peer
        "#]],
    );
}

#[test]
fn an_offer_that_is_never_answered_ends_the_call() {
    check(
        "trunk calls 111; server answers; trunk dies; server changes hold; wait 70; trunk revives; trunk forgets",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.300     server -> trunk    INVITE
            0.800     server -> trunk    INVITE
            1.800     server -> trunk    INVITE
            3.800     server -> trunk    INVITE
            7.800     server -> trunk    INVITE
            15.800    server -> trunk    INVITE
            31.800    server -> trunk    INVITE
            32.300    server -> trunk    BYE
            32.300      server: ended in silence
            32.800    server -> trunk    BYE
            33.800    server -> trunk    BYE
            35.800    server -> trunk    BYE
            39.800    server -> trunk    BYE
            43.800    server -> trunk    BYE
            47.800    server -> trunk    BYE
            51.800    server -> trunk    BYE
            55.800    server -> trunk    BYE
            59.800    server -> trunk    BYE
            63.800    server -> trunk    BYE
        "#]],
    );
}

#[test]
fn a_peer_that_has_forgotten_the_call_ends_it() {
    check(
        "trunk calls 111; server answers; trunk forgets; server changes hold; wait 1",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.300     server -> trunk    INVITE
            0.305       trunk: rejected NoDialog
            0.305      trunk -> server   481 INVITE
            0.310     server -> trunk    ACK
            0.310     server -> trunk    BYE
            0.310       server: ended in silence
            0.315       trunk: rejected NoDialog
            0.315      trunk -> server   481 BYE
        "#]],
    );
}

#[test]
fn a_newer_offer_replaces_one_that_waits() {
    check(
        "trunk calls 111; server answers; server changes one; server changes two; server changes three; \
         trunk accepts change; trunk accepts change; trunk hangs up",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.200     server -> trunk    INVITE
            0.205      trunk -> server   100 INVITE
            0.205       trunk: reinvited Some("one")
            0.500      trunk -> server   200 INVITE
            0.505     server -> trunk    ACK
            0.505       server: change answered 200 Some("changed")
            0.505     server -> trunk    INVITE
            0.510      trunk -> server   100 INVITE
            0.510       trunk: reinvited Some("three")
            0.600      trunk -> server   200 INVITE
            0.605     server -> trunk    ACK
            0.605       server: change answered 200 Some("changed")
            0.700      trunk -> server   BYE
            0.705     server -> trunk    200 BYE
            0.705       server: ended by peer
        "#]],
    );
}

#[test]
fn hanging_up_in_the_middle_of_a_change() {
    check(
        "trunk calls 111; server answers; server changes hold; server hangs up; wait 1",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.200     server -> trunk    INVITE
            0.205      trunk -> server   100 INVITE
            0.205       trunk: reinvited Some("hold")
            0.300     server -> trunk    BYE
            0.305      trunk -> server   200 BYE
            0.305      trunk -> server   487 INVITE
            0.305       trunk: ended by peer
            0.310     server -> trunk    ACK
        "#]],
    );
    check(
        "trunk calls 111; server answers; server changes hold; trunk hangs up; wait 1",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.200     server -> trunk    INVITE
            0.205      trunk -> server   100 INVITE
            0.205       trunk: reinvited Some("hold")
            0.300      trunk -> server   487 INVITE
            0.300      trunk -> server   BYE
            0.305     server -> trunk    ACK
            0.305       server: change answered 487 None
            0.305     server -> trunk    200 BYE
            0.305       server: ended by peer
        "#]],
    );
}
