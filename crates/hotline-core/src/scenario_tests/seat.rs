//! Counsellors: signing in and out, breaks, paperwork, phones.

use super::check;
use expect_test::expect;

#[test]
fn registration_signs_in_and_its_end_signs_out() {
    check(
        "0 lan is reachable
         1 lan is reachable
         2 lan is gone
         3 lan is reachable
         4 lan signs out
         5 lan is reachable
         6 lan is gone
         7 lan is reachable
         8 mai is reachable
         9 mai wants ready
         10 mai signs in
         11 mai is gone
         12 mai is reachable",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            1.0   > lan is reachable
            2.0   > lan is gone
            2.0     lan: signed out (unregistered)
            3.0   > lan is reachable
            3.0     lan: ready (registered)
            4.0   > lan signs out
            4.0     lan: signed out (request)
            4.0     reply: done
            5.0   > lan is reachable
            6.0   > lan is gone
            6.0     lan: signed out (unregistered)
            7.0   > lan is reachable
            7.0     lan: ready (registered)
            8.0   > mai is reachable
            9.0   > mai wants ready
            9.0     reply: NotNow
            10.0  > mai signs in
            10.0    mai: ready (request)
            10.0    reply: done
            11.0  > mai is gone
            12.0  > mai is reachable
        "#]],
    );
}

#[test]
fn a_break_while_talking_begins_after_the_paperwork() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 lan wants lunch
         4 c1 hangs up
         14 is over
         15 lan wants ready",
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
            3.0   > lan wants lunch
            3.0     reply: done
            4.0   > c1 hangs up
            4.0     lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            4.0     c1: ended by Caller, NormalClearing
            14.0    lan: not ready, lunch (wrap_up_over)
            14.0  > is over
            15.0  > lan wants ready
            15.0    lan: ready (request)
            15.0    reply: done
        "#]],
    );
}

#[test]
fn a_sign_out_while_talking_happens_after_the_call() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 lan signs out
         4 c1 hangs up
         5 lan signs in",
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
            3.0   > lan signs out
            3.0     reply: done
            4.0   > c1 hangs up
            4.0     lan: <- hang up, CallerGone | signed out (call_over)
            4.0     c1: ended by Caller, NormalClearing
            5.0   > lan signs in
            5.0     lan: ready (request)
            5.0     reply: done
        "#]],
    );
}

#[test]
fn a_wish_can_be_taken_back() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 lan signs out
         4 lan wants ready
         5 c1 hangs up
         6 lan wants break
         7 lan wants ready",
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
            3.0   > lan signs out
            3.0     reply: done
            4.0   > lan wants ready
            4.0     reply: done
            5.0   > c1 hangs up
            5.0     lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            5.0     c1: ended by Caller, NormalClearing
            6.0   > lan wants break
            6.0     reply: done
            7.0   > lan wants ready
            7.0     lan: ready (request)
            7.0     reply: done
        "#]],
    );
}

#[test]
fn a_break_while_rung_withdraws_the_offer() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan wants break
         3 hoa signs out",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            2.0   > lan wants break
            2.0     reply: done
            3.0   > hoa signs out
            3.0     hoa: signed out (request)
            3.0     reply: done
        "#]],
    );
}

#[test]
fn paperwork_lasts_unless_the_counsellor_ends_it() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 c1 hangs up
         4 c2 dials 111
         5 c2 presses 1
         6 lan ends wrap-up
         7 lan ends wrap-up
         8 lan answers
         9 c2 hangs up
         10 c3 dials 111
         11 c3 presses 1
         19 is over",
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
            4.0   > c2 dials 111
            4.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            4.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            5.0   > c2 presses 1
            5.0     c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            6.0   > lan ends wrap-up
            6.0     lan: ready (request)
            6.0     reply: done
            6.0     c2: offered to lan
            6.0     lan: offered c2 (offer) | <- ring
            7.0   > lan ends wrap-up
            7.0     reply: NotNow
            8.0   > lan answers
            8.0     c2: offer to lan ended, Answered | joined with lan | notice heard, None
            8.0     lan: talking with c2 (answer)
            8.0     c2: <- connect lan
            9.0   > c2 hangs up
            9.0     lan: <- hang up, CallerGone | wrap-up of c2 (call_over)
            9.0     c2: ended by Caller, NormalClearing
            10.0  > c3 dials 111
            10.0    c3: ***78 from trunk viettel to 111 = entry | <- answer
            10.0    c3: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            11.0  > c3 presses 1
            11.0    c3: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            19.0    lan: ready (wrap_up_over)
            19.0    c3: offered to lan
            19.0    lan: offered c3 (offer) | <- ring
            19.0  > is over
        "#]],
    );
}

#[test]
fn requests_that_cannot_be_are_refused() {
    check(
        "0 lan wants break
         0 lan ends wrap-up
         0 lan is reachable
         1 lan wants holidays
         2 nobody signs in
         3 nobody is reachable
         4 lan ends wrap-up
         5 lan wants ready",
        expect![[r#"
            0.0   > lan wants break
            0.0     reply: NotNow
            0.0   > lan ends wrap-up
            0.0     reply: NotNow
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            1.0   > lan wants holidays
            1.0     reply: UnknownReason
            2.0   > nobody signs in
            2.0     reply: UnknownAgent
            3.0   > nobody is reachable
            4.0   > lan ends wrap-up
            4.0     reply: NotNow
            5.0   > lan wants ready
            5.0     reply: done
        "#]],
    );
}

#[test]
fn a_phone_that_goes_during_the_talk_signs_out_after_it() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 lan is gone
         4 c1 hangs up
         5 lan is reachable",
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
            3.0   > lan is gone
            4.0   > c1 hangs up
            4.0     lan: <- hang up, CallerGone | signed out (call_over)
            4.0     c1: ended by Caller, NormalClearing
            5.0   > lan is reachable
            5.0     lan: ready (registered)
        "#]],
    );
}

#[test]
fn a_phone_that_goes_and_comes_does_not_shorten_the_paperwork() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 c1 hangs up
         4 lan is gone
         5 lan is reachable
         6 c2 dials 111
         7 c2 presses 1
         12.9 is over
         13 is over
         14 lan answers
         15 lan hangs up
         16 lan is gone
         26 is over",
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
            4.0   > lan is gone
            5.0   > lan is reachable
            6.0   > c2 dials 111
            6.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            6.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            7.0   > c2 presses 1
            7.0     c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            12.9  > is over
            13.0    lan: ready (wrap_up_over)
            13.0    c2: offered to lan
            13.0    lan: offered c2 (offer) | <- ring
            13.0  > is over
            14.0  > lan answers
            14.0    c2: offer to lan ended, Answered | joined with lan | notice heard, Partial(3000)
            14.0    lan: talking with c2 (answer)
            14.0    c2: <- connect lan
            15.0  > lan hangs up
            15.0    lan: wrap-up of c2 (call_over)
            15.0    c2: ended by Agent, NormalClearing | <- hang up, NormalClearing
            16.0  > lan is gone
            25.0    lan: signed out (wrap_up_over)
            26.0  > is over
        "#]],
    );
}
