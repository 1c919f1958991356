//! Request methods: the known ones by rsip's names, and any other legal token.

use super::lex;
use std::fmt;

/// The method of a request. Case matters (RFC 3261 §7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// One that some RFC defines.
    Known(rsip::Method),
    /// Any other legal token; answered 501.
    Other(String),
}

impl Method {
    /// None when `text` is no token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !lex::is_token(text.as_bytes()) {
            return None;
        }
        let known = KNOWN.iter().find(|(name, _)| *name == text);
        Some(known.map_or_else(
            || Self::Other(text.to_owned()),
            |(_, method)| Self::Known(*method),
        ))
    }
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(known) => KNOWN
                .iter()
                .find(|(_, method)| method == known)
                .map_or("", |(name, _)| name),
            Self::Other(token) => token,
        }
    }
    /// Whether it is this known method.
    #[must_use]
    pub fn is(&self, method: rsip::Method) -> bool {
        *self == Self::Known(method)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

const KNOWN: [(&str, rsip::Method); 14] = [
    ("ACK", rsip::Method::Ack),
    ("BYE", rsip::Method::Bye),
    ("CANCEL", rsip::Method::Cancel),
    ("INFO", rsip::Method::Info),
    ("INVITE", rsip::Method::Invite),
    ("MESSAGE", rsip::Method::Message),
    ("NOTIFY", rsip::Method::Notify),
    ("OPTIONS", rsip::Method::Options),
    ("PRACK", rsip::Method::PRack),
    ("PUBLISH", rsip::Method::Publish),
    ("REFER", rsip::Method::Refer),
    ("REGISTER", rsip::Method::Register),
    ("SUBSCRIBE", rsip::Method::Subscribe),
    ("UPDATE", rsip::Method::Update),
];
