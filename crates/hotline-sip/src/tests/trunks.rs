//! Carriers: registration, probes, calls out with fail-over, limits.

use super::net::{Net, account, ip, listeners, server_config};
use super::script::run;
use crate::message::Message;
use crate::{Command, Config, NumberRule, Trunk, TrunkHost, TrunkLimits, TrunkLogin};
use expect_test::{Expect, expect};

/// A trunk at an address of the test network.
fn trunk(name: &str, address: &str) -> Trunk {
    Trunk {
        name: name.to_owned(),
        sources: vec![(ip(address), None)],
        hosts: vec![host(address)],
        first_response_ms: 2_000,
        probe_failures_max: 3,
        ..Trunk::default()
    }
}

fn host(address: &str) -> TrunkHost {
    TrunkHost {
        host: address.to_owned(),
        port: None,
        transport: None,
    }
}

/// north at 10.0.0.2 (node `trunk`), south at 10.0.0.12 (node `south`); `change` makes them what a test needs.
pub(super) fn net(change: impl FnOnce(&mut Vec<Trunk>)) -> Net {
    let mut trunks = vec![trunk("north", "10.0.0.2"), trunk("south", "10.0.0.12")];
    change(&mut trunks);
    let mut net = Net::with(Config {
        trunks,
        ..server_config()
    });
    let user_agent = Config {
        listeners: listeners("10.0.0.12:5060"),
        trunks: Vec::new(),
        is_user_agent: true,
        ..server_config()
    };
    net.add("south", user_agent, 12);
    net
}

/// A carrier that wants a password, for `111` (the realm is `hotline.test`).
fn strict(net: &mut Net) {
    let config = Config {
        listeners: listeners("10.0.0.30:5060"),
        trunks: Vec::new(),
        ..server_config()
    };
    net.add("strict", config, 30);
    net.command("strict", Command::Accounts(vec![account("tv01")]));
}

fn login(realm: &str) -> Option<TrunkLogin> {
    Some(TrunkLogin {
        user: "tv01".to_owned(),
        password: "secret".to_owned(),
        realm: realm.to_owned(),
    })
}

fn check(mut net: Net, script: &str, expected: Expect) {
    run(&mut net, script);
    expected.assert_eq(&net.log);
}

/// The requests of one method that were put on the wire.
fn sent(net: &Net, method: &str) -> Vec<String> {
    let texts = net.wire.iter().map(|bytes| String::from_utf8_lossy(bytes));
    texts
        .filter(|text| text.starts_with(&format!("{method} ")))
        .map(|text| text.into_owned())
        .collect()
}

fn line(message: &str, name: &str) -> String {
    let found = message
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    found.unwrap_or_default().to_owned()
}

