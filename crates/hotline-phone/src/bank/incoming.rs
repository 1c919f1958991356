//! Calls that come to a phone.

use super::phone::{Leg, Role, Stage};
use super::run::{BUSY, Runner};
use super::timers::{Task, Timer};
use crate::event::{EndedBy, EventKind, PhoneId};
use crate::script::Reaction;
use hotline_media::{Command as MediaCommand, sdp};
use hotline_sip::{Command, DialogId, Invitation, Mono};

impl Runner {
    pub(super) fn on_invited(&mut self, at: Mono, invitation: Invitation) {
        let dialog = invitation.dialog;
        let Some(id) = self.users.get(&invitation.dialled).copied() else {
            return self.refuse(dialog, NOT_FOUND);
        };
        let Some(phone) = self.phones.get(&id) else {
            return self.refuse(dialog, NOT_FOUND);
        };
        let Role::Counsellor { script, .. } = &phone.role else {
            return self.refuse(dialog, NOT_FOUND);
        };
        if phone.call.is_some() {
            return self.refuse(dialog, BUSY); // One call at a time.
        }
        let reaction = script.reaction;
        let caller = invitation.caller.clone();
        let caller_name = invitation.caller_name.clone();
        self.begin(
            id,
            dialog,
            at,
            Stage::Invited {
                invitation: Box::new(invitation),
            },
        );
        self.tell(
            at,
            id,
            EventKind::Invited {
                caller,
                caller_name,
            },
        );
        let (rings, after_ms) = match reaction {
            Reaction::Answer { after_ms, rings } => (rings, Some(after_ms)),
            Reaction::Dead => (false, None), // Reached over TCP, where nothing can be hidden.
            Reaction::Decline { after_ms, .. } => (after_ms > 0, Some(after_ms)),
            Reaction::Never => (true, None),
        };
        if rings {
            self.line.command(Command::Ringing { dialog });
        }
        match after_ms {
            None => {}
            Some(0) => self.react(id),
            Some(millis) => self.timers.set(
                at.plus_millis(millis),
                Timer {
                    phone: id,
                    dialog,
                    task: Task::React,
                },
            ),
        }
    }

    /// The time to answer or to refuse has come.
    pub(super) fn react(&mut self, id: PhoneId) {
        let Some(phone) = self.phones.get(&id) else {
            return;
        };
        let Role::Counsellor { script, .. } = &phone.role else {
            return;
        };
        let Some(dialog) = self.dialog(id) else {
            return;
        };
        match script.reaction {
            // The script may have changed while it rang.
            Reaction::Answer { .. } | Reaction::Dead | Reaction::Never => self.answer(id),
            Reaction::Decline { status, .. } => {
                self.refuse(dialog, status);
                self.end(self.clock.mono(), dialog, EndedBy::Us);
            }
        }
    }

    /// Takes a port and says 200; without a free port it rings on until there is one.
    pub(super) fn answer(&mut self, id: PhoneId) {
        let Some(call) = self.phones.get(&id).and_then(|phone| phone.call.as_ref()) else {
            return;
        };
        let Stage::Invited { invitation } = &call.stage else {
            return;
        };
        let (dialog, begun_at) = (call.dialog, call.begun_at);
        let (source, offer) = (invitation.source.ip(), invitation.body.clone());
        let Some(port) = self.audio.take_port() else {
            return self.starved.push_back(id);
        };
        let leg_id = self.number();
        let random = self.audio.random();
        let mut leg = Leg {
            id: leg_id,
            port,
            version: 0,
            description: Vec::new(),
            plan: sdp::unanswered(&self.audio.capabilities, Some(source)),
        };
        let local = leg.local(self.config.local, self.audio.security, &random);
        let offer = offer.map_or(Vec::new(), |(_, body)| body);
        let (body, plan) = match sdp::answer(&offer, &self.audio.capabilities, &local) {
            Ok(answer) => answer,
            Err(error) => {
                self.audio.give_back(port);
                let now = self.clock.mono();
                self.tell(now, id, EventKind::Trouble(format!("its offer: {error}")));
                self.refuse(dialog, NOT_ACCEPTABLE_HERE);
                return self.end(now, dialog, EndedBy::Us);
            }
        };
        self.legs.insert(leg_id, id);
        self.audio.send(MediaCommand::Open {
            leg: leg_id,
            port,
            plan: plan.clone(),
        });
        let now = self.clock.mono();
        leg.described(body.clone());
        leg.plan = plan;
        self.line.command(Command::Answer { dialog, body });
        self.talk(id, leg, now, begun_at);
    }

    /// Hold, resume, session refresh: agreed as far as our capabilities go.
    pub(super) fn on_reinvited(&mut self, dialog: DialogId, body: Option<Vec<u8>>) {
        let reply = self.renegotiate(dialog, body);
        self.line.command(Command::AnswerReinvite {
            dialog,
            body: reply,
        });
    }

    fn renegotiate(&mut self, dialog: DialogId, body: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let phone = self.phones.get_mut(self.dialogs.get(&dialog)?)?;
        let leg = phone.leg_mut()?;
        let random = self.audio.random();
        let local = leg.local(self.config.local, self.audio.security, &random);
        let capabilities = &self.audio.capabilities;
        let Some(offer) = body else {
            let body = sdp::offer(capabilities, &local);
            leg.described(body.clone());
            return Some(body);
        };
        let (body, plan) = sdp::answer(&offer, capabilities, &local).ok()?;
        leg.described(body.clone());
        leg.plan = plan.clone();
        let leg = leg.id;
        self.audio.send(MediaCommand::Replan { leg, plan });
        Some(body)
    }
}

/// 404 Not Found.
const NOT_FOUND: u16 = 404;
/// 488 Not Acceptable Here.
const NOT_ACCEPTABLE_HERE: u16 = 488;
