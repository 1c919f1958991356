//! Silence: the other end is asked whether it still is there; nobody is hung up on for it.

use super::check;
use expect_test::expect;

#[test]
fn a_silent_caller_is_asked_after_in_talk_only_and_stays() {
    check(
        "0 c1 dials 111
         1 c1 is silent
         2 c1 presses 1
         10.9 c1 is silent
         11 c1 is silent
         12 lan is reachable
         13 lan rings
         13 lan is silent
         21 c1 is silent
         22 lan answers
         31 c1 is silent
         32 c1 is lost",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 is silent
            2.0   > c1 presses 1
            2.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            2.0     ALARM: nobody is signed in for c1
            10.9  > c1 is silent
            11.0  > c1 is silent
            12.0  > lan is reachable
            12.0    lan: ready (registered)
            12.0    c1: offered to lan
            12.0    lan: offered c1 (offer) | <- ring
            13.0  > lan rings
            13.0  > lan is silent
            17.0    c1: <- say through queue.hold
            21.0  > c1 is silent
            22.0  > lan answers
            22.0    c1: offer to lan ended, Answered | joined with lan | notice heard, Full
            22.0    lan: talking with c1 (answer)
            22.0    c1: <- connect lan
            31.0  > c1 is silent
            31.0    c1: <- probe
            32.0  > c1 is lost
            32.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            32.0    c1: ended by Caller, Lost
        "#]],
    );
}

#[test]
fn a_silent_counsellor_is_asked_after_once_in_ten_seconds() {
    check(
        "0 lan is reachable
         0 c1 dials 18001567
         1 lan answers
         11 lan is silent
         12 lan is silent
         21 lan is silent
         22 lan is lost
         23 lan is silent",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            1.0   > lan answers
            1.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            1.0     lan: talking with c1 (answer)
            1.0     c1: <- connect lan
            11.0  > lan is silent
            11.0    lan: <- probe
            12.0  > lan is silent
            21.0  > lan is silent
            21.0    lan: <- probe
            22.0  > lan is lost
            22.0    c1: lan is lost | <- disconnect | <- bed Music
            22.0    lan: ready (lost)
            22.0    c1: <- say through sys.lost_agent | offered to lan
            22.0    lan: offered c1 (offer) | <- ring
            23.0  > lan is silent
        "#]],
    );
}

#[test]
fn a_silent_caller_on_a_fixed_route_is_asked_after_and_last_words_are_not() {
    check(
        "0 c1 dials 500
         1 c1 is silent
         2 drain 0
         3 c1 is silent",
        expect![[r#"
            0.0   > c1 dials 500
            0.0     c1: ***78 from trunk viettel to 500 = echo, not counted | <- answer
            0.0     c1: answered | <- echo
            1.0   > c1 is silent
            1.0     c1: <- probe
            2.0   > drain 0
            2.0     c1: <- say through sys.down
            3.0   > c1 is silent
        "#]],
    );
}
