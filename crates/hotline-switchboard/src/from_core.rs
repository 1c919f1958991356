//! Core's orders become commands for the SIP endpoint and the media workers.

use crate::cause::{reason_header, refusal_status, retry_after_s, status};
use crate::legs::{CallEntry, Leg, LegState, audio_address};
use crate::switchboard::Switchboard;
use crate::turn::{Effect, Say, Turn};
use hotline_core::{
    AgentId, Bed, CallId, Cause, Clip, Fact, Input, LegEvent, LegId, LegOrder, Output,
    TransferProgress,
};
use hotline_media::sdp::Security;
use hotline_media::{Command as MediaCommand, sdp};
use hotline_sip::{Command as SipCommand, MediaKind, Target};

/// What a counsellor's phone shows as the caller's user part: the line, never the caller.
const LINE: &str = "111";

impl Switchboard {
    pub(crate) fn on_core(&mut self, output: Output, turn: &mut Turn) {
        match output {
            Output::Alarm(alarm) => turn.effects.push(Effect::Alarm(alarm)),
            Output::Drained => turn.effects.push(Effect::Drained),
            Output::Fact(fact) => {
                self.note_fact(&fact);
                turn.frame.facts.push(fact);
            }
            Output::Leg(leg, order) => self.on_order(leg, order, turn),
            Output::Reply(request, result) => turn.effects.push(Effect::Reply(request, result)),
        }
    }

    fn on_order(&mut self, leg: LegId, order: LegOrder, turn: &mut Turn) {
        match order {
            LegOrder::Answer => self.answer(leg, turn),
            LegOrder::Bed(bed) => {
                let bed = match bed {
                    Bed::Music => hotline_media::Bed::Music,
                    Bed::Soft => hotline_media::Bed::Soft,
                };
                self.media(leg, MediaCommand::Bed { leg: leg.0, bed }, turn);
            }
            LegOrder::Connect(other) => self.media(
                leg,
                MediaCommand::Connect {
                    a: leg.0,
                    b: other.0,
                },
                turn,
            ),
            LegOrder::Disconnect => self.media(leg, MediaCommand::Disconnect { leg: leg.0 }, turn),
            LegOrder::Echo => self.media(leg, MediaCommand::Echo { leg: leg.0 }, turn),
            LegOrder::HangUp(cause) => {
                self.tell_sip(SipCommand::Hangup {
                    dialog: leg.0,
                    reason: Some(reason_header(cause)),
                });
                self.close_leg(leg, turn);
            }
            LegOrder::Play {
                play,
                clips,
                barge_in,
            } => {
                let clips = self.clips(&clips, turn);
                self.media(
                    leg,
                    MediaCommand::Play {
                        leg: leg.0,
                        play: play.0,
                        clips,
                        barge_in,
                    },
                    turn,
                );
            }
            LegOrder::Probe => self.tell_sip(SipCommand::Probe { dialog: leg.0 }),
            LegOrder::Record(call) => {
                self.media(
                    leg,
                    MediaCommand::Record {
                        leg: leg.0,
                        recording: call.0,
                    },
                    turn,
                );
            }
            LegOrder::Reject(cause) => {
                self.reject(leg, cause);
                self.close_leg(leg, turn);
            }
            LegOrder::RingAgent { agent, call } => self.ring(leg, agent, call, turn),
            LegOrder::RingOutside {
                number,
                trunks,
                call,
            } => self.ring_outside(leg, number, &trunks, call, turn),
            LegOrder::TransferProgress(progress) => self.transfer_progress(leg, progress),
            LegOrder::StopPlay => self.media(leg, MediaCommand::StopPlay { leg: leg.0 }, turn),
        }
    }

