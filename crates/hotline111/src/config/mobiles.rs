//! `[[mobile]]`: who is on call, away from the centre.

use super::floor::Floor;
use super::problem::Thing;
use super::section::{Section, resolve};
use super::skill;
use super::value::{Name, Placed};
use hotline_core::{CallerNumber, LanguageId, Level, Mobile};
use hotline_sip::Trunk;
use std::collections::BTreeMap;

pub(crate) fn mobiles(root: &mut Section<'_>, floor: &Floor, trunks: &[Trunk]) -> Vec<Mobile> {
    let mut mobiles = Vec::new();
    for mut section in root.tables("mobile") {
        let name = section.required::<Name>("name");
        let number = section.required::<String>("number");
        let over: Vec<Placed<String>> = section.list("trunks").unwrap_or_default();
        let names = trunks.iter().map(|trunk| trunk.name.as_str());
        for trunk in &over {
            resolve(section.notes(), Thing::Trunk, trunk, names.clone());
        }
        let languages: Vec<Placed<String>> = section.list("languages").unwrap_or_default();
        let languages = languages
            .iter()
            .map(|language| skill::read(section.notes(), language));
        let spoken: BTreeMap<LanguageId, Level> = languages
            .filter_map(|(code, level)| {
                floor.check_code(section.notes(), &code);
                Some((floor.language(&code.value)?, level))
            })
            .collect();
        section.finish();
        let (Some(name), Some(number)) = (name, number) else {
            continue;
        };
        mobiles.push(Mobile {
            name: name.0,
            number: CallerNumber::new(number),
            trunks: over.into_iter().map(|trunk| trunk.value).collect(),
            languages: if spoken.is_empty() {
                [(LanguageId(0), Level::BEST)].into()
            } else {
                spoken
            },
        });
    }
    mobiles
}
