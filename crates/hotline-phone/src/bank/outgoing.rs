//! Calls that a phone makes.

use super::phone::{Leg, Role, Stage};
use super::run::Runner;
use super::timers::{Task, Timer};
use crate::event::{EndedBy, EventKind, PhoneId};
use hotline_media::{Command as MediaCommand, sdp};
use hotline_sip::{Command, DialogId, MediaKind, Mono};
use std::net::IpAddr;

impl Runner {
    /// Takes a port and sends the INVITE; without a free port the call waits for one.
    pub(super) fn dial(&mut self, id: PhoneId) {
        let dialog = self.number();
        self.begin(id, dialog, self.clock.mono(), Stage::WaitingForPort);
        self.invite(id);
    }

    pub(super) fn invite(&mut self, id: PhoneId) {
        let Some(port) = self.audio.take_port() else {
            return self.starved.push_back(id);
        };
        let leg_id = self.number();
        let server_ip = self.server_ip();
        let random = self.audio.random();
        let Some(phone) = self.phones.get_mut(&id) else {
            return;
        };
        let (Role::Caller(script), Some(call)) = (&phone.role, &mut phone.call) else {
            return;
        };
        let plan = sdp::unanswered(&self.audio.capabilities, Some(server_ip));
        let mut leg = Leg {
            id: leg_id,
            port,
            version: 0,
            description: Vec::new(),
            plan: plan.clone(),
        };
        let local = leg.local(self.config.local, self.audio.security, &random);
        let body = sdp::offer(&self.audio.capabilities, &local);
        leg.described(body.clone());
        let dialog = call.dialog;
        call.stage = Stage::Dialling { leg };
        call.begun_at = self.clock.mono();
        let begun_at = call.begun_at;
        let patience_ms = script.patience_ms;
        let invite = Command::Invite {
            dialog,
            target: self.line.target(&script.dial),
            from: (script.name.clone(), script.from.clone()),
            // Our own server's line is asked for by this phone alone: it says itself what it wants there.
            bodies: vec![(MediaKind::Plain, body)],
            headers: Vec::new(),
            login: script.login.clone(),
        };
        self.legs.insert(leg_id, id);
        self.audio.send(MediaCommand::Open {
            leg: leg_id,
            port,
            plan,
        });
        self.tell(begun_at, id, EventKind::Dialled);
        self.line.command(invite);
        if let Some(millis) = patience_ms {
            self.timers.set(
                begun_at.plus_millis(millis),
                Timer {
                    phone: id,
                    dialog,
                    task: Task::GiveUp,
                },
            );
        }
    }

    pub(super) fn on_ringing(&mut self, at: Mono, dialog: DialogId, body: Option<Vec<u8>>) {
        self.tell_dialog(at, dialog, EventKind::Ringing);
        // Early media is heard; it may not be an answer yet, so a fault in it is not the end.
        if let (Some(body), Some(id)) = (body, self.dialogs.get(&dialog).copied()) {
            let _ = self.accept(id, &body, self.server_ip());
        }
    }

    pub(super) fn on_answered(&mut self, at: Mono, dialog: DialogId, body: &[u8], source: IpAddr) {
        let Some(id) = self.dialogs.get(&dialog).copied() else {
            return;
        };
        if let Err(error) = self.accept(id, body, source) {
            self.tell(at, id, EventKind::Trouble(format!("its answer: {error}")));
            self.line.command(Command::Hangup {
                dialog,
                reason: None,
            });
            return self.end(at, dialog, EndedBy::Us);
        }
        let Some(call) = self.phones.get(&id).and_then(|phone| phone.call.as_ref()) else {
            return;
        };
        if let Stage::Dialling { leg } = &call.stage {
            let (leg, begun_at) = (leg.clone(), call.begun_at);
            self.talk(id, leg, at, begun_at);
        }
    }

    fn accept(&mut self, id: PhoneId, body: &[u8], source: IpAddr) -> Result<(), sdp::SdpError> {
        let Some(leg) = self.phones.get_mut(&id).and_then(|phone| phone.leg_mut()) else {
            return Ok(());
        };
        let random = [0; sdp::RANDOM_BYTES];
        let local = sdp::Local {
            signalling: (!self.config.is_strict).then_some(source),
            // A second answer to the same offer (after early media) may choose anew.
            before: None,
            ..leg.local(self.config.local, self.audio.security, &random)
        };
        leg.plan = sdp::accept(&self.audio.capabilities, body, &local)?;
        let (leg, plan) = (leg.id, leg.plan.clone());
        self.audio.send(MediaCommand::Replan { leg, plan });
        Ok(())
    }

    pub(super) fn give_up(&mut self, id: PhoneId) {
        let Some(call) = self.phones.get(&id).and_then(|phone| phone.call.as_ref()) else {
            return;
        };
        match &call.stage {
            Stage::Dialling { .. } | Stage::WaitingForPort => self.hang_up(id),
            Stage::Invited { .. } | Stage::Talking { .. } => {} // It was answered in time.
        }
    }
}
