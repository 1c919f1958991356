//! A changed plan under open calls.

use super::check;
use crate::{AgentId, Plan, QueueId};
use expect_test::expect;
use std::string::ToString;

/// The plan after a change that a script names.
pub(super) fn changed(plan: &Plan, change: &[&str]) -> Plan {
    let mut plan = plan.clone();
    match change {
        ["loses", "agent", user] => plan.agents.retain(|agent| agent.user != *user),
        ["regains", "agent", user] => {
            let test_plan = super::plan::test_plan();
            plan.agents.extend(
                test_plan
                    .agents
                    .into_iter()
                    .filter(|agent| agent.user == *user),
            );
        }
        ["turns", "agents", "round"] => plan.agents.reverse(),
        ["loses", "queue", name] => {
            let at = plan
                .queues
                .iter()
                .position(|queue| queue.name == *name)
                .unwrap();
            plan.queues.remove(at);
            // A checked configuration has no way into a queue that does not exist.
            plan.routes
                .retain(|route| !matches!(route.kind, crate::RouteKind::Queue { .. }));
            for node in plan.flows.iter_mut().flat_map(|flow| &mut flow.nodes) {
                if let crate::NodeKind::Enqueue { queue, .. } = &mut node.kind {
                    *queue = match usize::from(queue.0) {
                        before if before < at => *queue,
                        same if same == at => QueueId(0),
                        _ => QueueId(queue.0 - 1),
                    };
                }
            }
        }
        ["loses", "flow"] => {
            plan.flows.clear();
            plan.routes
                .retain(|route| !matches!(route.kind, crate::RouteKind::Flow(_)));
        }
        ["loses", "node", name] => {
            let node = plan.flows[0]
                .nodes
                .iter_mut()
                .find(|node| node.name == *name)
                .unwrap();
            node.name = "renamed".to_string();
        }
        ["gives", "mai", "child"] => {
            plan.agents
                .iter_mut()
                .find(|agent| agent.user == "mai")
                .unwrap()
                .services
                .insert(crate::ServiceId(0), crate::Level::BEST);
        }
        ["loses", "queues"] => {
            plan.queues.clear();
            plan.flows.clear();
            plan.routes.clear();
        }
        _ => panic!("change {change:?}"),
    }
    // A checked configuration has no number for somebody who does not exist.
    let has_lan = plan.agents.iter().position(|agent| agent.user == "lan");
    plan.routes
        .retain(|route| !matches!(route.kind, crate::RouteKind::Agent(_)) || has_lan.is_some());
    for route in &mut plan.routes {
        if let crate::RouteKind::Agent(agent) = &mut route.kind {
            *agent = AgentId(has_lan.unwrap() as u32);
        }
    }
    plan
}

#[test]
fn a_counsellor_who_vanishes_while_talking_finishes_the_call() {
    check(
        "0 lan is reachable
         0 hoa is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 plan loses agent lan
         9 c1 hangs up
         10 c2 dials 111
         11 c2 presses 1",
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
            2.0   > lan answers
            2.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            2.0     lan: talking with c1 (answer)
            2.0     c1: <- connect lan
            3.0   > plan loses agent lan
            9.0   > c1 hangs up
            9.0     lan: <- hang up, CallerGone | signed out (call_over)
            9.0     c1: ended by Caller, NormalClearing
            10.0  > c2 dials 111
            10.0    c2: ***78 from trunk viettel to 111 = entry | <- answer
            10.0    c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            11.0  > c2 presses 1
            11.0    c2: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to hoa
            11.0    hoa: offered c2 (offer) | <- ring
        "#]],
    );
}

#[test]
fn a_counsellor_who_vanishes_while_rung_is_rung_no_more() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         1 c1 presses 1
         2 hoa is reachable
         3 plan loses agent lan
         4 hoa answers
         9 plan regains agent lan
         10 lan is reachable",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            1.0     lan: offered c1 (offer) | <- ring
            2.0   > hoa is reachable
            2.0     hoa: ready (registered)
            3.0   > plan loses agent lan
            3.0     lan: <- hang up, CallerGone
            3.0     c1: offer to lan ended, Withdrawn
            3.0     lan: signed out (removed)
            3.0     c1: offered to hoa
            3.0     hoa: offered c1 (offer) | <- ring
            4.0   > hoa answers
            4.0     c1: offer to hoa ended, Answered | joined with hoa | notice heard, None
            4.0     hoa: talking with c1 (answer)
            4.0     c1: <- connect hoa
            9.0   > plan regains agent lan
            10.0  > lan is reachable
            10.0    lan: ready (registered)
        "#]],
    );
}

