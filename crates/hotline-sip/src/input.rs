//! What can happen to the endpoint: bytes from the network, time, and commands of the application.

use crate::Trunk;
use crate::resolve::{Answers, Query};
use std::net::{IpAddr, SocketAddr};

/// A number that the application gives to (or gets for) one dialog; never reused while the process lives.
/// Incoming calls get even numbers from the endpoint, outgoing calls odd numbers from the application.
pub type DialogId = u64;
/// A connection (TCP, TLS or WebSocket), numbered by the shell; never reused.
pub type ConnectionId = u64;
/// Index into [`Config::listeners`].
pub type ListenerId = u16;
/// Index into [`Config::trunks`].
pub type TrunkId = u16;

/// A socket that the shell has opened for us.
#[derive(Clone, Debug)]
pub struct Listener {
    /// What it is bound to, with the real port.
    pub local: SocketAddr,
    /// The address that Via and Contact name instead of `local` (never 0.0.0.0).
    pub advertise: SocketAddr,
    /// What is spoken on it.
    pub transport: Transport,
}

/// How SIP travels (RFC 3261 §18, RFC 7118).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream in the clear.
    Tcp,
    /// A stream under TLS.
    Tls,
    /// WebSocket in the clear (behind a proxy, or inside the house).
    Ws,
    /// WebSocket under TLS.
    Wss,
}

impl Transport {
    /// Every one of them, for tables.
    pub const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];

    /// Whether messages travel on connections (RFC 3261 calls it reliable).
    #[must_use]
    pub fn is_stream(self) -> bool {
        match self {
            Self::Udp => false,
            Self::Tcp | Self::Tls | Self::Ws | Self::Wss => true,
        }
    }
    /// Whether nobody on the way can read it.
    #[must_use]
    pub fn is_secure(self) -> bool {
        match self {
            Self::Tls | Self::Wss => true,
            Self::Udp | Self::Tcp | Self::Ws => false,
        }
    }
    /// Whether one frame is one message (RFC 7118 §5), and the peer cannot be connected to.
    #[must_use]
    pub fn is_web_socket(self) -> bool {
        match self {
            Self::Ws | Self::Wss => true,
            Self::Udp | Self::Tcp | Self::Tls => false,
        }
    }
    /// Its name in a Via (RFC 3261 §20.42, RFC 7118 §5.2).
    #[must_use]
    pub fn via(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }
    /// Its name for people and files: `udp`, `tcp`, `tls`, `ws`, `wss`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }
    /// The port that is meant when none is named (RFC 3261 §19.1.2, RFC 7118 §5.2.4: those of HTTP).
    #[must_use]
    pub fn port_default(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

/// What the shell has proved of the peer of a connection before the first message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proof {
    /// Nothing.
    #[default]
    None,
    /// A browser's ticket: REGISTER and calls of exactly this account need no digest on this connection.
    Account(String),
    /// A client certificate: the peer is this carrier.
    Trunk(TrunkId),
}

/// Digest secrets of one account (RFC 7616 §3.4.2), hex, lower case, for the realm of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// SHA-256(user:realm:password).
    pub ha1_sha256: String,
    /// MD5(user:realm:password).
    pub ha1_md5: String,
}

/// Somebody who may register and call.
#[derive(Clone, Debug)]
pub struct Account {
    /// User part of the address of record, e.g. `tv01`.
    pub user: String,
    /// Digest secrets.
    pub credentials: Credentials,
}

/// Session timers (RFC 4028): both sides notice within this time that the other one is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// What we propose, and the longest that we agree to, in seconds. 0: we propose none, and agree to any.
    pub expires_s: u32,
    /// Shorter proposals of others get 422, in seconds; RFC 4028 §5 wants at least 90.
    pub min_s: u32,
}

impl Default for Sessions {
    /// RFC 4028 §4 and §5: half an hour, and a minute and a half.
    fn default() -> Self {
        Self {
            expires_s: 1_800,
            min_s: 90,
        }
    }
}

