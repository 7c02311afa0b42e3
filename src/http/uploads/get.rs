//! One upload.

use axum::response::Response;
use http::StatusCode;

use super::{paging::Paged, upload_id};
use crate::{
    graph::{
        entity::Place,
        import_state::StateShown,
        query::MAX_PAGE_SIZE,
        schema::EntitySet,
        upload::{Expansion, upload_revision, write_upload},
    },
    http::{
        call::{Call, json, with_etag},
        error::ApiError,
    },
    store::operation::Slice,
};

/// Answers the upload with the key in the path, and its imports if they are asked for: as many as
/// a page of them has, with the link to the others.
pub async fn get(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let expand = call.expansion(EntitySet::Uploads)?;
    let id = upload_id(&call)?;
    let found = call.store().upload(call.tenant(), id).await?;
    let upload = found.ok_or_else(|| call.absent())?;
    let page = if expand.is_empty() {
        None
    } else {
        let slice = Slice {
            after: None,
            skip: 0,
            limit: MAX_PAGE_SIZE as usize,
        };
        let page = call.store().list_upload_imports(call.tenant(), id, slice);
        Some(page.await?)
    };
    let expansion = page.as_ref().map(|page| Expansion {
        imports: page
            .rows
            .iter()
            .map(|import| (import, StateShown::Stored))
            .collect(),
        next_link: Paged::ImportsIn(id).next_link(&call, None, page, |import| import.id.0),
    });
    let revision = upload_revision(&upload, expansion.as_ref());
    if let Some(instead) = call.instead_of(revision)? {
        return Ok(instead);
    }
    let mut body = Vec::new();
    let context = call.write_context(level);
    write_upload(
        &mut body,
        &upload,
        expansion.as_ref(),
        &context,
        Place::Entity,
    );
    with_etag(json(StatusCode::OK, level, body), revision)
}
