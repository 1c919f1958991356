//! A counsellor asks a third party for advice, hands over, or changes phones in mid-talk.

use super::{LAN_TALKS, LAN_TALKS_BESIDE_HOA, check, check_from};
use expect_test::expect;

#[test]
fn nobody_asks_themselves_for_advice() {
    check_from(
        LAN_TALKS,
        "4 c2 dials 701 from lan
         5 c1 hangs up",
        expect![[r#"
            4.0   > c2 dials 701 from lan
            4.0     c2: ***78 from lan to 701 = agent, not counted | ended by System, Busy | <- reject, Busy
            5.0   > c1 hangs up
            5.0     lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            5.0     c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn the_colleague_asked_for_advice_takes_the_caller() {
    check_from(
        LAN_TALKS_BESIDE_HOA,
        "3 lan holds
         4 c2 dials 702 from lan
         5 lan joins c2
         6 hoa answers
         8 lan joins c2
         12 c1 hangs up",
        expect![[r#"
            3.0   > lan holds
            3.0     c1: held | <- disconnect | <- bed Music
            3.0     lan: holding c1 (hold)
            4.0   > c2 dials 702 from lan
            4.0     c2: ***78 from lan to 702 = agent, not counted
            4.0     c1: lan asks for advice by c2
            4.0     lan: asking for advice on c1 (consult)
            4.0     c2: <- answer
            4.0     c2: answered | <- bed Music | queued in agent for any, head start 0 | offered to hoa
            4.0     hoa: offered c2 (offer) | <- ring
            5.0   > lan joins c2
            5.0     lan: <- transfer Refused(NotNow)
            6.0   > hoa answers
            6.0     c2: offer to hoa ended, Answered | joined with hoa
            6.0     hoa: talking with c2 (answer)
            6.0     c2: <- connect hoa
            8.0   > lan joins c2
            8.0     c1: lan passes on to Agent("hoa") | transfer Done | takes from c2 | joined with hoa
            8.0     lan: <- transfer Trying | <- transfer Done | <- hang up, NormalClearing
            8.0     c2: ended by Agent, NormalClearing | <- hang up, NormalClearing
            8.0     lan: wrap-up of c1 (call_over)
            8.0     hoa: talking with c1 (transfer)
            8.0     c1: <- connect hoa
            12.0  > c1 hangs up
            12.0    hoa: <- hang up, CallerGone | wrap-up of c1 (call_over)
            12.0    c1: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn advice_may_be_asked_outside_and_joined_from_either_leg() {
    check_from(
        LAN_TALKS,
        "3 lan holds
         4 c2 dials 113 from lan
         5 c2 joins lan
         6 outside answers
         7 c2 passes to 702
         8 c2 joins lan
         12 outside hangs up",
        expect![[r#"
            3.0   > lan holds
            3.0     c1: held | <- disconnect | <- bed Music
            3.0     lan: holding c1 (hold)
            4.0   > c2 dials 113 from lan
            4.0     c2: ***78 from lan to 113 = outside, not counted
            4.0     c1: lan asks for advice by c2
            4.0     lan: asking for advice on c1 (consult)
            4.0     c2: <- answer
            4.0     c2: answered | <- bed Music
            4.0     outside: <- ring 113 over north, south
            5.0   > c2 joins lan
            5.0     c2: <- transfer Refused(NotNow)
            6.0   > outside answers
            6.0     c2: joined with *** outside | <- connect outside
            7.0   > c2 passes to 702
            7.0     c2: <- transfer Refused(NotInTalk)
            8.0   > c2 joins lan
            8.0     c1: lan passes on to Outside(***) | transfer Done | takes from c2 | joined with *** outside
            8.0     c2: <- transfer Trying | <- transfer Done
            8.0     lan: <- hang up, NormalClearing
            8.0     c2: ended by Agent, NormalClearing | <- hang up, NormalClearing
            8.0     lan: wrap-up of c1 (call_over)
            8.0     c1: <- connect outside
            12.0  > outside hangs up
            12.0    c1: ended by Outside, NormalClearing | <- hang up, NormalClearing
        "#]],
    );
}

#[test]
fn advice_that_is_not_to_be_had_changes_nothing() {
    check_from(
        LAN_TALKS_BESIDE_HOA,
        "3 c2 dials 113 from lan
         4 outside is busy
         5 c3 dials 702 from lan
         6 c3 hangs up
         7 c4 dials 114 from lan
         8 c5 dials 702 from lan
         9 hoa answers
         10 c1 hangs up
         11 lan joins c5
         12 c5 joins lan
         13 hoa hangs up
         14 c6 dials 113 from lan",
        expect![[r#"
            3.0   > c2 dials 113 from lan
            3.0     c2: ***78 from lan to 113 = outside, not counted
            3.0     c1: lan asks for advice by c2
            3.0     lan: asking for advice on c1 (consult)
            3.0     c2: <- answer
            3.0     c2: answered | <- bed Music
            3.0     outside: <- ring 113 over north, south
            4.0   > outside is busy
            4.0     c2: ended by Outside, Busy | <- hang up, Busy
            4.0     lan: talking with c1 (consult_over)
            5.0   > c3 dials 702 from lan
            5.0     c3: ***78 from lan to 702 = agent, not counted
            5.0     c1: lan asks for advice by c3
            5.0     lan: asking for advice on c1 (consult)
            5.0     c3: <- answer
            5.0     c3: answered | <- bed Music | queued in agent for any, head start 0 | offered to hoa
            5.0     hoa: offered c3 (offer) | <- ring
            6.0   > c3 hangs up
            6.0     hoa: <- hang up, CallerGone
            6.0     c3: offer to hoa ended, CallerGone
            6.0     hoa: ready (caller_gone)
            6.0     c3: ended by Caller, NormalClearing
            6.0     lan: talking with c1 (consult_over)
            7.0   > c4 dials 114 from lan
            7.0     c4: ***78 from lan to 114 = none, not counted | ended by System, UnknownNumber | <- reject, UnknownNumber
            8.0   > c5 dials 702 from lan
            8.0     c5: ***78 from lan to 702 = agent, not counted
            8.0     c1: lan asks for advice by c5
            8.0     lan: asking for advice on c1 (consult)
            8.0     c5: <- answer
            8.0     c5: answered | <- bed Music | queued in agent for any, head start 0 | offered to hoa
            8.0     hoa: offered c5 (offer) | <- ring
            9.0   > hoa answers
            9.0     c5: offer to hoa ended, Answered | joined with hoa
            9.0     hoa: talking with c5 (answer)
            9.0     c5: <- connect hoa
            10.0  > c1 hangs up
            10.0    lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            10.0    c1: ended by Caller, NormalClearing
            11.0  > lan joins c5
            12.0  > c5 joins lan
            12.0    c5: <- transfer Refused(NotInTalk)
            13.0  > hoa hangs up
            13.0    hoa: wrap-up of c5 (call_over)
            13.0    c5: ended by Agent, NormalClearing | <- hang up, NormalClearing
            14.0  > c6 dials 113 from lan
            14.0    c6: ***78 from lan to 113 = none, not counted | ended by System, UnknownNumber | <- reject, UnknownNumber
        "#]],
    );
}

#[test]
fn a_colleague_who_held_the_line_has_the_caller_on_hold() {
    check_from(
        LAN_TALKS_BESIDE_HOA,
        "4 c2 dials 702 from lan
         6 hoa answers
         7 hoa holds
         8 lan joins c2
         9 hoa resumes",
        expect![[r#"
            4.0   > c2 dials 702 from lan
            4.0     c2: ***78 from lan to 702 = agent, not counted
            4.0     c1: lan asks for advice by c2
            4.0     lan: asking for advice on c1 (consult)
            4.0     c2: <- answer
            4.0     c2: answered | <- bed Music | queued in agent for any, head start 0 | offered to hoa
            4.0     hoa: offered c2 (offer) | <- ring
            6.0   > hoa answers
            6.0     c2: offer to hoa ended, Answered | joined with hoa
            6.0     hoa: talking with c2 (answer)
            6.0     c2: <- connect hoa
            7.0   > hoa holds
            7.0     c2: held | <- disconnect | <- bed Music
            7.0     hoa: holding c2 (hold)
            8.0   > lan joins c2
            8.0     c1: lan passes on to Agent("hoa") | transfer Done | takes from c2 | joined with hoa
            8.0     lan: <- transfer Trying | <- transfer Done | <- hang up, NormalClearing
            8.0     c2: ended by Agent, NormalClearing | <- hang up, NormalClearing
            8.0     lan: wrap-up of c1 (call_over)
            8.0     hoa: holding c1 (transfer)
            8.0     c1: held | <- disconnect | <- bed Music
            9.0   > hoa resumes
            9.0     c1: resumed | <- connect hoa
            9.0     hoa: talking with c1 (resume)
        "#]],
    );
}

#[test]
fn another_phone_of_the_same_counsellor_takes_the_talk() {
    check_from(
        LAN_TALKS,
        "3 lan holds
         4 c2 dials for lan from lan
         8 lan hangs up",
        expect![[r#"
            3.0   > lan holds
            3.0     c1: held | <- disconnect | <- bed Music
            3.0     lan: holding c1 (hold)
            4.0   > c2 dials for lan from lan
            4.0     c2: <- answer
            4.0     c1: lan changes phones
            4.0     lan: <- hang up, NormalClearing
            4.0     c1: <- connect c2
            4.0     lan: talking with c1 (resume)
            8.0   > lan hangs up
            8.0     lan: wrap-up of c1 (call_over)
            8.0     c1: ended by Agent, NormalClearing | <- hang up, NormalClearing
        "#]],
    );
}

#[test]
fn nobody_else_takes_a_talk_and_nothing_but_a_talk_is_taken() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 c2 dials for lan from lan
         3 lan answers
         4 c3 dials for lan from hoa
         5 c4 dials for hoa from lan
         6 ups are late
         7 c5 dials for lan from lan
         8 c6 dials for lan from lan
         9 lan passes to 113
         10 c5 is lost
         11 c7 dials for lan from lan
         12 lan is lost",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            2.0   > c2 dials for lan from lan
            2.0     c2: <- reject, Declined
            3.0   > lan answers
            3.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            3.0     lan: talking with c1 (answer)
            3.0     c1: <- connect lan
            4.0   > c3 dials for lan from hoa
            4.0     c3: <- reject, Declined
            5.0   > c4 dials for hoa from lan
            5.0     c4: <- reject, Declined
            6.0   > ups are late
            7.0   > c5 dials for lan from lan
            7.0     c5: <- answer
            8.0   > c6 dials for lan from lan
            8.0     c6: <- reject, Declined
            9.0   > lan passes to 113
            9.0     lan: <- transfer Refused(NotNow)
            10.0  > c5 is lost
            11.0  > c7 dials for lan from lan
            11.0    c7: <- answer
            12.0  > lan is lost
            12.0    c7: <- hang up, Lost
            12.0    c1: lan is lost | <- disconnect | <- bed Music
            12.0    lan: ready (lost)
            12.0    c1: <- say through sys.lost_agent | offered to lan
            12.0    lan: offered c1 (offer) | <- ring
        "#]],
    );
}

#[test]
fn a_changed_plan_and_a_stop_touch_no_transfer_wrongly() {
    check_from(
        LAN_TALKS_BESIDE_HOA,
        "3 lan passes to 702
         4 plan loses agent hoa
         5 plan regains agent hoa
         5 hoa is reachable
         6 lan passes to hoa
         8 hoa answers
         9 hoa passes to 113
         10 outside answers
         11 plan loses queue child
         12 outside is lost
         13 hoa ends wrap-up
         14 hoa answers
         15 hoa passes to 113
         16 drain 5
         21 is over",
        expect![[r#"
            3.0   > lan passes to 702
            3.0     c1: lan passes on to Agent("hoa")
            3.0     lan: <- transfer Trying
            3.0     c1: <- disconnect | <- bed Music | offered to hoa
            3.0     hoa: offered c1 (offer) | <- ring
            3.0     c1: <- say through xfer.wait
            4.0   > plan loses agent hoa
            4.0     hoa: <- hang up, Unreachable
            4.0     c1: offer to hoa ended, Withdrawn | transfer Failed(Unreachable)
            4.0     lan: <- transfer Failed(Unreachable)
            4.0     c1: <- connect lan
            4.0     hoa: signed out (removed)
            5.0   > plan regains agent hoa
            5.0   > hoa is reachable
            5.0     hoa: ready (registered)
            6.0   > lan passes to hoa
            6.0     c1: lan passes on to Agent("hoa")
            6.0     lan: <- transfer Trying
            6.0     c1: <- disconnect | <- bed Music | offered to hoa
            6.0     hoa: offered c1 (offer) | <- ring
            6.0     c1: <- say through xfer.wait
            8.0   > hoa answers
            8.0     c1: offer to hoa ended, Answered | transfer Done
            8.0     lan: <- transfer Done | <- hang up, NormalClearing | wrap-up of c1 (call_over)
            8.0     c1: joined with hoa
            8.0     hoa: talking with c1 (answer)
            8.0     c1: <- connect hoa
            9.0   > hoa passes to 113
            9.0     c1: hoa passes on to Outside(***)
            9.0     hoa: <- transfer Trying
            9.0     c1: <- disconnect | <- bed Music
            9.0     outside: <- ring 113 over north, south
            9.0     c1: <- say through xfer.wait
            10.0  > outside answers
            10.0    c1: transfer Done
            10.0    hoa: <- transfer Done | <- hang up, NormalClearing | wrap-up of c1 (call_over)
            10.0    c1: joined with *** outside | <- connect outside
            11.0  > plan loses queue child
            12.0  > outside is lost
            12.0    c1: outside is lost | <- disconnect | <- bed Music | <- say through sys.lost_agent
            13.0  > hoa ends wrap-up
            13.0    hoa: ready (request)
            13.0    reply: done
            13.0    c1: offered to hoa
            13.0    hoa: offered c1 (offer) | <- ring
            14.0  > hoa answers
            14.0    c1: offer to hoa ended, Answered | joined with hoa
            14.0    hoa: talking with c1 (answer)
            14.0    c1: <- connect hoa
            15.0  > hoa passes to 113
            15.0    c1: hoa passes on to Outside(***)
            15.0    hoa: <- transfer Trying
            15.0    c1: <- disconnect | <- bed Music
            15.0    outside: <- ring 113 over north, south
            15.0    c1: <- say through xfer.wait
            16.0  > drain 5
            18.0    lan: ready (wrap_up_over)
            21.0    outside: <- hang up, CallerGone
            21.0    c1: transfer CallOver
            21.0    hoa: <- transfer Failed(Shutdown) | <- hang up, Shutdown | wrap-up of c1 (call_over)
            21.0    c1: <- say through sys.down
            21.0  > is over
        "#]],
    );
}
