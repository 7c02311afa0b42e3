//! A page of devices.

use axum::response::Response;
use http::StatusCode;

use super::profile::{Profiles, plan_if_shown};
use crate::{
    graph::{
        behavior::Behavior, collection::write_collection, device::write_device, entity::Place,
        schema::EntitySet,
    },
    http::{
        call::{Call, json},
        error::ApiError,
    },
};

/// Answers a page of the tenant's devices and the link to the next.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let (options, slice) = call.page(EntitySet::Devices)?;
    // The live service counts devices unasked.
    let count = if options.count || call.behavior() == Behavior::Observed {
        Some(call.store().count_devices(call.tenant()).await?)
    } else {
        None
    };
    let (page, plan) = tokio::join!(
        call.store().list_devices(call.tenant(), slice),
        plan_if_shown(&call)
    );
    let page = page?;
    let profiles = Profiles::read(&call, plan?, options.expand, &page.rows).await?;
    let next = call.next_link(EntitySet::Devices, &page, |device| device.id.0);
    let context = call.write_context(level);
    let mut body = Vec::new();
    let items = page.rows.iter().map(|device| {
        let shown = profiles.of(device);
        move |out: &mut Vec<u8>| write_device(out, device, &shown, &context, Place::Item)
    });
    write_collection(
        &mut body,
        &context,
        EntitySet::Devices,
        count,
        next.as_deref(),
        items,
    );
    Ok(json(StatusCode::OK, level, body))
}
