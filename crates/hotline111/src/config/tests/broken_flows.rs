//! Broken flows and exactly what is said of them.

use super::*;
use expect_test::expect;

/// A small good flow; each test changes some of its lines.
const FLOW: &str = r#"start = "menu"
person = "waiting"
fallback = "waiting"

[node.menu]
kind = "menu"
say = ["info.menu"]
no_key = "waiting"
wrong_key = { say = ["err.invalid"], then = "waiting" }
[node.menu.keys]
1 = "waiting"
2 = "clip"
3 = "bye"

[node.clip]
kind = "play"
information = true
say = ["info.about"]
then = "waiting" # clip

[node.waiting]
kind = "queue"
queue = "general"
say = ["svc.default"]

[node.bye]
kind = "hang_up"
say = ["nuis.abuse_end"]
"#;

/// The faults of the flow after these replacements.
fn flow_faults(changes: &[(&str, &str)]) -> String {
    let mut flow = FLOW.to_owned();
    for (from, to) in changes {
        assert!(flow.contains(from), "{from}");
        flow = flow.replacen(from, to, 1);
    }
    let main = format!(
        "{MAIN}[languages]\noffered = [\"vi\", \"en\"]\n[ivr.switch]\ninformation = true\n[centre.hanoi]\n[[route]]\ndialled = \"111\"\nflow = \"small\"\n"
    );
    faults(&main, &[("ivr/small.toml", &flow)])
}

#[test]
fn a_good_flow_has_no_fault() {
    expect![[""]].assert_eq(&flow_faults(&[]));
}