/// Fixed at start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Digest realm and the host of our own addresses of record.
    pub realm: String,
    /// Sockets; index = [`ListenerId`].
    pub listeners: Vec<Listener>,
    /// Carriers; index = [`TrunkId`].
    pub trunks: Vec<Trunk>,
    /// Value of Server and User-Agent.
    pub product: String,
    /// Registration lifetimes in seconds: refuse below (423), default, cap.
    pub expires_s_min: u32,
    /// Lifetime when the phone names none.
    pub expires_s_default: u32,
    /// Longer wishes are shortened to this.
    pub expires_s_max: u32,
    /// Contacts that one account may have; one more replaces the oldest.
    pub contacts_max: usize,
    /// Incoming calls at once beyond which trunk INVITEs get 503 + Retry-After (the hard limit); phones'
    /// INVITEs get it at 90 % of this.
    pub calls_max: usize,
    /// Transactions at once beyond which OPTIONS and REGISTER, then phones, are shed.
    pub transactions_max: usize,
    /// Requests per second and burst of one unknown source, beyond which there is silence.
    pub stranger_rate_per_s: u32,
    /// Burst of the same.
    pub stranger_burst: u32,
    /// Bans.
    pub defence: crate::Defence,
    /// Session timers (RFC 4028).
    pub sessions: Sessions,
    /// Accounts are challenged with SHA-256 and MD5; false: with MD5 alone, for phones that give up at the first
    /// algorithm that they do not know, where RFC 8760 §2.4 has them pass it over.
    pub has_sha256: bool,
    /// A nonce is good for this long, in milliseconds.
    pub nonce_ms: u64,
    /// No provisional answer within this time makes a contact unreachable, in milliseconds.
    pub first_response_ms: u64,
    /// Phones behind a NAT that came by UDP get OPTIONS this often, so that the NAT remembers their flow; in
    /// milliseconds, 0 for never.
    pub nat_keepalive_ms: u64,
    /// Also answer unauthenticated requests as an ordinary user agent: for softphones (hotline-phone),
    /// where the endpoint is the callee and has no accounts. Never in the server.
    pub is_user_agent: bool,
}

/// Whom an outgoing INVITE rings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All reachable contacts of this account at once; the first 2xx wins, the rest get CANCEL or BYE.
    Account(String),
    /// A number outside: over the first of these trunks that takes the call. The next address of a trunk and
    /// then the next trunk is tried after silence, a transport failure, 3xx, 5xx, credentials that do not help,
    /// or at a limit; what is known to be down is tried last.
    Trunks {
        /// In this order.
        trunks: Vec<TrunkId>,
        /// E.164 with `+`, or a short number; each trunk writes it in its own way.
        number: String,
    },
    /// A URI by way of this address (softphones).
    Uri {
        /// Request-URI, as text.
        uri: String,
        /// Where the message goes.
        via: SocketAddr,
        /// And how; a WebSocket cannot be asked for.
        transport: Transport,
    },
}

