//! The world around the switch in the tests: legs come up, clips take their time, keys cut them. After each turn
//! the audit must pass and a recount of the facts must agree with the switch.

use crate::{
    AgentId, CallId, Clip, Fact, Frame, Input, LanguageId, Ledger, LegEvent, LegId, LegOrder, Mono,
    Now, Output, Plan, PlayId, Switch, Wall,
};
use alloc::collections::{BTreeMap, BTreeSet};
use std::{
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};

/// A run of clips that a leg hears.
struct Playing {
    play: PlayId,
    since: Mono,
    length_ms: u32,
    barge_in: bool,
    number: u64,
}

pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) switch: Switch,
    pub(super) ledger: Ledger,
    pub(super) now: Mono,
    /// Everything that was said, in order.
    pub(super) said: Vec<(Mono, Output)>,
    /// What was put in, in order.
    pub(super) inputs: Vec<(Now, Input)>,
    /// Legs that answer by themselves do so at once.
    pub(super) is_up_told: bool,
    /// The leg on which a counsellor was rung last.
    pub(super) agent_legs: BTreeMap<AgentId, LegId>,
    /// The leg on which somebody outside was rung last.
    pub(super) outside_leg: Option<LegId>,
    /// Whose each counsellor's leg is.
    pub(super) user_of_leg: BTreeMap<LegId, String>,
    pub(super) call_of_leg: BTreeMap<LegId, CallId>,
    pub(super) is_checking: bool,
    /// Legs that are over: nothing may be ordered on them.
    over: BTreeSet<LegId>,
    playing: BTreeMap<LegId, Playing>,
    to_come: BTreeMap<(Mono, u64), Event>,
    number: u64,
}

enum Event {
    PlayOver(LegId),
    Told(LegId, LegEvent),
    Up(LegId),
}

pub(super) const START: Mono = Mono(1_000_000_000);

