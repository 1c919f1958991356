//! The line that the tests run: domain.md §9 in small, with clips of round lengths, three languages of which one is
//! closed, and six counsellors.

use super::media::Sound;
use hotline_core::{
    Agent, Announcement, AtMax, Centre, CentreId, Comfort, Digit, Feature, Flow, FlowClip, FlowId,
    Language, LanguageId, Level, Node, NodeId, NodeKind, Outbound, Plan, Prompt, PromptId, Queue,
    QueueId, Reason, Route, RouteKind, Service, ServiceId, Target, Timing, Widening, WrapUp,
};
use hotline_switchboard::{Numbers, RegionRule, RegionSource, SoundIndex};
use std::collections::BTreeMap;

pub const VI: LanguageId = LanguageId(0);
pub const EN: LanguageId = LanguageId(1);
/// A made-up language that takes a regional slot (key 5): only tests speak it.
pub const TEST: LanguageId = LanguageId(2);
/// A language whose recordings are missing: never offered.
pub const CLOSED: LanguageId = LanguageId(3);

/// Name, milliseconds in Vietnamese; English and the test language are as long.
const PROMPTS: &[(&str, u32)] = &[
    ("greet.main", 5_000),
    ("greet.record", 8_000),
    ("greet.record_short", 2_000),
    ("lang.en", 2_000),
    ("lang.invite", 2_000),
    ("svc.child", 4_000),
    ("svc.traf", 5_000),
    ("svc.cannot", 4_000),
    ("svc.human", 3_000),
    ("svc.child_ok", 4_000),
    ("svc.traf_ok", 8_000),
    ("svc.cannot_ok", 5_000),
    ("svc.default", 3_000),
    ("nav.human", 3_000),
    ("info.menu", 10_000),
    ("info.about", 12_000),
    ("info.rights", 14_000),
    ("info.migrate", 15_000),
    ("err.invalid", 4_000),
    ("err.timeout", 4_000),
    ("err.speech", 5_000),
    ("danger.now", 7_000),
    ("queue.hold", 3_000),
    ("queue.thanks", 4_000),
    ("queue.brave", 4_000),
    ("queue.no_lang", 7_000),
    ("sys.down", 8_000),
    ("sys.lost_agent", 6_000),
    ("xfer.wait", 4_000),
    ("xfer.fail", 5_000),
    ("tone.beep", 250),
    ("agent.again", 1_000),
    ("agent.child", 600),
    ("agent.lang.en", 800),
    ("agent.traf", 700),
    ("agent.urgent", 600),
];

/// What the scenarios may turn.
#[derive(Clone, Debug)]
pub struct Settings {
    pub ring_ms: u32,
    pub calls_max: u32,
    pub agents: Vec<AgentSettings>,
    pub is_recorded: bool,
    /// Media ports of the worker.
    pub ports: u16,
    /// A talk shorter than this has no paperwork.
    pub counselling_ms_min: u32,
    /// Rest after a hard call.
    pub recovery_ms: u32,
    /// Counsellors hear who comes.
    pub is_announced: bool,
    /// How the search for a counsellor widens, in every queue.
    pub widening: Widening,
    /// Clips that last otherwise: name, milliseconds.
    pub clips: Vec<(String, u32)>,
}

#[derive(Clone, Debug)]
pub struct AgentSettings {
    pub user: String,
    /// With levels.
    pub languages: Vec<(LanguageId, u8)>,
    /// With levels.
    pub services: Vec<(u16, u8)>,
    /// One of `CENTRES`.
    pub centre: String,
    pub wrap_up: WrapUp,
    pub hard_calls_max: Option<u32>,
    pub is_in_training: bool,
    pub is_reserve: bool,
    pub signs_in_by_registration: bool,
}

