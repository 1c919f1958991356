//! The script of a scenario: settings, then one deed a line.
//!
//! ```text
//! # What the scenario shows.
//! agent lan languages vi,en services child wrap-up 5
//! phone lan
//!  0.0  anna dials 111
//!  1.5  anna presses 1
//! 60.0  end
//! ```

use crate::world::plan::{AgentSettings, EN, SERVICES, Settings, TEST, VI};
use crate::world::say::Kind;
use hotline_core::{Widening, WrapUp};

/// A phone of a counsellor.
#[derive(Clone, Debug)]
pub(super) struct PhoneSettings {
    pub(super) name: String,
    pub(super) user: String,
    pub(super) is_stream: bool,
    /// Not registered when the story begins.
    pub(super) is_off: bool,
}

#[derive(Clone, Debug)]
pub(super) struct CallerSettings {
    pub(super) name: String,
    pub(super) number: String,
    pub(super) is_south: bool,
    pub(super) is_stranger: bool,
    pub(super) is_stream: bool,
}

/// One deed.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    pub(super) line: usize,
    pub(super) at_us: u64,
    pub(super) who: String,
    pub(super) words: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) settings: Settings,
    pub(super) phones: Vec<PhoneSettings>,
    pub(super) callers: Vec<CallerSettings>,
    pub(super) deeds: Vec<Deed>,
    pub(super) end_us: u64,
    pub(super) shown: Vec<Kind>,
    pub(super) delay_us: u64,
    pub(super) waived: Vec<u8>,
}

pub(super) fn parse(text: &str) -> Result<Script, String> {
    let mut script = Script {
        settings: Settings::default(),
        phones: Vec::new(),
        callers: Vec::new(),
        deeds: Vec::new(),
        end_us: 0,
        shown: vec![
            Kind::Deed,
            Kind::Fact,
            Kind::Heard,
            Kind::Signal,
            Kind::Server,
        ],
        delay_us: 0,
        waived: Vec::new(),
    };
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        // A `#` is also a key: a remark begins the line, or stands behind two spaces.
        let content = if line.trim_start().starts_with('#') {
            ""
        } else {
            line
        };
        let content = content.split("  # ").next().unwrap_or_default();
        let words: Vec<String> = content.split_whitespace().map(str::to_owned).collect();
        let Some(first) = words.first() else { continue };
        let result = match first.parse::<f64>() {
            Ok(seconds) => deed(&mut script, line_number, seconds, &words),
            Err(_) => setting(&mut script, &words),
        };
        result.map_err(|fault| format!("line {line_number}: {fault}: {line}"))?;
    }
    Ok(script)
}

fn deed(script: &mut Script, line: usize, seconds: f64, words: &[String]) -> Result<(), String> {
    let at_us = (seconds * 1_000_000.0).round() as u64;
    script.end_us = script.end_us.max(at_us);
    let who = words.get(1).ok_or("nobody does anything")?;
    if who == "end" {
        return Ok(());
    }
    script.deeds.push(Deed {
        line,
        at_us,
        who: who.clone(),
        words: words.get(2..).unwrap_or_default().to_vec(),
    });
    Ok(())
}

