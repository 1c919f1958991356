//! Counsellors and their phones: answer, refuse, ignore, take breaks, die and come back elsewhere.

use super::day::{CounsellorDeed, Day, Move, OutsideDeed, Phase, PhoneDeed};
use crate::world::peer::{News, Peer, State};
use hotline_core::{AgentId, Request, RequestId, Standing};
use hotline_switchboard::Input;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Registrations are renewed this often; they last `EXPIRES_S`.
const REFRESH_US: u64 = 50_000_000;
const EXPIRES_S: u32 = 120;
/// A talk ends after this at the latest.
const TALK_US_MAX: u64 = 60_000_000;

impl Day {
    pub(super) fn agent_of(&self, number: usize) -> Option<usize> {
        self.phones
            .iter()
            .find(|(_, phone)| *phone == number)
            .map(|(agent, _)| *agent)
    }

    pub(super) fn counsellor_later(&mut self, number: usize, after_us: u64, deed: CounsellorDeed) {
        let visit = self.visits[number];
        self.after(
            after_us,
            Move::Counsellor {
                number,
                visit,
                deed,
            },
        );
    }

    pub(super) fn counsellor_news(&mut self, number: usize, news: &News) {
        match news {
            News::Rings => self.rings(number),
            News::Cancelled | News::Ended => {
                if self.world.peer(number).lines() > 0 {
                    self.left_with_one(number);
                } else {
                    self.visits[number] += 1;
                }
            }
            News::Answered(_) => self.advice_answered(number),
            News::Refused(_) => {
                if self.world.peer(number).up() > 0 {
                    self.counsellor_later(number, 300_000, CounsellorDeed::Resume);
                }
            }
            News::Transfer(status) => self.transfer_told(number, *status),
            News::TransferRefused(status) => {
                match status {
                    403 => self
                        .world
                        .watch
                        .seen
                        .saw("a transfer is refused: not allowed"),
                    603 => self.world.watch.seen.saw("a transfer is refused: unknown"),
                    _ => {}
                }
                self.transfer_told(number, *status);
            }
            News::Registered(Err(_)) => {
                self.after(
                    5_000_000,
                    Move::Phone {
                        number,
                        deed: PhoneDeed::Retry,
                    },
                );
            }
            News::Registered(Ok(_)) => {}
        }
    }

    fn rings(&mut self, number: usize) {
        self.visits[number] += 1;
        let answer_us = self.dice.exponential(self.swarm.answer_us);
        if self.phase != Phase::Chaos {
            return self.counsellor_later(number, answer_us.min(1_500_000), CounsellorDeed::Answer);
        }
        let throw = self.dice.below(100);
        let refuse = self.swarm.refuse_percent;
        let ignore = refuse + self.swarm.ignore_percent;
        let die = ignore + self.swarm.die_percent;
        let pause = die + self.swarm.break_percent;
        if throw < refuse {
            let status = *self.dice.one_of(&[486, 603, 480, 503, 404]);
            self.counsellor_later(number, answer_us / 2, CounsellorDeed::Refuse(status));
        } else if throw < ignore {
            self.world.say_deed(number, "ignores the phone");
        } else if throw < die {
            self.after(
                answer_us / 2,
                Move::Phone {
                    number,
                    deed: PhoneDeed::Die,
                },
            );
        } else {
            if throw < pause {
                self.counsellor_later(number, answer_us / 2, CounsellorDeed::Break);
            }
            self.counsellor_later(number, answer_us, CounsellorDeed::Answer);
        }
    }

