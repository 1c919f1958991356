//! Carries a script out, step by step, from the answer on.

use super::phone::{Leg, Progress, Stage};
use super::run::Runner;
use super::timers::{Task, Timer};
use crate::event::{EventKind, PhoneId};
use crate::script::{DigitWay, PRESS_GAP_MS, PRESS_MS, Step, Talk};
use hotline_media::{Bed, Clip, Command as MediaCommand};
use hotline_sip::{Command, Mono};

impl Runner {
    /// The call is answered: recording and the first step begin.
    pub(super) fn talk(&mut self, id: PhoneId, leg: Leg, answered_at: Mono, begun_at: Mono) {
        let Some(phone) = self.phones.get_mut(&id) else {
            return;
        };
        let steps = flatten(phone.talk(), |name| {
            self.audio.sound(name).map(|(_, length_ms)| length_ms)
        });
        let record = phone.talk().record.clone();
        let Some(call) = &mut phone.call else { return };
        let leg_id = leg.id;
        let progress = Progress {
            steps,
            ..Progress::default()
        };
        call.stage = Stage::Talking {
            leg,
            answered_at,
            progress,
        };
        if let Some(path) = record {
            let recording = self.number();
            self.recordings.insert(recording, (id, path));
            self.audio.send(MediaCommand::Record {
                leg: leg_id,
                recording,
            });
        }
        self.speak(id, Vec::new());
        self.tell(
            answered_at,
            id,
            EventKind::Answered {
                after_us: answered_at.micros_since(begun_at),
            },
        );
        self.go_on(id);
    }

    /// The step of this index is over, unless the script is past it already.
    pub(super) fn step_over(&mut self, id: PhoneId, index: usize) {
        let Some(progress) = self.phones.get_mut(&id).and_then(|phone| phone.progress()) else {
            return;
        };
        if progress.index == index {
            progress.index += 1;
            self.go_on(id);
        }
    }

    /// The first packet was heard.
    pub(super) fn on_flowing(&mut self, id: PhoneId) {
        let Some(progress) = self.phones.get_mut(&id).and_then(|phone| phone.progress()) else {
            return;
        };
        progress.is_flowing = true;
        if let Some(Step::WaitAudio { .. }) = progress.steps.get(progress.index) {
            let index = progress.index;
            self.step_over(id, index);
        }
    }

    /// Does steps until one takes time; there are finitely many.
    fn go_on(&mut self, id: PhoneId) {
        while let Some(progress) = self.phones.get_mut(&id).and_then(|phone| phone.progress()) {
            let index = progress.index;
            let Some(step) = progress.steps.get(index).cloned() else {
                return;
            };
            let is_flowing = progress.is_flowing;
            match step {
                Step::Echo => self.echo(id),
                Step::HangUp => return self.hang_up(id),
                Step::Mute => self.mute(id),
                Step::Press { digits, way } => {
                    digits.chars().for_each(|digit| self.press(id, digit, way))
                }
                Step::Quiet => self.speak(id, Vec::new()),
                Step::Sound { name } => match self.audio.sound(&name) {
                    Some((prompt, _)) => self.speak(id, vec![Clip::Prompt(prompt)]),
                    None => {
                        self.tell(
                            self.clock.mono(),
                            id,
                            EventKind::Trouble(format!("no sound `{name}` in this bank")),
                        );
                    }
                },
                Step::Tone {
                    hz,
                    level_db,
                    millis,
                } => {
                    self.speak(
                        id,
                        vec![Clip::Tone {
                            hz,
                            level_db,
                            length_ms: millis,
                        }],
                    );
                }
                Step::Wait { millis } => return self.wait(id, index, millis),
                Step::WaitAudio { millis_max } if !is_flowing => {
                    return self.wait(id, index, millis_max);
                }
                Step::WaitAudio { .. } => {}
            }
            if let Some(progress) = self.phones.get_mut(&id).and_then(|phone| phone.progress()) {
                progress.index += 1;
            }
        }
    }

    fn wait(&mut self, id: PhoneId, index: usize, millis: u64) {
        let Some(dialog) = self.dialog(id) else {
            return;
        };
        let at = self.clock.mono().plus_millis(millis);
        self.timers.set(
            at,
            Timer {
                phone: id,
                dialog,
                task: Task::Step { index },
            },
        );
    }

    /// A phone that says nothing still sends packets, as real ones do.
    fn speak(&mut self, id: PhoneId, mut clips: Vec<Clip>) {
        clips.push(Clip::Silence(SILENCE_MS));
        let play = self.number();
        if let Some(leg) = self.phones.get(&id).and_then(|phone| phone.leg()) {
            self.audio.send(MediaCommand::Disconnect { leg: leg.id }); // From its echo.
            self.audio.send(MediaCommand::Play {
                leg: leg.id,
                play,
                clips,
                barge_in: false,
            });
        }
    }

    fn echo(&mut self, id: PhoneId) {
        if let Some(leg) = self.phones.get(&id).and_then(|phone| phone.leg()) {
            self.audio.send(MediaCommand::Echo { leg: leg.id });
        }
    }

    fn mute(&mut self, id: PhoneId) {
        if let Some(leg) = self.phones.get(&id).and_then(|phone| phone.leg()) {
            self.audio.send(MediaCommand::Disconnect { leg: leg.id });
            self.audio.send(MediaCommand::Bed {
                leg: leg.id,
                bed: Bed::None,
            });
            self.audio.send(MediaCommand::StopPlay { leg: leg.id });
        }
    }

    pub(super) fn press(&mut self, id: PhoneId, digit: char, way: DigitWay) {
        let Some(phone) = self.phones.get(&id) else {
            return;
        };
        let (Some(leg), Some(call)) = (phone.leg(), &phone.call) else {
            return;
        };
        let (leg, dialog) = (leg.id, call.dialog);
        self.tell(self.clock.mono(), id, EventKind::Pressed { digit });
        match way {
            DigitWay::Info => self.line.command(Command::Digit {
                dialog,
                digit,
                length_ms: PRESS_MS,
            }),
            DigitWay::Rtp => self.audio.send(MediaCommand::Digit {
                leg,
                digit,
                length_ms: PRESS_MS,
            }),
        }
    }
}

/// Steps that take time become a step and a wait, and keys are pressed one by one.
pub(super) fn flatten(talk: &Talk, length_ms: impl Fn(&str) -> Option<u64>) -> Vec<Step> {
    let mut steps = Vec::new();
    for step in &talk.steps {
        let wait_ms = match step {
            Step::Press { digits, way } => {
                for digit in digits.chars() {
                    steps.push(Step::Press {
                        digits: digit.to_string(),
                        way: *way,
                    });
                    steps.push(Step::Wait {
                        millis: u64::from(PRESS_MS + PRESS_GAP_MS),
                    });
                }
                continue;
            }
            Step::Sound { name } => length_ms(name).unwrap_or(0),
            Step::Tone { millis, .. } => u64::from(*millis),
            Step::Echo
            | Step::HangUp
            | Step::Mute
            | Step::Quiet
            | Step::Wait { .. }
            | Step::WaitAudio { .. } => 0,
        };
        steps.push(step.clone());
        if wait_ms > 0 {
            steps.push(Step::Wait { millis: wait_ms });
        }
    }
    steps
}

/// Longer than any call.
const SILENCE_MS: u32 = 86_400_000;
