//! Offers: answer, RONA, refusal, dead phones, crossing hang-ups.

use super::check;
use expect_test::expect;

#[test]
fn no_answer_puts_the_caller_back_and_the_counsellor_on_a_break() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         1 c1 dials 111
         2 c1 presses 1
         3 lan rings
         23 hoa answers
         30 c1 hangs up
         50 lan wants ready",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            1.0   > c1 dials 111
            1.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            1.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            2.0   > c1 presses 1
            2.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            2.0     lan: offered c1 (offer) | <- ring
            3.0   > lan rings
            17.0    c1: <- say through queue.hold
            22.0    lan: <- hang up, NoAnswer
            22.0    c1: offer to lan ended, NoAnswer
            22.0    lan: not ready, rona (rona)
            22.0    c1: offered to hoa
            22.0    hoa: offered c1 (offer) | <- ring
            23.0  > hoa answers
            23.0    c1: offer to hoa ended, Answered | joined with hoa | notice heard, Full
            23.0    hoa: talking with c1 (answer)
            23.0    c1: <- connect hoa
            30.0  > c1 hangs up
            30.0    hoa: <- hang up, CallerGone | wrap-up of c1 (call_over)
            30.0    c1: ended by Caller, NormalClearing
            40.0    hoa: ready (wrap_up_over)
            50.0  > lan wants ready
            50.0    lan: ready (request)
            50.0    reply: done
        "#]],
    );
}

#[test]
fn a_caller_back_from_an_offer_keeps_the_place() {
    check(
        "0 lan is reachable
         1 c1 dials 111
         2 c1 presses 1
         3 c2 dials 111
         4 c2 presses 1
         22.5 lan wants ready
         23 lan answers",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            1.0   > c1 dials 111
            1.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            1.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            2.0   > c1 presses 1
            2.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            2.0     lan: offered c1 (offer) | <- ring
            3.0   > c2 dials 111
            3.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            3.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            4.0   > c2 presses 1
            4.0     c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            17.0    c1: <- say through queue.hold
            19.0    c2: <- say through queue.hold
            22.0    lan: <- hang up, NoAnswer
            22.0    c1: offer to lan ended, NoAnswer
            22.0    lan: not ready, rona (rona)
            22.0    ALARM: lan is alone and did not answer
            22.5  > lan wants ready
            22.5    lan: ready (request)
            22.5    reply: done
            22.5    c1: offered to lan
            22.5    lan: offered c1 (offer) | <- ring
            23.0  > lan answers
            23.0    c1: offer to lan ended, Answered | joined with lan | notice heard, Full
            23.0    lan: talking with c1 (answer)
            23.0    c1: <- connect lan
        "#]],
    );
}

#[test]
fn the_only_counsellor_of_a_centre_is_ready_again_after_thirty_seconds() {
    check(
        "0 mai is reachable
         0 mai signs in
         1 c1 dials 18001567
         53 mai answers
         60 c1 hangs up",
        expect![[r#"
            0.0   > mai is reachable
            0.0   > mai signs in
            0.0     mai: ready (request)
            0.0     reply: done
            1.0   > c1 dials 18001567
            1.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            1.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to mai
            1.0     mai: offered c1 (offer) | <- ring
            16.0    c1: <- say through queue.hold
            21.0    mai: <- hang up, NoAnswer
            21.0    c1: offer to mai ended, NoAnswer
            21.0    mai: not ready, rona (rona)
            21.0    ALARM: mai is alone and did not answer
            46.0    c1: <- say through queue.breathe
            51.0    mai: ready (lone)
            51.0    c1: offered to mai
            51.0    mai: offered c1 (offer) | <- ring
            53.0  > mai answers
            53.0    c1: offer to mai ended, Answered | joined with mai | notice heard, None
            53.0    mai: talking with c1 (answer)
            53.0    c1: <- connect mai
            60.0  > c1 hangs up
            60.0    mai: <- hang up, CallerGone | wrap-up of c1 (call_over)
            60.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_refusal_is_a_break() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         1 c1 dials 111
         2 c1 presses 1
         3 lan declines
         4 hoa answers",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            1.0   > c1 dials 111
            1.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            1.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            2.0   > c1 presses 1
            2.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            2.0     lan: offered c1 (offer) | <- ring
            3.0   > lan declines
            3.0     c1: offer to lan ended, Declined
            3.0     lan: not ready, declined (declined)
            3.0     c1: offered to hoa
            3.0     hoa: offered c1 (offer) | <- ring
            4.0   > hoa answers
            4.0     c1: offer to hoa ended, Answered | joined with hoa | notice heard, None
            4.0     hoa: talking with c1 (answer)
            4.0     c1: <- connect hoa
        "#]],
    );
}

#[test]
fn a_dead_phone_is_tried_twice_in_a_row_and_others_first() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan is dead
         3 lan is dead
         4 hoa is reachable
         5 lan is reachable
         6 hoa is dead
         7 lan answers",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            2.0   > lan is dead
            2.0     c1: offer to lan ended, Unreachable
            2.0     lan: ready (unreachable)
            2.0     c1: offered to lan
            2.0     lan: offered c1 (offer) | <- ring
            3.0   > lan is dead
            3.0     c1: offer to lan ended, Unreachable
            3.0     lan: not ready, unreachable (unreachable)
            3.0     ALARM: the phone of lan is dead
            4.0   > hoa is reachable
            4.0     hoa: ready (registered)
            4.0     c1: offered to hoa
            4.0     hoa: offered c1 (offer) | <- ring
            5.0   > lan is reachable
            5.0     lan: ready (registered)
            6.0   > hoa is dead
            6.0     c1: offer to hoa ended, Unreachable
            6.0     hoa: ready (unreachable)
            6.0     c1: offered to lan
            6.0     lan: offered c1 (offer) | <- ring
            7.0   > lan answers
            7.0     c1: offer to lan ended, Answered | joined with lan | notice heard, Partial(2000)
            7.0     lan: talking with c1 (answer)
            7.0     c1: <- connect lan
        "#]],
    );
}

