//! Deletes a deployment profile.

use axum::response::Response;
use http::StatusCode;

use super::profile_id;
use crate::{
    http::{
        call::{Call, empty},
        error::ApiError,
    },
    store::profiles::ProfileDeletion,
};

/// Deletes the profile with the key in the path. Assignments to groups have to go first, as in
/// Graph; devices that were assigned one by one are released, in steps that hold nobody up.
pub async fn delete(call: Call) -> Result<Response, ApiError> {
    call.take_no_options()?;
    let id = profile_id(&call)?;
    let precondition = call.precondition()?;
    call.meet().await;
    loop {
        // Releasing devices leaves the profile as it was.
        let step = call.store().delete_profile(
            call.tenant(),
            id,
            precondition.clone(),
            call.caller.actor(),
            call.kept_now(),
        );
        match step.await? {
            ProfileDeletion::Releasing => {}
            ProfileDeletion::Deleted => return Ok(empty(StatusCode::NO_CONTENT)),
            ProfileDeletion::Absent => return Err(call.absent()),
            ProfileDeletion::ConditionNotMet => return Err(call.condition_not_met()),
            ProfileDeletion::Assigned => {
                return Err(ApiError::bad_request(
                    "The deployment profile is assigned and can't be deleted: delete its assignments first.",
                ));
            }
        }
    }
}
