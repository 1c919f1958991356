//! Whether phones and browsers will believe our certificate: its names, its days, and whether it is the one in force.

use super::finding::{Finding, Level, Said};
use super::listener::Shown;
use crate::config::Loaded;
use crate::shell::dns::Resolver;
use hotline_sip::{Query, Records};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::IpAddr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What is read off a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Host names that it is good for; `*.example.vn` among them.
    pub(super) names: Vec<String>,
    /// Addresses that it is good for.
    pub(super) addresses: Vec<IpAddr>,
    /// Seconds since 1970.
    pub(super) from_s: i64,
    pub(super) until_s: i64,
    pub(super) is_self_signed: bool,
}

/// By what others come to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The address that they are told; `leads`: what each name of the certificate leads to, as far as it is known.
    Address {
        told: IpAddr,
        leads: Vec<(String, Option<Vec<IpAddr>>)>,
    },
    /// A name that the operator gives.
    Name(String),
}

/// Looks at the certificate of each listener that shows one; without a running server at that of the file.
pub(super) async fn check(loaded: &Loaded, shown: &[Shown], names: &[String]) -> Vec<Finding> {
    let file = loaded.sip.tls.identity.as_ref();
    let on_disk = file.and_then(|(path, _)| first_of(path));
    let mut secure = loaded.sip.listeners.iter();
    let Some(first) = secure.find(|listener| listener.transport.is_secure()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let seen: Vec<(IpAddr, String, CertificateDer<'static>)> = if shown.is_empty() {
        let whole = on_disk.clone().into_iter();
        whole
            .map(|der| (first.advertise.ip(), "certificate".to_owned(), der))
            .collect()
    } else {
        let each = shown.iter().filter_map(|(listener, chain)| {
            let what = format!(
                "certificate of {} {}",
                listener.transport.name(),
                listener.advertise
            );
            Some((listener.advertise.ip(), what, chain.first()?.clone()))
        });
        each.collect()
    };
    let now_s = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        });
    for (told, what, der) in seen {
        if on_disk.as_ref().is_some_and(|file| *file != der) {
            found.push(old(&what));
        }
        let Some(facts) = read(&der) else {
            found.push(unreadable(&what));
            continue;
        };
        let wanted = wanted(loaded, &facts, told, names).await;
        found.extend(judge(&what, &facts, &wanted, now_s));
    }
    found
}

fn first_of(path: &Path) -> Option<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(path).ok()?.next()?.ok()
}

async fn wanted(loaded: &Loaded, facts: &Facts, told: IpAddr, names: &[String]) -> Vec<Wanted> {
    if !names.is_empty() {
        return names.iter().cloned().map(Wanted::Name).collect();
    }
    let mut leads = Vec::new();
    if !facts.addresses.contains(&told) {
        let resolver = Resolver::open(&loaded.sip.name_servers);
        for name in facts.names.iter().take(NAMES_MAX) {
            leads.push((name.clone(), addresses(resolver.as_ref(), name).await));
        }
    }
    vec![Wanted::Address { told, leads }]
}

/// None when nobody could say.
async fn addresses(resolver: Option<&Resolver>, name: &str) -> Option<Vec<IpAddr>> {
    let answers = resolver?.ask(&Query::Addresses(name.to_owned())).await?;
    match answers.records {
        Records::Addresses(found) => Some(found),
        Records::Pointers(_) | Records::Services(_) => None,
    }
}

