//! Settings of the shell: where things lie, where we listen, how much we take.

use super::listen::{self, ListenerSettings, TlsSettings};
use super::problem::Problem;
use super::section::Section;
use super::source::NOWHERE;
use super::trunks;
use super::value::{Bytes, Millis, Placed, Ports};
use hotline_sip::Transport;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// `[server]` and `[storage]`: who we are and where things lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerSettings {
    /// Number of this node; the top 8 bits of every call's number.
    pub node: u8,
    /// Journal, lock, database.
    pub state_dir: PathBuf,
    /// `manifest.toml` and a folder for each language.
    pub sounds_dir: PathBuf,
    /// Finished and growing recordings.
    pub recordings_dir: PathBuf,
    /// SQLite.
    pub database: PathBuf,
    /// Unix socket of `hotline111 ctl`.
    pub control_socket: PathBuf,
    /// HTTP: health, metrics, read-only tables. Loopback.
    pub http: SocketAddr,
    /// SIGTERM: callers are served this long.
    pub drain_ms: u32,
    /// Recordings stop when the disk is this full, in per cent.
    pub recordings_stop_percent: u32,
    /// Kept free for the journal.
    pub journal_reserve_bytes: u64,
    /// BYEs a second to dialogs that a crash left behind.
    pub byes_per_s: u32,
}

/// `[sip]` and `[[trunk]]`.
#[derive(Clone, Debug)]
pub(crate) struct SipSettings {
    /// Digest realm.
    pub realm: String,
    /// Sockets.
    pub listeners: Vec<ListenerSettings>,
    /// Pages besides our own host's that may open a WebSocket.
    pub origins: Vec<String>,
    /// Certificates.
    pub tls: TlsSettings,
    /// Carriers.
    pub trunks: Vec<hotline_sip::Trunk>,
    /// How each carrier writes numbers and regions.
    pub numbers: Vec<hotline_switchboard::Numbers>,
    /// Name servers; empty = those of the system.
    pub name_servers: Vec<SocketAddr>,
    /// Shortest registration.
    pub expires_s_min: u32,
    /// When the phone names none.
    pub expires_s_default: u32,
    /// Longest registration.
    pub expires_s_max: u32,
    /// Phones of one account.
    pub contacts_max: u32,
    /// Calls at once.
    pub calls_max: u32,
    /// Transactions at once.
    pub transactions_max: u32,
    /// Requests a second of one stranger.
    pub stranger_rate_per_s: u32,
    /// Burst of one stranger.
    pub stranger_burst: u32,
    /// Who is found scanning, guessing or flooding is banned for this long; 0 = never.
    pub ban_ms: u32,
    /// Parts of User-Agent that only scanners have.
    pub scanners: Vec<String>,
    /// Session timers (RFC 4028): what we propose; 0 = nothing.
    pub session_expires_s: u32,
    /// Shorter sessions are refused.
    pub session_min_s: u32,
    /// Recent signalling of calls that is kept for `ctl trace`; 0 = none.
    pub trace_bytes: u64,
    /// Phones are asked for SHA-256 before MD5.
    pub has_sha256: bool,
    /// A nonce is good for this long.
    pub nonce_ms: u32,
    /// A phone that says nothing for this long is dead.
    pub first_response_ms: u32,
    /// Between two OPTIONS to a phone behind a NAT; 0 for none.
    pub nat_keepalive_ms: u32,
}

/// `[media]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MediaSettings {
    /// To bind.
    pub bind: IpAddr,
    /// To name in SDP of calls to carriers.
    pub advertise: IpAddr,
    /// To name in all SDP of its family; None = what the listener tells by which somebody is reached.
    pub told: Option<IpAddr>,
    /// First and last RTP port.
    pub ports: (u16, u16),
    /// Keys for phones' audio in the session descriptions.
    pub srtp: hotline_switchboard::Srtp,
    /// Threads; 0 = one less than there are processors, at least one.
    pub workers: u32,
}

/// Calls that the endpoint takes beyond `[limits] calls` before it refuses without asking.
const EDGE_MARGIN: usize = 64;

