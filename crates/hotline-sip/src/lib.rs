//! Speaks SIP: turns bytes from peers into dialog events and back, per RFC 3261.
//!
//! No sockets, no clock, no threads: [`Endpoint::handle`](Endpoint::handle) gets the time and one
//! [`Input`], and fills a list of [`Output`]s. Bodies are opaque bytes: SDP is never parsed here.

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

mod admission;
mod alive;
mod bans;
mod call;
mod defence;
mod dialog;
mod digest;
mod early;
mod endpoint;
mod flood;
mod fork;
mod guesses;
mod in_dialog;
mod input;
mod keep;
mod media_kind;
pub mod message;
mod nat;
mod outbound;
mod output;
mod random;
mod refer;
mod registered;
mod registrar;
mod registration;
mod reinvite;
mod reliable;
mod replaces;
mod reply;
mod resolve;
mod session_timer;
mod site;
mod streams;
#[cfg(test)]
mod tests;
mod time;
mod timer;
mod transaction;
mod transferor;
mod transport;
mod trunk;
mod trunk_call;
mod trunk_limit;
mod trunk_note;
mod trunk_probe;
mod trunk_registration;
mod uac;
mod uas;

pub use bans::{BanReason, Banned};
pub use defence::Defence;
pub use digest::credentials;

pub use endpoint::{Counters, Endpoint};
pub use input::{
    Account, Command, Config, ConnectionId, Credentials, DialogId, Input, Listener, ListenerId,
    Proof, Sessions, Target, Transport, TrunkId,
};
pub use media_kind::MediaKind;
pub use output::{
    CarrierHost, CarrierNote, ContactState, Event, Failure, Invitation, Keep, Output, Peer,
    Referral, Rejection, Table,
};
pub use random::Secrets;
pub use registered::Registered;
pub use resolve::{Answers, Found, Pointer, Query, Records, Service, look_up};
pub use time::{Mono, Now, Wall};
pub use trunk::{
    NumberRule, Trunk, TrunkHost, TrunkLimits, TrunkLogin, TrunkState, TrunkStatus, rewrite,
};