impl AgentSettings {
    #[must_use]
    pub fn new(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            languages: vec![(VI, 1)],
            services: vec![(0, 1), (1, 1), (2, 1)],
            centre: "hanoi".to_owned(),
            wrap_up: WrapUp::Timed(10_000),
            hard_calls_max: None,
            is_in_training: false,
            is_reserve: false,
            signs_in_by_registration: true,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ring_ms: 20_000,
            calls_max: 1_000,
            agents: Vec::new(),
            is_recorded: true,
            ports: 1_000,
            counselling_ms_min: 0,
            recovery_ms: 60_000,
            is_announced: false,
            widening: Widening::default(),
            clips: Vec::new(),
        }
    }
}

impl Settings {
    fn length_ms(&self, name: &str, usual_ms: u32) -> u32 {
        self.clips
            .iter()
            .find(|(other, _)| other == name)
            .map_or(usual_ms, |(_, length_ms)| *length_ms)
    }
}

/// Name of a centre, by `CentreId`.
pub const CENTRES: [&str; 3] = ["hanoi", "danang", "angiang"];
/// Name of a service, by `ServiceId`.
pub const SERVICES: [&str; 3] = ["child", "trafficking", "information"];
/// Name of a language, by `LanguageId`.
pub const LANGUAGES: [&str; 4] = ["vi", "en", "xx", "hmn"];

#[must_use]
pub fn plan(settings: &Settings) -> Plan {
    let queue = |name: &str,
                 head_start_s: i32,
                 entry: &[&str],
                 comfort: &[(u32, &str)],
                 comfort_loop: &[&str]| Queue {
        name: name.to_owned(),
        head_start_ms: head_start_s * 1_000,
        ring_ms: settings.ring_ms,
        comfort: comfort
            .iter()
            .map(|(at_s, name)| Comfort {
                at_ms: at_s * 1_000,
                prompt: prompt(name),
            })
            .collect(),
        comfort_loop: comfort_loop.iter().map(|name| prompt(name)).collect(),
        comfort_every_ms: 30_000,
        entry_clips: entry.iter().map(|name| clip(name)).collect(),
        no_language: Some(prompt("queue.no_lang")),
        no_language_ms: 60_000,
        widening: settings.widening,
        is_announced: settings.is_announced,
        is_urgent: name == "urgent",
    };
    let hold = &[(15, "queue.hold"), (45, "queue.thanks")];
    Plan {
        languages: LANGUAGES
            .iter()
            .map(|code| Language {
                code: (*code).to_owned(),
                is_open: *code != "hmn",
            })
            .collect(),
        services: SERVICES
            .iter()
            .map(|name| Service {
                name: (*name).to_owned(),
            })
            .collect(),
        prompts: PROMPTS
            .iter()
            .map(|(name, length_ms)| Prompt {
                name: (*name).to_owned(),
                length_ms: [VI, EN, TEST]
                    .into_iter()
                    .map(|language| (language, settings.length_ms(name, *length_ms)))
                    .collect(),
            })
            .collect(),
        queues: vec![
            queue("general", 0, &[], hold, &["queue.hold", "queue.thanks"]),
            queue(
                "child",
                120,
                &[],
                &[(15, "queue.hold"), (45, "queue.brave")],
                &["queue.hold", "queue.brave"],
            ),
            queue(
                "trafficking",
                300,
                &["danger.now"],
                hold,
                &["queue.hold", "queue.thanks"],
            ),
            queue(
                "urgent",
                600,
                &["danger.now"],
                hold,
                &["queue.hold", "queue.thanks"],
            ),
            queue("checked", -120, &[], hold, &["queue.hold"]),
        ],
        centres: CENTRES
            .map(|name| Centre {
                name: name.to_owned(),
            })
            .to_vec(),
        agents: settings.agents.iter().map(agent).collect(),
        flows: vec![entry_flow()],
        routes: routes(settings),
        timing: Timing {
            entry_ms_max: 30_000,
            reattach_grace_ms: 20_000,
            lone_rona_ms: 30_000,
            short_ms: 10_000,
            counselling_ms_min: settings.counselling_ms_min,
            recovery_ms: settings.recovery_ms,
        },
        reasons: vec![
            reason("break", Some(900_000), AtMax::Alarm),
            reason("lunch", None, AtMax::Alarm),
            reason("meal", Some(60_000), AtMax::Ready),
        ],
        calls_max: settings.calls_max,
        notice: Some(prompt("greet.record")),
        shutdown: Some(prompt("sys.down")),
        lost_agent: Some(prompt("sys.lost_agent")),
        transfer_wait: Some(prompt("xfer.wait")),
        transfer_failed: Some(prompt("xfer.fail")),
        beep: Some(prompt("tone.beep")),
        mobiles: Vec::new(),
        mobile_accept: None,
        announcement: Announcement {
            urgent: Some(prompt("agent.urgent")),
            services: BTreeMap::from([
                (ServiceId(0), prompt("agent.child")),
                (ServiceId(1), prompt("agent.traf")),
            ]),
            languages: BTreeMap::from([(EN, prompt("agent.lang.en"))]),
            again: Some(prompt("agent.again")),
        },
        outbound: outbound(),
    }
}

