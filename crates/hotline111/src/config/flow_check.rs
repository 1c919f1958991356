//! What must hold in every flow: no dead ends, no circles without a key, nobody is hung up on for silence.

use super::fault::{Notes, Severity};
use super::flow::Context;
use super::problem::Problem;
use super::source::Place;
use hotline_core::{Flow, FlowClip, LanguageId, Node, NodeId, NodeKind};
use std::collections::BTreeSet;

/// Where the parts of a flow stand.
pub(crate) struct Places {
    pub(crate) start: Place,
    pub(crate) person: Place,
    pub(crate) fallback: Place,
    /// Index = `NodeId`.
    pub(crate) nodes: Vec<Place>,
    /// Nodes that count as reached, because the key of a closed language leads to them.
    pub(crate) behind_closed_keys: Vec<NodeId>,
}

/// A key window begins in the last clip's final second.
const WINDOW_OVERLAP_MS: u32 = 1_000;

pub(crate) fn check(flow: &Flow, places: &Places, context: &Context<'_>, notes: &Notes) {
    for (role, id, place) in [
        ("person", flow.person, places.person),
        ("fallback", flow.fallback, places.fallback),
    ] {
        if let Some(node) =
            node(flow, id).filter(|node| !matches!(node.kind, NodeKind::Enqueue { .. }))
        {
            let problem = Problem::NotAQueue {
                role: role.to_owned(),
                node: node.name.clone(),
            };
            notes.error(Some(place), problem);
        }
    }
    if let Some(node) =
        node(flow, flow.start).filter(|node| matches!(node.kind, NodeKind::HangUp { .. }))
    {
        notes.error(Some(places.start), Problem::StartHangsUp(node.name.clone()));
    }
    check_reachable(flow, places, notes);
    let is_safe = check_ways_without_key(flow, places, notes);
    if is_safe {
        check_time(flow, places, context, notes);
    }
}

fn node(flow: &Flow, id: NodeId) -> Option<&Node> {
    flow.nodes.get(usize::from(id.0))
}

/// Ways that need no key: silence, voice, the end of a clip.
fn ways_without_key(node: &Node) -> Vec<NodeId> {
    match &node.kind {
        NodeKind::Enqueue { .. } | NodeKind::HangUp { .. } => Vec::new(),
        NodeKind::Menu {
            no_input, voice, ..
        } => voice
            .iter()
            .chain([no_input])
            .map(|target| target.node)
            .collect(),
        NodeKind::Play { then, .. } => vec![then.node],
    }
}

/// Ways by a key, also by wrong ones.
fn ways_by_key(node: &Node) -> Vec<NodeId> {
    match &node.kind {
        NodeKind::Enqueue { .. } | NodeKind::HangUp { .. } | NodeKind::Play { .. } => Vec::new(),
        NodeKind::Menu { keys, no_match, .. } => keys
            .values()
            .chain([no_match])
            .map(|target| target.node)
            .collect(),
    }
}

fn check_reachable(flow: &Flow, places: &Places, notes: &Notes) {
    let mut reached: BTreeSet<NodeId> = BTreeSet::new();
    let mut open = vec![flow.start, flow.person, flow.fallback];
    open.extend(&places.behind_closed_keys);
    // Each node is opened once, so this ends.
    while let Some(id) = open.pop() {
        if reached.insert(id)
            && let Some(node) = node(flow, id)
        {
            open.extend(ways_without_key(node));
            open.extend(ways_by_key(node));
        }
    }
    for ((index, node), place) in flow.nodes.iter().enumerate().zip(&places.nodes) {
        let is_reached = u16::try_from(index).is_ok_and(|index| reached.contains(&NodeId(index)));
        if !is_reached {
            notes.error(Some(*place), Problem::Unreachable(node.name.clone()));
        }
    }
}

