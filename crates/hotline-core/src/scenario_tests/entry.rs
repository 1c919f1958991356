//! The entrance: keys, no keys, wrong keys, voice, languages, typing ahead.

use super::plan::test_plan;
use super::{check, script};
use expect_test::expect;
use std::vec::Vec;

#[test]
fn a_key_that_chooses_a_service_enqueues_at_the_key_press() {
    check(
        "0 c1 dials 111
         1.5 c1 presses 1
         1.6 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.5   > c1 presses 1
            1.5     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            1.5     ALARM: nobody is signed in for c1
            1.6   > c1 hangs up
            1.6     c1: notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn zero_is_a_person_everywhere_and_star_repeats() {
    check(
        "0 c1 dials 111
         2 c1 presses *
         3 c1 presses 3
         4 c1 presses 1
         5 c1 presses *
         6 c1 presses 0
         7 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            2.0   > c1 presses *
            2.0     c1: key * at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            3.0   > c1 presses 3
            3.0     c1: key 3 at entry | at info | <- say info.menu
            4.0   > c1 presses 1
            4.0     c1: key 1 at info | at info.about | <- say info.about
            5.0   > c1 presses *
            5.0     c1: key * at info.about | <- say info.about
            6.0   > c1 presses 0
            6.0     c1: key 0 at info.about | at person | queued in general for any, head start 30 | <- bed Music | <- say through nav.human
            6.0     ALARM: nobody is signed in for c1
            7.0   > c1 hangs up
            7.0     c1: notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn the_no_key_caller_is_in_the_queue_when_the_window_ends() {
    // Clips last 23 s, the window of 4 s begins in the last clip's final second: 26 s.
    check(
        "0 c1 dials 111
         40 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            26.0    c1: at no_key | queued in general for any, head start 0 | <- bed Music | <- say through err.timeout svc.default greet.record
            26.0    ALARM: nobody is signed in for c1
            40.0  > c1 hangs up
            40.0    c1: notice heard, Full | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn thirty_seconds_after_the_answer_a_caller_is_in_the_queue_and_clips_go_on() {
    // The wrong key makes the entrance longer than 30 s.
    check(
        "0 c1 dials 111
         10 c1 presses 6
         60 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            10.0  > c1 presses 6
            10.0    c1: key 6 at entry | <- say err.invalid greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            30.0    c1: at no_key | queued in general for any, head start 0 | <- bed Music
            30.0    ALARM: nobody is signed in for c1
            36.0    c1: <- say through err.timeout svc.default greet.record
            48.0    c1: <- say through queue.hold
            60.0  > c1 hangs up
            60.0    c1: notice heard, Full | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn the_second_wrong_key_leads_to_the_general_queue() {
    check(
        "0 c1 dials 111
         1 c1 presses 6
         2 c1 presses 7
         3 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 6
            1.0     c1: key 6 at entry | <- say err.invalid greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            2.0   > c1 presses 7
            2.0     c1: key 7 at entry | at wrong_keys | queued in general for any, head start 0 | <- bed Music | <- say through svc.default greet.record
            2.0     ALARM: nobody is signed in for c1
            3.0   > c1 hangs up
            3.0     c1: notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn keys_typed_ahead_are_kept() {
    check(
        "0 ups are late
         0 c1 dials 111
         0.1 c1 presses 42
         0.2 c1 is up
         1 c1 hangs up",
        expect![[r#"
            0.0   > ups are late
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.1   > c1 presses 42
            0.2   > c1 is up
            0.2     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | key 4 at entry | speaks en | at entry.lang | key 2 at entry.lang | at trafficking | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now/en svc.traf_ok/en greet.record/en
            0.2     ALARM: nobody is signed in for c1
            1.0   > c1 hangs up
            1.0     c1: notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_key_in_an_information_clip_is_for_the_next_menu() {
    check(
        "0 c1 dials 111
         1 c1 presses 3
         2 c1 presses 1
         3 c1 presses 7
         9 is over",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 3
            1.0     c1: key 3 at entry | at info | <- say info.menu
            2.0   > c1 presses 1
            2.0     c1: key 1 at info | at info.about | <- say info.about
            3.0   > c1 presses 7
            3.0     c1: at info | key 7 at info | at bye | <- say through svc.default
            5.0     c1: notice heard, None | ended by System, NormalClearing | <- hang up, NormalClearing
            9.0   > is over
        "#]],
    );
}

#[test]
fn voice_at_a_menu_leads_to_a_person() {
    check(
        "0 c1 dials 111
         3 c1 speaks
         4 c1 speaks
         5 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            3.0   > c1 speaks
            3.0     c1: spoke at the menu | at voice | queued in general for any, head start 0 | <- bed Music | <- say through err.speech greet.record_short
            3.0     ALARM: nobody is signed in for c1
            4.0   > c1 speaks
            5.0   > c1 hangs up
            5.0     c1: notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn language_and_service_become_the_required_skills() {
    // Hoa speaks no English, Mai takes no calls about children.
    check(
        "0 hoa is reachable
         0 mai is reachable
         0 mai signs in
         1 c1 dials 111
         2 c1 presses 4
         3 c1 presses 1
         4 lan is reachable
         5 lan answers
         6 c1 hangs up",
        expect![[r#"
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            0.0   > mai is reachable
            0.0   > mai signs in
            0.0     mai: ready (request)
            0.0     reply: done
            1.0   > c1 dials 111
            1.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            1.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            2.0   > c1 presses 4
            2.0     c1: key 4 at entry | speaks en | at entry.lang | <- say greet.main/en svc.child/en svc.traf/en svc.cannot/en svc.human/en
            3.0   > c1 presses 1
            3.0     c1: key 1 at entry.lang | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok/en greet.record/en
            3.0     ALARM: nobody is signed in for c1
            4.0   > lan is reachable
            4.0     lan: ready (registered)
            4.0     c1: offered to lan
            4.0     lan: offered c1 (offer) | <- ring
            5.0   > lan answers
            5.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            5.0     lan: talking with c1 (answer)
            5.0     c1: <- connect lan
            6.0   > c1 hangs up
            6.0     lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            6.0     c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn silence_of_a_caller_is_no_hang_up_and_doubled_events_are_nothing() {
    check(
        "0 c1 dials 111
         1 c1 is silent
         2 c1 is up
         3 c1 dials 111
         4 c1 presses 9
         5 c1 is silent
         6 c1 presses 5
         6.5 c1 play 1 ends
         7 c1 hangs up
         8 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 is silent
            2.0   > c1 is up
            3.0   > c1 dials 111
            4.0   > c1 presses 9
            4.0     c1: key 9 at entry | at cannot | queued in urgent for any, head start 600, silent | <- bed Music | <- say through danger.now svc.cannot_ok
            4.0     ALARM: nobody is signed in for c1
            5.0   > c1 is silent
            6.0   > c1 presses 5
            6.5   > c1 play 1 ends
            7.0   > c1 hangs up
            7.0     c1: notice heard, None | ended by Caller, NormalClearing
            8.0   > c1 hangs up
        "#]],
    );
}

#[test]
fn a_clip_that_is_missing_in_a_language_has_the_default_ones_length() {
    check(
        "0 c1 dials 111
         1 c1 presses 5
         25 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 5
            1.0     c1: key 5 at entry | speaks hmn | at entry.lang | <- say greet.main/hmn svc.child/hmn svc.traf/hmn svc.cannot/hmn svc.human/hmn
            23.0    c1: at no_key | queued in general for any, head start 0 | <- bed Music | <- say through err.timeout/hmn svc.default/hmn greet.record/hmn
            23.0    ALARM: nobody is signed in for c1
            25.0  > c1 hangs up
            25.0    c1: notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn an_information_clip_heard_to_its_end_goes_on_to_the_menu_once_more() {
    check(
        "0 c1 dials 111
         1 c1 presses 3
         2 c1 presses 1
         25 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 3
            1.0     c1: key 3 at entry | at info | <- say info.menu
            2.0   > c1 presses 1
            2.0     c1: key 1 at info | at info.about | <- say info.about
            12.0    c1: heard info.about | at info | <- say info.menu
            23.0    c1: at no_key | queued in general for any, head start 0 | <- bed Music | <- say through err.timeout svc.default greet.record
            23.0    ALARM: nobody is signed in for c1
            25.0  > c1 hangs up
            25.0    c1: notice heard, None | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn a_key_in_the_window_counts_and_clips_of_the_queue_are_not_cut_by_keys() {
    check(
        "0 c1 dials 111
         25.9 c1 presses 1
         27 c1 presses 2
         28 c1 presses *
         39 c1 hangs up",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            25.9  > c1 presses 1
            25.9    c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            25.9    ALARM: nobody is signed in for c1
            27.0  > c1 presses 2
            28.0  > c1 presses *
            39.0  > c1 hangs up
            39.0    c1: notice heard, Full | ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn zero_turns_the_last_words_of_a_flow_into_a_person() {
    check(
        "0 c1 dials 111
         1 c1 presses 3
         2 c1 presses 7
         3 c1 presses 5
         3 c1 presses *
         4 c1 presses 0
         9 is over",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 3
            1.0     c1: key 3 at entry | at info | <- say info.menu
            2.0   > c1 presses 7
            2.0     c1: key 7 at info | at bye | <- say through svc.default
            3.0   > c1 presses 5
            3.0   > c1 presses *
            3.0     c1: key * at bye | <- say through svc.default
            4.0   > c1 presses 0
            4.0     c1: key 0 at bye | at person | queued in general for any, head start 30 | <- bed Music | <- say through nav.human
            4.0     ALARM: nobody is signed in for c1
            9.0   > is over
        "#]],
    );
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "goes round without a word")]
fn a_flow_that_goes_round_without_a_word_is_our_bug() {
    let mut plan = test_plan();
    let then = crate::Target {
        node: plan.flows[0].start,
        language: None,
    };
    plan.flows[0].nodes[0].kind = crate::NodeKind::Play {
        clips: Vec::new(),
        then,
        is_information: false,
    };
    script::run(plan, "0 c1 dials 111\n1 is over");
}
