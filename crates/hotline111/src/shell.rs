//! The shell: everything that touches the world. Wires core, SIP and media to sockets, clock, journal and
//! database; holds no rule.

mod bind;
mod clock;
mod console;
mod control;
pub(crate) mod dns;
mod error;
mod host;
pub(crate) mod lock;
mod log;
mod logging;
mod mask;
mod net;
mod notify;
mod operate;
mod serve;
mod socket;
pub(crate) mod tables;
mod tap;
mod tickets;
pub(crate) mod tls;
mod watch;
mod workers;

pub(crate) use logging::start_logging;
pub(crate) use serve::serve;
