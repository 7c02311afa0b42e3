//! One deployment profile.

use axum::response::Response;
use http::StatusCode;

use super::find;
use crate::{
    graph::{
        entity::Place,
        profile::{profile_revision, write_profile},
        schema::EntitySet,
    },
    http::{
        call::{Call, json, with_etag},
        error::ApiError,
    },
};

/// Answers the profile with the key in the path.
pub async fn get(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let expand = call.expansion(EntitySet::Profiles)?;
    let profile = find(&call).await?;
    let assignments = if expand.is_empty() {
        None
    } else {
        let of_profile = call
            .store()
            .list_assignments(call.tenant(), vec![profile.id]);
        Some(of_profile.await?)
    };
    let revision = profile_revision(&profile, assignments.as_deref());
    if let Some(instead) = call.instead_of(revision)? {
        return Ok(instead);
    }
    let mut body = Vec::new();
    write_profile(
        &mut body,
        &profile,
        assignments.as_deref(),
        &call.write_context(level),
        Place::Entity,
    );
    with_etag(json(StatusCode::OK, level, body), revision)
}