#[test]
fn a_call_goes_out_over_the_first_trunk() {
    check(
        net(|_| {}),
        "server dials +84912345678 0 1; trunk rings; trunk answers; server hangs up",
        expect![[r#"
            0.000     server -> trunk    INVITE
            0.005      trunk -> server   100 INVITE
            0.005       trunk: invited to +84912345678 by 111 (unknown)
            0.100      trunk -> server   180 INVITE
            0.105       server: ringing
            0.200      trunk -> server   200 INVITE
            0.205     server -> trunk    ACK
            0.205       server: answered "answer of trunk"
            0.210       trunk: acknowledged
            0.300     server -> trunk    BYE
            0.305      trunk -> server   200 BYE
            0.305       trunk: ended by peer
        "#]],
    );
}

#[test]
fn a_silent_trunk_costs_its_time_and_the_next_one_has_the_call() {
    check(
        net(|_| {}),
        "trunk dies; server dials +84912345678 0 1; wait 2; south answers; server hangs up",
        expect![[r#"
            0.100     server -> trunk    INVITE
            0.600     server -> trunk    INVITE
            1.600     server -> trunk    INVITE
            2.100     server -> south    INVITE
            2.105      south -> server   100 INVITE
            2.105       south: invited to +84912345678 by 111 (unknown)
            2.300      south -> server   200 INVITE
            2.305     server -> south    ACK
            2.305       server: answered "answer of south"
            2.310       south: acknowledged
            2.400     server -> south    BYE
            2.405      south -> server   200 BYE
            2.405       south: ended by peer
        "#]],
    );
}

#[test]
fn an_answer_of_the_trunk_that_came_too_late_is_ended() {
    check(
        net(|_| {}),
        "drop 3 100 INVITE; server dials +84912345678 0 1; wait 2; south answers; trunk answers",
        expect![[r#"
            0.100     server -> trunk    INVITE
            0.105      trunk -> server   100 INVITE (lost)
            0.105       trunk: invited to +84912345678 by 111 (unknown)
            0.600     server -> trunk    INVITE
            0.605      trunk -> server   100 INVITE (lost)
            1.600     server -> trunk    INVITE
            1.605      trunk -> server   100 INVITE (lost)
            2.100     server -> south    INVITE
            2.105      south -> server   100 INVITE
            2.105       south: invited to +84912345678 by 111 (unknown)
            2.300      south -> server   200 INVITE
            2.305     server -> south    ACK
            2.305       server: answered "answer of south"
            2.310       south: acknowledged
            2.400      trunk -> server   200 INVITE
            2.405     server -> trunk    ACK
            2.405     server -> trunk    BYE
            2.410       trunk: acknowledged
            2.410      trunk -> server   200 BYE
            2.410       trunk: ended by peer
        "#]],
    );
}

#[test]
fn out_of_order_and_redirection_go_on_to_the_next_trunk() {
    check(
        net(|_| {}),
        "server dials +84912345678 0 1; trunk rejects 503; south rings; south answers",
        expect![[r#"
            0.000     server -> trunk    INVITE
            0.005      trunk -> server   100 INVITE
            0.005       trunk: invited to +84912345678 by 111 (unknown)
            0.100      trunk -> server   503 INVITE
            0.105     server -> trunk    ACK
            0.105     server -> south    INVITE
            0.110      south -> server   100 INVITE
            0.110       south: invited to +84912345678 by 111 (unknown)
            0.200      south -> server   180 INVITE
            0.205       server: ringing
            0.300      south -> server   200 INVITE
            0.305     server -> south    ACK
            0.305       server: answered "answer of south"
            0.310       south: acknowledged
        "#]],
    );
    check(
        net(|_| {}),
        "server dials +84912345678 0 1; trunk rejects 302; south rejects 500",
        expect![[r#"
            0.000     server -> trunk    INVITE
            0.005      trunk -> server   100 INVITE
            0.005       trunk: invited to +84912345678 by 111 (unknown)
            0.100      trunk -> server   302 INVITE
            0.105     server -> trunk    ACK
            0.105     server -> south    INVITE
            0.110      south -> server   100 INVITE
            0.110       south: invited to +84912345678 by 111 (unknown)
            0.200      south -> server   500 INVITE
            0.205     server -> south    ACK
            0.205       server: failed: unreachable 500
        "#]],
    );
}

#[test]
fn what_the_callee_says_is_final() {
    for (status, word) in [
        (404, "Declined(404)"),
        (408, "unreachable"),
        (480, "unreachable"),
        (486, "busy"),
        (603, "Declined(603)"),
    ] {
        let mut net = net(|_| {});
        run(
            &mut net,
            &format!("server dials +84912345678 0 1; trunk rejects {status}"),
        );
        assert!(!net.log.contains("south"), "{status}: {}", net.log);
        assert!(net.log.contains("failed"), "{status} {word}: {}", net.log);
    }
}

#[test]
fn a_ringing_phone_is_not_rung_over_a_second_trunk() {
    check(
        net(|_| {}),
        "server dials +84912345678 0 1; trunk rings; trunk rejects 500",
        expect![[r#"
            0.000     server -> trunk    INVITE
            0.005      trunk -> server   100 INVITE
            0.005       trunk: invited to +84912345678 by 111 (unknown)
            0.100      trunk -> server   180 INVITE
            0.105       server: ringing
            0.200      trunk -> server   500 INVITE
            0.205     server -> trunk    ACK
            0.205       server: failed: unreachable 500
        "#]],
    );
}

#[test]
fn icmp_is_as_good_as_silence_and_quicker() {
    check(
        net(|_| {}),
        "trunk dies; server dials +84912345678 0 1; server icmp trunk; south answers",
        expect![[r#"
            0.100     server -> trunk    INVITE
            0.200     server -> south    INVITE
            0.205      south -> server   100 INVITE
            0.205       south: invited to +84912345678 by 111 (unknown)
            0.300      south -> server   200 INVITE
            0.305     server -> south    ACK
            0.305       server: answered "answer of south"
            0.310       south: acknowledged
        "#]],
    );
}

#[test]
fn the_second_address_of_a_trunk_comes_before_the_second_trunk() {
    let net = net(|trunks| {
        trunks[0].hosts = vec![host("10.0.0.99"), host("10.0.0.2")];
    });
    check(
        net,
        "server dials +84912345678 0 1; wait 2; trunk answers",
        expect![[r#"
            0.000     server -> 10.0.0.99:5060 INVITE
            0.500     server -> 10.0.0.99:5060 INVITE
            1.500     server -> 10.0.0.99:5060 INVITE
            2.000     server -> trunk    INVITE
            2.005      trunk -> server   100 INVITE
            2.005       trunk: invited to +84912345678 by 111 (unknown)
            2.200      trunk -> server   200 INVITE
            2.205     server -> trunk    ACK
            2.205       server: answered "answer of trunk"
            2.210       trunk: acknowledged
        "#]],
    );
}

#[test]
fn nobody_hangs_up_on_a_call_that_was_given_up_meanwhile() {
    check(
        net(|_| {}),
        "trunk dies; server dials +84912345678 0 1; wait 1; server hangs up; wait 3",
        expect![[r#"
            0.100     server -> trunk    INVITE
            0.600     server -> trunk    INVITE
            1.600     server -> trunk    INVITE
            3.600     server -> trunk    INVITE
        "#]],
    );
}

#[test]
fn probes_tell_down_within_thirty_seconds_and_up_again() {
    let net = net(|trunks| {
        trunks.truncate(1);
        trunks[0].probe_ms = 10_000;
    });
    check(
        net,
        "wait 11; trunk dies; wait 30; trunk revives; wait 11",
        expect![[r#"
            0.135     server -> trunk    OPTIONS
            0.140      trunk -> server   200 OPTIONS
            0.145       server: trunk 0 Up
            10.145    server -> trunk    OPTIONS
            10.150     trunk -> server   200 OPTIONS
            20.155    server -> trunk    OPTIONS
            20.655    server -> trunk    OPTIONS
            21.655    server -> trunk    OPTIONS
            23.655    server -> trunk    OPTIONS
            25.155    server -> trunk    OPTIONS
            25.655    server -> trunk    OPTIONS
            26.655    server -> trunk    OPTIONS
            28.655    server -> trunk    OPTIONS
            30.155    server -> trunk    OPTIONS
            30.655    server -> trunk    OPTIONS
            31.655    server -> trunk    OPTIONS
            33.655    server -> trunk    OPTIONS
            34.155      server: trunk 0 Down
            44.155    server -> trunk    OPTIONS
            44.160     trunk -> server   200 OPTIONS
            44.165      server: trunk 0 Up
        "#]],
    );
}

#[test]
fn a_trunk_that_is_down_is_tried_last() {
    let mut net = net(|trunks| trunks[0].probe_ms = 10_000);
    run(&mut net, "trunk dies; wait 30");
    assert!(net.log.contains("trunk 0 Down"), "{}", net.log);
    net.log.clear();
    run(
        &mut net,
        "server dials +84912345678 0 1; south answers; server hangs up; wait 1; \
         south dies; trunk revives; server dials 113 0 1; wait 3; trunk answers",
    );
    let calls: Vec<&str> = net
        .log
        .lines()
        .filter(|line| line.contains("INVITE") && line.contains("server ->"))
        .collect();
    assert!(calls[0].contains("server -> south"), "{}", net.log);
    assert!(
        net.log.contains("trunk -> server   200 INVITE"),
        "a probe may be wrong, a call is worth the try: {}",
        net.log
    );
}

#[test]
fn any_word_but_503_and_408_is_a_sign_of_life() {
    for (status, is_up) in [
        (200, true),
        (404, true),
        (481, true),
        (500, true),
        (503, false),
    ] {
        let mut net = net(|trunks| {
            trunks.truncate(1);
            trunks[0].probe_ms = 10_000;
            trunks[0].probe_failures_max = 1;
        });
        net.is_quiet = false;
        net.node("trunk").is_dead = true;
        run(&mut net, "wait 1");
        let probe = sent(&net, "OPTIONS").remove(0);
        let mut answer = format!("SIP/2.0 {status} Word\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            answer.push_str(&format!("{name}: {}\r\n", line(&probe, name)));
        }
        answer.push_str("Content-Length: 0\r\n\r\n");
        net.inject("trunk", "server", answer.into_bytes());
        run(&mut net, "wait 1");
        let status_now = net.node("server").endpoint.trunks().remove(0);
        assert_eq!(status_now.is_up, Some(is_up), "{status}");
    }
}

#[test]
fn we_register_with_a_digest_refresh_and_come_back_after_an_outage() {
    let mut net = net(|trunks| {
        trunks[0] = Trunk {
            name: "strict".to_owned(),
            hosts: vec![host("10.0.0.30")],
            domain: "hotline.test".to_owned(),
            login: login(""),
            register_s: Some(60),
            ..Trunk::default()
        };
    });
    strict(&mut net);
    run(&mut net, "wait 60");
    let first = net.log.clone();
    expect![[r#"
        0.000     server -> 10.0.0.30:5060 REGISTER
        0.005       strict: rejected Challenged
        0.005     strict -> server   401 REGISTER
        0.010     server -> strict   REGISTER
        0.015     strict -> server   200 REGISTER
        0.015       strict: contact tv01 Reachable
        0.020       server: trunk 0 Registered(60)
        54.020    server -> strict   REGISTER
        54.025      strict: rejected Challenged
        54.025    strict -> server   401 REGISTER
        54.030    server -> strict   REGISTER
        54.035    strict -> server   200 REGISTER
    "#]]
    .assert_eq(&first);
    net.log.clear();
    run(&mut net, "strict dies; wait 200; strict revives; wait 90");
    let told: Vec<&str> = net
        .log
        .lines()
        .filter(|line| line.contains("server: trunk"))
        .map(|line| line.split("server: ").nth(1).unwrap())
        .collect();
    assert_eq!(told, ["trunk 0 Refused(408)", "trunk 0 Registered(60)"]);
}

#[test]
fn a_registrar_that_wants_longer_times_gets_them() {
    let mut net = net(|trunks| {
        trunks[0] = Trunk {
            name: "strict".to_owned(),
            hosts: vec![host("10.0.0.30")],
            domain: "hotline.test".to_owned(),
            login: login(""),
            register_s: Some(5),
            ..Trunk::default()
        };
    });
    strict(&mut net);
    run(&mut net, "wait 1");
    let asked: Vec<String> = sent(&net, "REGISTER")
        .iter()
        .map(|register| line(register, "Expires"))
        .collect();
    assert_eq!(asked, ["5", "5", "30", "30"], "{}", net.log);
    assert!(net.log.contains("trunk 0 Registered(30)"), "{}", net.log);
}

#[test]
fn the_password_answers_only_the_realm_of_the_trunk() {
    // The same carrier, but its realm is not the one that the configuration names: CVE-2021-41158.
    let mut net = net(|trunks| {
        trunks[0] = Trunk {
            name: "strict".to_owned(),
            hosts: vec![host("10.0.0.30")],
            domain: "hotline.test".to_owned(),
            login: login("carrier.example"),
            register_s: Some(60),
            ..Trunk::default()
        };
        trunks[1].login = login("carrier.example");
    });
    strict(&mut net);
    run(&mut net, "wait 1; server dials +84912345678 0; wait 1");
    let wire = net.wire.iter().map(|bytes| String::from_utf8_lossy(bytes));
    assert_eq!(
        wire.filter(|text| text.contains("uthorization: Digest username"))
            .count(),
        0,
        "{}",
        net.log
    );
    assert!(net.log.contains("trunk 0 Refused(401)"), "{}", net.log);
}

#[test]
fn a_trunk_that_challenges_the_call_gets_its_digest() {
    let mut net = net(|trunks| {
        trunks[0] = Trunk {
            name: "strict".to_owned(),
            hosts: vec![host("10.0.0.30")],
            domain: "hotline.test".to_owned(),
            login: login(""),
            ..Trunk::default()
        };
    });
    strict(&mut net);
    check(
        net,
        "server dials +84912345678 0; strict rings; strict answers; strict hangs up",
        expect![[r#"
            0.000     server -> strict   INVITE
            0.005       strict: rejected Challenged
            0.005     strict -> server   401 INVITE
            0.010     server -> strict   ACK
            0.010     server -> strict   INVITE
            0.015     strict -> server   100 INVITE
            0.015       strict: invited to +84912345678 by tv01 (tv01)
            0.100     strict -> server   180 INVITE
            0.105       server: ringing
            0.200     strict -> server   200 INVITE
            0.205     server -> strict   ACK
            0.205       server: answered "answer of strict"
            0.210       strict: acknowledged
            0.300     strict -> server   BYE
            0.305     server -> strict   200 BYE
            0.305       server: ended by peer
        "#]],
    );
}

#[test]
fn a_callee_behind_the_trunk_who_asks_for_the_password_gets_nothing() {
    let mut net = net(|trunks| trunks[0].login = login("hotline.test"));
    run(&mut net, "server dials +84912345678 0; trunk rings");
    let invite = sent(&net, "INVITE").remove(0);
    let mut ask = "SIP/2.0 407 Proxy Authentication Required\r\n".to_owned();
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        ask.push_str(&format!("{name}: {}\r\n", line(&invite, name)));
    }
    ask.push_str("Proxy-Authenticate: Digest realm=\"hotline.test\", nonce=\"n\"\r\nContent-Length: 0\r\n\r\n");
    net.inject("trunk", "server", ask.into_bytes());
    run(&mut net, "wait 1");
    let wire = net.wire.iter().map(|bytes| String::from_utf8_lossy(bytes));
    assert_eq!(wire.filter(|text| text.contains("Digest user")).count(), 0);
    assert!(net.log.contains("failed"), "{}", net.log);
}

#[test]
fn a_full_trunk_is_passed_over_and_refuses_inwards_with_a_time() {
    let limits = TrunkLimits {
        calls_max: 1,
        ..TrunkLimits::default()
    };
    check(
        net(|trunks| trunks[0].limits = limits),
        "trunk calls 111; server answers; wait 1; server dials +84912345678 0 1; south answers; \
         trunk calls 111; wait 1",
        expect![[r#"
            0.000      trunk -> server   INVITE
            0.005     server -> trunk    100 INVITE
            0.005       server: invited to 111 by 0987654321 (trunk 0)
            0.100     server -> trunk    200 INVITE
            0.105      trunk -> server   ACK
            0.105       trunk: answered "answer of server"
            0.110       server: acknowledged
            1.300     server -> south    INVITE
            1.305      south -> server   100 INVITE
            1.305       south: invited to +84912345678 by 111 (unknown)
            1.400      south -> server   200 INVITE
            1.405     server -> south    ACK
            1.405       server: answered "answer of south"
            1.410       south: acknowledged
            1.500      trunk -> server   INVITE
            1.505       server: rejected Overload
            1.505     server -> trunk    503 INVITE
            1.510      trunk -> server   ACK
            1.510       trunk: failed: unreachable 503
        "#]],
    );
}

#[test]
fn calls_per_second_are_counted_each_way() {
    let limits = TrunkLimits {
        in_per_s: 2,
        ..TrunkLimits::default()
    };
    let mut net = net(|trunks| trunks[0].limits = limits);
    for _ in 0..3 {
        net.act("trunk calls 111");
    }
    net.run_ms(50);
    assert_eq!(net.log.matches("503 INVITE").count(), 1, "{}", net.log);
    net.run_ms(600);
    net.log.clear();
    net.act("trunk calls 111");
    net.run_ms(50);
    assert_eq!(net.log.matches("503 INVITE").count(), 0, "{}", net.log);
}

#[test]
fn a_delayed_copy_of_a_refused_call_gets_the_same_answer() {
    let limits = TrunkLimits {
        calls_max: 1,
        ..TrunkLimits::default()
    };
    let mut net = net(|trunks| trunks[0].limits = limits);
    run(
        &mut net,
        "trunk calls 111; server answers; trunk calls 18001567; wait 1",
    );
    let copy = sent(&net, "INVITE").pop().unwrap();
    assert!(copy.starts_with("INVITE sip:18001567"), "{copy}");
    // The first call ends: there is room. What the network had delayed comes now.
    let first = net.node("server").dialogs[0];
    net.command(
        "server",
        Command::Hangup {
            dialog: first,
            reason: None,
        },
    );
    net.run_ms(1_000);
    net.log.clear();
    net.inject("trunk", "server", copy.into_bytes());
    net.run_ms(1_000);
    assert!(!net.log.contains("invited"), "{}", net.log);
    assert!(!net.log.contains("200 INVITE"), "{}", net.log);
    net.settle();
}

#[test]
fn each_trunk_has_its_own_numbers_and_caller() {
    let mut net = net(|trunks| {
        trunks[0].numbers_out = vec![
            NumberRule {
                begins: "+84".to_owned(),
                becomes: "0".to_owned(),
            },
            NumberRule {
                begins: "+".to_owned(),
                becomes: "00".to_owned(),
            },
        ];
        trunks[0].domain = "ims.viettel.vn".to_owned();
        trunks[0].caller = "+84243111".to_owned();
        trunks[0].is_identity_asserted = true;
        trunks[1].is_private = true;
    });
    run(
        &mut net,
        "server dials +84912345678 0 1; trunk rejects 503; wait 1; server dials +441111 0; wait 1",
    );
    let invites = sent(&net, "INVITE");
    let seen: Vec<String> = invites
        .iter()
        .map(|invite| {
            let from = line(invite, "From");
            format!(
                "{}\n  From: {}\n  To: {}\n  PAI: {}\n  Privacy: {}\n",
                invite.lines().next().unwrap(),
                from.split(";tag").next().unwrap(),
                line(invite, "To"),
                line(invite, "P-Asserted-Identity"),
                line(invite, "Privacy")
            )
        })
        .collect();
    expect![[r#"
        INVITE sip:0912345678@ims.viettel.vn;user=phone SIP/2.0
          From: <sip:+84243111@ims.viettel.vn>
          To: <sip:0912345678@ims.viettel.vn;user=phone>
          PAI: <sip:+84243111@ims.viettel.vn>
          Privacy: 
        INVITE sip:+84912345678@10.0.0.12;user=phone SIP/2.0
          From: "Anonymous" <sip:anonymous@anonymous.invalid>
          To: <sip:+84912345678@10.0.0.12;user=phone>
          PAI: <sip:111@10.0.0.12>
          Privacy: id
        INVITE sip:00441111@ims.viettel.vn;user=phone SIP/2.0
          From: <sip:+84243111@ims.viettel.vn>
          To: <sip:00441111@ims.viettel.vn;user=phone>
          PAI: <sip:+84243111@ims.viettel.vn>
          Privacy: 
    "#]]
    .assert_eq(&seen.concat());
}

#[test]
fn a_large_call_goes_by_tcp_where_the_trunk_allows_it() {
    for (is_allowed, is_listening, way) in [
        (true, true, "(tcp)"),
        (true, false, "INVITE"),
        (false, true, "INVITE"),
    ] {
        let mut net = net(|trunks| trunks[0].is_large_by_tcp = is_allowed);
        let target = crate::Target::Trunks {
            trunks: vec![0],
            number: "113".to_owned(),
        };
        if !is_listening {
            net.node("trunk").is_dead = true;
        }
        net.command(
            "server",
            Command::Invite {
                dialog: 1,
                target,
                from: (String::new(), "111".to_owned()),
                bodies: vec![(crate::MediaKind::Plain, vec![b'x'; 1_400])],
                headers: Vec::new(),
                login: None,
            },
        );
        net.run_ms(200);
        let first = net
            .log
            .lines()
            .find(|line| line.contains("INVITE"))
            .unwrap();
        assert!(
            first.contains(way),
            "{is_allowed} {is_listening}: {}",
            net.log
        );
        assert_eq!(
            first.contains("(tcp)"),
            is_allowed && is_listening,
            "{}",
            net.log
        );
    }
}

#[test]
fn an_odd_number_is_escaped_and_never_breaks_the_request() {
    let mut net = net(|_| {});
    run(&mut net, "server dials 1?evil=<x>@y 0");
    let invite = sent(&net, "INVITE").remove(0);
    assert!(Message::parse(invite.clone().into_bytes()).is_ok());
    assert!(
        invite.starts_with("INVITE sip:1%3Fevil=%3Cx%3E%40y@10.0.0.2;user=phone SIP/2.0"),
        "{invite}"
    );
}

#[test]
fn a_carrier_by_certificate_is_nobody_by_its_address() {
    let mut net = net(|trunks| trunks[0].is_by_certificate = true);
    run(&mut net, "trunk calls 111");
    assert!(net.log.contains("401 INVITE"), "{}", net.log);
    assert!(!net.log.contains("server: invited"), "{}", net.log);
}

#[test]
fn our_offer_names_the_family_of_the_first_trunk_that_is_found() {
    let trunk_to = |place: &str| Trunk {
        name: place.to_owned(),
        hosts: vec![host(place)],
        ..Trunk::default()
    };
    let six: std::net::SocketAddr = "[2001:db8::1]:5060".parse().unwrap();
    let mut listening = listeners("10.0.0.1:5060");
    listening.extend(listeners("[2001:db8::1]:5060"));
    let mut net = Net::with(Config {
        listeners: listening,
        trunks: vec![
            trunk_to("nowhere.vn"),
            trunk_to("2001:db8::2"),
            trunk_to("10.0.0.2"),
        ],
        ..server_config()
    });
    run(&mut net, "wait 1");
    let endpoint = &net.node("server").endpoint;
    assert_eq!(endpoint.advertise_over(&[0, 1, 2]), Some(six.ip()));
    assert_eq!(endpoint.advertise_over(&[2, 1]), Some(ip("10.0.0.1")));
    assert_eq!(endpoint.advertise_over(&[0]), None);
}
