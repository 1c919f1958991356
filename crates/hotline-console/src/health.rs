//! Whether the server should get calls, and if not, why.

use hotline_store::{JournalStatus, ProjectorStatus};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The database may be busy for so long before anybody is told.
const PROJECTOR_WAIT_MAX: Duration = Duration::from_secs(10);
/// Frames without rows before anybody is told: minutes of a full line.
const PROJECTOR_LAG_MAX: u64 = 50_000;

/// How the parts are.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// The start is not over (ports, listeners).
    pub is_starting: bool,
    /// SIGTERM came: no new calls.
    pub is_draining: bool,
    /// The journal.
    pub journal: JournalStatus,
    /// The projector.
    pub projector: ProjectorStatus,
    /// Free media ports of all workers.
    pub media_ports_free: u32,
    /// Other reasons that the shell knows: (code, text).
    pub others: Vec<(String, String)>,
}

/// One reason not to be ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// `draining`, `journal`, `media_ports`, `projector`, `starting`, `switch`, or one of the shell's.
    pub code: String,
    /// In a sentence.
    pub text: String,
}

/// What `/readyz` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Calls may come.
    pub is_ready: bool,
    /// Why not.
    pub reasons: Vec<Reason>,
}

impl Health {
    /// The verdict. `answers`: the control thread does.
    #[must_use]
    pub fn readiness(&self, answers: bool) -> Readiness {
        let mut reasons = Vec::new();
        let mut say = |code: &str, text: String| {
            reasons.push(Reason {
                code: code.to_owned(),
                text,
            })
        };
        if self.is_starting {
            say("starting", "the start is not over".to_owned());
        }
        if self.is_draining {
            say(
                "draining",
                "the server is going down and takes no new calls".to_owned(),
            );
        }
        if !answers {
            say("switch", "the control thread does not answer".to_owned());
        }
        if let Some(trouble) = self.journal.trouble {
            let waiting = self.journal.waiting_bytes;
            say(
                "journal",
                format!(
                    "the journal is in trouble ({}), {waiting} bytes wait in memory",
                    trouble.code()
                ),
            );
        }
        if self.projector.waiting() > PROJECTOR_WAIT_MAX {
            let why = self
                .projector
                .failure
                .as_deref()
                .unwrap_or("it does not answer");
            say("projector", format!("the database takes no rows: {why}"));
        } else if self.projector.lag_frames > PROJECTOR_LAG_MAX {
            say(
                "projector",
                format!("{} frames have no rows yet", self.projector.lag_frames),
            );
        }
        // A server that is starting has none yet, which is said already.
        if self.media_ports_free == 0 && !self.is_starting {
            say("media_ports", "no media port is free".to_owned());
        }
        for (code, text) in &self.others {
            say(code, text.clone());
        }
        Readiness {
            is_ready: reasons.is_empty(),
            reasons,
        }
    }
}
