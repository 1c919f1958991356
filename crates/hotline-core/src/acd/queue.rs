//! The waiting list: one line of callers, ordered by rank, with an index by what they need.

use crate::ids::{AgentId, CallId, CentreId, LanguageId, QueueId, ServiceId};
use crate::output::Clip;
use crate::plan::Queue;
use crate::time::Mono;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// A caller's place. It is fixed when the caller is queued and kept over offers that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// False sorts first: a caller whose counsellor was lost stands before everybody.
    is_in_line: bool,
    /// Arrival minus head start, microseconds: nobody is overtaken by someone who arrived more than the head
    /// start later, and nothing is ever sorted again.
    rank: i64,
    /// Breaks ties, and tells whose place it is.
    pub(crate) call: CallId,
}

impl Place {
    pub(crate) fn new(call: CallId, queued: Mono, head_start_ms: i32) -> Self {
        let queued = i64::try_from(queued.0).unwrap_or(i64::MAX);
        Self {
            is_in_line: true,
            rank: queued.saturating_sub(i64::from(head_start_ms) * 1_000),
            call,
        }
    }

    /// Before everybody, after a counsellor's line was lost.
    pub(crate) const fn is_at_head(self) -> bool {
        !self.is_in_line
    }

    /// The same place at the head of the line.
    pub(crate) const fn at_head(self) -> Self {
        Self {
            is_in_line: false,
            ..self
        }
    }
}

/// What a caller needs a counsellor for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// This one and nobody else.
    Agent(AgentId),
    /// Anybody who speaks the language and takes the service (None = every service).
    Skill {
        language: LanguageId,
        service: Option<ServiceId>,
        reach: Reach,
        /// Simulated callers and counsellors in training have only each other.
        is_training: bool,
    },
}

/// How far a caller's need goes by now; it widens while they wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Counsellors of this centre.
    Home(CentreId),
    /// Those of all centres.
    Everywhere,
    /// Whoever speaks the language, whatever services they take, and the reserve.
    Anybody,
}

/// Why a caller waits for one counsellor only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Only {
    /// The number dialled is this counsellor's.
    Direct(AgentId),
    /// Was talking with this one when the line was lost; a deadline ends it.
    Lost(AgentId),
}

/// A caller's wait, whether in the line or being offered.
#[derive(Clone, Debug)]
pub(crate) struct Wait {
    /// None: a counsellor's own number was dialled.
    pub(crate) queue: Option<QueueId>,
    pub(crate) service: Option<ServiceId>,
    /// The caller's own centre, if one is known.
    pub(crate) home: Option<CentreId>,
    pub(crate) reach: Reach,
    /// Those on call are rung.
    pub(crate) has_mobiles: bool,
    /// A supervisor knows of this wait.
    pub(crate) is_alarmed: bool,
    /// A simulated caller.
    pub(crate) is_training: bool,
    pub(crate) place: Place,
    pub(crate) only: Option<Only>,
    /// First into a line; kept when a counsellor passes the caller on to another.
    pub(crate) queued: Mono,
    /// The comfort clips count from here.
    pub(crate) entered: Mono,
    /// Index of the next comfort clip; goes on counting in the loop.
    pub(crate) next_comfort: u32,
    /// To be played when the clips that play now are over.
    pub(crate) pending: Vec<Clip>,
    /// Key 1 chooses the default language (it was just said so).
    pub(crate) may_choose_default: bool,
}

impl Wait {
    pub(crate) fn need(&self, language: LanguageId) -> Need {
        match self.only {
            Some(Only::Direct(agent) | Only::Lost(agent)) => Need::Agent(agent),
            None => self.need_at(language, self.reach),
        }
    }

    /// The need as if it reached all centres, or further if it does.
    pub(crate) fn widest(&self, language: LanguageId) -> Need {
        match self.reach {
            Reach::Home(_) | Reach::Everywhere => self.need_at(language, Reach::Everywhere),
            Reach::Anybody => self.need_at(language, Reach::Anybody),
        }
    }

    pub(crate) fn need_at(&self, language: LanguageId, reach: Reach) -> Need {
        Need::Skill {
            language,
            service: match reach {
                Reach::Home(_) | Reach::Everywhere => self.service,
                Reach::Anybody => None,
            },
            reach,
            is_training: self.is_training,
        }
    }

    /// Whom to look for, best first: also a need that has widened is best met at home, and by who takes the service.
    pub(crate) fn choices(&self, language: LanguageId) -> impl Iterator<Item = Need> {
        let narrower = [
            self.home.map(Reach::Home),
            Some(Reach::Everywhere),
            Some(Reach::Anybody),
        ];
        let is_for_one = self.only.is_some();
        narrower
            .into_iter()
            .flatten()
            .filter(move |reach| !is_for_one && reach.width() < self.reach.width())
            .map(move |reach| self.need_at(language, reach))
            .chain(core::iter::once(self.need(language)))
    }
}

impl Reach {
    pub(crate) const fn width(self) -> u8 {
        match self {
            Self::Home(_) => 0,
            Self::Everywhere => 1,
            Self::Anybody => 2,
        }
    }
}

/// Everybody who waits and is not being offered.
#[derive(Debug, Default)]
pub(crate) struct WaitingList {
    needs: BTreeMap<Need, BTreeSet<Place>>,
    len: usize,
}

impl WaitingList {
    pub(crate) fn insert(&mut self, need: Need, place: Place) {
        if self.needs.entry(need).or_default().insert(place) {
            self.len += 1;
        }
    }

    pub(crate) fn remove(&mut self, need: Need, place: Place) {
        let Some(places) = self.needs.get_mut(&need) else {
            return;
        };
        if places.remove(&place) {
            self.len -= 1;
        }
        if places.is_empty() {
            self.needs.remove(&need);
        }
    }

    /// The first caller with this need.
    pub(crate) fn first(&self, need: Need) -> Option<Place> {
        self.needs.get(&need)?.first().copied()
    }

    /// The first caller of each need.
    pub(crate) fn heads(&self) -> impl Iterator<Item = (Need, Place)> {
        self.needs
            .iter()
            .filter_map(|(need, places)| places.first().map(|place| (*need, *place)))
    }

    /// Everybody who needs this.
    pub(crate) fn of(&self, need: Need) -> impl Iterator<Item = Place> {
        self.needs.get(&need).into_iter().flatten().copied()
    }

    pub(crate) fn contains(&self, need: Need, place: Place) -> bool {
        self.needs
            .get(&need)
            .is_some_and(|places| places.contains(&place))
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// When (milliseconds after entry) and what the `index`th comfort clip is; None = no more.
pub(crate) fn comfort(queue: &Queue, index: u32) -> Option<(u64, crate::ids::PromptId)> {
    let set = u32::try_from(queue.comfort.len()).unwrap_or(u32::MAX);
    if let Some(comfort) = usize::try_from(index)
        .ok()
        .and_then(|at| queue.comfort.get(at))
    {
        return Some((u64::from(comfort.at_ms), comfort.prompt));
    }
    if queue.comfort_every_ms == 0 || queue.comfort_loop.is_empty() {
        return None;
    }
    let round = index - set;
    let last_set_ms = queue
        .comfort
        .last()
        .map_or(0, |comfort| u64::from(comfort.at_ms));
    let at_ms = last_set_ms + (u64::from(round) + 1) * u64::from(queue.comfort_every_ms);
    let turn = usize::try_from(round).unwrap_or(0) % queue.comfort_loop.len();
    queue.comfort_loop.get(turn).map(|prompt| (at_ms, *prompt))
}
