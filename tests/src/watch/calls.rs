//! Invariants 1, 2 and 8: a call is in exactly one state, has exactly one owner, and waits where the caller chose to.

use hotline_core::{Fact, Plan, TransferOutcome};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Arrived,
    InMenu,
    Waiting,
    Offering,
    Talking,
    /// Somebody else is rung for the caller, in a transfer.
    Passing,
    /// The transfer is done (or the call is over); who has the caller now comes next.
    Passed,
    /// With somebody outside.
    Outside,
}

#[derive(Clone, Debug)]
struct Call {
    state: State,
    is_answered: bool,
    /// The last key and its node.
    key: Option<(String, char)>,
    language: String,
}

#[derive(Default)]
pub(super) struct Calls {
    open: BTreeMap<u64, Call>,
    /// Ended calls of this run: nothing may be said of them any more but their recording.
    ended: BTreeMap<u64, u64>,
    /// Keys that were pressed and have not counted yet, by call.
    pressed: BTreeMap<(u64, char), u32>,
}

/// What domain §9 says a key means: (node, key, queue, service). Written from the table there, not from the flow.
const KEYS: [(&str, char, &str, Option<&str>); 10] = [
    ("entry", '0', "general", None),
    ("entry", '1', "child", Some("child")),
    ("entry", '2', "trafficking", Some("trafficking")),
    ("entry", '9', "urgent", None),
    ("entry.language", '0', "general", None),
    ("entry.language", '1', "child", Some("child")),
    ("entry.language", '2', "trafficking", Some("trafficking")),
    ("entry.language", '9', "urgent", None),
    ("info", '0', "general", None),
    ("info.over", '0', "general", None),
];

/// Keys of the entrance that choose a language.
const LANGUAGE_KEYS: [(char, &str); 2] = [('4', "en"), ('5', "xx")];

impl Calls {
    pub(super) fn begin_run(&mut self, _plan: &Plan) {
        *self = Self::default();
    }

    /// A person presses a key once, however the phone tells it.
    pub(super) fn on_press(&mut self, call: u64, key: char) {
        if self.open.contains_key(&call) {
            *self.pressed.entry((call, key)).or_insert(0) += 1;
        }
    }

    /// 8: one press counts once.
    fn key_was_pressed(&mut self, call: u64, key: char) -> Vec<(u8, String)> {
        match self.pressed.get_mut(&(call, key)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Vec::new()
            }
            _ => vec![(
                8,
                format!("key {key} of call {call:x} counts, and nobody pressed it again"),
            )],
        }
    }

    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// 2: every call of the facts has an owner at the edge, and the other way round.
    pub(super) fn end_of_turn(&self, at_edge: usize) -> Vec<(u8, String)> {
        if at_edge == self.open.len() {
            return Vec::new();
        }
        vec![(
            2,
            format!(
                "the edge knows {at_edge} calls, the facts {}",
                self.open.len()
            ),
        )]
    }

    pub(super) fn on_fact(&mut self, at_us: u64, fact: &Fact) -> Vec<(u8, String)> {
        let Some(call) = crate::world::board::call_of(fact) else {
            return Vec::new();
        };
        // A call can be called a hard one after its end.
        if matches!(fact, Fact::AgentState { .. } | Fact::HardCall { .. }) {
            return Vec::new();
        }
        let number = call.0;
        if let Fact::Arrived { .. } = fact {
            return self.arrived(number);
        }
        if let Some(ended) = self.ended.get(&number) {
            let is_late = !matches!(fact, Fact::Recording { .. } | Fact::NoticeHeard { .. });
            return if is_late || at_us > ended + 60_000_000 {
                vec![(1, format!("{fact:?} of a call that has ended"))]
            } else {
                Vec::new()
            };
        }
        let Some(entry) = self.open.get_mut(&number) else {
            // A call of the run before, closed at the start.
            return match fact {
                Fact::Ended { .. }
                | Fact::OfferEnded { .. }
                | Fact::Recording { .. }
                | Fact::NoticeHeard { .. } => Vec::new(),
                other => vec![(1, format!("{other:?} of an unknown call"))],
            };
        };
        let mut found = one_state(entry, fact);
        if let Fact::Key { key, .. } = fact {
            found.extend(self.key_was_pressed(number, key.key()));
        }
        if let Fact::Ended { .. } = fact {
            self.open.remove(&number);
            self.pressed.retain(|(call, _), _| *call != number);
            self.ended.insert(number, at_us);
        }
        found
    }

    fn arrived(&mut self, number: u64) -> Vec<(u8, String)> {
        let fresh = Call {
            state: State::Arrived,
            is_answered: false,
            key: None,
            language: "vi".to_owned(),
        };
        if self.ended.contains_key(&number) || self.open.insert(number, fresh).is_some() {
            return vec![(1, format!("call {number:x} arrived twice"))];
        }
        Vec::new()
    }
}

