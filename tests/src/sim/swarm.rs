//! What a seed switches on. Each day has another subset of habits and faults, so that rare combinations meet.

use crate::dice::Dice;
use crate::world::network::Weather;
use crate::world::plan::{AgentSettings, EN, Settings, TEST, VI};
use hotline_core::{Widening, WrapUp};

#[derive(Clone, Debug)]
pub(super) struct Swarm {
    pub(super) settings: Settings,
    pub(super) weather: Weather,
    pub(super) media_delay_us: u64,
    /// Mean time between two calls.
    pub(super) arrival_us: u64,
    pub(super) patience_us: u64,
    pub(super) talk_us: u64,
    pub(super) answer_us: u64,
    /// Counsellors with a second phone.
    pub(super) second_phones: usize,
    pub(super) stream_phones: usize,
    /// Percent of rings that are not answered as they should be.
    pub(super) refuse_percent: u64,
    pub(super) ignore_percent: u64,
    pub(super) die_percent: u64,
    pub(super) break_percent: u64,
    /// Percent of talks in which the counsellor does something: holds, passes on, asks for advice, changes phones.
    pub(super) deed_percent: u64,
    /// Mean time between two of these; 0 = never.
    pub(super) kill_us: u64,
    pub(super) power_us: u64,
    pub(super) disk_us: u64,
    pub(super) database_us: u64,
    pub(super) clock_us: u64,
    pub(super) desk_us: u64,
    pub(super) plan_us: u64,
    pub(super) odd_percent: u64,
    pub(super) has_feature_codes: bool,
    pub(super) ends_by_drain: bool,
    pub(super) is_short: bool,
}

impl Swarm {
    #[must_use]
    pub(super) fn new(dice: &mut Dice) -> Self {
        let is_stormy = dice.percent(50);
        let weather = Weather {
            loss_percent: if is_stormy {
                *dice.one_of(&[0, 1, 5, 15, 30])
            } else {
                0
            },
            duplicate_percent: if is_stormy {
                *dice.one_of(&[0, 2, 10, 40])
            } else {
                0
            },
            delay_us_min: *dice.one_of(&[0, 1_000, 10_000]),
            delay_us_max: *dice.one_of(&[10_000, 40_000, 120_000]),
        };
        let often = |dice: &mut Dice, percent: u64, mean_us: u64| {
            if dice.percent(percent) { mean_us } else { 0 }
        };
        let mut settings = Settings {
            ring_ms: *dice.one_of(&[4_000, 8_000, 20_000]),
            calls_max: *dice.one_of(&[1_000, 1_000, 6]),
            agents: Vec::new(),
            is_recorded: true,
            ports: *dice.one_of(&[1_000, 1_000, 1_000, 16, 9]),
            counselling_ms_min: *dice.one_of(&[0, 0, 5_000]),
            recovery_ms: *dice.one_of(&[0, 2_000, 8_000]),
            is_announced: dice.percent(30),
            widening: *dice.one_of(&[
                Widening::default(),
                Widening {
                    everywhere_ms: 5_000,
                    anybody_ms: Some(12_000),
                    mobiles_ms: None,
                    alarm_ms: Some(30_000),
                },
                Widening {
                    everywhere_ms: 20_000,
                    anybody_ms: None,
                    mobiles_ms: None,
                    alarm_ms: None,
                },
            ]),
            clips: Vec::new(),
        };
        settings.agents = agents(dice);
        Self {
            weather,
            media_delay_us: *dice.one_of(&[0, 500, 5_000]),
            arrival_us: *dice.one_of(&[1_500_000, 3_000_000, 6_000_000, 15_000_000]),
            patience_us: *dice.one_of(&[8_000_000, 30_000_000, 90_000_000]),
            talk_us: *dice.one_of(&[3_000_000, 10_000_000, 25_000_000]),
            answer_us: *dice.one_of(&[100_000, 1_500_000, 4_000_000]),
            second_phones: usize::try_from(if dice.percent(40) {
                dice.between(1, 2)
            } else {
                0
            })
            .unwrap_or(0),
            stream_phones: usize::try_from(if dice.percent(30) {
                dice.between(1, 2)
            } else {
                0
            })
            .unwrap_or(0),
            refuse_percent: *dice.one_of(&[0, 5, 20]),
            ignore_percent: *dice.one_of(&[0, 5, 25]),
            die_percent: *dice.one_of(&[0, 0, 6]),
            break_percent: *dice.one_of(&[0, 4, 15]),
            deed_percent: *dice.one_of(&[0, 40, 90]),
            kill_us: often(dice, 30, 60_000_000),
            power_us: often(dice, 12, 90_000_000),
            disk_us: often(dice, 25, 50_000_000),
            database_us: often(dice, 30, 40_000_000),
            clock_us: often(dice, 35, 40_000_000),
            desk_us: often(dice, 70, 8_000_000),
            plan_us: often(dice, 15, 60_000_000),
            odd_percent: *dice.one_of(&[0, 5, 20]),
            has_feature_codes: dice.percent(40),
            ends_by_drain: dice.percent(25),
            is_short: dice.percent(50),
            settings,
        }
    }
}

fn level(dice: &mut Dice) -> u8 {
    *dice.one_of(&[1, 1, 1, 2, 3])
}

/// Two to six counsellors. The first can do everything, so that everybody can be served when all is healed.
fn agents(dice: &mut Dice) -> Vec<AgentSettings> {
    let count = dice.between(2, 6);
    (1..=count)
        .map(|number| {
            let mut agent = AgentSettings::new(&format!("tv{number:02}"));
            agent.wrap_up = *dice.one_of(&[
                WrapUp::None,
                WrapUp::Timed(1_000),
                WrapUp::Timed(3_000),
                WrapUp::Timed(6_000),
                WrapUp::UntilDone,
            ]);
            agent.hard_calls_max = *dice.one_of(&[None, Some(1), Some(3)]);
            (*dice.one_of(&["hanoi", "danang"])).clone_into(&mut agent.centre);
            agent.signs_in_by_registration = dice.percent(70);
            if number == 1 {
                agent.languages = vec![(VI, 1), (EN, 1), (TEST, 1)];
                return agent;
            }
            agent.is_in_training = dice.percent(10);
            agent.is_reserve = dice.percent(10);
            agent.languages = match dice.below(4) {
                0 => vec![(VI, level(dice)), (EN, level(dice))],
                1 => vec![(EN, level(dice))],
                _ => vec![(VI, level(dice))],
            };
            agent.services = (0..3)
                .filter(|_| dice.percent(70))
                .collect::<Vec<u16>>()
                .into_iter()
                .map(|service| (service, level(dice)))
                .collect();
            agent
        })
        .collect()
}
