//! How many devices there are.

use axum::response::Response;

use crate::http::{
    call::{Call, plain_number},
    error::ApiError,
    extract::accept,
};

/// Answers the number of the tenant's devices as text.
pub async fn count(call: Call) -> Result<Response, ApiError> {
    accept::require_count(&call.headers)?;
    call.take_no_options()?;
    Ok(plain_number(
        call.store().count_devices(call.tenant()).await?,
    ))
}
