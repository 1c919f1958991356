//! Offers that fail by our own trouble, and the way back of phones that were dead.

use super::check;
use super::plan::test_plan;
use super::script::happen;
use super::world::World;
use crate::{Alarm, Output};
use expect_test::expect;

#[test]
fn our_own_trouble_is_no_dead_phone_and_goes_round_once_a_second() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan fails by us
         2 hoa fails by us
         3 is over
         3 lan fails by us
         3.5 hoa answers
         6 is over",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            2.0   > lan fails by us
            2.0     c1: offer to lan ended, Withdrawn
            2.0     lan: ready (withdrawn)
            2.0     c1: offered to hoa
            2.0     hoa: offered c1 (offer) | <- ring
            2.0   > hoa fails by us
            2.0     c1: offer to hoa ended, Withdrawn
            2.0     hoa: ready (withdrawn)
            3.0     c1: offered to lan
            3.0     lan: offered c1 (offer) | <- ring
            3.0   > is over
            3.0   > lan fails by us
            3.0     c1: offer to lan ended, Withdrawn
            3.0     lan: ready (withdrawn)
            3.0     c1: offered to hoa
            3.0     hoa: offered c1 (offer) | <- ring
            3.5   > hoa answers
            3.5     c1: offer to hoa ended, Answered | joined with hoa | notice heard, None
            3.5     hoa: talking with c1 (answer)
            3.5     c1: <- connect hoa
            6.0   > is over
        "#]],
    );
}

#[test]
fn a_call_to_a_counsellors_own_number_survives_our_trouble() {
    check(
        "0 lan is reachable
         0 c1 dials 701
         1 lan fails by us
         2 is over
         2.5 lan answers",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 701
            0.0     c1: ***78 from trunk viettel to 701 = agent | <- answer
            0.0     c1: answered | speaks vi | <- bed Music | queued in agent for any, head start 0 | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            1.0   > lan fails by us
            1.0     c1: offer to lan ended, Withdrawn
            1.0     lan: ready (withdrawn)
            2.0     c1: offered to lan
            2.0     lan: offered c1 (offer) | <- ring
            2.0   > is over
            2.5   > lan answers
            2.5     c1: offer to lan ended, Answered | joined with lan
            2.5     lan: talking with c1 (answer)
            2.5     c1: <- connect lan
        "#]],
    );
}

#[test]
fn a_rest_ends_with_the_shift_and_survives_a_change_of_plan() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan fails by us
         2.2 plan turns agents round
         2.3 hoa fails by us
         2.5 lan signs out
         3.4 is over",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > hoa is reachable
            0.0     hoa: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            2.0   > lan fails by us
            2.0     c1: offer to lan ended, Withdrawn
            2.0     lan: ready (withdrawn)
            2.0     c1: offered to hoa
            2.0     hoa: offered c1 (offer) | <- ring
            2.2   > plan turns agents round
            2.3   > hoa fails by us
            2.3     c1: offer to hoa ended, Withdrawn
            2.3     hoa: ready (withdrawn)
            2.5   > lan signs out
            2.5     lan: signed out (request)
            2.5     reply: done
            3.3     c1: offered to hoa
            3.3     hoa: offered c1 (offer) | <- ring
            3.4   > is over
        "#]],
    );
}

#[test]
fn a_dead_phone_that_stays_registered_gets_one_try_each_minute() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan is dead
         3 lan takes no codec
         63 is over
         64 lan is dead
         65 lan is unreachable
         125 lan is reachable
         126 lan answers",
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
            3.0   > lan takes no codec
            3.0     c1: offer to lan ended, Unreachable
            3.0     lan: not ready, unreachable (unreachable)
            3.0     ALARM: the phone of lan is dead
            16.0    c1: <- say through queue.hold
            46.0    c1: <- say through queue.brave
            63.0    lan: ready (retry)
            63.0    c1: offered to lan
            63.0    lan: offered c1 (offer) | <- ring
            63.0  > is over
            64.0  > lan is dead
            64.0    c1: offer to lan ended, Unreachable
            64.0    lan: not ready, unreachable (unreachable)
            64.0    ALARM: the phone of lan is dead
            65.0  > lan is unreachable
            76.0    c1: <- say through queue.breathe
            106.0   c1: <- say through queue.hold
            125.0 > lan is reachable
            125.0   lan: ready (registered)
            125.0   c1: offered to lan
            125.0   lan: offered c1 (offer) | <- ring
            126.0 > lan answers
            126.0   c1: offer to lan ended, Answered | joined with lan | notice heard, Full
            126.0   lan: talking with c1 (answer)
            126.0   c1: <- connect lan
        "#]],
    );
}

#[test]
fn the_offer_that_our_trouble_ended_is_withdrawn_without_an_alarm() {
    let mut world = World::new(test_plan());
    for what in ["lan is reachable", "c1 dials 18001567"] {
        happen(&mut world, what);
    }
    for _ in 0..20 {
        world.run_until(world.now.plus_millis(1_000));
        happen(&mut world, "lan fails by us");
        assert_eq!(world.switch.counts().waiting, 1);
        assert_eq!(world.switch.counts().agents_signed_in, 1);
    }
    let is_alarm = |output: &Output| matches!(output, Output::Alarm(alarm) if !matches!(alarm, Alarm::NobodySignedIn { .. }));
    assert!(!world.said.iter().any(|(_, output)| is_alarm(output)));
}