    pub(super) fn counsellor_deed(&mut self, number: usize, deed: CounsellorDeed) {
        match deed {
            CounsellorDeed::Answer => {
                if self.world.peer(number).is_dead || self.world.peer(number).ringing().is_none() {
                    return;
                }
                self.world.say_deed(number, "answers");
                self.world.act(number, |peer, now| {
                    peer.answer(now);
                });
                let talk = self.dice.exponential(self.swarm.talk_us).min(TALK_US_MAX);
                let talk = if self.phase == Phase::Chaos {
                    talk
                } else {
                    talk.min(4_000_000)
                };
                let longer = self.plan_talk(number, talk);
                self.counsellor_later(number, talk + longer, CounsellorDeed::HangUp);
                if self.phase == Phase::Chaos && self.dice.percent(self.swarm.die_percent) {
                    let die_us = self.dice.below(talk);
                    self.after(
                        die_us,
                        Move::Phone {
                            number,
                            deed: PhoneDeed::Die,
                        },
                    );
                }
            }
            CounsellorDeed::Ask => self.ask_advice(number),
            CounsellorDeed::Break => {
                if let Some(agent) = self.agent_of(number) {
                    self.ask(Request::NotReady {
                        agent: agent_id(agent),
                        reason: "break".to_owned(),
                    });
                }
            }
            CounsellorDeed::ChangePhone => self.change_phone(number),
            CounsellorDeed::EndAdvice => self.end_advice(number),
            CounsellorDeed::HangUp => {
                if !self.world.peer(number).is_dead {
                    self.world.say_deed(number, "hangs up");
                    self.world.act(number, Peer::hang_up);
                    if self.world.peer(number).lines() > 0 {
                        self.left_with_one(number);
                    }
                }
            }
            CounsellorDeed::Hold => self.hold(number),
            CounsellorDeed::Join => self.join_calls(number),
            CounsellorDeed::Pass => self.pass(number),
            CounsellorDeed::Refuse(status) => {
                self.world
                    .say_deed(number, &format!("refuses with {status}"));
                self.world.act(number, |peer, now| {
                    peer.refuse(now, status);
                });
            }
            CounsellorDeed::Resume => self.resume(number),
        }
    }

    pub(super) fn ask(&mut self, request: Request) {
        if self.world.board.is_none() {
            return;
        }
        self.request += 1;
        self.world.say(
            "",
            crate::world::say::Kind::Deed,
            format!("asks {request:?}"),
        );
        self.world
            .handle(Input::Request(RequestId(self.request), request));
        self.world.replies.clear();
    }

    /// Every few seconds somebody looks at the desk.
    pub(super) fn desk(&mut self) {
        let mean = if self.phase == Phase::Chaos && self.swarm.desk_us > 0 {
            self.swarm.desk_us
        } else {
            5_000_000
        };
        let next = if self.phase == Phase::Chaos {
            self.dice.exponential(mean)
        } else {
            3_000_000
        };
        self.after(next.max(200_000), Move::Desk);
        let agents = self.swarm.settings.agents.len();
        if self.phase != Phase::Chaos {
            for agent in 0..agents {
                self.back_to_work(agent);
            }
            // Whoever talks when all is well comes to an end.
            for number in Self::outsides() {
                if self.dice.percent(50) {
                    self.outside_deed(number, OutsideDeed::HangUp);
                }
            }
            for (_, number) in self.phones.clone() {
                let is_up = self
                    .world
                    .peer(number)
                    .dialogs
                    .iter()
                    .any(|dialog| dialog.state == State::Up);
                if is_up && self.dice.percent(50) {
                    self.counsellor_deed(number, CounsellorDeed::HangUp);
                }
            }
            return;
        }
        let agent = usize::try_from(self.dice.below(agents as u64)).unwrap_or(0);
        if self.swarm.desk_us == 0 || self.dice.percent(50) {
            return self.back_to_work(agent);
        }
        if self.swarm.has_feature_codes && self.dice.percent(40) {
            return self.feature_code(agent);
        }
        let agent = agent_id(agent);
        let request = match self.dice.below(9) {
            0 => Request::EndWrapUp { agent },
            1 => Request::NotReady {
                agent,
                reason: "break".to_owned(),
            },
            2 => Request::NotReady {
                agent,
                reason: "nonsense".to_owned(),
            },
            3 => Request::SignOut { agent },
            4 => Request::SignIn { agent },
            5 => Request::Hard { agent },
            6 => Request::NotReady {
                agent,
                reason: "meal".to_owned(),
            },
            _ => Request::Ready { agent },
        };
        self.ask(request);
    }

