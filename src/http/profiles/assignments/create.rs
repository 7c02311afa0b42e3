//! Assigns a deployment profile to a group, or to all devices.

use axum::response::Response;
use http::{StatusCode, header};

use super::{change, location, shown};
use crate::{
    domain::assignment::Assignment,
    graph::{
        assignment::read_target,
        json as wire,
        wire_error::{Problem, WireError},
    },
    http::{
        call::{Call, Written, address, minimal},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
        profiles::profile_id,
    },
    store::profiles::AssignmentChange,
};

/// Adds the assignment in the body to the profile with the key in the path.
pub async fn create(mut call: Call) -> Result<Response, ApiError> {
    call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    let target = read_target(&wire::parse(&call.json_text(&body)?)?)?;
    drop(body);
    let target =
        target.ok_or_else(|| WireError::new(Problem::MissingProperty { name: "target" }))?;
    let profile = profile_id(&call)?;
    let wanted = AssignmentChange {
        profile,
        old: None,
        new: Some(target),
    };
    change(&call, wanted, 0).await?;
    let assignment = Assignment { profile, target };
    let location = location(&call, &assignment);
    let Written::Whole(status) = call.written(StatusCode::CREATED) else {
        return minimal(&location);
    };
    let mut response = shown(&call, status, &assignment, None)?;
    response
        .headers_mut()
        .insert(header::LOCATION, address(&location)?);
    Ok(response)
}
