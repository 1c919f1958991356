//! Facts: what happened, in words that another version can read. The journal keeps them; records, wallboard,
//! reports and restart read nothing else. Names, not indices: a plan may change.

use crate::cause::{Cause, EndedBy};
use crate::flow::Digit;
use crate::ids::{CallId, LegId};
use crate::input::Input;
use crate::number::CallerNumber;
use crate::time::Now;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A counsellor's state, for the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Being rung for this call.
    Offered(CallId),
    /// Not ready, why (`rona`, `unreachable`, or a reason of the plan).
    NotReady(String),
    /// Waiting for a caller.
    Ready,
    /// Off shift.
    SignedOut,
    /// With this caller.
    Talking(CallId),
    /// Paperwork after this call.
    WrapUp(CallId),
    /// With this caller, and asking somebody for advice.
    Consulting(CallId),
    /// With this caller, who is on hold.
    Held(CallId),
    /// Rest after this hard call.
    Recovery(CallId),
}

impl Standing {
    /// The call of a talk, whatever it is at just now.
    #[must_use]
    pub const fn talk(&self) -> Option<CallId> {
        match self {
            Self::Consulting(call) | Self::Held(call) | Self::Talking(call) => Some(*call),
            Self::NotReady(_)
            | Self::Offered(_)
            | Self::Ready
            | Self::Recovery(_)
            | Self::SignedOut
            | Self::WrapUp(_) => None,
        }
    }
}

/// How ringing a counsellor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferOutcome {
    /// Joined.
    Answered,
    /// The caller hung up meanwhile.
    CallerGone,
    /// The counsellor said no.
    Declined,
    /// Nobody answered in time (RONA).
    NoAnswer,
    /// The counsellor's state changed, the server goes down, or something of ours failed.
    Withdrawn,
    /// The phone is dead.
    Unreachable,
}

/// How much of the recording notice the caller has heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// All.
    Full,
    /// Nothing: the counsellor says it.
    None,
    /// These milliseconds: the counsellor says it.
    Partial(u32),
}

/// What became of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordingState {
    /// It could not be made, or broke off.
    Failed,
    /// Being made, or complete after the end.
    Made,
    /// The route does not record.
    NotWanted,
}

/// How far the search for a counsellor has widened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WidenedTo {
    /// To all centres.
    Everywhere,
    /// To anybody who speaks the language.
    Anybody,
}

/// Whom a caller was passed on to, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferTo {
    /// A counsellor.
    Agent(String),
    /// Somebody outside: a number of a person may be among them, so it masks itself.
    Outside(CallerNumber),
    /// A queue.
    Queue(String),
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferOutcome {
    /// The caller hung up, or the call was ended, before it was done.
    CallOver,
    /// The caller is with the target, or in its line.
    Done,
    /// It failed; the caller is back with the counsellor.
    Failed(Cause),
    /// It failed and the counsellor's phone had gone: the caller is back in the line, first for them.
    FailedAlone(Cause),
    /// The counsellor took the caller back before it was done.
    TakenBack,
}

