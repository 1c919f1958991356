//! The plan of the tests: the entry flow of the domain, five queues, three counsellors in two centres.

use crate::{
    Agent, AgentId, Announcement, AtMax, Centre, CentreId, Comfort, Digit, Feature, Flow, FlowClip,
    FlowId, Language, LanguageId, Level, Node, NodeId, NodeKind, Outbound, Plan, Prompt, PromptId,
    Queue, QueueId, Reason, Route, RouteKind, Service, ServiceId, Target, Timing, Widening, WrapUp,
};
use alloc::collections::BTreeMap;
use std::{string::ToString, vec, vec::Vec};

pub(super) const GENERAL: QueueId = QueueId(0);
pub(super) const CHILD: QueueId = QueueId(1);
pub(super) const TRAFFICKING: QueueId = QueueId(2);
pub(super) const URGENT: QueueId = QueueId(3);
pub(super) const ENGLISH: LanguageId = LanguageId(1);
pub(super) const CHILD_SERVICE: ServiceId = ServiceId(0);
pub(super) const TRAFFICKING_SERVICE: ServiceId = ServiceId(1);

/// Name and length of each prompt, in seconds.
const PROMPTS: [(&str, u32); 35] = [
    ("greet.main", 5),
    ("greet.record", 8),
    ("lang.en", 2),
    ("lang.more", 2),
    ("svc.child", 4),
    ("svc.traf", 4),
    ("svc.cannot", 3),
    ("svc.human", 3),
    ("svc.child_ok", 4),
    ("svc.traf_ok", 6),
    ("svc.cannot_ok", 5),
    ("svc.default", 2),
    ("nav.human", 2),
    ("err.invalid", 3),
    ("err.timeout", 2),
    ("err.speech", 4),
    ("info.menu", 8),
    ("info.about", 10),
    ("danger.now", 6),
    ("queue.hold", 3),
    ("queue.thanks", 3),
    ("queue.brave", 3),
    ("queue.breathe", 4),
    ("queue.no_lang", 6),
    ("sys.down", 4),
    ("sys.lost_agent", 4),
    ("tone.beep", 1),
    ("greet.record_short", 2),
    ("xfer.wait", 4),
    ("xfer.fail", 4),
    ("agent.urgent", 1),
    ("agent.traf", 1),
    ("agent.lang.en", 1),
    ("agent.again", 1),
    ("agent.mobile_accept", 6),
];

/// A prompt by name.
pub(super) fn prompt(name: &str) -> PromptId {
    PromptId(
        PROMPTS
            .iter()
            .position(|(known, _)| *known == name)
            .unwrap() as u16,
    )
}

fn clips(names: &[&str]) -> Vec<FlowClip> {
    names
        .iter()
        .map(|name| FlowClip {
            prompt: prompt(name),
            language: None,
        })
        .collect()
}

fn target(node: u16) -> Target {
    Target {
        node: NodeId(node),
        language: None,
    }
}

fn enqueue(
    name: &str,
    queue: QueueId,
    service: Option<ServiceId>,
    said: &[&str],
    head_start_ms: u32,
) -> Node {
    let kind = NodeKind::Enqueue {
        queue,
        service,
        clips: clips(said),
        head_start_ms,
        is_silent: queue == URGENT,
    };
    Node {
        name: name.to_string(),
        kind,
    }
}

fn menu(
    name: &str,
    said: Vec<FlowClip>,
    keys: &[(char, Target)],
    no_input: u16,
    voice: bool,
) -> Node {
    let kind = NodeKind::Menu {
        clips: said,
        keys: keys
            .iter()
            .map(|(key, target)| (Digit::new(*key).unwrap(), target.clone()))
            .collect(),
        window_ms: 4_000,
        no_input: target(no_input),
        invalid: clips(&["err.invalid"]),
        retries: 1,
        no_match: target(9),
        voice: voice.then(|| target(10)),
    };
    Node {
        name: name.to_string(),
        kind,
    }
}

