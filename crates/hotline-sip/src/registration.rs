//! Our own registration, a softphone's or with a carrier: REGISTER, its answer to the challenge, refresh, retry.

use crate::digest::{self, Login};
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Message, Name, NameAddr, Uri, Writer};
use crate::timer::{Alarm, TimerId};
use crate::transaction::Owner;
use crate::transport::Hop;
use crate::{Event, Output, TrunkId};

/// Where we register.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// A softphone, with its one server.
    Server(Hop),
    /// A carrier: its addresses may change from one REGISTER to the next.
    Trunk(TrunkId),
}

/// One account that we register somewhere else.
#[derive(Debug)]
pub(crate) struct Registration {
    login: Login,
    place: Place,
    /// Host of our address of record there.
    domain: String,
    expires_s: u32,
    call_id: String,
    from_tag: String,
    cseq: u32,
    is_login_tried: bool,
    /// The registrar has named a longer time (423) for this REGISTER already.
    is_interval_tried: bool,
    failures: u32,
    timer: Option<TimerId>,
}

impl Registration {
    pub(crate) fn new(
        login: Login,
        (place, domain): (Place, String),
        expires_s: u32,
        call_id: String,
        from_tag: String,
    ) -> Self {
        Self {
            login,
            place,
            domain,
            expires_s,
            call_id,
            from_tag,
            cseq: 0,
            is_login_tried: false,
            is_interval_tried: false,
            failures: 0,
            timer: None,
        }
    }

    fn is_with(&self, user: &str, hop: Hop) -> bool {
        match self.place {
            Place::Server(known) => self.login.user == user && known.address() == hop.address(),
            Place::Trunk(_) => false,
        }
    }
}

impl Endpoint {
    /// Registers, refreshes from then on, or unregisters when `expires_s` is 0.
    pub(crate) fn register_account(
        &mut self,
        turn: &mut Turn<'_>,
        login: Login,
        hop: Hop,
        expires_s: u32,
    ) {
        let known = self
            .registrations
            .iter()
            .find(|(_, known)| known.is_with(&login.user, hop));
        let id = known.map(|(id, _)| *id);
        let (call_id, from_tag, cseq) = match id.and_then(|id| self.registrations.remove(&id)) {
            Some(known) => {
                if let Some(timer) = known.timer {
                    self.timers.cancel(timer);
                }
                (known.call_id, known.from_tag, known.cseq)
            }
            None => (
                format!("{}@{}", self.random.token(), self.config.realm),
                self.random.token(),
                0,
            ),
        };
        self.registration_count += 1;
        let id = self.registration_count;
        let place = (Place::Server(hop), self.config.realm.clone());
        let registration = Registration {
            cseq,
            ..Registration::new(login, place, expires_s, call_id, from_tag)
        };
        self.registrations.insert(id, registration);
        self.send_register(turn, id, None);
    }

