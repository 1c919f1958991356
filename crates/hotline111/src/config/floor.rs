//! The floor: languages, services, centres, queues, counsellors, reasons, times.

use super::fault::{Notes, Severity};
use super::problem::{Problem, Thing};
use super::secret::{self, Secret};
use super::section::{Section, nearest, resolve};
use super::skill;
use super::sounds::Library;
use super::value::{Millis, Name, Placed, SignedMillis};
use hotline_core::{
    Agent, AtMax, CentreId, Comfort, FlowClip, Language, LanguageId, Level, PromptId, Queue,
    Reason, Service, ServiceId, Timing, Widening, WrapUp,
};
use std::collections::BTreeMap;

/// A counsellor (or another account) of the database; it replaces the one of the same name in the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentRow {
    /// Account name.
    pub user: String,
    /// Name shown to people.
    pub name: String,
    /// Codes, with levels.
    pub languages: Vec<String>,
    /// Names, with levels; empty = all.
    pub services: Vec<String>,
    /// Centre; empty = the home centre.
    pub centre: String,
    /// Paperwork; None = the floor's default.
    pub wrap_up: Option<WrapUp>,
    /// Hard calls of a shift; None = no limit.
    pub hard_calls_max: Option<u32>,
    /// Gets simulated callers only.
    pub is_in_training: bool,
    /// Gets only who has waited long.
    pub is_reserve: bool,
    /// Ready as soon as a phone is registered; None = the floor's default.
    pub is_signed_in_by_registration: Option<bool>,
    /// Takes calls. False removes the counsellor of that name in the files.
    pub is_counsellor: bool,
}

/// An account of the files that the database gets on its first start.
#[derive(Clone, Debug)]
pub(crate) struct SeedAccount {
    /// Account name.
    pub user: String,
    /// Name shown to people.
    pub name: String,
    /// None: the account is made by `user add`.
    pub password: Option<Secret>,
    /// Serves callers; else it is only a phone.
    pub is_counsellor: bool,
}

/// A centre and the languages on its keys 5 to 7.
#[derive(Clone, Debug, Default)]
pub(crate) struct Centre {
    pub(crate) name: String,
    pub(crate) slots: BTreeMap<char, String>,
}

/// What the rest of the configuration refers to by name.
#[derive(Clone, Debug)]
pub(crate) struct Floor {
    pub(crate) languages: Vec<Language>,
    pub(crate) services: Vec<Service>,
    pub(crate) centres: Vec<Centre>,
    pub(crate) home_centre: String,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) switches: BTreeMap<String, bool>,
    pub(crate) key_window_ms: u32,
    pub(crate) library: Library,
    pub(crate) wrap_up: WrapUp,
    is_signed_in_by_registration: bool,
}

/// The key slots that a centre fills.
const SLOTS: [char; 3] = ['5', '6', '7'];

impl Floor {
    pub(crate) fn language(&self, code: &str) -> Option<LanguageId> {
        let index = self
            .languages
            .iter()
            .position(|language| language.code == code)?;
        Some(LanguageId(u16::try_from(index).ok()?))
    }

    pub(crate) fn centre(&self, name: &str) -> Option<CentreId> {
        let index = self.centres.iter().position(|centre| centre.name == name)?;
        Some(CentreId(u16::try_from(index).ok()?))
    }

    /// The centre of counsellors for whom none is named.
    pub(crate) fn home(&self) -> CentreId {
        self.centre(&self.home_centre).unwrap_or_default()
    }

    pub(crate) fn open_language(&self, code: &str) -> Option<LanguageId> {
        let id = self.language(code)?;
        self.languages
            .get(usize::from(id.0))
            .filter(|language| language.is_open)?;
        Some(id)
    }

    /// A code that is offered, or at least known to the sounds; anything else is a fault.
    pub(crate) fn check_code(&self, notes: &Notes, code: &Placed<String>) {
        let offered = self.languages.iter().map(|language| language.code.as_str());
        if self.library.is_readable && self.language(&code.value).is_none() {
            let known = self.library.codes.iter().map(String::as_str);
            resolve(notes, Thing::Language, code, offered.chain(known));
        }
    }

