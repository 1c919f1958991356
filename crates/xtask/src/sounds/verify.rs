//! What a whole sounds folder is: each finding is one line for a person.

use std::collections::BTreeSet;
use std::path::Path;

use super::manifest::{Clip, Language, Manifest, Prompt, State, TONES};
use super::shape::{self, SAMPLE_RATE_HZ, Wav};

/// Speech is made at -20 dBFS unless its peaks forbid it; the range is -26 to -17 dBFS.
const SPEECH_RMS_MIN: f64 = 0.05;
const SPEECH_RMS_MAX: f64 = 0.14;
/// A tone that is softer than -50 dBFS would be heard as silence.
const TONE_RMS_MIN: f64 = 0.003;
/// Recordings may be masters; decisions about the codec are taken when they are loaded.
const RECORDING_RATES_HZ: [u32; 3] = [8_000, 16_000, 48_000];

pub(crate) fn verify(folder: &Path, manifest: &Manifest) -> Vec<String> {
    let mut findings = Vec::new();
    verify_prompts(manifest, &mut findings);
    for (code, language) in &manifest.language {
        verify_complete(manifest, code, language, &mut findings);
        for (id, clip) in &language.clip {
            let prompt = manifest.prompt.iter().find(|prompt| is_clip_of(id, prompt));
            let Some(prompt) = prompt else {
                findings.push(format!("{code} {id}: a clip of no prompt"));
                continue;
            };
            for finding in verify_clip(folder, code, language, clip, prompt) {
                findings.push(format!("{code} {id}: {finding}"));
            }
        }
        verify_strays(folder, code, language, &mut findings);
    }
    findings
}

fn verify_prompts(manifest: &Manifest, findings: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for prompt in &manifest.prompt {
        if !seen.insert(&prompt.id) {
            findings.push(format!("{}: two prompts of this name", prompt.id));
        }
        let texts = [&prompt.vi, &prompt.en];
        if texts
            .iter()
            .any(|text| text.is_empty() || text.contains(char::is_control))
        {
            findings.push(format!("{}: a text is empty or not one line", prompt.id));
        }
        for entry in &prompt.languages {
            let is_group = entry == "all" || entry == "minority";
            if !is_group && !manifest.language.contains_key(entry) {
                findings.push(format!("{}: unknown language {entry}", prompt.id));
            }
        }
    }
}

/// Vietnamese, English and the tones are whole; other languages are as far as their speakers have come.
fn verify_complete(
    manifest: &Manifest,
    code: &str,
    language: &Language,
    findings: &mut Vec<String>,
) {
    if language.state == State::ToBeRecorded {
        return;
    }
    for prompt in manifest.prompt.iter().filter(|prompt| prompt.is_for(code)) {
        if !language.clip.keys().any(|id| is_clip_of(id, prompt)) {
            findings.push(format!("{code} {}: no clip", prompt.id));
        }
    }
}

fn verify_clip(
    folder: &Path,
    code: &str,
    language: &Language,
    clip: &Clip,
    prompt: &Prompt,
) -> Vec<String> {
    let path = folder.join(&clip.file);
    let wav = match shape::read_wav(&path) {
        Ok(wav) => wav,
        Err(failure) => return vec![failure.to_string()],
    };
    let mut findings = Vec::new();
    let mut expect = |holds: bool, finding: &str| {
        if !holds {
            findings.push(finding.to_owned());
        }
    };
    let is_same = shape::sha256(&path).is_ok_and(|sha256| sha256 == clip.sha256);
    expect(is_same, "sha256 differs from the manifest");
    let is_home = clip.file.split('/').next() == Some(code);
    expect(is_home, "lies in another language's folder");
    expect(wav.duration_ms() == clip.duration_ms, "duration_ms differs");
    expect(wav.spec.channels == 1, "is not mono");
    expect(wav.spec.bits_per_sample == 16, "is not 16 bit");
    let is_recorded = clip.state.unwrap_or(language.state) == State::Recorded;
    let rates: &[u32] = if is_recorded {
        &RECORDING_RATES_HZ
    } else {
        &[SAMPLE_RATE_HZ]
    };
    expect(
        rates.contains(&wav.spec.sample_rate),
        "has a wrong sample rate",
    );
    let longest_ms = if is_recorded {
        prompt.max_s.map(|seconds| seconds * 1_000)
    } else {
        prompt.longest_placeholder_ms()
    };
    let fits = longest_ms.is_none_or(|longest| wav.duration_ms() <= longest);
    expect(fits, "is longer than its prompt allows");
    expect(is_level(code, &wav), "is too loud, too soft or silent");
    findings
}

fn is_level(code: &str, wav: &Wav) -> bool {
    let is_below_peak = wav.peak() <= shape::PEAK_MAX + 0.001;
    let rms = wav.rms();
    let is_audible = if code == TONES {
        rms >= TONE_RMS_MIN
    } else {
        (SPEECH_RMS_MIN..=SPEECH_RMS_MAX).contains(&rms)
    };
    is_below_peak && is_audible
}

/// A file that the manifest does not know would be shipped without text, voice and licence.
fn verify_strays(folder: &Path, code: &str, language: &Language, findings: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder.join(code)) else {
        findings.push(format!("{code}: no folder"));
        return;
    };
    let known: BTreeSet<&str> = language
        .clip
        .values()
        .map(|clip| clip.file.as_str())
        .collect();
    for entry in entries.flatten() {
        let name = format!("{code}/{}", entry.file_name().to_string_lossy());
        if !name.ends_with("README.md") && !known.contains(name.as_str()) {
            findings.push(format!("{name}: not in the manifest"));
        }
    }
}

/// `agent.lang.hmn` is a clip of `agent.lang`, whose text has a gap; every other clip has its prompt's name.
fn is_clip_of(id: &str, prompt: &Prompt) -> bool {
    let has_gap =
        prompt.vi.contains("{ngôn ngữ}") && prompt.languages.iter().any(|code| code == "vi");
    if has_gap {
        id.rsplit_once('.')
            .is_some_and(|(stem, _)| stem == prompt.id)
    } else {
        id == prompt.id
    }
}
