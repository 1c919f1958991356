//! What is shipped is good.

use super::*;
use hotline_core::NodeKind;

fn shipped() -> Loaded {
    match load(&repository().join("config/hotline111.toml"), &options()) {
        Ok(loaded) => loaded,
        Err(faults) => panic!(
            "{}",
            faults
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        ),
    }
}

#[test]
fn shipped_files_load_without_a_warning() {
    let loaded = shipped();
    let loud: Vec<String> = loaded
        .warnings
        .iter()
        .filter(|fault| fault.severity != crate::config::Severity::Note)
        // The repository's sounds are placeholders until people have recorded them.
        .filter(|fault| {
            !matches!(
                fault.problem,
                crate::config::Problem::CorePlaceholders { .. }
            )
        })
        .map(ToString::to_string)
        .collect();
    assert!(loud.is_empty(), "{}", loud.join("\n"));
}

#[test]
fn without_a_key_the_caller_is_in_a_queue_within_30_s_of_the_measured_clips() {
    let loaded = shipped();
    let flow = &loaded.plan.flows[0];
    let start = &flow.nodes[usize::from(flow.start.0)];
    let NodeKind::Menu {
        clips,
        window_ms,
        no_input,
        ..
    } = &start.kind
    else {
        panic!("{start:?}")
    };
    assert!(matches!(
        flow.nodes[usize::from(no_input.node.0)].kind,
        NodeKind::Enqueue { .. }
    ));
    let length = |clip: &hotline_core::FlowClip| {
        loaded.plan.prompts[usize::from(clip.prompt.0)].length_ms
            [&clip.language.unwrap_or_default()]
    };
    let spoken_ms: u32 = clips.iter().map(length).sum();
    let until_queue_ms = spoken_ms - 1_000 + window_ms;
    assert!(until_queue_ms <= 30_000, "{until_queue_ms} ms");
}
