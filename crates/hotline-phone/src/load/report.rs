//! The figures of a load run, and their text.

use super::distribution::Distribution;
use super::ear::Heard;
use std::collections::BTreeMap;
use std::fmt;

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// Calls that were begun.
    pub dialled: u64,
    /// Calls that were answered.
    pub answered: u64,
    /// Why the others were not: `refused 503`, `unreachable 0` ... and how many.
    pub failed: BTreeMap<String, u64>,
    /// Calls that the server ended without our asking and before a counsellor of ours did.
    pub ended_by_server: u64,
    /// Calls that fell silent (no ACK, transport lost).
    pub ended_by_silence: u64,
    /// Calls that were still there when the time was over.
    pub unfinished: u64,
    /// INVITEs and BYEs beyond the first of each call.
    pub retransmissions: u64,
    /// Counsellors that registered (and signed in, where asked).
    pub counsellors_ready: u64,
    /// Their calls.
    pub counsellor_calls: u64,
    /// Answered calls a second, from the first INVITE to the last answer.
    pub answered_per_s: f64,
    /// First INVITE to the last end of a call.
    pub total_us: u64,
    /// Counsellors' REGISTER to its 200, the challenge included.
    pub registration: Distribution,
    /// Caller's INVITE to its 200.
    pub set_up: Distribution,
    /// Caller's 200 to the first packet of audio.
    pub answer_to_audio: Distribution,
    /// First packet of the caller's last key to the INVITE at a counsellor who was free then.
    pub key_to_invite: Distribution,
    /// The same from the key's end, where the server waited for it.
    pub key_end_to_invite: Distribution,
    /// A counsellor becomes free while callers wait, to the next INVITE there, less the wrap-up.
    pub free_to_invite: Distribution,
    /// Counsellor's 200 to the first of their packets at the caller.
    pub counsellor_to_audio: Distribution,
    /// Counsellor's BYE to the BYE at the caller.
    pub bye_to_bye: Distribution,
    /// Audio, while the window was open.
    pub heard: Heard,
    /// Packets that we sent while the window was open.
    pub packets_sent: u64,
    /// Packets that the kernel did not take from us.
    pub packets_refused: u64,
    /// How late our own packets left: the load program is at its limit when this grows.
    pub own_lateness: Distribution,
    /// How long the window was open.
    pub window_us: u64,
}

impl LoadReport {
    /// Calls that failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum::<u64>() + self.ended_by_silence + self.unfinished
    }

    /// Share of relayed packets that were lost, of 1.
    #[must_use]
    pub fn relay_loss(&self) -> f64 {
        let all = self.heard.relayed + self.heard.relayed_lost;
        if all == 0 {
            0.0
        } else {
            self.heard.relayed_lost as f64 / all as f64
        }
    }
}

/// One `name = value` a line.
impl fmt::Display for LoadReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heard = &self.heard;
        let counts = [
            ("dialled", self.dialled),
            ("answered", self.answered),
            ("failures", self.failures()),
            ("ended_by_server", self.ended_by_server),
            ("ended_by_silence", self.ended_by_silence),
            ("unfinished", self.unfinished),
            ("retransmissions", self.retransmissions),
            ("counsellors_ready", self.counsellors_ready),
            ("counsellor_calls", self.counsellor_calls),
            ("total_ms", self.total_us / 1_000),
            ("window_ms", self.window_us / 1_000),
            ("packets_sent", self.packets_sent),
            ("packets_refused", self.packets_refused),
            ("relayed", heard.relayed),
            ("relayed_lost", heard.relayed_lost),
            ("relayed_disordered", heard.relayed_disordered),
            ("server_made", heard.made),
            ("server_made_lost", heard.made_lost),
            ("malformed", heard.malformed),
        ];
        for (name, value) in counts {
            writeln!(out, "{name} = {value}")?;
        }
        writeln!(out, "answered_per_s = {:.1}", self.answered_per_s)?;
        for (cause, count) in &self.failed {
            writeln!(out, "failed {cause} = {count}")?;
        }
        let distributions = [
            ("registration", &self.registration),
            ("set_up", &self.set_up),
            ("answer_to_audio", &self.answer_to_audio),
            ("key_to_invite", &self.key_to_invite),
            ("key_end_to_invite", &self.key_end_to_invite),
            ("free_to_invite", &self.free_to_invite),
            ("counsellor_to_audio", &self.counsellor_to_audio),
            ("bye_to_bye", &self.bye_to_bye),
            ("relay_latency", &heard.relay_latency),
            ("relay_jitter", &heard.relay_jitter),
            ("pacing_error", &heard.pacing_error),
            ("own_lateness", &self.own_lateness),
        ];
        for (name, distribution) in distributions.into_iter().filter(|(_, one)| one.count() > 0) {
            writeln!(out, "{name} = {distribution}")?;
        }
        Ok(())
    }
}
