//! Open and closed languages, their keys and clips. The recordings here are silence in a folder of the test.

use super::values::silence;
use super::*;
use hotline_core::{Digit, Flow, FlowClip, LanguageId, NodeKind, Plan};

/// The repository's sounds with a test language whose core prompts all exist (but for `without`).
fn sounds_with_test_languages(codes: &[&str], without: &str) -> Folder {
    let folder = Folder::new();
    let sounds = repository().join("sounds").canonicalize().unwrap();
    for name in ["vi", "en", "tones"] {
        std::os::unix::fs::symlink(sounds.join(name), folder.0.join(name)).unwrap();
    }
    let mut manifest = std::fs::read_to_string(sounds.join("manifest.toml")).unwrap();
    let parsed: toml::Value = toml::from_str(&manifest).unwrap();
    let core: Vec<&str> = parsed["prompt"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|prompt| prompt["core"].as_bool() == Some(true))
        .map(|prompt| prompt["id"].as_str().unwrap())
        .collect();
    for code in codes {
        std::fs::create_dir(folder.0.join(code)).unwrap();
        manifest.push_str(&format!("\n[language.{code}]\nname_vi = \"Thử\"\nname_en = \"Test\"\nstate = \"recorded\"\n[language.{code}.clip]\n"));
        for id in core.iter().filter(|id| **id != without) {
            let file = format!("{code}/{id}.wav");
            std::fs::write(folder.0.join(&file), silence(8_000, 1, 16, 1_000)).unwrap();
            manifest.push_str(&format!(
                "\"{id}\" = {{ file = \"{file}\", duration_ms = 1000, sha256 = \"\" }}\n"
            ));
        }
    }
    folder.write("manifest.toml", &manifest);
    folder
}

fn plan_with(codes: &[&str], without: &str, slots: &str) -> Result<Plan, Vec<Fault>> {
    let sounds = sounds_with_test_languages(codes, without);
    let offered: Vec<String> = ["vi", "en"]
        .iter()
        .chain(codes)
        .map(|code| format!("\"{code}\""))
        .collect();
    let main = format!(
        "{MAIN}[languages]\noffered = [{}]\n[centre.hanoi.slots]\n{slots}\n[ivr.switch]\ninformation = false\nrecord_first = false\n[[route]]\ndialled = \"111\"\nflow = \"entry\"\n",
        offered.join(", ")
    );
    let entry = std::fs::read_to_string(repository().join("config/ivr/entry.toml")).unwrap();
    let options = Options {
        overrides: vec![format!("server.sounds_dir={}", sounds.0.display())],
        ..Options::default()
    };
    load_files(&main, &[("ivr/entry.toml", &entry)], &options).map(|loaded| loaded.plan)
}

/// A menu as text: clips, then keys.
fn menu(plan: &Plan, name: &str) -> String {
    let flow: &Flow = &plan.flows[0];
    let node = flow.nodes.iter().find(|node| node.name == name).unwrap();
    let NodeKind::Menu { clips, keys, .. } = &node.kind else {
        panic!("{name} is no menu")
    };
    let code = |id: LanguageId| plan.languages[usize::from(id.0)].code.clone();
    let clip = |clip: &FlowClip| {
        let language = clip
            .language
            .map_or_else(String::new, |id| format!("@{}", code(id)));
        format!(
            "{}{language}",
            plan.prompts[usize::from(clip.prompt.0)].name
        )
    };
    let key = |(digit, target): (&Digit, &hotline_core::Target)| {
        let language = target
            .language
            .map_or_else(String::new, |id| format!("@{}", code(id)));
        format!(
            "{}={}{language}",
            digit.key(),
            flow.nodes[usize::from(target.node.0)].name
        )
    };
    let clips: Vec<String> = clips.iter().map(clip).collect();
    let keys: Vec<String> = keys.iter().map(key).collect();
    format!("{}\n{}", clips.join(" "), keys.join(" "))
}

