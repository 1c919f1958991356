//! The catalogue of log lines: one line per milestone, with the call. Engines do not log; what they state and
//! say is written here. Caller numbers arrive masked by their type.

use hotline_core::{AgentId, Alarm, CallRecord, CallerNumber, Fact, Notice, Plan, Standing};
use hotline_sip::TrunkState;
use hotline_switchboard::Say;
use tracing::{debug, error, info, warn};

/// The milestones of a call and of counsellors, from facts.
pub(crate) fn fact(fact: &Fact) {
    match fact {
        Fact::Started { version } => info!(version, "server started"),
        Fact::Arrived {
            call,
            caller,
            dialled,
            origin,
            route,
            ..
        } => {
            let dialled = shown(dialled, route);
            info!(%call, %caller, dialled, origin, route, "call arrived");
        }
        Fact::Answered { call } => info!(%call, "call answered"),
        Fact::Node { call, node } => debug!(%call, node, "menu"),
        Fact::Key { call, node, key } => info!(%call, node, key = %key.key(), "key pressed"),
        Fact::LanguageChosen { call, language } => info!(%call, language, "language chosen"),
        Fact::SpokeAtMenu { call } => info!(%call, "caller spoke at the menu"),
        Fact::InformationHeard { call, node } => info!(%call, node, "information heard"),
        Fact::Queued {
            call,
            queue,
            service,
            head_start_ms,
            is_silent,
        } => {
            info!(%call, queue, service, head_start_ms, is_silent, "call queued");
        }
        Fact::Offered { call, agent, .. } => info!(%call, agent, "counsellor rung"),
        Fact::OfferEnded {
            call,
            agent,
            outcome,
        } => info!(%call, agent, ?outcome, "ringing ended"),
        Fact::Joined { call, agent } => info!(%call, agent, "caller and counsellor joined"),
        Fact::NoticeHeard { call, notice } => {
            let (heard, for_ms) = match notice {
                Notice::Full => ("full", None),
                Notice::None => ("nothing", None),
                Notice::Partial(for_ms) => ("partial", Some(for_ms)),
            };
            info!(%call, heard, for_ms, "recording notice");
        }
        Fact::AgentLost { call, agent } => {
            warn!(%call, agent, "counsellor lost, caller back in the queue")
        }
        Fact::Recording { call, state } => info!(%call, ?state, "recording"),
        Fact::Ended { call, by, cause } => info!(%call, ?by, ?cause, "call ended"),
        Fact::MobileRung { call, mobile, .. } => info!(%call, mobile, "somebody on call is rung"),
        Fact::MobileEnded {
            call,
            mobile,
            outcome,
        } => info!(%call, mobile, ?outcome, "call to somebody on call ended"),
        Fact::HomeCentre { call, centre } => info!(%call, centre, "caller's own centre"),
        Fact::Widened { call, reach } => info!(%call, ?reach, "search widens"),
        Fact::HardCall { call, agent } => info!(%call, agent, "hard call"),
        Fact::Held { call } => info!(%call, "caller on hold"),
        Fact::Resumed { call } => info!(%call, "counsellor back from hold"),
        Fact::Consulting {
            call,
            agent,
            consult,
        } => info!(%call, agent, %consult, "counsellor asks for advice"),
        Fact::TransferBegan { call, agent, to } => {
            info!(%call, agent, ?to, "caller is being passed on");
        }
        Fact::TransferEnded {
            call,
            agent,
            outcome,
        } => info!(%call, agent, ?outcome, "transfer over"),
        Fact::Taken { call, consult, .. } => {
            info!(%call, %consult, "party of the call for advice taken");
        }
        Fact::JoinedOutside { call, number, .. } => {
            info!(%call, %number, "joined with somebody outside");
        }
        Fact::OutsideLost { call } => warn!(%call, "line of somebody outside lost"),
        Fact::PhoneChanged { call, agent, .. } => info!(%call, agent, "counsellor changes phones"),
        Fact::AgentState {
            agent,
            standing,
            why,
        } => {
            let (state, reason, call) = match standing {
                Standing::Consulting(call) => ("consulting", None, Some(call)),
                Standing::Held(call) => ("held", None, Some(call)),
                Standing::NotReady(reason) => ("not_ready", Some(reason), None),
                Standing::Offered(call) => ("offered", None, Some(call)),
                Standing::Ready => ("ready", None, None),
                Standing::Recovery(call) => ("recovery", None, Some(call)),
                Standing::SignedOut => ("signed_out", None, None),
                Standing::Talking(call) => ("talking", None, Some(call)),
                Standing::WrapUp(call) => ("wrap_up", None, Some(call)),
            };
            let call = call.map(tracing::field::display);
            info!(agent, state, reason, call, why, "counsellor state");
        }
    }
}

