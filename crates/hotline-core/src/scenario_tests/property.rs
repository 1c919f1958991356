//! Properties: fairness, order in storms, determinism, round trips.

use super::plan::test_plan;
use super::script::happen;
use super::world::{START, World};
use crate::{
    Agent, AgentId, Arrival, CallId, CallerNumber, Cause, CentreId, Contact, Digit, Fact, Frame,
    Input, LanguageId, Ledger, LegEvent, LegId, Level, Mobile, Mono, Now, Origin, Output, Plan,
    PlayId, QueueId, Request, RequestId, Route, RouteKind, ServiceId, Standing, Switch,
    TransferTarget, Wall, Widening, WrapUp,
};
use alloc::collections::{BTreeMap, BTreeSet};
use proptest::{prelude::*, strategy::ValueTree};
use std::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

/// One move of a storm.
#[derive(Clone, Debug)]
enum Move {
    /// A step of the script language.
    Do(String),
    /// Something on any leg at all, known or not.
    Any(u64, u8),
    /// Milliseconds pass.
    Pass(u32),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let caller = 1_u64..9;
    let agent = prop::sample::select(&["lan", "hoa", "mai"]);
    let number = prop::sample::select(&[
        "111",
        "111",
        "111",
        "111",
        "18001567",
        "111 at hanoi",
        "18001567 at angiang",
        "701",
        "500",
        "501",
        "502",
        "*11 from mai",
        "702 from lan",
        "701 from hoa",
        "113 from lan",
        "601 from hoa",
        "for lan from lan",
        "for hoa from hoa",
        "9",
    ]);
    let keys = prop::sample::select(&[
        "0", "1", "2", "3", "4", "5", "6", "7", "9", "*", "#", "41", "31",
    ]);
    let agent_does = prop::sample::select(&[
        "answers",
        "answers",
        "answers",
        "declines",
        "is dead",
        "is dead",
        "is lost",
        "is silent",
        "fails by us",
        "hangs up",
        "is reachable",
        "is reachable",
        "is unreachable",
        "is gone",
        "signs in",
        "signs out",
        "wants ready",
        "wants lunch",
        "ends wrap-up",
        "had a hard call",
        "wants meal",
        "rings",
        "holds",
        "resumes",
        "passes to hoa",
        "passes to 701",
        "passes to 113",
        "passes to 601",
        "joins c1",
        "joins c2",
        "joins c3",
    ]);
    let outside_does = prop::sample::select(&[
        "answers",
        "answers",
        "is busy",
        "is lost",
        "hangs up",
        "rings",
        "presses 1",
        "presses 1",
    ]);
    let advice = prop::sample::select(&["joins lan", "joins hoa", "passes to 113", "holds"]);
    let rare = prop::sample::select(&[
        "restart 1",
        "plan loses agent lan",
        "plan regains agent lan",
        "plan turns agents round",
        "plan loses queue child",
        "plan loses node entry",
        "plan loses flow",
        "drain 60",
        "drain 0",
    ]);
    let one = prop_oneof![
        6 => (caller.clone(), number).prop_map(|(c, number)| Move::Do(format!("c{c} dials {number}"))),
        8 => (caller.clone(), keys).prop_map(|(c, keys)| Move::Do(format!("c{c} presses {keys}"))),
        4 => caller.clone().prop_map(|c| Move::Do(format!("c{c} hangs up"))),
        1 => caller.clone().prop_map(|c| Move::Do(format!("c{c} speaks"))),
        1 => caller.clone().prop_map(|c| Move::Do(format!("c{c} is silent"))),
        2 => (caller, advice).prop_map(|(c, does)| Move::Do(format!("c{c} {does}"))),
        4 => outside_does.prop_map(|does| Move::Do(format!("outside {does}"))),
        18 => (agent, agent_does).prop_map(|(agent, does)| Move::Do(format!("{agent} {does}"))),
        3 => (0_u64..40, 0_u8..11).prop_map(|(leg, event)| Move::Any(leg, event)),
        6 => (0_u32..40_000).prop_map(Move::Pass),
        1 => rare.prop_map(|rare| Move::Do(rare.to_string())),
    ];
    let opening = prop::sample::select(&OPENINGS);
    (opening, prop::collection::vec(one, 0..120)).prop_map(|(opening, rest)| {
        // A moment passes between: an answer is told in a turn of its own.
        let (first, then) = opening;
        let opening = first
            .iter()
            .chain(then.iter())
            .flat_map(|what| [Move::Do((*what).to_string()), Move::Pass(1)]);
        opening.chain(rest).collect()
    })
}

