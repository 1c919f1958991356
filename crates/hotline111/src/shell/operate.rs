//! What operators ask of the control thread and have to answer for: the journal hears of it before it is done or shown.

use crate::shell::control::{Message, Running};
use crate::shell::host::Host;
use crate::shell::mask::Masker;
use crate::shell::tap::Seen;
use hotline_core::{Audit, CallId, Fact, Now};
use hotline_switchboard::{Input, Turn};
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::oneshot;

/// Why a trace is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TraceRefused {
    /// The disk did not take who looks.
    NotAudited,
    Stopping,
    Unknown,
}

/// The journal syncs within 50 ms; a disk that takes longer than this is not trusted with it.
const AUDIT_WAIT_MAX: Duration = Duration::from_secs(2);

/// A ban, or the end of one.
pub(crate) struct Ban {
    /// Which address.
    pub(crate) address: IpAddr,
    /// Milliseconds; 0 ends it.
    pub(crate) length_ms: u64,
    /// Who wants it.
    pub(crate) who: String,
    /// False: it is a carrier's address.
    pub(crate) reply: oneshot::Sender<bool>,
}

/// The signalling of a call is wanted.
pub(crate) struct Trace {
    pub(crate) call: CallId,
    /// Who wants it unmasked, and why.
    pub(crate) audit: Option<Audit>,
    /// None when nothing is known of the call.
    pub(crate) reply: oneshot::Sender<Option<Traced>>,
}

/// What was said in a call.
pub(crate) struct Traced {
    pub(crate) messages: Vec<Seen>,
    /// The frame of the journal that tells who saw it.
    pub(crate) frame: Option<u64>,
}

impl Running {
    pub(super) fn on_trace(&mut self, trace: Trace) {
        let messages = self.control.tap.of_call(trace.call).map(<[Seen]>::to_vec);
        let traced = messages.map(|messages| Traced {
            messages,
            frame: trace.audit.and_then(|audit| self.turn(Input::Audit(audit))),
        });
        // Whoever asked may have gone.
        if trace.reply.send(traced).is_err() {
            tracing::debug!("nobody waits for the trace any more");
        }
    }

    /// The INVITE of this turn has begun a call, or joined one.
    pub(super) fn tie_invited(&mut self, turn: &Turn) {
        let Some(call_id) = self.control.tap.beginning(None) else {
            return;
        };
        let arrived = turn.frame.facts.iter().find_map(|fact| match fact {
            Fact::Arrived { call, .. } => Some(*call),
            _ => None,
        });
        if let Some(call) = arrived.or_else(|| self.control.switchboard.call_of(&call_id)) {
            self.control.tap.tie(&call_id, call);
        }
    }

    pub(super) fn tap_outgoing(&mut self, now: Now, output: &hotline_sip::Output) {
        self.control.tap.outgoing(now, output);
        if let Some(call_id) = self.control.tap.beginning(Some(output))
            && let Some(call) = self.control.switchboard.call_of(&call_id)
        {
            self.control.tap.tie(&call_id, call);
        }
    }

    pub(super) fn on_ban(&mut self, ban: Ban) {
        let is_allowed = ban.length_ms == 0 || self.control.switchboard.sip().may_ban(ban.address);
        if is_allowed {
            self.turn(Input::Audit(Audit {
                who: ban.who,
                deed: if ban.length_ms == 0 { "unban" } else { "ban" }.to_owned(),
                about: ban.address.to_string(),
                call: None,
                reason: String::new(),
            }));
            self.turn(Input::Ban(ban.address, ban.length_ms));
        }
        // Whoever asked may have gone.
        if ban.reply.send(is_allowed).is_err() {
            tracing::debug!("nobody waits for the reply any more");
        }
    }
}

impl Host {
    /// What was said in a call: masked, or as it was, for a reason that is on disk before this returns.
    pub(crate) async fn trace(
        &self,
        call: CallId,
        reason: Option<String>,
        who: &str,
    ) -> Result<Vec<Seen>, TraceRefused> {
        let is_masked = reason.is_none();
        let audit = reason.map(|reason| Audit {
            who: who.to_owned(),
            deed: "trace_unmasked".to_owned(),
            about: String::new(),
            call: Some(call),
            reason,
        });
        let (reply, receiver) = oneshot::channel();
        self.inbox
            .send(Message::Trace(Trace { call, audit, reply }));
        let traced = receiver.await.map_err(|_| TraceRefused::Stopping)?;
        let traced = traced.ok_or(TraceRefused::Unknown)?;
        if is_masked {
            return Ok(self.masked(traced.messages));
        }
        let frame = traced.frame.ok_or(TraceRefused::NotAudited)?;
        let is_kept = self
            .journal
            .clone()
            .until_durable(frame, AUDIT_WAIT_MAX)
            .await;
        is_kept
            .then_some(traced.messages)
            .ok_or(TraceRefused::NotAudited)
    }

    fn masked(&self, mut messages: Vec<Seen>) -> Vec<Seen> {
        let plan = self.plan();
        let mut masker = Masker::new(plan.agents.iter().map(|agent| agent.user.clone()).collect());
        for seen in &messages {
            masker.learn(&seen.bytes);
        }
        for seen in &mut messages {
            seen.bytes = masker.mask(&seen.bytes);
        }
        messages
    }

    /// Bans an address, or ends its ban (0 ms). None when the control thread is gone; false for a carrier.
    pub(crate) async fn ban(&self, address: IpAddr, length_ms: u64, who: String) -> Option<bool> {
        let (reply, receiver) = oneshot::channel();
        self.inbox.send(Message::Ban(Ban {
            address,
            length_ms,
            who,
            reply,
        }));
        receiver.await.ok()
    }
}
