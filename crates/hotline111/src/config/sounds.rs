//! The sounds: `sounds/manifest.toml` and the length of each clip that will be loaded.

use super::fault::{Notes, Severity};
use super::problem::Problem;
use super::source::{Kind, Place, Sources};
use super::wav;
use hotline_core::{LanguageId, Prompt, PromptId};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A clip to load. Its place in `Loaded::sounds` is its number towards the media side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SoundFile {
    /// Index into the plan's prompts.
    pub prompt: PromptId,
    /// Its name, e.g. `greet.main`.
    pub name: String,
    /// Index into the plan's languages; sounds without words stand under the default language.
    pub language: LanguageId,
    /// Folder under `sounds/`: a language's code, or `tones`.
    pub code: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Measured.
    pub length_ms: u32,
    /// Made by a machine until somebody records it.
    pub is_placeholder: bool,
    /// Must exist before its language opens.
    pub is_core: bool,
    /// What the manifest says of the file's bytes.
    pub sha256: String,
}

/// All that the manifest and the files say, for the languages of this configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Library {
    /// False when the manifest could not be read; then nothing is said about missing prompts.
    pub(crate) is_readable: bool,
    /// Index = `PromptId`.
    pub(crate) prompts: Vec<Prompt>,
    /// For each prompt: the language it is spoken in wherever it stands.
    pub(crate) spoken_in: Vec<Option<String>>,
    /// Every language's code that the manifest knows.
    pub(crate) codes: Vec<String>,
    /// For each offered language: core prompts that are missing.
    pub(crate) missing_core: Vec<Vec<String>>,
    pub(crate) files: Vec<SoundFile>,
    core: Vec<bool>,
}

/// How far a language is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LanguageState {
    /// Code.
    pub code: String,
    /// Announced and on its key.
    pub is_open: bool,
    /// Clips that exist.
    pub clips: usize,
    /// Clips that a machine spoke.
    pub placeholders: usize,
    /// Core prompts that are missing.
    pub missing_core: Vec<String>,
}

/// The folder of sounds without words.
pub(crate) const TONES: &str = "tones";

#[derive(Deserialize)]
struct Manifest {
    prompt: Vec<ManifestPrompt>,
    language: BTreeMap<String, ManifestLanguage>,
}

#[derive(Deserialize)]
struct ManifestPrompt {
    id: String,
    languages: Vec<String>,
    spoken_in: Option<String>,
    core: bool,
    vi: String,
}

#[derive(Deserialize)]
struct ManifestLanguage {
    state: State,
    #[serde(default)]
    clip: BTreeMap<String, ManifestClip>,
}

#[derive(Deserialize)]
struct ManifestClip {
    file: String,
    sha256: String,
    state: Option<State>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum State {
    Placeholder,
    Recorded,
    Synthesised,
    ToBeRecorded,
}

impl Library {
    /// Reads the manifest and measures the clips of `offered` (the first is the default) and the tones.
    pub(crate) fn read(
        folder: &Path,
        offered: &[String],
        sources: &mut Sources,
        notes: &Notes,
    ) -> Self {
        let path = folder.join("manifest.toml");
        let manifest = match read_manifest(&path, sources, notes) {
            Some(manifest) => manifest,
            None => return Self::default(),
        };
        let mut library = Self::named(&manifest);
        for (index, code) in offered.iter().enumerate() {
            let language = LanguageId(u16::try_from(index).unwrap_or(u16::MAX));
            library.add_language(folder, &manifest, code, language, notes);
        }
        library.add_language(folder, &manifest, TONES, LanguageId(0), notes);
        library
            .files
            .sort_by_key(|file| (file.prompt, file.language));
        library.missing_core = offered
            .iter()
            .map(|code| library.missing(&manifest, code))
            .collect();
        for (index, code) in offered.iter().enumerate() {
            library.tell(index, code, notes);
        }
        library.is_readable = true;
        library
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.prompts.iter().map(|prompt| prompt.name.as_str())
    }

    pub(crate) fn prompt(&self, name: &str) -> Option<PromptId> {
        let index = self.names().position(|known| known == name)?;
        Some(PromptId(u16::try_from(index).ok()?))
    }

    pub(crate) fn has_clip(&self, prompt: PromptId, language: LanguageId) -> bool {
        self.prompts
            .get(usize::from(prompt.0))
            .is_some_and(|prompt| prompt.length_ms.contains_key(&language))
    }

    /// Whether the prompt is one that must exist in every open language.
    pub(crate) fn is_core(&self, prompt: PromptId) -> bool {
        self.core
            .get(usize::from(prompt.0))
            .copied()
            .unwrap_or_default()
    }