#[test]
fn a_target_that_does_not_exist() {
    expect![[r#"
        ivr/small.toml:8:10: error: there is no node `waitin`
            8 | no_key = "waitin"
              |          ^^^^^^^^
              = did you mean `waiting`?
    "#]]
    .assert_eq(&flow_faults(&[(
        r#"no_key = "waiting""#,
        r#"no_key = "waitin""#,
    )]));
}

#[test]
fn start_person_and_fallback_exist_and_are_given() {
    expect![[r#"
        ivr/small.toml:1:1: error: `start` is missing in [ivr.small]
            1 | person = "wating"
              | ^
        ivr/small.toml:1:10: error: there is no node `wating`
            1 | person = "wating"
              |          ^^^^^^^^
              = did you mean `waiting`?
    "#]]
    .assert_eq(&flow_faults(&[
        (
            r#"start = "menu"
"#,
            r#""#,
        ),
        (r#"person = "waiting""#, r#"person = "wating""#),
    ]));
}

#[test]
fn person_and_fallback_are_queues() {
    expect![[r#"
        ivr/small.toml:2:10: error: `person` must lead to a node of kind "queue", and `menu` is none
            2 | person = "menu"
              |          ^^^^^^
        ivr/small.toml:3:12: error: `fallback` must lead to a node of kind "queue", and `clip` is none
            3 | fallback = "clip"
              |            ^^^^^^
    "#]].assert_eq(&flow_faults(&[(r#"person = "waiting""#, r#"person = "menu""#), (r#"fallback = "waiting""#, r#"fallback = "clip""#)]));
}

#[test]
fn the_start_does_not_hang_up() {
    expect![[r#"
        ivr/small.toml:1:9: error: the flow starts with node `bye`, which hangs up
            1 | start = "bye"
              |         ^^^^^
        ivr/small.toml:5:7: error: no caller can get to node `menu`
            5 | [node.menu]
              |       ^^^^
        ivr/small.toml:15:7: error: no caller can get to node `clip`
           15 | [node.clip]
              |       ^^^^
    "#]]
    .assert_eq(&flow_faults(&[(r#"start = "menu""#, r#"start = "bye""#)]));
}

#[test]
fn nodes_that_nobody_gets_to() {
    expect![[r#"
        ivr/small.toml:14:7: error: no caller can get to node `clip`
           14 | [node.clip]
              |       ^^^^
        ivr/small.toml:25:7: error: no caller can get to node `lost`
           25 | [node.lost]
              |       ^^^^
    "#]]
    .assert_eq(&flow_faults(&[
        (
            r#"2 = "clip"
"#,
            r#""#,
        ),
        (
            r#"[node.bye]"#,
            r#"[node.lost]
kind = "play"
say = ["info.about"]
then = "waiting"
[node.bye]"#,
        ),
    ]));
}

#[test]
fn a_circle_without_a_key() {
    expect![[r#"
        ivr/small.toml:15:7: error: these nodes lead in a circle without a key: clip → clip2
           15 | [node.clip]
              |       ^^^^
    "#]]
    .assert_eq(&flow_faults(&[
        (r#"then = "waiting" # clip"#, r#"then = "clip2""#),
        (
            r#"[node.bye]"#,
            r#"[node.clip2]
kind = "play"
say = []
then = "clip"
[node.bye]"#,
        ),
    ]));
}

#[test]
fn silence_does_not_end_in_a_hang_up() {
    expect![[r#"
        ivr/small.toml:26:7: error: a caller who presses nothing is hung up on at node `bye`: lead to a queue instead
           26 | [node.bye]
              |       ^^^
    "#]].assert_eq(&flow_faults(&[(r#"no_key = "waiting""#, r#"no_key = "bye""#)]));
}

#[test]
fn a_menu_has_keys_and_they_are_keys() {
    expect![[r#"
        ivr/small.toml:5:7: error: menu `menu` has no keys; use kind = "play"
            5 | [node.menu]
              |       ^^^^
        ivr/small.toml:11:1: error: `keys` wants a key of the telephone: 0-9, *, #, not "12"
           11 | 12 = "clip"
              | ^^
        ivr/small.toml:12:1: error: `keys` wants a key of the telephone: 0-9, *, #, not "x"
           12 | x = "bye"
              | ^
        ivr/small.toml:14:7: error: no caller can get to node `clip`
           14 | [node.clip]
              |       ^^^^
        ivr/small.toml:25:7: error: no caller can get to node `bye`
           25 | [node.bye]
              |       ^^^
    "#]]
    .assert_eq(&flow_faults(&[(
        r#"[node.menu.keys]
1 = "waiting"
2 = "clip"
3 = "bye"
"#,
        r#"[node.menu.keys]
12 = "clip"
x = "bye"
"#,
    )]));
}

#[test]
fn a_menu_without_keys() {
    expect![[r#"
        ivr/small.toml:5:7: error: menu `menu` has no keys; use kind = "play"
            5 | [node.menu]
              |       ^^^^
        ivr/small.toml:11:7: error: no caller can get to node `clip`
           11 | [node.clip]
              |       ^^^^
        ivr/small.toml:22:7: error: no caller can get to node `bye`
           22 | [node.bye]
              |       ^^^
    "#]]
    .assert_eq(&flow_faults(&[(
        r#"[node.menu.keys]
1 = "waiting"
2 = "clip"
3 = "bye"
"#,
        r#""#,
    )]));
}

#[test]
fn prompts_exist_and_have_a_clip() {
    expect![[r#"
        ivr/small.toml:7:8: error: there is no prompt `info.menus`
            7 | say = ["info.menus", "agent.lang", 5, { prompt = "info.about", switch = "informations" }, { slot = 9 }, { slot = 5, prompt = "info.menu" }, {}]
              |        ^^^^^^^^^^^^
              = did you mean `info.menu`?
        ivr/small.toml:7:22: error: prompt `agent.lang` has no clip in language `vi`
            7 | say = ["info.menus", "agent.lang", 5, { prompt = "info.about", switch = "informations" }, { slot = 9 }, { slot = 5, prompt = "info.menu" }, {}]
              |                      ^^^^^^^^^^^^
        ivr/small.toml:7:36: error: `say` wants a prompt's name, { prompt = … }, { slot = 5 } or { open_languages = true }, not 5
            7 | say = ["info.menus", "agent.lang", 5, { prompt = "info.about", switch = "informations" }, { slot = 9 }, { slot = 5, prompt = "info.menu" }, {}]
              |                                    ^
        ivr/small.toml:7:73: error: there is no switch `informations`
            7 | say = ["info.menus", "agent.lang", 5, { prompt = "info.about", switch = "informations" }, { slot = 9 }, { slot = 5, prompt = "info.menu" }, {}]
              |                                                                         ^^^^^^^^^^^^^^
              = did you mean `information`?
        ivr/small.toml:7:100: error: `slot` must be between 5 and 7, not 9
            7 | say = ["info.menus", "agent.lang", 5, { prompt = "info.about", switch = "informations" }, { slot = 9 }, { slot = 5, prompt = "info.menu" }, {}]
              |                                                                                                    ^
        ivr/small.toml:7:105: error: `say` wants exactly one of `prompt`, `slot`, `open_languages`
            7 | say = ["info.menus", "agent.lang", 5, { prompt = "info.about", switch = "informations" }, { slot = 9 }, { slot = 5, prompt = "info.menu" }, {}]
              |                                                                                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        ivr/small.toml:7:141: error: `say` wants exactly one of `prompt`, `slot`, `open_languages`
            7 | say = ["info.menus", "agent.lang", 5, { prompt = "info.about", switch = "informations" }, { slot = 9 }, { slot = 5, prompt = "info.menu" }, {}]
              |                                                                                                                                             ^^
    "#]].assert_eq(&flow_faults(&[(r#"say = ["info.menu"]"#, r#"say = ["info.menus", "agent.lang", 5, { prompt = "info.about", switch = "informations" }, { slot = 9 }, { slot = 5, prompt = "info.menu" }, {}]"#)]));
}

#[test]
fn queue_service_and_kind_exist() {
    expect![[r#"
        ivr/small.toml:16:8: error: there is no kind `plai`
           16 | kind = "plai"
              |        ^^^^^^
              = did you mean `play`?
        ivr/small.toml:23:9: error: there is no queue `generall`
           23 | queue = "generall"
              |         ^^^^^^^^^^
              = did you mean `general`?
        ivr/small.toml:24:11: error: there is no service `childs`
           24 | service = "childs"
              |           ^^^^^^^^
              = did you mean `child`?
    "#]]
    .assert_eq(&flow_faults(&[
        (
            r#"queue = "general""#,
            r#"queue = "generall"
service = "childs""#,
        ),
        (r#"kind = "play""#, r#"kind = "plai""#),
    ]));
}

#[test]
fn what_a_node_needs_is_given() {
    expect![[r#"
        ivr/small.toml:5:7: error: `no_key` is missing in [node.menu]
            5 | [node.menu]
              |       ^^^^
        ivr/small.toml:5:7: error: `then` is missing in [node.menu.wrong_key]
            5 | [node.menu]
              |       ^^^^
    "#]]
    .assert_eq(&flow_faults(&[
        (
            r#"no_key = "waiting"
"#,
            r#""#,
        ),
        (
            r#"wrong_key = { say = ["err.invalid"], then = "waiting" }
"#,
            r#""#,
        ),
    ]));
}

#[test]
fn unknown_keys_of_nodes() {
    expect![[r#"
        ivr/small.toml:7:1: error: unknown key `says` in [node.menu]
            7 | says = ["info.menu"]
              | ^^^^
              = did you mean `say`?
        ivr/small.toml:17:1: error: unknown key `informations` in [node.clip]
           17 | informations = true
              | ^^^^^^^^^^^^
              = did you mean `information`?
    "#]]
    .assert_eq(&flow_faults(&[
        (r#"say = ["info.menu"]"#, r#"says = ["info.menu"]"#),
        (r#"information = true"#, r#"informations = true"#),
    ]));
}

#[test]
fn targets_with_languages() {
    expect![[r#"
        ivr/small.toml:11:34: error: there is no language `zz`
           11 | 1 = { go = "waiting", language = "zz" }
              |                                  ^^^^
        ivr/small.toml:12:30: error: `slot` must be between 5 and 7, not 8
           12 | 4 = { go = "waiting", slot = 8 }
              |                              ^
        ivr/small.toml:13:5: error: `go` is missing in [node.menu.keys.5]
           13 | 5 = { language = "vi" }
              |     ^^^^^^^^^^^^^^^^^^^
        ivr/small.toml:14:30: error: [node.menu.keys] wants exactly one of `language`, `slot`
           14 | 6 = { go = "waiting", slot = 5, language = "vi" }
              |                              ^
        ivr/small.toml:15:5: error: `7` wants a node's name, or { go = "…", language = "…" }, not list
           15 | 7 = ["waiting"]
              |     ^^^^^^^^^^^
    "#]].assert_eq(&flow_faults(&[(r#"1 = "waiting""#, r#"1 = { go = "waiting", language = "zz" }
4 = { go = "waiting", slot = 8 }
5 = { language = "vi" }
6 = { go = "waiting", slot = 5, language = "vi" }
7 = ["waiting"]"#)]));
}

#[test]
fn numbers_of_nodes_have_limits() {
    expect![[r#"
        ivr/small.toml:9:10: error: `window` must be between "1s" and "30s", not "40s"
            9 | window = "40s"
              |          ^^^^^
        ivr/small.toml:10:23: error: `again` must be between 0 and 9, not 10
           10 | wrong_key = { again = 10, say = ["err.invalid"], then = "waiting" }
              |                       ^^
    "#]]
    .assert_eq(&flow_faults(&[(
        r#"wrong_key = { say = ["err.invalid"], then"#,
        r#"window = "40s"
wrong_key = { again = 10, say = ["err.invalid"], then"#,
    )]));
}

#[test]
fn too_long_without_a_key_is_a_warning() {
    expect![[r#"
        ivr/small.toml:1:9: warning: flow `small` takes 37.0 s to reach a queue without a key; after 30 s the caller is put there in the middle of a clip
            1 | start = "menu"
              |         ^^^^^^
    "#]].assert_eq(&flow_faults(&[(r#"say = ["info.menu"]"#, r#"say = ["info.menu", "info.rights", "info.migrate"]"#)]));
}