    pub(crate) fn service(&self, notes: &Notes, name: &Placed<String>) -> Option<ServiceId> {
        let names = self.services.iter().map(|service| service.name.as_str());
        let index = resolve(notes, Thing::Service, name, names)?;
        Some(ServiceId(u16::try_from(index).ok()?))
    }

    /// A prompt by name. It must exist, and have a clip in the language in which it will be heard.
    pub(crate) fn prompt(&self, notes: &Notes, name: &Placed<String>) -> Option<FlowClip> {
        if !self.library.is_readable {
            return None;
        }
        let index = resolve(notes, Thing::Prompt, name, self.library.names())?;
        let prompt = PromptId(u16::try_from(index).ok()?);
        let spoken_in = self.library.spoken_in.get(index).cloned().flatten();
        let language = spoken_in.as_deref().and_then(|code| self.language(code));
        let heard_in = language.unwrap_or_default();
        // A prompt of a language that is not offered is dropped by whoever asks; it cannot be missing.
        let is_offered = spoken_in.is_none() || language.is_some();
        if is_offered && !self.library.has_clip(prompt, heard_in) {
            let code = self
                .languages
                .get(usize::from(heard_in.0))
                .map(|language| language.code.clone());
            notes.error(
                Some(name.place),
                Problem::PromptMissing {
                    prompt: name.value.clone(),
                    language: code.unwrap_or_default(),
                    is_core: self.library.is_core(prompt),
                },
            );
        }
        Some(FlowClip { prompt, language })
    }
}

/// Codes of the offered languages; the first is the default.
pub(crate) fn offered(root: &mut Section<'_>) -> Vec<Placed<String>> {
    let mut section = root.section("languages");
    let offered: Vec<Placed<Name>> = section.list("offered").unwrap_or_default();
    let notes = section.notes();
    for (index, code) in offered.iter().enumerate() {
        if offered
            .iter()
            .take(index)
            .any(|other| other.value == code.value)
        {
            let problem = Problem::Twice {
                thing: Thing::Language,
                name: code.value.0.clone(),
            };
            notes.error(Some(code.place), problem);
        }
    }
    section.finish();
    let named = offered.into_iter().map(|code| Placed {
        value: code.value.0,
        place: code.place,
    });
    named.collect()
}

/// Reads what has names. `offered` are the languages that the library was read for.
pub(crate) fn floor(root: &mut Section<'_>, offered: &[Placed<String>], library: Library) -> Floor {
    let notes = root.notes();
    let mut floor = Floor {
        languages: Vec::new(),
        services: Vec::new(),
        centres: Vec::new(),
        home_centre: String::new(),
        reasons: Vec::new(),
        switches: BTreeMap::new(),
        key_window_ms: 0,
        library,
        wrap_up: WrapUp::None,
        is_signed_in_by_registration: false,
    };
    let mut closed: Vec<&str> = Vec::new();
    for (index, code) in offered.iter().enumerate() {
        let missing = floor.library.missing_core.get(index).map_or(0, Vec::len);
        // The default language opens whatever is missing: callers hear what there is.
        let is_open = index == 0 || missing == 0;
        let is_known = floor.library.codes.contains(&code.value);
        if floor.library.is_readable && !is_known {
            resolve(
                notes,
                Thing::Language,
                code,
                floor.library.codes.iter().map(String::as_str),
            );
        } else if !is_open {
            closed.push(&code.value);
        }
        floor.languages.push(Language {
            code: code.value.clone(),
            is_open,
        });
    }
    if let (Some(first), false) = (offered.first(), closed.is_empty()) {
        notes.say(
            Severity::Note,
            Some(first.place),
            Problem::LanguagesClosed(closed.join(", ")),
        );
    }
    if floor.languages.is_empty() {
        floor.languages.push(Language {
            code: "vi".to_owned(),
            is_open: true,
        });
    }

    let mut section = root.section("floor");
    let services = ["child", "trafficking", "information"]
        .map(|name| Name(name.to_owned()))
        .to_vec();
    for name in section.list_or("services", services) {
        floor.services.push(Service { name: name.0 });
    }
    let reasons = ["break", "meal", "meeting", "training", "distress"]
        .map(|name| Name(name.to_owned()))
        .to_vec();
    let reasons = section.list_or("reasons", reasons);
    floor.home_centre = section.or("home_centre", Name("hanoi".to_owned())).0;
    floor.wrap_up = wrap_up(&mut section, WrapUp::Timed(30_000));
    floor.is_signed_in_by_registration = section.or("signed_in_by_registration", true);
    section.finish();
    floor.reasons = self::reasons(root, reasons);

    centres(root, &mut floor);
    ivr(root, &mut floor);
    floor
}

