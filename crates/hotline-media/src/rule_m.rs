//! Rule M: whose audio a leg takes, and to whom it sends (against RTP bleed and injection).
//!
//! ```text
//!              exact SDP address, or the source of before a re-INVITE that did not move it
//!   Unlocked ──────────────────────────────────────────────────────────► Locked(address, port, SSRC)
//!      │  ▲                                                               ▲   │ exact SDP address within
//!      │  └─ gap, other SSRC                                              │   ▼ the window replaces a learned one
//!      └─ same IP as c= or signalling, ≤ 5 s ─► probation, nothing passes ┘
//! ```
//!
//! - Until the first valid packet we send only to the SDP address.
//! - Another source is taken only from the IP of the c= line or of the signalling.
//! - It is learned once per negotiated session, within 5 s and not on hold, and locked by address, port and SSRC.
//! - After the lock everything else is dropped and counted, but for keys: telephone events of another SSRC from the
//!   very address and port of the lock are taken at once. Some senders press keys with an SSRC of their own.
//!
//! - While the locked source is silent, its own stream (SSRC and sequence go on) may come out of another port of the
//!   same host: a NAT has forgotten the flow. It stands a probation of five packets.
//!
//! The race before the lock is decided so: a packet from the exact SDP address locks at once. Any other candidate
//! stands a probation in which nothing of it is heard and nothing is sent to it; the real sender, who sends within
//! that time, ends it. Behind a NAT (c= is not where the signalling comes from) the exact address can never speak
//! and the probation is short.

use std::net::{IpAddr, SocketAddr};

use crate::packet::View;
use crate::time::Mono;

/// Sources of one leg.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    remote: Option<SocketAddr>,
    signalling: Option<IpAddr>,
    learn_until: Mono,
    state: State,
    /// Where the audio came from before the last re-INVITE.
    previous: Option<SocketAddr>,
    /// Whether we go on sending there meanwhile: the re-INVITE did not move the SDP address.
    is_target_kept: bool,
    /// The peer is on hold and need not speak.
    is_held: bool,
    flood: Flood,
}

#[derive(Clone, Debug)]
enum State {
    Locked {
        source: SocketAddr,
        ssrc: u32,
        /// Of the last packet taken.
        sequence: u16,
        last_at: Mono,
        is_learned: bool,
        /// Who may take over while the locked source is silent: a new SSRC of its address and port, or its own
        /// stream out of another port of its host.
        heir: Option<Candidate>,
    },
    Unlocked {
        candidate: Option<Candidate>,
    },
}

/// A source under probation.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    source: SocketAddr,
    ssrc: u32,
    first_at: Mono,
    last_at: Mono,
    sequence: u16,
    packets: u32,
}

/// What a packet carries, as far as the lock cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Of an agreed format.
    Audio,
    /// A key, as agreed.
    Event,
    /// Of a format that was not agreed: it never locks.
    Unknown,
}

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the peer's.
    Accept,
    /// Too early to say: not heard, not counted as foreign.
    Wait,
    /// A stranger's.
    Foreign,
}

impl Gate {
    /// For a plan's addresses, negotiated `now`.
    pub(crate) fn new(now: Mono, remote: Option<SocketAddr>, signalling: Option<IpAddr>) -> Self {
        Gate {
            remote,
            signalling,
            learn_until: Mono(now.0 + LEARN_MICROSECONDS),
            state: State::Unlocked { candidate: None },
            previous: None,
            is_target_kept: false,
            is_held: false,
            flood: Flood::default(),
        }
    }

    /// A new offer and answer: unlocks once.
    pub(crate) fn renegotiate(
        &mut self,
        now: Mono,
        remote: Option<SocketAddr>,
        signalling: Option<IpAddr>,
    ) {
        if let State::Locked { source, .. } = self.state {
            self.previous = Some(source);
        }
        self.is_target_kept = self.previous.is_some() && remote == self.remote;
        self.remote = remote;
        self.signalling = signalling;
        self.learn_until = Mono(now.0 + LEARN_MICROSECONDS);
        self.state = State::Unlocked { candidate: None };
    }

