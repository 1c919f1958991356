//! Words for the counsellor before the join.

use super::plan::test_plan;
use super::script;
use expect_test::{Expect, expect};

fn check(script: &str, expected: Expect) {
    let mut plan = test_plan();
    for queue in &mut plan.queues {
        queue.is_announced = true;
        queue.entry_clips.clear();
    }
    expected.assert_eq(&script::run(plan, script));
}

#[test]
fn the_counsellor_hears_who_comes_and_the_caller_hears_no_gap() {
    check(
        "0 lan is reachable
         0 c1 dials 18001567
         2 lan answers
         2.5 lan answers
         5 c1 hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            2.0   > lan answers
            2.0     lan: <- say through agent.traf
            2.5   > lan answers
            3.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            3.0     lan: talking with c1 (answer)
            3.0     c1: <- connect lan
            5.0   > c1 hangs up
            5.0     lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            5.0     c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn urgent_language_and_again_are_said() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 49
         2 lan answers
         10 lan is lost
         11 lan ends wrap-up
         12 lan answers
         20 c1 hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 49
            1.0     c1: key 4 at entry | speaks en | at entry.lang | <- say greet.main/en svc.child/en svc.traf/en svc.cannot/en svc.human/en | key 9 at entry.lang | at cannot | queued in urgent for any, head start 600, silent | <- bed Music | <- say through svc.cannot_ok/en | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            2.0   > lan answers
            2.0     lan: <- say through agent.urgent agent.lang.en
            4.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            4.0     lan: talking with c1 (answer)
            4.0     c1: <- connect lan
            10.0  > lan is lost
            10.0    c1: lan is lost | <- disconnect | <- bed Music
            10.0    lan: ready (lost)
            10.0    c1: <- say through sys.lost_agent/en | offered to lan
            10.0    lan: offered c1 (offer) | <- ring
            11.0  > lan ends wrap-up
            11.0    reply: NotNow
            12.0  > lan answers
            12.0    lan: <- say through agent.urgent agent.lang.en agent.again
            15.0    c1: offer to lan ended, Answered | joined with lan
            15.0    lan: talking with c1 (answer)
            15.0    c1: <- connect lan
            20.0  > c1 hangs up
            20.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            20.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn nothing_to_say_is_joined_at_once() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 0
         2 lan answers
         5 c1 hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 0
            1.0     c1: key 0 at entry | at person | queued in general for any, head start 30 | <- bed Music | <- say through nav.human | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            2.0   > lan answers
            2.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            2.0     lan: talking with c1 (answer)
            2.0     c1: <- connect lan
            5.0   > c1 hangs up
            5.0     lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            5.0     c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn who_hangs_up_while_the_counsellor_listens_is_gone() {
    check(
        "0 lan is reachable
         0 c1 dials 18001567
         2 lan answers
         2.5 c1 hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            2.0   > lan answers
            2.0     lan: <- say through agent.traf
            2.5   > c1 hangs up
            2.5     lan: <- hang up, CallerGone
            2.5     c1: offer to lan ended, CallerGone
            2.5     lan: ready (caller_gone)
            2.5     c1: notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_counsellor_who_hangs_up_on_the_words_has_refused() {
    check(
        "0 lan is reachable
         0 c1 dials 18001567
         2 lan answers
         2.5 lan hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            2.0   > lan answers
            2.0     lan: <- say through agent.traf
            2.5   > lan hangs up
            2.5     c1: offer to lan ended, Declined
            2.5     lan: not ready, declined (declined)
            2.5     ALARM: lan is alone and did not answer
        "#]],
    );
}
