//! One Via value (RFC 3261 §20.42, RFC 3581).

use super::lex::{self, Params};
use super::uri;

/// A hop that a request took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// `UDP`, `TCP`, or any other token.
    pub transport: String,
    /// Host of sent-by as written.
    pub host: String,
    /// Port of sent-by.
    pub port: Option<u16>,
    /// Parameters: branch, received, rport ...
    pub params: Params,
}

impl Via {
    /// Parses a single value, not a list.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let mut parts = lex::split(value, ';')?.into_iter();
        let mut head = parts.next()?.splitn(3, '/');
        let (protocol, version, rest) = (
            head.next()?.trim(),
            head.next()?.trim(),
            head.next()?.trim(),
        );
        if !protocol.eq_ignore_ascii_case("SIP") || !lex::is_token(version.as_bytes()) {
            return None;
        }
        let (transport, sent_by) = rest.split_once([' ', '\t'])?;
        if !lex::is_token(transport.as_bytes()) {
            return None;
        }
        let (host, port) = uri::host_port(sent_by)?;
        Some(Self {
            transport: transport.to_ascii_uppercase(),
            host,
            port,
            params: Params::parse(parts)?,
        })
    }

    /// The branch when it is an identifier by RFC 3261 (magic cookie and more).
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        let branch = self.params.value("branch")?;
        let rest = branch
            .get(..MAGIC_COOKIE.len())
            .filter(|head| head.eq_ignore_ascii_case(MAGIC_COOKIE));
        rest.filter(|_| branch.len() > MAGIC_COOKIE.len())
            .map(|_| branch)
    }
}

/// RFC 3261 §8.1.1.7.
pub(crate) const MAGIC_COOKIE: &str = "z9hG4bK";
