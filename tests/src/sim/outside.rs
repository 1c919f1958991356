//! People outside, called over the carriers: answer, refuse, ignore, and lines that die.

use super::day::{Day, Move, OutsideDeed, Phase};
use crate::world::peer::{News, Peer};

/// A talk ends after this at the latest.
const TALK_US_MAX: u64 = 30_000_000;
/// The worker notices after this that nothing comes.
const SILENT_US: u64 = 10_000_000;

impl Day {
    fn outside_later(&mut self, number: usize, after_us: u64, deed: OutsideDeed) {
        self.after(after_us, Move::Outside { number, deed });
    }

    pub(super) fn outside_news(&mut self, number: usize, news: &News) {
        match news {
            News::Rings => {
                let answer_us = self.dice.exponential(self.swarm.answer_us);
                if self.phase != Phase::Chaos {
                    let soon = answer_us.min(1_500_000);
                    return self.outside_later(number, soon, OutsideDeed::Answer);
                }
                match self.dice.below(20) {
                    0..=2 => {
                        let status = *self.dice.one_of(&[486, 404, 503, 603, 480]);
                        self.outside_later(number, answer_us / 2, OutsideDeed::Refuse(status));
                    }
                    3 | 4 => self.world.say_deed(number, "ignores the phone"),
                    5 => self.outside_later(number, answer_us / 2, OutsideDeed::Die),
                    _ => self.outside_later(number, answer_us, OutsideDeed::Answer),
                }
            }
            News::Answered(_)
            | News::Cancelled
            | News::Ended
            | News::Refused(_)
            | News::Registered(_)
            | News::Transfer(_)
            | News::TransferRefused(_) => {}
        }
    }

    pub(super) fn outside_deed(&mut self, number: usize, deed: OutsideDeed) {
        let is_dead = self.world.peer(number).is_dead;
        match deed {
            OutsideDeed::Answer => {
                if is_dead || self.world.peer(number).ringing().is_none() {
                    return;
                }
                self.world.say_deed(number, "answers");
                self.world.act(number, |peer, now| {
                    peer.answer(now);
                });
                let talk_us = self.dice.exponential(self.swarm.talk_us).min(TALK_US_MAX);
                self.outside_later(number, talk_us, OutsideDeed::HangUp);
                if self.phase == Phase::Chaos && self.dice.percent(25) {
                    self.outside_later(number, talk_us / 2, OutsideDeed::Die);
                }
            }
            OutsideDeed::ComeBack => {
                if is_dead {
                    self.world.say_deed(number, "is back");
                    self.world.peer(number).is_dead = false;
                    self.world.peer(number).reboot();
                }
            }
            OutsideDeed::Die => {
                if is_dead || self.phase != Phase::Chaos {
                    return;
                }
                self.world.say_deed(number, "dies");
                self.world.peer(number).is_dead = true;
                self.outside_later(number, SILENT_US, OutsideDeed::Silent);
                let back_us = self.dice.between(11_000_000, 25_000_000);
                self.outside_later(number, back_us, OutsideDeed::ComeBack);
            }
            OutsideDeed::HangUp => {
                if !is_dead && self.world.peer(number).up() > 0 {
                    self.world.say_deed(number, "hangs up");
                    self.world.act(number, Peer::hang_up);
                }
            }
            OutsideDeed::Refuse(status) => {
                if !is_dead {
                    self.world
                        .say_deed(number, &format!("refuses with {status}"));
                    self.world.act(number, |peer, now| {
                        peer.refuse(now, status);
                    });
                }
            }
            OutsideDeed::Silent => self.world.lose_media(number),
        }
    }
}
