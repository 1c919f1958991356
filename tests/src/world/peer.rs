//! A scripted SIP user agent: a carrier's caller or a counsellor's phone, one small machine over message text.

mod build;
mod receive;

use super::sdp::Offer;
use super::text::Text;
use sha2::{Digest as _, Sha256};
use std::net::SocketAddr;

/// RFC 3261 timers, as a patient peer keeps them.
const T1_US: u64 = 500_000;
const T2_US: u64 = 4_000_000;
const GIVE_UP_US: u64 = 32_000_000;
/// RFC 4028 §4: the usual half hour.
const SESSION_S: u32 = 1_800;
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
    /// How the transfer stands that the phone asked for: a status as of an INVITE.
    Transfer(u16),
    /// The transfer is not even tried, with this status.
    TransferRefused(u16),
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

/// What a phone says to a re-INVITE (a session refresh of ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnChange {
    Accept(Offer),
    Refuse(u16),
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
    pub on_change: OnChange,
    /// RFC 4028, and the refreshing is left to the server.
    pub has_session_timers: bool,
    /// Hears nothing and says nothing: unplugged, or its network is gone.
    pub is_dead: bool,
    pub forgets_ack: bool,
    /// The INVITE being written takes the place of this call.
    replacing: Option<String>,
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
            on_change: OnChange::Accept(Offer::Normal),
            has_session_timers: false,
            is_dead: false,
            forgets_ack: false,
            replacing: None,
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
        let mut invite = self.request(
            "INVITE",
            &format!("sip:{number}@{}", self.server),
            &call_id,
            1,
        );
        let host = self.login.as_ref().map_or_else(
            || self.address.ip().to_string(),
            |login| login.realm.clone(),
        );
        let from = if from.is_empty() {
            format!("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag={local_tag}")
        } else {
            format!("<sip:{from}@{host}>;tag={local_tag}")
        };
        invite.push("From", from);
        invite.push("To", format!("<sip:{number}@{}>", self.server));
        invite.push(
            "Contact",
            format!(
                "<sip:{}@{}{}>",
                self.name,
                self.address,
                self.transport_parameter()
            ),
        );
        if self.has_session_timers {
            invite.push("Supported", "timer");
        }
        if let Some(replaces) = &self.replacing {
            invite.push("Replaces", replaces.clone());
        }
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
        self.dialogs
            .iter()
            .rposition(|dialog| dialog.state != State::Ended)
    }

    /// A phone that rings, newest first.
    #[must_use]
    pub fn ringing(&self) -> Option<usize> {
        self.dialogs
            .iter()
            .rposition(|dialog| !dialog.is_caller && dialog.state == State::Ringing)
    }

    /// Any dialog still alive.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.dialogs
            .iter()
            .any(|dialog| dialog.state != State::Ended)
    }

    /// Puts the receiver down, in whatever state: CANCEL, 603 or BYE.
    pub fn hang_up(&mut self, now_us: u64) {
        if let Some(index) = self.open() {
            self.end(now_us, index);
        }
    }

    /// Ends every call that there is.
    pub fn hang_up_all(&mut self, now_us: u64) {
        for index in 0..self.dialogs.len() {
            self.end(now_us, index);
        }
    }

    fn end(&mut self, now_us: u64, index: usize) {
        let (is_caller, state) = (self.dialogs[index].is_caller, self.dialogs[index].state);
        match (is_caller, state) {
            (true, State::Calling) => self.dialogs[index].wants_end = true,
            (true, State::Ringing) => self.cancel(now_us, index),
            (false, State::Calling | State::Ringing) => self.final_refusal(now_us, index, 603),
            // RFC 3261 §15: the callee waits for the ACK of its 200.
            (false, State::Up) if self.dialogs[index].answer.is_some() => {
                self.dialogs[index].wants_end = true
            }
            (_, State::Up) => self.bye(now_us, index),
            (_, State::Ended) => {}
        }
    }

    /// Calls that are up.
    #[must_use]
    pub fn up(&self) -> usize {
        self.talks().len()
    }

    /// Calls of any kind that are not over.
    #[must_use]
    pub fn lines(&self) -> usize {
        let is_open = |dialog: &&Dialog| dialog.state != State::Ended;
        self.dialogs.iter().filter(is_open).count()
    }

    /// Answers the call that rings.
    pub fn answer(&mut self, now_us: u64) -> bool {
        let Some(index) = self.ringing() else {
            return false;
        };
        let invite = self.dialogs[index].invite.clone();
        let mut answer = invite.answer(200, "OK", Some(&self.dialogs[index].local_tag));
        answer.push(
            "Contact",
            format!(
                "<sip:{}@{}{}>",
                self.name,
                self.address,
                self.transport_parameter()
            ),
        );
        self.push_session(&mut answer);
        answer.push("Content-Type", "application/sdp");
        answer.body = Offer::Normal
            .body(self.address.ip(), self.audio_port)
            .unwrap_or_default();
        self.dialogs[index].state = State::Up;
        self.answer_until_ack(now_us, index, &answer, true);
        true
    }

    /// Agrees to a session that the server, who asked, refreshes.
    fn push_session(&self, answer: &mut Text) {
        if self.has_session_timers {
            answer.push("Session-Expires", format!("{SESSION_S};refresher=uac"));
        }
    }

    /// Refuses the call that rings.
    pub fn refuse(&mut self, now_us: u64, status: u16) -> bool {
        let Some(index) = self.ringing() else {
            return false;
        };
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
        let Some(index) = self
            .dialogs
            .iter()
            .rposition(|dialog| dialog.state == State::Up)
        else {
            return;
        };
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
        let Some(index) = self
            .dialogs
            .iter()
            .rposition(|dialog| dialog.state == State::Up)
        else {
            return;
        };
        // RFC 3261 §14.1: not before the INVITE before it is over, whoever sent that.
        let call_id = &self.dialogs[index].call_id;
        let is_under_way =
            |client: &Client| client.method == "INVITE" && client.call_id == *call_id;
        if self.dialogs[index].answer.is_some() || self.clients.iter().any(is_under_way) {
            return;
        }
        let mut invite = self.in_dialog("INVITE", index);
        invite.push("Contact", format!("<sip:{}@{}>", self.name, self.address));
        if let Some(body) = offer.body(self.address.ip(), self.audio_port) {
            invite.push("Content-Type", "application/sdp");
            invite.body = body;
        }
        self.start(now_us, "INVITE", invite);
    }

    /// Wants the other side passed on to this number (RFC 3515), in the newest talk.
    pub fn refer(&mut self, now_us: u64, number: &str) {
        if let Some(index) = self.talks().pop() {
            let to = format!("<sip:{number}@{}>", self.server);
            self.start_refer(now_us, index, to);
        }
    }

    /// Wants the two calls joined (RFC 3891): the older one is passed on to the newer one's party; or the other way
    /// round, which means the same.
    pub fn refer_joined(&mut self, now_us: u64, is_reversed: bool) {
        let mut talks = self.talks();
        if is_reversed {
            let count = talks.len();
            talks.swap(count.saturating_sub(2), count.saturating_sub(1));
        }
        let [.., asking, named] = talks.as_slice() else {
            return;
        };
        let replaces = self
            .replaces(*named)
            .replace(';', "%3B")
            .replace('=', "%3D")
            .replace('@', "%40");
        let to = format!("<sip:advice@{}?Replaces={replaces}>", self.server);
        self.start_refer(now_us, *asking, to);
    }

    /// What names the newest talk for another phone, and the key under which the server's side knows it.
    #[must_use]
    pub fn replaceable(&self) -> Option<String> {
        self.talks().pop().map(|index| self.replaces(index))
    }

    /// Dials to take the place of another phone's call.
    pub fn dial_replacing(&mut self, now_us: u64, from: &str, replaces: String) {
        self.replacing = Some(replaces);
        self.dial(now_us, "111", from, Offer::Normal);
        self.replacing = None;
    }

    fn start_refer(&mut self, now_us: u64, index: usize, to: String) {
        let mut refer = self.in_dialog("REFER", index);
        refer.push("Contact", format!("<sip:{}@{}>", self.name, self.address));
        refer.push("Refer-To", to);
        self.start(now_us, "REFER", refer);
    }

    /// Dialogs that are up, oldest first.
    fn talks(&self) -> Vec<usize> {
        let is_up = |index: &usize| self.dialogs[*index].state == State::Up;
        (0..self.dialogs.len()).filter(is_up).collect()
    }

    /// The tags as the server sees them: its own is the To tag.
    fn replaces(&self, index: usize) -> String {
        let dialog = &self.dialogs[index];
        let remote = dialog.remote_tag.as_deref().unwrap_or_default();
        format!(
            "{};to-tag={remote};from-tag={}",
            dialog.call_id, dialog.local_tag
        )
    }

    /// A BYE with tags that nobody knows.
    pub fn forged_bye(&mut self, now_us: u64) {
        if let Some(index) = self
            .dialogs
            .iter()
            .rposition(|dialog| dialog.state == State::Up)
        {
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
        request.push(
            "From",
            format!("<sip:{}@{}>;tag={tag}", self.name, self.address.ip()),
        );
        request.push("To", format!("<sip:111@{}>", self.server));
        for (name, value) in extra {
            request.push(name, *value);
        }
        self.start(now_us, method, request);
    }
}

impl Repeat {
    fn again(&mut self, now_us: u64, cap_us: u64) {
        self.interval_us = (self.interval_us * 2).min(cap_us);
        self.next_us = now_us + self.interval_us;
    }
}

/// SHA-256 in hex.
#[must_use]
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