/// `[reason.NAME]` says more of the reasons in `[floor]`: how long one may be away, and what happens then.
fn reasons(root: &mut Section<'_>, names: Vec<Name>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = names
        .into_iter()
        .map(|name| Reason {
            name: name.0,
            max_ms: None,
            at_max: AtMax::Alarm,
        })
        .collect();
    for (name, mut section) in root.named("reason") {
        let known = reasons.iter().map(|reason| reason.name.as_str());
        let index = resolve(section.notes(), Thing::Reason, &name, known);
        let max = section.required::<Millis>("max");
        let is_ready = section.or("ready_again", false);
        section.finish();
        if let Some(reason) = index.and_then(|index| reasons.get_mut(index)) {
            reason.max_ms = max.map(|max| max.0);
            if is_ready {
                reason.at_max = AtMax::Ready;
            }
        }
    }
    reasons
}

/// `wrap_up = "30s"`, and `wrap_up_until_done = true` for paperwork that no clock ends.
fn wrap_up(section: &mut Section<'_>, default: WrapUp) -> WrapUp {
    let (usual_ms, is_usually_until_done) = match default {
        WrapUp::None => (0, false),
        WrapUp::Timed(length_ms) => (length_ms, false),
        WrapUp::UntilDone => (0, true),
    };
    let length = section.or_within("wrap_up", Millis(usual_ms), Millis(0), Millis(3_600_000));
    let is_usually_until_done = is_usually_until_done && !section.has("wrap_up");
    if section.or("wrap_up_until_done", is_usually_until_done) {
        WrapUp::UntilDone
    } else {
        timed(length.0)
    }
}

/// No time is no paperwork.
pub(crate) const fn timed(length_ms: u32) -> WrapUp {
    match length_ms {
        0 => WrapUp::None,
        length_ms => WrapUp::Timed(length_ms),
    }
}

fn centres(root: &mut Section<'_>, floor: &mut Floor) {
    let home = floor.home_centre.clone();
    for (name, mut section) in root.named("centre") {
        let mut slots = section.section("slots");
        let mut centre = Centre {
            name: name.value,
            slots: BTreeMap::new(),
        };
        for slot in SLOTS {
            let key = slot.to_string();
            if let Some(code) = slots.optional::<Placed<Name>>(&key) {
                let code = Placed {
                    value: code.value.0,
                    place: code.place,
                };
                floor.check_code(slots.notes(), &code);
                centre.slots.insert(slot, code.value);
            }
        }
        slots.finish();
        section.finish();
        floor.centres.push(centre);
    }
    if floor.centres.is_empty() {
        floor.centres.push(Centre {
            name: home.clone(),
            slots: BTreeMap::new(),
        });
    }
    if !floor.centres.iter().any(|centre| centre.name == home) {
        let mut section = root.section("floor");
        let place = section.value_place("home_centre");
        let nearest = nearest(
            &home,
            floor.centres.iter().map(|centre| centre.name.as_str()),
        );
        section.entry("home_centre");
        section.notes().error(
            place,
            Problem::Unknown {
                thing: Thing::Centre,
                name: home,
                nearest,
            },
        );
    }
}

