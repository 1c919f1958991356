//! The one table: leg -> dialog (the same number), media leg (the same number) and its worker.

use crate::Keys;
use hotline_core::{AgentId, CallId, LegId, Mono};
use hotline_media::LegPlan;
use hotline_media::sdp::{Local, RANDOM_BYTES, Security};
use hotline_sip::MediaKind;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// What signalling knows of a leg.
#[derive(Debug)]
pub(crate) enum LegState {
    /// Came in, not answered.
    Invited { offer: Offer, source: IpAddr },
    /// Answered with our offer, because it came without one; the answer comes with the acknowledgement.
    Offered,
    /// Our counsellor's phone is being rung.
    Ringing,
    /// Answered.
    Up,
}

/// Who offers audio in a call that comes in, and what.
#[derive(Clone, Debug)]
pub(crate) enum Offer {
    /// The peer did, in its INVITE.
    Theirs(Vec<u8>),
    /// We shall, and how the peer signals leaves us this.
    Ours(MediaKind),
    /// Nobody can: what we might offer would be a downgrade.
    None,
}

/// One leg.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) state: LegState,
    pub(crate) call: Option<CallId>,
    /// Worker and port, once media is open.
    pub(crate) media: Option<(u16, u16)>,
    /// The address that our SDP names.
    pub(crate) advertise: IpAddr,
    /// What we want of its protection.
    pub(crate) security: Security,
    /// Where its keys are listened for.
    pub(crate) keys: Keys,
    /// Its port has ICE and DTLS before it.
    pub(crate) is_guarded: bool,
    /// Its peer is a browser.
    pub(crate) is_browser: bool,
    /// What a ringing phone may answer: it tells which kind it was.
    pub(crate) offers: Vec<(MediaKind, Security, Vec<u8>)>,
    /// Our last SDP and its version (RFC 3264 §8).
    pub(crate) local_sdp: Vec<u8>,
    pub(crate) sdp_version: u64,
    pub(crate) plan: Option<LegPlan>,
    /// Our offer stands in the answer to a re-INVITE; the peer's answer comes with the ACK.
    pub(crate) is_reoffered: bool,
    /// The peer has us on hold (RFC 3264 §8.4), and core knows it.
    pub(crate) is_held: bool,
    /// Presses whose other half may still come, so that RFC 4733 and INFO of one press count once.
    pub(crate) presses: VecDeque<(char, DigitPath, Mono)>,
}

/// How a digit came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DigitPath {
    Info,
    Media,
}

/// The other path brings the same press within this time: timer F of an INFO that is lost again and again. Who uses
/// one path only never waits for the other half of a press.
const SAME_PRESS_MS: u64 = 32_000;
/// Presses remembered; nobody presses more in that time.
const PRESSES_MAX: usize = 32;

/// The address that SDP names to whoever is reached by a listener that tells `listener`: the one that was `told` for
/// all of its family, else the listener's.
#[must_use]
pub fn audio_address(told: Option<IpAddr>, listener: IpAddr) -> IpAddr {
    told.filter(|told| told.is_ipv4() == listener.is_ipv4())
        .unwrap_or(listener)
}

impl Leg {
    pub(crate) fn new(state: LegState, advertise: IpAddr, security: Security) -> Self {
        Self {
            state,
            call: None,
            media: None,
            advertise,
            security,
            keys: Keys::default(),
            is_guarded: false,
            is_browser: false,
            offers: Vec::new(),
            local_sdp: Vec::new(),
            sdp_version: 0,
            plan: None,
            is_reoffered: false,
            is_held: false,
            presses: VecDeque::new(),
        }
    }