/// One fact. Its time is the frame's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// A new run of the server began.
    Started {
        /// Version of the program.
        version: String,
    },
    /// A call came in. `is_counted` tells whether it gets a row (flow, queue and counsellor routes do).
    Arrived {
        /// The call.
        call: CallId,
        /// Its caller's leg.
        leg: LegId,
        /// The caller's number.
        caller: CallerNumber,
        /// Dialled number.
        dialled: String,
        /// Trunk or account name.
        origin: String,
        /// True for a trunk.
        is_from_trunk: bool,
        /// Name of the flow, queue or kind of the route.
        route: String,
        /// Gets a row in `calls`.
        is_counted: bool,
    },
    /// We answered.
    Answered {
        /// The call.
        call: CallId,
    },
    /// The caller entered a node of a flow.
    Node {
        /// The call.
        call: CallId,
        /// Its name.
        node: String,
    },
    /// The caller pressed a key that counted (never in number entry).
    Key {
        /// The call.
        call: CallId,
        /// In which node.
        node: String,
        /// Which.
        key: Digit,
    },
    /// The caller's language is now this.
    LanguageChosen {
        /// The call.
        call: CallId,
        /// Code.
        language: String,
    },
    /// 1.5 s of voice at a menu.
    SpokeAtMenu {
        /// The call.
        call: CallId,
    },
    /// An information clip was heard to its end.
    InformationHeard {
        /// The call.
        call: CallId,
        /// Node.
        node: String,
    },
    /// In the queue from now.
    Queued {
        /// The call.
        call: CallId,
        /// Queue.
        queue: String,
        /// Service chosen.
        service: Option<String>,
        /// Milliseconds before its arrival that it ranks at.
        head_start_ms: i32,
        /// The caller cannot speak.
        is_silent: bool,
    },
    /// A counsellor is being rung.
    Offered {
        /// The call.
        call: CallId,
        /// Who.
        agent: String,
        /// Their leg.
        leg: LegId,
    },
    /// Ringing ended.
    OfferEnded {
        /// The call.
        call: CallId,
        /// Who.
        agent: String,
        /// How.
        outcome: OfferOutcome,
    },
    /// Caller and counsellor are joined.
    Joined {
        /// The call.
        call: CallId,
        /// Who.
        agent: String,
    },
    /// How much of the recording notice was heard at the join (or at the end).
    NoticeHeard {
        /// The call.
        call: CallId,
        /// How much.
        notice: Notice,
    },
    /// The counsellor's line was lost; the caller is back in the queue.
    AgentLost {
        /// The call.
        call: CallId,
        /// Who.
        agent: String,
    },
    /// What becomes of its recording.
    Recording {
        /// The call.
        call: CallId,
        /// How.
        state: RecordingState,
    },
    /// It is over.
    Ended {
        /// The call.
        call: CallId,
        /// Who ended it.
        by: EndedBy,
        /// Why.
        cause: Cause,
    },
    /// A counsellor's state changed.
    AgentState {
        /// Who.
        agent: String,
        /// To what.
        standing: Standing,
        /// Why, in a word (`request`, `offer`, `answer`, `rona`, `wrap_up_over`, `registered` ...).
        why: String,
    },
    /// The counsellor's phone put the caller on hold: the caller hears music.
    Held {
        /// The call.
        call: CallId,
    },
    /// The counsellor is back from hold.
    Resumed {
        /// The call.
        call: CallId,
    },
    /// A counsellor in a talk calls somebody for advice.
    Consulting {
        /// The call with the caller.
        call: CallId,
        /// Who.
        agent: String,
        /// The call for advice.
        consult: CallId,
    },
    /// A counsellor passes the caller on. From a consult, it is done in the same moment.
    TransferBegan {
        /// The call.
        call: CallId,
        /// Who.
        agent: String,
        /// To whom.
        to: TransferTo,
    },
    /// It is done or has failed.
    TransferEnded {
        /// The call.
        call: CallId,
        /// Who had asked for it.
        agent: String,
        /// How.
        outcome: TransferOutcome,
    },
    /// The party of a call for advice now is the party of this call.
    Taken {
        /// The call that has the party now.
        call: CallId,
        /// The call that had it.
        consult: CallId,
        /// The party's leg.
        leg: LegId,
    },
    /// Caller (or the counsellor who asks for advice) and somebody outside are joined.
    JoinedOutside {
        /// The call.
        call: CallId,
        /// With whom.
        number: CallerNumber,
        /// Their leg.
        leg: LegId,
    },
    /// The party outside was lost; the caller is back in the line.
    OutsideLost {
        /// The call.
        call: CallId,
    },
    /// The counsellor goes on with another phone of theirs.
    PhoneChanged {
        /// The call.
        call: CallId,
        /// Who.
        agent: String,
        /// The leg of the new phone.
        leg: LegId,
    },
    /// Somebody on call is rung for a waiting caller.
    MobileRung {
        /// The call.
        call: CallId,
        /// Whom, by name.
        mobile: String,
        /// Their leg.
        leg: LegId,
    },
    /// That ended. `Answered`: they took the caller.
    MobileEnded {
        /// The call.
        call: CallId,
        /// Whom.
        mobile: String,
        /// How.
        outcome: OfferOutcome,
    },
    /// The caller's own centre is known.
    HomeCentre {
        /// The call.
        call: CallId,
        /// Its name.
        centre: String,
    },
    /// The caller has waited so long that more counsellors are asked.
    Widened {
        /// The call.
        call: CallId,
        /// How far now.
        reach: WidenedTo,
    },
    /// The counsellor says that this call is, or was, a hard one.
    HardCall {
        /// The call.
        call: CallId,
        /// Who.
        agent: String,
    },
}

