//! The interpreter of flows: menus, keys, the lack of keys, voice, and the way into the queue.

use crate::bug::bug;
use crate::call::{CallState, TYPED_MAX};
use crate::cause::{Cause, EndedBy};
use crate::fact::Fact;
use crate::flow::{Digit, Flow, Node, NodeKind, Target};
use crate::ids::{CallId, FlowId, NodeId};
use crate::output::{Bed, LegOrder};
use crate::switch::{Switch, Turn};
use crate::timer::Timer;
use alloc::vec::Vec;

/// Where a caller is in a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) flow: FlowId,
    pub(crate) node: NodeId,
    /// Wrong keys in this node.
    pub(crate) wrong: u8,
}

/// What a key means at a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Somewhere else.
    Go(Target),
    /// Nothing.
    Nothing,
    /// The node again.
    Repeat,
    /// What is said is known; the key is for the next menu.
    Skip(Target),
    /// Not in use, once too often.
    TooManyWrong(Target),
    /// Not in use; the node again.
    Wrong,
}

/// What this key means here. The node's own keys come first; 0 and * mean the same everywhere.
pub(crate) fn meaning(flow: &Flow, node: &Node, wrong: u8, key: Digit) -> Meaning {
    let own = match &node.kind {
        NodeKind::Menu { keys, .. } => keys.get(&key),
        NodeKind::Enqueue { .. } | NodeKind::HangUp { .. } | NodeKind::Play { .. } => None,
    };
    match (own, key.key(), &node.kind) {
        (Some(target), ..) => Meaning::Go(target.clone()),
        (None, _, NodeKind::Enqueue { .. }) => Meaning::Nothing,
        (None, '0', _) => Meaning::Go(Target {
            node: flow.person,
            language: None,
        }),
        (None, '*', _) => Meaning::Repeat,
        (None, _, NodeKind::HangUp { .. }) => Meaning::Nothing,
        (None, _, NodeKind::Play { then, .. }) => Meaning::Skip(then.clone()),
        (None, _, NodeKind::Menu { retries, .. }) if wrong < *retries => Meaning::Wrong,
        (None, _, NodeKind::Menu { no_match, .. }) => Meaning::TooManyWrong(no_match.clone()),
    }
}

impl Switch {
    /// The answer has come up: the flow begins, and with it the time until the caller is in a queue.
    pub(crate) fn begin_flow(&mut self, turn: &mut Turn<'_>, id: CallId, flow: FlowId) {
        let Some(start) = self.flow(flow).map(|flow| flow.start) else {
            return bug!(self, turn, id, "flow {} is not in the plan", flow.0);
        };
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        turn.order(call.caller_leg, LegOrder::Bed(Bed::Soft));
        call.state = CallState::Menu(Cursor {
            flow,
            node: start,
            wrong: 0,
        });
        let entry_ms = u64::from(self.plan.timing.entry_ms_max);
        self.timers
            .set(Timer::Entry(id), turn.now.mono.plus_millis(entry_ms));
        self.enter(
            turn,
            id,
            Target {
                node: start,
                language: None,
            },
        );
    }

    /// A key in a flow.
    pub(crate) fn flow_key(&mut self, turn: &mut Turn<'_>, id: CallId, key: Digit) {
        let Some((flow, node, cursor)) = self.at(id) else {
            return;
        };
        let meaning = meaning(flow, node, cursor.wrong, key);
        let name = node.name.clone();
        if matches!(meaning, Meaning::Go(_) | Meaning::Repeat | Meaning::Skip(_)) {
            // Whoever finds a key needs no clock that decides for them.
            self.timers.cancel(Timer::Entry(id));
        }
        if !matches!(meaning, Meaning::Nothing | Meaning::Skip(_)) {
            turn.state(Fact::Key {
                call: id,
                node: name,
                key,
            });
        }
        match meaning {
            Meaning::Go(target) | Meaning::TooManyWrong(target) => self.enter(turn, id, target),
            Meaning::Nothing => {}
            Meaning::Repeat => self.say_node(turn, id, false),
            Meaning::Skip(then) => {
                if let Some(call) = self.calls.get_mut(&id)
                    && call.typed.len() < TYPED_MAX
                {
                    call.typed.push_back(key);
                }
                self.enter(turn, id, then);
            }
            Meaning::Wrong => {
                if let Some(CallState::Menu(cursor)) =
                    self.calls.get_mut(&id).map(|call| &mut call.state)
                {
                    cursor.wrong = cursor.wrong.saturating_add(1);
                }
                self.say_node(turn, id, true);
            }
        }
    }