/// Some storms break in a talk, on a transfer, or on a call for advice: by chance alone few would.
const OPENINGS: [(&[&str], &[&str]); 6] = [
    (&[], &[]),
    (&TALK, &["lan holds"]),
    (&TALK, &["lan passes to hoa"]),
    (&TALK, &["lan passes to 113", "outside answers"]),
    (&TALK, &["c2 dials 702 from lan", "hoa answers"]),
    (&TALK, &["c2 dials 113 from lan"]),
];
const TALK: [&str; 5] = [
    "lan is reachable",
    "hoa is reachable",
    "c1 dials 111",
    "c1 presses 1",
    "lan answers",
];

fn any_event(kind: u8) -> LegEvent {
    match kind {
        0 => LegEvent::Up,
        1 => LegEvent::Down(Cause::Lost),
        2 => LegEvent::Digit(Digit::new('1').unwrap()),
        3 => LegEvent::MediaLost,
        4 => LegEvent::PlayEnded {
            play: PlayId(3),
            heard_ms: 4_000,
            is_complete: true,
        },
        5 => LegEvent::RecordingFailed,
        6 => LegEvent::Ringing,
        7 => LegEvent::Held,
        8 => LegEvent::Resumed,
        9 => LegEvent::TransferAsked(TransferTarget::Number("113".to_string())),
        _ => LegEvent::Voice,
    }
}

/// The search widens fast, those on call are rung soon, and one queue announces its callers.
fn storm_plan() -> Plan {
    let mut plan = test_plan();
    for queue in &mut plan.queues {
        queue.is_announced = queue.name == "trafficking";
        queue.widening = Widening {
            everywhere_ms: 5_000,
            anybody_ms: Some(10_000),
            mobiles_ms: Some(15_000),
            alarm_ms: Some(30_000),
        };
    }
    plan.mobiles = vec![Mobile {
        name: "nga".to_string(),
        number: CallerNumber::new("+84900000001".to_string()),
        trunks: vec!["north".to_string()],
        languages: [(LanguageId(0), Level::BEST)].into(),
    }];
    plan
}

/// Plays a storm; the world audits and recounts after each turn, `Rules` watches what is said.
fn storm(moves: &[Move]) -> World {
    let mut world = World::new(storm_plan());
    let mut rules = Rules::default();
    for one in moves {
        match one {
            Move::Do(what) if is_possible(&world, what) => happen(&mut world, what),
            Move::Do(_) => {}
            Move::Any(leg, kind) => {
                world.put(Input::Leg(LegId(*leg), any_event(*kind)));
            }
            Move::Pass(millis) => {
                let until = world.now.plus_millis(u64::from(*millis));
                world.run_until(until);
            }
        }
        rules.watch(&world);
    }
    world
}

/// A change of plan can only be made once, and every caller's leg has a number of its own.
fn is_possible(world: &World, what: &str) -> bool {
    let has_agent = world.plan.agents.iter().any(|agent| agent.user == "lan");
    let has_queue = world.plan.queues.iter().any(|queue| queue.name == "child");
    let has_node = world
        .plan
        .flows
        .first()
        .is_some_and(|flow| flow.nodes.iter().any(|node| node.name == "entry"));
    match what {
        "plan loses agent lan" => has_agent,
        "plan regains agent lan" => !has_agent,
        "plan loses queue child" => has_queue,
        "plan loses node entry" => has_node,
        _ => true,
    }
}

