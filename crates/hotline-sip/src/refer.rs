//! REFER (RFC 3515): a phone wants its call connected with somebody else, and is told how that goes on.

use crate::call::{Call, Pending};
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Message, Name, NameAddr, Uri, lex, write};
use crate::replaces::Replaces;
use crate::reply::Request;
use crate::transaction::{Owner, server_key};
use crate::{DialogId, Event, Output, Peer, Referral};

/// The transfers of one dialog; one at a time.
#[derive(Debug, Default)]
pub(crate) struct Transfer {
    /// A REFER that the application has not answered.
    asked: Option<Pending>,
    /// It was accepted, and its sender wants to know.
    subscription: Option<Subscription>,
    /// REFERs so far.
    count: u32,
}

#[derive(Debug)]
struct Subscription {
    /// CSeq of the REFER, for all but the first one (RFC 3515 §2.4.6).
    id: Option<u32>,
    /// A NOTIFY is under way.
    is_asked: bool,
    /// The next news, while one is under way: only the latest counts.
    waiting: Option<u16>,
}

/// What a REFER asks for.
struct Wanted {
    number: String,
    uri: String,
    replaces: Option<Replaces>,
}

impl Endpoint {
    pub(crate) fn refer_received(&mut self, turn: &mut Turn<'_>, id: DialogId, request: Request) {
        match self.referral(id, &request) {
            Ok(referral) => {
                let hop = request.arrival.response_hop(Some(&request.heads.via));
                let key = server_key(&request.message, &request.heads, request.method.as_str());
                let transaction = self.start_server(hop, key, None, false);
                if let Some(talking) = self.calls.talking(id) {
                    talking.transfer.asked = Some(Pending {
                        transaction,
                        request,
                    });
                }
                turn.out.push(Output::Event(Event::Referred(referral)));
            }
            Err(status) => {
                let headers = match status {
                    500 => vec![("Retry-After", "1".to_owned())],
                    _ => Vec::new(),
                };
                self.reply_at_once(turn, &request.message, &request.arrival, status, &headers);
            }
        }
    }

    /// RFC 5057 §5.1: 404, 416, 480, 481 and some more say that the dialog itself is gone, and a phone that hears one
    /// hangs up on the caller. A target of no use is refused with others.
    fn referral(&self, id: DialogId, request: &Request) -> Result<Referral, u16> {
        let (peer, talking) = match self.calls.all.get(&id) {
            Some(Call::Invited(invited)) => (&invited.peer, None),
            Some(Call::Talking(talking)) => (&talking.peer, Some(talking)),
            Some(Call::Calling(_)) | None => return Err(481),
        };
        // Carriers do not send callers about.
        let Peer::Account(account) = peer else {
            return Err(403);
        };
        let Some(talking) = talking.filter(|talking| talking.is_acknowledged) else {
            return Err(500);
        };
        if talking.hangup.is_some() {
            return Err(481);
        }
        if talking.transfer.asked.is_some() || talking.transfer.subscription.is_some() {
            return Err(491);
        }
        let wanted = wanted(&request.message)?;
        let replaces = match &wanted.replaces {
            Some(replaces) => Some(self.own_dialog(account, replaces).ok_or(603_u16)?),
            None => None,
        };
        Ok(Referral {
            dialog: id,
            account: account.clone(),
            number: wanted.number,
            uri: wanted.uri,
            replaces: replaces.filter(|found| *found != id),
            referred_by: request
                .message
                .value(Name::ReferredBy)
                .map(std::borrow::Cow::into_owned),
        })
    }

    /// The application's word on a REFER.
    pub(crate) fn answer_refer(&mut self, turn: &mut Turn<'_>, id: DialogId, status: u16) {
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let Some(Pending {
            transaction,
            request,
        }) = talking.transfer.asked.take()
        else {
            return;
        };
        let is_first = talking.transfer.count == 0;
        talking.transfer.count = talking.transfer.count.saturating_add(1);
        let (local_tag, user) = (
            talking.dialog.local_tag.clone(),
            talking.dialog.user.clone(),
        );
        let status = match status {
            200..=299 => 202,
            300..=699 => status,
            _ => 500,
        };
        let mut reply = self.reply(&request.message, &request.arrival, status, &local_tag);
        // RFC 4488 §4: who does not want to be told is not told.
        let is_told = !is_unsubscribed(&request.message);
        if status == 202 {
            reply.header("Contact", &self.contact(request.arrival.hop(), &user));
            if !is_told {
                reply.header(Name::ReferSub.as_str(), "false");
            }
        }
        self.respond(turn, transaction, status, reply.finish(None));
        if status != 202 || !is_told {
            return;
        }
        if let Some(talking) = self.calls.talking(id) {
            talking.transfer.subscription = Some(Subscription {
                id: (!is_first).then_some(request.heads.cseq),
                is_asked: false,
                waiting: None,
            });
        }
        // RFC 3515 §2.4.4: the first NOTIFY goes at once.
        self.notify_refer(turn, id, 100);
    }