/// The entry of domain.md §9, in one flow.
fn entry_flow() -> Flow {
    let services = ["svc.child", "svc.traf", "svc.cannot", "svc.human"];
    let mut entry = clips(&["greet.main"]);
    entry.push(FlowClip {
        prompt: prompt("lang.en"),
        language: Some(ENGLISH),
    });
    entry.extend(clips(&["lang.more"]));
    entry.extend(clips(&services));
    let mut english = clips(&["greet.main"]);
    english.extend(clips(&services));
    let choices = [
        ('1', target(2)),
        ('2', target(3)),
        ('3', target(5)),
        ('9', target(4)),
    ];
    let mut first = choices.to_vec();
    first.push((
        '4',
        Target {
            node: NodeId(1),
            language: Some(ENGLISH),
        },
    ));
    first.push((
        '5',
        Target {
            node: NodeId(1),
            language: Some(LanguageId(2)),
        },
    ));
    let play = NodeKind::Play {
        clips: clips(&["info.about"]),
        then: target(5),
        is_information: true,
    };
    let bye = NodeKind::HangUp {
        clips: clips(&["svc.default"]),
    };
    Flow {
        name: "entry".to_string(),
        nodes: vec![
            menu("entry", entry, &first, 8, true),
            menu("entry.lang", english, &choices, 8, true),
            enqueue(
                "child",
                CHILD,
                Some(CHILD_SERVICE),
                &["svc.child_ok", "greet.record"],
                0,
            ),
            enqueue(
                "trafficking",
                TRAFFICKING,
                Some(TRAFFICKING_SERVICE),
                &["svc.traf_ok", "greet.record"],
                0,
            ),
            enqueue("cannot", URGENT, None, &["svc.cannot_ok"], 0),
            menu(
                "info",
                clips(&["info.menu"]),
                &[('1', target(6)), ('7', target(11))],
                8,
                false,
            ),
            Node {
                name: "info.about".to_string(),
                kind: play,
            },
            enqueue("person", GENERAL, None, &["nav.human"], 30_000),
            enqueue(
                "no_key",
                GENERAL,
                None,
                &["err.timeout", "svc.default", "greet.record"],
                0,
            ),
            enqueue(
                "wrong_keys",
                GENERAL,
                None,
                &["svc.default", "greet.record"],
                0,
            ),
            enqueue(
                "voice",
                GENERAL,
                None,
                &["err.speech", "greet.record_short"],
                0,
            ),
            Node {
                name: "bye".to_string(),
                kind: bye,
            },
        ],
        start: NodeId(0),
        person: NodeId(7),
        fallback: NodeId(8),
    }
}

fn queue(name: &str, head_start_ms: i32, comfort: &[(u32, &str)], entry: &[&str]) -> Queue {
    Queue {
        name: name.to_string(),
        head_start_ms,
        ring_ms: 20_000,
        comfort: comfort
            .iter()
            .map(|(at_ms, name)| Comfort {
                at_ms: *at_ms,
                prompt: prompt(name),
            })
            .collect(),
        comfort_loop: vec![prompt("queue.breathe"), prompt("queue.hold")],
        comfort_every_ms: 30_000,
        entry_clips: clips(entry),
        no_language: Some(prompt("queue.no_lang")),
        no_language_ms: 60_000,
        widening: Widening::default(),
        is_announced: false,
        is_urgent: name == "urgent",
    }
}

fn agent(user: &str, languages: &[u16], services: &[u16], centre: u16) -> Agent {
    Agent {
        user: user.to_string(),
        name: user.to_string(),
        languages: languages
            .iter()
            .map(|id| (LanguageId(*id), Level::BEST))
            .collect(),
        services: services
            .iter()
            .map(|id| (ServiceId(*id), Level::BEST))
            .collect(),
        centre: CentreId(centre),
        wrap_up: WrapUp::Timed(10_000),
        hard_calls_max: (user == "lan").then_some(2),
        is_in_training: false,
        is_reserve: false,
        is_signed_in_by_registration: user != "mai",
    }
}

fn reason(name: &str, max_ms: Option<u32>, at_max: AtMax) -> Reason {
    Reason {
        name: name.to_string(),
        max_ms,
        at_max,
    }
}

fn route(dialled: &str, from_accounts: bool, kind: RouteKind) -> Route {
    let is_recorded = matches!(kind, RouteKind::Flow(_) | RouteKind::Queue { .. });
    Route {
        dialled: dialled.to_string(),
        trunk: None,
        from_accounts,
        kind,
        is_recorded,
        is_training: false,
        centre: None,
    }
}

