//! The invariants of reliability study section 5, each a small function that knows its number. They see what leaves
//! the switchboard (facts, messages, what is heard) and nothing of its inside.

mod agents;
mod calls;
mod ears;
mod forks;
mod records;
mod reference;
mod replay;
mod seen;
mod transfers;

pub use records::Truth;
pub use seen::{KINDS, Seen};

use crate::world::media::Heard;
use crate::world::text::Text;
use agents::Agents;
use calls::Calls;
use ears::Ears;
use forks::Forks;
use hotline_core::{Contact, Frame, Input as CoreInput, Ledger, Now, Plan, Request};
use hotline_switchboard::{Say, Switchboard, Turn};
use records::Records;
use reference::Reference;
use replay::Replay;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use transfers::Transfers;

/// 35: what one message may cause at most. The largest honest turn is a start that comforts every open call.
const EFFECTS_MAX: usize = 2_000;
const FACTS_MAX: usize = 2_000;
/// 34: transactions alive; the limit of the configuration is far above what a day needs.
const TRANSACTIONS_MAX: usize = 10_000;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub at_us: u64,
    /// Number in the study; 0 = the product's own audit.
    pub invariant: u8,
    pub text: String,
}

#[derive(Default)]
pub struct Watch {
    pub faults: Vec<Fault>,
    agents: Agents,
    calls: Calls,
    ears: Ears,
    forks: Forks,
    pub records: Records,
    reference: Reference,
    replay: Replay,
    pub seen: Seen,
    transfers: Transfers,
    /// Scenarios that break a rule on purpose (a peer that is no SIP peer) switch single numbers off.
    pub waived: Vec<u8>,
}

impl Watch {
    pub fn begin_run(&mut self, run: u32, plan: &Plan, first_call: u64, known: &Ledger) {
        self.agents.begin_run(plan, known);
        self.calls.begin_run(plan);
        self.ears.begin_run();
        self.forks.begin_run();
        self.reference.begin_run(plan, known);
        self.replay.begin_run(plan, first_call);
        self.transfers.begin_run(&mut self.seen);
        self.records.begin_run(run);
    }

    /// The plan changes while calls go on: counsellors come and go, names stay.
    pub fn change_plan(&mut self, plan: &Plan) {
        self.agents.change_plan(plan);
        self.reference.change_plan(plan);
    }

    pub fn end_run(&mut self, survivors: &BTreeMap<u64, Frame>) {
        let found = self.replay.check();
        self.take(0, found);
        self.records.end_run(survivors);
        self.ears.begin_run();
        self.forks.begin_run();
    }

    /// At the end of the day: what can only be judged when all is over.
    pub fn end_of_day(&mut self, now_us: u64) {
        let found = self.replay.check();
        self.take(now_us, found);
    }

    pub fn on_turn(&mut self, now: Now, turn: &Turn, board: &Switchboard) {
        let at_us = now.mono.0;
        for input in &turn.frame.inputs {
            if let CoreInput::Drain { limit_ms } = input {
                let limit_us = at_us + u64::from(*limit_ms) * 1_000;
                self.reference.on_drain(limit_us);
                self.ears.on_drain(limit_us);
            }
            if let CoreInput::Request(_, Request::EndWrapUp { agent }) = input {
                self.agents.on_no_paper(agent.0);
            }
        }
        for say in &turn.says {
            if let Say::Contact { account, state } = say {
                let contact = match *state {
                    "reachable" => Contact::Reachable,
                    "gone" => Contact::Gone,
                    _ => Contact::Unreachable,
                };
                self.agents.on_contact(account, contact);
                self.reference.on_contact(account, contact);
            }
        }
        for fact in &turn.frame.facts {
            let mut found = self.agents.on_fact(at_us, fact);
            found.extend(self.calls.on_fact(at_us, fact));
            found.extend(self.reference.on_fact(at_us, fact));
            found.extend(self.transfers.on_fact(&mut self.seen, fact));
            self.forks.on_fact(at_us, fact);
            self.ears.on_fact(at_us, fact);
            self.records.on_fact(at_us, fact);
            self.take(at_us, found);
        }
        self.replay.on_frame(&turn.frame);
        let mut found = self.reference.end_of_turn(at_us);
        found.extend(self.calls.end_of_turn(board.counts().calls));
        found.extend(self.transfers.end_of_turn());
        found.extend(bounded_work(turn, board));
        if let Err(text) = board.core().audit() {
            found.push((0, format!("core's own audit: {text}")));
        }
        self.take(at_us, found);
    }

    pub fn on_sent(&mut self, now_us: u64, destination: SocketAddr, text: &Text) {
        let found = self.forks.on_sent(now_us, destination, text);
        self.take(now_us, found);
    }

    /// The stream to this address is gone: nothing can be taken back there.
    pub fn on_flow_lost(&mut self, address: SocketAddr) {
        self.forks.on_flow_lost(address);
    }

    pub fn on_received(&mut self, now_us: u64, text: &Text) {
        self.forks.on_received(now_us, text);
    }

    pub fn on_press(&mut self, call: u64, key: char) {
        self.calls.on_press(call, key);
    }

    pub fn on_heard(&mut self, now_us: u64, leg: u64, heard: &Heard) {
        let found = self.ears.on_heard(now_us, leg, heard);
        self.take(now_us, found);
    }

    /// Judges everything that is due by now although nothing happened.
    pub fn on_time(&mut self, now_us: u64) {
        let mut found = self.ears.on_time(now_us);
        found.extend(self.forks.on_time(now_us));
        self.take(now_us, found);
    }

    pub fn fault(&mut self, at_us: u64, invariant: u8, text: String) {
        if !self.waived.contains(&invariant) {
            self.faults.push(Fault {
                at_us,
                invariant,
                text,
            });
        }
    }

    pub fn take(&mut self, at_us: u64, found: Vec<(u8, String)>) {
        for (invariant, text) in found {
            self.fault(at_us, invariant, text);
        }
    }

    /// Whether this counsellor is passing a caller on, and whether they are the one who is rung for it.
    #[must_use]
    pub fn part_in_transfer(&self, user: &str) -> (bool, bool) {
        self.transfers.part_of(user)
    }

    /// Open calls whose caller waits, by the facts.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.reference.waiting()
    }

    /// Open calls, by the facts.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.calls.open()
    }
}

/// 34 and 35: queue lengths and the work of one message stay below their limits.
fn bounded_work(turn: &Turn, board: &Switchboard) -> Vec<(u8, String)> {
    let mut found = Vec::new();
    if turn.effects.len() > EFFECTS_MAX || turn.frame.facts.len() > FACTS_MAX {
        let (effects, facts) = (turn.effects.len(), turn.frame.facts.len());
        found.push((
            35,
            format!("one turn made {effects} effects and {facts} facts"),
        ));
    }
    let transactions = board.sip().counters().transactions;
    if transactions > TRANSACTIONS_MAX {
        found.push((34, format!("{transactions} transactions")));
    }
    found
}
