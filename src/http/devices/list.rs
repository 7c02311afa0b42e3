//! A page of devices.

use axum::response::Response;
use http::StatusCode;

use crate::{
    graph::{
        behavior::Behavior,
        collection::write_collection,
        device::{ProfileShown, write_device},
        entity::Place,
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
    let page = call.store().list_devices(call.tenant(), slice).await?;
    let next = call.next_link(EntitySet::Devices, &page, |device| device.id.0);
    let context = call.write_context(level);
    let mut body = Vec::new();
    let items = page.rows.iter().map(|device| {
        move |out: &mut Vec<u8>| {
            write_device(out, device, &ProfileShown::default(), &context, Place::Item);
        }
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
