//! How many devices there are, or how many a filter takes.

use axum::response::Response;
use odata::Condition;

use super::{profile::plan, veil};
use crate::{
    domain::{assignment::Plan, field::DeviceField},
    graph::vocabulary,
    http::{
        call::{Call, plain_number},
        error::ApiError,
        extract::accept,
    },
};

/// Answers the number of the tenant's devices as text.
pub async fn count(call: Call) -> Result<Response, ApiError> {
    accept::require_count(&call.headers)?;
    let filter = call.count_filter(vocabulary::devices(call.version))?;
    let filter = veil::filter(&call, filter);
    let by_plan = |filter: &Condition<_>| filter.is_about(&DeviceField::follows_from_plan);
    let plan = if filter.as_ref().is_some_and(by_plan) {
        plan(&call).await?
    } else {
        Plan::default()
    };
    let count = call.store().count_devices(call.tenant(), filter, plan);
    Ok(plain_number(count.await?))
}
