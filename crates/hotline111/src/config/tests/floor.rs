//! Counsellors' skills and shifts, centres and their area codes, who is on call.

use super::*;
use crate::config::areas;
use expect_test::expect;
use hotline_core::{AtMax, CentreId, LanguageId, Level, ServiceId, WrapUp};

const SHIFT: &str = r#"[languages]
offered = ["vi", "en"]
[centre.hanoi]
[centre.danang]
[reason.meal]
max = "45min"
ready_again = true
[[trunk]]
name = "viettel"
sources = ["10.0.0.1"]
[[route]]
dialled = "0236111"
queue = "child"
centre = "danang"
[[route]]
dialled = "9111"
queue = "child"
training = true
[[mobile]]
name = "nga"
number = "0912345678"
trunks = ["viettel"]
languages = ["vi:2"]
[[agent]]
user = "tv01"
languages = ["vi", "en:3"]
services = ["child:2"]
hard_calls_max = 3
wrap_up_until_done = true
[[agent]]
user = "tv02"
centre = "danang"
training = true
reserve = true
wrap_up = "0s"
"#;

#[test]
fn a_counsellor_has_levels_limits_and_a_centre() {
    let loaded = load_files(&format!("{MAIN}{SHIFT}"), &[], &options()).unwrap();
    let plan = &loaded.plan;
    let [first, second] = plan.agents.as_slice() else {
        panic!("{:?}", plan.agents);
    };
    assert_eq!(
        first.languages,
        [(LanguageId(0), Level(1)), (LanguageId(1), Level(3))].into()
    );
    assert_eq!(first.services, [(ServiceId(0), Level(2))].into());
    assert_eq!(
        (first.hard_calls_max, first.wrap_up),
        (Some(3), WrapUp::UntilDone)
    );
    assert_eq!((second.centre, second.wrap_up), (CentreId(1), WrapUp::None));
    assert!(second.is_in_training && second.is_reserve && !first.is_in_training);
}

#[test]
fn reasons_routes_and_those_on_call_are_read() {
    let loaded = load_files(&format!("{MAIN}{SHIFT}"), &[], &options()).unwrap();
    let plan = &loaded.plan;
    let meal = plan.reason("meal").unwrap();
    assert_eq!((meal.max_ms, meal.at_max), (Some(2_700_000), AtMax::Ready));
    assert_eq!(plan.reason("break").unwrap().max_ms, None);
    assert_eq!(plan.routes[0].centre, Some(CentreId(1)));
    assert!(plan.routes[1].is_training && plan.routes[1].centre.is_none());
    let nga = &plan.mobiles[0];
    assert_eq!((nga.name.as_str(), nga.trunks.len()), ("nga", 1));
    assert_eq!(nga.languages, [(LanguageId(0), Level(2))].into());
    assert!(plan.mobile_accept.is_some());
    let widening = plan.queues[0].widening;
    assert_eq!(
        (
            widening.everywhere_ms,
            widening.anybody_ms,
            widening.mobiles_ms,
            widening.alarm_ms
        ),
        (20_000, Some(40_000), Some(90_000), Some(180_000))
    );
}

#[test]
fn what_is_wrong_with_them_is_told() {
    expect![[r#"
        hotline111.toml:3:9: error: there is no reason `siesta`
            3 | [reason.siesta]
              |         ^^^^^^
        hotline111.toml:8:10: error: there is no centre `danang`
            8 | centre = "danang"
              |          ^^^^^^^^
        hotline111.toml:12:11: error: there is no trunk `viettel`
           12 | trunks = ["viettel"]
              |           ^^^^^^^^^
        hotline111.toml:15:14: error: `vi:0` must be between 1 and 9, not `vi:0`
           15 | languages = ["vi:0"]
              |              ^^^^^^
        hotline111.toml:16:13: error: `child:x` must be between 1 and 9, not `child:x`
           16 | services = ["child:x"]
              |             ^^^^^^^^^
    "#]]
    .assert_eq(&faults(
        &format!(
            "{MAIN}{}",
            r#"[reason.siesta]
max = "45min"
[[route]]
dialled = "0236111"
queue = "child"
centre = "danang"
[[mobile]]
name = "nga"
number = "0912345678"
trunks = ["viettel"]
[[agent]]
user = "tv01"
languages = ["vi:0"]
services = ["child:x"]
"#
        ),
        &[],
    ));
}

#[test]
fn every_area_code_has_its_centre() {
    let rules = areas::rules();
    assert_eq!(rules.len(), 63);
    let of = |number: &str| {
        let rule = rules.iter().find(|rule| number.starts_with(&rule.begins));
        rule.map(|rule| rule.region.as_str())
    };
    assert_eq!(of("+842438221234"), Some("hanoi"));
    assert_eq!(of("+842363822123"), Some("danang"));
    assert_eq!(of("+842963822123"), Some("angiang"));
    assert_eq!(of("+842838221234"), Some("angiang"));
    assert_eq!(of("+84912345678"), None, "a mobile telephone has no area");
}

#[test]
fn words_for_counsellors_are_found_when_a_queue_wants_them() {
    let quiet = load_files(MAIN, &[], &options()).unwrap();
    assert_eq!(quiet.plan.announcement.urgent, None);
    let queues = std::fs::read_to_string(repository().join("config/queues.toml")).unwrap();
    let loud = queues.replace("urgent = true\n", "urgent = true\nannounce = true\n");
    let main = format!("{MAIN}[languages]\noffered = [\"vi\", \"en\"]\n");
    let loaded = load_files(&main, &[("queues.toml", &loud)], &options()).unwrap();
    let announcement = &loaded.plan.announcement;
    assert!(announcement.urgent.is_some() && announcement.again.is_some());
    assert_eq!(announcement.services.len(), 2);
    assert!(
        announcement.languages.contains_key(&LanguageId(1)),
        "English is said"
    );
}
