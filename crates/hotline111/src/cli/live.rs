//! The live tables of the control socket, read off the ledger.

use super::control::{AgentLine, CallLine, QueueLine};
use hotline_core::{CallRecord, Ledger, Moment, Now, Plan, Standing};

/// Open calls, oldest first.
pub(crate) fn calls(ledger: &Ledger, now: Now) -> Vec<CallLine> {
    let mut open: Vec<&CallRecord> = ledger
        .calls
        .values()
        .filter(|record| record.ended.is_none())
        .collect();
    open.sort_by_key(|record| (record.arrived.wall, record.call));
    open.into_iter()
        .map(|record| call(record, ledger, now))
        .collect()
}

fn call(record: &CallRecord, ledger: &Ledger, now: Now) -> CallLine {
    let (state, at) = place(record);
    let now = moment(ledger, now);
    CallLine {
        call: record.call.to_string(),
        // `Display` masks the number.
        caller: record.caller.to_string(),
        dialled: record.dialled.clone(),
        origin: record.origin.clone(),
        state: state.to_owned(),
        at,
        language: record.language.clone().unwrap_or_default(),
        service: record.service.clone().unwrap_or_default(),
        age_ms: now.millis_since(record.arrived),
        wait_ms: record.wait_ms_until(now),
    }
}

/// Where a call is, in a word and a name.
fn place(record: &CallRecord) -> (&'static str, String) {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    if record.talking_since.is_some() {
        ("talking", name(&record.agent))
    } else if record.offered_to.is_some() {
        ("offered", name(&record.offered_to))
    } else if record.waiting_since.is_some() {
        ("queue", name(&record.queue))
    } else if record.answered.is_some() {
        ("menu", name(&record.last_node))
    } else {
        ("ringing", record.route.clone())
    }
}

/// All queues of the plan, and those of open calls that the plan no longer has.
pub(crate) fn queues(ledger: &Ledger, plan: &Plan, now: Now) -> Vec<QueueLine> {
    let line = |name: &str| QueueLine {
        queue: name.to_owned(),
        ..QueueLine::default()
    };
    let mut lines: Vec<QueueLine> = plan.queues.iter().map(|queue| line(&queue.name)).collect();
    for record in ledger
        .calls
        .values()
        .filter(|record| record.ended.is_none())
    {
        let Some(name) = &record.queue else { continue };
        let index = lines
            .iter()
            .position(|line| line.queue == *name)
            .unwrap_or_else(|| {
                lines.push(line(name));
                lines.len() - 1
            });
        let Some(line) = lines.get_mut(index) else {
            continue;
        };
        if record.talking_since.is_some() {
            line.talking += 1;
            continue;
        }
        line.offered += u64::from(record.offered_to.is_some());
        if let Some(since) = record.waiting_since {
            line.waiting += 1;
            line.longest_wait_ms = line
                .longest_wait_ms
                .max(moment(ledger, now).millis_since(since));
        }
    }
    lines
}

/// All counsellors of the plan.
pub(crate) fn agents(ledger: &Ledger, plan: &Plan, now: Now) -> Vec<AgentLine> {
    let line = |agent: &hotline_core::Agent| {
        let known = ledger.agents.get(&agent.user);
        let standing = known.map_or(&Standing::SignedOut, |known| &known.standing);
        let (state, reason, call) = match standing {
            Standing::Offered(call) => ("offered", String::new(), call.to_string()),
            Standing::NotReady(reason) => ("not_ready", reason.clone(), String::new()),
            Standing::Ready => ("ready", String::new(), String::new()),
            Standing::SignedOut => ("signed_out", String::new(), String::new()),
            Standing::Talking(call) => ("talking", String::new(), call.to_string()),
            Standing::WrapUp(call) => ("wrap_up", String::new(), call.to_string()),
        };
        AgentLine {
            user: agent.user.clone(),
            name: agent.name.clone(),
            centre: agent.centre.clone(),
            state: state.to_owned(),
            reason,
            call,
            for_ms: known.map_or(0, |known| moment(ledger, now).millis_since(known.since)),
        }
    };
    plan.agents.iter().map(line).collect()
}

/// Now, as a moment of the ledger's run.
fn moment(ledger: &Ledger, now: Now) -> Moment {
    Moment {
        run: ledger.run,
        mono: now.mono,
        wall: now.wall,
    }
}