impl SipSettings {
    /// The endpoint's configuration, once the sockets are open.
    pub(crate) fn endpoint(&self, listeners: Vec<hotline_sip::Listener>) -> hotline_sip::Config {
        hotline_sip::Config {
            realm: self.realm.clone(),
            listeners,
            trunks: self.trunks.clone(),
            product: concat!("hotline111/", env!("CARGO_PKG_VERSION")).to_owned(),
            expires_s_min: self.expires_s_min,
            expires_s_default: self.expires_s_default,
            expires_s_max: self.expires_s_max,
            contacts_max: usize::try_from(self.contacts_max).unwrap_or(usize::MAX),
            // Above core's own limit, so that a call too many is refused there: with a record and an alarm.
            calls_max: usize::try_from(self.calls_max)
                .map_or(usize::MAX, |calls| calls + EDGE_MARGIN),
            transactions_max: usize::try_from(self.transactions_max).unwrap_or(usize::MAX),
            stranger_rate_per_s: self.stranger_rate_per_s,
            stranger_burst: self.stranger_burst,
            defence: hotline_sip::Defence {
                ban_ms: u64::from(self.ban_ms),
                scanners: self.scanners.clone(),
            },
            sessions: hotline_sip::Sessions {
                expires_s: self.session_expires_s,
                min_s: self.session_min_s,
            },
            has_sha256: self.has_sha256,
            nonce_ms: u64::from(self.nonce_ms),
            first_response_ms: u64::from(self.first_response_ms),
            nat_keepalive_ms: u64::from(self.nat_keepalive_ms),
            is_user_agent: false,
        }
    }
}

/// Reads `[server]`, `[storage]` and `[http]`. Relative paths count from the configuration's folder.
pub(crate) fn server(root: &mut Section<'_>, folder: &Path) -> ServerSettings {
    let mut section = root.section("server");
    let node = section.or_within("node", 1_u32, 1, 255);
    let state_dir = folder.join(section.or("state_dir", PathBuf::from("/var/lib/hotline111")));
    let sounds_dir =
        folder.join(section.or("sounds_dir", PathBuf::from("/usr/share/hotline111/sounds")));
    let control_socket = folder.join(section.or(
        "control_socket",
        PathBuf::from(super::Options::CONTROL_SOCKET),
    ));
    let drain = section.or_within("drain", Millis(600_000), Millis(0), Millis(3_600_000));
    section.finish();

    let mut storage = root.section("storage");
    let recordings_dir = storage.or("recordings_dir", state_dir.join("recordings"));
    let database = storage.or("database", state_dir.join("hotline111.db"));
    let stop = storage.or_within("recordings_stop_percent", 95_u32, 50, 99);
    let reserve = storage.or_within(
        "journal_reserve",
        Bytes(64 << 20),
        Bytes(8 << 20),
        Bytes(1 << 40),
    );
    let byes_per_s = storage.or_within("byes_per_s", 200_u32, 1, 10_000);
    storage.finish();

    let mut http = root.section("http");
    let bind: SocketAddr = http.or("bind", SocketAddr::from(([127, 0, 0, 1], 8111)));
    if !bind.ip().is_loopback() {
        http.notes().error(
            http.value_place("bind"),
            Problem::NotLoopback(bind.to_string()),
        );
    }
    http.finish();

    ServerSettings {
        node: u8::try_from(node).unwrap_or(1),
        recordings_dir: folder.join(recordings_dir),
        database: folder.join(database),
        state_dir,
        sounds_dir,
        control_socket,
        http: bind,
        drain_ms: drain.0,
        recordings_stop_percent: stop,
        journal_reserve_bytes: reserve.0,
        byes_per_s,
    }
}

