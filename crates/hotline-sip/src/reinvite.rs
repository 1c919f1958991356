//! Our own changes of a session: re-INVITE and UPDATE, one at a time, and what becomes of them.
//!
//! ```text
//!             wished                         answered 2xx ──► told
//!   Nothing ──────────► Wished ── sent ─► Asked ── refused ─► told
//!                         ▲                 │
//!                         └── 491, 422, ────┘
//!                             Retry-After
//! ```

use crate::DialogId;
use crate::admission::without_100rel;
use crate::call::{Call, Talking};
use crate::digest;
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Heads, Message, Name, uri};
use crate::session_timer::min_of;
use crate::timer::{Alarm, TimerId};
use crate::transaction::{Owner, Told, TransactionId};
use crate::uas::body_of;
use crate::{Event, Output};

/// What we want of the peer.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Not sent yet.
    wished: Option<Wish>,
    /// Sent; waits for its final answer.
    asked: Option<Asked>,
    /// The shortest session that a 422 has asked for, in seconds.
    pub(crate) session_min_s: u32,
}

#[derive(Debug)]
struct Wish {
    what: What,
    tries: u32,
    /// Not before this.
    timer: Option<TimerId>,
    /// The peer has changed the session since the offer was made.
    is_overtaken: bool,
    is_login_tried: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    /// An offer of the application, by re-INVITE: every phone and carrier knows it, and it may take its time to
    /// be answered (RFC 3311 §5.1).
    Offer(Vec<u8>),
    /// The session goes on as it is: by UPDATE without a body, or by re-INVITE with the same description.
    Refresh,
}

#[derive(Debug)]
struct Asked {
    wish: Wish,
    is_invite: bool,
    cseq: u32,
}

impl Wish {
    fn new(what: What) -> Self {
        Self {
            what,
            tries: 0,
            timer: None,
            is_overtaken: false,
            is_login_tried: false,
        }
    }
}

impl Change {
    /// Why an offer of the peer collides with ours (RFC 3261 §14.2, RFC 3311 §5.2).
    pub(crate) fn collides(&self, is_invite: bool, has_offer: bool) -> bool {
        self.asked.as_ref().is_some_and(|asked| {
            // A re-INVITE of ours always carries an offer.
            asked.is_invite && (is_invite || has_offer)
        })
    }

    /// The peer has changed the session: an offer that waits was made before that.
    pub(crate) fn overtaken(&mut self) {
        if let Some(wish) = &mut self.wished {
            wish.is_overtaken = true;
        }
    }
}

impl Endpoint {
    /// The application has an offer.
    pub(crate) fn reinvite(&mut self, turn: &mut Turn<'_>, id: DialogId, body: Vec<u8>) {
        match self.calls.all.get(&id) {
            Some(Call::Talking(talking)) if talking.hangup.is_some() => {}
            Some(Call::Talking(_)) => self.wish_change(turn, id, Wish::new(What::Offer(body))),
            Some(Call::Invited(_) | Call::Calling(_)) => self.tell_change(turn, id, None, 491),
            None => {}
        }
    }

    /// The session timer wants a sign of life; any change of ours is one.
    pub(crate) fn refresh_session(&mut self, turn: &mut Turn<'_>, id: DialogId) {
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        if talking.change.wished.is_some() || talking.change.asked.is_some() {
            return self.refresh_failed(turn, id, true);
        }
        self.wish_change(turn, id, Wish::new(What::Refresh));
    }

    fn wish_change(&mut self, turn: &mut Turn<'_>, id: DialogId, wish: Wish) {
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let before = talking.change.wished.replace(wish);
        if let Some(timer) = before.and_then(|before| before.timer) {
            self.timers.cancel(timer);
        }
        self.ask_change(turn, id);
    }

    /// The waiting time is over.
    pub(crate) fn change_due(&mut self, turn: &mut Turn<'_>, id: DialogId) {
        if let Some(wish) = self
            .calls
            .talking(id)
            .and_then(|talking| talking.change.wished.as_mut())
        {
            wish.timer = None;
            self.ask_change(turn, id);
        }
    }