fn setting(script: &mut Script, words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["agent", name, rest @ ..] => {
            let mut agent = AgentSettings::new(name);
            agent_words(&mut agent, rest)?;
            script.settings.agents.push(agent);
        }
        ["phone", name, rest @ ..] => {
            let user = option(rest, "for").unwrap_or(name);
            script.phones.push(PhoneSettings {
                name: (*name).to_owned(),
                user: (*user).to_owned(),
                is_stream: rest.contains(&"tcp"),
                is_off: rest.contains(&"off"),
            });
        }
        ["caller", name, rest @ ..] => script.callers.push(CallerSettings {
            name: (*name).to_owned(),
            number: match (rest.contains(&"anonymous"), option(rest, "number")) {
                (true, _) => String::new(),
                (false, Some(number)) => (*number).to_owned(),
                (false, None) => default_number(script.callers.len()),
            },
            is_south: rest.contains(&"south"),
            is_stranger: rest.contains(&"stranger"),
            is_stream: rest.contains(&"tcp"),
        }),
        ["set", "ring", seconds] => script.settings.ring_ms = number(seconds)? * 1_000,
        ["set", "calls", count] => script.settings.calls_max = number(count)?,
        ["set", "announce"] => script.settings.is_announced = true,
        ["set", "widening"] => {
            script.settings.widening = Widening {
                everywhere_ms: 20_000,
                anybody_ms: Some(40_000),
                mobiles_ms: None,
                alarm_ms: Some(180_000),
            };
        }
        ["set", "counselling", seconds] => {
            script.settings.counselling_ms_min = number(seconds)? * 1_000;
        }
        ["set", "ports", count] => {
            script.settings.ports = u16::try_from(number(count)?).unwrap_or(u16::MAX)
        }
        ["set", "clip", name, seconds] => script
            .settings
            .clips
            .push(((*name).to_owned(), number(seconds)? * 1_000)),
        ["network", "delay", millis] => script.delay_us = u64::from(number(millis)?) * 1_000,
        ["show", "small"] => script.shown.push(Kind::SmallSignal),
        ["hide", what] => script.shown.retain(|kind| Some(*kind) != kind_of(what)),
        ["waive", invariant] => script
            .waived
            .push(u8::try_from(number(invariant)?).unwrap_or(0)),
        _ => return Err("not a setting".to_owned()),
    }
    Ok(())
}

fn agent_words(agent: &mut AgentSettings, words: &[&str]) -> Result<(), String> {
    let mut rest = words;
    while let Some((word, more)) = rest.split_first() {
        rest = more;
        if *word == "reserve" {
            agent.is_reserve = true;
            continue;
        }
        if *word == "training" {
            agent.is_in_training = true;
            continue;
        }
        if *word == "by-hand" {
            agent.signs_in_by_registration = false;
            continue;
        }
        let (value, more) = rest
            .split_first()
            .ok_or_else(|| format!("{word} needs a value"))?;
        rest = more;
        match *word {
            "languages" => {
                agent.languages = value
                    .split(',')
                    .map(|skill| {
                        let (code, level) = skill_of(skill)?;
                        match code {
                            "vi" => Ok((VI, level)),
                            "en" => Ok((EN, level)),
                            "xx" => Ok((TEST, level)),
                            _ => Err(format!("no language {code}")),
                        }
                    })
                    .collect::<Result<_, _>>()?;
            }
            "services" => {
                agent.services = value
                    .split(',')
                    .filter(|name| *name != "none")
                    .map(|skill| {
                        let (name, level) = skill_of(skill)?;
                        let index = SERVICES.iter().position(|service| *service == name);
                        index
                            .and_then(|index| u16::try_from(index).ok())
                            .map(|index| (index, level))
                            .ok_or_else(|| format!("no service {name}"))
                    })
                    .collect::<Result<_, _>>()?;
            }
            "wrap-up" => {
                agent.wrap_up = match *value {
                    "done" => WrapUp::UntilDone,
                    "0" => WrapUp::None,
                    seconds => WrapUp::Timed(number(seconds)? * 1_000),
                }
            }
            "hard" => agent.hard_calls_max = Some(number(value)?),
            "centre" => (*value).clone_into(&mut agent.centre),
            _ => return Err(format!("no such word: {word}")),
        }
    }
    Ok(())
}

/// `en:2`: the second best level; without a number the best.
fn skill_of(skill: &str) -> Result<(&str, u8), String> {
    match skill.split_once(':') {
        Some((name, level)) => {
            let level = u8::try_from(number(level)?).map_err(|_too_high| "no level")?;
            Ok((name, level))
        }
        None => Ok((skill, 1)),
    }
}

pub(super) fn default_number(index: usize) -> String {
    format!("09120000{:02}", index + 1)
}

fn kind_of(word: &str) -> Option<Kind> {
    match word {
        "deeds" => Some(Kind::Deed),
        "facts" => Some(Kind::Fact),
        "heard" => Some(Kind::Heard),
        "signals" => Some(Kind::Signal),
        "server" => Some(Kind::Server),
        _ => None,
    }
}

fn option<'a, 'b>(words: &'a [&'b str], name: &str) -> Option<&'a &'b str> {
    let at = words.iter().position(|word| *word == name)?;
    words.get(at + 1)
}

pub(super) fn number(word: &str) -> Result<u32, String> {
    word.parse()
        .map_err(|_not_a_number| format!("{word} is no number"))
}
