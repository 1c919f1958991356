//! Reads the configuration into a plan and settings. What comes out is good; what is wrong is told, all of it.
//!
//! Built-in values < hotline111.toml and queues.toml < conf.d/*.toml < `HOTLINE111__SIP__UDP` < `--set`.

mod announce;
mod areas;
mod fault;
mod floor;
mod flow;
mod flow_check;
mod listen;
mod mobiles;
mod problem;
mod reach;
mod routes;
mod secret;
mod section;
mod settings;
pub(crate) mod skill;
mod sounds;
mod source;
#[cfg(test)]
mod tests;
mod tongue;
mod tree;
mod trunks;
mod value;
mod wav;

pub(crate) use fault::{Fault, Severity, Shown};
pub(crate) use floor::{AgentRow, SeedAccount};
pub(crate) use listen::{ListenerSettings, TlsSettings, TlsTrunk};
pub(crate) use problem::Problem;
pub(crate) use settings::{MediaSettings, ServerSettings, SipSettings};
pub(crate) use sounds::{LanguageState, SoundFile};
pub(crate) use tongue::Tongue;
pub(crate) use value::{is_name, parse_millis};

use fault::Notes;
use floor::{Centre, Floor};
use flow::{Context, FlowFile};
use hotline_core::{Flow, Plan, PromptId};
use section::Section;
use source::{Kind, NOWHERE, Sources};
use std::path::{Path, PathBuf};
use tree::Table;
use value::Placed;

/// What a load depends on besides the files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// `--set key=value`, in order.
    pub overrides: Vec<String>,
    /// The environment; only names that begin with `HOTLINE111__` count.
    pub environment: Vec<(String, String)>,
    /// Counsellors of the database; they go before those of the files.
    pub agents: Vec<AgentRow>,
    /// Start although core prompts of the default language are missing.
    pub accept_missing: bool,
}

impl Options {
    /// Where the control socket is when nobody says otherwise.
    pub(crate) const CONTROL_SOCKET: &'static str = "/run/hotline111/control.sock";
}

/// A configuration in force.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// For the switch.
    pub plan: Plan,
    /// For the shell.
    pub server: ServerSettings,
    /// For the endpoint.
    pub sip: SipSettings,
    /// For the media workers.
    pub media: MediaSettings,
    /// Clips to load, by prompt and language; the index is the clip's number towards the media side.
    pub sounds: Vec<SoundFile>,
    /// The centre of counsellors for whom none is named.
    pub home_centre: String,
    /// Paperwork of counsellors for whom no time is given.
    pub wrap_up: hotline_core::WrapUp,
    /// How far each offered language is.
    pub languages: Vec<LanguageState>,
    /// Hold music: index into `sounds`.
    pub music: Option<usize>,
    /// Accounts of the files, for a database that does not have them yet.
    pub seeds: Vec<SeedAccount>,
    /// Warnings and notes.
    pub warnings: Vec<Fault>,
    /// Every value in force and where it comes from.
    pub values: Vec<Shown>,
}

/// Begin of the names of environment variables that set values.
const ENVIRONMENT_PREFIX: &str = "HOTLINE111__";
/// Files of one folder that are read.
const FILES_MAX: usize = 256;

/// Reads everything. Err holds every fault found, warnings and notes too.
pub(crate) fn load(path: &Path, options: &Options) -> Result<Loaded, Vec<Fault>> {
    // Absolute, so that a path which is already complete stays as it is when it is joined again.
    let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let notes = Notes::new(&folder, options.accept_missing);
    let mut sources = Sources::default();
    let table = read_tree(path, &folder, options, &mut sources, &notes);
    let flows = flow::read_files(&folder.join("ivr"), &mut sources, &notes);
    let mut root = Section::root(&notes, &table, None);
    let loaded = read_all(&mut root, &folder, &flows, options, &mut sources, &notes);
    root.finish();
    match loaded {
        Some(loaded) if !notes.has_errors() => Ok(Loaded {
            warnings: notes.faults(&sources),
            values: notes.shown(&sources),
            ..loaded
        }),
        Some(_) | None => Err(notes.faults(&sources)),
    }
}