    /// Our side of the next offer or answer on `port`.
    pub(crate) fn local<'a>(
        &'a self,
        leg: LegId,
        port: u16,
        signalling: Option<IpAddr>,
        random: &'a [u8; RANDOM_BYTES],
    ) -> Local<'a> {
        Local {
            version: self.sdp_version,
            previous: &self.local_sdp,
            signalling,
            security: self.security,
            before: self.plan.as_ref(),
            ..Local::first((self.advertise, port), leg.0, random)
        }
    }

    /// The phone that answers first was offered this kind; the others' offers are void.
    pub(crate) fn take_offer(&mut self, kind: MediaKind) {
        let offers = std::mem::take(&mut self.offers);
        self.is_browser = kind == MediaKind::Browser;
        if let Some((_, security, offer)) = offers.into_iter().find(|(known, ..)| *known == kind) {
            self.security = security;
            self.described(offer);
        }
    }

    /// A description of ours has left; the same one again is no new version (RFC 3264 §8).
    pub(crate) fn described(&mut self, sdp: Vec<u8>) {
        if sdp != self.local_sdp {
            self.sdp_version += 1;
            self.local_sdp = sdp;
        }
    }

    /// False when this press has been counted already by the other path. A press that found its other half is done:
    /// the same key again is a press of its own.
    pub(crate) fn is_new_press(&mut self, digit: char, path: DigitPath, now: Mono) -> bool {
        self.presses
            .retain(|(_, _, at)| now.millis_since(*at) < SAME_PRESS_MS);
        let other_half = self
            .presses
            .iter()
            .position(|(known, known_path, _)| *known == digit && *known_path != path);
        match other_half {
            Some(at) => {
                self.presses.remove(at);
                false
            }
            None => {
                if self.presses.len() == PRESSES_MAX {
                    self.presses.pop_front();
                }
                self.presses.push_back((digit, path, now));
                true
            }
        }
    }
}

/// What the edge must know of a call.
#[derive(Debug)]
pub(crate) struct CallEntry {
    pub(crate) caller: LegId,
    /// Shown by the counsellor's phone: the service or queue, never the number.
    pub(crate) label: String,
    /// The talk for which this call asks advice: its legs live on the same worker, because they may be joined.
    pub(crate) beside: Option<CallId>,
}

/// Legs, calls, and the free media ports of each worker.
#[derive(Debug, Default)]
pub(crate) struct Legs {
    pub(crate) legs: BTreeMap<LegId, Leg>,
    pub(crate) calls: BTreeMap<CallId, CallEntry>,
    /// Counsellors to be rung as soon as there is a media port. Each belongs to a call, so calls bound it.
    pub(crate) rings_waiting: Vec<(LegId, AgentId, CallId)>,
    workers: Vec<WorkerPorts>,
}

#[derive(Debug, Default)]
struct WorkerPorts {
    free: Vec<u16>,
    in_use: usize,
}

impl Legs {
    pub(crate) fn new(workers: u16) -> Self {
        Self {
            workers: (0..workers).map(|_| WorkerPorts::default()).collect(),
            ..Self::default()
        }
    }

    pub(crate) fn add_ports(&mut self, worker: u16, ports: &[u16]) {
        if let Some(entry) = self.workers.get_mut(usize::from(worker)) {
            entry.free.extend_from_slice(ports);
        }
    }

    /// A port for a leg of `call`: of the worker that carries the caller, or of the least loaded one.
    pub(crate) fn take_port(&mut self, call: Option<CallId>) -> Option<(u16, u16)> {
        let of_call = call.and_then(|call| self.worker_of(call));
        let worker = match of_call {
            Some(worker) => worker,
            None => {
                let (index, _) = self
                    .workers
                    .iter()
                    .enumerate()
                    .filter(|(_, worker)| !worker.free.is_empty())
                    .min_by_key(|(_, worker)| worker.in_use)?;
                u16::try_from(index).ok()?
            }
        };
        let entry = self.workers.get_mut(usize::from(worker))?;
        let port = entry.free.pop()?;
        entry.in_use += 1;
        Some((worker, port))
    }

    /// The worker on which the caller of this call is, or of the talk for which it asks advice.
    fn worker_of(&self, call: CallId) -> Option<u16> {
        let of = |entry: &CallEntry| self.legs.get(&entry.caller)?.media;
        let entry = self.calls.get(&call)?;
        let beside = entry.beside.and_then(|talk| self.calls.get(&talk));
        let media = of(entry).or_else(|| of(beside?))?;
        Some(media.0)
    }

    /// The worker's leg is closed; its port is not free yet (the worker reports fresh ones).
    pub(crate) fn release(&mut self, worker: u16) {
        if let Some(entry) = self.workers.get_mut(usize::from(worker)) {
            entry.in_use = entry.in_use.saturating_sub(1);
        }
    }

    pub(crate) fn free_ports(&self) -> usize {
        self.workers.iter().map(|worker| worker.free.len()).sum()
    }
}
