//! Commands that need no server: init, check, config show, sounds check, user, cdr export, demo.

use super::*;
use crate::cli::args::{Command, Demo};
use crate::cli::{demo, init, user};
use crate::config::{Options, load};
use hotline_store::Store;

/// `init` in a folder; the path of its configuration.
fn init_in(folder: &Folder) -> String {
    let dir = folder.0.join("etc");
    let mut answers = init::Answers::usual(&dir);
    answers.sounds_dir = repository()
        .join("sounds")
        .canonicalize()
        .unwrap()
        .display()
        .to_string();
    // A port that is free now, so that `check` can open it.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    answers.address = free.to_string();
    init::write(&dir, &answers).unwrap();
    dir.join("hotline111.toml").display().to_string()
}

/// Any free port for HTTP too.
const HTTP: [&str; 2] = ["-s", "http.bind=127.0.0.1:0"];

#[test]
fn init_then_check_is_good() {
    let folder = Folder::new();
    let config = init_in(&folder);
    let (exit, out, err) = run(&["check", "-c", &config, HTTP[0], HTTP[1]]);
    assert_eq!((exit, out.as_str()), (Exit::Ok, ""), "{err}");
    assert!(err.contains("0 errors"), "{err}");
    let (exit, _, _) = run(&["check", "--strict", "-c", &config, HTTP[0], HTTP[1]]);
    assert_eq!(exit, Exit::Warnings, "placeholders count");
}

#[test]
fn init_never_overwrites() {
    let folder = Folder::new();
    let config = init_in(&folder);
    std::fs::write(&config, "mine").unwrap();
    let dir = Path::new(&config).parent().unwrap().display().to_string();
    let (exit, _, err) = run(&["init", &dir, "--yes"]);
    assert_eq!(exit, Exit::Ok);
    assert!(err.contains("kept"), "{err}");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "mine");
}

#[test]
fn answers_of_init_are_in_force() {
    let folder = Folder::new();
    let answers = init::Answers {
        address: "0.0.0.0:5070".to_owned(),
        advertise: "203.0.113.1".to_owned(),
        realm: "111.example".to_owned(),
        trunk: "viettel".to_owned(),
        trunk_sources: "10.1.1.1, 10.1.1.2:5060".to_owned(),
        state_dir: "data".to_owned(),
        sounds_dir: repository()
            .join("sounds")
            .canonicalize()
            .unwrap()
            .display()
            .to_string(),
    };
    init::write(&folder.0, &answers).unwrap();
    let loaded = load(&folder.0.join("hotline111.toml"), &Options::default()).unwrap();
    assert_eq!(loaded.sip.realm, "111.example");
    assert_eq!(loaded.sip.listeners[0].local.to_string(), "0.0.0.0:5070");
    assert_eq!(
        loaded.sip.listeners[0].advertise.to_string(),
        "203.0.113.1:5070"
    );
    assert_eq!(loaded.media.advertise.to_string(), "203.0.113.1");
    assert_eq!(
        (
            loaded.sip.trunks[0].name.as_str(),
            loaded.sip.trunks[0].sources.len()
        ),
        ("viettel", 2)
    );
    assert_eq!(loaded.server.state_dir, folder.0.join("data"));
    assert_eq!(loaded.server.database, folder.0.join("data/hotline111.db"));
    assert_eq!(
        loaded.server.control_socket,
        folder.0.join("data/control.sock")
    );
    assert_eq!(
        loaded.server.recordings_dir,
        folder.0.join("data/recordings")
    );
}

#[test]
fn check_tells_faults_with_2_and_troubles_of_the_machine_with_1() {
    let folder = Folder::new();
    let config = init_in(&folder);
    let (exit, _, err) = run(&[
        "check",
        "-c",
        &config,
        "-s",
        "sip.upd=1",
        "-s",
        "http.bind=10.0.0.1:1",
    ]);
    assert_eq!(exit, Exit::Usage);
    assert!(
        err.contains("did you mean `udp`?") && err.contains("2 errors"),
        "{err}"
    );
    let (_, out, _) = run(&["check", "--json", "-c", &config, "-s", "sip.upd=1"]);
    let first: serde_json::Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(
        (first["severity"].as_str(), first["help"].as_str()),
        (Some("error"), Some("did you mean `udp`?"))
    );

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = format!("http.bind={}", taken.local_addr().unwrap());
    let (exit, _, err) = run(&["check", "-c", &config, "-s", &bind]);
    assert_eq!(exit, Exit::Error);
    assert!(err.contains("cannot open the port TCP"), "{err}");

    std::fs::write(
        folder.0.join("etc/state/hotline111.db"),
        "not a database at all",
    )
    .unwrap();
    let (exit, _, err) = run(&["check", "-c", &config, HTTP[0], HTTP[1]]);
    assert_eq!(exit, Exit::Error);
    assert!(err.contains("no SQLite database"), "{err}");
}

