//! What the ledger makes of the facts: times, rows, fates.

use super::plan::test_plan;
use super::script::happen;
use super::world::{START, World};
use crate::{
    CallId, CallRecord, CallerNumber, Cause, EdgeFact, EndedBy, Fact, Fate, Keep, Ledger, LegId,
    LegQuality, LegRating, Mono, Now, OfferOutcome, RecordingState, Standing, Wall,
};
use std::{collections::BTreeSet, format, string::ToString, vec};

/// Plays a script and returns the record of its first call.
fn record(script: &str) -> CallRecord {
    let mut world = World::new(test_plan());
    for line in script.lines().map(str::trim) {
        let (at, what) = line.split_once(' ').unwrap();
        world.run_until(START.plus_millis((at.parse::<f64>().unwrap() * 1_000.0).round() as u64));
        happen(&mut world, what);
    }
    world.ledger.calls.values().next().unwrap().clone()
}

fn fate(script: &str) -> &'static str {
    record(script).fate(10_000).map_or("open", Fate::code)
}

#[test]
fn every_time_of_a_call_is_kept() {
    let record = record(
        "0 lan is reachable
         1 c1 dials 111
         2 c1 presses 4
         3 c1 presses 1
         5 lan answers
         9 lan is lost
         12 lan answers
         20 c1 hangs up",
    );
    let at_ms = |moment: crate::Moment| moment.mono.millis_since(START);
    assert_eq!(at_ms(record.arrived), 1_000);
    assert_eq!(record.answered.map(at_ms), Some(1_000));
    assert_eq!(record.first_key.map(at_ms), Some(2_000));
    assert_eq!(record.queued.map(at_ms), Some(3_000));
    assert_eq!(record.offered.map(at_ms), Some(3_000));
    assert_eq!(record.joined.map(at_ms), Some(5_000));
    assert_eq!(record.ended.map(at_ms), Some(20_000));
    assert_eq!(
        (record.wait_ms, record.talk_ms),
        (2_000 + 3_000, 4_000 + 8_000)
    );
    assert_eq!((record.offers, record.rona, record.agents_lost), (2, 0, 1));
    assert_eq!(
        record
            .path
            .iter()
            .map(|press| (press.key.key(), press.at_ms))
            .collect::<vec::Vec<_>>(),
        [('4', 1_000), ('1', 2_000)]
    );
    assert_eq!(record.language.as_deref(), Some("en"));
    assert_eq!(record.service.as_deref(), Some("child"));
    assert_eq!(record.queue.as_deref(), Some("child"));
    assert_eq!(record.last_node.as_deref(), Some("child"));
    assert_eq!(record.agent.as_deref(), Some("lan"));
    assert_eq!(
        (record.ended_by, record.cause),
        (Some(EndedBy::Caller), Some(Cause::NormalClearing))
    );
    assert_eq!(record.recording, RecordingState::Made);
}

#[test]
fn every_call_has_its_fate() {
    assert_eq!(fate("0 c1 dials 111\n9 is over"), "open");
    assert_eq!(fate("0 c1 dials 111\n9 c1 hangs up"), "A_GREET");
    assert_eq!(fate("0 c1 dials 111\n11 c1 hangs up"), "A_IVR");
    assert_eq!(
        fate("0 c1 dials 111\n1 c1 presses 3\n2 c1 hangs up"),
        "A_IVR"
    );
    assert_eq!(
        fate("0 c1 dials 111\n1 c1 presses 3\n2 c1 presses 1\n13 c1 hangs up"),
        "S_INFO"
    );
    assert_eq!(
        fate("0 c1 dials 111\n1 c1 presses 1\n10.9 c1 hangs up"),
        "A_QUEUE_SHORT"
    );
    assert_eq!(
        fate("0 c1 dials 111\n1 c1 presses 1\n11 c1 hangs up"),
        "A_QUEUE"
    );
    assert_eq!(
        fate("0 lan is reachable\n0 c1 dials 111\n1 c1 presses 1\n2 lan answers\n3 lan hangs up"),
        "H_UNCODED"
    );
    assert_eq!(
        fate("0 lan is reachable\n0 c1 dials 111\n1 c1 presses 1\n2 lan answers\n3 restart 1"),
        "F_SYSTEM"
    );
    assert_eq!(fate("0 c1 dials 111\n1 drain 0\n9 is over"), "F_SYSTEM");
    assert_eq!(fate("0 drain 60\n0 c1 dials 111"), "X_REJECT");
    assert_eq!(fate("0 c1 dials 701"), "X_REJECT");
    assert_eq!(
        fate("0 ups are late\n0 c1 dials 111\n0 c1 finds no port"),
        "X_REJECT"
    );
    assert_eq!(
        fate("0 ups are late\n0 c1 dials 111\n41 is over"),
        "F_SYSTEM"
    );
    assert_eq!(
        fate("0 c1 dials 111\n1 c1 presses 1\n2 c1 finds no port"),
        "F_SYSTEM"
    );
}

