//! The sounds as shipped are whole, and the rules about them bite.

use super::manifest::{Manifest, State};
use super::{lines, shape, speech, tone, verify};
use crate::run;

/// With these the caller hears the whole entrance; the no-key caller must be in a queue after 30 s.
const ENTRY: [&str; 7] = [
    "greet.main",
    "lang.en",
    "lang.more",
    "svc.child",
    "svc.traf",
    "svc.cannot",
    "svc.human",
];
const ENTRY_MS_MAX: u64 = 25_000;

fn shipped() -> (std::path::PathBuf, Manifest) {
    let folder = run::repository().join("sounds");
    let manifest = Manifest::read(&folder).unwrap();
    (folder, manifest)
}

#[test]
fn the_shipped_folder_is_whole() {
    let (folder, manifest) = shipped();
    let findings = verify::verify(&folder, &manifest);
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn the_manifest_is_in_its_canonical_form() {
    let (folder, manifest) = shipped();
    let text = std::fs::read_to_string(folder.join("manifest.toml")).unwrap();
    assert!(text == manifest.to_string(), "run `cargo xtask sounds`");
}

#[test]
fn the_entrance_is_short_enough() {
    let (_, manifest) = shipped();
    let vietnamese = &manifest.language["vi"];
    let total: u64 = ENTRY
        .iter()
        .map(|id| vietnamese.clip[*id].duration_ms)
        .sum();
    assert!(total <= ENTRY_MS_MAX, "{total} ms");
}

#[test]
fn every_language_of_the_list_has_its_table() {
    let (_, manifest) = shipped();
    let list = run::repository().join("config/data/languages.csv");
    let list = std::fs::read_to_string(list).unwrap();
    let mut count = 0;
    for code in list
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
    {
        count += 1;
        let language = manifest.language.get(code).expect(code);
        let is_supplied = code == "vi" || code == "en";
        assert_eq!(
            language.state == State::ToBeRecorded,
            !is_supplied,
            "{code}"
        );
    }
    assert_eq!(
        count + 1,
        manifest.language.len(),
        "one table each, and the tones"
    );
}

#[test]
fn the_counsellor_hears_each_language_by_name() {
    let (_, manifest) = shipped();
    for code in manifest.language.keys().filter(|code| *code != "tones") {
        let id = format!("agent.lang.{code}");
        let clip = manifest.language["vi"].clip.get(&id).expect(&id);
        assert!(
            clip.text
                .as_ref()
                .unwrap()
                .starts_with("Người gọi nói tiếng ")
        );
    }
}

#[test]
fn nobody_is_invited_in_a_language_by_a_machine() {
    let (_, manifest) = shipped();
    for (code, language) in &manifest.language {
        if let Some(clip) = language.clip.get("lang.invite") {
            assert_eq!(clip.state, Some(State::Recorded), "{code}");
        }
    }
}

#[test]
fn emergency_numbers_are_spoken_digit_by_digit() {
    assert_eq!(
        speech::spell_numbers("Tổng đài 111, công an 113, cấp cứu 115, số 1.", "vi"),
        "Tổng đài một một một, công an một một ba, cấp cứu một một năm, số 1."
    );
    assert_eq!(
        speech::spell_numbers("Call 113.", "en"),
        "Call one one three."
    );
}

#[test]
fn a_gap_becomes_one_line_for_each_language() {
    let (_, manifest) = shipped();
    let prompt = manifest
        .prompt
        .iter()
        .find(|prompt| prompt.id == "agent.lang")
        .unwrap();
    let spoken = [("hmn".to_owned(), "tiếng Mông".to_owned())].into();
    let made = lines(prompt, "vi", &spoken);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].id, "agent.lang.hmn");
    assert_eq!(made[0].file, "agent_lang_hmn.wav");
    assert_eq!(made[0].text, "Người gọi nói tiếng Mông.");
}

#[test]
fn a_damaged_folder_is_found_out() {
    let (folder, mut manifest) = shipped();
    let vietnamese = manifest.language.get_mut("vi").unwrap();
    vietnamese.clip.remove("greet.main");
    vietnamese.clip.get_mut("svc.child").unwrap().sha256 = "0".repeat(64);
    vietnamese.clip.get_mut("svc.traf").unwrap().duration_ms += 1;
    let clip = vietnamese.clip["svc.human"].clone();
    vietnamese.clip.insert("svc.nothing".to_owned(), clip);
    let findings = verify::verify(&folder, &manifest).join("\n");
    for expected in [
        "vi greet.main: no clip",
        "vi/greet_main.wav: not in the manifest",
        "vi svc.child: sha256 differs from the manifest",
        "vi svc.traf: duration_ms differs",
        "vi svc.nothing: a clip of no prompt",
    ] {
        assert!(
            findings.contains(expected),
            "{expected} is not in\n{findings}"
        );
    }
}

#[test]
fn silence_is_not_a_prompt() {
    let (_, manifest) = shipped();
    let home = std::env::temp_dir().join(format!("hotline111-sounds-{}", std::process::id()));
    std::fs::create_dir_all(home.join("vi")).unwrap();
    let path = home.join("vi/greet_main.wav");
    shape::write_wav(&path, &[0; 8_000]).unwrap();
    let mut manifest = Manifest {
        prompt: manifest.prompt,
        language: manifest.language,
        ..manifest
    };
    manifest.language.retain(|code, _| code == "vi");
    let findings = verify::verify(&home, &manifest).join("\n");
    std::fs::remove_dir_all(&home).unwrap();
    assert!(findings.contains("vi greet.main: is too loud, too soft or silent"));
}

#[test]
fn music_and_bed_have_no_click_at_the_seam() {
    for id in ["tone.moh", "tone.bed"] {
        let samples = tone::render(id).unwrap();
        let step = |(one, other): (&i16, &i16)| i32::from(*one).abs_diff(i32::from(*other));
        let inside = samples.iter().zip(&samples[1..]).map(step).max().unwrap();
        let seam = step((samples.last().unwrap(), &samples[0]));
        assert!(seam <= inside, "{id}: {seam} at the seam, {inside} inside");
        let loudest = samples
            .iter()
            .map(|sample| sample.unsigned_abs())
            .max()
            .unwrap();
        assert!(loudest < 10_000, "{id} has a sudden peak of {loudest}");
    }
}

#[test]
fn speech_has_one_level_and_soft_edges() {
    let mut raw = vec![0_i16; 4_000];
    raw.extend((0..8_000).map(|index| if index / 8 % 2 == 0 { 3_000 } else { -3_000 }));
    raw.extend([0; 4_000]);
    let samples = shape::speech(&raw);
    assert_eq!(shape::duration_ms(&samples), 20 + 1_000 + 130);
    let voiced: Vec<f64> = samples[160..8_160]
        .iter()
        .map(|sample| f64::from(*sample) / 32_767.0)
        .collect();
    assert!((shape::rms(&voiced) - shape::SPEECH_RMS).abs() < 0.002);
    assert!(samples[160].abs() < 100);
}
