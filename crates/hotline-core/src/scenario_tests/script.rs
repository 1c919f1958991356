//! The script: one line a happening, `seconds who what`. It reads like what happens.

use super::print::Printer;
use super::world::{START, World};
use crate::{
    AgentId, Arrival, CallerNumber, Cause, CentreId, Contact, Digit, Input, LegEvent, LegId,
    Origin, Plan, PlayId, Request, RequestId, TransferTarget,
};
use std::{
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};

/// Plays the script; the ladder is everything that was said. Lines that begin with `#` are remarks.
pub(super) fn run(plan: Plan, script: &str) -> String {
    run_from(plan, "", script)
}

/// As [`run`], behind a beginning whose ladder is left out.
pub(super) fn run_from(plan: Plan, beginning: &str, script: &str) -> String {
    let mut world = World::new(plan);
    let mut printer = Printer::default();
    play(&mut world, &mut printer, beginning);
    printer.text.clear();
    play(&mut world, &mut printer, script);
    printer.text + "\n"
}

fn play(world: &mut World, printer: &mut Printer, script: &str) {
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (at, what) = line.split_once(' ').unwrap();
        let at: f64 = at.parse().unwrap();
        world.run_until(START.plus_millis((at * 1_000.0).round() as u64));
        printer.print(world);
        printer.remark(world, what.trim());
        happen(world, what.trim());
        printer.print(world);
    }
}

/// One happening.
pub(super) fn happen(world: &mut World, what: &str) {
    let words: Vec<&str> = what.split_whitespace().collect();
    match words.as_slice() {
        ["is", ..] => {} // Time passes.
        ["drain", seconds] => {
            world.put(Input::Drain {
                limit_ms: seconds.parse::<u32>().unwrap() * 1_000,
            });
        }
        ["restart", seconds] => world.restart(seconds.parse::<u64>().unwrap() * 1_000),
        ["plan", change @ ..] => {
            let plan = super::change_plan::changed(&world.plan, change);
            world.plan = plan.clone();
            world.put(Input::Plan(Box::new(plan)));
        }
        ["ups", "are", "late"] => world.is_up_told = false,
        ["stray", number] => {
            world.put(Input::Leg(LegId(number.parse().unwrap()), LegEvent::Up));
        }
        [caller, rest @ ..] if caller.starts_with('c') => {
            caller_does(world, caller_leg(caller), rest)
        }
        ["outside", rest @ ..] => {
            let leg = world.outside_leg.unwrap_or(LegId(97));
            let event = match rest {
                ["rings"] => LegEvent::Ringing,
                ["answers"] => LegEvent::Up,
                ["is", "busy"] => LegEvent::Down(Cause::Busy),
                ["is", "lost"] => LegEvent::Down(Cause::Lost),
                ["is", "silent"] => LegEvent::MediaLost,
                ["hangs", "up"] => LegEvent::Down(Cause::NormalClearing),
                ["presses", key] => {
                    LegEvent::Digit(Digit::new(key.chars().next().unwrap()).unwrap())
                }
                _ => panic!("outside {rest:?}"),
            };
            world.put(Input::Leg(leg, event));
        }
        [agent, rest @ ..] => agent_does(world, agent, rest),
        [] => {}
    }
}

/// Caller `c3` has leg 6: incoming legs are even.
fn caller_leg(name: &str) -> LegId {
    LegId(name[1..].parse::<u64>().unwrap() * 2)
}

