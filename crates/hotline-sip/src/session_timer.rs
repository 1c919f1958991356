//! Session timers (RFC 4028): who refreshes, how often, and what happens when nobody does.

use crate::DialogId;
use crate::call::Talking;
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Message, Name, lex, uri};
use crate::timer::{Alarm, TimerId};

/// A session that ends by itself unless it is refreshed.
#[derive(Debug)]
pub(crate) struct Session {
    term: Term,
    timer: TimerId,
    /// Refreshes of ours in a row that never left us.
    unsent: u32,
}

/// What both sides have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    interval_s: u32,
    /// We refresh; else the peer does.
    is_ours: bool,
}

/// A Session-Expires value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    interval_s: u32,
    /// The refresher that it names: true for the sender of the request.
    is_uac: Option<bool>,
}

impl Endpoint {
    /// The headers of our first INVITE. We offer to refresh: whoever does it learns first that the other is gone.
    pub(crate) fn session_wish(&self, min_s: u32) -> Vec<(&'static str, String)> {
        let min_s = min_s.max(self.config.sessions.min_s);
        let expires_s = self.config.sessions.expires_s;
        let wish = (expires_s > 0).then(|| {
            let interval_s = expires_s.max(min_s);
            ("Session-Expires", format!("{interval_s};refresher=uac"))
        });
        let floor = ("Min-SE", min_s.to_string());
        wish.into_iter().chain([floor]).collect()
    }

    /// The headers of a re-INVITE or UPDATE of ours: the session goes on as it was agreed (RFC 4028 §7.4).
    pub(crate) fn session_again(&self, talking: &Talking) -> Vec<(&'static str, String)> {
        let Some(session) = &talking.session else {
            return Vec::new();
        };
        let min_s = talking.change.session_min_s.max(self.config.sessions.min_s);
        let interval_s = session.term.interval_s.max(talking.change.session_min_s);
        let refresher = if session.term.is_ours { "uac" } else { "uas" };
        vec![
            (
                "Session-Expires",
                format!("{interval_s};refresher={refresher}"),
            ),
            ("Min-SE", min_s.to_string()),
        ]
    }

    /// RFC 4028 §9: a proposal below our least is refused with 422, if the peer knows what that means.
    pub(crate) fn is_session_too_short(&self, request: &Message) -> bool {
        has_option(request, "timer")
            && said(request).is_some_and(|said| said.interval_s < self.config.sessions.min_s)
    }

    /// What our 2xx to this INVITE or UPDATE agrees to (RFC 4028 §9); None for a session without end.
    pub(crate) fn session_answer(&self, request: &Message, before: Option<Term>) -> Option<Term> {
        let is_known = has_option(request, "timer");
        let said = said(request);
        let ours_s = self.config.sessions.expires_s;
        let interval_s = match said {
            // A proxy has put it in, and cannot be told that it is too short.
            Some(said) if !is_known && said.interval_s < self.config.sessions.min_s => return None,
            Some(said) if ours_s == 0 => said.interval_s,
            Some(said) => said.interval_s.min(ours_s.max(min_of(request))),
            None if !is_known || ours_s == 0 => return None,
            None => ours_s.max(self.config.sessions.min_s).max(min_of(request)),
        };
        let named = said.filter(|_| is_known).and_then(|said| said.is_uac);
        let is_ours = match named {
            Some(is_uac) => !is_uac,
            None if is_known => before.is_none_or(|before| before.is_ours),
            None => true,
        };
        Some(Term {
            interval_s,
            is_ours,
        })
    }

    /// What a 2xx to a request of ours has agreed to (RFC 4028 §7.2).
    pub(crate) fn session_agreed(response: &Message) -> Option<Term> {
        let said = said(response)?;
        Some(Term {
            interval_s: said.interval_s,
            is_ours: said.is_uac.unwrap_or(true),
        })
    }

    /// A 2xx went or came: the session runs from now.
    pub(crate) fn session_begins(&mut self, turn: &mut Turn<'_>, id: DialogId, term: Option<Term>) {
        self.session_over(id);
        let Some(term) = term else { return };
        // Whatever a peer says, we do not send a refresh every moment.
        let interval_ms = u64::from(term.interval_s.max(INTERVAL_S_MIN)) * 1_000;
        let after_ms = if term.is_ours {
            interval_ms / 2
        } else {
            interval_ms - (interval_ms / 3).min(GRACE_MS)
        };
        let timer = self.timers.arm(turn.now.mono, after_ms, Alarm::Session(id));
        match self.calls.talking(id) {
            Some(talking) => {
                talking.session = Some(Session {
                    term,
                    timer,
                    unsent: 0,
                });
            }
            None => self.timers.cancel(timer),
        }
    }

