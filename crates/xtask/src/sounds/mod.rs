//! `cargo xtask sounds`: makes every clip that no person has recorded, and says whether the folder is whole.

mod manifest;
mod shape;
mod speech;
mod tone;
mod verify;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use self::manifest::{Clip, Language, Manifest, Prompt, State, TONES};
use crate::failure::Failure;
use crate::run;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Changes nothing: compares the files with the manifest
    #[arg(long)]
    check: bool,
}

pub(crate) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let folder = run::repository().join("sounds");
    if !arguments.check {
        make(&folder)?;
    }
    let manifest = Manifest::read(&folder)?;
    let findings = verify::verify(&folder, &manifest);
    if !findings.is_empty() {
        return Err(Failure::Findings(findings.join("\n")));
    }
    for (code, language) in &manifest.language {
        let milliseconds: u64 = language.clip.values().map(|clip| clip.duration_ms).sum();
        println!(
            "{code:6} {:4} clips {:5} s  {}",
            language.clip.len(),
            milliseconds / 1000,
            language.state
        );
    }
    Ok(())
}

fn make(folder: &Path) -> Result<(), Failure> {
    let mut manifest = Manifest::read(folder)?;
    let engine = speech::Engine::find()?;
    let spoken: BTreeMap<String, String> = manifest
        .language
        .iter()
        .filter(|(code, _)| *code != TONES)
        .map(|(code, language)| (code.clone(), language.spoken_vi.clone()))
        .collect();
    for (code, language) in &mut manifest.language {
        let home = folder.join(code);
        std::fs::create_dir_all(&home).map_err(Failure::file("creating", &home))?;
        let before = std::mem::take(&mut language.clip);
        let wanted = manifest.prompt.iter().filter(|prompt| prompt.is_for(code));
        for prompt in wanted {
            for line in lines(prompt, code, &spoken) {
                let clip = match before.get(&line.id) {
                    Some(clip) if clip.state == Some(State::Recorded) => {
                        keep_recording(folder, clip)?
                    }
                    Some(_) | None => match synthesise(&engine, prompt, &line, code)? {
                        Some(samples) => {
                            write_clip(&engine, folder, code, line.clone(), prompt, &samples)?
                        }
                        None => continue,
                    },
                };
                language.clip.insert(line.id, clip);
            }
        }
        describe(code, language, &engine);
        if language.state == State::ToBeRecorded {
            write_notice(&home, language)?;
        }
    }
    manifest.write(folder)
}

/// One sentence to be spoken: a prompt, or a prompt with its gap filled.
#[derive(Clone)]
struct Line {
    id: String,
    file: String,
    text: String,
    is_filled: bool,
}

/// A prompt with a gap for a language becomes one line for each language, so that nothing is glued together
/// while a person listens.
fn lines(prompt: &Prompt, code: &str, spoken: &BTreeMap<String, String>) -> Vec<Line> {
    const GAP: &str = "{ngôn ngữ}";
    let text = prompt.text(code);
    if code != "vi" || !text.contains(GAP) {
        return vec![Line {
            id: prompt.id.clone(),
            file: prompt.file.clone(),
            text: text.to_owned(),
            is_filled: false,
        }];
    }
    spoken
        .iter()
        .map(|(other, name)| Line {
            id: format!("{}.{other}", prompt.id),
            file: prompt.file.replace(".wav", &format!("_{other}.wav")),
            text: text.replace(GAP, name),
            is_filled: true,
        })
        .collect()
}

fn synthesise(
    engine: &speech::Engine,
    prompt: &Prompt,
    line: &Line,
    code: &str,
) -> Result<Option<Vec<i16>>, Failure> {
    if code == TONES {
        return Ok(tone::render(&line.id));
    }
    let voice = prompt.spoken_in.as_deref().unwrap_or(code);
    let longest_ms = prompt.longest_placeholder_ms();
    engine.say(voice, &line.text, longest_ms)
}

fn write_clip(
    engine: &speech::Engine,
    folder: &Path,
    code: &str,
    line: Line,
    prompt: &Prompt,
    samples: &[i16],
) -> Result<Clip, Failure> {
    let file = format!("{code}/{}", line.file);
    let path = folder.join(&file);
    shape::write_wav(&path, samples)?;
    let is_foreign = prompt
        .spoken_in
        .as_deref()
        .is_some_and(|spoken_in| spoken_in != code);
    Ok(Clip {
        duration_ms: shape::duration_ms(samples),
        file,
        licence: None,
        sha256: shape::sha256(&path)?,
        state: None,
        text: line.is_filled.then_some(line.text),
        voice: prompt
            .spoken_in
            .as_deref()
            .filter(|_| is_foreign)
            .and_then(|spoken_in| engine.voice(spoken_in)),
    })
}

fn keep_recording(folder: &Path, clip: &Clip) -> Result<Clip, Failure> {
    let path = folder.join(&clip.file);
    let wav = shape::read_wav(&path)?;
    Ok(Clip {
        duration_ms: wav.duration_ms(),
        sha256: shape::sha256(&path)?,
        ..clip.clone()
    })
}

fn describe(code: &str, language: &mut Language, engine: &speech::Engine) {
    if code == TONES {
        language.state = State::Synthesised;
        language.voice = Some("cargo xtask sounds".to_owned());
        language.licence = Some("CC0-1.0".to_owned());
    } else if let Some(voice) = engine.voice(code) {
        language.state = State::Placeholder;
        language.voice = Some(voice);
        language.licence = Some("Apache-2.0, see sounds/LICENSE".to_owned());
    }
}

fn write_notice(home: &Path, language: &Language) -> Result<(), Failure> {
    let path = home.join("README.md");
    let text = format!(
        "{} ({}): to be recorded by native speakers. The sentences stand in ../manifest.toml.\n",
        language.name_vi, language.name_en
    );
    std::fs::write(&path, text).map_err(Failure::file("writing", &path))
}
