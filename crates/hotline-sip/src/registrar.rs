//! Bindings of accounts: REGISTER (RFC 3261 §10.3), expiry, reachability.

use crate::endpoint::{Endpoint, Turn};
use crate::message::{Name, NameAddr, Uri, Writer};
use crate::outbound::Road;
use crate::reply::Request;
use crate::site::Site;
use crate::timer::{Alarm, TimerId};
use crate::transaction::Owner;
use crate::transport::{Hop, Streams};
use crate::{ConnectionId, ContactState, Credentials, Event, Mono, Output, Rejection, Transport};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// One contact of an account.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) uri: String,
    /// `+sip.instance` (RFC 5626): the same device under a new address replaces itself.
    pub(crate) instance: String,
    pub(crate) road: Road,
    pub(crate) hop: Hop,
    pub(crate) source: SocketAddr,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    pub(crate) expires_at: Mono,
    pub(crate) expires_wall_ms: i64,
    /// Not known to be dead.
    pub(crate) is_reachable: bool,
    /// Order of registration, for replacement of the oldest.
    pub(crate) age: u64,
    pub(crate) timer: Option<TimerId>,
}

/// Accounts and their bindings.
#[derive(Debug, Default)]
pub(crate) struct Registrar {
    pub(crate) accounts: BTreeMap<String, Credentials>,
    pub(crate) bindings: BTreeMap<String, Vec<Binding>>,
    /// What the application was told last.
    said: BTreeMap<String, ContactState>,
    sources: BTreeMap<SocketAddr, usize>,
    pub(crate) probe: Option<TimerId>,
    /// The next OPTIONS to phones behind a NAT.
    pub(crate) keep_open: Option<TimerId>,
    /// The contact that was probed last: the next look begins behind it.
    probed_last: Option<(String, String)>,
    /// Probes under way.
    pub(crate) probing: BTreeSet<(String, String)>,
    registered: u64,
}

/// Contact URI and way of a reachable contact.
pub(crate) type Reach = (String, Hop);

impl Registrar {
    /// The contacts that an INVITE should ring.
    pub(crate) fn reachable(&self, user: &str, streams: &Streams) -> Vec<Reach> {
        let bindings = self.bindings.get(user).into_iter().flatten();
        bindings
            .filter(|binding| {
                binding.is_usable(streams) && !self.has_newer_flow(user, binding, streams)
            })
            .map(|binding| (binding.uri.clone(), binding.hop))
            .collect()
    }
    /// RFC 5626 §5.3: of a device with several flows one is rung, the newest.
    fn has_newer_flow(&self, user: &str, binding: &Binding, streams: &Streams) -> bool {
        let mut others = self.bindings.get(user).into_iter().flatten();
        binding.road.reg_id > 0
            && others.any(|other| {
                other.instance == binding.instance
                    && other.road.reg_id > 0
                    && other.age > binding.age
                    && other.is_usable(streams)
            })
    }
    pub(crate) fn hop(&self, user: &str, contact: &str) -> Option<Hop> {
        self.bindings
            .get(user)?
            .iter()
            .find(|binding| binding.uri == contact)
            .map(|binding| binding.hop)
    }
    pub(crate) fn len(&self) -> usize {
        self.bindings.values().map(Vec::len).sum()
    }
    /// Whether a contact of this account lives at the address.
    pub(crate) fn is_contact_ip(&self, user: &str, ip: IpAddr) -> bool {
        self.bindings
            .get(user)
            .into_iter()
            .flatten()
            .any(|binding| binding.source.ip().to_canonical() == ip.to_canonical())
    }
    /// Whether a registered phone sends from exactly this address.
    pub(crate) fn is_contact(&self, source: SocketAddr) -> bool {
        self.sources.contains_key(&canonical(source))
    }
    /// Whether a phone of any account is registered from this site.
    pub(crate) fn has_contact_at(&self, site: Site) -> bool {
        self.sources.range(site.span()).next().is_some()
    }
    pub(crate) fn add(&mut self, user: &str, mut binding: Binding) {
        self.registered += 1;
        binding.age = self.registered;
        *self.sources.entry(canonical(binding.source)).or_default() += 1;
        self.bindings
            .entry(user.to_owned())
            .or_default()
            .push(binding);
    }

    fn remove(&mut self, user: &str, is_gone: impl Fn(&Binding) -> bool) -> Vec<Binding> {
        let Some(bindings) = self.bindings.get_mut(user) else {
            return Vec::new();
        };
        let (gone, kept) = std::mem::take(bindings)
            .into_iter()
            .partition(|binding| is_gone(binding));
        *bindings = kept;
        if bindings.is_empty() {
            self.bindings.remove(user);
        }
        let gone: Vec<Binding> = gone;
        for binding in &gone {
            let source = canonical(binding.source);
            if let Some(count) = self.sources.get_mut(&source) {
                *count -= 1;
                if *count == 0 {
                    self.sources.remove(&source);
                }
            }
        }
        gone
    }

