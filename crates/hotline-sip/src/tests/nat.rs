//! Phones behind a NAT: 10.0.0.3 is the router's address, 192.168.1.5 the phone's own.

use super::net::Net;
use super::script::run;
use expect_test::{Expect, expect};

fn check(script: &str, expected: Expect) {
    let mut net = Net::new();
    for listener in &mut net.node("phone").endpoint.config.listeners {
        listener.advertise = "192.168.1.5:5060".parse().unwrap();
    }
    run(&mut net, script);
    expected.assert_eq(&net.log);
}

#[test]
fn its_flow_is_kept_open_by_options() {
    check(
        "phone registers tv01; wait 45",
        expect![[r#"
        0.000      phone -> server   REGISTER
        0.005       server: rejected Challenged
        0.005     server -> phone    401 REGISTER
        0.010      phone -> server   REGISTER
        0.015     server -> phone    200 REGISTER
        0.015       server: contact tv01 Reachable
        0.020       phone: registered tv01 Ok(3600)
        20.015    server -> phone    OPTIONS
        20.020     phone -> server   200 OPTIONS
        40.015    server -> phone    OPTIONS
        40.020     phone -> server   200 OPTIONS
    "#]],
    );
}

#[test]
fn a_phone_that_is_silent_is_known_to_be_dead_before_anybody_is_offered_to_it() {
    check(
        "phone registers tv01; wait 1; phone dies; wait 55; phone revives; wait 20",
        expect![[r#"
            0.000      phone -> server   REGISTER
            0.005       server: rejected Challenged
            0.005     server -> phone    401 REGISTER
            0.010      phone -> server   REGISTER
            0.015     server -> phone    200 REGISTER
            0.015       server: contact tv01 Reachable
            0.020       phone: registered tv01 Ok(3600)
            20.015    server -> phone    OPTIONS
            20.515    server -> phone    OPTIONS
            21.515    server -> phone    OPTIONS
            23.515    server -> phone    OPTIONS
            27.515    server -> phone    OPTIONS
            31.515    server -> phone    OPTIONS
            35.515    server -> phone    OPTIONS
            39.515    server -> phone    OPTIONS
            43.515    server -> phone    OPTIONS
            47.515    server -> phone    OPTIONS
            51.515    server -> phone    OPTIONS
            52.015      server: contact tv01 Unreachable
            67.015    server -> phone    OPTIONS
            67.020     phone -> server   200 OPTIONS
            67.025      server: contact tv01 Reachable
        "#]],
    );
}

#[test]
fn a_phone_that_no_nat_hides_is_left_alone() {
    super::check(
        "phone registers tv01; wait 45",
        expect![[r#"
        0.000      phone -> server   REGISTER
        0.005       server: rejected Challenged
        0.005     server -> phone    401 REGISTER
        0.010      phone -> server   REGISTER
        0.015     server -> phone    200 REGISTER
        0.015       server: contact tv01 Reachable
        0.020       phone: registered tv01 Ok(3600)
    "#]],
    );
}
