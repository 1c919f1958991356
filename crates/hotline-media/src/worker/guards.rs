//! The guards of a worker's browser legs, by slot; a leg without one costs a look into an empty place.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::browser::{BrowserPlan, Guard, Identity, Incoming};
use crate::output::Slot;
use crate::time::Mono;

pub(super) struct Guards {
    identity: Option<Arc<Identity>>,
    epoch: Instant,
    by_slot: Vec<Option<Box<Guard>>>,
}

impl Guards {
    pub(super) fn new(identity: Option<Arc<Identity>>, epoch: Instant) -> Self {
        Guards {
            identity,
            epoch,
            by_slot: Vec::new(),
        }
    }

    pub(super) fn has(&self, slot: Slot) -> bool {
        matches!(self.by_slot.get(slot), Some(Some(_)))
    }

    /// A guard keeps its keys across a new plan of the same leg.
    pub(super) fn set(&mut self, slot: Slot, plan: Option<BrowserPlan>) {
        if self.by_slot.len() <= slot {
            if plan.is_none() {
                return;
            }
            self.by_slot.resize_with(slot + 1, || None);
        }
        let place = &mut self.by_slot[slot];
        match (plan, place.as_mut(), &self.identity) {
            (Some(plan), Some(guard), _) => guard.replan(plan),
            (Some(plan), None, Some(identity)) => {
                *place = Some(Box::new(Guard::new(identity.clone(), plan)));
            }
            (Some(_), None, None) | (None, _, _) => *place = None,
        }
    }

    pub(super) fn receive(
        &mut self,
        now: Mono,
        slot: Slot,
        source: SocketAddr,
        datagram: &[u8],
        send: impl FnMut(&[u8], SocketAddr),
    ) -> Incoming {
        let now = self.epoch + Duration::from_micros(now.0);
        match self.by_slot.get_mut(slot) {
            Some(Some(guard)) => guard.receive(now, source, datagram, send),
            Some(None) | None => Incoming::Foreign,
        }
    }

    pub(super) fn protect(
        &mut self,
        slot: Slot,
        clear: &[u8],
        is_control: bool,
    ) -> Option<(bytes::Bytes, SocketAddr)> {
        self.by_slot
            .get_mut(slot)?
            .as_mut()?
            .protect(clear, is_control)
    }

    pub(super) fn all(&mut self) -> impl Iterator<Item = (Slot, &mut Guard)> {
        let places = self.by_slot.iter_mut().enumerate();
        places.filter_map(|(slot, guard)| Some((slot, guard.as_deref_mut()?)))
    }
}
