//! The search for a counsellor: at home first, then everywhere, then anybody.

use super::plan::test_plan;
use super::script;
use crate::{LanguageId, Level, ServiceId, Widening};
use expect_test::{Expect, expect};

/// As the line is set up: 20, 40 and 180 s.
fn check(script: &str, expected: Expect) {
    let mut plan = test_plan();
    for queue in &mut plan.queues {
        queue.widening = Widening {
            everywhere_ms: 20_000,
            anybody_ms: Some(40_000),
            mobiles_ms: None,
            alarm_ms: Some(180_000),
        };
        queue.comfort.clear();
        queue.comfort_loop.clear();
        queue.entry_clips.clear();
    }
    // Hoa's centre is Hanoi; Mai's is An Giang, and she takes trafficking.
    plan.agents[0].is_reserve = true;
    plan.agents[1].services.insert(ServiceId(1), Level(2));
    plan.agents[2].is_signed_in_by_registration = true;
    plan.agents[2].services.insert(ServiceId(0), Level(2));
    plan.agents[2].languages.insert(LanguageId(0), Level(2));
    expected.assert_eq(&script::run(plan, script));
}

#[test]
fn the_own_centre_comes_first_and_after_20_s_all_centres() {
    check(
        "0 hoa is reachable
         0 mai is reachable
         0 c1 dials 18001567 at hanoi
         0 c2 dials 18001567 at angiang
         30 is over",
        expect![[r#"
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            0.0   > mai is reachable
            0.0     mai: ready (registered)
            0.0   > c1 dials 18001567 at hanoi
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | at home in hanoi | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | offered to hoa
            0.0     hoa: offered c1 (offer) | <- ring
            0.0   > c2 dials 18001567 at angiang
            0.0     c2: ***78 from trunk viettel to 18001567 = trafficking | at home in angiang | <- answer
            0.0     c2: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | offered to mai
            0.0     mai: offered c2 (offer) | <- ring
            20.0    hoa: <- hang up, NoAnswer
            20.0    c1: offer to hoa ended, NoAnswer
            20.0    hoa: not ready, rona (rona)
            20.0    ALARM: hoa is alone and did not answer
            20.0    mai: <- hang up, NoAnswer
            20.0    c2: offer to mai ended, NoAnswer
            20.0    mai: not ready, rona (rona)
            20.0    ALARM: mai is alone and did not answer
            20.0    c1: search widens to Everywhere
            20.0    c2: search widens to Everywhere
            30.0  > is over
        "#]],
    );
}

#[test]
fn after_40_s_anybody_who_speaks_the_language_and_the_reserve() {
    check(
        "0 lan is reachable
         0 c1 dials 18001567 at hanoi
         50 lan answers
         60 c1 hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 18001567 at hanoi
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | at home in hanoi | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music
            0.0     ALARM: nobody is signed in for c1
            40.0    c1: search widens to Anybody | offered to lan
            40.0    lan: offered c1 (offer) | <- ring
            50.0  > lan answers
            50.0    c1: offer to lan ended, Answered | joined with lan | notice heard, None
            50.0    lan: talking with c1 (answer)
            50.0    c1: <- connect lan
            60.0  > c1 hangs up
            60.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            60.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn after_180_s_a_supervisor_knows_and_the_caller_waits_on() {
    check(
        "0 c1 dials 18001567 at hanoi
         200 is over
         400 hoa is reachable
         401 hoa answers
         420 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 18001567 at hanoi
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | at home in hanoi | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music
            0.0     ALARM: nobody is signed in for c1
            40.0    c1: search widens to Anybody
            40.0    ALARM: nobody is signed in for c1
            180.0   ALARM: c1 waits too long
            200.0 > is over
            400.0 > hoa is reachable
            400.0   hoa: ready (registered)
            400.0   c1: offered to hoa
            400.0   hoa: offered c1 (offer) | <- ring
            401.0 > hoa answers
            401.0   c1: offer to hoa ended, Answered | joined with hoa | notice heard, None
            401.0   hoa: talking with c1 (answer)
            401.0   c1: <- connect hoa
            420.0 > c1 hangs up
            420.0   hoa: <- hang up, CallerGone | wrap-up of c1 (call_over)
            420.0   c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn nobody_on_shift_at_home_is_not_waited_for() {
    check(
        "0 mai is reachable
         0 c1 dials 18001567 at hanoi
         1 mai answers
         20 c1 hangs up",
        expect![[r#"
            0.0   > mai is reachable
            0.0     mai: ready (registered)
            0.0   > c1 dials 18001567 at hanoi
            0.0     c1: ***78 from trunk viettel to 18001567 = trafficking | at home in hanoi | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | offered to mai
            0.0     mai: offered c1 (offer) | <- ring
            1.0   > mai answers
            1.0     c1: offer to mai ended, Answered | joined with mai | notice heard, None
            1.0     mai: talking with c1 (answer)
            1.0     c1: <- connect mai
            20.0  > c1 hangs up
            20.0    mai: <- hang up, CallerGone | wrap-up of c1 (call_over)
            20.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn the_search_goes_on_while_a_phone_rings_and_a_failed_offer_finds_it_wider() {
    check(
        "0 hoa is reachable
         0 c3 dials 111 at hanoi
         1 c3 presses 1
         10 mai is reachable
         25 is over
         26 mai answers
         60 c3 hangs up",
        expect![[r#"
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            0.0   > c3 dials 111 at hanoi
            0.0     c3: ***78 from trunk viettel to 111 = entry | at home in hanoi | <- answer
            0.0     c3: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c3 presses 1
            1.0     c3: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to hoa
            1.0     hoa: offered c3 (offer) | <- ring
            10.0  > mai is reachable
            10.0    mai: ready (registered)
            21.0    hoa: <- hang up, NoAnswer
            21.0    c3: offer to hoa ended, NoAnswer
            21.0    hoa: not ready, rona (rona)
            21.0    ALARM: hoa is alone and did not answer
            21.0    c3: search widens to Everywhere | offered to mai
            21.0    mai: offered c3 (offer) | <- ring
            25.0  > is over
            26.0  > mai answers
            26.0    c3: offer to mai ended, Answered | joined with mai | notice heard, Full
            26.0    mai: talking with c3 (answer)
            26.0    c3: <- connect mai
            51.0    hoa: ready (lone)
            60.0  > c3 hangs up
            60.0    mai: <- hang up, CallerGone | wrap-up of c3 (call_over)
            60.0    c3: ended by Caller, NormalClearing
        "#]],
    );
}
