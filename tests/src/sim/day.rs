//! One simulated day: its clock, its people, its phases.

use super::Report;
use super::swarm::Swarm;
use crate::dice::Dice;
use crate::world::board::{NORTH_IP, SOUTH_IP, password, server_address};
use crate::world::peer::{Login, OnInvite, Peer};
use crate::world::say::Line;
use crate::world::{REALM, STORY_US, Trace, World};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Lines of the carriers: calls at once.
const LINES: usize = 14;
/// Where the carriers are called: behind the lines.
const OUTSIDES: [(usize, &str, IpAddr); 2] =
    [(LINES, "north", NORTH_IP), (LINES + 1, "south", SOUTH_IP)];
/// Things that happen in a day at most: a day that never ends is a fault.
const STEPS_MAX: u64 = 2_000_000;
const JUDGE_EVERY_US: u64 = 100_000;
/// Everything is freed so long after the last call (invariant 33), with room for the repeats of a bad network.
const FREED_US: u64 = 70_000_000;
/// The probe of a phone that is gone takes this long to give up.
const PROBE_US: u64 = 33_000_000;

/// Something that people or the world do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Move {
    Arrives,
    Caller {
        number: usize,
        visit: u64,
        deed: CallerDeed,
    },
    Counsellor {
        number: usize,
        visit: u64,
        deed: CounsellorDeed,
    },
    Desk,
    Outside {
        number: usize,
        deed: OutsideDeed,
    },
    Phone {
        number: usize,
        deed: PhoneDeed,
    },
    World(WorldDeed),
    CheckDeadLines {
        run: u32,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum CallerDeed {
    CancelLate,
    Digit { key: char, by: By },
    HangUp,
    Hold,
    LoseAudio,
    Redial,
    RepeatInvite,
    Resume,
    Speak,
}

/// How a key comes.
#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    Audio,
    Both,
    Info,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum CounsellorDeed {
    Answer,
    /// Calls somebody for advice.
    Ask,
    Break,
    ChangePhone,
    EndAdvice,
    HangUp,
    Hold,
    /// Gives the caller to whoever was asked for advice.
    Join,
    /// Passes the caller on.
    Pass,
    Refuse(u16),
    Resume,
}

/// What people outside do.
#[derive(Clone, Copy, Debug)]
pub(super) enum OutsideDeed {
    Answer,
    ComeBack,
    Die,
    HangUp,
    Refuse(u16),
    Silent,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum PhoneDeed {
    ComeBack {
        moves: bool,
    },
    Die,
    Refresh,
    Retry,
    /// Nothing comes from there any more.
    Silent {
        address: SocketAddr,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum WorldDeed {
    ClockSteps,
    DatabaseBack,
    DatabaseGoes,
    DiskBreaks,
    DiskHeals,
    Kill,
    PlanChanges,
    PowerFails,
    Starts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Chaos,
    Healed,
    Ending,
}

/// A dialog that was up when the process died: it must end.
#[derive(Clone, Debug)]
pub(super) struct DeadLine {
    pub(super) number: usize,
    pub(super) call_id: String,
}

pub(super) struct Day {
    pub(super) world: World,
    pub(super) dice: Dice,
    pub(super) swarm: Swarm,
    pub(super) phase: Phase,
    pub(super) moves: BTreeMap<(u64, u64), Move>,
    serial: u64,
    /// Callers' lines, by peer number: 0..LINES. Phones follow.
    pub(super) visits: Vec<u64>,
    /// Peer number of each counsellor's phones.
    pub(super) phones: Vec<(usize, usize)>,
    pub(super) next_address: u8,
    pub(super) dead_lines: Vec<DeadLine>,
    pub(super) request: u64,
    /// Answered calls to counted numbers, by line.
    pub(super) answered: Vec<usize>,
    pub(super) had_power_loss: bool,
    pub(super) restarts: u64,
    calls: u64,
    steps: u64,
    judged_us: u64,
}

impl Day {
    pub(super) fn new(seed: u64, trace: Trace) -> Self {
        let mut dice = Dice::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x1111);
        let swarm = Swarm::new(&mut dice);
        let mut world = World::new(swarm.settings.clone(), seed ^ 0xabcd);
        world.trace = trace;
        let mut day = Self {
            world,
            dice,
            swarm,
            phase: Phase::Chaos,
            moves: BTreeMap::new(),
            serial: 0,
            visits: Vec::new(),
            phones: Vec::new(),
            next_address: 100,
            dead_lines: Vec::new(),
            request: 0,
            answered: vec![0; LINES],
            had_power_loss: false,
            restarts: 0,
            calls: 0,
            steps: 0,
            judged_us: 0,
        };
        day.add_people();
        day
    }

    fn add_people(&mut self) {
        for index in 0..LINES {
            let port = 6_000 + 2 * u16::try_from(index).unwrap_or(0);
            let ip = if index % 3 == 0 { SOUTH_IP } else { NORTH_IP };
            self.world.add_peer(Peer::new(
                &format!("caller{index:02}"),
                SocketAddr::new(ip, port),
                server_address(),
            ));
            self.visits.push(0);
        }
        for (_, name, ip) in OUTSIDES {
            let address = SocketAddr::new(ip, 5_060);
            self.world
                .add_peer(Peer::new(name, address, server_address()));
            self.visits.push(0);
        }
        let users: Vec<String> = self
            .swarm
            .settings
            .agents
            .iter()
            .map(|agent| agent.user.clone())
            .collect();
        for (index, user) in users.iter().enumerate() {
            self.add_phone(index, user, false);
        }
        let second_phones = self.swarm.second_phones;
        for (index, user) in users.iter().enumerate().take(second_phones) {
            self.add_phone(index, user, true);
        }
    }

    fn add_phone(&mut self, agent: usize, user: &str, is_second: bool) {
        let last = u8::try_from(self.phones.len() + 1).unwrap_or(u8::MAX);
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 2, 0, last)), 5_060);
        let name = if is_second {
            format!("{user}b")
        } else {
            user.to_owned()
        };
        let mut peer = Peer::new(&name, address, server_address());
        peer.login = Some(Login {
            user: user.to_owned(),
            password: password(user),
            realm: REALM.to_owned(),
        });
        peer.is_stream = !is_second && agent < self.swarm.stream_phones;
        let number = self.world.add_peer(peer);
        self.phones.push((agent, number));
        self.visits.push(0);
    }

    pub(super) fn after(&mut self, after_us: u64, next: Move) {
        self.serial += 1;
        self.moves
            .insert((self.world.now_us + after_us, self.serial), next);
    }

    pub(super) fn run(&mut self) {
        self.world.media_delay_us = self.swarm.media_delay_us;
        self.world.start();
        for (_, number) in self.phones.clone() {
            self.refresh(number);
        }
        self.until(STORY_US);
        self.world.weather = self.swarm.weather;
        self.begin_chaos();
        let chaos_us = if self.swarm.is_short {
            60_000_000
        } else {
            180_000_000
        };
        self.until(STORY_US + chaos_us);
        self.heal();
        let healed_us = self.world.now_us;
        // The first part lets repeats and dead phones of the chaos run out.
        self.until(healed_us + 50_000_000);
        for _ in 0..30 {
            if self.world.watch.waiting() == 0 || self.is_over() {
                break;
            }
            let next = self.world.now_us + 10_000_000;
            self.until(next);
        }
        self.everybody_is_served();
        self.end();
        let ended_us = self.world.now_us;
        self.until(ended_us + FREED_US);
        if !self.world.is_endpoint_idle() {
            let next = self.world.now_us + PROBE_US;
            self.until(next);
        }
        if !self.is_over() {
            self.world.check_idle();
            self.rows_for_the_answered();
        }
    }

    pub(super) fn is_over(&self) -> bool {
        !self.world.watch.faults.is_empty()
    }

    fn begin_chaos(&mut self) {
        self.after(0, Move::Arrives);
        let often = [
            (self.swarm.kill_us, WorldDeed::Kill),
            (self.swarm.power_us, WorldDeed::PowerFails),
            (self.swarm.disk_us, WorldDeed::DiskBreaks),
            (self.swarm.database_us, WorldDeed::DatabaseGoes),
            (self.swarm.clock_us, WorldDeed::ClockSteps),
            (self.swarm.plan_us, WorldDeed::PlanChanges),
        ];
        for (mean_us, deed) in often {
            if mean_us > 0 {
                let first = self.dice.exponential(mean_us);
                self.after(first, Move::World(deed));
            }
        }
        self.after(1_000_000, Move::Desk);
    }

    /// Lets world and people go on until then, or until something is wrong.
    pub(super) fn until(&mut self, at_us: u64) {
        while !self.is_over() {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                self.world
                    .watch
                    .fault(self.world.now_us, 35, "the day does not end".to_owned());
                return;
            }
            let next_move = self.moves.keys().next().map(|(at, _)| *at);
            let next_event = self.world.next_at();
            let next = match (next_move, next_event) {
                (Some(one), Some(other)) => one.min(other),
                (Some(at), None) | (None, Some(at)) => at,
                (None, None) => break,
            };
            if next > at_us {
                break;
            }
            if next_event.is_some_and(|event| event <= next) {
                self.world.step();
            } else if let Some(((at, _), next_move)) = self.moves.pop_first() {
                self.world.advance_to(at);
                self.make(next_move);
            }
            self.notice();
            if self.world.now_us >= self.judged_us + JUDGE_EVERY_US {
                self.judged_us = self.world.now_us;
                self.world.judge();
            }
        }
        self.world.advance_to(at_us);
        self.world.judge();
    }

    fn make(&mut self, next: Move) {
        match next {
            Move::Arrives => self.arrives(),
            Move::Caller {
                number,
                visit,
                deed,
            } => {
                if self.visits[number] == visit {
                    self.caller_deed(number, deed);
                }
            }
            Move::Counsellor {
                number,
                visit,
                deed,
            } => {
                if self.visits[number] == visit {
                    self.counsellor_deed(number, deed);
                }
            }
            Move::Desk => self.desk(),
            Move::Outside { number, deed } => self.outside_deed(number, deed),
            Move::Phone { number, deed } => self.phone_deed(number, deed),
            Move::World(deed) => self.world_deed(deed),
            // Only for the process that is still there: one that died since has left other lines.
            Move::CheckDeadLines { run } if run == self.world.runs => self.check_dead_lines(),
            Move::CheckDeadLines { .. } => {}
        }
    }

    fn notice(&mut self) {
        for (number, news) in std::mem::take(&mut self.world.news) {
            if number < LINES {
                self.caller_news(number, &news);
            } else if Self::outsides().contains(&number) {
                self.outside_news(number, &news);
            } else {
                self.counsellor_news(number, &news);
            }
        }
        if self.world.is_down
            && !self
                .moves
                .values()
                .any(|next| matches!(next, Move::World(WorldDeed::Starts)))
        {
            self.went_down();
        }
    }

    /// Those outside who can be called.
    pub(super) fn outsides() -> [usize; 2] {
        OUTSIDES.map(|(number, ..)| number)
    }

    pub(super) fn count_call(&mut self) {
        self.calls += 1;
    }

    /// A line on which nobody is.
    pub(super) fn free_line(&mut self) -> Option<usize> {
        let free: Vec<usize> = (0..LINES)
            .filter(|number| !self.world.peer(*number).is_busy())
            .collect();
        if free.is_empty() {
            None
        } else {
            Some(*self.dice.one_of(&free))
        }
    }

    /// The chaos is over: network, disk, database, phones and process are well.
    fn heal(&mut self) {
        if self.is_over() {
            return;
        }
        self.phase = Phase::Healed;
        self.world.weather.loss_percent = 0;
        self.world.weather.duplicate_percent = 0;
        self.world.keeper.disk.set_errors(false);
        self.world.keeper.disk.set_sync_errors(false);
        self.world.keeper.disk.set_slow(0);
        self.world.keeper.database.is_away = false;
        self.world.media.trouble.is_full = false;
        self.moves.retain(|_, next| {
            !matches!(next, Move::World(deed) if !matches!(deed, WorldDeed::Starts))
                && !matches!(next, Move::Arrives)
        });
        self.world.kill = None;
        if self.world.is_down {
            self.world_deed(WorldDeed::Starts);
        }
        self.restore_plan();
        for (_, number) in self.phones.clone() {
            self.world.bouncing[number] = false;
            self.world.peer(number).on_invite = OnInvite::Ring;
            if self.world.peer(number).is_dead {
                self.world.peer(number).is_dead = false;
                self.world.peer(number).reboot();
            }
            self.phone_deed(number, PhoneDeed::Retry);
        }
        for number in Self::outsides() {
            self.outside_deed(number, OutsideDeed::ComeBack);
        }
        self.world.say(
            "",
            crate::world::say::Kind::Server,
            "--- everything is healed".to_owned(),
        );
    }

    /// Invariant 6, after healing: every waiting caller has been served or has left.
    fn everybody_is_served(&mut self) {
        let waiting = self.world.watch.waiting();
        if waiting > 0 && !self.is_over() {
            self.world.watch.fault(
                self.world.now_us,
                6,
                format!("{waiting} callers still wait although all is well"),
            );
        }
    }

    fn end(&mut self) {
        if self.is_over() {
            return;
        }
        self.phase = Phase::Ending;
        self.moves.clear();
        if self.swarm.ends_by_drain {
            self.end_by_drain();
        }
        for number in 0..self.world.peers.len() {
            self.world.peer(number).on_invite = OnInvite::Refuse(480);
            self.world.act(number, Peer::hang_up_all);
        }
    }

    /// SIGTERM with callers on the line: it is over at the limit, for everybody.
    fn end_by_drain(&mut self) {
        let line = self.free_line();
        if let Some(number) = line {
            self.world.act(number, |peer, now| {
                peer.dial(now, "111", "0912999999", crate::world::sdp::Offer::Normal)
            });
        }
        let next = self.world.now_us + 2_000_000;
        self.until(next);
        self.world
            .handle(hotline_switchboard::Input::Drain { limit_ms: 5_000 });
        let next = self.world.now_us + 30_000_000;
        self.until(next);
        if !self.world.drained && !self.is_over() {
            self.world.watch.fault(
                self.world.now_us,
                6,
                "the drain is not over after its limit".to_owned(),
            );
        }
    }

    /// 24, seen by the callers: whoever was answered on a counted number has a row, unless a death took frames along
    /// that the disk had not got.
    fn rows_for_the_answered(&mut self) {
        if self.world.keeper.lost > 0 {
            return;
        }
        for number in 0..LINES {
            let name = self.world.peers[number].name.clone();
            let rows = self.world.keeper.database.rows.iter();
            let rows = rows.filter(|(call, row)| {
                row.record.answered.is_some() && self.world.call_name(call.0) == name
            });
            let (rows, answered) = (rows.count(), self.answered[number]);
            if answered > rows {
                let text = format!("{answered} calls of {name} were answered and have {rows} rows");
                self.world.watch.fault(self.world.now_us, 24, text);
            }
        }
    }

    pub(super) fn report(mut self) -> Report {
        let joins = self
            .world
            .watch
            .records
            .calls
            .values()
            .map(|truth| u64::from(truth.joins))
            .sum();
        let fault = self.world.watch.faults.first().map(|fault| {
            let at = fault.at_us.saturating_sub(STORY_US) as f64 / 1e6;
            format!("invariant {} at {at:.3} s: {}", fault.invariant, fault.text)
        });
        Report {
            seed: 0,
            fault,
            lines: std::mem::take(&mut self.world.lines)
                .iter()
                .map(Line::print)
                .collect(),
            calls: self.calls,
            joins,
            restarts: self.restarts,
            events: self.steps,
            seen: std::mem::take(&mut self.world.watch.seen),
        }
    }
}
