//! Sites that are not listened to for a while, and the offences that bring them there.

use crate::Mono;
use crate::site::Site;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

/// Why an address is banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BanReason {
    /// It went on sending although it had been silenced.
    Flood,
    /// Too much that is no SIP, or no valid SIP, or fits nothing here.
    Junk,
    /// A person wanted it.
    Operator,
    /// Too many wrong passwords.
    Passwords,
    /// A program that looks for servers to break into.
    Scanner,
}

/// One ban, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banned {
    /// The address; of IPv6 the first one of its /64.
    pub address: IpAddr,
    /// Why.
    pub reason: BanReason,
    /// Seconds until it ends by itself.
    pub left_s: u64,
    /// Messages that were dropped meanwhile.
    pub dropped: u64,
}

#[derive(Clone, Copy, Debug)]
struct Ban {
    reason: BanReason,
    until: Mono,
    dropped: u64,
    is_proven: bool,
}

/// The bans in force: a bounded table in memory, empty after a restart.
#[derive(Debug, Default)]
pub(crate) struct Bans {
    all: BTreeMap<Site, Ban>,
    ends: BTreeSet<(Mono, Site)>,
}

impl Bans {
    /// Whether a message of this site is dropped, and counts it. `is_stream` tells that the sender's address
    /// is no forgery: it has completed a handshake.
    pub(crate) fn drops(&mut self, now: Mono, site: Site, is_stream: bool) -> bool {
        self.forget_over(now);
        let Some(ban) = self.all.get_mut(&site) else {
            return false;
        };
        // Whoever forges a counsellor's address on a datagram must not take the streams away as well.
        if is_stream && !ban.is_proven {
            return false;
        }
        ban.dropped = ban.dropped.saturating_add(1);
        true
    }

    /// Bans a site, or does so anew. `is_proven` as in [`drops`](Self::drops), or by a person. False when it
    /// was banned as strongly already.
    pub(crate) fn add(
        &mut self,
        now: Mono,
        site: Site,
        (reason, length_ms): (BanReason, u64),
        is_proven: bool,
    ) -> bool {
        let until = now.plus_millis(length_ms);
        let known = self.all.get(&site).copied();
        // One ban has one end and one line in the log, however much comes meanwhile; only a person may move it.
        let is_as_strong = |ban: Ban| ban.until > now && (ban.is_proven || !is_proven);
        if reason != BanReason::Operator && known.is_some_and(is_as_strong) {
            return false;
        }
        let dropped = known.map_or(0, |ban| ban.dropped);
        self.remove(site);
        while self.all.len() >= BANS_MAX {
            // The one that would be over first.
            let Some((_, site)) = self.ends.pop_first() else {
                break;
            };
            self.all.remove(&site);
        }
        self.ends.insert((until, site));
        self.all.insert(
            site,
            Ban {
                reason,
                until,
                dropped,
                is_proven,
            },
        );
        true
    }

    /// Ends a ban; false when there was none.
    pub(crate) fn remove(&mut self, site: Site) -> bool {
        let Some(ban) = self.all.remove(&site) else {
            return false;
        };
        self.ends.remove(&(ban.until, site));
        true
    }

    /// Those in force, by address.
    pub(crate) fn list(&self, now: Mono) -> Vec<Banned> {
        let in_force = self.all.iter().filter(|(_, ban)| ban.until > now);
        in_force
            .map(|(site, ban)| Banned {
                address: site.first(),
                reason: ban.reason,
                left_s: ban.until.micros_since(now).div_ceil(1_000_000),
                dropped: ban.dropped,
            })
            .collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    fn forget_over(&mut self, now: Mono) {
        for _ in 0..SWEEP_MAX {
            let Some((until, site)) = self.ends.first().copied() else {
                return;
            };
            if until > now {
                return;
            }
            self.ends.pop_first();
            self.all.remove(&site);
        }
    }
}

/// What somebody unknown did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offence {
    Flood,
    Junk,
    Password,
}

impl Offence {
    pub(crate) fn reason(self) -> BanReason {
        match self {
            Self::Flood => BanReason::Flood,
            Self::Junk => BanReason::Junk,
            Self::Password => BanReason::Passwords,
        }
    }

    /// How many may come at once, and the milliseconds after which one of them is forgiven.
    fn patience(self) -> (u64, u64) {
        match self {
            // A hundred a second beyond what is answered. A centre whose fifty phones all come back behind one
            // address after a power cut stays far below: they wait longer from try to try.
            Self::Flood => (2_000, 10),
            // A softphone may be odd; nobody needs hundreds of tries to find that out.
            Self::Junk => (200, 1_000),
            // A phone with an old password tries once or twice a minute.
            Self::Password => (40, 30_000),
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Flood => 0,
            Self::Junk => 1,
            Self::Password => 2,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Tally {
    /// Milliseconds of forgiveness that are owed, by kind of offence.
    owed_ms: [u64; 3],
    at: Mono,
}

/// The offences of each site: a bounded number of sites, beyond it the oldest is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Offences {
    all: BTreeMap<Site, Tally>,
    order: VecDeque<Site>,
}

impl Offences {
    /// Notes one more; true when patience with this site is over (its account is then closed).
    pub(crate) fn add(&mut self, now: Mono, site: Site, offence: Offence) -> bool {
        let tally = self.all.entry(site).or_insert_with(|| {
            self.order.push_back(site);
            Tally {
                owed_ms: [0; 3],
                at: now,
            }
        });
        let passed_ms = now.micros_since(tally.at) / 1_000;
        if passed_ms > 0 {
            tally.at = now;
            for owed_ms in &mut tally.owed_ms {
                *owed_ms = owed_ms.saturating_sub(passed_ms);
            }
        }
        let (burst, forgiven_ms) = offence.patience();
        let Some(owed_ms) = tally.owed_ms.get_mut(offence.index()) else {
            return false;
        };
        *owed_ms = owed_ms.saturating_add(forgiven_ms);
        let is_over = *owed_ms > burst * forgiven_ms;
        if is_over {
            *owed_ms = 0;
        }
        while self.order.len() > OFFENDERS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.all.remove(&oldest);
            }
        }
        is_over
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.all.len().max(self.order.len())
    }
}

/// Bans at a time (about 120 bytes each).
const BANS_MAX: usize = 4_096;
/// Sites whose offences are counted (about 100 bytes each).
const OFFENDERS_MAX: usize = 4_096;
/// Bans that are looked through for their end per message.
const SWEEP_MAX: usize = 4;
