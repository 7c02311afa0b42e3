//! The assignments of a deployment profile.

use axum::response::Response;
use http::StatusCode;

use crate::{
    graph::{
        assignment::{assignments_path, write_assignment},
        collection::write_collection_in,
        entity::Place,
    },
    http::{
        call::{Call, json},
        error::ApiError,
        profiles::find,
    },
};

/// Answers all assignments of the profile with the key in the path: there are few.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let profile = find(&call).await?;
    let assignments = call
        .store()
        .list_assignments(call.tenant(), vec![profile.id])
        .await?;
    let context = call.write_context(level);
    let mut body = Vec::new();
    let items = assignments.iter().map(|assignment| {
        move |out: &mut Vec<u8>| write_assignment(out, assignment, &context, Place::Item)
    });
    let path = assignments_path(profile.id);
    write_collection_in(&mut body, &context, &path, None, None, items);
    Ok(json(StatusCode::OK, level, body))
}
