//! A page of devices.

use axum::response::Response;

use crate::{
    graph::{device::write_device, entity::Place, schema::EntitySet, vocabulary},
    http::{call::Call, error::ApiError, pages::Asked},
};

/// Answers a page of the tenant's devices and the link to the next.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let asked = Asked::read(&call, EntitySet::Devices, vocabulary::devices(call.version))?;
    let (store, tenant) = (call.store(), call.tenant());
    let count = if asked.counts(&call) {
        Some(store.count_devices(tenant, asked.filter()).await?)
    } else {
        None
    };
    let page = store.list_devices(tenant, asked.rows()).await?;
    asked.answer(&call, count, page, |out, device, context| {
        write_device(out, device, context, Place::Item);
    })
}
