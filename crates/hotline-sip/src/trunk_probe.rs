//! Whether a trunk is there: OPTIONS to each of its addresses, and what their answers and silences mean.
//!
//! ```text
//!              answer                     silence, ICMP, 408, 503
//!   up ◄──────────────────── down     up ──────────────────────► doubted
//!                                     doubted: again after 1 s; `probe_failures_max` in a row ─► down
//! ```
//! With the usual settings (every 10 s, 4 s for an answer, 3 in a row) a trunk that falls silent is down after
//! 25 s at the latest.

use crate::endpoint::{Endpoint, Turn};
use crate::message::{Message, Writer};
use crate::resolve::Way;
use crate::timer::{Alarm, TimerId};
use crate::transaction::{Owner, TransactionId};
use crate::trunk_limit::Meter;
use crate::{CarrierHost, Event, Output, TrunkId, TrunkState};
use std::collections::BTreeMap;

/// What is known of one trunk; index = [`TrunkId`].
#[derive(Debug, Default)]
pub(crate) struct Carrier {
    lines: BTreeMap<Way, Line>,
    /// What the application was told last.
    told_up: Option<bool>,
    /// The last word on our REGISTER; None before the first.
    pub(crate) registered: Option<Result<u32, u16>>,
    /// Calls of this second, in and out.
    pub(crate) meter_in: Meter,
    pub(crate) meter_out: Meter,
    /// Calls that met a limit.
    pub(crate) limited: u64,
}

/// One address of a trunk.
#[derive(Debug, Default)]
struct Line {
    is_up: Option<bool>,
    failures: u32,
    probe: Option<TransactionId>,
    timer: Option<TimerId>,
}

impl Carrier {
    /// Whether an address is known to be dead.
    pub(crate) fn is_down(&self, way: Way) -> bool {
        self.lines
            .get(&way)
            .is_some_and(|line| line.is_up == Some(false))
    }

    /// The addresses now, with the last word of each.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (Way, Option<bool>)> {
        self.lines.iter().map(|(way, line)| (*way, line.is_up))
    }

    /// Probes that wait for their answer.
    pub(crate) fn probes(&self) -> usize {
        let lines = self.lines.values();
        lines.filter(|line| line.probe.is_some()).count()
    }

    /// Up when one address is, down when all are, unknown else.
    pub(crate) fn is_up(&self) -> Option<bool> {
        if self.lines.values().any(|line| line.is_up == Some(true)) {
            return Some(true);
        }
        let is_down =
            !self.lines.is_empty() && self.lines.values().all(|line| line.is_up == Some(false));
        is_down.then_some(false)
    }
}

impl Endpoint {
    /// The first thing that an endpoint does: names are asked for, trunks probed and registered with.
    pub(crate) fn start_trunks(&mut self, turn: &mut Turn<'_>) {
        for trunk in self.trunk_ids() {
            self.renew_trunk(turn, trunk);
            self.register_trunk(turn, trunk);
        }
    }

    /// A name has another answer: addresses come and go.
    pub(crate) fn names_changed(&mut self, turn: &mut Turn<'_>) {
        for trunk in self.trunk_ids() {
            self.renew_trunk(turn, trunk);
        }
    }

    fn trunk_ids(&self) -> std::ops::Range<TrunkId> {
        0..TrunkId::try_from(self.config.trunks.len()).unwrap_or(TrunkId::MAX)
    }

    /// Every way to a trunk that is known now, in order.
    pub(crate) fn trunk_ways(&mut self, turn: &mut Turn<'_>, trunk: TrunkId) -> Vec<Way> {
        let places = self.trunk_places(turn, trunk);
        places.into_iter().map(|(way, _)| way).collect()
    }

    /// The same, each with the host of the configuration that led to it.
    fn trunk_places(&mut self, turn: &mut Turn<'_>, trunk: TrunkId) -> Vec<(Way, String)> {
        let hosts = match self.config.trunks.get(usize::from(trunk)) {
            Some(trunk) => trunk.hosts.clone(),
            None => return Vec::new(),
        };
        let mut places: Vec<(Way, String)> = Vec::new();
        for host in &hosts {
            for way in self.ways_to(turn, host) {
                if places.iter().all(|(known, _)| *known != way) {
                    places.push((way, host.host.clone()));
                }
            }
        }
        places
    }

    fn renew_trunk(&mut self, turn: &mut Turn<'_>, trunk: TrunkId) {
        let places = self.trunk_places(turn, trunk);
        let probe_ms = match self.config.trunks.get(usize::from(trunk)) {
            Some(trunk) => trunk.probe_ms,
            None => return,
        };
        let Some(carrier) = self.carriers.get_mut(usize::from(trunk)) else {
            return;
        };
        // While the name server is away its last answers stand; none at all is the very beginning.
        if places.is_empty() {
            return;
        }
        let gone: Vec<Way> = carrier
            .lines
            .keys()
            .filter(|way| places.iter().all(|(known, _)| known != *way))
            .copied()
            .collect();
        let mut dropped = Vec::new();
        for way in gone {
            self.streams.carrier_left(way.transport, way.address, trunk);
            if let Some(line) = carrier.lines.remove(&way) {
                if let Some(timer) = line.timer {
                    self.timers.cancel(timer);
                }
                dropped.extend(line.probe);
            }
        }
        for (way, host) in places {
            let there = CarrierHost { trunk, host };
            self.streams
                .carrier_is_at(way.transport, way.address, there);
            if carrier.lines.contains_key(&way) {
                continue;
            }
            let mut line = Line::default();
            if probe_ms > 0 {
                // Not all at once: a start with many trunks must not look like a burst.
                let wait_ms = self.random.below(PROBE_SPREAD_MS);
                let alarm = Alarm::TrunkProbe(trunk, way);
                line.timer = Some(self.timers.arm(turn.now.mono, wait_ms, alarm));
            }
            carrier.lines.insert(way, line);
        }
        for transaction in dropped {
            self.drop_transaction(transaction);
        }
        self.tell_trunk(turn, trunk);
    }

