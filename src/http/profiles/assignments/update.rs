//! Puts one assignment of a deployment profile in the place of another.

use axum::response::Response;
use http::StatusCode;

use super::{change, key, location, shown};
use crate::{
    domain::assignment::Assignment,
    graph::{assignment::read_target, json as wire},
    http::{
        call::{Call, Written, minimal},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
        profiles::find,
    },
    store::profiles::AssignmentChange,
};

/// Gives the assignment with the second key in the path the target in the body. Its key follows.
pub async fn update(mut call: Call) -> Result<Response, ApiError> {
    call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    let target = read_target(&wire::parse(&call.json_text(&body)?)?)?;
    drop(body);
    let profile = find(&call).await?.id;
    let old = key(&call, profile)?;
    let new = target.unwrap_or(old);
    let wanted = AssignmentChange {
        profile,
        old: Some(old),
        new: Some(new),
    };
    change(&call, wanted, 1).await?;
    let assignment = Assignment {
        profile,
        target: new,
    };
    match call.written(StatusCode::OK) {
        Written::Whole(status) => shown(&call, status, &assignment, None),
        Written::Minimal => minimal(&location(&call, &assignment)),
    }
}