    fn back_to_work(&mut self, agent: usize) {
        let user = &self.swarm.settings.agents[agent].user;
        let standing = self
            .world
            .keeper
            .journal
            .as_ref()
            .and_then(|journal| journal.ledger().agents.get(user))
            .map_or(Standing::SignedOut, |known| known.standing.clone());
        match standing {
            Standing::NotReady(_) => self.ask(Request::Ready {
                agent: agent_id(agent),
            }),
            Standing::SignedOut => self.ask(Request::SignIn {
                agent: agent_id(agent),
            }),
            // Some paperwork lasts until they say that it is done.
            Standing::Recovery(_) | Standing::WrapUp(_) => self.ask(Request::Ready {
                agent: agent_id(agent),
            }),
            Standing::Consulting(_)
            | Standing::Held(_)
            | Standing::Offered(_)
            | Standing::Ready
            | Standing::Talking(_) => {}
        }
    }

    fn feature_code(&mut self, agent: usize) {
        let Some((_, number)) = self.phones.iter().find(|(of, _)| *of == agent).copied() else {
            return;
        };
        if self.world.peer(number).is_busy() || self.world.peer(number).is_dead {
            return;
        }
        let code = *self.dice.one_of(&["*11", "*11", "*12", "*10", "9111"]);
        let user = self.swarm.settings.agents[agent].user.clone();
        self.world.say_deed(number, &format!("dials {code}"));
        self.world.act(number, |peer, now| {
            peer.dial(now, code, &user, crate::world::sdp::Offer::Normal)
        });
        // It ends by itself; should its BYE be lost, the person hangs up.
        self.visits[number] += 1;
        self.counsellor_later(number, 5_000_000, CounsellorDeed::HangUp);
    }

    pub(super) fn refresh(&mut self, number: usize) {
        if !self.world.peer(number).is_dead {
            self.world
                .act(number, |peer, now| peer.register(now, EXPIRES_S));
        }
        let next = REFRESH_US - self.dice.below(10_000_000);
        self.after(
            next,
            Move::Phone {
                number,
                deed: PhoneDeed::Refresh,
            },
        );
    }

    pub(super) fn phone_deed(&mut self, number: usize, deed: PhoneDeed) {
        match deed {
            PhoneDeed::ComeBack { moves } => {
                if !self.world.peer(number).is_dead {
                    return;
                }
                self.world.peer(number).is_dead = false;
                self.world.bouncing[number] = false;
                self.world.peer(number).reboot();
                if moves {
                    self.next_address += 1;
                    let address = SocketAddr::new(
                        IpAddr::V4(Ipv4Addr::new(10, 3, 0, self.next_address)),
                        5_070,
                    );
                    self.world.move_peer(number, address);
                }
                self.world.say_deed(
                    number,
                    if moves {
                        "is back from another address"
                    } else {
                        "is back"
                    },
                );
                self.world
                    .act(number, |peer, now| peer.register(now, EXPIRES_S));
            }
            PhoneDeed::Die => {
                if self.world.peer(number).is_dead || self.phase != Phase::Chaos {
                    return;
                }
                self.visits[number] += 1;
                self.note_death(number);
                self.world.say_deed(number, "dies");
                self.world.peer(number).is_dead = true;
                if self.world.peer(number).is_stream {
                    self.world.break_stream(number);
                } else {
                    self.world.bouncing[number] = self.dice.percent(20);
                }
                // The worker notices after 10 s that nothing comes.
                let address = self.world.audio_address(number);
                self.after(
                    10_000_000,
                    Move::Phone {
                        number,
                        deed: PhoneDeed::Silent { address },
                    },
                );
                let back_us = self.dice.between(3_000_000, 40_000_000);
                let moves = self.dice.percent(30);
                self.after(
                    back_us,
                    Move::Phone {
                        number,
                        deed: PhoneDeed::ComeBack { moves },
                    },
                );
            }
            PhoneDeed::Refresh => self.refresh(number),
            PhoneDeed::Silent { address } => self.world.lose_media_at(address),
            PhoneDeed::Retry => {
                if !self.world.peer(number).is_dead {
                    self.world
                        .act(number, |peer, now| peer.register(now, EXPIRES_S));
                }
            }
        }
    }
}

fn agent_id(index: usize) -> AgentId {
    AgentId(u32::try_from(index).unwrap_or(u32::MAX))
}