    /// News of the transfer for the phone that wanted it.
    pub(crate) fn notify_refer(&mut self, turn: &mut Turn<'_>, id: DialogId, status: u16) {
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let Some(subscription) = &mut talking.transfer.subscription else {
            return;
        };
        // One at a time: over UDP a second one could overtake the first.
        if subscription.is_asked {
            let is_final = |known: u16| known >= 200;
            if !subscription.waiting.is_some_and(is_final) {
                subscription.waiting = Some(status);
            }
            return;
        }
        self.send_notify(turn, id, status);
    }

    fn send_notify(&mut self, turn: &mut Turn<'_>, id: DialogId, status: u16) {
        let is_final = status >= 200;
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let Some(subscription) = &mut talking.transfer.subscription else {
            return;
        };
        subscription.is_asked = true;
        let event = match subscription.id {
            Some(cseq) => format!("refer;id={cseq}"),
            None => "refer".to_owned(),
        };
        if is_final {
            talking.transfer.subscription = None;
        }
        let mut dialog = talking.dialog.clone();
        let mut draft = self.draft(&mut dialog, "NOTIFY");
        let state = if is_final {
            "terminated;reason=noresource".to_owned()
        } else {
            format!("active;expires={SUBSCRIPTION_S}")
        };
        draft
            .writer
            .header("Contact", &self.contact(draft.hop, &dialog.user))
            .header(Name::Event.as_str(), &event)
            .header("Subscription-State", &state);
        let fragment = format!("SIP/2.0 {status} {}\r\n", write::reason_phrase(status));
        let bytes = draft
            .writer
            .finish(Some(("message/sipfrag;version=2.0", fragment.as_bytes())));
        if let Some(talking) = self.calls.talking(id) {
            talking.dialog.local_cseq = dialog.local_cseq;
        }
        self.start_client(
            turn,
            draft.hop,
            (&draft.branch, "NOTIFY"),
            bytes,
            Owner::Notify(id),
        );
    }

    /// What came of a NOTIFY. A phone that does not want them gets no more; its call stays.
    pub(crate) fn notify_told(&mut self, turn: &mut Turn<'_>, id: DialogId, status: Option<u16>) {
        if status.is_some_and(|status| status < 200) {
            return;
        }
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        let Some(subscription) = &mut talking.transfer.subscription else {
            return;
        };
        if status.is_none_or(|status| status >= 300) {
            talking.transfer.subscription = None;
            return;
        }
        subscription.is_asked = false;
        if let Some(next) = subscription.waiting.take() {
            self.send_notify(turn, id, next);
        }
    }

    /// The dialog ends: a REFER that waits is refused, and the last word on a transfer goes before the BYE.
    pub(crate) fn transfer_over(&mut self, turn: &mut Turn<'_>, id: DialogId, is_bye_ours: bool) {
        self.answer_refer(turn, id, 603);
        let waiting = self
            .calls
            .talking(id)
            .and_then(|talking| talking.transfer.subscription.as_mut())
            .and_then(|subscription| subscription.waiting.take());
        if let Some(status) = waiting.filter(|_| is_bye_ours) {
            self.send_notify(turn, id, status);
        }
    }
}

fn wanted(message: &Message) -> Result<Wanted, u16> {
    // RFC 3515 §2.4.2: exactly one.
    let values = message.list(Name::ReferTo).ok_or(400_u16)?;
    let [value] = values.as_slice() else {
        return Err(400);
    };
    let uri = NameAddr::parse(value).ok_or(400_u16)?.uri;
    if !matches!(uri.scheme.as_str(), "sip" | "sips" | "tel") {
        return Err(400);
    }
    let method = uri.params.value("method").unwrap_or("INVITE");
    let number = uri.subscriber();
    if method != "INVITE" {
        return Err(400);
    }
    if number.is_empty() {
        return Err(400);
    }
    let replaces = match header_of(&uri, Name::Replaces) {
        Some(value) => Some(Replaces::parse(&value).ok_or(400_u16)?),
        None => None,
    };
    let text = uri.as_str();
    let bare = uri
        .headers
        .as_ref()
        .and_then(|headers| text.strip_suffix(headers.as_str()))
        .and_then(|text| text.strip_suffix('?'))
        .unwrap_or(text);
    Ok(Wanted {
        number,
        uri: bare.to_owned(),
        replaces,
    })
}

/// A header in a URI (RFC 3261 §19.1.1), unescaped.
fn header_of(uri: &Uri, name: Name) -> Option<String> {
    let mut headers = uri.headers.as_deref()?.split('&');
    headers.find_map(|header| {
        let (known, value) = header.split_once('=')?;
        (Name::parse(&lex::unescape(known)) == name).then(|| lex::unescape(value))
    })
}

fn is_unsubscribed(message: &Message) -> bool {
    message.value(Name::ReferSub).is_some_and(|value| {
        let value = value.split(';').next().unwrap_or_default();
        value.trim().eq_ignore_ascii_case("false")
    })
}

/// How long a transfer may take; the phone is told its end anyway.
const SUBSCRIPTION_S: u32 = 180;