/// The invariants of calls and counsellors, by facts alone.
#[derive(Default)]
struct Rules {
    seen: usize,
    ended: BTreeSet<CallId>,
    open: BTreeSet<CallId>,
    offered: BTreeSet<CallId>,
    /// Callers being passed on.
    passing: BTreeSet<CallId>,
    /// Calls that took the party of another.
    taken: BTreeMap<CallId, CallId>,
    standing: BTreeMap<String, (Standing, Mono)>,
}

impl Rules {
    fn watch(&mut self, world: &World) {
        for (at, output) in &world.said[self.seen..] {
            match output {
                Output::Fact(fact) => self.fact(*at, fact),
                Output::Alarm(crate::Alarm::Bug { text, .. }) => panic!("{text}"),
                _ => {}
            }
        }
        self.seen = world.said.len();
    }

    fn fact(&mut self, at: Mono, fact: &Fact) {
        match fact {
            Fact::Arrived { call, .. } => assert!(self.open.insert(*call), "arrived twice"),
            Fact::Ended { call, cause, .. } => {
                assert!(self.open.remove(call), "ended without being open");
                assert!(self.ended.insert(*call), "ended twice");
                let is_rung = self.offered.remove(call);
                let is_passed = self.passing.remove(call);
                assert!(
                    !(is_rung || is_passed) || *cause == Cause::Crash,
                    "over, and somebody is rung for it"
                );
            }
            Fact::Offered { call, agent, .. } => {
                assert!(self.open.contains(call), "offered a call that is over");
                assert!(self.offered.insert(*call), "offered to two");
                // Only who is ready is offered anybody.
                assert_eq!(self.of(agent), Some(&Standing::Ready), "{agent}");
            }
            Fact::OfferEnded { call, .. } => assert!(self.offered.remove(call), "was not offered"),
            Fact::Taken { call, consult, .. } => {
                assert!(self.open.contains(call) && self.open.contains(consult));
                self.taken.insert(*call, *consult);
            }
            Fact::TransferBegan { call, agent, .. } => {
                let talk = self.of(agent).and_then(Standing::talk);
                assert_eq!(talk, Some(*call), "{agent}");
                assert!(self.passing.insert(*call), "passed on twice at once");
            }
            Fact::TransferEnded { call, .. } => {
                assert!(self.passing.remove(call), "was not being passed on");
            }
            Fact::Joined { call, agent } => {
                let before = self.of(agent).and_then(busy_with);
                let expected = match self.taken.remove(call) {
                    Some(consult) => (consult, true),
                    None => (*call, false),
                };
                assert_eq!(before, Some(expected), "{agent}");
            }
            Fact::AgentState {
                agent,
                standing,
                why,
            } => {
                let others = self.standing.iter().filter(|(user, _)| *user != agent);
                // While a caller is passed on, one counsellor talks and another is rung; never do two talk, or ring.
                let is_double = |other: &Standing| {
                    busy_with(other).is_some() && busy_with(other) == busy_with(standing)
                };
                assert_eq!(
                    others.filter(|(_, (other, _))| is_double(other)).count(),
                    0,
                    "two for one call"
                );
                let (before, since) = self
                    .standing
                    .get(agent)
                    .cloned()
                    .unwrap_or((Standing::SignedOut, at));
                assert!(
                    is_drawn(&before, standing) || why == "transfer",
                    "{agent}: {before:?} to {standing:?}, {why}"
                );
                let is_wanted = ["request", "removed", "restart"].contains(&why.as_str());
                let is_wrap_up = matches!(before, Standing::WrapUp(_));
                assert!(
                    !is_wrap_up || is_wanted || at.millis_since(since) >= 10_000,
                    "{agent}: wrap-up cut by {why}"
                );
                self.standing.insert(agent.clone(), (standing.clone(), at));
            }
            _ => {}
        }
    }

    fn of(&self, agent: &str) -> Option<&Standing> {
        self.standing.get(agent).map(|(standing, _)| standing)
    }
}

fn busy_with(standing: &Standing) -> Option<(CallId, bool)> {
    match standing {
        Standing::Offered(call) => Some((*call, false)),
        _ => standing.talk().map(|call| (call, true)),
    }
}

