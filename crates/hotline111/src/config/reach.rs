//! Whether those whom we tell our addresses can reach them: a call that would be silent is a fault of the
//! configuration, found here and not by a child.

use super::fault::{Notes, Severity};
use super::problem::Problem;
use super::section::Section;
use super::settings::{MediaSettings, SipSettings};
use super::source::Place;
use super::tongue::Tongue;
use super::value::Ports;
use hotline_sip::Transport;
use std::net::IpAddr;

/// Why audio or a page would not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// SDP names an address that nobody can send to.
    NoHost(IpAddr),
    /// SDP names this host's loopback, and others are listened to.
    Loopback(IpAddr),
    /// SDP names an address of the family that the sockets are not of.
    BoundElsewhere { advertise: IpAddr, bind: IpAddr },
    /// A carrier is of the other family.
    TrunkFamily { trunk: String, advertise: IpAddr },
    /// A carrier on the public net is told a private address.
    PrivateForTrunk { trunk: String, advertise: IpAddr },
    /// RTP would take a SIP listener's port.
    PortsOfListener(u16),
    /// RTP would take ports of services.
    PortsOfServices(u16),
    /// The system gives ports of the range to whoever asks for any.
    PortsOfEverybody(Ports),
    /// Pages get no microphone without TLS.
    PageWithoutTls,
}

impl Silence {
    pub(super) fn text(&self, tongue: Tongue) -> String {
        let (vietnamese, english) = match self {
            Self::NoHost(address) => (
                format!("không ai gửi âm thanh tới {address} được"),
                format!("nobody can send audio to {address}"),
            ),
            Self::Loopback(address) => (
                format!(
                    "SDP báo {address}, chỉ máy này tới được, trong khi SIP nghe cả nơi khác: mọi cuộc gọi sẽ im lặng"
                ),
                format!(
                    "SDP would name {address}, which only this host can reach, while SIP listens for others: their calls would be silent"
                ),
            ),
            Self::BoundElsewhere { advertise, bind } => (
                format!("SDP báo {advertise} nhưng cổng âm thanh mở ở {bind}, khác họ địa chỉ"),
                format!(
                    "SDP would name {advertise} while audio is bound at {bind}, of the other address family"
                ),
            ),
            Self::TrunkFamily { trunk, advertise } => (
                format!(
                    "đường trung kế `{trunk}` không cùng họ địa chỉ với {advertise}: cuộc gọi của nó sẽ im lặng"
                ),
                format!(
                    "trunk `{trunk}` has no address of the family of {advertise}: its calls would be silent"
                ),
            ),
            Self::PrivateForTrunk { trunk, advertise } => (
                format!(
                    "đường trung kế `{trunk}` có địa chỉ công cộng nhưng SDP báo địa chỉ riêng {advertise}"
                ),
                format!(
                    "trunk `{trunk}` has a public address and would be told the private {advertise}"
                ),
            ),
            Self::PortsOfListener(port) => (
                format!("dải cổng âm thanh chứa cổng SIP {port}"),
                format!("the audio ports hold the SIP port {port}"),
            ),
            Self::PortsOfServices(first) => (
                format!("dải cổng âm thanh bắt đầu ở {first}; dưới 1024 là cổng của dịch vụ"),
                format!("the audio ports begin at {first}; below 1024 are the ports of services"),
            ),
            Self::PortsOfEverybody(ports) => (
                format!(
                    "hệ điều hành cấp cổng trong {}-{} cho chương trình khác; nên dùng dải dưới {EPHEMERAL_FIRST}",
                    ports.first, ports.last
                ),
                format!(
                    "the system gives ports of {}-{} to other programs; a range below {EPHEMERAL_FIRST} is better",
                    ports.first, ports.last
                ),
            ),
            Self::PageWithoutTls => (
                "trình duyệt không cho trang web dùng micrô qua ws; cần thêm `wss`".to_owned(),
                "browsers give a page no microphone over ws: `wss` is needed too".to_owned(),
            ),
        };
        match tongue {
            Tongue::English => english,
            Tongue::Vietnamese => vietnamese,
        }
    }
}

