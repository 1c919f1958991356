//! Copies the sources, plants the bugs, and makes each crate a module. A place that is not found exactly once fails the
//! build: whoever changes those lines moves the bug along.

#[allow(
    dead_code,
    reason = "the days matter when the bugs are looked for, not when they are planted"
)]
#[path = "src/bugs.rs"]
mod bugs;

use std::fs;
use std::path::{Path, PathBuf};

/// Module, folder of its sources, and files or folders in there that are left out.
const SOURCES: [(&str, &str, &[&str]); 5] = [
    ("hotline_core", "crates/hotline-core/src", &[]),
    ("hotline_sip", "crates/hotline-sip/src", &[]),
    ("hotline_store", "crates/hotline-store/src/journal", &[]),
    ("hotline_switchboard", "crates/hotline-switchboard/src", &[]),
    (
        "hotline_tests",
        "tests/src",
        &["scenario", "torture.rs", "web.rs"],
    ),
];

/// What is left out of them need not be looked for: it needs files or packages that stay at home.
const AT_HOME: [&str; 3] = ["pub mod scenario;", "pub mod torture;", "pub mod web;"];

/// What the planted places ask.
const QUESTION: &str = "crate::is_awake(";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("sources");
    // What was renamed since must not stay behind.
    let _nothing_there_yet = fs::remove_dir_all(&out);
    fs::create_dir_all(&out).expect("OUT_DIR is ours");
    let mut planted = 0;
    let mut modules = String::new();
    for (module, folder, left_out) in SOURCES {
        let from = root.join(folder);
        println!("cargo:rerun-if-changed={}", from.display());
        planted += copy(&from, &out.join(module), folder, module, left_out);
        modules.push_str(&format!(
            "#[path = \"{}/{module}/mod.rs\"]\npub mod {module};\n",
            out.display()
        ));
    }
    let wanted: usize = bugs::BUGS.iter().map(|bug| bug.edits.len()).sum();
    assert_eq!(planted, wanted, "some bugs name files that do not exist");
    fs::write(out.join("modules.rs"), modules).expect("OUT_DIR is ours");
    println!("cargo:rerun-if-changed=src/bugs.rs");
}

/// Copies a folder; returns how many edits were made.
fn copy(from: &Path, to: &Path, name: &str, module: &str, left_out: &[&str]) -> usize {
    fs::create_dir_all(to).expect("OUT_DIR is ours");
    let mut planted = 0;
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let path = entry.expect("a folder can be read").path();
        let file = path
            .file_name()
            .and_then(|file| file.to_str())
            .unwrap_or_default()
            .to_owned();
        if left_out.contains(&file.as_str()) || file == "tests" || file == "tests.rs" {
            continue;
        }
        let inner = format!("{name}/{file}");
        if path.is_dir() {
            planted += copy(&path, &to.join(&file), &inner, module, &[]);
        } else if file.ends_with(".rs") {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{inner}: {error}"));
            let (text, edits) = plant(&inner, &text);
            planted += edits;
            let file = if file == "lib.rs" {
                "mod.rs"
            } else {
                file.as_str()
            };
            fs::write(to.join(file), as_module(&text, module)).expect("OUT_DIR is ours");
        }
    }
    planted
}

fn plant(file: &str, text: &str) -> (String, usize) {
    let mut text = text.to_owned();
    let mut planted = 0;
    for bug in bugs::BUGS {
        for edit in bug.edits.iter().filter(|edit| edit.file == file) {
            let found = text.matches(edit.find).count();
            assert_eq!(
                found, 1,
                "bug {} ({}): in {file} found {found} times, not once:\n{}",
                bug.number, bug.name, edit.find
            );
            text = text.replacen(edit.find, edit.replace, 1);
            planted += 1;
        }
    }
    (text, planted)
}

/// A crate becomes a module: its own `crate::` and the other crates' names get one step more.
fn as_module(text: &str, module: &str) -> String {
    let mut out: String = text
        .lines()
        .filter(|line| {
            let line = line.trim();
            // Only a crate's root says such things.
            line != "#![no_std]" && line != "extern crate alloc;" && !AT_HOME.contains(&line)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    out = prefixed(&out, "crate::", &format!("crate::{module}::"));
    for (other, ..) in SOURCES {
        if other != module {
            out = prefixed(&out, &format!("{other}::"), &format!("crate::{other}::"));
        }
    }
    out.replace("PLANTED(", QUESTION)
}

/// Replaces a path's beginning where it is one: not behind a letter, a colon or an underscore.
fn prefixed(text: &str, find: &str, replace: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 20);
    let mut rest = text;
    while let Some(at) = rest.find(find) {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        let last = out.chars().next_back();
        let is_inside =
            last.is_some_and(|last| last.is_alphanumeric() || last == '_' || last == ':');
        out.push_str(if is_inside { find } else { replace });
        rest = &behind[find.len()..];
    }
    out.push_str(rest);
    out
}
