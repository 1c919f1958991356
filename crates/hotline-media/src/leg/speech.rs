//! What a leg says as sound, and what is said to it as sound: between the packets and the codecs.

use super::packing::Way;
use super::{Hearing, Leg, SILENT_FRAME};
use crate::ear::Ear;
use crate::encoded::Place;
use crate::g711::Law;
use crate::key_tones::KeyTones;
use crate::line::FRAME_SAMPLES;
use crate::message::{Codec, Event, LegPlan};
use crate::mouth::{Mouth, Said, Speech};
use crate::output::Output;
use crate::tap::Tap;
use crate::time::Mono;
use crate::voice::level_of_samples;

/// How a leg's sound itself is needed; what is only passed on is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Nothing,
    /// A packet now and then, to tell voice from silence.
    Glances,
    /// The telephone band.
    Narrow,
    /// More, where the codec has it.
    Wide,
}

impl Leg {
    /// Takes what the peer says to its ear, as far as somebody needs the sound itself.
    pub(crate) fn listen(
        &mut self,
        now: Mono,
        timestamp: u32,
        codec: Codec,
        payload: &[u8],
        wants: Wants,
    ) {
        let is_wide = match wants {
            Wants::Nothing => {
                self.ear = None;
                return;
            }
            Wants::Glances | Wants::Narrow => false,
            Wants::Wide => true,
        };
        if !self
            .ear
            .as_ref()
            .is_some_and(|ear| ear.is_for(codec, is_wide))
        {
            self.ear = Some(Box::new(Ear::new(codec, is_wide)));
        }
        let Some(ear) = &mut self.ear else { return };
        if wants != Wants::Glances {
            ear.push(now, timestamp, payload);
        } else if let Some(level) = ear.glance(payload) {
            self.listener.hear(now, level, FRAME_SAMPLES as u32);
        }
    }

    /// Takes a frame of the peer's own sound: for its recording, and to tell voice from silence.
    pub(crate) fn hear_speech(&mut self, now: Mono, speech: Speech<'_>, out: &mut Output) {
        if self.plan.codec.law().is_some() {
            return;
        }
        let level = level_of_samples(speech.narrow);
        let is_voice = self.listener.hear(now, level, FRAME_SAMPLES as u32);
        if is_voice && self.hearing == Hearing::Bed {
            out.events.push(Event::Voice { leg: self.id });
        }
        if let Some(digit) = self.hear_keys(speech.narrow.iter().copied()) {
            self.on_key(now, digit, true, out);
        }
        if let Some(tap) = &mut self.tap {
            let frame = coded(Law::A, speech);
            tap.say(now, EAR_SSRC, speech.timestamp, Law::A, &frame);
            if self.hearing == Hearing::Echo {
                tap.hear_made(now, EAR_SSRC, speech.timestamp, &frame);
            }
        }
    }

    /// Sends a frame of A-law that we made; `shared` says which of a common sound's it is, and its payload where it was
    /// encoded for all who hear it.
    pub(super) fn send_frame(
        &mut self,
        now: Mono,
        frame: &[u8; FRAME_SAMPLES],
        shared: Option<(Place, Option<&[u8]>)>,
        out: &mut Output,
    ) {
        let Some(target) = self.target() else { return };
        let table = self.plan.codec.law().and_then(|law| Law::A.to_law(law));
        let numbers = self.line.advance(now);
        self.packs_frames(numbers);
        let way = Way {
            slot: self.slot,
            target,
            payload_type: self.plan.payload_type,
            cover: &mut self.cover,
            line: &mut self.line,
            packer: self.packer.as_deref_mut(),
        };
        match (&mut self.mouth, table) {
            (Some(mouth), _) => {
                let timestamp = mouth.recorded_at(now);
                hear_made(&mut self.tap, now, (numbers.ssrc, timestamp), frame);
                // A frame that libopus refuses is a hole of 20 ms, which the peer conceals.
                let said = match shared {
                    Some((place, payload)) => mouth.say_shared(frame, place, payload),
                    None => mouth.say_alaw(frame),
                }
                .unwrap_or_default();
                way.send(now, numbers, said, out);
            }
            (None, table) => {
                let place = (numbers.ssrc, numbers.timestamp);
                hear_made(&mut self.tap, now, place, frame);
                let coded = table.map(|table| frame.map(|code| table[usize::from(code)]));
                let payload = coded.as_ref().unwrap_or(frame);
                way.send(now, numbers, Said::one(payload), out);
            }
        }
    }