fn ivr(root: &mut Section<'_>, floor: &mut Floor) {
    let mut section = root.section("ivr");
    floor.key_window_ms = section
        .or_within("key_window", Millis(4_000), Millis(1_000), Millis(30_000))
        .0;
    let mut switches = section.section("switch");
    for (name, _) in switches.every() {
        let is_on = switches.optional(name).unwrap_or_default();
        floor.switches.insert(name.to_owned(), is_on);
    }
    switches.finish();
    section.finish();
}

/// Reads `[queue.*]`.
pub(crate) fn queues(root: &mut Section<'_>, floor: &Floor) -> Vec<Queue> {
    let mut queues = Vec::new();
    for (name, mut section) in root.named("queue") {
        let notes = section.notes();
        let limit = SignedMillis(3_600_000);
        let head_start = section.or_within(
            "head_start",
            SignedMillis(0),
            SignedMillis(-3_600_000),
            limit,
        );
        let ring = section.or_within("ring", Millis(20_000), Millis(3_000), Millis(120_000));
        let comfort = comfort(&mut section, floor);
        let every = section.or_within("then_every", Millis(30_000), Millis(0), Millis(3_600_000));
        let prompts = |list: Vec<Placed<String>>| -> Vec<FlowClip> {
            list.iter()
                .filter_map(|name| floor.prompt(notes, name))
                .collect()
        };
        let comfort_loop = prompts(section.list("then_say").unwrap_or_default());
        let entry_clips = prompts(section.list("entry_say").unwrap_or_default());
        let no_language = section.optional::<Placed<String>>("no_language_say");
        let no_language = no_language
            .and_then(|name| floor.prompt(notes, &name))
            .map(|clip| clip.prompt);
        let after = section.or_within(
            "no_language_after",
            Millis(60_000),
            Millis(0),
            Millis(3_600_000),
        );
        let widening = widening(&mut section);
        let is_announced = section.or("announce", false);
        let is_urgent = section.or("urgent", false);
        section.finish();
        queues.push(Queue {
            name: name.value,
            head_start_ms: head_start.0,
            ring_ms: ring.0,
            comfort,
            comfort_every_ms: if comfort_loop.is_empty() { 0 } else { every.0 },
            comfort_loop: comfort_loop.iter().map(|clip| clip.prompt).collect(),
            entry_clips,
            no_language,
            no_language_ms: after.0,
            widening,
            is_announced,
            is_urgent,
        });
    }
    queues
}

/// `everywhere_after`, `anybody_after`, `mobiles_after`, `alarm_after`: how the search widens while a caller waits.
fn widening(section: &mut Section<'_>) -> Widening {
    let hour = Millis(3_600_000);
    let everywhere = section.or_within("everywhere_after", Millis(20_000), Millis(0), hour);
    let anybody = section.or_within("anybody_after", Millis(40_000), Millis(0), hour);
    let mobiles = section.or_within("mobiles_after", Millis(90_000), Millis(0), hour);
    let alarm = section.or_within("alarm_after", Millis(180_000), Millis(0), hour);
    // No time: never. Everywhere is the exception: without a time it is where the search begins.
    Widening {
        everywhere_ms: everywhere.0,
        anybody_ms: (anybody.0 > 0).then_some(anybody.0),
        mobiles_ms: (mobiles.0 > 0).then_some(mobiles.0),
        alarm_ms: (alarm.0 > 0).then_some(alarm.0),
    }
}

/// `comfort = [{ at = "15s", say = "queue.hold" }, …]`
fn comfort(section: &mut Section<'_>, floor: &Floor) -> Vec<Comfort> {
    let notes = section.notes();
    let mut comfort: Vec<Comfort> = Vec::new();
    for mut clip in section.tables("comfort") {
        let at = clip.required::<Millis>("at");
        let say = clip
            .required::<Placed<String>>("say")
            .and_then(|name| floor.prompt(notes, &name));
        if let (Some(at), Some(say)) = (at, say) {
            if comfort.last().is_some_and(|before| before.at_ms >= at.0) {
                notes.error(
                    clip.value_place("at"),
                    Problem::NotRising("comfort".to_owned()),
                );
            }
            comfort.push(Comfort {
                at_ms: at.0,
                prompt: say.prompt,
            });
        }
        clip.finish();
    }
    comfort
}

