//! Hold, transfers, advice, and another phone in the middle of a talk. The caller's leg stays through all of it.

use super::check;
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
            6.0   > lan holds
            8.0   > lan resumes
            8.0     c1: resumed | <- connect lan
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
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         5 lan holds
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

#[test]
fn a_blind_transfer_leads_to_the_colleague_who_answers() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         5 lan holds
         5 lan passes to 702
         6 hoa rings
         8 hoa answers
         12 hoa hangs up",
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
            2.0   > lan answers
            2.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            2.0     lan: talking with c1 (answer)
            2.0     c1: <- connect lan
            5.0   > lan holds
            5.0     c1: held | <- disconnect | <- bed Music
            5.0   > lan passes to 702
            5.0     c1: lan passes on to Agent("hoa")
            5.0     lan: <- transfer Trying
            5.0     c1: <- bed Music | offered to hoa
            5.0     hoa: offered c1 (offer) | <- ring
            5.0     c1: <- say through xfer.wait
            6.0   > hoa rings
            6.0     lan: <- transfer Ringing
            8.0   > hoa answers
            8.0     c1: offer to hoa ended, Answered | transfer Done
            8.0     lan: <- transfer Done | <- hang up, NormalClearing | wrap-up of c1 (call_over)
            8.0     c1: joined with hoa
            8.0     hoa: talking with c1 (answer)
            8.0     c1: <- connect hoa
            12.0  > hoa hangs up
            12.0    hoa: wrap-up of c1 (call_over)
            12.0    c1: ended by Agent, NormalClearing | <- hang up, NormalClearing
        "#]],
    );
}

