//! Assigns a resource account to a device.

use axum::response::Response;

use super::{act, read_action};
use crate::{
    graph::{device_change::read_assign_resource_account, json as wire},
    http::{call::Call, error::ApiError},
    store::operation::DeviceAct,
};

/// Assigns the resource account in the body to the device with the key in the path.
pub async fn assign_resource_account(mut call: Call) -> Result<Response, ApiError> {
    let body = read_action(&mut call).await?;
    let change =
        read_assign_resource_account(&wire::parse(&call.json_text(&body)?)?, call.version)?;
    drop(body);
    act(&call, change, DeviceAct::AssignResourceAccount).await
}
