//! The plan: configuration after every check. What stands here is good.

use crate::flow::{Flow, FlowClip};
use crate::ids::{AgentId, CentreId, FlowId, LanguageId, PromptId, QueueId, ServiceId};
use crate::number::CallerNumber;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A language; index 0 is the default (Vietnamese).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Language {
    /// Code of config/data/languages.csv, e.g. `vi`.
    pub code: String,
    /// Its core prompts exist, so it may be offered.
    pub is_open: bool,
}

/// A service: child protection, trafficking, information ...
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Name in configuration, record and log, e.g. `child`.
    pub name: String,
}

/// A prompt, in all its languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Id, e.g. `greet.main`.
    pub name: String,
    /// Length in milliseconds of each language that has a clip.
    pub length_ms: BTreeMap<LanguageId, u32>,
}

/// A clip that comforts a waiting caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comfort {
    /// Milliseconds after the caller entered the queue.
    pub at_ms: u32,
    /// What.
    pub prompt: PromptId,
}

/// How far the need of a waiting caller reaches, by the time in the queue. There is no longest wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Widening {
    /// Until then only counsellors of the caller's own centre, if it is known and somebody is on shift there, then
    /// those of all centres (20 s). Milliseconds, as all here.
    pub everywhere_ms: u32,
    /// From then on anybody who speaks the language, whatever services they take, and the reserve (40 s); None =
    /// never.
    pub anybody_ms: Option<u32>,
    /// From then on those on call are rung as well (90 s); None = never.
    pub mobiles_ms: Option<u32>,
    /// A supervisor is told (180 s); None = never.
    pub alarm_ms: Option<u32>,
}

/// Words for the counsellor alone, between the answer and the join, in the default language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// First, in a queue of the urgent.
    pub urgent: Option<PromptId>,
    /// Of the service that was chosen.
    pub services: BTreeMap<ServiceId, PromptId>,
    /// Of a language that is not the default one.
    pub languages: BTreeMap<LanguageId, PromptId>,
    /// The caller was with a counsellor before, and lost the line.
    pub again: Option<PromptId>,
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Name in configuration, record and log.
    pub name: String,
    /// rank = arrival in the queue - head start. May be negative (checked callers).
    pub head_start_ms: i32,
    /// A counsellor has this long to answer.
    pub ring_ms: u32,
    /// Clips at set times, rising.
    pub comfort: Vec<Comfort>,
    /// After the last of `comfort`: these in turn, ...
    pub comfort_loop: Vec<PromptId>,
    /// ... each this long after the one before; 0 = none.
    pub comfort_every_ms: u32,
    /// Played once when the caller enters, before the node's own clips (`danger.now`).
    pub entry_clips: Vec<FlowClip>,
    /// Played when no signed-in counsellor speaks the caller's language after `no_language_ms`; key 1 = default
    /// language.
    pub no_language: Option<PromptId>,
    /// See `no_language`.
    pub no_language_ms: u32,
    /// How the search widens while a caller waits.
    pub widening: Widening,
    /// The counsellor hears who comes (`Plan::announcement`) before the join.
    pub is_announced: bool,
    /// Its callers cannot wait; the announcement says so.
    pub is_urgent: bool,
}

/// A centre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Centre {
    /// Name in configuration, record and log.
    pub name: String,
}

/// How well a counsellor has a skill: 1 is best. Who has it better is chosen before who has been idle longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Level(pub u8);

impl Level {
    /// The best.
    pub const BEST: Self = Self(1);
    /// The last that still counts as having the skill.
    pub const LAST: Self = Self(9);
}

/// A counsellor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Account name, e.g. `tv01`.
    pub user: String,
    /// Name shown to people.
    pub name: String,
    /// Languages spoken, and how well.
    pub languages: BTreeMap<LanguageId, Level>,
    /// Services taken, and how well. A call without a service fits everybody.
    pub services: BTreeMap<ServiceId, Level>,
    /// Where they sit: callers whose home it is come first to them, and the only one there at night is not left
    /// unready.
    pub centre: CentreId,
    /// Paperwork after a call.
    pub wrap_up: WrapUp,
    /// After so many hard calls in a shift they get no more; None = no such limit.
    pub hard_calls_max: Option<u32>,
    /// Learns the work: gets simulated callers through the same queues, and nobody else.
    pub is_in_training: bool,
    /// Only gets callers who have waited so long that anybody with their language will do (supervisors).
    pub is_reserve: bool,
    /// Signed in and ready as soon as a phone is registered (until the web desk exists).
    pub is_signed_in_by_registration: bool,
}

/// How long paperwork after a call lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WrapUp {
    /// There is none.
    None,
    /// These milliseconds, or until they say that it is done.
    Timed(u32),
    /// Until they say that it is done.
    UntilDone,
}

/// A reason for not being ready that people may choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Name in configuration, record and log, e.g. `break`.
    pub name: String,
    /// So many milliseconds, and no more; None = for any time.
    pub max_ms: Option<u32>,
    /// What happens then.
    pub at_max: AtMax,
}

/// What happens when somebody has been away for as long as the reason allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AtMax {
    /// A supervisor is told.
    Alarm,
    /// They are ready again.
    Ready,
}

/// Feature codes that a counsellor dials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Feature {
    /// Break: not ready with this reason.
    Break(String),
    /// Sign in, ready.
    SignIn,
    /// Sign out.
    SignOut,
}

