//! Whether the peer of a dialog still has it: OPTIONS inside the dialog, and what silence means.

use crate::endpoint::{Endpoint, Turn};
use crate::transaction::Owner;
use crate::{DialogId, Event, Output};

impl Endpoint {
    /// The application has doubts. Not before the ACK (that wait has its own end), not after our hanging up.
    pub(crate) fn ask_alive(&mut self, turn: &mut Turn<'_>, id: DialogId) {
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        if !talking.is_acknowledged || talking.hangup.is_some() || talking.is_asked {
            return;
        }
        talking.is_asked = true;
        let mut dialog = talking.dialog.clone();
        let mut draft = self.draft(&mut dialog, "OPTIONS");
        draft.writer.header("Accept", "application/sdp");
        if let Some(talking) = self.calls.talking(id) {
            talking.dialog.local_cseq = dialog.local_cseq;
        }
        let bytes = draft.writer.finish(None);
        self.start_client(
            turn,
            draft.hop,
            (&draft.branch, "OPTIONS"),
            bytes,
            Owner::Alive(id),
        );
    }

    /// RFC 3261 §12.2.1.2: 408, 481 and silence end the dialog; whoever says anything else has it still.
    pub(crate) fn alive_told(&mut self, turn: &mut Turn<'_>, id: DialogId, status: Option<u16>) {
        if status.is_some_and(|status| status < 200) {
            return;
        }
        let Some(talking) = self.calls.talking(id) else {
            return;
        };
        talking.is_asked = false;
        // Hung up meanwhile: the ACK of a re-INVITE, or its time-out, brings the BYE.
        if talking.hangup.is_some() || !matches!(status, None | Some(408 | 481)) {
            return;
        }
        // Only a 481 proves that the peer has nothing left to end; silence may be a net that heals.
        let bye = (status != Some(481)).then_some(None);
        self.end_talking(turn, id, bye);
        turn.out.push(Output::Event(Event::Ended {
            dialog: id,
            is_by_peer: false,
        }));
    }
}
