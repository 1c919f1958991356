//! How fast it is: printed, and only guarded against being slower than anybody could accept.

use super::plan::test_plan;
use crate::{
    Agent, AgentId, Arrival, CallerNumber, Cause, CentreId, Contact, Input, LanguageId, LegEvent,
    LegId, LegOrder, Level, Mono, Now, Origin, Output, Plan, QueueId, Route, RouteKind, ServiceId,
    Switch, Wall, Widening, WrapUp,
};
use alloc::collections::VecDeque;
use std::{eprintln, format, string::ToString, time::Instant, vec::Vec};

const AGENTS: u32 = 200;
const WAITING: u64 = 600;
const CALLS: u64 = 20_000;

/// 600 callers wait, 200 counsellors talk; each call that ends hands its counsellor to the next one in line.
#[test]
#[allow(clippy::disallowed_methods, reason = "measures")]
fn a_freed_counsellor_gets_the_next_of_six_hundred_callers_quickly() {
    let mut plan = test_plan();
    plan.calls_max = 10_000;
    plan.agents = (0..AGENTS).map(agent).collect();
    plan.routes = Vec::from([route(QueueId(1), Some(ServiceId(0)))]);
    let mut load = Load::new(plan);
    for agent in 0..AGENTS {
        load.put(Input::Contact(AgentId(agent), Contact::Reachable));
    }
    for _ in 0..u64::from(AGENTS) + WAITING {
        load.call();
    }
    load.answer();
    let events = load.events;
    let start = Instant::now();
    for _ in 0..CALLS {
        let leg = load.talking.pop_front().unwrap();
        load.put(Input::Leg(leg, LegEvent::Down(Cause::NormalClearing)));
        load.answer();
        load.call();
    }
    let elapsed = start.elapsed();
    load.switch.audit().unwrap();
    assert_eq!(load.switch.counts().waiting as u64, WAITING);
    let events = load.events - events;
    let per_second = events as f64 / elapsed.as_secs_f64();
    eprintln!(
        "{events} events, {per_second:.0}/s, {CALLS} hand-outs with {WAITING} waiting and {AGENTS} counsellors"
    );
    assert!(per_second > 5_000.0, "{per_second} events a second");
}

/// The bar is 50 us at the 99th percentile, in the delivered program (`cargo xtask bench matcher`).
#[test]
#[allow(clippy::disallowed_methods, reason = "measures")]
fn a_step_looks_at_needs_and_never_at_everybody() {
    let mut plan = test_plan();
    plan.calls_max = 20_000;
    let levels = |from: u32, of: u32| {
        (0..4).map(move |step| (((from + step) % of) as u16, Level(1 + (step % 3) as u8)))
    };
    plan.agents = (0..2_000)
        .map(|at| Agent {
            languages: levels(at % 5, 8)
                .map(|(id, level)| (LanguageId(id), level))
                .chain([(LanguageId(0), Level::BEST)])
                .collect(),
            services: levels(at / 5, 6)
                .map(|(id, level)| (ServiceId(id), level))
                .collect(),
            centre: CentreId((at % 2) as u16),
            ..agent(at)
        })
        .collect();
    plan.queues[1].widening = Widening {
        everywhere_ms: 1_000,
        anybody_ms: Some(2_000),
        ..Widening::default()
    };
    plan.routes = Vec::from([route(QueueId(1), Some(ServiceId(0)))]);
    let mut load = Load::new(plan);
    for agent in 0..2_000 {
        load.put(Input::Contact(AgentId(agent), Contact::Reachable));
    }
    while load.switch.counts().waiting < 10_000 {
        for _ in 0..500 {
            load.call();
        }
        load.answer();
    }
    let mut steps: Vec<u64> = Vec::new();
    for _ in 0..2_000 {
        let leg = load.talking.pop_front().unwrap();
        for input in [
            Input::Leg(leg, LegEvent::Down(Cause::NormalClearing)),
            Input::Leg(LegId(load.next * 2), LegEvent::Arrived(arrival())),
            Input::Leg(LegId(load.next * 2), LegEvent::Up),
        ] {
            let start = Instant::now();
            load.put(input);
            steps.push(start.elapsed().as_nanos() as u64);
        }
        load.next += 1;
        load.answer();
    }
    steps.sort_unstable();
    let p99_us = steps[steps.len() * 99 / 100] / 1_000;
    let waiting = load.switch.counts().waiting;
    eprintln!("{waiting} waiting, 2,000 counsellors: p99 {p99_us} us a step");
    assert!(p99_us <= 5 * 50, "{p99_us} us");
}

struct Load {
    switch: Switch,
    now: u64,
    events: u64,
    out: Vec<Output>,
    next: u64,
    /// Counsellors' legs in a talk, oldest first.
    talking: VecDeque<LegId>,
}

fn agent(at: u32) -> Agent {
    Agent {
        user: format!("a{at}"),
        name: format!("a{at}"),
        languages: [0, u16::from(at.is_multiple_of(5))]
            .map(|id| (LanguageId(id), Level::BEST))
            .into(),
        services: [0, u16::from(at.is_multiple_of(3))]
            .map(|id| (ServiceId(id), Level::BEST))
            .into(),
        centre: CentreId(0),
        wrap_up: WrapUp::None,
        hard_calls_max: None,
        is_in_training: false,
        is_reserve: false,
        is_signed_in_by_registration: true,
    }
}

fn route(queue: QueueId, service: Option<ServiceId>) -> Route {
    Route {
        dialled: "1".to_string(),
        trunk: None,
        from_accounts: false,
        kind: RouteKind::Queue { queue, service },
        is_recorded: true,
        is_training: false,
        centre: None,
    }
}

fn arrival() -> Arrival {
    Arrival {
        origin: Origin::Trunk("t".to_string()),
        dialled: "1".to_string(),
        caller: CallerNumber::default(),
        replaces: None,
        centre: Some(CentreId(1)),
    }
}

impl Load {
    fn new(plan: Plan) -> Self {
        Self {
            switch: Switch::new(plan, 1, 1),
            now: 0,
            events: 0,
            out: Vec::new(),
            next: 1,
            talking: VecDeque::new(),
        }
    }

    /// Whoever is rung answers.
    fn answer(&mut self) {
        for leg in self.rung() {
            self.put(Input::Leg(leg, LegEvent::Up));
            self.talking.push_back(leg);
        }
    }

    fn put(&mut self, input: Input) {
        self.now += 100;
        self.events += 1;
        let now = Now {
            mono: Mono(self.now),
            wall: Wall(0),
        };
        self.switch.handle(now, input, &mut self.out);
    }

    fn call(&mut self) {
        let leg = LegId(self.next * 2);
        self.next += 1;
        self.put(Input::Leg(leg, LegEvent::Arrived(arrival())));
        self.put(Input::Leg(leg, LegEvent::Up));
    }

    /// Legs that began to ring since the last question.
    fn rung(&mut self) -> Vec<LegId> {
        let rung = self.out.iter().filter_map(|output| match output {
            Output::Leg(leg, LegOrder::RingAgent { .. }) => Some(*leg),
            _ => None,
        });
        let rung = rung.collect();
        self.out.clear();
        rung
    }
}