    fn state(&self, user: &str, streams: &Streams) -> ContactState {
        match self.bindings.get(user) {
            None => ContactState::Gone,
            Some(bindings) if bindings.iter().any(|binding| binding.is_usable(streams)) => {
                ContactState::Reachable
            }
            Some(_) => ContactState::Unreachable,
        }
    }
}

impl Binding {
    /// A phone behind a stream is reached by that stream only.
    fn is_usable(&self, streams: &Streams) -> bool {
        let has_way = match self.hop {
            Hop::Datagram { .. } => true,
            Hop::Stream {
                connection: Some(connection),
                ..
            } => streams.is_open(connection),
            // Registered over UDP with transport=tcp: a connection is made when needed.
            Hop::Stream {
                connection: None, ..
            } => true,
        };
        self.is_reachable && has_way
    }
}

/// One wish of a REGISTER.
struct Wish {
    uri: Uri,
    instance: String,
    road: Road,
    expires_s: u32,
}

impl Endpoint {
    /// REGISTER from a sender who has proved to be `user`.
    pub(crate) fn register_received(&mut self, turn: &mut Turn<'_>, request: &Request, user: &str) {
        let aor = &request.heads.to.uri;
        if !matches!(aor.scheme.as_str(), "sip" | "sips") || aor.user_unescaped() != user {
            self.rejected(turn, Rejection::WrongCredentials, &request.arrival);
            return self.reply_at_once(turn, &request.message, &request.arrival, 403, &[]);
        }
        match self.register(turn, request, user) {
            Ok(()) => {
                let mut reply = self.reply(
                    &request.message,
                    &request.arrival,
                    200,
                    &self.stateless_tag(&request.message),
                );
                self.list_bindings(turn, user, &mut reply);
                self.tell_road(user, request, &mut reply);
                self.respond_new(turn, request, 200, reply.finish(None));
                self.resume_by_flow(turn, user, request.arrival.hop());
            }
            Err(status) => {
                let headers = if status == 423 {
                    vec![("Min-Expires", self.config.expires_s_min.to_string())]
                } else {
                    Vec::new()
                };
                self.rejected(turn, Rejection::Malformed, &request.arrival);
                self.reply_at_once(turn, &request.message, &request.arrival, status, &headers);
            }
        }
        self.tell_contact(turn, user);
    }

    fn list_bindings(&self, turn: &Turn<'_>, user: &str, reply: &mut Writer) {
        for binding in self.registrar.bindings.get(user).into_iter().flatten() {
            let left_s = binding
                .expires_at
                .micros_since(turn.now.mono)
                .div_ceil(1_000_000);
            reply.header("Contact", &format!("<{}>;expires={left_s}", binding.uri));
        }
    }

    /// All or nothing (RFC 3261 §10.3 step 7).
    fn register(&mut self, turn: &mut Turn<'_>, request: &Request, user: &str) -> Result<(), u16> {
        let contacts = request.message.list(Name::Contact).ok_or(400_u16)?;
        let header_s = request
            .message
            .value(Name::Expires)
            .map(|value| expires_s(&value));
        if contacts.iter().any(|contact| contact == "*") {
            if contacts.len() > 1 || header_s != Some(Some(0)) {
                return Err(400);
            }
            self.check_order(request, user, |_| true)?;
            self.unbind(turn, user, |_| true);
            return Ok(());
        }
        if contacts.len() > self.config.contacts_max {
            return Err(403);
        }
        let mut wishes = Vec::with_capacity(contacts.len());
        for contact in &contacts {
            wishes.push(self.wish(request, contact, header_s.flatten())?);
        }
        for wish in &wishes {
            self.check_order(request, user, |binding| binding.uri == wish.uri.as_str())?;
        }
        for wish in wishes {
            self.grant(turn, request, user, wish);
        }
        Ok(())
    }

