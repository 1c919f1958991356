//! The calls and what is known of them: whose a packet is, who waits, who is free.

use super::call::{Call, Counsellor, Duty, Side, State};
use super::ear::{Heard, Sort};
use super::report::LoadReport;
use hotline_sip::DialogId;
use std::collections::HashMap;
use std::net::SocketAddr;

#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) calls: Vec<Call>,
    pub(crate) counsellors: Vec<Counsellor>,
    pub(crate) users: HashMap<String, usize>,
    pub(crate) dialogs: HashMap<DialogId, usize>,
    pub(crate) remotes: HashMap<SocketAddr, usize>,
    pub(crate) report: LoadReport,
    pub(crate) is_window_open: bool,
    /// Callers who have pressed their keys and hear no counsellor yet.
    pub(crate) waiting: usize,
    /// Callers who are not over.
    pub(crate) callers_alive: usize,
}

impl Stage {
    pub(crate) fn free(&self) -> usize {
        self.counsellors
            .iter()
            .filter(|one| matches!(one.state, Duty::Free { .. }))
            .count()
    }

    /// Callers without an answer.
    pub(crate) fn setting_up(&self) -> usize {
        let is_it = |call: &&Call| call.side == Side::Caller && call.state == State::SettingUp;
        self.calls.iter().filter(is_it).count()
    }

    /// A packet came.
    pub(crate) fn hear(&mut self, source: SocketAddr, packet: &[u8], arrived_us: u64) {
        let Some(index) = self.remotes.get(&source).copied() else {
            return;
        };
        // Out of its place for a moment, so that the talkers of all other calls can be asked.
        let Some(mut media) = self.calls.get_mut(index).and_then(|call| call.media.take()) else {
            return;
        };
        let heard: Option<&mut Heard> = self.is_window_open.then_some(&mut self.report.heard);
        let calls = &self.calls;
        let (law, payload_type) = (media.law, media.payload_type);
        let own = &media.talker;
        let sort = media.ear.hear(
            law,
            payload_type,
            packet,
            arrived_us,
            |ident| {
                let leg = ident.leg as usize;
                // An echo test gives our own packets back.
                if leg == index {
                    own.sent_at(ident.sequence)
                } else {
                    calls
                        .get(leg)?
                        .media
                        .as_ref()?
                        .talker
                        .sent_at(ident.sequence)
                }
            },
            heard,
        );
        let is_first = !media.has_heard && sort != Sort::Other;
        media.has_heard |= is_first;
        if let Some(call) = self.calls.get_mut(index) {
            call.media = Some(media);
            if is_first && call.side == Side::Caller {
                self.report
                    .answer_to_audio
                    .add(arrived_us.saturating_sub(call.answered_us));
            }
        }
        if let Sort::Relayed(leg) = sort {
            self.meet(index, leg as usize, arrived_us);
        }
    }

    /// `index` hears `other`: the first time, a caller and a counsellor have met.
    fn meet(&mut self, index: usize, other: usize, at_us: u64) {
        let Some([one, two]) = self
            .calls
            .get(index)
            .zip(self.calls.get(other))
            .map(|(one, two)| [one, two])
        else {
            return;
        };
        if one.partner.is_some()
            || one.side != Side::Caller
            || !matches!(two.side, Side::Counsellor(_))
        {
            return;
        }
        self.report
            .counsellor_to_audio
            .add(at_us.saturating_sub(two.answered_us));
        let keys = one
            .media
            .as_ref()
            .and_then(|media| Some((media.talker.key_first_us?, media.talker.key_end_us)));
        if let Some((first_us, end_us)) = keys.filter(|_| one.was_anyone_free) {
            let invited_us = two.begun_us;
            if invited_us >= first_us {
                self.report.key_to_invite.add(invited_us - first_us);
            }
            if let Some(end_us) = end_us.filter(|end_us| *end_us <= invited_us) {
                self.report.key_end_to_invite.add(invited_us - end_us);
            }
        }
        self.pair(index, other);
        self.pair(other, index);
        self.waiting = self.waiting.saturating_sub(1);
    }

    fn pair(&mut self, index: usize, partner: usize) {
        if let Some(call) = self.calls.get_mut(index) {
            call.partner = Some(partner);
        }
    }

    /// A call is over, for whatever reason.
    pub(crate) fn end(&mut self, index: usize, now_us: u64) {
        let Some(call) = self.calls.get_mut(index) else {
            return;
        };
        if call.state == State::Over {
            return;
        }
        let was_waiting = call.is_waiting();
        call.state = State::Over;
        let (side, dialog) = (call.side, call.dialog);
        let remote = call.media.as_ref().map(|media| media.remote);
        self.dialogs.remove(&dialog);
        if let Some(remote) = remote.filter(|remote| self.remotes.get(remote) == Some(&index)) {
            self.remotes.remove(&remote);
        }
        match side {
            Side::Caller => {
                self.callers_alive = self.callers_alive.saturating_sub(1);
                self.waiting = self.waiting.saturating_sub(usize::from(was_waiting));
                self.report.total_us = now_us;
            }
            Side::Counsellor(counsellor) => self.set_free(counsellor, now_us, false),
            Side::SignIn(counsellor) => self.set_free(counsellor, now_us, true),
        }
    }

    pub(crate) fn set_free(&mut self, counsellor: usize, now_us: u64, is_first: bool) {
        let was_awaited = self.waiting > self.free();
        if let Some(counsellor) = self.counsellors.get_mut(counsellor) {
            counsellor.state = Duty::Free {
                since_us: now_us,
                was_awaited,
                is_first,
            };
        }
    }
}

impl Call {
    /// Pressed, and nobody there yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.side == Side::Caller
            && self.state == State::Up
            && self.has_pressed
            && self.partner.is_none()
    }
}

#[cfg(test)]
mod tests;
