//! `[[trunk]]` and `[[outbound]]`: carriers, and which numbers go out over them.

use super::areas;
use super::listen::TlsTrunk;
use super::problem::{Expected, Problem, Thing};
use super::secret;
use super::section::{Section, resolve};
use super::tree::Item;
use super::value::{Host, Millis, Name, Placed, Scalar};
use hotline_core::Outbound;
use hotline_sip::{NumberRule, Transport, Trunk, TrunkHost, TrunkId, TrunkLimits, TrunkLogin};
use hotline_switchboard::{Keys, Numbers, RegionRule, RegionSource};

/// `"0=+84"`: numbers that begin so begin otherwise; `"=0"` puts a 0 before every number.
#[derive(Clone, Debug)]
struct Rule(NumberRule);

/// `"10.1.2.3"`, `"sbc.example.vn"`, `"sbc.example.vn:5070;tcp"`, `"[2001:db8::1]:5060"`.
#[derive(Clone, Debug)]
struct Place(TrunkHost);

/// `"x-region:hn=hanoi"`, `"group:dn=danang"`, `"dialled:9024=hanoi"`, `"caller:+8424=hanoi"`.
#[derive(Clone, Debug)]
struct Region(RegionRule);

/// Longest part of a rule.
const RULE_LENGTH_MAX: usize = 64;
/// Hosts, rules and regions of one trunk.
const LIST_LENGTH_MAX: usize = 256;

impl Scalar for Rule {
    const EXPECTED: Expected = Expected::NumberRule;

    fn read(item: &Item) -> Option<Self> {
        let text = String::read(item)?;
        let (begins, becomes) = text.split_once('=')?;
        let is_number = |part: &str| {
            part.len() <= RULE_LENGTH_MAX
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+*#.-_".contains(&byte))
        };
        (is_number(begins) && is_number(becomes)).then(|| {
            Self(NumberRule {
                begins: begins.to_owned(),
                becomes: becomes.to_owned(),
            })
        })
    }

    fn show(&self) -> String {
        format!("\"{}={}\"", self.0.begins, self.0.becomes)
    }
}

impl Scalar for Place {
    const EXPECTED: Expected = Expected::HostName;

    fn read(item: &Item) -> Option<Self> {
        let text = String::read(item)?;
        let (place, transport) = match text.split_once(';') {
            Some((place, "udp")) => (place, Some(Transport::Udp)),
            Some((place, "tcp")) => (place, Some(Transport::Tcp)),
            Some((place, "tls")) => (place, Some(Transport::Tls)),
            Some(_) => return None,
            None => (text.as_str(), None),
        };
        if let Some(host) = host_of(place) {
            return Some(Self(TrunkHost {
                host: host.ip.to_string(),
                port: host.port,
                transport,
            }));
        }
        let (name, port) = match place.split_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok().filter(|port| *port > 0)?)),
            None => (place, None),
        };
        let is_name = !name.is_empty()
            && name.len() <= 253
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        is_name.then(|| {
            Self(TrunkHost {
                host: name.to_ascii_lowercase(),
                port,
                transport,
            })
        })
    }

    fn show(&self) -> String {
        let host = match self.0.host.contains(':') {
            true => format!("[{}]", self.0.host),
            false => self.0.host.clone(),
        };
        let port = self.0.port.map(|port| format!(":{port}"));
        let transport = self.0.transport.map(|kind| format!(";{}", kind.name()));
        format!(
            "\"{host}{}{}\"",
            port.unwrap_or_default(),
            transport.unwrap_or_default()
        )
    }
}

fn host_of(text: &str) -> Option<Host> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse() {
        return Some(Host { ip, port: None });
    }
    let address: std::net::SocketAddr = text.parse().ok()?;
    Some(Host {
        ip: address.ip(),
        port: Some(address.port()),
    })
}

impl Scalar for Region {
    const EXPECTED: Expected = Expected::Region;

    fn read(item: &Item) -> Option<Self> {
        let text = String::read(item)?;
        let (from, rest) = text.split_once(':')?;
        let (begins, region) = rest.rsplit_once('=')?;
        let source = match from {
            "caller" => RegionSource::Caller,
            "dialled" => RegionSource::Dialled,
            "group" => RegionSource::TrunkGroup,
            header => RegionSource::Header(header.to_ascii_lowercase()),
        };
        let is_token = from
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_fine = !from.is_empty() && is_token && !region.is_empty();
        (is_fine && region.len() <= RULE_LENGTH_MAX).then(|| {
            Self(RegionRule {
                source,
                begins: begins.to_owned(),
                region: region.to_owned(),
            })
        })
    }

    fn show(&self) -> String {
        let source = match &self.0.source {
            RegionSource::Caller => "caller",
            RegionSource::Dialled => "dialled",
            RegionSource::TrunkGroup => "group",
            RegionSource::Header(name) => name,
        };
        format!("\"{source}:{}={}\"", self.0.begins, self.0.region)
    }
}