#[test]
fn an_unreachable_phone_is_not_rung() {
    check(
        "0 lan is reachable
         0 lan is unreachable
         0 c1 dials 111
         1 c1 presses 1
         5 lan is reachable",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > lan is unreachable
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            5.0   > lan is reachable
            5.0     c1: offered to lan
            5.0     lan: offered c1 (offer) | <- ring
        "#]],
    );
}

#[test]
fn the_callers_hang_up_stops_the_ringing_at_once_and_a_crossing_answer_is_nothing() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 c1 hangs up
         2 lan answers
         3 c2 dials 111
         4 c2 presses 1",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            2.0   > c1 hangs up
            2.0     lan: <- hang up, CallerGone
            2.0     c1: offer to lan ended, CallerGone
            2.0     lan: ready (caller_gone)
            2.0     c1: notice heard, None | ended by Caller, NormalClearing
            2.0   > lan answers
            3.0   > c2 dials 111
            3.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            3.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            4.0   > c2 presses 1
            4.0     c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            4.0     lan: offered c2 (offer) | <- ring
        "#]],
    );
}

#[test]
fn an_answer_that_comes_first_joins_and_the_hang_up_ends_the_talk() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         2 c1 hangs up
         12 is over",
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
            2.0   > c1 hangs up
            2.0     lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            2.0     c1: ended by Caller, NormalClearing
            12.0    lan: ready (wrap_up_over)
            12.0  > is over
        "#]],
    );
}

#[test]
fn the_longest_idle_counsellor_is_first() {
    check(
        "0 hoa is reachable
         1 lan is reachable
         2 c1 dials 111
         3 c1 presses 1
         4 hoa answers
         5 c1 hangs up
         6 c2 dials 111
         7 c2 presses 1
         8 lan answers
         15 c2 hangs up
         26 c3 dials 111
         27 c3 presses 1",
        expect![[r#"
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            1.0   > lan is reachable
            1.0     lan: ready (registered)
            2.0   > c1 dials 111
            2.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            2.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            3.0   > c1 presses 1
            3.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to hoa
            3.0     hoa: offered c1 (offer) | <- ring
            4.0   > hoa answers
            4.0     c1: offer to hoa ended, Answered | joined with hoa | notice heard, None
            4.0     hoa: talking with c1 (answer)
            4.0     c1: <- connect hoa
            5.0   > c1 hangs up
            5.0     hoa: <- hang up, CallerGone | wrap-up of c1 (call_over)
            5.0     c1: ended by Caller, NormalClearing
            6.0   > c2 dials 111
            6.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            6.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            7.0   > c2 presses 1
            7.0     c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            7.0     lan: offered c2 (offer) | <- ring
            8.0   > lan answers
            8.0     c2: offer to lan ended, Answered | joined with lan | notice heard, None
            8.0     lan: talking with c2 (answer)
            8.0     c2: <- connect lan
            15.0    hoa: ready (wrap_up_over)
            15.0  > c2 hangs up
            15.0    lan: <- hang up, CallerGone | wrap-up of c2 (call_over)
            15.0    c2: ended by Caller, NormalClearing
            25.0    lan: ready (wrap_up_over)
            26.0  > c3 dials 111
            26.0    c3: ***78 from trunk viettel to 111 = entry | <- answer
            26.0    c3: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            27.0  > c3 presses 1
            27.0    c3: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to hoa
            27.0    hoa: offered c3 (offer) | <- ring
        "#]],
    );
}

#[test]
fn a_call_ended_by_a_request_ends_its_offer_and_its_talk() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 c1 is hung up
         3 c2 dials 111
         4 c2 presses 1
         5 lan answers
         6 c2 is hung up
         7 c2 is hung up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            2.0   > c1 is hung up
            2.0     lan: <- hang up, CallerGone
            2.0     c1: offer to lan ended, Withdrawn
            2.0     lan: ready (caller_gone)
            2.0     c1: notice heard, None | ended by System, NormalClearing | <- hang up, NormalClearing
            2.0     reply: done
            3.0   > c2 dials 111
            3.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            3.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            4.0   > c2 presses 1
            4.0     c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            4.0     lan: offered c2 (offer) | <- ring
            5.0   > lan answers
            5.0     c2: offer to lan ended, Answered | joined with lan | notice heard, None
            5.0     lan: talking with c2 (answer)
            5.0     c2: <- connect lan
            6.0   > c2 is hung up
            6.0     lan: <- hang up, NormalClearing | wrap-up of c2 (call_over)
            6.0     c2: ended by System, NormalClearing | <- hang up, NormalClearing
            6.0     reply: done
            7.0   > c2 is hung up
            7.0     reply: UnknownCall
        "#]],
    );
}
