//! The one table from a cause to what signalling says (RFC 3261 §21, Q.850 through RFC 3326).

use hotline_core::{Cause, TransferRefusal};

/// Final status with which an incoming call is refused for this cause.
#[must_use]
pub const fn status(cause: Cause) -> u16 {
    match cause {
        Cause::Busy => 486,
        Cause::CallerGone => 487,
        Cause::Crash | Cause::InternalError => 500,
        Cause::Declined => 603,
        Cause::Lost => 408,
        Cause::NoAnswer | Cause::NormalClearing | Cause::Unreachable => 480,
        Cause::Overload | Cause::Shutdown => 503,
        Cause::UnknownNumber => 404,
        Cause::UnsupportedMedia => 488,
    }
}

/// Final status of a REFER that is not even tried. RFC 5057 §5.1: never one like 404 or 480, at which the phone takes
/// the talk itself for over.
#[must_use]
pub(crate) const fn refusal_status(refusal: TransferRefusal) -> u16 {
    match refusal {
        TransferRefusal::NotInTalk | TransferRefusal::NotAllowed => 403,
        TransferRefusal::NotNow => 491,
        TransferRefusal::UnknownTarget => 603,
    }
}

/// Seconds for Retry-After: the carrier tries its next route at once and us again soon.
#[must_use]
pub(crate) const fn retry_after_s(cause: Cause) -> Option<u32> {
    match cause {
        Cause::Overload => Some(5),
        Cause::Shutdown => Some(30),
        Cause::Busy
        | Cause::CallerGone
        | Cause::Crash
        | Cause::Declined
        | Cause::InternalError
        | Cause::Lost
        | Cause::NoAnswer
        | Cause::NormalClearing
        | Cause::UnknownNumber
        | Cause::Unreachable
        | Cause::UnsupportedMedia => None,
    }
}

/// Value of a Reason header for BYE, CANCEL or a refusal.
#[must_use]
pub fn reason_header(cause: Cause) -> String {
    let (q850, text) = match cause {
        Cause::Busy => (17, "User busy"),
        Cause::CallerGone | Cause::NormalClearing => (16, "Normal call clearing"),
        Cause::Crash | Cause::Shutdown => (41, "Temporary failure"),
        Cause::Declined => (21, "Call rejected"),
        Cause::InternalError => (111, "Interworking, unspecified"),
        Cause::Lost => (27, "Destination out of order"),
        Cause::NoAnswer => (19, "No answer from user"),
        Cause::Overload => (42, "Switching equipment congestion"),
        Cause::UnknownNumber => (1, "Unallocated number"),
        Cause::Unreachable => (20, "Subscriber absent"),
        Cause::UnsupportedMedia => (88, "Incompatible destination"),
    };
    format!("Q.850;cause={q850};text=\"{text}\"")
}
