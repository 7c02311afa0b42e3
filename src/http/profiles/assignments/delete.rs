//! Removes an assignment of a deployment profile.

use axum::response::Response;
use http::StatusCode;

use super::{change, key};
use crate::{
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
    let wanted = AssignmentChange {
        profile,
        old: Some(key(&call, profile)?),
        new: None,
    };
    change(&call, wanted, 1).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
