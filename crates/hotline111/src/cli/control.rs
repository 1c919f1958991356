//! The control socket: one JSON object a line in each direction, one reply for each request.

use hotline_console::{AgentView, CallView, QueueView};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Longest line of either side.
pub(crate) const LINE_BYTES_MAX: usize = 4 << 20;
/// The server answers within this time, or is taken for dead.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What is asked of a running server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum ControlRequest {
    /// Change what a counsellor does.
    Agent {
        /// Account.
        user: String,
        /// To what.
        change: AgentOrder,
    },
    /// Counsellors.
    Agents,
    /// Listen to nothing from an address for a while.
    Ban {
        /// IPv4, or IPv6 for its /64.
        address: IpAddr,
        /// Milliseconds; 0 ends its ban.
        length_ms: u64,
    },
    /// Addresses that are banned.
    Bans,
    /// Open calls.
    Calls,
    /// Take no new calls, serve the others, then stop.
    Drain,
    /// End a call.
    HangUp {
        /// As `calls` names it: 16 hexadecimal digits.
        call: String,
    },
    /// Queues.
    Queues,
    /// Registered phones.
    Regs,
    /// How the server is.
    Status,
    /// The signalling of a call.
    Trace {
        /// As `calls` names it: 16 hexadecimal digits.
        call: String,
        /// Why it must be seen unmasked; None = masked.
        reason: Option<String>,
    },
    /// Carriers.
    Trunks,
    /// Add an account.
    UserAdd {
        /// With the password's hashes, never the password.
        account: AccountLine,
    },
    /// Replace a password.
    UserPassword {
        /// Account.
        user: String,
        /// Hexadecimal.
        ha1_sha256: String,
        /// Hexadecimal.
        ha1_md5: String,
    },
    /// Remove an account.
    UserRemove {
        /// Account.
        user: String,
    },
    /// Make a browser ticket.
    UserTicket {
        /// Account.
        user: String,
        /// Milliseconds.
        valid_ms: u32,
    },
    /// Accounts, without hashes.
    Users,
}

/// What a counsellor shall do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AgentOrder {
    /// End the paperwork early; in the talk: none will follow.
    EndWrapUp,
    /// The call, or the last one, is a hard one: a rest follows.
    Hard,
    /// Not ready, with a reason of the configuration.
    NotReady {
        /// Which.
        reason: String,
    },
    /// Ready for the next caller.
    Ready,
    /// Begin the shift.
    SignIn,
    /// End the shift.
    SignOut,
}

/// The server's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", content = "value", rename_all = "snake_case")]
pub(crate) enum ControlReply {
    /// Counsellors.
    Agents(Vec<AgentView>),
    /// Addresses that are banned.
    Bans(Vec<BanLine>),
    /// Open calls.
    Calls(Vec<CallView>),
    /// Carried out.
    Done,
    /// Tried, and went wrong: for a person.
    Failed(String),
    /// Queues.
    Queues(Vec<QueueView>),
    /// Not allowed now, or no such thing: for a person.
    Refused(String),
    /// Registered phones.
    Regs(Vec<RegLine>),
    /// How the server is.
    Status(Box<Status>),
    /// The signalling of a call.
    Trace(Vec<TraceLine>),
    /// A browser ticket.
    Ticket(String),
    /// Carriers.
    Trunks(Vec<TrunkLine>),
    /// Accounts.
    Users(Vec<AccountLine>),
}

/// A carrier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrunkLine {
    /// Name.
    pub trunk: String,
    /// `up`, `down`, `unknown` (not probed, or not yet).
    pub state: String,
    /// `registered 600 s`, `refused 403`, `registering`; empty when we do not register.
    pub registration: String,
    /// Calls that came in and go on.
    pub calls_in: u64,
    /// Calls that went out and go on.
    pub calls_out: u64,
    /// Calls that met a limit.
    pub limited: u64,
    /// Transport, address, state.
    pub addresses: Vec<String>,
}

/// A banned address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BanLine {
    /// IPv4, or the first address of a /64.
    pub address: String,
    /// `flood`, `junk`, `operator`, `passwords`, `scanner`.
    pub reason: String,
    /// Seconds until it ends by itself.
    pub left_s: u64,
    /// Messages dropped meanwhile.
    pub dropped: u64,
}

