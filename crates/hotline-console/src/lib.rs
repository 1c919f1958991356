//! Shows: health, metrics and the live tables, over HTTP on loopback.
//!
//! The shell implements [`Source`]; everything shown is plain data with a serde face, so that the control socket can
//! show the same. Callers' numbers are masked here already.

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

mod counters;
mod health;
mod metrics;
mod routes;
mod server;
#[cfg(test)]
mod tests;
mod view;

pub use counters::{Counters, Histogram};
pub use health::{Health, Readiness, Reason};
pub use metrics::{Kind, Sample, render};
pub use routes::router;
pub use server::{Console, ConsoleError};
pub use view::{AgentView, CallView, QueueView, View};

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An answer that takes a moment.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where what is shown comes from.
pub trait Source: Send + Sync + 'static {
    /// A picture of the switch. None: the control thread does not answer (the console itself waits 2 s at most).
    fn snapshot(&self) -> Answer<'_, Option<Snapshot>>;

    /// How the parts are. Must not wait.
    fn health(&self) -> Health;
}

/// A picture of the switch, taken by the control thread between two turns.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The live tables.
    pub view: View,
    /// What was counted since the start.
    pub counters: Counters,
    /// Carriers by name; true = up.
    pub trunks: BTreeMap<String, bool>,
    /// Counters and gauges of SIP, media and the shell.
    pub samples: Vec<Sample>,
}

/// What the handlers share.
#[derive(Clone)]
pub struct ConsoleState {
    source: Arc<dyn Source>,
}

impl ConsoleState {
    /// Shows this.
    #[must_use]
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self { source }
    }
}
