//! Deletes an upload.

use axum::response::Response;
use http::StatusCode;

use super::upload_id;
use crate::{
    graph::behavior::Behavior,
    http::{
        call::{Call, empty},
        error::ApiError,
    },
    store::operation::UploadDeletion,
};

/// How many imports a step takes out of an upload: a few milliseconds, in which others' writes wait.
const STEP_ROWS: usize = 256;

/// Deletes the upload with the key in the path. Its imports that wait are withdrawn, as deleting
/// them would; those that are settled stay, and belong to no upload then.
pub async fn delete(call: Call) -> Result<Response, ApiError> {
    call.take_no_options()?;
    let id = upload_id(&call)?;
    let mut precondition = call.precondition()?;
    loop {
        let step = call.store().delete_upload(
            call.tenant(),
            id,
            STEP_ROWS,
            // Later steps find what the first has begun.
            std::mem::take(&mut precondition),
            call.caller.actor(),
            call.api.clock.now(),
        );
        match step.await? {
            UploadDeletion::Begun => {}
            UploadDeletion::ConditionNotMet => return Err(call.condition_not_met()),
            UploadDeletion::Absent => return Err(call.absent()),
            UploadDeletion::Deleted => break,
        }
    }
    Ok(match call.behavior() {
        Behavior::Observed => empty(StatusCode::OK),
        Behavior::Documented => empty(StatusCode::NO_CONTENT),
    })
}