/// What happens to a call to a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteKind {
    /// Rings one counsellor (with hold music for the caller).
    Agent(AgentId),
    /// Answers and hangs up.
    AnswerAndEnd,
    /// The caller hears itself.
    Echo,
    /// A counsellor's own code: needs an account.
    Feature(Feature),
    /// IVR.
    Flow(FlowId),
    /// One prompt for ever (load tests, announcements).
    PlayForEver(PromptId),
    /// Straight into a queue.
    Queue {
        /// Which.
        queue: QueueId,
        /// With which service.
        service: Option<ServiceId>,
    },
    /// A counsellor's phone rings somebody outside.
    Outside {
        /// Whom.
        number: String,
        /// Over which trunks, in order.
        trunks: Vec<String>,
    },
}

/// Somebody on call, away from the centre: rung over a carrier when callers have waited long. They must press 1, so
/// that no voicemail ever gets a caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mobile {
    /// Name in configuration, record and log.
    pub name: String,
    /// Whose telephone it is; it masks itself.
    pub number: CallerNumber,
    /// Names of trunks, in the order in which they are tried.
    pub trunks: Vec<String>,
    /// Languages spoken.
    pub languages: BTreeMap<LanguageId, Level>,
}

/// Numbers outside that a counsellor may pass a caller on to, or ask for advice. The first that fits wins; a number
/// that fits none is never dialled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbound {
    /// Exact number, e.g. `113`, or with a last `%` = any rest, e.g. `024%`.
    pub dialled: String,
    /// Names of trunks, in the order in which they are tried; none: the number is not allowed, whatever a wider one
    /// behind it says.
    pub trunks: Vec<String>,
}

/// A dialled number and what it means. The first fitting route wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Exact number, e.g. `111`, `18001567`, `*11`; or with a last `*`-free wildcard `%` = any rest.
    pub dialled: String,
    /// Only calls from this trunk; None = any origin allowed by `from_accounts`.
    pub trunk: Option<String>,
    /// Phones may dial it (trunks may always, unless `trunk` names another).
    pub from_accounts: bool,
    /// What happens.
    pub kind: RouteKind,
    /// Record the call.
    pub is_recorded: bool,
    /// Calls to it are simulated: they go to counsellors in training and are counted nowhere. Never from a trunk.
    pub is_training: bool,
    /// The centre whose number this is; it goes before what else is known of a caller's home.
    pub centre: Option<CentreId>,
}

/// All times that are not a queue's or a counsellor's own. Milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Without a key the caller is in a queue this long after the answer, at the latest (30 s).
    pub entry_ms_max: u32,
    /// A caller whose counsellor was lost waits this long for the same one (20 s).
    pub reattach_grace_ms: u32,
    /// The only counsellor of a centre is ready again this long after RONA (30 s).
    pub lone_rona_ms: u32,
    /// A(n) abandoned call is "short" below this (10 s).
    pub short_ms: u32,
    /// A talk shorter than this was no counselling: no paperwork follows (10 s; 0 = paperwork after every talk).
    pub counselling_ms_min: u32,
    /// A rest of this length follows a hard call; 0 = none.
    pub recovery_ms: u32,
}

/// The whole plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Index = `LanguageId`; 0 = default.
    pub languages: Vec<Language>,
    /// Index = `ServiceId`.
    pub services: Vec<Service>,
    /// Index = `PromptId`.
    pub prompts: Vec<Prompt>,
    /// Index = `QueueId`.
    pub queues: Vec<Queue>,
    /// Index = `CentreId`.
    pub centres: Vec<Centre>,
    /// Index = `AgentId`.
    pub agents: Vec<Agent>,
    /// Index = `FlowId`.
    pub flows: Vec<Flow>,
    /// Index = `RouteId`.
    pub routes: Vec<Route>,
    /// Times.
    pub timing: Timing,
    /// Reasons for not being ready that people may choose.
    pub reasons: Vec<Reason>,
    /// Calls at once; one more is refused with `Cause::Overload`.
    pub calls_max: u32,
    /// The recording notice (`greet.record`): how much of it was heard is kept in the record.
    pub notice: Option<PromptId>,
    /// Last words at shutdown (`sys.down`).
    pub shutdown: Option<PromptId>,
    /// Said to a caller whose counsellor was lost (`sys.lost_agent`).
    pub lost_agent: Option<PromptId>,
    /// A short tone that tells a feature code worked (`tone.beep`).
    pub beep: Option<PromptId>,
    /// Who is on call.
    pub mobiles: Vec<Mobile>,
    /// Asks whoever is on call to press 1 (`agent.mobile_accept`); without it nobody is rung.
    pub mobile_accept: Option<PromptId>,
    /// What a counsellor is told of a caller before the join.
    pub announcement: Announcement,
    /// Numbers outside that counsellors may dial.
    pub outbound: Vec<Outbound>,
    /// Said to a caller who is being passed on (`xfer.wait`).
    pub transfer_wait: Option<PromptId>,
    /// Said to a caller whose transfer failed while the counsellor had gone (`xfer.fail`).
    pub transfer_failed: Option<PromptId>,
}

impl Plan {
    /// A reason by name.
    #[must_use]
    pub fn reason(&self, name: &str) -> Option<&Reason> {
        self.reasons.iter().find(|reason| reason.name == name)
    }
}
