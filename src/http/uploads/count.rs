//! How many uploads there are, or how many a filter takes.

use axum::response::Response;

use crate::{
    graph::vocabulary,
    http::{
        call::{Call, plain_number},
        error::ApiError,
        extract::accept,
    },
};

/// Answers the number of the tenant's uploads as text.
pub async fn count(call: Call) -> Result<Response, ApiError> {
    accept::require_count(&call.headers)?;
    let filter = call.count_filter(vocabulary::uploads(call.version))?;
    let count = call.store().count_uploads(call.tenant(), filter);
    Ok(plain_number(count.await?))
}
