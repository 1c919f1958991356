//! The line: order, comfort, language, the way back after a lost counsellor.

use super::check;
use expect_test::expect;

#[test]
fn rank_is_arrival_minus_head_start() {
    // General 0 s at 1, checked none, child 120 s at 60, trafficking 300 s at 170, key 0 has 30 s at 20:
    // ranks 1, -10, -60, -130.
    check(
        "0 c1 dials 111
         1 c1 presses 66
         19 c2 dials 111
         20 c2 presses 0
         59 c3 dials 111
         60 c3 presses 1
         169 c4 dials 111
         170 c4 presses 2
         171 lan is reachable
         172 lan declines
         173 lan wants ready
         174 lan answers
         175 c4 hangs up
         176 lan ends wrap-up
         177 lan answers
         178 c3 hangs up
         179 lan ends wrap-up
         180 lan answers
         181 c2 hangs up
         182 lan ends wrap-up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 66
            1.0     c1: key 6 at entry | <- say err.invalid greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human | key 6 at entry | at wrong_keys | queued in general for any, head start 0 | <- bed Music | <- say through svc.default greet.record
            1.0     ALARM: nobody is signed in for c1
            16.0    c1: <- say through queue.hold
            19.0  > c2 dials 111
            19.0    c2: ***78 from trunk viettel to 111 = entry | <- answer
            19.0    c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            20.0  > c2 presses 0
            20.0    c2: key 0 at entry | at person | queued in general for any, head start 30 | <- bed Music | <- say through nav.human
            20.0    ALARM: nobody is signed in for c2
            35.0    c2: <- say through queue.hold
            46.0    c1: <- say through queue.thanks
            59.0  > c3 dials 111
            59.0    c3: ***78 from trunk viettel to 111 = entry | <- answer
            59.0    c3: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            60.0  > c3 presses 1
            60.0    c3: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            60.0    ALARM: nobody is signed in for c3
            65.0    c2: <- say through queue.thanks
            75.0    c3: <- say through queue.hold
            76.0    c1: <- say through queue.breathe
            95.0    c2: <- say through queue.breathe
            105.0   c3: <- say through queue.brave
            106.0   c1: <- say through queue.hold
            125.0   c2: <- say through queue.hold
            135.0   c3: <- say through queue.breathe
            136.0   c1: <- say through queue.breathe
            155.0   c2: <- say through queue.breathe
            165.0   c3: <- say through queue.hold
            166.0   c1: <- say through queue.hold
            169.0 > c4 dials 111
            169.0   c4: ***78 from trunk viettel to 111 = entry | <- answer
            169.0   c4: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            170.0 > c4 presses 2
            170.0   c4: key 2 at entry | at trafficking | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now svc.traf_ok greet.record
            170.0   ALARM: nobody is signed in for c4
            171.0 > lan is reachable
            171.0   lan: ready (registered)
            171.0   c4: offered to lan
            171.0   lan: offered c4 (offer) | <- ring
            172.0 > lan declines
            172.0   c4: offer to lan ended, Declined
            172.0   lan: not ready, declined (declined)
            172.0   ALARM: lan is alone and did not answer
            173.0 > lan wants ready
            173.0   lan: ready (request)
            173.0   reply: done
            173.0   c4: offered to lan
            173.0   lan: offered c4 (offer) | <- ring
            174.0 > lan answers
            174.0   c4: offer to lan ended, Answered | joined with lan | notice heard, None
            174.0   lan: talking with c4 (answer)
            174.0   c4: <- connect lan
            175.0 > c4 hangs up
            175.0   lan: <- hang up, CallerGone | wrap-up of c4 (call_over)
            175.0   c4: ended by Caller, NormalClearing
            176.0 > lan ends wrap-up
            176.0   lan: ready (request)
            176.0   reply: done
            176.0   c3: offered to lan
            176.0   lan: offered c3 (offer) | <- ring
            177.0 > lan answers
            177.0   c3: offer to lan ended, Answered | joined with lan | notice heard, Full
            177.0   lan: talking with c3 (answer)
            177.0   c3: <- connect lan
            178.0 > c3 hangs up
            178.0   lan: <- hang up, CallerGone | wrap-up of c3 (call_over)
            178.0   c3: ended by Caller, NormalClearing
            179.0 > lan ends wrap-up
            179.0   lan: ready (request)
            179.0   reply: done
            179.0   c2: offered to lan
            179.0   lan: offered c2 (offer) | <- ring
            180.0 > lan answers
            180.0   c2: offer to lan ended, Answered | joined with lan | notice heard, None
            180.0   lan: talking with c2 (answer)
            180.0   c2: <- connect lan
            181.0 > c2 hangs up
            181.0   lan: <- hang up, CallerGone | wrap-up of c2 (call_over)
            181.0   c2: ended by Caller, NormalClearing
            182.0 > lan ends wrap-up
            182.0   lan: ready (request)
            182.0   reply: done
            182.0   c1: offered to lan
            182.0   lan: offered c1 (offer) | <- ring
        "#]],
    );
}

