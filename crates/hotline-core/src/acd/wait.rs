//! A caller in the line: entry, clips, keys, the comfort of waiting, and the way back after a lost counsellor.

use super::agent::AgentEvent;
use super::queue::{Need, Only, Place, Reach, Wait, comfort};
use crate::admission::DIRECT;
use crate::call::CallState;
use crate::cause::{Cause, EndedBy};
use crate::fact::Fact;
use crate::flow::Digit;
use crate::ids::{AgentId, CallId, LanguageId, PromptId, QueueId, ServiceId};
use crate::output::{Bed, Clip, LegOrder};
use crate::plan::Queue;
use crate::switch::{Switch, Turn};
use crate::timer::Timer;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// How a caller comes into a queue.
pub(crate) struct Entry {
    pub(crate) queue: QueueId,
    pub(crate) service: Option<ServiceId>,
    /// Added to the queue's own.
    pub(crate) head_start_ms: u32,
    pub(crate) is_silent: bool,
    /// Played first.
    pub(crate) clips: Vec<Clip>,
    /// What plays now is cut (a key was pressed) or goes on (nothing was pressed).
    pub(crate) is_cutting: bool,
}

impl Switch {
    /// Into a queue. The wait counts from here; clips are played while waiting and never delay an offer.
    pub(crate) fn enqueue(&mut self, turn: &mut Turn<'_>, id: CallId, entry: Entry) {
        let Some(queue) = self.queue(entry.queue) else {
            return self.close(
                turn,
                id,
                EndedBy::System,
                Cause::InternalError,
                self.plan.shutdown,
            );
        };
        let extra_ms = i32::try_from(entry.head_start_ms).unwrap_or(i32::MAX);
        let head_start_ms = queue.head_start_ms.saturating_add(extra_ms);
        turn.state(Fact::Queued {
            call: id,
            queue: queue.name.clone(),
            service: entry.service.and_then(|service| self.service_name(service)),
            head_start_ms,
            is_silent: entry.is_silent,
        });
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.typed.clear();
        let (leg, language) = (call.caller_leg, call.language);
        let (home, is_training) = (call.home, call.is_training);
        turn.order(leg, LegOrder::Bed(Bed::Music));
        let mut wait = Wait {
            queue: Some(entry.queue),
            service: entry.service,
            home,
            reach: Reach::Everywhere,
            has_mobiles: false,
            is_alarmed: false,
            is_training,
            place: Place::new(id, turn.now.mono, head_start_ms),
            only: None,
            queued: turn.now.mono,
            entered: turn.now.mono,
            next_comfort: 0,
            pending: Vec::new(),
            may_choose_default: false,
        };
        wait.reach = self.first_reach(&wait, language);
        self.timers.cancel_call(id);
        self.wait(id, wait);
        self.start_clocks(turn, id);
        self.play_on_entry(turn, id, entry, language);
    }

    /// The queue's clips (what to do in danger must not wait), then the node's; over what plays now, or after it.
    fn play_on_entry(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        entry: Entry,
        language: LanguageId,
    ) {
        let of_queue = self
            .queue(entry.queue)
            .map(|queue| self.clips(&queue.entry_clips, language));
        let mut clips = of_queue.unwrap_or_default();
        clips.extend(entry.clips);
        if entry.is_cutting {
            self.say(turn, id, clips);
        } else {
            self.say_after(turn, id, clips);
        }
    }

    /// A number that leads straight into a queue.
    pub(crate) fn enqueue_straight(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        queue: QueueId,
        service: Option<ServiceId>,
    ) {
        let entry = Entry {
            queue,
            service,
            head_start_ms: 0,
            is_silent: false,
            clips: Vec::new(),
            is_cutting: true,
        };
        self.enqueue(turn, id, entry);
    }

    /// A counsellor's own number: a line for one.
    pub(crate) fn enqueue_direct(&mut self, turn: &mut Turn<'_>, id: CallId, agent: AgentId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        turn.order(call.caller_leg, LegOrder::Bed(Bed::Music));
        turn.state(Fact::Queued {
            call: id,
            queue: DIRECT.to_string(),
            service: None,
            head_start_ms: 0,
            is_silent: false,
        });
        let wait = Wait {
            queue: None,
            service: None,
            home: None,
            reach: Reach::Everywhere,
            has_mobiles: false,
            is_alarmed: false,
            is_training: call.is_training,
            place: Place::new(id, turn.now.mono, 0),
            only: Some(Only::Direct(agent)),
            queued: turn.now.mono,
            entered: turn.now.mono,
            next_comfort: 0,
            pending: Vec::new(),
            may_choose_default: false,
        };
        // They may have left between our answer and its coming up.
        self.work.left.insert(agent);
        self.wait(id, wait);
    }

