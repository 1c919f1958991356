//! Softphones: REFER of our own, and the NOTIFYs that tell how it goes on (RFC 3515).

use crate::call::{Call, Sent};
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Message, Name, uri};
use crate::reply::Request;
use crate::{DialogId, Event, Output};

impl Endpoint {
    /// Asks the peer of a confirmed dialog to connect it with somebody else.
    pub(crate) fn refer(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        target: &str,
        replaces: Option<DialogId>,
    ) {
        let headers = match replaces {
            Some(other) => match self.replaces(other) {
                Some(value) => format!("?Replaces={}", escaped(&value)),
                None => return self.tell_refer(turn, id, 481),
            },
            None => String::new(),
        };
        let Some(Call::Talking(_)) = self.calls.all.get(&id) else {
            return;
        };
        let Some(Call::Talking(mut talking)) = self.calls.all.remove(&id) else {
            return;
        };
        let mut refer = Sent::new("REFER");
        let own = self.contact(talking.dialog.hop, &talking.dialog.user);
        refer.headers = vec![
            ("Refer-To".to_owned(), format!("<{target}{headers}>")),
            ("Referred-By".to_owned(), talking.dialog.local.clone()),
            ("Contact".to_owned(), own),
        ];
        self.send_in_dialog(turn, id, &mut talking, refer, None);
        self.calls.all.insert(id, Call::Talking(talking));
    }

    /// The value of Replaces (RFC 3891) that names a confirmed dialog, as the peer sees it.
    #[must_use]
    pub fn replaces(&self, dialog: DialogId) -> Option<String> {
        let dialog = self.calls.all.get(&dialog)?.dialog()?;
        Some(format!(
            "{};to-tag={};from-tag={}",
            dialog.call_id, dialog.remote_tag, dialog.local_tag
        ))
    }

    /// What came of our REFER. 202 says nothing yet: the NOTIFYs do.
    pub(crate) fn refer_told(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        response: Option<&Message>,
    ) {
        let status = response.and_then(Message::status).unwrap_or(408);
        if status < 300 || self.calls.talking(id).is_none() {
            return;
        }
        let Some(Call::Talking(mut talking)) = self.calls.all.remove(&id) else {
            return;
        };
        let is_sent_again = self.login_again(turn, id, &mut talking, response);
        self.calls.all.insert(id, Call::Talking(talking));
        if !is_sent_again {
            self.tell_refer(turn, id, status);
        }
    }

    /// NOTIFY of a transfer; a server has asked for none.
    pub(crate) fn notify_received(&mut self, turn: &mut Turn<'_>, id: DialogId, request: &Request) {
        let message = &request.message;
        let event = message.value(Name::Event).unwrap_or_default();
        let event = event
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        if self.is_server() || event != "refer" {
            return self.refuse_method(turn, message, &request.arrival, &request.method);
        }
        let status = fragment_status(message.body());
        self.reply_new(turn, request, 200, &[]);
        let is_wanted = self
            .calls
            .talking(id)
            .is_some_and(|talking| talking.hangup.is_none());
        if let Some(status) = status.filter(|_| is_wanted) {
            self.tell_refer(turn, id, status);
        }
    }

    fn tell_refer(&self, turn: &mut Turn<'_>, dialog: DialogId, status: u16) {
        turn.out
            .push(Output::Event(Event::ReferProgress { dialog, status }));
    }
}

/// `SIP/2.0 180 Ringing` (RFC 3420).
fn fragment_status(body: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(body).ok()?;
    let mut words = text.lines().next()?.split(' ');
    (words.next() == Some("SIP/2.0")).then_some(())?;
    uri::decimal(words.next()?).filter(|status| (100..700).contains(status))
}

/// For a header in a URI (RFC 3261 §19.1.1).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
