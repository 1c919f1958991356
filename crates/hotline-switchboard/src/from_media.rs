//! What the media workers tell becomes inputs of core, facts of the edge, and lines of the log.

use crate::legs::DigitPath;
use crate::switchboard::Switchboard;
use crate::turn::{Say, Turn};
use hotline_core::{
    CallId, Cause, EdgeFact, Input, LegEvent, LegId, LegQuality, LegRating, Now, PlayId,
};
use hotline_media::{Event, LegStatistics, OneWay};

impl Switchboard {
    pub(crate) fn on_media(&mut self, now: Now, worker: u16, event: Event, turn: &mut Turn) {
        match event {
            Event::Closed { leg, statistics } => {
                self.dropped.foreign += statistics.foreign;
                self.dropped.malformed += statistics.malformed;
                self.dropped.unauthentic += statistics.unauthentic;
                // Before the counters: those complete the call's record.
                turn.frame.edge.push(EdgeFact::Rated {
                    leg: LegId(leg),
                    rating: rating(statistics),
                });
                turn.frame.edge.push(EdgeFact::Quality {
                    leg: LegId(leg),
                    quality: quality(statistics),
                });
            }
            Event::Digit { leg, digit } => self.on_digit(now, LegId(leg), digit, DigitPath::Media),
            Event::Flowing { .. } | Event::Silent { .. } | Event::Statistics { .. } => {}
            Event::ForeignFlood { leg } => turn.says.push(Say::ForeignMedia { leg: LegId(leg) }),
            Event::MediaLost { leg } => {
                let leg = LegId(leg);
                let call = self.legs.legs.get(&leg).and_then(|entry| entry.call);
                turn.says.push(Say::MediaLost { leg, call });
                self.tell_core(Input::Leg(leg, LegEvent::MediaLost));
            }
            Event::OneWay { leg, way } => {
                let leg = LegId(leg);
                let call = self.legs.legs.get(&leg).and_then(|entry| entry.call);
                let is_heard = match way {
                    OneWay::NothingArrives => false,
                    OneWay::NothingReaches => true,
                };
                turn.says.push(Say::OneWay {
                    leg,
                    call,
                    is_heard,
                });
            }
            Event::Poor { leg, mean_opinion } => {
                let leg = LegId(leg);
                let call = self.legs.legs.get(&leg).and_then(|entry| entry.call);
                turn.says.push(Say::PoorAudio {
                    leg,
                    call,
                    mean_opinion,
                });
            }
            Event::OpenFailed { leg } => self.on_open_failed(LegId(leg), turn),
            Event::PlayEnded {
                leg,
                play,
                heard_ms,
                is_complete,
                ..
            } => {
                let ended = LegEvent::PlayEnded {
                    play: PlayId(play),
                    heard_ms,
                    is_complete,
                };
                self.tell_core(Input::Leg(LegId(leg), ended));
            }
            Event::Ports(ports) => self.legs.add_ports(worker, &ports),
            Event::RecordingClosed {
                recording,
                length_ms,
            } => {
                turn.frame.edge.push(EdgeFact::RecordingClosed {
                    call: CallId(recording),
                    length_ms,
                });
            }
            Event::RecordingFailed { recording, error } => {
                self.on_recording_failed(CallId(recording), error, turn)
            }
            Event::Voice { leg } => self.tell_core(Input::Leg(LegId(leg), LegEvent::Voice)),
        }
    }

    /// A leg without media is no leg: end it on both sides.
    fn on_open_failed(&mut self, leg: LegId, turn: &mut Turn) {
        turn.says.push(Say::NoMediaPort { leg });
        self.end_leg(leg, Cause::InternalError, turn);
    }

    fn on_recording_failed(&mut self, call: CallId, error: String, turn: &mut Turn) {
        turn.says.push(Say::RecordingFailed { call, error });
        if let Some(entry) = self.legs.calls.get(&call) {
            self.tell_core(Input::Leg(entry.caller, LegEvent::RecordingFailed));
        }
    }
}

fn rating(statistics: LegStatistics) -> LegRating {
    LegRating {
        mean_opinion: statistics.mean_opinion,
        mean_opinion_lowest: statistics.mean_opinion_lowest,
        loss_runs: statistics.loss_runs,
        peer_lost: statistics.peer_lost,
    }
}

fn quality(statistics: LegStatistics) -> LegQuality {
    LegQuality {
        received: statistics.received,
        lost: statistics.lost,
        jitter_us: statistics.jitter_us,
        sent: statistics.sent,
        round_trip_us: statistics.round_trip_us,
    }
}