/// Reads `[[agent]]` and lays the database's rows over it.
pub(crate) fn agents(
    root: &mut Section<'_>,
    floor: &Floor,
    rows: &[AgentRow],
) -> (Vec<Agent>, Vec<SeedAccount>) {
    let mut agents: Vec<Agent> = Vec::new();
    let mut seeds = Vec::new();
    for mut section in root.tables("agent") {
        let Some(user) = section.required::<Placed<Name>>("user") else {
            section.finish();
            continue;
        };
        section.call(format!("agent.{}", user.value.0));
        if agents.iter().any(|agent| agent.user == user.value.0) {
            let problem = Problem::Twice {
                thing: Thing::Agent,
                name: user.value.0.clone(),
            };
            section.notes().error(Some(user.place), problem);
        }
        let agent = agent(&mut section, floor, user.value.0);
        let password = secret::read(&mut section, "password");
        seeds.push(SeedAccount {
            user: agent.user.clone(),
            name: agent.name.clone(),
            password,
            is_counsellor: true,
        });
        agents.push(agent);
        section.finish();
    }
    for row in rows {
        agents.retain(|agent| agent.user != row.user);
        if row.is_counsellor {
            agents.push(agent_of_row(floor, row));
        }
    }
    (agents, seeds)
}

fn agent(section: &mut Section<'_>, floor: &Floor, user: String) -> Agent {
    let notes = section.notes();
    let name = section.or("name", user.clone());
    let languages: Vec<Placed<String>> = section.list("languages").unwrap_or_default();
    let services: Option<Vec<Placed<String>>> = section.list("services");
    let centre = section.optional::<Placed<String>>("centre");
    let centre_index = centre.as_ref().and_then(|centre| {
        resolve(
            notes,
            Thing::Centre,
            centre,
            floor.centres.iter().map(|centre| centre.name.as_str()),
        )
    });
    let languages: Vec<_> = languages
        .iter()
        .map(|language| skill::read(notes, language))
        .collect();
    for (code, _) in &languages {
        floor.check_code(notes, code);
    }
    let spoken = languages
        .iter()
        .filter_map(|(code, level)| Some((floor.language(&code.value)?, *level)));
    let all = || {
        (0..floor.services.len())
            .filter_map(|index| Some((ServiceId(u16::try_from(index).ok()?), Level::BEST)))
            .collect()
    };
    Agent {
        user,
        name,
        languages: if languages.is_empty() {
            [(LanguageId(0), Level::BEST)].into()
        } else {
            spoken.collect()
        },
        services: services.map_or_else(all, |list| {
            list.iter()
                .map(|service| skill::read(notes, service))
                .filter_map(|(name, level)| Some((floor.service(notes, &name)?, level)))
                .collect()
        }),
        centre: centre_index
            .and_then(|index| Some(CentreId(u16::try_from(index).ok()?)))
            .unwrap_or_else(|| floor.home()),
        wrap_up: wrap_up(section, floor.wrap_up),
        hard_calls_max: section.optional("hard_calls_max"),
        is_in_training: section.or("training", false),
        is_reserve: section.or("reserve", false),
        is_signed_in_by_registration: section.or(
            "signed_in_by_registration",
            floor.is_signed_in_by_registration,
        ),
    }
}

