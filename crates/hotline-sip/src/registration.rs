//! A softphone's own registration: REGISTER, its answer to the challenge, refresh, retry.

use crate::digest;
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Message, Name, NameAddr, Uri, Writer};
use crate::timer::{Alarm, TimerId};
use crate::transaction::Owner;
use crate::transport::Hop;
use crate::{Event, Output};

/// One account that we register somewhere else.
#[derive(Debug)]
pub(crate) struct Registration {
    login: (String, String),
    hop: Hop,
    expires_s: u32,
    call_id: String,
    from_tag: String,
    cseq: u32,
    is_login_tried: bool,
    failures: u32,
    timer: Option<TimerId>,
}

impl Endpoint {
    /// Registers, refreshes from then on, or unregisters when `expires_s` is 0.
    pub(crate) fn register_account(
        &mut self,
        turn: &mut Turn<'_>,
        login: (String, String),
        hop: Hop,
        expires_s: u32,
    ) {
        let known = self
            .registrations
            .iter()
            .find(|(_, known)| known.login.0 == login.0 && known.hop.address() == hop.address());
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
        let registration = Registration {
            login,
            hop,
            expires_s,
            call_id,
            from_tag,
            cseq,
            is_login_tried: false,
            failures: 0,
            timer: None,
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
        registration.cseq += 1;
        let Registration {
            login: (user, _),
            hop,
            expires_s,
            call_id,
            from_tag,
            cseq,
            ..
        } = registration;
        let (user, hop, expires_s, cseq) = (user.clone(), *hop, *expires_s, *cseq);
        let (call_id, from_tag) = (call_id.clone(), from_tag.clone());
        let realm = &self.config.realm;
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
        // A connection that is gone is made anew.
        if let Hop::Stream {
            listener,
            address,
            connection,
        } = &mut registration.hop
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
        let realm = self.config.realm.clone();
        let cnonce = self.random.token();
        let Some(registration) = self.registrations.get_mut(&id) else {
            return;
        };
        let user = registration.login.0.clone();
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
                RETRY_MS << registration.failures
            }
        };
        if expires_s == 0 {
            self.registrations.remove(&id);
        } else {
            registration.timer = Some(self.timers.arm(turn.now.mono, wait_ms, Alarm::Refresh(id)));
        }
        turn.out
            .push(Output::Event(Event::Registered { user, granted }));
    }
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
