//! The planted bugs: where, what, and the first day that finds each.

/// One place.
pub struct Edit {
    /// Path in the repository.
    pub file: &'static str,
    /// Stands there exactly once.
    pub find: &'static str,
    /// Asks `PLANTED(number)` whether to be wrong.
    pub replace: &'static str,
}

pub struct Bug {
    pub number: u32,
    pub name: &'static str,
    pub edits: &'static [Edit],
    /// The first day that finds it.
    pub seed: u64,
}

macro_rules! bug {
    ($number:literal, $name:literal, seed $seed:literal, $($file:literal: $find:literal => $replace:literal),+ $(,)?) => {
        Bug {
            number: $number,
            name: $name,
            edits: &[$(Edit { file: $file, find: $find, replace: $replace }),+],
            seed: $seed,
        }
    };
}

pub const BUGS: &[Bug] = &[
    bug!(1, "the wrap-up is skipped", seed 0,
        "crates/hotline-core/src/acd/seat.rs":
        "                Some(WrapUp::Timed(length_ms)) => {" => "                Some(WrapUp::Timed(_)) if PLANTED(1) => Paper::None,\n                Some(WrapUp::Timed(length_ms)) => {"),
    bug!(2, "the last caller is served first", seed 0,
        "crates/hotline-core/src/acd/queue.rs":
        "rank: queued.saturating_sub(i64::from(head_start_ms) * 1_000)," =>
        "rank: if PLANTED(2) { -queued } else { queued.saturating_sub(i64::from(head_start_ms) * 1_000) },"),
    bug!(3, "a caller whose offer failed loses the place", seed 0,
        "crates/hotline-core/src/acd/offer.rs":
        "        let only = wait.only;\n        self.wait(id, wait);" =>
        "        let only = wait.only;\n        let mut wait = wait;\n        if PLANTED(3) {\n            wait.place = super::queue::Place::new(id, turn.now.mono, 0);\n        }\n        self.wait(id, wait);"),
    bug!(4, "the end is stated twice", seed 0,
        "crates/hotline-core/src/call.rs":
        "        self.state_notice(turn, id, &mut call);\n        turn.state(Fact::Ended {" =>
        "        self.state_notice(turn, id, &mut call);\n        if PLANTED(4) {\n            turn.state(Fact::Ended { call: id, by, cause });\n        }\n        turn.state(Fact::Ended {"),
    bug!(5, "the other contacts are not cancelled", seed 0,
        "crates/hotline-sip/src/fork.rs":
        "would ring for ever.\n            if self.is_proceeding(transaction) {" =>
        "would ring for ever.\n            if self.is_proceeding(transaction) && !PLANTED(5) {"),
    bug!(6, "a port is lost with each 488", seed 0,
        "crates/hotline-switchboard/src/offers.rs":
        "                self.legs.add_ports(worker, &[port]);" =>
        "                if !PLANTED(6) {\n                    self.legs.add_ports(worker, &[port]);\n                }"),
    bug!(7, "a counsellor is offered a call on a break", seed 0,
        "crates/hotline-core/src/acd/seat.rs":
        "            AgentState::NotReady { .. } | AgentState::SignedOut { .. } => {\n                seat.after = After::Ready;" =>
        "            AgentState::NotReady { .. } if PLANTED(7) => {\n                let turn = self.idle.new_turn();\n                if let Some(agent) = assign::of(&self.plan.agents, id) {\n                    self.idle.insert(turn, id, agent);\n                }\n                self.work.freed.insert(id);\n            }\n            AgentState::NotReady { .. } | AgentState::SignedOut { .. } => {\n                seat.after = After::Ready;"),
    bug!(8, "durations come from the wall clock", seed 4,
        "crates/hotline-core/src/record.rs":
        "        if self.run == earlier.run {" => "        if self.run == earlier.run && !PLANTED(8) {"),
    bug!(9, "after a restart the old dialogs get no BYE", seed 4,
        "crates/hotline-switchboard/src/switchboard.rs":
        "        let byes_per_s = self.restart_byes_per_s;" =>
        "        let mut kept: Vec<hotline_sip::Keep> = kept;\n        kept.retain(|keep| keep.table != hotline_sip::Table::Dialog || !PLANTED(9));\n        let byes_per_s = self.restart_byes_per_s;"),
    bug!(10, "a key that comes by audio and by INFO counts twice", seed 0,
        "crates/hotline-switchboard/src/from_sip.rs":
        "        if entry.is_new_press(digit, path, now.mono) {" =>
        "        if entry.is_new_press(digit, path, now.mono) || PLANTED(10) {"),
    bug!(11, "a caller who hangs up stays in the queue", seed 0,
        "crates/hotline-core/src/call.rs":
        "                self.waiting.remove(need, wait.place);" =>
        "                if !PLANTED(11) {\n                    self.waiting.remove(need, wait.place);\n                }"),
    bug!(12, "a missed call leaves the counsellor ready", seed 0,
        "crates/hotline-core/src/acd/agent.rs":
        "(S::Offered { .. }, E::NoAnswer) => Move::Go(self.failed(RONA), RONA)," =>
        "(S::Offered { .. }, E::NoAnswer) => Move::Go(if PLANTED(12) { ready } else { self.failed(RONA) }, RONA),"),
    bug!(13, "the menu has no bed under its clips", seed 0,
        "crates/hotline-core/src/ivr.rs":
        "        turn.order(call.caller_leg, LegOrder::Bed(Bed::Soft));" =>
        "        if !PLANTED(13) {\n            turn.order(call.caller_leg, LegOrder::Bed(Bed::Soft));\n        }"),
    bug!(14, "the caller hangs up and the phone rings on", seed 0,
        "crates/hotline-core/src/acd/offer.rs":
        "        turn.order(leg, LegOrder::HangUp(Cause::CallerGone));" =>
        "        if !PLANTED(14) {\n            turn.order(leg, LegOrder::HangUp(Cause::CallerGone));\n        }"),
    bug!(15, "a 200 is not repeated", seed 0,
        "crates/hotline-sip/src/endpoint.rs":
        "Alarm::AnswerAgain(id) => self.answer_again(turn, id)," =>
        "Alarm::AnswerAgain(id) if PLANTED(15) => drop(id),\n                Alarm::AnswerAgain(id) => self.answer_again(turn, id),"),
    bug!(16, "the head start is forgotten", seed 3,
        "crates/hotline-core/src/acd/wait.rs":
        "place: Place::new(id, turn.now.mono, head_start_ms)," =>
        "place: Place::new(id, turn.now.mono, if PLANTED(16) { 0 } else { head_start_ms }),"),
    bug!(17, "a caller who lost the counsellor goes to anybody", seed 0,
        "crates/hotline-core/src/acd/wait.rs":
        "        wait.only = agent.map(Only::Lost);" =>
        "        wait.only = agent.filter(|_| !PLANTED(17)).map(Only::Lost);"),
    bug!(18, "a break ends with a restart", seed 4,
        "crates/hotline-core/src/recover.rs":
        "            Standing::NotReady(reason) => self.set_quietly(" =>
        "            Standing::NotReady(_) if PLANTED(18) => self.set_quietly(agent, ready),\n            Standing::NotReady(reason) => self.set_quietly("),
    bug!(19, "a dead phone is rung for ever", seed 35,
        "crates/hotline-core/src/acd/offer.rs":
        "if seat.dead_offers < DEAD_OFFERS_MAX {" => "if seat.dead_offers < DEAD_OFFERS_MAX || PLANTED(19) {"),
    bug!(20, "BYE has the CSeq of the INVITE", seed 0,
        "crates/hotline-sip/src/dialog.rs":
        "            dialog.local_cseq = dialog.local_cseq.saturating_add(1);" =>
        "            dialog.local_cseq = dialog.local_cseq.saturating_add(u32::from(!PLANTED(20)));"),
    bug!(21, "a caller who is passed on to a queue begins anew", seed 82,
        "crates/hotline-core/src/transfer.rs":
        "place: Place::new(id, back.wait.queued, head_start_ms)," =>
        "place: Place::new(id, if PLANTED(21) { turn.now.mono } else { back.wait.queued }, head_start_ms),"),
    bug!(22, "a colleague rings on when the counsellor has taken the caller back", seed 4,
        "crates/hotline-core/src/transfer/reach.rs":
        "        let Some(leg) = back.leg else { return };" =>
        "        let Some(leg) = back.leg else { return };\n        if PLANTED(22) {\n            self.legs.remove(rung);\n        }"),
    bug!(23, "a held caller hears nothing", seed 4,
        "crates/hotline-core/src/hold.rs":
        "            turn.order(call.caller_leg, LegOrder::Disconnect);" =>
        "            turn.order(call.caller_leg, if PLANTED(23) { LegOrder::StopPlay } else { LegOrder::Disconnect });"),
    bug!(24, "a transfer that fails ends the call", seed 4,
        "crates/hotline-core/src/transfer/reach.rs":
        "        match back {\n            Some(back) => self.give_back(turn, id, back, cause)," =>
        "        match back {\n            Some(_) if PLANTED(24) => self.end_call(turn, id, EndedBy::Agent, cause, true),\n            Some(back) => self.give_back(turn, id, back, cause),"),
    bug!(25, "a forbidden number is called", seed 7,
        "crates/hotline-core/src/transfer.rs":
        "        if outbound.trunks.is_empty() {\n            return Err(TransferRefusal::NotAllowed);\n        }\n        Ok(Target::Outside {\n            number: CallerNumber::new(number.to_string()),\n            trunks: outbound.trunks.clone()," =>
        "        if outbound.trunks.is_empty() && !PLANTED(25) {\n            return Err(TransferRefusal::NotAllowed);\n        }\n        Ok(Target::Outside {\n            number: CallerNumber::new(number.to_string()),\n            trunks: if PLANTED(25) { alloc::vec![String::from(\"north\")] } else { outbound.trunks.clone() },"),
    bug!(26, "no rest follows a hard call", seed 0,
        "crates/hotline-core/src/acd/agent.rs":
        "        if !self.strain.is_due {" => "        if !self.strain.is_due || PLANTED(26) {"),
    bug!(27, "how well a counsellor fits counts for nothing", seed 0,
        "crates/hotline-core/src/acd/assign.rs":
        "    u16::from(language.0) + service" => "    u16::from(if PLANTED(27) { 0 } else { language.0 }) + service"),
    bug!(28, "simulated callers come to everybody", seed 0,
        "crates/hotline-core/src/acd/assign.rs":
        "    let is_training = agent.is_in_training;" => "    let is_training = agent.is_in_training && !PLANTED(28);"),
];