/// What the database says of a counsellor; languages and services that this configuration does not have any
/// more do not count.
fn agent_of_row(floor: &Floor, row: &AgentRow) -> Agent {
    let languages: BTreeMap<LanguageId, Level> = row
        .languages
        .iter()
        .filter_map(|language| skill::split(language))
        .filter_map(|(code, level)| Some((floor.language(code)?, level)))
        .collect();
    let taken: Vec<_> = row
        .services
        .iter()
        .filter_map(|service| skill::split(service))
        .collect();
    let level = |service: &Service| {
        if row.services.is_empty() {
            return Some(Level::BEST);
        }
        let own = taken.iter().find(|(name, _)| *name == service.name);
        own.map(|(_, level)| *level)
    };
    let services = floor.services.iter().enumerate();
    Agent {
        user: row.user.clone(),
        name: row.name.clone(),
        languages: if languages.is_empty() {
            [(LanguageId(0), Level::BEST)].into()
        } else {
            languages
        },
        services: services
            .filter_map(|(index, service)| {
                Some((ServiceId(u16::try_from(index).ok()?), level(service)?))
            })
            .collect(),
        centre: floor.centre(&row.centre).unwrap_or_else(|| floor.home()),
        wrap_up: row.wrap_up.unwrap_or(floor.wrap_up),
        hard_calls_max: row.hard_calls_max,
        is_in_training: row.is_in_training,
        is_reserve: row.is_reserve,
        is_signed_in_by_registration: row
            .is_signed_in_by_registration
            .unwrap_or(floor.is_signed_in_by_registration),
    }
}

/// Reads `[[phone]]`: accounts that are no counsellors, such as a test phone.
pub(crate) fn phones(root: &mut Section<'_>, seeds: &mut Vec<SeedAccount>) {
    for mut section in root.tables("phone") {
        if let Some(user) = section.required::<Placed<Name>>("user") {
            section.call(format!("phone.{}", user.value.0));
            if seeds.iter().any(|seed| seed.user == user.value.0) {
                let problem = Problem::Twice {
                    thing: Thing::Agent,
                    name: user.value.0.clone(),
                };
                section.notes().error(Some(user.place), problem);
            }
            let name = section.or("name", user.value.0.clone());
            let password = secret::read(&mut section, "password");
            seeds.push(SeedAccount {
                user: user.value.0,
                name,
                password,
                is_counsellor: false,
            });
        }
        section.finish();
    }
}

/// Reads `[timing]`.
pub(crate) fn timing(root: &mut Section<'_>) -> Timing {
    let mut section = root.section("timing");
    let minute = Millis(60_000);
    let timing = Timing {
        // The law of the line: without a key the caller is in a queue within 30 s. It may be made stricter.
        entry_ms_max: section
            .or_within("entry_max", Millis(30_000), Millis(5_000), Millis(30_000))
            .0,
        reattach_grace_ms: section
            .or_within("reattach_grace", Millis(20_000), Millis(0), minute)
            .0,
        lone_rona_ms: section
            .or_within("lone_rona", Millis(30_000), Millis(1_000), Millis(600_000))
            .0,
        short_ms: section
            .or_within("short", Millis(10_000), Millis(0), minute)
            .0,
        counselling_ms_min: section
            .or_within("counselling_min", Millis(10_000), Millis(0), minute)
            .0,
        recovery_ms: section
            .or_within("recovery", Millis(300_000), Millis(0), Millis(3_600_000))
            .0,
    };
    section.finish();
    timing
}

impl From<&hotline_store::Account> for AgentRow {
    fn from(account: &hotline_store::Account) -> Self {
        Self {
            user: account.user.clone(),
            name: account.name.clone(),
            languages: account.languages.clone(),
            services: account.services.clone(),
            centre: account.centre.clone(),
            wrap_up: Some(match account.wrap_up_s {
                Some(length_s) => timed(length_s.saturating_mul(1_000)),
                None => WrapUp::UntilDone,
            }),
            hard_calls_max: account.hard_calls_max,
            is_in_training: account.is_in_training,
            is_reserve: account.is_reserve,
            is_signed_in_by_registration: Some(account.is_signed_in_by_registration),
            is_counsellor: account.role == hotline_store::Role::Counsellor,
        }
    }
}