#[test]
fn config_show_names_the_origin() {
    let folder = Folder::new();
    let config = init_in(&folder);
    let (exit, out, _) = run(&[
        "config",
        "show",
        "limits",
        "-c",
        &config,
        "-s",
        "limits.calls=7",
    ]);
    assert_eq!((exit, out.as_str()), (Exit::Ok, "limits.calls\t7\t--set\n"));
    let (_, out, _) = run(&["config", "show", "media.workers", "--json", "-c", &config]);
    let line: serde_json::Value = serde_json::from_str(out.trim()).unwrap();
    assert_eq!(
        (line["value"].as_str(), line["from"].as_str()),
        (Some("0"), Some("built in"))
    );
}

#[test]
fn sounds_check_compares_each_file_with_the_manifest() {
    let folder = Folder::new();
    let config = init_in(&folder);
    let (exit, out, err) = run(&["sounds", "check", "-c", &config]);
    assert_eq!(exit, Exit::Ok, "{err}");
    assert!(
        out.starts_with("vi\tyes\t") && out.contains("\nhmn\tno\t0\t0\t"),
        "{out}"
    );

    let sounds = folder.0.join("sounds");
    for language in ["vi", "en", "tones"] {
        std::fs::create_dir_all(sounds.join(language)).unwrap();
        for entry in std::fs::read_dir(repository().join("sounds").join(language)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), sounds.join(language).join(entry.file_name())).unwrap();
        }
    }
    std::fs::copy(
        repository().join("sounds/manifest.toml"),
        sounds.join("manifest.toml"),
    )
    .unwrap();
    std::fs::copy(
        sounds.join("vi/queue_hold.wav"),
        sounds.join("vi/queue_thanks.wav"),
    )
    .unwrap();
    let set = format!("server.sounds_dir={}", sounds.display());
    let (exit, _, err) = run(&["sounds", "check", "-c", &config, "-s", &set]);
    assert_eq!(exit, Exit::Error);
    assert!(
        err.contains("vi/queue_thanks.wav is not the file that the manifest names"),
        "{err}"
    );
}

#[test]
fn accounts_are_kept_without_a_server() {
    let folder = Folder::new();
    let config = init_in(&folder);
    let loaded = load(Path::new(&config), &Options::default()).unwrap();
    let line = crate::cli::control::AccountLine {
        user: "tv01".to_owned(),
        name: "Lan".to_owned(),
        role: "counsellor".to_owned(),
        languages: vec!["vi".to_owned()],
        ha1_sha256: "a".repeat(64),
        ha1_md5: "b".repeat(32),
        ..Default::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        use crate::cli::control::{ControlReply, ControlRequest};
        let store = Store::open(&loaded.server.database).await.unwrap();
        let add = ControlRequest::UserAdd {
            account: line.clone(),
        };
        assert_eq!(
            user::accounts(&store, add.clone()).await,
            ControlReply::Done
        );
        assert!(matches!(
            user::accounts(&store, add).await,
            ControlReply::Refused(_)
        ));
        let ControlReply::Users(users) = user::accounts(&store, ControlRequest::Users).await else {
            panic!()
        };
        assert_eq!(users[0].user, "tv01");
        assert_eq!(
            (users[0].ha1_sha256.as_str(), users[0].ha1_md5.as_str()),
            ("", ""),
            "hashes never come back"
        );
        store.close().await;
    });
    let (exit, out, err) = run(&["user", "list", "-c", &config]);
    assert_eq!(
        (exit, out.as_str()),
        (Exit::Ok, "tv01\tLan\tcounsellor\tvi\t\t\t0 s\n"),
        "{err}"
    );
    let (exit, _, err) = run(&["user", "remove", "tv99", "--yes", "-c", &config]);
    assert_eq!(exit, Exit::Error);
    assert!(err.contains("tv99"), "{err}");
    let (exit, _, _) = run(&["user", "remove", "tv01", "--yes", "-c", &config]);
    assert_eq!(exit, Exit::Ok);
    let (_, out, _) = run(&["user", "list", "--json", "-c", &config]);
    assert_eq!(out, "[]\n");
}

