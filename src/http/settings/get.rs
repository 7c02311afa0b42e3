//! The tenant's Autopilot settings.

use axum::response::Response;

use super::shown;
use crate::http::{call::Call, error::ApiError};

/// Answers the settings.
pub async fn get(call: Call) -> Result<Response, ApiError> {
    call.take_no_options()?;
    shown(&call, |revision| call.instead_of(revision)).await
}
