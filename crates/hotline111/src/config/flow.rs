//! IVR flows: a file of `config/ivr/` becomes a `Flow` of core, for the languages and slots of one centre.

use super::fault::Notes;
use super::floor::{Centre, Floor};
use super::flow_check;
use super::problem::{Expected, Problem, Thing};
use super::section::{Section, resolve};
use super::source::Place;
use super::tree::{Item, Table, Value};
use super::value::{Millis, Placed, Scalar};
use hotline_core::{
    Digit, Flow, FlowClip, LanguageId, Node, NodeId, NodeKind, Queue, QueueId, Target,
};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Everything a flow may refer to.
pub(crate) struct Context<'c> {
    pub(crate) floor: &'c Floor,
    pub(crate) centre: &'c Centre,
    pub(crate) queues: &'c [Queue],
    pub(crate) entry_ms_max: u32,
}

/// A file of `ivr/`.
#[derive(Debug)]
pub(crate) struct FlowFile {
    /// The file's name without `.toml`.
    pub(crate) name: String,
    pub(crate) table: Table,
    pub(crate) place: Place,
}

/// The keys that open languages without a key of their own get, in this order.
const FREE_KEYS: [char; 9] = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];

/// Compiles a flow. None when it has faults (all of them told).
pub(crate) fn compile(
    file: &FlowFile,
    name: String,
    context: &Context<'_>,
    notes: &Notes,
) -> Option<Flow> {
    let mut root = Section::root(notes, &file.table, Some(file.place));
    root.call(format!("ivr.{}", file.name));
    let start = root.required::<Placed<String>>("start");
    let person = root.required::<Placed<String>>("person");
    let fallback = root.required::<Placed<String>>("fallback");
    let sections = root.named("node");
    root.finish();

    let names: Vec<Placed<String>> = sections.iter().map(|(name, _)| name.clone()).collect();
    let reader = Reader {
        context,
        names: &names,
        notes,
        behind_closed_keys: RefCell::default(),
    };
    let mut nodes = Vec::with_capacity(sections.len());
    for (name, mut section) in sections {
        section.call(format!("node.{}", name.value));
        let kind = reader.node(&name.value, &mut section);
        section.finish();
        nodes.push(kind.map(|kind| Node {
            name: name.value,
            kind,
        }));
    }
    let node = |name: Option<Placed<String>>| Some((reader.node_id(name.as_ref()?)?, name?.place));
    let (start, person, fallback) = (node(start), node(person), node(fallback));
    let nodes: Option<Vec<Node>> = nodes.into_iter().collect();
    let (start, person, fallback) = (start?, person?, fallback?);
    let flow = Flow {
        name,
        nodes: nodes?,
        start: start.0,
        person: person.0,
        fallback: fallback.0,
    };
    let places = flow_check::Places {
        start: start.1,
        person: person.1,
        fallback: fallback.1,
        nodes: names.iter().map(|name| name.place).collect(),
        behind_closed_keys: reader.behind_closed_keys.into_inner(),
    };
    flow_check::check(&flow, &places, context, notes);
    Some(flow)
}

struct Reader<'r> {
    context: &'r Context<'r>,
    names: &'r [Placed<String>],
    notes: &'r Notes,
    /// Nodes that keys of closed languages lead to: nobody gets there today, and that is no fault.
    behind_closed_keys: RefCell<Vec<NodeId>>,
}

/// Where a key leads, if anywhere.
enum Lead {
    /// To a language that is not open: the key does not exist.
    Closed,
    To(Target),
}

