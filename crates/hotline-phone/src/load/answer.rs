//! The signalling of a load run: registrations, calls out and in, their answers and ends.

use super::call::{Call, Duty, Media, Side, State};
use super::run::{Runner, Task};
use super::talker::Talker;
use crate::line::Line;
use hotline_media::{LegPlan, sdp};
use hotline_sip::{Command, DialogId, Event, Failure, Invitation, MediaKind};

impl Runner<'_> {
    pub(super) fn register(&mut self, index: usize, now: u64) {
        let Some(counsellor) = self.stage.counsellors.get_mut(index) else {
            return;
        };
        counsellor.state = Duty::Registering { asked_us: now };
        self.desks
            .register(&counsellor.user, &counsellor.password, EXPIRES_S);
    }

    pub(super) fn dial(&mut self) {
        let number = format!(
            "{}{:04}",
            self.config.from_prefix, self.stage.report.dialled
        );
        let dial = self.config.dial.clone();
        self.stage.report.dialled += 1;
        self.stage.callers_alive += 1;
        self.invite(Side::Caller, &dial, number, None);
    }

    fn sign_in(&mut self, index: usize, code: &str) {
        let Some(counsellor) = self.stage.counsellors.get_mut(index) else {
            return;
        };
        counsellor.state = Duty::SigningIn;
        let login = (counsellor.user.clone(), counsellor.password.clone());
        self.invite(Side::SignIn(index), code, login.0.clone(), Some(login));
    }

    fn invite(&mut self, side: Side, number: &str, from: String, login: Option<(String, String)>) {
        let dialog = self.dialog_next;
        self.dialog_next += 2; // Odd ones are ours.
        let index = self.add(side, dialog, self.now());
        let local = self
            .sockets
            .local(self.sockets.index(index, side == Side::Caller));
        let local = sdp::Local::first(local, dialog, &NO_KEYS);
        let body = sdp::offer(&self.capabilities(side), &local);
        let target = self.line.target(number);
        let from = (String::new(), from);
        self.line_of(side).command(Command::Invite {
            dialog,
            target,
            from,
            bodies: vec![(MediaKind::Plain, body)],
            headers: Vec::new(),
            login,
        });
    }

    fn line_of(&mut self, side: Side) -> &mut Line {
        match side {
            Side::Caller => &mut self.line,
            Side::Counsellor(_) | Side::SignIn(_) => &mut self.desks,
        }
    }

    fn add(&mut self, side: Side, dialog: DialogId, begun_us: u64) -> usize {
        let index = self.stage.calls.len();
        self.stage.dialogs.insert(dialog, index);
        self.stage.calls.push(Call {
            dialog,
            side,
            state: State::SettingUp,
            begun_us,
            answered_us: 0,
            hung_up_us: None,
            media: None,
            partner: None,
            has_pressed: false,
            was_anyone_free: false,
        });
        index
    }

    /// News of both lines.
    pub(super) fn hear_line(&mut self) {
        while let Some((at, event)) = self.line.take_event() {
            match event {
                // Nobody calls callers.
                Event::Invited(invitation) => refuse(&mut self.line, invitation.dialog, 404),
                event => self.on_event(at.0, event),
            }
        }
        while let Some((at, event)) = self.desks.take_event() {
            match event {
                Event::Invited(invitation) => self.on_invited(at.0, &invitation),
                event => self.on_event(at.0, event),
            }
        }
    }

    fn on_event(&mut self, at: u64, event: Event) {
        match event {
            Event::Answered {
                dialog,
                body,
                source,
                ..
            } => {
                if let Some(index) = self.index(dialog) {
                    let side = self.side(index);
                    let socket = self.sockets.index(index, side == Side::Caller);
                    let local = sdp::Local {
                        signalling: Some(source.ip()),
                        security: sdp::Security::Plain,
                        ..sdp::Local::first(self.sockets.local(socket), dialog, &NO_KEYS)
                    };
                    let plan = sdp::accept(&self.capabilities(side), &body, &local).ok();
                    self.up(index, at, plan);
                }
            }
            Event::Ended { dialog, is_by_peer } => self.on_ended(dialog, is_by_peer, at),
            Event::Failed { dialog, failure } => self.on_failed(dialog, failure, at),
            Event::Registered { user, granted } => self.on_registered(&user, granted, at),
            // A load run holds nobody: everything stays as it was agreed.
            Event::Reinvited { dialog, .. } => {
                if let Some(index) = self.index(dialog) {
                    let side = self.side(index);
                    self.line_of(side)
                        .command(Command::AnswerReinvite { dialog, body: None });
                }
            }
            Event::Acknowledged { .. }
            | Event::Contact { .. }
            | Event::ContactReplaced { .. }
            | Event::Digit { .. }
            | Event::Invited(_)
            | Event::Banned { .. }
            | Event::Trunk { .. }
            | Event::ReinviteAnswered { .. }
            | Event::ReferProgress { .. }
            | Event::Referred(_)
            | Event::Rejected { .. }
            | Event::Ringing { .. } => {}
        }
    }

    fn index(&self, dialog: DialogId) -> Option<usize> {
        self.stage.dialogs.get(&dialog).copied()
    }

    fn side(&self, index: usize) -> Side {
        self.stage
            .calls
            .get(index)
            .map_or(Side::Caller, |call| call.side)
    }

    fn on_registered(&mut self, user: &str, granted: Result<u32, u16>, at: u64) {
        let Some(index) = self.stage.users.get(user).copied() else {
            return;
        };
        let Some(counsellor) = self.stage.counsellors.get_mut(index) else {
            return;
        };
        let Duty::Registering { asked_us } = counsellor.state else {
            return;
        }; // A refresh, or the end.
        match granted {
            Err(_) | Ok(0) => counsellor.state = Duty::Failed,
            Ok(_) => {
                self.stage
                    .report
                    .registration
                    .add(at.saturating_sub(asked_us));
                match &self.config.sign_in {
                    Some(code) => self.sign_in(index, code),
                    None => self.stage.set_free(index, at, true),
                }
            }
        }
    }

    fn on_invited(&mut self, at: u64, invitation: &Invitation) {
        let dialog = invitation.dialog;
        let Some(counsellor) = self.stage.users.get(&invitation.dialled).copied() else {
            return refuse(&mut self.desks, dialog, 404);
        };
        let duty = self.stage.counsellors.get(counsellor).map(|one| one.state);
        let Some(Duty::Free {
            since_us,
            was_awaited,
            is_first,
        }) = duty
        else {
            return refuse(&mut self.desks, dialog, 486);
        };
        if was_awaited && !is_first {
            let wrap_up_us = self.config.wrap_up_ms * 1_000;
            self.stage
                .report
                .free_to_invite
                .add(at.saturating_sub(since_us).saturating_sub(wrap_up_us));
        }
        let side = Side::Counsellor(counsellor);
        let index = self.add(side, dialog, at);
        let local = self.sockets.local(self.sockets.index(index, false));
        let offer = invitation.body.as_ref().map_or(&[][..], |(_, body)| body);
        let local = sdp::Local {
            signalling: Some(invitation.source.ip()),
            security: sdp::Security::Plain,
            ..sdp::Local::first(local, dialog, &NO_KEYS)
        };
        let Ok((body, plan)) = sdp::answer(offer, &self.capabilities(side), &local) else {
            refuse(&mut self.desks, dialog, 488);
            return self.stage.end(index, at);
        };
        if let Some(counsellor) = self.stage.counsellors.get_mut(counsellor) {
            counsellor.state = Duty::Busy;
        }
        self.stage.report.counsellor_calls += 1;
        self.desks.command(Command::Ringing { dialog });
        self.answers.insert(index, (body, plan));
        self.later(
            at + self.config.answer_after_ms * 1_000,
            Task::Answer(index),
        );
    }

    /// A counsellor says 200.
    pub(super) fn answer(&mut self, index: usize) {
        let Some((body, plan)) = self.answers.remove(&index) else {
            return;
        };
        let Some(call) = self
            .stage
            .calls
            .get(index)
            .filter(|call| call.state == State::SettingUp)
        else {
            return;
        };
        let dialog = call.dialog;
        let now = self.now();
        self.desks.command(Command::Answer { dialog, body });
        self.up(index, now, Some(plan));
    }

    /// The call is answered, from whichever side.
    fn up(&mut self, index: usize, at: u64, plan: Option<LegPlan>) {
        let socket = self.sockets.index(index, self.side(index) == Side::Caller);
        let has_media = self.config.has_media;
        let Some(call) = self.stage.calls.get_mut(index) else {
            return;
        };
        call.state = State::Up;
        call.answered_us = at;
        let side = call.side;
        let media = plan
            .filter(|_| has_media)
            .and_then(|plan| media(index, socket, &plan));
        if let Some(media) = media {
            self.stage.remotes.insert(media.remote, index);
            call.media = Some(Box::new(media));
            self.begin_audio(index);
        }
        match side {
            Side::Caller => self.caller_up(index, at),
            Side::Counsellor(_) => {
                if let Some(millis) = self.config.talk_ms {
                    self.later(at + millis * 1_000, Task::HangUp(index));
                }
            }
            Side::SignIn(_) => self.later(at + SIGN_IN_US, Task::HangUp(index)),
        }
    }

    fn caller_up(&mut self, index: usize, at: u64) {
        let begun_us = self.stage.calls.get(index).map_or(at, |call| call.begun_us);
        self.stage.report.answered += 1;
        self.stage.report.set_up.add(at.saturating_sub(begun_us));
        self.last_answer_us = at;
        if self.config.has_media {
            self.later(at + self.config.digits_after_ms * 1_000, Task::Press(index));
        }
        match self.config.hold_ms {
            None => {}
            Some(0) => self.hang_up(index),
            Some(millis) => self.later(at + millis * 1_000, Task::HangUp(index)),
        }
    }

    pub(super) fn press(&mut self, index: usize) {
        let was_anyone_free = self.stage.free() > self.stage.waiting;
        let Some(call) = self
            .stage
            .calls
            .get_mut(index)
            .filter(|call| call.state == State::Up)
        else {
            return;
        };
        if call.partner.is_some() {
            return;
        }
        call.has_pressed = true;
        call.was_anyone_free = was_anyone_free;
        if let Some(media) = &mut call.media {
            media.talker.press(&self.config.digits);
        }
        self.stage.waiting += 1;
    }

    /// Our own end of a call that is not over.
    pub(super) fn hang_up(&mut self, index: usize) {
        let now = self.now();
        let Some(call) = self
            .stage
            .calls
            .get_mut(index)
            .filter(|call| call.state != State::Over)
        else {
            return;
        };
        call.hung_up_us = Some(now);
        let (dialog, side) = (call.dialog, call.side);
        self.line_of(side).command(Command::Hangup {
            dialog,
            reason: None,
        });
        self.stage.end(index, now);
    }

    fn on_ended(&mut self, dialog: DialogId, is_by_peer: bool, at: u64) {
        let Some(index) = self.index(dialog) else {
            return;
        };
        let Some(call) = self.stage.calls.get(index) else {
            return;
        };
        if call.side == Side::Caller {
            let partner = call
                .partner
                .and_then(|partner| self.stage.calls.get(partner));
            match partner.and_then(|partner| partner.hung_up_us) {
                Some(hung_up_us) => self
                    .stage
                    .report
                    .bye_to_bye
                    .add(at.saturating_sub(hung_up_us)),
                None if is_by_peer => self.stage.report.ended_by_server += 1,
                None => self.stage.report.ended_by_silence += 1,
            }
        }
        self.stage.end(index, at);
    }

    fn on_failed(&mut self, dialog: DialogId, failure: Failure, at: u64) {
        let Some(index) = self.index(dialog) else {
            return;
        };
        if self
            .stage
            .calls
            .get(index)
            .is_some_and(|call| call.side == Side::Caller)
        {
            let cause = match failure {
                Failure::Busy => "refused 486".to_owned(),
                Failure::Cancelled => "cancelled".to_owned(),
                Failure::Declined(status) => format!("refused {status}"),
                Failure::Unreachable(status) => format!("unreachable {status}"),
            };
            *self.stage.report.failed.entry(cause).or_default() += 1;
        }
        self.stage.end(index, at);
    }
}

fn refuse(line: &mut Line, dialog: DialogId, status: u16) {
    line.command(Command::Reject {
        dialog,
        status,
        retry_after_s: None,
        reason: None,
    });
}

/// None when the other side wants no audio.
fn media(index: usize, socket: usize, plan: &LegPlan) -> Option<Media> {
    Some(Media {
        law: super::talker::law(plan.codec),
        payload_type: plan.payload_type,
        socket,
        remote: plan.remote?,
        talker: Talker::new(u32::try_from(index).ok()?, plan),
        ear: super::ear::Ear::default(),
        has_heard: false,
    })
}

/// A load run measures plain audio.
const NO_KEYS: [u8; sdp::RANDOM_BYTES] = [0; sdp::RANDOM_BYTES];
const EXPIRES_S: u32 = 3_600;
/// A sign-in call that the server does not end itself.
const SIGN_IN_US: u64 = 300_000;
