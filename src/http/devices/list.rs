//! A page of devices.

use axum::response::Response;

use super::{
    profile::{ProfileExpansion, Profiles, plan, plan_if_shown},
    veil,
};
use crate::{
    domain::{assignment::Plan, field::DeviceField},
    graph::{device::write_device, entity::Place, schema::EntitySet, vocabulary},
    http::{call::Call, error::ApiError, listing::Listing, pages::Asked},
};

/// How many devices a page has at most that each show their profile's assignments.
const DEVICES_WITH_ASSIGNMENTS: u32 = 100;

/// Answers a page of the tenant's devices and the link to the next.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let vocabulary = vocabulary::devices(call.version);
    let by_plan = DeviceField::follows_from_plan;
    let listing = Listing::of(EntitySet::Devices);
    let mut asked = Asked::read_by_clock(&call, listing, vocabulary, &[], by_plan)?;
    asked.query.filter = veil::filter(&call, asked.query.filter.take());
    let expansion = ProfileExpansion::read(&call, &asked.query.shown.expand)?;
    if expansion.shows_assignments() {
        asked.shorten(DEVICES_WITH_ASSIGNMENTS);
    }
    let (store, tenant) = (call.store(), call.tenant());
    let (count, page, plan) = if asked.names(by_plan) {
        // Rows are found by it, and shown as they were found: a later page, too, by the clock of
        // the first.
        let mut plan = plan(&call).await?;
        if let Some(instant) = asked.instant() {
            plan = plan.as_settled_until(instant);
        }
        asked.set_instant(plan.settled_until());
        let count = count(&call, &asked, plan.clone()).await?;
        let page = store.list_devices(tenant, asked.rows(), plan.clone());
        (count, page.await?, Some(plan))
    } else {
        let count = count(&call, &asked, Plan::default()).await?;
        let page = store.list_devices(tenant, asked.rows(), Plan::default());
        let (page, plan) = tokio::join!(page, plan_if_shown(&call));
        (count, page?, plan?)
    };
    let profiles = Profiles::read(&call, plan, &expansion, &page.rows).await?;
    asked.answer(&call, count, page, |out, device, context| {
        write_device(out, device, &profiles.of(device), context, Place::Item);
    })
}

async fn count(
    call: &Call,
    asked: &Asked<DeviceField>,
    plan: Plan,
) -> Result<Option<u64>, ApiError> {
    if !asked.counts(call) {
        return Ok(None);
    }
    let count = call
        .store()
        .count_devices(call.tenant(), asked.filter(), plan);
    Ok(Some(count.await?))
}
