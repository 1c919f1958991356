//! What the network brings to a scripted phone, and what time does.

use super::{Client, Dialog, GIVE_UP_US, News, OnChange, OnInvite, Peer, State, T2_US};
use crate::world::sdp::Offer;
use crate::world::text::Text;

impl Peer {
    pub fn receive(&mut self, now_us: u64, bytes: &[u8]) {
        if self.is_dead {
            return;
        }
        let Some((text, _)) = Text::parse(bytes) else {
            return;
        };
        if text.is_request() {
            self.on_request(now_us, &text);
        } else {
            self.on_response(now_us, &text);
        }
        self.forget_old();
    }

    pub(super) fn on_request(&mut self, now_us: u64, text: &Text) {
        let index = self
            .dialogs
            .iter()
            .rposition(|dialog| dialog.call_id == text.call_id());
        match text.method() {
            "INVITE" if text.tag("To").is_some() => self.on_reinvite(index, text),
            "INVITE" => self.on_invite(now_us, text),
            "ACK" => {
                if let Some(index) = index {
                    self.dialogs[index].answer = None;
                    if self.dialogs[index].wants_end && self.dialogs[index].state == State::Up {
                        self.bye(now_us, index);
                    }
                }
            }
            "BYE" => self.on_bye(index, text),
            "CANCEL" => self.on_cancel(now_us, index, text),
            "NOTIFY" if index.is_some_and(|index| self.dialogs[index].state != State::Ended) => {
                self.out
                    .push(text.answer(200, "OK", Some("peer")).to_bytes());
                // A repeated one is told once more; the person knows it already.
                self.news.extend(told(text).map(News::Transfer));
            }
            // RFC 3261 §12.2.2: in a dialog that we do not have (any more) nothing is well.
            _ if text.tag("To").is_some()
                && index.is_none_or(|index| self.dialogs[index].state == State::Ended) =>
            {
                self.out.push(
                    text.answer(481, "Call/Transaction Does Not Exist", None)
                        .to_bytes(),
                );
            }
            _ => self
                .out
                .push(text.answer(200, "OK", Some("peer")).to_bytes()),
        }
    }

    pub(super) fn on_invite(&mut self, now_us: u64, text: &Text) {
        let known = self
            .dialogs
            .iter()
            .find(|dialog| dialog.invite.branch() == text.branch());
        if let Some(dialog) = known {
            if !dialog.last_answer.is_empty() {
                self.out.push(dialog.last_answer.clone());
            }
            return;
        }
        let local_tag = self.token("tag");
        self.dialogs.push(Dialog {
            call_id: text.call_id().to_owned(),
            is_caller: false,
            state: State::Ringing,
            local_tag: local_tag.clone(),
            remote_tag: text.tag("From").map(str::to_owned),
            remote_target: text.contact_uri().unwrap_or_default().to_owned(),
            cseq: 100,
            invite: text.clone(),
            offer: Offer::Normal,
            wants_end: false,
            answer: None,
            last_answer: Vec::new(),
            ack: Vec::new(),
        });
        let index = self.dialogs.len() - 1;
        match self.on_invite {
            OnInvite::Ring => {
                let answer = text.answer(180, "Ringing", Some(&local_tag)).to_bytes();
                self.dialogs[index].last_answer.clone_from(&answer);
                self.out.push(answer);
                self.news.push(News::Rings);
            }
            OnInvite::Refuse(status) => self.final_refusal(now_us, index, status),
            OnInvite::TryOnly => {
                let answer = text.answer(100, "Trying", None).to_bytes();
                self.dialogs[index].last_answer.clone_from(&answer);
                self.out.push(answer);
            }
        }
    }

    pub(super) fn on_reinvite(&mut self, index: Option<usize>, text: &Text) {
        let Some(index) = index.filter(|index| self.dialogs[*index].state == State::Up) else {
            self.out.push(
                text.answer(481, "Call/Transaction Does Not Exist", None)
                    .to_bytes(),
            );
            return;
        };
        let tag = self.dialogs[index].local_tag.clone();
        let offer = match self.on_change {
            OnChange::Accept(offer) => offer,
            OnChange::Refuse(status) => {
                let refusal = text.answer(status, "No", Some(&tag));
                return self.out.push(refusal.to_bytes());
            }
        };
        let mut answer = text.answer(200, "OK", Some(&tag));
        answer.push("Contact", format!("<sip:{}@{}>", self.name, self.address));
        self.push_session(&mut answer);
        answer.push("Content-Type", "application/sdp");
        answer.body = offer
            .body(self.address.ip(), self.audio_port)
            .unwrap_or_default();
        self.out.push(answer.to_bytes());
    }

