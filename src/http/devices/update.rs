//! Changes a device.

use axum::response::Response;
use http::StatusCode;

use super::{
    profile::{plan_if_shown, shown_by},
    write,
};
use crate::{
    domain::device::{DeviceChange, DeviceId},
    graph::{
        behavior::Behavior,
        device::write_device,
        device_change::{names_two_directory_ids, read_device},
        entity::Place,
        json as wire,
        schema::EntitySet,
    },
    http::{
        call::{Call, Written, json, minimal, with_etag},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
    },
    store::operation::DeviceAct,
};

/// Changes the device with the key in the path by the properties in the body.
pub async fn update(mut call: Call) -> Result<Response, ApiError> {
    // The live service has no such method.
    if call.behavior() == Behavior::Observed {
        return Err(ApiError::no_method());
    }
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    let change = read_change(&call, &body).await?;
    drop(body);
    let plan = plan_if_shown(&call).await?;
    let device = write(&call, change, DeviceAct::Change).await?;
    let shown = shown_by(plan.as_ref(), &device);
    let Written::Whole(status) = call.written(StatusCode::OK) else {
        let location = call.location(EntitySet::Devices, device.id.0);
        return with_etag(minimal(&location)?, shown.revision(&device));
    };
    let mut body = Vec::new();
    write_device(
        &mut body,
        &device,
        &shown,
        &call.write_context(level),
        Place::Entity,
    );
    with_etag(json(status, level, body), shown.revision(&device))
}

async fn read_change(call: &Call, body: &[u8]) -> Result<DeviceChange, ApiError> {
    let text = call.json_text(body)?;
    let json = wire::parse(&text)?;
    if !names_two_directory_ids(&json) {
        return Ok(read_device(&json, call.version, None)?);
    }
    let id = DeviceId(call.guid().ok_or_else(|| call.absent())?);
    let device = call.store().device(call.tenant(), id).await?;
    let device = device.ok_or_else(|| call.absent())?;
    let present = &device.properties.directory_device_id;
    Ok(read_device(&json, call.version, Some(present))?)
}
