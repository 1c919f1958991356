//! Reliable provisional responses of ours (RFC 3262 §3): repeated until their PRACK, one at a time, in order.

use crate::call::{Call, Invited};
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Message, Name, uri};
use crate::reply::Request;
use crate::session_timer::{has_option, requires};
use crate::timer::{Alarm, T1_MS, TIMEOUT_MS, TimerId};
use crate::uas::{SDP, body_of};
use crate::{DialogId, Event, Output};
use std::collections::VecDeque;

/// The provisional responses to one INVITE.
#[derive(Debug, Default)]
pub(crate) struct Reliable {
    /// Number of the last one; 0 before the first.
    rseq: u32,
    /// Waits for its PRACK.
    sent: Option<Provisional>,
    /// Wait for that.
    waiting: VecDeque<(u16, Option<Vec<u8>>)>,
    /// So does the answer, when the one that was sent has a description in it.
    answer: Option<Vec<u8>>,
    /// Our description that a PRACK has acknowledged: the 2xx does not repeat it.
    agreed: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Provisional {
    rseq: u32,
    status: u16,
    body: Option<Vec<u8>>,
    bytes: Vec<u8>,
    interval_ms: u64,
    again: TimerId,
    lost: TimerId,
}

impl Reliable {
    /// What an answer would overtake: no 2xx while a description waits for its PRACK (RFC 3262 §3).
    pub(crate) fn must_wait(&self) -> bool {
        self.sent
            .as_ref()
            .is_some_and(|provisional| provisional.body.is_some())
    }
    pub(crate) fn agreed(&self) -> Option<&[u8]> {
        self.agreed.as_deref()
    }
    /// The number whose PRACK may still come, after the 2xx.
    pub(crate) fn unacknowledged(&self) -> Option<u32> {
        self.sent.as_ref().map(|provisional| provisional.rseq)
    }
}

impl Endpoint {
    /// 180 or 183, reliably when the peer requires that, or supports it and there is a description.
    pub(crate) fn provisional(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        status: u16,
        body: Option<Vec<u8>>,
    ) {
        let Some(Call::Invited(invited)) = self.calls.all.get_mut(&id) else {
            return;
        };
        let request = &invited.request.message;
        let is_reliable =
            requires(request, "100rel") || (body.is_some() && has_option(request, "100rel"));
        if invited.reliable.answer.is_some() {
            return; // The answer is on its way.
        }
        if !is_reliable {
            let bytes = self.provisional_bytes(id, status, body.as_deref(), None);
            let Some(Call::Invited(invited)) = self.calls.all.get(&id) else {
                return;
            };
            let transaction = invited.transaction;
            return self.respond(turn, transaction, status, bytes);
        }
        if invited.reliable.sent.is_none() {
            return self.send_reliably(turn, id, status, body);
        }
        if invited.reliable.waiting.len() < WAITING_MAX {
            invited.reliable.waiting.push_back((status, body));
        }
    }

    fn send_reliably(
        &mut self,
        turn: &mut Turn<'_>,
        id: DialogId,
        status: u16,
        body: Option<Vec<u8>>,
    ) {
        // RFC 3262 §3: begins anywhere below 2**31, then goes up by one.
        let first = 1 + u32::try_from(self.random.below(RSEQ_FIRST_LIMIT)).unwrap_or_default();
        let Some(Call::Invited(invited)) = self.calls.all.get_mut(&id) else {
            return;
        };
        let transaction = invited.transaction;
        let reliable = &mut invited.reliable;
        reliable.rseq = if reliable.rseq == 0 {
            first
        } else {
            reliable.rseq.saturating_add(1)
        };
        let rseq = reliable.rseq;
        let bytes = self.provisional_bytes(id, status, body.as_deref(), Some(rseq));
        let now = turn.now.mono;
        let again = self.timers.arm(now, T1_MS, Alarm::ProvisionalAgain(id));
        let lost = self.timers.arm(now, TIMEOUT_MS, Alarm::ProvisionalLost(id));
        if let Some(Call::Invited(invited)) = self.calls.all.get_mut(&id) {
            invited.reliable.sent = Some(Provisional {
                rseq,
                status,
                body,
                bytes: bytes.clone(),
                interval_ms: T1_MS,
                again,
                lost,
            });
        }
        self.respond(turn, transaction, status, bytes);
    }

    fn provisional_bytes(
        &self,
        id: DialogId,
        status: u16,
        body: Option<&[u8]>,
        rseq: Option<u32>,
    ) -> Vec<u8> {
        let Some(Call::Invited(invited)) = self.calls.all.get(&id) else {
            return Vec::new();
        };
        let Invited {
            request, dialog, ..
        } = invited.as_ref();
        let tag = &dialog.local_tag;
        let mut reply = self.reply(&request.message, &request.arrival, status, tag);
        for line in request.message.lines(Name::RecordRoute) {
            reply.header_bytes(Name::RecordRoute.as_str(), line, b"");
        }
        let (allow, _) = self.abilities(request.arrival.source);
        reply
            .header(
                "Contact",
                &self.contact(request.arrival.hop(), &dialog.user),
            )
            .header("Allow", allow);
        if let Some(rseq) = rseq {
            reply
                .header("Require", "100rel")
                .header(Name::RSeq.as_str(), &rseq.to_string());
        }
        reply.finish(body.map(|body| (SDP, body)))
    }