    fn send_register(
        &mut self,
        turn: &mut Turn<'_>,
        id: u64,
        credentials: Option<(&'static str, String)>,
    ) {
        let branch = self.branch();
        let Some(registration) = self.registrations.get_mut(&id) else {
            return;
        };
        let (place, failures) = (registration.place, registration.failures);
        let hop = match place {
            Place::Server(hop) => Some(hop),
            Place::Trunk(trunk) => self.registrar_hop(turn, trunk, failures),
        };
        let Some(registration) = self.registrations.get_mut(&id) else {
            return;
        };
        let Some(hop) = hop else {
            // No name server has said yet where the trunk is.
            let alarm = Alarm::Refresh(id);
            registration.timer = Some(self.timers.arm(turn.now.mono, UNKNOWN_PLACE_MS, alarm));
            return;
        };
        registration.cseq += 1;
        let Registration {
            login,
            domain,
            expires_s,
            call_id,
            from_tag,
            cseq,
            ..
        } = registration;
        let (user, realm) = (login.user.clone(), domain.clone());
        let (expires_s, cseq) = (*expires_s, *cseq);
        let (call_id, from_tag) = (call_id.clone(), from_tag.clone());
        let mut register = Writer::request("REGISTER", &format!("sip:{realm}"));
        register
            .header("Via", &self.via(hop, &branch))
            .header("Max-Forwards", "70")
            .header("From", &format!("<sip:{user}@{realm}>;tag={from_tag}"))
            .header("To", &format!("<sip:{user}@{realm}>"))
            .header("Call-ID", &call_id)
            .header("CSeq", &format!("{cseq} REGISTER"))
            .header("Contact", &self.contact(hop, &user))
            .header("Expires", &expires_s.to_string())
            .header("Allow", self.abilities(hop.address()).0)
            .header("User-Agent", &self.config.product);
        if let Some((name, value)) = credentials {
            register.header(name, &value);
        }
        self.start_client(
            turn,
            hop,
            (&branch, "REGISTER"),
            register.finish(None),
            Owner::Registration(id),
        );
    }

    /// The timer says that it is time again.
    pub(crate) fn refresh(&mut self, turn: &mut Turn<'_>, id: u64) {
        let Some(registration) = self.registrations.get_mut(&id) else {
            return;
        };
        registration.timer = None;
        registration.is_login_tried = false;
        registration.is_interval_tried = false;
        // A connection that is gone is made anew.
        if let Place::Server(Hop::Stream {
            listener,
            address,
            connection,
        }) = &mut registration.place
        {
            let transport = self.streams.transport(*listener);
            *connection = self.streams.to_peer(transport, *address);
        }
        self.send_register(turn, id, None);
    }

    /// What came of a REGISTER; no response means that nobody answered.
    pub(crate) fn registration_told(
        &mut self,
        turn: &mut Turn<'_>,
        id: u64,
        response: Option<&Message>,
    ) {
        let status = response.and_then(Message::status).unwrap_or(408);
        if status < 200 {
            return;
        }
        let cnonce = self.random.token();
        let Some(registration) = self.registrations.get_mut(&id) else {
            return;
        };
        let (user, realm) = (registration.login.user.clone(), registration.domain.clone());
        if let Some(response) = response
            && matches!(status, 401 | 407)
            && !registration.is_login_tried
        {
            registration.is_login_tried = true;
            let answer = digest::answer(
                response,
                &registration.login,
                "REGISTER",
                &format!("sip:{realm}"),
                &cnonce,
            );
            if let Some(credentials) = answer {
                return self.send_register(turn, id, Some(credentials));
            }
        }
        let min_s = (status == 423).then(|| longer_s(response)).flatten();
        if let Some(min_s) = min_s
            && !registration.is_interval_tried
            && registration.expires_s > 0
        {
            // RFC 3261 §10.2.8.
            registration.is_interval_tried = true;
            registration.is_login_tried = false;
            registration.expires_s = registration.expires_s.max(min_s);
            return self.send_register(turn, id, None);
        }
        let granted = match status {
            200..=299 => Ok(granted_s(response, &user, registration.expires_s)),
            refused => Err(refused),
        };
        registration.is_login_tried = false;
        let expires_s = registration.expires_s;
        let wait_ms = match granted {
            Ok(granted_s) => {
                registration.failures = 0;
                // Well before it runs out: at 9/10, at least 5 s before the end when there is so much.
                let granted_ms = u64::from(granted_s) * 1_000;
                (granted_ms * 9 / 10)
                    .min(granted_ms.saturating_sub(5_000).max(granted_ms / 2))
                    .max(500)
            }
            Err(_) => {
                registration.failures = (registration.failures + 1).min(RETRY_DOUBLINGS_MAX);
                // Not with everybody else whom the same outage has thrown out.
                let wait_ms = RETRY_MS << registration.failures;
                wait_ms + self.random.below(wait_ms / 4)
            }
        };
        let place = registration.place;
        if expires_s == 0 {
            self.registrations.remove(&id);
        } else {
            registration.timer = Some(self.timers.arm(turn.now.mono, wait_ms, Alarm::Refresh(id)));
        }
        match place {
            Place::Server(_) => turn
                .out
                .push(Output::Event(Event::Registered { user, granted })),
            Place::Trunk(trunk) => self.trunk_registered(turn, trunk, granted),
        }
    }
}

/// The shortest time that the registrar takes, when it can be believed.
fn longer_s(response: Option<&Message>) -> Option<u32> {
    let min_s: u32 = response?.value(Name::MinExpires)?.trim().parse().ok()?;
    (1..=INTERVAL_S_MAX).contains(&min_s).then_some(min_s)
}

/// What the registrar says of our own contact, else its Expires, else what we asked for.
fn granted_s(response: Option<&Message>, user: &str, asked_s: u32) -> u32 {
    if asked_s == 0 {
        return 0;
    }
    let Some(response) = response else {
        return asked_s;
    };
    let contacts = response.list(Name::Contact).unwrap_or_default();
    let is_ours = |uri: &Uri| uri.user_unescaped() == user;
    let own = contacts
        .iter()
        .filter_map(|contact| NameAddr::parse(contact))
        .filter(|contact| is_ours(&contact.uri));
    let own_s = own
        .filter_map(|contact| {
            contact
                .params
                .value("expires")
                .and_then(|value| value.parse().ok())
        })
        .max();
    own_s
        .or_else(|| response.value(Name::Expires)?.parse().ok())
        .unwrap_or(asked_s)
}

/// A refused or unanswered REGISTER is repeated after 4, 8, ... 64 s.
const RETRY_MS: u64 = 2_000;
const RETRY_DOUBLINGS_MAX: u32 = 5;
/// A carrier whose name is not known yet is looked at again so soon.
const UNKNOWN_PLACE_MS: u64 = 500;
/// A registrar that wants more than a day between two REGISTERs is not believed.
const INTERVAL_S_MAX: u32 = 86_400;
