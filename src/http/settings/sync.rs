//! Starts a sync of the tenant.

use std::time::Duration;

use axum::response::Response;
use http::StatusCode;

use crate::{
    domain::settings::SyncStart,
    graph::{json as wire, settings::read_sync},
    http::{
        call::{Call, empty},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
    },
};

/// Starts a sync. Nothing runs: that it does, and ends, follows from the clock.
pub async fn sync(mut call: Call) -> Result<Response, ApiError> {
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    // Clients send no body, and then often no Content-Type.
    if !body.is_empty() {
        read_sync(&wire::parse(&call.json_text(&body)?)?)?;
    }
    drop(body);
    call.meet().await;
    let now = call.kept_now();
    let started = call
        .store()
        .start_sync(call.tenant(), call.api.sync, call.caller.actor(), now);
    match started.await? {
        SyncStart::Started => Ok(empty(StatusCode::NO_CONTENT)),
        SyncStart::Running => Err(ApiError::conflict(
            "A sync is in progress already.",
            Vec::new(),
        )),
        SyncStart::TooSoon(at) => {
            let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
            Err(ApiError::throttled(Some(wait)))
        }
    }
}
