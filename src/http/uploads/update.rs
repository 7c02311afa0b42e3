//! Changes nothing of an upload, in which nothing is the client's.

use axum::response::Response;
use http::StatusCode;

use super::upload_id;
use crate::{
    graph::{
        entity::Place,
        json as wire,
        schema::EntitySet,
        upload::{read_upload_change, write_upload},
    },
    http::{
        call::{Call, Written, json, minimal, with_etag},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
    },
};

/// Reads the change in the body, of which nothing has an effect, and answers the upload with the
/// key in the path as it is.
pub async fn update(mut call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    read_upload_change(wire::parse(&call.json_text(&body)?)?)?;
    drop(body);
    let id = upload_id(&call)?;
    let precondition = call.precondition()?;
    let found = call.store().upload(call.tenant(), id).await?;
    let upload = found.ok_or_else(|| call.absent())?;
    if !precondition.holds(upload.revision()) {
        return Err(call.condition_not_met());
    }
    let Written::Whole(status) = call.written(StatusCode::OK) else {
        let location = call.location(EntitySet::Uploads, id.0);
        return with_etag(minimal(&location)?, upload.revision());
    };
    let mut body = Vec::new();
    let context = call.write_context(level);
    write_upload(&mut body, &upload, None, &context, Place::Entity);
    with_etag(json(status, level, body), upload.revision())
}
