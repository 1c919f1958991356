//! A server with one call from the trunk, and a hand that writes its requests.

use super::net::{Net, REALM};
use crate::message::{Message, Writer};
use crate::{Command, Event, Input, Output};
use std::net::SocketAddr;

pub(super) const TRUNK: &str = "10.0.0.2:5060";

/// A server with one call from the trunk, and a hand that writes requests.
pub(super) struct Line {
    pub(super) net: Net,
    pub(super) dialog: u64,
    pub(super) to_tag: String,
    pub(super) events: Vec<Event>,
}

pub(super) struct Sent {
    pub(super) destination: SocketAddr,
    pub(super) message: Message,
}

impl Line {
    /// An INVITE has come in; not answered yet.
    pub(super) fn invited(lines: &[&str]) -> Self {
        let mut net = Net::new();
        net.is_quiet = true;
        let mut line = Self {
            net,
            dialog: 0,
            to_tag: String::new(),
            events: Vec::new(),
        };
        line.send(TRUNK, &line.request("INVITE", 1, lines, Some("offer")));
        line.dialog = line
            .events
            .iter()
            .find_map(|event| match event {
                Event::Invited(invitation) => Some(invitation.dialog),
                _ => None,
            })
            .unwrap_or_default();
        line
    }
    /// ... answered and acknowledged.
    pub(super) fn talking() -> Self {
        let mut line = Self::invited(&[]);
        let answers = line.command(Command::Answer {
            dialog: line.dialog,
            body: b"answer".to_vec(),
        });
        line.to_tag = answers[0].message.heads().unwrap().to_tag().to_owned();
        line.send(TRUNK, &line.request("ACK", 1, &[], None));
        assert!(
            line.events
                .iter()
                .any(|event| matches!(event, Event::Acknowledged { .. }))
        );
        line.events.clear();
        line
    }
    pub(super) fn request(
        &self,
        method: &str,
        cseq: u32,
        lines: &[&str],
        body: Option<&str>,
    ) -> Vec<u8> {
        self.request_of(method, cseq, "trunk-tag", lines, body)
    }
    pub(super) fn request_of(
        &self,
        method: &str,
        cseq: u32,
        tag: &str,
        lines: &[&str],
        body: Option<&str>,
    ) -> Vec<u8> {
        let mut writer = Writer::request(method, &format!("sip:111@{REALM}"));
        let branch = format!("z9hG4bK{method}{cseq}{tag}{}", lines.len());
        if !lines.iter().any(|line| line.starts_with("Via")) {
            writer.header("Via", &format!("SIP/2.0/UDP 10.0.0.2:5060;branch={branch}"));
        }
        let to_tag = if self.to_tag.is_empty() {
            String::new()
        } else {
            format!(";tag={}", self.to_tag)
        };
        writer
            .header(
                "From",
                &format!("\"Lan\" <sip:0912345678@trunk.example>;tag={tag}"),
            )
            .header("To", &format!("<sip:111@{REALM}>{to_tag}"))
            .header("Call-ID", "call@trunk")
            .header("CSeq", &format!("{cseq} {method}"))
            .header("Contact", "<sip:0912345678@10.0.0.2:5060>");
        let mut kind = "application/sdp";
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            if name == "Content-Type" {
                kind = value;
            } else {
                writer.header(name, value);
            }
        }
        writer.finish(body.map(|body| (kind, body.as_bytes())))
    }
    pub(super) fn send(&mut self, source: &str, bytes: &[u8]) -> Vec<Sent> {
        let input = Input::Datagram {
            listener: 0,
            source: source.parse().unwrap(),
            bytes: bytes.to_vec(),
        };
        self.handle(input)
    }
    pub(super) fn command(&mut self, command: Command) -> Vec<Sent> {
        self.handle(Input::Command(command))
    }
    pub(super) fn handle(&mut self, input: Input) -> Vec<Sent> {
        let now = self.net.now();
        let mut out = Vec::new();
        self.net
            .node("server")
            .endpoint
            .handle(now, input, &mut out);
        let mut sent = Vec::new();
        for output in out {
            match output {
                Output::Datagram {
                    destination, bytes, ..
                } => sent.push(Sent {
                    destination,
                    message: Message::parse(bytes).unwrap(),
                }),
                Output::Event(event) => self.events.push(event),
                _ => {}
            }
        }
        sent
    }
    /// Sends a request of the trunk and returns the statuses.
    pub(super) fn statuses(&mut self, bytes: &[u8]) -> Vec<u16> {
        self.send(TRUNK, bytes)
            .iter()
            .filter_map(|sent| sent.message.status())
            .collect()
    }
    pub(super) fn has_reinvited(&self) -> bool {
        self.events
            .iter()
            .any(|event| matches!(event, Event::Reinvited { .. }))
    }
}
