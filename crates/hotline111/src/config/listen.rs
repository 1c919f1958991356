//! Where we listen for SIP, what we tell others of it, and the certificates of it.

use super::problem::Problem;
use super::section::Section;
use super::value::{Host, Placed};
use hotline_sip::{Transport, TrunkId};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// A socket to open for SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListenerSettings {
    /// To bind; port 0 = any free one.
    pub local: SocketAddr,
    /// To name in Via and Contact; port 0 = the one that `local` got.
    pub advertise: SocketAddr,
    /// What is spoken there.
    pub transport: Transport,
}

/// `[tls]`, and what `[[trunk]]` says of certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsSettings {
    /// Our certificate chain and its key, PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Authorities that sign certificates of carriers; none: nobody is asked for one.
    pub client_roots: Option<PathBuf>,
    /// Authorities that we believe when we connect to a carrier; none: we connect to nobody by TLS.
    pub roots: Option<PathBuf>,
    /// Carriers.
    pub trunks: Vec<TlsTrunk>,
}

/// A carrier and its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsTrunk {
    /// Which.
    pub id: TrunkId,
    /// Its addresses.
    pub sources: Vec<IpAddr>,
    /// The name in its certificate.
    pub certificate: Option<String>,
    /// Nothing but this certificate makes a caller the carrier.
    pub is_demanded: bool,
}

/// Reads the listeners of `[sip]`.
pub(super) fn listeners(section: &mut Section<'_>) -> Vec<ListenerSettings> {
    let mut lists = Vec::with_capacity(Transport::ALL.len());
    for transport in Transport::ALL {
        let list = section.list::<Placed<SocketAddr>>(transport.name());
        lists.push((transport, list.unwrap_or_default()));
    }
    let advertise: Vec<Placed<Host>> = section.list("advertise").unwrap_or_default();
    let mut listeners: Vec<ListenerSettings> = Vec::new();
    for (transport, address) in lists
        .iter()
        .flat_map(|(transport, list)| list.iter().map(|address| (*transport, address)))
    {
        // A UDP and a TCP socket may share a port; two that listen for connections may not.
        let is_twice = listeners.iter().any(|other| {
            other.local == address.value && other.transport.is_stream() == transport.is_stream()
        });
        if is_twice && address.value.port() != 0 {
            let problem = Problem::AddressTwice(address.value.to_string());
            section.notes().error(Some(address.place), problem);
        }
        listeners.push(listener(section, address, &advertise, transport));
    }
    if listeners.is_empty() {
        section.notes().error(section.place(), Problem::NoListener);
    }
    listeners
}

fn listener(
    section: &Section<'_>,
    address: &Placed<SocketAddr>,
    advertise: &[Placed<Host>],
    transport: Transport,
) -> ListenerSettings {
    let local = address.value;
    let told = advertised(local.ip(), advertise);
    if local.ip().is_unspecified() && told.is_none() {
        section
            .notes()
            .error(Some(address.place), Problem::NoAdvertise);
    }
    // A port is told for plain SIP: TLS and WebSockets have their own.
    let is_plain = matches!(transport, Transport::Udp | Transport::Tcp);
    let port = told
        .and_then(|host| host.port)
        .filter(|_| is_plain)
        .unwrap_or(local.port());
    ListenerSettings {
        local,
        advertise: SocketAddr::new(told.map_or(local.ip(), |host| host.ip), port),
        transport,
    }
}

/// The first that is of the same family: who was reached by IPv6 is not told an IPv4 address.
pub(super) fn advertised(local: IpAddr, advertise: &[Placed<Host>]) -> Option<Host> {
    advertise
        .iter()
        .map(|host| host.value)
        .find(|host| host.ip.is_ipv4() == local.is_ipv4())
}

/// Reads `[tls]`; listeners that need a certificate must have one.
pub(super) fn tls(
    root: &mut Section<'_>,
    folder: &Path,
    listeners: &[ListenerSettings],
    trunks: Vec<TlsTrunk>,
) -> TlsSettings {
    let mut section = root.section("tls");
    let mut file = |key: &str| {
        section
            .optional::<PathBuf>(key)
            .map(|path| folder.join(path))
    };
    let (certificate, key) = (file("certificate"), file("key"));
    let (client_roots, roots) = (file("client_roots"), file("roots"));
    let is_demanded = trunks.iter().any(|trunk| trunk.is_demanded);
    if is_demanded && client_roots.is_none() {
        let problem = Problem::Missing {
            key: "client_roots".to_owned(),
            section: section.title(),
        };
        section.notes().error(section.place(), problem);
    }
    let has_one = certificate.is_some() || key.is_some();
    let identity = certificate.zip(key);
    let is_needed = listeners
        .iter()
        .any(|listener| listener.transport.is_secure());
    if identity.is_none() && (is_needed || has_one) {
        section
            .notes()
            .error(section.place(), Problem::NoCertificate);
    }
    section.finish();
    TlsSettings {
        identity,
        client_roots,
        roots,
        trunks,
    }
}
