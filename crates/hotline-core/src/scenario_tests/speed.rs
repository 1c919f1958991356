//! How fast it is: printed, and only guarded against being slower than anybody could accept.

use super::plan::test_plan;
use crate::{
    Agent, AgentId, Arrival, CallerNumber, Cause, Contact, Input, LanguageId, LegEvent, LegId,
    LegOrder, Mono, Now, Origin, Output, QueueId, Route, RouteKind, ServiceId, Switch, Wall,
};
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
    plan.agents = (0..AGENTS)
        .map(|at| Agent {
            user: format!("a{at}"),
            name: format!("a{at}"),
            languages: [0, u16::from(at % 5 == 0)]
                .map(LanguageId)
                .into_iter()
                .collect(),
            services: [0, u16::from(at % 3 == 0)]
                .map(ServiceId)
                .into_iter()
                .collect(),
            centre: "hanoi".to_string(),
            wrap_up_ms: 0,
            is_signed_in_by_registration: true,
        })
        .collect();
    let kind = RouteKind::Queue {
        queue: QueueId(1),
        service: Some(ServiceId(0)),
    };
    let dialled = "1".to_string();
    plan.routes = Vec::from([Route {
        dialled,
        trunk: None,
        from_accounts: false,
        kind,
        is_recorded: true,
    }]);
    let mut load = Load {
        switch: Switch::new(plan, 1, 1),
        now: 0,
        events: 0,
        out: Vec::new(),
        next: 1,
    };
    for agent in 0..AGENTS {
        load.put(Input::Contact(AgentId(agent), Contact::Reachable));
    }
    for _ in 0..u64::from(AGENTS) + WAITING {
        load.call();
    }
    let talking: Vec<LegId> = load.rung();
    let mut talking: alloc::collections::VecDeque<LegId> = talking.into();
    let events = load.events;
    let start = Instant::now();
    for _ in 0..CALLS {
        let leg = talking.pop_front().unwrap();
        load.put(Input::Leg(leg, LegEvent::Up));
        load.put(Input::Leg(leg, LegEvent::Down(Cause::NormalClearing)));
        talking.extend(load.rung());
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

struct Load {
    switch: Switch,
    now: u64,
    events: u64,
    out: Vec<Output>,
    next: u64,
}

impl Load {
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
        let arrival = Arrival {
            origin: Origin::Trunk("t".to_string()),
            dialled: "1".to_string(),
            caller: CallerNumber::default(),
            replaces: None,
        };
        self.put(Input::Leg(leg, LegEvent::Arrived(arrival)));
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
