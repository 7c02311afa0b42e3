//! One device.

use axum::response::Response;
use http::StatusCode;

use crate::{
    domain::device::DeviceId,
    graph::{
        device::{ProfileShown, write_device},
        entity::Place,
    },
    http::{
        call::{Call, json},
        error::ApiError,
    },
};

/// Answers the device with the key in the path.
pub async fn get(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let id = DeviceId(call.guid().ok_or_else(|| call.absent())?);
    let found = call.store().device(call.tenant(), id).await?;
    let device = found.ok_or_else(|| call.absent())?;
    let mut body = Vec::new();
    write_device(
        &mut body,
        &device,
        &ProfileShown::default(),
        &call.write_context(level),
        Place::Entity,
    );
    Ok(json(StatusCode::OK, level, body))
}
