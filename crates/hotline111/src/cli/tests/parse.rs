//! What clap makes of arguments.

use super::*;
use crate::cli::args::{Command, CtlCommand, User};
use clap::CommandFactory;

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn good_lines_are_understood() {
    for line in [
        "serve",
        "serve -c /tmp/x.toml -s sip.udp=127.0.0.1:5070 -s limits.calls=5 --accept-missing",
        "-c x.toml -vv serve --log-format json",
        "demo --port 5080 --json",
        "init /tmp/x --yes",
        "check --strict --json",
        "ctl status",
        "ctl --json --watch calls",
        "ctl --socket /tmp/s queues",
        "ctl agents",
        "ctl regs",
        "ctl agent tv01 pause --reason meal",
        "ctl agent tv01 login",
        "ctl agent tv01 end-wrap-up",
        "ctl hangup 0123456789abcdef --yes",
        "ctl drain -y",
        "cdr export --from 2026-11-01 --to 2026-11-30 --format ndjson -o calls.ndjson",
        "user add tv01 --languages vi,en --services child --role counsellor --password-stdin",
        "user list --json",
        "user passwd tv01 --password-stdin",
        "user remove tv01 -y",
        "sounds check --strict",
        "config show sip --json",
        "completions bash",
        "version --json",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let parsed = Cli::try_parse_from(std::iter::once(&"hotline111").chain(&words));
        assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
    }
}

#[test]
fn bad_lines_are_refused_with_2() {
    for line in [
        "",
        "sevre",
        "serve --set nonsense",
        "serve --set =5",
        "ctl agent tv01",
        "user add",
        "user add tv01 --password secret",
        "user passwd tv01 secret",
        "cdr export --format xlsx",
        "completions tcsh",
        "demo --bind localhost",
        "-v -q serve",
    ] {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let refused =
            Cli::try_parse_from(std::iter::once(&"hotline111").chain(&words)).unwrap_err();
        assert_eq!(refused.exit_code(), 2, "{line}");
    }
}

#[test]
fn values_arrive_where_they_belong() {
    let cli = parse(&[
        "user",
        "add",
        "tv01",
        "--languages",
        "vi,en",
        "-s",
        "a.b=c=d",
        "--lang",
        "vi",
    ]);
    assert_eq!(cli.set, ["a.b=c=d"]);
    let Command::User(User::Add(add)) = &cli.command else {
        panic!()
    };
    assert_eq!(
        (add.user.as_str(), add.languages.len(), add.services.len()),
        ("tv01", 2, 0)
    );
    let cli = parse(&["ctl", "agent", "tv01", "pause"]);
    let Command::Ctl(ctl) = &cli.command else {
        panic!()
    };
    assert!(matches!(&ctl.command, CtlCommand::Agent { user, .. } if user == "tv01"));
}

#[test]
fn the_language_of_messages_follows_the_locale() {
    let of = |pairs: &'static [(&str, &str)]| {
        Tongue::of_environment(|name| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    };
    assert_eq!(of(&[("LANG", "vi_VN.UTF-8")]), Tongue::Vietnamese);
    assert_eq!(
        of(&[("LANG", "vi_VN.UTF-8"), ("LC_ALL", "C")]),
        Tongue::English
    );
    assert_eq!(of(&[("LANG", "vi"), ("LC_ALL", "")]), Tongue::Vietnamese);
    assert_eq!(of(&[]), Tongue::English);
}

#[test]
fn completions_and_version_are_printed() {
    let (exit, out, _) = run(&["completions", "bash"]);
    assert_eq!(exit, Exit::Ok);
    assert!(out.contains("_hotline111()") && out.contains("export"));
    let (_, out, _) = run(&["version", "--json"]);
    let version: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
}
