//! What can happen to the switch.

use crate::cause::Cause;
use crate::flow::Digit;
use crate::ids::{AgentId, CentreId, LegId, PlayId, RequestId};
use crate::ledger::Ledger;
use crate::number::CallerNumber;
use crate::plan::Plan;
use alloc::boxed::Box;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// Where a call comes from, proven by the edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// One of our accounts.
    Account(String),
    /// A carrier, by name.
    Trunk(String),
}

/// A new incoming leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// From whom.
    pub origin: Origin,
    /// The number that was dialled, as it came.
    pub dialled: String,
    /// The caller's number, normalised where possible.
    pub caller: CallerNumber,
    /// The leg that this one is to take the place of: a counsellor goes on talking on another phone of theirs.
    pub replaces: Option<LegId>,
    /// The caller's own centre, by trunk or area code, if the edge knows it.
    pub centre: Option<CentreId>,
}

/// Whom a counsellor passes their caller on to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferTarget {
    /// A number or account: of a counsellor, of a queue, or an allowed one outside.
    Number(String),
    /// Whoever talks with the counsellor in the other call; this leg is the counsellor's end of it.
    Leg(LegId),
}

/// How a counsellor's phone can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Contact {
    /// No phone is registered.
    Gone,
    /// A phone is registered and not known to be dead.
    Reachable,
    /// Registered, but dead as far as we know.
    Unreachable,
}

/// What happened on a leg. An event of an unknown leg is normal life (an answer crossing a cancel).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegEvent {
    /// A call came in. Nothing has been answered.
    Arrived(Arrival),
    /// A key was pressed.
    Digit(Digit),
    /// The leg is gone, or never came to be. Nothing more happens on it.
    Down(Cause),
    /// Audio has stopped coming (never a hang-up in menu or queue).
    MediaLost,
    /// A run of clips ended or was cut.
    PlayEnded {
        /// Which run.
        play: PlayId,
        /// Milliseconds heard of the run.
        heard_ms: u32,
        /// False when cut.
        is_complete: bool,
    },
    /// Its recording could not be made or went wrong.
    RecordingFailed,
    /// A counsellor's phone rings.
    Ringing,
    /// Both ways open: our answer was sent, or the callee's has come.
    Up,
    /// At least 1.5 s of voice while we were speaking.
    Voice,
    /// The phone put the other side on hold.
    Held,
    /// The phone is back from hold.
    Resumed,
    /// The phone wants the other side passed on. `LegOrder::TransferProgress` answers.
    TransferAsked(TransferTarget),
}

/// What a person asks for (console, control socket, feature code).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// End the wrap-up early. In the talk: none will follow it.
    EndWrapUp {
        /// Who.
        agent: AgentId,
    },
    /// End a call.
    HangUp {
        /// The call.
        call: crate::ids::CallId,
    },
    /// Not ready, with a reason of the plan. While being rung or talking: takes effect after that and the wrap-up.
    NotReady {
        /// Who.
        agent: AgentId,
        /// Why.
        reason: String,
    },
    /// Ready for the next caller.
    Ready {
        /// Who.
        agent: AgentId,
    },
    /// Begin the shift: signed in and ready.
    SignIn {
        /// Who.
        agent: AgentId,
    },
    /// End the shift. While being rung or talking: after that.
    SignOut {
        /// Who.
        agent: AgentId,
    },
    /// The talk, or the last one, is a hard one: a rest follows.
    Hard {
        /// Who.
        agent: AgentId,
    },
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// A counsellor's phone came, went, or stopped answering probes.
    Contact(AgentId, Contact),
    /// SIGTERM: take no new trunk calls, serve the others until the limit, then end them kindly.
    Drain {
        /// Milliseconds.
        limit_ms: u32,
    },
    /// Something on a leg.
    Leg(LegId, LegEvent),
    /// A changed plan. Indices of languages, services, queues, agents and prompts may differ: names are what
    /// stays; open calls are carried over by name.
    Plan(Box<Plan>),
    /// The first input of a run: what the journal knew at the end of the run before. Open calls are closed as
    /// F_SYSTEM, counsellors come back.
    Recovered(Box<Ledger>),
    /// A person wants something.
    Request(RequestId, Request),
    /// A deadline may be due.
    Tick,
}
