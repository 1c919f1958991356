//! Broken configurations and exactly what is said of them.

use super::*;
use expect_test::expect;

#[test]
fn an_unknown_key_is_told_with_the_nearest_one() {
    expect![[r#"
        hotline111.toml:3:1: error: unknown key `realmm` in [sip]
            3 | realmm = "x"
              | ^^^^^^
              = did you mean `realm`?
    "#]]
    .assert_eq(&faults(
        r#"[sip]
udp = ["127.0.0.1:5060"]
realmm = "x"
"#,
        &[],
    ));
}

#[test]
fn an_unknown_section_too() {
    expect![[r#"
        hotline111.toml:3:2: error: unknown key `serverr` in the file
            3 | [serverr]
              |  ^^^^^^^
              = did you mean `server`?
    "#]]
    .assert_eq(&faults(
        &with(
            r#"[serverr]
node = 1
"#,
        ),
        &[],
    ));
}

#[test]
fn every_fault_is_told_not_only_the_first() {
    expect![[r#"
        hotline111.toml:1:2: error: no address to listen on: give `udp`, `tcp`, `tls`, `ws` or `wss` in [sip]
            1 | [sip]
              |  ^^^
        hotline111.toml:2:7: error: `udp` wants an IP address and port like "127.0.0.1:5060", not 5060
            2 | udp = 5060
              |       ^^^^
        hotline111.toml:3:8: error: `tcp` wants an IP address and port like "127.0.0.1:5060", not "127.0.0.1"
            3 | tcp = ["127.0.0.1"]
              |        ^^^^^^^^^^^
        hotline111.toml:4:9: error: `realm` wants text in quotes, not boolean
            4 | realm = true
              |         ^^^^
        hotline111.toml:6:8: error: `node` must be between 1 and 255, not 0
            6 | node = 0
              |        ^
        hotline111.toml:7:9: error: `drain` wants a duration like "20s" or "250ms", not "10 minutes"
            7 | drain = "10 minutes"
              |         ^^^^^^^^^^^^
        hotline111.toml:9:19: error: `journal_reserve` wants a size like "64 MiB", not "64 MB"
            9 | journal_reserve = "64 MB"
              |                   ^^^^^^^
    "#]].assert_eq(&faults(
        r#"[sip]
udp = 5060
tcp = ["127.0.0.1"]
realm = true
[server]
node = 0
drain = "10 minutes"
[storage]
journal_reserve = "64 MB"
"#,
        &[],
    ));
}

#[test]
fn syntax_is_told_with_its_place() {
    expect![[r#"
        hotline111.toml:4:8: error: string values must be quoted, expected literal string
            4 | node = 
              |        ^
        hotline111.toml:4:8: error: `node` wants a whole number, not ""
            4 | node = 
              |        ^
        hotline111.toml:5:15: error: invalid basic string, expected `"`
            5 | state_dir = "x
              |               ^
        hotline111.toml:6:2: error: duplicate key
            6 | [sip
              |  ^^^
        hotline111.toml:6:5: error: unclosed table, expected `]`
            6 | [sip
              |     ^
    "#]]
    .assert_eq(&faults(
        &with(
            r#"[server]
node = 
state_dir = "x
[sip
"#,
        ),
        &[],
    ));
}

#[test]
fn a_key_given_twice() {
    expect![[r#"
        hotline111.toml:5:1: error: duplicate key
            5 | node = 2
              | ^^^^
    "#]]
    .assert_eq(&faults(
        &with(
            r#"[server]
node = 1
node = 2
"#,
        ),
        &[],
    ));
}

#[test]
fn somebody_must_listen() {
    expect![[r#"
        error: no address to listen on: give `udp`, `tcp`, `tls`, `ws` or `wss` in [sip]
    "#]]
    .assert_eq(&faults(
        r#"[server]
node = 1
"#,
        &[],
    ));
}

#[test]
fn an_unspecified_address_needs_another_to_tell() {
    expect![[r#"
        hotline111.toml:2:8: error: an unspecified address needs `advertise`: phones must be told a real one
            2 | udp = ["0.0.0.0:5060"]
              |        ^^^^^^^^^^^^^^
    "#]].assert_eq(&faults(
        r#"[sip]
udp = ["0.0.0.0:5060"]
"#,
        &[],
    ));
}

#[test]
fn two_listeners_cannot_be_the_same() {
    expect![[r#"
        hotline111.toml:2:26: error: 127.0.0.1:5060 is given twice
            2 | udp = ["127.0.0.1:5060", "127.0.0.1:5060"]
              |                          ^^^^^^^^^^^^^^^^
    "#]]
    .assert_eq(&faults(
        r#"[sip]
udp = ["127.0.0.1:5060", "127.0.0.1:5060"]
"#,
        &[],
    ));
}

#[test]
fn the_web_side_stays_on_loopback() {
    expect![[r#"
        hotline111.toml:4:8: error: 10.0.0.1:8111 is not a loopback address; until web accounts exist the web side stays on 127.0.0.1
            4 | bind = "10.0.0.1:8111"
              |        ^^^^^^^^^^^^^^^
    "#]].assert_eq(&faults(
        &with(r#"[http]
bind = "10.0.0.1:8111"
"#),
        &[],
    ));
}

#[test]
fn a_table_where_a_value_should_be() {
    expect![[r#"
        hotline111.toml:4:13: error: `state_dir` wants text in quotes, not table
            4 | state_dir = { path = "x" }
              |             ^^^^^^^^^^^^^^
        hotline111.toml:6:9: error: `ports` wants a range of ports like "20000-29999", not list
            6 | ports = [1, 2]
              |         ^^^^^^
    "#]]
    .assert_eq(&faults(
        &with(
            r#"[server]
state_dir = { path = "x" }
[media]
ports = [1, 2]
"#,
        ),
        &[],
    ));
}

#[test]
fn a_value_where_a_table_should_be() {
    expect![[r#"
        hotline111.toml:1:9: error: `media` wants a table, not 5
            1 | media = 5
              |         ^
    "#]]
    .assert_eq(&faults(&format!("media = 5\n{MAIN}"), &[]));
}

#[test]
fn trunks_have_names_and_addresses_of_their_own() {
    expect![[r#"
        hotline111.toml:5:24: error: `sources` wants an IP address, with a port if need be, not "x"
            5 | sources = ["10.0.0.1", "x"]
              |                        ^^^
        hotline111.toml:7:8: error: `name` wants a name (a-z, digits, _ - ., at most 32), not "a b"
            7 | name = "a b"
              |        ^^^^^
        hotline111.toml:8:12: error: 10.0.0.1 is given twice
            8 | sources = ["10.0.0.1:5060"]
              |            ^^^^^^^^^^^^^^^
        hotline111.toml:9:1: error: `name` is missing in [trunk]
            9 | [[trunk]]
              | ^^^^^^^^^
        hotline111.toml:9:1: error: `sources` is missing in [trunk]
            9 | [[trunk]]
              | ^^^^^^^^^
    "#]]
    .assert_eq(&faults(
        &with(
            r#"[[trunk]]
name = "a"
sources = ["10.0.0.1", "x"]
[[trunk]]
name = "a b"
sources = ["10.0.0.1:5060"]
[[trunk]]
sources = []
"#,
        ),
        &[],
    ));
}

#[test]
fn a_route_leads_to_exactly_one_thing() {
    expect![[r#"
        hotline111.toml:3:1: error: [route.111] wants exactly one of `flow`, `queue`, `agent`, `echo`, `play`, `answer_and_end`, `feature`
            3 | [[route]]
              | ^^^^^^^^^
        hotline111.toml:5:1: error: [route.112] wants exactly one of `flow`, `queue`, `agent`, `echo`, `play`, `answer_and_end`, `feature`
            5 | [[route]]
              | ^^^^^^^^^
        hotline111.toml:9:1: error: `dialled` is missing in [route]
            9 | [[route]]
              | ^^^^^^^^^
    "#]].assert_eq(&faults(
        &with(r#"[[route]]
dialled = "111"
[[route]]
dialled = "112"
echo = true
answer_and_end = true
[[route]]
echo = true
"#),
        &[],
    ));
}

#[test]
fn a_route_leads_to_something_that_exists() {
    expect![[r#"
        hotline111.toml:7:8: error: there is no flow `entri`
            7 | flow = "entri"
              |        ^^^^^^^
        hotline111.toml:10:9: error: there is no queue `chill`
           10 | queue = "chill"
              |         ^^^^^^^
              = did you mean `child`?
        hotline111.toml:13:9: error: there is no counsellor `tv1`
           13 | agent = "tv1"
              |         ^^^^^
              = did you mean `tv01`?
        hotline111.toml:16:8: error: there is no prompt `greet.tets`
           16 | play = "greet.tets"
              |        ^^^^^^^^^^^^
              = did you mean `greet.test`?
        hotline111.toml:19:11: error: there is no kind `signin`
           19 | feature = "signin"
              |           ^^^^^^^^
              = did you mean `sign_in`?
        hotline111.toml:23:10: error: there is no reason `lunch`
           23 | reason = "lunch"
              |          ^^^^^^^
        hotline111.toml:27:11: error: there is no service `kids`
           27 | service = "kids"
              |           ^^^^^^
        hotline111.toml:28:9: error: there is no trunk `viettel`
           28 | trunk = "viettel"
              |         ^^^^^^^^^
        hotline111.toml:31:8: error: [route.8] wants exactly one of `echo = true`, …
           31 | echo = false
              |        ^^^^^
    "#]]
    .assert_eq(&faults(
        &with(
            r#"[[agent]]
user = "tv01"
[[route]]
dialled = "1"
flow = "entri"
[[route]]
dialled = "2"
queue = "chill"
[[route]]
dialled = "3"
agent = "tv1"
[[route]]
dialled = "4"
play = "greet.tets"
[[route]]
dialled = "5"
feature = "signin"
[[route]]
dialled = "6"
feature = "break"
reason = "lunch"
[[route]]
dialled = "7"
queue = "child"
service = "kids"
trunk = "viettel"
[[route]]
dialled = "8"
echo = false
"#,
        ),
        &[],
    ));
}

#[test]
fn a_dialled_number_is_one() {
    expect![[r#"
        hotline111.toml:4:11: error: `dialled` wants a dialled number: letters, digits, * # + . _ -, with % for any rest at its end, not "1 1 1"
            4 | dialled = "1 1 1"
              |           ^^^^^^^
        hotline111.toml:7:12: error: `dialled` wants a dialled number: letters, digits, * # + . _ -, with % for any rest at its end, not "1%1"
            7 | dialled = ["1%1", ""]
              |            ^^^^^
        hotline111.toml:7:19: error: `dialled` wants a dialled number: letters, digits, * # + . _ -, with % for any rest at its end, not ""
            7 | dialled = ["1%1", ""]
              |                   ^^
    "#]].assert_eq(&faults(
        &with(r#"[[route]]
dialled = "1 1 1"
echo = true
[[route]]
dialled = ["1%1", ""]
echo = true
"#),
        &[],
    ));
}

#[test]
fn a_route_that_no_call_gets_to() {
    expect![[r#"
        hotline111.toml:7:11: error: no call ever gets to the route of `111`: the route of `111` before it takes them all
            7 | dialled = "111"
              |           ^^^^^
        hotline111.toml:10:11: error: no call ever gets to the route of `1%`: the route of `1%` before it takes them all
           10 | dialled = "1%"
              |           ^^^^
    "#]].assert_eq(&faults(
        &with(r#"[[route]]
dialled = ["111", "1%"]
echo = true
[[route]]
dialled = "111"
queue = "child"
[[route]]
dialled = "1%"
queue = "child"
"#),
        &[],
    ));
}

#[test]
fn languages_exist_and_are_given_once() {
    expect![[r#"
        hotline111.toml:4:18: error: there is no language `hmm`
            4 | offered = ["vi", "hmm", "vi"]
              |                  ^^^^^
              = did you mean `hmn`?
        hotline111.toml:4:25: error: language `vi` is given twice
            4 | offered = ["vi", "hmm", "vi"]
              |                         ^^^^
        hotline111.toml:6:5: error: there is no language `vii`
            6 | 5 = "vii"
              |     ^^^^^
              = did you mean `vi`?
        hotline111.toml:7:1: error: unknown key `8` in [centre.hanoi.slots]
            7 | 8 = "en"
              | ^
              = did you mean `5`?
    "#]]
    .assert_eq(&faults(
        &with(
            r#"[languages]
offered = ["vi", "hmm", "vi"]
[centre.hanoi.slots]
5 = "vii"
8 = "en"
"#,
        ),
        &[],
    ));
}

#[test]
fn the_home_centre_exists() {
    expect![[r#"
        conf.d/a.toml:2:15: error: there is no centre `angianh`
            2 | home_centre = "angianh"
              |               ^^^^^^^^^
              = did you mean `angiang`?
    "#]]
    .assert_eq(&faults(
        &with(
            r#"[centre.danang]
[centre.angiang]
"#,
        ),
        &[(
            r#"conf.d/a.toml"#,
            r#"[floor]
home_centre = "angianh"
"#,
        )],
    ));
}

#[test]
fn counsellors_have_known_skills_and_one_name_each() {
    expect![[r#"
        hotline111.toml:5:20: error: there is no language `xx`
            5 | languages = ["vi", "xx"]
              |                    ^^^^
        hotline111.toml:6:13: error: there is no service `childs`
            6 | services = ["childs"]
              |             ^^^^^^^^
              = did you mean `child`?
        hotline111.toml:7:10: error: there is no centre `saigon`
            7 | centre = "saigon"
              |          ^^^^^^^^
        hotline111.toml:9:8: error: counsellor `tv01` is given twice
            9 | user = "tv01"
              |        ^^^^^^
        hotline111.toml:10:1: error: `user` is missing in [agent]
           10 | [[agent]]
              | ^^^^^^^^^
        hotline111.toml:11:1: error: unknown key `name` in [agent]
           11 | name = "Lan"
              | ^^^^
        hotline111.toml:13:8: error: `user` wants a name (a-z, digits, _ - ., at most 32), not "TV 01"
           13 | user = "TV 01"
              |        ^^^^^^^
    "#]].assert_eq(&faults(
        &with(r#"[[agent]]
user = "tv01"
languages = ["vi", "xx"]
services = ["childs"]
centre = "saigon"
[[agent]]
user = "tv01"
[[agent]]
name = "Lan"
[[agent]]
user = "TV 01"
"#),
        &[],
    ));
}

#[test]
fn a_password_is_never_written_down() {
    expect![[r#"
        hotline111.toml:5:12: error: `password` wants { file = "…" } or { env = "…" }, not "secret"
            5 | password = "secret"
              |            ^^^^^^^^
        hotline111.toml:8:12: error: cannot read the secret from "nothing-here": No such file or directory (os error 2)
            8 | password = { file = "nothing-here" }
              |            ^^^^^^^^^^^^^^^^^^^^^^^^^
        hotline111.toml:11:12: error: `password` wants exactly one of `file`, `env`
           11 | password = { file = "a", env = "b" }
              |            ^^^^^^^^^^^^^^^^^^^^^^^^^
        hotline111.toml:14:12: error: `password` wants exactly one of `file`, `env`
           14 | password = { fil = "a" }
              |            ^^^^^^^^^^^^^
        hotline111.toml:14:14: error: unknown key `fil` in [agent.tv04.password]
           14 | password = { fil = "a" }
              |              ^^^
              = did you mean `file`?
        hotline111.toml:17:12: error: cannot read the secret from HOTLINE111_NO_SUCH_VARIABLE: environment variable not found
           17 | password = { env = "HOTLINE111_NO_SUCH_VARIABLE" }
              |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]].assert_eq(&faults(
        &with(r#"[[agent]]
user = "tv01"
password = "secret"
[[agent]]
user = "tv02"
password = { file = "nothing-here" }
[[agent]]
user = "tv03"
password = { file = "a", env = "b" }
[[agent]]
user = "tv04"
password = { fil = "a" }
[[agent]]
user = "tv05"
password = { env = "HOTLINE111_NO_SUCH_VARIABLE" }
"#),
        &[],
    ));
}

#[test]
fn comfort_comes_at_rising_times() {
    let queue = r#"[queue.child]
comfort = [{ at = "45s", say = "queue.brave" }, { at = "15s", say = "queue.holdd" }, { say = "queue.hold" }]
then_say = ["queue.nothing"]
rings = "3s"
"#;
    expect![[r#"
        conf.d/queues.toml:2:69: error: there is no prompt `queue.holdd`
            2 | comfort = [{ at = "45s", say = "queue.brave" }, { at = "15s", say = "queue.holdd" }, { say = "queue.hold" }]
              |                                                                     ^^^^^^^^^^^^^
              = did you mean `queue.hold`?
        conf.d/queues.toml:2:86: error: `at` is missing in [queue.child.comfort]
            2 | comfort = [{ at = "45s", say = "queue.brave" }, { at = "15s", say = "queue.holdd" }, { say = "queue.hold" }]
              |                                                                                      ^^^^^^^^^^^^^^^^^^^^^^
        conf.d/queues.toml:3:13: error: there is no prompt `queue.nothing`
            3 | then_say = ["queue.nothing"]
              |             ^^^^^^^^^^^^^^^
              = did you mean `queue.no_lang`?
        conf.d/queues.toml:4:1: error: unknown key `rings` in [queue.child]
            4 | rings = "3s"
              | ^^^^^
              = did you mean `ring`?
    "#]].assert_eq(&faults(MAIN, &[("conf.d/queues.toml", queue)]));
}

#[test]
fn the_wait_without_a_key_cannot_be_made_longer_than_the_law_of_the_line() {
    expect![[r#"
        hotline111.toml:4:13: error: `entry_max` must be between "5s" and "30s", not "45s"
            4 | entry_max = "45s"
              |             ^^^^^
    "#]]
    .assert_eq(&faults(
        &with(
            r#"[timing]
entry_max = "45s"
"#,
        ),
        &[],
    ));
}

#[test]
fn limits_have_limits() {
    expect![[r#"
        hotline111.toml:4:9: error: `calls` must be between 1 and 100000, not 0
            4 | calls = 0
              |         ^
        hotline111.toml:6:11: error: `workers` wants a whole number, not -1
            6 | workers = -1
              |           ^^
        hotline111.toml:7:9: error: `ports` wants a range of ports like "20000-29999", not "30000-20000"
            7 | ports = "30000-20000"
              |         ^^^^^^^^^^^^^
    "#]].assert_eq(&faults(
        &with(r#"[limits]
calls = 0
[media]
workers = -1
ports = "30000-20000"
"#),
        &[],
    ));
}

#[test]
fn prompts_of_the_server_itself_exist() {
    expect![[r#"
        hotline111.toml:4:10: error: there is no prompt `greet.records`
            4 | notice = "greet.records"
              |          ^^^^^^^^^^^^^^^
              = did you mean `greet.record`?
        hotline111.toml:5:9: error: core prompt `lang.invite` has no clip in language `vi`
            5 | music = "lang.invite"
              |         ^^^^^^^^^^^^^
    "#]]
    .assert_eq(&faults(
        &with(
            r#"[prompts]
notice = "greet.records"
music = "lang.invite"
"#,
        ),
        &[],
    ));
}

#[test]
fn faults_of_the_environment_and_the_command_line_name_it() {
    let mut options = options();
    options.environment = vec![(
        "HOTLINE111__SIP__UPD".to_owned(),
        "127.0.0.1:5060".to_owned(),
    )];
    options.overrides.push("limits.calls=many".to_owned());
    options.overrides.push("servers.node=1".to_owned());
    expect![[r#"
        HOTLINE111__SIP__UPD: error: unknown key `upd` in [sip]
              | HOTLINE111__SIP__UPD=127.0.0.1:5060
              | ^^^^^^^^^^^^^^^^^^^^
              = did you mean `udp`?
        --set: error: `calls` wants a whole number, not "many"
              | limits.calls=many
              |              ^^^^
        --set: error: unknown key `servers` in the file
              | servers.node=1
              | ^^^^^^^^^^^^
              = did you mean `server`?
    "#]]
    .assert_eq(&faults_in(Tongue::English, MAIN, &[], &options));
}

#[test]
fn faults_are_told_in_vietnamese_too() {
    let main = "[sip]\nupd = [\"127.0.0.1:5060\"]\n[timing]\nentry_max = \"45s\"\n[http]\nbind = \"10.0.0.1:1\"\n";
    expect![[r#"
        hotline111.toml:1:2: lỗi: chưa có địa chỉ nào để nghe: hãy khai `udp`, `tcp`, `tls`, `ws` hoặc `wss` trong [sip]
            1 | [sip]
              |  ^^^
        hotline111.toml:2:1: lỗi: khóa lạ `upd` trong [sip]
            2 | upd = ["127.0.0.1:5060"]
              | ^^^
              = có phải ý bạn là `udp`?
        hotline111.toml:4:13: lỗi: `entry_max` phải từ "5s" đến "30s", không phải "45s"
            4 | entry_max = "45s"
              |             ^^^^^
        hotline111.toml:6:8: lỗi: 10.0.0.1:1 không phải địa chỉ nội bộ của máy; khi chưa có tài khoản web, phần web chỉ được nghe ở 127.0.0.1
            6 | bind = "10.0.0.1:1"
              |        ^^^^^^^^^^^^
    "#]].assert_eq(&faults_in(Tongue::Vietnamese, main, &[], &options()));
}

#[test]
fn files_that_cannot_be_read_are_told() {
    let folder = Folder::new();
    let faults = load(&folder.0.join("hotline111.toml"), &options()).unwrap_err();
    let text: String = faults
        .iter()
        .map(|fault| fault.render(Tongue::English))
        .collect();
    expect![[r#"
        error: cannot read hotline111.toml: No such file or directory (os error 2)
        error: no address to listen on: give `udp`, `tcp`, `tls`, `ws` or `wss` in [sip]
        warning: 20 core prompts of language `vi` are placeholders, not recordings
    "#]]
    .assert_eq(&text.replace(&format!("{}/", folder.0.display()), ""));
    let nowhere = Options {
        overrides: vec!["server.sounds_dir=/nowhere".to_owned()],
        ..Options::default()
    };
    expect![[r#"
        error: cannot read /nowhere/manifest.toml: No such file or directory (os error 2)
    "#]]
    .assert_eq(&faults_in(Tongue::English, MAIN, &[], &nowhere));
}

/// The smallest good configuration and more.
fn with(more: &str) -> String {
    format!("{MAIN}{more}")
}
