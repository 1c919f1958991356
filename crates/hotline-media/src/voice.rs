//! Hearing whether somebody speaks, by energy: voice at the menu, and legs that are silent.

use crate::time::Mono;

/// Listens to one leg.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    silent_since: Mono,
    told: usize,
    run: Option<VoiceRun>,
}

/// A stretch of voice with short pauses in it.
#[derive(Clone, Copy, Debug)]
struct VoiceRun {
    began_at: Mono,
    voiced_samples: u32,
    last_at: Mono,
    is_told: bool,
}

impl Listener {
    /// Silence counts from `now`.
    pub(crate) fn new(now: Mono) -> Self {
        Listener {
            silent_since: now,
            told: 0,
            run: None,
        }
    }

    /// Takes so many samples at 8 kHz of a level; true once per run of voice, when it has lasted
    /// [`VOICE_MICROSECONDS`].
    pub(crate) fn hear(&mut self, now: Mono, level: u32, samples: u32) -> bool {
        if level >= SOUND_LEVEL {
            self.silent_since = now;
            self.told = 0;
        }
        if self
            .run
            .is_some_and(|run| now.0.saturating_sub(run.last_at.0) > PAUSE_MICROSECONDS)
        {
            self.run = None;
        }
        if level < VOICE_LEVEL {
            return false;
        }
        let run = self.run.get_or_insert(VoiceRun {
            began_at: now,
            voiced_samples: 0,
            last_at: now,
            is_told: false,
        });
        run.last_at = now;
        run.voiced_samples = run.voiced_samples.saturating_add(samples);
        let has_lasted =
            now.0.saturating_sub(run.began_at.0) + u64::from(samples) * 125 >= VOICE_MICROSECONDS;
        let is_news = has_lasted && run.voiced_samples >= VOICED_SAMPLES_MIN && !run.is_told;
        run.is_told |= is_news;
        is_news
    }

    /// The silence to report now, if another mark has been passed: 6, 30, 60 seconds and each minute after.
    pub(crate) fn silent(&mut self, now: Mono) -> Option<u32> {
        let for_ms = now.0.saturating_sub(self.silent_since.0) / 1000;
        let mark = match SILENT_MARKS_MS.get(self.told) {
            Some(mark) => *mark,
            None => {
                SILENT_MARKS_MS[SILENT_MARKS_MS.len() - 1]
                    * (self.told - SILENT_MARKS_MS.len() + 2) as u64
            }
        };
        if for_ms < mark {
            return None;
        }
        self.told += 1;
        Some(u32::try_from(for_ms).unwrap_or(u32::MAX))
    }

    /// Silence counts anew: the peer was not asked to send.
    pub(crate) fn reset(&mut self, now: Mono) {
        *self = Listener::new(now);
    }
}

/// Mean magnitude of every fourth sample: enough to tell voice from silence at a quarter of the cost.
pub(crate) fn level_of_codes(decoder: &[i16; 256], payload: &[u8]) -> u32 {
    let (mut sum, mut count) = (0u32, 0u32);
    for code in payload.iter().step_by(4) {
        sum += u32::from(decoder[usize::from(*code)].unsigned_abs());
        count += 1;
    }
    sum.checked_div(count).unwrap_or(0)
}

/// Mean magnitude of every fourth sample.
pub(crate) fn level_of_samples(samples: &[i16]) -> u32 {
    let (mut sum, mut count) = (0u32, 0u32);
    for sample in samples.iter().step_by(4) {
        sum += u32::from(sample.unsigned_abs());
        count += 1;
    }
    sum.checked_div(count).unwrap_or(0)
}

/// domain.md: talking or crying at a menu for 1.5 s leads to a person.
pub(crate) const VOICE_MICROSECONDS: u64 = 1_500_000;
/// Speech pauses between words and breaths.
const PAUSE_MICROSECONDS: u64 = 400_000;
/// Half of the run must be voiced, or single knocks would add up.
const VOICED_SAMPLES_MIN: u32 = 6_000;
/// Mean magnitude of speech on a quiet line: about -40 dB of full scale.
const VOICE_LEVEL: u32 = 230;
/// Breath, steps, a room: about -50 dB.
const SOUND_LEVEL: u32 = 70;
/// domain.md §9.4: the silent panel opens at 6 s, a decision is asked for at 60 s.
const SILENT_MARKS_MS: [u64; 3] = [6_000, 30_000, 60_000];

#[cfg(test)]
mod tests;
