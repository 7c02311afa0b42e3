//! Deletes a device.

use axum::response::Response;
use http::StatusCode;
use jiff::SignedDuration;

use crate::{
    domain::device::DeviceId,
    graph::behavior::Behavior,
    http::{
        call::{Call, empty},
        error::ApiError,
    },
    store::operation::DeviceDeletion,
};

/// How long the live service says that a deletion is in progress.
const IN_PROGRESS: SignedDuration = SignedDuration::from_mins(30);

/// Deletes the device with the key in the path, which frees its hardware for any tenant.
pub async fn delete(call: Call) -> Result<Response, ApiError> {
    call.take_no_options()?;
    let precondition = call.precondition()?;
    call.meet().await;
    let now = call.api.clock.now();
    let deletion = match call.guid() {
        Some(id) => {
            call.store()
                .delete_device(
                    call.tenant(),
                    DeviceId(id),
                    precondition,
                    call.caller.actor(),
                    now,
                )
                .await?
        }
        None => DeviceDeletion::Absent,
    };
    match (call.behavior(), deletion) {
        (_, DeviceDeletion::ConditionNotMet) => Err(call.condition_not_met()),
        (Behavior::Documented, DeviceDeletion::Deleted) => Ok(empty(StatusCode::NO_CONTENT)),
        (Behavior::Observed, DeviceDeletion::Deleted) => Ok(empty(StatusCode::OK)),
        (Behavior::Documented, _) => Err(call.absent()),
        (Behavior::Observed, DeviceDeletion::DeletedBefore(at)) => {
            let phrase = if now.duration_since(at) < IN_PROGRESS {
                // Microsoft's own spelling.
                "ZtdDeviceDeletionInProgess"
            } else {
                "ZtdDeviceAlreadyDeleted"
            };
            Err(ApiError::bad_request("The device has been deleted.").with_phrase(phrase))
        }
        (Behavior::Observed, DeviceDeletion::Absent) => {
            let message = "The device is not registered.";
            Err(ApiError::bad_request(message).with_phrase("ZtdDeviceIsNotRegistered"))
        }
    }
}
