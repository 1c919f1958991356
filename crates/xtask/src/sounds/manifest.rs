//! `sounds/manifest.toml`: read, and written back in one canonical form.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The pseudo language of clips without words.
pub(crate) const TONES: &str = "tones";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) prompt: Vec<Prompt>,
    pub(crate) language: BTreeMap<String, Language>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prompt {
    pub(crate) id: String,
    pub(crate) file: String,
    pub(crate) group: String,
    pub(crate) languages: Vec<String>,
    pub(crate) spoken_in: Option<String>,
    pub(crate) core: bool,
    pub(crate) required: bool,
    pub(crate) barge_in: bool,
    pub(crate) max_s: Option<u64>,
    pub(crate) vi: String,
    pub(crate) en: String,
    pub(crate) notes: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Language {
    pub(crate) name_vi: String,
    pub(crate) name_en: String,
    #[serde(default)]
    pub(crate) spoken_vi: String,
    pub(crate) state: State,
    pub(crate) voice: Option<String>,
    pub(crate) licence: Option<String>,
    #[serde(default)]
    pub(crate) clip: BTreeMap<String, Clip>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clip {
    pub(crate) file: String,
    pub(crate) duration_ms: u64,
    pub(crate) sha256: String,
    pub(crate) state: Option<State>,
    pub(crate) text: Option<String>,
    pub(crate) voice: Option<String>,
    pub(crate) licence: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Placeholder,
    Recorded,
    Synthesised,
    ToBeRecorded,
}

impl Manifest {
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("manifest.toml");
        let text = std::fs::read_to_string(&path).map_err(Failure::file("reading", &path))?;
        toml::from_str(&text).map_err(|error| Failure::content(&path, error))
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let path = folder.join("manifest.toml");
        std::fs::write(&path, self.to_string()).map_err(Failure::file("writing", &path))
    }
}

impl Prompt {
    pub(crate) fn is_for(&self, code: &str) -> bool {
        self.languages.iter().any(|entry| match entry.as_str() {
            "all" => code != TONES,
            "minority" => code != TONES && code != "vi" && code != "en",
            other => other == code,
        })
    }

    /// The sentence as a reader of `code` says it; for a language without a text it is the Vietnamese one,
    /// which the speaker translates.
    pub(crate) fn text(&self, code: &str) -> &str {
        if code == "en" { &self.en } else { &self.vi }
    }

    /// A placeholder may be 30 % longer than a recording: the synthesiser is slower than a person.
    pub(crate) fn longest_placeholder_ms(&self) -> Option<u64> {
        self.max_s.map(|seconds| seconds * 1_300)
    }
}

impl Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Placeholder => "placeholder",
            Self::Recorded => "recorded",
            Self::Synthesised => "synthesised",
            Self::ToBeRecorded => "to_be_recorded",
        })
    }
}

/// The canonical form: one line a fact and one line a clip, so that a change shows as a short difference.
impl Display for Manifest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(HEADER)?;
        writeln!(formatter, "\nformat = {}", self.format)?;
        for prompt in &self.prompt {
            write_prompt(formatter, prompt)?;
        }
        for (code, language) in &self.language {
            write_language(formatter, code, language)?;
        }
        Ok(())
    }
}

fn write_prompt(out: &mut fmt::Formatter<'_>, prompt: &Prompt) -> fmt::Result {
    let languages: Vec<String> = prompt.languages.iter().map(|code| quoted(code)).collect();
    writeln!(out, "\n[[prompt]]")?;
    writeln!(out, "id = {}", quoted(&prompt.id))?;
    writeln!(out, "file = {}", quoted(&prompt.file))?;
    writeln!(out, "group = {}", quoted(&prompt.group))?;
    writeln!(out, "languages = [{}]", languages.join(", "))?;
    if let Some(spoken_in) = &prompt.spoken_in {
        writeln!(out, "spoken_in = {}", quoted(spoken_in))?;
    }
    writeln!(out, "core = {}", prompt.core)?;
    writeln!(out, "required = {}", prompt.required)?;
    writeln!(out, "barge_in = {}", prompt.barge_in)?;
    if let Some(max_s) = prompt.max_s {
        writeln!(out, "max_s = {max_s}")?;
    }
    writeln!(out, "vi = {}", quoted(&prompt.vi))?;
    writeln!(out, "en = {}", quoted(&prompt.en))?;
    if let Some(notes) = &prompt.notes {
        writeln!(out, "notes = {}", quoted(notes))?;
    }
    Ok(())
}