    /// No PRACK yet: once more, after twice the time.
    pub(crate) fn provisional_again(&mut self, turn: &mut Turn<'_>, id: DialogId) {
        let now = turn.now.mono;
        let Some(Call::Invited(invited)) = self.calls.all.get_mut(&id) else {
            return;
        };
        let transaction = invited.transaction;
        let Some(sent) = &mut invited.reliable.sent else {
            return;
        };
        sent.interval_ms *= 2;
        sent.again = self
            .timers
            .arm(now, sent.interval_ms, Alarm::ProvisionalAgain(id));
        let (status, bytes) = (sent.status, sent.bytes.clone());
        self.respond(turn, transaction, status, bytes);
    }

    /// RFC 3262 §3: no PRACK within 64 T1 ends the attempt.
    pub(crate) fn provisional_lost(&mut self, turn: &mut Turn<'_>, id: DialogId) {
        self.reject(turn, id, 504, &[]);
        turn.out.push(Output::Event(Event::Ended {
            dialog: id,
            is_by_peer: false,
        }));
    }

    /// PRACK (RFC 3262 §3).
    pub(crate) fn prack_received(&mut self, turn: &mut Turn<'_>, id: DialogId, request: &Request) {
        let rack = rack_of(&request.message);
        let (invite_cseq, sent_rseq) = match self.calls.all.get(&id) {
            Some(Call::Invited(invited)) => (
                invited.request.heads.cseq,
                invited.reliable.unacknowledged(),
            ),
            Some(Call::Talking(talking)) => match talking.late_prack {
                Some((cseq, rseq)) => (cseq, Some(rseq)),
                None => (0, None),
            },
            Some(Call::Calling(_)) | None => (0, None),
        };
        if rack.is_none() || rack != sent_rseq.map(|rseq| (rseq, invite_cseq)) {
            return self.reply_at_once(turn, &request.message, &request.arrival, 481, &[]);
        }
        let (sent, is_offerless) = match self.calls.all.get_mut(&id) {
            Some(Call::Invited(invited)) => (
                invited.reliable.sent.take(),
                body_of(&invited.request.message).is_none(),
            ),
            Some(Call::Talking(talking)) => {
                talking.late_prack = None;
                (None, false)
            }
            Some(Call::Calling(_)) | None => (None, false),
        };
        let Some(sent) = sent else {
            return self.reply_new(turn, request, 200, &[]);
        };
        self.timers.cancel(sent.again);
        self.timers.cancel(sent.lost);
        let answer = body_of(&request.message)
            .filter(|(kind, _)| kind == SDP)
            .map(|(_, body)| body);
        // Our own offer waits for its answer here; any other body would be a new offer, and the session is not
        // even agreed on (RFC 6337 §3.1.2: it may be refused, and the acknowledgement counts all the same).
        let is_answer = is_offerless && sent.body.is_some();
        let status = if answer.is_some() && !is_answer {
            488
        } else {
            200
        };
        self.reply_new(turn, request, status, &[]);
        if let Some(Call::Invited(invited)) = self.calls.all.get_mut(&id)
            && (!is_offerless || answer.is_some())
            && sent.body.is_some()
        {
            invited.reliable.agreed = sent.body;
        }
        if is_answer && answer.is_some() {
            turn.out.push(Output::Event(Event::Acknowledged {
                dialog: id,
                body: answer,
            }));
        }
        self.provisional_next(turn, id);
    }

    /// The way is free for what waited.
    fn provisional_next(&mut self, turn: &mut Turn<'_>, id: DialogId) {
        let Some(Call::Invited(invited)) = self.calls.all.get_mut(&id) else {
            return;
        };
        if let Some(body) = invited.reliable.answer.take() {
            return self.answer(turn, id, body);
        }
        if let Some((status, body)) = invited.reliable.waiting.pop_front() {
            self.send_reliably(turn, id, status, body);
        }
    }

    /// Keeps the application's answer until the PRACK is there. True when it must wait.
    pub(crate) fn answer_waits(&mut self, id: DialogId, body: &[u8]) -> bool {
        let Some(Call::Invited(invited)) = self.calls.all.get_mut(&id) else {
            return false;
        };
        let must_wait = invited.reliable.must_wait();
        if must_wait {
            invited.reliable.answer = Some(body.to_vec());
        }
        must_wait
    }

    /// The INVITE is answered finally: nothing provisional is repeated any more.
    pub(crate) fn provisional_over(&mut self, reliable: &Reliable) {
        if let Some(sent) = &reliable.sent {
            self.timers.cancel(sent.again);
            self.timers.cancel(sent.lost);
        }
    }
}

/// `RSeq CSeq INVITE` of a PRACK.
fn rack_of(message: &Message) -> Option<(u32, u32)> {
    let value = message.value(Name::RAck)?;
    let mut words = value.split_ascii_whitespace();
    let (rseq, cseq, method) = (words.next()?, words.next()?, words.next()?);
    let is_invite = method == "INVITE" && words.next().is_none();
    is_invite
        .then(|| Some((uri::decimal(rseq)?, uri::decimal(cseq)?)))
        .flatten()
}

/// Provisional responses that wait for the PRACK of another one.
const WAITING_MAX: usize = 4;
/// Far below 2**31, so that the numbers never run out.
const RSEQ_FIRST_LIMIT: u64 = 1 << 30;
