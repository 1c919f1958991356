//! `sounds check`: every clip against the manifest, and how far each language is.

use super::args::Cli;
use super::output::{Console, Exit};
use super::table::Table;
use crate::config::{Loaded, Severity, SoundFile, Tongue, load};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Carries out `sounds check`.
pub(crate) fn check(cli: &Cli, is_strict: bool, is_json: bool, console: &mut Console) -> Exit {
    // Missing prompts are what we are here to tell.
    let options = super::options(cli, Vec::new(), true);
    let loaded = match load(&cli.config, &options) {
        Ok(loaded) => loaded,
        Err(faults) => {
            console.faults(&faults);
            return Exit::Usage;
        }
    };
    let changed: Vec<&SoundFile> = loaded
        .sounds
        .iter()
        .filter(|file| !is_as_the_manifest_says(file))
        .collect();
    let text = if is_json {
        json(&loaded, &changed)
    } else {
        table(&loaded).render(console.is_terminal)
    };
    console.out(&text);
    console.faults(&loaded.warnings);
    for file in &changed {
        let text = match console.tongue {
            Tongue::English => format!(
                "error: {} is not the file that the manifest names",
                file.path.display()
            ),
            Tongue::Vietnamese => format!(
                "lỗi: {} không đúng tệp ghi trong manifest",
                file.path.display()
            ),
        };
        console.tell(&text);
    }
    let is_default_whole = loaded
        .languages
        .first()
        .is_none_or(|language| language.missing_core.is_empty());
    let is_warned = loaded
        .warnings
        .iter()
        .any(|fault| fault.severity == Severity::Warning);
    if !changed.is_empty() || !is_default_whole {
        Exit::Error
    } else if is_strict && is_warned {
        Exit::Warnings
    } else {
        Exit::Ok
    }
}

fn table(loaded: &Loaded) -> Table {
    let mut table = Table::new(&["language", "open", "clips", "placeholders", "core missing"]);
    for language in &loaded.languages {
        table.row(vec![
            language.code.clone(),
            if language.is_open { "yes" } else { "no" }.to_owned(),
            language.clips.to_string(),
            language.placeholders.to_string(),
            language.missing_core.len().to_string(),
        ]);
    }
    table
}

fn json(loaded: &Loaded, changed: &[&SoundFile]) -> String {
    let languages: Vec<serde_json::Value> = loaded
        .languages
        .iter()
        .map(|language| {
            serde_json::json!({
                "language": language.code,
                "is_open": language.is_open,
                "clips": language.clips,
                "placeholders": language.placeholders,
                "missing_core": language.missing_core,
            })
        })
        .collect();
    let changed: Vec<String> = changed
        .iter()
        .map(|file| file.path.display().to_string())
        .collect();
    format!(
        "{}\n",
        serde_json::json!({ "languages": languages, "changed_files": changed })
    )
}

fn is_as_the_manifest_says(file: &SoundFile) -> bool {
    let Ok(bytes) = std::fs::read(&file.path) else {
        return false;
    };
    let digest = Sha256::digest(&bytes);
    let hex = digest.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    hex == file.sha256
}
