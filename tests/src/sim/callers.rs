//! Callers: they dial, press, speak, wait, lose patience and try again.

use super::day::{By, CallerDeed, Day, Move, Phase};
use crate::world::peer::{News, Peer};
use crate::world::sdp::Offer;

/// Numbers and how often they are dialled, of 100.
const NUMBERS: [(&str, u64); 9] = [
    ("111", 72),
    ("1112", 6),
    ("1119", 6),
    ("1113", 4),
    ("9001", 2),
    ("9002", 2),
    ("9003", 2),
    ("7001", 4),
    ("4711", 2),
];

/// Numbers whose calls have rows.
const COUNTED: [&str; 5] = ["111", "1112", "1119", "1113", "7001"];

impl Day {
    /// Somebody calls, and the next one is on the way.
    pub(super) fn arrives(&mut self) {
        if self.phase != Phase::Chaos {
            return;
        }
        let next = self.dice.exponential(self.swarm.arrival_us);
        self.after(next, Move::Arrives);
        if let Some(number) = self.free_line() {
            self.dial(number);
        }
    }

    fn dial(&mut self, number: usize) {
        let mut throw = self.dice.below(100);
        let mut dialled = "111";
        for (candidate, share) in NUMBERS {
            if throw < share {
                dialled = candidate;
                break;
            }
            throw -= share;
        }
        self.visits[number] += 1;
        let offer = if self.dice.percent(self.swarm.odd_percent) {
            *self
                .dice
                .one_of(&[Offer::MuLaw, Offer::Foreign, Offer::None, Offer::Garbage])
        } else {
            Offer::Normal
        };
        let from = if self.dice.percent(5) {
            String::new()
        } else {
            format!("09120{number:05}")
        };
        self.world.peer(number).forgets_ack = self.dice.percent(self.swarm.odd_percent / 4);
        self.world.say_deed(number, &format!("dials {dialled}"));
        self.count_call();
        self.world
            .act(number, |peer, now| peer.dial(now, dialled, &from, offer));
        let patience = self.dice.exponential(self.swarm.patience_us);
        self.caller_later(number, patience, CallerDeed::HangUp);
        if self.dice.percent(self.swarm.odd_percent) {
            let at = self.dice.below(2_000_000);
            self.caller_later(number, at, CallerDeed::RepeatInvite);
        }
    }

    pub(super) fn caller_later(&mut self, number: usize, after_us: u64, deed: CallerDeed) {
        let visit = self.visits[number];
        self.after(
            after_us,
            Move::Caller {
                number,
                visit,
                deed,
            },
        );
    }

    pub(super) fn caller_news(&mut self, number: usize, news: &News) {
        match news {
            News::Answered(dialled) => {
                if COUNTED.contains(&dialled.as_str()) {
                    self.answered[number] += 1;
                }
                self.choose_keys(number);
            }
            News::Ended | News::Refused(_) => {
                self.visits[number] += 1;
                if self.phase == Phase::Chaos && self.dice.percent(20) {
                    let soon = self.dice.below(3_000_000);
                    self.caller_later(number, soon, CallerDeed::Redial);
                }
            }
            News::Cancelled
            | News::Registered(_)
            | News::Rings
            | News::Transfer(_)
            | News::TransferRefused(_) => {}
        }
    }

    /// What this caller will press: early, late, twice, wrong, or nothing.
    fn choose_keys(&mut self, number: usize) {
        let mut at = match self.dice.below(4) {
            0 => self.dice.below(50_000),
            1 => self.dice.between(20_000_000, 32_000_000),
            _ => self.dice.below(12_000_000),
        };
        let presses = self.dice.below(5);
        for _ in 0..presses {
            let key = *self.dice.one_of(&[
                '1', '1', '1', '2', '2', '3', '4', '5', '9', '0', '7', '#', '*',
            ]);
            let by = *self
                .dice
                .one_of(&[By::Audio, By::Audio, By::Audio, By::Info, By::Both]);
            self.caller_later(number, at, CallerDeed::Digit { key, by });
            at += match self.dice.below(3) {
                0 => self.dice.below(20_000),
                _ => self.dice.below(9_000_000),
            };
        }
        let odd = self.swarm.odd_percent;
        let deeds = [
            (odd, CallerDeed::Speak),
            (odd, CallerDeed::LoseAudio),
            (odd, CallerDeed::CancelLate),
            (odd, CallerDeed::Hold),
        ];
        for (percent, deed) in deeds {
            if self.dice.percent(percent) {
                let at = self.dice.below(15_000_000);
                self.caller_later(number, at, deed);
                if let CallerDeed::Hold = deed {
                    self.caller_later(number, at + 2_000_000, CallerDeed::Resume);
                }
            }
        }
    }

    pub(super) fn caller_deed(&mut self, number: usize, deed: CallerDeed) {
        let world = &mut self.world;
        match deed {
            CallerDeed::CancelLate => world.act(number, Peer::cancel_late),
            CallerDeed::Digit { key, by } => {
                world.say_deed(number, &format!("presses {key} ({by:?})"));
                world.press(
                    number,
                    key,
                    !matches!(by, By::Info),
                    !matches!(by, By::Audio),
                );
            }
            CallerDeed::HangUp => {
                if self.phase == Phase::Healed {
                    // When all is well everybody who still waits is served; patience is no excuse.
                    return;
                }
                world.say_deed(number, "hangs up");
                world.act(number, Peer::hang_up);
                self.visits[number] += 1;
                if self.phase == Phase::Chaos && self.dice.percent(20) {
                    let soon = self.dice.below(1_000_000);
                    self.caller_later(number, soon, CallerDeed::Redial);
                }
            }
            CallerDeed::Hold => world.act(number, |peer, now| peer.reinvite(now, Offer::Hold)),
            CallerDeed::LoseAudio => world.lose_media(number),
            CallerDeed::Redial => {
                if self.phase == Phase::Chaos && !self.world.peer(number).is_busy() {
                    self.dial(number);
                }
            }
            CallerDeed::RepeatInvite => world.act(number, |peer, _| peer.repeat_invite()),
            CallerDeed::Resume => world.act(number, |peer, now| peer.reinvite(now, Offer::Normal)),
            CallerDeed::Speak => world.speak(number),
        }
    }
}