    /// On hold a peer need not speak, so that a stranger on its host would stand the probation against nobody and get
    /// the first words after it: nobody new is learned then.
    pub(crate) fn hold(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    /// Where to send.
    pub(crate) fn target(&self) -> Option<SocketAddr> {
        match self.state {
            State::Locked { source, .. } => Some(source),
            State::Unlocked { .. } if self.is_target_kept => self.previous,
            State::Unlocked { .. } => self.remote,
        }
    }

    /// Whether RTCP from here concerns this leg: only the host that we send to may report on it.
    pub(crate) fn admits_control(&self, source: SocketAddr) -> bool {
        self.target()
            .is_some_and(|target| target.ip() == source.ip())
    }

    /// SSRC of the locked source.
    pub(crate) fn ssrc(&self) -> Option<u32> {
        match self.state {
            State::Locked { ssrc, .. } => Some(ssrc),
            State::Unlocked { .. } => None,
        }
    }

    /// Judges a well-formed packet.
    pub(crate) fn judge(
        &mut self,
        now: Mono,
        source: SocketAddr,
        view: &View,
        load: Load,
    ) -> Verdict {
        let is_agreed = load != Load::Unknown;
        let is_exact = self.remote == Some(source);
        let is_learnable = is_agreed && now <= self.learn_until && !self.is_held;
        match &mut self.state {
            State::Locked {
                source: locked,
                ssrc,
                sequence,
                last_at,
                is_learned,
                heir,
            } => {
                if *locked == source && *ssrc == view.ssrc {
                    *sequence = view.sequence;
                    *last_at = now;
                    *heir = None;
                    return Verdict::Accept;
                }
                if *locked == source && load == Load::Event {
                    return Verdict::Accept;
                }
                let silent = now.0.saturating_sub(last_at.0);
                // Gateways change the SSRC in mid-call without a word when their far side changes. The old one must
                // have fallen silent first, so that a guessed SSRC never gets in beside a speaker.
                let is_other_stream = *locked == source && silent >= SSRC_SILENT_MICROSECONDS;
                // A NAT that has forgotten the flow gives it another port. The stream proves itself by going on: its
                // 32 bits of SSRC and its place in the sequence are known to nobody who does not hear it.
                let step = view.sequence.wrapping_sub(*sequence);
                let is_other_port = locked.ip() == source.ip()
                    && *ssrc == view.ssrc
                    && (1..=RESUMED_STEP_MAX).contains(&step)
                    && silent >= PORT_SILENT_MICROSECONDS;
                if is_agreed && (is_other_stream || is_other_port) {
                    let candidate = Candidate::follow(*heir, now, source, view);
                    *heir = Some(candidate);
                    if candidate.packets < HEIR_PACKETS {
                        return Verdict::Wait;
                    }
                    let is_learned = *is_learned;
                    self.lock(now, source, view, is_learned);
                    return Verdict::Accept;
                }
                if *is_learned && is_exact && is_learnable {
                    self.lock(now, source, view, false);
                    return Verdict::Accept;
                }
                Verdict::Foreign
            }
            State::Unlocked { candidate } => {
                let Some(remote) = self.remote else {
                    return Verdict::Wait;
                };
                let is_host = source.ip() == remote.ip() || self.signalling == Some(source.ip());
                let is_known = self.previous == Some(source);
                if is_agreed && (is_exact || (is_host && is_known && self.is_target_kept)) {
                    self.lock(now, source, view, !is_exact);
                    return Verdict::Accept;
                }
                if !is_host || !is_learnable {
                    return Verdict::Foreign;
                }
                if candidate.is_some_and(|rival| rival.source != source && rival.is_alive(now)) {
                    return Verdict::Foreign;
                }
                let followed = Candidate::follow(*candidate, now, source, view);
                *candidate = Some(followed);
                // Where the SDP address has moved, the old source's last packets must not win against the new one.
                let is_behind_nat = remote.ip() != source.ip() && !is_known;
                let probation = if is_behind_nat {
                    PROBATION_NAT_MICROSECONDS
                } else {
                    PROBATION_MICROSECONDS
                };
                let has_passed = followed.packets >= PROBATION_PACKETS
                    && now.0.saturating_sub(followed.first_at.0) >= probation;
                if !has_passed {
                    return Verdict::Wait;
                }
                self.lock(now, source, view, true);
                Verdict::Accept
            }
        }
    }

    /// Whether the peer may well be there: its SDP address, its signalling's host, or where it was last.
    pub(crate) fn expects(&self, source: SocketAddr) -> bool {
        self.remote.is_some_and(|remote| remote.ip() == source.ip())
            || self.signalling == Some(source.ip())
            || self.target() == Some(source)
    }

    /// Something of a stranger was dropped; true for the 51st within a second, which is worth an alarm.
    pub(crate) fn count_stranger(&mut self, now: Mono) -> bool {
        self.flood.count(now)
    }

    /// Judges a packet that its keys prove (rule M.2b and M.3): it is the peer's wherever it comes from. We follow
    /// it to a new address when nothing comes from the old one any more: who copies packets on their way and sends
    /// the copies from elsewhere comes second, and the first one still speaks.
    pub(crate) fn judge_proven(
        &mut self,
        now: Mono,
        source: SocketAddr,
        view: &View,
        load: Load,
    ) -> Verdict {
        let is_learned = self.remote != Some(source);
        match &mut self.state {
            State::Locked {
                source: locked,
                last_at,
                ..
            } => {
                let is_silent = now.0.saturating_sub(last_at.0) >= PROVEN_SILENT_MICROSECONDS;
                if *locked != source && !is_silent {
                    return Verdict::Accept;
                }
                match load {
                    Load::Audio => self.lock(now, source, view, is_learned),
                    Load::Event => *last_at = now,
                    Load::Unknown => {}
                }
            }
            State::Unlocked { .. } => match load {
                Load::Audio => self.lock(now, source, view, is_learned),
                Load::Event | Load::Unknown => {}
            },
        }
        Verdict::Accept
    }

    fn lock(&mut self, now: Mono, source: SocketAddr, view: &View, is_learned: bool) {
        self.previous = Some(source);
        self.state = State::Locked {
            source,
            ssrc: view.ssrc,
            sequence: view.sequence,
            last_at: now,
            is_learned,
            heir: None,
        };
    }
}

impl Candidate {
    /// The candidate after one more packet; a gap, another source or SSRC begins anew.
    fn follow(known: Option<Candidate>, now: Mono, source: SocketAddr, view: &View) -> Candidate {
        if let Some(known) = known {
            let step = view.sequence.wrapping_sub(known.sequence);
            let is_same = known.source == source && known.ssrc == view.ssrc && known.is_alive(now);
            if is_same && (1..=SEQUENCE_STEP_MAX).contains(&step) {
                return Candidate {
                    last_at: now,
                    sequence: view.sequence,
                    packets: known.packets + 1,
                    ..known
                };
            }
            if is_same {
                // Late or twice: neither helps nor harms.
                return Candidate {
                    last_at: now,
                    ..known
                };
            }
        }
        Candidate {
            source,
            ssrc: view.ssrc,
            first_at: now,
            last_at: now,
            sequence: view.sequence,
            packets: 1,
        }
    }