    /// 1.5 s of voice while we speak: somebody who cries or shouts needs a person, not a menu.
    pub(crate) fn flow_voice(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some((_, node, _)) = self.at(id) else {
            return;
        };
        let NodeKind::Menu {
            voice: Some(target),
            ..
        } = &node.kind
        else {
            return;
        };
        let target = target.clone();
        turn.state(Fact::SpokeAtMenu { call: id });
        self.enter(turn, id, target);
    }

    /// The node's clips are over (or were cut by a key that is still on its way).
    pub(crate) fn flow_clips_over(&mut self, turn: &mut Turn<'_>, id: CallId, is_complete: bool) {
        let Some((_, node, _)) = self.at(id) else {
            return;
        };
        match &node.kind {
            NodeKind::Menu { window_ms, .. } => {
                // The clips were longer or shorter than the plan says: the window follows what was heard.
                let head_ms = if is_complete { WINDOW_HEAD_MS } else { 0 };
                let at = turn
                    .now
                    .mono
                    .plus_millis(u64::from(*window_ms).saturating_sub(head_ms));
                self.timers.set(Timer::Step(id), at);
            }
            NodeKind::Play {
                then,
                is_information,
                ..
            } => {
                let (then, is_heard) = (then.clone(), *is_information && is_complete);
                if is_heard {
                    turn.state(Fact::InformationHeard {
                        call: id,
                        node: node.name.clone(),
                    });
                }
                self.enter(turn, id, then);
            }
            NodeKind::HangUp { .. } => {
                self.end_call(turn, id, EndedBy::System, Cause::NormalClearing, true)
            }
            NodeKind::Enqueue { .. } => {}
        }
    }

    /// No key in the window; or the guard over clips whose end was never told.
    pub(crate) fn flow_window_over(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some((_, node, _)) = self.at(id) else {
            return;
        };
        match &node.kind {
            NodeKind::Menu { no_input, .. } => {
                let target = no_input.clone();
                self.enter(turn, id, target);
            }
            NodeKind::Play { .. } | NodeKind::HangUp { .. } => {
                self.flow_clips_over(turn, id, false)
            }
            NodeKind::Enqueue { .. } => {}
        }
    }

    /// No key since the answer: into the queue now, while the clips go on.
    pub(crate) fn entry_over(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some((flow, _, cursor)) = self.at(id) else {
            return;
        };
        let target = Target {
            node: flow.fallback,
            language: None,
        };
        self.enter_with(turn, id, cursor.flow, target, false);
    }

    /// To a node, by something the caller did or let be.
    fn enter(&mut self, turn: &mut Turn<'_>, id: CallId, target: Target) {
        let Some((_, _, cursor)) = self.at(id) else {
            return;
        };
        self.enter_with(turn, id, cursor.flow, target, true);
    }

