//! Offers and answers of audio (RFC 3264) between a leg's signalling and its media: by INVITE and 200, by 200 and
//! ACK, and again inside the dialog.

use crate::legs::LegState;
use crate::switchboard::Switchboard;
use crate::turn::{Effect, Say, Turn};
use hotline_core::{Cause, Input, LegEvent, LegId};
use hotline_media::{Command as MediaCommand, LegPlan, sdp};
use hotline_sip::Command as SipCommand;
use std::net::IpAddr;

impl Switchboard {
    /// Media is opened from the offer, the 200 goes out at once; a missing ACK matters only at 32 s.
    pub(crate) fn answer(&mut self, leg: LegId, turn: &mut Turn) {
        let Some(entry) = self.legs.legs.get(&leg) else {
            return;
        };
        let LegState::Invited { offer, source } = &entry.state else {
            return;
        };
        let (offer, source) = (offer.clone(), *source);
        let (advertise, call) = (entry.advertise, entry.call);
        let Some((worker, port)) = self.legs.take_port(call) else {
            turn.says.push(Say::NoMediaPort { leg });
            return self.fail_answer(leg, Cause::Overload, turn);
        };
        let local = (advertise, port);
        let agreed = match &offer {
            Some(offer) => sdp::answer(offer, &self.capabilities, local, leg.0, 1, Some(source))
                .map(|(body, plan)| (body, plan, LegState::Up)),
            // RFC 3261 §13.3.1.4: no offer in the INVITE, so ours is in the 200 and the answer comes with the ACK.
            None => Ok((
                sdp::offer(&self.capabilities, local, leg.0, 1),
                sdp::unanswered(&self.capabilities, Some(source)),
                LegState::Offered,
            )),
        };
        let (body, plan, state) = match agreed {
            Ok(agreed) => agreed,
            Err(error) => {
                self.legs.add_ports(worker, &[port]);
                self.legs.release(worker);
                let error = error.to_string();
                turn.says.push(Say::SdpRefused { leg, error });
                return self.fail_answer(leg, Cause::UnsupportedMedia, turn);
            }
        };
        let command = MediaCommand::Open {
            leg: leg.0,
            port,
            plan: plan.clone(),
        };
        turn.effects.push(Effect::Media { worker, command });
        self.tell_sip(SipCommand::Answer {
            dialog: leg.0,
            body: body.clone(),
        });
        if let Some(entry) = self.legs.legs.get_mut(&leg) {
            entry.state = state;
            entry.media = Some((worker, port));
            entry.local_sdp = body;
            entry.sdp_version = 1;
            entry.plan = Some(plan);
        }
        self.tell_core(Input::Leg(leg, LegEvent::Up));
    }

    fn fail_answer(&mut self, leg: LegId, cause: Cause, turn: &mut Turn) {
        self.reject(leg, cause);
        self.close_leg(leg, turn);
        self.tell_core(Input::Leg(leg, LegEvent::Down(cause)));
    }

    /// A counsellor's phone has answered our offer.
    pub(crate) fn on_answered(&mut self, leg: LegId, body: &[u8], source: IpAddr, turn: &mut Turn) {
        if !self.legs.legs.contains_key(&leg) {
            return;
        }
        match sdp::accept(&self.capabilities, body, Some(source)) {
            Ok(plan) => {
                self.replan(leg, plan, turn);
                self.tell_core(Input::Leg(leg, LegEvent::Up));
            }
            Err(error) => self.end_unfit(leg, error.to_string(), turn),
        }
    }

    /// The 200 started everything already (decision 18); only an answer to an offer of ours is news.
    pub(crate) fn on_acknowledged(&mut self, leg: LegId, body: Option<&[u8]>, turn: &mut Turn) {
        let Some(entry) = self.legs.legs.get_mut(&leg) else {
            return;
        };
        let is_first = matches!(entry.state, LegState::Offered);
        if !is_first && !std::mem::take(&mut entry.is_reoffered) {
            return;
        }
        let signalling = entry.plan.as_ref().and_then(|plan| plan.signalling);
        let accepted = match body {
            Some(body) => {
                sdp::accept(&self.capabilities, body, signalling).map_err(|error| error.to_string())
            }
            None => Err("the ACK brings no answer to our offer".to_owned()),
        };
        match accepted {
            Ok(plan) => self.replan(leg, plan, turn),
            Err(error) if is_first => self.end_unfit(leg, error, turn),
            // What was agreed before still stands.
            Err(error) => turn.says.push(Say::SdpRefused { leg, error }),
        }
    }

    /// re-INVITE or UPDATE: a new offer, or the wish for one of ours.
    pub(crate) fn on_reinvited(&mut self, leg: LegId, offer: Option<Vec<u8>>, turn: &mut Turn) {
        let dialog = leg.0;
        let Some(entry) = self.legs.legs.get_mut(&leg) else {
            return self.tell_sip(SipCommand::AnswerReinvite { dialog, body: None });
        };
        let Some((_, port)) = entry.media else {
            return self.tell_sip(SipCommand::AnswerReinvite { dialog, body: None });
        };
        let (version, local) = (entry.sdp_version + 1, (entry.advertise, port));
        let Some(offer) = offer else {
            // RFC 3261 §14.2: a whole offer, not what stands, so that a held call can resume.
            let body = sdp::offer(&self.capabilities, local, dialog, version);
            entry.sdp_version = version;
            entry.local_sdp.clone_from(&body);
            entry.is_reoffered = true;
            let body = Some(body);
            return self.tell_sip(SipCommand::AnswerReinvite { dialog, body });
        };
        let signalling = entry.plan.as_ref().and_then(|plan| plan.signalling);
        match sdp::answer(
            &offer,
            &self.capabilities,
            local,
            dialog,
            version,
            signalling,
        ) {
            Ok((answer, plan)) => {
                entry.sdp_version = version;
                entry.local_sdp.clone_from(&answer);
                self.replan(leg, plan, turn);
                let body = Some(answer);
                self.tell_sip(SipCommand::AnswerReinvite { dialog, body });
            }
            Err(error) => {
                let error = error.to_string();
                turn.says.push(Say::SdpRefused { leg, error });
                self.tell_sip(SipCommand::AnswerReinvite { dialog, body: None });
            }
        }
    }

    fn replan(&mut self, leg: LegId, plan: LegPlan, turn: &mut Turn) {
        let Some(entry) = self.legs.legs.get_mut(&leg) else {
            return;
        };
        entry.state = LegState::Up;
        entry.plan = Some(plan.clone());
        if let Some((worker, _)) = entry.media {
            let command = MediaCommand::Replan { leg: leg.0, plan };
            turn.effects.push(Effect::Media { worker, command });
        }
    }

    /// Audio cannot be agreed on: the leg ends on both sides.
    fn end_unfit(&mut self, leg: LegId, error: String, turn: &mut Turn) {
        turn.says.push(Say::SdpRefused { leg, error });
        self.end_leg(leg, Cause::UnsupportedMedia, turn);
    }

    /// Ends a leg on both sides, for a reason of ours.
    pub(crate) fn end_leg(&mut self, leg: LegId, cause: Cause, turn: &mut Turn) {
        if !self.legs.legs.contains_key(&leg) {
            return;
        }
        let reason = Some(crate::cause::reason_header(cause));
        self.tell_sip(SipCommand::Hangup {
            dialog: leg.0,
            reason,
        });
        self.close_leg(leg, turn);
        self.tell_core(Input::Leg(leg, LegEvent::Down(cause)));
    }
}