    fn wish(&self, request: &Request, contact: &str, header_s: Option<u32>) -> Result<Wish, u16> {
        let contact = NameAddr::parse(contact).ok_or(400_u16)?;
        if !matches!(contact.uri.scheme.as_str(), "sip" | "sips")
            || contact.uri.as_str().len() > CONTACT_BYTES_MAX
        {
            return Err(400);
        }
        let own_s = contact.params.value("expires").and_then(expires_s);
        let wanted_s = own_s.or(header_s).unwrap_or(self.config.expires_s_default);
        if wanted_s > 0 && wanted_s < self.config.expires_s_min {
            return Err(423);
        }
        let instance = contact.params.value("+sip.instance").unwrap_or_default();
        let instance = if instance.len() > CONTACT_BYTES_MAX {
            String::new()
        } else {
            instance.to_owned()
        };
        Ok(Wish {
            road: self.road(request, &contact, &instance)?,
            uri: contact.uri,
            instance,
            expires_s: wanted_s.min(self.config.expires_s_max),
        })
    }

    /// A REGISTER that was overtaken by a later one of the same phone is out of order.
    fn check_order(
        &self,
        request: &Request,
        user: &str,
        is_meant: impl Fn(&Binding) -> bool,
    ) -> Result<(), u16> {
        let bindings = self.registrar.bindings.get(user).into_iter().flatten();
        let is_late = |binding: &Binding| {
            binding.call_id == request.heads.call_id && binding.cseq >= request.heads.cseq
        };
        if bindings.filter(|binding| is_meant(binding)).any(is_late) {
            Err(500)
        } else {
            Ok(())
        }
    }

    fn grant(&mut self, turn: &mut Turn<'_>, request: &Request, user: &str, wish: Wish) {
        let text = wish.uri.as_str().to_owned();
        if wish.expires_s == 0 {
            return self.unbind(turn, user, |binding| binding.uri == text);
        }
        self.make_place(turn, user, &wish, request.arrival.source);
        // Of two flows with one URI we could only keep one: the device is not told that both are kept.
        let mut road = wish.road;
        let bindings = self.registrar.bindings.get(user).into_iter().flatten();
        let mut flows = bindings.filter(|binding| binding.instance == wish.instance);
        if road.reg_id > 0 && flows.any(|flow| flow.uri == text) {
            road.reg_id = 0;
        }
        let binding = Binding {
            hop: contact_hop(request, &wish.uri, |transport, address| {
                self.listener(transport, address)
            }),
            source: request.arrival.source,
            call_id: request.heads.call_id.clone(),
            cseq: request.heads.cseq,
            expires_at: turn.now.mono.plus_millis(u64::from(wish.expires_s) * 1_000),
            expires_wall_ms: turn
                .now
                .wall
                .0
                .saturating_add(i64::from(wish.expires_s) * 1_000),
            is_reachable: true,
            age: 0,
            timer: None,
            uri: text,
            instance: wish.instance,
            road,
        };
        self.bind(turn, user, binding);
    }

    /// What the new contact replaces goes, and the oldest when there are too many; a live one of another device
    /// does not go unseen.
    fn make_place(&mut self, turn: &mut Turn<'_>, user: &str, wish: &Wish, by: SocketAddr) {
        let uri = wish.uri.as_str();
        let is_same = |binding: &Binding| binding.is_replaced_by(uri, &wish.instance, &wish.road);
        // A page that was left: its socket is closed, and nobody will ever open it again.
        let is_left = |endpoint: &Self, binding: &Binding| {
            let transport = endpoint.transport(binding.hop.listener());
            transport.is_web_socket() && !binding.is_usable(&endpoint.streams)
        };
        let bindings = self.registrar.bindings.get(user).into_iter().flatten();
        let left: Vec<u64> = bindings
            .clone()
            .filter(|binding| is_left(self, binding))
            .map(|binding| binding.age)
            .collect();
        let taken: Vec<Binding> = bindings
            .filter(|binding| is_same(binding) && binding.is_usable(&self.streams))
            .filter(|binding| binding.is_other_device(&wish.instance, by))
            .cloned()
            .collect();
        for binding in &taken {
            self.tell_replaced(turn, user, binding, by);
        }
        self.unbind(turn, user, |binding| {
            is_same(binding) || left.contains(&binding.age)
        });
        while let Some(oldest) = self.oldest_beyond(user) {
            if oldest.is_usable(&self.streams) {
                self.tell_replaced(turn, user, &oldest, by);
            }
            self.unbind(turn, user, |binding| binding.age == oldest.age);
        }
    }

    /// Adds a binding with its expiry, and keeps it.
    pub(crate) fn bind(&mut self, turn: &mut Turn<'_>, user: &str, mut binding: Binding) {
        let left_ms = binding
            .expires_at
            .micros_since(turn.now.mono)
            .div_ceil(1_000);
        binding.timer = Some(self.timers.arm(
            turn.now.mono,
            left_ms,
            Alarm::BindingExpiry(user.to_owned()),
        ));
        self.keep_binding(turn, user, &binding);
        self.registrar.add(user, binding);
    }

