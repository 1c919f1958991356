//! What one turn of the control loop brings forth: a frame for the journal, effects, and lines for the log.

use hotline_core::{Alarm, CallId, Frame, LegId, Refusal, RequestId};
use std::net::{IpAddr, SocketAddr};

/// Something to do, after the frame is written.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Wake somebody who can look.
    Alarm(Alarm),
    /// The drain is over.
    Drained,
    /// Tell a media worker.
    Media {
        /// Index of the worker.
        worker: u16,
        /// What.
        command: hotline_media::Command,
    },
    /// Answer a person's request.
    Reply(RequestId, Result<(), Refusal>),
    /// Send, connect or close. Never `Event` or `Keep`: those stay inside.
    Sip(hotline_sip::Output),
}

/// What the edge has to tell the log; the milestones of calls are told by their facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    /// An address is not listened to from now.
    Banned {
        /// Which; of IPv6 the first one of its /64.
        address: IpAddr,
        /// Why.
        reason: hotline_sip::BanReason,
        /// For how long, milliseconds.
        length_ms: u64,
    },
    /// A leg could not get a media port.
    NoMediaPort {
        /// Which.
        leg: LegId,
    },
    /// Audio stopped coming.
    MediaLost {
        /// Which leg.
        leg: LegId,
        /// Its call, if known.
        call: Option<CallId>,
    },
    /// Audio goes one way only, by the peer's own reports.
    OneWay {
        /// Which leg.
        leg: LegId,
        /// Its call, if known.
        call: Option<CallId>,
        /// The way that goes: from the peer to us.
        is_heard: bool,
    },
    /// What comes from a leg has been poor for a while.
    PoorAudio {
        /// Which leg.
        leg: LegId,
        /// Its call, if known.
        call: Option<CallId>,
        /// Mean opinion score, hundredths.
        mean_opinion: u16,
    },
    /// Strangers send to a leg's port.
    ForeignMedia {
        /// Which leg.
        leg: LegId,
    },
    /// A counsellor's phone came or went.
    Contact {
        /// Account.
        account: String,
        /// `reachable`, `unreachable` or `gone`.
        state: &'static str,
    },
    /// A counsellor's live phone went because another device registered in its place.
    ContactReplaced {
        /// Account.
        account: String,
        /// Where the phone was.
        replaced: IpAddr,
        /// Where the new one is.
        by: IpAddr,
    },
    /// A clip is missing in every language; a tone is played.
    PromptMissing {
        /// Name of the prompt.
        prompt: String,
    },
    /// A recording broke off.
    RecordingFailed {
        /// Which call.
        call: CallId,
        /// What the system said.
        error: String,
    },
    /// A request was refused or dropped without reaching a call.
    Refused {
        /// How.
        rejection: hotline_sip::Rejection,
        /// By whom.
        source: SocketAddr,
    },
    /// A carrier's state has changed.
    Trunk {
        /// Its name.
        trunk: String,
        /// How.
        state: hotline_sip::TrunkState,
    },
    /// An SDP could not be agreed on.
    SdpRefused {
        /// Which leg.
        leg: LegId,
        /// Why.
        error: String,
    },
}

/// All of one turn. Reused from turn to turn.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    /// For the journal; empty when nothing must be kept.
    pub frame: Frame,
    /// To be started after the frame is written, in this order.
    pub effects: Vec<Effect>,
    /// For the log.
    pub says: Vec<Say>,
}

impl Turn {
    /// Empties it for the next turn, keeping its memory.
    pub fn clear(&mut self) {
        self.frame.inputs.clear();
        self.frame.facts.clear();
        self.frame.edge.clear();
        self.effects.clear();
        self.says.clear();
    }

    /// Nothing in it is worth a frame.
    #[must_use]
    pub fn is_frame_empty(&self) -> bool {
        self.frame.inputs.is_empty() && self.frame.facts.is_empty() && self.frame.edge.is_empty()
    }
}
