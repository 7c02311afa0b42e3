//! Deletes an import.

use axum::response::Response;
use http::StatusCode;

use crate::{
    domain::import::ImportId,
    graph::behavior::Behavior,
    http::{
        call::{Call, empty},
        error::ApiError,
    },
    store::operation::ImportDeletion,
};

/// Deletes the import with the key in the path. Before it is settled that withdraws it;
/// afterwards its device stays.
pub async fn delete(call: Call) -> Result<Response, ApiError> {
    call.take_no_options()?;
    let precondition = call.precondition()?;
    let deletion = match call.guid() {
        Some(id) => {
            call.store()
                .delete_import(
                    call.tenant(),
                    ImportId(id),
                    precondition,
                    call.caller.actor(),
                    call.api.clock.now(),
                )
                .await?
        }
        None => ImportDeletion::Absent,
    };
    match (call.behavior(), deletion) {
        (_, ImportDeletion::ConditionNotMet) => Err(call.condition_not_met()),
        // The live service answers 200 to the deletion of an import that never was, too.
        (Behavior::Observed, _) => Ok(empty(StatusCode::OK)),
        (Behavior::Documented, ImportDeletion::Deleted) => Ok(empty(StatusCode::NO_CONTENT)),
        (Behavior::Documented, ImportDeletion::Absent) => Err(call.absent()),
    }
}