#[test]
fn a_fate_code_belongs_to_one_fate() {
    let all = [
        Fate::AbandonedGreeting,
        Fate::AbandonedMenu,
        Fate::AbandonedQueue,
        Fate::AbandonedQueueShort,
        Fate::CutBySystem,
        Fate::HandledCase,
        Fate::HandledCounsel,
        Fate::HandledInfo,
        Fate::HandledNon,
        Fate::HandledUncoded,
        Fate::CallbackWanted,
        Fate::MessageLeft,
        Fate::Rejected,
        Fate::SelfServed,
    ];
    let codes: BTreeSet<&str> = all.iter().map(|fate| fate.code()).collect();
    assert_eq!(codes.len(), all.len());
}

const CALL: CallId = CallId(1);
const LEG: LegId = LegId(2);

fn now(seconds: u64) -> Now {
    Now {
        mono: Mono(seconds * 1_000_000),
        wall: Wall(seconds as i64 * 1_000),
    }
}

fn arrived(call: CallId, leg: LegId) -> Fact {
    Fact::Arrived {
        call,
        leg,
        caller: CallerNumber::default(),
        dialled: "111".to_string(),
        origin: "viettel".to_string(),
        is_from_trunk: true,
        route: "entry".to_string(),
        is_counted: true,
    }
}

fn ended(call: CallId) -> Fact {
    Fact::Ended {
        call,
        by: EndedBy::Caller,
        cause: Cause::NormalClearing,
    }
}

fn quality(leg: LegId) -> EdgeFact {
    EdgeFact::Quality {
        leg,
        quality: LegQuality {
            received: 7,
            ..LegQuality::default()
        },
    }
}

/// A ledger with one answered, recorded call that has talked with Lan on leg 3.
fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    let lan = || "lan".to_string();
    let facts = [
        arrived(CALL, LEG),
        Fact::Answered { call: CALL },
        Fact::Recording {
            call: CALL,
            state: RecordingState::Made,
        },
        Fact::Offered {
            call: CALL,
            agent: lan(),
            leg: LegId(3),
        },
        Fact::OfferEnded {
            call: CALL,
            agent: lan(),
            outcome: OfferOutcome::Answered,
        },
        Fact::Joined {
            call: CALL,
            agent: lan(),
        },
    ];
    for fact in facts {
        assert_eq!(ledger.apply(now(1), &fact), None);
    }
    ledger
}

#[test]
fn late_facts_of_the_edge_write_the_row_again_until_all_is_known() {
    let mut ledger = ledger();
    assert_eq!(ledger.apply(now(9), &ended(CALL)), Some(CALL));
    let rated = EdgeFact::Rated {
        leg: LEG,
        rating: LegRating {
            mean_opinion: 431,
            ..LegRating::default()
        },
    };
    assert_eq!(ledger.apply_edge(now(10), &rated), Some(CALL));
    assert_eq!(ledger.apply_edge(now(10), &quality(LEG)), Some(CALL));
    assert_eq!(ledger.apply_edge(now(11), &quality(LegId(3))), Some(CALL));
    let closed = EdgeFact::RecordingClosed {
        call: CALL,
        length_ms: 8_000,
    };
    assert_eq!(ledger.apply_edge(now(12), &closed), Some(CALL));
    let record = &ledger.calls[&CALL];
    assert_eq!(
        record.caller_quality.map(|quality| quality.received),
        Some(7)
    );
    assert_eq!(
        record.agent_quality.map(|quality| quality.received),
        Some(7)
    );
    assert_eq!(
        record.caller_rating.map(|rating| rating.mean_opinion),
        Some(431)
    );
    assert_eq!(record.agent_rating, None);
    assert_eq!(record.recording_ms, Some(8_000));
    // All is known: the next frame forgets it.
    ledger.apply(
        now(13),
        &Fact::Started {
            version: "1".to_string(),
        },
    );
    assert!(ledger.calls.is_empty() && ledger.legs.is_empty());
}

#[test]
fn what_never_comes_is_not_waited_for_longer_than_a_minute() {
    let mut ledger = ledger();
    ledger.apply(now(9), &ended(CALL));
    ledger.apply_edge(now(68), &EdgeFact::JournalGap);
    assert!(ledger.calls.contains_key(&CALL));
    assert!(!ledger.calls[&CALL].has_journal_gap, "it had ended");
    ledger.apply_edge(now(69), &EdgeFact::JournalGap);
    assert!(ledger.calls.is_empty() && ledger.legs.is_empty());
    assert_eq!(ledger.apply_edge(now(70), &quality(LEG)), None);
}

#[test]
fn a_second_end_changes_nothing() {
    let mut ledger = ledger();
    ledger.apply(now(9), &ended(CALL));
    let before = ledger.calls[&CALL].clone();
    ledger.apply(
        now(9),
        &Fact::Ended {
            call: CALL,
            by: EndedBy::System,
            cause: Cause::Crash,
        },
    );
    assert_eq!(ledger.calls[&CALL], before);
    assert_eq!(ledger.lingering.len(), 1);
}

