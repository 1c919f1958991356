//! A scripted SIP user agent: a carrier's caller or a counsellor's phone, one small machine over message text.

use super::sdp::Offer;
use super::text::{Text, challenge_value};
use sha2::{Digest as _, Sha256};
use std::net::SocketAddr;

/// RFC 3261 timers, as a patient peer keeps them.
const T1_US: u64 = 500_000;
const T2_US: u64 = 4_000_000;
const GIVE_UP_US: u64 = 32_000_000;
/// Ended dialogs kept so that a repeated BYE is answered as it was.
const ENDED_MAX: usize = 16;

/// What the person at the phone notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The other end answered; the number that was dialled.
    Answered(String),
    /// Our phone rings no longer: the server took it back.
    Cancelled,
    /// The call is over, by the other end.
    Ended,
    /// Refused with this status (408: no answer at all).
    Refused(u16),
    /// Granted seconds, or the refusing status.
    Registered(Result<u32, u16>),
    /// Our phone rings.
    Rings,
}

/// What a phone does with a call by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnInvite {
    /// 180, then a person decides.
    Ring,
    /// A final status at once (486, 603, 480 ...).
    Refuse(u16),
    /// 100 and nothing more: another machine of the house rings.
    TryOnly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Calling,
    Ringing,
    Up,
    Ended,
}

#[derive(Clone, Debug)]
pub struct Dialog {
    pub call_id: String,
    pub is_caller: bool,
    pub state: State,
    local_tag: String,
    remote_tag: Option<String>,
    remote_target: String,
    cseq: u32,
    invite: Text,
    offer: Offer,
    /// Hang up as soon as that is allowed (RFC 3261 §9.1: no CANCEL before a provisional answer).
    wants_end: bool,
    /// Final answer of ours, sent again until its ACK comes.
    answer: Option<Repeat>,
    last_answer: Vec<u8>,
    ack: Vec<u8>,
}

/// Bytes that are sent again until something stops them.
#[derive(Clone, Debug)]
struct Repeat {
    bytes: Vec<u8>,
    next_us: u64,
    interval_us: u64,
    until_us: u64,
    is_2xx: bool,
}

/// A request of ours that waits for its answer.
#[derive(Clone, Debug)]
struct Client {
    branch: String,
    method: &'static str,
    call_id: String,
    request: Text,
    repeat: Repeat,
    has_provisional: bool,
    has_login: bool,
}

#[derive(Clone, Debug)]
pub struct Login {
    pub user: String,
    pub password: String,
    pub realm: String,
}

pub struct Peer {
    pub name: String,
    pub address: SocketAddr,
    pub server: SocketAddr,
    pub is_stream: bool,
    pub audio_port: u16,
    pub login: Option<Login>,
    pub on_invite: OnInvite,
    /// Hears nothing and says nothing: unplugged, or its network is gone.
    pub is_dead: bool,
    pub forgets_ack: bool,
    /// Puts a CANCEL on the wire although the call was answered.
    pub dialogs: Vec<Dialog>,
    pub out: Vec<Vec<u8>>,
    pub news: Vec<News>,
    clients: Vec<Client>,
    /// Branches of refused INVITEs and the ACK that each repeated refusal gets.
    acks: Vec<(String, Vec<u8>)>,
    serial: u64,
    register_cseq: u32,
    register_serial: u64,
    expires_s: u32,
    nonce_count: u32,
}

