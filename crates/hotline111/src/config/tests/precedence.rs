//! Which of several values holds, and what `config show` says of it.

use super::*;
use hotline_core::WrapUp;

fn shown(loaded: &Loaded, key: &str) -> (String, String) {
    let found = loaded.values.iter().find(|shown| shown.key == key);
    let shown = found.unwrap_or_else(|| panic!("{key} is not shown"));
    (
        shown.value.clone(),
        shown
            .origin
            .clone()
            .unwrap_or_else(|| "built in".to_owned()),
    )
}

#[test]
fn later_sources_win() {
    let main = format!(
        "{MAIN}[server]\nnode = 2\n[limits]\ncalls = 10\n[media]\nports = \"30000-30099\"\n"
    );
    let conf_d = [
        (
            "conf.d/10-a.toml",
            "[limits]\ncalls = 20\n[server]\ndrain = \"1min\"\n",
        ),
        ("conf.d/20-b.toml", "[limits]\ncalls = 30\n"),
        ("conf.d/ignored.txt", "nonsense"),
    ];
    let mut options = options();
    options.environment = vec![
        ("HOTLINE111__LIMITS__CALLS".to_owned(), "40".to_owned()),
        ("HOTLINE111__SIP__REALM".to_owned(), "111".to_owned()),
        ("HOTLINE111_CONFIG".to_owned(), "elsewhere".to_owned()),
        ("PATH".to_owned(), "/bin".to_owned()),
    ];
    options.overrides.push("limits.calls=50".to_owned());
    options
        .overrides
        .push("sip.tcp=[\"127.0.0.1:0\", \"127.0.0.2:5070\"]".to_owned());
    let (result, folder) = load_in_folder(&main, &conf_d, &options);
    let loaded = result.unwrap();
    assert_eq!(loaded.plan.calls_max, 50);
    assert_eq!(
        loaded.sip.realm, "111",
        "a number is text where text is wanted"
    );
    assert_eq!(loaded.sip.listeners.len(), 3);
    assert_eq!(loaded.server.node, 2);
    let at = |file: &str| folder.0.join(file).display().to_string();
    assert_eq!(
        shown(&loaded, "limits.calls"),
        ("50".to_owned(), "--set".to_owned())
    );
    assert_eq!(
        shown(&loaded, "sip.realm"),
        ("\"111\"".to_owned(), "HOTLINE111__SIP__REALM".to_owned())
    );
    assert_eq!(
        shown(&loaded, "server.drain"),
        (
            "\"1min\"".to_owned(),
            format!("{}:4", at("conf.d/10-a.toml"))
        )
    );
    assert_eq!(
        shown(&loaded, "server.node"),
        ("2".to_owned(), format!("{}:4", at("hotline111.toml")))
    );
    assert_eq!(
        shown(&loaded, "media.workers"),
        ("0".to_owned(), "built in".to_owned())
    );
}

#[test]
fn elements_of_lists_are_merged_by_their_name() {
    let main = format!("{MAIN}[[trunk]]\nname = \"viettel\"\nsources = [\"10.0.0.1\"]\n");
    let conf_d = [(
        "conf.d/trunks.toml",
        "[[trunk]]\nname = \"viettel\"\nsources = [\"10.0.0.9\"]\n[[trunk]]\nname = \"vnpt\"\nsources = \"10.0.0.2:5080\"\n",
    )];
    let loaded = load_files(&main, &conf_d, &options()).unwrap();
    let trunks: Vec<_> = loaded
        .sip
        .trunks
        .iter()
        .map(|trunk| (trunk.name.as_str(), trunk.sources.clone()))
        .collect();
    assert_eq!(
        trunks,
        [
            ("viettel", vec![([10, 0, 0, 9].into(), None)]),
            ("vnpt", vec![([10, 0, 0, 2].into(), Some(5080))])
        ]
    );
}

#[test]
fn the_most_exact_route_goes_first() {
    let main = format!(
        "{MAIN}[[trunk]]\nname = \"vnpt\"\nsources = [\"10.0.0.2\"]\n\
         [[route]]\ndialled = \"1%\"\necho = true\n[[route]]\ndialled = \"11%\"\necho = true\n\
         [[route]]\ndialled = \"111\"\nqueue = \"general\"\n\
         [[route]]\ndialled = \"111\"\ntrunk = \"vnpt\"\nqueue = \"child\"\nservice = \"child\"\n"
    );
    let loaded = load_files(&main, &[], &options()).unwrap();
    let order: Vec<_> = loaded
        .plan
        .routes
        .iter()
        .map(|route| (route.dialled.as_str(), route.trunk.is_some()))
        .collect();
    assert_eq!(
        order,
        [("111", true), ("111", false), ("11%", false), ("1%", false)]
    );
    assert!(loaded.plan.routes[0].is_recorded && !loaded.plan.routes[0].from_accounts);
    assert!(!loaded.plan.routes[2].is_recorded && loaded.plan.routes[2].from_accounts);
}

#[test]
fn counsellors_of_the_database_go_before_those_of_the_files() {
    let main = format!(
        "{MAIN}[[agent]]\nuser = \"tv01\"\nname = \"Lan\"\nlanguages = [\"vi\"]\n[[agent]]\nuser = \"tv02\"\n[[agent]]\nuser = \"tv03\"\n"
    );
    let row = |user: &str, is_counsellor| crate::config::AgentRow {
        user: user.to_owned(),
        name: "Từ cơ sở dữ liệu".to_owned(),
        languages: vec!["vi".to_owned(), "gone".to_owned()],
        services: vec!["child".to_owned()],
        centre: "danang".to_owned(),
        wrap_up: Some(WrapUp::Timed(7_000)),
        hard_calls_max: None,
        is_in_training: false,
        is_reserve: false,
        is_signed_in_by_registration: Some(false),
        is_counsellor,
    };
    let mut options = options();
    options.agents = vec![row("tv01", true), row("tv03", false), row("tv09", true)];
    let main =
        format!("{main}[languages]\noffered = [\"vi\", \"en\"]\n[centre.hanoi]\n[centre.danang]\n");
    let loaded = load_files(&main, &[], &options).unwrap();
    let agents: Vec<_> = loaded
        .plan
        .agents
        .iter()
        .map(|agent| (agent.user.as_str(), agent.wrap_up))
        .collect();
    let timed = WrapUp::Timed;
    assert_eq!(
        agents,
        [
            ("tv02", timed(30_000)),
            ("tv01", timed(7_000)),
            ("tv09", timed(7_000))
        ]
    );
    let tv01 = &loaded.plan.agents[1];
    assert_eq!(
        (
            loaded.plan.centres[usize::from(tv01.centre.0)]
                .name
                .as_str(),
            tv01.services.len(),
            tv01.languages.len()
        ),
        ("danang", 1, 1)
    );
    assert!(!tv01.is_signed_in_by_registration);
    assert_eq!(loaded.seeds.len(), 3);
}

#[test]
fn secrets_are_read_and_never_shown() {
    let main = format!("{MAIN}[[agent]]\nuser = \"tv01\"\npassword = {{ file = \"secret\" }}\n");
    let loaded = load_files(&main, &[("secret", "rất bí mật\n")], &options()).unwrap();
    assert_eq!(
        loaded.seeds[0]
            .password
            .as_ref()
            .map(crate::config::secret::Secret::expose),
        Some("rất bí mật")
    );
    assert!(!format!("{loaded:?}").contains("rất bí mật"));
}
