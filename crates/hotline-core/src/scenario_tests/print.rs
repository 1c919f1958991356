//! The ladder: what the switch said, a line each, in the words of people.

use super::world::{START, World};
use crate::{Alarm, CallId, Clip, Fact, LegId, LegOrder, Output, Standing};
use alloc::collections::BTreeMap;
use core::fmt::Write;
use std::{
    format,
    string::{String, ToString},
    vec::Vec,
};

#[derive(Default)]
pub(super) struct Printer {
    pub(super) text: String,
    /// How far `World::said` has been printed.
    printed: usize,
    calls: BTreeMap<CallId, String>,
}

impl Printer {
    /// A line of the script itself.
    pub(super) fn remark(&mut self, world: &World, what: &str) {
        let at = seconds(world);
        let gap = if self.text.is_empty() { "" } else { "\n" };
        write!(self.text, "{gap}{at}> {what}").unwrap();
    }

    /// Everything new; what is said about one leg or person in one moment stands in one line.
    pub(super) fn print(&mut self, world: &mut World) {
        let mut before = (crate::Mono(0), String::new());
        while self.printed < world.said.len() {
            let (at, output) = world.said[self.printed].clone();
            self.printed += 1;
            let line = self.line(world, &output);
            let (who, what) = line.split_once([':', ' ']).unwrap_or(("", &line));
            let what = what.trim_start();
            if before == (at, who.to_string()) {
                write!(self.text, " | {what}").unwrap();
                continue;
            }
            before = (at, who.to_string());
            let seconds = at.millis_since(START) as f64 / 1_000.0;
            let gap = if self.text.is_empty() { "" } else { "\n" };
            write!(self.text, "{gap}{seconds:<6.1}  {who}: {what}").unwrap();
        }
    }

    fn line(&mut self, world: &World, output: &Output) -> String {
        match output {
            Output::Alarm(alarm) => format!("ALARM {}", self.alarm(world, alarm)),
            Output::Drained => "drained: all".to_string(),
            Output::Fact(fact) => self.fact(fact),
            Output::Leg(leg, order) => {
                format!("{} <- {}", leg_name(world, *leg), order_text(world, order))
            }
            Output::Reply(_, Ok(())) => "reply: done".to_string(),
            Output::Reply(_, Err(refusal)) => format!("reply: {refusal:?}"),
        }
    }

    fn alarm(&self, world: &World, alarm: &Alarm) -> String {
        let agent = |agent: &crate::AgentId| world.plan.agents[agent.0 as usize].user.clone();
        match alarm {
            Alarm::Bug { text, .. } => format!("bug: {text}"),
            Alarm::BreakTooLong { agent: id } => format!("{} is away too long", agent(id)),
            Alarm::HardCallsMax { agent: id } => {
                format!("{} has had enough hard calls", agent(id))
            }
            Alarm::LoneAgentNoAnswer { agent: id } => {
                format!("{} is alone and did not answer", agent(id))
            }
            Alarm::NobodySignedIn { call } => {
                format!("nobody is signed in for {}", self.name(call))
            }
            Alarm::WaitTooLong { call } => format!("{} waits too long", self.name(call)),
            Alarm::PhoneUnreachable { agent: id } => format!("the phone of {} is dead", agent(id)),
        }
    }

    fn name(&self, call: &CallId) -> String {
        self.calls
            .get(call)
            .cloned()
            .unwrap_or_else(|| "c?".to_string())
    }

