//! How much of the recording notice a caller has heard (decision: it never delays the join).

use crate::fact::Notice;
use crate::ids::PlayId;
use crate::time::Mono;
use alloc::vec::Vec;

/// A run of clips with the notice in it, whose end has not been told yet.
#[derive(Debug)]
struct Run {
    play: PlayId,
    started: Mono,
    /// Milliseconds of clips before the notice.
    before_ms: u32,
    length_ms: u32,
}

/// What one caller has heard of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    runs: Vec<Run>,
    heard_ms: u32,
    is_full: bool,
    /// What the record says so far.
    stated: Option<Notice>,
}

impl Tally {
    /// A run begins that contains the notice after `before_ms` of other clips.
    pub(crate) fn begin(&mut self, play: PlayId, started: Mono, before_ms: u32, length_ms: u32) {
        if self.runs.len() == RUNS_MAX {
            self.runs.remove(0);
        }
        self.runs.push(Run {
            play,
            started,
            before_ms,
            length_ms,
        });
    }

    /// A run ended or was cut after `heard_ms`.
    pub(crate) fn ended(&mut self, play: PlayId, heard_ms: u32, is_complete: bool) {
        let Some(at) = self.runs.iter().position(|run| run.play == play) else {
            return;
        };
        let run = self.runs.remove(at);
        self.count(&run, heard_ms);
        self.is_full |= is_complete;
    }

    /// What must be stated at the join or at the end: a run that still goes on counts as far as it has come.
    pub(crate) fn sum_up(&mut self, now: Mono) -> Option<Notice> {
        let mut tally = Self {
            heard_ms: self.heard_ms,
            is_full: self.is_full,
            ..Self::default()
        };
        if let Some(run) = self.runs.last() {
            let elapsed = u32::try_from(now.millis_since(run.started)).unwrap_or(u32::MAX);
            tally.count(run, elapsed);
        }
        self.state(tally.notice())
    }

    /// What must be stated because an ended run has told better than the guess at the join.
    pub(crate) fn correct(&mut self) -> Option<Notice> {
        self.stated?;
        self.state(self.notice())
    }

    fn count(&mut self, run: &Run, heard_ms: u32) {
        let heard = heard_ms.saturating_sub(run.before_ms).min(run.length_ms);
        self.heard_ms = self.heard_ms.max(heard);
        self.is_full |= heard == run.length_ms && run.length_ms > 0;
    }

    fn notice(&self) -> Notice {
        match (self.is_full, self.heard_ms) {
            (true, _) => Notice::Full,
            (false, 0) => Notice::None,
            (false, heard_ms) => Notice::Partial(heard_ms),
        }
    }

    fn state(&mut self, notice: Notice) -> Option<Notice> {
        let is_news = self.stated != Some(notice);
        self.stated = Some(notice);
        is_news.then_some(notice)
    }
}

/// Runs whose end may still be on its way; a run is told ended as soon as the next one replaces it.
const RUNS_MAX: usize = 4;
