//! Judges every message on the wire by RFC 3261, without knowing why it was sent: invariants 17, 18, 19, 22, 23.

use super::text::Text;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// A 2xx is sent again until its ACK comes, at the latest until here; then BYE (RFC 3261 §13.3.1.4), with room for a
/// slow timer.
const ACK_LIMIT_US: u64 = 32_000_000;
const ACK_SLACK_US: u64 = 1_500_000;

/// A request that reached the server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ServerKey {
    branch: String,
    method: String,
    source: SocketAddr,
}

/// A dialog: Call-ID, our tag, and the peer's (empty while it has none).
type Half = (String, String, String);

#[derive(Clone, Debug)]
struct Requests {
    cseq: u32,
    has_bye: bool,
}

/// An answered INVITE that waits for its ACK.
#[derive(Clone, Debug)]
struct Unacknowledged {
    since_us: u64,
    last_us: u64,
    interval_us: u64,
    to_tag: String,
    cseq: u32,
}

/// An INVITE of ours: its transaction may be gone when a very late answer comes (RFC 3261 §17.1.1.2 and §9.1).
#[derive(Clone, Copy, Debug)]
struct Invite {
    sent_us: u64,
    has_provisional: bool,
    cancelled_us: Option<u64>,
}

impl Invite {
    fn is_alive(self, now_us: u64) -> bool {
        let is_waiting = self.has_provisional || now_us < self.sent_us + ACK_LIMIT_US;
        is_waiting
            && self
                .cancelled_us
                .is_none_or(|at| now_us < at + ACK_LIMIT_US)
    }
}

#[derive(Default)]
pub struct Wire {
    finals: BTreeMap<ServerKey, u16>,
    requests: BTreeSet<ServerKey>,
    sent: BTreeMap<Half, Requests>,
    /// Requests of ours that went out before, byte for byte (retransmissions): by branch and method.
    seen: BTreeSet<(String, String)>,
    /// INVITEs of this run, by branch.
    invites: BTreeMap<String, Invite>,
    unacknowledged: BTreeMap<String, Unacknowledged>,
    /// Final answers to our INVITEs that reached us and wait for our ACK: (Call-ID, CSeq, To tag).
    owed_acks: BTreeMap<(String, u32, String), u64>,
    /// Call-IDs of dialogs that were confirmed in this run.
    confirmed: BTreeSet<String>,
    pub faults: Vec<(u8, String)>,
}

impl Wire {
    /// The process died: nothing is owed by the new one but what dialogs demand.
    pub fn restart(&mut self) {
        self.finals.clear();
        self.requests.clear();
        self.unacknowledged.clear();
        self.owed_acks.clear();
        self.seen.clear();
        self.invites.clear();
    }

    /// A death took records along that were not on disk: the numbers that they held may come again.
    pub fn forget_order(&mut self) {
        self.sent.clear();
    }

    /// A new process knows no dialog but those it ends.
    pub fn begin_run(&mut self) {
        self.confirmed.clear();
    }

    /// A message reaches the server.
    pub fn to_server(&mut self, now_us: u64, source: SocketAddr, text: &Text) {
        if !text.is_request() {
            let status = text.status().unwrap_or(0);
            // RFC 5057 §5.1: the peer's end of the dialog is no more; nothing is repeated there, and nothing ended.
            if status == 481 {
                self.unacknowledged.remove(text.call_id());
            }
            if text.method() == "INVITE"
                && status < 200
                && let Some(invite) = self.invites.get_mut(text.branch())
            {
                invite.has_provisional = true;
            }
            let is_alive = self
                .invites
                .get(text.branch())
                .is_some_and(|invite| invite.is_alive(now_us));
            if text.method() == "INVITE" && status >= 200 && is_alive {
                let key = (
                    text.call_id().to_owned(),
                    text.cseq().0,
                    text.tag("To").unwrap_or_default().to_owned(),
                );
                self.owed_acks.entry(key).or_insert(now_us);
            }
            return;
        }
        if text.method() == "ACK" {
            let is_for = |entry: &Unacknowledged| entry.cseq == text.cseq().0;
            if self.unacknowledged.get(text.call_id()).is_some_and(is_for) {
                self.unacknowledged.remove(text.call_id());
                self.confirmed.insert(text.call_id().to_owned());
            }
            return;
        }
        if text.method() == "BYE" {
            self.unacknowledged.remove(text.call_id());
        }
        self.requests.insert(server_key(text, source));
    }

