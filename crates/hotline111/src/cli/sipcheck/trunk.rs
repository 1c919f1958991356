//! Whether each carrier is found (RFC 3263), answers, and has taken our registration.

use super::Running;
use super::address::is_here;
use super::finding::{Finding, Level, Said};
use super::probe::{Outcome, Way, options};
use crate::cli::control::TrunkLine;
use crate::config::Loaded;
use crate::shell::dns::Resolver;
use crate::shell::tls::Tls;
use hotline_sip::{CarrierHost, Query, Records, Transport, Trunk, TrunkHost, look_up};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What came of one address of a carrier.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) transport: Transport,
    pub(super) address: SocketAddr,
    pub(super) outcome: Outcome,
    /// What the running server's own probes say of it.
    pub(super) is_up: Option<bool>,
}

/// Tries all of them.
pub(super) async fn check(loaded: &Loaded, running: Option<&Running>) -> Vec<Finding> {
    let resolver = Resolver::open(&loaded.sip.name_servers);
    let tls = Tls::load(&loaded.sip.tls).ok();
    let mut found = Vec::new();
    for (id, trunk) in (0..).zip(&loaded.sip.trunks) {
        let line = running.and_then(|running| {
            let mut lines = running.trunks.iter();
            lines.find(|line| line.trunk == trunk.name)
        });
        if trunk.hosts.is_empty() {
            found.push(inbound_only(trunk));
            found.extend(unheard(trunk, loaded.media.advertise));
            continue;
        }
        let (mut tried, mut ways) = (Vec::new(), Vec::new());
        for host in &trunk.hosts {
            let found_ways = resolve(resolver.as_ref(), host).await;
            if found_ways.is_empty() {
                found.push(not_found(trunk, host));
            }
            ways.extend(found_ways.into_iter().map(|way| (way, host)));
        }
        for ((transport, address), host) in ways {
            let carrier = CarrierHost {
                trunk: id,
                host: host.host.clone(),
            };
            let trust = tls
                .as_ref()
                .filter(|_| transport.is_secure())
                .and_then(|tls| tls.client(address.ip(), Some(&carrier)));
            let outcome = if transport.is_secure() && trust.is_none() {
                Outcome::Refused("no `roots` in [tls]".to_owned())
            } else {
                let way = Way {
                    transport,
                    from: local(loaded, transport, address),
                    to: address,
                    trust,
                };
                options(&way).await.outcome
            };
            let is_up = line.and_then(|line| said_of(line, transport, address));
            tried.push(Tried {
                transport,
                address,
                outcome,
                is_up,
            });
        }
        found.extend(judge(trunk, &tried));
        found.extend(registration(trunk, line));
        let told = tried.iter().map(|tried| tried.address.ip());
        found.extend(private(trunk, loaded.media.advertise, told));
    }
    found
}

