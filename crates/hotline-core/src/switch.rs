//! The switch: everything that can happen enters here and is handed to the one place that knows its rule.

use crate::acd::agent::Seat;
use crate::acd::assign::{Idle, OnShift};
use crate::acd::queue::WaitingList;
use crate::call::Call;
use crate::drain::Drain;
use crate::fact::Fact;
use crate::ids::{AgentId, CallId, LegId, MobileId, PlayId};
use crate::input::{Input, LegEvent};
use crate::leg::{Legs, Owner};
use crate::output::{LegOrder, Output};
use crate::plan::Plan;
use crate::time::{Mono, Now};
use crate::timer::{Timer, Timers};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// Decides. See the crate's first lines.
#[derive(Debug)]
pub struct Switch {
    pub(crate) plan: Plan,
    pub(crate) calls: BTreeMap<CallId, Call>,
    pub(crate) legs: Legs,
    /// Index = `AgentId`. Beyond the plan's: counsellors that the plan dropped while they were talking.
    pub(crate) seats: Vec<Seat>,
    pub(crate) idle: Idle,
    pub(crate) on_shift: OnShift,
    /// Who on call is rung for, or talks with, whose call.
    pub(crate) mobiles: BTreeMap<CallId, MobileId>,
    pub(crate) waiting: WaitingList,
    pub(crate) timers: Timers,
    pub(crate) drain: Drain,
    pub(crate) work: Work,
    /// Node in the top 8 bits.
    node: u64,
    next_call: u64,
    next_play: u64,
    /// Events of legs that are not known (any more).
    pub(crate) strays: u64,
}

/// What this turn leaves to be matched at its end.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Counsellors who became idle.
    pub(crate) freed: BTreeSet<AgentId>,
    /// Callers who came into the line, or came back.
    pub(crate) placed: BTreeSet<CallId>,
    /// Counsellors who went: nobody can wait for them alone.
    pub(crate) left: BTreeSet<AgentId>,
}

/// One turn: its time and what it says.
pub(crate) struct Turn<'a> {
    pub(crate) now: Now,
    pub(crate) out: &'a mut Vec<Output>,
}

impl Switch {
    /// A switch without calls. `first_call` is the counter of the first call (start's second shifted left by 20),
    /// `node` goes into the top 8 bits of every id. Core leaves nothing to chance, so it takes no seed.
    #[must_use]
    pub fn new(plan: Plan, node: u8, first_call: u64) -> Self {
        let node = u64::from(node) << COUNTER_BITS;
        let seats = plan
            .agents
            .iter()
            .map(|agent| Seat::new(agent.user.clone()))
            .collect();
        Self {
            plan,
            calls: BTreeMap::new(),
            // Legs of two runs must differ too: the ledger knows old ones for a while.
            legs: Legs::new(node | ((first_call << 1) & COUNTER_MASK)),
            seats,
            idle: Idle::default(),
            on_shift: OnShift::default(),
            mobiles: BTreeMap::new(),
            waiting: WaitingList::default(),
            timers: Timers::default(),
            drain: Drain::default(),
            work: Work::default(),
            node,
            next_call: first_call,
            next_play: 1,
            strays: 0,
        }
    }

    /// Something happened. What must happen next is added to `out`; when it returns, everything is said.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Output>) {
        let turn = &mut Turn { now, out };
        self.fire_due(turn);
        match input {
            Input::Contact(agent, contact) => self.contact(turn, agent, contact),
            Input::Drain { limit_ms } => self.begin_drain(turn, limit_ms),
            Input::Leg(leg, event) => self.leg_event(turn, leg, event),
            Input::Plan(plan) => self.change_plan(turn, *plan),
            Input::Recovered(ledger) => self.recover(turn, &ledger),
            Input::Request(request, wish) => {
                let result = self.request(turn, wish);
                turn.out.push(Output::Reply(request, result));
            }
            Input::Tick => {}
        }
        self.settle(turn);
        self.tell_drained(turn);
    }

    /// The plan in force.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// When `Input::Tick` is due; None = never.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        self.timers.next()
    }

    fn leg_event(&mut self, turn: &mut Turn<'_>, leg: LegId, event: LegEvent) {
        match (self.legs.owner(leg), event) {
            (None, LegEvent::Arrived(arrival)) => self.admit(turn, leg, arrival),
            (Some(Owner::Caller(call)), event) => self.caller_event(turn, call, event),
            (Some(Owner::Agent(call)), event) => self.agent_leg_event(turn, call, leg, event),
            // A hang-up of ours crossed it on the way: normal life.
            (None, _) => self.strays = self.strays.saturating_add(1),
        }
    }

    /// Nothing is heard of a leg: is anybody still there? A caller who is silent may be one who cannot speak, so
    /// silence alone ends nothing; if the other end is dead, its `Down` follows.
    pub(crate) fn ask_whether_alive(&mut self, turn: &mut Turn<'_>, leg: LegId) {
        if self.legs.ask(leg, turn.now.mono) {
            turn.order(leg, LegOrder::Probe);
        }
    }

    /// Everything that is due, in order. What is still due after the limit comes with the next tick.
    fn fire_due(&mut self, turn: &mut Turn<'_>) {
        for _ in 0..FIRED_MAX {
            let Some(timer) = self.timers.pop_due(turn.now.mono) else {
                return;
            };
            match timer {
                Timer::Break(agent) => self.break_over(turn, agent),
                Timer::Comfort(call) => self.comfort_due(turn, call),
                Timer::Drain => self.end_drain(turn),
                Timer::Entry(call) => self.entry_over(turn, call),
                Timer::Grace(call) => self.grace_over(turn, call),
                Timer::Lone(agent) => self.lone_over(turn, agent),
                Timer::Mobile(call) => self.mobile_due(turn, call),
                Timer::NoLanguage(call) => self.no_language_due(turn, call),
                Timer::Recovery(agent) => self.recovery_over(turn, agent),
                Timer::Rest(agent) => self.rest_over(agent),
                Timer::Retry(agent) => self.retry_phone(turn, agent),
                Timer::Ring(call) => self.ring_over(turn, call),
                Timer::Step(call) => self.step_over(turn, call),
                Timer::Widen(call) => self.widen_due(turn, call),
                Timer::WrapUp(agent) => self.wrap_up_over(turn, agent),
            }
        }
    }

    pub(crate) fn new_call(&mut self) -> CallId {
        let call = CallId(self.node | (self.next_call & COUNTER_MASK));
        self.next_call = self.next_call.wrapping_add(1);
        call
    }

    pub(crate) fn new_play(&mut self) -> PlayId {
        let play = PlayId(self.next_play);
        self.next_play = self.next_play.saturating_add(1);
        play
    }
}

impl Turn<'_> {
    pub(crate) fn state(&mut self, fact: Fact) {
        self.out.push(Output::Fact(fact));
    }

    pub(crate) fn order(&mut self, leg: LegId, order: LegOrder) {
        self.out.push(Output::Leg(leg, order));
    }
}

/// Bits of an id beneath the node's.
const COUNTER_BITS: u32 = 56;
const COUNTER_MASK: u64 = (1 << COUNTER_BITS) - 1;

/// Deadlines handled in one turn, so that a late shell cannot make one turn endless.
const FIRED_MAX: usize = 10_000;