    /// The server sends a message.
    pub fn from_server(
        &mut self,
        now_us: u64,
        destination: SocketAddr,
        text: &Text,
        is_known_peer: bool,
    ) {
        if !is_known_peer {
            self.fault(
                23,
                format!("{} sent to {destination}, where nobody is", text.first),
            );
        }
        if text.is_request() {
            self.request_from_server(now_us, text);
        } else {
            self.response_from_server(now_us, destination, text);
        }
    }

    fn response_from_server(&mut self, now_us: u64, destination: SocketAddr, text: &Text) {
        let status = text.status().unwrap_or(0);
        let key = server_key(text, destination);
        self.no_answer_without_request(&key, status);
        if status >= 200 {
            self.one_final_answer(&key, status);
        }
        if text.method() == "INVITE" && (200..300).contains(&status) {
            self.answer_repeats(now_us, text);
        }
    }

    /// 22: no response to a response, none to ACK: each response answers a request that came from there.
    fn no_answer_without_request(&mut self, key: &ServerKey, status: u16) {
        if key.method == "ACK" || !self.requests.contains(key) {
            self.fault(
                22,
                format!(
                    "{status} to {} {} that was never asked",
                    key.method, key.branch
                ),
            );
        }
    }

    /// 17: each server transaction gets exactly one final response. A refusal that is given without a transaction (a
    /// dialog that is not there, one change at a time) may be another one for a repeated request, as long as it is one.
    fn one_final_answer(&mut self, key: &ServerKey, status: u16) {
        if let Some(before) = self.finals.insert(key.clone(), status)
            && before != status
        {
            let are_refusals = before >= 400 && status >= 400;
            let is_crossing = key.method != "INVITE" && before == 481;
            if are_refusals || is_crossing {
                return;
            }
            self.fault(
                17,
                format!(
                    "{} {} was answered {before} and then {status}",
                    key.method, key.branch
                ),
            );
        }
    }

    /// 18, first half: the 2xx is repeated at growing intervals until its ACK.
    fn answer_repeats(&mut self, now_us: u64, text: &Text) {
        let to_tag = text.tag("To").unwrap_or_default().to_owned();
        self.unacknowledged
            .entry(text.call_id().to_owned())
            .and_modify(|entry| {
                entry.interval_us = now_us - entry.last_us;
                entry.last_us = now_us;
            })
            .or_insert(Unacknowledged {
                since_us: now_us,
                last_us: now_us,
                interval_us: 0,
                to_tag,
                cseq: text.cseq().0,
            });
    }

    fn request_from_server(&mut self, now_us: u64, text: &Text) {
        let (cseq, method) = text.cseq();
        if method == "ACK" {
            let key = (
                text.call_id().to_owned(),
                cseq,
                text.tag("To").unwrap_or_default().to_owned(),
            );
            if self.owed_acks.remove(&key).is_some() {
                self.confirmed.insert(text.call_id().to_owned());
            }
            return;
        }
        if method == "CANCEL"
            && let Some(invite) = self.invites.get_mut(text.branch())
        {
            invite.cancelled_us.get_or_insert(now_us);
        }
        if method == "INVITE" {
            self.invites
                .entry(text.branch().to_owned())
                .or_insert(Invite {
                    sent_us: now_us,
                    has_provisional: false,
                    cancelled_us: None,
                });
        }
        if method == "CANCEL"
            || !self
                .seen
                .insert((text.branch().to_owned(), method.to_owned()))
        {
            return;
        }
        if method == "BYE" {
            self.unacknowledged.remove(text.call_id());
        }
        self.order_of_requests(text, cseq, method);
    }