pub(super) fn read(der: &CertificateDer<'_>) -> Option<Facts> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let mut facts = Facts {
        from_s: certificate.validity().not_before.timestamp(),
        until_s: certificate.validity().not_after.timestamp(),
        is_self_signed: certificate.issuer().as_raw() == certificate.subject().as_raw(),
        ..Facts::default()
    };
    let Ok(Some(alternatives)) = certificate.subject_alternative_name() else {
        return Some(facts);
    };
    for name in &alternatives.value.general_names {
        match name {
            GeneralName::DNSName(name) => facts.names.push(name.to_ascii_lowercase()),
            GeneralName::IPAddress(bytes) => facts.addresses.extend(address(bytes)),
            _ => {}
        }
    }
    Some(facts)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(four.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// What is wrong with it, else one line that it is fine.
pub(super) fn judge(what: &str, facts: &Facts, wanted: &[Wanted], now_s: i64) -> Vec<Finding> {
    let mut found: Vec<Finding> = days(what, facts, now_s).into_iter().collect();
    found.extend(wanted.iter().filter_map(|wanted| fits(what, facts, wanted)));
    if facts.is_self_signed {
        let result = Said::new(
            "tự ký: trình duyệt không tin",
            "is signed by itself: browsers do not believe it",
        );
        let help = Said::new(
            "dùng chứng chỉ của một CA, hoặc cài nó vào từng máy",
            "use one of an authority, or install it on each device",
        );
        found.push(Finding::new(Level::Warning, what, result).help(help));
    }
    if found.is_empty() {
        let left = days_left(facts, now_s);
        found.push(Finding::fine(
            what,
            Said::new(
                format!("đúng tên, còn {left} ngày"),
                format!("has the right name and {left} days left"),
            ),
        ));
    }
    found
}

fn days_left(facts: &Facts, now_s: i64) -> i64 {
    (facts.until_s - now_s) / DAY_S
}

fn days(what: &str, facts: &Facts, now_s: i64) -> Option<Finding> {
    let left = days_left(facts, now_s);
    let renew = Said::new(
        "xin chứng chỉ mới rồi gửi SIGHUP: cuộc gọi không bị ngắt",
        "renew it, then send SIGHUP: no call is dropped",
    );
    let (level, result) = if now_s >= facts.until_s {
        (
            Level::Error,
            Said::new("đã hết hạn", "has expired: nobody can connect"),
        )
    } else if now_s < facts.from_s {
        (
            Level::Error,
            Said::new(
                "chưa có hiệu lực: đồng hồ máy này có đúng không?",
                "is not valid yet: is this machine's clock right?",
            ),
        )
    } else if left < DAYS_LEFT_MIN {
        (
            Level::Warning,
            Said::new(format!("còn {left} ngày"), format!("ends in {left} days")),
        )
    } else {
        return None;
    };
    Some(Finding::new(level, what, result).help(renew))
}

/// None when it is good for that.
fn fits(what: &str, facts: &Facts, wanted: &Wanted) -> Option<Finding> {
    let good_for = || {
        let addresses = facts.addresses.iter().map(IpAddr::to_string);
        let all: Vec<String> = facts.names.iter().cloned().chain(addresses).collect();
        if all.is_empty() {
            "-".to_owned()
        } else {
            all.join(", ")
        }
    };
    match wanted {
        Wanted::Name(name) => {
            let is_good = match name.parse() {
                Ok(ip) => facts.addresses.contains(&ip),
                Err(_) => facts.names.iter().any(|pattern| is_named(pattern, name)),
            };
            (!is_good).then(|| wrong_name(what, name, &good_for()))
        }
        Wanted::Address { told, leads } => {
            let leads_here =
                |ips: &Option<Vec<IpAddr>>| ips.as_ref().is_some_and(|ips| ips.contains(told));
            if facts.addresses.contains(told) || leads.iter().any(|(_, ips)| leads_here(ips)) {
                return None;
            }
            if leads.iter().any(|(_, ips)| ips.is_none()) {
                let result = Said::new(
                    format!("dành cho {}; không tra được tên đó ở đây", good_for()),
                    format!("is for {}, which cannot be looked up here", good_for()),
                );
                let help = Said::new(
                    format!("tên phải dẫn tới {told}; kiểm tra bằng --name TÊN"),
                    format!(
                        "the name must lead to {told}; say with --name by which name phones come"
                    ),
                );
                return Some(Finding::new(Level::Unknown, what, result).help(help));
            }
            Some(wrong_name(what, &told.to_string(), &good_for()))
        }
    }
}

fn wrong_name(what: &str, wanted: &str, good_for: &str) -> Finding {
    Finding::new(
        Level::Error,
        what,
        Said::new(
            format!("dành cho {good_for}, không phải {wanted}"),
            format!("is for {good_for}, not for {wanted}: nobody who comes by that will connect"),
        ),
    )
    .help(Said::new(
        format!("xin chứng chỉ có {wanted} trong subjectAltName"),
        format!("get one with {wanted} in its subjectAltName"),
    ))
}

/// RFC 6125 §6.4.3: a star stands for one label, the first.
fn is_named(pattern: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match (pattern.strip_prefix("*."), name.split_once('.')) {
        (Some(parent), Some((_, rest))) => parent == rest,
        (Some(_), None) => false,
        (None, _) => pattern == name,
    }
}

fn old(what: &str) -> Finding {
    Finding::new(
        Level::Warning,
        what,
        Said::new(
            "tổng đài còn dùng chứng chỉ cũ, tệp đã khác",
            "the server still shows another one than the file holds",
        ),
    )
    .help(Said::new(
        "gửi SIGHUP (systemctl reload hotline111)",
        "send SIGHUP (systemctl reload hotline111)",
    ))
}

fn unreadable(what: &str) -> Finding {
    Finding::new(
        Level::Error,
        what,
        Said::new("không đọc được", "cannot be read"),
    )
    .help(Said::new("xin chứng chỉ mới", "get a new one"))
}

const DAY_S: i64 = 86_400;
/// Authorities that give 90 days renew at 30: something is wrong with the renewal by then.
const DAYS_LEFT_MIN: i64 = 21;
const NAMES_MAX: usize = 16;
