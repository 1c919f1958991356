//! A call's row: what `calls` keeps of a record.

use hotline_core::{
    CallId, CallRecord, Cause, EndedBy, LegQuality, LegRating, Moment, Notice, RecordingState,
    TransferTo,
};
use serde_json::json;
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

/// Writes the row of an ended call, or replaces it. A gap once noticed stays noticed.
pub(crate) const UPSERT: &str = "
INSERT INTO calls (
    call, direction, caller, dialled, origin, is_from_trunk, route,
    arrived_ms, answered_ms, first_key_ms, queued_ms, offered_ms, joined_ms, ended_ms,
    fate, ended_by, cause, language, service, path, last_node, queue, head_start_ms, is_silent,
    has_spoken_at_menu, has_heard_information, agent, offers, rona, agents_lost, wait_ms, talk_ms, total_ms,
    recording, recording_file, recording_ms, notice, notice_ms,
    caller_received, caller_lost, caller_jitter_us, caller_sent, caller_round_trip_us,
    agent_received, agent_lost, agent_jitter_us, agent_sent, agent_round_trip_us,
    diverted, has_journal_gap,
    holds, held_ms, transfers, transfers_failed, transferred_to, outside_ms,
    caller_mean_opinion, caller_mean_opinion_lowest, caller_peer_lost,
    agent_mean_opinion, agent_mean_opinion_lowest, agent_peer_lost
) VALUES (
    ?, 'in', ?, ?, ?, ?, ?,  ?, ?, ?, ?, ?, ?, ?,  ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    ?, ?, ?, ?, ?, ?, ?, ?, ?,  ?, ?, ?, ?, ?,  ?, ?, ?, ?, ?,  ?, ?, ?, ?, ?,  ?, ?,  ?, ?, ?, ?, ?, ?,  ?, ?, ?, ?, ?, ?
) ON CONFLICT (call) DO UPDATE SET
    caller = excluded.caller, dialled = excluded.dialled, origin = excluded.origin,
    is_from_trunk = excluded.is_from_trunk, route = excluded.route,
    arrived_ms = excluded.arrived_ms, answered_ms = excluded.answered_ms, first_key_ms = excluded.first_key_ms,
    queued_ms = excluded.queued_ms, offered_ms = excluded.offered_ms, joined_ms = excluded.joined_ms,
    ended_ms = excluded.ended_ms, fate = excluded.fate, ended_by = excluded.ended_by, cause = excluded.cause,
    language = excluded.language, service = excluded.service, path = excluded.path,
    last_node = excluded.last_node, queue = excluded.queue, head_start_ms = excluded.head_start_ms,
    is_silent = excluded.is_silent, has_spoken_at_menu = excluded.has_spoken_at_menu,
    has_heard_information = excluded.has_heard_information, agent = excluded.agent, offers = excluded.offers,
    rona = excluded.rona, agents_lost = excluded.agents_lost, wait_ms = excluded.wait_ms,
    talk_ms = excluded.talk_ms, total_ms = excluded.total_ms, recording = excluded.recording,
    recording_file = excluded.recording_file, recording_ms = excluded.recording_ms, notice = excluded.notice,
    notice_ms = excluded.notice_ms, caller_received = excluded.caller_received, caller_lost = excluded.caller_lost,
    caller_jitter_us = excluded.caller_jitter_us, caller_sent = excluded.caller_sent,
    caller_round_trip_us = excluded.caller_round_trip_us, agent_received = excluded.agent_received,
    agent_lost = excluded.agent_lost, agent_jitter_us = excluded.agent_jitter_us,
    agent_sent = excluded.agent_sent, agent_round_trip_us = excluded.agent_round_trip_us,
    diverted = excluded.diverted, has_journal_gap = max(has_journal_gap, excluded.has_journal_gap),
    holds = excluded.holds, held_ms = excluded.held_ms, transfers = excluded.transfers,
    transfers_failed = excluded.transfers_failed, transferred_to = excluded.transferred_to,
    outside_ms = excluded.outside_ms,
    caller_mean_opinion = excluded.caller_mean_opinion,
    caller_mean_opinion_lowest = excluded.caller_mean_opinion_lowest,
    caller_peer_lost = excluded.caller_peer_lost, agent_mean_opinion = excluded.agent_mean_opinion,
    agent_mean_opinion_lowest = excluded.agent_mean_opinion_lowest, agent_peer_lost = excluded.agent_peer_lost
";

/// File name of a call's recording, in the folder of recordings.
#[must_use]
pub fn recording_file(call: CallId) -> String {
    format!("{call}.wav")
}

