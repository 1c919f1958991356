//! What a counsellor hears of the caller between answer and join, where the queue wants it. It pre-empts nothing: the
//! caller goes on hearing what callers hear, and without words the join is at once.

use super::wait::DEFAULT_LANGUAGE;
use crate::call::{CallState, GUARD_MS};
use crate::ids::CallId;
use crate::output::{Clip, LegOrder};
use crate::switch::{Switch, Turn};
use crate::timer::Timer;
use alloc::vec::Vec;

impl Switch {
    /// The counsellor answered.
    pub(super) fn announce_or_join(&mut self, turn: &mut Turn<'_>, id: CallId) {
        let clips = self.announcement(id);
        if clips.is_empty() {
            return self.join(turn, id);
        }
        let length_ms = self.length_ms(&clips);
        let play = self.new_play();
        let Some(CallState::Offering {
            leg, announcing, ..
        }) = self.calls.get_mut(&id).map(|call| &mut call.state)
        else {
            return;
        };
        *announcing = Some(play);
        let order = LegOrder::Play {
            play,
            clips,
            barge_in: false,
        };
        turn.order(*leg, order);
        // The offer still is a lease: should the end of the words never be told, it ends with the join.
        let until = turn.now.mono.plus_millis(length_ms + GUARD_MS);
        self.timers.set(Timer::Ring(id), until);
    }

    /// Urgent, service, language, again; empty where the queue wants no words.
    fn announcement(&self, id: CallId) -> Vec<Clip> {
        let Some(call) = self.calls.get(&id) else {
            return Vec::new();
        };
        let CallState::Offering { wait, .. } = &call.state else {
            return Vec::new();
        };
        let queue = wait.queue.and_then(|queue| self.queue(queue));
        let Some(queue) = queue.filter(|queue| queue.is_announced) else {
            return Vec::new();
        };
        let words = &self.plan.announcement;
        let service = wait
            .service
            .and_then(|service| words.services.get(&service));
        let language = words
            .languages
            .get(&call.language)
            .filter(|_| call.language != DEFAULT_LANGUAGE);
        let prompts = [
            words.urgent.filter(|_| queue.is_urgent),
            service.copied(),
            language.copied(),
            words.again.filter(|_| wait.place.is_at_head()),
        ];
        prompts
            .into_iter()
            .flatten()
            .map(|prompt| Clip {
                prompt,
                language: DEFAULT_LANGUAGE,
            })
            .collect()
    }
}
