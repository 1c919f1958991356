//! Speaks SIP: turns bytes from peers into dialog events and back, per RFC 3261.
//!
//! No sockets, no clock, no threads: [`Endpoint::handle`](Endpoint::handle) gets the time and one
//! [`Input`], and fills a list of [`Output`]s. Bodies are opaque bytes: SDP is never parsed here.

#![warn(missing_docs)]

mod endpoint;
mod input;
mod output;
mod time;

pub use endpoint::{Counters, Endpoint};
pub use input::{
    Account, Command, Config, Credentials, Input, Listener, Target, Trunk,
    ConnectionId, DialogId, ListenerId, TrunkId,
};
pub use output::{
    ContactState, Event, Failure, Invitation, Keep, Output, Peer, Rejection, Table,
};
pub use time::{Mono, Now, Wall};
