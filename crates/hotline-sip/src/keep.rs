//! What outlives the process: bindings, confirmed dialogs, the nonce secret; and the BYEs after a restart.

use crate::dialog::Dialog;
use crate::endpoint::{Endpoint, Turn};
use crate::outbound::Road;
use crate::registrar::Binding;
use crate::timer::Alarm;
use crate::transaction::Owner;
use crate::transport::Hop;
use crate::{Keep, ListenerId, Output, Table};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::net::SocketAddr;

/// A way without its connection, which dies with the process.
#[derive(Debug, Serialize, Deserialize)]
struct KeptHop {
    listener: ListenerId,
    address: String,
    is_reliable: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptBinding {
    user: String,
    uri: String,
    instance: String,
    hop: KeptHop,
    source: String,
    call_id: String,
    cseq: u32,
    expires_wall_ms: i64,
    path: Vec<String>,
    reg_id: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptDialog {
    call_id: String,
    local: String,
    local_tag: String,
    remote: String,
    remote_tag: String,
    cseq: u32,
    target: String,
    routes: Vec<String>,
    hop: KeptHop,
    is_by_flow: bool,
    account: Option<String>,
}

impl KeptHop {
    fn new(hop: Hop) -> Self {
        Self {
            listener: hop.listener(),
            address: hop.address().to_string(),
            is_reliable: hop.is_reliable(),
        }
    }
    fn hop(&self) -> Option<Hop> {
        let address: SocketAddr = self.address.parse().ok()?;
        let listener = self.listener;
        Some(if self.is_reliable {
            Hop::Stream {
                listener,
                address,
                connection: None,
            }
        } else {
            Hop::Datagram { listener, address }
        })
    }
}

impl Endpoint {
    pub(crate) fn keep_secret(&mut self, turn: &mut Turn<'_>) {
        keep(
            turn,
            Table::Secret,
            SECRET_KEY.to_vec(),
            &self.digest.secret(),
        );
    }

    pub(crate) fn keep_binding(&mut self, turn: &mut Turn<'_>, user: &str, binding: &Binding) {
        let kept = KeptBinding {
            user: user.to_owned(),
            uri: binding.uri.clone(),
            instance: binding.instance.clone(),
            hop: KeptHop::new(binding.hop),
            source: binding.source.to_string(),
            call_id: binding.call_id.clone(),
            cseq: binding.cseq,
            expires_wall_ms: binding.expires_wall_ms,
            path: binding.road.path.clone(),
            reg_id: binding.road.reg_id,
        };
        keep(turn, Table::Binding, binding_key(user, &binding.uri), &kept);
    }

    pub(crate) fn forget_binding(&mut self, turn: &mut Turn<'_>, user: &str, uri: &str) {
        forget(turn, Table::Binding, binding_key(user, uri));
    }

    /// A 2xx was sent or received: from now on a crash would leave the peer on a dead line.
    pub(crate) fn keep_dialog(&mut self, turn: &mut Turn<'_>, dialog: &Dialog) {
        let kept = KeptDialog {
            call_id: dialog.call_id.clone(),
            local: dialog.local.clone(),
            local_tag: dialog.local_tag.clone(),
            remote: dialog.remote.clone(),
            remote_tag: dialog.remote_tag.clone(),
            cseq: dialog.local_cseq,
            target: dialog.target.clone(),
            routes: dialog.routes.clone(),
            hop: KeptHop::new(dialog.hop),
            is_by_flow: dialog.is_by_flow,
            account: dialog.account.clone(),
        };
        keep(turn, Table::Dialog, dialog_key(dialog), &kept);
    }

    pub(crate) fn forget_dialog(&mut self, turn: &mut Turn<'_>, dialog: &Dialog) {
        forget(turn, Table::Dialog, dialog_key(dialog));
    }

    /// Takes up what the process before this one has left.
    pub(crate) fn restore(&mut self, turn: &mut Turn<'_>, kept: Vec<Keep>, byes_per_s: u32) {
        for entry in kept {
            let Keep {
                table,
                key,
                value: Some(value),
            } = entry
            else {
                continue;
            };
            match table {
                Table::Binding => self.restore_binding(turn, key, &value),
                Table::Dialog => self.resumes.push_back((key, value)),
                Table::Secret => {
                    if let Some(secret) = read(&value) {
                        // Kept again: an input before this one may have kept a fresh secret.
                        self.digest.set_secret(secret);
                        self.keep_secret(turn);
                    }
                }
            }
        }
        self.resume_ms = 1_000 / u64::from(byes_per_s.clamp(1, 1_000));
        self.resume(turn);
    }

    /// UDP bindings are used at once and asked by OPTIONS; those over streams wait for their phone.
    fn restore_binding(&mut self, turn: &mut Turn<'_>, key: Vec<u8>, value: &[u8]) {
        let restored = read::<KeptBinding>(value).and_then(|kept| {
            // A wall clock that was set back must not make bindings eternal.
            let left_ms = kept
                .expires_wall_ms
                .saturating_sub(turn.now.wall.0)
                .min(i64::from(self.config.expires_s_max) * 1_000);
            let left_ms = u64::try_from(left_ms).ok().filter(|left_ms| *left_ms > 0)?;
            let binding = Binding {
                hop: kept.hop.hop()?,
                source: kept.source.parse().ok()?,
                uri: kept.uri,
                instance: kept.instance,
                road: Road {
                    path: kept.path,
                    reg_id: kept.reg_id,
                },
                call_id: kept.call_id,
                cseq: kept.cseq,
                expires_at: turn.now.mono.plus_millis(left_ms),
                expires_wall_ms: kept.expires_wall_ms,
                is_reachable: true,
                age: 0,
                timer: None,
            };
            let is_known = self.registrar.accounts.is_empty()
                || self.registrar.accounts.contains_key(&kept.user);
            let is_listener = usize::from(binding.hop.listener()) < self.config.listeners.len();
            (is_known && is_listener).then_some((kept.user, binding))
        });
        let Some((user, mut binding)) = restored else {
            return forget(turn, Table::Binding, key);
        };
        let (uri, hop) = (binding.uri.clone(), binding.hop);
        binding.is_reachable = !hop.is_reliable();
        self.unbind(turn, &user, |known| known.uri == uri);
        self.bind(turn, &user, binding);
        if !hop.is_reliable() {
            self.send_probe(turn, user.clone(), uri, hop);
        }
        self.tell_contact(turn, &user);
    }

    /// The next BYE for a dialog of the process before this one; the rest waits for its turn.
    pub(crate) fn resume(&mut self, turn: &mut Turn<'_>) {
        let Some((key, value)) = self.resumes.pop_front() else {
            return;
        };
        if !self.resumes.is_empty() {
            self.timers
                .arm(turn.now.mono, self.resume_ms, Alarm::Resume);
        }
        let restored = read::<KeptDialog>(&value).and_then(|kept| {
            let hop = kept
                .hop
                .hop()
                .filter(|hop| usize::from(hop.listener()) < self.config.listeners.len())?;
            Some(Dialog {
                call_id: kept.call_id,
                local: kept.local,
                local_tag: kept.local_tag,
                remote: kept.remote,
                remote_tag: kept.remote_tag,
                local_cseq: kept.cseq.saturating_add(CSEQ_JUMP),
                remote_cseq: None,
                target: kept.target,
                routes: kept.routes,
                hop,
                user: String::new(),
                is_by_flow: kept.is_by_flow,
                account: kept.account,
            })
        });
        let Some(mut dialog) = restored else {
            return forget(turn, Table::Dialog, key);
        };
        if dialog.is_by_flow
            && dialog.hop.is_reliable()
            && let Some(user) = dialog.account.clone()
        {
            // Its connection died with us, and behind a NAT nobody but the phone can make another.
            self.timers
                .arm(turn.now.mono, AWAITED_MS, Alarm::Awaited(key.clone()));
            self.awaited.insert(key, dialog);
            let reached = self.registrar.reachable(&user, &self.streams);
            for (_, hop) in reached.into_iter().filter(|(_, hop)| hop.is_reliable()) {
                self.resume_by_flow(turn, &user, hop);
            }
            return;
        }
        self.send_last_bye(turn, key, &mut dialog);
    }

    /// The account has registered: its dialogs that waited for a flow get their BYE by this one.
    pub(crate) fn resume_by_flow(&mut self, turn: &mut Turn<'_>, user: &str, hop: Hop) {
        let is_his = |dialog: &Dialog| dialog.account.as_deref() == Some(user);
        let keys: Vec<Vec<u8>> = self
            .awaited
            .iter()
            .filter(|(_, dialog)| is_his(dialog))
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            let Some(mut dialog) = self.awaited.remove(&key) else {
                continue;
            };
            dialog.hop = hop;
            self.send_last_bye(turn, key.clone(), &mut dialog);
            // Another device of the account may be the one that has the call.
            self.awaited.insert(key, dialog);
        }
    }

    /// The phone has not come back in time.
    pub(crate) fn awaited_long(&mut self, turn: &mut Turn<'_>, key: Vec<u8>) {
        if self.awaited.remove(&key).is_some() {
            forget(turn, Table::Dialog, key);
        }
    }

    fn send_last_bye(&mut self, turn: &mut Turn<'_>, key: Vec<u8>, dialog: &mut Dialog) {
        let mut draft = self.draft(dialog, "BYE");
        draft
            .writer
            .header("Reason", "SIP;cause=503;text=\"Restarted\"");
        let bytes = draft.writer.finish(None);
        self.start_client(
            turn,
            draft.hop,
            (&draft.branch, "BYE"),
            bytes,
            Owner::Resume(key),
        );
        // Another restart must not fall behind this CSeq.
        self.keep_dialog(turn, dialog);
    }

    /// Whether a dialog of the process before this one has its BYE, or will have it.
    pub(crate) fn is_resuming(&self, dialog: &Dialog) -> bool {
        let key = dialog_key(dialog);
        self.awaited.contains_key(&key)
            || self.resumes.iter().any(|(resumed, _)| *resumed == key)
            || self.transactions.has_owner(&Owner::Resume(key))
    }

    /// Final answer, time-out or transport error: nothing more can be done for that dialog, unless its
    /// phone may still come back.
    pub(crate) fn resumed(&mut self, turn: &mut Turn<'_>, key: Vec<u8>, status: Option<u16>) {
        let is_done = status.is_some_and(|status| (200..300).contains(&status));
        if self.awaited.contains_key(&key) && !is_done {
            return;
        }
        self.awaited.remove(&key);
        if status.is_none_or(|status| status >= 200) {
            forget(turn, Table::Dialog, key);
        }
    }
}

fn keep<Value: Serialize>(turn: &mut Turn<'_>, table: Table, key: Vec<u8>, value: &Value) {
    // Our own plain data always encodes; were it not so, the entry would be missing and nothing else.
    if let Ok(bytes) = postcard::to_allocvec(&(FORMAT, value)) {
        turn.out.push(Output::Keep(Keep {
            table,
            key,
            value: Some(bytes),
        }));
    }
}

fn forget(turn: &mut Turn<'_>, table: Table, key: Vec<u8>) {
    turn.out.push(Output::Keep(Keep {
        table,
        key,
        value: None,
    }));
}

/// None for another format: such an entry is forgotten, not misread.
fn read<Value: DeserializeOwned>(bytes: &[u8]) -> Option<Value> {
    let (format, rest) = postcard::take_from_bytes::<u8>(bytes).ok()?;
    (format == FORMAT)
        .then(|| postcard::from_bytes(rest).ok())
        .flatten()
}

fn binding_key(user: &str, uri: &str) -> Vec<u8> {
    [user.as_bytes(), b"\0", uri.as_bytes()].concat()
}

fn dialog_key(dialog: &Dialog) -> Vec<u8> {
    [
        dialog.call_id.as_bytes(),
        b"\0",
        dialog.local_tag.as_bytes(),
    ]
    .concat()
}

/// First byte of each kept value.
const FORMAT: u8 = 2;
/// How long a phone over TCP may take to come back after a restart.
const AWAITED_MS: u64 = 64_000;
const SECRET_KEY: &[u8] = b"nonce";
/// Requests that the process before this one may have sent since the entry was kept.
const CSEQ_JUMP: u32 = 999;