impl Reader<'_> {
    fn node(&self, name: &str, section: &mut Section<'_>) -> Option<NodeKind> {
        let kind = section.required::<Placed<String>>("kind")?;
        let kinds = ["menu", "queue", "play", "hang_up"];
        match resolve(self.notes, Thing::Kind, &kind, kinds.into_iter()) {
            Some(0) => self.menu(name, section),
            Some(1) => self.queue(section),
            Some(2) => self.play(section),
            Some(_) => Some(NodeKind::HangUp {
                clips: self.clips(section, "say", &BTreeMap::new()),
            }),
            None => {
                // Its keys cannot be judged; they are no faults of their own.
                section.every();
                None
            }
        }
    }

    fn menu(&self, name: &str, section: &mut Section<'_>) -> Option<NodeKind> {
        let place = section.place();
        let mut keys = BTreeMap::new();
        let mut is_whole = true;
        let mut key_section = section.section("keys");
        for (key, entry) in key_section.every() {
            let mut letters = key.chars();
            let digit = letters
                .next()
                .and_then(Digit::new)
                .filter(|_| letters.next().is_none());
            let Some(digit) = digit else {
                let found = format!("\"{key}\"");
                let problem = Problem::BadValue {
                    key: "keys".to_owned(),
                    expected: Expected::Key,
                    found,
                };
                self.notes.error(Some(entry.key_place), problem);
                continue;
            };
            match self.lead(&key_section, key, &entry.item) {
                Some(Lead::To(target)) => {
                    keys.insert(digit, target);
                }
                Some(Lead::Closed) => {}
                None => is_whole = false,
            }
        }
        key_section.finish();
        if let Some(rest) = section.optional::<Placed<String>>("open_languages") {
            match self.node_id(&rest) {
                Some(node) => self.give_keys(node, rest.place, &mut keys),
                None => is_whole = false,
            }
        }
        if keys.is_empty() && is_whole {
            self.notes
                .error(place, Problem::MenuWithoutKeys(name.to_owned()));
        }
        let clips = self.clips(section, "say", &keys);
        let window = Millis(self.context.floor.key_window_ms);
        let window = section.or_within("window", window, Millis(1_000), Millis(30_000));
        let no_input = self.target(section, "no_key");
        let voice = section.has("voice").then(|| self.target(section, "voice"));
        let mut wrong = section.section("wrong_key");
        let invalid = self.clips(&mut wrong, "say", &keys);
        let retries = wrong.or_within("again", 1_u32, 0, 9);
        let no_match = self.target(&mut wrong, "then");
        wrong.finish();
        if !is_whole || voice.as_ref().is_some_and(Option::is_none) {
            return None;
        }
        Some(NodeKind::Menu {
            clips,
            keys,
            window_ms: window.0,
            no_input: no_input?,
            invalid,
            retries: u8::try_from(retries).unwrap_or(u8::MAX),
            no_match: no_match?,
            voice: voice.flatten(),
        })
    }

    fn queue(&self, section: &mut Section<'_>) -> Option<NodeKind> {
        let queue = section.required::<Placed<String>>("queue");
        let names = self.context.queues.iter().map(|queue| queue.name.as_str());
        let queue = queue.and_then(|queue| resolve(self.notes, Thing::Queue, &queue, names));
        let service = section.optional::<Placed<String>>("service");
        let is_service_given = service.is_some();
        let service = service.and_then(|name| self.context.floor.service(self.notes, &name));
        let clips = self.clips(section, "say", &BTreeMap::new());
        let head_start = section.or_within("head_start", Millis(0), Millis(0), Millis(3_600_000));
        let is_silent = section.or("silent_caller", false);
        if is_service_given && service.is_none() {
            return None;
        }
        Some(NodeKind::Enqueue {
            queue: QueueId(u16::try_from(queue?).ok()?),
            service,
            clips,
            head_start_ms: head_start.0,
            is_silent,
        })
    }

    fn play(&self, section: &mut Section<'_>) -> Option<NodeKind> {
        let clips = self.clips(section, "say", &BTreeMap::new());
        let then = self.target(section, "then");
        let is_information = section.or("information", false);
        Some(NodeKind::Play {
            clips,
            then: then?,
            is_information,
        })
    }

    /// A way that needs no key: it cannot lead to a language that may be closed.
    fn target(&self, section: &mut Section<'_>, key: &str) -> Option<Target> {
        let name = section.required::<Placed<String>>(key)?;
        Some(Target {
            node: self.node_id(&name)?,
            language: None,
        })
    }

    /// `"node"`, `{ go = "node", language = "en" }` or `{ go = "node", slot = 5 }`.
    fn lead(&self, section: &Section<'_>, key: &str, item: &Item) -> Option<Lead> {
        if let Value::Text(name) = &item.value {
            let name = Placed {
                value: name.clone(),
                place: item.place,
            };
            return Some(Lead::To(Target {
                node: self.node_id(&name)?,
                language: None,
            }));
        }
        let mut target = section.of_item(key, item, Expected::Target)?;
        let node = target
            .required::<Placed<String>>("go")
            .and_then(|name| self.node_id(&name));
        let code = target.optional::<Placed<String>>("language");
        let slot = target.optional::<Placed<u32>>("slot");
        target.finish();
        let language = match (code, slot) {
            (None, None) => None,
            (Some(code), None) => {
                self.context.floor.check_code(self.notes, &code);
                Some(self.context.floor.open_language(&code.value))
            }
            (None, Some(slot)) => Some(self.slot_language(&slot)),
            (Some(_), Some(slot)) => {
                let keys = "`language`, `slot`".to_owned();
                self.notes.error(
                    Some(slot.place),
                    Problem::OneOf {
                        section: section.title(),
                        keys,
                    },
                );
                return None;
            }
        };
        let node = node?;
        Some(match language {
            Some(None) => {
                self.behind_closed_keys.borrow_mut().push(node);
                Lead::Closed
            }
            Some(Some(language)) => Lead::To(Target {
                node,
                language: Some(language),
            }),
            None => Lead::To(Target {
                node,
                language: None,
            }),
        })
    }

    fn slot_language(&self, slot: &Placed<u32>) -> Option<LanguageId> {
        if !(5..=7).contains(&slot.value) {
            let problem = Problem::OutOfRange {
                key: "slot".to_owned(),
                found: slot.value.to_string(),
                least: "5".to_owned(),
                most: "7".to_owned(),
            };
            self.notes.error(Some(slot.place), problem);
            return None;
        }
        let digit = char::from_digit(slot.value, 10)?;
        self.context
            .floor
            .open_language(self.context.centre.slots.get(&digit)?)
    }

    /// Gives each open language that has no key here one of the free keys.
    fn give_keys(&self, node: NodeId, place: Place, keys: &mut BTreeMap<Digit, Target>) {
        for (index, language) in self.context.floor.languages.iter().enumerate() {
            let id = LanguageId(u16::try_from(index).unwrap_or(u16::MAX));
            let has_key = keys.values().any(|target| target.language == Some(id));
            if !language.is_open || has_key {
                continue;
            }
            let free = FREE_KEYS
                .into_iter()
                .filter_map(Digit::new)
                .find(|digit| !keys.contains_key(digit));
            match free {
                Some(digit) => {
                    keys.insert(
                        digit,
                        Target {
                            node,
                            language: Some(id),
                        },
                    );
                }
                None => self
                    .notes
                    .error(Some(place), Problem::KeysExhausted(language.code.clone())),
            }
        }
    }

    /// The clips of `say`. Those of closed languages and of switches that are off are left out.
    fn clips(
        &self,
        section: &mut Section<'_>,
        key: &str,
        keys: &BTreeMap<Digit, Target>,
    ) -> Vec<FlowClip> {
        let mut clips = Vec::new();
        for item in section.items(key) {
            if let Some(name) = Placed::<String>::read(item) {
                clips.extend(self.clip(&name));
            } else if let Some(mut table) = section.of_item(key, item, Expected::Clip) {
                self.special_clip(&mut table, keys, &mut clips);
                table.finish();
            }
        }
        clips
    }

    /// A prompt; nothing when it is of a language that is not open.
    fn clip(&self, name: &Placed<String>) -> Option<FlowClip> {
        let floor = self.context.floor;
        let clip = floor.prompt(self.notes, name)?;
        let spoken_in = floor
            .library
            .spoken_in
            .get(usize::from(clip.prompt.0))
            .cloned()
            .flatten();
        if let Some(code) = spoken_in {
            floor.open_language(&code)?;
        }
        Some(clip)
    }

    /// `{ prompt = …, language = …, switch = … }`, `{ slot = 5 }`, `{ open_languages = true }`.
    fn special_clip(
        &self,
        table: &mut Section<'_>,
        keys: &BTreeMap<Digit, Target>,
        clips: &mut Vec<FlowClip>,
    ) {
        let prompt = table.optional::<Placed<String>>("prompt");
        let language = table.optional::<Placed<String>>("language");
        let switch = table.optional::<Placed<String>>("switch");
        let slot = table.optional::<Placed<u32>>("slot");
        let is_list = table.or("open_languages", false);
        let is_on = switch.as_ref().is_none_or(|switch| self.switch(switch));
        match (prompt, slot, is_list) {
            (Some(prompt), None, false) => {
                let is_open = language.as_ref().map(|code| {
                    self.context.floor.check_code(self.notes, code);
                    self.context.floor.open_language(&code.value)
                });
                if let (Some(clip), true) = (self.clip(&prompt), is_on) {
                    match is_open {
                        None => clips.push(clip),
                        Some(Some(language)) => clips.push(FlowClip {
                            language: Some(language),
                            ..clip
                        }),
                        Some(None) => {}
                    }
                }
            }
            (None, Some(slot), false) => {
                let digit = char::from_digit(slot.value, 10).and_then(Digit::new);
                if let (Some(language), Some(digit)) = (self.slot_language(&slot), digit) {
                    self.invite(language, digit, clips);
                }
            }
            (None, None, true) => {
                for (digit, target) in keys {
                    if let Some(language) = target.language {
                        self.invite(language, *digit, clips);
                    }
                }
            }
            (None, None, false)
            | (Some(_), Some(_), _)
            | (Some(_), None, true)
            | (None, Some(_), true) => {
                let keys = "`prompt`, `slot`, `open_languages`".to_owned();
                self.notes.error(
                    table.place(),
                    Problem::OneOf {
                        section: "`say`".to_owned(),
                        keys,
                    },
                );
            }
        }
    }

    fn switch(&self, name: &Placed<String>) -> bool {
        let switches = &self.context.floor.switches;
        resolve(
            self.notes,
            Thing::Switch,
            name,
            switches.keys().map(String::as_str),
        );
        switches.get(&name.value).copied().unwrap_or_default()
    }

    /// "For Khmer, press 5", in that language: its own sentence where there is one (`lang.en` names its key),
    /// else `lang.invite` and the digit.
    fn invite(&self, language: LanguageId, digit: Digit, clips: &mut Vec<FlowClip>) {
        let library = &self.context.floor.library;
        let code = self
            .context
            .floor
            .languages
            .get(usize::from(language.0))
            .map(|language| language.code.as_str());
        let own = library.prompt(&format!("lang.{}", code.unwrap_or_default()));
        let language = Some(language);
        match own {
            Some(prompt) => clips.push(FlowClip { prompt, language }),
            None => {
                let names = ["lang.invite".to_owned(), format!("num.{}", digit.key())];
                let prompts = names.iter().filter_map(|name| library.prompt(name));
                clips.extend(prompts.map(|prompt| FlowClip { prompt, language }));
            }
        }
    }

    fn node_id(&self, name: &Placed<String>) -> Option<NodeId> {
        let names = self.names.iter().map(|name| name.value.as_str());
        let index = resolve(self.notes, Thing::Node, name, names)?;
        Some(NodeId(u16::try_from(index).ok()?))
    }
}

/// Reads the flow files of a folder, in the order of their names.
pub(crate) fn read_files(
    folder: &std::path::Path,
    sources: &mut super::source::Sources,
    notes: &Notes,
) -> Vec<FlowFile> {
    let mut files = Vec::new();
    for path in super::toml_files(folder, notes) {
        let Some(text) = super::read_text(&path, notes) else {
            continue;
        };
        let name = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        let table = super::tree::parse(sources, super::source::Kind::File(path), text, notes);
        let place = Place {
            source: sources.last(),
            start: 0,
            end: 0,
        };
        files.push(FlowFile { name, table, place });
    }
    files
}
