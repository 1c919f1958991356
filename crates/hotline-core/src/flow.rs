//! An IVR flow as data: nodes, keys, clips. Checked when the configuration is loaded, interpreted by `ivr`.

use crate::ids::{LanguageId, NodeId, PromptId, QueueId, ServiceId};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A key of the telephone: `0`-`9`, `*`, `#`, `A`-`D`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digit(char);

impl Digit {
    /// Some for the sixteen keys.
    #[must_use]
    pub fn new(key: char) -> Option<Self> {
        matches!(key, '0'..='9' | '*' | '#' | 'A'..='D').then_some(Self(key))
    }

    /// The key.
    #[must_use]
    pub fn key(self) -> char {
        self.0
    }
}

/// One clip of a node. Its language is the caller's unless fixed (`lang.en` is spoken in English to all).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowClip {
    /// What.
    pub prompt: PromptId,
    /// None = the caller's language.
    pub language: Option<LanguageId>,
}

/// Where a key (or its absence) leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The next node of the same flow.
    pub node: NodeId,
    /// The caller's language from here on.
    pub language: Option<LanguageId>,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeKind {
    /// Puts the caller into a queue; `clips` are played while waiting and cut by the join.
    Enqueue {
        /// Which queue.
        queue: QueueId,
        /// The service chosen; None = not chosen (general).
        service: Option<ServiceId>,
        /// Played first while waiting.
        clips: Vec<FlowClip>,
        /// Added to the queue's head start (key 0: 30 s).
        head_start_ms: u32,
        /// The caller cannot speak (key 9): the counsellor is told.
        is_silent: bool,
    },
    /// Says something and ends the call.
    HangUp {
        /// The last words.
        clips: Vec<FlowClip>,
    },
    /// Says something and waits for a key.
    Menu {
        /// The choices, spoken.
        clips: Vec<FlowClip>,
        /// Keys of open languages and services only; any other key is `invalid`.
        keys: BTreeMap<Digit, Target>,
        /// Time for a key; begins in the last clip's final second.
        window_ms: u32,
        /// No key in time.
        no_input: Target,
        /// Played after a wrong key, before the choices again.
        invalid: Vec<FlowClip>,
        /// Wrong keys that are forgiven; one more leads to `no_match`.
        retries: u8,
        /// Too many wrong keys.
        no_match: Target,
        /// 1.5 s of voice; None = voice does nothing here.
        voice: Option<Target>,
    },
    /// Says something (an information clip) and goes on. Heard to its end = self served.
    Play {
        /// What.
        clips: Vec<FlowClip>,
        /// Where to.
        then: Target,
        /// Hearing it to the end counts as S_INFO.
        is_information: bool,
    },
}

/// A node of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Name in the file, record and log.
    pub name: String,
    /// What it does.
    pub kind: NodeKind,
}

/// A whole flow. `0` leads to `person` and `*` repeats the node, in every node, unless its keys say otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Name in the configuration.
    pub name: String,
    /// Nodes; `NodeId` is the index.
    pub nodes: Vec<Node>,
    /// First node.
    pub start: NodeId,
    /// An `Enqueue` node: key 0.
    pub person: NodeId,
    /// An `Enqueue` node: where a caller is put when `Timing::entry_ms_max` runs out in the menus.
    pub fallback: NodeId,
}
