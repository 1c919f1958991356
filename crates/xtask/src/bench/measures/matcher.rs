//! The core's own step, without any network: who gets whom, with 10,000 callers waiting and 2,000 counsellors.

use std::collections::VecDeque;
use std::time::Instant;

use hotline_core::{
    Agent, AgentId, Announcement, Arrival, CallerNumber, Cause, Centre, CentreId, Contact, Input,
    Language, LanguageId, LegEvent, LegId, LegOrder, Level, Mono, Now, Origin, Output, Plan, Queue,
    QueueId, Route, RouteKind, Service, ServiceId, Switch, Timing, Wall, Widening, WrapUp,
};

use super::super::Bench;
use super::super::figure::{Figure, Floor};
use crate::failure::Failure;

const WAITING: u64 = 10_000;
const AGENTS: u32 = 2_000;
/// Of each counsellor: as many languages as services.
const SKILLS: u16 = 4;
const LANGUAGES: u16 = 8;
const SERVICES: u16 = 6;
const CENTRES: u16 = 3;
/// Calls that end and begin while it is measured; each is four steps.
const CALLS: u64 = 50_000;

pub(crate) fn matcher(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let calls = if bench.is_quick { CALLS / 5 } else { CALLS };
    let mut load = Load::new();
    load.fill();
    let mut steps = Vec::new();
    for _ in 0..calls {
        load.turn_over(&mut steps);
    }
    steps.sort_unstable();
    let at = |part: usize| steps.get(steps.len() * part / 1_000).copied().unwrap_or(0);
    let micros = |nanos: u64| nanos as f64 / 1_000.0;
    let waiting = load.switch.counts().waiting as f64;
    Ok(vec![
        Figure::new(
            "callers waiting for 2,000 counsellors, 8 skills each",
            waiting,
            "",
            Floor::None,
        ),
        Figure::new(
            "... step of the core, p50",
            micros(at(500)),
            "us",
            Floor::None,
        ),
        Figure::new(
            "... step of the core, p99",
            micros(at(990)),
            "us",
            Floor::AtMost(50.0),
        ),
        Figure::new(
            "... step of the core, p99.9",
            micros(at(999)),
            "us",
            Floor::None,
        ),
    ])
}

struct Load {
    switch: Switch,
    now_us: u64,
    out: Vec<Output>,
    next: u64,
    /// Counsellors' legs in a talk, oldest first.
    talking: VecDeque<LegId>,
}

impl Load {
    fn new() -> Self {
        Self {
            switch: Switch::new(plan(), 1, 1),
            now_us: 0,
            out: Vec::new(),
            next: 1,
            talking: VecDeque::new(),
        }
    }

    /// Everybody talks, and as many callers as wanted wait.
    fn fill(&mut self) {
        for agent in 0..AGENTS {
            self.put(Input::Contact(AgentId(agent), Contact::Reachable));
        }
        let mut ignored = Vec::new();
        while (self.switch.counts().waiting as u64) < WAITING {
            for _ in 0..100 {
                self.call(&mut ignored);
                self.answer(&mut ignored);
            }
        }
    }

    /// A talk ends, its counsellor answers the next caller, and a new one comes in.
    fn turn_over(&mut self, steps: &mut Vec<u64>) {
        if let Some(leg) = self.talking.pop_front() {
            self.timed(
                Input::Leg(leg, LegEvent::Down(Cause::NormalClearing)),
                steps,
            );
            self.answer(steps);
        }
        self.call(steps);
        self.answer(steps);
    }

    /// Whoever is rung answers.
    fn answer(&mut self, steps: &mut Vec<u64>) {
        let rung: Vec<LegId> = self
            .out
            .drain(..)
            .filter_map(|output| match output {
                Output::Leg(leg, LegOrder::RingAgent { .. }) => Some(leg),
                _ => None,
            })
            .collect();
        for leg in rung {
            self.timed(Input::Leg(leg, LegEvent::Up), steps);
            self.talking.push_back(leg);
        }
    }