    /// Names of prompts: those of the manifest, then the clips made of those with a gap (`agent.lang.hmn`).
    fn named(manifest: &Manifest) -> Self {
        let mut library = Self::default();
        for prompt in &manifest.prompt {
            library.prompts.push(Prompt {
                name: prompt.id.clone(),
                length_ms: BTreeMap::new(),
            });
            library.spoken_in.push(prompt.spoken_in.clone());
            library.core.push(prompt.core);
        }
        let ids: BTreeSet<&String> = manifest.prompt.iter().map(|prompt| &prompt.id).collect();
        let clips = manifest
            .language
            .values()
            .flat_map(|language| language.clip.keys());
        let filled: BTreeSet<&String> = clips.filter(|id| !ids.contains(id)).collect();
        for id in filled {
            library.prompts.push(Prompt {
                name: id.clone(),
                length_ms: BTreeMap::new(),
            });
            library.spoken_in.push(None);
            library.core.push(false);
        }
        library.codes = manifest
            .language
            .keys()
            .filter(|code| *code != TONES)
            .cloned()
            .collect();
        library
    }

    fn add_language(
        &mut self,
        folder: &Path,
        manifest: &Manifest,
        code: &str,
        language: LanguageId,
        notes: &Notes,
    ) {
        let Some(entry) = manifest.language.get(code) else {
            return;
        };
        for (id, clip) in &entry.clip {
            let Some(prompt) = self.prompt(id) else {
                continue;
            };
            let path = folder.join(&clip.file);
            let length_ms = match wav::length_ms(&path) {
                Ok(length_ms) => length_ms,
                // A file that is not there is a missing prompt, told once for all of them below.
                Err(wav::Fault::Absent) => continue,
                Err(wav::Fault::Broken(why)) => {
                    let problem = Problem::ClipBroken {
                        clip: clip.file.clone(),
                        why,
                    };
                    notes.say(Severity::Warning, None, problem);
                    continue;
                }
            };
            if let Some(known) = self.prompts.get_mut(usize::from(prompt.0)) {
                known.length_ms.insert(language, length_ms);
            }
            self.files.push(SoundFile {
                prompt,
                name: id.clone(),
                language,
                code: code.to_owned(),
                path,
                length_ms,
                is_placeholder: clip.state.unwrap_or(entry.state) == State::Placeholder,
                is_core: self.is_core(prompt),
                sha256: clip.sha256.clone(),
            });
        }
    }

    /// Core prompts that a language lacks.
    fn missing(&self, manifest: &Manifest, code: &str) -> Vec<String> {
        let is_here = |id: &str| {
            self.files
                .iter()
                .any(|file| file.code == code && file.name == id)
        };
        let wanted = manifest
            .prompt
            .iter()
            .filter(|prompt| prompt.core && prompt.is_for(code));
        wanted
            .map(|prompt| prompt.id.clone())
            .filter(|id| !is_here(id))
            .collect()
    }

    /// What is missing in the default language, and what is only a placeholder anywhere.
    fn tell(&self, index: usize, code: &str, notes: &Notes) {
        let missing = self.missing_core.get(index).map_or(&[][..], Vec::as_slice);
        if index == 0 {
            for prompt in missing {
                let problem = Problem::PromptMissing {
                    prompt: prompt.clone(),
                    language: code.to_owned(),
                    is_core: true,
                };
                notes.error(None, problem);
            }
        }
        let is_core = |file: &&SoundFile| file.code == code && file.is_core && file.is_placeholder;
        let count = self.files.iter().filter(is_core).count();
        if count > 0 {
            notes.say(
                Severity::Warning,
                None,
                Problem::CorePlaceholders {
                    language: code.to_owned(),
                    count,
                },
            );
        }
    }
}

impl ManifestPrompt {
    /// A prompt with a gap has no clip of its own name, except where the speaker fills the gap (`lang.invite`).
    fn is_for(&self, code: &str) -> bool {
        let is_named = self.languages.iter().any(|entry| match entry.as_str() {
            "all" => code != TONES,
            "minority" => !matches!(code, TONES | "vi" | "en"),
            other => other == code,
        });
        is_named && !(self.vi.contains('{') && self.languages.iter().any(|entry| entry == "vi"))
    }
}

fn read_manifest(path: &Path, sources: &mut Sources, notes: &Notes) -> Option<Manifest> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let problem = Problem::CannotRead {
                what: path.display().to_string(),
                error: error.to_string(),
            };
            notes.error(None, problem);
            return None;
        }
    };
    match toml::from_str(&text) {
        Ok(manifest) => Some(manifest),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let message = error.message().to_owned();
            let source = sources.add(Kind::File(path.to_owned()), text);
            let place = Place {
                source,
                start: span.start,
                end: span.end,
            };
            notes.error(Some(place), Problem::Syntax(message));
            None
        }
    }
}
