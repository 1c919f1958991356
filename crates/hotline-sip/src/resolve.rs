//! Where a host is (RFC 3263): NAPTR, SRV and addresses, from answers that are kept.
//!
//! Nothing here ever waits: a call takes what is known now. Each name is asked for at the start and again before
//! its answer gets old; when the name server is away the last good answer stays in use.

use crate::endpoint::{Endpoint, Turn};
use crate::random::Random;
use crate::timer::{Alarm, TimerId};
use crate::{Output, Transport, TrunkHost};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// A question to the name server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Query {
    /// A and AAAA records of a name.
    Addresses(String),
    /// NAPTR records of a name (RFC 3403).
    Pointers(String),
    /// SRV records of a name such as `_sip._udp.example.vn` (RFC 2782).
    Services(String),
}

/// What a name server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// Records of the kind that was asked for; none when the name server says that there are none.
    pub records: Records,
    /// The shortest life among them, in seconds.
    pub ttl_s: u32,
}

/// Records of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Records {
    /// A and AAAA.
    Addresses(Vec<IpAddr>),
    /// NAPTR.
    Pointers(Vec<Pointer>),
    /// SRV.
    Services(Vec<Service>),
}

/// A NAPTR record, as far as SIP uses it (RFC 3263 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Lower ones first.
    pub order: u16,
    /// Among equal orders, lower ones first.
    pub preference: u16,
    /// `s` for SRV.
    pub flags: String,
    /// `SIP+D2U`, `SIP+D2T`, `SIPS+D2T`.
    pub service: String,
    /// The name for the SRV lookup.
    pub replacement: String,
}

/// An SRV record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Lower ones first.
    pub priority: u16,
    /// Share among equal priorities.
    pub weight: u16,
    /// Port.
    pub port: u16,
    /// Host name.
    pub host: String,
}

/// A way to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Way {
    pub(crate) transport: Transport,
    pub(crate) address: SocketAddr,
}

/// One question and the last good answer to it.
#[derive(Debug)]
struct Known {
    records: Option<Records>,
    is_asked: bool,
    failures: u32,
    timer: Option<TimerId>,
}

/// All names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    all: BTreeMap<Query, Known>,
}

impl Names {
    fn records(&self, query: &Query) -> Option<&Records> {
        self.all.get(query)?.records.as_ref()
    }

    /// Asked for the first time, and nobody has said no. A name server that swallows SRV questions must not
    /// keep a host from being found.
    fn is_pending(&self, query: &Query) -> bool {
        self.all.get(query).is_none_or(|known| known.failures == 0)
    }
}

/// What is known of a host, and what must be asked to know more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Questions without an answer yet; none when `ways` is all there is.
    pub missing: Vec<Query>,
    /// How the host is reached, the best first.
    pub ways: Vec<(Transport, SocketAddr)>,
}

/// The ways to a host in the order of RFC 3263 §4, for tools that ask by themselves. `known`: answers so far, None for
/// a question that no name server answered. Among equal SRV records the lot is always the same.
#[must_use]
pub fn look_up(host: &TrunkHost, known: &BTreeMap<Query, Option<Records>>) -> Found {
    let all = known.iter().map(|(query, records)| {
        let known = Known {
            records: records.clone(),
            is_asked: false,
            failures: u32::from(records.is_none()),
            timer: None,
        };
        (query.clone(), known)
    });
    let names = Names { all: all.collect() };
    let mut walk = Walk {
        names: &names,
        random: &mut Random::new([0; 32]),
        missing: Vec::new(),
        ways: Vec::new(),
        has_services: false,
    };
    walk.host(host);
    let ways = walk.ways.iter().map(|way| (way.transport, way.address));
    Found {
        ways: ways.collect(),
        missing: walk.missing,
    }
}

/// A walk through the kept answers, with the questions that it met for the first time.
struct Walk<'a> {
    names: &'a Names,
    random: &'a mut Random,
    missing: Vec<Query>,
    ways: Vec<Way>,
    /// SRV records are there, or may still come: the host's own addresses do not count (RFC 3263 §4.2).
    has_services: bool,
}

impl Endpoint {
    /// The ways to a host in the order of RFC 3263 §4, from what is known now; asks for what is not.
    pub(crate) fn ways_to(&mut self, turn: &mut Turn<'_>, host: &TrunkHost) -> Vec<Way> {
        let mut walk = Walk {
            names: &self.names,
            random: &mut self.random,
            missing: Vec::new(),
            ways: Vec::new(),
            has_services: false,
        };
        walk.host(host);
        let Walk { missing, ways, .. } = walk;
        for query in missing {
            self.ask(turn, query);
        }
        ways
    }

