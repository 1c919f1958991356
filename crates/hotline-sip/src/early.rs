//! Early dialogs of our INVITEs: their provisional responses, PRACK (RFC 3262 §4), requests of the callee.

use crate::DialogId;
use crate::dialog::Dialog;
use crate::endpoint::{Endpoint, Turn};
use crate::message::{Heads, Message, Name, uri};
use crate::reply::Request;
use crate::session_timer::requires;
use crate::transaction::{Owner, TransactionId};
use crate::uas::body_of;

/// What one callee behind a fork has said so far.
#[derive(Debug)]
pub(crate) struct Early {
    /// Its tag.
    tag: String,
    dialog: Dialog,
    /// The last reliable provisional response.
    rseq: Option<u32>,
    /// The answer to our offer, when a reliable response brought it: the 2xx need not repeat it.
    answer: Option<Vec<u8>>,
}

impl Early {
    pub(crate) fn is_of(&self, tag: &str) -> bool {
        self.tag == tag
    }
    /// The number of the last request of ours, and the answer that is known already.
    pub(crate) fn into_answer(self) -> (u32, Option<Vec<u8>>) {
        (self.dialog.local_cseq, self.answer)
    }
}

impl Endpoint {
    /// A provisional response above 100. False when it is a repetition, or one that must wait for another one
    /// before it (RFC 3262 §4).
    pub(crate) fn early_heard(
        &mut self,
        turn: &mut Turn<'_>,
        key: (DialogId, usize),
        transaction: TransactionId,
        message: &Message,
        heads: &Heads,
    ) -> bool {
        let Some(hop) = self
            .transactions
            .get(transaction)
            .map(|transaction| transaction.hop)
        else {
            return true;
        };
        let Some(fork) = self.calls.forks.get(&key) else {
            return true;
        };
        let tag = heads.to_tag();
        if tag.is_empty() {
            return true;
        }
        let known = fork.earlies.iter().position(|early| early.is_of(tag));
        let is_by_flow = fork.contact.is_some();
        let at = match known {
            Some(at) => at,
            None if fork.earlies.len() >= EARLIES_MAX => return true,
            None => {
                let user = match self.calls.all.get(&key.0) {
                    Some(crate::call::Call::Calling(calling)) => calling.offer.from.1.clone(),
                    Some(_) | None => String::new(),
                };
                let dialog = self.client_dialog(message, heads, hop, &user, is_by_flow);
                let Some(fork) = self.calls.forks.get_mut(&key) else {
                    return true;
                };
                fork.earlies.push(Early {
                    tag: tag.to_owned(),
                    dialog,
                    rseq: None,
                    answer: None,
                });
                fork.earlies.len() - 1
            }
        };
        let Some(rseq) = rseq_of(message) else {
            return true;
        };
        let Some(early) = self
            .calls
            .forks
            .get_mut(&key)
            .and_then(|fork| fork.earlies.get_mut(at))
        else {
            return true;
        };
        // RFC 3262 §4: any number begins; after that each is one above the last.
        if early
            .rseq
            .is_some_and(|last| last.checked_add(1) != Some(rseq))
        {
            return false;
        }
        early.rseq = Some(rseq);
        early.dialog.refresh(message);
        if early.answer.is_none() {
            early.answer = body_of(message).map(|(_, body)| body);
        }
        let mut dialog = early.dialog.clone();
        let mut draft = self.draft(&mut dialog, "PRACK");
        draft.writer.header(
            Name::RAck.as_str(),
            &format!("{rseq} {} INVITE", heads.cseq),
        );
        let bytes = draft.writer.finish(None);
        if let Some(early) = self
            .calls
            .forks
            .get_mut(&key)
            .and_then(|fork| fork.earlies.get_mut(at))
        {
            early.dialog.local_cseq = dialog.local_cseq;
        }
        self.start_client(
            turn,
            draft.hop,
            (&draft.branch, "PRACK"),
            bytes,
            Owner::Nobody,
        );
        true
    }

    /// A request of a callee that has not answered our INVITE yet. False when there is no such early dialog,
    /// or it does not come from where our INVITE went.
    pub(crate) fn in_early_dialog(&mut self, turn: &mut Turn<'_>, request: &Request) -> bool {
        let heads = &request.heads;
        let Some(key) = self
            .calls
            .early(&heads.call_id, heads.to_tag(), heads.from_tag())
        else {
            return false;
        };
        let Some(fork) = self.calls.forks.get_mut(&key) else {
            return false;
        };
        let source = request.arrival.source.ip().to_canonical();
        let is_there = fork.hop.address().ip().to_canonical() == source;
        let user = fork.contact.as_ref().map(|(user, _)| user.clone());
        let is_contact = || user.is_some_and(|user| self.registrar.is_contact_ip(&user, source));
        if !is_there && !is_contact() {
            return false;
        }
        let Some(early) = self.calls.forks.get_mut(&key).and_then(|fork| {
            fork.earlies
                .iter_mut()
                .find(|early| early.is_of(heads.from_tag()))
        }) else {
            return false;
        };
        if early
            .dialog
            .remote_cseq
            .is_some_and(|last| heads.cseq <= last)
        {
            self.reply_at_once(turn, &request.message, &request.arrival, 500, &[]);
            return true;
        }
        early.dialog.remote_cseq = Some(heads.cseq);
        if request.method.is(rsip::Method::Options) {
            self.options(turn, request);
        } else if request.method.is(rsip::Method::Info) {
            // Digits have a meaning once somebody has answered.
            self.reply_new(turn, request, 200, &[]);
        } else if request.method.is(rsip::Method::Update) {
            self.early_update(turn, key, request);
        } else {
            // RFC 3261 §15: the callee has no BYE yet, and nothing of ours that a PRACK could mean.
            self.reply_at_once(turn, &request.message, &request.arrival, 481, &[]);
        }
        true
    }

    /// RFC 3311 §5.2: an offer is too early while ours waits for its answer; what is left moves the target.
    fn early_update(&mut self, turn: &mut Turn<'_>, key: (DialogId, usize), request: &Request) {
        if body_of(&request.message).is_some() {
            let wait = [("Retry-After", "1".to_owned())];
            return self.reply_at_once(turn, &request.message, &request.arrival, 500, &wait);
        }
        let tag = request.heads.from_tag();
        let mut user = String::new();
        if let Some(early) = self
            .calls
            .forks
            .get_mut(&key)
            .and_then(|fork| fork.earlies.iter_mut().find(|early| early.is_of(tag)))
        {
            early.dialog.refresh(&request.message);
            user.clone_from(&early.dialog.user);
        }
        let contact = self.contact(request.arrival.hop(), &user);
        self.reply_new(turn, request, 200, &[("Contact", contact)]);
    }
}

/// The number of a provisional response that wants a PRACK.
fn rseq_of(message: &Message) -> Option<u32> {
    let rseq = message.value(Name::RSeq)?;
    requires(message, "100rel")
        .then(|| uri::decimal(rseq.trim()))
        .flatten()
}

/// Callees behind one contact whose early dialogs are followed.
const EARLIES_MAX: usize = 8;
