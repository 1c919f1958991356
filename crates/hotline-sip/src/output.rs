//! What the endpoint says: bytes to send, events for the application, things to keep over a restart.

use crate::input::{ConnectionId, DialogId, ListenerId, TrunkId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Who sent a request, once that is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A carrier, by source address.
    Trunk(TrunkId),
    /// A phone, by digest.
    Account(String),
    /// Not proven; only with [`Config::is_user_agent`](crate::Config::is_user_agent).
    Unknown,
}

/// A carrier at the other end of a connection of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierHost {
    /// Which.
    pub trunk: TrunkId,
    /// The host that its configuration names, from before NAPTR and SRV: its certificate must be good for this
    /// name and not for the one that a name server said (RFC 5922 §7.3).
    pub host: String,
}

/// A new incoming call. No answer but 100 has been sent.
#[derive(Clone)]
pub struct Invitation {
    /// Even number given by the endpoint.
    pub dialog: DialogId,
    /// Proven sender.
    pub peer: Peer,
    /// Source of the request.
    pub source: SocketAddr,
    /// How it came. An offer of ours has to fit this ([`MediaKind::over`](crate::MediaKind::over)).
    pub transport: crate::Transport,
    /// The address that our SDP should name: the listener's `advertise`.
    pub advertise: SocketAddr,
    /// User part of the Request-URI, unescaped, without telephone parameters; the number of a tel: URI.
    pub dialled: String,
    /// User part of From (or P-Asserted-Identity, believed from trunks only), as sent; empty when anonymous.
    pub caller: String,
    /// Display name, control and bidi characters stripped.
    pub caller_name: String,
    /// Call-ID.
    pub call_id: String,
    /// Diversion and History-Info, raw values.
    pub diversion: Vec<String>,
    /// What a trunk says besides; None for phones.
    pub carrier: Option<CarrierNote>,
    /// Content type, lower case, and body.
    pub body: Option<(String, Vec<u8>)>,
    /// The dialog that this call takes the place of (RFC 3891): it exists, and the sender is its peer. Once this
    /// call is answered the application hangs that one up.
    pub replaces: Option<DialogId>,
}

/// A phone asks us to connect its call with somebody else (REFER, RFC 3515). The phone has proved its account.
#[derive(Clone)]
pub struct Referral {
    /// The dialog of the REFER: the call that is to be transferred.
    pub dialog: DialogId,
    /// Whose phone.
    pub account: String,
    /// The number or name that Refer-To gives, unescaped, without telephone parameters.
    pub number: String,
    /// Refer-To as a URI, without its headers.
    pub uri: String,
    /// Attended: this dialog of the same account, the consultation, is to be joined with the call.
    pub replaces: Option<DialogId>,
    /// Referred-By (RFC 3892) as sent.
    pub referred_by: Option<String>,
}

impl fmt::Debug for Referral {
    /// Whom a caller is connected to must not get into a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Referral")
            .field("dialog", &self.dialog)
            .field("account", &self.account)
            .field("number", &Masked(&self.number))
            .field("replaces", &self.replaces)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Invitation {
    /// Who calls, and for whom, must not get into a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self
            .body
            .as_ref()
            .map(|(kind, body)| (kind.as_str(), body.len()));
        formatter
            .debug_struct("Invitation")
            .field("dialog", &self.dialog)
            .field("peer", &self.peer)
            .field("source", &self.source)
            .field("transport", &self.transport)
            .field("advertise", &self.advertise)
            .field("dialled", &Masked(&self.dialled))
            .field("caller", &Masked(&self.caller))
            .field("caller_name", &Masked(&self.caller_name))
            .field("call_id", &self.call_id)
            .field("diversions", &self.diversion.len())
            .field("carrier", &self.carrier)
            .field("body_bytes", &body)
            .field("replaces", &self.replaces)
            .finish()
    }
}

