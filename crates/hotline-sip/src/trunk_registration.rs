//! Our own registration with a carrier: which address, with what login, and what its answers mean.

use crate::endpoint::{Endpoint, Turn};
use crate::registration::{Place, Registration};
use crate::transport::Hop;
use crate::{Event, Output, TrunkId, TrunkState};

impl Endpoint {
    /// Begins to register with a trunk that wants it.
    pub(crate) fn register_trunk(&mut self, turn: &mut Turn<'_>, trunk: TrunkId) {
        let Some(carrier) = self.config.trunks.get(usize::from(trunk)) else {
            return;
        };
        let (Some(expires_s), Some(login)) = (carrier.register_s, carrier.login()) else {
            return;
        };
        let (domain, call_id) = (carrier.domain(), self.random.token());
        let registration = Registration::new(
            login,
            (Place::Trunk(trunk), domain),
            expires_s.max(1),
            format!("{call_id}@{}", self.config.realm),
            self.random.token(),
        );
        self.registration_count += 1;
        let id = self.registration_count;
        self.registrations.insert(id, registration);
        self.refresh(turn, id);
    }

    /// Where the next REGISTER goes: the first address that is not down; after failures the others in turn. None
    /// as long as no name is known.
    pub(crate) fn registrar_hop(
        &mut self,
        turn: &mut Turn<'_>,
        trunk: TrunkId,
        failures: u32,
    ) -> Option<Hop> {
        let ways = self.trunk_ways(turn, trunk);
        let carrier = self.carriers.get(usize::from(trunk))?;
        let (mut sound, down): (Vec<_>, Vec<_>) =
            ways.into_iter().partition(|way| !carrier.is_down(*way));
        sound.extend(down);
        let at = usize::try_from(failures).ok()? % sound.len().max(1);
        let way = sound.get(at)?;
        self.hop_to(way.address, way.transport)
    }

    /// Tells what became of a REGISTER, when it is news.
    pub(crate) fn trunk_registered(
        &mut self,
        turn: &mut Turn<'_>,
        trunk: TrunkId,
        granted: Result<u32, u16>,
    ) {
        let Some(carrier) = self.carriers.get_mut(usize::from(trunk)) else {
            return;
        };
        let before = carrier.registered.replace(granted);
        // A refresh that goes well is no news.
        if matches!((before, granted), (Some(Ok(_)), Ok(_))) || before == Some(granted) {
            return;
        }
        let state = match granted {
            Ok(granted_s) => TrunkState::Registered(granted_s),
            Err(status) => TrunkState::Refused(status),
        };
        turn.out.push(Output::Event(Event::Trunk { trunk, state }));
    }
}
