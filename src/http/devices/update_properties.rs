//! Updates what a device's action `updateDeviceProperties` names.

use axum::response::Response;

use super::{act, read_action};
use crate::{
    graph::{device_change::read_update_properties, json as wire, lenient_json::quote_names},
    http::{call::Call, error::ApiError},
    store::operation::DeviceAct,
};

/// Sets what the body names of the device with the key in the path. The most used PowerShell module
/// leaves the quotes of the names out.
pub async fn update_properties(mut call: Call) -> Result<Response, ApiError> {
    let body = read_action(&mut call).await?;
    let text = call.json_text(&body)?;
    let change = read_update_properties(&wire::parse(&quote_names(&text))?, call.version)?;
    drop(text);
    drop(body);
    act(&call, change, DeviceAct::UpdateProperties).await
}