#[test]
fn nobody_is_overtaken_by_someone_who_came_more_than_the_head_start_later() {
    check(
        "0 c1 dials 111
         1 c1 presses 66
         121 c2 dials 111
         121.5 c2 presses 1
         122 lan is reachable",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 66
            1.0     c1: key 6 at entry | <- say err.invalid greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human | key 6 at entry | at wrong_keys | queued in general for any, head start 0 | <- bed Music | <- say through svc.default greet.record
            1.0     ALARM: nobody is signed in for c1
            16.0    c1: <- say through queue.hold
            46.0    c1: <- say through queue.thanks
            76.0    c1: <- say through queue.breathe
            106.0   c1: <- say through queue.hold
            121.0 > c2 dials 111
            121.0   c2: ***78 from trunk viettel to 111 = entry | <- answer
            121.0   c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            121.5 > c2 presses 1
            121.5   c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            121.5   ALARM: nobody is signed in for c2
            122.0 > lan is reachable
            122.0   lan: ready (registered)
            122.0   c1: offered to lan
            122.0   lan: offered c1 (offer) | <- ring
        "#]],
    );
}

#[test]
fn comfort_comes_at_its_times_and_never_delays_an_offer() {
    check(
        "0 c1 dials 111
         1 c1 presses 1
         140.0 lan is reachable
         141.0 lan answers
         150 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            1.0     ALARM: nobody is signed in for c1
            16.0    c1: <- say through queue.hold
            46.0    c1: <- say through queue.brave
            76.0    c1: <- say through queue.breathe
            106.0   c1: <- say through queue.hold
            136.0   c1: <- say through queue.breathe
            140.0 > lan is reachable
            140.0   lan: ready (registered)
            140.0   c1: offered to lan
            140.0   lan: offered c1 (offer) | <- ring
            141.0 > lan answers
            141.0   c1: offer to lan ended, Answered | joined with lan | notice heard, Full
            141.0   lan: talking with c1 (answer)
            141.0   c1: <- connect lan
            150.0 > c1 hangs up
            150.0   lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            150.0   c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn comfort_that_falls_into_other_clips_waits_for_their_end() {
    // Trafficking: 6 + 8 + 6 s of entry clips from second 1, hold is due at 16.
    check(
        "0 c1 dials 111
         1 c1 presses 2
         30 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 2
            1.0     c1: key 2 at entry | at trafficking | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now svc.traf_ok greet.record
            1.0     ALARM: nobody is signed in for c1
            21.0    c1: <- say through queue.hold
            30.0  > c1 hangs up
            30.0    c1: notice heard, Full | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_language_that_nobody_speaks_is_told_and_key_1_changes_it() {
    check(
        "0 hoa is reachable
         0 c1 dials 111
         1 c1 presses 4
         2 c1 presses 1
         20 c1 presses 1
         63 c1 presses 5
         64 c1 presses 1
         65 hoa answers
         66 c1 hangs up",
        expect![[r#"
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 4
            1.0     c1: key 4 at entry | speaks en | at entry.lang | <- say greet.main/en svc.child/en svc.traf/en svc.cannot/en svc.human/en
            2.0   > c1 presses 1
            2.0     c1: key 1 at entry.lang | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok/en greet.record/en
            2.0     ALARM: nobody is signed in for c1
            17.0    c1: <- say through queue.hold/en
            20.0  > c1 presses 1
            47.0    c1: <- say through queue.brave/en
            62.0    c1: <- say through queue.no_lang/en
            63.0  > c1 presses 5
            64.0  > c1 presses 1
            64.0    c1: key 1 at child | speaks vi | offered to hoa
            64.0    hoa: offered c1 (offer) | <- ring
            65.0  > hoa answers
            65.0    c1: offer to hoa ended, Answered | joined with hoa | notice heard, Full
            65.0    hoa: talking with c1 (answer)
            65.0    c1: <- connect hoa
            66.0  > c1 hangs up
            66.0    hoa: <- hang up, CallerGone | wrap-up of c1 (call_over)
            66.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_language_that_somebody_speaks_is_waited_for() {
    check(
        "0 lan is reachable
         0 lan wants lunch
         0 c1 dials 111
         1 c1 presses 4
         2 c1 presses 1
         70 c1 hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > lan wants lunch
            0.0     lan: not ready, lunch (request)
            0.0     reply: done
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 4
            1.0     c1: key 4 at entry | speaks en | at entry.lang | <- say greet.main/en svc.child/en svc.traf/en svc.cannot/en svc.human/en
            2.0   > c1 presses 1
            2.0     c1: key 1 at entry.lang | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok/en greet.record/en
            17.0    c1: <- say through queue.hold/en
            47.0    c1: <- say through queue.brave/en
            70.0  > c1 hangs up
            70.0    c1: notice heard, Full | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_lost_counsellor_who_comes_back_gets_the_caller_back() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         10 hoa is reachable
         11 c2 dials 111
         11 lan is gone
         12 lan is lost
         13 c2 presses 1
         20 lan is reachable
         21 lan answers
         30 c1 hangs up",
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
            10.0  > hoa is reachable
            10.0    hoa: ready (registered)
            11.0  > c2 dials 111
            11.0    c2: ***78 from trunk viettel to 111 = entry | <- answer
            11.0    c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            11.0  > lan is gone
            12.0  > lan is lost
            12.0    c1: lan is lost | <- disconnect | <- bed Music
            12.0    lan: signed out (lost)
            12.0    c1: <- say through sys.lost_agent
            13.0  > c2 presses 1
            13.0    c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to hoa
            13.0    hoa: offered c2 (offer) | <- ring
            20.0  > lan is reachable
            20.0    lan: ready (registered)
            20.0    c1: offered to lan
            20.0    lan: offered c1 (offer) | <- ring
            21.0  > lan answers
            21.0    c1: offer to lan ended, Answered | joined with lan
            21.0    lan: talking with c1 (answer)
            21.0    c1: <- connect lan
            28.0    c2: <- say through queue.hold
            30.0  > c1 hangs up
            30.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            30.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_lost_counsellor_who_stays_away_is_replaced_after_twenty_seconds() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         10 lan is gone
         10 lan is lost
         11 hoa is reachable
         31 hoa answers
         40 hoa hangs up",
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
            10.0  > lan is gone
            10.0  > lan is lost
            10.0    c1: lan is lost | <- disconnect | <- bed Music
            10.0    lan: signed out (lost)
            10.0    c1: <- say through sys.lost_agent
            11.0  > hoa is reachable
            11.0    hoa: ready (registered)
            25.0    c1: <- say through queue.hold
            30.0    c1: offered to hoa
            30.0    hoa: offered c1 (offer) | <- ring
            31.0  > hoa answers
            31.0    c1: offer to hoa ended, Answered | joined with hoa
            31.0    hoa: talking with c1 (answer)
            31.0    c1: <- connect hoa
            40.0  > hoa hangs up
            40.0    hoa: wrap-up of c1 (call_over)
            40.0    c1: ended by Agent, NormalClearing | <- hang up, NormalClearing
        "#]],
    );
}

#[test]
fn a_lost_counsellor_whose_phone_lives_is_rung_at_once() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         10 lan is lost
         11 lan is dead
         12 lan is dead
         13 c1 hangs up",
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
            10.0  > lan is lost
            10.0    c1: lan is lost | <- disconnect | <- bed Music
            10.0    lan: ready (lost)
            10.0    c1: <- say through sys.lost_agent | offered to lan
            10.0    lan: offered c1 (offer) | <- ring
            11.0  > lan is dead
            11.0    c1: offer to lan ended, Unreachable
            11.0    lan: ready (unreachable)
            11.0    c1: offered to lan
            11.0    lan: offered c1 (offer) | <- ring
            12.0  > lan is dead
            12.0    c1: offer to lan ended, Unreachable
            12.0    lan: not ready, unreachable (unreachable)
            12.0    ALARM: the phone of lan is dead
            13.0  > c1 hangs up
            13.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_caller_being_offered_at_the_end_of_the_grace_comes_back_for_anybody() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         10 lan is lost
         15 hoa is reachable
         30.0 is over
         31 lan declines
         32 c1 hangs up",
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
            10.0  > lan is lost
            10.0    c1: lan is lost | <- disconnect | <- bed Music
            10.0    lan: ready (lost)
            10.0    c1: <- say through sys.lost_agent | offered to lan
            10.0    lan: offered c1 (offer) | <- ring
            15.0  > hoa is reachable
            15.0    hoa: ready (registered)
            25.0    c1: <- say through queue.hold
            30.0    lan: <- hang up, NoAnswer
            30.0    c1: offer to lan ended, NoAnswer
            30.0    lan: not ready, rona (rona)
            30.0    c1: offered to hoa
            30.0    hoa: offered c1 (offer) | <- ring
            30.0  > is over
            31.0  > lan declines
            32.0  > c1 hangs up
            32.0    hoa: <- hang up, CallerGone
            32.0    c1: offer to hoa ended, CallerGone
            32.0    hoa: ready (caller_gone)
            32.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_counsellor_who_hangs_up_ends_the_call() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         10 lan hangs up",
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
            10.0  > lan hangs up
            10.0    lan: wrap-up of c1 (call_over)
            10.0    c1: ended by Agent, NormalClearing | <- hang up, NormalClearing
        "#]],
    );
}

#[test]
fn nobody_on_shift_is_an_alarm() {
    check(
        "0 c1 dials 111
         1 c1 presses 0
         2 hoa is reachable
         3 hoa wants break
         4 hoa signs out
         5 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 0
            1.0     c1: key 0 at entry | at person | queued in general for any, head start 30 | <- bed Music | <- say through nav.human
            1.0     ALARM: nobody is signed in for c1
            2.0   > hoa is reachable
            2.0     hoa: ready (registered)
            2.0     c1: offered to hoa
            2.0     hoa: offered c1 (offer) | <- ring
            3.0   > hoa wants break
            3.0     reply: done
            4.0   > hoa signs out
            4.0     reply: done
            5.0   > c1 hangs up
            5.0     hoa: <- hang up, CallerGone
            5.0     c1: offer to hoa ended, CallerGone
            5.0     hoa: signed out (caller_gone)
            5.0     c1: notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn the_recording_notice_is_full_when_heard() {
    check(
        "0 c1 dials 111
         1 c1 presses 1
         14 lan is reachable
         15 lan answers
         16 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            1.0     ALARM: nobody is signed in for c1
            14.0  > lan is reachable
            14.0    lan: ready (registered)
            14.0    c1: offered to lan
            14.0    lan: offered c1 (offer) | <- ring
            15.0  > lan answers
            15.0    c1: offer to lan ended, Answered | joined with lan | notice heard, Full
            15.0    lan: talking with c1 (answer)
            15.0    c1: <- connect lan
            16.0  > c1 hangs up
            16.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            16.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn the_recording_notice_is_partial_when_the_join_cuts_it() {
    // Eight seconds of notice begin at 5.
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         8 lan answers
         16 c1 hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            8.0   > lan answers
            8.0     c1: offer to lan ended, Answered | joined with lan | notice heard, Partial(3000)
            8.0     lan: talking with c1 (answer)
            8.0     c1: <- connect lan
            16.0  > c1 hangs up
            16.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            16.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_caller_who_hangs_up_in_the_grace_is_gone() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 lan is gone
         4 lan is lost
         5 c1 hangs up
         6 lan is reachable",
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
            4.0   > lan is lost
            4.0     c1: lan is lost | <- disconnect | <- bed Music
            4.0     lan: signed out (lost)
            4.0     c1: <- say through sys.lost_agent
            5.0   > c1 hangs up
            5.0     c1: ended by Caller, NormalClearing
            6.0   > lan is reachable
            6.0     lan: ready (registered)
        "#]],
    );
}
