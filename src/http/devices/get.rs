//! One device.

use axum::response::Response;
use http::StatusCode;

use super::profile::{Profiles, plan_if_shown};
use crate::{
    domain::device::DeviceId,
    graph::{device::write_device, entity::Place, schema::EntitySet},
    http::{
        call::{Call, json, with_etag},
        error::ApiError,
    },
};

/// Answers the device with the key in the path.
pub async fn get(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let expand = call.expansion(EntitySet::Devices)?;
    let id = DeviceId(call.guid().ok_or_else(|| call.absent())?);
    let (found, plan) = tokio::join!(call.store().device(call.tenant(), id), plan_if_shown(&call));
    let device = found?.ok_or_else(|| call.absent())?;
    let profiles = Profiles::read(&call, plan?, expand, std::slice::from_ref(&device)).await?;
    let shown = profiles.of(&device);
    let revision = shown.revision(&device);
    if let Some(instead) = call.instead_of(revision)? {
        return Ok(instead);
    }
    let mut body = Vec::new();
    write_device(
        &mut body,
        &device,
        &shown,
        &call.write_context(level),
        Place::Entity,
    );
    with_etag(json(StatusCode::OK, level, body), revision)
}