impl Scalar for Keys {
    const EXPECTED: Expected = Expected::Keys;

    fn read(item: &Item) -> Option<Self> {
        let text = String::read(item)?;
        let known = KEYS_WORDS.iter().find(|(word, _)| *word == text);
        known.map(|(_, keys)| *keys)
    }

    fn show(&self) -> String {
        let word = KEYS_WORDS.iter().find(|(_, keys)| keys == self);
        format!("\"{}\"", word.map_or("", |(word, _)| word))
    }
}

const KEYS_WORDS: [(&str, Keys); 3] = [
    ("agreed", Keys::Agreed),
    ("events", Keys::Events),
    ("both", Keys::EventsAndTones),
];

/// Reads `[[trunk]]`: what the endpoint must know, and what the switchboard must; the same index in both.
pub(crate) fn trunks(
    root: &mut Section<'_>,
    transports: &[Transport],
    certificates: &mut Vec<TlsTrunk>,
) -> (Vec<Trunk>, Vec<Numbers>) {
    let mut trunks: Vec<Trunk> = Vec::new();
    let mut numbers: Vec<Numbers> = Vec::new();
    let mut known: Vec<Placed<Host>> = Vec::new();
    for mut section in root.tables("trunk") {
        let name = section.required::<Placed<Name>>("name");
        let certificate = section.optional::<String>("certificate");
        let is_by_certificate = by_certificate(&mut section, transports, certificate.is_some());
        let sources = sources(&mut section, &mut known, is_by_certificate);
        let hosts = hosts(&mut section, transports);
        let addresses = hosts.iter().filter_map(|host| host.host.parse().ok());
        certificates.push(TlsTrunk {
            id: TrunkId::try_from(trunks.len()).unwrap_or(TrunkId::MAX),
            sources: sources
                .iter()
                .map(|source| source.value.ip)
                .chain(addresses)
                .collect(),
            certificate,
            is_demanded: is_by_certificate,
        });
        let login = login(&mut section);
        let trunk = trunk(&mut section, sources, hosts, login);
        let rules = number_rules(&mut section);
        if let Some(name) = name {
            if trunks.iter().any(|trunk| trunk.name == name.value.0) {
                let problem = Problem::Twice {
                    thing: Thing::Trunk,
                    name: name.value.0.clone(),
                };
                section.notes().error(Some(name.place), problem);
            }
            trunks.push(Trunk {
                name: name.value.0,
                is_by_certificate,
                region_headers: rules.region_headers(),
                ..trunk
            });
            numbers.push(rules);
        }
        section.finish();
    }
    (trunks, numbers)
}

/// Whether a certificate alone makes a caller this carrier; then there must be one, and a place to show it.
fn by_certificate(
    section: &mut Section<'_>,
    transports: &[Transport],
    has_certificate: bool,
) -> bool {
    let is_by_certificate = section.or("by_certificate", false);
    if is_by_certificate && !has_certificate {
        missing(section, "certificate");
    }
    if is_by_certificate && !transports.contains(&Transport::Tls) {
        let transport = Transport::Tls.name().to_owned();
        let place = section.value_place("by_certificate");
        section
            .notes()
            .error(place, Problem::NoListenerFor(transport));
    }
    is_by_certificate
}

fn sources(
    section: &mut Section<'_>,
    known: &mut Vec<Placed<Host>>,
    is_by_certificate: bool,
) -> Vec<Placed<Host>> {
    let sources: Vec<Placed<Host>> = section.list("sources").unwrap_or_default();
    for source in &sources {
        let is_known = known.iter().any(|other| overlap(other.value, source.value));
        if is_known {
            let address = source.value.ip.to_string();
            section
                .notes()
                .error(Some(source.place), Problem::AddressTwice(address));
        }
    }
    known.extend(sources.iter().cloned());
    // Who neither names its addresses, nor is registered with, nor shows a certificate could be anybody.
    if sources.is_empty() && !section.has("register") && !is_by_certificate {
        missing(section, "sources");
    }
    sources
}

fn hosts(section: &mut Section<'_>, transports: &[Transport]) -> Vec<TrunkHost> {
    let hosts: Vec<Placed<Place>> = section.list("hosts").unwrap_or_default();
    for host in &hosts {
        let wanted = host.value.0.transport.unwrap_or(Transport::Udp);
        if !transports.contains(&wanted) {
            section.notes().error(
                Some(host.place),
                Problem::NoListenerFor(wanted.name().to_owned()),
            );
        }
    }
    let hosts = hosts.into_iter().take(LIST_LENGTH_MAX);
    hosts.map(|host| host.value.0).collect()
}

fn login(section: &mut Section<'_>) -> Option<TrunkLogin> {
    let user = section.optional::<String>("user");
    let password = secret::read(section, "password");
    let realm = section.or("realm", String::new());
    match (user, password) {
        (Some(user), Some(password)) => Some(TrunkLogin {
            user,
            password: password.expose().to_owned(),
            realm,
        }),
        (None, Some(_)) => {
            missing(section, "user");
            None
        }
        (Some(_), None) => {
            if !section.has("password") {
                missing(section, "password");
            }
            None
        }
        (None, None) => None,
    }
}

