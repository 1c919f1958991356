//! Carries audio: RTP in and out, prompts and music, bridging, mixing, recording.
//!
//! A [`Command`] says what a leg shall do, an [`Event`] what happened on it. A worker is one thread with one
//! 20 ms tick for all its legs; the application never shares memory with it.

#![warn(missing_docs)]

mod message;
mod time;

pub use message::{
    Bed, Clip, Codec, Command, Direction, Event, LegId, LegPlan, LegStatistics, PlayId, RecordingId, Sound,
};
pub use time::Mono;