fn write_language(out: &mut fmt::Formatter<'_>, code: &str, language: &Language) -> fmt::Result {
    writeln!(out, "\n[language.{code}]")?;
    writeln!(out, "name_vi = {}", quoted(&language.name_vi))?;
    writeln!(out, "name_en = {}", quoted(&language.name_en))?;
    if !language.spoken_vi.is_empty() {
        writeln!(out, "spoken_vi = {}", quoted(&language.spoken_vi))?;
    }
    writeln!(out, "state = {}", quoted(&language.state.to_string()))?;
    if let Some(voice) = &language.voice {
        writeln!(out, "voice = {}", quoted(voice))?;
    }
    if let Some(licence) = &language.licence {
        writeln!(out, "licence = {}", quoted(licence))?;
    }
    if language.clip.is_empty() {
        return Ok(());
    }
    writeln!(out, "[language.{code}.clip]")?;
    for (id, clip) in &language.clip {
        writeln!(out, "{} = {}", quoted(id), clip_fields(clip))?;
    }
    Ok(())
}

fn clip_fields(clip: &Clip) -> String {
    let mut line = format!(
        "{{ file = {}, duration_ms = {}",
        quoted(&clip.file),
        clip.duration_ms
    );
    let state = clip.state.map(|state| state.to_string());
    let optional = [
        ("state", state.as_ref()),
        ("voice", clip.voice.as_ref()),
        ("licence", clip.licence.as_ref()),
        ("text", clip.text.as_ref()),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            // Writing into a String cannot fail.
            let _ = write!(line, ", {name} = {}", quoted(value));
        }
    }
    let _ = write!(line, ", sha256 = {} }}", quoted(&clip.sha256));
    line
}

/// A TOML basic string. Our sentences hold no control characters, which `verify` checks.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

const HEADER: &str = "\
# The sounds of the line: what is said (prompts), and which files say it (clips).
#
# Edit the [[prompt]] tables and the head of a [language.*] table by hand; `cargo xtask sounds` makes the
# clips of vi, en and tones, and writes this file back in this form. `hotline111 sounds check` reads it too.
#
# [[prompt]]            one sentence
#   id                  the name that flows and the server use
#   file                file name in each language's folder
#   languages           [\"all\"], [\"minority\"] (all but vi and en), codes, or [\"tones\"] (no words)
#   spoken_in           the language in which it is spoken wherever it stands (lang.en is English everywhere)
#   core                a language is offered only when all its core prompts exist; a missing core prompt of
#                       vi stops the server from starting
#   required            belongs to the set that a centre should record; the others are optional
#   barge_in            a key interrupts it
#   max_s               longest recording in seconds; a placeholder may be 30 % longer
#   vi, en              the sentence; for every other language the Vietnamese one is the brief for the speaker
#   A gap {ngôn ngữ} is filled when the clips are made: the prompt agent.lang has the clips agent.lang.vi,
#   agent.lang.en, agent.lang.hmn ... and none of its own name.
#
# [language.<code>]     folder sounds/<code>; codes of config/data/languages.csv, and `tones`
#   state, voice, licence   hold for each clip that does not say otherwise
#   spoken_vi           its name inside a Vietnamese sentence
# [language.<code>.clip]
#   \"<id>\" = { file (under sounds/), duration_ms, sha256, and where they differ state, voice, licence, text }
#   state is placeholder | recorded | synthesised. A prompt that is for this language and has no clip here is
#   to_be_recorded; callers hear it in Vietnamese meanwhile. A file whose clip says state = \"recorded\" is
#   never overwritten.
";
