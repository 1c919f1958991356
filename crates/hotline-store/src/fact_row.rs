//! Facts as rows: time, call, kind and the rest as JSON, without any caller's number.

use hotline_core::{CallId, EdgeFact, Frame};
use serde_json::{Map, Value};

/// Adds a frame's facts as JSON arrays `[sequence, ordinal, wall_ms, call, kind, json]` to the list that one statement
/// inserts.
pub(crate) fn push_rows(rows: &mut Vec<Value>, sequence: u64, frame: &Frame) {
    let core = frame.facts.iter().map(serde_json::to_value);
    let edge = frame.edge.iter().filter_map(public_edge_fact);
    let facts = core.filter_map(Result::ok).chain(edge);
    for (ordinal, fact) in facts.enumerate() {
        let (kind, body) = kind_and_body(fact);
        let call = body
            .get("call")
            .and_then(Value::as_u64)
            .map(|call| CallId(call).to_string());
        rows.push(Value::Array(vec![
            sequence.into(),
            ordinal.into(),
            frame.now.wall.0.into(),
            call.into(),
            kind.into(),
            Value::Object(body).to_string().into(),
        ]));
    }
}

/// What the edge keeps (bindings, dialogs) is its own affair and holds secrets; diversions may name callers and stand
/// in the call's row.
fn public_edge_fact(fact: &EdgeFact) -> Option<Value> {
    match fact {
        EdgeFact::CarrierSaid { .. } | EdgeFact::Keep(_) | EdgeFact::Diverted { .. } => None,
        EdgeFact::Audit(_)
        | EdgeFact::Quality { .. }
        | EdgeFact::Rated { .. }
        | EdgeFact::RecordingClosed { .. }
        | EdgeFact::JournalGap => serde_json::to_value(fact).ok(),
    }
}

/// serde writes `{"Kind": {fields}}`, or `"Kind"` for a fact without fields.
fn kind_and_body(fact: Value) -> (String, Map<String, Value>) {
    match fact {
        Value::String(kind) => (kind, Map::new()),
        Value::Object(tagged) => {
            let (kind, body) = tagged.into_iter().next().unwrap_or_default();
            let mut body = match body {
                Value::Object(body) => body,
                other => Map::from_iter([("value".to_owned(), other)]),
            };
            // Numbers of people: who called, and whoever outside was asked or got the caller.
            body.remove("caller");
            body.remove("number");
            if let Some(Value::Object(to)) = body.get_mut("to") {
                to.remove("Outside");
            }
            (kind, body)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            (String::new(), Map::new())
        }
    }
}
