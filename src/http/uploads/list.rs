//! A page of uploads.

use axum::response::Response;

use super::contents;
use crate::{
    graph::{entity::Place, schema::EntitySet, upload::write_upload, vocabulary},
    http::{call::Call, error::ApiError, pages::Asked},
    store::operation::Listed,
};

/// How many uploads a page has at most when their imports are asked for, so that a page stays one
/// that fits into memory.
const EXPANDED_UPLOADS: u32 = 20;
/// How many imports each of them is then shown with at most.
const EXPANDED_IMPORTS: u32 = 100;

/// Answers a page of the tenant's uploads and the link to the next.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let mut asked = Asked::read(&call, EntitySet::Uploads, vocabulary::uploads(call.version))?;
    let expand = &asked.query.shown.expand;
    let expanded = contents::Asked::read(&call, expand, EXPANDED_IMPORTS)?;
    if expanded.is_some() {
        asked.shorten(EXPANDED_UPLOADS);
    }
    let (store, tenant) = (call.store(), call.tenant());
    let count = if asked.counts(&call) {
        Some(store.count_uploads(tenant, asked.filter()).await?)
    } else {
        None
    };
    let page = store.list_uploads(tenant, asked.rows()).await?;
    let mut rows = Vec::with_capacity(page.rows.len());
    for upload in page.rows {
        let contents = match &expanded {
            Some(expanded) => Some(expanded.of(&call, upload.id).await?),
            None => None,
        };
        rows.push((upload, contents));
    }
    let page = Listed {
        rows,
        next: page.next,
    };
    asked.answer(&call, count, page, |out, (upload, contents), context| {
        let shown = expanded.as_ref().zip(contents.as_ref());
        let shown = shown.map(|(expanded, contents)| expanded.shown(contents));
        write_upload(out, upload, shown.as_ref(), context, Place::Item);
    })
}