    fn oldest_beyond(&self, user: &str) -> Option<Binding> {
        let bindings = self.registrar.bindings.get(user)?;
        let is_full = bindings.len() >= self.config.contacts_max.max(1);
        let oldest = bindings.iter().min_by_key(|binding| binding.age);
        oldest.filter(|_| is_full).cloned()
    }

    pub(crate) fn unbind(
        &mut self,
        turn: &mut Turn<'_>,
        user: &str,
        is_gone: impl Fn(&Binding) -> bool,
    ) {
        for binding in self.registrar.remove(user, is_gone) {
            if let Some(timer) = binding.timer {
                self.timers.cancel(timer);
            }
            self.forget_binding(turn, user, &binding.uri);
        }
    }

    /// Bindings that have run out go.
    pub(crate) fn expire(&mut self, turn: &mut Turn<'_>, user: &str) {
        let now = turn.now.mono;
        self.unbind(turn, user, |binding| binding.expires_at <= now);
        self.tell_contact(turn, user);
    }

    /// A new table of accounts; bindings of accounts that are gone go too.
    pub(crate) fn set_accounts(&mut self, turn: &mut Turn<'_>, accounts: Vec<crate::Account>) {
        self.registrar.accounts = accounts
            .into_iter()
            .map(|account| (account.user, account.credentials))
            .collect();
        let gone: Vec<String> = self
            .registrar
            .bindings
            .keys()
            .filter(|user| !self.registrar.accounts.contains_key(*user))
            .cloned()
            .collect();
        for user in gone {
            self.unbind(turn, &user, |_| true);
            self.tell_contact(turn, &user);
        }
    }

    /// A contact has answered, or has failed a call or probe.
    pub(crate) fn contact_heard(
        &mut self,
        turn: &mut Turn<'_>,
        user: &str,
        contact: &str,
        is_alive: bool,
    ) {
        let Some(bindings) = self.registrar.bindings.get_mut(user) else {
            return;
        };
        let Some(binding) = bindings.iter_mut().find(|binding| binding.uri == contact) else {
            return;
        };
        if binding.is_reachable == is_alive {
            return;
        }
        binding.is_reachable = is_alive;
        if !is_alive && self.registrar.probe.is_none() {
            self.registrar.probe = Some(self.timers.arm(turn.now.mono, PROBE_MS, Alarm::Probe));
        }
        self.tell_contact(turn, user);
    }

    /// Asks contacts that failed whether they live again, by OPTIONS.
    pub(crate) fn probe(&mut self, turn: &mut Turn<'_>) {
        self.registrar.probe = None;
        let mut dead = Vec::new();
        for (user, bindings) in &self.registrar.bindings {
            let unreachable = bindings.iter().filter(|binding| !binding.is_reachable);
            dead.extend(
                unreachable.map(|binding| (user.clone(), binding.uri.clone(), binding.hop)),
            );
        }
        if !dead.is_empty() {
            self.registrar.probe = Some(self.timers.arm(turn.now.mono, PROBE_MS, Alarm::Probe));
        }
        // Those that cannot be asked must not take the places of those that can, and all have their turn.
        dead.retain(|(user, contact, hop)| {
            let is_open = |connection| self.streams.is_open(connection);
            let is_asked = (self.registrar.probing).contains(&(user.clone(), contact.clone()));
            !is_asked && (!hop.is_reliable() || hop.connection().is_some_and(is_open))
        });
        dead.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
        if let Some((user, contact)) = &self.registrar.probed_last {
            let is_before = |dead: &(String, String, Hop)| (&dead.0, &dead.1) <= (user, contact);
            let first = dead.partition_point(is_before);
            dead.rotate_left(first);
        }
        dead.truncate(PROBES_MAX);
        if let Some((user, contact, _)) = dead.last() {
            self.registrar.probed_last = Some((user.clone(), contact.clone()));
        }
        for (user, contact, hop) in dead {
            self.send_probe(turn, user, contact, hop);
        }
    }

    pub(crate) fn send_probe(
        &mut self,
        turn: &mut Turn<'_>,
        user: String,
        contact: String,
        hop: Hop,
    ) {
        if !self
            .registrar
            .probing
            .insert((user.clone(), contact.clone()))
        {
            return;
        }
        let branch = self.branch();
        let mut options = Writer::request("OPTIONS", &contact);
        options.header("Via", &self.via(hop, &branch));
        for route in self.registrar.path(&user, &contact) {
            options.header("Route", route);
        }
        options
            .header("Max-Forwards", "70")
            .header(
                "From",
                &format!("<sip:{}>;tag={}", self.config.realm, self.random.token()),
            )
            .header("To", &format!("<{contact}>"))
            .header(
                "Call-ID",
                &format!("{}@{}", self.random.token(), self.config.realm),
            )
            .header("CSeq", "1 OPTIONS")
            .header("Contact", &self.contact(hop, ""))
            .header("Accept", "application/sdp")
            .header("User-Agent", &self.config.product);
        self.start_client(
            turn,
            hop,
            (&branch, "OPTIONS"),
            options.finish(None),
            Owner::Probe(user, contact, hop),
        );
    }

