//! Takes a change of the tenant's Autopilot settings, which are all the service's own.

use axum::response::Response;

use super::shown;
use crate::{
    graph::{json as wire, settings::read_change},
    http::{call::Call, error::ApiError, layers::limits::BODY_LIMIT_BYTES},
};

/// Reads the body, which can change nothing, and answers the settings.
pub async fn update(mut call: Call) -> Result<Response, ApiError> {
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    read_change(&wire::parse(&call.json_text(&body)?)?)?;
    drop(body);
    let precondition = call.precondition()?;
    shown(&call, |revision| {
        if precondition.holds(revision) {
            Ok(None)
        } else {
            Err(call.condition_not_met())
        }
    })
    .await
}
