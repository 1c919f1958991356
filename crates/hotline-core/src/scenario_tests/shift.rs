//! A counsellor's shift: wishes that wait for their time, breaks with an end, hard calls, paperwork or none.

use super::plan::test_plan;
use super::{check, script};
use crate::{Plan, WrapUp};
use expect_test::{Expect, expect};

/// As [`check`], with a plan that differs.
fn check_with(change: impl FnOnce(&mut Plan), script: &str, expected: Expect) {
    let mut plan = test_plan();
    change(&mut plan);
    expected.assert_eq(&script::run(plan, script));
}

#[test]
fn a_break_asked_for_while_the_phone_rings_waits_for_the_talk_and_the_paperwork() {
    check(
        "0 lan is reachable
         0 c1 dials 18001567
         1 lan wants lunch
         2 lan answers
         30 c1 hangs up
         41 is over",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            1.0   > lan wants lunch
            1.0     reply: done
            2.0   > lan answers
            2.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            2.0     lan: talking with c1 (answer)
            2.0     c1: <- connect lan
            30.0  > c1 hangs up
            30.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            30.0    c1: ended by Caller, NormalClearing
            40.0    lan: not ready, lunch (wrap_up_over)
            41.0  > is over
        "#]],
    );
}

#[test]
fn a_break_asked_for_while_the_phone_rings_follows_an_offer_that_failed() {
    check(
        "0 lan is reachable
         0 c1 dials 18001567
         1 lan wants lunch
         60 is over",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            1.0   > lan wants lunch
            1.0     reply: done
            15.0    c1: <- say through queue.hold
            20.0    lan: <- hang up, NoAnswer
            20.0    c1: offer to lan ended, NoAnswer
            20.0    lan: not ready, lunch (rona)
            45.0    c1: <- say through queue.breathe
            60.0  > is over
        "#]],
    );
}

#[test]
fn a_sign_out_asked_for_while_the_phone_rings_can_be_taken_back() {
    check(
        "0 lan is reachable
         0 c1 dials 18001567
         1 lan signs out
         2 lan wants ready
         3 c1 hangs up
         4 c2 dials 18001567
         5 lan signs out
         6 c2 hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            1.0   > lan signs out
            1.0     reply: done
            2.0   > lan wants ready
            2.0     reply: done
            3.0   > c1 hangs up
            3.0     lan: <- hang up, CallerGone
            3.0     c1: offer to lan ended, CallerGone
            3.0     lan: ready (caller_gone)
            3.0     c1: notice heard, None | ended by Caller, NormalClearing
            4.0   > c2 dials 18001567
            4.0     c2: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            4.0     c2: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            4.0     lan: offered c2 (offer) | <- ring
            5.0   > lan signs out
            5.0     reply: done
            6.0   > c2 hangs up
            6.0     lan: <- hang up, CallerGone
            6.0     c2: offer to lan ended, CallerGone
            6.0     lan: signed out (caller_gone)
            6.0     c2: notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn an_offer_of_which_nothing_more_is_heard_ends_all_the_same() {
    check(
        "0 lan is reachable
         0 c1 dials 18001567
         25 is over
         26 lan answers",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            15.0    c1: <- say through queue.hold
            20.0    lan: <- hang up, NoAnswer
            20.0    c1: offer to lan ended, NoAnswer
            20.0    lan: not ready, rona (rona)
            20.0    ALARM: lan is alone and did not answer
            25.0  > is over
            26.0  > lan answers
        "#]],
    );
}

#[test]
fn a_break_that_may_last_so_long_ends_by_itself_or_with_an_alarm() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         1 lan wants break
         2 hoa wants meal
         1802 is over
         1803 hoa wants lunch
         9000 is over",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            1.0   > lan wants break
            1.0     lan: not ready, break (request)
            1.0     reply: done
            2.0   > hoa wants meal
            2.0     hoa: not ready, meal (request)
            2.0     reply: done
            901.0   ALARM: lan is away too long
            1802.0  hoa: ready (break_over)
            1802.0> is over
            1803.0> hoa wants lunch
            1803.0  hoa: not ready, lunch (request)
            1803.0  reply: done
            9000.0> is over
        "#]],
    );
}

#[test]
fn a_break_has_its_maximum_over_a_restart() {
    check(
        "0 lan is reachable
         1 lan wants break
         601 restart 100
         901 is over",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            1.0   > lan wants break
            1.0     lan: not ready, break (request)
            1.0     reply: done
            601.0 > restart 100
            901.0   ALARM: lan is away too long
            901.0 > is over
        "#]],
    );
}

