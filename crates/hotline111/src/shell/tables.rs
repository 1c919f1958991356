//! A picture of the moment becomes what `ctl status` and `ctl regs` print.

use crate::cli::control::{BanLine, RegLine, Status, TraceLine, TrunkLine};
use crate::cli::trace;
use crate::shell::control::View;
use crate::shell::tap::Seen;
use hotline_core::Plan;
use hotline_sip::{BanReason, Registered, TrunkStatus};
use std::collections::BTreeMap;

/// Calls, queues and counsellors.
pub(crate) fn shown(view: &View, plan: &Plan) -> hotline_console::View {
    let queues: Vec<&str> = plan
        .queues
        .iter()
        .map(|queue| queue.name.as_str())
        .collect();
    hotline_console::View::of(&view.ledger, view.now, &queues, &plan.agents, &plan.centres)
}

/// All registered phones.
pub(crate) fn registrations(view: &View) -> Vec<RegLine> {
    let line = |phone: &Registered| RegLine {
        account: phone.account.clone(),
        contact: phone.contact.clone(),
        source: phone.source.to_string(),
        transport: phone.transport.name().to_owned(),
        expires_s: phone.expires_s,
        is_reachable: phone.is_reachable,
    };
    view.registered.iter().map(line).collect()
}

/// Carriers.
pub(crate) fn trunks(trunks: &[TrunkStatus]) -> Vec<TrunkLine> {
    let word = |is_up: Option<bool>| match is_up {
        Some(true) => "up",
        Some(false) => "down",
        None => "unknown",
    };
    let count = |calls: usize| u64::try_from(calls).unwrap_or(u64::MAX);
    let line = |trunk: &TrunkStatus| TrunkLine {
        trunk: trunk.name.clone(),
        state: word(trunk.is_up).to_owned(),
        registration: match trunk.registration {
            None => String::new(),
            Some(Ok(granted_s)) => format!("registered {granted_s} s"),
            Some(Err(0)) => "registering".to_owned(),
            Some(Err(status)) => format!("refused {status}"),
        },
        calls_in: count(trunk.calls_in),
        calls_out: count(trunk.calls_out),
        limited: trunk.limited,
        addresses: trunk
            .addresses
            .iter()
            .map(|(address, is_up)| format!("{address} {}", word(*is_up)))
            .collect(),
    };
    trunks.iter().map(line).collect()
}

/// Addresses that are banned.
pub(crate) fn bans(view: &View) -> Vec<BanLine> {
    let line = |ban: &hotline_sip::Banned| BanLine {
        address: ban.address.to_string(),
        reason: match ban.reason {
            BanReason::Flood => "flood",
            BanReason::Junk => "junk",
            BanReason::Operator => "operator",
            BanReason::Passwords => "passwords",
            BanReason::Scanner => "scanner",
        }
        .to_owned(),
        left_s: ban.left_s,
        dropped: ban.dropped,
    };
    view.bans.iter().map(line).collect()
}

/// The signalling of a call.
pub(crate) fn trace(messages: &[Seen]) -> Vec<TraceLine> {
    let line = |seen: &Seen| TraceLine {
        at_us: seen.at_us,
        is_incoming: seen.is_incoming,
        local: seen.local,
        remote: seen.remote,
        transport: seen.transport.to_owned(),
        message: trace::to_hex(&seen.bytes),
    };
    messages.iter().map(line).collect()
}

/// How the server is.
pub(crate) fn status(view: &View, plan: &Plan, node: u8, troubles: Vec<String>) -> Status {
    let mut by_state: BTreeMap<String, u64> = BTreeMap::new();
    for line in shown(view, plan).agents {
        *by_state.entry(line.state).or_default() += 1;
    }
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node,
        uptime_ms: view.now.mono.0 / 1_000,
        is_ready: troubles.is_empty() && !view.is_draining,
        is_draining: view.is_draining,
        calls: count(view.ledger.open().count()),
        waiting: count(view.ledger.waiting().count()),
        agents: by_state,
        registrations: count(view.registered.len()),
        free_ports: count(view.counts.free_ports),
        troubles,
        alarms: view
            .alarms
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect(),
    }
}