/// Counters of one leg at its end, stated by the edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegQuality {
    /// Packets that came.
    pub received: u64,
    /// Packets missing.
    pub lost: u64,
    /// Jitter, microseconds.
    pub jitter_us: u32,
    /// Packets sent.
    pub sent: u64,
    /// Round trip, microseconds; 0 = never measured.
    pub round_trip_us: u32,
}

/// What a leg was worth to who listened, stated by the edge at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegRating {
    /// Mean opinion score as estimated, hundredths (100 to 450); 0 = nothing was heard.
    pub mean_opinion: u16,
    /// The same of the worst ten seconds; 0 = there were none.
    pub mean_opinion_lowest: u16,
    /// Runs of missing packets.
    pub loss_runs: u64,
    /// Packets of ours that the other side says it misses.
    pub peer_lost: u32,
}

/// Something the edge keeps over a restart (a phone's binding, a confirmed dialog). Its own affair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// Which of the edge's tables.
    pub table: u8,
    /// Unique inside its table.
    pub key: Vec<u8>,
    /// None removes the entry.
    pub value: Option<Vec<u8>>,
}

/// A person of the operation did, or saw, something that must be accounted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Who, e.g. `uid 0`.
    pub who: String,
    /// What, in a word: `ban`, `unban`, `trace_unmasked`.
    pub deed: String,
    /// To what: an address.
    pub about: String,
    /// The call that it concerns.
    pub call: Option<CallId>,
    /// Why, in the person's own words.
    pub reason: String,
}

/// Facts of the edge. Core never sees them; they ride in the same frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EdgeFact {
    /// Keep or forget.
    Keep(Keep),
    /// A leg's final counters.
    Quality {
        /// Which leg.
        leg: LegId,
        /// Counters.
        quality: LegQuality,
    },
    /// Where else the carrier says the call was meant for (raw values).
    Diverted {
        /// Which leg.
        leg: LegId,
        /// Values, first to last: numbers of people, so they mask themselves.
        values: Vec<CallerNumber>,
    },
    /// A recording is complete on disk.
    RecordingClosed {
        /// The call it belongs to.
        call: CallId,
        /// Length, milliseconds.
        length_ms: u64,
    },
    /// Frames were lost while the disk refused the journal; the records of open calls may lack facts.
    JournalGap,
    /// Somebody did or saw something.
    Audit(Audit),
    /// What the carrier says of the caller of a leg: stands beside the call's row, not in the record.
    CarrierSaid {
        /// Which leg.
        leg: LegId,
        /// The caller as the carrier wrote it, even one who is hidden; it masks itself.
        caller: CallerNumber,
        /// The caller asked not to be known.
        is_private: bool,
        /// Where in the country the call comes from, by the carrier's hints.
        region: Option<String>,
        /// Where its location can be had; as private as a number.
        geolocation: Vec<CallerNumber>,
        /// The location itself, as a document; as private as a number.
        location: Option<CallerNumber>,
    },
    /// How good a leg was; stated before its [`EdgeFact::Quality`], which completes the record.
    Rated {
        /// Which leg.
        leg: LegId,
        /// How good.
        rating: LegRating,
    },
}

/// One turn of the control loop, as the journal keeps it: written before the turn's effects start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The only time of the turn.
    pub now: Now,
    /// What core was told, in order: replaying it must state the same facts.
    pub inputs: Vec<Input>,
    /// What core stated.
    pub facts: Vec<Fact>,
    /// What the edge stated.
    pub edge: Vec<EdgeFact>,
}
