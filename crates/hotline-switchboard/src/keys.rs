//! Where a carrier's callers' keys are listened for.

use hotline_media::LegPlan;

/// How keys of a carrier's callers come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// As events (RFC 4733) where those are agreed on, else as tones in the audio.
    #[default]
    Agreed,
    /// As events or by INFO only: nothing in the audio is ever taken for a key, whatever a voice sounds like.
    Events,
    /// As tones too: the carrier agrees on events and lets tones through. A press that comes both ways is one.
    EventsAndTones,
}

impl Keys {
    /// The plan with the ear that this needs.
    pub(crate) fn apply(self, plan: LegPlan) -> LegPlan {
        LegPlan {
            hears_key_tones: match self {
                Self::Agreed => plan.hears_key_tones,
                Self::Events => false,
                Self::EventsAndTones => true,
            },
            ..plan
        }
    }
}