    fn ask(&mut self, turn: &mut Turn<'_>, query: Query) {
        if self.names.all.len() >= NAMES_MAX && !self.names.all.contains_key(&query) {
            return;
        }
        let alarm = Alarm::Name(query.clone());
        let timer = self.timers.arm(turn.now.mono, ANSWER_MS_MAX, alarm);
        let known = self.names.all.entry(query.clone()).or_insert(Known {
            records: None,
            is_asked: false,
            failures: 0,
            timer: None,
        });
        known.is_asked = true;
        if let Some(old) = known.timer.replace(timer) {
            self.timers.cancel(old);
        }
        turn.out.push(Output::Resolve { query });
    }

    /// A kept answer gets old, or the question was never answered.
    pub(crate) fn name_due(&mut self, turn: &mut Turn<'_>, query: Query) {
        let Some(known) = self.names.all.get_mut(&query) else {
            return;
        };
        known.timer = None;
        if known.is_asked {
            return self.resolved(turn, &query, None);
        }
        self.ask(turn, query);
    }

    /// The name server's word; None when it is away.
    pub(crate) fn resolved(
        &mut self,
        turn: &mut Turn<'_>,
        query: &Query,
        answers: Option<Answers>,
    ) {
        let Some(known) = self.names.all.get_mut(query) else {
            return;
        };
        if !known.is_asked {
            return; // Too late: it was given up, or answered before.
        }
        known.is_asked = false;
        let wait_ms = match answers {
            Some(Answers { records, ttl_s }) if fits(query, &records) => {
                known.failures = 0;
                let is_empty = records.is_empty();
                // "No addresses" for a host that had some is more often a broken name server than a carrier
                // that has gone; calls to an address that is dead fail over all the same.
                if !(is_empty
                    && matches!(records, Records::Addresses(_))
                    && known.records.is_some())
                {
                    known.records = Some(records);
                }
                let ttl_s = if is_empty { EMPTY_TTL_S } else { ttl_s };
                u64::from(ttl_s.clamp(TTL_S_MIN, TTL_S_MAX)) * 1_000
            }
            Some(_) | None => {
                known.failures = (known.failures + 1).min(RETRY_DOUBLINGS_MAX);
                (RETRY_MS << known.failures) + self.random.below(RETRY_MS)
            }
        };
        let timer = self
            .timers
            .arm(turn.now.mono, wait_ms, Alarm::Name(query.clone()));
        if let Some(old) = known.timer.replace(timer) {
            self.timers.cancel(old);
        }
        self.names_changed(turn);
    }
}