/// Who may be called outside; nobody else.
fn outbound() -> Vec<Outbound> {
    let outbound = |dialled: &str, trunks: &[&str]| Outbound {
        dialled: dialled.to_owned(),
        trunks: trunks.iter().map(|trunk| (*trunk).to_owned()).collect(),
    };
    vec![
        outbound("113", &["north", "south"]),
        outbound("0900%", &[]),
        outbound("09%", &["north"]),
    ]
}

/// Area codes of the three centres, on each of the two carriers.
#[must_use]
pub fn numbers() -> Vec<Numbers> {
    let rule = |(begins, region): (&str, &str)| RegionRule {
        source: RegionSource::Caller,
        begins: begins.to_owned(),
        region: region.to_owned(),
    };
    let areas = [
        ("+8424", "hanoi"),
        ("+84236", "danang"),
        ("+84296", "angiang"),
    ];
    let numbers = Numbers {
        regions: areas.map(rule).to_vec(),
        ..Numbers::default()
    };
    vec![numbers.clone(), numbers]
}

/// The sounds of the media worker and where the switchboard finds them.
#[must_use]
pub fn sounds(settings: &Settings) -> (Vec<Sound>, SoundIndex) {
    let mut sounds = Vec::new();
    let mut index = SoundIndex::new();
    for language in ["vi", "en", "xx"] {
        for (name, length_ms) in PROMPTS {
            let number = u32::try_from(sounds.len()).unwrap_or(u32::MAX);
            index.insert(((*name).to_owned(), language.to_owned()), number);
            sounds.push(Sound {
                name: format!("{language}/{name}"),
                length_ms: settings.length_ms(name, *length_ms),
            });
        }
    }
    (sounds, index)
}

fn reason(name: &str, max_ms: Option<u32>, at_max: AtMax) -> Reason {
    Reason {
        name: name.to_owned(),
        max_ms,
        at_max,
    }
}

fn agent(settings: &AgentSettings) -> Agent {
    let centre = CENTRES.iter().position(|name| *name == settings.centre);
    Agent {
        user: settings.user.clone(),
        name: settings.user.clone(),
        languages: settings
            .languages
            .iter()
            .map(|(language, level)| (*language, Level(*level)))
            .collect(),
        services: settings
            .services
            .iter()
            .map(|(service, level)| (ServiceId(*service), Level(*level)))
            .collect(),
        centre: CentreId(centre.and_then(|at| u16::try_from(at).ok()).unwrap_or(0)),
        wrap_up: settings.wrap_up,
        hard_calls_max: settings.hard_calls_max,
        is_in_training: settings.is_in_training,
        is_reserve: settings.is_reserve,
        is_signed_in_by_registration: settings.signs_in_by_registration,
    }
}

