//! What goes wrong on the way, as ladders: losses, dead phones, crossings, restarts.

use super::check;
use super::net::Net;
use expect_test::expect;

#[test]
fn a_repeated_answer_after_a_restart_gets_its_ack_and_no_second_bye() {
    check(
        "phone registers tv01; server rings tv01; drop 2 ACK; phone answers; drop 1 BYE; server restarts; wait 3",
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
            0.300      phone -> server   200 INVITE
            0.305     server -> phone    ACK (lost)
            0.305       server: answered "answer of phone"
            0.500     server -> phone    OPTIONS
            0.500       server: contact tv01 Reachable
            0.500     server -> phone    BYE (lost)
            0.505      phone -> server   200 OPTIONS
            0.800      phone -> server   200 INVITE
            0.805     server -> phone    ACK (lost)
            1.000     server -> phone    BYE
            1.005      phone -> server   200 BYE
            1.005       phone: ended by peer
        "#]],
    );
}

#[test]
fn the_bye_after_a_second_restart_does_not_fall_behind_the_first() {
    let mut net = Net::new();
    let script = "phone registers tv01; server rings tv01; phone answers; drop 9 BYE; server restarts; wait 1; \
                  server restarts; wait 1";
    super::script::run(&mut net, script);
    let cseqs: Vec<String> = net
        .wire
        .iter()
        .filter_map(|bytes| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let line = text
                .lines()
                .find(|line| line.starts_with("CSeq:"))?
                .to_owned();
            line.ends_with("BYE").then_some(line)
        })
        .collect();
    assert!(cseqs.contains(&"CSeq: 1001 BYE".to_owned()), "{cseqs:?}");
    assert_eq!(cseqs.last().map(String::as_str), Some("CSeq: 2001 BYE"));
}

#[test]
fn a_refusal_is_repeated_until_its_ack_comes() {
    check(
        "phone registers tv01; drop 2 ACK; server rings tv01; phone rejects 486; wait 3",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.200     server -> phone    INVITE
            0.205      phone -> server   100 INVITE
            0.205       phone: invited to tv01 by 111 (unknown)
            0.300      phone -> server   486 INVITE
            0.305     server -> phone    ACK (lost)
            0.305       server: failed: busy
            0.800      phone -> server   486 INVITE
            0.805     server -> phone    ACK (lost)
            1.800      phone -> server   486 INVITE
            1.805     server -> phone    ACK
        "#]],
    );
}

