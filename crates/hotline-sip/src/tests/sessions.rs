//! Session timers (RFC 4028): both refreshers, too short ones, peers that vanish.

use super::net::{Net, server_config};
use super::script::run;
use crate::Sessions;
use expect_test::expect;

fn with_expiry(seconds: u32, script: &str) -> String {
    let mut config = server_config();
    config.sessions = Sessions {
        expires_s: seconds,
        min_s: 90,
    };
    let mut net = Net::with(config);
    run(&mut net, script);
    let log = std::mem::take(&mut net.log);
    net.settle();
    log
}

#[test]
fn we_refresh_a_call_from_the_trunk_at_half_the_interval() {
    expect![[r#"
        0.000      trunk -> server   INVITE
        0.005     server -> trunk    100 INVITE
        0.005       server: invited to 111 by 0987654321 (trunk 0)
        0.100     server -> trunk    200 INVITE
        0.105      trunk -> server   ACK
        0.105       trunk: answered "answer of server"
        0.110       server: acknowledged
        50.105     trunk -> server   UPDATE
        50.110    server -> trunk    200 UPDATE
        100.115    trunk -> server   UPDATE
        100.120   server -> trunk    200 UPDATE
        120.300    trunk -> server   BYE
        120.305   server -> trunk    200 BYE
        120.305     server: ended by peer
    "#]]
    .assert_eq(&with_expiry(
        100,
        "trunk calls 111; server answers; wait 120; trunk hangs up",
    ));
}
