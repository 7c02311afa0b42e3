//! One import.

use axum::response::Response;
use http::StatusCode;

use crate::{
    domain::import::ImportId,
    graph::{
        entity::{Place, WriteContext},
        import::write_import,
        import_state::StateShown,
        vocabulary,
    },
    http::{
        call::{Call, json, with_etag},
        error::ApiError,
    },
};

/// Answers the import with the key in the path.
pub async fn get(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let shown = call.shown(vocabulary::imports(call.version).shape())?;
    let id = ImportId(call.guid().ok_or_else(|| call.absent())?);
    let found = call.store().import(call.tenant(), id).await?;
    let import = found.ok_or_else(|| call.absent())?;
    let revision = import.revision();
    if let Some(instead) = call.instead_of(revision)? {
        return Ok(instead);
    }
    let mut body = Vec::new();
    let context = WriteContext {
        shown: Some(&shown),
        ..call.write_context(level)
    };
    write_import(
        &mut body,
        &import,
        StateShown::Stored,
        &context,
        Place::Entity,
    );
    with_etag(json(StatusCode::OK, level, body), revision)
}
