//! Accepts one import: durable first, then 201.

use axum::response::Response;
use http::{StatusCode, header};

use super::{Source, accept_rows};
use crate::{
    domain::import::Import,
    graph::{
        entity::Place,
        import::{read_create, write_import},
        import_state::{EchoedState, StateShown},
        json as wire,
        metadata_level::MetadataLevel,
        schema::EntitySet,
    },
    http::{
        call::{Call, Written, address, json, minimal, with_etag},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
    },
};

/// Accepts the import in the body. What becomes of it is the registrar's business.
pub async fn create(mut call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    let request = read_create(&wire::parse(&call.json_text(&body)?)?)?;
    drop(body);
    call.meet().await;
    let mut accepted = accept_rows(&call, vec![request], Source::Body).await?;
    let Some((import, state)) = accepted.pop() else {
        return Err(ApiError::internal("an accepted import is missing"));
    };
    answer(&call, level, &import, &state)
}

/// The answer to an accepted import.
pub(in crate::http) fn answer(
    call: &Call,
    level: MetadataLevel,
    import: &Import,
    state: &EchoedState,
) -> Result<Response, ApiError> {
    let location = call.location(EntitySet::Imports, import.id.0);
    let Written::Whole(status) = call.written(StatusCode::CREATED) else {
        return with_etag(minimal(&location)?, import.revision());
    };
    let blob = import.properties.hardware_blob.as_ref();
    let mut body = Vec::with_capacity(1024 + blob.map_or(0, |blob| blob.len_bytes() * 4 / 3));
    let context = call.write_context(level);
    write_import(
        &mut body,
        import,
        StateShown::Echoed(state),
        &context,
        Place::Entity,
    );
    let mut response = json(status, level, body);
    response
        .headers_mut()
        .insert(header::LOCATION, address(&location)?);
    with_etag(response, import.revision())
}