    /// Puts a caller into the line, for the first time or back; the turn's end looks for a counsellor.
    pub(crate) fn wait(&mut self, id: CallId, wait: Wait) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        self.waiting.insert(wait.need(call.language), wait.place);
        self.work.placed.insert(id);
        call.state = CallState::Waiting(wait);
    }

    /// The clocks of a wait start: comfort, and the word that nobody speaks the language. Offers do not touch them.
    pub(crate) fn start_clocks(&mut self, turn: &Turn<'_>, id: CallId) {
        self.set_comfort(id);
        self.set_widen(id);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let language = call.language;
        let Some(wait) = wait_of(&mut call.state) else {
            return;
        };
        let Some(queue) = wait
            .queue
            .and_then(|queue| self.plan.queues.get(usize::from(queue.0)))
        else {
            return;
        };
        if queue.no_language.is_some() && language != DEFAULT_LANGUAGE {
            let at = turn.now.mono.plus_millis(u64::from(queue.no_language_ms));
            self.timers.set(Timer::NoLanguage(id), at);
        }
    }

    /// The counsellor's line was lost.
    pub(crate) fn agent_lost(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let CallState::Talking { wait, agent, .. } = &call.state else {
            return;
        };
        let (wait, agent) = (wait.clone(), *agent);
        let user = self.user(agent);
        turn.state(Fact::AgentLost {
            call: id,
            agent: user,
        });
        turn.order(call.caller_leg, LegOrder::Disconnect);
        self.back_to_head(turn, id, wait, Some(agent), self.plan.lost_agent);
    }

    /// A caller whose party went is back at the head of the line, for a while only for the counsellor whose line it
    /// was.
    pub(crate) fn back_to_head(
        &mut self,
        turn: &mut Turn<'_>,
        id: CallId,
        mut wait: Wait,
        agent: Option<AgentId>,
        words: Option<PromptId>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let (leg, language) = (call.caller_leg, call.language);
        self.mobiles.remove(&id);
        wait.place = wait.place.at_head();
        wait.only = agent.map(Only::Lost);
        wait.entered = turn.now.mono;
        wait.has_mobiles = false;
        wait.is_alarmed = false;
        wait.next_comfort = 0;
        wait.pending.clear();
        wait.may_choose_default = false;
        turn.order(leg, LegOrder::Bed(Bed::Music));
        self.wait(id, wait);
        self.start_clocks(turn, id);
        if let Some(agent) = agent {
            let grace = turn
                .now
                .mono
                .plus_millis(u64::from(self.plan.timing.reattach_grace_ms));
            self.timers.set(Timer::Grace(id), grace);
            self.agent_event(turn, agent, AgentEvent::Lost);
        }
        let words = words.map(|prompt| Clip { prompt, language });
        self.say(turn, id, words.into_iter().collect());
    }

    /// The lost counsellor has not come back in time: anybody.
    pub(crate) fn grace_over(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let language = call.language;
        match &mut call.state {
            CallState::Waiting(wait) => {
                self.waiting.remove(wait.need(language), wait.place);
                wait.only = None;
                let is_direct = wait.queue.is_none();
                self.waiting.insert(wait.need(language), wait.place);
                self.work.placed.insert(id);
                if is_direct {
                    self.end_call(turn, id, EndedBy::System, Cause::Unreachable, true);
                }
            }
            // Should this offer fail, the caller comes back for anybody. A counsellor's own number stays theirs.
            CallState::Offering { wait, agent, .. } => {
                wait.only = wait.queue.is_none().then_some(Only::Direct(*agent));
            }
            CallState::Answering { .. }
            | CallState::Closing { .. }
            | CallState::Fixed { .. }
            | CallState::Menu(_)
            | CallState::Outside { .. }
            | CallState::Reaching { .. }
            | CallState::Talking { .. } => {}
        }
    }

    /// Time for the next comfort clip. It is played between, never instead of an offer.
    pub(crate) fn comfort_due(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let language = call.language;
        let Some(wait) = wait_of(&mut call.state) else {
            return;
        };
        let queue = wait
            .queue
            .and_then(|queue| self.plan.queues.get(usize::from(queue.0)));
        let due = queue.and_then(|queue| comfort(queue, wait.next_comfort));
        wait.next_comfort = wait.next_comfort.saturating_add(1);
        if let Some((_, prompt)) = due {
            self.say_after(turn, id, vec![Clip { prompt, language }]);
        }
        self.set_comfort(id);
    }

    fn set_comfort(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(wait) = wait_of(&mut call.state) else {
            return;
        };
        let queue = wait
            .queue
            .and_then(|queue| self.plan.queues.get(usize::from(queue.0)));
        if let Some((at_ms, _)) = queue.and_then(|queue| comfort(queue, wait.next_comfort)) {
            self.timers
                .set(Timer::Comfort(id), wait.entered.plus_millis(at_ms));
        }
    }

    /// Nobody on shift speaks the caller's language: say so, and that key 1 leads to the default one.
    pub(crate) fn no_language_due(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let language = call.language;
        let CallState::Waiting(wait) = &mut call.state else {
            return;
        };
        let prompt = wait
            .queue
            .and_then(|queue| self.plan.queues.get(usize::from(queue.0)))
            .and_then(|queue| queue.no_language);
        let Some(prompt) = prompt else { return };
        let anybody = Need::Skill {
            language,
            service: None,
            reach: Reach::Anybody,
            is_training: wait.is_training,
        };
        let is_spoken = self.on_shift.count(anybody) > 0;
        if is_spoken {
            return;
        }
        wait.may_choose_default = true;
        self.say_after(turn, id, vec![Clip { prompt, language }]);
    }

    /// A key in the line means nothing, except 1 after "nobody speaks your language".
    pub(crate) fn queue_key(&mut self, turn: &mut Turn<'_>, id: CallId, key: Digit) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let language = call.language;
        let CallState::Waiting(wait) = &mut call.state else {
            return;
        };
        if !wait.may_choose_default || key.key() != '1' {
            return;
        }
        wait.may_choose_default = false;
        let (place, old_need, new_need) =
            (wait.place, wait.need(language), wait.need(DEFAULT_LANGUAGE));
        let queue = wait.queue;
        call.language = DEFAULT_LANGUAGE;
        self.waiting.remove(old_need, place);
        self.waiting.insert(new_need, place);
        self.work.placed.insert(id);
        turn.state(Fact::Key {
            call: id,
            node: self.queue_name(queue),
            key,
        });
        turn.state(Fact::LanguageChosen {
            call: id,
            language: self.language_code(DEFAULT_LANGUAGE),
        });
    }

    /// Clips for a waiting caller, over what plays now.
    fn say(&mut self, turn: &mut Turn<'_>, id: CallId, clips: Vec<Clip>) {
        if clips.is_empty() {
            // Nothing to say, but what was said before (a menu) must not go on.
            return self.stop_play(turn, id);
        }
        // A key means nothing here, so it cuts nothing either: the recording notice above all.
        self.play(turn, id, clips, false);
    }

    /// Clips for a waiting caller, after what plays now.
    fn say_after(&mut self, turn: &mut Turn<'_>, id: CallId, clips: Vec<Clip>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if call.playing.is_none() {
            return self.play(turn, id, clips, false);
        }
        if let Some(wait) = wait_of(&mut call.state)
            && wait.pending.len() < PENDING_MAX
        {
            wait.pending.extend(clips);
        }
    }

    /// The clips are over: what waited for that.
    pub(crate) fn play_pending(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(wait) = wait_of(&mut call.state) else {
            return;
        };
        let clips = core::mem::take(&mut wait.pending);
        self.play(turn, id, clips, false);
    }

    pub(crate) fn queue(&self, id: QueueId) -> Option<&Queue> {
        self.plan.queues.get(usize::from(id.0))
    }

    /// Name of a queue; a counsellor's own number has one too.
    pub(crate) fn queue_name(&self, id: Option<QueueId>) -> String {
        match id {
            Some(id) => self
                .queue(id)
                .map(|queue| queue.name.clone())
                .unwrap_or_default(),
            None => DIRECT.to_string(),
        }
    }

    pub(crate) fn service_name(&self, id: ServiceId) -> Option<String> {
        self.plan
            .services
            .get(usize::from(id.0))
            .map(|service| service.name.clone())
    }

    pub(crate) fn language_code(&self, id: LanguageId) -> String {
        self.plan
            .languages
            .get(usize::from(id.0))
            .map(|language| language.code.clone())
            .unwrap_or_default()
    }

    /// A counsellor's account name.
    pub(crate) fn user(&self, id: AgentId) -> String {
        self.seats
            .get(super::agent::index(id))
            .map(|seat| seat.user.clone())
            .unwrap_or_default()
    }
}

/// The wait of a caller who waits or is being offered.
pub(crate) fn wait_of(state: &mut CallState) -> Option<&mut Wait> {
    match state {
        CallState::Waiting(wait) | CallState::Offering { wait, .. } => Some(wait),
        CallState::Answering { .. }
        | CallState::Closing { .. }
        | CallState::Fixed { .. }
        | CallState::Menu(_)
        | CallState::Outside { .. }
        | CallState::Reaching { .. }
        | CallState::Talking { .. } => None,
    }
}

/// Language of a caller who has chosen none.
pub(crate) const DEFAULT_LANGUAGE: LanguageId = LanguageId(0);

/// Clips that may wait behind others: the entry's and one round of comfort.
const PENDING_MAX: usize = 16;