/// The upsert with this record's values. None while the call goes on: it has no row yet.
pub(crate) fn upsert(
    record: &CallRecord,
    short_ms: u32,
) -> Option<Query<'static, Sqlite, SqliteArguments>> {
    let ended = record.ended?;
    let fate = record.fate(short_ms)?;
    let at = |moment: Moment| wall_ms(record, moment);
    // Over a restart only the wall clock is left, and it may have been set back: the end is never before the rest.
    let before = [
        record.answered,
        record.first_key,
        record.queued,
        record.offered,
        record.joined,
    ];
    let ended_ms = before
        .into_iter()
        .flatten()
        .map(at)
        .fold(at(ended), i64::max);
    let (notice, notice_ms) = record.notice.map(notice).unzip();
    let query = sqlx::query(UPSERT)
        .bind(record.call.to_string())
        .bind(record.caller.reveal().to_owned())
        .bind(record.dialled.clone())
        .bind(record.origin.clone())
        .bind(record.is_from_trunk)
        .bind(record.route.clone())
        .bind(record.arrived.wall.0)
        .bind(record.answered.map(at))
        .bind(record.first_key.map(at))
        .bind(record.queued.map(at))
        .bind(record.offered.map(at))
        .bind(record.joined.map(at))
        .bind(ended_ms)
        .bind(fate.code())
        .bind(record.ended_by.map(ended_by_code))
        .bind(record.cause.map(cause_code))
        .bind(record.language.clone())
        .bind(record.service.clone())
        .bind(path_text(record))
        .bind(record.last_node.clone())
        .bind(record.queue.clone())
        .bind(record.head_start_ms)
        .bind(record.is_silent)
        .bind(record.has_spoken_at_menu)
        .bind(record.has_heard_information)
        .bind(record.agent.clone())
        .bind(record.offers)
        .bind(record.rona)
        .bind(record.agents_lost)
        .bind(integer(record.wait_ms_until(ended)))
        .bind(integer(record.talk_ms_until(ended)))
        .bind(ended_ms.saturating_sub(record.arrived.wall.0))
        .bind(recording_code(record.recording))
        .bind((record.recording == RecordingState::Made).then(|| recording_file(record.call)))
        .bind(record.recording_ms.map(integer))
        .bind(notice)
        .bind(notice_ms.flatten());
    let query = bind_quality(query, record.caller_quality);
    let query = bind_quality(query, record.agent_quality);
    let query = query.bind(diverted(record)).bind(record.has_journal_gap);
    let query = bind_transfers(query, record);
    let query = bind_rating(query, record.caller_rating);
    Some(bind_rating(query, record.agent_rating))
}

fn bind_transfers(
    query: Query<'static, Sqlite, SqliteArguments>,
    record: &CallRecord,
) -> Query<'static, Sqlite, SqliteArguments> {
    query
        .bind(record.holds)
        .bind(integer(record.held_ms))
        .bind(record.transfers)
        .bind(record.transfers_failed)
        .bind(record.transferred_to.as_ref().map(transfer_text))
        .bind(integer(record.outside_ms))
}

/// To whom: `agent:tv02`, `queue:child`, `outside:113`.
fn transfer_text(to: &TransferTo) -> String {
    match to {
        TransferTo::Agent(user) => format!("agent:{user}"),
        TransferTo::Outside(number) => format!("outside:{}", number.reveal()),
        TransferTo::Queue(queue) => format!("queue:{queue}"),
    }
}

fn bind_quality(
    query: Query<'static, Sqlite, SqliteArguments>,
    quality: Option<LegQuality>,
) -> Query<'static, Sqlite, SqliteArguments> {
    query
        .bind(quality.map(|leg| integer(leg.received)))
        .bind(quality.map(|leg| integer(leg.lost)))
        .bind(quality.map(|leg| leg.jitter_us))
        .bind(quality.map(|leg| integer(leg.sent)))
        // 0 = never measured.
        .bind(
            quality
                .map(|leg| leg.round_trip_us)
                .filter(|micros| *micros > 0),
        )
}

fn bind_rating(
    query: Query<'static, Sqlite, SqliteArguments>,
    rating: Option<LegRating>,
) -> Query<'static, Sqlite, SqliteArguments> {
    // 0 = there was nothing to judge.
    let judged = |score: u16| (score > 0).then_some(score);
    query
        .bind(rating.and_then(|leg| judged(leg.mean_opinion)))
        .bind(rating.and_then(|leg| judged(leg.mean_opinion_lowest)))
        .bind(rating.map(|leg| leg.peer_lost))
}

/// Times of one call stay in order and fit its durations, whatever the wall clock did meanwhile.
fn wall_ms(record: &CallRecord, moment: Moment) -> i64 {
    record
        .arrived
        .wall
        .0
        .saturating_add(integer(moment.millis_since(record.arrived)))
}

fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn diverted(record: &CallRecord) -> String {
    let values = record.diverted.iter().map(|value| value.reveal());
    values.collect::<serde_json::Value>().to_string()
}

fn path_text(record: &CallRecord) -> String {
    let keys = record.path.iter();
    let keys = keys.map(|press| json!({"node": press.node, "key": press.key.key().to_string(), "at_ms": press.at_ms}));
    serde_json::Value::from_iter(keys).to_string()
}

fn notice(notice: Notice) -> (&'static str, Option<u32>) {
    match notice {
        Notice::Full => ("full", None),
        Notice::None => ("none", None),
        Notice::Partial(heard_ms) => ("partial", Some(heard_ms)),
    }
}

fn recording_code(state: RecordingState) -> &'static str {
    match state {
        RecordingState::Failed => "failed",
        RecordingState::Made => "made",
        RecordingState::NotWanted => "not_wanted",
    }
}

fn ended_by_code(by: EndedBy) -> &'static str {
    match by {
        EndedBy::Agent => "agent",
        EndedBy::Caller => "caller",
        EndedBy::System => "system",
        EndedBy::Outside => "outside",
    }
}

fn cause_code(cause: Cause) -> &'static str {
    match cause {
        Cause::Busy => "busy",
        Cause::CallerGone => "caller_gone",
        Cause::Crash => "crash",
        Cause::Declined => "declined",
        Cause::InternalError => "internal_error",
        Cause::Lost => "lost",
        Cause::NoAnswer => "no_answer",
        Cause::Overload => "overload",
        Cause::NormalClearing => "normal_clearing",
        Cause::Shutdown => "shutdown",
        Cause::UnknownNumber => "unknown_number",
        Cause::Unreachable => "unreachable",
        Cause::UnsupportedMedia => "unsupported_media",
    }
}