fn routes(settings: &Settings) -> Vec<Route> {
    let route = |dialled: &str, from_accounts: bool, kind: RouteKind, is_recorded: bool| Route {
        dialled: dialled.to_owned(),
        trunk: None,
        from_accounts,
        kind,
        is_recorded: is_recorded && settings.is_recorded,
        is_training: false,
        centre: None,
    };
    let mut routes = vec![
        route("111", true, RouteKind::Flow(FlowId(0)), true),
        route("18001567", false, RouteKind::Flow(FlowId(0)), true),
        route(
            "1112",
            false,
            RouteKind::Queue {
                queue: QueueId(2),
                service: Some(ServiceId(1)),
            },
            true,
        ),
        route(
            "1119",
            false,
            RouteKind::Queue {
                queue: QueueId(0),
                service: None,
            },
            false,
        ),
        route(
            "1113",
            false,
            RouteKind::Queue {
                queue: QueueId(4),
                service: None,
            },
            true,
        ),
        Route {
            is_training: true,
            ..route(
                "9111",
                true,
                RouteKind::Queue {
                    queue: QueueId(0),
                    service: None,
                },
                false,
            )
        },
        Route {
            centre: Some(CentreId(2)),
            ..route("1114", false, RouteKind::Flow(FlowId(0)), true)
        },
        route("9001", true, RouteKind::Echo, false),
        route(
            "9002",
            true,
            RouteKind::PlayForEver(prompt("queue.hold")),
            false,
        ),
        route("9003", true, RouteKind::AnswerAndEnd, false),
        route("*11", true, RouteKind::Feature(Feature::SignIn), false),
        route("*10", true, RouteKind::Feature(Feature::SignOut), false),
        route(
            "*12",
            true,
            RouteKind::Feature(Feature::Break("break".to_owned())),
            false,
        ),
    ];
    // Counsellors' own numbers, 7001 and on.
    for (id, _) in (0u32..9).zip(&settings.agents) {
        let number = format!("700{}", id + 1);
        let kind = RouteKind::Agent(hotline_core::AgentId(id));
        routes.push(route(&number, true, kind, true));
    }
    // What counsellors dial or pass callers on to.
    let queue = RouteKind::Queue {
        queue: QueueId(2),
        service: Some(ServiceId(1)),
    };
    routes.push(route("6002", true, queue, true));
    let mut only_north = route("1800%", false, RouteKind::Flow(FlowId(0)), true);
    only_north.trunk = Some("north".to_owned());
    routes.push(only_north);
    routes
}

#[must_use]
pub fn prompt(name: &str) -> PromptId {
    let index = PROMPTS
        .iter()
        .position(|(other, _)| *other == name)
        .unwrap_or_else(|| panic!("no prompt {name}"));
    PromptId(u16::try_from(index).unwrap_or(u16::MAX))
}

fn clip(name: &str) -> FlowClip {
    FlowClip {
        prompt: prompt(name),
        language: None,
    }
}

fn clips(names: &[&str]) -> Vec<FlowClip> {
    names.iter().map(|name| clip(name)).collect()
}

// Nodes of the entry flow, by number.
const ENTRY: NodeId = NodeId(0);
const ENTRY_EN: NodeId = NodeId(1);
const INFO: NodeId = NodeId(2);
const INFO_ABOUT: NodeId = NodeId(3);
const INFO_RIGHTS: NodeId = NodeId(4);
const INFO_MIGRATE: NodeId = NodeId(5);
const CHILD: NodeId = NodeId(6);
const TRAFFICKING: NodeId = NodeId(7);
const URGENT: NodeId = NodeId(8);
const PERSON: NodeId = NodeId(9);
const NO_MATCH: NodeId = NodeId(10);
const NO_INPUT: NodeId = NodeId(11);
const VOICE: NodeId = NodeId(12);
const INFO_OVER: NodeId = NodeId(13);

