//! SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966); any other scheme is kept as text.

use super::lex::{self, Params};
use crate::Transport;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A parsed URI that remembers how it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    text: String,
    /// Lower case: `sip`, `sips`, `tel`, or what it is.
    pub scheme: String,
    /// User part or telephone number, as written (escapes kept); empty when there is none.
    pub user: String,
    /// Host as written, brackets of IPv6 included; empty for schemes without a host.
    pub host: String,
    /// Port when it is named.
    pub port: Option<u16>,
    /// Parameters.
    pub params: Params,
    /// What follows `?`.
    pub headers: Option<String>,
}

impl Uri {
    /// None when `text` is no URI, or a sip(s) URI with a bad host, port or parameter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !is_scheme || rest.is_empty() || text.contains([' ', '\t', '<', '>', '"', '\r', '\n']) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "sip" | "sips" => Self::parse_sip(text, scheme, rest),
            "tel" => Self::parse_tel(text, scheme, rest),
            _ => Some(Self {
                text: text.to_owned(),
                scheme,
                user: String::new(),
                host: String::new(),
                port: None,
                params: Params::default(),
                headers: None,
            }),
        }
    }

    fn parse_sip(text: &str, scheme: String, rest: &str) -> Option<Self> {
        // The user part may hold `;`, `?` and `,` (RFC 4475 §3.1.1.9), so the `@` is looked for first.
        let (user, rest) = rest.split_once('@').unwrap_or(("", rest));
        let (rest, headers) = match rest.split_once('?') {
            Some((rest, headers)) => (rest, Some(headers.to_owned())),
            None => (rest, None),
        };
        let mut parts = rest.split(';');
        let (host, port) = host_port(parts.next()?)?;
        let params = Params::parse(parts)?;
        let user = user
            .split_once(':')
            .map_or(user, |(user, _password)| user)
            .to_owned();
        Some(Self {
            text: text.to_owned(),
            scheme,
            user,
            host,
            port,
            params,
            headers,
        })
    }

    fn parse_tel(text: &str, scheme: String, rest: &str) -> Option<Self> {
        let mut parts = rest.split(';');
        let number = parts.next().filter(|number| !number.is_empty())?;
        let params = Params::parse(parts)?;
        Some(Self {
            text: text.to_owned(),
            scheme,
            user: number.to_owned(),
            host: String::new(),
            port: None,
            params,
            headers: None,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// User part with its escapes resolved; the number of a tel URI.
    #[must_use]
    pub fn user_unescaped(&self) -> String {
        lex::unescape(&self.user)
    }
    /// The number or name alone, unescaped: parameters of a telephone number in the user part
    /// (RFC 3261 §19.1.6: `111;phone-context=+84`) are cut off, an escaped `;` is not one of theirs.
    #[must_use]
    pub fn subscriber(&self) -> String {
        let name = self.user.split(';').next().unwrap_or_default();
        lex::unescape(name)
    }
    /// The host when it is an address.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        host_ip(&self.host)
    }
    /// The transport that it asks for (RFC 3261 §19.1.1); None when it leaves the choice, or names one that
    /// we do not speak. `sips:` is TLS (§26.2.2), or a WebSocket under TLS (RFC 7118 §5.2.4).
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        let named = self.params.value("transport").map(str::to_ascii_lowercase);
        match (named.as_deref(), self.scheme == "sips") {
            (Some("ws"), true) | (Some("wss"), _) => Some(Transport::Wss),
            (Some("ws"), false) => Some(Transport::Ws),
            (Some("tls"), _) | (Some("tcp") | None, true) => Some(Transport::Tls),
            (Some("tcp"), false) => Some(Transport::Tcp),
            (Some("udp"), false) => Some(Transport::Udp),
            (Some(_), _) | (None, false) => None,
        }
    }
    /// RFC 3261 §19.1.4, as far as registrations and digests need it: scheme, user, host, port.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.user_unescaped() == other.user_unescaped()
            && self.host.eq_ignore_ascii_case(&other.host)
            && self.port.unwrap_or(PORT_DEFAULT) == other.port.unwrap_or(PORT_DEFAULT)
            && (!self.host.is_empty() || self.text == other.text)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`; None when it is none of these.
pub(crate) fn host_port(text: &str) -> Option<(String, Option<u16>)> {
    let text = text.trim();
    let (host, port) = if text.starts_with('[') {
        let close = text.find(']')?;
        let host = text.get(..=close)?;
        host_ip(host)?;
        (host, text.get(close + 1..)?.trim())
    } else {
        let end = text.find(':').unwrap_or(text.len());
        let host = text.get(..end)?.trim();
        let is_host = !host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        is_host.then_some(())?;
        (host, text.get(end..)?.trim())
    };
    let port = match port.strip_prefix(':') {
        Some(digits) => Some(decimal(digits.trim())?),
        None if port.is_empty() => None,
        None => return None,
    };
    Some((host.to_owned(), port))
}

/// The address that a host names literally.
pub(crate) fn host_ip(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')?
            .parse::<Ipv6Addr>()
            .ok()
            .map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

/// Digits only: `parse` alone would take a plus sign.
pub(crate) fn decimal<T: std::str::FromStr>(text: &str) -> Option<T> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

/// RFC 3261 §19.1.2.
pub(crate) const PORT_DEFAULT: u16 = 5060;
