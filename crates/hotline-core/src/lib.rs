//! Decides: given what happened and when, says what must happen next.
//!
//! Calls, IVR, queues, counsellors and the call record, deterministic and without any contact with the world:
//! `Switch::handle` gets the time and one [`Input`] and fills a list of [`Output`]s.
//! Everything that must be known later is stated as a [`Fact`]; the [`Ledger`] reads facts and nothing else.

#![no_std]
#![warn(missing_docs)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests"
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod acd;
mod admission;
mod audit;
mod bug;
mod call;
mod cause;
mod change_plan;
mod drain;
mod fact;
mod fate;
mod flow;
mod hold;
mod ids;
mod input;
mod ivr;
mod ledger;
mod leg;
mod notice;
mod number;
mod output;
mod plan;
mod play;
mod record;
mod recover;
mod request;
#[cfg(test)]
mod scenario_tests;
mod switch;
mod time;
mod timer;
mod transfer;

pub use audit::Counts;
pub use cause::{Cause, EndedBy, Fate};
pub use fact::{
    Audit, EdgeFact, Fact, Frame, Keep, LegQuality, LegRating, Notice, OfferOutcome,
    RecordingState, Standing, TransferOutcome, TransferTo, WidenedTo,
};
pub use flow::{Digit, Flow, FlowClip, Node, NodeKind, Target};
pub use ids::{
    AgentId, CallId, CentreId, FlowId, LanguageId, LegId, MobileId, NodeId, PlayId, PromptId,
    QueueId, RequestId, RouteId, ServiceId,
};
pub use input::{Arrival, Contact, Input, LegEvent, Origin, Request, TransferTarget};
pub use ledger::Ledger;
pub use number::CallerNumber;
pub use output::{Alarm, Bed, Clip, LegOrder, Output, Refusal, TransferProgress, TransferRefusal};
pub use plan::{
    Agent, Announcement, AtMax, Centre, Comfort, Feature, Language, Level, Mobile, Outbound, Plan,
    Prompt, Queue, Reason, Route, RouteKind, Service, Timing, Widening, WrapUp,
};
pub use record::{AgentStanding, CallRecord, KeyPress, Moment};
pub use switch::Switch;
pub use time::{Mono, Now, Wall};
