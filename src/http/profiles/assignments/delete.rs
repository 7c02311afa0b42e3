//! Removes an assignment of a deployment profile.

use axum::response::Response;
use http::StatusCode;

use super::{change, demand, key};
use crate::{
    domain::assignment::Assignment,
    http::{
        call::{Call, empty},
        error::ApiError,
        profiles::find,
    },
    store::profiles::AssignmentChange,
};

/// Removes the assignment with the second key in the path.
pub async fn delete(call: Call) -> Result<Response, ApiError> {
    call.take_no_options()?;
    let profile = find(&call).await?.id;
    let target = key(&call, profile)?;
    demand(&call, Assignment { profile, target }).await?;
    let wanted = AssignmentChange {
        profile,
        old: Some(target),
        new: None,
    };
    change(&call, wanted, 1).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