    /// Our refresh was refused or did not get through: once more soon. We never end a call for that: a peer
    /// that says no is there, and one that misses our refresh ends the call itself. Only where there has been
    /// no way to the peer until the session was over, it is.
    pub(crate) fn refresh_failed(&mut self, turn: &mut Turn<'_>, id: DialogId, is_sent: bool) {
        let now = turn.now.mono;
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let Some(session) = talking.session.take() else {
            return;
        };
        self.timers.cancel(session.timer);
        let term = session.term;
        let unsent = if is_sent { 0 } else { session.unsent + 1 };
        if unsent > UNSENT_MAX {
            return self.end_in_silence(turn, id, Some(EXPIRED));
        }
        let again_ms = u64::from(term.interval_s.max(INTERVAL_S_MIN)) * 1_000 / AGAIN_PARTS;
        let timer = self.timers.arm(now, again_ms, Alarm::Session(id));
        if let Some(talking) = self.calls.talking(id) {
            talking.session = Some(Session {
                term,
                timer,
                unsent,
            });
        }
    }

    pub(crate) fn session_over(&mut self, id: DialogId) {
        let session = self
            .calls
            .talking(id)
            .and_then(|talking| talking.session.take());
        if let Some(session) = session {
            self.timers.cancel(session.timer);
        }
    }

    /// Half the time is over and the refresh is ours, or the peer has not refreshed.
    pub(crate) fn session_due(&mut self, turn: &mut Turn<'_>, id: DialogId) {
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        if talking.hangup.is_some() {
            return;
        }
        match talking.session.as_ref().map(|session| session.term.is_ours) {
            Some(true) => self.refresh_session(turn, id),
            // RFC 4028 §10.
            Some(false) => self.end_in_silence(turn, id, Some(EXPIRED)),
            None => {}
        }
    }
}

impl Talking {
    pub(crate) fn term(&self) -> Option<Term> {
        self.session.as_ref().map(|session| session.term)
    }
}

impl Term {
    /// Of our 2xx. `Require` only when the peer has the duty (RFC 4028 §9).
    pub(crate) fn headers(self) -> Vec<(&'static str, String)> {
        let refresher = if self.is_ours { "uas" } else { "uac" };
        let expires = format!("{};refresher={refresher}", self.interval_s);
        let mut headers = vec![("Session-Expires", expires)];
        if !self.is_ours {
            headers.push(("Require", "timer".to_owned()));
        }
        headers
    }
}

/// Whether Supported or Require names an extension.
pub(crate) fn has_option(message: &Message, option: &str) -> bool {
    [Name::Supported, Name::Require]
        .into_iter()
        .filter_map(|name| message.list(name))
        .flatten()
        .any(|known| known.eq_ignore_ascii_case(option))
}

/// Whether Require names an extension.
pub(crate) fn requires(message: &Message, option: &str) -> bool {
    let required = message.list(Name::Require).unwrap_or_default();
    required
        .iter()
        .any(|known| known.eq_ignore_ascii_case(option))
}

/// Min-SE of a request or of a 422; 0 without.
pub(crate) fn min_of(message: &Message) -> u32 {
    let value = message.value(Name::MinSe).unwrap_or_default();
    let seconds = value.split(';').next().unwrap_or_default();
    uri::decimal(seconds.trim())
        .unwrap_or(0)
        .min(INTERVAL_S_MAX)
}

fn said(message: &Message) -> Option<Said> {
    let value = message.value(Name::SessionExpires)?;
    let mut parts = lex::split(&value, ';')?.into_iter();
    let interval_s = uri::decimal::<u32>(parts.next()?)?.min(INTERVAL_S_MAX);
    let params = lex::Params::parse(parts)?;
    let is_uac = params.value("refresher").and_then(|refresher| {
        if refresher.eq_ignore_ascii_case("uac") {
            Some(true)
        } else if refresher.eq_ignore_ascii_case("uas") {
            Some(false)
        } else {
            None
        }
    });
    Some(Said { interval_s, is_uac })
}

/// A peer that agrees to less than this is refreshed so often and not more.
const INTERVAL_S_MIN: u32 = 4;
/// A day: longer is no supervision any more, and the arithmetic stays far from its ends.
const INTERVAL_S_MAX: u32 = 86_400;
/// RFC 4028 §10: BYE that long before the end, at most.
const GRACE_MS: u64 = 32_000;
/// A refused refresh is tried again after this part of the interval.
const AGAIN_PARTS: u64 = 6;
/// So many of these parts are left after half of it.
const UNSENT_MAX: u32 = 3;
const EXPIRED: &str = "SIP;cause=408;text=\"Session not refreshed\"";