    /// Any final answer proves life; silence, ICMP and a lost flow prove the contrary.
    pub(crate) fn probed(
        &mut self,
        turn: &mut Turn<'_>,
        (user, contact, hop): (&str, &str, Hop),
        status: Option<u16>,
    ) {
        if status.is_some_and(|status| status < 200) {
            return;
        }
        self.registrar
            .probing
            .remove(&(user.to_owned(), contact.to_owned()));
        // The phone has registered by another flow since: what the old one says does not concern it.
        if self.registrar.hop(user, contact) == Some(hop) {
            let is_alive = status.is_some_and(|status| status != 408);
            self.contact_heard(turn, user, contact, is_alive);
        }
    }

    /// A connection has gone: contacts that were reached by it are not reachable any more.
    pub(crate) fn flow_lost(&mut self, turn: &mut Turn<'_>, connection: ConnectionId) {
        let mut users = Vec::new();
        for (user, bindings) in &mut self.registrar.bindings {
            for binding in bindings
                .iter_mut()
                .filter(|binding| binding.hop.connection() == Some(connection))
            {
                binding.is_reachable = false;
                users.push(user.clone());
            }
        }
        for user in users {
            self.tell_contact(turn, &user);
        }
    }

    /// Tells the application when an account's reachability has changed.
    pub(crate) fn tell_contact(&mut self, turn: &mut Turn<'_>, user: &str) {
        self.watch_flows(turn);
        let state = self.registrar.state(user, &self.streams);
        let said = self
            .registrar
            .said
            .get(user)
            .copied()
            .unwrap_or(ContactState::Gone);
        if said == state {
            return;
        }
        if state == ContactState::Gone {
            self.registrar.said.remove(user);
        } else {
            self.registrar.said.insert(user.to_owned(), state);
        }
        turn.out.push(Output::Event(Event::Contact {
            account: user.to_owned(),
            state,
        }));
    }
}

/// Where requests to a contact go. A phone behind a NAT is reached at the address that its REGISTER came
/// from; a contact that names that very IP is no NAT, and its port is then the right one.
fn contact_hop(
    request: &Request,
    contact: &Uri,
    listener_for: impl Fn(Transport, SocketAddr) -> Option<crate::ListenerId>,
) -> Hop {
    let arrival = &request.arrival;
    // Behind a proxy (RFC 3327) the way is the proxy's, whatever the contact names.
    let has_proxy = request.message.count(Name::Path) > 0;
    let is_direct = !has_proxy
        && contact
            .ip()
            .is_some_and(|ip| ip.to_canonical() == arrival.source.ip().to_canonical());
    let transport = contact.transport().unwrap_or(arrival.transport);
    let address = if is_direct {
        let port = contact.port.unwrap_or(transport.port_default());
        SocketAddr::new(arrival.source.ip(), port)
    } else {
        arrival.source
    };
    match arrival.connection {
        Some(connection) => Hop::Stream {
            listener: arrival.listener,
            address,
            connection: Some(connection),
        },
        None if is_direct && matches!(transport, Transport::Tcp | Transport::Tls) => {
            match listener_for(transport, address) {
                Some(listener) => Hop::Stream {
                    listener,
                    address,
                    connection: None,
                },
                None => Hop::Datagram {
                    listener: arrival.listener,
                    address,
                },
            }
        }
        None => Hop::Datagram {
            listener: arrival.listener,
            address,
        },
    }
}

/// A socket for both families writes IPv4 addresses as IPv6 (RFC 4291 §2.5.5.2).
fn canonical(source: SocketAddr) -> SocketAddr {
    SocketAddr::new(source.ip().to_canonical(), source.port())
}

/// RFC 3261 §20.19: what is no number counts as absent; too large a number is only too large.
fn expires_s(value: &str) -> Option<u32> {
    let is_number = !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| value.parse().unwrap_or(u32::MAX))
}

const CONTACT_BYTES_MAX: usize = 1_024;
/// Between two looks at dead contacts.
const PROBE_MS: u64 = 15_000;
/// Dead contacts probed at a time.
const PROBES_MAX: usize = 64;
