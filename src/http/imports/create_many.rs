//! Accepts many imports in one call: all of them, or none.

use axum::response::Response;
use http::StatusCode;

use super::{Accepted, Source, accept_rows};
use crate::{
    graph::{
        collection::write_collection,
        entity::Place,
        import::{read_import_call, write_import},
        import_state::StateShown,
        json as wire,
        metadata_level::MetadataLevel,
        schema::{EntitySet, IMPORT_PARAMETER},
    },
    http::{
        call::{Call, Written, json, minimal_of_many},
        error::ApiError,
        layers::limits::IMPORT_BODY_LIMIT_BYTES,
    },
};

/// Accepts the imports in the body.
pub async fn create_many(mut call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(IMPORT_BODY_LIMIT_BYTES).await?;
    let requests = read_import_call(&wire::parse(&call.json_text(&body)?)?, call.api.max_import)?;
    drop(body);
    call.meet().await;
    let accepted = accept_rows(&call, requests, Source::Collection(IMPORT_PARAMETER)).await?;
    Ok(answer(&call, level, &accepted))
}

/// The answer that shows imports as they were accepted, to a client that wants to see them.
pub(in crate::http) fn answer(
    call: &Call,
    level: MetadataLevel,
    accepted: &[Accepted],
) -> Response {
    let Written::Whole(status) = call.written(StatusCode::OK) else {
        return minimal_of_many();
    };
    let context = call.write_context(level);
    let mut body = Vec::new();
    let items = accepted.iter().map(|(import, state)| {
        move |out: &mut Vec<u8>| {
            write_import(
                out,
                import,
                StateShown::Echoed(state),
                &context,
                Place::Item,
            );
        }
    });
    write_collection(&mut body, &context, EntitySet::Imports, None, None, items);
    json(status, level, body)
}
