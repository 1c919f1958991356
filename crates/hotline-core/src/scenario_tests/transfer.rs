//! A caller is passed on to a colleague. The caller's leg stays through all of it.

use super::{LAN_TALKS, LAN_TALKS_BESIDE_HOA, check_from};
use expect_test::expect;

#[test]
fn a_blind_transfer_leads_to_the_colleague_who_answers() {
    check_from(
        LAN_TALKS_BESIDE_HOA,
        "5 lan holds
         5 lan passes to 702
         6 hoa rings
         8 hoa answers
         12 hoa hangs up",
        expect![[r#"
            5.0   > lan holds
            5.0     c1: held | <- disconnect | <- bed Music
            5.0     lan: holding c1 (hold)
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
    check_from(
        LAN_TALKS_BESIDE_HOA,
        "5 lan passes to hoa
         5 lan hangs up
         8 hoa answers
         12 c1 hangs up",
        expect![[r#"
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
    check_from(
        LAN_TALKS_BESIDE_HOA,
        "5 lan passes to 702
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
         37 lan hangs up",
        expect![[r#"
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
            11.0    lan: holding c1 (hold)
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
            13.0    lan: talking with c1 (resume)
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
            37.0  > lan hangs up
            37.0    lan: wrap-up of c1 (call_over)
            37.0    c1: ended by Agent, NormalClearing | <- hang up, NormalClearing
        "#]],
    );
}

#[test]
fn a_colleague_who_cannot_be_had_is_not_rung() {
    check_from(
        LAN_TALKS,
        "3 lan passes to 702
         4 hoa is reachable
         4 c2 dials 111
         5 c2 presses 1
         6 hoa answers
         7 lan passes to 702
         8 hoa is unreachable
         8 c2 hangs up
         9 lan passes to 702",
        expect![[r#"
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
    check_from(
        LAN_TALKS_BESIDE_HOA,
        "5 lan passes to 702
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
    check_from(
        LAN_TALKS_BESIDE_HOA,
        "5 lan passes to 702
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
fn a_counsellor_who_resumes_takes_the_caller_back() {
    check_from(
        LAN_TALKS_BESIDE_HOA,
        "5 lan holds
         5 lan passes to 702
         6 hoa rings
         7 lan resumes
         8 lan resumes
         9 lan holds
         9 lan passes to 113
         10 lan resumes
         11 outside answers
         12 c1 hangs up",
        expect![[r#"
            5.0   > lan holds
            5.0     c1: held | <- disconnect | <- bed Music
            5.0     lan: holding c1 (hold)
            5.0   > lan passes to 702
            5.0     c1: lan passes on to Agent("hoa")
            5.0     lan: <- transfer Trying
            5.0     c1: <- bed Music | offered to hoa
            5.0     hoa: offered c1 (offer) | <- ring
            5.0     c1: <- say through xfer.wait
            6.0   > hoa rings
            6.0     lan: <- transfer Ringing
            7.0   > lan resumes
            7.0     c1: resumed
            7.0     lan: talking with c1 (resume)
            7.0     hoa: <- hang up, CallerGone
            7.0     c1: offer to hoa ended, Withdrawn
            7.0     hoa: ready (caller_gone)
            7.0     c1: transfer TakenBack
            7.0     lan: <- transfer Failed(CallerGone)
            7.0     c1: <- connect lan
            8.0   > lan resumes
            9.0   > lan holds
            9.0     c1: held | <- disconnect | <- bed Music
            9.0     lan: holding c1 (hold)
            9.0   > lan passes to 113
            9.0     c1: lan passes on to Outside(***)
            9.0     lan: <- transfer Trying
            9.0     c1: <- bed Music
            9.0     outside: <- ring 113 over north, south
            9.0     c1: <- say through xfer.wait
            10.0  > lan resumes
            10.0    c1: resumed
            10.0    lan: talking with c1 (resume)
            10.0    outside: <- hang up, CallerGone
            10.0    c1: transfer TakenBack
            10.0    lan: <- transfer Failed(CallerGone)
            10.0    c1: <- connect lan
            11.0  > outside answers
            12.0  > c1 hangs up
            12.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            12.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}
