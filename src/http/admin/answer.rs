//! The admin listener's answers. They are plain JSON of our own: no Graph client asks here.

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use serde_json::{Map, Value, json};

use super::Readiness;
use crate::http::layers::host_guard::Refusal;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROMETHEUS_TEXT: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

pub(super) fn alive(rehearsal: Option<Value>) -> Response {
    let mut body = json!({"status": "ok"});
    if let Some(rehearsal) = rehearsal {
        body["rehearsal"] = rehearsal;
    }
    json_answer(StatusCode::OK, &body)
}

pub(super) fn readiness(readiness: &Readiness) -> Response {
    let checks: Map<_, _> = readiness
        .checks
        .iter()
        .map(|check| {
            let outcome = match &check.problem {
                None => json!({"status": "ok"}),
                Some(reason) => json!({"status": "failing", "reason": reason}),
            };
            (check.name.to_owned(), outcome)
        })
        .collect();
    let (status, word) = if readiness.is_ready() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "failing")
    };
    json_answer(status, &json!({"status": word, "checks": checks}))
}

pub(super) fn metrics(text: String) -> Response {
    answer(StatusCode::OK, PROMETHEUS_TEXT, text)
}

pub(super) fn not_found() -> Response {
    let reason = "there are only /healthz, /readyz and /metrics here";
    refusal(StatusCode::NOT_FOUND, reason)
}

pub(super) fn refused(refused: Refusal, _request: &Request) -> Response {
    match refused {
        Refusal::ForeignHost => refusal(
            StatusCode::MISDIRECTED_REQUEST,
            "the Host header must name localhost, a loopback address, or the host of \
             server.public_url",
        ),
        Refusal::ForeignOrigin => refusal(
            StatusCode::FORBIDDEN,
            "requests for web pages of others are not answered",
        ),
    }
}

fn refusal(status: StatusCode, reason: &str) -> Response {
    json_answer(status, &json!({"status": "refused", "reason": reason}))
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    answer(status, JSON, body.to_string())
}

fn answer(status: StatusCode, content_type: HeaderValue, body: impl Into<Body>) -> Response {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, body.into()).into_response()
}
