//! The table of calls: one entry for each dialog that the application knows.

use crate::dialog::Dialog;
use crate::early::Early;
use crate::refer::Transfer;
use crate::reinvite::Change;
use crate::reliable::Reliable;
use crate::reply::Request;
use crate::session_timer::Session;
use crate::timer::TimerId;
use crate::transaction::TransactionId;
use crate::{DialogId, Failure, Peer};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// One call, by what has been reached.
#[derive(Debug)]
pub(crate) enum Call {
    /// An INVITE waits for the application's answer.
    Invited(Box<Invited>),
    /// Our INVITEs wait for the callee.
    Calling(Box<Calling>),
    /// A 2xx was sent or received.
    Talking(Box<Talking>),
}

#[derive(Debug)]
pub(crate) struct Invited {
    pub(crate) transaction: TransactionId,
    pub(crate) request: Request,
    pub(crate) dialog: Dialog,
    pub(crate) peer: Peer,
    pub(crate) reliable: Reliable,
}

#[derive(Debug)]
pub(crate) struct Calling {
    /// Forks that may still answer.
    pub(crate) open: usize,
    pub(crate) offer: Offer,
    pub(crate) is_ringing: bool,
    /// The last early body that the application was told.
    pub(crate) early_body: Option<Vec<u8>>,
    pub(crate) best: Option<Failure>,
    /// What else may be tried, of a call over trunks.
    pub(crate) attempts: Option<crate::trunk_call::Attempts>,
}

/// What the forks send, each the body of its kind.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) from: (String, String),
    pub(crate) bodies: Vec<(crate::MediaKind, Vec<u8>)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) login: Option<crate::digest::Login>,
}

/// One INVITE of ours. Lives until its final response, whatever has become of the call.
#[derive(Debug)]
pub(crate) struct Fork {
    pub(crate) transaction: TransactionId,
    pub(crate) branch: String,
    pub(crate) invite: Vec<u8>,
    pub(crate) uri: String,
    pub(crate) call_id: String,
    pub(crate) local_tag: String,
    pub(crate) cseq: u32,
    pub(crate) hop: crate::transport::Hop,
    /// Which body it got.
    pub(crate) kind: crate::MediaKind,
    /// Account and contact URI; None when a bare URI was called.
    pub(crate) contact: Option<(String, String)>,
    /// The trunk, and the way to it, when it goes outside.
    pub(crate) carrier: Option<(crate::TrunkId, crate::resolve::Way)>,
    /// False when the call was hung up, another fork has won, or this one was given up.
    pub(crate) is_wanted: bool,
    pub(crate) is_cancelled: bool,
    pub(crate) is_login_tried: bool,
    /// Who has said something but not answered.
    pub(crate) earlies: Vec<Early>,
    /// The shortest session that a 422 has asked for, in seconds.
    pub(crate) session_min_s: u32,
    pub(crate) timer: Option<TimerId>,
}

#[derive(Debug)]
pub(crate) struct Talking {
    pub(crate) dialog: Dialog,
    pub(crate) peer: Peer,
    pub(crate) source: IpAddr,
    /// A 2xx of ours that waits for its ACK.
    pub(crate) answer: Option<Answer>,
    /// A re-INVITE or UPDATE that waits for the application.
    pub(crate) pending: Option<Pending>,
    /// Hang up as soon as the ACK is there (RFC 3261 §15: no BYE before it).
    pub(crate) hangup: Option<Option<String>>,
    /// The first ACK was seen (or sent).
    pub(crate) is_acknowledged: bool,
    pub(crate) login: Option<crate::digest::Login>,
    /// An OPTIONS inside the dialog is under way.
    pub(crate) is_asked: bool,
    /// A BYE or INFO may be repeated once with credentials: its branch and method.
    pub(crate) sent: Option<Sent>,
    /// We sent the first INVITE, so the Call-ID is ours (RFC 3261 §14.1).
    pub(crate) is_caller: bool,
    /// The peer's Allow lists UPDATE.
    pub(crate) takes_update: bool,
    /// The last description of ours that was agreed on, for refreshes.
    pub(crate) local_body: Vec<u8>,
    /// The last one of the peer.
    pub(crate) remote_body: Vec<u8>,
    /// CSeq of the INVITE and number of a reliable provisional response that our 2xx has overtaken.
    pub(crate) late_prack: Option<(u32, u32)>,
    /// Our own re-INVITE or UPDATE.
    pub(crate) change: Change,
    pub(crate) session: Option<Session>,
    /// A REFER, and what its sender was told.
    pub(crate) transfer: Transfer,
}

impl Talking {
    /// A dialog that a 2xx has just confirmed, with nothing under way in it.
    pub(crate) fn new(dialog: Dialog, peer: Peer, source: IpAddr) -> Self {
        Self {
            dialog,
            peer,
            source,
            answer: None,
            pending: None,
            hangup: None,
            is_acknowledged: false,
            login: None,
            is_asked: false,
            sent: None,
            is_caller: false,
            takes_update: false,
            local_body: Vec::new(),
            remote_body: Vec::new(),
            late_prack: None,
            change: Change::default(),
            session: None,
            transfer: Transfer::default(),
        }
    }
}