    /// Arrival and answer of a caller; each number needs another language and service.
    fn call(&mut self, steps: &mut Vec<u64>) {
        let leg = LegId(self.next * 2);
        let kind = self.next.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        self.next += 1;
        let arrival = Arrival {
            origin: Origin::Trunk("t".to_owned()),
            dialled: format!("{}", kind % u64::from(SERVICES + 1)),
            caller: CallerNumber::default(),
            replaces: None,
            centre: Some(CentreId(
                u16::try_from(kind % u64::from(CENTRES)).unwrap_or(0),
            )),
        };
        self.timed(Input::Leg(leg, LegEvent::Arrived(arrival)), steps);
        self.timed(Input::Leg(leg, LegEvent::Up), steps);
    }

    fn timed(&mut self, input: Input, steps: &mut Vec<u64>) {
        let began = Instant::now();
        self.put(input);
        steps.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }

    fn put(&mut self, input: Input) {
        self.now_us += 100;
        let now = Now {
            mono: Mono(self.now_us),
            wall: Wall(0),
        };
        self.switch.handle(now, input, &mut self.out);
    }
}

fn plan() -> Plan {
    let levels = |from: u32, of: u16| {
        (0..SKILLS).map(move |step| {
            let at = (from + u32::from(step)) % u32::from(of);
            let level = Level(1 + u8::try_from(step % 3).unwrap_or(0));
            (u16::try_from(at).unwrap_or(0), level)
        })
    };
    // Everybody speaks the language of all callers: without a flow nobody chooses another.
    let agent = |number: u32| Agent {
        user: format!("a{number}"),
        name: String::new(),
        languages: levels(number % 5, LANGUAGES)
            .map(|(at, level)| (LanguageId(at), level))
            .chain([(LanguageId(0), Level::BEST)])
            .collect(),
        services: levels(number / 5, SERVICES)
            .map(|(at, level)| (ServiceId(at), level))
            .collect(),
        centre: CentreId(u16::try_from(number % u32::from(CENTRES)).unwrap_or(0)),
        wrap_up: WrapUp::None,
        hard_calls_max: None,
        is_in_training: false,
        is_reserve: number % 50 == 49,
        is_signed_in_by_registration: true,
    };
    let route = |number: u16| Route {
        dialled: format!("{number}"),
        trunk: None,
        from_accounts: false,
        kind: RouteKind::Queue {
            queue: QueueId(0),
            service: (number < SERVICES).then_some(ServiceId(number)),
        },
        is_recorded: true,
        is_training: false,
        centre: None,
    };
    Plan {
        languages: (0..LANGUAGES)
            .map(|number| Language {
                code: format!("l{number}"),
                is_open: true,
            })
            .collect(),
        services: (0..SERVICES)
            .map(|number| Service {
                name: format!("s{number}"),
            })
            .collect(),
        prompts: Vec::new(),
        queues: vec![Queue {
            name: "all".to_owned(),
            head_start_ms: 0,
            ring_ms: 20_000,
            comfort: Vec::new(),
            comfort_loop: Vec::new(),
            comfort_every_ms: 0,
            entry_clips: Vec::new(),
            no_language: None,
            no_language_ms: 60_000,
            widening: Widening {
                everywhere_ms: 20_000,
                anybody_ms: Some(40_000),
                mobiles_ms: None,
                alarm_ms: Some(180_000),
            },
            is_announced: false,
            is_urgent: false,
        }],
        centres: (0..CENTRES)
            .map(|number| Centre {
                name: format!("c{number}"),
            })
            .collect(),
        agents: (0..AGENTS).map(agent).collect(),
        flows: Vec::new(),
        routes: (0..=SERVICES).map(route).collect(),
        timing: Timing {
            entry_ms_max: 30_000,
            reattach_grace_ms: 20_000,
            lone_rona_ms: 30_000,
            short_ms: 10_000,
            counselling_ms_min: 0,
            recovery_ms: 0,
        },
        reasons: Vec::new(),
        calls_max: 100_000,
        notice: None,
        shutdown: None,
        lost_agent: None,
        beep: None,
        mobiles: Vec::new(),
        mobile_accept: None,
        announcement: Announcement::default(),
        outbound: Vec::new(),
        transfer_wait: None,
        transfer_failed: None,
    }
}