/// From every node, silence must end in a queue. True when it does.
fn check_ways_without_key(flow: &Flow, places: &Places, notes: &Notes) -> bool {
    let mut is_safe = true;
    let mut told: BTreeSet<NodeId> = BTreeSet::new();
    for index in 0..flow.nodes.len() {
        let Ok(index) = u16::try_from(index) else {
            continue;
        };
        let mut trail = Vec::new();
        if let Some(circle) = circle_from(flow, NodeId(index), &mut trail) {
            is_safe = false;
            // A circle is found from each of its nodes, but told once.
            if circle.iter().any(|id| told.contains(id)) {
                continue;
            }
            told.extend(circle.iter().copied());
            let names: Vec<&str> = circle
                .iter()
                .filter_map(|id| Some(node(flow, *id)?.name.as_str()))
                .collect();
            let first = circle
                .iter()
                .min()
                .and_then(|id| places.nodes.get(usize::from(id.0)));
            notes.error(first.copied(), Problem::LoopWithoutKey(names.join(" → ")));
        }
    }
    let Some(start) = is_safe.then_some(flow.start) else {
        return false;
    };
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        let Some(found) = node(flow, id) else {
            continue;
        };
        if matches!(found.kind, NodeKind::HangUp { .. }) && id != flow.start {
            is_safe = false;
            notes.error(
                places.nodes.get(usize::from(id.0)).copied(),
                Problem::HangsUpWithoutKey(found.name.clone()),
            );
        }
        open.extend(ways_without_key(found));
    }
    is_safe
}

/// The nodes of a circle of ways without a key that begins at `id`, if `id` is part of one.
fn circle_from(flow: &Flow, id: NodeId, trail: &mut Vec<NodeId>) -> Option<Vec<NodeId>> {
    if let Some(at) = trail.iter().position(|passed| *passed == id) {
        // A circle further down the trail is found again from its own nodes.
        return (at == 0).then(|| trail.clone());
    }
    trail.push(id);
    let found = ways_without_key(node(flow, id)?)
        .into_iter()
        .find_map(|next| circle_from(flow, next, trail));
    trail.pop();
    found
}

/// How long the caller who presses nothing needs to a queue, in the default language.
fn check_time(flow: &Flow, places: &Places, context: &Context<'_>, notes: &Notes) {
    let mut length_ms = 0_u32;
    let mut id = flow.start;
    // Without circles a way has at most as many steps as there are nodes.
    for _ in 0..flow.nodes.len() {
        let Some(found) = node(flow, id) else { return };
        match &found.kind {
            NodeKind::Enqueue { .. } | NodeKind::HangUp { .. } => break,
            NodeKind::Menu {
                clips,
                window_ms,
                no_input,
                ..
            } => {
                let window = window_ms.saturating_sub(WINDOW_OVERLAP_MS);
                length_ms = length_ms
                    .saturating_add(clips_ms(clips, context))
                    .saturating_add(window);
                id = no_input.node;
            }
            NodeKind::Play { clips, then, .. } => {
                length_ms = length_ms.saturating_add(clips_ms(clips, context));
                id = then.node;
            }
        }
    }
    if length_ms > context.entry_ms_max {
        let problem = Problem::TooLongWithoutKey {
            flow: flow.name.clone(),
            length_ms,
            limit_ms: context.entry_ms_max,
        };
        notes.say(Severity::Warning, Some(places.start), problem);
    }
}

/// Milliseconds of clips as a caller of the default language hears them.
pub(crate) fn clips_ms(clips: &[FlowClip], context: &Context<'_>) -> u32 {
    let length = |clip: &FlowClip| {
        let prompt = context
            .floor
            .library
            .prompts
            .get(usize::from(clip.prompt.0))?;
        let heard_in = clip.language.unwrap_or_default();
        prompt
            .length_ms
            .get(&heard_in)
            .or_else(|| prompt.length_ms.get(&LanguageId(0)))
            .copied()
    };
    clips.iter().filter_map(length).fold(0, u32::saturating_add)
}
