//! The one table: leg -> dialog (the same number), media leg (the same number) and its worker.

use crate::Keys;
use hotline_core::{CallId, LegId, Mono};
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
    /// Where its legs live, from the answer on.
    pub(crate) worker: Option<u16>,
    /// Legs of counsellors and of people outside that have a port.
    pub(crate) parties: u16,
}

impl CallEntry {
    pub(crate) fn new(caller: LegId, label: String) -> Self {
        Self {
            caller,
            label,
            beside: None,
            worker: None,
            parties: 0,
        }
    }

    /// The worker on which a port is kept for this call: whoever is let in will need a second one, and must never
    /// wait for it.
    fn keeps(&self) -> Option<u16> {
        self.worker.filter(|_| self.parties == 0)
    }
}

/// Legs, calls, and the free media ports of each worker.
#[derive(Debug, Default)]
pub(crate) struct Legs {
    pub(crate) legs: BTreeMap<LegId, Leg>,
    pub(crate) calls: BTreeMap<CallId, CallEntry>,
    workers: Vec<WorkerPorts>,
}

#[derive(Debug, Default)]
struct WorkerPorts {
    /// At hand.
    free: Vec<u16>,
    in_use: usize,
    /// Of `free`, for parties of calls that have none.
    kept: usize,
    /// The worker binds so many more than usual.
    told: usize,
}

impl WorkerPorts {
    /// At hand and kept for nobody.
    fn room(&self) -> usize {
        self.free.len().saturating_sub(self.kept)
    }

    fn take(&mut self) -> Option<u16> {
        let port = self.free.pop()?;
        self.in_use += 1;
        Some(port)
    }
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

    /// A port for a caller who is let in, with another one kept for whoever will talk with them; None: no room. On the
    /// least loaded worker, or where the talk is for which the call asks advice.
    pub(crate) fn port_for_caller(&mut self, call: CallId) -> Option<(u16, u16)> {
        let beside = self.calls.get(&call)?.beside;
        let worker = match beside.and_then(|talk| self.calls.get(&talk)?.worker) {
            Some(worker) => worker,
            None => self.least_loaded()?,
        };
        let ports = self.workers.get_mut(usize::from(worker))?;
        if ports.room() < PORTS_OF_A_CALL {
            return None;
        }
        let port = ports.take()?;
        self.change(call, |entry| entry.worker = Some(worker));
        Some((worker, port))
    }

    fn least_loaded(&self) -> Option<u16> {
        let (index, _) = self
            .workers
            .iter()
            .enumerate()
            .filter(|(_, worker)| worker.room() >= PORTS_OF_A_CALL)
            .min_by_key(|(_, worker)| worker.in_use)?;
        u16::try_from(index).ok()
    }

    /// A port for a party of `call`: the one that is kept for it, or one more (a transfer, another phone) that nobody
    /// else is sure to need.
    pub(crate) fn port_for_party(&mut self, call: CallId) -> Option<(u16, u16)> {
        let entry = self.calls.get(&call)?;
        let (worker, is_kept) = (entry.worker?, entry.keeps().is_some());
        let ports = self.workers.get_mut(usize::from(worker))?;
        if !is_kept && ports.room() == 0 {
            return None;
        }
        let port = ports.take()?;
        self.change(call, |entry| {
            entry.parties = entry.parties.saturating_add(1);
        });
        Some((worker, port))
    }

    /// The leg of `call` has no port any more. The port itself is not free yet: the worker reports fresh ones.
    pub(crate) fn release(&mut self, leg: LegId, call: Option<CallId>, worker: u16) {
        if let Some(ports) = self.workers.get_mut(usize::from(worker)) {
            ports.in_use = ports.in_use.saturating_sub(1);
        }
        if let Some(call) = call {
            self.change(call, |entry| {
                if entry.caller != leg {
                    entry.parties = entry.parties.saturating_sub(1);
                }
            });
        }
    }

    /// The party's leg goes from the call for advice to the talk.
    pub(crate) fn pass_party(&mut self, leg: LegId, to: CallId) {
        let Some(entry) = self.legs.get_mut(&leg) else {
            return;
        };
        let from = entry.call.replace(to);
        if let Some(from) = from {
            self.change(from, |entry| {
                entry.parties = entry.parties.saturating_sub(1);
            });
        }
        self.change(to, |entry| {
            entry.parties = entry.parties.saturating_add(1);
        });
    }

    /// Nothing is kept for it any more.
    pub(crate) fn remove_call(&mut self, call: CallId) {
        self.change(call, |entry| entry.worker = None);
        self.calls.remove(&call);
    }

    /// Changes what is known of a call, and what is kept for it.
    fn change(&mut self, call: CallId, change: impl FnOnce(&mut CallEntry)) {
        let Some(entry) = self.calls.get_mut(&call) else {
            return;
        };
        let before = entry.keeps();
        change(entry);
        let after = entry.keeps();
        if before == after {
            return;
        }
        if let Some(ports) = before.and_then(|worker| self.workers.get_mut(usize::from(worker))) {
            ports.kept = ports.kept.saturating_sub(1);
        }
        if let Some(ports) = after.and_then(|worker| self.workers.get_mut(usize::from(worker))) {
            ports.kept += 1;
        }
    }

    /// Workers that must bind more or fewer ports ahead, and how many. In steps, so that they are seldom told.
    pub(crate) fn ports_to_keep(&mut self) -> Vec<(u16, u32)> {
        let mut news = Vec::new();
        for (worker, ports) in (0u16..).zip(&mut self.workers) {
            let wanted = ports.kept.next_multiple_of(KEPT_STEP);
            if wanted != ports.told {
                ports.told = wanted;
                news.push((worker, u32::try_from(wanted).unwrap_or(u32::MAX)));
            }
        }
        news
    }

    pub(crate) fn ports_at_hand(&self) -> usize {
        self.workers.iter().map(|worker| worker.free.len()).sum()
    }

    /// For new callers, who take two each.
    pub(crate) fn free_ports(&self) -> usize {
        let pairs = |worker: &WorkerPorts| worker.room() / PORTS_OF_A_CALL * PORTS_OF_A_CALL;
        self.workers.iter().map(pairs).sum()
    }
}

/// The caller's and the party's.
const PORTS_OF_A_CALL: usize = 2;
/// A worker hears of its reserve when it has changed by so much.
const KEPT_STEP: usize = 32;
