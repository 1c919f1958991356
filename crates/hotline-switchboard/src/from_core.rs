//! Core's orders become commands for the SIP endpoint and the media workers.

use crate::cause::{reason_header, refusal_status, retry_after_s, status};
use crate::legs::CallEntry;
use crate::switchboard::Switchboard;
use crate::turn::{Effect, Say, Turn};
use hotline_core::{
    Bed, Cause, Clip, Fact, Input, LegEvent, LegId, LegOrder, Output, TransferProgress,
};
use hotline_media::Command as MediaCommand;
use hotline_sip::Command as SipCommand;

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
            LegOrder::RingAgent { agent, call } => match self.counsellor(agent, call) {
                Some(callee) => self.ring(leg, call, callee, turn),
                None => self.tell_core(Input::Leg(leg, LegEvent::Down(Cause::InternalError))),
            },
            LegOrder::RingOutside {
                number,
                trunks,
                call,
            } => {
                let callee = self.somebody_outside(number, &trunks);
                self.ring(leg, call, callee, turn);
            }
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
                    let known = CallEntry::new(*leg, dialled.clone());
                    self.legs.calls.insert(*call, known);
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
                self.legs.remove_call(*call);
            }
            Fact::Taken { call, leg, .. } => {
                self.legs.pass_party(*leg, *call);
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
        let Some(entry) = self.legs.legs.remove(&leg) else {
            return;
        };
        if let Some((worker, _)) = entry.media {
            self.legs.release(leg, entry.call, worker);
            turn.effects.push(Effect::Media {
                worker,
                command: MediaCommand::Close { leg: leg.0 },
            });
        }
    }
}
