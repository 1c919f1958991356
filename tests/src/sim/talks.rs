//! What counsellors do with a caller: hold, pass on, ask for advice, go on with another phone; and who hangs up or dies
//! in the middle of it.

use super::day::{CallerDeed, CounsellorDeed, Day, Move, Phase, PhoneDeed};
use crate::world::Kill;
use crate::world::peer::Peer;
use crate::world::sdp::Offer;
use hotline_core::Standing;

/// Where nobody may be passed on to: a number outside that is forbidden, one that nobody has, and the echo test.
const FORBIDDEN: [&str; 3] = ["0900123456", "4711", "9001"];
const OUTSIDE: [&str; 3] = ["113", "113", "0987654321"];
const QUEUE: &str = "6002";
/// A talk in which somebody else is asked or gets the caller lasts so much longer.
const LONGER_US: u64 = 12_000_000;

impl Day {
    /// A talk begins: does the counsellor do something in it? Returns by how much it is longer for that.
    pub(super) fn plan_talk(&mut self, number: usize, talk_us: u64) -> u64 {
        if self.phase != Phase::Chaos || !self.dice.percent(self.swarm.deed_percent) {
            return 0;
        }
        let at_us = self.dice.below(talk_us);
        let deed = match self.dice.below(10) {
            0 | 1 => CounsellorDeed::Hold,
            2..=5 => CounsellorDeed::Pass,
            6..=8 => CounsellorDeed::Ask,
            _ => CounsellorDeed::ChangePhone,
        };
        self.counsellor_later(number, at_us, deed);
        if !matches!(deed, CounsellorDeed::Pass | CounsellorDeed::Ask) {
            return 0;
        }
        if self.dice.percent(70) {
            let before_us = self.dice.below(1_500_000).min(at_us);
            self.counsellor_later(number, at_us - before_us, CounsellorDeed::Hold);
        }
        LONGER_US
    }

    pub(super) fn hold(&mut self, number: usize) {
        if self.world.peer(number).up() == 0 {
            return;
        }
        self.world.say_deed(number, "holds");
        self.world
            .act(number, |peer, now| peer.reinvite(now, Offer::Hold));
        match self.dice.below(20) {
            0..=13 => {
                let later = self.dice.between(500_000, 8_000_000);
                self.counsellor_later(number, later, CounsellorDeed::Resume);
            }
            14 | 15 => self.caller_goes(number, 5_000_000),
            16 => self.phone_dies(number, 3_000_000),
            _ => {}
        }
    }

    pub(super) fn resume(&mut self, number: usize) {
        if self.world.peer(number).up() > 0 {
            self.world.say_deed(number, "resumes");
            self.world
                .act(number, |peer, now| peer.reinvite(now, Offer::Normal));
        }
    }

    /// Passes the caller on, then waits, hangs up at once, takes the caller back, or dies.
    pub(super) fn pass(&mut self, number: usize) {
        if self.phase != Phase::Chaos || self.world.peer(number).up() == 0 {
            return;
        }
        let colleague = self.colleague();
        let to = match self.dice.below(20) {
            0..=8 => colleague,
            9..=12 => QUEUE.to_owned(),
            13..=17 => (*self.dice.one_of(&OUTSIDE)).to_owned(),
            _ => (*self.dice.one_of(&FORBIDDEN)).to_owned(),
        };
        self.world.say_deed(number, &format!("passes to {to}"));
        self.world.act(number, |peer, now| peer.refer(now, &to));
        match self.dice.below(20) {
            0..=7 => {
                let soon = self.dice.below(500_000);
                self.counsellor_later(number, soon, CounsellorDeed::HangUp);
            }
            8..=10 => {
                let soon = self.dice.between(100_000, 3_000_000);
                self.counsellor_later(number, soon, CounsellorDeed::Resume);
            }
            11..=13 => self.phone_dies(number, 3_000_000),
            _ => {}
        }
        if self.dice.percent(15) {
            self.caller_goes(number, 4_000_000);
        }
        if self.dice.percent(15)
            && let Some(other) = self.phone_of(&to)
        {
            self.phone_dies(other, 2_000_000);
        }
        if self.swarm.kill_us > 0 && self.dice.percent(10) {
            let effects = usize::try_from(self.dice.below(8)).unwrap_or(0);
            self.world.kill = Some(Kill::AfterEffects(effects));
        }
    }

    /// The phone at which this number rings.
    fn phone_of(&self, number: &str) -> Option<usize> {
        let at: usize = number.strip_prefix("700")?.parse().ok()?;
        let user = &self.world.settings.agents.get(at.checked_sub(1)?)?.user;
        let agents = &self.swarm.settings.agents;
        let agent = agents.iter().position(|agent| agent.user == *user)?;
        let (_, phone) = self.phones.iter().find(|(of, _)| *of == agent)?;
        Some(*phone)
    }

    /// How the transfer stands.
    pub(super) fn transfer_told(&mut self, number: usize, status: u16) {
        let soon = self.dice.between(50_000, 800_000);
        match status {
            // The server ends the call too: the two cross.
            200..=299 if self.dice.percent(40) => {
                self.counsellor_later(number, 0, CounsellorDeed::HangUp);
            }
            300.. if self.dice.percent(80) => {
                self.counsellor_later(number, soon, CounsellorDeed::Resume);
            }
            _ => {}
        }
    }