/// What the application wants.
#[derive(Clone, Debug)]
pub enum Command {
    /// Replace the table of accounts. Bindings of removed accounts go.
    Accounts(Vec<Account>),
    /// Listen to nothing that comes from this address (IPv6: from its /64), but for the live flows of registered
    /// phones. Refused without a word for the address of a trunk: see
    /// [`Endpoint::may_ban`](crate::Endpoint::may_ban).
    Ban {
        /// Which.
        address: IpAddr,
        /// Milliseconds.
        length_ms: u64,
    },
    /// Listen to this address again.
    Unban {
        /// Which.
        address: IpAddr,
    },
    /// 2xx with a body to an invited dialog; retransmitted until ACK, at most 32 s.
    Answer {
        /// Which.
        dialog: DialogId,
        /// `application/sdp`.
        body: Vec<u8>,
    },
    /// Final refusal of an invited dialog.
    Reject {
        /// Which.
        dialog: DialogId,
        /// 300..=699.
        status: u16,
        /// Seconds for Retry-After.
        retry_after_s: Option<u32>,
        /// Value of a Reason header (RFC 3326).
        reason: Option<String>,
    },
    /// 180 to an invited dialog (softphones).
    Ringing {
        /// Which.
        dialog: DialogId,
    },
    /// 183 to an invited dialog, with early media or without. It is sent reliably (RFC 3262) when the peer
    /// requires that, or supports it and there is a body; the answer then waits for the PRACK by itself.
    Progress {
        /// Which.
        dialog: DialogId,
        /// `application/sdp`.
        body: Option<Vec<u8>>,
    },
    /// A new outgoing call.
    Invite {
        /// Odd number chosen by the application.
        dialog: DialogId,
        /// Whom.
        target: Target,
        /// Display name and user part of From, e.g. `("111", "111")`.
        from: (String, String),
        /// `application/sdp` offers, at most one of a kind. A contact gets the one that fits its transport
        /// ([`MediaKind::over`](crate::MediaKind::over)) and is not rung when none fits; without any offer
        /// at all every contact is rung with an INVITE that has no body.
        bodies: Vec<(crate::MediaKind, Vec<u8>)>,
        /// Further headers, name and value, e.g. `X-Call-ID`.
        headers: Vec<(String, String)>,
        /// For softphones: user and password with which a 401/407 is answered, once.
        login: Option<(String, String)>,
    },
    /// End a dialog whatever its state: CANCEL, BYE, or BYE after the late 2xx.
    Hangup {
        /// Which.
        dialog: DialogId,
        /// Value of a Reason header (RFC 3326).
        reason: Option<String>,
    },
    /// Ask whether the peer of a confirmed dialog still has it, by one OPTIONS inside it (at most one at a
    /// time). 408, 481, silence or a transport failure: [`Event::Ended`](crate::Event::Ended) by silence.
    /// Any other answer: nothing is said.
    Probe {
        /// Which.
        dialog: DialogId,
    },
    /// INFO with `application/dtmf-relay`.
    Digit {
        /// In which dialog.
        dialog: DialogId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// Length in milliseconds.
        length_ms: u32,
    },
    /// Answer to [`Event::Reinvited`](crate::Event::Reinvited): 200 with this body, or 488 without.
    AnswerReinvite {
        /// Which.
        dialog: DialogId,
        /// `application/sdp`.
        body: Option<Vec<u8>>,
    },
    /// A new offer inside a confirmed dialog (hold, resume, another address), by re-INVITE. It waits for what is
    /// under way; a collision (491) is repeated after the time of RFC 3261 §14.1; a newer one replaces one that
    /// still waits. Answered by [`Event::ReinviteAnswered`](crate::Event::ReinviteAnswered).
    Reinvite {
        /// Which.
        dialog: DialogId,
        /// `application/sdp` offer; its version is above that of every description before it.
        body: Vec<u8>,
    },
    /// Answer to [`Event::Referred`](crate::Event::Referred): 202 begins the transfer, anything else refuses it.
    AnswerRefer {
        /// Which.
        dialog: DialogId,
        /// 202, or 300..=699.
        status: u16,
    },
    /// How the transfer goes on (RFC 3515 §2.4.4), told to the phone that wanted it.
    NotifyRefer {
        /// The dialog of the REFER.
        dialog: DialogId,
        /// 100..=699; 200 and above is the last word.
        status: u16,
    },
    /// Softphones: ask the peer of a confirmed dialog to connect it with somebody else (REFER). Answered by
    /// [`Event::ReferProgress`](crate::Event::ReferProgress)s.
    Refer {
        /// The call to be transferred.
        dialog: DialogId,
        /// With whom, a URI.
        uri: String,
        /// Attended: in place of this confirmed dialog of ours.
        replaces: Option<DialogId>,
    },
    /// Softphones: REGISTER (and refresh) until expires 0 is asked.
    Register {
        /// Account.
        user: String,
        /// Password.
        password: String,
        /// Registrar.
        via: SocketAddr,
        /// How it is reached; a WebSocket cannot be asked for.
        transport: Transport,
        /// Seconds; 0 unregisters.
        expires_s: u32,
    },
    /// What earlier [`Output::Keep`](crate::Output::Keep)s had kept: bindings come back (and are probed),
    /// each confirmed dialog gets its BYE, at most `byes_per_s`.
    Restore {
        /// All kept entries of both tables.
        kept: Vec<crate::Keep>,
        /// Bound on BYEs a second.
        byes_per_s: u32,
    },
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// A UDP datagram came in.
    Datagram {
        /// On which socket.
        listener: ListenerId,
        /// From whom.
        source: SocketAddr,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A peer connected to a listener (its handshakes are over), or a connection that we asked for is up.
    StreamOpened {
        /// Its number.
        connection: ConnectionId,
        /// The listener it belongs to.
        listener: ListenerId,
        /// The other end.
        peer: SocketAddr,
        /// What is proved of it.
        proof: Proof,
    },
    /// Bytes of a TCP or TLS stream, cut anywhere.
    StreamBytes {
        /// Which.
        connection: ConnectionId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// One message of a WebSocket, whole (RFC 7118 §5).
    StreamMessage {
        /// Which.
        connection: ConnectionId,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// The stream has ended, or a connection that we asked for could not be made.
    StreamClosed {
        /// Which.
        connection: ConnectionId,
    },
    /// The system refused or bounced a datagram (ICMP port unreachable and the like).
    SendFailed {
        /// The address.
        destination: SocketAddr,
    },
    /// What the name server says to an [`Output::Resolve`](crate::Output::Resolve).
    Resolved {
        /// The question.
        query: Query,
        /// None: the name server did not answer, or not in a way that can be understood.
        answers: Option<Answers>,
    },
    /// Time passed; a deadline may be due.
    Tick,
    /// The application wants something.
    Command(Command),
}