/// Looks at `[media]` and `[sip]` together; each fault is told at the value of `[media]` that would mend it.
pub(super) fn check(
    root: &mut Section<'_>,
    sip: &SipSettings,
    media: &MediaSettings,
    notes: &Notes,
) {
    let section = root.section("media");
    let place = |key: &str| section.value_place(key).or(section.place());
    let tell = |severity: Severity, place: Option<Place>, silence: Silence| {
        notes.say(severity, place, Problem::Silent(silence));
    };
    let advertise = media.advertise;
    for silence in errors_of_address(sip, media) {
        tell(Severity::Error, place("advertise"), silence);
    }
    for trunk in &sip.trunks {
        // One of the other family is told the address of a listener of that family.
        let is_told_it = |ip: IpAddr| is_public(ip) && ip.is_ipv4() == advertise.is_ipv4();
        let mut public = trunk.sources.iter().filter(|(ip, _)| is_told_it(*ip));
        if is_private(advertise) && public.next().is_some() {
            let trunk = trunk.name.clone();
            let silence = Silence::PrivateForTrunk { trunk, advertise };
            tell(Severity::Warning, place("advertise"), silence);
        }
    }
    let (first, last) = media.ports;
    for listener in &sip.listeners {
        let shares = listener.local.ip() == media.bind
            || listener.local.ip().is_unspecified()
            || media.bind.is_unspecified();
        let port = listener.local.port();
        if shares && !listener.transport.is_stream() && (first..=last).contains(&port) {
            tell(
                Severity::Error,
                place("ports"),
                Silence::PortsOfListener(port),
            );
        }
    }
    if first < SERVICES_END {
        tell(
            Severity::Error,
            place("ports"),
            Silence::PortsOfServices(first),
        );
    }
    if last >= EPHEMERAL_FIRST && first <= EPHEMERAL_LAST {
        let silence = Silence::PortsOfEverybody(Ports { first, last });
        tell(Severity::Warning, place("ports"), silence);
    }
    let has = |transport: Transport| {
        sip.listeners
            .iter()
            .any(|listener| listener.transport == transport && !listener.local.ip().is_loopback())
    };
    if has(Transport::Ws) && !has(Transport::Wss) {
        tell(Severity::Warning, section.place(), Silence::PageWithoutTls);
    }
}

fn errors_of_address(sip: &SipSettings, media: &MediaSettings) -> Vec<Silence> {
    let (advertise, bind) = (media.advertise, media.bind);
    let mut found = Vec::new();
    let is_broadcast = matches!(advertise, IpAddr::V4(ip) if ip.is_broadcast());
    // An unspecified one is told by whoever reads the value.
    if advertise.is_multicast() || is_broadcast {
        found.push(Silence::NoHost(advertise));
    }
    let hears_others = sip
        .listeners
        .iter()
        .any(|listener| !listener.local.ip().is_loopback());
    if advertise.is_loopback() && hears_others {
        found.push(Silence::Loopback(advertise));
    }
    // A socket at :: hears both families.
    let is_both = bind.is_unspecified() && bind.is_ipv6();
    if advertise.is_ipv4() != bind.is_ipv4() && !is_both {
        found.push(Silence::BoundElsewhere { advertise, bind });
    }
    // A call is told the address of the listener that it came in by, so each family that has a listener is served
    // as soon as the sockets are of it.
    let is_served = |source: &IpAddr| {
        let is_ipv4 = source.to_canonical().is_ipv4();
        let mut told = sip.listeners.iter().map(|listener| listener.advertise.ip());
        (is_both || bind.is_ipv4() == is_ipv4)
            && (advertise.is_ipv4() == is_ipv4 || told.any(|told| told.is_ipv4() == is_ipv4))
    };
    for trunk in &sip.trunks {
        if !trunk.sources.is_empty() && !trunk.sources.iter().any(|(ip, _)| is_served(ip)) {
            let trunk = trunk.name.clone();
            found.push(Silence::TrunkFamily { trunk, advertise });
        }
    }
    found
}

/// RFC 1918, RFC 4193, and what never leaves a link.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn is_public(ip: IpAddr) -> bool {
    !(is_private(ip) || ip.is_loopback() || ip.is_unspecified() || ip.is_multicast())
}

const SERVICES_END: u16 = 1024;
/// Linux's usual `net.ipv4.ip_local_port_range`.
const EPHEMERAL_FIRST: u16 = 32_768;
const EPHEMERAL_LAST: u16 = 60_999;
