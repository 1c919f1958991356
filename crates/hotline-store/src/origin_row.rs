//! What a carrier said of a caller: a row beside the call's own, written when it is said.

use hotline_core::{CallId, EdgeFact, Frame, Ledger};
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

/// A call and what was said of its caller.
pub(crate) type Origin = (CallId, EdgeFact);

const UPSERT: &str = "
INSERT INTO call_origins (call, caller_raw, is_private, region, geolocation, location)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (call) DO UPDATE SET
    caller_raw = excluded.caller_raw, is_private = excluded.is_private, region = excluded.region,
    geolocation = excluded.geolocation, location = excluded.location
";

/// What a frame says of callers whose calls the ledger knows.
pub(crate) fn origins(frame: &Frame, ledger: &Ledger) -> Vec<Origin> {
    let said = frame.edge.iter().filter_map(|fact| match fact {
        EdgeFact::CarrierSaid { leg, .. } => Some((*ledger.legs.get(leg)?, fact.clone())),
        EdgeFact::Audit(_)
        | EdgeFact::Diverted { .. }
        | EdgeFact::JournalGap
        | EdgeFact::Keep(_)
        | EdgeFact::Quality { .. }
        | EdgeFact::Rated { .. }
        | EdgeFact::RecordingClosed { .. } => None,
    });
    said.collect()
}

/// The row of one of `origins`.
pub(crate) fn upsert((call, fact): &Origin) -> Option<Query<'static, Sqlite, SqliteArguments>> {
    let EdgeFact::CarrierSaid {
        caller,
        is_private,
        region,
        geolocation,
        location,
        ..
    } = fact
    else {
        return None;
    };
    let places = geolocation.iter().map(|place| place.reveal());
    let query = sqlx::query(UPSERT)
        .bind(call.to_string())
        .bind(caller.reveal().to_owned())
        .bind(*is_private)
        .bind(region.clone())
        .bind(places.collect::<serde_json::Value>().to_string())
        .bind(
            location
                .as_ref()
                .map(|location| location.reveal().to_owned()),
        );
    Some(query)
}