impl Walk<'_> {
    fn records(&mut self, query: Query) -> Option<&Records> {
        if !self.names.all.contains_key(&query) && !self.missing.contains(&query) {
            self.missing.push(query.clone());
        }
        self.names.records(&query)
    }

    fn host(&mut self, host: &TrunkHost) {
        if let Ok(ip) = host.host.parse::<IpAddr>() {
            let transport = host.transport.unwrap_or(Transport::Udp);
            let port = host.port.unwrap_or(transport.port_default());
            return self.push(transport, SocketAddr::new(ip, port));
        }
        // RFC 3263 §4.2: a port excludes SRV, §4.1: a transport excludes NAPTR.
        if let Some(port) = host.port {
            return self.addresses(&host.host, host.transport.unwrap_or(Transport::Udp), port);
        }
        let services = match host.transport {
            Some(transport) => vec![(transport, service_name(transport, &host.host))],
            None => self.pointers(&host.host),
        };
        for (transport, name) in services {
            self.services(transport, name);
        }
        if !self.has_services {
            let transport = host.transport.unwrap_or(Transport::Udp);
            self.addresses(&host.host, transport, transport.port_default());
        }
    }

    /// What NAPTR says, or without it SRV for each transport that we speak.
    fn pointers(&mut self, host: &str) -> Vec<(Transport, String)> {
        let mut pointers = match self.records(Query::Pointers(host.to_owned())) {
            Some(Records::Pointers(pointers)) => pointers.clone(),
            Some(Records::Addresses(_) | Records::Services(_)) | None => Vec::new(),
        };
        pointers.sort_by_key(|pointer| (pointer.order, pointer.preference));
        let named: Vec<(Transport, String)> = pointers
            .iter()
            .filter(|pointer| pointer.flags.eq_ignore_ascii_case("s"))
            .filter_map(|pointer| {
                Some((transport_of(&pointer.service)?, pointer.replacement.clone()))
            })
            .take(RECORDS_MAX)
            .collect();
        if !named.is_empty() {
            return named;
        }
        [Transport::Udp, Transport::Tcp]
            .map(|transport| (transport, service_name(transport, host)))
            .to_vec()
    }

    /// RFC 2782: by priority, and among equals by lot, weighted.
    fn services(&mut self, transport: Transport, name: String) {
        let query = Query::Services(name);
        let mut services = match self.records(query.clone()) {
            Some(Records::Services(services)) => services.clone(),
            Some(Records::Addresses(_) | Records::Pointers(_)) => return,
            None => {
                self.has_services |= self.names.is_pending(&query);
                return;
            }
        };
        self.has_services |= !services.is_empty();
        services.truncate(RECORDS_MAX);
        services.sort_by_key(|service| (service.priority, service.weight));
        while let Some(first) = services.first() {
            let priority = first.priority;
            let equals = services
                .iter()
                .take_while(|service| service.priority == priority);
            let total: u64 = equals
                .clone()
                .map(|service| u64::from(service.weight))
                .sum();
            let lot = self.random.below(total + 1);
            let mut sum = 0;
            let drawn = equals
                .map(|service| {
                    sum += u64::from(service.weight);
                    sum
                })
                .position(|sum| sum >= lot)
                .unwrap_or(0);
            let service = services.remove(drawn);
            // RFC 2782: a single dot says that the service is not there.
            if service.host != "." && !service.host.is_empty() {
                self.addresses(&service.host, transport, service.port);
            }
        }
    }

    fn addresses(&mut self, host: &str, transport: Transport, port: u16) {
        if let Ok(ip) = host.parse() {
            return self.push(transport, SocketAddr::new(ip, port));
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        let addresses = match self.records(Query::Addresses(name)) {
            Some(Records::Addresses(addresses)) => addresses.clone(),
            Some(Records::Pointers(_) | Records::Services(_)) | None => return,
        };
        for ip in addresses.into_iter().take(RECORDS_MAX) {
            self.push(transport, SocketAddr::new(ip, port));
        }
    }

    fn push(&mut self, transport: Transport, address: SocketAddr) {
        let way = Way { transport, address };
        let is_usable = !address.ip().is_unspecified() && !address.ip().is_multicast();
        if is_usable && self.ways.len() < WAYS_MAX && !self.ways.contains(&way) {
            self.ways.push(way);
        }
    }
}

impl Records {
    fn is_empty(&self) -> bool {
        match self {
            Self::Addresses(addresses) => addresses.is_empty(),
            Self::Pointers(pointers) => pointers.is_empty(),
            Self::Services(services) => services.is_empty(),
        }
    }
}

fn fits(query: &Query, records: &Records) -> bool {
    match query {
        Query::Addresses(_) => matches!(records, Records::Addresses(_)),
        Query::Pointers(_) => matches!(records, Records::Pointers(_)),
        Query::Services(_) => matches!(records, Records::Services(_)),
    }
}

/// RFC 3263 §4.1.
fn service_name(transport: Transport, host: &str) -> String {
    let prefix = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp | Transport::Ws => "_sip._tcp",
        Transport::Tls | Transport::Wss => "_sips._tcp",
    };
    format!(
        "{prefix}.{}",
        host.trim_end_matches('.').to_ascii_lowercase()
    )
}

fn transport_of(service: &str) -> Option<Transport> {
    match service.to_ascii_uppercase().as_str() {
        "SIP+D2U" => Some(Transport::Udp),
        "SIP+D2T" => Some(Transport::Tcp),
        "SIPS+D2T" => Some(Transport::Tls),
        _ => None,
    }
}

/// Questions that are kept: many times what a handful of trunks leads to.
const NAMES_MAX: usize = 256;
/// Records of one answer that are used, and ways to one host that are tried.
const RECORDS_MAX: usize = 16;
const WAYS_MAX: usize = 16;
/// The shell's own limit is shorter; this one only keeps a lost answer from being waited for, for ever.
const ANSWER_MS_MAX: u64 = 30_000;
/// Answers are asked for again after their own time, within these bounds; "there is none" sooner.
const TTL_S_MIN: u32 = 15;
const TTL_S_MAX: u32 = 3_600;
const EMPTY_TTL_S: u32 = 60;
/// A name server that is away is asked again after 4, 8, ... 64 s.
const RETRY_MS: u64 = 2_000;
const RETRY_DOUBLINGS_MAX: u32 = 5;
