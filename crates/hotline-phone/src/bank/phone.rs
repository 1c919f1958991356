//! One phone and the call that it is in.

use crate::script::{AnswerScript, CallScript, Step, Talk};
use hotline_media::sdp::{Local, RANDOM_BYTES, Security};
use hotline_media::{LegId, LegPlan};
use hotline_sip::{DialogId, Invitation, Mono};
use std::net::IpAddr;

pub(crate) struct Phone {
    pub(crate) role: Role,
    pub(crate) call: Option<Call>,
}

pub(crate) enum Role {
    /// Exists for one call.
    Caller(CallScript),
    /// Answers call after call.
    Counsellor {
        user: String,
        password: Option<String>,
        script: AnswerScript,
    },
}

/// ```text
///  outgoing   WaitingForPort ──► Dialling ──200──┐
///                                                ▼
///  incoming   Invited ─────────── our 200 ──► Talking ──► (call is None)
/// ```
pub(crate) enum Stage {
    /// The INVITE has left.
    Dialling { leg: Leg },
    /// An INVITE has come; not answered.
    Invited { invitation: Box<Invitation> },
    /// Both hear each other.
    Talking {
        leg: Leg,
        answered_at: Mono,
        progress: Progress,
    },
    /// The worker has no free port at the moment.
    WaitingForPort,
}

pub(crate) struct Call {
    pub(crate) dialog: DialogId,
    /// The INVITE left or came.
    pub(crate) begun_at: Mono,
    pub(crate) stage: Stage,
}

/// Our side of the audio.
#[derive(Clone)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) port: u16,
    /// Counts our session descriptions (RFC 3264 §8).
    pub(crate) version: u64,
    /// The last of them.
    pub(crate) description: Vec<u8>,
    pub(crate) plan: LegPlan,
}

impl Leg {
    /// Our side of the next offer or answer.
    pub(crate) fn local<'a>(
        &'a self,
        address: IpAddr,
        security: Security,
        random: &'a [u8; RANDOM_BYTES],
    ) -> Local<'a> {
        Local {
            version: self.version,
            previous: &self.description,
            signalling: self.plan.signalling,
            security,
            before: (self.version > 0).then_some(&self.plan),
            ..Local::first((address, self.port), self.id, random)
        }
    }

    /// A description of ours has left.
    pub(crate) fn described(&mut self, description: Vec<u8>) {
        if description != self.description {
            self.version += 1;
            self.description = description;
        }
    }
}

/// How far the script is.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) steps: Vec<Step>,
    pub(crate) index: usize,
    pub(crate) is_flowing: bool,
}

impl Phone {
    pub(crate) fn talk(&self) -> &Talk {
        match &self.role {
            Role::Caller(script) => &script.talk,
            Role::Counsellor { script, .. } => &script.talk,
        }
    }

    pub(crate) fn leg(&self) -> Option<&Leg> {
        match &self.call.as_ref()?.stage {
            Stage::Dialling { leg } | Stage::Talking { leg, .. } => Some(leg),
            Stage::Invited { .. } | Stage::WaitingForPort => None,
        }
    }

    pub(crate) fn leg_mut(&mut self) -> Option<&mut Leg> {
        match &mut self.call.as_mut()?.stage {
            Stage::Dialling { leg } | Stage::Talking { leg, .. } => Some(leg),
            Stage::Invited { .. } | Stage::WaitingForPort => None,
        }
    }

    pub(crate) fn progress(&mut self) -> Option<&mut Progress> {
        match &mut self.call.as_mut()?.stage {
            Stage::Talking { progress, .. } => Some(progress),
            Stage::Dialling { .. } | Stage::Invited { .. } | Stage::WaitingForPort => None,
        }
    }
}
