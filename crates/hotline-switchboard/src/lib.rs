//! Translates between the three engines that do not know one another: core (decides), sip (speaks), media
//! (carries). Pure: no socket, no clock, no thread, and no rule about callers, queues or counsellors.

#![warn(missing_docs)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests fail by panicking"
    )
)]

mod browsers;
mod cause;
mod from_core;
mod from_media;
mod from_sip;
mod keys;
mod legs;
mod number;
mod offers;
mod ring;
mod security;
mod sounds;
mod switchboard;
#[cfg(test)]
mod tests;
mod turn;

pub use cause::{reason_header, status};
pub use keys::Keys;
pub use legs::audio_address;
pub use number::{Numbers, RegionRule, RegionSource, normalise};
pub use security::Srtp;
pub use sounds::SoundIndex;
pub use switchboard::{Config, Counts, Dropped, Input, Switchboard};
pub use turn::{Effect, Say, Turn};