fn trunk(
    section: &mut Section<'_>,
    sources: Vec<Placed<Host>>,
    hosts: Vec<TrunkHost>,
    login: Option<TrunkLogin>,
) -> Trunk {
    let day = Millis(24 * 3_600_000);
    let register = section
        .has("register")
        .then(|| section.or_within("register", Millis(600_000), Millis(30_000), day));
    if register.is_some() {
        if hosts.is_empty() {
            missing(section, "hosts");
        }
        if login.is_none() && !section.has("user") {
            missing(section, "user");
        }
    }
    let usual_probe = Millis(if hosts.is_empty() { 0 } else { 10_000 });
    let probe = section.or_within("probe", usual_probe, Millis(0), Millis(600_000));
    let mut count = |key: &str| section.or_within(key, 0_u32, 0, 1_000_000);
    let limits = TrunkLimits {
        calls_max: count("calls"),
        calls_in_max: count("calls_in"),
        calls_out_max: count("calls_out"),
        in_per_s: count("per_s_in"),
        out_per_s: count("per_s_out"),
    };
    Trunk {
        name: String::new(),
        is_by_certificate: false,
        sources: sources
            .iter()
            .map(|source| (source.value.ip, source.value.port))
            .collect(),
        hosts,
        domain: section.or("domain", String::new()),
        login,
        register_s: register.map(|every| every.0 / 1_000),
        probe_ms: u64::from(probe.0),
        probe_failures_max: section.or_within("probe_failures", 3_u32, 1, 100),
        first_response_ms: u64::from(
            section
                .or_within("first_response", Millis(5_000), Millis(500), Millis(30_000))
                .0,
        ),
        is_large_by_tcp: section.or("large_by_tcp", false),
        limits,
        caller: section.or("caller", String::new()),
        is_identity_asserted: section.or("assert_caller", false),
        is_private: section.or("hide_caller", false),
        numbers_out: rules(section, "numbers_out"),
        region_headers: Vec::new(),
    }
}

fn number_rules(section: &mut Section<'_>) -> Numbers {
    let regions: Vec<Region> = section.list("regions").unwrap_or_default();
    Numbers {
        callers_in: rules(section, "callers_in"),
        dialled_in: rules(section, "dialled_in"),
        area: section.or("area", String::new()),
        keys: section.or("keys", Keys::Agreed),
        regions: regions
            .into_iter()
            .take(LIST_LENGTH_MAX)
            .map(|region| region.0)
            // What the carrier says goes before what the caller's area code says.
            .chain(areas::rules())
            .collect(),
    }
}

fn rules(section: &mut Section<'_>, key: &str) -> Vec<NumberRule> {
    let rules: Vec<Rule> = section.list(key).unwrap_or_default();
    let rules = rules.into_iter().take(LIST_LENGTH_MAX);
    rules.map(|rule| rule.0).collect()
}

fn missing(section: &Section<'_>, key: &str) {
    let problem = Problem::Missing {
        key: key.to_owned(),
        section: section.title(),
    };
    section.notes().error(section.place(), problem);
}

fn overlap(a: Host, b: Host) -> bool {
    a.ip == b.ip && (a.port == b.port || a.port.is_none() || b.port.is_none())
}

/// Reads `[[outbound]]`: numbers outside that may be dialled, in the order of the file. A number that is not
/// allowed stands there without trunks, before a wider one that would allow it.
pub(crate) fn outbound(root: &mut Section<'_>, trunks: &[Trunk]) -> Vec<Outbound> {
    let mut outbound = Vec::new();
    for mut section in root.tables("outbound") {
        let numbers: Vec<Placed<String>> = section.list("dialled").unwrap_or_default();
        if numbers.is_empty() {
            missing(&section, "dialled");
        }
        let is_allowed = section.or("allowed", true);
        let names: Vec<Placed<String>> = section.list("trunks").unwrap_or_default();
        if names.is_empty() && is_allowed {
            missing(&section, "trunks");
        }
        for name in &names {
            let known = trunks.iter().map(|trunk| trunk.name.as_str());
            let found = resolve(section.notes(), Thing::Trunk, name, known);
            let is_inbound = found
                .and_then(|at| trunks.get(at))
                .is_some_and(|trunk| trunk.hosts.is_empty());
            if is_inbound {
                let problem = Problem::TrunkInboundOnly(name.value.clone());
                section.notes().error(Some(name.place), problem);
            }
        }
        let names: Vec<String> = names
            .into_iter()
            .filter(|_| is_allowed)
            .map(|name| name.value)
            .collect();
        for number in numbers {
            super::routes::check_number(&section, &number);
            outbound.push(Outbound {
                dialled: number.value,
                trunks: names.clone(),
            });
        }
        section.finish();
    }
    outbound
}
