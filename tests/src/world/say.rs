//! One legible line per thing that happens.

use super::media::Heard;
use super::text::Text;
use hotline_core::{Alarm, Fact, OfferOutcome, Standing};
use hotline_switchboard::Say;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// One line of a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub at_us: u64,
    pub who: String,
    pub what: String,
    pub kind: Kind,
}

/// So that a scenario can leave out what it is not about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A caller's or a counsellor's doing.
    Deed,
    Fact,
    Heard,
    Signal,
    /// ACK, 100, REGISTER, OPTIONS: only when asked for.
    SmallSignal,
    /// Alarms, says, the server's own life.
    Server,
    /// Commands to the worker, network losses: only in traces.
    Inner,
}

impl Line {
    #[must_use]
    pub fn print(&self) -> String {
        let seconds = self.at_us / 1_000_000;
        let millis = self.at_us / 1_000 % 1_000;
        format!("{seconds:>5}.{millis:03}  {:<9} {}", self.who, self.what)
            .trim_end()
            .to_owned()
    }
}

/// A message in a few words, with the arrow as the peer sees it.
#[must_use]
pub fn signal(text: &Text, is_from_peer: bool) -> (String, Kind) {
    let arrow = if is_from_peer { '→' } else { '←' };
    let method = text.method();
    let words = match text.status() {
        Some(status) => {
            let mut words = format!("{arrow} {status} to {method}");
            if let Some(seconds) = text.header("Retry-After") {
                let _ = write!(words, ", retry after {seconds} s");
            }
            words
        }
        None => {
            let mut words = format!("{arrow} {method}");
            if method == "INVITE" && text.tag("To").is_none() {
                let _ = write!(
                    words,
                    " {}",
                    if is_from_peer {
                        text.request_user()
                    } else {
                        display(text)
                    }
                );
            }
            if let Some(reason) = text
                .header("Reason")
                .and_then(|value| value.split("text=").nth(1))
            {
                let _ = write!(words, " {reason}");
            }
            words
        }
    };
    let is_small = matches!(method, "ACK" | "REGISTER" | "OPTIONS") || text.status() == Some(100);
    (
        words,
        if is_small {
            Kind::SmallSignal
        } else {
            Kind::Signal
        },
    )
}

/// What a phone shows of the call.
fn display(text: &Text) -> &str {
    let from = text.header("From").unwrap_or_default();
    from.split('<')
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches('"')
}

#[must_use]
pub fn heard(heard: &Heard, name_of: impl Fn(u64) -> String) -> String {
    match heard {
        Heard::Nothing => "hears nothing".to_owned(),
        Heard::Clip(name) => format!("hears {name}"),
        Heard::Music => "hears music".to_owned(),
        Heard::Soft => "hears the soft bed".to_owned(),
        Heard::Leg(leg) => format!("hears {}", name_of(*leg)),
        Heard::Itself => "hears itself".to_owned(),
    }
}

/// Whom a fact is about (a call or a counsellor) and what it says.
#[must_use]
pub fn fact(fact: &Fact) -> String {
    match fact {
        Fact::Started { .. } => "the server starts".to_owned(),
        Fact::Arrived {
            dialled,
            origin,
            route,
            is_counted,
            ..
        } => {
            let row = if *is_counted { "" } else { ", no row" };
            format!("arrived: {dialled} by {origin}, route {route}{row}")
        }
        Fact::Answered { .. } => "answered".to_owned(),
        Fact::Node { node, .. } => format!("node {node}"),
        Fact::Key { node, key, .. } => format!("key {} in {node}", key.key()),
        Fact::LanguageChosen { language, .. } => format!("language {language}"),
        Fact::SpokeAtMenu { .. } => "spoke at the menu".to_owned(),
        Fact::InformationHeard { node, .. } => format!("heard {node} to its end"),
        Fact::Queued {
            queue,
            service,
            head_start_ms,
            is_silent,
            ..
        } => {
            let service = service.as_deref().unwrap_or("any");
            let silent = if *is_silent { ", cannot speak" } else { "" };
            format!(
                "queued in {queue}, service {service}, head start {} s{silent}",
                head_start_ms / 1_000
            )
        }
        Fact::Offered { agent, .. } => format!("offered to {agent}"),
        Fact::OfferEnded { agent, outcome, .. } => {
            format!("offer to {agent} ended: {}", outcome_word(*outcome))
        }
        Fact::Joined { agent, .. } => format!("joined with {agent}"),
        Fact::NoticeHeard { notice, .. } => format!("notice heard: {notice:?}"),
        Fact::AgentLost { agent, .. } => format!("lost {agent}"),
        Fact::Recording { state, .. } => format!("recording {state:?}"),
        Fact::Ended { by, cause, .. } => format!("ended by {by:?}: {cause:?}"),
        Fact::AgentState { standing, why, .. } => format!("{} ({why})", standing_words(standing)),
        Fact::MobileRung { mobile, .. } => format!("rings {mobile} on call"),
        Fact::MobileEnded {
            mobile, outcome, ..
        } => format!("call to {mobile} ended: {}", outcome_word(*outcome)),
        Fact::HomeCentre { centre, .. } => format!("at home in {centre}"),
        Fact::Widened { reach, .. } => format!("search widens to {reach:?}"),
        Fact::HardCall { agent, .. } => format!("hard, says {agent}"),
        Fact::Held { .. } => "held".to_owned(),
        Fact::Resumed { .. } => "resumed".to_owned(),
        Fact::Consulting { agent, .. } => format!("{agent} asks for advice"),
        Fact::TransferBegan { agent, to, .. } => format!("{agent} passes on to {to:?}"),
        Fact::TransferEnded { outcome, .. } => format!("transfer: {outcome:?}"),
        Fact::Taken { .. } => "takes the party of the call for advice".to_owned(),
        Fact::JoinedOutside { number, .. } => format!("joined with {number} outside"),
        Fact::OutsideLost { .. } => "the party outside is lost".to_owned(),
        Fact::PhoneChanged { agent, .. } => format!("{agent} goes on with another phone"),
    }
}