#[test]
fn hold_and_advice_are_states_of_the_counsellor() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         0 c1 dials 18001567
         1 lan answers
         2 lan holds
         3 c2 dials 702 from lan
         4 hoa answers
         5 hoa hangs up
         6 lan resumes
         20 c1 hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            1.0   > lan answers
            1.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            1.0     lan: talking with c1 (answer)
            1.0     c1: <- connect lan
            2.0   > lan holds
            2.0     c1: held | <- disconnect | <- bed Music
            2.0     lan: holding c1 (hold)
            3.0   > c2 dials 702 from lan
            3.0     c2: ***78 from lan to 702 = agent, not counted
            3.0     c1: lan asks for advice by c2
            3.0     lan: asking for advice on c1 (consult)
            3.0     c2: <- answer
            3.0     c2: answered | <- bed Music | queued in agent for any, head start 0 | offered to hoa
            3.0     hoa: offered c2 (offer) | <- ring
            4.0   > hoa answers
            4.0     c2: offer to hoa ended, Answered | joined with hoa
            4.0     hoa: talking with c2 (answer)
            4.0     c2: <- connect hoa
            5.0   > hoa hangs up
            5.0     hoa: wrap-up of c2 (call_over)
            5.0     c2: ended by Agent, NormalClearing | <- hang up, NormalClearing
            5.0     lan: holding c1 (consult_over)
            6.0   > lan resumes
            6.0     c1: resumed | <- connect lan
            6.0     lan: talking with c1 (resume)
            15.0    hoa: ready (wrap_up_over)
            20.0  > c1 hangs up
            20.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            20.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_rest_follows_a_hard_call_and_its_paperwork() {
    check(
        "0 lan is reachable
         0 c1 dials 18001567
         1 lan answers
         20 lan had a hard call
         21 lan had a hard call
         30 c1 hangs up
         35 c2 dials 18001567
         60 lan wants lunch
         341 is over",
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
            20.0  > lan had a hard call
            20.0    c1: hard, says lan
            20.0    reply: done
            21.0  > lan had a hard call
            21.0    reply: done
            30.0  > c1 hangs up
            30.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            30.0    c1: ended by Caller, NormalClearing
            35.0  > c2 dials 18001567
            35.0    c2: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            35.0    c2: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now
            40.0    lan: recovering from c1 (wrap_up_over)
            50.0    c2: <- say through queue.hold
            60.0  > lan wants lunch
            60.0    reply: done
            80.0    c2: <- say through queue.breathe
            110.0   c2: <- say through queue.hold
            140.0   c2: <- say through queue.breathe
            170.0   c2: <- say through queue.hold
            200.0   c2: <- say through queue.breathe
            230.0   c2: <- say through queue.hold
            260.0   c2: <- say through queue.breathe
            290.0   c2: <- say through queue.hold
            320.0   c2: <- say through queue.breathe
            340.0   lan: not ready, lunch (recovery_over)
            341.0 > is over
        "#]],
    );
}

#[test]
fn a_call_can_be_called_hard_afterwards() {
    check(
        "0 lan is reachable
         0 lan had a hard call
         0 c1 dials 18001567
         1 lan answers
         30 c1 hangs up
         41 lan had a hard call
         50 lan wants ready",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > lan had a hard call
            0.0     reply: NotNow
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            1.0   > lan answers
            1.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            1.0     lan: talking with c1 (answer)
            1.0     c1: <- connect lan
            30.0  > c1 hangs up
            30.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            30.0    c1: ended by Caller, NormalClearing
            40.0    lan: ready (wrap_up_over)
            41.0  > lan had a hard call
            41.0    c1: hard, says lan
            41.0    lan: recovering from c1 (request)
            41.0    reply: done
            50.0  > lan wants ready
            50.0    lan: ready (request)
            50.0    reply: done
        "#]],
    );
}