    fn enter_with(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        flow: FlowId,
        target: Target,
        is_cutting: bool,
    ) {
        let mut target = target;
        for _ in 0..HOPS_MAX {
            self.choose_language(turn, id, &target);
            let Some(node) = self.node(flow, target.node).cloned() else {
                return bug!(self, turn, id, "node {} is not in the flow", target.node.0);
            };
            turn.state(Fact::Node {
                call: id,
                node: node.name.clone(),
            });
            self.set_state(
                id,
                CallState::Menu(Cursor {
                    flow,
                    node: target.node,
                    wrong: 0,
                }),
            );
            match node.kind {
                NodeKind::Enqueue {
                    queue,
                    service,
                    clips,
                    head_start_ms,
                    is_silent,
                } => {
                    let language = self
                        .calls
                        .get(&id)
                        .map(|call| call.language)
                        .unwrap_or_default();
                    let clips = self.clips(&clips, language);
                    let entry = crate::acd::Entry {
                        queue,
                        service,
                        head_start_ms,
                        is_silent,
                        clips,
                        is_cutting,
                    };
                    return self.enqueue(turn, id, entry);
                }
                // Nothing to say: on at once. The configuration has no loop without a key, the limit is for us.
                NodeKind::Play { clips, then, .. } if clips.is_empty() => target = then,
                NodeKind::Menu { .. } if self.use_typed(turn, id) => return,
                NodeKind::HangUp { clips } if clips.is_empty() => {
                    return self.end_call(turn, id, EndedBy::System, Cause::NormalClearing, true);
                }
                NodeKind::HangUp { .. } | NodeKind::Menu { .. } | NodeKind::Play { .. } => {
                    return self.say_node(turn, id, false);
                }
            }
        }
        bug!(self, turn, id, "flow {} goes round without a word", flow.0);
    }

    /// A key typed ahead answers this menu before a word of it is said.
    fn use_typed(&mut self, turn: &mut Turn<'_>, id: CallId) -> bool {
        let Some(key) = self
            .calls
            .get_mut(&id)
            .and_then(|call| call.typed.pop_front())
        else {
            return false;
        };
        self.flow_key(turn, id, key);
        true
    }

    /// Says what the node says, after "that key is not in use" if so, and sets its clock.
    fn say_node(&mut self, turn: &mut Turn<'_>, id: CallId, is_after_wrong: bool) {
        let Some((_, node, _)) = self.at(id) else {
            return;
        };
        let language = self
            .calls
            .get(&id)
            .map(|call| call.language)
            .unwrap_or_default();
        let (said, wait_ms) = match &node.kind {
            NodeKind::Menu {
                clips,
                invalid,
                window_ms,
                ..
            } => {
                let invalid = if is_after_wrong {
                    invalid.as_slice()
                } else {
                    &[]
                };
                let mut said = self.clips(invalid, language);
                said.extend(self.clips(clips, language));
                let until_window_ms = self.length_ms(&said).saturating_sub(WINDOW_HEAD_MS);
                (said, until_window_ms + u64::from(*window_ms))
            }
            NodeKind::HangUp { clips } | NodeKind::Play { clips, .. } => {
                let said = self.clips(clips, language);
                let length_ms = self.length_ms(&said);
                (said, length_ms + crate::call::GUARD_MS)
            }
            NodeKind::Enqueue { .. } => (Vec::new(), 0),
        };
        // Last words are not cut by a key that means nothing: their end is the end of the call.
        let barge_in = !matches!(node.kind, NodeKind::HangUp { .. });
        self.timers
            .set(Timer::Step(id), turn.now.mono.plus_millis(wait_ms));
        if said.is_empty() {
            return self.stop_play(turn, id);
        }
        self.play(turn, id, said, barge_in);
    }

    fn choose_language(&mut self, turn: &mut Turn<'_>, id: CallId, target: &Target) {
        let Some(language) = target.language else {
            return;
        };
        let code = self.language_code(language);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if call.language != language {
            call.language = language;
            turn.state(Fact::LanguageChosen {
                call: id,
                language: code,
            });
        }
    }

    /// Where a caller in a flow is.
    fn at(&self, id: CallId) -> Option<(&Flow, &Node, Cursor)> {
        let CallState::Menu(cursor) = self.calls.get(&id)?.state else {
            return None;
        };
        Some((
            self.flow(cursor.flow)?,
            self.node(cursor.flow, cursor.node)?,
            cursor,
        ))
    }

    pub(crate) fn flow(&self, id: FlowId) -> Option<&Flow> {
        self.plan.flows.get(usize::from(id.0))
    }

    fn node(&self, flow: FlowId, node: NodeId) -> Option<&Node> {
        self.flow(flow)?.nodes.get(usize::from(node.0))
    }
}

/// The window for a key begins this long before the end of the last clip.
const WINDOW_HEAD_MS: u64 = 1_000;

/// Nodes passed without a word in one turn.
const HOPS_MAX: usize = 32;
