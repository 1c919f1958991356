//! Places for connections: so many in all, so many for one source, and some that only carriers get.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections at once: more browsers and phones than any centre has.
const CONNECTIONS_MAX: usize = 4_096;
/// Of those, kept for the carriers.
const RESERVED: usize = 128;
/// Of one address (IPv6: one /64) that is no carrier's: a whole centre may stand behind one.
const PER_SOURCE_MAX: usize = 512;

/// All places.
pub(super) struct Places {
    carriers: BTreeSet<IpAddr>,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    total: usize,
    per_source: BTreeMap<IpAddr, usize>,
}

/// One place; free again when it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    source: IpAddr,
}

impl Places {
    pub(super) fn new(carriers: BTreeSet<IpAddr>) -> Self {
        Self {
            carriers,
            taken: Mutex::default(),
        }
    }

    /// None when there is no place for this source.
    pub(super) fn take(self: &Arc<Self>, source: IpAddr) -> Option<Place> {
        let is_carrier = self.carriers.contains(&source.to_canonical());
        let source = site(source);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_source = taken.per_source.get(&source).copied().unwrap_or(0);
        let has_place = if is_carrier {
            taken.total < CONNECTIONS_MAX
        } else {
            taken.total < CONNECTIONS_MAX - RESERVED && of_source < PER_SOURCE_MAX
        };
        if !has_place {
            return None;
        }
        taken.total += 1;
        taken.per_source.insert(source, of_source + 1);
        Some(Place {
            places: Arc::clone(self),
            source,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self
            .places
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        taken.total -= 1;
        if let Some(count) = taken.per_source.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                taken.per_source.remove(&self.source);
            }
        }
    }
}

/// One customer of an IPv6 network has a whole /64.
fn site(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_cannot_take_the_places_of_the_others_and_nobody_those_of_carriers() {
        let carrier: IpAddr = "10.9.9.9".parse().unwrap();
        let places = Arc::new(Places::new(BTreeSet::from([carrier])));
        let greedy = "2001:db8::1".parse().unwrap();
        let mut held: Vec<Place> = std::iter::from_fn(|| places.take(greedy)).collect();
        assert_eq!(held.len(), PER_SOURCE_MAX);
        assert!(
            places.take("2001:db8::2".parse().unwrap()).is_none(),
            "the same /64"
        );
        for host in 0..u32::MAX {
            let source = IpAddr::from((0x0a00_0000 + host).to_be_bytes());
            let Some(place) = places.take(source) else {
                break;
            };
            held.push(place);
        }
        assert_eq!(held.len(), CONNECTIONS_MAX - RESERVED);
        held.extend(std::iter::from_fn(|| places.take(carrier)));
        assert_eq!(held.len(), CONNECTIONS_MAX);
        drop(held);
        assert!(places.take(greedy).is_some());
        assert!(places.taken.lock().unwrap().per_source.is_empty());
    }
}
