//! A counsellor puts the caller on hold. The caller hears music, and both may hang up.

use super::{LAN_TALKS, check, check_from};
use expect_test::expect;

#[test]
fn a_held_caller_hears_music_until_the_counsellor_is_back() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         5 lan holds
         6 lan holds
         8 lan resumes
         9 lan resumes
         10 c1 hangs up
         11 lan holds",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            2.0   > lan answers
            2.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            2.0     lan: talking with c1 (answer)
            2.0     c1: <- connect lan
            5.0   > lan holds
            5.0     c1: held | <- disconnect | <- bed Music
            5.0     lan: holding c1 (hold)
            6.0   > lan holds
            8.0   > lan resumes
            8.0     c1: resumed | <- connect lan
            8.0     lan: talking with c1 (resume)
            9.0   > lan resumes
            10.0  > c1 hangs up
            10.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            10.0    c1: ended by Caller, NormalClearing
            11.0  > lan holds
        "#]],
    );
}

#[test]
fn a_caller_on_hold_may_hang_up_and_so_may_the_counsellor() {
    check_from(
        LAN_TALKS,
        "5 lan holds
         8 c1 hangs up
         9 lan ends wrap-up
         10 c2 dials 111
         11 c2 presses 1
         12 lan answers
         13 lan holds
         14 lan hangs up
         15 lan ends wrap-up
         16 c3 dials 111
         17 c3 presses 1
         18 lan answers
         19 lan holds
         20 lan is lost
         21 lan answers",
        expect![[r#"
            5.0   > lan holds
            5.0     c1: held | <- disconnect | <- bed Music
            5.0     lan: holding c1 (hold)
            8.0   > c1 hangs up
            8.0     lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            8.0     c1: ended by Caller, NormalClearing
            9.0   > lan ends wrap-up
            9.0     lan: ready (request)
            9.0     reply: done
            10.0  > c2 dials 111
            10.0    c2: ***78 from trunk viettel to 111 = entry | <- answer
            10.0    c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            11.0  > c2 presses 1
            11.0    c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            11.0    lan: offered c2 (offer) | <- ring
            12.0  > lan answers
            12.0    c2: offer to lan ended, Answered | joined with lan | notice heard, None
            12.0    lan: talking with c2 (answer)
            12.0    c2: <- connect lan
            13.0  > lan holds
            13.0    c2: held | <- disconnect | <- bed Music
            13.0    lan: holding c2 (hold)
            14.0  > lan hangs up
            14.0    lan: wrap-up of c2 (call_over)
            14.0    c2: ended by Agent, NormalClearing | <- hang up, NormalClearing
            15.0  > lan ends wrap-up
            15.0    lan: ready (request)
            15.0    reply: done
            16.0  > c3 dials 111
            16.0    c3: ***78 from trunk viettel to 111 = entry | <- answer
            16.0    c3: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            17.0  > c3 presses 1
            17.0    c3: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            17.0    lan: offered c3 (offer) | <- ring
            18.0  > lan answers
            18.0    c3: offer to lan ended, Answered | joined with lan | notice heard, None
            18.0    lan: talking with c3 (answer)
            18.0    c3: <- connect lan
            19.0  > lan holds
            19.0    c3: held | <- disconnect | <- bed Music
            19.0    lan: holding c3 (hold)
            20.0  > lan is lost
            20.0    c3: lan is lost | <- disconnect | <- bed Music
            20.0    lan: ready (lost)
            20.0    c3: <- say through sys.lost_agent | offered to lan
            20.0    lan: offered c3 (offer) | <- ring
            21.0  > lan answers
            21.0    c3: offer to lan ended, Answered | joined with lan
            21.0    lan: talking with c3 (answer)
            21.0    c3: <- connect lan
        "#]],
    );
}