#[test]
fn a_phone_that_hangs_up_at_once_leaves_the_caller_with_the_colleague() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         5 lan passes to hoa
         5 lan hangs up
         8 hoa answers
         12 c1 hangs up",
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
            2.0   > lan answers
            2.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            2.0     lan: talking with c1 (answer)
            2.0     c1: <- connect lan
            5.0   > lan passes to hoa
            5.0     c1: lan passes on to Agent("hoa")
            5.0     lan: <- transfer Trying
            5.0     c1: <- disconnect | <- bed Music | offered to hoa
            5.0     hoa: offered c1 (offer) | <- ring
            5.0     c1: <- say through xfer.wait
            5.0   > lan hangs up
            8.0   > hoa answers
            8.0     c1: offer to hoa ended, Answered | transfer Done
            8.0     lan: wrap-up of c1 (call_over)
            8.0     c1: joined with hoa
            8.0     hoa: talking with c1 (answer)
            8.0     c1: <- connect hoa
            12.0  > c1 hangs up
            12.0    hoa: <- hang up, CallerGone | wrap-up of c1 (call_over)
            12.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn whatever_fails_returns_to_the_counsellor_on_the_line() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         5 lan passes to 702
         6 hoa declines
         7 lan passes to 702
         8 hoa wants ready
         9 lan passes to 702
         10 hoa is dead
         11 lan holds
         11 lan passes to 702
         12 hoa fails by us
         13 lan resumes
         14 lan passes to 702
         34 is over
         35 lan hangs up",
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
            2.0   > lan answers
            2.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            2.0     lan: talking with c1 (answer)
            2.0     c1: <- connect lan
            5.0   > lan passes to 702
            5.0     c1: lan passes on to Agent("hoa")
            5.0     lan: <- transfer Trying
            5.0     c1: <- disconnect | <- bed Music | offered to hoa
            5.0     hoa: offered c1 (offer) | <- ring
            5.0     c1: <- say through xfer.wait
            6.0   > hoa declines
            6.0     c1: offer to hoa ended, Declined | transfer Failed(Declined)
            6.0     lan: <- transfer Failed(Declined)
            6.0     c1: <- connect lan
            6.0     hoa: not ready, declined (declined)
            7.0   > lan passes to 702
            7.0     c1: lan passes on to Agent("hoa")
            7.0     lan: <- transfer Trying
            7.0     c1: transfer Failed(Unreachable)
            7.0     lan: <- transfer Failed(Unreachable)
            8.0   > hoa wants ready
            8.0     hoa: ready (request)
            8.0     reply: done
            9.0   > lan passes to 702
            9.0     c1: lan passes on to Agent("hoa")
            9.0     lan: <- transfer Trying
            9.0     c1: <- disconnect | <- bed Music | offered to hoa
            9.0     hoa: offered c1 (offer) | <- ring
            9.0     c1: <- say through xfer.wait
            10.0  > hoa is dead
            10.0    c1: offer to hoa ended, Unreachable | transfer Failed(Unreachable)
            10.0    lan: <- transfer Failed(Unreachable)
            10.0    c1: <- connect lan
            10.0    hoa: ready (unreachable)
            11.0  > lan holds
            11.0    c1: held | <- disconnect | <- bed Music
            11.0  > lan passes to 702
            11.0    c1: lan passes on to Agent("hoa")
            11.0    lan: <- transfer Trying
            11.0    c1: <- bed Music | offered to hoa
            11.0    hoa: offered c1 (offer) | <- ring
            11.0    c1: <- say through xfer.wait
            12.0  > hoa fails by us
            12.0    c1: offer to hoa ended, Withdrawn | transfer Failed(InternalError)
            12.0    lan: <- transfer Failed(InternalError)
            12.0    c1: <- say through xfer.fail
            12.0    hoa: ready (withdrawn)
            13.0  > lan resumes
            13.0    c1: resumed | <- connect lan
            14.0  > lan passes to 702
            14.0    c1: lan passes on to Agent("hoa")
            14.0    lan: <- transfer Trying
            14.0    c1: <- disconnect | <- bed Music | offered to hoa
            14.0    hoa: offered c1 (offer) | <- ring
            14.0    c1: <- say through xfer.wait
            34.0    hoa: <- hang up, NoAnswer
            34.0    c1: offer to hoa ended, NoAnswer | transfer Failed(NoAnswer)
            34.0    lan: <- transfer Failed(NoAnswer)
            34.0    c1: <- connect lan
            34.0    hoa: not ready, rona (rona)
            34.0  > is over
            35.0  > lan hangs up
            35.0    lan: wrap-up of c1 (call_over)
            35.0    c1: ended by Agent, NormalClearing | <- hang up, NormalClearing
        "#]],
    );
}

#[test]
fn a_colleague_who_cannot_be_had_is_not_rung() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 lan passes to 702
         4 hoa is reachable
         4 c2 dials 111
         5 c2 presses 1
         6 hoa answers
         7 lan passes to 702
         8 hoa is unreachable
         8 c2 hangs up
         9 lan passes to 702",
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
            3.0   > lan passes to 702
            3.0     c1: lan passes on to Agent("hoa")
            3.0     lan: <- transfer Trying
            3.0     c1: transfer Failed(Unreachable)
            3.0     lan: <- transfer Failed(Unreachable)
            4.0   > hoa is reachable
            4.0     hoa: ready (registered)
            4.0   > c2 dials 111
            4.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            4.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            5.0   > c2 presses 1
            5.0     c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to hoa
            5.0     hoa: offered c2 (offer) | <- ring
            6.0   > hoa answers
            6.0     c2: offer to hoa ended, Answered | joined with hoa | notice heard, None
            6.0     hoa: talking with c2 (answer)
            6.0     c2: <- connect hoa
            7.0   > lan passes to 702
            7.0     c1: lan passes on to Agent("hoa")
            7.0     lan: <- transfer Trying
            7.0     c1: transfer Failed(Busy)
            7.0     lan: <- transfer Failed(Busy)
            8.0   > hoa is unreachable
            8.0   > c2 hangs up
            8.0     hoa: <- hang up, CallerGone | wrap-up of c2 (call_over)
            8.0     c2: ended by Caller, NormalClearing
            9.0   > lan passes to 702
            9.0     c1: lan passes on to Agent("hoa")
            9.0     lan: <- transfer Trying
            9.0     c1: transfer Failed(Unreachable)
            9.0     lan: <- transfer Failed(Unreachable)
        "#]],
    );
}