    fn is_alive(&self, now: Mono) -> bool {
        now.0.saturating_sub(self.last_at.0) <= CANDIDATE_GAP_MICROSECONDS
    }
}

/// Counts strangers within a second.
#[derive(Clone, Copy, Debug, Default)]
struct Flood {
    second_began_at: Mono,
    packets: u32,
    quiet_until: Mono,
}

impl Flood {
    fn count(&mut self, now: Mono) -> bool {
        if now.0.saturating_sub(self.second_began_at.0) >= SECOND_MICROSECONDS {
            *self = Flood {
                second_began_at: now,
                packets: 0,
                quiet_until: self.quiet_until,
            };
        }
        self.packets = self.packets.saturating_add(1);
        let is_flood = self.packets > FLOOD_PACKETS && now >= self.quiet_until;
        if is_flood {
            self.quiet_until = Mono(now.0 + FLOOD_QUIET_MICROSECONDS);
        }
        is_flood
    }
}

const SECOND_MICROSECONDS: u64 = 1_000_000;
/// Rule M.3.
const LEARN_MICROSECONDS: u64 = 5_000_000;
/// A phone sends its first packet within some 100 ms of the answer.
const PROBATION_MICROSECONDS: u64 = 600_000;
/// The exact address cannot come; only the length of a scan's burst has to be outlasted.
const PROBATION_NAT_MICROSECONDS: u64 = 160_000;
const PROBATION_PACKETS: u32 = 8;
const CANDIDATE_GAP_MICROSECONDS: u64 = 200_000;
const SEQUENCE_STEP_MAX: u16 = 10;
const SSRC_SILENT_MICROSECONDS: u64 = 500_000;
const HEIR_PACKETS: u32 = 5;
/// A sender that still uses its old port sends there every 20 ms, some gateways every 60.
const PORT_SILENT_MICROSECONDS: u64 = 200_000;
/// A minute of packets: so long may a NAT swallow them before it opens a new port.
const RESUMED_STEP_MAX: u16 = 3_000;
/// Ten packets: no jitter, but a NAT that has changed its mind.
const PROVEN_SILENT_MICROSECONDS: u64 = 200_000;
/// Rule M.4.
const FLOOD_PACKETS: u32 = 50;
/// One alarm in ten seconds is enough.
const FLOOD_QUIET_MICROSECONDS: u64 = 10 * SECOND_MICROSECONDS;

#[cfg(test)]
mod tests;
