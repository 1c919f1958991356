//! Those on call: rung after 90 s, and they must press 1.

use super::plan::test_plan;
use super::script;
use crate::{CallerNumber, LanguageId, Level, Mobile, Widening};
use expect_test::{Expect, expect};
use std::string::ToString;

fn check(script: &str, expected: Expect) {
    let mut plan = test_plan();
    for queue in &mut plan.queues {
        queue.widening = Widening {
            everywhere_ms: 20_000,
            anybody_ms: None,
            mobiles_ms: Some(90_000),
            alarm_ms: None,
        };
        queue.comfort.clear();
        queue.comfort_loop.clear();
        queue.entry_clips.clear();
    }
    let mobile = |name: &str, number: &str| Mobile {
        name: name.to_string(),
        number: CallerNumber::new(number.to_string()),
        trunks: std::vec!["north".to_string()],
        languages: [(LanguageId(0), Level::BEST)].into(),
    };
    plan.mobiles = std::vec![mobile("nga", "+84900000001"), mobile("thu", "+84900000002")];
    expected.assert_eq(&script::run(plan, script));
}

#[test]
fn who_is_on_call_and_presses_1_has_the_caller() {
    check(
        "0 c1 dials 18001567
         91 outside rings
         95 outside answers
         98 outside presses 5
         99 outside presses 1
         120 outside hangs up",
        expect![[r#"
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music
            0.0     ALARM: nobody is signed in for c1
            90.0    c1: rings nga on call
            90.0    outside: <- ring +84900000001 over north
            91.0  > outside rings
            95.0  > outside answers
            95.0    outside: <- say agent.mobile_accept
            98.0  > outside presses 5
            99.0  > outside presses 1
            99.0    c1: call to nga ended, Answered | joined with ***01 outside | notice heard, None | <- connect outside
            120.0 > outside hangs up
            120.0   c1: ended by Outside, NormalClearing | <- hang up, NormalClearing
        "#]],
    );
}

#[test]
fn a_voicemail_never_gets_a_caller_and_the_next_one_is_rung() {
    check(
        "0 c1 dials 18001567
         95 outside answers
         130 outside is busy
         131 is over
         200 outside answers
         203 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music
            0.0     ALARM: nobody is signed in for c1
            90.0    c1: rings nga on call
            90.0    outside: <- ring +84900000001 over north
            95.0  > outside answers
            95.0    outside: <- say agent.mobile_accept
            111.0   outside: <- hang up, NoAnswer
            111.0   c1: call to nga ended, NoAnswer | rings thu on call
            111.0   outside: <- ring +84900000002 over north
            130.0 > outside is busy
            130.0   c1: call to thu ended, Declined
            131.0 > is over
            190.0   c1: rings nga on call
            190.0   outside: <- ring +84900000001 over north
            200.0 > outside answers
            200.0   outside: <- say agent.mobile_accept
            203.0 > c1 hangs up
            203.0   outside: <- hang up, CallerGone
            203.0   c1: call to nga ended, CallerGone | notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_counsellor_who_answers_first_has_the_caller() {
    check(
        "0 c1 dials 18001567
         95 outside answers
         96 lan is reachable
         97 lan answers
         120 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music
            0.0     ALARM: nobody is signed in for c1
            90.0    c1: rings nga on call
            90.0    outside: <- ring +84900000001 over north
            95.0  > outside answers
            95.0    outside: <- say agent.mobile_accept
            96.0  > lan is reachable
            96.0    lan: ready (registered)
            96.0    c1: offered to lan
            96.0    lan: offered c1 (offer) | <- ring
            97.0  > lan answers
            97.0    outside: <- hang up, CallerGone
            97.0    c1: call to nga ended, Withdrawn | offer to lan ended, Answered | joined with lan | notice heard, None
            97.0    lan: talking with c1 (answer)
            97.0    c1: <- connect lan
            120.0 > c1 hangs up
            120.0   lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            120.0   c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_counsellor_who_is_rung_is_rung_no_more_when_somebody_on_call_takes_the_caller() {
    check(
        "0 c1 dials 18001567
         95 outside answers
         96 lan is reachable
         97 outside presses 1
         100 outside is lost
         101 lan answers
         120 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music
            0.0     ALARM: nobody is signed in for c1
            90.0    c1: rings nga on call
            90.0    outside: <- ring +84900000001 over north
            95.0  > outside answers
            95.0    outside: <- say agent.mobile_accept
            96.0  > lan is reachable
            96.0    lan: ready (registered)
            96.0    c1: offered to lan
            96.0    lan: offered c1 (offer) | <- ring
            97.0  > outside presses 1
            97.0    lan: <- hang up, CallerGone
            97.0    c1: offer to lan ended, Withdrawn
            97.0    lan: ready (caller_gone)
            97.0    c1: call to nga ended, Answered | joined with ***01 outside | notice heard, None | <- connect outside
            100.0 > outside is lost
            100.0   c1: outside is lost | <- disconnect | <- bed Music | <- say through sys.lost_agent | offered to lan
            100.0   lan: offered c1 (offer) | <- ring
            101.0 > lan answers
            101.0   c1: offer to lan ended, Answered | joined with lan
            101.0   lan: talking with c1 (answer)
            101.0   c1: <- connect lan
            120.0 > c1 hangs up
            120.0   lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            120.0   c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn two_callers_ring_two_on_call_and_a_third_waits_for_one() {
    check(
        "0 c1 dials 18001567
         1 c2 dials 18001567
         2 c3 dials 18001567
         93 c1 hangs up
         160 is over",
        expect![[r#"
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music
            0.0     ALARM: nobody is signed in for c1
            1.0   > c2 dials 18001567
            1.0     c2: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            1.0     c2: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music
            1.0     ALARM: nobody is signed in for c2
            2.0   > c3 dials 18001567
            2.0     c3: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            2.0     c3: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music
            2.0     ALARM: nobody is signed in for c3
            90.0    c1: rings nga on call
            90.0    outside: <- ring +84900000001 over north
            91.0    c2: rings thu on call
            91.0    outside: <- ring +84900000002 over north
            93.0  > c1 hangs up
            93.0    outside: <- hang up, CallerGone
            93.0    c1: call to nga ended, CallerGone | notice heard, None | ended by Caller, NormalClearing
            121.0   outside: <- hang up, NoAnswer
            121.0   c2: call to thu ended, NoAnswer
            152.0   c3: rings nga on call
            152.0   outside: <- ring +84900000001 over north
            160.0 > is over
        "#]],
    );
}

#[test]
fn a_changed_plan_rings_those_on_call_anew() {
    check(
        "0 c1 dials 18001567
         95 plan turns agents round
         97 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 18001567
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music
            0.0     ALARM: nobody is signed in for c1
            90.0    c1: rings nga on call
            90.0    outside: <- ring +84900000001 over north
            95.0  > plan turns agents round
            95.0    outside: <- hang up, CallerGone
            95.0    c1: call to nga ended, Withdrawn
            95.0    ALARM: nobody is signed in for c1
            96.0    c1: rings thu on call
            96.0    outside: <- ring +84900000002 over north
            97.0  > c1 hangs up
            97.0    outside: <- hang up, CallerGone
            97.0    c1: call to thu ended, CallerGone | notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}