/// Reads `[sip]`, `[[trunk]]` and `[tls]`.
pub(crate) fn sip(root: &mut Section<'_>, folder: &Path, calls_max: u32) -> SipSettings {
    let mut section = root.section("sip");
    let realm = section.or("realm", "hotline111".to_owned());
    let listeners = listen::listeners(&mut section);
    let origins = section
        .list::<String>("origins")
        .unwrap_or_default()
        .into_iter()
        .map(|origin| origin.trim_end_matches('/').to_owned())
        .collect();
    let longest = Millis(24 * 3_600_000);
    let expires_min = section.or_within("expires_min", Millis(60_000), Millis(1_000), longest);
    let expires_max = section.or_within("expires_max", Millis(3_600_000), expires_min, longest);
    let usual = Millis(300_000).clamp(expires_min, expires_max);
    let expires_default = section.or_within("expires_default", usual, expires_min, expires_max);
    let session_min = section.or_within("session_min", Millis(90_000), Millis(2_000), longest);
    let session_expires = section.or_within(
        "session_expires",
        Millis(1_800_000).max(session_min),
        Millis(0),
        longest,
    );
    let mut settings = SipSettings {
        realm,
        listeners,
        origins,
        tls: TlsSettings::default(),
        trunks: Vec::new(),
        numbers: Vec::new(),
        name_servers: Vec::new(),
        expires_s_min: expires_min.0 / 1_000,
        expires_s_default: expires_default.0 / 1_000,
        expires_s_max: expires_max.0 / 1_000,
        contacts_max: section.or_within("contacts_max", 5_u32, 1, 50),
        calls_max,
        transactions_max: section.or_within("transactions_max", 20_000_u32, 100, 1_000_000),
        stranger_rate_per_s: section.or_within("stranger_rate_per_s", 10_u32, 1, 10_000),
        stranger_burst: section.or_within("stranger_burst", 30_u32, 1, 100_000),
        ban_ms: section
            .or_within("ban", Millis(600_000), Millis(0), longest)
            .0,
        scanners: section
            .list_or("scanners", hotline_sip::Defence::default().scanners)
            .into_iter()
            .map(|agent: String| agent.to_ascii_lowercase())
            .filter(|agent| !agent.is_empty())
            .collect(),
        session_expires_s: session_expires.0 / 1_000,
        session_min_s: session_min.0 / 1_000,
        trace_bytes: section
            .or_within("trace", Bytes(8 << 20), Bytes(0), Bytes(1 << 30))
            .0,
        has_sha256: section.or("sha256", true),
        nonce_ms: section
            .or_within(
                "nonce_lifetime",
                Millis(60_000),
                Millis(5_000),
                Millis(600_000),
            )
            .0,
        first_response_ms: section
            .or_within("first_response", Millis(3_000), Millis(500), Millis(10_000))
            .0,
        nat_keepalive_ms: section
            .or_within("nat_keepalive", Millis(20_000), Millis(0), Millis(600_000))
            .0,
    };
    section.finish();
    let transports: Vec<Transport> = settings
        .listeners
        .iter()
        .map(|listener| listener.transport)
        .collect();
    let mut certificates = Vec::new();
    (settings.trunks, settings.numbers) = trunks::trunks(root, &transports, &mut certificates);
    settings.tls = listen::tls(root, folder, &settings.listeners, certificates);
    let mut dns = root.section("dns");
    settings.name_servers = dns.list("servers").unwrap_or_default();
    dns.finish();
    settings
}

/// Reads `[media]`. What is not said is what `[sip]` says of its first listener.
pub(crate) fn media(root: &mut Section<'_>, sip: &SipSettings) -> MediaSettings {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    let (first, told) = sip
        .listeners
        .first()
        .map_or((loopback, loopback), |listener| {
            (listener.local.ip(), listener.advertise.ip())
        });
    let is_both = |listener: &ListenerSettings| listener.local.is_ipv4() != first.is_ipv4();
    // Phones of both families: sockets of both.
    let usual = if sip.listeners.iter().any(is_both) {
        IpAddr::from(std::net::Ipv6Addr::UNSPECIFIED)
    } else {
        first
    };
    let mut section = root.section("media");
    let bind: Placed<IpAddr> = section.optional("bind").unwrap_or_else(|| Placed {
        value: usual,
        place: section.place().unwrap_or(NOWHERE),
    });
    let default_advertise = if bind.value.is_unspecified() || bind.value == first {
        told
    } else {
        bind.value
    };
    let is_told = section.has("advertise");
    let advertise = section.or("advertise", default_advertise);
    let told = is_told.then_some(advertise);
    if advertise.is_unspecified() && section.has("bind") {
        section
            .notes()
            .error(Some(bind.place), Problem::NoAdvertise);
    }
    let ports = section.or(
        "ports",
        Ports {
            first: 20_000,
            last: 29_999,
        },
    );
    let srtp = section.or("srtp", hotline_switchboard::Srtp::Offer);
    let workers = section.or_within("workers", 0_u32, 0, 1_024);
    section.finish();
    MediaSettings {
        bind: bind.value,
        advertise,
        told,
        ports: (ports.first, ports.last),
        srtp,
        workers,
    }
}
