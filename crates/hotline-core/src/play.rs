//! Clips on a caller's leg: how long they are, and what runs now.

use crate::flow::FlowClip;
use crate::ids::{CallId, LanguageId, PromptId};
use crate::output::{Clip, LegOrder};
use crate::switch::{Switch, Turn};
use alloc::vec;
use alloc::vec::Vec;

impl Switch {
    /// Starts a run of clips; it replaces the one that plays.
    pub(crate) fn play(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        clips: Vec<Clip>,
        barge_in: bool,
    ) {
        if clips.is_empty() {
            return;
        }
        let play = self.new_play();
        let notice = self.notice_in(&clips);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.playing = Some(play);
        if let Some((before_ms, length_ms)) = notice {
            call.notice.begin(play, turn.now.mono, before_ms, length_ms);
        }
        turn.order(
            call.caller_leg,
            LegOrder::Play {
                play,
                clips,
                barge_in,
            },
        );
    }

    /// Cuts what plays.
    pub(crate) fn stop_play(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if call.playing.take().is_some() {
            turn.order(call.caller_leg, LegOrder::StopPlay);
        }
    }

    /// Plays the one prompt of a "for ever" route once more.
    pub(crate) fn play_again(&mut self, turn: &mut Turn<'_>, id: CallId, prompt: PromptId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let clip = Clip {
            prompt,
            language: call.language,
        };
        // A clip without length would come back at once, for ever.
        if self.clip_ms(clip) > 0 {
            self.play(turn, id, vec![clip], false);
        }
    }

    /// Clips of the plan in the caller's language.
    pub(crate) fn clips(&self, clips: &[FlowClip], language: LanguageId) -> Vec<Clip> {
        clips
            .iter()
            .map(|clip| Clip {
                prompt: clip.prompt,
                language: clip.language.unwrap_or(language),
            })
            .collect()
    }

    pub(crate) fn length_ms(&self, clips: &[Clip]) -> u64 {
        clips
            .iter()
            .map(|clip| u64::from(self.clip_ms(*clip)))
            .sum()
    }

    /// A clip that is missing in its language is played in the default one.
    fn clip_ms(&self, clip: Clip) -> u32 {
        let Some(prompt) = self.plan.prompts.get(usize::from(clip.prompt.0)) else {
            return 0;
        };
        let length_ms = prompt
            .length_ms
            .get(&clip.language)
            .or_else(|| prompt.length_ms.get(&LanguageId(0)));
        length_ms.copied().unwrap_or(0)
    }

    /// Where the recording notice begins in these clips, and its length.
    fn notice_in(&self, clips: &[Clip]) -> Option<(u32, u32)> {
        let at = clips
            .iter()
            .position(|clip| Some(clip.prompt) == self.plan.notice)?;
        let (before, rest) = clips.split_at(at);
        let before_ms = u32::try_from(self.length_ms(before)).unwrap_or(u32::MAX);
        rest.first().map(|clip| (before_ms, self.clip_ms(*clip)))
    }
}