/// Numbers of the line are no secret. One that leads nowhere may be somebody's: it is masked like a caller's.
fn shown(dialled: &str, route: &str) -> String {
    if route == NO_ROUTE {
        CallerNumber::new(dialled.to_owned()).to_string()
    } else {
        dialled.to_owned()
    }
}

/// What core calls the route of a number that has none.
const NO_ROUTE: &str = "none";

/// The last line of a call: what became of it.
pub(crate) fn fate(record: &CallRecord, short_ms: u32) {
    // An echo test, a feature code: no call of the line.
    if !record.is_counted {
        return;
    }
    if let Some(fate) = record.fate(short_ms) {
        info!(call = %record.call, fate = fate.code(), wait_ms = record.wait_ms, talk_ms = record.talk_ms, "fate");
    }
}

/// What the edge tells.
pub(crate) fn say(say: &Say) {
    match say {
        Say::Banned {
            address,
            reason,
            length_ms,
        } => {
            let length_s = length_ms / 1_000;
            warn!(%address, ?reason, length_s, "address banned");
        }
        Say::Trunk { trunk, state } => match state {
            TrunkState::Up => info!(trunk, "trunk up"),
            TrunkState::Down => {
                error!(
                    alarm = "trunk_down",
                    trunk, "trunk down: no address of it answers"
                )
            }
            TrunkState::Registered(granted_s) => info!(trunk, granted_s, "registered with trunk"),
            TrunkState::Refused(status) => {
                error!(
                    alarm = "trunk_refused",
                    trunk, status, "trunk does not take our registration"
                )
            }
        },
        Say::NoMediaPort { leg } => {
            error!(alarm = "no_media_port", %leg, "no media port for a leg")
        }
        Say::MediaLost { leg, call } => {
            let call = call.map(|call| call.to_string()).unwrap_or_default();
            warn!(%leg, call, "audio has stopped coming");
        }
        Say::OneWay {
            leg,
            call,
            is_heard,
        } => {
            let call = call.map(|call| call.to_string()).unwrap_or_default();
            let what = if *is_heard {
                "the other side hears nothing of us"
            } else {
                "the other side speaks and nothing arrives"
            };
            warn!(%leg, call, "audio goes one way only: {what}");
        }
        Say::PoorAudio {
            leg,
            call,
            mean_opinion,
        } => {
            let call = call.map(|call| call.to_string()).unwrap_or_default();
            warn!(%leg, call, mean_opinion, "poor audio");
        }
        Say::ForeignMedia { leg } => {
            error!(alarm = "foreign_media", %leg, "strangers send to a media port");
        }
        Say::Contact { account, state } => info!(account, state, "phone"),
        Say::ContactReplaced {
            account,
            replaced,
            by,
        } => {
            warn!(alarm = "contact_replaced", account, %replaced, %by, "another device took the place of a phone");
        }
        Say::PromptMissing { prompt } => {
            error!(
                alarm = "prompt_missing",
                prompt, "a prompt is missing, a tone is played"
            );
        }
        Say::RecordingFailed { call, error } => {
            error!(alarm = "recording_failed", %call, error, "recording failed, the call goes on");
        }
        Say::Refused { rejection, source } => debug!(?rejection, %source, "request refused"),
        Say::SdpRefused { leg, error } => warn!(%leg, error, "audio could not be agreed on"),
    }
}

/// A person did, or saw, something that must be accounted for.
pub(crate) fn audit(audit: &hotline_core::Audit) {
    let call = audit.call.map(|call| call.to_string()).unwrap_or_default();
    let (who, deed, about) = (&audit.who, &audit.deed, &audit.about);
    info!(who, deed, about, call, "audited");
}

