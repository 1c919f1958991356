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

impl Cause {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Busy,
        Self::CallerGone,
        Self::Crash,
        Self::Declined,
        Self::InternalError,
        Self::Lost,
        Self::NoAnswer,
        Self::Overload,
        Self::NormalClearing,
        Self::Shutdown,
        Self::UnknownNumber,
        Self::Unreachable,
        Self::UnsupportedMedia,
    ];

    /// Word for metrics, exports and logs; it never changes.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.row().0
    }

    /// For people, in Vietnamese.
    #[must_use]
    pub const fn text_vi(self) -> &'static str {
        self.row().1
    }

    /// For people, in English.
    #[must_use]
    pub const fn text_en(self) -> &'static str {
        self.row().2
    }

    /// The table: label, Vietnamese, English. What signalling says stands in the switchboard.
    const fn row(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Busy => ("busy", "Máy bận", "Busy"),
            Self::CallerGone => ("caller_gone", "Người gọi đã gác máy", "The caller hung up"),
            Self::Crash => (
                "crash",
                "Hệ thống bị ngắt đột ngột",
                "The system stopped suddenly",
            ),
            Self::Declined => ("declined", "Từ chối cuộc gọi", "Declined"),
            Self::InternalError => ("internal_error", "Lỗi hệ thống", "System fault"),
            Self::Lost => ("lost", "Mất kết nối", "Connection lost"),
            Self::NoAnswer => ("no_answer", "Không nhấc máy", "No answer"),
            Self::Overload => ("overload", "Hệ thống quá tải", "System overloaded"),
            Self::NormalClearing => ("normal_clearing", "Kết thúc bình thường", "Normal end"),
            Self::Shutdown => ("shutdown", "Hệ thống đang dừng", "The system is stopping"),
            Self::UnknownNumber => ("unknown_number", "Số không tồn tại", "Unknown number"),
            Self::Unreachable => ("unreachable", "Không liên lạc được", "Cannot be reached"),
            Self::UnsupportedMedia => (
                "unsupported_media",
                "Không hỗ trợ loại âm thanh này",
                "Audio format not supported",
            ),
        }
    }
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
    /// The party outside that the caller was passed on to.
    Outside,
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
