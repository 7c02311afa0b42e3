//! How many uploads there are.

use axum::response::Response;

use crate::http::{
    call::{Call, plain_number},
    error::ApiError,
    extract::accept,
};

/// Answers the number of the tenant's uploads as text.
pub async fn count(call: Call) -> Result<Response, ApiError> {
    accept::require_count(&call.headers)?;
    call.take_no_options()?;
    Ok(plain_number(
        call.store().count_uploads(call.tenant()).await?,
    ))
}
