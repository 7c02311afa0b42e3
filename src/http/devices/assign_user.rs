//! Assigns a user to a device.

use axum::response::Response;

use super::{act, read_action};
use crate::{
    graph::{device_change::read_assign_user, json as wire},
    http::{call::Call, error::ApiError},
    store::operation::DeviceAct,
};

/// Assigns the user in the body to the device with the key in the path.
pub async fn assign_user(mut call: Call) -> Result<Response, ApiError> {
    let body = read_action(&mut call).await?;
    let change = read_assign_user(&wire::parse(&call.json_text(&body)?)?, call.version)?;
    drop(body);
    act(&call, change, DeviceAct::AssignUser).await
}