/// The clips in the order of their numbers: prompt, code of the plan's language under which it is found (sounds
/// without words stand under the default language), file.
pub(crate) fn load_sounds(loaded: &Loaded) -> Vec<(String, String, PathBuf)> {
    let code = |file: &SoundFile| {
        let language = loaded.plan.languages.get(usize::from(file.language.0));
        language.map_or_else(|| file.code.clone(), |language| language.code.clone())
    };
    loaded
        .sounds
        .iter()
        .map(|file| (file.name.clone(), code(file), file.path.clone()))
        .collect()
}

fn read_all(
    root: &mut Section<'_>,
    folder: &Path,
    flows: &[FlowFile],
    options: &Options,
    sources: &mut Sources,
    notes: &Notes,
) -> Option<Loaded> {
    let server = settings::server(root, folder);
    let mut limits = root.section("limits");
    let calls_max = limits.or_within("calls", 1_000_u32, 1, 100_000);
    limits.finish();
    let sip = settings::sip(root, folder, calls_max);
    let media = settings::media(root, &sip);
    reach::check(root, &sip, &media, notes);

    let mut offered = floor::offered(root);
    if offered.is_empty() {
        offered.push(Placed {
            value: "vi".to_owned(),
            place: NOWHERE,
        });
    }
    let codes: Vec<String> = offered.iter().map(|code| code.value.clone()).collect();
    let library = sounds::Library::read(&server.sounds_dir, &codes, sources, notes);
    let floor = floor::floor(root, &offered, library);
    let queues = floor::queues(root, &floor);
    let (agents, mut seeds) = floor::agents(root, &floor, &options.agents);
    floor::phones(root, &mut seeds);
    let timing = floor::timing(root);
    let prompts = prompts(root, &floor, notes);
    let is_announced = queues.iter().any(|queue| queue.is_announced);
    let announcement = announce::announcement(root, &floor, is_announced);
    let mut targets = routes::Targets {
        floor: &floor,
        queues: &queues,
        agents: &agents,
        trunks: &sip.trunks,
        flows: flows.iter().map(|file| file.name.clone()).collect(),
        wanted: Vec::new(),
    };
    let routes = routes::routes(root, &mut targets);
    let wanted = targets.wanted;
    let outbound = trunks::outbound(root, &sip.trunks);
    let mobiles = mobiles::mobiles(root, &floor, &sip.trunks);
    let flows = compile(flows, &wanted, &floor, &queues, timing.entry_ms_max, notes)?;
    let index = |prompt: Option<PromptId>| {
        floor
            .library
            .files
            .iter()
            .position(|file| Some(file.prompt) == prompt)
    };
    Some(Loaded {
        server,
        sip,
        media,
        home_centre: floor.home_centre.clone(),
        wrap_up: floor.wrap_up,
        languages: language_states(&floor),
        music: index(prompts.music),
        sounds: floor.library.files,
        seeds,
        warnings: Vec::new(),
        values: Vec::new(),
        plan: Plan {
            languages: floor.languages,
            services: floor.services,
            prompts: floor.library.prompts,
            queues,
            centres: floor
                .centres
                .iter()
                .map(|centre| hotline_core::Centre {
                    name: centre.name.clone(),
                })
                .collect(),
            agents,
            flows,
            routes,
            timing,
            reasons: floor.reasons,
            calls_max,
            notice: prompts.notice,
            shutdown: prompts.shutdown,
            lost_agent: prompts.lost_agent,
            beep: prompts.beep,
            // Without anybody on call the words need not exist.
            mobile_accept: prompts.mobile_accept.filter(|_| !mobiles.is_empty()),
            mobiles,
            announcement,
            outbound,
            transfer_wait: prompts.transfer_wait,
            transfer_failed: prompts.transfer_failed,
        },
    })
}

fn language_states(floor: &Floor) -> Vec<LanguageState> {
    let state = |(index, language): (usize, &hotline_core::Language)| {
        let files = || {
            floor
                .library
                .files
                .iter()
                .filter(|file| file.code == language.code)
        };
        LanguageState {
            code: language.code.clone(),
            is_open: language.is_open,
            clips: files().count(),
            placeholders: files().filter(|file| file.is_placeholder).count(),
            missing_core: floor
                .library
                .missing_core
                .get(index)
                .cloned()
                .unwrap_or_default(),
        }
    };
    floor.languages.iter().enumerate().map(state).collect()
}