#[test]
fn an_open_language_is_announced_in_its_own_words_and_has_its_key() {
    let plan = plan_with(&["qaa"], "", "5 = \"qaa\"\n6 = \"hmn\"").unwrap();
    expect_test::expect![[r#"
        greet.main lang.en@en lang.invite@qaa num.5@qaa lang.more svc.child svc.traf svc.cannot svc.human
        1=child 2=trafficking 3=information 4=service@en 5=service@qaa 8=languages 9=cannot_speak"#]]
    .assert_eq(&menu(&plan, "entry"));
    expect_test::expect![[r#"
        lang.vi@vi lang.en@en lang.invite@qaa num.5@qaa lang.none_needed
        1=service@vi 4=service@en 5=service@qaa 9=cannot_speak"#]]
    .assert_eq(&menu(&plan, "languages"));
}

#[test]
fn a_language_that_lacks_one_core_prompt_is_closed() {
    let plan = plan_with(&["qaa"], "danger.now", "5 = \"qaa\"").unwrap();
    assert_eq!(
        plan.languages
            .iter()
            .map(|language| language.is_open)
            .collect::<Vec<_>>(),
        [true, true, false]
    );
    expect_test::expect![[r#"
        greet.main lang.en@en lang.more svc.child svc.traf svc.cannot svc.human
        1=child 2=trafficking 3=information 4=service@en 8=languages 9=cannot_speak"#]]
    .assert_eq(&menu(&plan, "entry"));
}

#[test]
fn open_languages_without_a_slot_get_the_free_keys_of_the_list() {
    let plan = plan_with(&["qaa", "qab", "qac"], "", "6 = \"qab\"").unwrap();
    expect_test::expect![[r#"
        lang.vi@vi lang.invite@qaa num.2@qaa lang.invite@qac num.3@qac lang.en@en lang.invite@qab num.6@qab lang.none_needed
        1=service@vi 2=service@qaa 3=service@qac 4=service@en 6=service@qab 9=cannot_speak"#]]
    .assert_eq(&menu(&plan, "languages"));
}

#[test]
fn more_languages_than_keys_are_told() {
    let codes = ["qaa", "qab", "qac", "qad", "qae", "qaf", "qag"];
    let faults = plan_with(&codes, "", "").unwrap_err();
    let text: Vec<String> = faults
        .iter()
        .map(|fault| fault.problem.text(Tongue::English))
        .collect();
    assert!(
        text.contains(&"no key is left for language `qag`".to_owned()),
        "{text:?}"
    );
}

#[test]
fn a_missing_core_prompt_of_the_default_language_keeps_the_server_from_starting_unless_accepted() {
    let sounds = sounds_with_test_languages(&[], "");
    std::fs::remove_file(sounds.0.join("vi")).unwrap();
    std::fs::create_dir(sounds.0.join("vi")).unwrap();
    for entry in std::fs::read_dir(repository().join("sounds/vi")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "queue_hold.wav" {
            std::os::unix::fs::symlink(
                entry.path().canonicalize().unwrap(),
                sounds.0.join("vi").join(entry.file_name()),
            )
            .unwrap();
        }
    }
    let mut options = Options {
        overrides: vec![format!("server.sounds_dir={}", sounds.0.display())],
        ..Options::default()
    };
    let text = faults_in(Tongue::English, MAIN, &[], &options);
    assert!(
        text.starts_with("error: core prompt `queue.hold` has no clip in language `vi`"),
        "{text}"
    );
    assert!(load_files(MAIN, &[], &options).is_err());
    options.accept_missing = true;
    let loaded = load_files(MAIN, &[], &options).unwrap();
    assert!(
        loaded
            .warnings
            .iter()
            .any(|fault| fault.problem.text(Tongue::English).contains("`queue.hold`"))
    );
}

#[test]
fn sounds_are_listed_in_the_order_of_their_numbers() {
    let loaded = load_files(
        &format!("{MAIN}[languages]\noffered = [\"vi\", \"en\"]\n"),
        &[],
        &options(),
    )
    .unwrap();
    let list = crate::config::load_sounds(&loaded);
    assert_eq!(list.len(), loaded.sounds.len());
    let music = &list[loaded.music.unwrap()];
    assert_eq!(
        (music.0.as_str(), music.1.as_str()),
        ("tone.moh", "vi"),
        "sounds without words stand under vi"
    );
    assert!(
        list.iter()
            .all(|(_, code, path)| (code == "vi" || code == "en") && path.is_file())
    );
    for file in &loaded.sounds {
        assert_eq!(
            loaded.plan.prompts[usize::from(file.prompt.0)].length_ms[&file.language],
            file.length_ms
        );
    }
}