#[test]
fn a_failure_after_the_phone_has_gone_rings_the_counsellor_again() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         5 lan passes to 702
         5 lan hangs up
         6 hoa declines
         7 lan answers
         8 lan passes to 702
         9 hoa wants ready
         10 lan passes to 702
         10 lan is lost
         11 lan wants lunch
         12 hoa is dead
         32 is over
         33 hoa answers",
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
            2.0   > lan answers
            2.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            2.0     lan: talking with c1 (answer)
            2.0     c1: <- connect lan
            5.0   > lan passes to 702
            5.0     c1: lan passes on to Agent("hoa")
            5.0     lan: <- transfer Trying
            5.0     c1: <- disconnect | <- bed Music | offered to hoa
            5.0     hoa: offered c1 (offer) | <- ring
            5.0     c1: <- say through xfer.wait
            5.0   > lan hangs up
            6.0   > hoa declines
            6.0     c1: offer to hoa ended, Declined | transfer FailedAlone(Declined) | <- bed Music
            6.0     lan: ready (lost)
            6.0     c1: <- say through xfer.fail
            6.0     hoa: not ready, declined (declined)
            6.0     c1: offered to lan
            6.0     lan: offered c1 (offer) | <- ring
            7.0   > lan answers
            7.0     c1: offer to lan ended, Answered | joined with lan
            7.0     lan: talking with c1 (answer)
            7.0     c1: <- connect lan
            8.0   > lan passes to 702
            8.0     c1: lan passes on to Agent("hoa")
            8.0     lan: <- transfer Trying
            8.0     c1: transfer Failed(Unreachable)
            8.0     lan: <- transfer Failed(Unreachable)
            9.0   > hoa wants ready
            9.0     hoa: ready (request)
            9.0     reply: done
            10.0  > lan passes to 702
            10.0    c1: lan passes on to Agent("hoa")
            10.0    lan: <- transfer Trying
            10.0    c1: <- disconnect | <- bed Music | offered to hoa
            10.0    hoa: offered c1 (offer) | <- ring
            10.0    c1: <- say through xfer.wait
            10.0  > lan is lost
            11.0  > lan wants lunch
            11.0    reply: done
            12.0  > hoa is dead
            12.0    c1: offer to hoa ended, Unreachable | transfer FailedAlone(Unreachable) | <- bed Music
            12.0    lan: not ready, lunch (lost)
            12.0    c1: <- say through xfer.fail
            12.0    hoa: ready (unreachable)
            27.0    c1: <- say through queue.hold
            32.0    c1: offered to hoa
            32.0    hoa: offered c1 (offer) | <- ring
            32.0  > is over
            33.0  > hoa answers
            33.0    c1: offer to hoa ended, Answered | joined with hoa
            33.0    hoa: talking with c1 (answer)
            33.0    c1: <- connect hoa
        "#]],
    );
}

