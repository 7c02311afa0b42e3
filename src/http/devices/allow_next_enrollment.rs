//! Lets a device enrol once more without a user.

use axum::response::Response;

use super::{act, read_no_parameters};
use crate::{
    domain::device::{DeviceChange, UserlessEnrollment},
    graph::action::ALLOW_NEXT_ENROLLMENT,
    http::{call::Call, error::ApiError},
    store::operation::DeviceAct,
};

/// Lets the device with the key in the path enrol once more without a user.
pub async fn allow_next_enrollment(mut call: Call) -> Result<Response, ApiError> {
    read_no_parameters(&mut call, &ALLOW_NEXT_ENROLLMENT).await?;
    let change = DeviceChange {
        userless_enrollment: Some(UserlessEnrollment::Allowed),
        ..DeviceChange::default()
    };
    act(&call, change, DeviceAct::AllowNextEnrollment).await
}
