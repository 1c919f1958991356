//! Builds responses, and answers that leave no state behind (RFC 3261 §8.2.6, §8.2.7).

use crate::bans::Offence;
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Heads, Message, Method, Name, NameAddr, Via, Writer, lex};
use crate::transport::Arrival;
use crate::{Event, Output, Rejection};

/// A request with what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) message: Message,
    pub(crate) heads: Heads,
    pub(crate) method: Method,
    pub(crate) arrival: Arrival,
}

impl Endpoint {
    /// A response with the headers that every response copies. `to_tag` is added when To has none.
    pub(crate) fn reply(
        &self,
        message: &Message,
        arrival: &Arrival,
        status: u16,
        to_tag: &str,
    ) -> Writer {
        let mut reply = Writer::response(status);
        copy_vias(&mut reply, message, arrival);
        for name in [Name::From, Name::To, Name::CallId, Name::CSeq] {
            let Some(line) = message.lines(name).next() else {
                continue;
            };
            // A To that cannot be read is copied as it is.
            let has_tag = || NameAddr::parse(&lex::text(line)).is_none_or(|to| to.tag().is_some());
            let has_tag = name != Name::To || status == 100 || has_tag();
            let suffix = if has_tag {
                String::new()
            } else {
                format!(";tag={to_tag}")
            };
            reply.header_bytes(name.as_str(), line, suffix.as_bytes());
        }
        reply.header("Server", &self.config.product);
        reply
    }

    /// The To tag of answers without state: the same for each repetition (RFC 3261 §8.2.7).
    pub(crate) fn stateless_tag(&self, message: &Message) -> String {
        let part = |name| message.lines(name).next().unwrap_or_default();
        self.digest.mark(&[
            b"tag",
            part(Name::CallId),
            part(Name::From),
            part(Name::CSeq),
        ])
    }

    /// Refuses a request without a transaction: a repetition gets the same answer again, and a stranger's
    /// INVITE costs us no memory and no retransmissions to a forged address.
    pub(crate) fn reply_at_once(
        &mut self,
        turn: &mut Turn<'_>,
        message: &Message,
        arrival: &Arrival,
        status: u16,
        headers: &[(&str, String)],
    ) {
        // ACK is never answered.
        if message
            .method()
            .is_some_and(|method| method.is(rsip::Method::Ack))
        {
            return;
        }
        let mut reply = self.reply(message, arrival, status, &self.stateless_tag(message));
        for (name, value) in headers {
            reply.header(name, value);
        }
        self.send_reply(turn, message, arrival, reply.finish(None));
    }

    fn send_reply(
        &mut self,
        turn: &mut Turn<'_>,
        message: &Message,
        arrival: &Arrival,
        bytes: Vec<u8>,
    ) {
        let via = message.first(Name::Via).and_then(|via| Via::parse(&via));
        let mut hop = arrival.response_hop(via.as_ref());
        // A connection that is gone took its question along.
        if arrival
            .connection
            .is_none_or(|connection| self.streams.is_open(connection))
        {
            self.streams.send(turn, &mut hop, bytes);
        }
    }

    /// Counts a refusal and tells the application.
    pub(crate) fn rejected(
        &mut self,
        turn: &mut Turn<'_>,
        rejection: Rejection,
        arrival: &Arrival,
    ) {
        *self.rejections.entry(rejection).or_default() += 1;
        turn.out.push(Output::Event(Event::Rejected {
            rejection,
            source: arrival.source,
        }));
        match rejection {
            Rejection::Garbage | Rejection::Malformed | Rejection::NoDialog => {
                self.offended(turn, arrival, Offence::Junk)
            }
            Rejection::WrongCredentials => self.offended(turn, arrival, Offence::Password),
            Rejection::Banned | Rejection::Challenged | Rejection::Flood | Rejection::Overload => {}
        }
    }
}

/// RFC 3261 §18.2.1 and RFC 3581 §4: note on the topmost Via where the request really came from.
fn copy_vias(reply: &mut Writer, message: &Message, arrival: &Arrival) {
    for (index, line) in message.lines(Name::Via).enumerate() {
        let text = lex::text(line);
        let first = lex::split(&text, ',')
            .and_then(|values| values.first().map(|first| (*first).to_owned()));
        let parsed = first.as_deref().and_then(Via::parse);
        let (0, Some(first), Some(via)) = (index, first, parsed) else {
            reply.header_bytes(Name::Via.as_str(), line, b"");
            continue;
        };
        let rest = text.get(first.len()..).unwrap_or_default();
        let source_ip = arrival.source.ip().to_canonical();
        let is_named = crate::message::uri::host_ip(&via.host)
            .is_some_and(|ip| ip.to_canonical() == source_ip);
        let has_rport = via.params.contains("rport");
        if is_named && !has_rport {
            reply.header_bytes(Name::Via.as_str(), line, b"");
            continue;
        }
        let mut marked = String::with_capacity(text.len() + 40);
        for part in lex::split(&first, ';').unwrap_or_default() {
            let name = part
                .split('=')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase();
            if name != "rport" && name != "received" {
                if !marked.is_empty() {
                    marked.push(';');
                }
                marked.push_str(part);
            }
        }
        marked.push_str(&format!(";received={source_ip}"));
        if has_rport {
            marked.push_str(&format!(";rport={}", arrival.source.port()));
        }
        marked.push_str(rest);
        reply.header(Name::Via.as_str(), &marked);
    }
}