impl Peer {
    #[must_use]
    pub fn new(name: &str, address: SocketAddr, server: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            address,
            server,
            is_stream: false,
            audio_port: address.port() + 20_000,
            login: None,
            on_invite: OnInvite::Ring,
            is_dead: false,
            forgets_ack: false,
            dialogs: Vec::new(),
            out: Vec::new(),
            news: Vec::new(),
            clients: Vec::new(),
            acks: Vec::new(),
            serial: 0,
            register_cseq: 0,
            register_serial: 0,
            expires_s: 0,
            nonce_count: 0,
        }
    }

    // ---- what a person does -------------------------------------------------------------------------------

    /// Dials. `from` is the user part of From; empty hides the number.
    pub fn dial(&mut self, now_us: u64, number: &str, from: &str, offer: Offer) {
        let call_id = self.token("call");
        let local_tag = self.token("tag");
        let mut invite = self.request("INVITE", &format!("sip:{number}@{}", self.server), &call_id, 1);
        let host = self.login.as_ref().map_or_else(|| self.address.ip().to_string(), |login| login.realm.clone());
        let from = if from.is_empty() {
            format!("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag={local_tag}")
        } else {
            format!("<sip:{from}@{host}>;tag={local_tag}")
        };
        invite.push("From", from);
        invite.push("To", format!("<sip:{number}@{}>", self.server));
        invite.push("Contact", format!("<sip:{}@{}{}>", self.name, self.address, self.transport_parameter()));
        if let Some(body) = offer.body(self.address.ip(), self.audio_port) {
            invite.push("Content-Type", "application/sdp");
            invite.body = body;
        }
        self.dialogs.push(Dialog {
            call_id,
            is_caller: true,
            state: State::Calling,
            local_tag,
            remote_tag: None,
            remote_target: String::new(),
            cseq: 1,
            invite: invite.clone(),
            offer,
            wants_end: false,
            answer: None,
            last_answer: Vec::new(),
            ack: Vec::new(),
        });
        self.start(now_us, "INVITE", invite);
    }

    /// The current dialog that is not over.
    #[must_use]
    pub fn open(&self) -> Option<usize> {
        self.dialogs.iter().rposition(|dialog| dialog.state != State::Ended)
    }

    /// A phone that rings, newest first.
    #[must_use]
    pub fn ringing(&self) -> Option<usize> {
        self.dialogs.iter().rposition(|dialog| !dialog.is_caller && dialog.state == State::Ringing)
    }

    /// Any dialog still alive.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.dialogs.iter().any(|dialog| dialog.state != State::Ended)
    }

    /// Puts the receiver down, in whatever state: CANCEL, 603 or BYE.
    pub fn hang_up(&mut self, now_us: u64) {
        let Some(index) = self.open() else { return };
        let (is_caller, state) = (self.dialogs[index].is_caller, self.dialogs[index].state);
        match (is_caller, state) {
            (true, State::Calling) => self.dialogs[index].wants_end = true,
            (true, State::Ringing) => self.cancel(now_us, index),
            (false, State::Calling | State::Ringing) => {
                self.refuse(now_us, 603);
            }
            // RFC 3261 §15: the callee waits for the ACK of its 200.
            (false, State::Up) if self.dialogs[index].answer.is_some() => self.dialogs[index].wants_end = true,
            (_, State::Up) => self.bye(now_us, index),
            (_, State::Ended) => {}
        }
    }

    /// Answers the call that rings.
    pub fn answer(&mut self, now_us: u64) -> bool {
        let Some(index) = self.ringing() else { return false };
        let invite = self.dialogs[index].invite.clone();
        let mut answer = invite.answer(200, "OK", Some(&self.dialogs[index].local_tag));
        answer.push("Contact", format!("<sip:{}@{}{}>", self.name, self.address, self.transport_parameter()));
        answer.push("Content-Type", "application/sdp");
        answer.body = Offer::Normal.body(self.address.ip(), self.audio_port).unwrap_or_default();
        self.dialogs[index].state = State::Up;
        self.answer_until_ack(now_us, index, &answer, true);
        true
    }

    /// Refuses the call that rings.
    pub fn refuse(&mut self, now_us: u64, status: u16) -> bool {
        let Some(index) = self.ringing() else { return false };
        self.final_refusal(now_us, index, status);
        true
    }

    /// REGISTER with this lifetime (0 takes the contact back). A fresh start has a fresh Call-ID.
    pub fn register(&mut self, now_us: u64, expires_s: u32) {
        self.expires_s = expires_s;
        if self.register_serial == 0 {
            self.register_serial = self.serial + 1;
        }
        self.register_cseq += 1;
        let request = self.registration(None);
        self.start(now_us, "REGISTER", request);
    }

    /// Forgets everything, as a phone does that was unplugged: no dialog, no timer.
    pub fn reboot(&mut self) {
        self.dialogs.clear();
        self.clients.clear();
        self.acks.clear();
        self.register_serial = 0;
        self.register_cseq = 0;
    }

    /// One key as INFO (application/dtmf-relay).
    pub fn info_digit(&mut self, now_us: u64, digit: char) {
        let Some(index) = self.dialogs.iter().rposition(|dialog| dialog.state == State::Up) else { return };
        let mut info = self.in_dialog("INFO", index);
        info.push("Content-Type", "application/dtmf-relay");
        info.body = format!("Signal={digit}\r\nDuration=160\r\n").into_bytes();
        self.start(now_us, "INFO", info);
    }

    /// The same INVITE once more, as a network that loses our 200 makes us send it.
    pub fn repeat_invite(&mut self) {
        if let Some(dialog) = self.dialogs.iter().rev().find(|dialog| dialog.is_caller) {
            self.out.push(dialog.invite.to_bytes());
        }
    }

    /// CANCEL for an INVITE that has been answered already.
    pub fn cancel_late(&mut self, now_us: u64) {
        if let Some(index) = self.dialogs.iter().rposition(|dialog| dialog.is_caller) {
            self.cancel(now_us, index);
        }
    }

    /// A new offer in the dialog (hold, or the same again).
    pub fn reinvite(&mut self, now_us: u64, offer: Offer) {
        let Some(index) = self.dialogs.iter().rposition(|dialog| dialog.state == State::Up) else { return };
        let mut invite = self.in_dialog("INVITE", index);
        invite.push("Contact", format!("<sip:{}@{}>", self.name, self.address));
        if let Some(body) = offer.body(self.address.ip(), self.audio_port) {
            invite.push("Content-Type", "application/sdp");
            invite.body = body;
        }
        self.start(now_us, "INVITE", invite);
    }

    /// A BYE with tags that nobody knows.
    pub fn forged_bye(&mut self, now_us: u64) {
        if let Some(index) = self.dialogs.iter().rposition(|dialog| dialog.state == State::Up) {
            let mut bye = self.in_dialog("BYE", index);
            for (name, value) in &mut bye.headers {
                if name == "To" {
                    value.push_str("forged");
                }
            }
            self.start(now_us, "BYE", bye);
        }
    }

    /// Any request out of any dialog.
    pub fn bare_request(&mut self, now_us: u64, method: &'static str, extra: &[(&str, &str)]) {
        let call_id = self.token("bare");
        let tag = self.token("tag");
        let mut request = self.request(method, &format!("sip:111@{}", self.server), &call_id, 1);
        request.push("From", format!("<sip:{}@{}>;tag={tag}", self.name, self.address.ip()));
        request.push("To", format!("<sip:111@{}>", self.server));
        for (name, value) in extra {
            request.push(name, *value);
        }
        self.start(now_us, method, request);
    }

    // ---- what the network brings --------------------------------------------------------------------------

    pub fn receive(&mut self, now_us: u64, bytes: &[u8]) {
        if self.is_dead {
            return;
        }
        let Some((text, _)) = Text::parse(bytes) else { return };
        if text.is_request() {
            self.on_request(now_us, &text);
        } else {
            self.on_response(now_us, &text);
        }
        self.forget_old();
    }

    fn on_request(&mut self, now_us: u64, text: &Text) {
        let index = self.dialogs.iter().rposition(|dialog| dialog.call_id == text.call_id());
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
            _ => self.out.push(text.answer(200, "OK", Some("peer")).to_bytes()),
        }
    }

    fn on_invite(&mut self, now_us: u64, text: &Text) {
        let known = self.dialogs.iter().find(|dialog| dialog.invite.branch() == text.branch());
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

    fn on_reinvite(&mut self, index: Option<usize>, text: &Text) {
        let Some(index) = index.filter(|index| self.dialogs[*index].state == State::Up) else {
            self.out.push(text.answer(481, "Call/Transaction Does Not Exist", None).to_bytes());
            return;
        };
        let mut answer = text.answer(200, "OK", Some(&self.dialogs[index].local_tag));
        answer.push("Contact", format!("<sip:{}@{}>", self.name, self.address));
        answer.push("Content-Type", "application/sdp");
        answer.body = Offer::Normal.body(self.address.ip(), self.audio_port).unwrap_or_default();
        self.out.push(answer.to_bytes());
    }

    fn on_bye(&mut self, index: Option<usize>, text: &Text) {
        let is_ours = |dialog: &Dialog| {
            text.tag("To") == Some(dialog.local_tag.as_str())
                && (dialog.remote_tag.is_none() || text.tag("From") == dialog.remote_tag.as_deref())
        };
        let Some(index) = index.filter(|index| is_ours(&self.dialogs[*index])) else {
            self.out.push(text.answer(481, "Call/Transaction Does Not Exist", None).to_bytes());
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

    fn on_cancel(&mut self, now_us: u64, index: Option<usize>, text: &Text) {
        let Some(index) = index.filter(|index| self.dialogs[*index].invite.branch() == text.branch()) else {
            self.out.push(text.answer(481, "Call/Transaction Does Not Exist", None).to_bytes());
            return;
        };
        let tag = self.dialogs[index].local_tag.clone();
        self.out.push(text.answer(200, "OK", Some(&tag)).to_bytes());
        if self.dialogs[index].state == State::Ringing {
            self.final_refusal(now_us, index, 487);
            self.news.push(News::Cancelled);
        }
    }

    fn on_response(&mut self, now_us: u64, text: &Text) {
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
            _ => {}
        }
    }

    fn on_provisional(&mut self, now_us: u64, at: usize, text: &Text) {
        if self.clients[at].method != "INVITE" {
            return;
        }
        let found = self.dialogs.iter().position(|dialog| dialog.call_id == text.call_id());
        if let Some(index) = found
            && self.dialogs[index].state == State::Calling
        {
            self.dialogs[index].state = State::Ringing;
            if self.dialogs[index].wants_end {
                self.cancel(now_us, index);
            }
        }
    }

    fn on_invite_final(&mut self, now_us: u64, client: Client, text: &Text, status: u16) {
        let found = self.dialogs.iter().rposition(|dialog| dialog.call_id == text.call_id());
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
        text.contact_uri().unwrap_or_default().clone_into(&mut self.dialogs[index].remote_target);
        self.dialogs[index].state = State::Up;
        let mut ack = self.in_dialog_with("ACK", index, text.cseq().0);
        let is_offerless = self.dialogs[index].offer == Offer::None;
        if is_offerless {
            ack.push("Content-Type", "application/sdp");
            ack.body = Offer::Normal.body(self.address.ip(), self.audio_port).unwrap_or_default();
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
    fn on_stray_response(&mut self, text: &Text, status: u16) {
        if text.method() != "INVITE" || status < 200 {
            return;
        }
        if let Some((_, ack)) = self.acks.iter().find(|(branch, _)| branch == text.branch()) {
            self.out.push(ack.clone());
        } else if status < 300
            && let Some(index) = self.dialogs.iter().rposition(|dialog| dialog.call_id == text.call_id())
        {
            self.acknowledge(index);
        }
    }

    fn on_register_final(&mut self, now_us: u64, client: &Client, text: &Text, status: u16) {
        if status == 401 && !client.has_login && self.login.is_some() {
            self.register_cseq += 1;
            self.send_with_login(now_us, client, text);
            return;
        }
        let granted = if status < 300 { Ok(self.expires_s) } else { Err(status) };
        self.news.push(News::Registered(granted));
    }

    // ---- time ---------------------------------------------------------------------------------------------

    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        let clients = self.clients.iter().map(|client| {
            if client.method == "INVITE" && client.has_provisional {
                u64::MAX
            } else {
                client.repeat.next_us.min(client.repeat.until_us)
            }
        });
        let answers = self.dialogs.iter().filter_map(|dialog| dialog.answer.as_ref());
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
                let cap = if client.method == "INVITE" { GIVE_UP_US } else { T2_US };
                client.repeat.again(now_us, cap);
                if !is_stream && !is_dead {
                    self.out.push(client.repeat.bytes.clone());
                }
            }
        }
        for (branch, method) in expired {
            let Some(at) = self.clients.iter().position(|client| client.branch == branch && client.method == method)
            else {
                continue;
            };
            let client = self.clients.remove(at);
            self.on_timeout(&client);
        }
        self.repeat_answers(now_us);
    }

    fn on_timeout(&mut self, client: &Client) {
        match client.method {
            "INVITE" => {
                let found = self.dialogs.iter().rposition(|dialog| dialog.call_id == client.call_id);
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

    fn repeat_answers(&mut self, now_us: u64) {
        for dialog in &mut self.dialogs {
            let Some(repeat) = &mut dialog.answer else { continue };
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

    // ---- building -----------------------------------------------------------------------------------------

    fn token(&mut self, what: &str) -> String {
        self.serial += 1;
        format!("{what}-{}-{}-{}", self.name, self.address.port(), self.serial)
    }

    fn transport_parameter(&self) -> &'static str {
        if self.is_stream { ";transport=tcp" } else { "" }
    }

    fn request(&mut self, method: &str, uri: &str, call_id: &str, cseq: u32) -> Text {
        let branch = self.token("z9hG4bK");
        let mut text = Text { first: format!("{method} {uri} SIP/2.0"), headers: Vec::new(), body: Vec::new() };
        let transport = if self.is_stream { "TCP" } else { "UDP" };
        text.push("Via", format!("SIP/2.0/{transport} {};branch={branch};rport", self.address));
        text.push("Max-Forwards", "70");
        text.push("Call-ID", call_id);
        text.push("CSeq", format!("{cseq} {method}"));
        text
    }

    fn in_dialog(&mut self, method: &str, index: usize) -> Text {
        self.dialogs[index].cseq += 1;
        let cseq = self.dialogs[index].cseq;
        self.in_dialog_with(method, index, cseq)
    }

    fn in_dialog_with(&mut self, method: &str, index: usize, cseq: u32) -> Text {
        let dialog = self.dialogs[index].clone();
        let mut text = self.request(method, &dialog.remote_target, &dialog.call_id, cseq);
        let address = |header: &str| {
            let value = dialog.invite.header(header).unwrap_or_default();
            value.split(";tag=").next().unwrap_or_default().to_owned()
        };
        let (local, remote) = if dialog.is_caller { ("From", "To") } else { ("To", "From") };
        text.push("From", format!("{};tag={}", address(local), dialog.local_tag));
        let remote = address(remote);
        text.push("To", match &dialog.remote_tag {
            Some(tag) => format!("{remote};tag={tag}"),
            None => remote,
        });
        text
    }

    fn registration(&mut self, authorization: Option<String>) -> Text {
        let Some(login) = self.login.clone() else { return Text { first: String::new(), headers: Vec::new(), body: Vec::new() } };
        let call_id = format!("register-{}-{}", self.address.port(), self.register_serial);
        let cseq = self.register_cseq;
        let mut text = self.request("REGISTER", &format!("sip:{}", login.realm), &call_id, cseq);
        text.push("From", format!("<sip:{}@{}>;tag=reg{}", login.user, login.realm, self.register_serial));
        text.push("To", format!("<sip:{}@{}>", login.user, login.realm));
        text.push("Contact", format!("<sip:{}@{}{}>", login.user, self.address, self.transport_parameter()));
        text.push("Expires", self.expires_s.to_string());
        if let Some(authorization) = authorization {
            text.push("Authorization", authorization);
        }
        text
    }

    /// The same request once more, with credentials, a new branch and the next CSeq (RFC 3261 §22.2).
    fn send_with_login(&mut self, now_us: u64, client: &Client, challenge: &Text) {
        let Some(authorization) = self.authorization(client.method, &client.request, challenge) else { return };
        if client.method == "REGISTER" {
            let request = self.registration(Some(authorization));
            self.start(now_us, "REGISTER", request);
        } else {
            let branch = self.token("z9hG4bK");
            let cseq = client.request.cseq().0 + 1;
            let mut request = client.request.clone();
            for (name, value) in &mut request.headers {
                if name == "Via" {
                    *value = value.replace(client.branch.as_str(), &branch);
                } else if name == "CSeq" {
                    *value = format!("{cseq} {}", client.method);
                }
            }
            request.push("Authorization", authorization);
            if let Some(dialog) = self.dialogs.iter_mut().find(|dialog| dialog.call_id == client.call_id) {
                dialog.cseq = cseq;
                dialog.invite = request.clone();
            }
            self.start(now_us, client.method, request);
        }
        if let Some(client) = self.clients.last_mut() {
            client.has_login = true;
        }
    }

    fn authorization(&mut self, method: &str, request: &Text, challenge: &Text) -> Option<String> {
        let login = self.login.clone()?;
        let names = ["WWW-Authenticate", "Proxy-Authenticate"];
        let offered = names.iter().flat_map(|name| challenge.all(name)).find(|value| value.contains("SHA-256"))?;
        let realm = challenge_value(offered, "realm").unwrap_or(&login.realm).to_owned();
        let nonce = challenge_value(offered, "nonce").unwrap_or_default().to_owned();
        let uri = request.first.split(' ').nth(1).unwrap_or_default();
        self.nonce_count += 1;
        let (nc, cnonce) = ("00000001", format!("c{}", self.nonce_count));
        let ha1 = sha256(&format!("{}:{realm}:{}", login.user, login.password));
        let ha2 = sha256(&format!("{method}:{uri}"));
        let response = sha256(&format!("{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}"));
        Some(format!(
            "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
             algorithm=SHA-256, cnonce=\"{cnonce}\", qop=auth, nc={nc}",
            login.user
        ))
    }

    fn start(&mut self, now_us: u64, method: &'static str, request: Text) {
        let bytes = request.to_bytes();
        if !self.is_dead {
            self.out.push(bytes.clone());
        }
        self.clients.push(Client {
            branch: request.branch().to_owned(),
            method,
            call_id: request.call_id().to_owned(),
            request,
            repeat: Repeat {
                bytes,
                next_us: now_us + T1_US,
                interval_us: T1_US,
                until_us: now_us + GIVE_UP_US,
                is_2xx: false,
            },
            has_provisional: false,
            has_login: false,
        });
    }

    fn cancel(&mut self, now_us: u64, index: usize) {
        self.dialogs[index].wants_end = true;
        let invite = self.dialogs[index].invite.clone();
        let mut cancel = invite.clone();
        cancel.body.clear();
        cancel.first = cancel.first.replacen("INVITE", "CANCEL", 1);
        cancel.headers.retain(|(name, _)| name != "Contact" && name != "Content-Type" && name != "Authorization");
        for (name, value) in &mut cancel.headers {
            if name == "CSeq" {
                *value = format!("{} CANCEL", invite.cseq().0);
            }
        }
        self.start(now_us, "CANCEL", cancel);
    }

    fn bye(&mut self, now_us: u64, index: usize) {
        let bye = self.in_dialog("BYE", index);
        self.dialogs[index].state = State::Ended;
        self.dialogs[index].answer = None;
        self.start(now_us, "BYE", bye);
    }

    fn acknowledge(&mut self, index: usize) {
        if !self.forgets_ack && !self.dialogs[index].ack.is_empty() {
            self.out.push(self.dialogs[index].ack.clone());
        }
    }

    fn final_refusal(&mut self, now_us: u64, index: usize, status: u16) {
        let tag = self.dialogs[index].local_tag.clone();
        let answer = self.dialogs[index].invite.answer(status, "No", Some(&tag));
        self.dialogs[index].state = State::Ended;
        self.answer_until_ack(now_us, index, &answer, false);
    }

    fn answer_until_ack(&mut self, now_us: u64, index: usize, answer: &Text, is_2xx: bool) {
        let bytes = answer.to_bytes();
        if !self.is_dead {
            self.out.push(bytes.clone());
        }
        self.dialogs[index].last_answer.clone_from(&bytes);
        self.dialogs[index].answer = Some(Repeat {
            bytes,
            next_us: now_us + T1_US,
            interval_us: T1_US,
            until_us: now_us + GIVE_UP_US,
            is_2xx,
        });
    }

    fn forget_old(&mut self) {
        while self.dialogs.len() > ENDED_MAX {
            let Some(at) = self
                .dialogs
                .iter()
                .position(|dialog| dialog.state == State::Ended && dialog.answer.is_none())
            else {
                return;
            };
            self.dialogs.remove(at);
        }
        if self.acks.len() > ENDED_MAX {
            self.acks.remove(0);
        }
    }
}

impl Repeat {
    fn again(&mut self, now_us: u64, cap_us: u64) {
        self.interval_us = (self.interval_us * 2).min(cap_us);
        self.next_us = now_us + self.interval_us;
    }
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

/// SHA-256 in hex.
#[must_use]
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
