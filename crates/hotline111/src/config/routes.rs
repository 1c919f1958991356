//! Routes: what a dialled number means.

use super::fault::Notes;
use super::floor::Floor;
use super::problem::{Expected, Problem, Thing};
use super::section::{Section, resolve};
use super::source::Place;
use super::value::{Name, Placed, Scalar};
use hotline_core::{Agent, AgentId, CentreId, Feature, FlowId, Queue, QueueId, Route, RouteKind};

/// What routes may lead to.
pub(crate) struct Targets<'t> {
    pub(crate) floor: &'t Floor,
    pub(crate) queues: &'t [Queue],
    pub(crate) agents: &'t [Agent],
    pub(crate) trunks: &'t [hotline_sip::Trunk],
    /// Names of the flow files.
    pub(crate) flows: Vec<String>,
    /// Flows that routes want, each for one centre: (index into `flows`, centre). Index = `FlowId`.
    pub(crate) wanted: Vec<(usize, String)>,
}

/// The keys of which a route has exactly one.
const KINDS: [&str; 7] = [
    "flow",
    "queue",
    "agent",
    "echo",
    "play",
    "answer_and_end",
    "feature",
];
/// Longest dialled number.
const DIALLED_LENGTH_MAX: usize = 64;

/// Reads `[[route]]`.
pub(crate) fn routes(root: &mut Section<'_>, targets: &mut Targets<'_>) -> Vec<Route> {
    let mut routes: Vec<(Route, Place)> = Vec::new();
    let notes = root.notes();
    for mut section in root.tables("route") {
        let dialled: Vec<Placed<String>> = section.list("dialled").unwrap_or_default();
        if dialled.is_empty() {
            let problem = Problem::Missing {
                key: "dialled".to_owned(),
                section: section.title(),
            };
            section.notes().error(section.place(), problem);
        }
        if let Some(first) = dialled.first() {
            section.call(format!("route.{}", first.value));
        }
        let route = route(&mut section, targets);
        for number in dialled {
            check_number(&section, &number);
            if let Some(route) = &route {
                routes.push((
                    Route {
                        dialled: number.value,
                        ..route.clone()
                    },
                    number.place,
                ));
            }
        }
        section.finish();
    }
    // The most exact route goes first, so that a file of conf.d can add a carrier's own route for 111.
    routes.sort_by_key(|(route, _)| {
        let wildcard = route.dialled.strip_suffix('%');
        (
            route.trunk.is_none(),
            wildcard.is_some(),
            wildcard.map_or(0, |start| usize::MAX - start.len()),
        )
    });
    check_shadows(notes, &routes);
    routes.into_iter().map(|(route, _)| route).collect()
}

fn route(section: &mut Section<'_>, targets: &mut Targets<'_>) -> Option<Route> {
    let notes = section.notes();
    let trunk = section.optional::<Placed<String>>("trunk");
    if let Some(trunk) = &trunk {
        resolve(
            notes,
            Thing::Trunk,
            trunk,
            targets.trunks.iter().map(|trunk| trunk.name.as_str()),
        );
    }
    let from_accounts = section.or("from_phones", trunk.is_none());
    let given: Vec<&str> = KINDS.into_iter().filter(|key| section.has(key)).collect();
    let kind = match given.as_slice() {
        [key] => kind(section, key, targets),
        [] | [_, ..] => {
            for key in KINDS {
                section.entry(key);
            }
            section.entry("service");
            section.entry("centre");
            section.entry("reason");
            let keys = KINDS.map(|key| format!("`{key}`")).join(", ");
            notes.error(
                section.place(),
                Problem::OneOf {
                    section: section.title(),
                    keys,
                },
            );
            None
        }
    };
    let is_talk = match &kind {
        Some(RouteKind::Agent(_) | RouteKind::Flow(_) | RouteKind::Queue { .. }) => true,
        Some(
            RouteKind::AnswerAndEnd
            | RouteKind::Echo
            | RouteKind::Feature(_)
            | RouteKind::Outside { .. }
            | RouteKind::PlayForEver(_),
        )
        | None => false,
    };
    let is_recorded = section.or("record", is_talk);
    let is_training = section.or("training", false);
    let home = home(section, targets, matches!(kind, Some(RouteKind::Flow(_))));
    Some(Route {
        dialled: String::new(),
        trunk: trunk.map(|trunk| trunk.value),
        from_accounts,
        kind: kind?,
        is_recorded,
        is_training,
        centre: home,
    })
}

/// The number of a centre: whoever dials it is at home there. For a flow `centre` has been checked already.
fn home(section: &mut Section<'_>, targets: &Targets<'_>, is_checked: bool) -> Option<CentreId> {
    let item = &section.entry("centre")?.item;
    let name = Placed {
        value: String::read(item)?,
        place: item.place,
    };
    if !is_checked {
        let centres = targets.floor.centres.iter();
        let names = centres.map(|centre| centre.name.as_str());
        resolve(section.notes(), Thing::Centre, &name, names)?;
    }
    targets.floor.centre(&name.value)
}