/// Our address towards a carrier is the one that the server uses: many know us by it.
fn local(loaded: &Loaded, transport: Transport, to: SocketAddr) -> IpAddr {
    let mut listeners = loaded.sip.listeners.iter();
    let ours = listeners.find(|listener| {
        listener.transport == transport && listener.local.is_ipv4() == to.is_ipv4()
    });
    match ours {
        Some(listener) if is_here(listener.local.ip()) => listener.local.ip(),
        Some(_) | None if to.is_ipv4() => Ipv4Addr::UNSPECIFIED.into(),
        Some(_) | None => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// NAPTR, SRV, addresses, each question once.
async fn resolve(resolver: Option<&Resolver>, host: &TrunkHost) -> Vec<(Transport, SocketAddr)> {
    let mut known: BTreeMap<Query, Option<Records>> = BTreeMap::new();
    for _ in 0..ROUNDS_MAX {
        let found = look_up(host, &known);
        if found.missing.is_empty() {
            return found.ways;
        }
        for query in found.missing {
            let answers = match resolver {
                Some(resolver) => resolver.ask(&query).await,
                None => None,
            };
            known.insert(query, answers.map(|answers| answers.records));
        }
    }
    Vec::new()
}

/// `udp 10.1.2.3:5060 up`, as `ctl trunks` writes it.
fn said_of(line: &TrunkLine, transport: Transport, address: SocketAddr) -> Option<bool> {
    let mut of_address = line.addresses.iter().filter(|text| {
        let mut words = text.split(' ');
        let is_way = words.any(|word| word == address.to_string());
        is_way && (!text.contains(';') || text.contains(transport.name()))
    });
    match of_address.next()?.rsplit(' ').next()? {
        "up" => Some(true),
        "down" => Some(false),
        _ => None,
    }
}

/// One line for each address.
pub(super) fn judge(trunk: &Trunk, tried: &[Tried]) -> Vec<Finding> {
    let answers = |tried: &&Tried| {
        matches!(tried.outcome, Outcome::Answered { .. }) || tried.is_up == Some(true)
    };
    let has_other = tried.iter().filter(answers).count() > 0;
    tried
        .iter()
        .map(|tried| judge_one(trunk, tried, has_other))
        .collect()
}

fn judge_one(trunk: &Trunk, tried: &Tried, has_other: bool) -> Finding {
    let what = format!(
        "trunk {} {} {}",
        trunk.name,
        tried.transport.name(),
        tried.address
    );
    let why = match &tried.outcome {
        Outcome::Answered { status, after } => {
            let millis = after.as_secs_f64() * 1_000.0;
            return match (*status, tried.is_up) {
                (503, _) => Finding::new(
                    Level::Warning,
                    what,
                    Said::new("trả lời 503: đang quá tải", "answers 503: overloaded"),
                )
                .help(call_them()),
                (_, Some(false)) => Finding::new(
                    Level::Warning,
                    what,
                    Said::new(
                        format!("trả lời sau {millis:.1} ms, nhưng tổng đài coi là mất"),
                        format!("answers in {millis:.1} ms, and the server holds it for down"),
                    ),
                )
                .help(Said::new(
                    "chờ lần thăm dò kế tiếp rồi xem `hotline111 ctl trunks`",
                    "wait for its next probe, then look at `hotline111 ctl trunks`",
                )),
                (status, _) => Finding::fine(
                    what,
                    Said::new(
                        format!("trả lời OPTIONS sau {millis:.1} ms ({status})"),
                        format!("answers OPTIONS in {millis:.1} ms ({status})"),
                    ),
                ),
            };
        }
        Outcome::Refused(why) => format!(" ({why})"),
        Outcome::Silent => String::new(),
    };
    if tried.is_up == Some(true) {
        return Finding::fine(
            what,
            Said::new(
                "trả lời tổng đài, không trả lời cổng khác của máy này",
                "answers the server, and no other port of this machine",
            ),
        );
    }
    let level = if has_other {
        Level::Warning
    } else {
        Level::Error
    };
    Finding::new(
        level,
        what,
        Said::new(
            format!("không trả lời{why}"),
            format!("does not answer{why}"),
        ),
    )
    .help(call_them())
}

fn call_them() -> Said {
    Said::new(
        "kiểm tra đường truyền tới nhà mạng và hỏi họ",
        "look at the line to the carrier, and ask them",
    )
}

/// Only the running server registers.
pub(super) fn registration(trunk: &Trunk, line: Option<&TrunkLine>) -> Option<Finding> {
    trunk.register_s?;
    let what = format!("trunk {} registration", trunk.name);
    let Some(line) = line else {
        let result = Said::new(
            "chưa biết: tổng đài chưa chạy",
            "not known: the server does not run",
        );
        return Some(Finding::new(Level::Unknown, what, result));
    };
    let said = &line.registration;
    let result = Said::new(said.clone(), said.clone());
    Some(if said.starts_with("registered") {
        Finding::fine(what, result)
    } else if said.starts_with("refused") {
        Finding::new(Level::Error, what, result).help(Said::new(
            "kiểm tra `user`, `password`, `realm` và `domain` của đường trung kế",
            "look at `user`, `password`, `realm` and `domain` of the trunk",
        ))
    } else {
        Finding::new(Level::Warning, what, result).help(call_them())
    })
}

fn inbound_only(trunk: &Trunk) -> Finding {
    Finding::new(
        Level::Unknown,
        format!("trunk {}", trunk.name),
        Said::new(
            "chỉ nhận cuộc gọi vào: không có `hosts` để hỏi",
            "only takes calls in: no `hosts` to ask",
        ),
    )
    .help(Said::new(
        "nhờ nhà mạng gửi OPTIONS hoặc gọi thử",
        "let the carrier send OPTIONS or make a call",
    ))
}

fn not_found(trunk: &Trunk, host: &TrunkHost) -> Finding {
    Finding::new(
        Level::Error,
        format!("trunk {} {}", trunk.name, host.host),
        Said::new("không tìm thấy địa chỉ", "has no address"),
    )
    .help(Said::new(
        "kiểm tra tên trong `hosts` và `servers` của [dns]",
        "look at the name in `hosts`, and at `servers` of [dns]",
    ))
}

fn unheard(trunk: &Trunk, advertise: IpAddr) -> Option<Finding> {
    private(trunk, advertise, trunk.sources.iter().map(|(ip, _)| *ip))
}

/// A carrier on the public net that is told a private address for audio sends it nowhere.
pub(super) fn private(
    trunk: &Trunk,
    advertise: IpAddr,
    theirs: impl Iterator<Item = IpAddr>,
) -> Option<Finding> {
    // Those of the other family are told another address.
    let mut theirs = theirs.filter(|ip| ip.is_ipv4() == advertise.is_ipv4());
    if is_public(advertise) || !theirs.any(is_public) {
        return None;
    }
    let what = format!("trunk {} audio", trunk.name);
    let result = Said::new(
        format!("ở mạng công cộng nhưng được báo địa chỉ riêng {advertise}: cuộc gọi sẽ im lặng"),
        format!(
            "is on the public net and is told the private {advertise}: its calls would be silent"
        ),
    );
    let help = Said::new(
        "đặt `advertise` của [media] thành địa chỉ công cộng của NAT",
        "make `advertise` of [media] the public address of the NAT",
    );
    Some(Finding::new(Level::Error, what, result).help(help))
}

fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => !(ip.is_private() || ip.is_loopback() || ip.is_link_local()),
        IpAddr::V6(ip) => !(ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local()),
    }
}

/// NAPTR, then SRV, then addresses; one more to see that nothing is missing.
const ROUNDS_MAX: usize = 4;
