//! Takes a device's user away.

use axum::response::Response;

use super::{act, read_no_parameters};
use crate::{
    graph::{action::UNASSIGN_USER, device_change},
    http::{call::Call, error::ApiError},
    store::operation::DeviceAct,
};

/// Takes away the user of the device with the key in the path.
pub async fn unassign_user(mut call: Call) -> Result<Response, ApiError> {
    read_no_parameters(&mut call, &UNASSIGN_USER).await?;
    act(
        &call,
        device_change::unassign_user(),
        DeviceAct::UnassignUser,
    )
    .await
}
