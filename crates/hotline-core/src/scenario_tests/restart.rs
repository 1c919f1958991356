//! The start after a crash.

use super::check;
use expect_test::expect;

#[test]
fn open_calls_are_closed_and_counsellors_come_back() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         0 mai is reachable
         0 mai signs in
         1 c1 dials 111
         2 c1 presses 1
         3 lan answers
         4 c2 dials 111
         5 c2 presses 1
         6 mai wants lunch
         7 restart 1
         8 lan is reachable
         8 hoa is reachable
         8 mai is reachable
         9 c3 dials 111
         10 c3 presses 1
         11 hoa answers
         18 is over",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            0.0   > mai is reachable
            0.0   > mai signs in
            0.0     mai: ready (request)
            0.0     reply: done
            1.0   > c1 dials 111
            1.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            1.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            2.0   > c1 presses 1
            2.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            2.0     lan: offered c1 (offer) | <- ring
            3.0   > lan answers
            3.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            3.0     lan: talking with c1 (answer)
            3.0     c1: <- connect lan
            4.0   > c2 dials 111
            4.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            4.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            5.0   > c2 presses 1
            5.0     c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to hoa
            5.0     hoa: offered c2 (offer) | <- ring
            6.0   > mai wants lunch
            6.0     mai: not ready, lunch (request)
            6.0     reply: done
            7.0   > restart 1
            8.0     c1: ended by System, Crash
            8.0     c2: ended by System, Crash
            8.0     lan: wrap-up of c1 (restart)
            8.0     hoa: ready (restart)
            8.0   > lan is reachable
            8.0   > hoa is reachable
            8.0   > mai is reachable
            9.0   > c3 dials 111
            9.0     c3: ***78 from trunk viettel to 111 = entry | <- answer
            9.0     c3: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            10.0  > c3 presses 1
            10.0    c3: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to hoa
            10.0    hoa: offered c3 (offer) | <- ring
            11.0  > hoa answers
            11.0    c3: offer to hoa ended, Answered | joined with hoa | notice heard, None
            11.0    hoa: talking with c3 (answer)
            11.0    c3: <- connect hoa
            18.0    lan: ready (wrap_up_over)
            18.0  > is over
        "#]],
    );
}

#[test]
fn whoever_signed_out_stays_out_and_the_lone_one_who_missed_a_call_comes_back() {
    check(
        "0 lan is reachable
         1 lan signs out
         2 mai is reachable
         3 mai signs in
         4 c1 dials 18001567
         25 c1 hangs up
         26 restart 1
         28 lan is reachable
         28 mai is reachable
         60 is over",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            1.0   > lan signs out
            1.0     lan: signed out (request)
            1.0     reply: done
            2.0   > mai is reachable
            3.0   > mai signs in
            3.0     mai: ready (request)
            3.0     reply: done
            4.0   > c1 dials 18001567
            4.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            4.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to mai
            4.0     mai: offered c1 (offer) | <- ring
            19.0    c1: <- say through queue.hold
            24.0    mai: <- hang up, NoAnswer
            24.0    c1: offer to mai ended, NoAnswer
            24.0    mai: not ready, rona (rona)
            24.0    ALARM: mai is alone and did not answer
            25.0  > c1 hangs up
            25.0    c1: notice heard, None | ended by Caller, NormalClearing
            26.0  > restart 1
            27.0    ALARM: mai is alone and did not answer
            28.0  > lan is reachable
            28.0  > mai is reachable
            57.0    mai: ready (lone)
            60.0  > is over
        "#]],
    );
}

#[test]
fn paperwork_starts_afresh_and_who_waited_longest_is_first() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 c1 hangs up
         4 hoa is reachable
         10 restart 1
         12 hoa is reachable
         12 lan is reachable
         22 is over
         23 restart 1
         24 lan is reachable
         25 hoa is reachable
         26 c2 dials 111
         27 c2 presses 1",
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
            3.0   > c1 hangs up
            3.0     lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            3.0     c1: ended by Caller, NormalClearing
            4.0   > hoa is reachable
            4.0     hoa: ready (registered)
            10.0  > restart 1
            11.0    lan: wrap-up of c1 (restart)
            12.0  > hoa is reachable
            12.0  > lan is reachable
            21.0    lan: ready (wrap_up_over)
            22.0  > is over
            23.0  > restart 1
            24.0  > lan is reachable
            25.0  > hoa is reachable
            26.0  > c2 dials 111
            26.0    c2: ***78 from trunk viettel to 111 = entry | <- answer
            26.0    c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            27.0  > c2 presses 1
            27.0    c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to hoa
            27.0    hoa: offered c2 (offer) | <- ring
        "#]],
    );
}
