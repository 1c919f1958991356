//! Offers and answers of audio (RFC 3264) between a leg's signalling and its media: by INVITE and 200, by 200 and
//! ACK, and again inside the dialog.

use crate::browsers::Agreed;
use crate::legs::{LegState, Offer};
use crate::switchboard::Switchboard;
use crate::turn::{Effect, Say, Turn};
use hotline_core::{CallId, Cause, Input, LegEvent, LegId};
use hotline_media::browser::BrowserPlan;
use hotline_media::sdp::{self, SdpError};
use hotline_media::{Command as MediaCommand, LegPlan};
use hotline_sip::{Command as SipCommand, MediaKind};
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
        let call = entry.call;
        let Some((worker, port)) = self.port_for_answer(leg, call) else {
            turn.says.push(Say::NoMediaPort { leg });
            return self.fail_answer(leg, Cause::Overload, turn);
        };
        let random = self.secrets.bytes();
        let Some(entry) = self.legs.legs.get(&leg) else {
            return;
        };
        let local = entry.local(leg, port, Some(source), &random);
        let agreed = match &offer {
            Offer::Theirs(offer) => self
                .browsers
                .answer(leg, offer, &self.capabilities, &local)
                .map(|agreed| (agreed, LegState::Up)),
            // RFC 3261 §13.3.1.4: no offer in the INVITE, so ours is in the 200 and the answer comes with the ACK.
            Offer::Ours(kind) => self
                .first_offer(leg, *kind, &local)
                .map(|offered| (offered, LegState::Offered)),
            Offer::None => Err(SdpError::Downgrade),
        };
        let keys = entry.keys;
        let ((body, plan, browser), state) = match agreed {
            Ok(((body, plan, browser), state)) => ((body, keys.apply(plan), browser), state),
            Err(error) => {
                self.legs.add_ports(worker, &[port]);
                self.legs.release(leg, call, worker);
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
        let (is_browser, leg_number) = (browser.is_some(), leg.0);
        if is_browser {
            let command = MediaCommand::Browser {
                leg: leg_number,
                browser,
            };
            turn.effects.push(Effect::Media { worker, command });
        }
        self.tell_sip(SipCommand::Answer {
            dialog: leg.0,
            body: body.clone(),
        });
        if let Some(entry) = self.legs.legs.get_mut(&leg) {
            entry.state = state;
            (entry.is_browser, entry.is_guarded) = (is_browser, is_browser);
            entry.media = Some((worker, port));
            entry.described(body);
            entry.plan = Some(plan);
        }
        self.tell_core(Input::Leg(leg, LegEvent::Up));
    }

    /// Our offer to who calls without one, in the way that fits the peer's signalling: never less (RFC 8827 §6.5).
    fn first_offer(
        &self,
        leg: LegId,
        kind: MediaKind,
        local: &sdp::Local<'_>,
    ) -> Result<Agreed, SdpError> {
        let plan = sdp::unanswered(&self.capabilities, local.signalling);
        match kind {
            MediaKind::Plain | MediaKind::Sdes => {
                Ok((sdp::offer(&self.capabilities, local), plan, None))
            }
            MediaKind::Browser => {
                let offer = self.browsers.offer(leg, &self.capabilities, local);
                let offer = offer.ok_or(SdpError::NothingInCommon)?;
                Ok((offer, plan, self.browsers.waiting(leg)))
            }
        }
    }

    /// A caller is let in; or another phone takes the place of one in a call that is.
    fn port_for_answer(&mut self, leg: LegId, call: Option<CallId>) -> Option<(u16, u16)> {
        let call = call?;
        if self.legs.calls.get(&call)?.caller == leg {
            self.legs.port_for_caller(call)
        } else {
            self.legs.port_for_party(call)
        }
    }

    fn fail_answer(&mut self, leg: LegId, cause: Cause, turn: &mut Turn) {
        self.reject(leg, cause);
        self.close_leg(leg, turn);
        self.tell_core(Input::Leg(leg, LegEvent::Down(cause)));
    }

    /// A counsellor's phone has answered our offer.
    pub(crate) fn on_answered(
        &mut self,
        leg: LegId,
        (kind, body): (MediaKind, &[u8]),
        source: IpAddr,
        turn: &mut Turn,
    ) {
        let Some(entry) = self.legs.legs.get_mut(&leg) else {
            return;
        };
        entry.take_offer(kind);
        let port = entry.media.map_or(0, |(_, port)| port);
        let local = entry.local(leg, port, Some(source), &NO_KEYS);
        let whose = (leg, entry.is_browser);
        match self
            .browsers
            .accept(whose, body, &self.capabilities, &local)
        {
            Ok(agreed) => {
                self.replan(leg, agreed, turn);
                self.tell_core(Input::Leg(leg, LegEvent::Up));
                self.tell_hold(leg);
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
        let accepted = match body {
            Some(body) => self.accept_again(leg, body, turn),
            None => Err("the ACK brings no answer to our offer".to_owned()),
        };
        match accepted {
            Ok(()) => {}
            Err(error) if is_first => self.end_unfit(leg, error, turn),
            // What was agreed before still stands.
            Err(error) => turn.says.push(Say::SdpRefused { leg, error }),
        }
    }

    /// The answer to what we said again in the dialog. We make no new offers there, so it is the answer to a session
    /// refresh, which repeats our description: a peer may well answer with another address or on hold (RFC 4028
    /// §7.4). Collisions and refusals of a refresh are the endpoint's: it asks again, or ends the dialog.
    pub(crate) fn on_reinvite_answered(
        &mut self,
        leg: LegId,
        body: Option<&[u8]>,
        turn: &mut Turn,
    ) {
        // RFC 3261 §14.1: after a refusal the session stays as it was.
        let Some(body) = body else { return };
        if let Err(error) = self.accept_again(leg, body, turn) {
            turn.says.push(Say::SdpRefused { leg, error });
        }
    }

    /// An answer that comes after the dialog's first one, or with the ACK.
    fn accept_again(&mut self, leg: LegId, body: &[u8], turn: &mut Turn) -> Result<(), String> {
        let Some(entry) = self.legs.legs.get(&leg) else {
            return Ok(());
        };
        let signalling = entry.plan.as_ref().and_then(|plan| plan.signalling);
        let port = entry.media.map_or(0, |(_, port)| port);
        let local = entry.local(leg, port, signalling, &NO_KEYS);
        let agreed = self
            .browsers
            .accept((leg, entry.is_browser), body, &self.capabilities, &local)
            .map_err(|error| error.to_string())?;
        self.replan(leg, agreed, turn);
        self.tell_hold(leg);
        Ok(())
    }

    /// re-INVITE or UPDATE: a new offer, or the wish for one of ours.
    pub(crate) fn on_reinvited(&mut self, leg: LegId, offer: Option<Vec<u8>>, turn: &mut Turn) {
        let dialog = leg.0;
        let random = self.secrets.bytes();
        let Some(entry) = self.legs.legs.get_mut(&leg) else {
            return self.tell_sip(SipCommand::AnswerReinvite { dialog, body: None });
        };
        let Some((_, port)) = entry.media else {
            return self.tell_sip(SipCommand::AnswerReinvite { dialog, body: None });
        };
        let signalling = entry.plan.as_ref().and_then(|plan| plan.signalling);
        let local = entry.local(leg, port, signalling, &random);
        let Some(offer) = offer else {
            // RFC 3261 §14.2: a whole offer, not what stands, so that a held call can resume.
            let for_browser = entry
                .is_browser
                .then(|| self.browsers.offer(leg, &self.capabilities, &local))
                .flatten();
            let body = for_browser.unwrap_or_else(|| sdp::offer(&self.capabilities, &local));
            entry.described(body.clone());
            entry.is_reoffered = true;
            let body = Some(body);
            return self.tell_sip(SipCommand::AnswerReinvite { dialog, body });
        };
        match self
            .browsers
            .answer(leg, &offer, &self.capabilities, &local)
        {
            Ok((answer, plan, browser)) => {
                entry.described(answer.clone());
                self.replan(leg, (plan, browser), turn);
                let body = Some(answer);
                self.tell_sip(SipCommand::AnswerReinvite { dialog, body });
                self.tell_hold(leg);
            }
            Err(error) => {
                let error = error.to_string();
                turn.says.push(Say::SdpRefused { leg, error });
                self.tell_sip(SipCommand::AnswerReinvite { dialog, body: None });
            }
        }
    }

    /// A peer that does not want to hear us, or gives no address for it, has us on hold (RFC 3264 §8.4).
    fn tell_hold(&mut self, leg: LegId) {
        let Some(entry) = self.legs.legs.get_mut(&leg) else {
            return;
        };
        let is_held = entry
            .plan
            .as_ref()
            .is_some_and(|plan| !plan.direction.sends() || plan.remote.is_none());
        let was_held = std::mem::replace(&mut entry.is_held, is_held);
        match (was_held, is_held) {
            (false, true) => self.tell_core(Input::Leg(leg, LegEvent::Held)),
            (true, false) => self.tell_core(Input::Leg(leg, LegEvent::Resumed)),
            (false, false) | (true, true) => {}
        }
    }

    fn replan(
        &mut self,
        leg: LegId,
        (plan, browser): (LegPlan, Option<BrowserPlan>),
        turn: &mut Turn,
    ) {
        let Some(entry) = self.legs.legs.get_mut(&leg) else {
            return;
        };
        let plan = entry.keys.apply(plan);
        entry.state = LegState::Up;
        entry.plan = Some(plan.clone());
        if let Some((worker, _)) = entry.media {
            // A phone has answered where a browser might have: its audio must not meet the guard.
            let was_guarded = std::mem::replace(&mut entry.is_guarded, browser.is_some());
            if was_guarded || browser.is_some() {
                let leg = leg.0;
                let command = MediaCommand::Browser { leg, browser };
                turn.effects.push(Effect::Media { worker, command });
            }
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

/// An answer needs no key of ours: it stands in our offer.
const NO_KEYS: [u8; sdp::RANDOM_BYTES] = [0; sdp::RANDOM_BYTES];