/// What a trunk says of a call besides number and name. Not believed from anybody else.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CarrierNote {
    /// URI of the caller as it came (P-Asserted-Identity, Remote-Party-ID, else From).
    pub caller_uri: String,
    /// The caller asks not to be known (RFC 3323 Privacy, RFC 3325 §9.3), or From is anonymous.
    pub is_private: bool,
    /// `tgrp` of Contact or of the Request-URI (RFC 4904).
    pub trunk_group: Option<String>,
    /// Name in lower case and value of each header of
    /// [`Trunk::region_headers`](crate::Trunk::region_headers).
    pub region_headers: Vec<(String, String)>,
    /// Geolocation values (RFC 6442), as they came.
    pub geolocation: Vec<String>,
    /// The location itself (PIDF-LO, RFC 4119), when it came in the body.
    pub location: Option<Vec<u8>>,
}

impl fmt::Debug for CarrierNote {
    /// Who calls, and from where, must not get into a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CarrierNote")
            .field("is_private", &self.is_private)
            .field("trunk_group", &self.trunk_group)
            .field("region_headers", &self.region_headers.len())
            .field("geolocation", &self.geolocation.len())
            .field("has_location", &self.location.is_some())
            .finish_non_exhaustive()
    }
}

/// Short codes and nothing longer are shown.
struct Masked<'a>(&'a str);

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_code = self.0.len() <= 4 && self.0.bytes().all(|byte| byte.is_ascii_digit());
        formatter.write_str(if is_code { self.0 } else { "***" })
    }
}

/// Why an outgoing call did not come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// 486, 600.
    Busy,
    /// We cancelled, and that is confirmed.
    Cancelled,
    /// 603, 403 and other 4xx/6xx: somebody or something said no.
    Declined(u16),
    /// The account has no reachable contact, no provisional came within the limit, ICMP error, lost flow,
    /// or 408, 430, 480, 5xx from every contact.
    Unreachable(u16),
}

/// How we refused a request ourselves; for counters and one log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rejection {
    /// From a banned address: silence, and never an event.
    Banned,
    /// Challenged (401): no or stale credentials.
    Challenged,
    /// A source that is over its rate: silence.
    Flood,
    /// Not SIP, or so broken that no answer can be built.
    Garbage,
    /// Answered 400, 413, 416, 420, 501, 505, 513 ...
    Malformed,
    /// 481: wrong dialog or transaction.
    NoDialog,
    /// Shed by the order of overload.
    Overload,
    /// Wrong credentials.
    WrongCredentials,
}

/// How an account can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactState {
    /// No contact: never registered, unregistered or expired.
    Gone,
    /// At least one contact that is not known to be dead.
    Reachable,
    /// Contacts, but each failed its last probe or call.
    Unreachable,
}

/// Tables that outlive the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Table {
    /// Registrar bindings.
    Binding,
    /// Confirmed dialogs (what is needed to send BYE after a crash).
    Dialog,
    /// Nonce secret and the like; one entry per key.
    Secret,
}

/// An entry to keep (`value` is Some) or to forget (None). The bytes are the endpoint's own affair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// Which table.
    pub table: Table,
    /// Unique inside its table.
    pub key: Vec<u8>,
    /// None removes the entry.
    pub value: Option<Vec<u8>>,
}

