//! Skills with levels: `en` is `en:1`, the best; `en:9` is the last that still counts.

use super::fault::Notes;
use super::problem::Problem;
use super::value::Placed;
use hotline_core::Level;

/// Name and level; None when the level is none.
pub(crate) fn split(skill: &str) -> Option<(&str, Level)> {
    let Some((name, level)) = skill.split_once(':') else {
        return Some((skill, Level::BEST));
    };
    let level = Level(level.parse().ok()?);
    (Level::BEST..=Level::LAST)
        .contains(&level)
        .then_some((name, level))
}

/// As it is written: the best level needs no number.
pub(crate) fn join(name: &str, level: Level) -> String {
    if level == Level::BEST {
        name.to_owned()
    } else {
        format!("{name}:{}", level.0)
    }
}

/// A skill of a file; a wrong level is told and taken for the best.
pub(crate) fn read(notes: &Notes, skill: &Placed<String>) -> (Placed<String>, Level) {
    let (name, level) = split(&skill.value).unwrap_or_else(|| {
        let problem = Problem::OutOfRange {
            key: skill.value.clone(),
            found: format!("`{}`", skill.value),
            least: Level::BEST.0.to_string(),
            most: Level::LAST.0.to_string(),
        };
        notes.error(Some(skill.place), problem);
        let name = skill.value.split(':').next().unwrap_or_default();
        (name, Level::BEST)
    });
    let name = Placed {
        value: name.to_owned(),
        place: skill.place,
    };
    (name, level)
}
