//! One device.

use axum::response::Response;
use http::StatusCode;

use super::profile::{ProfileExpansion, Profiles, plan_if_shown};
use crate::{
    domain::device::DeviceId,
    graph::{
        device::write_device,
        entity::{Place, WriteContext},
        vocabulary,
    },
    http::{
        call::{Call, json, with_etag},
        error::ApiError,
    },
};

/// Answers the device with the key in the path.
pub async fn get(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let asked = call.shown(vocabulary::devices(call.version).shape())?;
    let expansion = ProfileExpansion::read(&call, &asked.expand)?;
    let id = DeviceId(call.guid().ok_or_else(|| call.absent())?);
    let (found, plan) = tokio::join!(call.store().device(call.tenant(), id), plan_if_shown(&call));
    let device = found?.ok_or_else(|| call.absent())?;
    let profiles = Profiles::read(&call, plan?, &expansion, std::slice::from_ref(&device)).await?;
    let shown = profiles.of(&device);
    let revision = shown.revision(&device);
    if let Some(instead) = call.instead_of(revision)? {
        return Ok(instead);
    }
    let mut body = Vec::new();
    let context = WriteContext {
        shown: Some(&asked),
        ..call.write_context(level)
    };
    write_device(&mut body, &device, &shown, &context, Place::Entity);
    with_etag(json(StatusCode::OK, level, body), revision)
}