    /// Time for a probe, or for its answer to be there.
    pub(crate) fn trunk_probe_due(&mut self, turn: &mut Turn<'_>, trunk: TrunkId, way: Way) {
        let Some(line) = self.line(trunk, way) else {
            return;
        };
        line.timer = None;
        if let Some(unanswered) = line.probe.take() {
            self.drop_transaction(unanswered);
            return self.trunk_failed(turn, trunk, way);
        }
        let Some(hop) = self.hop_to(way.address, way.transport) else {
            return; // No listener of this kind: `check` has said so.
        };
        let alarm = Alarm::TrunkProbe(trunk, way);
        let timer = self.timers.arm(turn.now.mono, PROBE_ANSWER_MS, alarm);
        let branch = self.branch();
        let domain = self
            .config
            .trunks
            .get(usize::from(trunk))
            .map(crate::Trunk::domain)
            .unwrap_or_default();
        let user = &self.config.realm;
        let mut options = Writer::request("OPTIONS", &format!("sip:{domain}"));
        options
            .header("Via", &self.via(hop, &branch))
            .header("Max-Forwards", "70");
        let tag = self.random.token();
        let call_id = self.random.token();
        options
            .header("From", &format!("<sip:{user}>;tag={tag}"))
            .header("To", &format!("<sip:{domain}>"))
            .header("Call-ID", &format!("{call_id}@{user}"))
            .header("CSeq", "1 OPTIONS")
            .header("Contact", &self.contact(hop, ""))
            .header("Accept", "application/sdp")
            .header("User-Agent", &self.config.product);
        let owner = Owner::TrunkProbe(trunk, way);
        if let Some(line) = self.line(trunk, way) {
            line.timer = Some(timer);
        }
        let bytes = options.finish(None);
        let probe = self.start_client(turn, hop, (&branch, "OPTIONS"), bytes, owner);
        if let Some(line) = self.line(trunk, way) {
            line.probe = Some(probe);
        }
    }

    /// What came of a probe: whoever answers at all is there, but for 408 and 503.
    pub(crate) fn trunk_probed(
        &mut self,
        turn: &mut Turn<'_>,
        (trunk, way): (TrunkId, Way),
        response: Option<&Message>,
    ) {
        let status = response.and_then(Message::status);
        if status.is_some_and(|status| status < 200) {
            return;
        }
        let Some(line) = self.line(trunk, way) else {
            return;
        };
        line.probe = None;
        if let Some(timer) = line.timer.take() {
            self.timers.cancel(timer);
        }
        if matches!(status, None | Some(408 | 503)) {
            return self.trunk_failed(turn, trunk, way);
        }
        if let Some(line) = self.line(trunk, way) {
            line.is_up = Some(true);
            line.failures = 0;
        }
        self.probe_later(turn, trunk, way, false);
        self.tell_trunk(turn, trunk);
    }

    fn trunk_failed(&mut self, turn: &mut Turn<'_>, trunk: TrunkId, way: Way) {
        let failures_max = match self.config.trunks.get(usize::from(trunk)) {
            Some(trunk) => trunk.probe_failures_max.max(1),
            None => return,
        };
        let Some(line) = self.line(trunk, way) else {
            return;
        };
        line.failures = line.failures.saturating_add(1);
        let is_dead = line.failures >= failures_max;
        if is_dead {
            line.is_up = Some(false);
        }
        self.probe_later(turn, trunk, way, !is_dead);
        self.tell_trunk(turn, trunk);
    }

    fn probe_later(&mut self, turn: &mut Turn<'_>, trunk: TrunkId, way: Way, is_doubted: bool) {
        let probe_ms = match self.config.trunks.get(usize::from(trunk)) {
            Some(trunk) => trunk.probe_ms,
            None => return,
        };
        let wait_ms = if is_doubted {
            PROBE_AGAIN_MS.min(probe_ms)
        } else {
            probe_ms
        };
        let alarm = Alarm::TrunkProbe(trunk, way);
        let timer = self.timers.arm(turn.now.mono, wait_ms, alarm);
        if let Some(line) = self.line(trunk, way) {
            line.timer = Some(timer);
        }
    }

    fn line(&mut self, trunk: TrunkId, way: Way) -> Option<&mut Line> {
        self.carriers
            .get_mut(usize::from(trunk))?
            .lines
            .get_mut(&way)
    }

    fn tell_trunk(&mut self, turn: &mut Turn<'_>, trunk: TrunkId) {
        let Some(carrier) = self.carriers.get_mut(usize::from(trunk)) else {
            return;
        };
        let is_up = carrier.is_up();
        if is_up == carrier.told_up || is_up.is_none() {
            return;
        }
        carrier.told_up = is_up;
        let state = if is_up == Some(true) {
            TrunkState::Up
        } else {
            TrunkState::Down
        };
        turn.out.push(Output::Event(Event::Trunk { trunk, state }));
    }
}

/// An answer to a probe must come within this time.
const PROBE_ANSWER_MS: u64 = 4_000;
/// After a probe that failed the next one follows so soon.
const PROBE_AGAIN_MS: u64 = 1_000;
const PROBE_SPREAD_MS: u64 = 500;
