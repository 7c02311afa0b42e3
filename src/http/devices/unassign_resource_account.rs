//! Takes a device's resource account away.

use axum::response::Response;

use super::{act, read_no_parameters};
use crate::{
    graph::{action::UNASSIGN_RESOURCE_ACCOUNT, device_change},
    http::{call::Call, error::ApiError},
    store::operation::DeviceAct,
};

/// Takes away the resource account of the device with the key in the path.
pub async fn unassign_resource_account(mut call: Call) -> Result<Response, ApiError> {
    read_no_parameters(&mut call, &UNASSIGN_RESOURCE_ACCOUNT).await?;
    act(
        &call,
        device_change::unassign_resource_account(),
        DeviceAct::UnassignResourceAccount,
    )
    .await
}
