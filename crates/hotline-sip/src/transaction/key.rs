//! How requests and responses find their transaction (RFC 3261 §17.1.3, §17.2.3).

use crate::message::{Heads, Message, Name};

/// Branch and method of the request that we sent.
pub(super) fn client_key(branch: &str, method: &str) -> Vec<u8> {
    join(&[branch, method])
}

/// With the magic cookie: branch, sent-by and method. Without it (RFC 2543): Request-URI, From tag, Call-ID,
/// CSeq number and topmost Via; the To tag is left out because ACK carries ours and INVITE none.
/// ACK finds its INVITE, CANCEL has a transaction of its own.
pub(crate) fn server_key(message: &Message, heads: &Heads, method: &str) -> Vec<u8> {
    let method = if method == "ACK" { "INVITE" } else { method };
    let port = heads
        .via
        .port
        .map(|port| port.to_string())
        .unwrap_or_default();
    match heads.via.branch() {
        Some(branch) => join(&[branch, &heads.via.host.to_ascii_lowercase(), &port, method]),
        None => join(&[
            "2543",
            &message.request_uri(),
            heads.from_tag(),
            &heads.call_id,
            &heads.cseq.to_string(),
            &message.first(Name::Via).unwrap_or_default(),
            method,
        ]),
    }
}

/// RFC 3261 §8.2.2.2: the same request by two ways has the same From tag, Call-ID and CSeq.
pub(crate) fn merge_key(heads: &Heads, method: &str) -> Vec<u8> {
    join(&[
        heads.from_tag(),
        &heads.call_id,
        &heads.cseq.to_string(),
        method,
    ])
}

fn join(parts: &[&str]) -> Vec<u8> {
    let mut key = Vec::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for part in parts {
        key.extend_from_slice(part.as_bytes());
        key.push(0);
    }
    key
}
