//! Carries audio: RTP in and out, prompts and music, bridging, mixing, recording.
//!
//! A [`Command`] says what a leg shall do, an [`Event`] what happened on it. A worker is one thread with one
//! 20 ms tick for all its legs; the application never shares memory with it.

#![warn(missing_docs)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        reason = "tests"
    )
)]

pub mod analysis;
pub mod browser;
pub mod codec;
mod conceal;
mod control;
mod demultiplex;
mod digit;
mod ear;
mod encoded;
pub mod g711;
mod key_tones;
mod leg;
mod line;
mod message;
mod mouth;
mod output;
mod packer;
mod packet;
mod player;
pub mod prompt;
mod protection;
pub mod quality;
mod receive;
mod recorder;
pub mod resample;
mod rule_m;
pub mod sdp;
mod shard;
mod srtp;
mod tap;
mod time;
pub mod tone;
mod voice;
mod worker;

pub use message::{
    Bed, Clip, Codec, Command, ControlPath, Direction, Event, LegId, LegPlan, LegStatistics,
    OneWay, PlayId, RecordingId, Sound,
};
pub use output::{Channel, Outgoing, Output, Slot};
pub use protection::{MasterKey, Protection, Suite};
pub use recorder::{RecordingDirectory, RecordingSink, RecordingStore, recording_file_name};
pub use shard::{Input, MUSIC_NAME, Shard, ShardConfig, TICK_MICROSECONDS};
pub use tap::{Frame, Item};
pub use time::Mono;
pub use worker::{COMMANDS_MAX, Worker, WorkerConfig, WorkerHandle, WorkerSender};
