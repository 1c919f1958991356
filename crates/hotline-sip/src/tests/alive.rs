//! Doubts about a dialog: OPTIONS inside it, and what each answer means.

use super::check;
use super::net::Net;
use super::script::run;
use crate::{Command, Table};
use expect_test::expect;

#[test]
fn a_peer_that_answers_is_left_in_peace() {
    check(
        "trunk calls 111; server answers; server doubts; server doubts; server hangs up",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.200     server -> trunk    OPTIONS
            0.205      trunk -> server   200 OPTIONS
            0.300     server -> trunk    OPTIONS
            0.305      trunk -> server   200 OPTIONS
            0.400     server -> trunk    BYE
            0.405      trunk -> server   200 BYE
            0.405       trunk: ended by peer
        "#]],
    );
}

#[test]
fn a_peer_that_is_silent_has_ended_the_call() {
    check(
        "trunk calls 111; server answers; trunk dies; server doubts; server doubts; wait 66; server doubts; server hangs up",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.300     server -> trunk    OPTIONS
            0.800     server -> trunk    OPTIONS
            1.800     server -> trunk    OPTIONS
            3.800     server -> trunk    OPTIONS
            7.800     server -> trunk    OPTIONS
            11.800    server -> trunk    OPTIONS
            15.800    server -> trunk    OPTIONS
            19.800    server -> trunk    OPTIONS
            23.800    server -> trunk    OPTIONS
            27.800    server -> trunk    OPTIONS
            31.800    server -> trunk    OPTIONS
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
fn a_peer_that_lost_the_dialog_has_ended_the_call() {
    check(
        "trunk calls 111; server answers; drop 20 BYE; trunk forgets; server doubts; wait 1",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.400     server -> trunk    OPTIONS
            0.405       trunk: rejected NoDialog
            0.405      trunk -> server   481 OPTIONS
            0.410       server: ended in silence
        "#]],
    );
}

#[test]
fn a_bounced_question_ends_the_call() {
    check(
        "trunk calls 111; server answers; trunk dies; server doubts; server icmp trunk; wait 1",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.300     server -> trunk    OPTIONS
            0.400     server -> trunk    BYE
            0.400       server: ended in silence
            0.900     server -> trunk    BYE
        "#]],
    );
}

#[test]
fn a_call_hung_up_while_it_is_asked_says_nothing_more() {
    check(
        "trunk calls 111; server answers; drop 20 OPTIONS; server doubts; server hangs up; wait 33",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            0.300     server -> trunk    OPTIONS (lost)
            0.400     server -> trunk    BYE
            0.405      trunk -> server   200 BYE
            0.405       trunk: ended by peer
            0.800     server -> trunk    OPTIONS (lost)
            1.800     server -> trunk    OPTIONS (lost)
            3.800     server -> trunk    OPTIONS (lost)
            7.800     server -> trunk    OPTIONS (lost)
            11.800    server -> trunk    OPTIONS (lost)
            15.800    server -> trunk    OPTIONS (lost)
            19.800    server -> trunk    OPTIONS (lost)
            23.800    server -> trunk    OPTIONS (lost)
            27.800    server -> trunk    OPTIONS (lost)
            31.800    server -> trunk    OPTIONS (lost)
        "#]],
    );
}

#[test]
fn any_other_answer_leaves_the_call_and_its_record() {
    for status in [405_u16, 500, 501, 503, 603] {
        let mut net = Net::new();
        run(
            &mut net,
            "trunk calls 111; server answers; drop 20 OPTIONS; server doubts",
        );
        let options = net.wire.last().cloned().unwrap_or_default();
        let message = crate::message::Message::parse(options).unwrap();
        let mut reply = crate::message::Writer::response(status);
        message.copy_only(&mut reply, &["Via", "From", "To", "Call-ID", "CSeq"]);
        net.inject("trunk", "server", reply.finish(None));
        net.run_ms(40_000);
        assert!(!net.log.contains("ended"), "{status}: {}", net.log);
        let kept = |net: &mut Net| {
            let kept = &net.node("server").kept;
            kept.keys().filter(|key| key.0 == Table::Dialog).count()
        };
        assert_eq!(kept(&mut net), 1);
        // The next doubt is asked again, and its silence ends the call.
        run(&mut net, "server doubts; wait 66");
        assert!(net.log.contains("server: ended in silence"), "{}", net.log);
        assert_eq!(kept(&mut net), 0);
        assert_eq!(net.counters("server").dialogs, 0);
    }
}

#[test]
fn a_dialog_that_is_not_there_is_not_asked() {
    let mut net = Net::new();
    run(&mut net, "trunk calls 111");
    for dialog in [1, 2, 99] {
        net.command("server", Command::Probe { dialog });
    }
    assert!(!net.log.contains("OPTIONS"), "{}", net.log);
}
