//! Numbers and what they mean; limits.

use super::plan::test_plan;
use super::{check, script};
use expect_test::expect;

#[test]
fn feature_codes_sign_in_out_and_break() {
    check(
        "0 mai is reachable
         1 c1 dials *11 from mai
         3 c2 dials *12 from mai
         5 c3 dials *11 from mai
         7 c4 dials *10 from mai
         9 c5 dials *12 from mai
         11 c6 dials *11 from stranger
         12 c7 dials *11
         13 c8 dials 18001567
         14 c9 dials *11 from mai
         17 is over",
        expect![[r#"
            0.0   > mai is reachable
            1.0   > c1 dials *11 from mai
            1.0     c1: ***78 from mai to *11 = feature, not counted | <- answer
            1.0     c1: answered | <- say through tone.beep
            2.0     c1: ended by System, NormalClearing | <- hang up, NormalClearing
            2.0     mai: ready (request)
            3.0   > c2 dials *12 from mai
            3.0     c2: ***78 from mai to *12 = feature, not counted | <- answer
            3.0     c2: answered
            3.0     mai: not ready, break (request)
            3.0     c2: <- say through tone.beep
            4.0     c2: ended by System, NormalClearing | <- hang up, NormalClearing
            5.0   > c3 dials *11 from mai
            5.0     c3: ***78 from mai to *11 = feature, not counted | <- answer
            5.0     c3: answered | <- say through tone.beep
            6.0     c3: ended by System, NormalClearing | <- hang up, NormalClearing
            6.0     mai: ready (request)
            7.0   > c4 dials *10 from mai
            7.0     c4: ***78 from mai to *10 = feature, not counted | <- answer
            7.0     c4: answered
            7.0     mai: signed out (request)
            7.0     c4: <- say through tone.beep
            8.0     c4: ended by System, NormalClearing | <- hang up, NormalClearing
            9.0   > c5 dials *12 from mai
            9.0     c5: ***78 from mai to *12 = feature, not counted | <- answer
            9.0     c5: answered | ended by System, NormalClearing | <- hang up, NormalClearing
            11.0  > c6 dials *11 from stranger
            11.0    c6: ***78 from stranger to *11 = feature, not counted | ended by System, Declined | <- reject, Declined
            12.0  > c7 dials *11
            12.0    c7: ***78 from trunk viettel to *11 = feature, not counted | ended by System, UnknownNumber | <- reject, UnknownNumber
            13.0  > c8 dials 18001567
            13.0    c8: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            13.0    c8: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now
            13.0    ALARM: nobody is signed in for c8
            14.0  > c9 dials *11 from mai
            14.0    c9: ***78 from mai to *11 = feature, not counted | <- answer
            14.0    c9: answered | <- say through tone.beep
            15.0    c9: ended by System, NormalClearing | <- hang up, NormalClearing
            15.0    mai: ready (request)
            15.0    c8: offered to mai
            15.0    mai: offered c8 (offer) | <- ring
            17.0  > is over
        "#]],
    );
}

#[test]
fn echo_one_prompt_for_ever_and_answer_and_end() {
    check(
        "0 c1 dials 500
         1 c1 hangs up
         2 c2 dials 501
         9 c2 hangs up
         10 c3 dials 502
         11 is over",
        expect![[r#"
            0.0   > c1 dials 500
            0.0     c1: ***78 from trunk viettel to 500 = echo, not counted | <- answer
            0.0     c1: answered | <- echo
            1.0   > c1 hangs up
            1.0     c1: ended by Caller, NormalClearing
            2.0   > c2 dials 501
            2.0     c2: ***78 from trunk viettel to 501 = play, not counted | <- answer
            2.0     c2: answered | <- bed Soft | <- say through greet.main
            7.0     c2: <- say through greet.main
            9.0   > c2 hangs up
            9.0     c2: ended by Caller, NormalClearing
            10.0  > c3 dials 502
            10.0    c3: ***78 from trunk viettel to 502 = end, not counted | <- answer
            10.0    c3: answered | ended by System, NormalClearing | <- hang up, NormalClearing
            11.0  > is over
        "#]],
    );
}

#[test]
fn unknown_numbers_and_foreign_trunks_are_refused() {
    check(
        "0 c1 dials 999
         1 c2 dials 222
         2 c3 dials 222 from trunk north
         3 c4 dials 502 from lan
         4 c5 dials 1800 from trunk north",
        expect![[r#"
            0.0   > c1 dials 999
            0.0     c1: ***78 from trunk viettel to 999 = none, not counted | ended by System, UnknownNumber | <- reject, UnknownNumber
            1.0   > c2 dials 222
            1.0     c2: ***78 from trunk viettel to 222 = none, not counted | ended by System, UnknownNumber | <- reject, UnknownNumber
            2.0   > c3 dials 222 from trunk north
            2.0     c3: ***78 from trunk north to 222 = echo, not counted | <- answer
            2.0     c3: answered | <- echo
            3.0   > c4 dials 502 from lan
            3.0     c4: ***78 from lan to 502 = none, not counted | ended by System, UnknownNumber | <- reject, UnknownNumber
            4.0   > c5 dials 1800 from trunk north
            4.0     c5: ***78 from trunk north to 1800 = trafficking | <- answer
        "#]],
    );
}

#[test]
fn one_call_too_many_is_refused_and_written_down() {
    let mut plan = test_plan();
    plan.calls_max = 1;
    expect![[r#"
        0.0   > c1 dials 111
        0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
        0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
        1.0   > c2 dials 111
        1.0     c2: ***78 from trunk viettel to 111 = entry | ended by System, Overload | <- reject, Overload
        2.0   > c1 hangs up
        2.0     c1: notice heard, None | ended by Caller, NormalClearing
        3.0   > c3 dials 111
        3.0     c3: ***78 from trunk viettel to 111 = entry | <- answer
    "#]]
    .assert_eq(&script::run(
        plan,
        "0 c1 dials 111
         1 c2 dials 111
         2 c1 hangs up
         3 c3 dials 111",
    ));
}

#[test]
fn a_counsellors_own_number_waits_for_them() {
    check(
        "0 c1 dials 701
         1 lan is reachable
         2 c2 dials 701
         3 lan answers
         4 c3 dials 701
         9 c2 hangs up
         19 is over
         20 lan declines
         21 c4 dials 701",
        expect![[r#"
            0.0   > c1 dials 701
            0.0     c1: ***78 from trunk viettel to 701 = agent | ended by System, Unreachable | <- reject, Unreachable
            1.0   > lan is reachable
            1.0     lan: ready (registered)
            2.0   > c2 dials 701
            2.0     c2: ***78 from trunk viettel to 701 = agent | <- answer
            2.0     c2: answered | speaks vi | <- bed Music | queued in agent for any, head start 0 | offered to lan
            2.0     lan: offered c2 (offer) | <- ring
            3.0   > lan answers
            3.0     c2: offer to lan ended, Answered | joined with lan
            3.0     lan: talking with c2 (answer)
            3.0     c2: <- connect lan
            4.0   > c3 dials 701
            4.0     c3: ***78 from trunk viettel to 701 = agent | <- answer
            4.0     c3: answered | speaks vi | <- bed Music | queued in agent for any, head start 0
            9.0   > c2 hangs up
            9.0     lan: <- hang up, CallerGone | wrap-up of c2 (call_over)
            9.0     c2: ended by Caller, NormalClearing
            19.0    lan: ready (wrap_up_over)
            19.0    c3: offered to lan
            19.0    lan: offered c3 (offer) | <- ring
            19.0  > is over
            20.0  > lan declines
            20.0    c3: offer to lan ended, Declined
            20.0    lan: not ready, declined (declined)
            20.0    ALARM: lan is alone and did not answer
            20.0    c3: ended by System, Declined | <- hang up, Declined
            21.0  > c4 dials 701
            21.0    c4: ***78 from trunk viettel to 701 = agent | ended by System, Unreachable | <- reject, Unreachable
        "#]],
    );
}

#[test]
fn who_waits_at_a_counsellors_own_number_is_told_when_they_leave() {
    check(
        "0 lan is reachable
         0 c1 dials 701
         1 lan answers
         2 c2 dials 701
         3 lan signs out
         4 lan hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 701
            0.0     c1: ***78 from trunk viettel to 701 = agent | <- answer
            0.0     c1: answered | speaks vi | <- bed Music | queued in agent for any, head start 0 | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            1.0   > lan answers
            1.0     c1: offer to lan ended, Answered | joined with lan
            1.0     lan: talking with c1 (answer)
            1.0     c1: <- connect lan
            2.0   > c2 dials 701
            2.0     c2: ***78 from trunk viettel to 701 = agent | <- answer
            2.0     c2: answered | speaks vi | <- bed Music | queued in agent for any, head start 0
            3.0   > lan signs out
            3.0     reply: done
            4.0   > lan hangs up
            4.0     lan: signed out (call_over)
            4.0     c1: ended by Agent, NormalClearing | <- hang up, NormalClearing
            4.0     c2: ended by System, Unreachable | <- hang up, Unreachable
        "#]],
    );
}

#[test]
fn a_caller_who_leaves_before_the_answer_is_up_and_an_answer_that_never_comes_up() {
    check(
        "0 ups are late
         0 c1 dials 111
         1 c1 hangs up
         2 c2 dials 111
         43 stray 4",
        expect![[r#"
            0.0   > ups are late
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            1.0   > c1 hangs up
            1.0     c1: ended by Caller, NormalClearing
            2.0   > c2 dials 111
            2.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            42.0    c2: ended by System, InternalError | <- hang up, InternalError
            43.0  > stray 4
        "#]],
    );
}

#[test]
fn a_failed_recording_is_written_down_and_the_call_goes_on() {
    check(
        "0 c1 dials 111
         1 c1 recording fails
         2 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 recording fails
            1.0     c1: recording Failed
            2.0   > c1 hangs up
            2.0     c1: notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_number_that_leads_straight_into_a_queue() {
    check(
        "0 c1 dials 18001567
         3 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now
            0.0     ALARM: nobody is signed in for c1
            3.0   > c1 hangs up
            3.0     c1: notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}