    fn fact(&mut self, fact: &Fact) -> String {
        if let Fact::Arrived { call, leg, .. } = fact {
            self.calls.insert(*call, format!("c{}", leg.0 / 2));
        }
        let c = |call: &CallId| self.name(call);
        match fact {
            Fact::Started { .. } => "started".to_string(),
            Fact::Arrived {
                call,
                caller,
                dialled,
                origin,
                is_from_trunk,
                route,
                is_counted,
                ..
            } => {
                let from = if *is_from_trunk { "trunk " } else { "" };
                let counted = if *is_counted { "" } else { ", not counted" };
                format!(
                    "{}: {caller} from {from}{origin} to {dialled} = {route}{counted}",
                    c(call)
                )
            }
            Fact::Answered { call } => format!("{}: answered", c(call)),
            Fact::Node { call, node } => format!("{}: at {node}", c(call)),
            Fact::Key { call, node, key } => format!("{}: key {} at {node}", c(call), key.key()),
            Fact::LanguageChosen { call, language } => format!("{}: speaks {language}", c(call)),
            Fact::SpokeAtMenu { call } => format!("{}: spoke at the menu", c(call)),
            Fact::InformationHeard { call, node } => format!("{}: heard {node}", c(call)),
            Fact::Queued {
                call,
                queue,
                service,
                head_start_ms,
                is_silent,
            } => {
                let service = service.as_deref().unwrap_or("any");
                let silent = if *is_silent { ", silent" } else { "" };
                format!(
                    "{}: queued in {queue} for {service}, head start {}{silent}",
                    c(call),
                    head_start_ms / 1_000
                )
            }
            Fact::Offered { call, agent, .. } => format!("{}: offered to {agent}", c(call)),
            Fact::OfferEnded {
                call,
                agent,
                outcome,
            } => format!("{}: offer to {agent} ended, {outcome:?}", c(call)),
            Fact::Joined { call, agent } => format!("{}: joined with {agent}", c(call)),
            Fact::NoticeHeard { call, notice } => format!("{}: notice heard, {notice:?}", c(call)),
            Fact::AgentLost { call, agent } => format!("{}: {agent} is lost", c(call)),
            Fact::Recording { call, state } => format!("{}: recording {state:?}", c(call)),
            Fact::Ended { call, by, cause } => format!("{}: ended by {by:?}, {cause:?}", c(call)),
            Fact::AgentState {
                agent,
                standing,
                why,
            } => format!("{agent}: {} ({why})", self.standing(standing)),
            Fact::MobileRung { call, mobile, .. } => format!("{}: rings {mobile} on call", c(call)),
            Fact::MobileEnded {
                call,
                mobile,
                outcome,
            } => format!("{}: call to {mobile} ended, {outcome:?}", c(call)),
            Fact::HomeCentre { call, centre } => format!("{}: at home in {centre}", c(call)),
            Fact::Widened { call, reach } => format!("{}: search widens to {reach:?}", c(call)),
            Fact::HardCall { call, agent } => format!("{}: hard, says {agent}", c(call)),
            Fact::Held { call } => format!("{}: held", c(call)),
            Fact::Resumed { call } => format!("{}: resumed", c(call)),
            Fact::Consulting {
                call,
                agent,
                consult,
            } => format!("{}: {agent} asks for advice by {}", c(call), c(consult)),
            Fact::TransferBegan { call, agent, to } => {
                format!("{}: {agent} passes on to {to:?}", c(call))
            }
            Fact::TransferEnded { call, outcome, .. } => {
                format!("{}: transfer {outcome:?}", c(call))
            }
            Fact::Taken { call, consult, .. } => format!("{}: takes from {}", c(call), c(consult)),
            Fact::JoinedOutside { call, number, .. } => {
                format!("{}: joined with {number} outside", c(call))
            }
            Fact::OutsideLost { call } => format!("{}: outside is lost", c(call)),
            Fact::PhoneChanged { call, agent, .. } => {
                format!("{}: {agent} changes phones", c(call))
            }
        }
    }

    fn standing(&self, standing: &Standing) -> String {
        match standing {
            Standing::Consulting(call) => format!("asking for advice on {}", self.name(call)),
            Standing::Held(call) => format!("holding {}", self.name(call)),
            Standing::Offered(call) => format!("offered {}", self.name(call)),
            Standing::NotReady(reason) => format!("not ready, {reason}"),
            Standing::Ready => "ready".to_string(),
            Standing::Recovery(call) => format!("recovering from {}", self.name(call)),
            Standing::SignedOut => "signed out".to_string(),
            Standing::Talking(call) => format!("talking with {}", self.name(call)),
            Standing::WrapUp(call) => format!("wrap-up of {}", self.name(call)),
        }
    }
}

fn seconds(world: &World) -> String {
    format!("{:<6.1}", world.now.millis_since(START) as f64 / 1_000.0)
}

fn leg_name(world: &World, leg: LegId) -> String {
    if leg.0.is_multiple_of(2) {
        return format!("c{}", leg.0 / 2);
    }
    world
        .user_of_leg
        .get(&leg)
        .cloned()
        .unwrap_or_else(|| "agent?".to_string())
}

fn order_text(world: &World, order: &LegOrder) -> String {
    match order {
        LegOrder::Answer => "answer".to_string(),
        LegOrder::Bed(bed) => format!("bed {bed:?}"),
        LegOrder::Connect(leg) => format!("connect {}", leg_name(world, *leg)),
        LegOrder::Disconnect => "disconnect".to_string(),
        LegOrder::Echo => "echo".to_string(),
        LegOrder::HangUp(cause) => format!("hang up, {cause:?}"),
        LegOrder::Play {
            clips, barge_in, ..
        } => {
            let clips: Vec<String> = clips.iter().map(|clip| clip_name(world, *clip)).collect();
            format!(
                "{} {}",
                if *barge_in { "say" } else { "say through" },
                clips.join(" ")
            )
        }
        LegOrder::Record(_) => "record".to_string(),
        LegOrder::Reject(cause) => format!("reject, {cause:?}"),
        LegOrder::RingAgent { .. } => "ring".to_string(),
        LegOrder::Probe => "probe".to_string(),
        LegOrder::StopPlay => "stop play".to_string(),
        LegOrder::RingOutside { number, trunks, .. } => {
            format!("ring {number} over {}", trunks.join(", "))
        }
        LegOrder::TransferProgress(progress) => format!("transfer {progress:?}"),
    }
}

/// The clip, with its language when it is not the default one.
fn clip_name(world: &World, clip: Clip) -> String {
    let name = &world.plan.prompts[usize::from(clip.prompt.0)].name;
    match clip.language.0 {
        0 => name.clone(),
        at => format!("{name}/{}", world.plan.languages[usize::from(at)].code),
    }
}