/// 1: an accepted call is in exactly one of menu, queue, offering, talking, ended; each fact fits the state.
fn one_state(call: &mut Call, fact: &Fact) -> Vec<(u8, String)> {
    let before = call.state;
    let (fits, after) = match fact {
        Fact::Answered { .. } => {
            let fits = !call.is_answered && before == State::Arrived;
            call.is_answered = true;
            (fits, State::InMenu)
        }
        Fact::Node { .. } | Fact::SpokeAtMenu { .. } | Fact::InformationHeard { .. } => {
            (matches!(before, State::InMenu | State::Waiting), before)
        }
        Fact::Key { node, key, .. } => {
            call.key = Some((node.clone(), key.key()));
            (
                matches!(before, State::InMenu | State::Waiting | State::Offering),
                before,
            )
        }
        Fact::LanguageChosen { language, .. } => {
            let found = language_is_the_chosen(call, language);
            call.language.clone_from(language);
            if !found.is_empty() {
                return found;
            }
            (matches!(before, State::InMenu | State::Waiting), before)
        }
        Fact::Queued { queue, service, .. } => {
            let found = queue_is_the_chosen(call, queue, service.as_deref());
            call.state = State::Waiting;
            // A counsellor may choose another queue than the caller.
            if before != State::Passed && !found.is_empty() {
                return found;
            }
            (
                matches!(before, State::InMenu | State::Passed),
                State::Waiting,
            )
        }
        Fact::Offered { .. } | Fact::OfferEnded { .. } if before == State::Passing => {
            (true, State::Passing)
        }
        Fact::Offered { .. } => (before == State::Waiting, State::Offering),
        Fact::OfferEnded { .. } => (before == State::Offering, State::Waiting),
        Fact::Joined { .. } => (
            matches!(before, State::Waiting | State::Passed),
            State::Talking,
        ),
        Fact::HardCall { .. } => (true, before),
        Fact::HomeCentre { .. } => (before == State::Arrived, before),
        Fact::Widened { .. } | Fact::MobileRung { .. } | Fact::MobileEnded { .. } => {
            (matches!(before, State::Waiting | State::Offering), before)
        }
        Fact::Held { .. } | Fact::Resumed { .. } | Fact::Consulting { .. } => {
            (matches!(before, State::Talking | State::Passing), before)
        }
        Fact::PhoneChanged { .. } => (before == State::Talking, before),
        Fact::TransferBegan { .. } => (before == State::Talking, State::Passing),
        Fact::TransferEnded { outcome, .. } => {
            let after = match outcome {
                TransferOutcome::CallOver | TransferOutcome::Done => State::Passed,
                TransferOutcome::Failed(_) | TransferOutcome::TakenBack => State::Talking,
                TransferOutcome::FailedAlone(_) => State::Waiting,
            };
            (before == State::Passing, after)
        }
        Fact::Taken { .. } => (before == State::Passed, before),
        Fact::JoinedOutside { .. } => (
            matches!(before, State::InMenu | State::Passed),
            State::Outside,
        ),
        Fact::OutsideLost { .. } => (before == State::Outside, State::Waiting),
        Fact::AgentLost { .. } => (before == State::Talking, State::Waiting),
        Fact::Ended { .. } => (!matches!(before, State::Offering | State::Passing), before),
        Fact::NoticeHeard { .. } | Fact::Recording { .. } => (true, before),
        Fact::Started { .. } | Fact::Arrived { .. } | Fact::AgentState { .. } => (true, before),
    };
    call.state = after;
    if fits {
        Vec::new()
    } else {
        vec![(1, format!("{fact:?} in state {before:?}"))]
    }
}

/// 8: queue and service are those of the key that was pressed.
fn queue_is_the_chosen(call: &Call, queue: &str, service: Option<&str>) -> Vec<(u8, String)> {
    let Some((node, key)) = &call.key else {
        return Vec::new();
    };
    let Some((_, _, wanted, wanted_service)) =
        KEYS.iter().find(|(at, of, _, _)| at == node && of == key)
    else {
        return Vec::new();
    };
    if *wanted == queue && *wanted_service == service {
        return Vec::new();
    }
    vec![(
        8,
        format!("key {key} in {node} led to queue {queue}, service {service:?}"),
    )]
}

/// 8: the language is the one of the key.
fn language_is_the_chosen(call: &Call, language: &str) -> Vec<(u8, String)> {
    let chosen = call
        .key
        .as_ref()
        .filter(|(node, _)| node == "entry")
        .map(|(_, key)| *key);
    let wanted = chosen.and_then(|key| LANGUAGE_KEYS.iter().find(|(of, _)| *of == key));
    match wanted {
        Some((_, wanted)) if *wanted != language => {
            vec![(8, format!("key {chosen:?} chose {language}"))]
        }
        _ => Vec::new(),
    }
}