/// The arrows of the figure in `acd/agent.rs`, and those of a restart.
fn is_drawn(from: &Standing, to: &Standing) -> bool {
    use Standing as S;
    if let (Some(call), Some(same)) = (from.talk(), to.talk()) {
        return call == same;
    }
    match (from, to) {
        (_, S::SignedOut) => true,
        (S::Ready, S::Ready) => false,
        (_, S::Ready) => true,
        (S::Ready, S::Offered(_)) => true,
        (S::Offered(call), S::Talking(same)) => call == same,
        (S::WrapUp(call), S::WrapUp(same)) => call == same,
        (S::SignedOut, S::NotReady(_)) => false,
        (_, S::NotReady(_)) => true,
        (from, S::WrapUp(same)) => from.talk() == Some(*same),
        (S::SignedOut | S::NotReady(_) | S::Offered(_), S::Recovery(_)) => false,
        (_, S::Recovery(_)) => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn storms_keep_everything_in_order(moves in moves()) {
        let world = storm(&moves);
        prop_assert!(world.switch.audit().is_ok());
    }

    #[test]
    fn after_a_storm_everything_comes_to_rest(moves in moves()) {
        let mut world = storm(&moves);
        world.put(Input::Drain { limit_ms: 1_000 });
        // A break with a maximum, and the rest after a hard call, last their time.
        world.run_until(world.now.plus_millis(3_000_000));
        prop_assert!(world.switch.is_idle(), "{:?}", world.switch.counts());
        prop_assert_eq!(world.switch.counts().timers, 0);
        prop_assert_eq!(world.ledger.open().count(), 0);
        prop_assert_eq!(world.said.iter().filter(|(_, output)| *output == Output::Drained).count() >= 1, true);
    }

    #[test]
    fn the_same_inputs_say_the_same(moves in moves()) {
        let moves: Vec<Move> =
            moves.into_iter().filter(|one| !matches!(one, Move::Do(what) if what.starts_with("restart"))).collect();
        let world = storm(&moves);
        let mut again = Switch::new(storm_plan(), 1, 100);
        let mut said = Vec::new();
        for (now, input) in &world.inputs {
            again.handle(*now, input.clone(), &mut said);
        }
        let first: Vec<Output> = world.said.into_iter().map(|(_, output)| output).collect();
        prop_assert_eq!(first, said);
    }

    #[test]
    fn frames_and_ledgers_come_back_as_they_went(moves in moves()) {
        let world = storm(&moves);
        let mut facts = Vec::new();
        for (_, output) in &world.said {
            if let Output::Fact(fact) = output {
                facts.push(fact.clone());
            }
        }
        let inputs = world.inputs.iter().map(|(_, input)| input.clone()).collect();
        let frame = Frame { now: world.now(), inputs, facts, edge: Vec::new() };
        let bytes = postcard::to_allocvec(&frame).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Frame>(&bytes).unwrap(), frame);
        let bytes = postcard::to_allocvec(&world.ledger).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Ledger>(&bytes).unwrap(), world.ledger);
    }
}

/// The storms must reach every corner, or their silence means nothing.
#[test]
fn storms_reach_every_fact_and_every_outcome() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..400 {
        let moves = moves().new_tree(&mut runner).unwrap().current();
        for (_, output) in storm(&moves).said {
            *seen.entry(kind(&output)).or_default() += 1;
        }
    }
    let wanted = [
        "Fact Arrived",
        "Fact Answered",
        "Fact Node",
        "Fact Key",
        "Fact LanguageChosen",
        "Fact SpokeAtMenu",
        "Fact InformationHeard",
        "Fact Queued",
        "Fact Offered",
        "Fact Joined",
        "Fact NoticeHeard",
        "Fact AgentLost",
        "Fact Recording",
        "Fact Ended",
        "Fact AgentState",
        "Fact Held",
        "Fact Resumed",
        "Fact HardCall",
        "Fact HomeCentre",
        "Fact Widened",
        "Fact MobileRung",
        "Fact MobileEnded",
        "Fact Consulting",
        "Fact TransferBegan",
        "Fact TransferEnded",
        "Fact Taken",
        "Fact JoinedOutside",
        "Fact OutsideLost",
        "Fact PhoneChanged",
        "Answered",
        "CallerGone",
        "Declined",
        "NoAnswer",
        "Withdrawn",
        "Unreachable",
        "Alarm LoneAgentNoAnswer",
        "Alarm PhoneUnreachable",
        "Alarm NobodySignedIn",
        "Alarm WaitTooLong",
        "Drained",
    ];
    for kind in wanted {
        assert!(
            seen.get(kind).copied().unwrap_or(0) > 0,
            "no storm reaches {kind}: {seen:?}"
        );
    }
}