#[test]
fn a_caller_who_hangs_up_in_a_transfer_ends_all_of_it() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         5 lan passes to 702
         6 c1 hangs up
         7 lan ends wrap-up
         7 c2 dials 111
         8 c2 presses 1
         9 lan answers
         10 hoa answers
         11 hoa passes to 113
         11 hoa hangs up
         12 c2 hangs up
         12 outside answers",
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
            2.0   > lan answers
            2.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            2.0     lan: talking with c1 (answer)
            2.0     c1: <- connect lan
            5.0   > lan passes to 702
            5.0     c1: lan passes on to Agent("hoa")
            5.0     lan: <- transfer Trying
            5.0     c1: <- disconnect | <- bed Music | offered to hoa
            5.0     hoa: offered c1 (offer) | <- ring
            5.0     c1: <- say through xfer.wait
            6.0   > c1 hangs up
            6.0     hoa: <- hang up, CallerGone
            6.0     c1: offer to hoa ended, CallerGone
            6.0     hoa: ready (caller_gone)
            6.0     c1: transfer CallOver
            6.0     lan: <- transfer Failed(CallerGone) | <- hang up, CallerGone | wrap-up of c1 (call_over)
            6.0     c1: ended by Caller, NormalClearing
            7.0   > lan ends wrap-up
            7.0     lan: ready (request)
            7.0     reply: done
            7.0   > c2 dials 111
            7.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            7.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            8.0   > c2 presses 1
            8.0     c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to hoa
            8.0     hoa: offered c2 (offer) | <- ring
            9.0   > lan answers
            10.0  > hoa answers
            10.0    c2: offer to hoa ended, Answered | joined with hoa | notice heard, None
            10.0    hoa: talking with c2 (answer)
            10.0    c2: <- connect hoa
            11.0  > hoa passes to 113
            11.0    c2: hoa passes on to Outside(***)
            11.0    hoa: <- transfer Trying
            11.0    c2: <- disconnect | <- bed Music
            11.0    outside: <- ring 113 over north, south
            11.0    c2: <- say through xfer.wait
            11.0  > hoa hangs up
            12.0  > c2 hangs up
            12.0    outside: <- hang up, CallerGone
            12.0    c2: transfer CallOver
            12.0    hoa: wrap-up of c2 (call_over)
            12.0    c2: ended by Caller, NormalClearing
            12.0  > outside answers
        "#]],
    );
}

#[test]
fn a_queue_takes_the_caller_at_the_old_rank_if_anybody_is_there() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 lan passes to 601
         4 mai signs in
         4 mai is reachable
         5 c2 dials 18001567
         6 mai answers
         7 c3 dials 18001567
         8 lan passes to 601
         9 mai hangs up
         10 mai ends wrap-up
         11 mai answers",
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
            3.0   > lan passes to 601
            3.0     c1: lan passes on to Queue("trafficking")
            3.0     lan: <- transfer Trying
            3.0     c1: transfer Failed(Unreachable)
            3.0     lan: <- transfer Failed(Unreachable)
            4.0   > mai signs in
            4.0     mai: ready (request)
            4.0     reply: done
            4.0   > mai is reachable
            5.0   > c2 dials 18001567
            5.0     c2: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            5.0     c2: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to mai
            5.0     mai: offered c2 (offer) | <- ring
            6.0   > mai answers
            6.0     c2: offer to mai ended, Answered | joined with mai | notice heard, None
            6.0     mai: talking with c2 (answer)
            6.0     c2: <- connect mai
            7.0   > c3 dials 18001567
            7.0     c3: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            7.0     c3: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now
            8.0   > lan passes to 601
            8.0     c1: lan passes on to Queue("trafficking")
            8.0     lan: <- transfer Trying
            8.0     c1: transfer Done | queued in trafficking for trafficking, head start 300 | <- disconnect | <- bed Music | <- say through xfer.wait
            8.0     lan: <- transfer Done | <- hang up, NormalClearing | wrap-up of c1 (call_over)
            9.0   > mai hangs up
            9.0     mai: wrap-up of c2 (call_over)
            9.0     c2: ended by Agent, NormalClearing | <- hang up, NormalClearing
            10.0  > mai ends wrap-up
            10.0    mai: ready (request)
            10.0    reply: done
            10.0    c1: offered to mai
            10.0    mai: offered c1 (offer) | <- ring
            11.0  > mai answers
            11.0    c1: offer to mai ended, Answered | joined with mai
            11.0    mai: talking with c1 (answer)
            11.0    c1: <- connect mai
        "#]],
    );
}

