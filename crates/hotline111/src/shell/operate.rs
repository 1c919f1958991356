//! What operators ask of the control thread and have to answer for: the journal hears of it before it is done.

use crate::shell::control::{Message, Running};
use crate::shell::host::Host;
use hotline_core::Audit;
use hotline_switchboard::Input;
use std::net::IpAddr;
use tokio::sync::oneshot;

/// A ban, or the end of one.
pub(crate) struct Ban {
    /// Which address.
    pub(crate) address: IpAddr,
    /// Milliseconds; 0 ends it.
    pub(crate) length_ms: u64,
    /// Who wants it.
    pub(crate) who: String,
    /// False: it is a carrier's address.
    pub(crate) reply: oneshot::Sender<bool>,
}

impl Running {
    pub(super) fn on_ban(&mut self, ban: Ban) {
        let is_allowed = ban.length_ms == 0 || self.control.switchboard.sip().may_ban(ban.address);
        if is_allowed {
            self.turn(Input::Audit(Audit {
                who: ban.who,
                deed: if ban.length_ms == 0 { "unban" } else { "ban" }.to_owned(),
                about: ban.address.to_string(),
                call: None,
                reason: String::new(),
            }));
            self.turn(Input::Ban(ban.address, ban.length_ms));
        }
        // Whoever asked may have gone.
        if ban.reply.send(is_allowed).is_err() {
            tracing::debug!("nobody waits for the reply any more");
        }
    }
}

impl Host {
    /// Bans an address, or ends its ban (0 ms). None when the control thread is gone; false for a carrier.
    pub(crate) async fn ban(&self, address: IpAddr, length_ms: u64, who: String) -> Option<bool> {
        let (reply, receiver) = oneshot::channel();
        self.inbox.send(Message::Ban(Ban {
            address,
            length_ms,
            who,
            reply,
        }));
        receiver.await.ok()
    }
}
