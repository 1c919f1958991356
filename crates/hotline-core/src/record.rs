//! What is known of one call and of one counsellor.

use crate::cause::{Cause, EndedBy};
use crate::fact::{LegQuality, LegRating, Notice, RecordingState, Standing, TransferTo, WidenedTo};
use crate::flow::Digit;
use crate::ids::{CallId, LegId};
use crate::number::CallerNumber;
use crate::time::{Mono, Wall};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A point in time that survives a restart: durations inside one run are monotonic, over a restart they are
/// wall time, and a wall step backwards counts as 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Number of the run.
    pub run: u32,
    /// Monotonic in that run.
    pub mono: Mono,
    /// UTC.
    pub wall: Wall,
}

/// A key that counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPress {
    /// In which node.
    pub node: String,
    /// Which key.
    pub key: Digit,
    /// Milliseconds after arrival.
    pub at_ms: u64,
}

/// Everything known of one call. A row of `calls` when it has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Which; also names the recording.
    pub call: CallId,
    /// Caller's leg.
    pub caller_leg: LegId,
    /// The last counsellor's leg.
    pub agent_leg: Option<LegId>,
    /// Caller's number.
    pub caller: CallerNumber,
    /// Dialled number.
    pub dialled: String,
    /// Trunk or account.
    pub origin: String,
    /// True for a trunk.
    pub is_from_trunk: bool,
    /// Flow, queue or kind of the route.
    pub route: String,
    /// Gets a row.
    pub is_counted: bool,
    /// INVITE came.
    pub arrived: Moment,
    /// We answered.
    pub answered: Option<Moment>,
    /// First key that counted.
    pub first_key: Option<Moment>,
    /// First entry into a queue.
    pub queued: Option<Moment>,
    /// First offer to a counsellor.
    pub offered: Option<Moment>,
    /// First join with a counsellor.
    pub joined: Option<Moment>,
    /// End.
    pub ended: Option<Moment>,
    /// Start of the talk that goes on now.
    pub talking_since: Option<Moment>,
    /// Milliseconds of finished talks.
    pub talk_ms: u64,
    /// Start of the wait that goes on now.
    pub waiting_since: Option<Moment>,
    /// Milliseconds of finished waits in queues.
    pub wait_ms: u64,
    /// Last node entered.
    pub last_node: Option<String>,
    /// Keys, in order (bounded: the first 64).
    pub path: Vec<KeyPress>,
    /// Code.
    pub language: Option<String>,
    /// Chosen service.
    pub service: Option<String>,
    /// Queue.
    pub queue: Option<String>,
    /// Rank's head start.
    pub head_start_ms: i32,
    /// Cannot speak.
    pub is_silent: bool,
    /// Spoke at a menu.
    pub has_spoken_at_menu: bool,
    /// Heard an information clip to its end.
    pub has_heard_information: bool,
    /// Being rung now.
    pub offered_to: Option<String>,
    /// Last counsellor joined.
    pub agent: Option<String>,
    /// Offers made.
    pub offers: u32,
    /// Offers that nobody answered.
    pub rona: u32,
    /// Times a counsellor's line was lost.
    pub agents_lost: u32,
    /// Recording notice.
    pub notice: Option<Notice>,
    /// Recording.
    pub recording: RecordingState,
    /// Length of the finished recording.
    pub recording_ms: Option<u64>,
    /// Who ended it.
    pub ended_by: Option<EndedBy>,
    /// Why.
    pub cause: Option<Cause>,
    /// Caller's leg.
    pub caller_quality: Option<LegQuality>,
    /// Counsellor's leg.
    pub agent_quality: Option<LegQuality>,
    /// Caller's leg.
    pub caller_rating: Option<LegRating>,
    /// Counsellor's leg.
    pub agent_rating: Option<LegRating>,
    /// Facts may be missing.
    pub has_journal_gap: bool,
    /// Where the carrier says it was meant for.
    pub diverted: Vec<CallerNumber>,
    /// Leg of the counsellor who is being rung now.
    pub rung_leg: Option<LegId>,
    /// Times the counsellor put the caller on hold.
    pub holds: u32,
    /// Milliseconds of finished holds; they are part of the talk.
    pub held_ms: u64,
    /// Start of the hold that goes on now.
    pub held_since: Option<Moment>,
    /// Transfers asked for and tried.
    pub transfers: u32,
    /// Those that failed.
    pub transfers_failed: u32,
    /// To whom the caller is being passed on now.
    pub transfer_to: Option<TransferTo>,
    /// To whom the caller was passed on last.
    pub transferred_to: Option<TransferTo>,
    /// Start of the talk with somebody outside that goes on now.
    pub outside_since: Option<Moment>,
    /// Milliseconds of finished talks with somebody outside.
    pub outside_ms: u64,
    /// A counsellor called it a hard one.
    pub is_hard: bool,
    /// The caller's own centre.
    pub home: Option<String>,
    /// How far the search had to widen at last.
    pub widened: Option<WidenedTo>,
}

/// A counsellor as the facts tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStanding {
    /// State.
    pub standing: Standing,
    /// Since when.
    pub since: Moment,
    /// The last word why.
    pub why: String,
    /// Hard calls of this shift.
    pub hard_calls: u32,
}

impl Moment {
    /// Whole milliseconds since `earlier`: monotonic inside one run, else by the wall, never below 0.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> u64 {
        if self.run == earlier.run {
            return self.mono.millis_since(earlier.mono);
        }
        u64::try_from(self.wall.0.saturating_sub(earlier.wall.0)).unwrap_or(0)
    }
}

impl CallRecord {
    /// Still going on.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Milliseconds in queues until `now`, the wait that goes on included.
    #[must_use]
    pub fn wait_ms_until(&self, now: Moment) -> u64 {
        self.wait_ms.saturating_add(
            self.waiting_since
                .map_or(0, |since| now.millis_since(since)),
        )
    }

    /// Milliseconds of talk until `now`, the talk that goes on included.
    #[must_use]
    pub fn talk_ms_until(&self, now: Moment) -> u64 {
        self.talk_ms.saturating_add(
            self.talking_since
                .map_or(0, |since| now.millis_since(since)),
        )
    }

    /// Nothing more can be learned of it: both legs' counters and the recording's length are known.
    pub(crate) fn is_complete(&self) -> bool {
        let has_caller_quality = self.answered.is_none() || self.caller_quality.is_some();
        let has_agent_quality = self.agent_leg.is_none() || self.agent_quality.is_some();
        let has_recording = self.recording != RecordingState::Made || self.recording_ms.is_some();
        !self.is_open()
            && (!self.is_counted || (has_caller_quality && has_agent_quality && has_recording))
    }
}
