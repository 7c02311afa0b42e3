//! A page of devices.

use axum::response::Response;

use super::profile::{Profiles, plan_if_shown};
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
    let (page, plan) = tokio::join!(
        store.list_devices(tenant, asked.rows()),
        plan_if_shown(&call)
    );
    let page = page?;
    let expand = &asked.query.shown.expand;
    let profiles = Profiles::read(&call, plan?, expand, &page.rows).await?;
    asked.answer(&call, count, page, |out, device, context| {
        write_device(out, device, &profiles.of(device), context, Place::Item);
    })
}