#[test]
fn an_allowed_number_outside_takes_the_caller_and_nobody_else_does() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 lan passes to 114
         4 lan passes to 500
         5 lan passes to 701
         6 c1 passes to 113
         7 lan passes to 113
         8 outside rings
         9 outside is busy
         10 lan passes to 113
         11 lan passes to 113
         12 outside answers
         15 outside is silent
         20 outside hangs up",
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
            3.0   > lan passes to 114
            3.0     lan: <- transfer Refused(UnknownTarget)
            4.0   > lan passes to 500
            4.0     lan: <- transfer Refused(NotAllowed)
            5.0   > lan passes to 701
            5.0     lan: <- transfer Refused(NotAllowed)
            6.0   > c1 passes to 113
            6.0     c1: <- transfer Refused(NotInTalk)
            7.0   > lan passes to 113
            7.0     c1: lan passes on to Outside(***)
            7.0     lan: <- transfer Trying
            7.0     c1: <- disconnect | <- bed Music
            7.0     outside: <- ring 113 over north, south
            7.0     c1: <- say through xfer.wait
            8.0   > outside rings
            8.0     lan: <- transfer Ringing
            9.0   > outside is busy
            9.0     c1: transfer Failed(Busy)
            9.0     lan: <- transfer Failed(Busy)
            9.0     c1: <- connect lan
            10.0  > lan passes to 113
            10.0    c1: lan passes on to Outside(***)
            10.0    lan: <- transfer Trying
            10.0    c1: <- disconnect | <- bed Music
            10.0    outside: <- ring 113 over north, south
            10.0    c1: <- say through xfer.wait
            11.0  > lan passes to 113
            11.0    lan: <- transfer Refused(NotNow)
            12.0  > outside answers
            12.0    c1: transfer Done
            12.0    lan: <- transfer Done | <- hang up, NormalClearing | wrap-up of c1 (call_over)
            12.0    c1: joined with *** outside | <- connect outside
            15.0  > outside is silent
            15.0    outside: <- probe
            20.0  > outside hangs up
            20.0    c1: ended by Outside, NormalClearing | <- hang up, NormalClearing
        "#]],
    );
}

#[test]
fn a_lost_line_outside_brings_the_caller_back_before_everybody() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 lan passes to 113
         4 outside answers
         5 c2 dials 111
         6 c2 presses 9
         6 lan ends wrap-up
         7 outside is lost
         8 lan declines
         9 lan wants ready",
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
            3.0   > lan passes to 113
            3.0     c1: lan passes on to Outside(***)
            3.0     lan: <- transfer Trying
            3.0     c1: <- disconnect | <- bed Music
            3.0     outside: <- ring 113 over north, south
            3.0     c1: <- say through xfer.wait
            4.0   > outside answers
            4.0     c1: transfer Done
            4.0     lan: <- transfer Done | <- hang up, NormalClearing | wrap-up of c1 (call_over)
            4.0     c1: joined with *** outside | <- connect outside
            5.0   > c2 dials 111
            5.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            5.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            6.0   > c2 presses 9
            6.0     c2: key 9 at entry | at cannot | queued in urgent for any, head start 600, silent | <- bed Music | <- say through danger.now svc.cannot_ok
            6.0   > lan ends wrap-up
            6.0     lan: ready (request)
            6.0     reply: done
            6.0     c2: offered to lan
            6.0     lan: offered c2 (offer) | <- ring
            7.0   > outside is lost
            7.0     c1: outside is lost | <- disconnect | <- bed Music | <- say through sys.lost_agent
            8.0   > lan declines
            8.0     c2: offer to lan ended, Declined
            8.0     lan: not ready, declined (declined)
            8.0     ALARM: lan is alone and did not answer
            9.0   > lan wants ready
            9.0     lan: ready (request)
            9.0     reply: done
            9.0     c1: offered to lan
            9.0     lan: offered c1 (offer) | <- ring
        "#]],
    );
}
