//! What the switch says must happen.

use crate::cause::Cause;
use crate::fact::Fact;
use crate::ids::{AgentId, CallId, LanguageId, LegId, PlayId, PromptId, RequestId};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// One clip to be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clip {
    /// What.
    pub prompt: PromptId,
    /// In which language. If there is no such clip the edge plays the default language's.
    pub language: LanguageId,
}

/// What a leg hears while no clip plays and nobody is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bed {
    /// Hold music.
    Music,
    /// Soft, in key windows: never more than 2 s of silence.
    Soft,
}

/// An order for one leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegOrder {
    /// Answer the incoming call; `LegEvent::Up` follows (or `Down`).
    Answer,
    /// What it hears beneath.
    Bed(Bed),
    /// Joins this leg with another: they hear each other, clips on both are cut.
    Connect(LegId),
    /// The leg hears its bed again.
    Disconnect,
    /// The leg hears itself.
    Echo,
    /// End it, whatever its state. No `Down` follows.
    HangUp(Cause),
    /// Play these clips one after another.
    Play {
        /// Number of the run.
        play: PlayId,
        /// What.
        clips: Vec<Clip>,
        /// A key cuts them.
        barge_in: bool,
    },
    /// Record (left: what it says, right: what it hears) until it ends. The file is named by the call.
    Record(CallId),
    /// Refuse the incoming call.
    Reject(Cause),
    /// A new outgoing leg: ring this counsellor at all contacts. `Ringing`, then `Up` or `Down` follow.
    RingAgent {
        /// Whom.
        agent: AgentId,
        /// For which call.
        call: CallId,
    },
    /// Cut the clips.
    StopPlay,
    /// A new outgoing leg: ring this number outside, over the first of these trunks that takes the call. `Ringing`,
    /// then `Up` or `Down` follow.
    RingOutside {
        /// Whom.
        number: String,
        /// Names of trunks, in order.
        trunks: Vec<String>,
        /// For which call.
        call: CallId,
    },
    /// How the transfer stands that this leg asked for. After `Trying` exactly one of `Done` and `Failed` follows.
    TransferProgress(TransferProgress),
    /// Ask whether the other end still is there. If it is not, `Down` follows; silence alone ends nothing.
    Probe,
}

/// How a transfer stands, for the phone that asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferProgress {
    /// The caller is with the target; nothing more follows.
    Done,
    /// The target could not be had, why; the caller is the counsellor's again. Nothing more follows.
    Failed(Cause),
    /// Not even tried, why; nothing has changed. Nothing more follows.
    Refused(TransferRefusal),
    /// The target rings.
    Ringing,
    /// Under way.
    Trying,
}

/// Why a transfer is not even tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TransferRefusal {
    /// Whoever asks is not a counsellor in a talk with a caller.
    NotInTalk,
    /// Nobody may be passed on to that number.
    NotAllowed,
    /// Another transfer is under way, or the party of the other call has not answered yet.
    NotNow,
    /// No such number and no such call.
    UnknownTarget,
}

/// Somebody must look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alarm {
    /// A fault of ours ended this call.
    Bug {
        /// Which call.
        call: Option<CallId>,
        /// What was wrong.
        text: String,
    },
    /// The only counsellor of a centre did not answer.
    LoneAgentNoAnswer {
        /// Who.
        agent: AgentId,
    },
    /// A counsellor's phone is dead.
    PhoneUnreachable {
        /// Who.
        agent: AgentId,
    },
    /// Callers wait and nobody who could serve them is signed in.
    NobodySignedIn {
        /// A call that waits.
        call: CallId,
    },
    /// A caller waits for too long.
    WaitTooLong {
        /// Which.
        call: CallId,
    },
    /// A counsellor is away for longer than the reason allows.
    BreakTooLong {
        /// Who.
        agent: AgentId,
    },
    /// A counsellor has had as many hard calls as a shift may have.
    HardCallsMax {
        /// Who.
        agent: AgentId,
    },
}

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The counsellor is in a state that does not allow it.
    NotNow,
    /// No such call.
    UnknownCall,
    /// No such counsellor.
    UnknownAgent,
    /// No such reason.
    UnknownReason,
}

/// One thing to do or to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// Call somebody who can look.
    Alarm(Alarm),
    /// The drain is over: no call is left.
    Drained,
    /// State it in the journal before anything of this turn starts.
    Fact(Fact),
    /// Do this with a leg.
    Leg(LegId, LegOrder),
    /// Answer to a request.
    Reply(RequestId, Result<(), Refusal>),
}
