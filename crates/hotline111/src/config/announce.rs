//! `[announcement]`: what a counsellor hears of a caller before the join, in queues with `announce = true`.

use super::floor::Floor;
use super::section::Section;
use super::source::NOWHERE;
use super::value::Placed;
use hotline_core::{Announcement, LanguageId, PromptId, ServiceId};

/// Words of services that are not named in the file.
const USUAL: [(&str, &str); 2] = [("child", "agent.child"), ("trafficking", "agent.traf")];

/// Without a queue that announces, no prompt needs to exist.
pub(crate) fn announcement(root: &mut Section<'_>, floor: &Floor, is_wanted: bool) -> Announcement {
    let mut section = root.section("announcement");
    let urgent = prompt(&mut section, floor, "urgent", "agent.urgent", is_wanted);
    let again = prompt(&mut section, floor, "again", "agent.again", is_wanted);
    let prefix = section.or("languages", "agent.lang".to_owned());
    let mut of_services = section.section("services");
    let services = (0u16..).map(ServiceId).zip(&floor.services);
    let services = services
        .filter_map(|(id, service)| {
            let usual = USUAL.iter().find(|(name, _)| *name == service.name);
            let usual = usual.map(|(_, prompt)| *prompt);
            if usual.is_none() && !of_services.has(&service.name) {
                return None;
            }
            let usual = usual.unwrap_or_default();
            let found = prompt(&mut of_services, floor, &service.name, usual, is_wanted)?;
            Some((id, found))
        })
        .collect();
    of_services.finish();
    section.finish();
    Announcement {
        urgent,
        services,
        languages: languages(floor, &prefix),
        again,
    }
}

/// A language without such a prompt is not said.
fn languages(floor: &Floor, prefix: &str) -> std::collections::BTreeMap<LanguageId, PromptId> {
    let languages = (0u16..).map(LanguageId).zip(&floor.languages).skip(1);
    languages
        .filter_map(|(id, language)| {
            let name = format!("{prefix}.{}", language.code);
            let at = floor.library.names().position(|known| known == name)?;
            Some((id, PromptId(u16::try_from(at).ok()?)))
        })
        .collect()
}

fn prompt(
    section: &mut Section<'_>,
    floor: &Floor,
    key: &str,
    usual: &str,
    is_wanted: bool,
) -> Option<PromptId> {
    let place = section.value_place(key).unwrap_or(NOWHERE);
    let value = section.or(key, usual.to_owned());
    let named = Placed { value, place };
    is_wanted
        .then(|| floor.prompt(section.notes(), &named))?
        .map(|clip| clip.prompt)
}
