//! Whether deployment profiles are assigned.

use std::collections::HashSet;

use axum::response::Response;
use http::StatusCode;
use uuid::Uuid;

use crate::{
    domain::profile::{MAX_PROFILES, ProfileId},
    graph::{
        assignment::{PayloadLink, read_payload_ids, write_payload_links},
        json as wire,
    },
    http::{
        call::{Call, json},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
    },
    store::operation::Slice,
};

/// Answers for each id in the body whether it is a profile with assignments.
pub async fn payload_links(mut call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    let ids = read_payload_ids(&wire::parse(&call.json_text(&body)?)?)?;
    drop(body);
    let links = find_links(&call, ids).await?;
    let mut body = Vec::new();
    write_payload_links(&mut body, &links, &call.write_context(level));
    Ok(json(StatusCode::OK, level, body))
}

/// Whether each of these is a profile, and has assignments.
async fn find_links(call: &Call, ids: Vec<String>) -> Result<Vec<PayloadLink>, ApiError> {
    let all = Slice {
        after: None,
        skip: 0,
        limit: usize::try_from(MAX_PROFILES).unwrap_or(usize::MAX),
    };
    let store = call.store();
    let profiles = store.list_profiles(call.tenant(), all).await?.rows;
    let profiles: Vec<_> = profiles.into_iter().map(|profile| profile.id).collect();
    let assigned: HashSet<_> = store
        .list_assignments(call.tenant(), profiles.clone())
        .await?
        .into_iter()
        .map(|assignment| assignment.profile)
        .collect();
    let link = |payload_id: String| {
        let id = Uuid::try_parse(&payload_id).ok().map(ProfileId);
        let known = id.filter(|id| profiles.contains(id));
        PayloadLink {
            payload_id,
            link: known.map(|id| assigned.contains(&id)),
        }
    };
    Ok(ids.into_iter().map(link).collect())
}