    /// Sends what is wished, as soon as nothing else is under way: no INVITE before the end of another one
    /// (RFC 3261 §14.1), no offer before the answer to another one.
    pub(crate) fn ask_change(&mut self, turn: &mut Turn<'_>, id: DialogId) {
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let is_free = talking.is_acknowledged
            && talking.hangup.is_none()
            && talking.answer.is_none()
            && talking.pending.is_none()
            && talking.change.asked.is_none();
        if !is_free {
            return;
        }
        let Some(wish) = talking.change.wished.take_if(|wish| wish.timer.is_none()) else {
            return;
        };
        if wish.is_overtaken && wish.what != What::Refresh {
            return self.tell_change(turn, id, None, 491);
        }
        self.send_change(turn, id, wish, None);
    }

    fn send_change(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        wish: Wish,
        credentials: Option<(&'static str, String)>,
    ) {
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let is_invite = wish.what != What::Refresh || !talking.takes_update;
        let method = if is_invite { "INVITE" } else { "UPDATE" };
        let body = match &wish.what {
            What::Offer(body) => Some(body.clone()),
            // RFC 4028 §7.4: the same description with the same version says that nothing has changed.
            What::Refresh => is_invite.then(|| talking.local_body.clone()),
        };
        let mut dialog = talking.dialog.clone();
        let mut draft = self.draft(&mut dialog, method);
        let contact = self.contact(draft.hop, &dialog.user);
        let (allow, mut supported) = self.abilities(draft.hop.address());
        if is_invite {
            supported = without_100rel(supported);
        }
        draft
            .writer
            .header("Contact", &contact)
            .header("Allow", allow)
            .header("Supported", supported);
        if let Some((name, value)) = credentials {
            draft.writer.header(name, &value);
        }
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        talking.dialog.local_cseq = dialog.local_cseq;
        talking.change.asked = Some(Asked {
            wish,
            is_invite,
            cseq: dialog.local_cseq,
        });
        if let Some(Call::Talking(talking)) = self.calls.all.get(&id) {
            for (name, value) in self.session_again(talking) {
                draft.writer.header(name, &value);
            }
        }
        let body = body.filter(|body| !body.is_empty());
        let bytes = draft.writer.finish(
            body.as_ref()
                .map(|body| ("application/sdp", body.as_slice())),
        );
        self.start_client(
            turn,
            draft.hop,
            (&draft.branch, method),
            bytes,
            Owner::Change(id),
        );
    }

    /// News of our re-INVITE or UPDATE. `response` is there when the news is one.
    pub(crate) fn change_told(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        told: Told,
        response: Option<(&Message, &Heads, TransactionId)>,
    ) {
        let status = match (told, response) {
            (Told::Response, Some((message, ..))) => message.status().unwrap_or(500),
            (Told::TransportFailed, _) => 503,
            (Told::TimedOut, _) | (Told::Response, None) => 408,
        };
        match (status, response) {
            (100..=199, _) => {}
            (200..=299, Some((message, heads, transaction))) => {
                self.change_accepted(turn, id, status, (message, heads, transaction));
            }
            _ => self.change_refused(
                turn,
                id,
                told,
                status,
                response.map(|(message, ..)| message),
            ),
        }
    }

    fn change_accepted(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        status: u16,
        (message, heads, transaction): (&Message, &Heads, TransactionId),
    ) {
        let is_invite = heads.cseq_method.is(rsip::Method::Invite);
        if is_invite && self.acknowledge_again(turn, transaction, heads.to_tag()) {
            return;
        }
        let is_asked = |asked: &mut Asked| asked.cseq == heads.cseq;
        let asked = self
            .calls
            .talking(id)
            .and_then(|talking| talking.change.asked.take_if(is_asked));
        if is_invite {
            self.acknowledge_change(turn, id, message, heads, transaction);
        }
        let (Some(asked), Some(talking)) = (asked, self.calls.talking(id)) else {
            return;
        };
        talking.dialog.refresh(message);
        talking.heard_allow(message);
        let body = body_of(message).map(|(_, body)| body);
        let is_news = match asked.wish.what {
            What::Offer(offer) => {
                talking.local_body = offer;
                true
            }
            What::Refresh => body
                .as_ref()
                .is_some_and(|body| *body != talking.remote_body),
        };
        if let Some(body) = &body {
            talking.remote_body.clone_from(body);
        }
        let dialog = talking.dialog.clone();
        self.keep_dialog(turn, &dialog);
        self.session_begins(turn, id, Self::session_agreed(message));
        if is_news {
            self.tell_change(turn, id, body, status);
        }
        self.ask_change(turn, id);
    }

    /// ACK for the 2xx, also when the call was hung up meanwhile: the peer would repeat it for half a minute.
    fn acknowledge_change(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        message: &Message,
        heads: &Heads,
        transaction: TransactionId,
    ) {
        let living = self
            .calls
            .talking(id)
            .map(|talking| talking.dialog.clone())
            .or_else(|| self.closing.get(&id).map(|talking| talking.dialog.clone()));
        let hop = self
            .transactions
            .get(transaction)
            .map(|transaction| transaction.hop);
        let mut dialog = match (living, hop) {
            (Some(mut dialog), _) => {
                dialog.refresh(message);
                dialog
            }
            (None, Some(hop)) => self.client_dialog(message, heads, hop, "", true),
            (None, None) => return,
        };
        dialog.local_cseq = heads.cseq;
        self.acknowledge(turn, transaction, &mut dialog);
    }

    fn change_refused(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        told: Told,
        status: u16,
        message: Option<&Message>,
    ) {
        let is_owner_s = self.glare_ms(id);
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let Some(asked) = talking.change.asked.take() else {
            return;
        };
        let Asked {
            mut wish,
            is_invite,
            ..
        } = asked;
        if talking.hangup.is_some() {
            return;
        }
        wish.tries += 1;
        let may_repeat = wish.tries < TRIES_MAX;
        let retry_ms = message.and_then(retry_after_ms);
        match status {
            401 | 407 if !wish.is_login_tried && talking.login.is_some() => {
                self.change_with_login(turn, id, wish, is_invite, message)
            }
            // RFC 3261 §14.1: collided.
            491 if may_repeat => self.change_later(turn, id, wish, is_owner_s),
            500 | 503 if may_repeat && let Some(retry_ms) = retry_ms => {
                self.change_later(turn, id, wish, retry_ms);
            }
            // RFC 4028 §7.3.
            422 if may_repeat && let Some(message) = message => {
                talking.change.session_min_s = talking.change.session_min_s.max(min_of(message));
                self.change_later(turn, id, wish, 0);
            }
            // RFC 3261 §12.2.1.2: the peer has no such dialog, or is no more.
            481 => self.end_in_silence(turn, id, None),
            408 if told != Told::TransportFailed => self.end_in_silence(turn, id, None),
            // An Allow that promises more than the peer can.
            _ if !is_invite && told == Told::Response => {
                talking.takes_update = false;
                self.change_later(turn, id, wish, 0);
            }
            _ => match wish.what {
                What::Offer(_) => {
                    self.tell_change(turn, id, None, status);
                    self.ask_change(turn, id);
                }
                What::Refresh => {
                    self.refresh_failed(turn, id, told != Told::TransportFailed);
                    self.ask_change(turn, id);
                }
            },
        }
    }

    /// Only softphones with a login answer a challenge, once.
    fn change_with_login(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        mut wish: Wish,
        is_invite: bool,
        challenge: Option<&Message>,
    ) {
        wish.is_login_tried = true;
        let method = if is_invite { "INVITE" } else { "UPDATE" };
        let cnonce = self.random.token();
        let credentials = self.calls.talking(id).and_then(|talking| {
            let login = talking.login.clone()?;
            digest::answer(challenge?, &login, method, &talking.dialog.target, &cnonce)
        });
        self.send_change(turn, id, wish, credentials);
    }

    /// Once more after a while (0: at once), unless the application has a newer wish by then.
    fn change_later(&mut self, turn: &mut Turn<'_>, id: DialogId, wish: Wish, after_ms: u64) {
        let now = turn.now.mono;
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let newer = talking.change.wished.take();
        if newer.is_some() && wish.what == What::Refresh {
            self.refresh_failed(turn, id, true);
        }
        let mut wish = newer.unwrap_or(wish);
        if after_ms > 0 {
            wish.timer = Some(self.timers.arm(now, after_ms, Alarm::Change(id)));
        }
        if let Some(talking) = self.calls.talking(id) {
            talking.change.wished = Some(wish);
        }
        self.ask_change(turn, id);
    }

    /// RFC 3261 §14.1: who owns the Call-ID waits longer, in units of 10 ms.
    fn glare_ms(&mut self, id: DialogId) -> u64 {
        let is_owner = self
            .calls
            .talking(id)
            .is_some_and(|talking| talking.is_caller);
        if is_owner {
            GLARE_OWNER_MS + 10 * self.random.below(GLARE_OWNER_STEPS)
        } else {
            // Not 0: what has just collided would collide again.
            10 + 10 * self.random.below(GLARE_OTHER_STEPS)
        }
    }

    fn tell_change(
        &self,
        turn: &mut Turn<'_>,
        dialog: DialogId,
        body: Option<Vec<u8>>,
        status: u16,
    ) {
        turn.out.push(Output::Event(Event::ReinviteAnswered {
            dialog,
            body,
            status,
        }));
    }

    /// Nothing of ours is under way any more.
    pub(crate) fn change_over(&mut self, id: DialogId) {
        let wished = self.calls.talking(id).and_then(|talking| {
            talking.change.asked = None;
            talking.change.wished.take()
        });
        if let Some(timer) = wished.and_then(|wish| wish.timer) {
            self.timers.cancel(timer);
        }
    }

    /// The peer is not there any more: BYE in case it is, and the application is told.
    pub(crate) fn end_in_silence(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        reason: Option<&str>,
    ) {
        self.end_talking(turn, id, Some(reason.map(str::to_owned)));
        turn.out.push(Output::Event(Event::Ended {
            dialog: id,
            is_by_peer: false,
        }));
    }
}

impl Talking {
    /// What the peer takes, as often as it says so.
    pub(crate) fn heard_allow(&mut self, message: &Message) {
        if message.count(Name::Allow) > 0 {
            let allowed = message.list(Name::Allow).unwrap_or_default();
            self.takes_update = allowed.iter().any(|method| method == "UPDATE");
        }
    }
}

/// Retry-After, when it is short enough to wait for.
fn retry_after_ms(message: &Message) -> Option<u64> {
    let value = message.value(Name::RetryAfter)?;
    let seconds = value.split([';', '(', ' ']).next().unwrap_or_default();
    uri::decimal::<u64>(seconds)
        .filter(|seconds| *seconds <= RETRY_S_MAX)
        .map(|seconds| (seconds * 1_000).max(RETRY_MS_MIN))
}

/// Tries of one change; a peer that always collides is told to the application.
const TRIES_MAX: u32 = 8;
/// RFC 3261 §14.1: 2.1 to 4 s.
const GLARE_OWNER_MS: u64 = 2_100;
const GLARE_OWNER_STEPS: u64 = 191;
/// RFC 3261 §14.1: up to 2 s.
const GLARE_OTHER_STEPS: u64 = 200;
/// RFC 3261 §14.2 gives at most 10 s.
const RETRY_S_MAX: u64 = 10;
const RETRY_MS_MIN: u64 = 500;