/// News for the application.
#[derive(Clone, Debug)]
pub enum Event {
    /// A new call.
    Invited(Box<Invitation>),
    /// Our 2xx was acknowledged: the first one, and each 2xx to a re-INVITE without an offer. Also, when our
    /// reliable 183 made the offer, the PRACK that answers it; the ACK that follows then has no body.
    Acknowledged {
        /// Which.
        dialog: DialogId,
        /// `application/sdp`: the answer to the offer that our 2xx had made, because the INVITE made none.
        /// None when the 2xx was itself the answer, or when the ACK owes us the answer or is not from the peer.
        body: Option<Vec<u8>>,
    },
    /// 180 or 183 from the callee: the first one, and each with another early body.
    Ringing {
        /// Which.
        dialog: DialogId,
        /// Early-media body.
        body: Option<Vec<u8>>,
    },
    /// 2xx from the callee; ACK is sent. Exactly one per outgoing call.
    Answered {
        /// Which.
        dialog: DialogId,
        /// Its answer.
        body: Vec<u8>,
        /// Which of the offers it answers.
        kind: crate::MediaKind,
        /// Where its signalling came from (rule M).
        source: SocketAddr,
    },
    /// An outgoing call has failed for good. The dialog is gone.
    Failed {
        /// Which.
        dialog: DialogId,
        /// Why.
        failure: Failure,
    },
    /// A dialog (or an invited call) has ended by the peer: BYE, CANCEL, missing ACK, transport lost.
    /// After a [`Command::Hangup`](crate::Command::Hangup) nothing more is said of a dialog.
    Ended {
        /// Which.
        dialog: DialogId,
        /// True when the peer asked (BYE or CANCEL), false when it fell silent.
        is_by_peer: bool,
    },
    /// A digit by INFO.
    Digit {
        /// Which.
        dialog: DialogId,
        /// The key.
        digit: char,
    },
    /// re-INVITE or UPDATE with a body (hold, session refresh); answer with
    /// [`Command::AnswerReinvite`](crate::Command::AnswerReinvite).
    Reinvited {
        /// Which.
        dialog: DialogId,
        /// Its offer; None when offerless.
        body: Option<Vec<u8>>,
    },
    /// What came of a [`Command::Reinvite`](crate::Command::Reinvite), once for each that was not replaced
    /// while it waited; also, unasked, the answer to a session refresh when it is another one than before.
    ReinviteAnswered {
        /// Which.
        dialog: DialogId,
        /// The peer's answer when `status` is a 2xx.
        body: Option<Vec<u8>>,
        /// Final status; what was agreed before stands when it is no 2xx. 491: the peer's own change has come
        /// between, so the offer is to be made anew, with a newer version.
        status: u16,
    },
    /// A phone wants its call transferred; answer at once with
    /// [`Command::AnswerRefer`](crate::Command::AnswerRefer).
    Referred(Referral),
    /// Softphones: how the transfer goes on that we asked for; from 200 on it is the last word.
    ReferProgress {
        /// The dialog of the REFER.
        dialog: DialogId,
        /// The status of the new call, or that which refused the REFER.
        status: u16,
    },
    /// Reachability of an account changed.
    Contact {
        /// User part.
        account: String,
        /// How.
        state: ContactState,
    },
    /// A live contact of an account went because another device registered: the person may have moved, or somebody
    /// has the password who should not.
    ContactReplaced {
        /// User part.
        account: String,
        /// Where the contact that went had registered from.
        replaced: SocketAddr,
        /// Where the new one registered from.
        by: SocketAddr,
    },
    /// Softphones: our registration was accepted (expires > 0), ended (0) or refused.
    Registered {
        /// User part.
        user: String,
        /// Seconds granted, or the refusing status.
        granted: Result<u32, u16>,
    },
    /// An address is not listened to from now.
    Banned {
        /// The address; of IPv6 the first one of its /64.
        address: IpAddr,
        /// Why.
        reason: crate::BanReason,
        /// For how long, in milliseconds.
        length_ms: u64,
    },
    /// A trunk's state has changed.
    Trunk {
        /// Which.
        trunk: TrunkId,
        /// How.
        state: crate::TrunkState,
    },
    /// A request was refused or dropped without reaching the application.
    Rejected {
        /// How.
        rejection: Rejection,
        /// From where.
        source: SocketAddr,
    },
}

/// One thing to do.
#[allow(clippy::large_enum_variant, reason = "lives for one turn of the loop")]
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this datagram.
    Datagram {
        /// From which socket.
        listener: ListenerId,
        /// To whom.
        destination: SocketAddr,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Send these bytes on a stream.
    Stream {
        /// Which.
        connection: ConnectionId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Open a connection, TCP or TLS as its listener is; answer with `StreamOpened` or `StreamClosed`.
    Connect {
        /// Number chosen by the endpoint (high bit set, so that it never meets the shell's).
        connection: ConnectionId,
        /// The listener whose address it comes from.
        listener: ListenerId,
        /// To whom.
        destination: SocketAddr,
        /// The carrier that is there: what its certificate must prove. None for everybody else.
        carrier: Option<CarrierHost>,
    },
    /// Close a stream.
    Close {
        /// Which.
        connection: ConnectionId,
    },
    /// Ask a name server, at leisure; answer with `Resolved`. The same question comes again when it must be asked
    /// again.
    Resolve {
        /// The question.
        query: crate::resolve::Query,
    },
    /// Tell the application.
    Event(Event),
    /// Keep or forget over a restart.
    Keep(Keep),
}
