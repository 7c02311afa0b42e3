//! One assignment of a deployment profile.

use axum::response::Response;
use http::StatusCode;

use super::{key, shown};
use crate::{
    graph::vocabulary,
    http::{call::Call, error::ApiError, profiles::find},
};

/// Answers the assignment with the second key in the path.
pub async fn get(call: Call) -> Result<Response, ApiError> {
    let asked = call.shown(vocabulary::assignments().shape())?;
    let profile = find(&call).await?;
    let target = key(&call, profile.id)?;
    let assignments = call
        .store()
        .list_assignments(call.tenant(), vec![profile.id])
        .await?;
    let found = assignments.iter().find(|one| one.target == target);
    let assignment = found.ok_or_else(|| call.absent_at(1))?;
    shown(&call, StatusCode::OK, assignment, Some(&asked))
}
