//! What a carrier is: where it is, how we prove ourselves to it, what it may take, how it writes numbers.

use crate::Transport;
use std::fmt;
use std::net::IpAddr;

/// A carrier: known by its source addresses, reached at its hosts. The default is one that only calls us.
#[derive(Clone, Debug, Default)]
pub struct Trunk {
    /// Name for logs.
    pub name: String,
    /// Every request from one of these addresses (any port unless one is named) is the trunk's. When there is
    /// none and we register, the addresses of its hosts are believed.
    pub sources: Vec<(IpAddr, Option<u16>)>,
    /// Only a connection that the shell calls proved ([`Proof::Trunk`](crate::Proof::Trunk)) is the trunk's; its
    /// addresses prove nothing.
    pub is_by_certificate: bool,
    /// Where our own requests go, in this order. Empty: the trunk takes no calls.
    pub hosts: Vec<TrunkHost>,
    /// Host of its URIs (From, To, REGISTER); empty = that of the first host.
    pub domain: String,
    /// With what its 401 and 407 are answered.
    pub login: Option<TrunkLogin>,
    /// REGISTER for so many seconds, with the login; None = known by address.
    pub register_s: Option<u32>,
    /// OPTIONS this often, in milliseconds; 0 = never, and the trunk counts as up.
    pub probe_ms: u64,
    /// So many probes in a row without an answer make an address down.
    pub probe_failures_max: u32,
    /// No provisional response to our INVITE within this time: the next address, in milliseconds.
    pub first_response_ms: u64,
    /// Requests over 1,300 bytes may go by TCP instead of UDP (RFC 3261 §18.1.1).
    pub is_large_by_tcp: bool,
    /// Limits.
    pub limits: TrunkLimits,
    /// User part of From and P-Asserted-Identity of our calls; empty = what the application says.
    pub caller: String,
    /// Say who calls by P-Asserted-Identity too (RFC 3325).
    pub is_identity_asserted: bool,
    /// Ask the trunk to hide who calls (`Privacy: id`, RFC 3323).
    pub is_private: bool,
    /// How it wants dialled numbers.
    pub numbers_out: Vec<NumberRule>,
    /// Names of headers whose values tell the region of a caller, any case.
    pub region_headers: Vec<String>,
}

/// A place where a trunk is reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrunkHost {
    /// An address (IPv6 without brackets) or a name.
    pub host: String,
    /// With a port there is no SRV lookup (RFC 3263 §4.2).
    pub port: Option<u16>,
    /// None = what NAPTR or SRV say, else UDP.
    pub transport: Option<Transport>,
}

/// User and password for one carrier.
#[derive(Clone, PartialEq, Eq)]
pub struct TrunkLogin {
    /// User of REGISTER and of the digest.
    pub user: String,
    /// Password.
    pub password: String,
    /// The only realm for which the password is used; empty = the trunk's domain.
    pub realm: String,
}

impl fmt::Debug for TrunkLogin {
    /// The password must not get into a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TrunkLogin")
            .field("user", &self.user)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

/// What may go over a trunk; 0 = no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrunkLimits {
    /// Calls at once, both ways together.
    pub calls_max: u32,
    /// Calls at once that come in.
    pub calls_in_max: u32,
    /// Calls at once that go out.
    pub calls_out_max: u32,
    /// Calls a second that come in.
    pub in_per_s: u32,
    /// Calls a second that go out.
    pub out_per_s: u32,
}

/// A beginning of a number, and what it is replaced with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberRule {
    /// What the number begins with; empty fits every number.
    pub begins: String,
    /// What stands there instead.
    pub becomes: String,
}

/// The number by the first rule that fits; unchanged when none does.
#[must_use]
pub fn rewrite(rules: &[NumberRule], number: &str) -> String {
    let fitting = rules.iter().find_map(|rule| {
        let rest = number.strip_prefix(rule.begins.as_str())?;
        Some(format!("{}{rest}", rule.becomes))
    });
    fitting.unwrap_or_else(|| number.to_owned())
}

/// What has changed about a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrunkState {
    /// No address of it answers.
    Down,
    /// Our REGISTER was refused (its status) or not answered (408).
    Refused(u16),
    /// Our REGISTER was accepted for so many seconds.
    Registered(u32),
    /// It answers again, or for the first time.
    Up,
}

/// A trunk as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkStatus {
    /// Its name.
    pub name: String,
    /// None before the first probe was answered or given up, or when it is not probed.
    pub is_up: Option<bool>,
    /// None when we do not register; else the last word on it (`Err(0)`: none yet).
    pub registration: Option<Result<u32, u16>>,
    /// Where it is reached now, with what each address has said to the last probes.
    pub addresses: Vec<(String, Option<bool>)>,
    /// Calls that came in.
    pub calls_in: usize,
    /// Calls that went out.
    pub calls_out: usize,
    /// Calls refused or passed on to another trunk at a limit.
    pub limited: u64,
}

impl Trunk {
    /// Host of its URIs.
    pub(crate) fn domain(&self) -> String {
        if !self.domain.is_empty() {
            return self.domain.clone();
        }
        let Some(first) = self.hosts.first() else {
            return String::new();
        };
        match first.host.parse() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            Ok(IpAddr::V4(_)) | Err(_) => first.host.clone(),
        }
    }

    /// The login, with its realm filled in.
    pub(crate) fn login(&self) -> Option<crate::digest::Login> {
        let login = self.login.as_ref()?;
        let realm = if login.realm.is_empty() {
            self.domain()
        } else {
            login.realm.clone()
        };
        Some(crate::digest::Login {
            user: login.user.clone(),
            password: login.password.clone(),
            realm: Some(realm),
        })
    }
}
