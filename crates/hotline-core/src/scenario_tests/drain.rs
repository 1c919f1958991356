//! The stop.

use super::check;
use expect_test::expect;

#[test]
fn a_stop_serves_who_is_in_and_refuses_the_rest() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 drain 600
         3 c2 dials 111
         4 lan answers
         9 c1 hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            2.0   > drain 600
            3.0   > c2 dials 111
            3.0     c2: ***78 from trunk viettel to 111 = entry | ended by System, Shutdown | <- reject, Shutdown
            4.0   > lan answers
            4.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            4.0     lan: talking with c1 (answer)
            4.0     c1: <- connect lan
            9.0   > c1 hangs up
            9.0     lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            9.0     c1: ended by Caller, NormalClearing
            9.0     drained: all
        "#]],
    );
}

#[test]
fn at_the_limit_everybody_hears_the_last_words() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 c2 dials 111
         4 c2 presses 9
         5 c3 dials 111
         6 drain 2
         13 is over",
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
            3.0   > c2 dials 111
            3.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            3.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            4.0   > c2 presses 9
            4.0     c2: key 9 at entry | at cannot | queued in urgent for any, head start 600, silent | <- bed Music | <- say through danger.now svc.cannot_ok
            5.0   > c3 dials 111
            5.0     c3: ***78 from trunk viettel to 111 = entry | <- answer
            5.0     c3: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            6.0   > drain 2
            8.0     c1: <- disconnect
            8.0     lan: <- hang up, Shutdown | wrap-up of c1 (call_over)
            8.0     c1: <- say through sys.down
            8.0     c2: <- say through sys.down
            8.0     c3: <- say through sys.down
            12.0    c1: ended by System, Shutdown | <- hang up, Shutdown
            12.0    c2: notice heard, None | ended by System, Shutdown | <- hang up, Shutdown
            12.0    c3: notice heard, None | ended by System, Shutdown | <- hang up, Shutdown
            12.0    drained: all
            13.0  > is over
        "#]],
    );
}

#[test]
fn a_second_signal_skips_the_wait() {
    check(
        "0 c1 dials 111
         1 drain 600
         2 drain 0
         3 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > drain 600
            2.0   > drain 0
            2.0     c1: <- say through sys.down
            3.0   > c1 hangs up
            3.0     c1: notice heard, None | ended by System, Shutdown
            3.0     drained: all
        "#]],
    );
}

#[test]
fn a_stop_without_calls_is_over_at_once() {
    check(
        "0 drain 600",
        expect![[r#"
            0.0   > drain 600
            0.0     drained: all
        "#]],
    );
}
