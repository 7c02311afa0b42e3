//! Assigns devices to a deployment profile, one by one.

use axum::response::Response;
use http::StatusCode;

use super::profile_id;
use crate::{
    graph::{assignment::read_assign, json as wire},
    http::{
        call::{Call, empty},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
    },
    store::profiles::DeviceAssignment,
};

/// Assigns the devices in the body to the profile with the key in the path: all, or none.
pub async fn assign(mut call: Call) -> Result<Response, ApiError> {
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    let devices = read_assign(&wire::parse(&call.json_text(&body)?)?)?;
    drop(body);
    let id = profile_id(&call)?;
    call.meet().await;
    let assigned = call.store().assign_devices(
        call.tenant(),
        id,
        devices,
        call.caller.actor(),
        call.kept_now(),
    );
    match assigned.await? {
        DeviceAssignment::Done => Ok(empty(StatusCode::NO_CONTENT)),
        DeviceAssignment::AbsentProfile => Err(call.absent()),
        DeviceAssignment::AbsentDevice(device) => Err(ApiError::not_found(format!(
            "The device '{device}' does not exist. No device was assigned."
        ))),
    }
}