    pub(super) fn on_bye(&mut self, index: Option<usize>, text: &Text) {
        let is_ours = |dialog: &Dialog| {
            text.tag("To") == Some(dialog.local_tag.as_str())
                && (dialog.remote_tag.is_none() || text.tag("From") == dialog.remote_tag.as_deref())
        };
        let Some(index) = index.filter(|index| is_ours(&self.dialogs[*index])) else {
            self.out.push(
                text.answer(481, "Call/Transaction Does Not Exist", None)
                    .to_bytes(),
            );
            return;
        };
        self.out.push(text.answer(200, "OK", None).to_bytes());
        let dialog = &mut self.dialogs[index];
        dialog.answer = None;
        if dialog.state != State::Ended {
            dialog.state = State::Ended;
            self.news.push(News::Ended);
        }
    }

    pub(super) fn on_cancel(&mut self, now_us: u64, index: Option<usize>, text: &Text) {
        let Some(index) =
            index.filter(|index| self.dialogs[*index].invite.branch() == text.branch())
        else {
            self.out.push(
                text.answer(481, "Call/Transaction Does Not Exist", None)
                    .to_bytes(),
            );
            return;
        };
        let tag = self.dialogs[index].local_tag.clone();
        self.out.push(text.answer(200, "OK", Some(&tag)).to_bytes());
        if self.dialogs[index].state == State::Ringing {
            self.final_refusal(now_us, index, 487);
            self.news.push(News::Cancelled);
        }
    }

    pub(super) fn on_response(&mut self, now_us: u64, text: &Text) {
        let status = text.status().unwrap_or(0);
        let found = self
            .clients
            .iter()
            .position(|client| client.branch == text.branch() && client.method == text.method());
        let Some(at) = found else {
            return self.on_stray_response(text, status);
        };
        if status < 200 {
            self.clients[at].has_provisional = true;
            return self.on_provisional(now_us, at, text);
        }
        let client = self.clients.remove(at);
        match client.method {
            "INVITE" => self.on_invite_final(now_us, client, text, status),
            "REGISTER" => self.on_register_final(now_us, &client, text, status),
            "REFER" if status >= 300 => self.news.push(News::TransferRefused(status)),
            _ => {}
        }
    }

    pub(super) fn on_provisional(&mut self, now_us: u64, at: usize, text: &Text) {
        if self.clients[at].method != "INVITE" {
            return;
        }
        let found = self
            .dialogs
            .iter()
            .position(|dialog| dialog.call_id == text.call_id());
        if let Some(index) = found
            && self.dialogs[index].state == State::Calling
        {
            self.dialogs[index].state = State::Ringing;
            if self.dialogs[index].wants_end {
                self.cancel(now_us, index);
            }
        }
    }

    pub(super) fn on_invite_final(
        &mut self,
        now_us: u64,
        client: Client,
        text: &Text,
        status: u16,
    ) {
        let found = self
            .dialogs
            .iter()
            .rposition(|dialog| dialog.call_id == text.call_id());
        let Some(index) = found else { return };
        if status >= 300 {
            let ack = ack_of_refusal(&client.request, text);
            self.out.push(ack.clone());
            self.acks.push((client.branch.clone(), ack));
            if matches!(status, 401 | 407) && self.login.is_some() && !client.has_login {
                self.send_with_login(now_us, &client, text);
            } else if self.dialogs[index].state != State::Up {
                // A refused re-INVITE leaves the dialog as it was.
                self.dialogs[index].state = State::Ended;
                self.news.push(News::Refused(status));
            }
            return;
        }
        if client.request.tag("To").is_some() {
            // A changed offer was agreed on; the dialog is as it was, even if we have hung up meanwhile.
            let ack = self.in_dialog_with("ACK", index, text.cseq().0);
            self.out.push(ack.to_bytes());
            return;
        }
        let is_first = self.dialogs[index].state != State::Up;
        self.dialogs[index].remote_tag = text.tag("To").map(str::to_owned);
        text.contact_uri()
            .unwrap_or_default()
            .clone_into(&mut self.dialogs[index].remote_target);
        self.dialogs[index].state = State::Up;
        let mut ack = self.in_dialog_with("ACK", index, text.cseq().0);
        let is_offerless = self.dialogs[index].offer == Offer::None;
        if is_offerless {
            ack.push("Content-Type", "application/sdp");
            ack.body = Offer::Normal
                .body(self.address.ip(), self.audio_port)
                .unwrap_or_default();
        }
        self.dialogs[index].ack = ack.to_bytes();
        self.acknowledge(index);
        if is_first {
            let dialled = self.dialogs[index].invite.request_user().to_owned();
            self.news.push(News::Answered(dialled));
            if self.dialogs[index].wants_end {
                self.bye(now_us, index);
            }
        }
    }