/// A word for what was said.
fn kind(output: &Output) -> String {
    if let Output::Fact(Fact::OfferEnded { outcome, .. }) = output {
        return format!("{outcome:?}");
    }
    let text = format!("{output:?}");
    let mut words = text
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty());
    match (words.next().unwrap(), output) {
        (first @ ("Fact" | "Alarm"), _) => format!("{first} {}", words.next().unwrap()),
        (first, _) => first.to_string(),
    }
}

#[test]
fn a_fault_of_ours_ends_that_call_kindly_and_no_other() {
    let mut world = World::new(test_plan());
    for what in ["lan is reachable", "c1 dials 111", "c2 dials 111"] {
        happen(&mut world, what);
        world.run_until(world.now.plus_millis(1_000));
    }
    happen(&mut world, "c1 presses 1");
    let call = world.call_of_leg[&LegId(2)];
    let mut out = Vec::new();
    world.switch.fault(
        &mut crate::switch::Turn {
            now: world.now(),
            out: &mut out,
        },
        call,
        "wrong".to_string(),
    );
    let said: Vec<String> = out.iter().map(kind).collect();
    assert_eq!(
        said[..4],
        ["Alarm Bug", "Leg", "Withdrawn", "Fact AgentState"]
    );
    world.switch.audit().unwrap();
    assert_eq!(world.switch.counts().in_menu, 1);
}

/// A plan of many counsellors and straight numbers: `q<language><service>`.
fn wide_plan(agents: &[(u8, u8)]) -> Plan {
    let mut plan = test_plan();
    plan.calls_max = 10_000;
    plan.agents = agents
        .iter()
        .enumerate()
        .map(|(at, (languages, services))| Agent {
            user: format!("a{at}"),
            name: format!("a{at}"),
            languages: (0..2)
                .filter(|bit| languages >> bit & 1 == 1)
                .map(|id| (LanguageId(id), Level::BEST))
                .collect(),
            services: (0..2)
                .filter(|bit| services >> bit & 1 == 1)
                .map(|id| (ServiceId(id), Level::BEST))
                .collect(),
            centre: CentreId(0),
            wrap_up: WrapUp::None,
            hard_calls_max: None,
            is_in_training: false,
            is_reserve: false,
            is_signed_in_by_registration: true,
        })
        .collect();
    plan.routes = (0..4_u16)
        .flat_map(|queue| (0..3_u16).map(move |service| (queue, service)))
        .map(|(queue, service)| Route {
            dialled: format!("q{queue}{service}"),
            trunk: None,
            from_accounts: false,
            kind: RouteKind::Queue {
                queue: QueueId(queue),
                service: (service < 2).then_some(ServiceId(service)),
            },
            is_recorded: false,
            is_training: false,
            centre: None,
        })
        .collect();
    plan
}

/// Who waits, by facts: rank in milliseconds, and the need.
type Waiting = BTreeMap<CallId, (i64, Option<u16>)>;

