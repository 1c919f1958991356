//! Filling holes in speech: the last pitch period is repeated and fades (after ITU-T G.711 appendix I).
//!
//! Unlike there nothing is delayed: the repeated period is made to close upon itself instead, so the sound that
//! went before can be given out as soon as it is there. After 60 ms a hole is silent: what a voice did by then
//! nobody knows, and a buzz would be worse than a gap.

/// Remembers what was heard, and goes on with it for a moment.
#[derive(Clone, Debug)]
pub(crate) struct Concealer {
    rate_hz: u32,
    history: Vec<i16>,
    /// Samples made in a row since the last good one.
    made: usize,
    /// Samples until which good sound is still blended with what would have been made.
    blend_left: usize,
    blend: usize,
    period: usize,
}

impl Concealer {
    pub(crate) fn new(rate_hz: u32) -> Self {
        let mut concealer = Concealer {
            rate_hz,
            history: Vec::new(),
            made: 0,
            blend_left: 0,
            blend: 0,
            period: 0,
        };
        let length = concealer.samples(HISTORY_MS);
        concealer.history.resize(length, 0);
        concealer
    }

    /// Good sound has come: right behind a hole its beginning is blended with the end of what was made.
    pub(crate) fn good(&mut self, samples: &mut [i16]) {
        let is_faded = self.period == 0 || self.made >= self.samples(SILENT_MS);
        if is_faded {
            self.made = 0;
        }
        if self.made > 0 && self.blend_left == 0 {
            // The longer the hole, the more the two differ, and the longer the blending.
            let more = self.made / 4;
            self.blend = (self.samples(BLEND_MS) + more).min(self.samples(BLEND_MS_MAX));
            self.blend_left = self.blend;
        }
        let blended = self.blend_left.min(samples.len());
        for sample in &mut samples[..blended] {
            let old = f32::from(self.next());
            let weight = self.blend_left as f32 / self.blend as f32;
            *sample = (old * weight + f32::from(*sample) * (1.0 - weight)) as i16;
            self.blend_left -= 1;
        }
        if self.blend_left == 0 {
            self.made = 0;
        }
        self.remember(samples);
    }

    /// Sound that the codec itself has made up: nothing to blend.
    pub(crate) fn note(&mut self, samples: &[i16]) {
        self.made = 0;
        self.blend_left = 0;
        self.remember(samples);
    }

    /// A hole.
    pub(crate) fn conceal(&mut self, samples: &mut [i16]) {
        self.begin();
        for sample in samples {
            *sample = self.next();
        }
        self.blend_left = 0;
    }

    /// What is remembered, forgotten.
    pub(crate) fn reset(&mut self) {
        self.history.fill(0);
        self.made = 0;
        self.blend_left = 0;
    }

    fn begin(&mut self) {
        if self.made == 0 {
            self.period = self.pitch();
        }
    }

    /// The next sample that is made up; the history stays as it was at the hole's beginning.
    fn next(&mut self) -> i16 {
        let full = self.samples(FULL_MS);
        let silent = self.samples(SILENT_MS);
        let place = self.made;
        self.made = self.made.saturating_add(1);
        if place >= silent || self.period == 0 {
            return 0;
        }
        let gain = 1.0 - place.saturating_sub(full) as f32 / (silent - full) as f32;
        let length = self.history.len();
        let offset = place % self.period;
        let start = length - self.period;
        let mut value = f32::from(self.history[start + offset]);
        // The last quarter of the period turns into what went before its beginning, so that it closes.
        let quarter = self.period / 4;
        let rest = self.period - offset;
        if rest <= quarter && quarter > 0 {
            let before = f32::from(self.history[start + offset - self.period]);
            let weight = rest as f32 / (quarter + 1) as f32;
            value = value * weight + before * (1.0 - weight);
        }
        (value * gain) as i16
    }

    /// The period at which the last 20 ms resemble what went before them most; 0 when there is nothing to go on with.
    fn pitch(&self) -> usize {
        let (shortest, longest) = (self.samples(PITCH_MS_MIN), self.samples(PITCH_MS_MAX));
        let window = self.samples(MATCH_MS);
        // At 16 kHz every other sample is enough to compare.
        let stride = (self.rate_hz / 8_000).max(1) as usize;
        let recent = &self.history[self.history.len() - window..];
        if recent.iter().all(|sample| sample.unsigned_abs() <= SILENCE) {
            return 0;
        }
        let likeness = |period: usize| {
            let start = self.history.len() - window - period;
            let before = &self.history[start..start + window];
            let (mut product, mut energy) = (0f32, 1f32);
            let pairs = recent.iter().zip(before).step_by(stride);
            for (one, other) in pairs {
                product += f32::from(*one) * f32::from(*other);
                energy += f32::from(*other) * f32::from(*other);
            }
            product / energy.sqrt()
        };
        let coarse = (shortest..=longest)
            .step_by(2 * stride)
            .map(|period| (period, likeness(period)))
            .max_by(|one, other| one.1.total_cmp(&other.1))
            .map_or(longest, |(period, _)| period);
        let near = coarse.saturating_sub(stride).max(shortest)..=(coarse + stride).min(longest);
        near.map(|period| (period, likeness(period)))
            .max_by(|one, other| one.1.total_cmp(&other.1))
            .map_or(coarse, |(period, _)| period)
    }

    fn remember(&mut self, samples: &[i16]) {
        let length = self.history.len();
        if samples.len() >= length {
            self.history
                .copy_from_slice(&samples[samples.len() - length..]);
            return;
        }
        self.history.copy_within(samples.len().., 0);
        self.history[length - samples.len()..].copy_from_slice(samples);
    }

    fn samples(&self, ms: u32) -> usize {
        (self.rate_hz / 1_000 * ms) as usize
    }
}

/// Two of the longest periods and the stretch that is compared.
const HISTORY_MS: u32 = 40;
/// 66 to 200 Hz; higher voices repeat several of their periods.
const PITCH_MS_MIN: u32 = 5;
const PITCH_MS_MAX: u32 = 15;
const MATCH_MS: u32 = 20;
/// Appendix I: full for 10 ms, silent at 60.
const FULL_MS: u32 = 10;
const SILENT_MS: u32 = 60;
/// The smallest step of A-law.
const SILENCE: u16 = 8;
const BLEND_MS: u32 = 4;
const BLEND_MS_MAX: u32 = 10;

#[cfg(test)]
mod tests;