/// A registered phone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RegLine {
    /// Account.
    pub account: String,
    /// Contact URI.
    pub contact: String,
    /// Address that it was registered from.
    pub source: String,
    /// `udp`, `tcp`.
    pub transport: String,
    /// Seconds left.
    pub expires_s: u64,
    /// Answers.
    pub is_reachable: bool,
}

/// One message of a call's signalling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TraceLine {
    /// Microseconds since 1970.
    pub at_us: u64,
    /// Came to us.
    pub is_incoming: bool,
    /// Our end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// `udp`, `tcp`, `tls`, `ws`, `wss`.
    pub transport: String,
    /// The message's bytes, hexadecimal.
    pub message: String,
}

/// How the server is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// Of the program.
    pub version: String,
    /// Node number.
    pub node: u8,
    /// Since the start.
    pub uptime_ms: u64,
    /// Ready for calls; false names the reasons in `troubles`.
    pub is_ready: bool,
    /// Takes no new calls.
    pub is_draining: bool,
    /// Open calls.
    pub calls: u64,
    /// Callers that wait.
    pub waiting: u64,
    /// Counsellors in each state.
    pub agents: BTreeMap<String, u64>,
    /// Phones registered.
    pub registrations: u64,
    /// Media ports at hand.
    pub free_ports: u64,
    /// What is wrong now, in a word each (names of alarms).
    pub troubles: Vec<String>,
    /// Alarms raised since the start, how often.
    pub alarms: BTreeMap<String, u64>,
}

/// An account. Hashes are only sent to the server, never back.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountLine {
    /// User name.
    pub user: String,
    /// Name shown to people.
    pub name: String,
    /// `admin`, `counsellor`, `device`, `supervisor`.
    pub role: String,
    /// Codes.
    pub languages: Vec<String>,
    /// Names.
    pub services: Vec<String>,
    /// Centre.
    pub centre: String,
    /// Paperwork, seconds.
    pub wrap_up_s: u32,
    /// It lasts until they say that it is done, whatever the seconds say.
    #[serde(default)]
    pub is_wrap_up_until_done: bool,
    /// Hard calls of a shift; None = no limit.
    #[serde(default)]
    pub hard_calls_max: Option<u32>,
    /// Gets simulated callers only.
    #[serde(default)]
    pub is_in_training: bool,
    /// Gets only callers who have waited long.
    #[serde(default)]
    pub is_reserve: bool,
    /// Ready as soon as a phone is registered.
    pub is_signed_in_by_registration: bool,
    /// Hexadecimal; empty in answers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ha1_sha256: String,
    /// Hexadecimal; empty in answers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ha1_md5: String,
}

impl std::fmt::Debug for AccountLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountLine")
            .field("user", &self.user)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Why a server could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    /// The socket gave an error in the middle.
    #[error("asking the server")]
    Asking {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The answer is not one that we know: another version.
    #[error("the server's answer is not understood")]
    Answer {
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Nobody listens.
    #[error("no server listens on {socket}")]
    NotRunning {
        /// Where.
        socket: String,
    },
    /// The socket belongs to others.
    #[error("no right to use {socket}; be root or in the group hotline111")]
    Refused {
        /// Where.
        socket: String,
    },
}

/// Asks a running server one thing.
pub(crate) fn ask(socket: &Path, request: &ControlRequest) -> Result<ControlReply, ControlError> {
    let name = || socket.display().to_string();
    let stream = UnixStream::connect(socket).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            ControlError::NotRunning { socket: name() }
        }
        io::ErrorKind::PermissionDenied => ControlError::Refused { socket: name() },
        _ => ControlError::Asking { source },
    })?;
    let answer = exchange(stream, request).map_err(|source| ControlError::Asking { source })?;
    serde_json::from_str(&answer).map_err(|source| ControlError::Answer { source })
}

fn exchange(mut stream: UnixStream, request: &ControlRequest) -> io::Result<String> {
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    stream.write_all(encode(request)?.as_bytes())?;
    let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut answer = String::new();
    BufReader::new(stream.take(limit)).read_line(&mut answer)?;
    if answer.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the server hung up",
        ));
    }
    Ok(answer)
}

/// A message as the line that is sent.
pub(crate) fn encode(message: &impl Serialize) -> io::Result<String> {
    let mut line = serde_json::to_string(message).map_err(io::Error::other)?;
    line.push('\n');
    Ok(line)
}

/// A line of a client as the request that it is.
pub(crate) fn decode(line: &str) -> Result<ControlRequest, String> {
    serde_json::from_str(line).map_err(|error| format!("not a request: {error}"))
}