#[test]
fn an_invite_that_nobody_answers_times_out() {
    check(
        "server dies; trunk calls 111; wait 33",
        expect![[r#"
            0.100      trunk -> server   INVITE
            0.600      trunk -> server   INVITE
            1.600      trunk -> server   INVITE
            3.600      trunk -> server   INVITE
            7.600      trunk -> server   INVITE
            15.600     trunk -> server   INVITE
            31.600     trunk -> server   INVITE
            32.100      trunk: failed: unreachable 408
        "#]],
    );
}

#[test]
fn a_bye_that_nobody_answers_is_given_up() {
    check(
        "trunk calls 111; server answers; trunk dies; server hangs up; wait 33",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.300     server -> trunk    BYE
            0.800     server -> trunk    BYE
            1.800     server -> trunk    BYE
            3.800     server -> trunk    BYE
            7.800     server -> trunk    BYE
            11.800    server -> trunk    BYE
            15.800    server -> trunk    BYE
            19.800    server -> trunk    BYE
            23.800    server -> trunk    BYE
            27.800    server -> trunk    BYE
            31.800    server -> trunk    BYE
        "#]],
    );
}

#[test]
fn everything_twice_is_served_once() {
    check(
        "phone registers tv01; double 1 INVITE; double 1 180; double 1 200; double 2 ACK; double 1 BYE; server rings tv01; phone rings; phone answers; server hangs up",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.600     server -> phone    INVITE (twice)
            0.605      phone -> server   100 INVITE
            0.605       phone: invited to tv01 by 111 (unknown)
            0.605      phone -> server   100 INVITE
            0.700      phone -> server   180 INVITE (twice)
            0.705       server: ringing
            0.800      phone -> server   200 INVITE (twice)
            0.805     server -> phone    ACK (twice)
            0.805       server: answered "answer of phone"
            0.805     server -> phone    ACK (twice)
            0.810       phone: acknowledged
            0.900     server -> phone    BYE (twice)
            0.905      phone -> server   200 BYE
            0.905       phone: ended by peer
            0.905      phone -> server   200 BYE
        "#]],
    );
}

#[test]
fn a_cancel_after_the_answer_gets_200_and_nothing_else() {
    check(
        "drop 9 200 INVITE; trunk calls 111; server answers; trunk hangs up; wait 3",
        expect![[r#"
            0.100      trunk -> server   INVITE
            0.105     server -> trunk    100 INVITE
            0.105       server: invited to 111 by 0987654321 (trunk 0)
            0.200     server -> trunk    200 INVITE (lost)
            0.300      trunk -> server   CANCEL
            0.305     server -> trunk    200 CANCEL
            0.700     server -> trunk    200 INVITE (lost)
            1.700     server -> trunk    200 INVITE (lost)
        "#]],
    );
}

#[test]
fn a_late_answer_of_a_given_up_contact_is_ended() {
    check(
        "phone registers tv01; drop 3 100 INVITE; server rings tv01; wait 3.2; phone answers; wait 1",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.200     server -> phone    INVITE
            0.205      phone -> server   100 INVITE (lost)
            0.205       phone: invited to tv01 by 111 (unknown)
            0.700     server -> phone    INVITE
            0.705      phone -> server   100 INVITE (lost)
            1.700     server -> phone    INVITE
            1.705      phone -> server   100 INVITE (lost)
            3.200       server: contact tv01 Unreachable
            3.200       server: failed: unreachable 408
            3.600      phone -> server   200 INVITE
            3.605     server -> phone    ACK
            3.605       server: contact tv01 Reachable
            3.605     server -> phone    BYE
            3.610       phone: acknowledged
            3.610      phone -> server   200 BYE
            3.610       phone: ended by peer
        "#]],
    );
}

#[test]
fn one_dead_contact_does_not_keep_the_other_from_ringing() {
    check(
        "phone registers tv01; tablet registers tv01; phone dies; server rings tv01; wait 4; tablet answers; server hangs up",
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
            0.300     server -> phone    INVITE
            0.300     server -> tablet   INVITE
            0.305     tablet -> server   100 INVITE
            0.305       tablet: invited to tv01 by 111 (unknown)
            0.800     server -> phone    INVITE
            1.800     server -> phone    INVITE
            3.800     server -> phone    INVITE
            4.500     tablet -> server   200 INVITE
            4.505     server -> tablet   ACK
            4.505       server: answered "answer of tablet"
            4.510       tablet: acknowledged
            4.600     server -> tablet   BYE
            4.605     tablet -> server   200 BYE
            4.605       tablet: ended by peer
        "#]],
    );
}

#[test]
fn the_best_reason_of_all_contacts_is_told() {
    check(
        "phone registers tv01; tablet registers tv01; server rings tv01; phone rejects 486; tablet rejects 480",
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
            0.300      phone -> server   486 INVITE
            0.305     server -> phone    ACK
            0.400     tablet -> server   480 INVITE
            0.405     server -> tablet   ACK
            0.405       server: failed: busy
        "#]],
    );
}

#[test]
fn a_decline_speaks_for_all_contacts() {
    check(
        "phone registers tv01; tablet registers tv01; server rings tv01; phone rejects 603; wait 1",
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
            0.300      phone -> server   603 INVITE
            0.305     server -> phone    ACK
            0.305     server -> tablet   CANCEL
            0.305       server: failed: declined 603
            0.310     tablet -> server   200 CANCEL
            0.310     tablet -> server   487 INVITE
            0.310       tablet: ended by peer
            0.315     server -> tablet   ACK
        "#]],
    );
}

#[test]
fn a_bounced_datagram_makes_a_contact_unreachable_until_it_answers_a_probe() {
    check(
        "phone registers tv01; phone dies; server rings tv01; server icmp phone; phone revives; wait 16; server rings tv01; server hangs up",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.200     server -> phone    INVITE
            0.300       server: contact tv01 Unreachable
            0.300       server: failed: unreachable 503
            0.700     server -> phone    INVITE
            0.705      phone -> server   100 INVITE
            0.705       phone: invited to tv01 by 111 (unknown)
            0.710     server -> phone    CANCEL
            0.715      phone -> server   200 CANCEL
            0.715      phone -> server   487 INVITE
            0.715       phone: ended by peer
            0.720     server -> phone    ACK
            15.300    server -> phone    OPTIONS
            15.305     phone -> server   200 OPTIONS
            15.310      server: contact tv01 Reachable
            16.600    server -> phone    INVITE
            16.605     phone -> server   100 INVITE
            16.605      phone: invited to tv01 by 111 (unknown)
            16.700    server -> phone    CANCEL
            16.705     phone -> server   200 CANCEL
            16.705     phone -> server   487 INVITE
            16.705      phone: ended by peer
            16.710    server -> phone    ACK
        "#]],
    );
}

#[test]
fn without_contacts_nobody_is_rung() {
    check(
        "server rings tv02",
        expect![[r#"
            0.000       server: failed: unreachable 480
        "#]],
    );
}

#[test]
fn a_lost_flow_makes_its_contact_unreachable_until_it_registers_again() {
    check(
        "phone registers tv01 tcp; server rings tv01; cut tcp; phone hangs up; server rings tv01; phone registers tv01 tcp; server rings tv01; phone hangs up",
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
            0.205       server: contact tv01 Unreachable
            0.205       server: failed: unreachable 503
            0.305      phone -> server   480 INVITE (tcp)
            0.400       server: failed: unreachable 480
            0.500      phone -> server   REGISTER (tcp)
            0.505       server: rejected Challenged
            0.505     server -> phone    401 REGISTER (tcp)
            0.510      phone -> server   REGISTER (tcp)
            0.515     server -> phone    200 REGISTER (tcp)
            0.515       server: contact tv01 Reachable
            0.520       phone: registered tv01 Ok(3600)
            0.600     server -> phone    INVITE (tcp)
            0.605      phone -> server   100 INVITE (tcp)
            0.605       phone: invited to tv01 by 111 (unknown)
            0.700      phone -> server   480 INVITE (tcp)
            0.705     server -> phone    ACK (tcp)
            0.705       server: failed: unreachable 480
        "#]],
    );
}

#[test]
fn a_call_survives_its_connection() {
    check(
        "trunk calls 111 tcp; server answers; cut tcp; wait 1; server hangs up; wait 1",
        expect![[r#"
            0.005      trunk -> server   INVITE (tcp)
            0.010     server -> trunk    100 INVITE (tcp)
            0.010       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE (tcp)
            0.105      trunk -> server   ACK (tcp)
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            1.405     server -> trunk    BYE (tcp)
            1.410      trunk -> server   200 BYE (tcp)
            1.410       trunk: ended by peer
        "#]],
    );
}

#[test]
fn hanging_up_before_the_ack_waits_for_it() {
    check(
        "drop 2 200 INVITE; trunk calls 111; server answers; server hangs up; wait 3",
        expect![[r#"
            0.100      trunk -> server   INVITE
            0.105     server -> trunk    100 INVITE
            0.105       server: invited to 111 by 0987654321 (trunk 0)
            0.200     server -> trunk    200 INVITE (lost)
            0.700     server -> trunk    200 INVITE (lost)
            1.700     server -> trunk    200 INVITE
            1.705      trunk -> server   ACK
            1.705       trunk: answered "answer of server"
            1.710     server -> trunk    BYE
            1.715      trunk -> server   200 BYE
            1.715       trunk: ended by peer
        "#]],
    );
}

#[test]
fn a_restart_ends_the_calls_and_keeps_the_phones() {
    check(
        "phone registers tv01; tablet registers tv02 tcp; trunk calls 111; server answers; server rings tv01; phone answers; wait 1; server restarts; wait 1; server rings tv01; phone answers; server hangs up",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            0.105     tablet -> server   REGISTER (tcp)
            0.110       server: rejected Challenged
            0.110     server -> tablet   401 REGISTER (tcp)
            0.115     tablet -> server   REGISTER (tcp)
            0.120     server -> tablet   200 REGISTER (tcp)
            0.120       server: contact tv02 Reachable
            0.125       tablet: registered tv02 Ok(3600)
            0.200      trunk -> server   INVITE
            0.205     server -> trunk    100 INVITE
            0.205       server: invited to 111 by 0987654321 (trunk 0)
            0.300     server -> trunk    200 INVITE
            0.305      trunk -> server   ACK
            0.305       trunk: answered "answer of server"
            0.310       server: acknowledged
            0.400     server -> phone    INVITE
            0.405      phone -> server   100 INVITE
            0.405       phone: invited to tv01 by 111 (unknown)
            0.500      phone -> server   200 INVITE
            0.505     server -> phone    ACK
            0.505       server: answered "answer of phone"
            0.510       phone: acknowledged
            1.700     server -> phone    OPTIONS
            1.700       server: contact tv01 Reachable
            1.700       server: contact tv02 Unreachable
            1.700     server -> trunk    BYE
            1.705      phone -> server   200 OPTIONS
            1.705      trunk -> server   200 BYE
            1.705       trunk: ended by peer
            1.710     server -> phone    BYE
            1.715      phone -> server   200 BYE
            1.715       phone: ended by peer
            2.900     server -> phone    INVITE
            2.905      phone -> server   100 INVITE
            2.905       phone: invited to tv01 by 111 (unknown)
            3.000      phone -> server   200 INVITE
            3.005     server -> phone    ACK
            3.005       server: answered "answer of phone"
            3.010       phone: acknowledged
            3.100     server -> phone    BYE
            3.105      phone -> server   200 BYE
            3.105       phone: ended by peer
        "#]],
    );
}

#[test]
fn digits_both_ways() {
    check(
        "phone registers tv01; server rings tv01; phone answers; server presses #; phone presses *; server hangs up",
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
            0.200      phone -> server   200 INVITE
            0.205     server -> phone    ACK
            0.205       server: answered "answer of phone"
            0.210       phone: acknowledged
            0.300     server -> phone    INFO
            0.305       phone: digit #
            0.305      phone -> server   200 INFO
            0.400      phone -> server   INFO
            0.405       server: digit *
            0.405     server -> phone    200 INFO
            0.500     server -> phone    BYE
            0.505      phone -> server   200 BYE
            0.505       phone: ended by peer
        "#]],
    );
}

#[test]
fn a_phone_that_rang_over_a_restart_and_answers_gets_bye() {
    check(
        "phone registers tv01; server rings tv01; server restarts; phone answers; wait 1",
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
            0.200     server -> phone    OPTIONS
            0.200       server: contact tv01 Reachable
            0.205      phone -> server   200 OPTIONS
            0.300      phone -> server   200 INVITE
            0.305     server -> phone    ACK
            0.305     server -> phone    BYE
            0.310       phone: acknowledged
            0.310      phone -> server   200 BYE
            0.310       phone: ended by peer
        "#]],
    );
}

#[test]
fn a_bounce_does_not_silence_a_phone_that_rings() {
    check(
        "phone registers tv01; server rings tv01; server icmp phone; phone answers; server hangs up",
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
            0.300      phone -> server   200 INVITE
            0.305     server -> phone    ACK
            0.305       server: answered "answer of phone"
            0.310       phone: acknowledged
            0.400     server -> phone    BYE
            0.405      phone -> server   200 BYE
            0.405       phone: ended by peer
        "#]],
    );
}
