//! What the world does to the server: death, power, disk, database, clock, another plan.

use super::day::{Day, DeadLine, Move, Phase, PhoneDeed, WorldDeed};
use crate::world::Kill;
use crate::world::keeper::Death;
use crate::world::peer::State;
use crate::world::plan;
use crate::world::say::Kind;
use hotline_switchboard::Input;

/// Both ends of a dead dialog get their BYE within this (the issue says 1 s, plus the network), where no datagram is
/// lost.
const BYE_US_MAX: u64 = 2_000_000;

impl Day {
    pub(super) fn world_deed(&mut self, deed: WorldDeed) {
        match deed {
            WorldDeed::ClockSteps => {
                let step_s = i64::try_from(self.dice.below(7_200)).unwrap_or(0) - 3_600;
                self.world.wall_offset_ms += step_s * 1_000;
                self.world
                    .say("", Kind::Server, format!("the clock steps {step_s} s"));
                self.again(self.swarm.clock_us, deed);
            }
            WorldDeed::DatabaseBack => self.world.keeper.database.is_away = false,
            WorldDeed::DatabaseGoes => {
                self.world.keeper.database.is_away = true;
                let away = self.dice.between(1_000_000, 60_000_000);
                self.after(away, Move::World(WorldDeed::DatabaseBack));
                self.again(self.swarm.database_us, deed);
            }
            WorldDeed::DiskBreaks => self.disk_breaks(),
            WorldDeed::DiskHeals => {
                self.world.keeper.disk.set_errors(false);
                self.world.keeper.disk.set_sync_errors(false);
                self.world.keeper.disk.set_slow(0);
                self.world.media.trouble.is_full = false;
                self.world
                    .say("", Kind::Server, "the disk is well".to_owned());
            }
            WorldDeed::Kill => {
                // In the next turn, somewhere between two of its effects.
                let effects = usize::try_from(self.dice.below(8)).unwrap_or(0);
                self.world.kill = Some(Kill::AfterEffects(effects));
                self.again(self.swarm.kill_us, deed);
            }
            WorldDeed::PlanChanges => self.plan_changes(),
            WorldDeed::PowerFails => {
                self.had_power_loss = true;
                self.world.die(Death::PowerLoss);
                self.again(self.swarm.power_us, deed);
            }
            WorldDeed::Starts => {
                if self.world.board.is_none() {
                    self.restarts += 1;
                    self.world.start();
                    self.streams_come_back();
                    let limit = if self.world.weather.loss_percent == 0 {
                        BYE_US_MAX + 4 * self.world.weather.delay_us_max
                    } else {
                        33_000_000
                    };
                    self.after(
                        limit,
                        Move::CheckDeadLines {
                            run: self.world.runs,
                        },
                    );
                }
            }
        }
    }

    /// Phones on streams have seen their connection end, and open another one.
    fn streams_come_back(&mut self) {
        for (_, number) in self.phones.clone() {
            if self.world.peer(number).is_stream {
                let soon = self.dice.below(500_000);
                self.after(
                    soon,
                    Move::Phone {
                        number,
                        deed: PhoneDeed::Retry,
                    },
                );
            }
        }
    }

    fn again(&mut self, mean_us: u64, deed: WorldDeed) {
        let next = self.dice.exponential(mean_us);
        self.after(next.max(1_000_000), Move::World(deed));
    }

    fn disk_breaks(&mut self) {
        let disk = self.world.keeper.disk.clone();
        let words = match self.dice.below(4) {
            0 => {
                disk.set_errors(true);
                "refuses everything"
            }
            1 => {
                disk.set_sync_errors(true);
                "refuses to sync"
            }
            2 => {
                disk.set_slow(30_000);
                "is slow"
            }
            _ => {
                let now_us = self.world.now_us;
                self.world.media.trouble.is_full = true;
                self.world.media.break_recordings(now_us);
                self.world.after_media();
                "is full for recordings"
            }
        };
        self.world
            .say("", Kind::Server, format!("the disk {words}"));
        let lasts = self.dice.between(500_000, 20_000_000);
        self.after(lasts, Move::World(WorldDeed::DiskHeals));
        self.again(self.swarm.disk_us, WorldDeed::DiskBreaks);
    }

    /// A counsellor leaves the plan, or all are in it again. The first one stays.
    fn plan_changes(&mut self) {
        self.again(self.swarm.plan_us, WorldDeed::PlanChanges);
        if self.world.board.is_none() {
            return;
        }
        self.world
            .settings
            .agents
            .clone_from(&self.swarm.settings.agents);
        let last = self.world.settings.agents.len() - 1;
        if last > 0 && self.dice.percent(60) {
            let at = 1 + usize::try_from(self.dice.below(last as u64)).unwrap_or(0);
            self.world.settings.agents.remove(at);
        }
        self.new_plan();
    }

    pub(super) fn restore_plan(&mut self) {
        if self.world.settings.agents.len() != self.swarm.settings.agents.len() {
            self.world
                .settings
                .agents
                .clone_from(&self.swarm.settings.agents);
            self.new_plan();
        }
    }

    fn new_plan(&mut self) {
        let plan = plan::plan(&self.world.settings);
        let names: Vec<&str> = plan
            .agents
            .iter()
            .map(|agent| agent.user.as_str())
            .collect();
        self.world.say(
            "",
            Kind::Server,
            format!("a new plan with {}", names.join(" ")),
        );
        self.world.watch.change_plan(&plan);
        self.world.handle(Input::Plan(Box::new(plan)));
    }

    /// The process has died: what was up is a dead line until it gets its BYE.
    pub(super) fn went_down(&mut self) {
        self.dead_lines.clear();
        for (number, peer) in self.world.peers.iter().enumerate() {
            for dialog in &peer.dialogs {
                if dialog.state == State::Up && self.world.was_confirmed(&dialog.call_id) {
                    self.dead_lines.push(DeadLine {
                        number,
                        call_id: dialog.call_id.clone(),
                    });
                }
            }
        }
        if self.had_power_loss || self.world.keeper.lost_at_death > 0 {
            // What was confirmed in the last moments, or while the disk refused, may be forgotten with them.
            self.dead_lines.clear();
        }
        let away = if self.phase == Phase::Chaos {
            self.dice.between(100_000, 8_000_000)
        } else {
            100_000
        };
        self.after(away, Move::World(WorldDeed::Starts));
    }

    /// 2, over a restart: every confirmed dialog of the dead process has ended.
    pub(super) fn check_dead_lines(&mut self) {
        if self.world.board.is_none() {
            return;
        }
        for line in std::mem::take(&mut self.dead_lines) {
            let peer = &self.world.peers[line.number];
            let is_up = peer
                .dialogs
                .iter()
                .any(|dialog| dialog.call_id == line.call_id && dialog.state == State::Up);
            if is_up && !peer.is_dead && !self.world.bouncing[line.number] {
                let name = &self.world.peers[line.number].name;
                let text = format!(
                    "{name} is still on a line of the dead process ({})",
                    line.call_id
                );
                self.world.watch.fault(self.world.now_us, 2, text);
            }
        }
    }
}