    /// Sends a frame of a partner whose codec this peer does not speak.
    pub(crate) fn send_speech(&mut self, now: Mono, speech: Speech<'_>, out: &mut Output) {
        let Some(target) = self.target() else { return };
        let numbers = self.line.advance(now);
        self.packs_frames(numbers);
        let mut place = (numbers.ssrc, numbers.timestamp);
        if let Some(mouth) = &mut self.mouth {
            place.1 = mouth.recorded_at(now);
        }
        if self.tap.is_some() {
            hear_made(&mut self.tap, now, place, &coded(Law::A, speech));
        }
        let way = Way {
            slot: self.slot,
            target,
            payload_type: self.plan.payload_type,
            cover: &mut self.cover,
            line: &mut self.line,
            packer: self.packer.as_deref_mut(),
        };
        match (&mut self.mouth, self.plan.codec.law()) {
            (Some(mouth), _) => {
                way.send(now, numbers, mouth.say(speech).unwrap_or_default(), out);
            }
            (None, law) => {
                let payload = coded(law.unwrap_or(Law::A), speech);
                way.send(now, numbers, Said::one(&payload), out);
            }
        }
    }

    /// Listens for keys in the audio, where that was agreed.
    pub(crate) fn hear_keys(&mut self, samples: impl IntoIterator<Item = i16>) -> Option<char> {
        if !self.plan.hears_key_tones {
            return None;
        }
        self.key_tones
            .get_or_insert_with(|| Box::new(KeyTones::default()))
            .hear(samples)
    }

    /// A key was pressed: as an event, or heard in the audio. Peers that send both mean one.
    pub(crate) fn on_key(&mut self, now: Mono, digit: char, is_heard: bool, out: &mut Output) {
        if let Some((before, was_heard, at)) = self.last_key {
            let is_same = before == digit && was_heard != is_heard;
            if is_same && now.0.saturating_sub(at.0) < BOTH_WAYS_MICROSECONDS {
                self.last_key = None;
                return;
            }
        }
        self.last_key = Some((digit, is_heard, now));
        out.events.push(Event::Digit {
            leg: self.id,
            digit,
        });
        if self.run.as_ref().is_some_and(|run| run.barge_in) {
            self.cut(out);
        }
    }
}

/// A frame of 20 ms in one of the laws.
pub(crate) fn coded(law: Law, speech: Speech<'_>) -> [u8; FRAME_SAMPLES] {
    let mut frame = SILENT_FRAME;
    for (code, sample) in frame.iter_mut().zip(speech.narrow) {
        *code = law.encode(*sample);
    }
    frame
}

fn hear_made(
    tap: &mut Option<Box<Tap>>,
    now: Mono,
    (ssrc, timestamp): (u32, u32),
    frame: &[u8; FRAME_SAMPLES],
) {
    if let Some(tap) = tap {
        tap.hear_made(now, ssrc, timestamp, frame);
    }
}

pub(super) fn mouth(plan: &LegPlan) -> Option<Box<Mouth>> {
    match plan.codec.law() {
        Some(_) => None,
        None => Some(Box::new(Mouth::new(plan.codec, plan.packet_ms))),
    }
}

/// Of the frames that an ear gives to a recording, which have no SSRC of their own.
pub(crate) const EAR_SSRC: u32 = 0;
/// Between a key as an event and the same key in the audio: the length of a press and a jitter buffer.
const BOTH_WAYS_MICROSECONDS: u64 = 1_000_000;
