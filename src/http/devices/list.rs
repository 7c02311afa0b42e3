//! A page of devices.

use axum::response::Response;

use super::profile::{ProfileExpansion, Profiles, plan_if_shown};
use crate::{
    graph::{device::write_device, entity::Place, schema::EntitySet, vocabulary},
    http::{call::Call, error::ApiError, pages::Asked},
};

/// How many devices a page has at most that each show their profile's assignments.
const DEVICES_WITH_ASSIGNMENTS: u32 = 100;

/// Answers a page of the tenant's devices and the link to the next.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let mut asked = Asked::read(&call, EntitySet::Devices, vocabulary::devices(call.version))?;
    let expansion = ProfileExpansion::read(&call, &asked.query.shown.expand)?;
    if expansion.shows_assignments() {
        asked.shorten(DEVICES_WITH_ASSIGNMENTS);
    }
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
    let profiles = Profiles::read(&call, plan?, &expansion, &page.rows).await?;
    asked.answer(&call, count, page, |out, device, context| {
        write_device(out, device, &profiles.of(device), context, Place::Item);
    })
}
