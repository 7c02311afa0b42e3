//! Graph: windowsAutopilotDeviceIdentities. A file a verb.

pub mod allow_next_enrollment;
pub mod assign_resource_account;
pub mod assign_user;
pub mod count;
pub mod create;
pub mod delete;
pub mod delete_many;
pub mod get;
pub mod list;
pub mod profile;
pub mod unassign_resource_account;
pub mod unassign_user;
pub mod update;
pub mod update_properties;
pub mod veil;

use axum::response::Response;
use http::StatusCode;

use super::{
    call::{Call, empty},
    error::ApiError,
    extract::body::HeldBody,
    layers::limits::BODY_LIMIT_BYTES,
};
use crate::{
    domain::device::{Device, DeviceChange, DeviceId},
    graph::{action::Action, device_change::read_nothing, json as wire},
    store::operation::{DeviceAct, DeviceUpdated, DeviceWrite},
};

/// Writes to the device with the key in the path.
async fn write(call: &Call, change: DeviceChange, act: DeviceAct) -> Result<Device, ApiError> {
    call.meet().await;
    let write = DeviceWrite {
        change,
        act,
        precondition: call.precondition()?,
        actor: call.caller.actor(),
        now: call.kept_now(),
    };
    let id = DeviceId(call.guid().ok_or_else(|| call.absent())?);
    match call.store().update_device(call.tenant(), id, write).await? {
        DeviceUpdated::Done(device) => Ok(*device),
        DeviceUpdated::Absent => Err(call.absent()),
        DeviceUpdated::ConditionNotMet => Err(call.condition_not_met()),
        DeviceUpdated::Fixed(fixed) => Err(ApiError::conflict(
            format!(
                "The property '{}' can't change: it tells which hardware the device is.",
                fixed.property
            ),
            Vec::new(),
        )),
    }
}

/// Does what an action says, which answers nothing.
async fn act(call: &Call, change: DeviceChange, act: DeviceAct) -> Result<Response, ApiError> {
    write(call, change, act).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Reads the body of an action with parameters.
async fn read_action(call: &mut Call) -> Result<HeldBody, ApiError> {
    call.take_no_options()?;
    call.read_body(BODY_LIMIT_BYTES).await
}

/// Reads the body of an action without parameters: none, or an empty object.
async fn read_no_parameters(call: &mut Call, action: &'static Action) -> Result<(), ApiError> {
    let body = read_action(call).await?;
    if !body.is_empty() {
        read_nothing(&wire::parse(&call.json_text(&body)?)?, action, call.version)?;
    }
    Ok(())
}
