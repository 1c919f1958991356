//! From core's clip (prompt, language) to the media worker's sound number.

use hotline_core::{Clip, LanguageId, Plan, PromptId};
use std::collections::BTreeMap;

/// Sound numbers by prompt name and language code, as the shell loaded them.
pub type SoundIndex = BTreeMap<(String, String), u32>;

/// Played where no language has the clip: never silence, never a refused call.
const MISSING_TONE: hotline_media::Clip = hotline_media::Clip::Tone {
    hz: 425,
    level_db: 20,
    length_ms: 400,
};

/// The table for one plan.
pub(crate) struct Sounds {
    index: SoundIndex,
    by_id: Vec<Vec<Option<u32>>>,
    names: Vec<String>,
}

impl Sounds {
    pub(crate) fn new(index: SoundIndex, plan: &Plan) -> Self {
        let mut sounds = Self {
            index,
            by_id: Vec::new(),
            names: Vec::new(),
        };
        sounds.replan(plan);
        sounds
    }

    pub(crate) fn replan(&mut self, plan: &Plan) {
        self.names = plan
            .prompts
            .iter()
            .map(|prompt| prompt.name.clone())
            .collect();
        self.by_id = plan
            .prompts
            .iter()
            .map(|prompt| {
                plan.languages
                    .iter()
                    .map(|language| {
                        self.index
                            .get(&(prompt.name.clone(), language.code.clone()))
                            .copied()
                    })
                    .collect()
            })
            .collect();
    }

    /// The clip to play; `Err` names a prompt that exists in no fitting language (a tone is played then).
    pub(crate) fn clip(
        &self,
        clip: Clip,
    ) -> Result<hotline_media::Clip, (hotline_media::Clip, String)> {
        let found = self
            .number(clip.prompt, clip.language)
            .or_else(|| self.number(clip.prompt, LanguageId(0)));
        match found {
            Some(number) => Ok(hotline_media::Clip::Prompt(number)),
            None => {
                let name = self
                    .names
                    .get(usize::from(clip.prompt.0))
                    .cloned()
                    .unwrap_or_default();
                Err((MISSING_TONE, name))
            }
        }
    }

    fn number(&self, prompt: PromptId, language: LanguageId) -> Option<u32> {
        *self
            .by_id
            .get(usize::from(prompt.0))?
            .get(usize::from(language.0))?
    }
}