    /// 19: CSeq rises per dialog, and no request follows a BYE.
    fn order_of_requests(&mut self, text: &Text, cseq: u32, method: &str) {
        // Forked INVITEs are the same request on several branches.
        let is_fork = method == "INVITE" && text.tag("To").is_none();
        let tag = |header: &str| text.tag(header).unwrap_or_default().to_owned();
        let first = (text.call_id().to_owned(), tag("From"), String::new());
        let half = (text.call_id().to_owned(), tag("From"), tag("To"));
        // A dialog that a fork made goes on counting from its INVITE.
        if let Some(before) = self
            .sent
            .get(&half)
            .or_else(|| self.sent.get(&first))
            .cloned()
        {
            if before.has_bye && method != "BYE" {
                self.fault(19, format!("{method} after BYE in {}", half.0));
            }
            // A second restart says the BYE of the first one again.
            let is_again = before.has_bye && method == "BYE";
            let is_rising = cseq > before.cseq || (cseq == before.cseq && (is_fork || is_again));
            if !is_rising {
                self.fault(
                    19,
                    format!(
                        "{method} with CSeq {cseq} after {} in {}",
                        before.cseq, half.0
                    ),
                );
            }
        }
        self.sent.insert(
            half,
            Requests {
                cseq,
                has_bye: method == "BYE",
            },
        );
    }

    /// 18, second half, and 18 for our own INVITEs. `is_final` asks for everything, also what is still in time.
    pub fn check_acks(&mut self, now_us: u64) {
        let overdue: Vec<String> = self
            .unacknowledged
            .iter()
            .filter(|(_, entry)| now_us > entry.since_us + ACK_LIMIT_US + ACK_SLACK_US)
            .map(|(call, entry)| {
                format!(
                    "{call} (tag {}) has no ACK for {} s and no BYE",
                    entry.to_tag,
                    (now_us - entry.since_us) / 1_000_000
                )
            })
            .collect();
        let silent: Vec<String> = self
            .unacknowledged
            .iter()
            .filter(|(_, entry)| {
                let expected = if entry.interval_us == 0 {
                    500_000
                } else {
                    (entry.interval_us * 2).min(4_000_000)
                };
                now_us > entry.last_us + expected + ACK_SLACK_US
                    && now_us < entry.since_us + ACK_LIMIT_US
            })
            .map(|(call, _)| format!("the 200 of {call} is not repeated although no ACK came"))
            .collect();
        let unthanked: Vec<String> = self
            .owed_acks
            .iter()
            .filter(|(_, since)| now_us > **since + ACK_SLACK_US)
            .map(|((call, cseq, _), _)| {
                format!("the answer to INVITE {cseq} of {call} was never acknowledged")
            })
            .collect();
        for text in overdue.into_iter().chain(silent).chain(unthanked) {
            self.fault(18, text);
        }
    }

    /// No 2xx of ours waits for its ACK, and none of the peer's is owed one: the dialog is up for both ends.
    #[must_use]
    pub fn is_confirmed(&self, call_id: &str) -> bool {
        !self.unacknowledged.contains_key(call_id) && self.confirmed.contains(call_id)
    }

    /// The leg is gone for another reason (its caller hung up, its dialog was lost).
    pub fn forget_call(&mut self, call_id: &str) {
        self.unacknowledged.remove(call_id);
    }

    fn fault(&mut self, invariant: u8, text: String) {
        self.faults.push((invariant, text));
    }
}

fn server_key(text: &Text, peer: SocketAddr) -> ServerKey {
    ServerKey {
        branch: text.branch().to_owned(),
        method: text.method().to_owned(),
        source: peer,
    }
}
