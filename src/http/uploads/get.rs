//! One upload.

use axum::response::Response;
use http::StatusCode;

use super::{contents, upload_id};
use crate::{
    graph::{
        entity::{Place, WriteContext},
        query::MAX_PAGE_SIZE,
        upload::{upload_revision, write_upload},
        vocabulary,
    },
    http::{
        call::{Call, json, with_etag},
        error::ApiError,
    },
};

/// Answers the upload with the key in the path, and its imports if they are asked for: as many as
/// a page of them has, with the link to the others.
pub async fn get(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let asked = call.shown(vocabulary::uploads(call.version).shape())?;
    let expanded = contents::Asked::read(&call, &asked.expand, MAX_PAGE_SIZE)?;
    let id = upload_id(&call)?;
    let found = call.store().upload(call.tenant(), id).await?;
    let upload = found.ok_or_else(|| call.absent())?;
    let contents = match &expanded {
        Some(expanded) => Some(expanded.of(&call, id).await?),
        None => None,
    };
    let shown = expanded.as_ref().zip(contents.as_ref());
    let shown = shown.map(|(expanded, contents)| expanded.shown(contents));
    let revision = upload_revision(&upload, shown.as_ref());
    if let Some(instead) = call.instead_of(revision)? {
        return Ok(instead);
    }
    let mut body = Vec::new();
    let context = WriteContext {
        shown: Some(&asked),
        ..call.write_context(level)
    };
    write_upload(&mut body, &upload, shown.as_ref(), &context, Place::Entity);
    with_etag(json(StatusCode::OK, level, body), revision)
}
