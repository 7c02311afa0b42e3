//! One device.

use axum::response::Response;
use http::StatusCode;

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
    let shown = call.shown(vocabulary::devices(call.version).shape())?;
    let id = DeviceId(call.guid().ok_or_else(|| call.absent())?);
    let found = call.store().device(call.tenant(), id).await?;
    let device = found.ok_or_else(|| call.absent())?;
    let revision = device.revision();
    if let Some(instead) = call.instead_of(revision)? {
        return Ok(instead);
    }
    let mut body = Vec::new();
    let context = WriteContext {
        shown: Some(&shown),
        ..call.write_context(level)
    };
    write_device(&mut body, &device, &context, Place::Entity);
    with_etag(json(StatusCode::OK, level, body), revision)
}
