//! Replaces (RFC 3891): which dialog of ours a call is to take the place of, and whether it may.

use crate::call::Call;
use crate::endpoint::Endpoint;
use crate::message::{Message, Name, lex};
use crate::{DialogId, Peer};

/// A Replaces value. The tags are seen from us: `to_tag` is ours, `from_tag` the peer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replaces {
    call_id: String,
    to_tag: String,
    from_tag: String,
    is_early_only: bool,
}

impl Replaces {
    /// `call@host;to-tag=a;from-tag=b;early-only`; None when a part is missing.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut parts = lex::split(value.trim(), ';')?.into_iter();
        let call_id = parts.next().filter(|call_id| !call_id.is_empty())?;
        let params = lex::Params::parse(parts)?;
        let tag = |name| params.value(name).filter(|tag| !tag.is_empty());
        Some(Self {
            call_id: call_id.to_owned(),
            to_tag: tag("to-tag")?.to_owned(),
            from_tag: tag("from-tag")?.to_owned(),
            is_early_only: params.contains("early-only"),
        })
    }
}

impl Endpoint {
    /// The dialog that an INVITE wants to replace, or the status that refuses it (RFC 3891 §3). A carrier's
    /// Replaces is not looked at: the extension is not there for it, and the caller is served.
    pub(crate) fn replaced_by_invite(
        &self,
        message: &Message,
        peer: &Peer,
    ) -> Result<Option<DialogId>, u16> {
        let Peer::Account(account) = peer else {
            return Ok(None);
        };
        let mut values = message.lines(Name::Replaces).map(lex::text);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(400);
        }
        let wanted = Replaces::parse(&value).ok_or(400_u16)?;
        let found = self.own_dialog(account, &wanted).ok_or(481_u16)?;
        match self.calls.all.get(&found) {
            Some(Call::Talking(talking)) if talking.hangup.is_some() => Err(603),
            Some(Call::Talking(_)) if wanted.is_early_only => Err(486),
            Some(Call::Talking(_) | Call::Calling(_)) => Ok(Some(found)),
            // RFC 3891 §3: an early dialog that we have not begun is not replaced.
            Some(Call::Invited(_)) | None => Err(481),
        }
    }

    /// A live dialog with a phone of this account. A dialog of somebody else looks like none: who tries out
    /// tags learns nothing.
    pub(crate) fn own_dialog(&self, account: &str, wanted: &Replaces) -> Option<DialogId> {
        let Some(id) = self.calls.find(&wanted.call_id, &wanted.to_tag) else {
            return self.own_early_dialog(account, wanted);
        };
        let call = self.calls.all.get(&id)?;
        let peer = match call {
            Call::Invited(invited) => &invited.peer,
            Call::Talking(talking) => &talking.peer,
            Call::Calling(_) => return None,
        };
        let is_own = matches!(peer, Peer::Account(known) if known == account);
        let is_tagged = call
            .dialog()
            .is_some_and(|dialog| dialog.remote_tag == wanted.from_tag);
        (is_own && is_tagged).then_some(id)
    }

    /// A call of ours that rings at the account.
    fn own_early_dialog(&self, account: &str, wanted: &Replaces) -> Option<DialogId> {
        let found = self
            .calls
            .early(&wanted.call_id, &wanted.to_tag, &wanted.from_tag)?;
        let fork = self.calls.forks.get(&found)?;
        let (user, _) = fork.contact.as_ref()?;
        (user == account && fork.is_wanted).then_some(found.0)
    }
}