    /// RFC 3515 §2.4: accepted or refused once, then told how it goes; the last word ends the subscription.
    fn transfer_progress(&mut self, leg: LegId, progress: TransferProgress) {
        let dialog = leg.0;
        let notify = |status| SipCommand::NotifyRefer { dialog, status };
        match progress {
            TransferProgress::Done => self.tell_sip(notify(200)),
            TransferProgress::Failed(cause) => self.tell_sip(notify(status(cause))),
            TransferProgress::Refused(refusal) => self.tell_sip(SipCommand::AnswerRefer {
                dialog,
                status: refusal_status(refusal),
            }),
            TransferProgress::Ringing => self.tell_sip(notify(180)),
            // The endpoint's first NOTIFY says "trying" by itself.
            TransferProgress::Trying => self.tell_sip(SipCommand::AnswerRefer {
                dialog,
                status: 202,
            }),
        }
    }

    /// The few facts that the edge needs itself: whose leg is whose, and what a phone may show.
    fn note_fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Arrived {
                call, leg, dialled, ..
            } => {
                if let Some(entry) = self.legs.legs.get_mut(leg) {
                    entry.call = Some(*call);
                    self.legs.calls.insert(
                        *call,
                        CallEntry {
                            caller: *leg,
                            label: dialled.clone(),
                            beside: None,
                        },
                    );
                }
            }
            Fact::Consulting { call, consult, .. } => {
                if let Some(entry) = self.legs.calls.get_mut(consult) {
                    entry.beside = Some(*call);
                }
            }
            Fact::Queued {
                call,
                queue,
                service,
                ..
            } => {
                if let Some(entry) = self.legs.calls.get_mut(call) {
                    entry.label = service.clone().unwrap_or_else(|| queue.clone());
                }
            }
            Fact::Ended { call, .. } => {
                self.legs.calls.remove(call);
            }
            Fact::Taken { call, leg, .. } => {
                if let Some(entry) = self.legs.legs.get_mut(leg) {
                    entry.call = Some(*call);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn reject(&mut self, leg: LegId, cause: Cause) {
        self.tell_sip(SipCommand::Reject {
            dialog: leg.0,
            status: status(cause),
            retry_after_s: retry_after_s(cause),
            reason: Some(reason_header(cause)),
        });
    }

    /// One offer goes to all contacts; the first answer wins inside the endpoint. Without a media port the ring waits
    /// for one: that is our trouble and no fault of the counsellor's phone.
    pub(crate) fn ring(&mut self, leg: LegId, agent: AgentId, call: CallId, turn: &mut Turn) {
        let index = usize::try_from(agent.0).unwrap_or(usize::MAX);
        let Some(user) = self.users.get(index).cloned() else {
            let down = LegEvent::Down(Cause::InternalError);
            return self.tell_core(Input::Leg(leg, down));
        };
        let Some((worker, port)) = self.legs.take_port(Some(call)) else {
            turn.says.push(Say::NoMediaPort { leg });
            return self.legs.rings_waiting.push((leg, agent, call));
        };
        let label = self
            .legs
            .calls
            .get(&call)
            .map_or(LINE, |entry| entry.label.as_str());
        let display = format!("{LINE} {label}");
        let towards = self.sip.advertise_towards(&user);
        let advertise = audio_address(self.told, towards.unwrap_or(self.advertise));
        let mut entry = Leg::new(LegState::Ringing, advertise, Security::Follow);
        entry.call = Some(call);
        entry.media = Some((worker, port));
        for (kind, security) in self.srtp.offers() {
            entry.security = *security;
            let random = self.secrets.bytes();
            let offer = sdp::offer(&self.capabilities, &entry.local(leg, port, None, &random));
            entry.offers.push((*kind, *security, offer));
        }
        let random = self.secrets.bytes();
        let local = entry.local(leg, port, None, &random);
        // A guard keeps out what is plain, so there is one only where a browser may answer.
        let kinds = self.sip.contact_kinds(&user);
        let for_browsers = kinds
            .contains(&MediaKind::Browser)
            .then(|| self.browsers.offer(leg, &self.capabilities, &local))
            .flatten();
        if let Some(offer) = for_browsers {
            entry.is_guarded = true;
            entry
                .offers
                .push((MediaKind::Browser, Security::Follow, offer));
        }
        let bodies = entry
            .offers
            .iter()
            .map(|(kind, _, offer)| (*kind, offer.clone()))
            .collect();
        self.tell_sip(SipCommand::Invite {
            dialog: leg.0,
            target: Target::Account(user),
            from: (display, LINE.into()),
            bodies,
            headers: vec![("X-Call-ID".into(), call.to_string())],
            login: None,
        });
        turn.effects.push(Effect::Media {
            worker,
            command: MediaCommand::Open {
                leg: leg.0,
                port,
                plan: sdp::unanswered(&self.capabilities, None),
            },
        });
        if entry.is_guarded {
            let browser = self.browsers.waiting(leg);
            let command = MediaCommand::Browser {
                leg: leg.0,
                browser,
            };
            turn.effects.push(Effect::Media { worker, command });
        }
        self.legs.legs.insert(leg, entry);
    }

    /// Somebody outside is rung over the first of these trunks that takes the call; each trunk says who calls in its
    /// own way. Without a media port nobody is rung: the caller must not wait for one.
    fn ring_outside(
        &mut self,
        leg: LegId,
        number: String,
        trunks: &[String],
        call: CallId,
        turn: &mut Turn,
    ) {
        let Some((worker, port)) = self.legs.take_port(Some(call)) else {
            turn.says.push(Say::NoMediaPort { leg });
            return self.tell_core(Input::Leg(leg, LegEvent::Down(Cause::Overload)));
        };
        let known = |name: &String| self.trunks.iter().position(|trunk| trunk == name);
        let trunks = trunks
            .iter()
            .filter_map(known)
            .filter_map(|at| u16::try_from(at).ok())
            .collect();
        let mut entry = Leg::new(LegState::Ringing, self.advertise, Security::Follow);
        entry.call = Some(call);
        entry.media = Some((worker, port));
        let random = self.secrets.bytes();
        let offer = sdp::offer(&self.capabilities, &entry.local(leg, port, None, &random));
        entry
            .offers
            .push((MediaKind::Plain, Security::Follow, offer.clone()));
        self.tell_sip(SipCommand::Invite {
            dialog: leg.0,
            target: Target::Trunks { trunks, number },
            from: (LINE.into(), LINE.into()),
            bodies: vec![(MediaKind::Plain, offer)],
            headers: Vec::new(),
            login: None,
        });
        turn.effects.push(Effect::Media {
            worker,
            command: MediaCommand::Open {
                leg: leg.0,
                port,
                plan: sdp::unanswered(&self.capabilities, None),
            },
        });
        self.legs.legs.insert(leg, entry);
    }

    fn clips(&self, clips: &[Clip], turn: &mut Turn) -> Vec<hotline_media::Clip> {
        clips
            .iter()
            .map(|clip| {
                self.sounds.clip(*clip).unwrap_or_else(|(tone, prompt)| {
                    turn.says.push(Say::PromptMissing { prompt });
                    tone
                })
            })
            .collect()
    }

    /// To the worker that carries the leg. An order for a leg without media (it has just gone) has no effect.
    fn media(&self, leg: LegId, command: MediaCommand, turn: &mut Turn) {
        if let Some((worker, _)) = self.legs.legs.get(&leg).and_then(|entry| entry.media) {
            turn.effects.push(Effect::Media { worker, command });
        }
    }

    /// Forgets the leg and closes its media.
    pub(crate) fn close_leg(&mut self, leg: LegId, turn: &mut Turn) {
        self.legs
            .rings_waiting
            .retain(|(waiting, ..)| *waiting != leg);
        let Some(entry) = self.legs.legs.remove(&leg) else {
            return;
        };
        if let Some((worker, _)) = entry.media {
            self.legs.release(worker);
            turn.effects.push(Effect::Media {
                worker,
                command: MediaCommand::Close { leg: leg.0 },
            });
        }
    }
}