/// Prompts that the server itself needs.
struct OwnPrompts {
    notice: Option<PromptId>,
    shutdown: Option<PromptId>,
    lost_agent: Option<PromptId>,
    transfer_wait: Option<PromptId>,
    transfer_failed: Option<PromptId>,
    mobile_accept: Option<PromptId>,
    beep: Option<PromptId>,
    music: Option<PromptId>,
}

fn prompts(root: &mut Section<'_>, floor: &Floor, notes: &Notes) -> OwnPrompts {
    let mut section = root.section("prompts");
    let mut prompt = |key: &str, usual: &str| {
        let place = section.value_place(key).unwrap_or(NOWHERE);
        let value = section.or(key, usual.to_owned());
        floor
            .prompt(notes, &Placed { value, place })
            .map(|clip| clip.prompt)
    };
    let own = OwnPrompts {
        notice: prompt("notice", "greet.record"),
        shutdown: prompt("shutdown", "sys.down"),
        lost_agent: prompt("lost_agent", "sys.lost_agent"),
        transfer_wait: prompt("transfer_wait", "xfer.wait"),
        transfer_failed: prompt("transfer_failed", "xfer.fail"),
        mobile_accept: prompt("mobile_accept", "agent.mobile_accept"),
        beep: prompt("beep", "tone.beep"),
        music: prompt("music", "tone.moh"),
    };
    section.finish();
    own
}

/// Compiles the flows that routes want. A flow that no route wants is checked all the same.
fn compile(
    files: &[FlowFile],
    wanted: &[(usize, String)],
    floor: &Floor,
    queues: &[hotline_core::Queue],
    entry_ms_max: u32,
    notes: &Notes,
) -> Option<Vec<Flow>> {
    let nowhere = Centre::default();
    let context = |centre: &str| Context {
        floor,
        centre: floor
            .centres
            .iter()
            .find(|known| known.name == centre)
            .unwrap_or(&nowhere),
        queues,
        entry_ms_max,
    };
    for (index, file) in files.iter().enumerate() {
        if !wanted.iter().any(|(flow, _)| *flow == index) {
            flow::compile(file, file.name.clone(), &context(&floor.home_centre), notes);
        }
    }
    let flows: Vec<Option<Flow>> = wanted
        .iter()
        .map(|(index, centre)| {
            let file = files.get(*index)?;
            let is_home = *centre == floor.home_centre;
            let name = if is_home {
                file.name.clone()
            } else {
                format!("{}.{centre}", file.name)
            };
            flow::compile(file, name, &context(centre), notes)
        })
        .collect();
    flows.into_iter().collect()
}

/// All sources laid over one another.
fn read_tree(
    path: &Path,
    folder: &Path,
    options: &Options,
    sources: &mut Sources,
    notes: &Notes,
) -> Table {
    let mut table = Table::default();
    let queues = folder.join("queues.toml");
    let mut files = vec![path.to_owned()];
    files.extend(queues.exists().then_some(queues));
    files.extend(toml_files(&folder.join("conf.d"), notes));
    for file in files {
        let Some(text) = read_text(&file, notes) else {
            continue;
        };
        tree::merge(
            &mut table,
            tree::parse(sources, Kind::File(file), text, notes),
        );
    }
    let mut environment: Vec<&(String, String)> = options.environment.iter().collect();
    environment.sort();
    for (name, value) in environment {
        let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) else {
            continue;
        };
        let keys: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
        let kind = Kind::Environment(name.clone());
        tree::merge(
            &mut table,
            tree::single(sources, kind, format!("{name}={value}"), &keys),
        );
    }
    for text in &options.overrides {
        let key = text.split_once('=').map_or(text.as_str(), |(key, _)| key);
        let keys: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
        tree::merge(
            &mut table,
            tree::single(sources, Kind::CommandLine, text.clone(), &keys),
        );
    }
    table
}

fn read_text(path: &Path, notes: &Notes) -> Option<String> {
    std::fs::read_to_string(path)
        .map_err(|error| {
            let problem = Problem::CannotRead {
                what: path.display().to_string(),
                error: error.to_string(),
            };
            notes.error(None, problem);
        })
        .ok()
}

/// The TOML files of a folder by name; none when there is no such folder.
fn toml_files(folder: &Path, notes: &Notes) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let problem = Problem::CannotRead {
                what: folder.display().to_string(),
                error: error.to_string(),
            };
            notes.error(None, problem);
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    files.truncate(FILES_MAX);
    files
}