fn routes() -> Vec<Route> {
    let only_north = Route {
        trunk: Some("north".to_string()),
        ..route("222", false, RouteKind::Echo)
    };
    vec![
        route("111", true, RouteKind::Flow(FlowId(0))),
        route(
            "1800%",
            false,
            RouteKind::Queue {
                queue: TRAFFICKING,
                service: Some(TRAFFICKING_SERVICE),
            },
        ),
        route("701", true, RouteKind::Agent(AgentId(0))),
        route("702", true, RouteKind::Agent(AgentId(1))),
        route(
            "601",
            true,
            RouteKind::Queue {
                queue: TRAFFICKING,
                service: Some(TRAFFICKING_SERVICE),
            },
        ),
        route("500", true, RouteKind::Echo),
        route("501", true, RouteKind::PlayForEver(prompt("greet.main"))),
        route("502", false, RouteKind::AnswerAndEnd),
        route("*11", true, RouteKind::Feature(Feature::SignIn)),
        route("*10", true, RouteKind::Feature(Feature::SignOut)),
        route(
            "*12",
            true,
            RouteKind::Feature(Feature::Break("break".to_string())),
        ),
        only_north,
    ]
}

pub(super) fn test_plan() -> Plan {
    let language = |code: &str| Language {
        code: code.to_string(),
        is_open: true,
    };
    let service = |name: &str| Service {
        name: name.to_string(),
    };
    // Hmong has no clip of its own: the edge plays the default's.
    let prompts = PROMPTS.iter().map(|(name, seconds)| Prompt {
        name: name.to_string(),
        length_ms: BTreeMap::from([(LanguageId(0), seconds * 1_000), (ENGLISH, seconds * 1_000)]),
    });
    Plan {
        languages: vec![language("vi"), language("en"), language("hmn")],
        services: vec![
            service("child"),
            service("trafficking"),
            service("information"),
        ],
        prompts: prompts.collect(),
        queues: vec![
            queue(
                "general",
                0,
                &[(15_000, "queue.hold"), (45_000, "queue.thanks")],
                &[],
            ),
            queue(
                "child",
                120_000,
                &[(15_000, "queue.hold"), (45_000, "queue.brave")],
                &[],
            ),
            queue(
                "trafficking",
                300_000,
                &[(15_000, "queue.hold")],
                &["danger.now"],
            ),
            queue("urgent", 600_000, &[], &["danger.now"]),
            queue("checked", -120_000, &[], &[]),
        ],
        agents: vec![
            agent("lan", &[0, 1], &[0, 1, 2], 0),
            agent("hoa", &[0], &[0], 0),
            agent("mai", &[0, 1], &[1], 1),
        ],
        centres: ["hanoi", "angiang"]
            .map(|name| Centre {
                name: name.to_string(),
            })
            .to_vec(),
        flows: vec![entry_flow()],
        routes: routes(),
        timing: Timing {
            entry_ms_max: 30_000,
            reattach_grace_ms: 20_000,
            lone_rona_ms: 30_000,
            short_ms: 10_000,
            counselling_ms_min: 0,
            recovery_ms: 300_000,
        },
        reasons: vec![
            reason("break", Some(900_000), AtMax::Alarm),
            reason("lunch", None, AtMax::Alarm),
            reason("meal", Some(1_800_000), AtMax::Ready),
        ],
        calls_max: 100,
        notice: Some(prompt("greet.record")),
        shutdown: Some(prompt("sys.down")),
        lost_agent: Some(prompt("sys.lost_agent")),
        beep: Some(prompt("tone.beep")),
        mobiles: vec![],
        mobile_accept: Some(prompt("agent.mobile_accept")),
        announcement: Announcement {
            urgent: Some(prompt("agent.urgent")),
            services: BTreeMap::from([(TRAFFICKING_SERVICE, prompt("agent.traf"))]),
            languages: BTreeMap::from([(ENGLISH, prompt("agent.lang.en"))]),
            again: Some(prompt("agent.again")),
        },
        outbound: vec![
            Outbound {
                dialled: "113".to_string(),
                trunks: vec!["north".to_string(), "south".to_string()],
            },
            Outbound {
                dialled: "0900%".to_string(),
                trunks: Vec::new(),
            },
            Outbound {
                dialled: "09%".to_string(),
                trunks: vec!["north".to_string()],
            },
        ],
        transfer_wait: Some(prompt("xfer.wait")),
        transfer_failed: Some(prompt("xfer.fail")),
    }
}