fn entry_flow() -> Flow {
    let choices = ["svc.child", "svc.traf", "svc.cannot", "svc.human"];
    let mut entry_clips = clips(&["greet.main"]);
    entry_clips.push(FlowClip {
        prompt: prompt("lang.en"),
        language: Some(EN),
    });
    entry_clips.extend(clips(&choices));
    let mut language_clips = clips(&["greet.main"]);
    language_clips.extend(clips(&choices));
    let info = |name: &str, clip_name: &str| {
        node(
            name,
            NodeKind::Play {
                clips: clips(&[clip_name]),
                then: target(INFO_OVER),
                is_information: true,
            },
        )
    };
    Flow {
        name: "entry".to_owned(),
        nodes: vec![
            node(
                "entry",
                menu(
                    entry_clips,
                    &[
                        ('1', CHILD, None),
                        ('2', TRAFFICKING, None),
                        ('3', INFO, None),
                        ('4', ENTRY_EN, Some(EN)),
                        ('5', ENTRY_EN, Some(TEST)),
                        ('9', URGENT, None),
                    ],
                    NO_INPUT,
                    NO_MATCH,
                    Some(VOICE),
                ),
            ),
            node(
                "entry.language",
                menu(
                    language_clips,
                    &[
                        ('1', CHILD, None),
                        ('2', TRAFFICKING, None),
                        ('3', INFO, None),
                        ('9', URGENT, None),
                    ],
                    NO_INPUT,
                    NO_MATCH,
                    Some(VOICE),
                ),
            ),
            node(
                "info",
                menu(
                    clips(&["info.menu"]),
                    &[
                        ('1', INFO_ABOUT, None),
                        ('2', INFO_RIGHTS, None),
                        ('3', INFO_MIGRATE, None),
                    ],
                    NO_INPUT,
                    NO_MATCH,
                    Some(VOICE),
                ),
            ),
            info("info.about", "info.about"),
            info("info.rights", "info.rights"),
            info("info.migrate", "info.migrate"),
            node(
                "child",
                enqueue(1, Some(0), &["svc.child_ok", "greet.record"], 0, false),
            ),
            node(
                "trafficking",
                enqueue(2, Some(1), &["svc.traf_ok", "greet.record"], 0, false),
            ),
            node("urgent", enqueue(3, None, &["svc.cannot_ok"], 0, true)),
            node(
                "person",
                enqueue(0, None, &["nav.human", "greet.record"], 30_000, false),
            ),
            node(
                "no_match",
                enqueue(0, None, &["svc.default", "greet.record"], 0, false),
            ),
            node(
                "no_input",
                enqueue(
                    0,
                    None,
                    &["err.timeout", "svc.default", "greet.record"],
                    0,
                    false,
                ),
            ),
            node(
                "voice",
                enqueue(0, None, &["err.speech", "greet.record_short"], 0, false),
            ),
            node(
                "info.over",
                menu(
                    clips(&["info.menu"]),
                    &[
                        ('1', INFO_ABOUT, None),
                        ('2', INFO_RIGHTS, None),
                        ('3', INFO_MIGRATE, None),
                    ],
                    NO_INPUT,
                    NO_MATCH,
                    Some(VOICE),
                ),
            ),
        ],
        start: ENTRY,
        person: PERSON,
        fallback: NO_INPUT,
    }
}

fn node(name: &str, kind: NodeKind) -> Node {
    Node {
        name: name.to_owned(),
        kind,
    }
}

fn target(node: NodeId) -> Target {
    Target {
        node,
        language: None,
    }
}

fn menu(
    clips_of_menu: Vec<FlowClip>,
    keys: &[(char, NodeId, Option<LanguageId>)],
    no_input: NodeId,
    no_match: NodeId,
    voice: Option<NodeId>,
) -> NodeKind {
    let keys: BTreeMap<Digit, Target> = keys
        .iter()
        .filter_map(|(key, node, language)| {
            Some((
                Digit::new(*key)?,
                Target {
                    node: *node,
                    language: *language,
                },
            ))
        })
        .collect();
    NodeKind::Menu {
        clips: clips_of_menu,
        keys,
        window_ms: 4_000,
        no_input: target(no_input),
        invalid: clips(&["err.invalid"]),
        retries: 1,
        no_match: target(no_match),
        voice: voice.map(target),
    }
}

fn enqueue(
    queue: u16,
    service: Option<u16>,
    names: &[&str],
    head_start_ms: u32,
    is_silent: bool,
) -> NodeKind {
    NodeKind::Enqueue {
        queue: QueueId(queue),
        service: service.map(ServiceId),
        clips: clips(names),
        head_start_ms,
        is_silent,
    }
}