/// Checks each offer: nobody fit waits in front of the caller, nobody fit has been idle longer.
fn check_fair(plan: &Plan, said: &[(Mono, Output)]) {
    let mut waiting = Waiting::new();
    let mut queued_at: BTreeMap<CallId, Mono> = BTreeMap::new();
    let mut idle: Vec<String> = Vec::new();
    let of = |user: &str| plan.agents.iter().find(|agent| agent.user == user).unwrap();
    let fits = |agent: &Agent, service: Option<u16>| {
        agent.languages.contains_key(&LanguageId(0))
            && service.is_none_or(|service| agent.services.contains_key(&ServiceId(service)))
    };
    let mut ranks: Waiting = Waiting::new();
    for (at, output) in said {
        let Output::Fact(fact) = output else { continue };
        match fact {
            Fact::Queued {
                call,
                service,
                head_start_ms,
                ..
            } => {
                let service = service
                    .as_ref()
                    .map(|name| u16::from(name == "trafficking"));
                let rank = at.0 as i64 / 1_000 - i64::from(*head_start_ms);
                queued_at.insert(*call, *at);
                ranks.insert(*call, (rank, service));
                waiting.insert(*call, (rank, service));
            }
            Fact::Ended { call, .. } => {
                waiting.remove(call);
            }
            Fact::OfferEnded { call, outcome, .. } => {
                if matches!(
                    outcome,
                    crate::OfferOutcome::Declined | crate::OfferOutcome::NoAnswer
                ) {
                    waiting.insert(*call, ranks[call]);
                }
            }
            Fact::Offered { call, agent, .. } => {
                let (rank, service) = waiting.remove(call).unwrap();
                let who = of(agent);
                assert!(fits(who, service), "{agent} cannot serve {call}");
                for (other, (other_rank, other_service)) in &waiting {
                    let is_before = (*other_rank, *other) < (rank, *call);
                    assert!(
                        !(is_before && fits(who, *other_service)),
                        "{other} was before {call}"
                    );
                }
                let longest = idle.iter().find(|user| fits(of(user), service)).unwrap();
                assert_eq!(longest, agent, "has been idle longer");
            }
            Fact::AgentState {
                agent, standing, ..
            } => {
                idle.retain(|user| user != agent);
                if *standing == Standing::Ready {
                    idle.push(agent.clone());
                }
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_longest_waiting_fit_caller_meets_the_longest_idle_fit_counsellor(
        agents in prop::collection::vec((1_u8..4, 0_u8..4), 1..8),
        moves in prop::collection::vec((0_u8..8, 0_u8..16, 0_u32..4_000), 0..150),
    ) {
        let plan = wide_plan(&agents);
        let mut world = World::new(plan.clone());
        let mut callers = 0_u64;
        for (kind, which, pause) in moves {
            let agent = AgentId(u32::from(which) % agents.len() as u32);
            let leg = world.agent_legs.get(&agent).copied().unwrap_or(LegId(1));
            let input = match kind {
                0..=2 => {
                    callers += 1;
                    let dialled = format!("q{}{}", which % 4, which / 4 % 3);
                    Input::Leg(LegId(callers * 2), LegEvent::Arrived(arrival(&dialled)))
                }
                3 => Input::Contact(agent, Contact::Reachable),
                4 => Input::Leg(leg, LegEvent::Up),
                5 => Input::Leg(leg, LegEvent::Down(Cause::NormalClearing)),
                6 => Input::Request(RequestId(0), Request::Ready { agent }),
                _ => Input::Leg(LegId((u64::from(which) % (callers + 1)) * 2), LegEvent::Down(Cause::NormalClearing)),
            };
            world.put(input);
            let until = world.now.plus_millis(u64::from(pause));
            world.run_until(until);
        }
        check_fair(&plan, &world.said);
    }
}

fn arrival(dialled: &str) -> Arrival {
    Arrival {
        origin: Origin::Trunk("viettel".to_string()),
        dialled: dialled.to_string(),
        caller: CallerNumber::default(),
        replaces: None,
        centre: None,
    }
}

#[test]
fn a_snapshot_in_an_input_comes_back_as_it_went() {
    let mut world = World::new(test_plan());
    happen(&mut world, "lan is reachable");
    happen(&mut world, "c1 dials 111");
    let input = Input::Recovered(Box::new(world.ledger.clone()));
    let bytes = postcard::to_allocvec(&input).unwrap();
    assert_eq!(postcard::from_bytes::<Input>(&bytes).unwrap(), input);
    let now = Now {
        mono: START,
        wall: Wall(-1),
    };
    let bytes = postcard::to_allocvec(&now).unwrap();
    assert_eq!(postcard::from_bytes::<Now>(&bytes).unwrap(), now);
}