fn caller_does(world: &mut World, leg: LegId, what: &[&str]) {
    let event = match what {
        ["dials", number] => arrival(number, Origin::Trunk("viettel".to_string())),
        ["dials", number, "at", centre] => LegEvent::Arrived(Arrival {
            centre: world
                .plan
                .centres
                .iter()
                .position(|known| known.name == *centre)
                .map(|at| CentreId(at as u16)),
            ..arrived(number, Origin::Trunk("viettel".to_string()))
        }),
        ["dials", number, "from", "trunk", trunk] => {
            arrival(number, Origin::Trunk(trunk.to_string()))
        }
        ["dials", number, "from", account] => arrival(number, Origin::Account(account.to_string())),
        ["presses", keys] => {
            for key in keys.chars() {
                world.put(Input::Leg(leg, LegEvent::Digit(Digit::new(key).unwrap())));
            }
            return;
        }
        ["hangs", "up"] => LegEvent::Down(Cause::NormalClearing),
        ["is", "lost"] => LegEvent::Down(Cause::Lost),
        ["finds", "no", "port"] => LegEvent::Down(Cause::Overload),
        ["is", "up"] => LegEvent::Up,
        ["is", "silent"] => LegEvent::MediaLost,
        ["dials", "for", agent, "from", account] => {
            // Another phone of a counsellor takes the place of the one in the talk.
            let replaces = Some(agent_leg(world, agent));
            LegEvent::Arrived(Arrival {
                replaces,
                ..arrived("", Origin::Account(account.to_string()))
            })
        }
        ["joins", agent] => LegEvent::TransferAsked(TransferTarget::Leg(agent_leg(world, agent))),
        ["passes", "to", number] => {
            LegEvent::TransferAsked(TransferTarget::Number(number.to_string()))
        }
        ["holds"] => LegEvent::Held,
        ["resumes"] => LegEvent::Resumed,
        ["speaks"] => LegEvent::Voice,
        ["recording", "fails"] => LegEvent::RecordingFailed,
        ["play", number, "ends"] => {
            let play = PlayId(number.parse().unwrap());
            LegEvent::PlayEnded {
                play,
                heard_ms: 5,
                is_complete: true,
            }
        }
        ["is", "hung", "up"] => {
            let call = world.call_of_leg[&leg];
            world.put(Input::Request(RequestId(2), Request::HangUp { call }));
            return;
        }
        _ => panic!("caller {what:?}"),
    };
    world.put(Input::Leg(leg, event));
}

fn arrival(dialled: &str, origin: Origin) -> LegEvent {
    LegEvent::Arrived(arrived(dialled, origin))
}

fn arrived(dialled: &str, origin: Origin) -> Arrival {
    Arrival {
        origin,
        dialled: dialled.to_string(),
        caller: CallerNumber::new("0912345678".to_string()),
        replaces: None,
        centre: None,
    }
}

/// The leg on which this counsellor was rung last.
fn agent_leg(world: &World, user: &str) -> LegId {
    let at = world
        .plan
        .agents
        .iter()
        .position(|agent| agent.user == user);
    at.and_then(|at| world.agent_legs.get(&AgentId(at as u32)))
        .copied()
        .unwrap_or(LegId(99))
}

fn agent_does(world: &mut World, name: &str, what: &[&str]) {
    let at = world
        .plan
        .agents
        .iter()
        .position(|agent| agent.user == name);
    let agent = AgentId(at.map_or(99, |at| at as u32));
    let leg = world.agent_legs.get(&agent).copied().unwrap_or(LegId(99));
    let input = match what {
        ["is", "reachable"] => Input::Contact(agent, Contact::Reachable),
        ["is", "unreachable"] => Input::Contact(agent, Contact::Unreachable),
        ["is", "gone"] => Input::Contact(agent, Contact::Gone),
        ["rings"] => Input::Leg(leg, LegEvent::Ringing),
        ["answers"] => Input::Leg(leg, LegEvent::Up),
        ["declines"] => Input::Leg(leg, LegEvent::Down(Cause::Declined)),
        ["is", "dead"] => Input::Leg(leg, LegEvent::Down(Cause::Unreachable)),
        ["is", "lost"] => Input::Leg(leg, LegEvent::Down(Cause::Lost)),
        ["fails", "by", "us"] => Input::Leg(leg, LegEvent::Down(Cause::InternalError)),
        ["takes", "no", "codec"] => Input::Leg(leg, LegEvent::Down(Cause::UnsupportedMedia)),
        ["is", "silent"] => Input::Leg(leg, LegEvent::MediaLost),
        ["hangs", "up"] => Input::Leg(leg, LegEvent::Down(Cause::NormalClearing)),
        ["holds"] => Input::Leg(leg, LegEvent::Held),
        ["resumes"] => Input::Leg(leg, LegEvent::Resumed),
        ["passes", "to", number] => {
            let target = TransferTarget::Number(number.to_string());
            Input::Leg(leg, LegEvent::TransferAsked(target))
        }
        ["joins", caller] => {
            let target = TransferTarget::Leg(caller_leg(caller));
            Input::Leg(leg, LegEvent::TransferAsked(target))
        }
        ["signs", "in"] => request(Request::SignIn { agent }),
        ["signs", "out"] => request(Request::SignOut { agent }),
        ["wants", "ready"] => request(Request::Ready { agent }),
        ["wants", reason] => request(Request::NotReady {
            agent,
            reason: reason.to_string(),
        }),
        ["ends", "wrap-up"] => request(Request::EndWrapUp { agent }),
        ["had", "a", "hard", "call"] => request(Request::Hard { agent }),
        _ => panic!("{name} {what:?}"),
    };
    world.put(input);
}

fn request(request: Request) -> Input {
    Input::Request(RequestId(1), request)
}