#[test]
fn cdr_export_needs_days_and_a_database() {
    let folder = Folder::new();
    let config = init_in(&folder);
    let output = folder.0.join("calls.csv").display().to_string();
    let export = |more: &[&str]| {
        let arguments: Vec<&str> = ["cdr", "export", "-c", &config, "-o", &output]
            .iter()
            .chain(more)
            .copied()
            .collect();
        run(&arguments)
    };
    let (exit, _, err) = export(&["--from", "2026-13-01"]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("YYYY-MM-DD"), "{err}");
    let (exit, _, _) = export(&["--from", "2026-11-02", "--to", "2026-11-01"]);
    assert_eq!(exit, Exit::Usage);
    let (exit, _, err) = export(&["--from", "2026-11-01"]);
    assert_eq!(exit, Exit::Error);
    assert!(err.contains("no database yet"), "{err}");
    // Listing the accounts makes the database.
    run(&["user", "list", "-c", &config]);
    let (exit, _, err) = export(&["--from", "2026-11-01", "--to", "2026-11-30"]);
    assert_eq!((exit, err.as_str()), (Exit::Ok, "0 calls\n"));
    assert!(
        std::fs::read_to_string(&output)
            .unwrap()
            .starts_with("call,")
    );
    assert!(!Path::new(&format!("{output}.partial")).exists());
}

fn demo_arguments(arguments: &[&str]) -> Demo {
    let all: Vec<&str> = std::iter::once("demo")
        .chain(arguments.iter().copied())
        .collect();
    match parse(&all).command {
        Command::Demo(demo) => demo,
        _ => panic!("not a demo"),
    }
}

#[test]
fn the_demo_is_a_whole_line_on_loopback() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().min(65_000).to_string();
    let dir = folder.0.join("demo").display().to_string();
    let sounds = repository().join("sounds").display().to_string();
    let demo = demo_arguments(&["--port", &port, "--dir", &dir, "--sounds", &sounds]);
    let (mut console, _, err) = console();
    let prepared = demo::prepare(&demo, &mut console).unwrap();
    assert_ne!(
        prepared.ports.sip.to_string(),
        port,
        "a busy port moves on to the next ..."
    );
    assert!(
        err.text().contains("is busy"),
        "... and says so: {}",
        err.text()
    );
    let loaded = load(&prepared.config, &Options::default()).unwrap();
    let users: Vec<&str> = loaded
        .plan
        .agents
        .iter()
        .map(|agent| agent.user.as_str())
        .collect();
    assert_eq!(users, ["tv01", "tv02", "tv03", "tv04", "tv05", "tv06"]);
    assert_eq!(loaded.seeds.len(), 7);
    assert!(
        loaded
            .plan
            .agents
            .iter()
            .all(|agent| agent.wrap_up == hotline_core::WrapUp::Timed(5_000))
    );
    assert!(
        loaded
            .plan
            .routes
            .iter()
            .any(|route| route.dialled == "111" && route.from_accounts)
    );
    assert!(crate::cli::outside(&loaded).is_none());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        std::fs::create_dir_all(&loaded.server.state_dir).unwrap();
        let store = Store::open(&loaded.server.database).await.unwrap();
        assert_eq!(user::import_seeds(&store, &loaded).await.unwrap(), 7);
        assert_eq!(
            user::import_seeds(&store, &loaded).await.unwrap(),
            0,
            "only once"
        );
        let accounts = store.accounts().await.unwrap();
        let tv01 = accounts
            .iter()
            .find(|account| account.user == "tv01")
            .unwrap();
        assert_eq!(tv01.ha1, hotline_store::ha1("tv01", "hotline111", "demo"));
        assert_eq!(
            (tv01.languages.join(","), tv01.wrap_up_s),
            ("vi,en".to_owned(), Some(5))
        );
        store.close().await;
    });
    let told: serde_json::Value = serde_json::from_str(&demo::json(&prepared)).unwrap();
    assert_eq!(told["password"], "demo");
}

#[test]
fn the_demo_refuses_other_addresses() {
    let (mut console, _, _) = console();
    let refused = demo::prepare(&demo_arguments(&["--bind", "0.0.0.0"]), &mut console).unwrap_err();
    assert!(refused.to_string().contains("not a loopback address"));
}
