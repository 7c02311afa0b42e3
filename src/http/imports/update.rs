//! Changes an import.

use axum::response::Response;
use http::StatusCode;

use crate::{
    domain::import::ImportId,
    graph::{
        behavior::Behavior,
        entity::Place,
        import::{read_change, write_import},
        import_state::StateShown,
        json as wire,
        schema::EntitySet,
    },
    http::{
        call::{Call, Written, json, minimal, with_etag},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
    },
    store::operation::Updated,
};

/// Changes the import with the key in the path by the properties in the body.
pub async fn update(mut call: Call) -> Result<Response, ApiError> {
    // The live service has no such method.
    if call.behavior() == Behavior::Observed {
        return Err(ApiError::no_method());
    }
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    let change = read_change(&wire::parse(&call.json_text(&body)?)?)?;
    drop(body);
    let precondition = call.precondition()?;
    let id = ImportId(call.guid().ok_or_else(|| call.absent())?);
    let updated = call
        .store()
        .update_import(
            call.tenant(),
            id,
            change,
            precondition,
            call.caller.actor(),
            call.api.clock.now(),
        )
        .await?;
    let import = match updated {
        Updated::Done(import) => import,
        Updated::Absent => return Err(call.absent()),
        Updated::ConditionNotMet => return Err(call.condition_not_met()),
        Updated::TooLate(too_late) => {
            return Err(ApiError::conflict(
                format!(
                    "The property '{}' can no longer change: the import has been processed. Only 'groupTag' and 'assignedUserPrincipalName' can.",
                    too_late.property
                ),
                Vec::new(),
            ));
        }
    };
    let Written::Whole(status) = call.written(StatusCode::OK) else {
        let location = call.location(EntitySet::Imports, id.0);
        return with_etag(minimal(&location)?, import.revision());
    };
    let mut body = Vec::new();
    let context = call.write_context(level);
    write_import(
        &mut body,
        &import,
        StateShown::Stored,
        &context,
        Place::Entity,
    );
    with_etag(json(status, level, body), import.revision())
}