fn outcome_word(outcome: OfferOutcome) -> &'static str {
    match outcome {
        OfferOutcome::Answered => "answered",
        OfferOutcome::CallerGone => "caller gone",
        OfferOutcome::Declined => "declined",
        OfferOutcome::NoAnswer => "no answer",
        OfferOutcome::Unreachable => "unreachable",
        OfferOutcome::Withdrawn => "withdrawn",
    }
}

fn standing_words(standing: &Standing) -> String {
    match standing {
        Standing::Consulting(_) => "is asking for advice".to_owned(),
        Standing::Held(_) => "is holding".to_owned(),
        Standing::NotReady(reason) => format!("is not ready: {reason}"),
        Standing::Offered(_) => "is offered a call".to_owned(),
        Standing::Ready => "is ready".to_owned(),
        Standing::Recovery(_) => "is recovering".to_owned(),
        Standing::SignedOut => "is signed out".to_owned(),
        Standing::Talking(_) => "is talking".to_owned(),
        Standing::WrapUp(_) => "is in wrap-up".to_owned(),
    }
}

#[must_use]
pub fn alarm(alarm: &Alarm, agent_name: impl Fn(u32) -> String) -> String {
    match alarm {
        Alarm::BreakTooLong { agent } => {
            format!("alarm: {} is away for too long", agent_name(agent.0))
        }
        Alarm::Bug { text, .. } => format!("alarm: bug: {text}"),
        Alarm::HardCallsMax { agent } => {
            format!("alarm: {} has had enough hard calls", agent_name(agent.0))
        }
        Alarm::LoneAgentNoAnswer { agent } => {
            format!(
                "alarm: {}, the only one of the centre, did not answer",
                agent_name(agent.0)
            )
        }
        Alarm::PhoneUnreachable { agent } => {
            format!("alarm: phone of {} is unreachable", agent_name(agent.0))
        }
        Alarm::WaitTooLong { .. } => "alarm: a caller waits for too long".to_owned(),
        Alarm::NobodySignedIn { .. } => {
            "alarm: callers wait and nobody is signed in who could serve them".to_owned()
        }
    }
}

/// What the edge has to tell the log: about whom, and what.
#[must_use]
pub fn said(
    say: &Say,
    leg_name: impl Fn(u64) -> String,
    call_name: impl Fn(u64) -> String,
    peer_name: impl Fn(SocketAddr) -> String,
) -> (String, String) {
    match say {
        Say::Banned {
            address, reason, ..
        } => (
            peer_name(SocketAddr::new(*address, 0)),
            format!("banned: {reason:?}"),
        ),
        Say::Trunk { trunk, state } => (trunk.clone(), format!("trunk {state:?}")),
        Say::Contact { account, state } => (account.clone(), format!("phone {state}")),
        Say::ContactReplaced { account, by, .. } => (
            account.clone(),
            format!("phone replaced from {}", peer_name(SocketAddr::new(*by, 0))),
        ),
        Say::ForeignMedia { leg } => (leg_name(leg.0), "strangers send to its port".to_owned()),
        Say::MediaLost { leg, .. } => (leg_name(leg.0), "audio has stopped".to_owned()),
        Say::OneWay { leg, .. } => (leg_name(leg.0), "audio goes one way only".to_owned()),
        Say::PoorAudio { leg, .. } => (leg_name(leg.0), "poor audio".to_owned()),
        Say::NoMediaPort { leg } => (leg_name(leg.0), "no media port".to_owned()),
        Say::PromptMissing { prompt } => (String::new(), format!("no clip of {prompt}")),
        Say::RecordingFailed { call, error } => {
            (call_name(call.0), format!("recording failed: {error}"))
        }
        Say::Refused { rejection, source } => {
            (peer_name(*source), format!("refused: {rejection:?}"))
        }
        Say::SdpRefused { leg, error } => (leg_name(leg.0), format!("audio not agreed: {error}")),
    }
}
