//! Whether deployment profiles are assigned.

use axum::response::Response;
use http::StatusCode;
use uuid::Uuid;

use crate::{
    domain::profile::ProfileId,
    graph::{
        assignment::{PayloadLink, read_payload_ids, write_payload_links},
        json as wire,
    },
    http::{
        call::{Call, json},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
    },
};

/// Answers for each id in the body whether it is a profile with assignments.
pub async fn payload_links(mut call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    let ids = read_payload_ids(&wire::parse(&call.json_text(&body)?)?)?;
    drop(body);
    let mut links = Vec::with_capacity(ids.len());
    for payload_id in ids {
        let link = match Uuid::try_parse(&payload_id) {
            Ok(id) => is_assigned(&call, ProfileId(id)).await?,
            Err(_) => None,
        };
        links.push(PayloadLink { payload_id, link });
    }
    let mut body = Vec::new();
    write_payload_links(&mut body, &links, &call.write_context(level));
    Ok(json(StatusCode::OK, level, body))
}

/// Whether a profile has assignments, if there is such a profile.
async fn is_assigned(call: &Call, id: ProfileId) -> Result<Option<bool>, ApiError> {
    let store = call.store();
    if store.profile(call.tenant(), id).await?.is_none() {
        return Ok(None);
    }
    let assignments = store.list_assignments(call.tenant(), vec![id]).await?;
    Ok(Some(!assignments.is_empty()))
}