    /// An answer to something that is over for us: a repeated final answer gets its ACK again.
    pub(super) fn on_stray_response(&mut self, text: &Text, status: u16) {
        if text.method() != "INVITE" || status < 200 {
            return;
        }
        if let Some((_, ack)) = self.acks.iter().find(|(branch, _)| branch == text.branch()) {
            self.out.push(ack.clone());
        } else if status < 300
            && let Some(index) = self
                .dialogs
                .iter()
                .rposition(|dialog| dialog.call_id == text.call_id())
        {
            self.acknowledge(index);
        }
    }

    pub(super) fn on_register_final(
        &mut self,
        now_us: u64,
        client: &Client,
        text: &Text,
        status: u16,
    ) {
        if status == 401 && !client.has_login && self.login.is_some() {
            self.register_cseq += 1;
            self.send_with_login(now_us, client, text);
            return;
        }
        let granted = if status < 300 {
            Ok(self.expires_s)
        } else {
            Err(status)
        };
        self.news.push(News::Registered(granted));
    }

    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        let clients = self.clients.iter().map(|client| {
            if client.method == "INVITE" && client.has_provisional {
                u64::MAX
            } else {
                client.repeat.next_us.min(client.repeat.until_us)
            }
        });
        let answers = self
            .dialogs
            .iter()
            .filter_map(|dialog| dialog.answer.as_ref());
        let answers = answers.map(|repeat| repeat.next_us.min(repeat.until_us));
        clients.chain(answers).min().filter(|at| *at != u64::MAX)
    }

    pub fn tick(&mut self, now_us: u64) {
        let is_stream = self.is_stream;
        let is_dead = self.is_dead;
        let mut expired = Vec::new();
        for client in &mut self.clients {
            if client.method == "INVITE" && client.has_provisional {
                continue;
            }
            if client.repeat.until_us <= now_us {
                expired.push((client.branch.clone(), client.method));
            } else if client.repeat.next_us <= now_us {
                let cap = if client.method == "INVITE" {
                    GIVE_UP_US
                } else {
                    T2_US
                };
                client.repeat.again(now_us, cap);
                if !is_stream && !is_dead {
                    self.out.push(client.repeat.bytes.clone());
                }
            }
        }
        for (branch, method) in expired {
            let Some(at) = self
                .clients
                .iter()
                .position(|client| client.branch == branch && client.method == method)
            else {
                continue;
            };
            let client = self.clients.remove(at);
            self.on_timeout(&client);
        }
        self.repeat_answers(now_us);
    }

    pub(super) fn on_timeout(&mut self, client: &Client) {
        match client.method {
            "INVITE" => {
                let found = self
                    .dialogs
                    .iter()
                    .rposition(|dialog| dialog.call_id == client.call_id);
                if let Some(index) = found
                    && self.dialogs[index].state != State::Up
                {
                    self.dialogs[index].state = State::Ended;
                    self.news.push(News::Refused(408));
                }
            }
            "REGISTER" => self.news.push(News::Registered(Err(408))),
            _ => {}
        }
    }

    pub(super) fn repeat_answers(&mut self, now_us: u64) {
        for dialog in &mut self.dialogs {
            let Some(repeat) = &mut dialog.answer else {
                continue;
            };
            if repeat.until_us <= now_us {
                // Nobody acknowledged: for a 200 that is the end of the call, for a refusal it is over anyway.
                if repeat.is_2xx && dialog.state == State::Up {
                    dialog.state = State::Ended;
                    self.news.push(News::Ended);
                }
                dialog.answer = None;
            } else if repeat.next_us <= now_us {
                repeat.again(now_us, T2_US);
                if !self.is_dead && (repeat.is_2xx || !self.is_stream) {
                    self.out.push(repeat.bytes.clone());
                }
            }
        }
    }
}

/// RFC 3515 §2.4.5: the body is the first line of the answer.
fn told(notify: &Text) -> Option<u16> {
    let line = std::str::from_utf8(&notify.body).ok()?;
    line.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
}

/// RFC 3261 §17.1.1.3: the ACK of a refusal carries the INVITE's Via and Request-URI.
fn ack_of_refusal(invite: &Text, refusal: &Text) -> Vec<u8> {
    let mut ack = Text {
        first: invite.first.replacen("INVITE", "ACK", 1),
        headers: Vec::new(),
        body: Vec::new(),
    };
    for name in ["Via", "Max-Forwards", "From", "Call-ID"] {
        ack.push(name, invite.header(name).unwrap_or_default());
    }
    ack.push("To", refusal.header("To").unwrap_or_default());
    ack.push("CSeq", format!("{} ACK", invite.cseq().0));
    ack.to_bytes()
}