#[test]
fn over_a_restart_durations_are_wall_time_and_never_negative() {
    let mut ledger = ledger();
    // The machine came back with its monotonic clock at 0 and the wall a minute on.
    let later = Now {
        mono: Mono(5),
        wall: Wall(61_000),
    };
    ledger.apply(
        later,
        &Fact::Started {
            version: "2".to_string(),
        },
    );
    ledger.apply(
        later,
        &Fact::Ended {
            call: CALL,
            by: EndedBy::System,
            cause: Cause::Crash,
        },
    );
    assert_eq!(ledger.calls[&CALL].talk_ms, 60_000);

    let mut ledger = self::ledger();
    let earlier = Now {
        mono: Mono(5),
        wall: Wall(-3_600_000),
    };
    ledger.apply(
        earlier,
        &Fact::Started {
            version: "2".to_string(),
        },
    );
    ledger.apply(earlier, &ended(CALL));
    assert_eq!(ledger.calls[&CALL].talk_ms, 0);
}

#[test]
fn facts_about_unknown_calls_change_nothing_but_the_time() {
    let mut ledger = Ledger::default();
    ledger.apply(now(1), &ended(CALL));
    ledger.apply(now(1), &Fact::Answered { call: CALL });
    ledger.apply(
        now(1),
        &Fact::Offered {
            call: CALL,
            agent: "lan".to_string(),
            leg: LEG,
        },
    );
    ledger.apply_edge(
        now(1),
        &EdgeFact::Diverted {
            leg: LEG,
            values: vec![CallerNumber::new("x".to_string())],
        },
    );
    assert!(ledger.calls.is_empty() && ledger.legs.is_empty() && ledger.lingering.is_empty());
}

#[test]
fn what_the_edge_keeps_is_kept_until_it_is_dropped() {
    let mut ledger = Ledger::default();
    let keep = |value| {
        EdgeFact::Keep(Keep {
            table: 1,
            key: vec![7],
            value,
        })
    };
    ledger.apply_edge(now(1), &keep(Some(vec![8])));
    assert_eq!(ledger.kept.get(&(1, vec![7])), Some(&vec![8]));
    ledger.apply_edge(now(2), &keep(None));
    assert!(ledger.kept.is_empty());
}

#[test]
fn a_journal_gap_marks_open_calls_and_diversions_are_kept() {
    let mut ledger = ledger();
    ledger.apply_edge(now(2), &EdgeFact::JournalGap);
    ledger.apply_edge(
        now(2),
        &EdgeFact::Diverted {
            leg: LEG,
            values: vec![CallerNumber::new("<tel:113>".to_string()); 99],
        },
    );
    assert!(ledger.calls[&CALL].has_journal_gap);
    assert_eq!(ledger.calls[&CALL].diverted.len(), 16);
}

#[test]
fn a_leg_number_used_again_after_a_restart_belongs_to_the_new_call() {
    let mut ledger = ledger();
    ledger.apply(now(9), &ended(CALL));
    ledger.apply(now(10), &arrived(CallId(2), LEG));
    ledger.apply(now(80), &Fact::Answered { call: CallId(2) });
    assert_eq!(ledger.legs.get(&LEG), Some(&CallId(2)));
    assert!(!ledger.calls.contains_key(&CALL));
}

#[test]
fn states_of_counsellors_are_the_last_ones() {
    let mut ledger = Ledger::default();
    for (at, standing) in [(1, Standing::Ready), (2, Standing::SignedOut)] {
        let fact = Fact::AgentState {
            agent: "lan".to_string(),
            standing,
            why: "request".to_string(),
        };
        ledger.apply(now(at), &fact);
    }
    assert_eq!(ledger.agents["lan"].standing, Standing::SignedOut);
    assert_eq!(ledger.agents["lan"].since.mono, Mono(2_000_000));
}

#[test]
fn every_cause_has_a_label_and_texts_of_its_own() {
    let unique = |of: fn(Cause) -> &'static str| {
        Cause::ALL
            .map(of)
            .into_iter()
            .collect::<BTreeSet<_>>()
            .len()
    };
    for of in [Cause::label, Cause::text_vi, Cause::text_en] {
        assert_eq!(unique(of), Cause::ALL.len());
    }
}

#[test]
fn numbers_that_a_call_was_meant_for_are_not_printed() {
    let fact = EdgeFact::Diverted {
        leg: LegId(2),
        values: vec![CallerNumber::new("<sip:+84912345678@carrier>".to_string())],
    };
    assert_eq!(
        format!("{fact:?}"),
        "Diverted { leg: LegId(2), values: [***r>] }"
    );
    let mut ledger = ledger();
    let leg = ledger.calls[&CALL].caller_leg;
    let EdgeFact::Diverted { values, .. } = fact else {
        unreachable!()
    };
    ledger.apply_edge(now(2), &EdgeFact::Diverted { leg, values });
    let record = &ledger.calls[&CALL];
    assert_eq!(record.diverted.len(), 1);
    assert!(!format!("{record:?}").contains("912345678"));
}