impl World {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            switch: Switch::new(plan.clone(), 1, 100),
            plan,
            ledger: Ledger::default(),
            now: START,
            said: Vec::new(),
            inputs: Vec::new(),
            is_up_told: true,
            agent_legs: BTreeMap::new(),
            outside_leg: None,
            user_of_leg: BTreeMap::new(),
            call_of_leg: BTreeMap::new(),
            is_checking: true,
            over: BTreeSet::new(),
            playing: BTreeMap::new(),
            to_come: BTreeMap::new(),
            number: 0,
        }
    }

    pub(super) fn now(&self) -> Now {
        Now {
            mono: self.now,
            wall: Wall(1_700_000_000_000 + (self.now.0 / 1_000) as i64),
        }
    }

    /// One turn.
    pub(super) fn put(&mut self, input: Input) -> Vec<Output> {
        self.before(&input);
        let now = self.now();
        let mut out = Vec::new();
        self.switch.handle(now, input.clone(), &mut out);
        let facts = out.iter().filter_map(|output| match output {
            Output::Fact(fact) => Some(fact.clone()),
            _ => None,
        });
        let frame = Frame {
            now,
            inputs: Vec::new(),
            facts: facts.collect(),
            edge: Vec::new(),
        };
        self.ledger.apply_frame(&frame);
        self.inputs.push((now, input));
        for output in &out {
            self.check_leg(output);
            self.said.push((self.now, output.clone()));
            self.carry_out(output);
        }
        if self.is_checking {
            self.check();
        }
        out
    }

    /// Orders go to living legs only, and callers are joined with counsellors only.
    fn check_leg(&mut self, output: &Output) {
        let Output::Leg(leg, order) = output else {
            return;
        };
        assert!(
            !self.over.contains(leg),
            "{order:?} on leg {leg}, which is over"
        );
        match order {
            LegOrder::Connect(other) => {
                assert!(
                    !self.over.contains(other),
                    "leg {leg} joined with {other}, which is over"
                );
                let are_callers = self.user_of_leg.contains_key(other);
                assert!(
                    leg.0.is_multiple_of(2) && are_callers,
                    "legs {leg} and {other} joined"
                );
            }
            LegOrder::HangUp(_) | LegOrder::Reject(_) => {
                self.over.insert(*leg);
            }
            _ => {}
        }
    }

    /// What happens to legs and clips before the switch hears of it.
    fn before(&mut self, input: &Input) {
        match input {
            Input::Leg(leg, LegEvent::Arrived(_)) => {
                self.over.remove(leg);
            }
            Input::Leg(leg, LegEvent::Down(_)) => {
                self.over.insert(*leg);
                self.playing.remove(leg);
            }
            _ => {}
        }
        if let Input::Leg(leg, LegEvent::Digit(_)) = input
            && self
                .playing
                .get(leg)
                .is_some_and(|playing| playing.barge_in)
        {
            self.cut(*leg);
        }
    }

    fn carry_out(&mut self, output: &Output) {
        match output {
            Output::Leg(leg, LegOrder::Answer) if self.is_up_told => {
                self.later(0, Event::Up(*leg));
            }
            Output::Leg(
                leg,
                LegOrder::Play {
                    play,
                    clips,
                    barge_in,
                },
            ) => {
                self.cut(*leg);
                let length_ms = clips.iter().map(|clip| self.length_ms(clip)).sum();
                let number = self.later(length_ms, Event::PlayOver(*leg));
                let playing = Playing {
                    play: *play,
                    since: self.now,
                    length_ms,
                    barge_in: *barge_in,
                    number,
                };
                self.playing.insert(*leg, playing);
            }
            Output::Leg(leg, LegOrder::StopPlay | LegOrder::Connect(_)) => self.cut(*leg),
            Output::Leg(leg, LegOrder::HangUp(_) | LegOrder::Reject(_)) => {
                self.playing.remove(leg);
            }
            Output::Leg(leg, LegOrder::RingAgent { agent, call }) => {
                self.agent_legs.insert(*agent, *leg);
                self.user_of_leg
                    .insert(*leg, self.plan.agents[agent.0 as usize].user.clone());
                self.call_of_leg.insert(*leg, *call);
            }
            Output::Leg(leg, LegOrder::RingOutside { call, .. }) => {
                self.outside_leg = Some(*leg);
                self.user_of_leg.insert(*leg, "outside".to_string());
                self.call_of_leg.insert(*leg, *call);
            }
            Output::Fact(Fact::PhoneChanged { agent, leg, .. }) => {
                let at = self
                    .plan
                    .agents
                    .iter()
                    .position(|known| known.user == *agent);
                if let Some(at) = at {
                    self.agent_legs.insert(AgentId(at as u32), *leg);
                }
                self.user_of_leg.insert(*leg, agent.clone());
            }
            Output::Fact(Fact::Arrived { call, leg, .. }) => {
                self.call_of_leg.insert(*leg, *call);
            }
            _ => {}
        }
    }

    /// The run on this leg is cut; its end is told a little later.
    fn cut(&mut self, leg: LegId) {
        let Some(playing) = self.playing.remove(&leg) else {
            return;
        };
        let heard_ms = self.now.millis_since(playing.since) as u32;
        self.to_come
            .retain(|(_, number), _| *number != playing.number);
        let event = LegEvent::PlayEnded {
            play: playing.play,
            heard_ms,
            is_complete: false,
        };
        self.later(0, Event::Told(leg, event));
    }

    fn later(&mut self, millis: u32, event: Event) -> u64 {
        self.number += 1;
        self.to_come.insert(
            (self.now.plus_millis(u64::from(millis)), self.number),
            event,
        );
        self.number
    }

    pub(super) fn length_ms(&self, clip: &Clip) -> u32 {
        let lengths = &self.plan.prompts[usize::from(clip.prompt.0)].length_ms;
        *lengths
            .get(&clip.language)
            .or(lengths.get(&LanguageId(0)))
            .unwrap()
    }

    /// Time passes, with everything that happens by itself.
    pub(super) fn run_until(&mut self, until: Mono) {
        loop {
            let event = self.to_come.first_key_value().map(|(key, _)| key.0);
            let deadline = self.switch.next_deadline();
            let Some(next) = event
                .into_iter()
                .chain(deadline)
                .min()
                .filter(|next| *next <= until)
            else {
                break;
            };
            self.now = next.max(self.now);
            if event.is_some_and(|at| at <= next) {
                let (_, event) = self.to_come.pop_first().unwrap();
                self.happen(event);
            } else {
                self.put(Input::Tick);
            }
        }
        self.now = until;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Up(leg) => {
                self.put(Input::Leg(leg, LegEvent::Up));
            }
            Event::PlayOver(leg) => {
                let Some(playing) = self.playing.remove(&leg) else {
                    return;
                };
                let (play, heard_ms) = (playing.play, playing.length_ms);
                self.put(Input::Leg(
                    leg,
                    LegEvent::PlayEnded {
                        play,
                        heard_ms,
                        is_complete: true,
                    },
                ));
            }
            Event::Told(leg, event) => {
                self.put(Input::Leg(leg, event));
            }
        }
    }

    /// The audit, and the recount.
    pub(super) fn check(&self) {
        self.switch.audit().unwrap();
        let counts = self.switch.counts();
        let in_line = counts.waiting + counts.offering;
        // To the facts, whoever is told goodbye still waits or talks: the end comes with the end.
        let elsewhere = counts.calls - counts.in_menu - in_line - counts.talking;
        let (waiting, talking) = (self.ledger.waiting().count(), self.ledger.talking().count());
        assert_eq!(self.ledger.open().count(), counts.calls, "open calls");
        assert!(
            (in_line..=in_line + elsewhere).contains(&waiting),
            "waiting: {waiting} and {counts:?}"
        );
        assert!(
            (counts.talking..=counts.talking + elsewhere).contains(&talking),
            "talking: {talking} and {counts:?}"
        );
        let signed_in = self
            .ledger
            .agents
            .values()
            .filter(|known| known.standing != crate::Standing::SignedOut);
        assert_eq!(signed_in.count(), counts.agents_signed_in, "signed in");
    }

    /// A new process: the switch is new, the facts are not.
    pub(super) fn restart(&mut self, down_ms: u64) {
        self.now = Mono(self.now.plus_millis(down_ms).0);
        // Ids begin with the second of the start, so no run uses those of another.
        self.switch = Switch::new(self.plan.clone(), 1, self.now.0);
        self.playing.clear();
        self.to_come.clear();
        self.ledger.apply(
            self.now(),
            &Fact::Started {
                version: "test".to_string(),
            },
        );
        let ledger = self.ledger.clone();
        self.put(Input::Recovered(Box::new(ledger)));
    }
}
