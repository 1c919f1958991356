//! Paths, and what keeps strangers out: only this machine's names, small headers, short waits.

use crate::metrics;
use crate::{ConsoleState, Snapshot, View};
use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, ORIGIN, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::timeout;

/// Names and values of all headers together. A browser sends about 1 KiB.
const HEADER_BYTES_MAX: usize = 8 << 10;
/// Path and query.
const TARGET_BYTES_MAX: usize = 2 << 10;
/// The control thread answers between two turns; if not in this time, it is stuck.
const SNAPSHOT_WAIT_MAX: Duration = Duration::from_secs(2);

/// All paths.
pub fn router(state: ConsoleState) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/v1/calls", get(calls))
        .route("/api/v1/queues", get(queues))
        .route("/api/v1/agents", get(agents))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(guard))
        .with_state(state)
}

/// The process lives and its pool works.
async fn healthz() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

async fn readyz(State(state): State<ConsoleState>) -> Response {
    let readiness = state
        .source
        .health()
        .readiness(snapshot(&state).await.is_some());
    let status = if readiness.is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness)).into_response()
}

async fn metrics(State(state): State<ConsoleState>) -> Response {
    let snapshot = snapshot(&state).await;
    let page = metrics::render(
        snapshot.as_ref(),
        &state.source.health(),
        env!("CARGO_PKG_VERSION"),
    );
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        page,
    )
        .into_response()
}

async fn calls(State(state): State<ConsoleState>) -> Response {
    table(&state, "calls", |view| view.calls).await
}

async fn queues(State(state): State<ConsoleState>) -> Response {
    table(&state, "queues", |view| view.queues).await
}

async fn agents(State(state): State<ConsoleState>) -> Response {
    table(&state, "agents", |view| view.agents).await
}

/// `{"at_ms": ..., "calls": [...]}`: room for more beside the list.
async fn table<T: Serialize>(
    state: &ConsoleState,
    name: &str,
    rows: fn(View) -> Vec<T>,
) -> Response {
    match snapshot(state).await {
        Some(Snapshot { view, .. }) => {
            Json(json!({ "at_ms": view.at_ms, name: rows(view) })).into_response()
        }
        None => refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "the control thread does not answer",
        ),
    }
}

async fn snapshot(state: &ConsoleState) -> Option<Snapshot> {
    timeout(SNAPSHOT_WAIT_MAX, state.source.snapshot())
        .await
        .ok()
        .flatten()
}

async fn unknown_path() -> Response {
    refusal(StatusCode::NOT_FOUND, "there is no such path")
}

async fn wrong_method() -> Response {
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "this path is read only");
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET,HEAD"));
    response
}

async fn guard(request: Request, next: Next) -> Response {
    let mut response = match refused(&request) {
        Some((status, why)) => refusal(status, why),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn refused(request: &Request) -> Option<(StatusCode, &'static str)> {
    let headers = request.headers();
    let header_bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if header_bytes > HEADER_BYTES_MAX {
        return Some((
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the headers are too large",
        ));
    }
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > TARGET_BYTES_MAX {
        return Some((StatusCode::URI_TOO_LONG, "the path is too long"));
    }
    // RFC 9112 §3.2: exactly one Host.
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Some((StatusCode::BAD_REQUEST, "one Host header is needed"));
    };
    // A page of another site can make its name point here (DNS rebinding); the name gives it away.
    let is_ours = is_loopback_authority(host) && request.uri().host().is_none_or(is_loopback_host);
    if !is_ours || !is_own_origin(headers) {
        return Some((StatusCode::FORBIDDEN, "only this machine may ask"));
    }
    None
}

fn is_own_origin(headers: &HeaderMap) -> bool {
    headers.get_all(ORIGIN).iter().all(|origin| {
        let authority = origin
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("http://"));
        authority.is_some_and(|authority| is_loopback_host(without_port(authority)))
    })
}

fn is_loopback_authority(host: &HeaderValue) -> bool {
    host.to_str()
        .is_ok_and(|authority| is_loopback_host(without_port(authority)))
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        // Not the last part of an IPv6 address without a port.
        Some((host, port))
            if !port.contains(']') && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            host
        }
        Some(_) | None => authority,
    }
}

fn is_loopback_host(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn refusal(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}