/// Somebody must get up.
pub(crate) fn alarm(alarm: &Alarm, plan: &Plan) {
    let user = |agent: &AgentId| {
        let place = usize::try_from(agent.0).unwrap_or(usize::MAX);
        plan.agents
            .get(place)
            .map_or("?", |agent| agent.user.as_str())
    };
    match alarm {
        Alarm::Bug { call, text } => {
            let call = call.map(|call| call.to_string()).unwrap_or_default();
            error!(alarm = alarm_name(alarm), call, text, "a fault of ours");
        }
        Alarm::BreakTooLong { agent } => {
            error!(
                alarm = alarm_name(alarm),
                agent = agent.0,
                "a counsellor is away for too long"
            );
        }
        Alarm::WaitTooLong { call } => {
            error!(alarm = alarm_name(alarm), %call, "a caller waits for too long");
        }
        Alarm::HardCallsMax { agent } => {
            error!(
                alarm = alarm_name(alarm),
                agent = agent.0,
                "a counsellor has had as many hard calls as a shift may have"
            );
        }
        Alarm::LoneAgentNoAnswer { agent } => {
            error!(
                alarm = alarm_name(alarm),
                agent = user(agent),
                "the only counsellor did not answer"
            );
        }
        Alarm::PhoneUnreachable { agent } => {
            error!(
                alarm = alarm_name(alarm),
                agent = user(agent),
                "a counsellor's phone is dead"
            );
        }
        Alarm::NobodySignedIn { call } => {
            error!(alarm = alarm_name(alarm), %call, "a caller waits and nobody is signed in");
        }
    }
}

/// Name of an alarm in log, metrics and RUNBOOK.
pub(crate) const fn alarm_name(alarm: &Alarm) -> &'static str {
    match alarm {
        Alarm::BreakTooLong { .. } => "break_too_long",
        Alarm::Bug { .. } => "bug",
        Alarm::HardCallsMax { .. } => "hard_calls_max",
        Alarm::WaitTooLong { .. } => "wait_too_long",
        Alarm::LoneAgentNoAnswer { .. } => "lone_agent_no_answer",
        Alarm::PhoneUnreachable { .. } => "phone_unreachable",
        Alarm::NobodySignedIn { .. } => "nobody_signed_in",
    }
}

/// The alarm that a line of the edge raises, if it does.
pub(crate) const fn say_alarm(say: &Say) -> Option<&'static str> {
    match say {
        Say::Trunk { state, .. } => match state {
            TrunkState::Down => Some("trunk_down"),
            TrunkState::Refused(_) => Some("trunk_refused"),
            TrunkState::Registered(_) | TrunkState::Up => None,
        },
        Say::NoMediaPort { .. } => Some("no_media_port"),
        Say::ForeignMedia { .. } => Some("foreign_media"),
        Say::ContactReplaced { .. } => Some("contact_replaced"),
        Say::PromptMissing { .. } => Some("prompt_missing"),
        Say::RecordingFailed { .. } => Some("recording_failed"),
        Say::Banned { .. }
        | Say::MediaLost { .. }
        | Say::OneWay { .. }
        | Say::PoorAudio { .. }
        | Say::Contact { .. }
        | Say::Refused { .. }
        | Say::SdpRefused { .. } => None,
    }
}

/// The journal cannot be written, or can again.
pub(crate) fn journal(is_troubled: bool) {
    if is_troubled {
        error!(
            alarm = "journal_trouble",
            "the journal cannot be written, calls go on"
        );
    } else {
        info!("the journal is written again");
    }
}

/// The disk of the recordings is nearly full, or no longer.
pub(crate) fn disk(is_full: bool) {
    if is_full {
        error!(
            alarm = "disk_full",
            "the disk is nearly full, recordings stop, calls go on"
        );
    } else {
        info!("the disk has room again, recordings go on");
    }
}

/// A media worker takes no commands: it has ended, or is hopelessly behind.
pub(crate) fn media_worker(worker: u16) {
    error!(
        alarm = "media_worker",
        worker, "a media worker takes no commands"
    );
}

/// The database takes no rows, or takes them again.
pub(crate) fn projector(is_behind: bool, status: &hotline_store::ProjectorStatus) {
    if is_behind {
        let failure = status.failure.as_deref().unwrap_or("it does not answer");
        let frames = status.lag_frames;
        error!(
            alarm = "projector_behind",
            failure, frames, "the database takes no rows, calls go on"
        );
    } else {
        info!("the database takes rows again");
    }
}

/// The database cannot be opened at the start.
pub(crate) fn store_waits(error: &hotline_store::StoreError) {
    let error = error as &dyn std::error::Error;
    error!(
        alarm = "projector_behind",
        error, "the database cannot be opened, trying again"
    );
}

/// A trunk's call was refused at a hard limit.
pub(crate) fn trunk_shed(call: hotline_core::CallId) {
    error!(alarm = "trunk_shed", %call, "a call was refused: a hard limit is reached");
}

/// What the journal of the run before held.
pub(crate) fn recovered(recovery: hotline_store::Recovery) {
    if recovery.damaged_segments > 0 {
        let segments = recovery.damaged_segments;
        error!(
            alarm = "journal_damaged",
            segments, "the journal has damaged segments, they are kept aside"
        );
    }
    if !recovery.is_new {
        info!(frames = recovery.frames, "journal read");
    }
}
