//! The messages of RFC 4475 and RFC 5118 with what their index says of each, from the folder `HOTLINE_TORTURE_DIR`.

use std::path::{Path, PathBuf};

/// Messages in both sets.
const MESSAGES: usize = 61;

/// One message.
pub struct Case {
    /// Its file.
    pub name: String,
    /// A response: nothing is said to it.
    pub is_response: bool,
    /// Saying nothing is right too.
    pub may_drop: bool,
    /// What goes over the wire.
    pub bytes: Vec<u8>,
    ok: Vec<String>,
}

impl Case {
    /// Both sets; None when the folder is not named.
    pub fn all() -> Option<Vec<Self>> {
        let Some(folder) = std::env::var_os("HOTLINE_TORTURE_DIR").map(PathBuf::from) else {
            eprintln!("HOTLINE_TORTURE_DIR is not set: nothing to run");
            return None;
        };
        let cases: Vec<Self> = ["rfc4475", "rfc5118"]
            .iter()
            .flat_map(|set| read(&folder.join(set)))
            .collect();
        assert_eq!(cases.len(), MESSAGES);
        Some(cases)
    }

    /// Whether the index takes this status for an answer.
    pub fn takes(&self, status: u16) -> bool {
        let text = status.to_string();
        self.ok.iter().any(|word| {
            *word == text
                || word
                    .strip_suffix("xx")
                    .is_some_and(|class| text.starts_with(class))
                || word.strip_prefix('!').is_some_and(|not| not != text)
        })
    }

    /// What the index takes, for people.
    pub fn wanted(&self) -> String {
        self.ok.join(" or ")
    }
}

fn read(set: &Path) -> Vec<Case> {
    let path = set.join("index.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let index: serde_json::Value = serde_json::from_str(&text).unwrap();
    let entries = index["entries"].as_array().unwrap();
    let case = |entry: &serde_json::Value| {
        let name = entry["file"].as_str().unwrap().to_owned();
        let ok = entry["ok"].as_array().unwrap().iter();
        Case {
            is_response: entry["kind"] == "response",
            ok: ok.map(|word| word.as_str().unwrap().to_owned()).collect(),
            may_drop: entry["drop_ok"].as_bool().unwrap(),
            bytes: std::fs::read(set.join(&name)).unwrap(),
            name,
        }
    };
    entries.iter().map(case).collect()
}