#[test]
fn numbers_of_counsellors_may_change_under_a_talk() {
    check(
        "0 lan is reachable
         0 mai is reachable
         0 mai signs in
         0 c1 dials 111
         1 c1 presses 1
         2 lan answers
         3 plan turns agents round
         4 c2 dials 18001567
         5 mai answers
         6 c1 hangs up
         20 c2 hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > mai is reachable
            0.0   > mai signs in
            0.0     mai: ready (request)
            0.0     reply: done
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
            3.0   > plan turns agents round
            4.0   > c2 dials 18001567
            4.0     c2: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            4.0     c2: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to mai
            4.0     mai: offered c2 (offer) | <- ring
            5.0   > mai answers
            5.0     c2: offer to mai ended, Answered | joined with mai | notice heard, None
            5.0     mai: talking with c2 (answer)
            5.0     c2: <- connect mai
            6.0   > c1 hangs up
            6.0     lan: <- hang up, CallerGone | wrap-up of c1 (call_over)
            6.0     c1: ended by Caller, NormalClearing
            16.0    lan: ready (wrap_up_over)
            20.0  > c2 hangs up
            20.0    mai: <- hang up, CallerGone | wrap-up of c2 (call_over)
            20.0    c2: ended by Caller, NormalClearing
        "#]],
    );
}

#[test]
fn callers_of_a_vanished_queue_keep_their_place_in_the_first_one() {
    check(
        "0 c1 dials 111
         1 c1 presses 1
         2 c2 dials 111
         3 c2 presses 0
         4 plan loses queue child
         5 lan is reachable
         6 lan answers",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            1.0     ALARM: nobody is signed in for c1
            2.0   > c2 dials 111
            2.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            2.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            3.0   > c2 presses 0
            3.0     c2: key 0 at entry | at person | queued in general for any, head start 30 | <- bed Music | <- say through nav.human
            3.0     ALARM: nobody is signed in for c2
            4.0   > plan loses queue child
            4.0     ALARM: nobody is signed in for c1 | nobody is signed in for c2
            5.0   > lan is reachable
            5.0     lan: ready (registered)
            5.0     c1: offered to lan
            5.0     lan: offered c1 (offer) | <- ring
            6.0   > lan answers
            6.0     c1: offer to lan ended, Answered | joined with lan | notice heard, Partial(1000)
            6.0     lan: talking with c1 (answer)
            6.0     c1: <- connect lan
        "#]],
    );
}

#[test]
fn callers_of_a_vanished_flow_go_to_the_first_queue_and_of_a_vanished_node_to_the_fallback() {
    check(
        "0 c1 dials 111
         1 plan loses node entry
         2 c2 dials 111
         3 plan loses flow",
        expect![[r#"
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > plan loses node entry
            1.0     c1: at no_key | queued in general for any, head start 0 | <- bed Music
            1.0     ALARM: nobody is signed in for c1
            2.0   > c2 dials 111
            2.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            2.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at renamed | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            3.0   > plan loses flow
            3.0     c2: queued in general for any, head start 0 | <- bed Music | <- stop play
            3.0     ALARM: nobody is signed in for c1 | nobody is signed in for c2
        "#]],
    );
}

#[test]
fn a_new_skill_finds_its_caller_at_once() {
    check(
        "0 mai is reachable
         0 mai signs in
         0 c1 dials 111
         1 c1 presses 1
         2 plan gives mai child",
        expect![[r#"
            0.0   > mai is reachable
            0.0   > mai signs in
            0.0     mai: ready (request)
            0.0     reply: done
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            1.0   > c1 presses 1
            1.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            1.0     ALARM: nobody is signed in for c1
            2.0   > plan gives mai child
            2.0     c1: offered to mai
            2.0     mai: offered c1 (offer) | <- ring
        "#]],
    );
}

#[test]
fn a_direct_caller_of_a_vanished_counsellor_and_callers_without_any_queue_end_kindly() {
    check(
        "0 lan is reachable
         0 c1 dials 111
         0 c1 presses 1
         1 lan answers
         2 c2 dials 701
         3 c3 dials 111
         4 c3 presses 1
         5 plan loses agent lan
         6 plan loses queues
         20 c1 hangs up",
        expect![[r#"
            0.0   > lan is reachable
            0.0     lan: ready (registered)
            0.0   > c1 dials 111
            0.0     c1: ***78 from trunk viettel to 111 = entry | <- answer
            0.0     c1: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            0.0   > c1 presses 1
            0.0     c1: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record | offered to lan
            0.0     lan: offered c1 (offer) | <- ring
            1.0   > lan answers
            1.0     c1: offer to lan ended, Answered | joined with lan | notice heard, None
            1.0     lan: talking with c1 (answer)
            1.0     c1: <- connect lan
            2.0   > c2 dials 701
            2.0     c2: ***78 from trunk viettel to 701 = agent | <- answer
            2.0     c2: answered | speaks vi | <- bed Music | queued in agent for any, head start 0
            3.0   > c3 dials 111
            3.0     c3: ***78 from trunk viettel to 111 = entry | <- answer
            3.0     c3: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            4.0   > c3 presses 1
            4.0     c3: key 1 at entry | at child | queued in child for child, head start 120 | <- bed Music | <- say through svc.child_ok greet.record
            5.0   > plan loses agent lan
            5.0     ALARM: nobody is signed in for c3
            6.0   > plan loses queues
            6.0     c3: <- say through sys.down
            10.0    c3: notice heard, None | ended by System, Unreachable | <- hang up, Unreachable
            20.0  > c1 hangs up
            20.0    lan: <- hang up, CallerGone | signed out (call_over)
            20.0    c1: ended by Caller, NormalClearing
            20.0    c2: ended by System, Unreachable | <- hang up, Unreachable
        "#]],
    );
}