#[test]
fn who_has_had_the_hard_calls_of_a_shift_is_taken_off_the_line_until_they_say_ready() {
    check(
        "0 lan is reachable
         0 c1 dials 18001567
         1 lan answers
         2 lan had a hard call
         30 c1 hangs up
         31 lan ends wrap-up
         32 lan wants ready
         33 c2 dials 18001567
         34 lan answers
         35 restart 5
         41 lan is reachable
         41 c3 dials 18001567
         70 lan answers
         71 lan had a hard call
         80 c3 hangs up
         400 lan wants ready
         401 lan signs out
         402 lan signs in
         403 c4 dials 18001567
         404 lan answers
         405 lan had a hard call
         420 c4 hangs up",
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
            2.0   > lan had a hard call
            2.0     c1: hard, says lan
            2.0     reply: done
            30.0  > c1 hangs up
            30.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            30.0    c1: ended by Caller, NormalClearing
            31.0  > lan ends wrap-up
            31.0    lan: recovering from c1 (request)
            31.0    reply: done
            32.0  > lan wants ready
            32.0    lan: ready (request)
            32.0    reply: done
            33.0  > c2 dials 18001567
            33.0    c2: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            33.0    c2: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            33.0    lan: offered c2 (offer) | <- ring
            34.0  > lan answers
            34.0    c2: offer to lan ended, Answered | joined with lan | notice heard, None
            34.0    lan: talking with c2 (answer)
            34.0    c2: <- connect lan
            35.0  > restart 5
            40.0    c2: ended by System, Crash
            40.0    lan: wrap-up of c2 (restart)
            41.0  > lan is reachable
            41.0  > c3 dials 18001567
            41.0    c3: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            41.0    c3: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now
            50.0    lan: ready (wrap_up_over)
            50.0    c3: offered to lan
            50.0    lan: offered c3 (offer) | <- ring
            56.0    c3: <- say through queue.hold
            70.0    lan: <- hang up, NoAnswer
            70.0    c3: offer to lan ended, NoAnswer
            70.0    lan: not ready, rona (rona)
            70.0    ALARM: lan is alone and did not answer
            70.0  > lan answers
            71.0  > lan had a hard call
            71.0    c2: hard, says lan
            71.0    ALARM: lan has had enough hard calls
            71.0    reply: done
            80.0  > c3 hangs up
            80.0    c3: notice heard, None | ended by Caller, NormalClearing
            100.0   lan: ready (lone)
            400.0 > lan wants ready
            400.0   reply: done
            401.0 > lan signs out
            401.0   lan: signed out (request)
            401.0   reply: done
            402.0 > lan signs in
            402.0   lan: ready (request)
            402.0   reply: done
            403.0 > c4 dials 18001567
            403.0   c4: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            403.0   c4: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            403.0   lan: offered c4 (offer) | <- ring
            404.0 > lan answers
            404.0   c4: offer to lan ended, Answered | joined with lan | notice heard, None
            404.0   lan: talking with c4 (answer)
            404.0   c4: <- connect lan
            405.0 > lan had a hard call
            405.0   c4: hard, says lan
            405.0   reply: done
            420.0 > c4 hangs up
            420.0   lan: <- hang up, CallerGone | wrap-up of c4 (call_over)
            420.0   c4: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_talk_that_was_no_counselling_has_no_paperwork() {
    check_with(
        |plan| plan.timing.counselling_ms_min = 10_000,
        "0 lan is reachable
         0 c1 dials 18001567
         1 lan answers
         10 c1 hangs up
         11 c2 dials 18001567
         12 lan answers
         22 c2 hangs up",
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
            10.0  > c1 hangs up
            10.0    lan: <- hang up, CallerGone | ready (call_over)
            10.0    c1: ended by Caller, NormalClearing
            11.0  > c2 dials 18001567
            11.0    c2: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            11.0    c2: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            11.0    lan: offered c2 (offer) | <- ring
            12.0  > lan answers
            12.0    c2: offer to lan ended, Answered | joined with lan | notice heard, None
            12.0    lan: talking with c2 (answer)
            12.0    c2: <- connect lan
            22.0  > c2 hangs up
            22.0    lan: <- hang up, CallerGone | wrap-up of c2 (call_over)
            22.0    c2: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn the_counsellor_can_say_in_the_talk_that_it_needs_no_paperwork() {
    check(
        "0 lan is reachable
         0 c1 dials 18001567
         1 lan answers
         9 lan ends wrap-up
         20 c1 hangs up
         21 c2 dials 18001567
         22 lan answers
         40 c2 hangs up",
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
            9.0   > lan ends wrap-up
            9.0     reply: done
            20.0  > c1 hangs up
            20.0    lan: <- hang up, CallerGone | ready (call_over)
            20.0    c1: ended by Caller, NormalClearing
            21.0  > c2 dials 18001567
            21.0    c2: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            21.0    c2: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            21.0    lan: offered c2 (offer) | <- ring
            22.0  > lan answers
            22.0    c2: offer to lan ended, Answered | joined with lan | notice heard, None
            22.0    lan: talking with c2 (answer)
            22.0    c2: <- connect lan
            40.0  > c2 hangs up
            40.0    lan: <- hang up, CallerGone | wrap-up of c2 (call_over)
            40.0    c2: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn paperwork_without_a_clock_lasts_until_it_is_done() {
    check_with(
        |plan| plan.agents[0].wrap_up = WrapUp::UntilDone,
        "0 lan is reachable
         0 c1 dials 18001567
         1 lan answers
         20 c1 hangs up
         9000 lan ends wrap-up",
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
            20.0  > c1 hangs up
            20.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            20.0    c1: ended by Caller, NormalClearing
            9000.0> lan ends wrap-up
            9000.0  lan: ready (request)
            9000.0  reply: done
        "#]],
    );
}

#[test]
fn a_changed_plan_touches_no_state_that_runs() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         0 c1 dials 18001567
         1 lan answers
         2 lan had a hard call
         3 hoa wants break
         10 c1 hangs up
         15 plan turns agents round
         25 plan turns agents round
         903 is over",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            1.0   > lan answers
            1.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            1.0     lan: talking with c1 (answer)
            1.0     c1: <- connect lan
            2.0   > lan had a hard call
            2.0     c1: hard, says lan
            2.0     reply: done
            3.0   > hoa wants break
            3.0     hoa: not ready, break (request)
            3.0     reply: done
            10.0  > c1 hangs up
            10.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            10.0    c1: ended by Caller, NormalClearing
            15.0  > plan turns agents round
            20.0    lan: recovering from c1 (wrap_up_over)
            25.0  > plan turns agents round
            320.0   lan: ready (recovery_over)
            903.0   ALARM: hoa is away too long
            903.0 > is over
        "#]],
    );
}