fn kind(section: &mut Section<'_>, key: &str, targets: &mut Targets<'_>) -> Option<RouteKind> {
    let notes = section.notes();
    let name = match key {
        "echo" | "answer_and_end" => {
            // `echo = false` would be a route to nowhere.
            let is_on = section.optional::<bool>(key)?;
            if !is_on {
                let problem = Problem::OneOf {
                    section: section.title(),
                    keys: format!("`{key} = true`, …"),
                };
                notes.error(section.value_place(key), problem);
            }
            return Some(if key == "echo" {
                RouteKind::Echo
            } else {
                RouteKind::AnswerAndEnd
            });
        }
        _ => section.optional::<Placed<String>>(key)?,
    };
    match key {
        "flow" => {
            let index = resolve(
                notes,
                Thing::Flow,
                &name,
                targets.flows.iter().map(String::as_str),
            );
            let centre = centre(section, targets);
            Some(RouteKind::Flow(targets.want(index?, centre)))
        }
        "queue" => {
            let index = resolve(
                notes,
                Thing::Queue,
                &name,
                targets.queues.iter().map(|queue| queue.name.as_str()),
            );
            let service = section.optional::<Placed<String>>("service");
            let service = service.and_then(|name| targets.floor.service(notes, &name));
            Some(RouteKind::Queue {
                queue: QueueId(u16::try_from(index?).ok()?),
                service,
            })
        }
        "agent" => {
            let index = resolve(
                notes,
                Thing::Agent,
                &name,
                targets.agents.iter().map(|agent| agent.user.as_str()),
            )?;
            Some(RouteKind::Agent(AgentId(u32::try_from(index).ok()?)))
        }
        "play" => targets
            .floor
            .prompt(notes, &name)
            .map(|clip| RouteKind::PlayForEver(clip.prompt)),
        _ => feature(section, &name, targets),
    }
}

fn feature(
    section: &mut Section<'_>,
    name: &Placed<String>,
    targets: &Targets<'_>,
) -> Option<RouteKind> {
    let notes = section.notes();
    let names = ["sign_in", "sign_out", "break"];
    let feature = match resolve(notes, Thing::Kind, name, names.into_iter())? {
        0 => Feature::SignIn,
        1 => Feature::SignOut,
        _ => {
            let reason = section.optional::<Placed<Name>>("reason");
            let reason = reason.map(|reason| Placed {
                value: reason.value.0,
                place: reason.place,
            });
            let reasons = &targets.floor.reasons;
            if let Some(reason) = &reason {
                resolve(
                    notes,
                    Thing::Reason,
                    reason,
                    reasons.iter().map(|reason| reason.name.as_str()),
                )?;
            }
            Feature::Break(reason.map_or_else(
                || {
                    reasons
                        .first()
                        .map(|reason| reason.name.clone())
                        .unwrap_or_default()
                },
                |reason| reason.value,
            ))
        }
    };
    Some(RouteKind::Feature(feature))
}

fn centre(section: &mut Section<'_>, targets: &Targets<'_>) -> String {
    let centres = targets
        .floor
        .centres
        .iter()
        .map(|centre| centre.name.as_str());
    let given = section.optional::<Placed<String>>("centre");
    if let Some(given) = &given {
        resolve(section.notes(), Thing::Centre, given, centres);
    }
    given.map_or_else(|| targets.floor.home_centre.clone(), |given| given.value)
}

impl Targets<'_> {
    fn want(&mut self, flow: usize, centre: String) -> FlowId {
        let wanted = (flow, centre);
        let index = self
            .wanted
            .iter()
            .position(|known| *known == wanted)
            .unwrap_or_else(|| {
                self.wanted.push(wanted);
                self.wanted.len() - 1
            });
        FlowId(u16::try_from(index).unwrap_or(u16::MAX))
    }
}

/// Whether a dialled number of the configuration is one.
pub(crate) fn check_number(section: &Section<'_>, number: &Placed<String>) {
    let (body, _) = number.value.split_once('%').unwrap_or((&number.value, ""));
    let is_wild_inside = number
        .value
        .find('%')
        .is_some_and(|at| at + 1 != number.value.len());
    let is_fine = |letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '*' | '#' | '+' | '.' | '_' | '-')
    };
    let is_empty = number.value.is_empty() || number.value.len() > DIALLED_LENGTH_MAX;
    if is_empty || is_wild_inside || !body.chars().all(is_fine) {
        let problem = Problem::BadValue {
            key: "dialled".to_owned(),
            expected: Expected::Dialled,
            found: format!("\"{}\"", number.value.escape_debug()),
        };
        section.notes().error(Some(number.place), problem);
    }
}

/// A route whose calls are all taken by one before it is a fault.
fn check_shadows(notes: &Notes, routes: &[(Route, Place)]) {
    for (index, (route, place)) in routes.iter().enumerate() {
        let shadow = routes.iter().take(index).find(|(before, _)| {
            let takes_number = match before.dialled.strip_suffix('%') {
                Some(start) => route.dialled.starts_with(start),
                None => before.dialled == route.dialled,
            };
            let takes_trunk = before.trunk.is_none() || before.trunk == route.trunk;
            let takes_phones = before.from_accounts || !route.from_accounts;
            takes_number && takes_trunk && takes_phones
        });
        if let Some((before, _)) = shadow {
            let problem = Problem::RouteShadowed {
                dialled: route.dialled.clone(),
                by: before.dialled.clone(),
            };
            notes.error(Some(*place), problem);
        }
    }
}