    /// Dials a colleague, a queue or somebody outside on the other line.
    pub(super) fn ask_advice(&mut self, number: usize) {
        let peer = self.world.peer(number);
        let (is_free, user) = (
            peer.up() == 1 && peer.lines() == 1 && !peer.is_dead,
            peer.login.as_ref().map(|login| login.user.clone()),
        );
        let (true, Some(user), Phase::Chaos) = (is_free, user, self.phase) else {
            return;
        };
        let colleague = self.colleague();
        let to = match self.dice.below(20) {
            0..=11 => colleague,
            12 => QUEUE.to_owned(),
            13 => (*self.dice.one_of(&FORBIDDEN)).to_owned(),
            _ => (*self.dice.one_of(&OUTSIDE)).to_owned(),
        };
        self.world
            .say_deed(number, &format!("asks {to} for advice"));
        self.world.act(number, |peer, now| {
            peer.dial(now, &to, &user, Offer::Normal)
        });
        let at_latest = self.dice.between(3_000_000, 15_000_000);
        self.counsellor_later(number, at_latest, CounsellorDeed::EndAdvice);
        if self.dice.percent(10) {
            self.caller_goes(number, 8_000_000);
        }
        if self.dice.percent(5) {
            self.phone_dies(number, 8_000_000);
        }
    }

    /// The server has taken the call for advice; whoever is asked may still be rung.
    pub(super) fn advice_answered(&mut self, number: usize) {
        if self.world.peer(number).up() < 2 {
            return;
        }
        if self.dice.percent(65) {
            let at = self.dice.between(200_000, 8_000_000);
            self.counsellor_later(number, at, CounsellorDeed::Join);
        }
    }

    pub(super) fn join_calls(&mut self, number: usize) {
        if self.world.peer(number).up() < 2 {
            return;
        }
        let is_reversed = self.dice.percent(30);
        self.world.say_deed(number, "joins the calls");
        self.world
            .act(number, |peer, now| peer.refer_joined(now, is_reversed));
    }

    /// Back to the caller.
    pub(super) fn end_advice(&mut self, number: usize) {
        if self.world.peer(number).lines() < 2 {
            return;
        }
        self.world.say_deed(number, "hangs up the other line");
        self.world.act(number, Peer::hang_up);
        self.counsellor_later(number, 300_000, CounsellorDeed::Resume);
    }

    /// One line is over and another one is not.
    pub(super) fn left_with_one(&mut self, number: usize) {
        self.counsellor_later(number, 300_000, CounsellorDeed::Resume);
        let later = self.dice.between(1_000_000, 12_000_000);
        self.counsellor_later(number, later, CounsellorDeed::HangUp);
    }

    /// The other phone of the same counsellor takes the talk over.
    pub(super) fn change_phone(&mut self, number: usize) {
        let Some(agent) = self.agent_of(number) else {
            return;
        };
        let others = self.phones.iter().filter(|(of, _)| *of == agent);
        let Some((_, other)) = others.copied().find(|(_, other)| *other != number) else {
            return;
        };
        let is_free = !self.world.peer(other).is_busy() && !self.world.peer(other).is_dead;
        let replaces = self.world.peer(number).replaceable();
        let user = self.swarm.settings.agents[agent].user.clone();
        if let (true, Some(replaces), Phase::Chaos) = (is_free, replaces, self.phase) {
            self.world.say_deed(other, "takes the talk over");
            self.visits[other] += 1;
            self.world
                .act(other, |peer, now| peer.dial_replacing(now, &user, replaces));
            let talk_us = self.dice.exponential(self.swarm.talk_us);
            let longer_us = self.plan_talk(other, talk_us);
            self.counsellor_later(other, talk_us + longer_us, CounsellorDeed::HangUp);
        }
    }

    /// Somebody's own number, maybe one's own; often that of somebody who is ready, as the desk shows.
    fn colleague(&mut self) -> String {
        let agents = &self.world.settings.agents;
        let known = self.world.keeper.journal.as_ref();
        let is_ready = |user: &String| {
            let standing = known.and_then(|journal| journal.ledger().agents.get(user));
            standing.is_some_and(|known| known.standing == Standing::Ready)
        };
        let ready: Vec<usize> = (1..=agents.len())
            .filter(|at| is_ready(&agents[at - 1].user))
            .collect();
        let agents = agents.len() as u64;
        if !ready.is_empty() && self.dice.percent(60) {
            return format!("700{}", self.dice.one_of(&ready));
        }
        format!("700{}", self.dice.between(1, agents))
    }

    /// The caller of this counsellor hangs up within this time.
    fn caller_goes(&mut self, number: usize, within_us: u64) {
        let after = self.dice.below(within_us);
        if let Some(line) = self.caller_of(number) {
            self.caller_later(line, after, CallerDeed::HangUp);
        }
    }

    /// The line on which this counsellor's caller is, as the journal knows it.
    fn caller_of(&self, number: usize) -> Option<usize> {
        let agent = self.agent_of(number)?;
        let user = &self.swarm.settings.agents.get(agent)?.user;
        let journal = self.world.keeper.journal.as_ref()?;
        let Standing::Talking(call) = journal.ledger().agents.get(user)?.standing else {
            return None;
        };
        let name = self.world.call_name(call.0);
        name.strip_prefix("caller")?.parse().ok()
    }

    fn phone_dies(&mut self, number: usize, within_us: u64) {
        let after = self.dice.below(within_us);
        let deed = PhoneDeed::Die;
        self.after(after, Move::Phone { number, deed });
    }

    /// For the count of kinds: what the death of this phone meets.
    pub(super) fn note_death(&mut self, number: usize) {
        let Some(agent) = self.agent_of(number) else {
            return;
        };
        let user = self.swarm.settings.agents[agent].user.clone();
        let (passes, is_rung) = self.world.watch.part_in_transfer(&user);
        let seen = &mut self.world.watch.seen;
        if passes && self.world.peers[number].up() > 0 {
            seen.saw("the phone of who passes on dies");
        }
        if is_rung && self.world.peers[number].ringing().is_some() {
            seen.saw("the phone that is rung in a transfer dies");
        }
    }
}
