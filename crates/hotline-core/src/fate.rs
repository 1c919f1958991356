//! What became of a call: one pure function (domain: every call has exactly one fate).

use crate::cause::{Cause, EndedBy, Fate};
use crate::record::CallRecord;

impl CallRecord {
    /// Its fate; None while it goes on. `short_ms`: below it, an abandoned call counts as short (10 s).
    ///
    /// A handled call is H_UNCODED until its form says more; the form is no business of core.
    #[must_use]
    pub fn fate(&self, short_ms: u32) -> Option<Fate> {
        let ended = self.ended?;
        if self.is_cut_by_us() {
            return Some(Fate::CutBySystem);
        }
        if self.answered.is_none() && self.ended_by == Some(EndedBy::System) {
            return Some(Fate::Rejected);
        }
        if self.joined.is_some() {
            return Some(Fate::HandledUncoded);
        }
        if self.queued.is_some() {
            let is_short = self.wait_ms < u64::from(short_ms);
            return Some(if is_short {
                Fate::AbandonedQueueShort
            } else {
                Fate::AbandonedQueue
            });
        }
        if self.has_heard_information {
            return Some(Fate::SelfServed);
        }
        let is_short = ended.millis_since(self.arrived) < u64::from(short_ms);
        let is_greeting = self.first_key.is_none() && is_short;
        Some(if is_greeting {
            Fate::AbandonedGreeting
        } else {
            Fate::AbandonedMenu
        })
    }

    /// A crash, a fault or a stop of ours took the line away. A refusal before the answer at a stop is a
    /// rejection: the carrier tries its next route.
    fn is_cut_by_us(&self) -> bool {
        self.ended_by == Some(EndedBy::System)
            && match self.cause {
                Some(Cause::Crash | Cause::InternalError) => true,
                Some(Cause::Lost | Cause::Overload | Cause::Shutdown) => self.answered.is_some(),
                Some(
                    Cause::Busy
                    | Cause::CallerGone
                    | Cause::Declined
                    | Cause::NoAnswer
                    | Cause::NormalClearing
                    | Cause::UnknownNumber
                    | Cause::Unreachable
                    | Cause::UnsupportedMedia,
                )
                | None => false,
            }
    }
}