/// A request inside a dialog, as it may have to be sent again with credentials.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) method: &'static str,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<(String, Vec<u8>)>,
    /// 0 before it is sent.
    pub(crate) cseq: u32,
}

impl Sent {
    pub(crate) fn new(method: &'static str) -> Self {
        Self {
            method,
            headers: Vec::new(),
            body: None,
            cseq: 0,
        }
    }
}

/// A 2xx that is repeated until its ACK comes (RFC 3261 §13.3.1.4).
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) transaction: TransactionId,
    pub(crate) cseq: u32,
    pub(crate) interval_ms: u64,
    pub(crate) again: TimerId,
    pub(crate) lost: TimerId,
    pub(crate) bytes: Vec<u8>,
    /// The INVITE had no offer, so the 2xx carried ours.
    pub(crate) is_offer: bool,
}

#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) transaction: TransactionId,
    pub(crate) request: Request,
}

/// All calls, and how requests find them.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) all: BTreeMap<DialogId, Call>,
    /// By Call-ID and local tag.
    by_tags: BTreeMap<(String, String), DialogId>,
    /// INVITE server transactions that the application has not answered.
    pub(crate) by_invite: BTreeMap<TransactionId, DialogId>,
    pub(crate) forks: BTreeMap<(DialogId, usize), Fork>,
    incoming: usize,
    last_id: DialogId,
}

impl Calls {
    /// Even numbers for incoming calls.
    pub(crate) fn next_id(&mut self) -> DialogId {
        self.last_id += 2;
        self.last_id
    }
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
    pub(crate) fn incoming(&self) -> usize {
        self.incoming
    }
    pub(crate) fn insert(&mut self, id: DialogId, call: Call) {
        if let Some(dialog) = call.dialog() {
            self.by_tags
                .insert((dialog.call_id.clone(), dialog.local_tag.clone()), id);
        }
        if self.all.insert(id, call).is_none() && id.is_multiple_of(2) {
            self.incoming += 1;
        }
    }
    pub(crate) fn remove(&mut self, id: DialogId) -> Option<Call> {
        let call = self.all.remove(&id)?;
        if id.is_multiple_of(2) {
            self.incoming -= 1;
        }
        if let Some(dialog) = call.dialog() {
            self.by_tags
                .remove(&(dialog.call_id.clone(), dialog.local_tag.clone()));
        }
        Some(call)
    }
    pub(crate) fn find(&self, call_id: &str, local_tag: &str) -> Option<DialogId> {
        self.by_tags
            .get(&(call_id.to_owned(), local_tag.to_owned()))
            .copied()
    }
    /// The fork with an early dialog of these tags.
    pub(crate) fn early(
        &self,
        call_id: &str,
        local_tag: &str,
        remote_tag: &str,
    ) -> Option<(DialogId, usize)> {
        let is_it = |fork: &Fork| {
            fork.call_id == call_id
                && fork.local_tag == local_tag
                && fork.earlies.iter().any(|early| early.is_of(remote_tag))
        };
        self.forks
            .iter()
            .find(|(_, fork)| is_it(fork))
            .map(|(key, _)| *key)
    }
    /// The dialog, or the INVITE of ours, with this Call-ID.
    pub(crate) fn with_call_id(&self, call_id: &str) -> Option<DialogId> {
        let first = (call_id.to_owned(), String::new());
        let confirmed = self.by_tags.range(first..).next();
        let confirmed = confirmed.filter(|((known, _), _)| known == call_id);
        let mut forks = self.forks.iter();
        confirmed.map(|(_, id)| *id).or_else(|| {
            forks
                .find(|(_, fork)| fork.call_id == call_id)
                .map(|(key, _)| key.0)
        })
    }
    /// BYEs that wait for an ACK, and CANCELs that wait for a provisional response.
    pub(crate) fn farewells_due(&self) -> usize {
        let is_byeing = |call: &&Call| match call {
            Call::Talking(talking) => talking.hangup.is_some(),
            Call::Invited(_) | Call::Calling(_) => false,
        };
        let is_cancelling = |fork: &&Fork| !fork.is_wanted && !fork.is_cancelled;
        self.all.values().filter(is_byeing).count()
            + self.forks.values().filter(is_cancelling).count()
    }
    /// Whether a call lives on this connection.
    pub(crate) fn on_stream(&self, connection: crate::ConnectionId) -> bool {
        self.all
            .values()
            .filter_map(Call::dialog)
            .any(|dialog| dialog.hop.connection() == Some(connection))
    }
    pub(crate) fn talking(&mut self, id: DialogId) -> Option<&mut Talking> {
        match self.all.get_mut(&id)? {
            Call::Talking(talking) => Some(talking),
            Call::Invited(_) | Call::Calling(_) => None,
        }
    }
}

impl Call {
    pub(crate) fn dialog(&self) -> Option<&Dialog> {
        match self {
            Self::Invited(invited) => Some(&invited.dialog),
            Self::Calling(_) => None,
            Self::Talking(talking) => Some(&talking.dialog),
        }
    }
}
