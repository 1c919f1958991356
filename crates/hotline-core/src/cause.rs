//! Why things ended, and what became of a call.

use serde::{Deserialize, Serialize};

/// Why a leg or a call ended. One total table maps it to signalling, record and sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// The callee is in another call.
    Busy,
    /// The caller hung up before it was over on our side.
    CallerGone,
    /// The process died with the call open.
    Crash,
    /// The callee said no.
    Declined,
    /// Our own fault.
    InternalError,
    /// The other end fell silent: no acknowledgement, transport or media lost.
    Lost,
    /// Nobody answered in time.
    NoAnswer,
    /// A hard limit was reached.
    Overload,
    /// The normal end.
    NormalClearing,
    /// The server is going down.
    Shutdown,
    /// Nobody has that number.
    UnknownNumber,
    /// The callee cannot be reached at all.
    Unreachable,
    /// What was offered for audio does not fit.
    UnsupportedMedia,
}

/// Who ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EndedBy {
    /// The counsellor.
    Agent,
    /// The caller.
    Caller,
    /// We did: end of a route, shutdown, fault.
    System,
}

/// What became of a call (domain: exactly one for each).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Fate {
    /// A_GREET: gone before any key and within 10 s.
    AbandonedGreeting,
    /// A_IVR: gone in the menus, after 10 s or after a key.
    AbandonedMenu,
    /// A_QUEUE: gone in the queue after 10 s or more.
    AbandonedQueue,
    /// A_QUEUE_SHORT: gone in the queue within 10 s.
    AbandonedQueueShort,
    /// F_SYSTEM: cut by our fault.
    CutBySystem,
    /// H_CASE.
    HandledCase,
    /// H_COUNSEL.
    HandledCounsel,
    /// H_INFO.
    HandledInfo,
    /// H_NON.
    HandledNon,
    /// H_UNCODED: a person spoke with the caller; the form is open.
    HandledUncoded,
    /// M_CALLBACK.
    CallbackWanted,
    /// M_MESSAGE.
    MessageLeft,
    /// X_REJECT: refused before the answer at a hard limit.
    Rejected,
    /// S_INFO: heard an information clip to its end, then gone.
    SelfServed,
}

impl Fate {
    /// The code of the reports, e.g. `A_QUEUE`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AbandonedGreeting => "A_GREET",
            Self::AbandonedMenu => "A_IVR",
            Self::AbandonedQueue => "A_QUEUE",
            Self::AbandonedQueueShort => "A_QUEUE_SHORT",
            Self::CutBySystem => "F_SYSTEM",
            Self::HandledCase => "H_CASE",
            Self::HandledCounsel => "H_COUNSEL",
            Self::HandledInfo => "H_INFO",
            Self::HandledNon => "H_NON",
            Self::HandledUncoded => "H_UNCODED",
            Self::CallbackWanted => "M_CALLBACK",
            Self::MessageLeft => "M_MESSAGE",
            Self::Rejected => "X_REJECT",
            Self::SelfServed => "S_INFO",
        }
    }
}
